"""One handover: an offer and its answers, whatever order they are read in."""

from itertools import product
from random import Random
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.custody import custody
from sync.events import KINDS, Confirmed, Escalated, Event, Refused, Reservation, Withdrawn
from sync.handover import MAY_FOLLOW, NEXT, STATES, Fact, Handover, State, due_ms, handovers, may_follow
from sync.payload import ELEMENTS, DeclaredGap, ItemCount, Payload, Synthesis
from sync.policy import Limits, Policy
from sync.problems import ALREADY_ANSWERED, Problem
from tests.sync.cast import LOGS, START_MS, Step, applied, judged, tell
from tests.sync.folding import steps
from tests.sync.histories import histories, rngs
from tests.sync.scene import FREE, Scene

FACTS: tuple[Fact, ...] = get_args(Fact)
HOLDS: dict[Fact, State] = {
    "contest": "contested",
    "accepted": "accepted",
    "withdrawn": "withdrawn",
    "refused by all": "refused",
}
TEN_YEARS_MS = 10 * 366 * 86_400_000


# -- the table ----------------------------------------------------------------
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_moves_a_state_only_towards_what_comes_first(state: State, fact: Fact) -> None:
    after = NEXT[state][fact]
    assert STATES.index(after) == min(STATES.index(state), STATES.index(HOLDS[fact]))


@given(st.lists(st.sampled_from(FACTS)), rngs())
def test_facts_in_any_order_and_number_come_to_the_same_state(facts: list[Fact], rng: Random) -> None:
    def state_after(said: list[Fact]) -> State:
        state: State = "offered"
        for fact in said:
            state = NEXT[state][fact]
        return state

    again = facts + rng.sample(facts, rng.randint(0, len(facts)))
    rng.shuffle(again)
    assert state_after(again) == state_after(facts)
    assert state_after(facts) == next((HOLDS[fact] for fact in HOLDS if fact in facts), "offered")


def in_state(state: State) -> Handover:
    scene = Scene()
    content = scene.offer("bo")
    return Handover(offer=scene.record(content), content=content, state=state)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if kind.startswith("handover.")))
def test_only_what_the_table_allows_may_follow(state: State, kind: str) -> None:
    handover = in_state(state)
    before = msgspec.structs.asdict(handover)
    if kind in MAY_FOLLOW[state]:
        may_follow(handover, kind)
    else:
        with pytest.raises(Problem) as refused:
            may_follow(handover, kind)
        assert refused.value.kind is ALREADY_ANSWERED
        assert kind in refused.value.detail
    assert msgspec.structs.asdict(handover) == before


def test_what_was_accepted_or_contested_can_be_confirmed_and_nothing_more() -> None:
    assert MAY_FOLLOW["accepted"] == MAY_FOLLOW["contested"] == {"handover.confirmed"}
    assert MAY_FOLLOW["withdrawn"] == frozenset()
    assert "handover.withdrawn" in MAY_FOLLOW["offered"] & MAY_FOLLOW["refused"]


# -- the state of real ones ---------------------------------------------------
def fold(scene: Scene, policy: Policy | None = None) -> tuple[Handover, ...]:
    standings = applied(scene.shelf)
    offers = [one.event.hash for one in standings if one.event.kind == "handover.offered"]
    return handovers(standings, custody(standings).contested, dict.fromkeys(offers, policy))


@pytest.mark.parametrize("facts", [*product([False, True], repeat=4)])
def test_the_first_that_holds_is_the_state(facts: tuple[bool, bool, bool, bool]) -> None:
    refused, withdrawn, accepted, beside = facts
    scene = Scene()
    offer = scene.record(scene.offer("bo", "cem"))
    if refused:
        for party in ("bo", "cem"):
            scene.record(Refused(roster=scene.roster, offer=offer.hash, party=party, reason="full"), by=party)
    if withdrawn:
        scene.record(Withdrawn(roster=scene.roster, offer=offer.hash, sender="anna"))
    if accepted:
        scene.record(scene.answer(offer), by="bo")
    if beside:
        scene.record(scene.answer(offer, "cem"), by="cem")
    (one,) = fold(scene)
    contested = (accepted and beside) or (withdrawn and (accepted or beside))
    held: list[tuple[bool, State]] = [
        (contested, "contested"),
        (accepted or beside, "accepted"),
        (withdrawn, "withdrawn"),
        (refused, "refused"),
    ]
    assert one.state == next((state for holds, state in held if holds), "offered")


