"""Aggregated history from outside: one row of a CSV file a cell.

Columns: `site`, `month` (periods of four weeks, counted from 0), `jobtype`, `live` (0 before the site's switch-on,
1 after it), `visits`, `repeats`. A number rests on the whole table, so one row that cannot be read stops it all.
"""

from typing import Final

from backend.measures.cells import Cell
from backend.tables import BadRow, Quarantined, Row, read_table
from sync.problems import BAD_TABLE, Problem

COLUMNS: Final = ("site", "month", "jobtype", "live", "visits", "repeats")
LAST_MONTH: Final = 1_300
"""A hundred years; what is above is a calendar month such as 202601."""
MOST_VISITS: Final = 10**9
_MOST_DIGITS: Final = 12


def read_cells(raw: bytes) -> list[Cell]:
    """The cells of a file, in its order. Rows with no visits say nothing and are left out.

    Raises BAD_TABLE with the line, the field and what to do: where the file is no such table, a row cannot be read,
    or two rows are about the same cell.
    """
    rows, quarantined = read_table(raw, COLUMNS, COLUMNS)
    for bad in quarantined:
        raise _stopped_by(bad)
    cells: list[Cell] = []
    lines: dict[tuple[str, int, str, bool], int] = {}
    for row in rows:
        try:
            cell = _cell(row)
            first = lines.setdefault((cell.site, cell.month, cell.stratum, cell.live), row.line)
            _only_once(first, row.line)
        except BadRow as bad:
            raise _stopped_by(bad.at(row.line)) from bad
        if cell.visits:
            cells.append(cell)
    if not cells:
        raise Problem(BAD_TABLE, "no row with visits; give a row for each site, month, job type and live")
    return cells


def _stopped_by(bad: Quarantined) -> Problem:
    return Problem(BAD_TABLE, f"{bad.found}; {bad.remedy}", f"line {bad.line}, {bad.field}")


def _cell(row: Row) -> Cell:
    for name in COLUMNS:
        if name not in row.cells:
            raise BadRow(name, "empty", f"Fill in {name}.")
    live = row.cells["live"]
    if live not in ("0", "1"):
        raise BadRow("live", live, "Write 0 before the switch-on of the site, 1 after it.")
    visits, repeats = _count(row, "visits"), _count(row, "repeats")
    if repeats > visits:
        raise BadRow("repeats", f"{repeats} of {visits} visits", "Count each visit as repeated at most once.")
    return Cell(
        site=row.cells["site"],
        month=_month(row),
        stratum=row.cells["jobtype"],
        live=live == "1",
        visits=visits,
        repeats=repeats,
    )


def _month(row: Row) -> int:
    month = _number(row.cells["month"])
    if month is None or month > LAST_MONTH:
        raise BadRow("month", row.cells["month"], "Write the number of the period of four weeks, counted from 0.")
    return month


def _count(row: Row, field: str) -> int:
    text = row.cells[field]
    count = _number(text)
    if count is None:
        raise BadRow(field, text, "Write a whole number, 0 or more.")
    if count > MOST_VISITS:
        raise BadRow(field, text, f"Write at most {MOST_VISITS}; no cell has more visits than that.")
    return count


def _number(text: str) -> int | None:
    """The whole number; one with more digits than anything here counts is beyond each bound, and not read."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


def _only_once(first: int, line: int) -> None:
    if first != line:
        raise BadRow("site", f"the same site, month, jobtype and live as line {first}", "Add the two rows together.")
