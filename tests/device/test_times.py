"""What the backend signed of the time is named in what is recorded after it, within one boot and never an older one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device.agent import Agent, open_agent
from device.store import log
from sync.clock import Anchor
from sync.codec import encode, read_event
from sync.intervals import time_anchor
from sync.policy import TimeAnchor
from sync.problems import BAD_SIGNATURE, UNREADABLE
from sync.protocol import PulledDocument
from sync.seal import Signer, Typ
from tests.device.field import OFFICE, Field
from tests.device.test_uplink import Office

pytestmark = pytest.mark.anyio
TRUE_MS = 1_777_881_600_000 + 3_600_000
"""The backend's clock: an hour ahead of the phone's."""
STRANGER = Signer(b"stranger".ljust(32, b"."))
DAY_MS = 86_400_000


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("phone-anna"))
    return field


class Timely(Office):
    """It says its documents at every pull."""

    def lines(self, path: str) -> bytes:
        return super().lines(path.partition("?")[0])


@pytest.fixture
def office() -> Office:
    return Timely()


@asynccontextmanager
async def opened(field: Field, office: Office) -> AsyncIterator[Agent]:
    async with open_agent(field.folder / "phone-anna", field.worlds["phone-anna"], lambda _: office) as agent:
        yield agent


@pytest.fixture
async def anna(field: Field, office: Office) -> AsyncIterator[Agent]:
    async with opened(field, office) as agent:
        yield agent


def signed(said: TimeAnchor, signer: Signer = OFFICE, typ: Typ = "ho-doc") -> PulledDocument:
    raw = encode(said)
    return PulledDocument(raw, signer.sign(raw, typ))


async def tell(agent: Agent, office: Office, *documents: PulledDocument) -> None:
    """A round in which the backend says this."""
    office.documents = documents
    await agent.sync()


async def named(agent: Agent) -> Anchor | None:
    """What an event that is recorded now names."""
    await agent.jobs.open("anna", site="site-1")
    rows = await agent.holding.store.reading(lambda con: log.events_after(con, 1, 0))
    return read_event(rows[-1][1]).at.anchor


async def test_what_is_recorded_names_the_last_signed_time_when_it_came_and_how_long_it_took(
    anna: Agent, office: Office, field: Field
) -> None:
    assert await named(anna) is None
    world = field.worlds["phone-anna"]
    before = world.mono_ms()

    def slow(request: object) -> None:
        if getattr(request, "path", "").startswith("/v1/sync/pull"):
            world.forward(700)

    office.instead = slow
    await tell(anna, office, signed(time_anchor(TRUE_MS)))
    first = await named(anna)
    assert first is not None
    assert first.id == time_anchor(TRUE_MS).id
    assert first.trip == 700
    assert before + 700 <= first.mono <= world.mono_ms()
    await tell(anna, office, signed(time_anchor(TRUE_MS + 60_000)))
    assert getattr(await named(anna), "id", "") == time_anchor(TRUE_MS + 60_000).id


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (signed(time_anchor(TRUE_MS - 1)), ""),
        (signed(time_anchor(TRUE_MS)), ""),
        (signed(time_anchor(TRUE_MS + DAY_MS), STRANGER), BAD_SIGNATURE.slug),
        (PulledDocument(encode(time_anchor(TRUE_MS + DAY_MS)), signed(time_anchor(TRUE_MS)).jws), BAD_SIGNATURE.slug),
        (PulledDocument(encode(time_anchor(TRUE_MS + DAY_MS)), ""), UNREADABLE.slug),
        (signed(TimeAnchor(version=TRUE_MS + DAY_MS, issued_at="", id=time_anchor(TRUE_MS).id)), UNREADABLE.slug),
    ],
    ids=["older", "the same again", "a stranger's", "another's signature", "not signed", "two times in one"],
)
async def test_a_time_that_is_older_or_that_the_backend_did_not_sign_is_not_taken(
    anna: Agent, office: Office, said: PulledDocument, told: str
) -> None:
    await tell(anna, office, signed(time_anchor(TRUE_MS)))
    first = await named(anna)
    await tell(anna, office, said)
    assert await named(anna) == first
    assert {one.slug for one in (await anna.status()).notices} == ({told} if told else set())


async def test_after_a_restart_of_the_device_none_is_named_until_the_next_pull_and_of_the_agent_the_same(
    office: Office, field: Field
) -> None:
    async with opened(field, office) as anna:
        await tell(anna, office, signed(time_anchor(TRUE_MS)))
        first = await named(anna)
    async with opened(field, office) as anna:
        assert await named(anna) == first
    field.worlds["phone-anna"].reboot()
    async with opened(field, office) as anna:
        assert await named(anna) is None
        await tell(anna, office, signed(time_anchor(TRUE_MS + 1)))
        assert getattr(await named(anna), "id", "") == time_anchor(TRUE_MS + 1).id


async def test_a_clock_that_is_set_changes_nothing_of_it_and_the_device_says_how_far_it_is_off(
    anna: Agent, office: Office, field: Field
) -> None:
    await tell(anna, office, signed(time_anchor(TRUE_MS)))
    first = await named(anna)
    assert abs(((await anna.status()).conversation.offset_ms or 0) - 3_600_000) < 1_000
    field.worlds["phone-anna"].wall_ms += DAY_MS
    assert await named(anna) == first
    assert abs(((await anna.status()).conversation.offset_ms or 0) - 3_600_000 + DAY_MS) < 1_000