def test_refused_by_some_is_still_offered() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo", "cem"))
    scene.record(Refused(roster=scene.roster, offer=offer.hash, party="bo", reason="full"), by="bo")
    (one,) = fold(scene)
    assert (one.state, len(one.refused)) == ("offered", 1)


def test_a_withdrawn_offer_accepted_by_a_party_with_another_offer_is_accepted() -> None:
    scene = Scene()
    first, second = scene.record(scene.offer("bo")), scene.record(scene.offer("bo", "cem"))
    scene.record(Withdrawn(roster=scene.roster, offer=first.hash, sender="anna"))
    for offer in (first, second):
        scene.record(scene.answer(offer), by="bo")
    assert [one.state for one in fold(scene)] == ["accepted", "accepted"]


def test_a_refused_answer_is_no_answer() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    scene.record(scene.answer(offer, "dee"), by="dee")
    assert [one.state for one in fold(scene)] == ["offered"]


@given(histories(), rngs())
def test_no_order_changes_a_handover(history: list[Step], rng: Random) -> None:
    standings = applied(judged(tell(history).events.values()))
    contested = custody(standings).contested
    first = handovers(standings, contested, {})
    again = [*standings, *standings[:3]]
    rng.shuffle(again)
    second = handovers(again, contested, {})
    assert [msgspec.structs.asdict(one) for one in first] == [msgspec.structs.asdict(one) for one in second]


@given(histories(), st.dictionaries(st.sampled_from(LOGS), st.integers(-TEN_YEARS_MS, TEN_YEARS_MS)))
def test_no_clock_changes_a_state_or_what_answers_what(history: list[Step], shifts_ms: dict[str, int]) -> None:
    def said(shifts: dict[str, int]) -> dict[str, tuple[object, ...]]:
        told = tell(history, shifts)
        standings = applied(judged(told.events.values()))
        found = handovers(standings, custody(standings).contested, {})
        return {
            told.ids[one.offer.hash]: (
                one.state,
                one.confirmed,
                one.reserved,
                *(
                    steps(told, (event.hash for event in answers))
                    for answers in (one.accepted, one.refused, one.withdrawn, one.confirmations)
                ),
            )
            for one in found
        }

    assert said({}) == said(shifts_ms)


# -- flags --------------------------------------------------------------------
def taken(scene: Scene, **named: object) -> tuple[Event, Event]:
    offer = scene.record(scene.offer("bo"))
    return offer, scene.record(scene.answer(offer, "bo", **named), by="bo")


def test_confirmed_once_the_sender_has_seen_an_acceptance() -> None:
    scene = Scene()
    offer, accepted = taken(scene)
    assert not fold(scene)[0].confirmed
    scene.record(Confirmed(roster=scene.roster, offer=offer.hash, accepted=accepted.hash, sender="anna"))
    (one,) = fold(scene)
    assert (one.confirmed, len(one.confirmations), one.state) == (True, 1, "accepted")


def test_reserved_where_an_acceptance_has_remarks() -> None:
    for reservations in ((), (Reservation(item="seal", counted=0),)):
        scene = Scene()
        taken(scene, reservations=reservations)
        assert fold(scene)[0].reserved is bool(reservations)


def with_limit(minutes: int | None) -> Policy:
    return msgspec.structs.replace(FREE, limits=Limits(accept=minutes))


