"""The events of one job as people read them: as recorded, what they were corrected to, and how sure their time is."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from backend.flagging import Counted, Said, document_flags, outside_scope
from backend.redactions import read_row, shown_row
from backend.store.sqlite import queries
from sync.clock import rfc3339
from sync.codec import decode
from sync.corrections import Reading, readings
from sync.events import Blob, Event
from sync.ids import event_name
from sync.intervals import Held, Interval, intervals, is_off, is_unsure

_SQL: Final = queries("lists")


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a job: when it came to count (`position`) and was received (ms since 1970), and what it says.

    `body` is as it was recorded, with a mark where words were taken out. `reads` is the same with the corrections put
    in that stand (`corrected_by`, their hashes), null where there are none; `disputed` says that these contradict each
    other or do not fit. It was recorded after `not_before` and before `not_after` (RFC 3339, null where nothing says
    so), whatever its wall clock says: `clock_off` where that is more than five minutes outside, `time_unsure` where
    they leave more room than that. `flags` is what else is to be said of it, and by itself nobody's fault: the key was
    not valid or the training over, by the roster it was made under; that roster had been replaced for longer than the
    policy likes; or the job was outside the scope of the device that recorded it. `blobs` are those that it names.
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
    flags: tuple[Said, ...] = ()
    blobs: tuple[Blob, ...] = ()


class _Body(msgspec.Struct, frozen=True):
    body: msgspec.Raw


def timeline(con: sqlite3.Connection, ref: int) -> tuple[TimelineEntry, ...]:
    """All that counts of a job, by its small number, in the order in which it came to count."""
    rows = [*con.execute(_SQL["timeline_of"].text, {"job": ref}), *con.execute(_SQL["about_of"].text, {"job": ref})]
    found = [
        _Row(
            position=position,
            received_at=received_at,
            raw=shown_row(con, raw),
            event=read_row(con, raw, kid if signed else ""),
            kid="" if staff else kid,
        )
        for position, received_at, raw, signed, kid, staff in sorted(rows)
    ]
    bounds = intervals(Held(one.event, one.received_at, not one.kid) for one in found)
    reads = readings(one.event for one in found)
    flags = _flags(con, ref, found, bounds)
    return tuple(_entry(one, bounds[one.event.hash], reads.get(one.event.hash), flags[one.event.hash]) for one in found)


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger; `kid` is the key that opened its log, "" where that is the office's."""

    position: int
    received_at: int
    raw: bytes
    event: Event
    kid: str


def _flags(
    con: sqlite3.Connection, ref: int, found: Sequence[_Row], bounds: Mapping[str, Interval]
) -> dict[str, tuple[Said, ...]]:
    of_documents = document_flags(con, {one.event.hash: one.event for one in found}, bounds)
    outside = outside_scope(con, ref, (Counted(one.event, one.position, one.kid) for one in found))
    flags: dict[str, tuple[Said, ...]] = {}
    for one in found:
        hash_ = one.event.hash
        flags[hash_] = (*of_documents.get(hash_, ()), *(("outside_scope",) if hash_ in outside else ()))
    return flags


def _entry(row: _Row, bounds: Interval, reads: Reading | None, flags: tuple[Said, ...]) -> TimelineEntry:
    event = row.event
    return TimelineEntry(
        position=row.position,
        received_at=row.received_at,
        name=event_name(event.log, event.seq),
        hash=event.hash,
        kind=event.kind,
        actor=event.actor,
        wall=event.at.wall,
        body=decode(row.raw, _Body).body.copy(),
        reads=reads.body if reads else None,
        corrected_by=reads.by if reads else (),
        disputed=reads.disputed if reads else False,
        not_before=rfc3339(bounds.lower) if bounds.lower is not None else None,
        not_after=rfc3339(bounds.upper) if bounds.upper is not None else None,
        clock_off=is_off(event, bounds),
        time_unsure=is_unsure(event, bounds),
        flags=flags,
        blobs=event.blobs,
    )
