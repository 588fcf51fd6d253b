"""What is in doubt is put before people, and moves nothing."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.custody import Custody, custody
from sync.doubts import NO_DOUBTS, Doubts, doubts_of, puts_in_doubt, why
from sync.events import CUSTODY, DeviceRevoked, Event, EventPromoted, Fact, Heads, LogForked, NoteWritten
from sync.journey import journey
from sync.standing import Standing
from tests.sync.cast import LOGS, Step, applied, judged, log_id, tell
from tests.sync.histories import histories, rngs
from tests.sync.scene import Scene

ROOT = Step(id="r", kind="opened", log="anna's", actor="anna", party="anna")
OFFER = Step(id="o", kind="offered", log="anna's", actor="anna", basis="r", sender="anna", to=("bo",))
BO = Step(id="a", kind="accepted", log="bo's", actor="bo", offer="o", party="bo")
FORKED = Step(id="f", kind="forked", log="desk-1", actor="desk", basis="a")
CHOSEN = Step(id="s", kind="resolved", log="desk-1", actor="desk", basis="r", cites=("a", "f"), chosen="a")


def doubtful(rng: Random, standings: list[Standing]) -> Doubts:
    """Doubts about some of the logs, some of the events promoted."""
    events = [one.event for one in standings]

    def some(share: float) -> frozenset[str]:
        return frozenset(event.hash for event in events if rng.random() < share)

    logs = [log_id(name) for name in LOGS]
    return Doubts(
        forks={log: rng.randint(1, 6) for log in logs if rng.random() < 0.4},
        suspects={log: rng.randint(1, 6) for log in logs if rng.random() < 0.2},
        compromised=some(0.1),
        promoted=some(0.3),
    )


@given(histories(), rngs())
def test_a_doubt_moves_nothing_and_opens_a_case_for_each_custody_event_it_concerns(
    history: list[Step], rng: Random
) -> None:
    standings = applied(judged(tell(history).events.values()))
    doubts = doubtful(rng, standings)
    certain, doubted = custody(standings), custody(standings, doubts)
    assert walked(certain) == walked(doubted)
    assert tuple(case for case in doubted.cases if case.why == "contest") == certain.cases
    if certain.at is None:
        return
    hung = [one.event for one in standings if one.under or one.node]
    wanted = {event.hash: why(event, doubts) for event in hung if event.kind in CUSTODY and why(event, doubts)}
    assert {case.about: case.why for case in doubted.cases if case.about} == wanted
    assert len({case.key for case in doubted.cases}) == len(doubted.cases)


def walked(tree: Custody) -> tuple[object, ...]:
    return tree.accountable, tree.since, [node.key for node in tree.path], tree.contested, tree.cited


@given(histories(), rngs())
def test_the_order_of_events_changes_no_doubt_and_no_case_of_one(history: list[Step], rng: Random) -> None:
    events = list(tell(history).events.values())
    said = [one.event for one in applied(judged(events))]
    rng.shuffle(events)
    again = applied(judged(events))
    rng.shuffle(again)
    doubts = doubts_of(said)
    assert doubts_of(one.event for one in again) == doubts
    assert custody(applied(judged(tell(history).events.values())), doubts).cases == custody(again, doubts).cases


def test_a_resolution_that_cites_the_event_settles_the_doubt() -> None:
    told = tell([ROOT, OFFER, BO, FORKED, CHOSEN])
    for ids, state in ((("r", "o", "a", "f"), "open"), (("r", "o", "a", "f", "s"), "resolved")):
        filled = judged(told.some(ids))
        doubts = doubts_of(one.event for one in applied(filled))
        (case,) = [one for one in custody(applied(filled), doubts).cases if one.about]
        assert (case.about, case.why, case.state) == (told.events["a"].hash, "forked", state)
        assert (case.basis, case.parties) == (told.events["r"].hash, ("anna", "bo"))
        assert case.causes == (told.events["f"].hash,)


def test_an_offer_in_doubt_touches_those_it_was_made_to() -> None:
    told = tell([ROOT, OFFER])
    tree = custody(applied(judged(told.events.values())), Doubts(forks={log_id("anna's"): told.events["o"].seq}))
    assert [(case.about, case.parties) for case in tree.cases] == [(told.events["o"].hash, ("anna", "bo"))]


# -- what is in doubt ---------------------------------------------------------
def at(seq: int, kind: str = "handover.offered") -> Event:
    found = tell([ROOT, OFFER]).events["o"]
    return Event(
        hash=found.hash,
        log=found.log,
        seq=seq,
        kind=kind,
        job=found.job,
        actor="anna",
        at=found.at,
        body=found.body,
        wall_ms=0,
        occurred_ms=0,
    )


LOG = log_id("anna's")


@pytest.mark.parametrize(
    ("doubts", "seq", "kind", "reason"),
    [
        (NO_DOUBTS, 3, "handover.offered", None),
        (Doubts(forks={LOG: 3}), 2, "handover.offered", None),
        (Doubts(forks={LOG: 3}), 3, "handover.offered", "forked"),
        (Doubts(forks={LOG: 3}), 4, "note.written", "forked"),
        (Doubts(forks={log_id("bo's"): 1}), 4, "note.written", None),
        (Doubts(suspects={LOG: 3}), 3, "handover.offered", "suspect"),
        (Doubts(suspects={LOG: 3}), 2, "handover.offered", None),
        (Doubts(suspects={LOG: 3}), 3, "note.written", None),
        (Doubts(suspects={LOG: 1}, forks={LOG: 1}), 3, "handover.offered", "suspect"),
        (Doubts(suspects={LOG: 1}, compromised=frozenset({at(1).hash})), 3, "handover.offered", "compromised"),
        (Doubts(compromised=frozenset({at(1).hash})), 3, "note.written", None),
        (Doubts(forks={LOG: 1}, suspects={LOG: 1}, promoted=frozenset({at(1).hash})), 3, "handover.offered", None),
    ],
)
def test_from_the_seq_in_dispute_on_an_event_is_in_doubt_until_it_is_promoted(
    doubts: Doubts, seq: int, kind: str, reason: str | None
) -> None:
    assert why(at(seq, kind), doubts) == reason


@given(st.permutations(range(6)))
def test_of_several_the_lowest_seq_counts(order: list[int]) -> None:
    scene = Scene()
    other = log_id("bo's")
    bodies = (
        LogForked(log=LOG, seq=7),
        LogForked(log=LOG, seq=4),
        DeviceRevoked(device="x", reason="lost", logs=(Heads(log=other),), suspect_log=LOG, suspect_from=9),
        DeviceRevoked(device="x", reason="compromised", suspect_log=LOG, suspect_from=5),
        DeviceRevoked(device="x", reason="left", logs=(Heads(log=LOG),)),
        EventPromoted(event=scene.opened.hash),
    )
    events = [scene.record(body, by="desk", log="desk-1") for body in bodies]
    found = doubts_of([events[at] for at in order])
    assert (found.forks, found.suspects, found.promoted) == ({LOG: 4}, {LOG: 5}, frozenset({scene.opened.hash}))
    assert found.causes == {LOG: tuple(sorted(event.hash for event in events[:5])), other: (events[2].hash,)}


def test_any_other_fact_in_doubt_is_a_discrepancy() -> None:
    scene = Scene()
    note = scene.record(NoteWritten(text="x"))
    standings = list(scene.shelf.standings.values())
    doubts = Doubts(forks={note.log: note.seq})
    found = journey(scene.opened.job, standings, doubts=doubts)
    assert [said for said in found.discrepancies if note.hash in said]
    promoted = Doubts(forks=doubts.forks, promoted=frozenset({note.hash}))
    assert journey(scene.opened.job, standings, doubts=promoted).discrepancies == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (LogForked(log=LOG, seq=3), True),
        (LogForked(log=LOG, seq=4), False),
        (LogForked(log=log_id("bo's"), seq=1), False),
        (DeviceRevoked(device="x", kid="k", reason="lost", logs=(Heads(log=LOG),)), False),
        (DeviceRevoked(device="x", kid="k", reason="lost", suspect_log=LOG, suspect_from=3), True),
        (DeviceRevoked(device="x", kid="k", reason="lost", suspect_log=LOG, suspect_from=4), False),
        (DeviceRevoked(device="x", kid="k", reason="lost", suspect_log=log_id("bo's"), suspect_from=1), False),
        (DeviceRevoked(device="x", kid="k", reason="compromised", logs=(Heads(log=LOG),)), True),
        (DeviceRevoked(device="x", kid="k", reason="compromised", logs=(Heads(log=LOG),), judged=(at(1).hash,)), False),
        (DeviceRevoked(device="x", kid="k", reason="compromised"), False),
        (DeviceRevoked(device="x", kid="", reason="compromised"), True),
        (NoteWritten(text="x"), False),
    ],
)
def test_a_fork_told_or_a_key_revoked_puts_in_doubt_what_it_is_about(body: Fact, said: bool) -> None:
    cause = Scene().record(body, by="desk", log="desk-1")
    assert puts_in_doubt(cause, at(3)) is said
