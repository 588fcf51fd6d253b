"""Work on a job, short of handing it over: visits, scans, checks before departure, words, closing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from device.agent import Agent
from device.prefill import prefilled
from sync.events import ItemScanned, JobHeld, NoteWritten, OrderImported, OrderLine, VisitDeparted
from sync.payload import NextAction, Payload, Synthesis
from sync.policy import CheckRule
from sync.problems import (
    BAD_ARGUMENT,
    GAPS_OPEN,
    NOT_CORRECTABLE,
    NOT_FOR_PARTY,
    NOT_FOUND,
    UNREADABLE,
    Problem,
    ProblemKind,
)
from tests.device.field import PAYLOAD, SITE_POLICY, Field, unknown_hash

pytestmark = pytest.mark.anyio
READY = Payload(state="in_progress", next_actions=(NextAction(what="fit the seal", owner="bo"),))


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("phone-anna", "phone-bo"))
    return field


@pytest.fixture
async def anna(field: Field) -> AsyncIterator[Agent]:
    async with field.open("phone-anna") as agent:
        yield agent


@pytest.fixture
async def job(anna: Agent) -> str:
    return await anna.jobs.open("anna", site="site-1", asset="pump-7", trade="pumps", type="corrective")


async def kind_of(act: object) -> ProblemKind:
    with pytest.raises(Problem) as caught:
        await act  # type: ignore[misc]  # any awaitable
    return caught.value.kind


def checks(agent: Agent, job: str) -> dict[str, tuple[str, str]]:
    """Arm and end of each check."""
    return {one.check: (one.arm, one.became) for one in agent.holding.journey(job).checks}


# -- visits --------------------------------------------------------------------
async def test_a_visit_takes_its_place_from_the_job_and_its_id_from_the_device(anna: Agent, job: str) -> None:
    visit = await anna.jobs.arrive("anna", job)
    (attendance,) = anna.holding.journey(job).visits
    assert (attendance.visit, attendance.site, attendance.asset, attendance.trade) == (
        visit,
        "site-1",
        "pump-7",
        "pumps",
    )
    assert attendance.departed_ms is None
    assert await anna.jobs.arrive("anna", job) != visit


async def test_scans_belong_to_the_visit_that_is_under_way(anna: Agent, job: str) -> None:
    before = await anna.jobs.scan_item("anna", job, "seal", "picked")
    visit = await anna.jobs.arrive("anna", job)
    within = await anna.jobs.scan_item("anna", job, "seal", "installed", qty=2)
    bodies = [anna.holding.event(one.hash).body for one in (before, within)]
    assert [one.visit for one in bodies if isinstance(one, ItemScanned)] == ["", visit]
    (item,) = anna.holding.journey(job).items
    assert (item.picked, item.installed) == (1, 2)


async def test_a_time_that_a_person_gives_is_kept_beside_the_time_of_recording(anna: Agent, job: str) -> None:
    await anna.jobs.arrive("anna", job, occurred_at="2026-05-04T09:30:00+02:00", entered="typed")
    (attendance,) = anna.holding.journey(job).visits
    assert attendance.arrived_ms == 1_777_879_800_000
    assert attendance.arrived_how == "typed"
    assert await kind_of(anna.jobs.arrive("anna", job, occurred_at="half past nine")) is UNREADABLE
    assert await kind_of(anna.jobs.arrive("anna", job, occurred_at="2026-05-04T09:30:00")) is UNREADABLE


# -- leaving -------------------------------------------------------------------
async def test_a_gap_is_told_before_departure_and_nobody_leaves_with_it_unsaid(anna: Agent, job: str) -> None:
    await anna.jobs.arrive("anna", job)
    departure = await anna.jobs.depart("anna", job)
    assert departure.departed is None
    assert [gap.check for gap in departure.gaps] == ["asset", "owner"]
    assert departure.gaps[0].text == "scan the pump: pump-7 was not scanned"
    assert anna.holding.journey(job).visits[0].departed_ms is None


async def test_a_gap_that_was_put_right_is_recorded_as_cleared_and_keeps_nobody(anna: Agent, job: str) -> None:
    await anna.jobs.arrive("anna", job)
    await anna.jobs.depart("anna", job, payload=READY)
    assert checks(anna, job) == {"asset": ("prompt", "open"), "owner": ("prompt", "")}
    await anna.jobs.scan_asset("anna", job, "pump-7")
    departure = await anna.jobs.depart("anna", job, payload=READY)
    assert departure.departed is not None
    assert checks(anna, job) == {"asset": ("prompt", "cleared"), "owner": ("prompt", "")}


async def test_checks_run_once_a_visit_however_often_somebody_tries_to_leave(anna: Agent, job: str) -> None:
    await anna.jobs.arrive("anna", job)
    for _ in range(3):
        await anna.jobs.depart("anna", job)
    found = [event for event in anna.holding.journey(job).timeline if event.kind == "check.found"]
    assert len(found) == 2


async def test_going_with_a_gap_takes_a_reason(anna: Agent, job: str) -> None:
    await anna.jobs.arrive("anna", job)
    departure = await anna.jobs.depart("anna", job, payload=READY)
    (gap,) = departure.gaps
    assert await kind_of(anna.jobs.override("anna", gap.found, " ")) is GAPS_OPEN
    await anna.jobs.override("anna", gap.found, "the label is worn off")
    departure = await anna.jobs.depart("anna", job, payload=READY)
    assert departure.departed is not None
    assert checks(anna, job)["asset"] == ("prompt", "overridden")


async def test_a_gap_is_cleared_by_hand_where_no_check_can_see_it(anna: Agent, job: str) -> None:
    await anna.jobs.arrive("anna", job)
    departure = await anna.jobs.depart("anna", job)
    for gap in departure.gaps:
        await anna.jobs.clear("anna", gap.found, "told by phone")
    assert (await anna.jobs.depart("anna", job)).departed is not None
    assert await kind_of(anna.jobs.clear("anna", anna.holding.node(job).hash)) is NOT_FOUND
    assert await kind_of(anna.jobs.clear("anna", unknown_hash())) is NOT_FOUND


@pytest.mark.parametrize("arm", ["shadow", "holdout"])
async def test_a_silent_check_is_recorded_and_nobody_is_told(field: Field, anna: Agent, job: str, arm: str) -> None:
    rule = msgspec.convert(
        {"id": "asset", "needs": "asset_scanned", "gap": "asset", "text": "x", "arm": arm}, CheckRule
    )
    await field.publish(msgspec.structs.replace(SITE_POLICY, version=2, checks=(rule,)))
    await anna.jobs.arrive("anna", job)
    assert (await anna.jobs.depart("anna", job)).departed is not None
    assert checks(anna, job) == {"asset": (arm, "open")}


async def test_the_holdout_is_the_share_of_visits_that_the_policy_says(field: Field, anna: Agent, job: str) -> None:
    rule = CheckRule(id="asset", needs="asset_scanned", gap="asset", text="x", share=1.0)
    safe = msgspec.structs.replace(rule, id="safe", safety=True)
    await field.publish(msgspec.structs.replace(SITE_POLICY, version=2, checks=(rule, safe)))
    await anna.jobs.arrive("anna", job)
    departure = await anna.jobs.depart("anna", job)
    assert [gap.check for gap in departure.gaps] == ["safe"], "what is about safety is never silent"
    assert checks(anna, job) == {"asset": ("holdout", "open"), "safe": ("prompt", "open")}


async def test_a_visit_that_found_nobody_is_not_checked(anna: Agent, job: str) -> None:
    visit = await anna.jobs.arrive("anna", job)
    departure = await anna.jobs.depart("anna", job, "no_access", reason="gate locked")
    assert departure.departed is not None
    body = anna.holding.event(departure.departed.hash).body
    assert body == VisitDeparted(visit=visit, outcome="no_access", reason="gate locked")
    assert checks(anna, job) == {}


async def test_where_two_policies_check_the_person_says_which_boundary_is_next(
    field: Field, anna: Agent, job: str
) -> None:
    await field.publish(msgspec.structs.replace(SITE_POLICY, boundary="technician-depot"))
    await anna.jobs.arrive("anna", job)
    assert await kind_of(anna.jobs.depart("anna", job)) is BAD_ARGUMENT
    assert await kind_of(anna.jobs.depart("anna", job, boundary="elsewhere")) is NOT_FOUND
    assert (await anna.jobs.depart("anna", job, boundary="technician-depot")).gaps


async def test_a_policy_for_other_senders_checks_nothing_here(field: Field, anna: Agent, job: str) -> None:
    for_depots = msgspec.structs.replace(SITE_POLICY, version=2, sender_role="depot")
    await field.publish(for_depots)
    await anna.jobs.arrive("anna", job)
    assert (await anna.jobs.depart("anna", job)).departed is not None


async def test_nobody_leaves_where_nobody_is(anna: Agent, job: str) -> None:
    assert await kind_of(anna.jobs.depart("anna", job)) is NOT_FOUND


# -- words and closing ---------------------------------------------------------
async def test_words_contacts_and_help_stand_in_the_journey(anna: Agent, job: str) -> None:
    await anna.jobs.note("anna", job, "the customer waits at the gate")
    await anna.jobs.contact("anna", job, "phone", customer="c-1", intent="where are you")
    await anna.jobs.join("anna", job, "bo")
    assert anna.holding.journey(job).assisting == ("bo",)
    await anna.jobs.leave("anna", job, "bo")
    journey = anna.holding.journey(job)
    assert (journey.assisting, len(journey.contacts), journey.accountable) == ((), 1, "anna")
    assert await kind_of(anna.jobs.contact("anna", job, "phone", nonsense="x")) is BAD_ARGUMENT


async def test_what_was_wrong_is_put_right_in_an_event_of_its_own(anna: Agent, job: str) -> None:
    scanned = await anna.jobs.scan_item("anna", job, "seal", "picked", qty=3)
    await anna.jobs.correct("anna", scanned.hash, {"qty": "2"}, "counted twice")
    (item,) = anna.holding.journey(job).items
    assert item.picked == 2
    assert await kind_of(anna.jobs.correct("anna", unknown_hash(), {"qty": "2"}, "x")) is NOT_FOUND
    assert await kind_of(anna.jobs.correct("anna", scanned.hash, {"colour": "red"}, "x")) is NOT_CORRECTABLE
    root = anna.holding.node(job).hash
    assert await kind_of(anna.jobs.correct("anna", root, {"party": "bo"}, "x")) is NOT_CORRECTABLE


async def test_a_correction_is_corrected_by_the_next_one_and_no_contradiction_is_left(anna: Agent, job: str) -> None:
    scanned = await anna.jobs.scan_item("anna", job, "seal", "picked", qty=3)
    for qty in ("2", "1"):
        await anna.jobs.correct("anna", scanned.hash, {"qty": qty}, "counted again")
    journey = anna.holding.journey(job)
    assert ([one.picked for one in journey.items], journey.discrepancies) == ([1], ())


async def test_a_job_is_held_released_closed_and_opened_again(anna: Agent, job: str) -> None:
    jobs = anna.jobs
    await jobs.hold("anna", job, "waiting for the seal")
    assert anna.holding.journey(job).held
    await jobs.release("anna", job)
    assert not anna.holding.journey(job).held
    assert await kind_of(jobs.release("anna", job)) is NOT_FOUND
    await jobs.resolve("anna", job)
    assert anna.holding.journey(job).state == "resolved"
    await jobs.reopen("anna", job, "it leaks again")
    assert anna.holding.journey(job).state == "open"
    assert await kind_of(jobs.reopen("anna", job)) is NOT_FOUND
    await jobs.cancel("anna", job, "pump was replaced")
    assert anna.holding.journey(job).state == "cancelled"


async def test_only_whoever_is_accountable_closes_a_job(anna: Agent) -> None:
    theirs = await anna.jobs.open("anna", site="site-1", party="north")
    await anna.jobs.resolve("anna", theirs)
    assert await kind_of(anna.jobs.open("anna", site="site-1", party="bo")) is NOT_FOR_PARTY


async def test_a_device_records_nothing_that_is_the_offices_and_no_custody_by_the_side_door(
    anna: Agent, job: str
) -> None:
    body = NoteWritten(text="x")
    assert await kind_of(anna.jobs.tell("anna", "handover.reassigned", body, job)) is BAD_ARGUMENT
    assert await kind_of(anna.jobs.tell("anna", "job.held", body, job)) is BAD_ARGUMENT
    assert await kind_of(anna.jobs.tell("anna", "job.held", JobHeld(reason="x"), unknown_hash()[:22])) is NOT_FOUND


# -- the next payload ----------------------------------------------------------
async def test_the_next_payload_is_filled_with_what_is_known(anna: Agent, job: str) -> None:
    line = OrderLine(line="1", article="seal", qty=2)
    order = OrderImported(source="erp", order="o-1", order_kind="fulfilment", site="site-1", lines=(line,))
    await anna.jobs.tell("anna", "order.imported", order, job)
    assert prefilled(anna.holding.journey(job)).state == "not_started"
    await anna.jobs.arrive("anna", job)
    await anna.jobs.scan_item("anna", job, "seal", "installed")
    payload = prefilled(anna.holding.journey(job))
    assert (payload.state, payload.priority) == ("in_progress", "routine")
    assert [(one.id, one.expected, one.counted) for one in payload.items] == [("seal", 2, 1)]
    assert [(one.object, one.result) for one in payload.actions_taken] == [("seal", "1 installed")]
    await anna.jobs.hold("anna", job, "waiting")
    assert prefilled(anna.holding.journey(job)).state == "blocked"
    await anna.jobs.resolve("anna", job)
    assert prefilled(anna.holding.journey(job)).state == "complete"


async def test_what_was_left_open_at_the_last_handover_is_carried_on(anna: Agent, job: str) -> None:
    offer = await anna.offering.offer("anna", job, PAYLOAD, [])
    seen = await anna.accepting.look("anna", offer.event)
    await anna.accepting.accept("anna", seen, Synthesis(words="I see"), signed_name="Kim")
    payload = prefilled(anna.holding.journey(job))
    assert (payload.next_actions, payload.risks, payload.priority) == (PAYLOAD.next_actions, PAYLOAD.risks, "urgent")
