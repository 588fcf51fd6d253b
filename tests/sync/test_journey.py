"""The whole way of a job: facts are sets keyed by their own ids, so neither order nor repetition matters."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.events import (
    AssetScanned,
    AssistJoined,
    AssistLeft,
    CheckCleared,
    CheckFound,
    CheckOverridden,
    Confirmed,
    ContactReceived,
    Correction,
    Event,
    Fact,
    JobCancelled,
    JobClosedByRule,
    JobHeld,
    JobMerged,
    JobPlanned,
    JobReleased,
    JobReopened,
    JobResolved,
    JobUnmerged,
    NoteWritten,
    Reassigned,
    SignalObserved,
    VisitArrived,
    VisitDeparted,
)
from sync.evidence import taken_back
from sync.journey import Journey, jobs_of, journey
from tests.sync.cast import LOGS, START_MS, Step, judged, shelf, tell
from tests.sync.histories import histories, rngs
from tests.sync.scene import DESK, NOBODY_HAS_IT, Scene

TEN_YEARS_MS = 10 * 366 * 86_400_000


def fold(scene: Scene) -> Journey:
    return journey(scene.opened.job, scene.shelf.standings.values())


def office(scene: Scene, body: Fact) -> Event:
    return scene.record(body, by="desk", log=DESK)


def handed_to(scene: Scene, party: str = "bo") -> Event:
    offer = scene.record(scene.offer(party))
    return scene.record(scene.answer(offer, party), by=party)


# -- I7: a set ----------------------------------------------------------------
class Facts:
    """Records facts that name one another at random."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.scene = Scene()
        self.hashes = [self.scene.opened.hash, NOBODY_HAS_IT, handed_to(self.scene).hash]

    def one(self) -> str:
        return self.rng.choice(self.hashes[-4:])

    def record(self) -> None:
        visit, item = self.rng.choice(["v1", "v2"]), self.rng.choice(["seal", "bearing"])
        older = tuple({self.one() for _ in range(self.rng.choice((0, 0, 1, 2)))})
        bodies: tuple[Fact, ...] = (
            JobPlanned(stop=visit, replaces=older),
            JobHeld(reason="no part"),
            JobReleased(held=self.one()),
            JobResolved(node=self.rng.choice(self.hashes[:3])),
            JobCancelled(node=self.rng.choice(self.hashes[:3]), reason="sold"),
            JobReopened(closings=(self.one(),)),
            VisitArrived(visit=visit, site="mill", replaces=older),
            VisitDeparted(visit=visit, replaces=older),
            AssetScanned(asset=item, visit=visit),
            CheckFound(check=item, visit=visit, arm="prompt", gap="part_missing"),
            CheckCleared(found=self.one()),
            CheckOverridden(found=self.one(), reason="late"),
            Correction(corrects=self.one(), reason="x", fields={"visit": visit, "stop": item, "reason": item}),
            AssistJoined(who=item),
            AssistLeft(who=item),
            SignalObserved(observed="arrival", source="phone", rests_on=(visit,)),
            ContactReceived(contact=visit, channel="phone"),
            JobMerged(stop=visit, jobs=(self.scene.opened.job,)),
            JobUnmerged(merged=self.one()),
        )
        self.hashes.append(office(self.scene, self.rng.choice(bodies)).hash)


RNG = rngs()


@given(RNG, st.integers(1, 18))
def test_no_order_or_repetition_of_facts_changes_the_journey(rng: Random, count: int) -> None:
    facts = Facts(rng)
    for _ in range(count):
        facts.record()
    standings = list(facts.scene.shelf.standings.values())
    first = journey(facts.scene.opened.job, standings)
    again = [*standings, *rng.choices(standings, k=3)]
    rng.shuffle(again)
    assert same(journey(facts.scene.opened.job, again), first)


def same(one: Journey, other: Journey) -> bool:
    encode = msgspec.json.Encoder(order="deterministic").encode
    return encode(one) == encode(other)


@given(histories(), RNG)
def test_no_order_or_partition_of_arrival_changes_the_journey(history: list[Step], rng: Random) -> None:
    told = tell(history)
    job = told.events[history[0].id].job
    order = list(told.events)
    first = journey(job, judged(told.some(order)).standings.values())
    rng.shuffle(order)
    cut = rng.randint(0, len(order))
    pieces = judged(told.some(order[cut:]), on=judged(told.some(order[:cut]), on=shelf()))
    assert same(journey(job, pieces.standings.values()), first)


@given(histories(), st.dictionaries(st.sampled_from(LOGS), st.integers(-TEN_YEARS_MS, TEN_YEARS_MS)))
def test_no_clock_changes_what_a_job_has_come_to(history: list[Step], shifts_ms: dict[str, int]) -> None:
    def said(shifts: dict[str, int]) -> tuple[object, ...]:
        told = tell(history, shifts)
        found = journey(told.events[history[0].id].job, judged(told.events.values()).standings.values())
        return found.state, found.accountable, found.held, len(found.custody.cases), len(found.discrepancies)

    assert said({}) == said(shifts_ms)


