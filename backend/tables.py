"""Tables that people send: rows of a CSV file by column name, each with the line it stands on.

What spreadsheets do to CSV is put up with (a byte-order mark, semicolons or tabs, CRLF, blank lines); what would
have to be guessed is refused with the line, the column and what to do.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import msgspec

from sync.problems import BAD_TABLE, Problem, ProblemKind

MOST_BYTES = 256 * 1024 * 1024


class Row(msgspec.Struct, frozen=True):
    """One row: `line` counts from 1, the header included; a cell that is empty is not in `cells`."""

    line: int
    cells: dict[str, str]


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken in: where, which field, what was found, what to do. Nothing else was held up by it."""

    line: int
    field: str
    found: str
    remedy: str


class BadRow(Exception):
    """Raised while one row is read; the caller quarantines the row and goes on."""

    def __init__(self, field: str, found: str, remedy: str) -> None:
        super().__init__(f"{field}: {found}; {remedy}")
        self.field = field
        self.found = found
        self.remedy = remedy

    def at(self, line: int) -> Quarantined:
        """The same as a row of the quarantine."""
        return Quarantined(line=line, field=self.field, found=self.found[:200], remedy=self.remedy)


def read_table(
    raw: bytes, needed: Sequence[str], known: Sequence[str], kind: ProblemKind = BAD_TABLE
) -> tuple[list[Row], list[Quarantined]]:
    """The rows of a CSV file, and those that do not fit its header.

    `needed` columns must be there, no column may be outside `known`. Raises `kind` where the file as a
    whole cannot be read: not UTF-8, no header, a column missing or twice.
    """
    if len(raw) > MOST_BYTES:
        raise Problem(kind, f"more than {MOST_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Problem(kind, "not UTF-8; save it as CSV UTF-8", f"line {line}") from error
    if "\0" in text:
        raise Problem(
            kind, "a NUL byte; this is no text file", f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}"
        )
    lines = _records(text, kind)
    header_line, header = next(lines, (1, []))
    names = [name.strip() for name in header]
    for name in needed:
        if name not in names:
            raise Problem(kind, f"no column {name!r}; needed are {', '.join(needed)}", f"line {header_line}")
    for name in names:
        if name and name not in known:
            raise Problem(kind, f"column {name!r} is not known here; take it out or rename it", f"line {header_line}")
        if name and names.count(name) > 1:
            raise Problem(kind, f"column {name!r} stands there twice", f"line {header_line}")
    rows: list[Row] = []
    quarantined: list[Quarantined] = []
    for line, cells in lines:
        named = list(zip_longest(names, (cell.strip() for cell in cells), fillvalue=""))
        stray = [cell for name, cell in named if cell and not name]
        if stray:
            remedy = "Quote a cell that holds a comma; leave columns without a name empty."
            quarantined.append(BadRow("(no column)", stray[0], remedy).at(line))
        else:
            rows.append(Row(line, {name: cell for name, cell in named if cell}))
    return rows, quarantined


def _records(text: str, kind: ProblemKind) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV text that are not blank, each with the line it begins on."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Problem(kind, str(error), f"line {reader.line_num}") from error
