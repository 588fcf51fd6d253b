"""Files that people and systems send, read as one thing whatever their format: headings, and rows of named texts.

CSV, XLSX and JSON (an array, an object, or a line each) come out alike. A row that cannot be read is put aside with its
line; only where no row can be told from another is the whole file refused.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Final, Literal

from backend.bodies import unique
from backend.tables import MOST_IN_CELL, BadRow, Quarantined, Row, Sheet, once_each, read_csv
from backend.workbooks import ReadSheet, read_workbook
from sync.codec import UNREADABLE_JSON
from sync.problems import BAD_TABLE, Problem

Format = Literal["csv", "xlsx", "json"]
_ZIP: Final = b"PK\x03\x04"
_LISTED: Final = "lines"
"""The key of an object under which rows of its own are listed."""


def format_of(raw: bytes) -> Format:
    """What these bytes are: a workbook and JSON begin as nothing else does."""
    if raw.startswith(_ZIP):
        return "xlsx"
    return "json" if raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{") else "csv"


def read_sheet(raw: bytes, as_: Format | None = None) -> Sheet:
    """The one table of a file, or the first of a workbook that has rows; BAD_TABLE or NOT_A_WORKBOOK without one."""
    match as_ or format_of(raw):
        case "csv":
            return read_csv(raw)
        case "json":
            return read_json(raw)
        case "xlsx":
            sheets = [sheet for sheet in read_workbook(raw) if sheet.rows]
            if not sheets:
                raise Problem(BAD_TABLE, "the workbook has no sheet with anything on it")
            return _worksheet(next((sheet for sheet in sheets if len(sheet.rows) > 1), sheets[0]))


# -- workbooks ----------------------------------------------------------------
def _worksheet(sheet: ReadSheet) -> Sheet:
    """A sheet of a workbook by its headings, which are its first row."""
    (at, headings), *lines = sheet.rows
    once_each(headings, at)
    rows: list[Row] = []
    quarantined: list[Quarantined] = []
    for line, cells in lines:
        try:
            rows.append(Row(line, _named(headings, cells, line, sheet)))
        except BadRow as bad:
            quarantined.append(
                bad.at(line, {name: cell for name, cell in zip(headings, cells, strict=False) if cell and name})
            )
    return Sheet(headings=headings, line=at, rows=tuple(rows), quarantined=tuple(quarantined))


def _named(headings: Sequence[str], cells: Sequence[str], line: int, sheet: ReadSheet) -> dict[str, str]:
    for column, (name, cell) in enumerate(zip_longest(headings, cells, fillvalue="")):
        if (line, column) in sheet.broken:
            remedy = "Write the value itself, or save the workbook where its formulas are computed."
            raise BadRow(name or "(no column)", "a formula without a value", remedy)
        if cell and not name:
            raise BadRow("(no column)", cell, "Give the column a heading, or leave it empty.")
    return {name: cell for name, cell in zip(headings, cells, strict=False) if cell}


# -- JSON ---------------------------------------------------------------------
def read_json(raw: bytes) -> Sheet:
    """Objects as rows: the items of an array, one object, or one a line. What `lines` lists is a row each.

    `line` counts items from 1, or is the line of the file where there is one object a line.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(BAD_TABLE, "not UTF-8") from error
    rows: list[Row] = []
    quarantined: list[Quarantined] = []
    for line, item in _items(text):
        cells: dict[str, str] = {}
        try:
            if isinstance(item, BadRow):
                raise item
            cells = _flat(item, "")
            rows += _rows(line, item, cells)
        except BadRow as bad:
            quarantined.append(bad.at(line, cells))
    headings = tuple(dict.fromkeys(name for row in rows for name in row.cells))
    return Sheet(headings=headings, line=0, rows=tuple(rows), quarantined=tuple(quarantined))


def _items(text: str) -> Iterator[tuple[int, object]]:
    try:
        whole = json.loads(text, object_pairs_hook=unique)
    except UNREADABLE_JSON as error:
        if text.lstrip().startswith("["):
            raise Problem(BAD_TABLE, f"not JSON: {error}"[:300]) from error
        items = list(_by_line(text))
        if all(isinstance(item, BadRow) for _, item in items):
            raise Problem(BAD_TABLE, f"not JSON: {error}"[:300]) from error
        yield from items
        return
    except Problem as problem:
        raise Problem(BAD_TABLE, problem.detail) from problem
    yield from enumerate(whole if isinstance(whole, list) else [whole], 1)


def _by_line(text: str) -> Iterator[tuple[int, object]]:
    for line, one in enumerate(text.split("\n"), 1):
        if one.strip():
            try:
                yield line, json.loads(one, object_pairs_hook=unique)
            except UNREADABLE_JSON:
                yield line, BadRow("(item)", one, "Write one JSON object a line.")
            except Problem as problem:
                yield line, BadRow("(item)", problem.detail, "Name each key once.")


def _rows(line: int, item: object, cells: dict[str, str]) -> Iterable[Row]:
    listed = item.get(_LISTED) if isinstance(item, dict) else None
    if listed is None or listed == []:
        return [Row(line, cells)]
    if not isinstance(listed, list):
        raise BadRow(_LISTED, str(listed), "List the lines as objects.")
    places = [f"{_LISTED}[{at}]." for at in range(len(listed))]
    return [Row(line, cells | _flat(one, place), place) for place, one in zip(places, listed, strict=True)]


def _flat(item: object, within: str) -> dict[str, str]:
    if not isinstance(item, dict):
        raise BadRow(within.rstrip(".") or "(item)", json.dumps(item)[:200], "Write an object.")
    found = {}
    for name, value in item.items():
        if name == _LISTED and not within:
            continue
        text = _plain(f"{within}{name}", value)
        if text:
            found[name] = text
    return found


def _plain(field: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        text = str(value).strip()
        if "\0" in text or len(text) > MOST_IN_CELL or not _is_text(text):
            raise BadRow(field, text, "Write text, and not too much of it.")
        return text
    if isinstance(value, list) and all(isinstance(one, str | int) and not isinstance(one, bool) for one in value):
        if any(len(str(one).split()) != 1 for one in value):
            raise BadRow(field, json.dumps(value)[:200], "Write each of them without spaces.")
        return " ".join(map(str, value))
    raise BadRow(field, json.dumps(value)[:200], "Write a text, a number or a list of texts.")


def _is_text(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)