# -- the state of a job -------------------------------------------------------
def test_a_job_without_its_opening_has_nobody_and_is_open() -> None:
    empty = journey("x", [])
    assert (empty.accountable, empty.opened, empty.state, empty.timeline) == ("", None, "open", ())


def test_a_journey_names_what_opened_it_once_that_is_here() -> None:
    scene = Scene()
    assert fold(scene).root == scene.opened.hash
    assert journey(scene.opened.job, []).root == ""


def test_only_applied_events_are_read() -> None:
    scene = Scene()
    scene.record(JobResolved(node=scene.opened.hash), by="bo", kid="")
    assert fold(scene).state == "open"
    assert len(fold(scene).timeline) == 1


@pytest.mark.parametrize(
    ("shape", "state"),
    [(JobResolved, "resolved"), (JobCancelled, "cancelled"), (JobClosedByRule, "closed by rule")],
)
def test_a_job_is_closed_while_the_walk_ends_where_its_closing_says(shape: type[Fact], state: str) -> None:
    scene = Scene()
    node = handed_to(scene)
    closing = msgspec.convert({"node": node.hash, "reason": "sold", "rule": "trivial"}, shape)
    closed = office(scene, closing)
    assert (fold(scene).state, fold(scene).discrepancies) == (state, ())
    office(scene, JobReopened(closings=(closed.hash,)))
    assert fold(scene).state == "open"


def test_a_closing_by_one_no_longer_accountable_leaves_it_open_and_is_told() -> None:
    scene = Scene()
    scene.record(JobResolved(node=scene.opened.hash), kid="")
    assert fold(scene).state == "resolved"
    handed_to(scene)
    assert fold(scene).state == "open"
    assert fold(scene).discrepancies == ("closed as resolved by anna, no longer accountable",)


def test_a_closing_names_a_node_by_any_of_its_twins() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    first = scene.record(scene.answer(offer), by="bo")
    scene.record(scene.answer(offer), by="bo")
    scene.record(JobResolved(node=first.hash), by="bo", kid="")
    assert fold(scene).state == "resolved"


def test_closings_of_two_kinds_contradict_each_other() -> None:
    scene = Scene()
    scene.record(JobResolved(node=scene.opened.hash), kid="")
    scene.record(JobCancelled(node=scene.opened.hash, reason="sold"), kid="")
    assert fold(scene).state == "resolved"
    assert fold(scene).discrepancies == ("closed as cancelled and as resolved",)


def test_a_closing_that_was_replaced_is_not_read() -> None:
    scene = Scene()
    closed = scene.record(JobResolved(node=scene.opened.hash), kid="")
    scene.record(JobResolved(node=scene.opened.hash, outcome="twice", replaces=(closed.hash,)), kid="")
    office(scene, JobReopened(closings=(closed.hash,)))
    assert fold(scene).state == "resolved"


def test_a_job_is_held_until_each_hold_is_released() -> None:
    scene = Scene()
    holds = [scene.record(JobHeld(reason=reason), kid="") for reason in ("no part", "no key")]
    assert fold(scene).held
    office(scene, JobReleased(held=holds[0].hash))
    assert fold(scene).held
    office(scene, JobReleased(held=holds[1].hash))
    assert not fold(scene).held


def test_the_plan_in_force_and_its_contradictions() -> None:
    scene = Scene()
    first = office(scene, JobPlanned(stop="s1"))
    office(scene, JobPlanned(stop="s2", replaces=(first.hash,)))
    assert (fold(scene).plan, fold(scene).discrepancies) == (JobPlanned(stop="s2", replaces=(first.hash,)), ())
    office(scene, JobPlanned(stop="s3", replaces=(first.hash,)))
    assert fold(scene).plan == JobPlanned(stop="s1")
    assert fold(scene).discrepancies == ("several plans stand against each other",)


def test_merges_are_in_force_until_undone_and_move_nothing() -> None:
    scene = Scene()
    body = JobMerged(stop="s1", jobs=(scene.opened.job,), orders=("erp/1",))
    merged = scene.record(body, by="desk", log=DESK, job="")
    assert jobs_of(merged) == (scene.opened.job,)
    assert (fold(scene).merged, fold(scene).accountable) == ((body,), "anna")
    undone = scene.record(JobUnmerged(merged=merged.hash, jobs=(scene.opened.job,)), by="desk", log=DESK, job="")
    assert jobs_of(undone) == (scene.opened.job,)
    assert fold(scene).merged == ()


