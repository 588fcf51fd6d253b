"""A shift goes over in one code: several jobs, answered job by job, and taken back by one code."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from device.accepting import Seen, Unfit
from device.agent import Agent
from device.codes import Code, Shown, read_code
from device.shift import Together
from sync.acceptance import synthesis_of
from sync.base45 import b45
from sync.cards import challenge_text
from sync.codec import read_event, write_event
from sync.events import Accepted, CodeWitnessed, Draft, Offered, Refused
from sync.payload import NextAction, Payload
from sync.policy import GUEST
from sync.problems import (
    ACCEPTED_HERE,
    BAD_ARGUMENT,
    BAD_SIGNATURE,
    CHALLENGE_UNKNOWN_OR_USED,
    CODE_TEXT_MALFORMED,
    ELEMENT_MISSING,
    NOT_ACCOUNTABLE,
    NOT_FOR_PARTY,
    NOT_FOUND,
    NOT_MY_OFFER,
    OTHER_OFFER,
    POINTS_NOT_ACKNOWLEDGED,
    ROSTER_TOO_OLD,
    SUPERSEDED,
    WRONG_REFERENCE,
    Problem,
    ProblemKind,
)
from sync.qr import PartsCollector, SignedEvent, encode_frame
from sync.seal import signature_in
from tests.device.field import PAYLOAD, POINTS, SITE_POLICY, Field, unknown_hash

pytestmark = pytest.mark.anyio
DAY_MS = 24 * 3_600_000


class Crew:
    """Anna and Bo with a phone each, Cy at another site; three jobs are Anna's."""

    def __init__(self, field: Field, agents: list[Agent]) -> None:
        self.field = field
        self.anna, self.bo = agents[:2]
        self.jobs: list[str] = []

    async def offer(self, *to: str, **said: str) -> Together:
        return await self.anna.shift.offer("anna", dict.fromkeys(self.jobs, PAYLOAD), to or ("bo",), **said)

    async def accept(self, code: Code, job: str, picked: tuple[str, ...] = POINTS, words: str = "Seal first.") -> Shown:
        seen = await self.bo.accepting.look("bo", code, which=job)
        synthesis = synthesis_of(words, picked, seen.choices, seen.content.payload)
        return await self.bo.accepting.accept("bo", seen, synthesis)

    async def refuse(self, code: Code, job: str) -> Shown:
        seen = await self.bo.accepting.look("bo", code, which=job)
        return await self.bo.accepting.refuse("bo", seen, "no seal on the van")

    async def answer_all(self, code: Code) -> Code:
        """The first and the third accepted, the second refused, in one code."""
        await self.accept(code, self.jobs[0])
        await self.refuse(code, self.jobs[1])
        return read_code((await self.accept(code, self.jobs[2])).texts)


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("phone-anna", "phone-bo"))
    return field


@pytest.fixture
async def crew(field: Field) -> AsyncIterator[Crew]:
    async with AsyncExitStack() as stack:
        crew = Crew(field, [await stack.enter_async_context(field.open(name)) for name in field.keys])
        crew.jobs = [await crew.anna.jobs.open("anna", site="site-1", asset=f"pump-{n}") for n in range(3)]
        yield crew


async def kind_of(act: object) -> ProblemKind:
    with pytest.raises(Problem) as caught:
        await act  # type: ignore[misc]  # any awaitable
    return caught.value.kind


def noise(number: int) -> str:
    """473 characters that no dictionary makes shorter than 355 bytes."""
    return "".join(unknown_hash(f"{number} {part}") for part in range(11))


def own(agent: Agent, kind: str) -> int:
    """How many events of this kind the device has recorded."""
    standings = agent.holding.memory.shelf.standings.values()
    return sum(one.event.log == agent.holding.row.log and one.event.kind == kind for one in standings)


def states(agent: Agent, jobs: list[str]) -> list[tuple[str, str, bool]]:
    """Of each job: who answers for it, how its handover stands, and if it is confirmed."""
    journeys = [agent.holding.journey(job) for job in jobs]
    return [(one.accountable, one.handovers[0].state, one.handovers[0].confirmed) for one in journeys]


