"""Which signals become evidence: stays inside fences, doors, loads, temperatures, shocks; what a late one changes."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codec import decode, encode
from sync.events import SignalObserved
from sync.evidence import Revision, derive, name_of, positions, revise, weighable
from sync.signals import Place, Sensor, Signal, Surroundings
from sync.stays import is_exact
from tests.sync.observed import AROUND, DEPOT, FARM, SENSORS, at, days, fix, signal

PHONE = "jane/phone"
Told = tuple[str, str, float, float]


def told(*signals: Signal, around: Surroundings = AROUND) -> list[Told]:
    """Evidence as (what, where, from, to), in minutes after eight, without the second of uncertainty at each end."""
    return [
        (
            fact.observed + (f" {fact.value}" if fact.value else ""),
            fact.site,
            round(((fact.lower_ms or 0) + 1_000 - at(0)) / 60_000, 2),
            round(((fact.upper_ms or 0) - 1_000 - at(0)) / 60_000, 2),
        )
        for fact in derive(signals, around)
    ]


def enter(minutes: float, device: str = PHONE) -> Signal:
    return signal(device, "arrive", minutes, places=("6da9cf", "Depot 12"))


def leave(minutes: float, device: str = PHONE) -> Signal:
    return signal(device, "leave", minutes, places=("6da9cf",))


# -- being there --------------------------------------------------------------
def test_a_reported_stay_is_an_arrival_a_departure_and_a_dwell() -> None:
    assert told(enter(0), leave(30)) == [
        ("arrival", "depot", 0, 0),
        ("dwell 1800000", "depot", 0, 30),
        ("departure", "depot", 30, 30),
    ]


def test_an_arrival_is_believed_at_once_and_taken_back_when_it_was_driving_by() -> None:
    assert told(enter(0)) == [("arrival", "depot", 0, 0)]
    assert told(enter(0), leave(0.9)) == []
    assert told(enter(0), leave(1)) != []


def test_leaving_without_having_come_is_nothing() -> None:
    assert told(leave(0)) == []


def test_fixes_must_span_a_minute_inside_to_be_a_visit() -> None:
    assert told(fix(PHONE, 0, 0)) == []
    assert told(fix(PHONE, 0, 0), fix(PHONE, 0.9, 0)) == []
    assert told(fix(PHONE, 0, 0), fix(PHONE, 1, 0)) == [("arrival", "depot", 0, 0)]
    passing = [fix(PHONE, 0, 0), fix(PHONE, 5, 900), fix(PHONE, 6, 900)]
    assert told(*passing) == []


def test_an_arrival_between_two_fixes_is_an_interval() -> None:
    assert told(fix(PHONE, 0, 900), fix(PHONE, 10, 0), fix(PHONE, 20, 0)) == [("arrival", "depot", 0, 10)]


def test_a_missing_exit_closes_the_visit_at_the_first_fix_elsewhere_as_an_interval() -> None:
    there = [fix(PHONE, 0, 0), fix(PHONE, 20, 0)]
    assert told(*there, fix(PHONE, 30, 400)) == [("arrival", "depot", 0, 0)]
    assert told(*there, fix(PHONE, 30, 400), fix(PHONE, 40, 400))[-1] == ("departure", "depot", 20, 30)
    assert told(*there, fix(PHONE, 60, 0, FARM))[-1] == ("departure", "depot", 20, 60)


def test_one_fix_outside_is_out_after_two_minutes_without_one_inside() -> None:
    there = [fix(PHONE, 0, 0), fix(PHONE, 20, 0), fix(PHONE, 30, 400)]
    assert told(*there, signal(PHONE, "beat", 31.9)) == [("arrival", "depot", 0, 0)]
    assert told(*there, signal(PHONE, "beat", 32))[-1] == ("departure", "depot", 20, 30)
    assert told(*there, fix(PHONE, 31, 0), signal(PHONE, "beat", 33)) == [("arrival", "depot", 0, 0)]


def test_an_arrival_said_and_never_taken_back_ends_with_the_first_fix_elsewhere() -> None:
    assert told(enter(0), fix(PHONE, 60, 0, FARM)) == [
        ("arrival", "depot", 0, 0),
        ("dwell 0", "depot", 0, 0),
        ("departure", "depot", 0, 60),
    ]
    assert told(enter(0), fix(PHONE, 0.5, 900), fix(PHONE, 0.6, 900)) == []


def test_an_inexact_fix_says_nothing_at_the_edge_of_the_fence() -> None:
    there = [fix(PHONE, 0, 0), fix(PHONE, 20, 0)]
    assert told(*there, fix(PHONE, 30, 150, acc_m=60), fix(PHONE, 40, 150, acc_m=60)) == [("arrival", "depot", 0, 0)]
    assert told(*there, fix(PHONE, 30, 250, acc_m=None), fix(PHONE, 40, 250, acc_m=None)) == [
        ("arrival", "depot", 0, 0)
    ]
    assert told(fix(PHONE, 0, 60, acc_m=60), fix(PHONE, 20, 60, acc_m=60)) == []
    wide = Surroundings(places=(msgspec.structs.replace(DEPOT, radius_m=250),), sensors=SENSORS)
    assert told(fix(PHONE, 0, 0, acc_m=None), fix(PHONE, 20, 0, acc_m=0), around=wide) == [("arrival", "depot", 0, 0)]


def test_a_fix_may_name_the_regions_it_is_in_and_a_certain_position_counts_for_more() -> None:
    named = [signal(PHONE, "loc", minutes, places=("Depot 12",)) for minutes in (0, 10)]
    assert told(*named) == [("arrival", "depot", 0, 0)]
    elsewhere = [fix(PHONE, minutes, 900, places=("Depot 12",)) for minutes in (0, 10)]
    assert told(*elsewhere) == []


def test_an_arrival_at_no_named_place_is_placed_by_its_position() -> None:
    unnamed = [
        fix(PHONE, 0, 105, native_key="in"),
        fix(PHONE, 10, 105, native_key="out"),
    ]
    came = msgspec.structs.replace(unnamed[0], type="arrive")
    went = msgspec.structs.replace(unnamed[1], type="leave")
    assert [what for what, *_ in told(came, went)] == ["arrival", "dwell 600000", "departure"]
    assert told(msgspec.structs.replace(came, lon=DEPOT.lon + 1)) == []
    assert told(msgspec.structs.replace(came, places=("another",), lat=None, lon=None)) == []


def test_a_fence_that_flaps_is_one_stay() -> None:
    assert [what for what, *_ in told(enter(0), leave(10), enter(11), leave(30))] == [
        "arrival",
        "dwell 1800000",
        "departure",
    ]
    assert [what for what, *_ in told(enter(0), leave(10), enter(13), leave(30))].count("arrival") == 2


def test_a_fix_at_the_edge_after_leaving_is_no_new_stay() -> None:
    assert told(enter(0), leave(10), fix(PHONE, 11, 0))[-1] == ("departure", "depot", 10, 10)


def test_back_after_a_departure_seen_only_from_outside_is_the_same_stay() -> None:
    there = [fix(PHONE, 0, 0), fix(PHONE, 20, 0), fix(PHONE, 21, 400), fix(PHONE, 21.5, 400)]
    assert told(*there)[-1][0] == "departure"
    assert told(*there, fix(PHONE, 22.5, 0)) == [("arrival", "depot", 0, 0)]


def test_a_jump_moves_nobody() -> None:
    there = [fix(PHONE, 0, 0), fix(PHONE, 20, 0)]
    assert told(*there, fix(PHONE, 21, 900_000), fix(PHONE, 22, 0)) == [("arrival", "depot", 0, 0)]


def test_what_does_not_count_is_no_evidence() -> None:
    assert told(enter(0, device="stranger")) == []
    assert told(msgspec.structs.replace(enter(0), flags=("device_mismatch",))) == []
    assert told(msgspec.structs.replace(enter(0), t_dev_ms=None)) == []


def test_a_beacon_is_named_and_the_witness_is_who_carries_the_device() -> None:
    (arrival,) = derive([msgspec.structs.replace(enter(0), flags=("beacon",))], AROUND)
    assert (arrival.source, arrival.value) == ("jane", "beacon")


# -- what sensors felt --------------------------------------------------------
def door(minutes: float, state: str, device: str = "dock-door") -> Signal:
    return signal(device, "door", minutes, state=state)


def test_doors_open_and_close_once_however_often_they_say_so() -> None:
    said = [door(0, "closed"), door(1, "open"), door(1.5, "open"), door(2, "closed"), door(3, "closed")]
    assert told(*said) == [("door open", "depot", 1, 1), ("door closed", "depot", 2, 2)]


def test_a_door_flapping_five_times_a_second_opened_once() -> None:
    flaps = [door(number / 300, ("open", "closed")[number % 2]) for number in range(300)]
    assert [what for what, *_ in told(*flaps)] == ["door open", "door closed"]
    assert [what for what, *_ in told(door(0, "open"), door(1, "closed"), door(2, "open"))] == [
        "door open",
        "door closed",
        "door open",
    ]


def test_a_load_changes_by_a_step_from_what_had_settled() -> None:
    weights = [(0, 100.0), (1, 102.0), (2, 104.9), (3, 105.0), (4, 80.0)]
    said = [signal("dock-scale", "weight", minutes, value=value) for minutes, value in weights]
    said.append(signal("dock-scale", "weight", 5))
    assert told(*said) == [("load +5.000", "depot", 3, 3), ("load -25.000", "depot", 4, 4)]


def temps(*said: tuple[float, float]) -> list[Signal]:
    return [signal("cargo-4", "temp", minutes, value=value) for minutes, value in said]


def test_an_excursion_is_a_duration_by_time_not_a_number_of_samples() -> None:
    assert told(*temps(*((minutes / 10, 9.0) for minutes in range(99)))) == []
    assert told(*temps((0, 9), (10, 11))) == [("excursion 11", "", 0, 10)]
    assert told(*temps((0, 1), (5, -3), (10, 1))) == [("excursion -3", "", 0, 10)]
    assert told(*temps((0, 9), (5, 7), (10, 9))) == []
    assert told(*temps((0, 9), (70, 9))) == []
    assert told(*temps((0, 9), (10, 11), (20, 15), (30, 5))) == [("excursion 11", "", 0, 10)]
    assert told(signal("cargo-4", "temp", 0), signal("dock-door", "temp", 0, value=50)) == []


def test_a_shock_counts_from_the_sensors_limit_on() -> None:
    said = [signal("cargo-4", "shock", minutes, value=value) for minutes, value in ((0, 9.9), (1, 10), (2, None))]
    assert told(*said) == [("shock 10", "", 1, 1)]


def test_what_travels_with_somebody_was_where_he_was() -> None:
    stay = [enter(0, "van-4"), leave(30, "van-4")]
    shocks = [signal("cargo-4", "shock", minutes, value=12) for minutes in (-5, -0.5, 15, 31, 40)]
    sites = [site for what, site, *_ in told(*stay, *shocks) if what == "shock 12"]
    assert sites == ["", "depot", "depot", "depot", ""]
    assert told(enter(0, "van-4"), shocks[-1])[-1] == ("shock 12", "depot", 40, 40)


# -- fixes around a scan ------------------------------------------------------
def test_positions_say_who_was_there_and_who_was_elsewhere() -> None:
    said = [
        fix(PHONE, 0, 0),
        fix(PHONE, 50, 0),
        fix(PHONE, 58, 0),
        fix("van-4", 59, 2_000),
        fix("van-4", 61, 3_000, acc_m=40),
        fix("van-4", 66, 9_000),
        fix("jane/tablet", 60, 3_000, acc_m=80),
        fix("dock-door", 60, 3_000),
        enter(60),
    ]
    facts = positions(said, AROUND, "depot", at(60), ("jane", "van-4"))
    assert [(fact.device, fact.elsewhere_m, fact.trusted) for fact in facts] == [
        (PHONE, 0, True),
        ("van-4", 1_900, True),
    ]
    assert facts[0].lower_ms == at(58) - 1_000


@pytest.mark.parametrize(
    "doubtful",
    [
        fix("van-4", 60, 3_000, acc_m=51),
        fix("van-4", 60, 3_000, acc_m=None),
        fix("van-4", 60, 3_000, quality="rtc"),
        fix("van-4", 64, 3_000),
        fix("van-4", 60, 590),
        signal("van-4", "loc", 60),
    ],
)
def test_a_doubtful_fix_contradicts_nobody(doubtful: Signal) -> None:
    assert positions([doubtful], AROUND, "depot", at(60), ("van-4",)) == ()


def test_positions_at_a_site_without_a_fence_are_none() -> None:
    assert positions([fix(PHONE, 60, 0)], AROUND, "nowhere", at(60), ("jane",)) == ()


def test_a_fix_without_a_position_is_not_exact() -> None:
    assert not is_exact(signal(PHONE, "loc", 0, acc_m=5))


def test_two_devices_of_one_witness_may_be_at_one_site_from_one_moment_on_and_part_there() -> None:
    said = [enter(0, "van-4"), leave(2, "van-4"), enter(0, "cargo-4"), signal("cargo-4", "shock", 1, value=12)]
    assert ("shock", "depot", 1, 1) in [(what.split()[0], *rest) for what, *rest in told(*said)]


# -- signals that grow old ----------------------------------------------------
def test_what_is_old_or_rests_on_what_is_gone_is_settled_and_compared_with_nothing() -> None:
    said = [enter(0), leave(10), enter(60), leave(70)]
    recorded = derive(said, AROUND)
    keys = frozenset(f"{one.source}:{one.native_key}" for one in said)
    assert weighable(recorded, recorded, keys, 0) == (list(recorded), list(recorded))
    young = [fact for fact in recorded if (fact.lower_ms or 0) >= at(30)]
    assert weighable(recorded, recorded, keys, at(30)) == (young, young)
    assert weighable(recorded, recorded, keys - {f"{said[2].source}:{said[2].native_key}"}, at(30)) == (
        [fact for fact in young if fact.observed == "departure"],
        [fact for fact in young if fact.observed == "departure"],
    )
    assert weighable([], recorded, keys, at(30)) == ([], young)


def test_what_is_left_of_settled_evidence_is_no_other_evidence() -> None:
    whole = [fix(PHONE, 0, 0), fix(PHONE, 1, 0), fix(PHONE, 20, 0)]
    recorded, derived = derive(whole, AROUND), derive(whole[1:], AROUND)
    assert weighable(recorded, derived, frozenset(f"{one.source}:{one.native_key}" for one in whole[1:]), 0) == ([], [])


def test_a_scan_has_its_fix_once_the_nearest_was_forgotten() -> None:
    near, later, beyond = fix(PHONE, 60, 0), fix(PHONE, 65, 0), fix(PHONE, 61, 2_000)
    where = ("depot", at(60), ("jane",))
    (recorded,) = positions([near], AROUND, *where)
    derived = positions([later, beyond], AROUND, *where)
    held = frozenset(f"{one.source}:{one.native_key}" for one in (later, beyond))
    _, left = weighable([recorded], derived, held, 0)
    assert [fact.elsewhere_m != 0 for fact in left] == [True], "what speaks against it is another matter"


# -- late signals -------------------------------------------------------------
def test_a_late_signal_supersedes_what_it_changes_and_takes_back_what_no_longer_holds() -> None:
    early = [fix(PHONE, 10, 0), fix(PHONE, 20, 0)]
    recorded = derive(early, AROUND)
    derived = derive([*early, enter(8)], AROUND)
    revision = revise(recorded, derived)
    assert revision == Revision(added=((derived[0], (name_of(recorded[0]),)),), gone=(name_of(recorded[0]),))
    taken_back = revise(derive([enter(0)], AROUND), derive([enter(0), leave(0.5)], AROUND))
    assert taken_back.added == ()
    assert len(taken_back.gone) == 1


def test_evidence_whose_bounds_changed_is_recorded_anew() -> None:
    said = [fix(PHONE, 10, 0), fix(PHONE, 20, 0)]
    recorded = derive(said, AROUND)
    revision = revise(recorded, derive([*said, fix(PHONE, 5, 900)], AROUND))
    assert [(fact.observed, replaced) for fact, replaced in revision.added] == [
        ("arrival", (name_of(recorded[0]),)),
    ]


def test_evidence_of_another_time_supersedes_nothing() -> None:
    revision = revise(derive([enter(0)], AROUND), derive([enter(60)], AROUND))
    assert revision.added[0][1] == ()
    assert len(revision.gone) == 1


def test_evidence_of_another_kind_supersedes_nothing() -> None:
    revision = revise(derive([enter(0)], AROUND), derive([door(0, "open")], AROUND))
    assert [replaced for _, replaced in revision.added] == [()]


@given(days(), st.randoms())
def test_order_and_repeats_of_signals_change_no_evidence(heard: list[Signal], random: Random) -> None:
    mixed = heard * 2
    random.shuffle(mixed)
    assert derive(mixed, AROUND) == derive(heard, AROUND)
    where = ("depot", at(60), [sensor.witness for sensor in SENSORS])
    assert positions(mixed, AROUND, *where) == positions(heard, AROUND, *where)


@given(days(), st.lists(st.integers(0, 14), max_size=4))
def test_however_the_signals_came_in_what_stands_recorded_is_what_all_of_them_are(
    heard: list[Signal], cuts: list[int]
) -> None:
    standing: dict[str, SignalObserved] = {}
    for cut in [*cuts, len(heard)]:
        revision = revise(standing.values(), derive(heard[:cut], AROUND))
        for name in revision.gone:
            del standing[name]
        standing |= {name_of(fact): fact for fact, _ in revision.added}
        assert {name for _, replaced in revision.added for name in replaced} <= set(revision.gone)
    assert sorted(standing.values(), key=name_of) == sorted(derive(heard, AROUND), key=name_of)


@given(days())
def test_all_evidence_can_be_recorded_and_rests_on_signals_that_were_heard(heard: list[Signal]) -> None:
    keys = {f"{one.source}:{one.native_key}" for one in heard}
    for fact in derive(heard, AROUND):
        assert set(fact.rests_on) <= keys
        assert decode(encode(fact), SignalObserved) == fact
        assert (fact.lower_ms or 0) <= (fact.upper_ms or 0)


def test_places_overlap_without_confusing_each_other() -> None:
    campus = Place(site="campus", lat=DEPOT.lat, lon=DEPOT.lon, radius_m=2_000)
    around = Surroundings(places=(DEPOT, campus), sensors=(Sensor(device=PHONE),))
    said = [fix(PHONE, 0, 0), fix(PHONE, 20, 0), fix(PHONE, 30, 900)]
    assert [(what, site) for what, site, *_ in told(*said, around=around)] == [
        ("arrival", "campus"),
        ("arrival", "depot"),
        ("dwell 1200000", "depot"),
        ("departure", "depot"),
    ]


def test_what_is_neither_fixed_nor_carried_is_not_trusted_with_a_site() -> None:
    around = Surroundings(places=(DEPOT,), sensors=(Sensor(device="tag"), Sensor(device="dock-door", site="depot")))
    facts = derive([enter(0, "tag"), door(1, "open"), door(1, "open", "tag")], around)
    assert [(fact.device, fact.source, fact.trusted) for fact in facts] == [
        ("tag", "tag", False),
        ("dock-door", "dock-door", True),
        ("tag", "tag", False),
    ]
