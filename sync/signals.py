"""Signals: what a sensor observed, when it most likely was, and what speaks against believing it.

A decoder makes signals of messages; nothing here knows a dialect. Raw signals are many and stay with the
agent that heard them; `sync.evidence` says which of them count and become events.
Everything here is a function over the *set* of signals: order, repeats and lateness change nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Final, Literal, NamedTuple

import msgspec

Type = Literal["arrive", "leave", "loc", "door", "weight", "temp", "shock", "beat"]
TimeQuality = Literal["gnss", "ntp", "net", "phone", "rtc", "none"]
"""Where the device had its time from; "phone" is a phone's own clock, set by its network."""

Flag = Literal[
    "no_device_time",
    "clock_ahead",
    "clock_behind",
    "clock_unproven",
    "clock_jump",
    "rebuilt",
    "seq_reset",
    "jump",
    "unknown_device",
    "not_enrolled_then",
    "device_mismatch",
    "no_accuracy",
    "null_island",
    "beacon",
    "old_fix",
    "sensor_fault",
    "implausible_value",
    "retained",
    "repeated",
    "unassured",
]
MEANING: Final[Mapping[Flag, str]] = {
    "no_device_time": "the device gave no time",
    "clock_ahead": "the device's clock was more than two minutes ahead of the time of receipt",
    "clock_behind": "the device's clock was more than thirty days behind the time of receipt",
    "clock_unproven": "nothing set the device's clock, as far as it says",
    "clock_jump": "the device's clock went back while it ran",
    "rebuilt": "the time was computed from another signal of the same start of the device",
    "seq_reset": "two different signals of one start of the device carry the same number",
    "jump": "the device would have had to move faster than 70 m/s since its fix before",
    "unknown_device": "nobody enrolled this device",
    "not_enrolled_then": "the device was not enrolled with us at that time",
    "device_mismatch": "the message names another device than its topic",
    "no_accuracy": "the fix says nothing about how exact it is",
    "null_island": "the position is latitude 0, longitude 0: a default, not a place",
    "beacon": "seen by a radio beacon; its position is not measured",
    "old_fix": "the fix was old when the message was built",
    "sensor_fault": "the value is one that the sensor gives when it is broken or has just started",
    "implausible_value": "the value cannot be right for what is measured",
    "retained": "published to be kept by the broker, which may have replayed it",
    "repeated": "the broker marked this message as delivered before",
    "unassured": "published at QoS 0: others of its kind may be missing",
}
"""Each flag in words."""

UNCOUNTED: Final[frozenset[Flag]] = frozenset(
    {
        "clock_behind",
        "unknown_device",
        "not_enrolled_then",
        "device_mismatch",
        "sensor_fault",
        "implausible_value",
    }
)
"""A signal with one of these is kept and shown, and never counts as evidence."""

_SETTLED: Final[frozenset[Flag]] = frozenset(
    {
        "no_device_time",
        "clock_ahead",
        "clock_behind",
        "clock_unproven",
        "clock_jump",
        "rebuilt",
        "seq_reset",
        "jump",
        "unknown_device",
        "not_enrolled_then",
    }
)
"""Flags that `settle` decides anew each time, because they rest on other signals or on who is enrolled."""

PROVEN: Final[frozenset[TimeQuality]] = frozenset({"gnss", "ntp", "net", "phone"})
"""Time qualities that something outside the device has set."""

AHEAD_MS: Final = 120_000
"""A device time further ahead of receipt than this is not believed."""
BEHIND_MS: Final = 30 * 86_400_000
"""A device time further behind receipt than this is not believed: no agent holds signals back for longer."""
AGE_BOUND_MS: Final = 7 * 86_400_000
"""How old a message may be when only its receipt is known: brokers keep our session for this long."""
PROVEN_UNC_MS: Final = 1_000
"""Formats count whole seconds, and set clocks are right to less than that."""
UNPROVEN_UNC_MS: Final = 60_000
"""A free-running clock that looks right: allow it a minute."""
DRIFT_PPM: Final = 100
"""Free-running quartz in a car or a cold room stays within this rate."""
UNSURE_MS: Final = 15 * 60_000
"""A signal less certain in time than half the window around a scan says nothing about that scan."""
JUMP_M_S: Final = 70.0
ASSUMED_ACC_M: Final = 200.0
"""A fix that does not say how exact it is counts as this inexact; larger than this, it contradicts nobody."""
EARTH_M: Final = 6_371_008.8
"""Mean radius of the Earth (IUGG), metres."""


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One decoded observation. Times are milliseconds since 1970, positions WGS 84 degrees, accuracy metres.

    `native_key` names the observation within its `source` (the dialect): the same observation sent again
    has the same key. `value` is in the unit of its type: weight kg, temp degrees Celsius, shock peak g.
    `places` are names under which the device says it is, or came, or left. `t_eff_ms` is when it most
    likely was, give or take `t_unc_ms`. `boot`, `seq`, `mono_ms` count within one start of the device.
    """

    native_key: str
    source: str
    device: str
    type: Type
    t_recv_ms: int
    t_eff_ms: int
    t_unc_ms: int
    t_dev_ms: int | None = None
    quality: TimeQuality = "none"
    state: str = ""
    value: float | None = None
    places: tuple[str, ...] = ()
    lat: float | None = None
    lon: float | None = None
    acc_m: float | None = None
    boot: str = ""
    seq: int | None = None
    mono_ms: int | None = None
    flags: tuple[Flag, ...] = ()


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A site's fence: a circle, and the names (region ids, descriptions) by which devices know it."""

    site: str
    lat: float
    lon: float
    radius_m: float
    names: tuple[str, ...] = ()


