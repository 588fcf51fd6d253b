"""Which of several facts stands, and what a correction puts in."""

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sync import facts
from sync.events import Correction, Event, Fact, ItemScanned, JobPlanned, NoteWritten, VisitArrived
from sync.facts import in_force, still_standing
from tests.sync.histories import rngs
from tests.sync.scene import NOBODY_HAS_IT, Scene

SCENE = Scene()


def plans(replaces: list[list[int]]) -> list[Event]:
    """One plan for each list, which names by place the earlier plans that it replaces."""
    made: list[Event] = []
    for count, olders in enumerate(replaces):
        hashes = tuple(made[older].hash for older in olders if older < len(made))
        made.append(SCENE.write(JobPlanned(stop=f"s{count}", replaces=hashes)))
    return made


def stop(event: Event | None) -> str:
    return event.body.stop if event is not None and isinstance(event.body, JobPlanned) else ""


HISTORIES = st.lists(st.lists(st.integers(0, 7), max_size=3, unique=True), max_size=8)


def literally(pool: set[int], replaces: list[list[int]]) -> tuple[int | None, bool]:
    """The rule as it is written, over places instead of events."""

    def above(one: int) -> set[int]:
        direct = {older for older in replaces[one] if older < one}
        return direct.union(*map(above, direct))

    stands = {one for one in pool if not any(one in above(other) for other in pool)}
    if len(stands) == 1:
        return stands.pop(), False
    common = {one for one in pool if stands and all(one in above(top) for top in stands)}
    return (literally(common, replaces)[0], True) if stands else (None, False)


@given(HISTORIES, rngs())
def test_what_is_in_force_is_what_the_rule_says_in_any_order(replaces: list[list[int]], rng: Random) -> None:
    events = plans(replaces)
    place, disputed = literally(set(range(len(events))), replaces)
    arrived = events + rng.choices(events, k=2) if events else []
    rng.shuffle(arrived)
    found = in_force(arrived)
    assert found == (None if place is None else events[place], disputed)


def test_nothing_is_in_force_of_nothing() -> None:
    assert in_force([]) == (None, False)


def test_the_last_of_a_chain_is_in_force() -> None:
    found, disputed = in_force(plans([[], [0], [1]]))
    assert (stop(found), disputed) == ("s2", False)


def test_where_two_stand_what_both_replace_is_read_and_disputed() -> None:
    found, disputed = in_force(plans([[], [0], [0]]))
    assert (stop(found), disputed) == ("s0", True)


def test_through_others_counts_as_replaced() -> None:
    found, disputed = in_force(plans([[], [0], [1], [2], [1]]))
    assert (stop(found), disputed) == ("s1", True)


def test_where_nothing_is_common_nothing_is_read() -> None:
    found, disputed = in_force(plans([[], []]))
    assert (stop(found), disputed) == ("", True)


def test_one_that_replaces_all_that_stand_ends_the_dispute() -> None:
    found, disputed = in_force(plans([[], [0], [0], [1, 2]]))
    assert (stop(found), disputed) == ("s3", False)


def test_what_replaces_something_not_here_stands() -> None:
    event = SCENE.write(JobPlanned(stop="s", replaces=(NOBODY_HAS_IT,)))
    assert in_force([event]) == (event, False)


@given(HISTORIES, rngs())
def test_what_stands_is_what_nothing_here_replaces(replaces: list[list[int]], rng: Random) -> None:
    events = plans(replaces)
    replaced = {older for count, olders in enumerate(replaces) for older in olders if older < count}
    expected = {event.hash for place, event in enumerate(events) if place not in replaced}
    shuffled = events + events[:2]
    rng.shuffle(shuffled)
    standing = [event.hash for event in still_standing(shuffled)]
    assert set(standing) == expected
    assert standing == sorted(expected)


# -- corrections --------------------------------------------------------------
def corrections(*said: dict[str, str]) -> list[Event]:
    return [SCENE.write(Correction(corrects=NOBODY_HAS_IT, reason="typed wrong", fields=fields)) for fields in said]


ARRIVED = VisitArrived(visit="v1", site="mill", trade="pumps")
KNOWN = ("occurred_at", "qty", "site", "trade", "type")


def corrected(body: Fact, said: list[Event]) -> tuple[Fact, bool]:
    return facts.corrected(body, said, KNOWN)


def test_without_a_correction_nothing_changes() -> None:
    assert corrected(ARRIVED, []) == (ARRIVED, False)
    assert corrected(ARRIVED, corrections({})) == (ARRIVED, False)


def test_a_correction_puts_in_what_is_right() -> None:
    right, disputed = corrected(ARRIVED, corrections({"site": "quay", "occurred_at": "2026-01-05T07:00:00Z"}))
    assert right == msgspec.structs.replace(ARRIVED, site="quay", occurred_at="2026-01-05T07:00:00Z")
    assert not disputed


def test_numbers_are_corrected_in_words() -> None:
    right, disputed = corrected(ItemScanned(item="seal", step="picked"), corrections({"qty": "3"}))
    assert (right, disputed) == (ItemScanned(item="seal", step="picked", qty=3), False)


def test_corrections_that_agree_stand_together() -> None:
    right, disputed = corrected(ARRIVED, corrections({"site": "quay"}, {"site": "quay", "trade": "lifts"}))
    assert (right, disputed) == (msgspec.structs.replace(ARRIVED, site="quay", trade="lifts"), False)


def test_a_field_on_which_they_differ_stays_as_it_was() -> None:
    right, disputed = corrected(ARRIVED, corrections({"site": "quay", "trade": "lifts"}, {"site": "dock"}))
    assert (right, disputed) == (msgspec.structs.replace(ARRIVED, trade="lifts"), True)


def test_a_correction_that_was_replaced_is_not_read() -> None:
    (first,) = corrections({"site": "dock"})
    body = Correction(corrects=NOBODY_HAS_IT, reason="again", fields={"site": "quay"}, replaces=(first.hash,))
    assert corrected(ARRIVED, [SCENE.write(body), first]) == (msgspec.structs.replace(ARRIVED, site="quay"), False)


def test_what_does_not_fit_is_not_put_in() -> None:
    for fields in ({"type": "party"}, {"site": ""}, {"occurred_at": "noon"}, {"replaces": "x"}):
        assert corrected(ARRIVED, corrections(fields)) == (ARRIVED, True)


def test_a_field_that_does_not_exist_is_told_and_the_rest_put_in() -> None:
    right, disputed = corrected(ARRIVED, corrections({"mood": "fine", "site": "quay"}))
    assert (right, disputed) == (msgspec.structs.replace(ARRIVED, site="quay"), True)


def test_a_field_that_is_not_to_be_corrected_stays_and_the_rest_is_put_in() -> None:
    right, disputed = corrected(ARRIVED, corrections({"visit": "v2", "site": "quay"}))
    assert (right, disputed) == (msgspec.structs.replace(ARRIVED, site="quay"), True)


def test_what_is_no_correction_corrects_nothing() -> None:
    assert corrected(ARRIVED, [SCENE.write(NoteWritten(text="x"))]) == (ARRIVED, False)


FIELDS = st.dictionaries(st.sampled_from(["site", "asset", "trade"]), st.sampled_from(["quay", "dock"]), max_size=3)


@given(st.lists(FIELDS, max_size=4), rngs())
def test_no_order_of_corrections_changes_what_is_right(said: list[dict[str, str]], rng: Random) -> None:
    events = corrections(*said)
    first: tuple[Fact, bool] = corrected(ARRIVED, events)
    rng.shuffle(events)
    assert corrected(ARRIVED, events) == first