# -- a shift -----------------------------------------------------------------------
async def test_a_shift_is_one_code_answered_job_by_job_and_taken_back_by_one_code(crew: Crew) -> None:
    together = await crew.offer()
    code = read_code(together.shown.texts)
    assert [read_event(one.raw).kind for one in code.frame.events] == [*["job.opened"] * 3, *["handover.offered"] * 3]
    found = await crew.bo.accepting.look_each("bo", code)
    assert [(type(one), one.offer.job) for one in found] == [(Seen, job) for job in crew.jobs]
    assert {one.standing for one in found if isinstance(one, Seen)} == {"proven"}
    answers = await crew.anna.shift.take_back("anna", await crew.answer_all(code))
    assert [(one.job, one.kind, one.problem) for one in answers] == [
        (crew.jobs[0], "handover.accepted", None),
        (crew.jobs[1], "handover.refused", None),
        (crew.jobs[2], "handover.accepted", None),
    ]
    assert states(crew.anna, crew.jobs) == [
        ("bo", "accepted", True),
        ("anna", "refused", False),
        ("bo", "accepted", True),
    ]
    for agent in (crew.anna, crew.bo):
        assert own(agent, "code.witnessed") == 1, "one code is kept once, however many jobs it holds"


async def test_each_job_keeps_an_offer_and_an_answer_of_its_own(crew: Crew) -> None:
    together = await crew.offer()
    assert list(together.offers) == crew.jobs
    answers = await crew.answer_all(read_code(together.shown.texts))
    bodies = [read_event(one.raw).body for one in answers.frame.events]
    assert [type(body) for body in bodies] == [Accepted, Refused, Accepted]
    named = [body.offer for body in bodies if isinstance(body, Accepted | Refused)]
    assert named == list(together.offers.values())
    assert own(crew.anna, "handover.offered") == len(crew.jobs)


async def test_the_witness_is_kept_in_the_transaction_of_the_first_answer(crew: Crew) -> None:
    code = read_code((await crew.offer()).shown.texts)
    shown = await crew.accept(code, crew.jobs[1])
    answer = crew.bo.holding.event(shown.event)
    held = crew.bo.holding.memory.shelf.standings.values()
    (witness,) = [one.event for one in held if isinstance(one.event.body, CodeWitnessed)]
    assert (witness.seq, witness.at) == (answer.seq - 1, answer.at)
    assert states(crew.bo, crew.jobs) == [
        ("anna", "offered", False),
        ("bo", "accepted", False),
        ("anna", "offered", False),
    ], "all that was witnessed is known"


# -- one bad job holds up no other -----------------------------------------------------
async def test_a_job_that_cannot_be_offered_stays_behind_and_the_others_are_shown(crew: Crew) -> None:
    strange = await crew.bo.jobs.open("bo", site="site-1")
    payloads = {crew.jobs[0]: PAYLOAD, unknown_hash()[:22]: PAYLOAD, crew.jobs[1]: Payload(state="in_progress")}
    together = await crew.anna.shift.offer("anna", payloads, ["bo"])
    assert [one.problem.kind for one in together.left] == [NOT_FOUND, ELEMENT_MISSING]
    assert list(together.offers) == [crew.jobs[0]]
    assert len(read_code(together.shown.texts).frame.events) == 2
    assert await kind_of(crew.bo.shift.offer("bo", {strange: Payload()}, ["anna"])) is ELEMENT_MISSING
    assert own(crew.bo, "handover.offered") == 0


async def test_an_offer_that_no_longer_stands_holds_up_none_beside_it(crew: Crew) -> None:
    code = read_code((await crew.offer()).shown.texts)
    await crew.accept(code, crew.jobs[0])
    seen = await crew.bo.accepting.look_each("bo", code)
    assert [one.problem.kind if isinstance(one, Unfit) else None for one in seen] == [ACCEPTED_HERE, None, None]
    await crew.refuse(code, crew.jobs[1])
    answers = read_code((await crew.accept(code, crew.jobs[2])).texts)
    assert [one.problem for one in await crew.anna.shift.take_back("anna", answers)] == [None] * 3


