"""What may be corrected, what a correction takes the place of, and how a fact reads since."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.corrections import CORRECTABLE, Reading, correction_of, readings
from sync.events import (
    CUSTODY,
    STAFF_ONLY,
    Confirmed,
    Correction,
    Event,
    ItemScanned,
    JobOpened,
    JobResolved,
    NoteWritten,
    VisitArrived,
)
from sync.journey import journey
from sync.problems import NOT_CORRECTABLE, NOT_FOUND, Problem, ProblemKind
from tests.sync.histories import rngs
from tests.sync.scene import NOBODY_HAS_IT, Scene


class Desk:
    """A scene with one scan in it, which people correct as they see it."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.scanned = self.scene.record(ItemScanned(item="seal", step="picked", qty=3), kid="")
        self.events = [self.scene.opened, self.scanned]

    def correct(self, **fields: str) -> Event:
        return self.record(correction_of(self.events, self.scanned.hash, fields, "counted again"))

    def record(self, body: Correction) -> Event:
        self.events.append(self.scene.record(body, kid=""))
        return self.events[-1]

    def reads(self) -> Reading:
        return readings(self.events)[self.scanned.hash]


def kind_of(events: list[Event], wrong: str, fields: dict[str, str]) -> ProblemKind:
    with pytest.raises(Problem) as caught:
        correction_of(events, wrong, fields, "x")
    return caught.value.kind


def test_a_correction_stands_beside_what_it_corrects() -> None:
    desk = Desk()
    said = desk.correct(qty="2")
    assert desk.reads() == Reading(body=ItemScanned(item="seal", step="picked", qty=2), by=(said.hash,), disputed=False)
    assert desk.scanned.body == ItemScanned(item="seal", step="picked", qty=3)


def test_the_next_correction_takes_the_place_of_the_last_and_keeps_what_it_said_of_other_fields() -> None:
    desk = Desk()
    first = desk.correct(qty="2", point="p1")
    second = desk.correct(qty="1")
    assert isinstance(second.body, Correction)
    assert (second.body.replaces, second.body.fields) == ((first.hash,), {"point": "p1", "qty": "1"})
    assert desk.reads().body == ItemScanned(item="seal", step="picked", qty=1, point="p1")
    assert (desk.reads().by, desk.reads().disputed) == ((second.hash,), False)


def test_two_that_did_not_know_of_each_other_contradict_each_other_until_one_knows_both() -> None:
    desk = Desk()
    for qty in ("2", "1"):
        desk.record(Correction(corrects=desk.scanned.hash, reason="x", fields={"qty": qty}))
    assert (desk.reads().disputed, desk.reads().body) == (True, desk.scanned.body)
    desk.correct(point="p1")
    assert desk.reads().disputed, "who says something of another field decides nothing"
    desk.correct(qty="2")
    assert not desk.reads().disputed
    assert desk.reads().body == ItemScanned(item="seal", step="picked", qty=2, point="p1")


def test_what_moved_accountability_is_never_corrected() -> None:
    desk = Desk()
    scene = desk.scene
    offer = scene.record(scene.offer("bo"))
    accepted = scene.record(scene.answer(offer), by="bo")
    seen = scene.record(Confirmed(roster=scene.roster, offer=offer.hash, accepted=accepted.hash, sender="anna"))
    closed = scene.record(JobResolved(node=accepted.hash), by="bo")
    for event in (scene.opened, offer, accepted, seen, closed):
        assert kind_of([*desk.events, event], event.hash, {"party": "eva"}) is NOT_CORRECTABLE
    assert not CORRECTABLE & (CUSTODY | STAFF_ONLY)


def test_of_what_opened_a_job_only_what_it_says_of_the_work_is_corrected() -> None:
    scene = Scene()
    said = {"customer": "kim", "priority": "urgent", "intent": "no heat"}
    events = [scene.opened, scene.record(correction_of([scene.opened], scene.opened.hash, said, "misheard"), kid="")]
    for field, value in (("party", "eva"), ("site", "quay"), ("order", "erp/1"), ("roster", "9.aaaaaa")):
        assert kind_of(events, scene.opened.hash, {field: value}) is NOT_CORRECTABLE
        scene.record(Correction(corrects=scene.opened.hash, reason="x", fields={field: value}), kid="")
    found = journey(scene.opened.job, scene.shelf.standings.values())
    assert isinstance(scene.opened.body, JobOpened)
    assert found.opened == msgspec.structs.replace(
        scene.opened.body, customer="kim", priority="urgent", intent="no heat"
    )
    assert found.accountable == scene.opened.body.party
    assert any("do not fit" in one for one in found.discrepancies)


