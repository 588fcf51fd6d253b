"""Signatures are checked while the writer works: what does not hold leaves no trace, and nobody else pays for it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from httpx import AsyncClient

from backend.config import Settings
from backend.intake import Intake
from sync.events import JobOpened
from sync.protocol import deflate
from tests.backend.people import Author, codes, words

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
EVENTS = 60
"""A push of so many is large enough for a process of its own."""


@pytest.fixture(params=[0, 1], ids=["in the server", "in a process beside it"])
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    return Settings(database=tmp_path / "handover.db", escalate_every_s=0, checkers=request.param)


def opens_jobs(author: Author) -> None:
    for _ in range(EVENTS):
        author.record("job.opened", JobOpened(roster=author.roster, party=author.person, site="north"))


async def test_an_event_whose_signature_does_not_hold_is_refused_alone(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    anna, bo = await enrolled("anna"), await enrolled("bo")
    for author in (anna, bo):
        opens_jobs(author)
    anna.events[4].jws = anna.events[5].jws

    hers, his = await asyncio.gather(anna.push(client, 2), bo.push(client, 2))

    assert words(his) == ["applied"] * EVENTS
    assert words(hers) == [*["applied"] * 3, "refused", *["applied"] * (EVENTS - 4)]
    assert set(codes(hers)) == {"", "bad-signature"}
    jobs = await intake.store.reading(lambda con: con.execute("SELECT count(*) FROM job_row").fetchone()[0])
    assert jobs == 2 * EVENTS - 1


async def test_a_push_that_does_not_lead_to_its_head_leaves_no_trace(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    anna, bo = await enrolled("anna"), await enrolled("bo")
    for author in (anna, bo):
        opens_jobs(author)
    last = len(anna.events)
    body = deflate(anna.batch(2, last).replace(b'"site":"north"', b'"site":"south"'))

    for _ in range(2):
        refused, his = await asyncio.gather(
            client.post("/v1/sync/push", content=body, headers=anna.headers), bo.push(client, 2)
        )
        assert (refused.status_code, refused.json()["type"]) == (400, "urn:handover:problem:bad-header")
        assert words(his) == ["applied"] * EVENTS
    jobs = await intake.store.reading(lambda con: con.execute("SELECT count(*) FROM job_row").fetchone()[0])
    assert jobs == EVENTS
    assert words(await anna.push(client, 2)) == ["applied"] * EVENTS


async def test_who_signed_badly_once_is_served_like_everybody_else(client: AsyncClient, enrolled: Enrol) -> None:
    anna = await enrolled("anna")
    opens_jobs(anna)
    anna.events[4].jws = anna.events[5].jws
    await anna.push(client, 2)
    first = len(anna.events) + 1
    opens_jobs(anna)
    anna.events[-1].jws = ""

    assert words(await anna.push(client, first)) == [*["applied"] * (EVENTS - 1), "refused"]
    assert words(await anna.push(client, 2, first - 1)) == [*["applied"] * 3, "refused", *["applied"] * (EVENTS - 4)]
