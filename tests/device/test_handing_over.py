"""Two devices, two codes, no network: handed over on the spot, or refused with the reason that comes first."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.accepting import Seen
from device.agent import Agent
from device.codes import read_code
from sync.acceptance import synthesis_of
from sync.base45 import b45, unb45
from sync.events import Accepted, CodeWitnessed, JobPlanned, Offered, Reservation
from sync.payload import ItemCount, NextAction, Payload, Synthesis
from sync.policy import GUEST, Accept, Device
from sync.problems import (
    ACCEPTED_BY_ANOTHER,
    ACCEPTED_HERE,
    ALREADY_ANSWERED,
    BAD_ARGUMENT,
    BAD_SIGNATURE,
    CLOCK_BEFORE_ROSTER,
    CODE_INFLATES_TOO_FAR,
    CODE_MALFORMED,
    CODE_TEXT_MALFORMED,
    CODE_VERSION_UNSUPPORTED,
    ELEMENT_MISSING,
    KEY_REVOKED,
    NOT_ADDRESSED,
    NOT_ENTITLED,
    NOT_FOR_PARTY,
    NOT_FOUND,
    NOT_MY_OFFER,
    NOT_OUR_CODE,
    OFFER_LAPSED,
    OTHER_OFFER,
    OWN_OFFER,
    POINTS_NOT_ACKNOWLEDGED,
    ROSTER_TOO_OLD,
    SUPERSEDED,
    SYNTHESIS_MISSING,
    UNKNOWN_KEY,
    WRONG_HOLDER,
    WRONG_REFERENCE,
    WRONG_SITE,
    WRONG_TYPE_OF_CODE,
    Problem,
    ProblemKind,
)
from tests.device.field import PAYLOAD, PEOPLE, POINTS, SITE_POLICY, Field, unknown_hash

pytestmark = pytest.mark.anyio
DAY_MS = 24 * 3_600_000


def read_it_back(seen: Seen, picked: Sequence[str] = POINTS) -> Synthesis:
    return synthesis_of("Seal first, then bleed the line.", picked, seen.choices, seen.content.payload)


class Crew:
    """Everybody's device, open, and a job that is Anna's; `shared` is the handheld of Anna and Eve."""

    def __init__(self, field: Field, agents: dict[str, Agent]) -> None:
        self.field = field
        self.anna, self.bo, self.cy = agents["phone-anna"], agents["phone-bo"], agents["phone-cy"]
        self.shared = agents["shared"]
        self.job = ""

    async def offer(self, *to: str, payload: Payload = PAYLOAD, **said: str) -> tuple[str, ...]:
        return (await self.anna.offering.offer("anna", self.job, payload, to or ["bo"], **said)).texts

    async def accept(self, texts: Sequence[str], picked: Sequence[str] = POINTS) -> tuple[str, ...]:
        seen = await self.bo.accepting.look("bo", read_code(texts))
        return (await self.bo.accepting.accept("bo", seen, read_it_back(seen, picked))).texts

    async def hand_over(self) -> None:
        accepted = await self.accept(await self.offer())
        await self.anna.offering.confirm("anna", read_code(accepted))


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("phone-anna", "phone-bo", "phone-cy", "shared"))
    return field


@pytest.fixture
async def crew(field: Field) -> AsyncIterator[Crew]:
    async with AsyncExitStack() as stack:
        agents = {name: await stack.enter_async_context(field.open(name)) for name in field.keys}
        crew = Crew(field, agents)
        crew.job = await crew.anna.jobs.open("anna", site="site-1", asset="pump-7")
        yield crew


def kinds(agent: Agent) -> list[str]:
    (job,) = agent.holding.memory.jobs()
    return [event.kind for event in agent.holding.journey(job).timeline]


# -- two phones ----------------------------------------------------------------
async def test_a_handover_is_finished_on_the_spot_by_two_codes(crew: Crew) -> None:
    await crew.hand_over()
    for agent in (crew.anna, crew.bo):
        await agent.refresh()
        assert agent.holding.journey(crew.job).accountable == "bo"
    (handover,) = crew.anna.holding.journey(crew.job).handovers
    assert (handover.state, handover.confirmed) == ("accepted", True)


async def test_each_device_holds_both_halves_and_its_scan_in_one_transaction_with_the_answer(crew: Crew) -> None:
    await crew.hand_over()
    for agent in (crew.anna, crew.bo):
        (handover,) = agent.holding.journey(crew.job).handovers
        assert {handover.offer.log, handover.accepted[0].log} == {crew.anna.holding.row.log, crew.bo.holding.row.log}
        own = [
            one.event for one in agent.holding.memory.shelf.standings.values() if one.event.log == agent.holding.row.log
        ]
        (witness,) = [event for event in own if isinstance(event.body, CodeWitnessed)]
        answer = next(event for event in own if event.seq == witness.seq + 1)
        assert answer.kind in ("handover.accepted", "handover.confirmed")
        assert answer.at == witness.at


async def test_an_offer_brings_the_opening_that_the_receiver_lacks(crew: Crew) -> None:
    seen = await crew.bo.accepting.look("bo", read_code(await crew.offer()))
    assert [event.kind for event in seen.events] == ["job.opened", "handover.offered"]
    assert seen.standing == "proven"


async def test_accountability_moves_only_on_acceptance(crew: Crew) -> None:
    await crew.bo.accepting.look("bo", read_code(await crew.offer()))
    assert crew.anna.holding.journey(crew.job).accountable == "anna"
    assert crew.bo.holding.memory.jobs() == (), "looking records nothing"


async def test_a_handover_goes_on_from_hand_to_hand(crew: Crew) -> None:
    await crew.hand_over()
    back = await crew.bo.offering.offer("bo", crew.job, PAYLOAD, ["north"])
    seen = await crew.anna.accepting.look("anna", read_code(back.texts))
    assert seen.receiver.party == "north"
    accepted = await crew.anna.accepting.accept("anna", seen, read_it_back(seen))
    await crew.bo.offering.confirm("bo", read_code(accepted.texts))
    assert crew.bo.holding.journey(crew.job).accountable == "north"


async def test_with_no_network_nobody_accepts_at_a_site_or_under_an_entitlement_that_the_roster_does_not_give_him(
    crew: Crew,
) -> None:
    strict = Accept(roles=("technician",), scope=True, entitlement=True)
    await crew.field.publish(msgspec.structs.replace(SITE_POLICY, version=2, accept=strict))
    gold = await crew.anna.jobs.open("anna", site="site-1", entitlement="gold")
    offers = {}
    for job, taker in ((crew.job, "cy"), (gold, "bo")):
        agent = crew.cy if taker == "cy" else crew.bo
        offers[taker] = await crew.anna.offering.offer("anna", job, PAYLOAD, [taker])
        seen = await agent.accepting.look(taker, read_code(offers[taker].texts))
        with pytest.raises(Problem) as caught:
            await agent.accepting.accept(taker, seen, read_it_back(seen))
        assert caught.value.kind is NOT_ENTITLED
        assert agent.holding.memory.jobs() == (), "nothing is recorded"
    await crew.hand_over()
    may = msgspec.structs.replace(PEOPLE["bo"], entitlements=("gold",))
    await crew.field.publish(crew.field.roster(people={"bo": may}))
    seen = await crew.bo.accepting.look("bo", read_code(offers["bo"].texts))
    await crew.bo.accepting.accept("bo", seen, read_it_back(seen))
    assert crew.bo.holding.journey(gold).accountable == "bo"


async def test_a_confirmation_of_the_same_acceptance_again_is_no_error_and_records_nothing(crew: Crew) -> None:
    accepted = await crew.accept(await crew.offer())
    first = await crew.anna.offering.confirm("anna", read_code(accepted))
    assert await crew.anna.offering.confirm("anna", read_code(accepted)) == first


async def test_a_confirmed_acceptance_scanned_again_is_no_error_whatever_is_known_by_now(crew: Crew) -> None:
    await crew.field.publish(msgspec.structs.replace(SITE_POLICY, version=2, accept=Accept()))
    offer = await crew.anna.offering.offer("anna", crew.job, PAYLOAD, ["bo", "eve"])
    accepted = await crew.accept(offer.texts)
    first = await crew.anna.offering.confirm("anna", read_code(accepted))
    await crew.shared.switch("eve", "1907")
    seen = await crew.shared.accepting.look("eve", read_code(offer.texts))
    other = await crew.shared.accepting.accept("eve", seen, read_it_back(seen))
    assert await kind_of(crew.anna.offering.confirm("anna", read_code(other.texts))) is ACCEPTED_BY_ANOTHER
    crew.field.pass_time(15 * DAY_MS)
    assert await crew.anna.offering.confirm("anna", read_code(accepted)) == first
    assert await crew.anna.offering.confirm("anna", first_accepted(crew)) == first
    assert await kind_of(crew.anna.offering.confirm("anna", read_code(other.texts))) is ROSTER_TOO_OLD


def first_accepted(crew: Crew) -> str:
    (handover,) = crew.anna.holding.journey(crew.job).handovers
    return handover.accepted[0].hash


async def test_the_policy_of_an_offer_says_how_old_a_roster_may_be_that_its_acceptance_is_judged_by(crew: Crew) -> None:
    await crew.field.publish(msgspec.structs.replace(SITE_POLICY, version=2, roster_blocks_days=30))
    accepted = await crew.accept(await crew.offer())
    crew.field.pass_time(20 * DAY_MS)
    await crew.anna.offering.confirm("anna", read_code(accepted))
    assert crew.anna.holding.journey(crew.job).handovers[0].confirmed


async def test_what_was_not_received_stays_with_the_sender_until_the_receiver_scans_it(crew: Crew) -> None:
    payload = msgspec.structs.replace(PAYLOAD, items=(ItemCount(id="seal", expected=2, counted=2),))
    await crew.anna.jobs.scan_item("anna", crew.job, "seal", "loaded", qty=2)
    seen = await crew.bo.accepting.look("bo", read_code(await crew.offer(payload=payload)))
    reserved = [Reservation(item="seal", counted=0)]
    accepted = await crew.bo.accepting.accept("bo", seen, read_it_back(seen), reservations=reserved)
    await crew.anna.offering.confirm("anna", read_code(accepted.texts))
    (handover,) = crew.bo.holding.journey(crew.job).handovers
    assert handover.reserved
    for agent, has_it in ((crew.anna, "anna"), (crew.bo, "")):  # Bo knows of no scan that shows where they are
        (item,) = agent.holding.journey(crew.job).items
        assert (item.reserved, item.with_party) == (2, has_it)
    for unknown in (unknown_hash(), handover.offer.hash):
        scan = crew.bo.jobs.scan_item("bo", crew.job, "seal", "loaded", reservation=unknown)
        assert await kind_of(scan) is NOT_FOUND
    await crew.bo.jobs.scan_item("bo", crew.job, "seal", "loaded", qty=2, reservation=accepted.event)
    (item,) = crew.bo.holding.journey(crew.job).items
    assert (item.reserved, item.with_party) == (0, "bo")


async def test_a_refusal_leaves_accountability_and_both_sides_know(crew: Crew) -> None:
    seen = await crew.bo.accepting.look("bo", read_code(await crew.offer()))
    refusal = await crew.bo.accepting.refuse("bo", seen, "no seal on the van")
    kept = await crew.anna.offering.witness("anna", read_code(refusal.texts))
    assert kept is not None
    (handover,) = crew.anna.holding.journey(crew.job).handovers
    assert (handover.state, crew.anna.holding.journey(crew.job).accountable) == ("refused", "anna")
    assert await crew.anna.offering.witness("anna", read_code(refusal.texts)) is None


async def test_an_offer_is_taken_back_until_it_is_known_to_be_accepted(crew: Crew) -> None:
    first = await crew.anna.offering.offer("anna", crew.job, PAYLOAD, ["bo"])
    await crew.anna.offering.withdraw("anna", first.event, "too early")
    assert [one.state for one in crew.anna.holding.journey(crew.job).handovers] == ["withdrawn"]
    second = await crew.anna.offering.offer("anna", crew.job, PAYLOAD, ["bo"])
    await crew.anna.offering.confirm("anna", read_code(await crew.accept(second.texts)))
    with pytest.raises(Problem) as caught:
        await crew.anna.offering.withdraw("anna", second.event)
    assert caught.value.kind is ALREADY_ANSWERED


async def test_an_acceptance_against_a_withdrawal_is_a_contest_that_nobody_decides_here(crew: Crew) -> None:
    offer = await crew.anna.offering.offer("anna", crew.job, PAYLOAD, ["bo"])
    accepted = await crew.accept(offer.texts)
    await crew.anna.offering.withdraw("anna", offer.event, "too early")
    await crew.anna.offering.confirm("anna", read_code(accepted))
    (case,) = crew.anna.holding.journey(crew.job).custody.cases
    assert (case.state, case.parties) == ("open", ("anna", "bo"))
    (told,) = (await crew.anna.status()).cases
    assert (told.job, told.why, told.parties) == (crew.job, "contest", ("anna", "bo"))


async def test_work_is_planned_sent_out_and_offered_in_one_go(crew: Crew) -> None:
    plan = JobPlanned(stop="stop-1", crew="bo")
    shown = await crew.anna.offering.dispatch("anna", crew.job, PAYLOAD, ["bo"], plan=plan)
    assert sorted(kinds(crew.anna)) == ["handover.offered", "job.dispatched", "job.opened", "job.planned"]
    offer = crew.anna.holding.event(shown.event).body
    assert isinstance(offer, Offered)
    assert offer.stop == "stop-1"
    await crew.anna.offering.dispatch("anna", crew.job, PAYLOAD, ["bo"], plan=None)
    assert kinds(crew.anna).count("job.planned") == 1


# -- one shared handheld -------------------------------------------------------
async def test_on_a_shared_handheld_the_person_is_switched_between_the_halves(crew: Crew) -> None:
    agent = crew.shared
    await agent.switch("anna", "4071")
    job = await agent.jobs.open("anna", site="site-1")
    offer = await agent.offering.offer("anna", job, PAYLOAD, ["eve"])
    with pytest.raises(Problem) as caught:
        await agent.accepting.look("eve", offer.event)
    assert caught.value.kind is WRONG_HOLDER
    switch = (await agent.switch("eve", "1907")).recorded
    seen = await agent.accepting.look("eve", offer.event)
    shown = await agent.accepting.accept("eve", seen, read_it_back(seen))
    body = agent.holding.event(shown.event).body
    assert isinstance(body, Accepted)
    assert (body.met, body.switched) == ("met", f"{switch.log}:{switch.seq}")
    assert agent.holding.journey(job).accountable == "eve"
    await agent.switch("anna", "4071")
    await agent.offering.confirm("anna", shown.event)
    assert agent.holding.journey(job).handovers[0].confirmed


async def test_nobody_acts_on_a_device_that_the_roster_does_not_give_them(crew: Crew) -> None:
    for act in (crew.anna.switch("bo", "1907"), crew.anna.jobs.note("bo", crew.job, "hello")):
        with pytest.raises(Problem) as caught:
            await act
        assert caught.value.kind.slug == "not-on-device"


async def test_on_a_shared_handheld_nobody_acts_before_somebody_took_it_over(crew: Crew) -> None:
    for person in ("", "anna", "eve"):
        with pytest.raises(Problem) as caught:
            await crew.shared.jobs.open(person, site="site-1")
        assert caught.value.kind is WRONG_HOLDER
    await crew.shared.switch("eve", "1907")
    assert await crew.shared.jobs.open("", site="site-1")


# -- a guest without a device --------------------------------------------------
async def test_a_guest_reads_back_on_the_senders_device_and_can_hand_back_there(crew: Crew) -> None:
    agent = crew.anna
    offer = await agent.offering.offer("anna", crew.job, PAYLOAD, [])
    seen = await agent.accepting.look("anna", offer.event)
    assert seen.receiver.guest
    guest = seen.receiver.party
    assert guest.startswith(GUEST)
    accepted = await agent.accepting.accept("anna", seen, read_it_back(seen), signed_name="M. Customer")
    await agent.offering.confirm("anna", accepted.event)
    journey = agent.holding.journey(crew.job)
    assert (journey.accountable, journey.handovers[0].confirmed) == (guest, True)
    body = agent.holding.event(accepted.event).body
    assert isinstance(body, Accepted)
    assert (body.met, body.signed_name) == ("guest", "M. Customer")
    back = await agent.offering.offer("anna", crew.job, PAYLOAD, ["anna"])
    seen = await agent.accepting.look("anna", back.event)
    await agent.accepting.accept("anna", seen, read_it_back(seen))
    assert agent.holding.journey(crew.job).accountable == "anna"


@pytest.mark.parametrize("party", ["", "kim"])
async def test_to_name_the_guest_is_the_same_as_not_to(crew: Crew, party: str) -> None:
    agent = crew.anna
    offer = await agent.offering.offer("anna", crew.job, PAYLOAD, ["kim", "bo"])
    seen = await agent.accepting.look("anna", offer.event, party=party)
    assert (seen.receiver.party, seen.receiver.guest) == ("kim", True)
    accepted = agent.holding.event(
        (await agent.accepting.accept("anna", seen, read_it_back(seen), signed_name="Kim")).event
    ).body
    assert isinstance(accepted, Accepted)
    assert (accepted.party, accepted.met) == ("kim", "guest")


async def test_the_guest_who_accepts_is_the_one_that_was_looked_at(crew: Crew) -> None:
    agent = crew.anna
    offer = await agent.offering.offer("anna", crew.job, PAYLOAD, ["kim", "lou"])
    seen = await agent.accepting.look("anna", offer.event, party="lou")
    await agent.accepting.accept("anna", seen, read_it_back(seen), signed_name="Kim")
    assert agent.holding.journey(crew.job).accountable == "lou"


async def test_a_guest_is_hosted_on_the_senders_device_alone(crew: Crew) -> None:
    offer = await crew.offer("kim", "bo")
    assert await kind_of(crew.bo.accepting.look("bo", read_code(offer), party="kim")) is NOT_ADDRESSED


# -- what is refused, and why --------------------------------------------------
async def kind_of(act: object) -> ProblemKind:
    with pytest.raises(Problem) as caught:
        await act  # type: ignore[misc]  # any awaitable
    return caught.value.kind


async def test_an_offer_lacks_nothing_mandatory_and_is_made_by_whoever_is_accountable(crew: Crew) -> None:
    offer = crew.anna.offering.offer
    assert await kind_of(offer("anna", crew.job, Payload(summary="x"), ["bo"])) is ELEMENT_MISSING
    assert await kind_of(offer("anna", crew.job, PAYLOAD, ["anna"])) is OWN_OFFER
    assert await kind_of(offer("anna", crew.job, PAYLOAD, ["bo"], boundary="unknown")) is NOT_FOUND
    assert await kind_of(offer("anna", unknown_hash()[:22], PAYLOAD, ["bo"])) is NOT_FOUND
    assert await kind_of(offer("anna", crew.job, PAYLOAD, ["x" * 300])) is BAD_ARGUMENT
    await crew.hand_over()
    assert await kind_of(offer("anna", crew.job, PAYLOAD, ["cy"])) is NOT_FOR_PARTY


async def test_where_several_boundaries_fit_the_person_says_which(crew: Crew) -> None:
    other = msgspec.structs.replace(SITE_POLICY, boundary="other", checks=())
    await crew.field.publish(other)
    assert await kind_of(crew.offer()) is BAD_ARGUMENT
    assert await crew.offer(boundary="other")
    team_only = msgspec.structs.replace(SITE_POLICY, boundary="other", version=2, receiver_role="depot")
    await crew.field.publish(team_only)
    assert await crew.offer(), "the other one leads to the depot"


async def test_an_offer_to_somebody_else_is_not_taken(crew: Crew) -> None:
    code = read_code(await crew.offer())
    await crew.field.publish(
        crew.field.roster(
            {"cy": msgspec.structs.replace(crew.anna.holding.memory.directory.roster.people["cy"], sites=("*",))}
        )
    )
    assert await kind_of(crew.cy.accepting.look("cy", code)) is NOT_ADDRESSED
    assert await kind_of(crew.anna.accepting.look("anna", code)) is OWN_OFFER


async def test_a_receiver_at_another_site_is_stopped_at_a_site_handover_only(crew: Crew) -> None:
    elsewhere = await crew.bo.jobs.open("bo", site="site-1")
    await crew.bo.jobs.arrive("bo", elsewhere, site="site-9")
    sent = read_code(await crew.offer())
    await crew.bo.accepting.look("bo", sent)
    assert await kind_of(crew.bo.accepting.look("bo", sent, site="site-9")) is WRONG_SITE
    await crew.anna.jobs.arrive("anna", crew.job)
    there = read_code(await crew.offer())
    assert await kind_of(crew.bo.accepting.look("bo", there)) is WRONG_SITE


async def test_an_offer_that_was_accepted_here_is_not_accepted_again(crew: Crew) -> None:
    texts = await crew.offer()
    await crew.accept(texts)
    assert await kind_of(crew.accept(texts)) is ACCEPTED_HERE


async def test_an_acceptance_needs_words_and_leaves_nothing_without_them(crew: Crew) -> None:
    seen = await crew.bo.accepting.look("bo", read_code(await crew.offer()))
    empty = Synthesis(words=" ")
    assert await kind_of(crew.bo.accepting.accept("bo", seen, empty)) is SYNTHESIS_MISSING
    assert crew.bo.holding.memory.jobs() == ()


async def test_an_acceptance_that_missed_a_point_is_not_confirmed(crew: Crew) -> None:
    accepted = await crew.accept(await crew.offer(), picked=POINTS[:1])
    assert await kind_of(crew.anna.offering.confirm("anna", read_code(accepted))) is POINTS_NOT_ACKNOWLEDGED
    assert crew.anna.holding.journey(crew.job).handovers[0].state == "offered", "nothing was recorded"


async def test_an_answer_to_another_offer_is_told_apart(crew: Crew) -> None:
    other = await crew.anna.offering.offer("anna", crew.job, PAYLOAD, ["bo"])
    accepted = read_code(await crew.accept(await crew.offer()))
    assert await kind_of(crew.anna.offering.confirm("anna", accepted, offer=other.event)) is OTHER_OFFER
    assert await kind_of(crew.cy.offering.confirm("cy", accepted)) is NOT_MY_OFFER


async def test_a_code_of_the_other_type_is_told_apart(crew: Crew) -> None:
    offer = await crew.offer()
    accepted = await crew.accept(offer)
    assert await kind_of(crew.anna.offering.confirm("anna", read_code(offer))) is WRONG_TYPE_OF_CODE
    assert await kind_of(crew.bo.accepting.look("bo", read_code(accepted))) is WRONG_TYPE_OF_CODE
    assert await kind_of(crew.anna.offering.witness("anna", read_code(accepted))) is WRONG_TYPE_OF_CODE
    assert await kind_of(crew.anna.accepting.look("anna", crew.anna.holding.node(crew.job).hash)) is WRONG_REFERENCE


async def test_a_refusal_needs_a_reason(crew: Crew) -> None:
    seen = await crew.bo.accepting.look("bo", read_code(await crew.offer()))
    assert await kind_of(crew.bo.accepting.refuse("bo", seen, " ")) is BAD_ARGUMENT


async def test_only_offers_and_answers_are_shown_as_codes(crew: Crew) -> None:
    offer = await crew.anna.offering.offer("anna", crew.job, PAYLOAD, ["bo"])
    assert (await crew.anna.codes.show(offer.event)).texts == offer.texts
    withdrawn = await crew.anna.offering.withdraw("anna", offer.event)
    assert await kind_of(crew.anna.codes.show(withdrawn.hash)) is WRONG_REFERENCE
    assert await kind_of(crew.anna.codes.show(unknown_hash())) is NOT_FOUND
    assert await kind_of(crew.bo.codes.show(offer.event)) is NOT_FOUND


async def test_an_offer_that_was_handed_to_another_meanwhile_is_superseded(crew: Crew) -> None:
    agent = crew.shared
    await agent.switch("anna", "4071")
    job = await agent.jobs.open("anna", site="site-1")
    offer = await agent.offering.offer("anna", job, PAYLOAD, ["eve"])
    newer = await agent.offering.offer("anna", job, PAYLOAD, ["eve"])
    await agent.offering.withdraw("anna", offer.event)
    await agent.switch("eve", "1907")
    assert await kind_of(agent.accepting.look("eve", offer.event)) is SUPERSEDED
    assert (await agent.accepting.look("eve", newer.event)).standing == "proven"


@pytest.mark.parametrize(
    ("shift_ms", "kind"),
    [(-3_650 * DAY_MS, CLOCK_BEFORE_ROSTER), (3_650 * DAY_MS, ROSTER_TOO_OLD), (15 * DAY_MS, ROSTER_TOO_OLD)],
)
async def test_a_clock_that_is_off_by_years_is_named_and_records_nothing(
    crew: Crew, shift_ms: int, kind: ProblemKind
) -> None:
    code = read_code(await crew.offer())
    crew.field.worlds["phone-bo"].wall_ms += shift_ms
    assert await kind_of(crew.bo.accepting.look("bo", code)) is kind


async def test_a_roster_of_two_days_is_shown_as_old_and_stops_nothing(crew: Crew) -> None:
    crew.field.pass_time(2 * DAY_MS)
    seen = await crew.bo.accepting.look("bo", read_code(await crew.offer()))
    assert seen.stale


async def test_training_that_is_over_is_said_and_stops_nothing(crew: Crew) -> None:
    over = "2026-05-01T00:00:00Z"
    people = crew.anna.holding.memory.directory.roster.people
    await crew.field.publish(crew.field.roster({"bo": msgspec.structs.replace(people["bo"], trained_until=over)}))
    texts = await crew.offer()
    assert (await crew.bo.accepting.look("bo", read_code(texts))).trained_until == over
    await crew.anna.offering.confirm("anna", read_code(await crew.accept(texts)))
    assert crew.anna.holding.journey(crew.job).accountable == "bo"


async def test_an_offer_lapses_at_its_own_until(crew: Crew) -> None:
    code = read_code(await crew.offer(until="2026-05-04T09:00:00Z"))
    crew.field.pass_time(3_600_000 + 300_001)
    assert await kind_of(crew.bo.accepting.look("bo", code)) is OFFER_LAPSED


async def test_a_revoked_or_unknown_device_is_refused_with_no_network(crew: Crew) -> None:
    code = read_code(await crew.offer())
    jwk = crew.field.keys["phone-anna"]
    lost = Device(id="phone-anna", jwk=jwk, people=("anna",), revoked="lost")
    await crew.field.give("phone-bo", crew.field.roster(phone_anna=lost))
    assert await kind_of(crew.bo.accepting.look("bo", code)) is KEY_REVOKED
    listed = crew.field.roster()
    without = msgspec.structs.replace(listed, devices=tuple(one for one in listed.devices if one.id != "phone-anna"))
    await crew.field.give("phone-bo", without)
    assert await kind_of(crew.bo.accepting.look("bo", code)) is UNKNOWN_KEY


async def test_a_receiver_who_may_not_accept_is_stopped_here_already(crew: Crew) -> None:
    people = crew.anna.holding.memory.directory.roster.people
    depot = msgspec.structs.replace(people["bo"], roles=("depot",))
    await crew.field.publish(crew.field.roster({"bo": depot}))
    seen = await crew.bo.accepting.look("bo", read_code(await crew.offer()))
    assert await kind_of(crew.bo.accepting.accept("bo", seen, read_it_back(seen))) is NOT_ENTITLED


# -- codes that are none -------------------------------------------------------
BAD_TEXTS = {
    "": NOT_OUR_CODE,
    "https://example.com/": NOT_OUR_CODE,
    "HO2:ABC": CODE_VERSION_UNSUPPORTED,
    "HO1:abc": CODE_TEXT_MALFORMED,
    "HO1:A": CODE_TEXT_MALFORMED,
    "HO1:" + b45(b"short"): CODE_MALFORMED,
    "HO1:" + b45(bytes(200)): CODE_MALFORMED,
    "HE1:ABC": WRONG_TYPE_OF_CODE,
    "HS1:site-1": WRONG_TYPE_OF_CODE,
    "HP1:nonsense": CODE_TEXT_MALFORMED,
}


@pytest.mark.parametrize(("text", "kind"), BAD_TEXTS.items())
def test_a_code_that_is_none_is_named_by_the_first_thing_that_is_wrong(text: str, kind: ProblemKind) -> None:
    with pytest.raises(Problem) as caught:
        read_code([text])
    assert caught.value.kind is kind


def test_several_codes_where_one_is_wanted_and_parts_that_lack_one_are_told() -> None:
    for texts in ((), ("HO1:A", "HO1:B")):
        with pytest.raises(Problem) as caught:
            read_code(texts)
        assert caught.value.kind is CODE_TEXT_MALFORMED


async def test_a_handover_too_large_for_one_picture_goes_in_parts_in_any_order(crew: Crew) -> None:
    wordy = tuple(
        NextAction(what="".join(unknown_hash(f"{number} {part}") for part in range(4))) for number in range(8)
    )
    texts = await crew.offer(payload=msgspec.structs.replace(PAYLOAD, next_actions=wordy))
    assert len(texts) > 1
    with pytest.raises(Problem) as caught:
        read_code(texts[1:])
    assert "part 1" in caught.value.detail
    seen = await crew.bo.accepting.look("bo", read_code([*reversed(texts), texts[0]]))
    assert seen.content.payload.next_actions == wordy


@given(at=st.integers(0, 10_000), flip=st.integers(1, 255), cut=st.booleans())
def test_no_damage_to_a_code_passes_or_breaks_anything(code_text: str, at: int, flip: int, cut: bool) -> None:
    raw = bytearray(unb45(code_text.removeprefix("HO1:")))
    at %= len(raw)
    if cut:
        del raw[at:]
    else:
        raw[at] ^= flip
    assert named("HO1:" + b45(bytes(raw))) in (None, CODE_MALFORMED, CODE_INFLATES_TOO_FAR)


def named(text: str) -> ProblemKind | None:
    """The problem with this code, if there is one."""
    try:
        read_code([text])
    except Problem as problem:
        return problem.kind
    return None


@pytest.fixture(scope="module")
def code_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    field = Field(tmp_path_factory.mktemp("damage"))

    async def offer() -> str:
        await field.enrol("phone-anna")
        async with field.open("phone-anna") as agent:
            job = await agent.jobs.open("anna", site="site-1")
            return (await agent.offering.offer("anna", job, PAYLOAD, ["bo"])).texts[0]

    return asyncio.run(offer())


async def test_a_code_whose_seal_is_damaged_is_refused(crew: Crew) -> None:
    raw = bytearray(unb45((await crew.offer())[0].removeprefix("HO1:")))
    raw[20] ^= 1
    code = read_code(["HO1:" + b45(bytes(raw))])
    assert await kind_of(crew.bo.accepting.look("bo", code)) is BAD_SIGNATURE


async def test_an_acceptance_is_confirmed_by_the_roster_it_was_made_under_not_by_a_later_one(crew: Crew) -> None:
    accepted = read_code(await crew.accept(await crew.offer()))
    people = crew.anna.holding.memory.directory.roster.people
    await crew.field.publish(crew.field.roster({"bo": msgspec.structs.replace(people["bo"], roles=("depot",))}))
    await crew.anna.offering.confirm("anna", accepted)
    assert crew.anna.holding.journey(crew.job).handovers[0].confirmed