async def test_a_job_that_the_sender_no_longer_answers_for_holds_up_none_beside_it(crew: Crew) -> None:
    """Anna has not seen yet that Bo took one of them, and offers all three once more."""
    code = read_code((await crew.offer()).shown.texts)
    await crew.accept(code, crew.jobs[0])
    again = await crew.offer()
    found = await crew.bo.accepting.look_each("bo", read_code(again.shown.texts))
    assert [one.problem.kind if isinstance(one, Unfit) else None for one in found] == [SUPERSEDED, None, None]
    await crew.accept(read_code(again.shown.texts), crew.jobs[1])
    assert crew.bo.holding.journey(crew.jobs[1]).accountable == "bo"


async def test_an_offer_that_was_never_to_be_made_holds_up_none_beside_it(crew: Crew) -> None:
    first = await crew.anna.offering.offer("anna", crew.jobs[0], PAYLOAD, ["bo"])
    bad = forged(crew, msgspec.structs.replace(PAYLOAD, state=None))
    whole = read_code(first.texts)
    frame = msgspec.structs.replace(whole.frame, events=(*whole.frame.events, bad))
    code = Code(raw=encode_frame(frame), frame=frame)
    found = await crew.bo.accepting.look_each("bo", code)
    assert [one.problem.kind if isinstance(one, Unfit) else None for one in found] == [None, NOT_ACCOUNTABLE]
    await crew.accept(code, first.event)
    assert crew.bo.holding.journey(crew.jobs[0]).accountable == "bo"


def forged(crew: Crew, payload: Payload) -> SignedEvent:
    """An offer that Anna's app would not make, signed with her key."""
    here = crew.anna.holding
    reference, policy = here.memory.policies()[SITE_POLICY.boundary]
    body = Offered(
        roster=here.roster(),
        basis=here.node(crew.jobs[0]).hash,
        sender="anna",
        to=("bo",),
        boundary=policy.boundary,
        policy=reference,
        payload=payload,
    )
    draft = Draft(kind="handover.offered", actor="anna", body=body, job=crew.jobs[0])
    raw = write_event(draft, log=here.row.log, seq=99, at=here.world.moment())
    return SignedEvent(raw, signature_in(here.signer.sign(raw, "ho-event")))


async def test_an_answer_that_does_not_count_holds_up_none_beside_it(crew: Crew) -> None:
    code = read_code((await crew.offer()).shown.texts)
    await crew.accept(code, crew.jobs[0], picked=POINTS[:1])
    answers = read_code((await crew.accept(code, crew.jobs[1])).texts)
    first, second = await crew.anna.shift.take_back("anna", answers)
    assert first.problem is not None
    assert (first.problem.kind, first.job, first.recorded) == (POINTS_NOT_ACKNOWLEDGED, crew.jobs[0], "")
    assert (second.problem, bool(second.recorded)) == (None, True)
    assert states(crew.anna, crew.jobs[1:2]) == [("bo", "accepted", True)]


async def test_what_is_wrong_with_the_whole_code_is_said_once_and_nothing_is_recorded(crew: Crew) -> None:
    code = read_code((await crew.offer()).shown.texts)
    answers = await crew.answer_all(code)
    forged = bytearray(answers.raw)
    forged[9] ^= 1
    assert await kind_of(crew.anna.shift.take_back("anna", read_code(["HO1:" + b45(bytes(forged))]))) is BAD_SIGNATURE
    assert own(crew.anna, "code.witnessed") == 0
    assert await kind_of(crew.bo.shift.take_back("bo", answers)) is NOT_MY_OFFER
    other = (await crew.offer()).offers[crew.jobs[0]]
    assert await kind_of(crew.anna.shift.take_back("anna", answers, offer=other)) is OTHER_OFFER


