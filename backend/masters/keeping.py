"""One row at a time: put in force, ended now or on a day to come, and every version of it."""

import sqlite3
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from backend.intake import Door
from backend.master import CREW, DEVICE, PERSON, SITE, TEAM, all_of, end, find, put
from backend.masters.cells import cells_of
from backend.masters.checks import Use, check_row, uses
from backend.masters.sheets import BY_KIND, Sheet
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.codec import decode
from sync.details import DAY_OVER, NO_DAY
from sync.problems import CHANGED_SINCE, NOT_FOUND, STILL_NAMED, TAKEN, WRONG_INPUT, Problem

_SQL: Final = queries("masters")
IN_DOCUMENTS: Final = frozenset({PERSON.name, TEAM.name, CREW.name, SITE.name, DEVICE.name})
"""Kinds that signed documents are cut from."""
_IN_JOBS: Final = {"site": "$.site", "asset": "$.asset", "customer": "$.customer", "crew": "$.planned"}
"""Where a job at a glance names a row of a kind."""
MOST_USES: Final = 20


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it was from `since` until `until` (None: still), and in what it differs from the one before.

    `changes` gives each column that differs, its text before and its text from then on.
    """

    number: int
    since: int
    until: int | None
    by: str
    ended_by: str
    changes: tuple[tuple[str, str, str], ...]


class Leaving(msgspec.Struct, frozen=True):
    """A row is in force until `at`, says `by`."""

    at: int
    by: str


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """A row, the number of its version, and whether its end is set already."""

    row: Any
    version: int
    leaving: Leaving | None = None


def in_force(con: sqlite3.Connection, sheet: Sheet, id_: str) -> InForce:
    """The row in force; NOT_FOUND where there is none."""
    names = {"kind": sheet.kind.name, "id": id_}
    row = find(con, sheet.kind, id_)
    if row is None:
        raise Problem(NOT_FOUND, f"{sheet.name} {id_[:60]}")
    (version,) = con.execute(_SQL["versions"].text, names).fetchone()[:1]
    leaving = con.execute(_SQL["leaving"].text, names).fetchone()
    return InForce(row=row, version=version, leaving=Leaving(*leaving) if leaving else None)


def keep(
    door: Door, writing: Writing, sheet: Sheet, id_: str, row: msgspec.Struct, *, by: str, was: tuple[str, int] | None
) -> bool:
    """Afterwards this row is in force; False where nothing changed.

    `was` names the id and version that the person saw, None for a new row: TAKEN where there is one of this id,
    CHANGED_SINCE where another version is in force by now. A row whose id follows from its key ends under the old one.
    Raises BadCell where it cannot stand beside the others.
    """
    con = writing.con
    if (was is None or was[0] != id_) and find(con, sheet.kind, id_) is not None:
        raise Problem(TAKEN, id_)
    if was is not None:
        held = in_force(con, sheet, was[0])
        if held.version != was[1]:
            raise Problem(CHANGED_SINCE, was[0])
    check_row(sheet, id_, row, lambda kind, named: find(con, BY_KIND[kind].kind, named))
    fresh = put(con, sheet.kind, id_, row, by=by, now_ms=writing.now_ms)
    if was is not None and was[0] != id_:
        end(con, sheet.kind, was[0], by=by, now_ms=writing.now_ms)
    if sheet.kind.name in IN_DOCUMENTS:
        door.cut(writing)
    return fresh


def used_by(con: sqlite3.Connection, sheet: Sheet, id_: str) -> tuple[tuple[Use, ...], int]:
    """The rows in force that name this one, and how many open jobs do."""
    kind = sheet.kind.name
    rows = tuple(uses(kind, id_, lambda other: all_of(con, other.kind)))
    path = _IN_JOBS.get(kind)
    (jobs,) = con.execute(_SQL["open_jobs_with"].text, {"path": path, "id": id_}).fetchone() if path else (0,)
    return rows, jobs


def stop(door: Door, writing: Writing, sheet: Sheet, id_: str, *, by: str, day: str) -> int:
    """Afterwards the row is in force no longer than through `day` (in the office's zone); when it ends, ms since 1970.

    A day that is today ends it at once. STILL_NAMED where others name it; WRONG_INPUT for a day that is over.
    """
    con = writing.con
    in_force(con, sheet, id_)
    rows, jobs = used_by(con, sheet, id_)
    if rows or jobs:
        named = [f"{use.sheet} {use.id}" for use in rows[:MOST_USES]]
        if len(rows) > MOST_USES:
            named.append(f"… {len(rows) - MOST_USES}")
        raise Problem(STILL_NAMED, ", ".join([*named, *([f"{jobs} open jobs"] if jobs else [])]))
    at_ms = _ends_ms(day, door.settings.zone, writing.now_ms)
    names = {"kind": sheet.kind.name, "id": id_}
    if at_ms > writing.now_ms:
        con.execute(_SQL["leave"].text, names | {"at": at_ms, "recorded_by": by})
        return at_ms
    _end(writing, sheet, id_, by)
    if sheet.kind.name in IN_DOCUMENTS:
        door.cut(writing)
    return writing.now_ms


def stay(writing: Writing, sheet: Sheet, id_: str) -> None:
    """Afterwards the row has no end that was set before."""
    writing.con.execute(_SQL["stay"].text, {"kind": sheet.kind.name, "id": id_})


def end_due(door: Door, writing: Writing, now_ms: int) -> int:
    """Afterwards every row whose end has come by `now_ms` is in force no longer; how many those were."""
    due = writing.con.execute(_SQL["left_by"].text, {"now": now_ms}).fetchall()
    for kind, id_, _, by in due:
        _end(writing, BY_KIND[kind], id_, by)
    if any(kind in IN_DOCUMENTS for kind, *_ in due):
        door.cut(writing)
    return len(due)


def _end(writing: Writing, sheet: Sheet, id_: str, by: str) -> None:
    end(writing.con, sheet.kind, id_, by=by, now_ms=writing.now_ms)
    stay(writing, sheet, id_)


def _ends_ms(day: str, zone: str, now_ms: int) -> int:
    """When a day is over; now, where it is today."""
    try:
        last = date.fromisoformat(day)
    except ValueError as error:
        raise Problem(WRONG_INPUT, NO_DAY.of(text=day[:40]), "day") from error
    today = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)).date()
    if last < today:
        raise Problem(WRONG_INPUT, DAY_OVER.of(day=day), "day")
    if last == today:
        return now_ms
    after = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(zone))
    return round(after.timestamp() * 1000)


def history(con: sqlite3.Connection, sheet: Sheet, id_: str) -> tuple[Version, ...]:
    """Every version of a row, the newest first."""
    rows = con.execute(_SQL["versions"].text, {"kind": sheet.kind.name, "id": id_}).fetchall()
    told = []
    for place, (number, since, until, by, ended_by, body) in enumerate(rows):
        before = rows[place + 1] if place + 1 < len(rows) else None
        was = _cells(sheet, before[5]) if before else {}
        now = _cells(sheet, body)
        changes = tuple((name, was.get(name, ""), text) for name, text in now.items() if text != was.get(name, ""))
        told.append(Version(number=number, since=since, until=until, by=by, ended_by=ended_by, changes=changes))
    return tuple(told)


def _cells(sheet: Sheet, body: str) -> dict[str, str]:
    return {name: text for name, text in cells_of(sheet, "", decode(body, sheet.kind.shape)).items() if name != "id"}


def counts(con: sqlite3.Connection) -> dict[str, int]:
    """How many rows are in force, by sheet."""
    found = dict(con.execute(_SQL["counts"].text).fetchall())
    return {sheet.name: found.get(kind, 0) for kind, sheet in BY_KIND.items()}
