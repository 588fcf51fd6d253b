"""When an event can have been recorded: bounds from signed times, monotonic clocks, receipts and what refers to it.

A wall clock is what somebody set. A device that had a signed time from the backend within the same boot, and has
counted since, knows better; and nothing was recorded after the backend held it, or held what refers to it. Bounds
are for flags and for measures of time: no verdict and no fold reads them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import msgspec

from sync.clock import rfc3339
from sync.events import (
    Accepted,
    CheckCleared,
    CheckOverridden,
    Confirmed,
    Correction,
    Event,
    JobCancelled,
    JobClosedByRule,
    JobReleased,
    JobReopened,
    JobResolved,
    Offered,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.ids import b64, unb64
from sync.policy import TimeAnchor
from sync.problems import Problem

OFF_MS: Final = 5 * 60_000
"""A wall clock further outside its event's interval is flagged; an interval wider than this each way is unsure."""
DRIFT: Final = 2_000
"""A monotonic clock may gain or lose one part in so many: ten times what a crystal is sold with."""
_ANCHOR_BYTES: Final = 6
_ANCHOR_CHARACTERS: Final = 8


class Interval(msgspec.Struct, frozen=True, gc=False):
    """Bounds in ms since 1970, None where there is none. `contradicted` says that what was claimed cannot all be."""

    lower: int | None = None
    upper: int | None = None
    contradicted: bool = False


NOTHING: Final = Interval()
"""Nothing bounds it."""


class Held(msgspec.Struct, frozen=True, gc=False):
    """An event as its reader holds it: when the backend first did (ms since 1970), and if it stands in a staff log."""

    event: Event
    received_ms: int | None = None
    is_staff: bool = False


# -- signed times -------------------------------------------------------------
def time_anchor(now_ms: int) -> TimeAnchor:
    """The document that says what time it is, to be signed."""
    return TimeAnchor(version=now_ms, issued_at=rfc3339(now_ms), id=b64(now_ms.to_bytes(_ANCHOR_BYTES)))


@lru_cache(maxsize=4096)
def anchor_ms(id_: str) -> int | None:
    """The time that an anchor's id says; None for one that is none.

    Nobody keeps the anchors that were given out. Whoever names one that never was claims no more than by a false
    count of its own clock, and the same receipts bound it.
    """
    if len(id_) != _ANCHOR_CHARACTERS:
        return None
    try:
        return int.from_bytes(unb64(id_))
    except Problem:
        return None


# -- intervals ----------------------------------------------------------------
def intervals(held: Iterable[Held]) -> dict[str, Interval]:
    """By hash, when each of these can have been recorded; the same for any order of them, and for any more often.

    First come bounds that hold whatever a device claims: it was there when the backend received it, or anything
    that refers to it. Then what its own device counted from a signed time within the same boot. Then what others
    say: it is not earlier than what it refers to, nor later than what refers to it.
    """
    by_hash = {one.event.hash: one for one in held}
    after = _references(by_hash)
    before: dict[str, list[str]] = {name: [] for name in by_hash}
    for name, named in after.items():
        for earlier in named:
            before[earlier].append(name)
    received = _spread({name: one.received_ms for name, one in by_hash.items()}, before, smaller=True)
    counts = _counts(by_hash.values())
    own = {name: _own(one, counts.get(_clock(one.event), ()), received[name]) for name, one in by_hash.items()}
    lowers = _spread({name: one.lower for name, one in own.items()}, after, smaller=False)
    uppers = _spread({name: one.upper for name, one in own.items()}, before, smaller=True)
    return {name: _narrowed(own[name], lowers[name], uppers[name], received[name]) for name in by_hash}


def _references(by_hash: Mapping[str, Held]) -> dict[str, list[str]]:
    """By hash, which of these each event refers to: what it names, and what stands before it in its log.

    In a log of which two branches are here, places say nothing about which came first.
    """
    roots = {one.event.job: name for name, one in by_hash.items() if one.event.kind == "job.opened"}
    logs: dict[str, list[Event]] = {}
    found: dict[str, list[str]] = {}
    for name, one in by_hash.items():
        named = {*_named(one.event), roots.get(one.event.job, name)}
        found[name] = [other for other in sorted(named) if other != name and other in by_hash]
        logs.setdefault(one.event.log, []).append(one.event)
    for events in logs.values():
        events.sort(key=lambda event: event.seq)
        if len({event.seq for event in events}) == len(events):
            for earlier, later in pairwise(events):
                found[later.hash].append(earlier.hash)
    return found


_NAMES: Final[Mapping[type, Callable[[Any], tuple[str, ...]]]] = {
    Offered: lambda body: (body.basis,),
    Reassigned: lambda body: (body.basis,),
    Accepted: lambda body: (body.offer,),
    Refused: lambda body: (body.offer,),
    Withdrawn: lambda body: (body.offer,),
    Confirmed: lambda body: (body.offer, body.accepted),
    Resolved: lambda body: (body.basis, *body.cites, *body.replaces),
    JobResolved: lambda body: (body.node,),
    JobCancelled: lambda body: (body.node,),
    JobClosedByRule: lambda body: (body.node,),
    JobReopened: lambda body: tuple(body.closings),
    JobReleased: lambda body: (body.held,),
    Correction: lambda body: (body.corrects,),
    CheckCleared: lambda body: (body.found,),
    CheckOverridden: lambda body: (body.found,),
}
"""The hashes of events that were there before one with this body, by its own words; others say it in `replaces`."""


