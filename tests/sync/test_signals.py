"""What a signal's time is, and what is seen only when signals are looked at together."""

from random import Random
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.signals import (
    AGE_BOUND_MS,
    MEANING,
    UNCOUNTED,
    Flag,
    Sensor,
    Signal,
    TimeQuality,
    counts,
    distance_m,
    effective,
    flagged,
    missing,
    settle,
)
from tests.sync.observed import AROUND, DEPOT, EIGHT_MS, FARM, SENSORS, at, days, fix, signal

DAY_MS = 86_400_000


def one(signals: list[Signal], key: str) -> Signal:
    (found,) = [signal for signal in settle(signals, SENSORS) if signal.native_key == key]
    return found


@pytest.mark.parametrize(
    ("offset_ms", "quality", "flag"),
    [
        (0, "gnss", None),
        (120_000, "gnss", None),
        (120_001, "gnss", "clock_ahead"),
        (DAY_MS, "ntp", "clock_ahead"),
        (-DAY_MS, "phone", None),
        (-30 * DAY_MS, "net", None),
        (-30 * DAY_MS - 1, "net", "clock_behind"),
        (0, "rtc", "clock_unproven"),
    ],
)
def test_a_device_time_is_believed_as_far_as_receipt_makes_it_plausible(
    offset_ms: int, quality: TimeQuality, flag: Flag | None
) -> None:
    timing = effective(EIGHT_MS + offset_ms, EIGHT_MS, quality)
    assert timing.flags == ((flag,) if flag else ())
    believed = flag in (None, "clock_unproven")
    assert timing.t_eff_ms == (EIGHT_MS + offset_ms if believed else EIGHT_MS)
    assert (timing.t_unc_ms == AGE_BOUND_MS) == (not believed)


@pytest.mark.parametrize("t_dev_ms", [0, 315_532_800_000, 2_085_978_496_000, EIGHT_MS + DAY_MS, EIGHT_MS * 1000])
def test_years_1970_1980_2036_a_day_ahead_and_milliseconds_for_seconds_end_at_the_time_of_receipt(
    t_dev_ms: int,
) -> None:
    timing = effective(t_dev_ms, EIGHT_MS, "gnss")
    assert timing.t_eff_ms == EIGHT_MS
    assert timing.flags in (("clock_ahead",), ("clock_behind",))
    assert not counts(signal("van-4", "beat", 0, t_dev_ms=t_dev_ms))


def test_without_a_device_time_only_receipt_is_known() -> None:
    assert effective(None, EIGHT_MS, "none") == (EIGHT_MS, AGE_BOUND_MS, ("no_device_time",))


@pytest.mark.parametrize("wrong", [{"t_dev_ms": at(-60 * 24 * 40)}, {"t_dev_ms": at(60 * 24)}, {"t_dev_ms": None}])
def test_a_time_that_cannot_be_believed_is_rebuilt_from_the_same_start_of_the_device(wrong: dict[str, Any]) -> None:
    good = signal("van-4", "beat", 0, boot="a", mono_ms=10_000)
    bad = signal("van-4", "door", 9, boot="a", mono_ms=310_000, t_recv_ms=at(60), **wrong)
    settled = one([bad, good], bad.native_key)
    assert settled.t_eff_ms == at(5)
    assert settled.t_unc_ms == 1_000 + 30
    assert settled.flags == ("rebuilt",)
    other_start = msgspec.structs.replace(bad, boot="b")
    assert one([other_start, good], bad.native_key).t_eff_ms == at(60)


def test_a_free_running_clock_that_agrees_is_kept_and_one_that_does_not_is_rebuilt() -> None:
    good = signal("van-4", "beat", 0, boot="a", mono_ms=0)
    near = signal("van-4", "door", 1, boot="a", mono_ms=61_000, quality="rtc")
    far = signal("van-4", "door", 10, boot="a", mono_ms=62_000, quality="rtc")
    assert one([good, near, far], near.native_key).flags == ("clock_unproven",)
    assert one([good, near, far], far.native_key).t_eff_ms == at(0) + 62_000
    unnumbered = signal("van-4", "door", 2, boot="a", quality="rtc")
    assert one([good, unnumbered], unnumbered.native_key).t_eff_ms == at(2)


