"""What signals say of a scan: the label, what it rests on, and that it needs independent witnesses."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.corroboration import Corroboration, concerns, corroborate
from sync.events import SignalObserved
from sync.evidence import derive, positions
from sync.signals import Signal
from tests.sync.observed import AROUND, at, days, fix, signal

SCAN_MS = at(60)
JANE_AND_VAN = ("jane", "van-4")


def said_of(*signals: Signal, by: tuple[str, ...] = JANE_AND_VAN, unc_ms: int = 0) -> Corroboration:
    """What these signals say of a scan at the depot an hour after eight."""
    facts = derive(signals, AROUND) + positions(signals, AROUND, "depot", SCAN_MS, by)
    return corroborate(facts, "depot", SCAN_MS, unc_ms, by)


def enter(device: str, minutes: float) -> Signal:
    return signal(device, "arrive", minutes, places=("6da9cf",))


def leave(device: str, minutes: float) -> Signal:
    return signal(device, "leave", minutes, places=("6da9cf",))


def door(minutes: float, state: str = "open") -> Signal:
    return signal("dock-door", "door", minutes, state=state)


def key(one: Signal) -> str:
    return f"{one.source}:{one.native_key}"


HERE = fix("jane/phone", 58, 0)


def test_a_position_and_a_door_corroborate_and_name_what_they_rest_on() -> None:
    said = said_of(HERE, door(59))
    assert said == Corroboration(
        label="corroborated",
        classes=("door", "location"),
        witnesses=("dock-door", "jane"),
        rests_on=tuple(sorted((key(HERE), key(door(59))))),
    )


def test_nothing_says_nothing() -> None:
    assert said_of() == Corroboration(label="none")


@pytest.mark.parametrize(
    "signals",
    [
        [HERE],
        [HERE, fix("van-4", 61, 0)],
        [door(59)],
        [door(59), signal("dock-scale", "weight", 50, value=0.0), signal("dock-scale", "weight", 60, value=50.0)],
        [enter("jane/phone", 20), leave("jane/phone", 90), HERE],
        [enter("jane/phone", 20), leave("jane/phone", 90), fix("jane/tablet", 60, 0)],
    ],
    ids=["one position", "one class", "one door", "no position", "one device", "two phones of one person"],
)
def test_one_class_one_witness_or_no_position_is_partial(signals: list[Signal]) -> None:
    assert said_of(*signals).label == "partial"


@pytest.mark.parametrize(
    "signals",
    [
        [HERE, signal("dock-scale", "weight", 50, value=0.0), signal("dock-scale", "weight", 60, value=50.0)],
        [HERE, enter("van-4", 20), leave("van-4", 90)],
        [enter("jane/phone", 55), door(59)],
        [signal("jane/phone", "arrive", 55, places=("6da9cf",), flags=("beacon",)), fix("van-4", 60, 0)],
    ],
    ids=["weight", "a pair of another device", "arrival", "beacon"],
)
def test_two_classes_from_two_witnesses_corroborate(signals: list[Signal]) -> None:
    assert said_of(*signals).label == "corroborated"


def test_only_what_was_near_in_time_speaks() -> None:
    assert said_of(HERE, door(44.9)).label == "partial"
    assert said_of(HERE, door(45)).label == "corroborated"
    assert said_of(HERE, door(44.5), unc_ms=60_000).label == "corroborated"
    assert said_of(HERE, enter("van-4", 20), leave("van-4", 50)).label == "partial"


def test_somebody_elses_phone_at_the_site_says_nothing() -> None:
    only_van = ("van-4",)
    assert said_of(HERE, door(59), by=only_van).label == "partial"
    assert said_of(fix("jane/phone", 60, 5_000), by=only_van).label == "none"


def test_a_trusted_fix_elsewhere_contradicts_whatever_else_speaks_for_it() -> None:
    away = fix("van-4", 61, 5_000)
    said = said_of(HERE, door(59), away)
    assert (said.label, said.against) == ("contradicted", (key(away),))
    assert said.classes == ("door", "location")


def test_evidence_at_another_site_or_of_no_time_says_nothing() -> None:
    (opened,) = derive([door(59)], AROUND)
    for other in (
        msgspec.structs.replace(opened, site="farm"),
        msgspec.structs.replace(opened, upper_ms=None),
        msgspec.structs.replace(opened, observed="shock"),
        msgspec.structs.replace(opened, trusted=False),
        msgspec.structs.replace(opened, source="jane", observed="position", elsewhere_m=200),
        msgspec.structs.replace(opened, source="jane", observed="position", elsewhere_m=2_000, trusted=False),
    ):
        assert corroborate([other], "depot", SCAN_MS, 0, JANE_AND_VAN).label == "none"


def test_a_doors_or_a_visits_times_the_wrong_way_round_are_named() -> None:
    visit = [enter("jane/phone", 50), leave("jane/phone", 70)]
    fine = said_of(*visit, door(52), door(65, "closed"))
    assert fine.out_of_order == ()
    assert said_of(*visit, door(62)).out_of_order == ("door open after scan",)
    assert said_of(*visit, door(60.9)).out_of_order == ()
    assert said_of(*visit, door(48), door(72, "closed")).out_of_order == (
        "arrival after door open",
        "door closed after departure",
    )
    assert said_of(*visit, door(52), door(55, "closed")).out_of_order == ("scan after door closed",)


@given(days(), st.randoms())
def test_order_and_repeats_change_no_label(heard: list[Signal], random: Random) -> None:
    mixed = heard * 2
    random.shuffle(mixed)
    assert said_of(*mixed) == said_of(*heard)


@given(days(), st.randoms())
def test_the_order_of_evidence_changes_no_label(heard: list[Signal], random: Random) -> None:
    facts: list[SignalObserved] = list(derive(heard, AROUND))
    before = corroborate(facts, "depot", SCAN_MS, 0, JANE_AND_VAN)
    random.shuffle(facts)
    assert corroborate(facts, "depot", SCAN_MS, 0, JANE_AND_VAN) == before


@given(days())
def test_a_label_rests_on_what_it_says(heard: list[Signal]) -> None:
    said = said_of(*heard)
    assert (said.label == "none") == (not said.rests_on and not said.against)
    if said.label == "corroborated":
        assert len(said.classes) >= 2
        assert len(said.witnesses) >= 2


def test_evidence_belongs_to_a_visit_from_a_quarter_of_an_hour_before_to_one_after() -> None:
    (opened,) = derive([door(59)], AROUND)
    assert concerns(opened, "depot", at(74), at(90), ())
    assert not concerns(opened, "depot", at(75), at(90), ())
    assert concerns(opened, "depot", at(30), at(44), ())
    assert not concerns(opened, "depot", at(30), at(43), ())
    assert not concerns(opened, "farm", at(50), at(70), ())