def _named(event: Event) -> tuple[str, ...]:
    """The hashes of events that were there before this one, by its own words."""
    names = _NAMES.get(type(event.body))
    if names is not None:
        return names(event.body)
    return event.body.replaces if event.body is not None else ()


def _spread(
    values: Mapping[str, int | None], onto: Mapping[str, Sequence[str]], *, smaller: bool
) -> dict[str, int | None]:
    """Each value, or the smallest (largest) of all that `onto` leads to from there.

    The extreme ones are handed on first and each place is visited once, so it ends even where somebody made events
    that refer to each other in a circle.
    """
    found = dict(values)
    comes_from: dict[str, list[str]] = {name: [] for name in values}
    for name, others in onto.items():
        for other in others:
            comes_from[other].append(name)
    given = sorted(((at, name) for name, at in values.items() if at is not None), reverse=not smaller)
    visited: set[str] = set()
    for at, start in given:
        todo = [start]
        while todo:
            name = todo.pop()
            if name not in visited:
                visited.add(name)
                found[name] = at
                todo += comes_from[name]
    return found


class _Count(msgspec.Struct, frozen=True, gc=False):
    """A signed time, and where a device's monotonic clock stood when it came, so long after it was asked for."""

    issued_ms: int
    mono_ms: int
    trip_ms: int | None


def _clock(event: Event) -> tuple[str, str]:
    return event.log, event.at.boot


def _counts(held: Iterable[Held]) -> dict[tuple[str, str], set[_Count]]:
    """By log and boot, every signed time that its events name."""
    found: dict[tuple[str, str], set[_Count]] = {}
    for one in held:
        anchor = one.event.at.anchor
        issued_ms = anchor_ms(anchor.id) if anchor is not None else None
        if anchor is not None and issued_ms is not None:
            found.setdefault(_clock(one.event), set()).add(_Count(issued_ms, anchor.mono, anchor.trip))
    return found


def _own(one: Held, counts: Collection[_Count], received_ms: int | None) -> Interval:
    """What a device's own clocks say, where that can be; a staff log is written by the clock that all are held to."""
    if one.is_staff:
        at_ms = one.event.wall_ms if received_ms is None else min(one.event.wall_ms, received_ms)
        return Interval(at_ms, at_ms)
    if not counts:
        return NOTHING
    lowers, uppers = [], [] if received_ms is None else [received_ms]
    for count in counts:
        passed = one.event.at.mono - count.mono_ms
        slack = -(-abs(passed) // DRIFT)
        lowers.append(count.issued_ms + passed - slack)
        if count.trip_ms is not None:
            uppers.append(count.issued_ms + passed + count.trip_ms + slack)
    lower, upper = max(lowers), min(uppers, default=None)
    if upper is not None and upper < lower:
        return Interval(contradicted=True)
    return Interval(lower, upper)


def _narrowed(own: Interval, lower: int | None, upper: int | None, received_ms: int | None) -> Interval:
    """All bounds together; where they cannot all be, the firmer ones."""
    last = min((bound for bound in (upper, received_ms) if bound is not None), default=None)
    if lower is None or last is None or lower <= last:
        return Interval(lower, last, own.contradicted)
    if own.lower is None:
        return Interval(None, received_ms, contradicted=True)
    return Interval(own.lower, own.upper, contradicted=True)


# -- what follows from them ---------------------------------------------------
def is_off(event: Event, interval: Interval) -> bool:
    """True where the wall clock stood more than five minutes outside: a flag, never a reason to refuse."""
    early = interval.lower is not None and event.wall_ms < interval.lower - OFF_MS
    late = interval.upper is not None and event.wall_ms > interval.upper + OFF_MS
    return early or late


def recorded_ms(event: Event, interval: Interval) -> int:
    """When it was recorded, ms since 1970, as far as that is known: the wall clock, cut at both ends."""
    at = event.wall_ms if interval.lower is None else max(event.wall_ms, interval.lower)
    return at if interval.upper is None else min(at, interval.upper)


def measured_ms(event: Event, interval: Interval) -> int:
    """The time that measures use, ms since 1970.

    It is what the author says of when it happened, cut at the upper end: nothing happened after it was recorded.
    Where nothing is said it is the wall clock, cut at both ends.
    """
    if not _is_said(event):
        return recorded_ms(event, interval)
    return event.occurred_ms if interval.upper is None else min(event.occurred_ms, interval.upper)


def is_unsure(event: Event, interval: Interval) -> bool:
    """True where nothing bounds that time to five minutes each way, or where it had to be cut by more."""
    if abs(measured_ms(event, interval) - event.occurred_ms) > OFF_MS:
        return True
    if interval.contradicted or interval.upper is None:
        return True
    if _is_said(event):
        return False
    return interval.lower is None or interval.upper - interval.lower > 2 * OFF_MS


def _is_said(event: Event) -> bool:
    return event.body is not None and bool(event.body.occurred_at)