def test_an_event_is_about_its_job_and_those_its_body_names_once_each() -> None:
    scene = Scene()
    note = scene.record(NoteWritten(text="x"))
    other = NOBODY_HAS_IT[:22]
    both = scene.record(JobMerged(stop="s", jobs=(other, scene.opened.job, other)), by="desk", log=DESK)
    assert jobs_of(note) == (scene.opened.job,)
    assert jobs_of(both) == (scene.opened.job, other)


def test_a_reassignment_is_the_job_s_way_as_any_other() -> None:
    scene = Scene()
    moved = office(scene, Reassigned(roster=scene.roster, basis=scene.opened.hash, party="eva", reason="ill"))
    found = fold(scene)
    assert (found.accountable, found.custody.since, found.handovers) == ("eva", moved, ())


def test_who_assists_is_who_joined_and_has_not_left() -> None:
    scene = Scene()
    for who in ("cem", "dee"):
        scene.record(AssistJoined(who=who))
    scene.record(AssistLeft(who="cem"))
    assert (fold(scene).assisting, fold(scene).accountable) == (("dee",), "anna")


# -- corrections --------------------------------------------------------------
def test_a_corrected_time_is_when_it_happened() -> None:
    scene = Scene()
    arrived = scene.record(VisitArrived(visit="v1", site="mill", occurred_at="2026-01-05T09:00:00Z"), kid="")
    scene.record(Correction(corrects=arrived.hash, reason="typo", fields={"occurred_at": "2026-01-05T08:30:00Z"}))
    (visit,) = fold(scene).visits
    assert visit.arrived_ms == START_MS + 30 * 60_000
    scene.record(Correction(corrects=arrived.hash, reason="typo", fields={"site": "quay"}))
    assert [visit.site for visit in fold(scene).visits] == ["quay"]
    assert fold(scene).discrepancies == ()


def test_a_time_taken_back_is_when_it_was_recorded() -> None:
    scene = Scene()
    arrived = scene.record(VisitArrived(visit="v1", site="mill", occurred_at="2026-01-05T09:00:00Z"), kid="")
    scene.record(Correction(corrects=arrived.hash, reason="typo", fields={"occurred_at": ""}))
    assert fold(scene).visits[0].arrived_ms == arrived.wall_ms


def test_corrections_that_differ_are_told() -> None:
    scene = Scene()
    arrived = scene.record(VisitArrived(visit="v1", site="mill"), kid="")
    for site in ("quay", "dock"):
        scene.record(Correction(corrects=arrived.hash, reason="typo", fields={"site": site}))
    assert fold(scene).visits[0].site == "mill"
    assert "contradict each other" in fold(scene).discrepancies[0]


def test_what_moved_accountability_cannot_be_corrected() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    accepted = scene.record(scene.answer(offer), by="bo")
    seen = scene.record(Confirmed(roster=scene.roster, offer=offer.hash, accepted=accepted.hash, sender="anna"))
    for hash_ in (scene.opened.hash, offer.hash, accepted.hash, seen.hash, NOBODY_HAS_IT):
        scene.record(Correction(corrects=hash_, reason="x", fields={"party": "bo", "sender": "bo"}))
    found = fold(scene)
    assert (found.accountable, len(found.discrepancies)) == ("bo", 5)
    assert sum("not a fact that can be corrected" in one for one in found.discrepancies) == 4
    assert sum("do not fit" in one for one in found.discrepancies) == 1, "of the opening, the work can be"


def test_what_only_the_office_records_and_what_sensors_say_is_corrected_by_nobody() -> None:
    scene = Scene()
    merge = scene.record(JobMerged(stop="s1", jobs=(scene.opened.job,)), by="desk", log=DESK)
    seen = scene.record(SignalObserved(observed="arrival", source="gate", rests_on=("a",), site="mill"), kid="")
    for hash_, fields in ((merge.hash, {"stop": "s2"}), (seen.hash, {"site": "quay"})):
        scene.record(Correction(corrects=hash_, reason="x", fields=fields), kid="")
    found = fold(scene)
    assert ([one.stop for one in found.merged], len(found.discrepancies)) == (["s1"], 2)


# -- visits, checks, evidence -------------------------------------------------
def test_a_visit_is_one_however_often_its_ends_were_recorded() -> None:
    scene = Scene()
    arrived = VisitArrived(visit="v1", site="mill", type="install", trade="pumps", stop="s1", entered="scanned")
    scene.record(arrived, kid="", by="bo")
    scene.record(msgspec.structs.replace(arrived, occurred_at="2026-01-05T07:00:00Z"), kid="", by="cem")
    scene.record(VisitDeparted(visit="v1", outcome="no_access", part="part"), kid="", by="bo")
    late = VisitDeparted(
        visit="v1", occurred_at="2026-01-05T12:00:00Z", part="last", plan_declared_at="2026-01-05T08:00:00Z"
    )
    scene.record(late, kid="", by="bo")
    (visit,) = fold(scene).visits
    assert (visit.visit, visit.job, visit.site, visit.trade, visit.type) == (
        "v1",
        scene.opened.job,
        "mill",
        "pumps",
        "install",
    )
    assert (visit.arrived_ms, visit.departed_ms) == (START_MS - 3_600_000, START_MS + 4 * 3_600_000)
    assert (visit.people, visit.outcome, visit.part) == (("bo", "cem"), "done", "last")
    assert (visit.plan_declared_at, visit.stop, visit.arrived_how) == ("2026-01-05T08:00:00Z", "s1", "scanned")


