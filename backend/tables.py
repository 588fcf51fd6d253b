"""Tables that people send: rows of a CSV file by column name, each with the line it stands on.

What spreadsheets do to CSV is put up with (a byte-order mark, semicolons or tabs, CRLF, blank lines, cells left off
at the end of a row); what would have to be guessed is refused with the line, the column and what to do.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final

import msgspec

from sync.problems import BAD_TABLE, Problem, ProblemKind

MOST_BYTES: Final = 256 * 1024 * 1024
MOST_IN_CELL: Final = 65_536
"""Characters that a cell over several lines may have: no event could hold more."""

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_OPENS: Final = re.compile(r' *"')
_QUOTED: Final = re.compile(r' *"([^"]*+(?:""[^"]*+)*+)" *')
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
"""What no text has: NUL, and the stand-ins for bytes that are not UTF-8."""


class Row(msgspec.Struct, frozen=True):
    """One row: `line` counts from 1, the header included; a cell that is empty is not in `cells`.

    `within` is where in its item a row stands that was listed there, such as `lines[0].`.
    """

    line: int
    cells: dict[str, str]
    within: str = ""


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken in: where, which field, what was found, what to do. Nothing else was held up by it.

    `cells` are the row's as far as they could be read, so that it can be mended in place.
    """

    line: int
    field: str
    found: str
    remedy: str
    cells: dict[str, str] = {}


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A table as read: its headings in their order and the line they stand on, its rows, and what is no row.

    `line` is 0 where each row names its cells itself; `headings` are then the names that there are.
    """

    headings: tuple[str, ...]
    line: int
    rows: tuple[Row, ...]
    quarantined: tuple[Quarantined, ...] = ()


class BadRow(Exception):
    """Raised while one row is read; the caller quarantines the row and goes on."""

    def __init__(self, field: str, found: str, remedy: str) -> None:
        super().__init__(f"{field}: {found}; {remedy}")
        self.field = field
        self.found = found
        self.remedy = remedy

    def at(self, line: int, cells: Mapping[str, str] | None = None) -> Quarantined:
        """The same as a row of the quarantine."""
        found = _shown(self.found[:200])
        return Quarantined(line=line, field=self.field, found=found, remedy=self.remedy, cells=dict(cells or {}))


def read_table(
    raw: bytes, needed: Sequence[str], known: Sequence[str], kind: ProblemKind = BAD_TABLE
) -> tuple[list[Row], list[Quarantined]]:
    """The rows of a CSV file, and those that cannot be read or do not fit its header; a bad row holds up no other.

    `needed` columns must be there, no column may be outside `known`. Raises `kind` where no row can be told from
    another: the header is not UTF-8, is badly quoted, lacks a column or has one twice.
    """
    sheet = read_csv(raw, kind)
    check_headings(sheet, needed, known, kind)
    return list(sheet.rows), list(sheet.quarantined)


def check_headings(sheet: Sheet, needed: Sequence[str], known: Sequence[str], kind: ProblemKind = BAD_TABLE) -> None:
    """Return only if every `needed` column is there and none is outside `known`; else `kind`, with the line."""
    for name in needed:
        if name not in sheet.headings:
            raise Problem(kind, f"no column {name!r}; needed are {', '.join(needed)}", f"line {sheet.line}")
    for name in sheet.headings:
        if name and name not in known:
            raise Problem(kind, f"column {name!r} is not known here; take it out or rename it", f"line {sheet.line}")


def read_csv(raw: bytes, kind: ProblemKind = BAD_TABLE) -> Sheet:
    """A CSV file whatever its columns are called; `kind` where its rows cannot be told from each other."""
    lines, delimiter, names, at = _begin(raw, kind)
    begins_at = at
    once_each(names, at, kind)
    rows: list[Row] = []
    quarantined: list[Quarantined] = []
    while at < len(lines):
        begins, taken = at + 1, 1
        try:
            cells, taken = _row(lines, at, delimiter, names)
            if cells:
                rows.append(Row(begins, cells))
        except BadRow as bad:
            quarantined.append(bad.at(begins))
        at += taken
    return Sheet(headings=tuple(names), line=begins_at, rows=tuple(rows), quarantined=tuple(quarantined))


def once_each(names: Sequence[str], line: int, kind: ProblemKind = BAD_TABLE) -> None:
    """Return only if no heading stands twice; else `kind`, with the line."""
    for name in names:
        if name and names.count(name) > 1:
            raise Problem(kind, f"column {name!r} stands there twice", f"line {line}")


def header_of(raw: bytes, kind: ProblemKind = BAD_TABLE) -> list[str]:
    """The names of the columns of a CSV file, in order, as `read_table` reads them."""
    return _begin(raw, kind)[2]


def _begin(raw: bytes, kind: ProblemKind) -> tuple[list[str], str, list[str], int]:
    """The lines of a table, what separates its cells, the names of its columns, and where its rows begin."""
    if len(raw) > MOST_BYTES:
        raise Problem(kind, f"more than {MOST_BYTES} bytes")
    lines = _LINE_END.split(raw.decode("utf-8-sig", "surrogateescape"))
    at = next((number for number, line in enumerate(lines) if line.strip(" ,;\t")), 0)
    delimiter = max(",;\t", key=lines[at].count)
    names, at = _header(lines, at, delimiter, kind)
    return lines, delimiter, names, at


def _header(lines: Sequence[str], at: int, delimiter: str, kind: ProblemKind) -> tuple[list[str], int]:
    """The names of the columns, and where the rows begin."""
    where = f"line {at + 1}"
    if bad := _NO_TEXT.search(lines[at]):
        said = "a NUL byte; this is no text file" if bad[0] == "\0" else "not UTF-8; save it as CSV UTF-8"
        raise Problem(kind, said, where)
    names, taken = _record(lines, at, delimiter)
    if isinstance(names, _Slip) or taken > 1:
        raise Problem(kind, "a quote that is not closed, in the names of the columns", where)
    return [name.strip() for name in names], at + 1


def _row(lines: Sequence[str], at: int, delimiter: str, names: Sequence[str]) -> tuple[dict[str, str], int]:
    """The cells of the row that begins here, and how many lines it takes. Raises BadRow: then it takes this one.

    A quote that was never meant to open a cell ends at the next one that somebody forgot, and what lies between would
    be gone without a word. So a row over several lines must be whole, and none of them may look like a row itself.
    """
    cells, taken = _record(lines, at, delimiter)
    if isinstance(cells, _Slip):
        raise BadRow(_name(names, cells.column), cells.found, 'Close the quote; inside a cell write a quote twice: "".')
    if taken > 1:
        inner = lines[at + 1 : at + taken]
        if len(cells) != len(names) or any(line.count(delimiter) + 1 == len(names) for line in inner):
            column = next(number for number, cell in enumerate(cells) if "\n" in cell)
            remedy = "Close the quote where the cell ends, or take the line breaks out of the cell."
            raise BadRow(_name(names, column), cells[column], remedy)
    named = list(zip_longest(names, (cell.strip() for cell in cells), fillvalue=""))
    for name, cell in named:
        if bad := _NO_TEXT.search(cell):
            remedy = "Take the NUL byte out." if bad[0] == "\0" else "Save the file as CSV UTF-8."
            raise BadRow(name or "(no column)", cell, remedy)
        if cell and not name:
            remedy = "Quote a cell that holds a comma; leave columns without a name empty."
            raise BadRow("(no column)", cell, remedy)
    return {name: cell for name, cell in named if cell}, taken


def _name(names: Sequence[str], column: int) -> str:
    return (names[column] if column < len(names) else "") or "(no column)"


def _shown(found: str) -> str:
    """The same on one line and as text, so that a person can read where something is that is none."""
    text = found.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


class _Slip(msgspec.Struct, frozen=True):
    """A quoted cell that does not end as it should: its column counted from 0, its text, whether it has no end."""

    column: int
    found: str
    is_open: bool


def _record(lines: Sequence[str], at: int, delimiter: str) -> tuple[list[str] | _Slip, int]:
    """The cells that begin on this line and how many lines they take; a quoted cell may go over several."""
    if '"' not in lines[at]:
        return lines[at].split(delimiter), 1
    text, taken = lines[at], 1
    cells = _cells(text, delimiter)
    more: list[str] = []
    left = MOST_IN_CELL
    while isinstance(cells, _Slip) and cells.is_open and at + taken < len(lines) and left > 0:
        line = lines[at + taken]
        taken += 1
        left -= len(line) + 1
        more.append(line)
        if '"' in line:  # nothing else can end the cell
            text, more = "\n".join((text, *more)), []
            cells = _cells(text, delimiter)
    return cells, taken


def _cells(text: str, delimiter: str) -> list[str] | _Slip:
    """The cells of a text in which a line break stands only between quotes (RFC 4180, and spaces around quotes)."""
    cells: list[str] = []
    at = 0
    while True:
        if not _OPENS.match(text, at):
            end = text.find(delimiter, at)
            end = len(text) if end < 0 else end
            cells.append(text[at:end])
        else:
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                return _Slip(len(cells), text[at:], is_open=True)
            end = quoted.end()
            if end < len(text) and text[end] != delimiter:
                return _Slip(len(cells), text[at:], is_open=False)
            cells.append(quoted[1].replace('""', '"'))
        if end == len(text):
            return cells
        at = end + 1