async def test_answers_taken_back_again_are_no_error_and_record_nothing_whatever_is_known_by_now(crew: Crew) -> None:
    answers = await crew.answer_all(read_code((await crew.offer()).shown.texts))
    first = await crew.anna.shift.take_back("anna", answers)
    again = await crew.anna.shift.take_back("anna", answers)
    assert [one.recorded for one in again] == [first[0].recorded, "", first[2].recorded]
    crew.field.pass_time(15 * DAY_MS)
    late = await crew.anna.shift.take_back("anna", answers)
    assert [one.problem.kind if one.problem else one.recorded for one in late] == [
        first[0].recorded,
        ROSTER_TOO_OLD,
        first[2].recorded,
    ]


async def test_a_patient_policy_waits_for_no_stricter_one_in_its_code(crew: Crew) -> None:
    strict = msgspec.structs.replace(SITE_POLICY, boundary="strict", roster_blocks_days=3)
    await crew.field.publish(strict)
    first = await crew.anna.offering.offer("anna", crew.jobs[0], PAYLOAD, ["bo"], boundary="strict")
    second = await crew.anna.offering.offer("anna", crew.jobs[1], PAYLOAD, ["bo"], boundary=SITE_POLICY.boundary)
    code = read_code((await crew.anna.codes.show(first.event, second.event)).texts)
    crew.field.pass_time(5 * DAY_MS)
    found = await crew.bo.accepting.look_each("bo", code)
    assert [one.problem.kind if isinstance(one, Unfit) else one.stale for one in found] == [ROSTER_TOO_OLD, True]
    await crew.accept(code, crew.jobs[1])
    crew.field.pass_time(10 * DAY_MS)
    assert await kind_of(crew.bo.accepting.look_each("bo", code)) is ROSTER_TOO_OLD


# -- which -------------------------------------------------------------------------
async def test_where_a_code_holds_several_jobs_it_is_said_which(crew: Crew) -> None:
    together = await crew.offer()
    code = read_code(together.shown.texts)
    assert await kind_of(crew.bo.accepting.look("bo", code)) is BAD_ARGUMENT
    assert await kind_of(crew.bo.accepting.look("bo", code, which="elsewhere")) is NOT_FOUND
    for which in (crew.jobs[1], together.offers[crew.jobs[1]]):
        assert (await crew.bo.accepting.look("bo", code, which=which)).offer.job == crew.jobs[1]
    answers = await crew.answer_all(code)
    assert await kind_of(crew.anna.offering.confirm("anna", answers)) is BAD_ARGUMENT


async def test_offers_and_answers_are_shown_again_together_and_never_mixed(crew: Crew) -> None:
    together = await crew.offer()
    offers = list(together.offers.values())
    assert (await crew.anna.codes.show(*offers)).texts == together.shown.texts
    assert (await crew.anna.codes.show(*reversed(offers))).texts == together.shown.texts
    shown = await crew.accept(read_code(together.shown.texts), crew.jobs[0])
    back = await crew.bo.offering.offer("bo", crew.jobs[0], PAYLOAD, ["anna"])
    assert await kind_of(crew.bo.codes.show(shown.event, back.event)) is WRONG_REFERENCE


async def test_an_answer_that_was_changed_by_a_later_one_is_not_shown_any_more(crew: Crew) -> None:
    code = read_code((await crew.offer()).shown.texts)
    await crew.refuse(code, crew.jobs[0])
    await crew.accept(code, crew.jobs[0])
    shown = await crew.refuse(code, crew.jobs[1])
    kinds = [read_event(one.raw).kind for one in read_code(shown.texts).frame.events]
    assert kinds == ["handover.accepted", "handover.refused"]


# -- challenge, guests, teams ------------------------------------------------------------
async def test_one_challenge_serves_all_jobs_of_one_code_and_no_other(crew: Crew) -> None:
    await crew.field.publish(msgspec.structs.replace(SITE_POLICY, version=2, challenge=True))
    asked = challenge_text(await crew.bo.challenges.ask("bo"))
    code = read_code(
        (await crew.anna.shift.offer("anna", dict.fromkeys(crew.jobs, PAYLOAD), (), challenge=asked)).shown.texts
    )
    answers = await crew.answer_all(code)
    assert {one.problem for one in await crew.anna.shift.take_back("anna", answers)} == {None}
    later = await crew.anna.offering.offer("anna", crew.jobs[1], PAYLOAD, [], challenge=asked)
    assert await kind_of(crew.bo.accepting.look("bo", read_code(later.texts))) is CHALLENGE_UNKNOWN_OR_USED