class Sensor(msgspec.Struct, frozen=True, kw_only=True):
    """A device that may send signals: ours from `since_ms` until before `until_ms`.

    `site` is where it is fixed (empty: it moves). `carried_by` names the person or vehicle it travels with:
    devices carried by one are one witness. Without limits there is no excursion.
    """

    device: str
    since_ms: int = 0
    until_ms: int | None = None
    site: str = ""
    carried_by: str = ""
    low_c: float | None = None
    high_c: float | None = None
    shock_g: float = 10.0
    load_step_kg: float = 5.0

    @property
    def witness(self) -> str:
        """Whose word its signals are: who carries it, or the device itself."""
        return self.carried_by or self.device


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What signals are read against: every fence and every sensor we know."""

    places: tuple[Place, ...] = ()
    sensors: tuple[Sensor, ...] = ()


class Timing(NamedTuple):
    """When a signal most likely was, how uncertain that is, and why it may be wrong."""

    t_eff_ms: int
    t_unc_ms: int
    flags: tuple[Flag, ...]


def effective(t_dev_ms: int | None, t_recv_ms: int, quality: TimeQuality) -> Timing:
    """The time of one signal taken by itself: its device's where that is plausible, else that of receipt."""
    if t_dev_ms is None:
        return Timing(t_recv_ms, AGE_BOUND_MS, ("no_device_time",))
    if t_dev_ms - t_recv_ms > AHEAD_MS:
        return Timing(t_recv_ms, AGE_BOUND_MS, ("clock_ahead",))
    if t_recv_ms - t_dev_ms > BEHIND_MS:
        return Timing(t_recv_ms, AGE_BOUND_MS, ("clock_behind",))
    if quality in PROVEN:
        return Timing(t_dev_ms, PROVEN_UNC_MS, ())
    return Timing(t_dev_ms, UNPROVEN_UNC_MS, ("clock_unproven",))


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Metres between two points on a sphere of Earth's mean radius (haversine; within 0.6 % of the ellipsoid)."""
    half_lat, half_lon = radians(lat_b - lat_a) / 2, radians(lon_b - lon_a) / 2
    chord = sin(half_lat) ** 2 + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(half_lon) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(chord)))


def in_order(signal: Signal) -> tuple[int, str, str, int, str, str]:
    """Sort key of signals: when, then device, start, number, and the key at last, so that there are no ties."""
    seq = -1 if signal.seq is None else signal.seq
    return (signal.t_eff_ms, signal.device, signal.boot, seq, signal.source, signal.native_key)


def counts(signal: Signal) -> bool:
    """Whether a settled signal may count as evidence at all."""
    return UNCOUNTED.isdisjoint(signal.flags) and signal.t_unc_ms <= UNSURE_MS


def settle(signals: Iterable[Signal], sensors: Sequence[Sensor]) -> tuple[Signal, ...]:
    """Each observation once, in order of time, with its best time and every flag that needs the others to be seen.

    A time that cannot be believed is rebuilt from the device's monotonic count against the nearest signal of
    the same start whose clock was set and plausible. Settling what is settled changes nothing.
    """
    runs: dict[tuple[str, str, str], list[Signal]] = {}
    for signal in _each_once(signals):
        runs.setdefault((signal.source, signal.device, signal.boot), []).append(signal)
    timed = [settled for (_, _, boot), run in runs.items() for settled in _run(run, boot)]
    known = {sensor.device: sensor for sensor in sensors}
    enrolled = sorted((_enrolled(signal, known.get(signal.device)) for signal in timed), key=in_order)
    by_device = sorted(enrolled, key=lambda signal: signal.device)  # stable: each device's stay in order of time
    jumped = {
        (signal.source, signal.native_key)
        for _, own in groupby(by_device, key=lambda signal: signal.device)
        for before, signal in pairwise(one for one in own if _placed(one))
        if _too_fast(before, signal)
    }
    return tuple(
        _flagged(signal, "jump") if (signal.source, signal.native_key) in jumped else signal for signal in enrolled
    )


def missing(signals: Iterable[Signal]) -> dict[tuple[str, str], tuple[tuple[int, int], ...]]:
    """For each (device, boot): the numbers never heard between the first and the last, as ranges with both ends."""
    heard: dict[tuple[str, str], set[int]] = {}
    for signal in signals:
        if signal.seq is not None:
            heard.setdefault((signal.device, signal.boot), set()).add(signal.seq)
    holes = {
        run: tuple((low + 1, high - 1) for low, high in pairwise(sorted(seqs)) if high > low + 1)
        for run, seqs in heard.items()
    }
    return {run: ranges for run, ranges in sorted(holes.items()) if ranges}