def test_a_departure_without_an_arrival_is_a_visit_at_no_known_site() -> None:
    scene = Scene()
    scene.record(VisitDeparted(visit="v1"), kid="")
    (visit,) = fold(scene).visits
    assert (visit.site, visit.arrived_ms, visit.people) == ("", None, ())


def test_an_arrival_without_a_departure_is_still_there() -> None:
    scene = Scene()
    scene.record(VisitArrived(visit="v2", site="mill", asset="pump-7"), kid="")
    (visit,) = fold(scene).visits
    assert (visit.departed_ms, visit.asset) == (None, "pump-7")


def test_the_one_asset_scanned_is_the_visit_s_and_of_two_none() -> None:
    scene = Scene()
    scene.record(VisitArrived(visit="v1", site="mill"), kid="")
    scene.record(AssetScanned(asset="pump-7", visit="v1"), kid="")
    assert [visit.asset for visit in fold(scene).visits] == ["pump-7"]
    scene.record(AssetScanned(asset="pump-8", visit="v1"), kid="")
    (visit,) = fold(scene).visits
    assert (visit.asset, visit.scanned_assets) == ("", ("pump-7", "pump-8"))


def test_visits_come_by_arrival() -> None:
    scene = Scene()
    for visit, hour in (("v1", 11), ("v2", 9), ("v3", 10)):
        scene.record(VisitArrived(visit=visit, site="mill", occurred_at=f"2026-01-05T{hour:02}:00:00Z"), kid="")
    assert [visit.visit for visit in fold(scene).visits] == ["v2", "v3", "v1"]


def test_what_became_of_a_gap() -> None:
    scene = Scene()
    kinds = ("cleared", "overridden", "open", "both", "")
    found = {}
    for kind in kinds:
        body = CheckFound(check=kind or "fine", visit="v1", arm="prompt", gap="part_missing" if kind else "")
        found[kind] = scene.record(body, kid="").hash
    for kind in ("cleared", "both"):
        scene.record(CheckCleared(found=found[kind]), kid="")
    for kind in ("overridden", "both"):
        scene.record(CheckOverridden(found=found[kind], reason="customer waits"), kid="")
    became = {check.check: check.became for check in fold(scene).checks}
    assert became == {"cleared": "cleared", "overridden": "overridden", "open": "open", "both": "cleared", "fine": ""}


def test_evidence_that_was_taken_back_does_not_stand_and_neither_does_the_word_for_it() -> None:
    scene = Scene()
    came = SignalObserved(observed="arrival", source="anna", rests_on=("a",), device="phone", site="north")
    other = scene.record(msgspec.structs.replace(came, rests_on=("b",)), kid="")
    first = scene.record(came, kid="")
    scene.record(msgspec.structs.replace(taken_back(came), replaces=(first.hash,)), kid="")
    assert fold(scene).signals == (other,)


def test_signals_and_contacts_are_kept_in_the_order_shown() -> None:
    scene = Scene()
    times = ("2026-01-05T09:00:00Z", "2026-01-05T07:00:00Z")
    signals = [
        scene.record(SignalObserved(observed="arrival", source="phone", rests_on=("a",), occurred_at=when), kid="")
        for when in times
    ]
    contacts = [scene.record(ContactReceived(contact=when, channel="phone", occurred_at=when)) for when in times]
    found = fold(scene)
    assert (found.signals, found.contacts) == ((signals[1], signals[0]), (contacts[1], contacts[0]))
    assert found.visits == ()
    assert [event.occurred_ms for event in found.timeline] == sorted(event.occurred_ms for event in found.timeline)


def test_a_fact_that_this_software_cannot_read_stands_in_the_timeline_and_says_nothing() -> None:
    scene = Scene()
    note = scene.record(NoteWritten(text="x"))
    standings = [
        msgspec.structs.replace(one, event=msgspec.structs.replace(one.event, body=None))
        if one.event.hash == note.hash
        else one
        for one in scene.shelf.standings.values()
    ]
    found = journey(scene.opened.job, standings)
    assert note.hash in {event.hash for event in found.timeline}
    assert found.state == "open"