def test_a_clock_that_goes_back_while_the_device_runs_is_flagged() -> None:
    before = signal("van-4", "beat", 30, boot="a", mono_ms=0)
    after = signal("van-4", "beat", 10, boot="a", mono_ms=60_000)
    assert one([after, before], after.native_key).flags == ("clock_jump",)
    assert one([after, before], before.native_key).flags == ()


def test_a_number_used_twice_in_one_start_is_flagged_and_a_new_start_may_use_it_again() -> None:
    first = signal("van-4", "beat", 0, boot="a", seq=1)
    again = signal("van-4", "beat", 1, boot="a", seq=1)
    fresh = signal("van-4", "beat", 2, boot="b", seq=1)
    startless = [signal("van-4", "beat", minute, seq=1) for minute in (3, 4)]
    settled = settle([first, again, fresh, *startless], SENSORS)
    assert [s.flags for s in settled] == [("seq_reset",), ("seq_reset",), (), (), ()]


def test_a_device_nobody_enrolled_or_not_enrolled_at_the_time_does_not_count() -> None:
    sensors = [Sensor(device="van-4", since_ms=at(60), until_ms=at(120))]
    early, then, late = (signal("van-4", "beat", minutes) for minutes in (30, 90, 150))
    stranger = signal("stranger", "beat", 90, native_key="s")
    settled = settle([early, then, late, stranger], sensors)
    assert [(s.flags, counts(s)) for s in settled] == [
        (("not_enrolled_then",), False),
        (("unknown_device",), False),
        ((), True),
        (("not_enrolled_then",), False),
    ]


def test_a_speed_above_seventy_metres_a_second_is_flagged() -> None:
    slow = [fix("van-4", 0, 0), fix("van-4", 1, 4_000)]
    fast = [fix("van-4", 0, 0), fix("van-4", 1, 6_000)]
    assert [s.flags for s in settle(slow, SENSORS)] == [(), ()]
    assert [s.flags for s in settle(fast, SENSORS)] == [(), ("jump",)]
    inexact = [fix("van-4", 0, 0), fix("van-4", 1, 6_000, acc_m=2_000)]
    assert [s.flags for s in settle(inexact, SENSORS)] == [(), ()]
    two_devices = [fix("van-4", 0, 0), fix("jane/phone", 1, 6_000)]
    assert [s.flags for s in settle(two_devices, SENSORS)] == [(), ()]


def test_swapped_coordinates_among_right_ones_are_a_jump() -> None:
    swapped = signal("van-4", "loc", 1, lat=DEPOT.lon, lon=DEPOT.lat, acc_m=5)
    assert one([fix("van-4", 0, 0), swapped], swapped.native_key).flags == ("jump",)


def test_numbers_never_heard_are_listed_for_each_start() -> None:
    heard = [signal("van-4", "beat", seq, boot="a", seq=seq) for seq in (1, 2, 5, 9)]
    heard += [signal("van-4", "beat", 20 + seq, boot="b", seq=seq) for seq in (7, 8)]
    heard.append(signal("van-4", "beat", 40))
    assert missing(heard) == {("van-4", "a"): ((3, 4), (6, 8))}


def test_the_first_hearing_of_a_signal_is_the_one_that_stays() -> None:
    first = signal("van-4", "beat", 0)
    again = flagged(msgspec.structs.replace(first, t_recv_ms=at(5)), "repeated", "retained")
    assert settle([again, first], SENSORS) == settle([first, again], SENSORS) == settle([first], SENSORS)


@given(days(), st.randoms())
def test_order_and_repeats_of_signals_change_nothing(heard: list[Signal], random: Random) -> None:
    settled = settle(heard, SENSORS)
    mixed = heard * 2
    random.shuffle(mixed)
    assert settle(mixed, SENSORS) == settled
    assert settle(settled, SENSORS) == settled
    assert missing(mixed) == missing(heard)


@given(days())
def test_every_flag_that_appears_has_a_meaning(heard: list[Signal]) -> None:
    assert {flag for s in settle(heard, AROUND.sensors) for flag in s.flags} <= MEANING.keys()


def test_every_flag_is_explained_and_those_that_disqualify_are_flags() -> None:
    assert set(MEANING) == set(get_args(Flag))
    assert set(MEANING) >= UNCOUNTED


def test_distances_are_metres() -> None:
    assert distance_m(DEPOT.lat, DEPOT.lon, FARM.lat, FARM.lon) == pytest.approx(11_119.5, abs=1)
    assert distance_m(0, 0, 0, 180) == pytest.approx(20_015_114, abs=10)