@pytest.mark.parametrize(
    ("until", "minutes", "due"),
    [
        ("", None, None),
        ("", 30, START_MS + 2_000 + 30 * 60_000),
        ("2026-01-05T08:20:00Z", None, START_MS + 20 * 60_000),
        ("2026-01-05T08:20:00Z", 30, START_MS + 20 * 60_000),
        ("2026-01-05T08:40:00Z", 30, START_MS + 2_000 + 30 * 60_000),
        ("", 0, START_MS + 2_000),
    ],
)
def test_the_sooner_limit_counts(until: str, minutes: int | None, due: int | None) -> None:
    scene = Scene()
    body = msgspec.structs.replace(scene.offer("bo"), until=until)
    offer = msgspec.structs.replace(scene.write(body), occurred_ms=START_MS + 2_000)
    assert due_ms(offer, body, with_limit(minutes)) == due
    assert due_ms(offer, body, None) == due_ms(offer, body, with_limit(None))


def test_an_open_offer_lapses_past_its_limit_and_an_answered_one_does_not() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    (one,) = fold(scene, with_limit(5))
    limit = offer.occurred_ms + 5 * 60_000
    assert (one.due_ms, one.lapsed(limit), one.lapsed(limit + 1)) == (limit, False, True)
    assert not fold(scene)[0].lapsed(limit + TEN_YEARS_MS)
    scene.record(Refused(roster=scene.roster, offer=offer.hash, party="bo", reason="full"), by="bo")
    (one,) = fold(scene, with_limit(5))
    assert (one.state, one.lapsed(limit + 1)) == ("refused", True)
    scene.record(scene.answer(offer), by="bo")
    assert not fold(scene, with_limit(5))[0].lapsed(limit + 1)


def test_an_acceptance_past_the_limit_stands_and_is_late() -> None:
    scene = Scene()
    taken(scene, occurred_at="2026-01-05T09:00:00Z")
    (late,), (in_time,) = fold(scene, with_limit(5)), fold(scene, with_limit(600))
    assert (late.state, late.late) == ("accepted", True)
    assert (in_time.state, in_time.late) == ("accepted", False)
    assert not fold(scene)[0].late


def test_an_acceptance_at_the_limit_is_in_time() -> None:
    scene = Scene()
    scene.record(scene.answer(scene.record(scene.offer("bo")), occurred_at="2026-01-05T08:05:03Z"), by="bo")
    (one,) = fold(scene, with_limit(5))
    assert (one.due_ms, one.late) == (one.accepted[0].occurred_ms, False)


def test_escalations_are_kept_with_their_offer_and_move_nothing() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    scene.record(Escalated(offer=offer.hash, step=1, to="eva"), by="desk", log="desk-1")
    (one,) = fold(scene)
    assert (one.state, len(one.escalations)) == ("offered", 1)


def test_offers_come_by_the_time_shown() -> None:
    scene = Scene()
    late = scene.record(msgspec.structs.replace(scene.offer("bo"), occurred_at="2026-01-05T10:00:00Z"))
    early = scene.record(msgspec.structs.replace(scene.offer("cem"), occurred_at="2026-01-05T09:00:00Z"))
    assert [one.offer for one in fold(scene)] == [early, late]


# -- completeness -------------------------------------------------------------
def test_each_element_is_present_a_declared_gap_or_missing() -> None:
    scene = Scene()
    payload = Payload(
        summary="leaks",
        items=(ItemCount(id="seal", expected=1, counted=1),),
        gaps=(DeclaredGap(element="risks", reason="not looked"), DeclaredGap(element="summary", reason="said anyway")),
    )
    offer = scene.record(scene.offer("bo", payload=payload))
    (before,) = fold(scene)
    said = before.completeness()
    assert tuple(said) == ELEMENTS
    assert {element for element, how in said.items() if how == "present"} == {"summary", "items"}
    assert said["risks"] == "declared gap"
    assert said["synthesis"] == said["decisions"] == "missing"
    scene.record(scene.answer(offer, synthesis=Synthesis(words="the seal")), by="bo")
    assert fold(scene)[0].completeness()["synthesis"] == "present"