def test_a_fact_of_another_job_a_field_it_lacks_and_a_value_that_does_not_fit_are_told() -> None:
    desk = Desk()
    said = desk.correct(qty="2")
    assert kind_of(desk.events, NOBODY_HAS_IT, {"qty": "2"}) is NOT_FOUND
    for wrong, fields in (
        (desk.scanned.hash, {"colour": "red"}),
        (desk.scanned.hash, {"replaces": "x"}),
        (desk.scanned.hash, {"qty": "many"}),
        (desk.scanned.hash, {"occurred_at": "yesterday"}),
        (desk.scanned.hash, {"qty": "2"}),
        (desk.scanned.hash, {}),
        (said.hash, {"reason": "y"}),
    ):
        assert kind_of(desk.events, wrong, fields) is NOT_CORRECTABLE


def test_a_fact_that_this_software_cannot_read_is_corrected_by_newer_software() -> None:
    desk = Desk()
    newer = msgspec.structs.replace(desk.scanned, body=None)
    desk.events[1] = newer
    assert kind_of(desk.events, newer.hash, {"qty": "2"}) is NOT_CORRECTABLE
    desk.record(Correction(corrects=newer.hash, reason="x", fields={"qty": "2"}))
    assert readings(desk.events) == {}


def test_what_is_not_here_and_what_cannot_be_corrected_has_no_reading() -> None:
    desk = Desk()
    closed = desk.scene.record(JobResolved(node=desk.scene.opened.hash), by="anna")
    desk.events.append(closed)
    desk.record(Correction(corrects=NOBODY_HAS_IT, reason="x", fields={"qty": "2"}))
    desk.record(Correction(corrects=closed.hash, reason="x", fields={"outcome": "done"}))
    assert readings(desk.events) == {}


@st.composite
def corrected_jobs(draw: st.DrawFn) -> Scene:
    """A job with facts, and corrections by people of whom each knew some part of what was there."""
    scene = Scene()
    facts = [
        scene.record(ItemScanned(item="seal", step="picked", qty=3), kid=""),
        scene.record(VisitArrived(visit="v1", site="mill"), kid=""),
        scene.record(NoteWritten(text="a"), kid=""),
        scene.opened,
    ]
    fields: list[dict[str, tuple[str, ...]]] = [
        {"qty": ("1", "2")},
        {"site": ("quay", "dock"), "trade": ("pumps",)},
        {"text": ("b", "c")},
        {"customer": ("kim", "lee")},
    ]
    for place in draw(st.lists(st.integers(0, 3), max_size=8)):
        names = fields[place]
        name = draw(st.sampled_from(sorted(names)))
        known = [one.event for one in scene.shelf.standings.values() if draw(st.booleans())]
        known = [one for one in known if one.hash != facts[place].hash]
        try:
            said = {name: draw(st.sampled_from(names[name]))}
            scene.record(correction_of([*known, facts[place]], facts[place].hash, said, "x"), kid="")
        except Problem as problem:
            assert problem.kind is NOT_CORRECTABLE  # noqa: PT017 - it reads so already
    return scene


@given(corrected_jobs(), rngs())
def test_no_order_and_no_partition_changes_what_a_corrected_job_says(scene: Scene, rng: Random) -> None:
    standings = list(scene.shelf.standings.values())
    first = journey(scene.opened.job, standings)
    told = readings(one.event for one in standings)
    rng.shuffle(standings)
    again = journey(scene.opened.job, [*standings, *standings[: len(standings) // 2]])
    for name in ("opened", "visits", "items", "discrepancies", "accountable"):
        assert msgspec.to_builtins(getattr(again, name)) == msgspec.to_builtins(getattr(first, name))
    assert readings(one.event for one in standings) == told
