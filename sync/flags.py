"""What is to be said of a custody event beside its verdict: no verdict reads a time, so these hold nothing up."""

from typing import Literal

import msgspec

from sync.clock import milliseconds
from sync.events import Event
from sync.policy import DAY_MS, DEFAULT_POLICY, Device, Directory, Policy

TOLERANCE_MS = 300_000
"""Two devices' clocks may differ by this much before a time counts against it."""

Flag = Literal["key_not_valid", "untrained", "roster_stale"]


class Made(msgspec.Struct, frozen=True, gc=False):
    """What is known of how an event was made, beside what it says.

    `at_ms` is when it was recorded, as far as that is known, `policy` what it was made under, None where no policy is
    named; `replaced_ms` is when the roster after the one it names was issued, None where that is the newest.
    """

    at_ms: int
    policy: Policy | None = None
    replaced_ms: int | None = None


def flags_of(event: Event, directory: Directory, made: Made) -> tuple[Flag, ...]:
    """What the roster that the event names says against it: of its key, of who recorded it, of its own age."""
    found: list[Flag] = []
    device = directory.device(event.kid)
    if device is not None and not is_valid(device, event.wall_ms):
        found.append("key_not_valid")
    if trained_until(event.actor, directory, event.wall_ms):
        found.append("untrained")
    if device is not None and is_stale(made):
        found.append("roster_stale")
    return tuple(found)


def is_stale(made: Made) -> bool:
    """True where the roster had been replaced for longer than the policy lets one grow old before it is to be shown.

    A roster that nobody had to change does not grow old.
    """
    if made.replaced_ms is None:
        return False
    allowed_ms = (made.policy or DEFAULT_POLICY).roster_degrades_days * DAY_MS
    return made.at_ms - made.replaced_ms > allowed_ms + TOLERANCE_MS


def is_valid(device: Device, at_ms: int) -> bool:
    """False where the device's key was not valid yet, or not any more, five minutes forgiven."""
    if device.valid_from and at_ms < milliseconds(device.valid_from) - TOLERANCE_MS:
        return False
    return not device.valid_until or at_ms <= milliseconds(device.valid_until) + TOLERANCE_MS


def trained_until(who: str, directory: Directory, at_ms: int) -> str:
    """When this person's training ended, where that is over at this time; "" where it is not, or none is asked for."""
    person = directory.person(who)
    until = person.trained_until if person else ""
    return until if until and at_ms > milliseconds(until) else ""
