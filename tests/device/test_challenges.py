"""The receiver asks first: an offer that quotes the challenge was made after it, and serves once."""

import asyncio
import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from device.agent import Agent
from device.codes import Code, read_code
from device.scan import codes_in_image
from device.show import png
from device.store import challenges
from device.store.sqlite import open_store
from sync.acceptance import synthesis_of
from sync.cards import challenge_text
from sync.events import Offered
from sync.problems import (
    ACCEPTED_HERE,
    BAD_ARGUMENT,
    CHALLENGE_UNKNOWN_OR_USED,
    NOT_FOR_PARTY,
    OFFER_FROM_FUTURE,
    OFFER_LAPSED,
    ROSTER_TOO_OLD,
    Problem,
    ProblemKind,
)
from tests.device.field import PAYLOAD, POINTS, SITE_POLICY, Field
from trial.camera import photograph

pytestmark = pytest.mark.anyio
HOUR_MS = 3_600_000
STRICT = msgspec.structs.replace(SITE_POLICY, version=2, challenge=True)


class Pair:
    """Anna and Bo with a phone each, and a job of Anna's, under a policy that wants a challenge."""

    def __init__(self, field: Field, anna: Agent, bo: Agent) -> None:
        self.field, self.anna, self.bo = field, anna, bo
        self.job = ""

    async def asked(self, party: str = "") -> str:
        return challenge_text(await self.bo.challenges.ask("bo", party))

    async def offered(self, *to: str, challenge: str = "", until: str = "") -> Code:
        said = {"challenge": challenge, "until": until}
        return read_code((await self.anna.offering.offer("anna", self.job, PAYLOAD, to, **said)).texts)

    async def accept(self, code: Code) -> tuple[str, ...]:
        seen = await self.bo.accepting.look("bo", code)
        synthesis = synthesis_of("Seal first.", POINTS, seen.choices, seen.content.payload)
        return (await self.bo.accepting.accept("bo", seen, synthesis)).texts

    async def refused(self, code: Code) -> ProblemKind:
        with pytest.raises(Problem) as caught:
            await self.bo.accepting.look("bo", code)
        return caught.value.kind


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("phone-anna", "phone-bo"))
    asyncio.run(field.publish(STRICT))
    return field


@pytest.fixture
async def pair(field: Field) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        pair = Pair(field, *[await stack.enter_async_context(field.open(name)) for name in field.keys])
        pair.job = await pair.anna.jobs.open("anna", site="site-1")
        yield pair


async def test_a_strict_policy_is_met_offline_by_three_codes(pair: Pair) -> None:
    assert await pair.refused(await pair.offered("bo")) is CHALLENGE_UNKNOWN_OR_USED
    asked = await pair.asked()
    seen = photograph(png(asked), np.random.default_rng(2026))
    assert codes_in_image(Image.open(io.BytesIO(seen))) == (asked,)
    code = await pair.offered("bo", challenge=asked)
    await pair.anna.offering.confirm("anna", read_code(await pair.accept(code)))
    assert pair.anna.holding.journey(pair.job).accountable == "bo"


async def test_a_challenge_serves_one_offer_and_only_on_the_device_that_showed_it(pair: Pair) -> None:
    asked = await pair.asked()
    first, second = await pair.offered("bo", challenge=asked), await pair.offered("bo", challenge=asked)
    await pair.accept(first)
    assert await pair.refused(second) is CHALLENGE_UNKNOWN_OR_USED
    assert await pair.refused(first) is ACCEPTED_HERE, "what used it is told for what it is"
    elsewhere = challenge_text(await pair.anna.challenges.ask("anna", "north"))
    assert await pair.refused(await pair.offered("north", challenge=elsewhere)) is CHALLENGE_UNKNOWN_OR_USED