async def test_all_of_a_shift_goes_to_one_guest(crew: Crew) -> None:
    together = await crew.anna.shift.offer("anna", dict.fromkeys(crew.jobs, PAYLOAD), ())
    bodies = [crew.anna.holding.event(hash_).body for hash_ in together.offers.values()]
    (party,) = {body.to for body in bodies if isinstance(body, Offered)}
    assert party[0].startswith(GUEST)


async def test_who_does_not_act_for_a_job_does_not_offer_it(crew: Crew) -> None:
    await crew.accept(read_code((await crew.offer()).shown.texts), crew.jobs[0])
    assert await kind_of(crew.bo.shift.offer("bo", {crew.jobs[1]: PAYLOAD}, ["anna"])) is NOT_FOR_PARTY


# -- parts, both ways ------------------------------------------------------------------
def shuffled(texts: tuple[str, ...], seed: int) -> list[str]:
    """The same in another order, some of them twice."""
    rng = random.Random(seed)
    return rng.sample(texts, len(texts)) + rng.sample(texts, 1)


@pytest.mark.parametrize("seed", range(3))
async def test_offers_and_answers_in_parts_are_read_in_any_order_and_between_those_of_another_code(
    crew: Crew, seed: int
) -> None:
    wordy = msgspec.structs.replace(PAYLOAD, next_actions=tuple(NextAction(what=noise(part)) for part in range(3)))
    texts = (await crew.anna.shift.offer("anna", dict.fromkeys(crew.jobs, wordy), ["bo"])).shown.texts
    others = (await crew.anna.shift.offer("anna", dict.fromkeys(crew.jobs[:2], wordy), ["bo"])).shown.texts
    assert min(len(texts), len(others)) > 1
    rng = random.Random(seed)
    read = {True: 0, False: 0}
    collector, wholes = PartsCollector(), set()
    mixed = [(True, text) for text in shuffled(texts, seed)] + [(False, text) for text in shuffled(others, seed)]
    for mine, text in rng.sample(mixed, len(mixed)):
        collector = collector.take(text)
        read[mine] += 1
        wholes.add(collector.frame())
    assert wholes - {None} == {read_code(texts).raw, read_code(others).raw}
    code = read_code(shuffled(texts, seed))
    with pytest.raises(Problem) as caught:
        read_code([*others, *texts[1:]])
    assert (caught.value.kind, "part 1" in caught.value.detail) == (CODE_TEXT_MALFORMED, True)
    picked = tuple(action.what for action in wordy.next_actions) + POINTS[2:]
    words = "".join(noise(part) for part in range(3, 6))
    shown = [await crew.accept(code, job, picked, words) for job in crew.jobs][-1]
    assert len(shown.texts) > 1
    answers = read_code(shuffled(shown.texts, seed))
    assert {one.problem for one in await crew.anna.shift.take_back("anna", answers)} == {None}
    assert [one[0] for one in states(crew.anna, crew.jobs)] == ["bo"] * 3


async def test_a_shift_too_large_for_any_code_is_recorded_once_and_goes_by_sync(crew: Crew) -> None:
    payloads = {
        job: msgspec.structs.replace(PAYLOAD, next_actions=tuple(NextAction(what=noise(n * 20 + i)) for i in range(20)))
        for n, job in enumerate(crew.jobs)
    }
    together = await crew.anna.shift.offer("anna", payloads, ["bo"])
    assert (together.shown.texts, len(together.offers)) == ((), 3)
    (first, *_) = together.offers.values()
    assert (await crew.anna.codes.show(first)).texts, "one by one they can be shown"
