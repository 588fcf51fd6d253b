"""What is to be said of a custody event beside its verdict: no verdict reads a time, so these hold nothing up."""

from typing import Literal

from sync.clock import milliseconds
from sync.events import Event
from sync.policy import Device, Directory

TOLERANCE_MS = 300_000
"""Two devices' clocks may differ by this much before a time counts against it."""

Flag = Literal["key_not_valid", "untrained"]


def flags_of(event: Event, directory: Directory) -> tuple[Flag, ...]:
    """What the roster that the event names says against the time it gives: of its key, and of who recorded it."""
    found: list[Flag] = []
    device = directory.device(event.kid)
    if device is not None and not is_valid(device, event.wall_ms):
        found.append("key_not_valid")
    if trained_until(event.actor, directory, event.wall_ms):
        found.append("untrained")
    return tuple(found)


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
