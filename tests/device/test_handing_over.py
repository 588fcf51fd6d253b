"""Two devices, two codes, no network."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from device.accepting import Seen
from device.agent import Agent
from device.codes import read_code
from sync.acceptance import synthesis_of
from sync.events import Reservation
from sync.payload import Synthesis
from tests.device.field import PAYLOAD, POINTS, Field

pytestmark = pytest.mark.anyio


class Pair:
    """Anna and Bo with a phone each, and a job that is Anna's."""

    def __init__(self, field: Field, anna: Agent, bo: Agent, job: str) -> None:
        self.field = field
        self.anna = anna
        self.bo = bo
        self.job = job

    @staticmethod
    def read_back(seen: Seen, picked: Sequence[str] = POINTS) -> Synthesis:
        return synthesis_of("Seal first, then bleed the line.", picked, seen.choices, seen.content.payload)

    async def hand_over(self) -> str:
        """Anna offers, Bo accepts, Anna confirms: the hash of the confirmation."""
        offer = await self.anna.offering.offer("anna", self.job, PAYLOAD, ["bo"])
        seen = await self.bo.accepting.look("bo", read_code(offer.texts))
        accepted = await self.bo.accepting.accept("bo", seen, self.read_back(seen))
        return (await self.anna.offering.confirm("anna", read_code(accepted.texts))).hash


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    field = Field(tmp_path)
    await field.enrol("phone-anna", "phone-bo")
    async with AsyncExitStack() as stack:
        anna = await stack.enter_async_context(field.open("phone-anna"))
        bo = await stack.enter_async_context(field.open("phone-bo"))
        job = await anna.jobs.open("anna", site="site-1", asset="pump-7")
        yield Pair(field, anna, bo, job)


async def test_a_handover_is_finished_on_the_spot_by_two_codes(pair: Pair) -> None:
    await pair.hand_over()
    for agent in (pair.anna, pair.bo):
        await agent.refresh()
        journey = agent.holding.journey(pair.job)
        assert journey.accountable == "bo"
    (handover,) = pair.anna.holding.journey(pair.job).handovers
    assert (handover.state, handover.confirmed) == ("accepted", True)


async def test_either_device_alone_holds_the_proof_of_both_halves(pair: Pair) -> None:
    await pair.hand_over()
    for agent in (pair.anna, pair.bo):
        (handover,) = agent.holding.journey(pair.job).handovers
        assert {handover.offer.log, handover.accepted[0].log} == {pair.anna.holding.row.log, pair.bo.holding.row.log}


async def test_accountability_moves_only_on_acceptance(pair: Pair) -> None:
    offer = await pair.anna.offering.offer("anna", pair.job, PAYLOAD, ["bo"])
    await pair.bo.accepting.look("bo", read_code(offer.texts))
    assert pair.anna.holding.journey(pair.job).accountable == "anna"


async def test_what_is_shown_as_reserved_stays_with_the_sender(pair: Pair) -> None:
    offer = await pair.anna.offering.offer("anna", pair.job, PAYLOAD, ["bo"])
    seen = await pair.bo.accepting.look("bo", read_code(offer.texts))
    await pair.bo.accepting.accept("bo", seen, pair.read_back(seen), reservations=[Reservation(item="seal", counted=0)])
    (handover,) = pair.bo.holding.journey(pair.job).handovers
    assert handover.reserved