async def test_a_refusal_uses_the_challenge_too(pair: Pair) -> None:
    asked = await pair.asked()
    first, second = await pair.offered("bo", challenge=asked), await pair.offered("bo", challenge=asked)
    await pair.bo.accepting.refuse("bo", await pair.bo.accepting.look("bo", first), "no seal on the van")
    assert await pair.refused(second) is CHALLENGE_UNKNOWN_OR_USED


async def test_of_two_answers_at_once_one_uses_it_and_the_other_records_nothing(pair: Pair) -> None:
    asked = await pair.asked()
    first, second = await pair.offered("bo", challenge=asked), await pair.offered("bo", challenge=asked)
    seen = await pair.bo.accepting.look("bo", second)
    await pair.accept(first)
    held = len(pair.bo.holding.memory.shelf.standings)
    with pytest.raises(Problem) as caught:
        await pair.bo.accepting.refuse("bo", seen, "too late")
    assert caught.value.kind is CHALLENGE_UNKNOWN_OR_USED
    await pair.bo.refresh()
    assert len(pair.bo.holding.memory.shelf.standings) == held


async def test_it_outlives_a_restart_and_is_still_used_once(pair: Pair) -> None:
    asked = await pair.asked()
    first, second = await pair.offered("bo", challenge=asked), await pair.offered("bo", challenge=asked)
    async with pair.field.open("phone-bo") as again:
        seen = await again.accepting.look("bo", first)
        synthesis = synthesis_of("Seal first.", POINTS, seen.choices, seen.content.payload)
        await again.accepting.accept("bo", seen, synthesis)
    assert await pair.refused(second) is CHALLENGE_UNKNOWN_OR_USED


async def test_an_answered_challenge_settles_wrong_clocks_and_limits_but_no_old_roster(pair: Pair) -> None:
    pair.field.worlds["phone-anna"].forward(3 * HOUR_MS)
    early = await pair.offered("bo", challenge=await pair.asked())
    await pair.anna.offering.confirm("anna", read_code(await pair.accept(early)))
    await pair.field.publish(msgspec.structs.replace(STRICT, version=3, challenge=False))
    pair.job = await pair.anna.jobs.open("anna", site="site-1")
    assert await pair.refused(await pair.offered("bo")) is OFFER_FROM_FUTURE
    pair.field.worlds["phone-bo"].forward(3 * HOUR_MS)
    until = "2026-05-04T11:30:00Z"
    plain = await pair.offered("bo", until=until)
    late = await pair.offered("bo", until=until, challenge=await pair.asked())
    pair.field.pass_time(HOUR_MS)
    assert await pair.refused(plain) is OFFER_LAPSED
    await pair.bo.accepting.look("bo", late)
    pair.field.pass_time(15 * 24 * HOUR_MS)
    assert await pair.refused(late) is ROSTER_TOO_OLD


async def test_an_offer_quotes_the_challenge_of_somebody_it_is_for(pair: Pair) -> None:
    with pytest.raises(Problem) as caught:
        await pair.offered("bo", challenge=challenge_text(await pair.anna.challenges.ask("anna")))
    assert caught.value.kind is BAD_ARGUMENT
    code = await pair.offered(challenge=await pair.asked("north"))
    seen = await pair.bo.accepting.look("bo", code, party="north")
    assert isinstance(seen.offer.body, Offered)
    assert (seen.offer.body.to, seen.receiver.party) == (("north",), "north")
    with pytest.raises(Problem) as caught:
        await pair.asked("office")
    assert caught.value.kind is NOT_FOR_PARTY
    with pytest.raises(Problem) as caught:
        await pair.asked("role:technician")
    assert caught.value.kind is NOT_FOR_PARTY


async def test_nobody_uses_what_was_never_shown(field: Field) -> None:
    async with open_store(field.folder / "phone-bo") as store:

        def use(con: sqlite3.Connection) -> None:
            challenges.use(con, "never-shown", "offer", ("offer",))

        with pytest.raises(Problem) as caught:
            await store.writing(use)
    assert caught.value.kind is CHALLENGE_UNKNOWN_OR_USED