def flagged(signal: Signal, *flags: Flag) -> Signal:
    """`signal` with these flags as well."""
    for flag in flags:
        signal = _flagged(signal, flag)
    return signal


def _flagged(signal: Signal, flag: Flag) -> Signal:
    return msgspec.structs.replace(signal, flags=tuple(sorted({*signal.flags, flag})))


def _each_once(signals: Iterable[Signal]) -> Iterable[Signal]:
    """Of several with one key the one heard first; where that is equal, the one with the smallest bytes."""
    first: dict[tuple[str, str], Signal] = {}
    for signal in signals:
        name = (signal.source, signal.native_key)
        held = first.get(name)
        if held is None or (held != signal and _heard(signal) < _heard(held)):
            first[name] = signal
    return first.values()


def _heard(signal: Signal) -> tuple[int, bytes]:
    return signal.t_recv_ms, msgspec.json.encode(signal)


class _Mark(NamedTuple):
    """One signal's place in its device's own count, and what to add to that count to have the time it gave."""

    mono_ms: int
    key: str
    offset_ms: int


def _run(run: list[Signal], boot: str) -> list[Signal]:
    """The signals of one start of one device, with their times settled."""
    trusted = sorted(_marks(signal for signal in run if boot and _trusted(signal, signal.quality)))
    back = _went_back(sorted(_marks(signal for signal in run if boot and _trusted(signal, "net"))))
    numbers: Counter[int | None] = Counter(signal.seq for signal in run if boot and signal.seq is not None)
    return [_timed(signal, trusted, back, seq_reset=numbers[signal.seq] > 1) for signal in run]


def _timed(signal: Signal, trusted: list[_Mark], back: set[str], *, seq_reset: bool) -> Signal:
    timing = effective(signal.t_dev_ms, signal.t_recv_ms, signal.quality)
    if trusted and signal.mono_ms is not None and timing.flags:
        timing = _rebuilt(signal.mono_ms, timing, trusted)
    flags = {flag for flag in signal.flags if flag not in _SETTLED}.union(timing.flags)
    if seq_reset:
        flags.add("seq_reset")
    if signal.native_key in back:
        flags.add("clock_jump")
    return msgspec.structs.replace(
        signal, t_eff_ms=timing.t_eff_ms, t_unc_ms=timing.t_unc_ms, flags=tuple(sorted(flags))
    )


def _rebuilt(mono_ms: int, own: Timing, trusted: list[_Mark]) -> Timing:
    """The time from the nearest trusted signal of the same start, unless the device's own agrees with it."""
    nearest = min(trusted, key=lambda mark: (abs(mark.mono_ms - mono_ms), mark))
    built = nearest.offset_ms + mono_ms
    if own.flags == ("clock_unproven",) and abs(own.t_eff_ms - built) <= AHEAD_MS:
        return own
    drift_ms = abs(nearest.mono_ms - mono_ms) * DRIFT_PPM // 1_000_000
    return Timing(built, PROVEN_UNC_MS + drift_ms, ("rebuilt",))


def _went_back(believed: list[_Mark]) -> set[str]:
    """Keys of the signals at which the device's clock had gone back by more than two minutes while it ran."""
    return {now.key for before, now in pairwise(believed) if now.offset_ms - before.offset_ms < -AHEAD_MS}


def _marks(signals: Iterable[Signal]) -> list[_Mark]:
    return [
        _Mark(signal.mono_ms, signal.native_key, signal.t_dev_ms - signal.mono_ms)
        for signal in signals
        if signal.mono_ms is not None and signal.t_dev_ms is not None
    ]


def _trusted(signal: Signal, quality: TimeQuality) -> bool:
    return not effective(signal.t_dev_ms, signal.t_recv_ms, quality).flags


def _enrolled(signal: Signal, sensor: Sensor | None) -> Signal:
    if sensor is None:
        return _flagged(signal, "unknown_device")
    if signal.t_eff_ms + signal.t_unc_ms < sensor.since_ms:
        return _flagged(signal, "not_enrolled_then")
    if sensor.until_ms is not None and signal.t_eff_ms - signal.t_unc_ms >= sensor.until_ms:
        return _flagged(signal, "not_enrolled_then")
    return signal


def _placed(signal: Signal) -> bool:
    return signal.lat is not None and counts(signal)


def _too_fast(before: Signal, after: Signal) -> bool:
    """Whether no speed up to the limit explains both fixes, each as inexact as it says."""
    apart = distance_m(before.lat or 0.0, before.lon or 0.0, after.lat or 0.0, after.lon or 0.0)
    apart -= (before.acc_m or ASSUMED_ACC_M) + (after.acc_m or ASSUMED_ACC_M)
    took_ms = after.t_eff_ms - before.t_eff_ms + before.t_unc_ms + after.t_unc_ms
    return apart > JUMP_M_S * max(took_ms, 1_000) / 1_000
