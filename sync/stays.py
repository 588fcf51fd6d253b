"""Being there: what fixes and transitions of one device say of one fence, and the stays they add up to."""

from collections.abc import Sequence
from math import pi
from typing import Final, Literal

import msgspec

from sync.signals import ASSUMED_ACC_M, EARTH_M, Place, Signal, distance_m

OUT_AFTER_MS: Final = 120_000
"""Outside for this long is out, as two fixes outside are."""
SAME_STAY_MS: Final = 120_000
"""Back inside within this time was never away: fences flap at their edge."""
MIN_DWELL_MS: Final = 60_000
"""Who stays for less was driving by."""
EXACT_M: Final = 50.0
"""A fix no worse than this may contradict; one that does not say how exact it is may not."""

METRES_A_DEGREE: Final = EARTH_M * pi / 180

Sense = Literal["in", "out", "left"]


class Stay(msgspec.Struct):
    """One device inside one fence; open while neither `left` (it said so) nor `gone` (first seen outside) is known."""

    first: Signal
    last: Signal
    outside: Signal | None
    left: Signal | None = None
    gone: Signal | None = None

    @property
    def end_ms(self) -> int | None:
        """When it was over at the latest; None while open."""
        end = self.left or self.gone
        return end.t_eff_ms if end else None

    @property
    def certain_ms(self) -> int:
        """For how long it certainly was inside."""
        return (self.left or self.last).t_eff_ms - self.first.t_eff_ms

    @property
    def is_visit(self) -> bool:
        """Whether it was more than driving by.

        A device that itself said it arrived is believed until the end shows otherwise; fixes alone must span the time.
        """
        said = self.first.type == "arrive"
        if self.end_ms is None:
            return said or self.certain_ms >= MIN_DWELL_MS
        if self.gone and said:
            return self.end_ms - self.first.t_eff_ms >= MIN_DWELL_MS
        return self.certain_ms >= MIN_DWELL_MS


def beyond_m(signal: Signal, place: Place) -> float:
    """How far outside the fence the fix is, metres; negative inside, and where there is no fix to go by."""
    if signal.lat is None or signal.lon is None or "jump" in signal.flags:
        return -1.0
    return distance_m(signal.lat, signal.lon, place.lat, place.lon) - place.radius_m


def _north_m(signal: Signal, place: Place) -> float:
    """How far north or south of the fence at least, metres: no distance is less than that of the latitudes."""
    return abs((signal.lat or 0.0) - place.lat) * METRES_A_DEGREE - place.radius_m


def sense_of(signal: Signal, place: Place) -> Sense | None:
    """What one signal says of one fence: in, out, left by its own word, or nothing certain.

    A fix is in when it is inside with all its inexactness, out when it is outside with all of it. What the
    device itself says of a named place counts for more, unless a fix in the same signal is certainly outside.
    """
    fix = signal.lat is not None and "jump" not in signal.flags
    acc = signal.acc_m or ASSUMED_ACC_M
    named = bool(signal.places) and (place.site in signal.places or any(name in place.names for name in signal.places))
    if fix and not signal.places and _north_m(signal, place) > acc:
        return "out"  # most fixes are far from most places: this spares the sines
    beyond = beyond_m(signal, place)
    if signal.type in ("arrive", "leave") and (named or (not signal.places and fix and beyond <= acc)):
        return "in" if signal.type == "arrive" else "left"
    if fix and beyond > acc:
        return "out"
    return "in" if (signal.type == "loc" and named) or (fix and beyond + acc <= 0) else None


def stays_of(own: Sequence[Signal], place: Place, places: Sequence[Place]) -> list[Stay]:
    """Every stay of one device inside one fence, from its signals in order of time."""
    stays: list[Stay] = []
    inside = False
    outside: Signal | None = None
    out_since: Signal | None = None
    for signal in own:
        sense = sense_of(signal, place)
        if sense == "in":
            inside = _enter(stays, signal, outside, inside=inside)
            out_since = None
            continue
        if inside and sense == "left":
            stays[-1].left = signal
            inside = False
        elif inside and (out_since or sense == "out"):
            again = out_since is not None and (sense == "out" or signal.t_eff_ms - out_since.t_eff_ms >= OUT_AFTER_MS)
            out_since = out_since or signal
            if again or any(sense_of(signal, other) == "in" for other in places if other.site != place.site):
                stays[-1].gone = out_since
                inside = False
        if sense:
            outside = signal
    return stays


def _enter(stays: list[Stay], signal: Signal, outside: Signal | None, *, inside: bool) -> bool:
    """Afterwards the signal belongs to a stay where it should; given is whether the device is inside now."""
    if not inside:
        end_ms = stays[-1].end_ms if stays else None
        if end_ms is None or signal.t_eff_ms - end_ms > SAME_STAY_MS:
            stays.append(Stay(first=signal, last=signal, outside=outside))
        elif stays[-1].left and signal.type == "loc":
            return False  # it said it left; a fix still inside is the edge of the fence
        stays[-1].left = stays[-1].gone = None
    stays[-1].last = signal
    return True


def is_exact(signal: Signal) -> bool:
    """Whether this fix is good enough to contradict what somebody scanned."""
    return (
        signal.lat is not None
        and signal.acc_m is not None
        and signal.acc_m <= EXACT_M
        and not {"jump", "beacon", "clock_unproven"} & set(signal.flags)
    )
