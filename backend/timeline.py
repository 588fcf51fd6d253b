"""The events of one job as people read them: as recorded, what they were corrected to, and how sure their time is."""

import sqlite3
from typing import Any, Final

import msgspec

from backend.redactions import read_row, shown_row
from backend.store.sqlite import queries
from sync.clock import rfc3339
from sync.codec import decode
from sync.corrections import Reading, readings
from sync.events import Event
from sync.ids import event_name
from sync.intervals import Held, Interval, intervals, is_off, is_unsure

_SQL: Final = queries("lists")


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a job: when it came to count (`position`) and was received (ms since 1970), and what it says.

    `body` is as it was recorded, with a mark where words were taken out. `reads` is the same with the corrections put
    in that stand (`corrected_by`, their hashes), null where there are none; `disputed` says that these contradict each
    other or do not fit. It was recorded after `not_before` and before `not_after` (RFC 3339, null where nothing says
    so), whatever its wall clock says: `clock_off` where that is more than five minutes outside, `time_unsure` where
    they leave more room than that.
    """

    position: int
    received_at: int
    name: str
    hash: str
    kind: str
    actor: str
    wall: str
    body: msgspec.Raw
    reads: Any = None
    corrected_by: tuple[str, ...] = ()
    disputed: bool = False
    not_before: str | None = None
    not_after: str | None = None
    clock_off: bool = False
    time_unsure: bool = False


class _Body(msgspec.Struct, frozen=True):
    body: msgspec.Raw


def timeline(con: sqlite3.Connection, ref: int) -> tuple[TimelineEntry, ...]:
    """All that counts of a job, by its small number, in the order in which it came to count."""
    rows = [*con.execute(_SQL["timeline_of"].text, {"job": ref}), *con.execute(_SQL["about_of"].text, {"job": ref})]
    staff = {log for (log,) in con.execute(_SQL["staff_logs"].text)}
    found = [
        (position, received_at, shown_row(con, raw), read_row(con, raw)) for position, received_at, raw in sorted(rows)
    ]
    bounds = intervals(Held(event, received_at, event.log in staff) for _, received_at, _, event in found)
    reads = readings(event for *_, event in found)
    return tuple(
        _entry(position, received_at, raw, event, bounds[event.hash], reads.get(event.hash))
        for position, received_at, raw, event in found
    )


def _entry(
    position: int, received_at: int, raw: bytes, event: Event, bounds: Interval, reads: Reading | None
) -> TimelineEntry:
    return TimelineEntry(
        position=position,
        received_at=received_at,
        name=event_name(event.log, event.seq),
        hash=event.hash,
        kind=event.kind,
        actor=event.actor,
        wall=event.at.wall,
        body=decode(raw, _Body).body.copy(),
        reads=reads.body if reads else None,
        corrected_by=reads.by if reads else (),
        disputed=reads.disputed if reads else False,
        not_before=rfc3339(bounds.lower) if bounds.lower is not None else None,
        not_after=rfc3339(bounds.upper) if bounds.upper is not None else None,
        clock_off=is_off(event, bounds),
        time_unsure=is_unsure(event, bounds),
    )
