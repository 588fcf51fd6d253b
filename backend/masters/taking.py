"""Many rows at once: what a set of sheets would change, told before it is done, and done in one transaction.

The order of rows, and of sheets, says nothing: a row may name one that comes later. What is bad is put aside with the
place and what to do; what names it is put aside too, and all the rest is taken.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from backend.master import PERSON, all_of, put
from backend.masters.cells import BadCell, cells_of, is_same, read_id, read_row
from backend.masters.checks import administers, check_row
from backend.masters.sheets import BY_NAME, SHEETS, Sheet

Held = Mapping[str, Mapping[str, Any]]
"""The rows in force, by kind and id."""


class Line(msgspec.Struct, frozen=True):
    """A row as it was sent: its sheet, where in it, and its cells by column. Cells that are empty are there."""

    sheet: str
    line: int
    cells: dict[str, str]


class Bad(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was put aside: where, what was found, and the name of the sentence that says what to do.

    `given` goes into that sentence.
    """

    sheet: str
    line: int
    field: str
    found: str
    remedy: str
    given: dict[str, str] = {}
    cells: dict[str, str] = {}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is new, or says something else than the one in force (`before`)."""

    sheet: str
    id: str
    line: int
    row: Any
    before: Any = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Of one sheet: how many rows are new, changed, the same as in force, and bad."""

    new: int = 0
    changed: int = 0
    same: int = 0
    bad: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a set of sheets comes to: changes in the order of sheets and lines, what was put aside, and counts."""

    changes: tuple[Change, ...]
    bad: tuple[Bad, ...]
    counts: dict[str, Counts]

    @property
    def total(self) -> Counts:
        """Over all sheets."""
        each = self.counts.values()
        return Counts(
            new=sum(one.new for one in each),
            changed=sum(one.changed for one in each),
            same=sum(one.same for one in each),
            bad=sum(one.bad for one in each),
        )


class _Read(msgspec.Struct, frozen=True):
    """A row that can be read, and whether it says what the one in force says."""

    line: Line
    id: str
    row: Any
    before: Any
    same: bool


def held_rows(con: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Every row in force of every sheet."""
    return {sheet.kind.name: dict(all_of(con, sheet.kind)) for sheet in SHEETS}


def plan(lines: Sequence[Line], held: Held) -> Plan:
    """What taking these rows comes to; the same for every order of them, up to the order of what is told."""
    bad: list[Bad] = []
    read: dict[tuple[str, str], list[_Read]] = {}
    for line in lines:
        try:
            one = _read(line, held)
            read.setdefault((BY_NAME[line.sheet].kind.name, one.id), []).append(one)
        except BadCell as cell:
            bad.append(_aside(line, cell))
    good: dict[tuple[str, str], _Read] = {}
    for key, ones in read.items():
        if all(one.row == ones[0].row for one in ones):
            good[key] = min(ones, key=lambda one: one.line.line)
        else:
            where = ", ".join(str(line) for line in sorted(one.line.line for one in ones))
            column = BY_NAME[ones[0].line.sheet].columns[0]
            bad += [_aside(one.line, BadCell(column, key[1], "twice", lines=where)) for one in ones]
    bad += [_aside(one.line, cell) for key, cell in _cannot_stand(good, held).items() for one in read[key]]
    order = {sheet.name: place for place, sheet in enumerate(SHEETS)}
    kept = sorted(good.values(), key=lambda one: (order[one.line.sheet], one.line.line))
    changes = tuple(
        Change(sheet=one.line.sheet, id=one.id, line=one.line.line, row=one.row, before=one.before)
        for one in kept
        if not one.same
    )
    repeated = [
        one for ones in read.values() for one in ones[1:] if (BY_NAME[one.line.sheet].kind.name, one.id) in good
    ]
    same = [one.line.sheet for one in (*(one for one in kept if one.same), *repeated)]
    return Plan(
        changes=changes,
        bad=tuple(sorted(bad, key=lambda one: (order[one.sheet], one.line))),
        counts=_counts(lines, changes, same, bad),
    )


def _read(line: Line, held: Held) -> _Read:
    sheet = BY_NAME[line.sheet]
    id_ = read_id(sheet, line.cells)
    before = held[sheet.kind.name].get(id_)
    if before is not None:
        told = cells_of(sheet, id_, before)
        if all(text.strip() == told[name] for name, text in line.cells.items()):
            return _Read(line, id_, before, before, same=True)
    row = read_row(sheet, line.cells, before)
    if before is not None and is_same(sheet, row, before):
        return _Read(line, id_, before, before, same=True)
    return _Read(line, id_, row, before, same=False)


def _cannot_stand(good: dict[tuple[str, str], _Read], held: Held) -> dict[tuple[str, str], BadCell]:
    """Takes out of `good` what names something that is not there, until nothing does; what was taken out, and why."""

    def look(kind: str, id_: str) -> Any:  # noqa: ANN401 - a row of that kind
        found = good.get((kind, id_))
        return found.row if found is not None else held[kind].get(id_)

    out: dict[tuple[str, str], BadCell] = {}
    while True:
        going: dict[tuple[str, str], BadCell] = {}
        for key, one in good.items():
            if not one.same:
                try:
                    check_row(BY_NAME[one.line.sheet], one.id, one.row, look)
                except BadCell as cell:
                    going[key] = cell
        going = going or _no_admin_left(good, held)
        if not going:
            return out
        out |= going
        for key in going:
            del good[key]


def _no_admin_left(good: Mapping[tuple[str, str], _Read], held: Held) -> dict[tuple[str, str], BadCell]:
    """The rows that take the last administrators their role: none of them stands."""
    people = dict(held[PERSON.name])
    people |= {id_: one.row for (kind, id_), one in good.items() if kind == PERSON.name}
    if any(map(administers, people.values())):
        return {}
    return {
        (PERSON.name, id_): BadCell("roles", id_, "last_admin")
        for id_, row in held[PERSON.name].items()
        if administers(row)
    }


def _aside(line: Line, cell: BadCell) -> Bad:
    return Bad(
        sheet=line.sheet,
        line=line.line,
        field=cell.field,
        found=cell.found[:200],
        remedy=cell.remedy,
        given=cell.given,
        cells=line.cells,
    )


def _counts(
    lines: Sequence[Line], changes: Sequence[Change], same: Sequence[str], bad: Sequence[Bad]
) -> dict[str, Counts]:
    return {
        sheet.name: Counts(
            new=sum(one.sheet == sheet.name and one.before is None for one in changes),
            changed=sum(one.sheet == sheet.name and one.before is not None for one in changes),
            same=same.count(sheet.name),
            bad=sum(one.sheet == sheet.name for one in bad),
        )
        for sheet in SHEETS
        if any(one.sheet == sheet.name for one in lines)
    }


def take(con: sqlite3.Connection, planned: Plan, *, by: str, now_ms: int) -> None:
    """Afterwards the changes are in force."""
    for change in planned.changes:
        put(con, BY_NAME[change.sheet].kind, change.id, change.row, by=by, now_ms=now_ms)


def lines_of(sheet: Sheet, held: Held) -> list[Line]:
    """The rows in force of a sheet as they would be sent, by id."""
    rows = held[sheet.kind.name]
    return [Line(sheet.name, line, cells_of(sheet, id_, rows[id_])) for line, id_ in enumerate(sorted(rows), start=2)]
