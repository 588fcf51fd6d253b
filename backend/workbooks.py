"""Workbooks (XLSX, ECMA-376) as sheets of text, and the other way; nothing in them is computed.

What a person sees in a cell is what is read of it: a number without the digits it does not need, a day as 2026-07-14, a
formula by the value it was saved with. Where there is none to see, the cell is named as broken and not as empty.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from posixpath import join, normpath
from typing import Final, Literal
from xml.parsers import expat

import msgspec
import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from sync.problems import NOT_A_WORKBOOK, TOO_LARGE, Problem

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_INFLATED: Final = 160 * 1024 * 1024
"""Bytes that all parts of a workbook may unpack to; a sheet of 10,000 rows has about 6 MB."""
MOST_ROWS: Final = 50_000
MOST_COLUMNS: Final = 120
MOST_IN_CELL: Final = 32_767
"""Characters that a cell holds (Excel's own limit)."""
_AT_ONCE: Final = 1024 * 1024
_PLACE: Final = re.compile(r"([A-Z]{1,3})(\d{1,7})", re.ASCII)

Broken = Literal["no_value", "error"]


class ReadSheet(msgspec.Struct, frozen=True):
    """A sheet as text: its rows by line, those that hold nothing left out.

    `broken` are cells that hold a formula without a value, or an error. Lines count from 1, columns from 0.
    """

    name: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    broken: Mapping[tuple[int, int], Broken]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column to write: its heading, what is said of it in a note, and what may be chosen."""

    heading: str
    note: str = ""
    is_number: bool = False
    choices: tuple[str, ...] = ()


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet to write. Rows that begin with `mark` are shown as not meant; what `said` are is set as text to read."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[str]]
    mark: str = "# "
    said: bool = False


# -- reading --------------------------------------------------------------------
def read_workbook(raw: bytes) -> list[ReadSheet]:
    """Every sheet, in order. Raises NOT_A_WORKBOOK, TOO_LARGE where it is more than could be meant."""
    if len(raw) > MOST_BYTES:
        raise Problem(TOO_LARGE, f"more than {MOST_BYTES // 1024 // 1024} MB")
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise Problem(NOT_A_WORKBOOK, "it has a password, or is of the format of before 2007")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            broken = _look_over(parts)
        return _read(raw, broken)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Problem(NOT_A_WORKBOOK, "the file is damaged, or something else than a workbook") from error
    except (CalamineError, expat.ExpatError, LookupError, ValueError, OSError) as error:
        raise Problem(NOT_A_WORKBOOK, f"a part of it is damaged: {str(error)[:100]}") from error


def _read(raw: bytes, broken: Mapping[str, Mapping[tuple[int, int], Broken]]) -> list[ReadSheet]:
    found = []
    with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as workbook:
        for about in workbook.sheets_metadata:
            if about.typ == SheetTypeEnum.WorkSheet:
                rows = workbook.get_sheet_by_name(about.name).to_python(skip_empty_area=False)
                texts = [(line, tuple(_text(cell) for cell in row)) for line, row in enumerate(rows, start=1)]
                some = broken.get(about.name, {})
                lines = {line for line, _ in some}
                kept = tuple((line, row) for line, row in texts if any(row) or line in lines)
                found.append(ReadSheet(about.name, kept, some))
    return found


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return number_text(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="minutes" if not (cell.second or cell.microsecond) else "auto")
    if isinstance(cell, date | time):
        return cell.isoformat(timespec="minutes") if isinstance(cell, time) else cell.isoformat()
    if isinstance(cell, timedelta):
        minutes = round(cell.total_seconds() / 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    return str(cell).replace("\r\n", "\n").strip()


def number_text(value: float) -> str:
    """A number as its shortest exact text, without a fraction where it has none and without an exponent."""
    if not isfinite(value):
        return str(value)
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


# -- looked over before it is read: what it unpacks to, and what a reader of values does not tell ----------------
def _look_over(parts: zipfile.ZipFile) -> dict[str, dict[tuple[int, int], Broken]]:
    left = MOST_INFLATED
    for info in parts.infolist():
        with parts.open(info) as part:
            while got := part.read(_AT_ONCE):
                left -= len(got)
                if left < 0:
                    raise Problem(TOO_LARGE, f"it unpacks to more than {MOST_INFLATED // 1024 // 1024} MB")
    return {name: _look(parts, part) for name, part in _parts_of_sheets(parts)}


def _parts_of_sheets(parts: zipfile.ZipFile) -> list[tuple[str, str]]:
    """The name of each sheet and the part that holds it."""
    names: dict[str, str] = {}
    targets: dict[str, str] = {}

    def sheet(tag: str, given: dict[str, str]) -> None:
        if _local(tag) == "sheet":
            names[next((value for key, value in given.items() if key.endswith(":id")), "")] = given.get("name", "")

    def relation(tag: str, given: dict[str, str]) -> None:
        if _local(tag) == "Relationship":
            targets[given.get("Id", "")] = given.get("Target", "")

    _parse(parts, "xl/workbook.xml", sheet)
    _parse(parts, "xl/_rels/workbook.xml.rels", relation)
    found = []
    for id_, name in names.items():
        target = targets.get(id_, "")
        part = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
        if part in parts.namelist():
            found.append((name, part))
    return found


def _look(parts: zipfile.ZipFile, part: str) -> dict[tuple[int, int], Broken]:
    """The broken cells of a sheet. Raises TOO_LARGE where a cell lies where nobody gets by filling in rows."""
    broken: dict[tuple[int, int], Broken] = {}
    at: tuple[int, int] | None = None
    is_value = False

    def begin(tag: str, given: dict[str, str]) -> None:
        nonlocal at, is_value
        tag = _local(tag)
        if tag == "c":
            at = _place(given.get("r", ""))
            if at is not None and given.get("t") == "e":
                broken[at] = "error"
        elif tag == "f" and at is not None:
            broken.setdefault(at, "no_value")
        is_value = tag in ("v", "t")

    def text(_: str) -> None:
        if is_value and at is not None:
            if at[0] > MOST_ROWS or at[1] >= MOST_COLUMNS:
                raise Problem(TOO_LARGE, f"more than {MOST_ROWS} rows or {MOST_COLUMNS} columns", part)
            if broken.get(at) == "no_value":
                del broken[at]

    _parse(parts, part, begin, text)
    return broken


def _place(text: str) -> tuple[int, int] | None:
    """Line from 1 and column from 0 of a cell such as B3."""
    found = _PLACE.fullmatch(text)
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]), column - 1


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _parse(
    parts: zipfile.ZipFile,
    name: str,
    begin: Callable[[str, dict[str, str]], None],
    text: Callable[[str], None] | None = None,
) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def no_doctype(*_: object) -> None:
        raise Problem(NOT_A_WORKBOOK, "it holds declarations that no spreadsheet writes", name)

    parser.StartElementHandler = begin
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = no_doctype
    with parts.open(name) as part:
        parser.ParseFile(part)


# -- writing --------------------------------------------------------------------
def write_workbook(sheets: Sequence[Written], *, right_to_left: bool = False) -> bytes:
    """A workbook of these sheets, the same bytes for the same ones. Raises TOO_LARGE for a text that no cell holds."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001 - the format knows no zone
        formats = {
            "head": book.add_format({"bold": True, "bottom": 1, "bg_color": "#DCEFF0", "num_format": "@"}),
            "text": book.add_format({"num_format": "@", "valign": "top"}),
            "number": book.add_format({"valign": "top"}),
            "mark": book.add_format({"italic": True, "font_color": "#6B7280", "num_format": "@"}),
            "said": book.add_format({"num_format": "@", "valign": "top", "text_wrap": True}),
        }
        for sheet in sheets:
            made = book.add_worksheet(sheet.name)
            if right_to_left:
                made.right_to_left()
            _write(made, sheet, formats)
    return held.getvalue()


def _write(made: Worksheet, sheet: Written, formats: Mapping[str, Format]) -> None:
    made.freeze_panes(1, 0)
    for place, column in enumerate(sheet.columns):
        texts = [row[place] for row in sheet.rows[:200]]
        longest = max((len(line) for text in (column.heading, *texts) for line in text.split("\n")), default=0)
        kind = "said" if sheet.said else "number" if column.is_number else "text"
        made.set_column(place, place, min(max(longest + 2, 10), 60), formats[kind])
        made.write_string(0, place, column.heading, formats["head"])
        if column.note:
            made.write_comment(0, place, column.note, {"x_scale": 2.2, "y_scale": 1.4})
        if column.choices and sum(map(len, column.choices)) < 240:
            made.data_validation(1, place, 1000, place, {"validate": "list", "source": list(column.choices)})
    for line, row in enumerate(sheet.rows, start=1):
        is_marked = not sheet.said and row[0].startswith(sheet.mark)
        for place, text in enumerate(row):
            column = sheet.columns[place]
            if len(text) > MOST_IN_CELL:
                raise Problem(TOO_LARGE, f"more than {MOST_IN_CELL} characters", f"{sheet.name} {column.heading}")
            if column.is_number and not is_marked and _is_exact(text):
                made.write_number(line, place, float(text), formats["number"])
            elif text:
                style = formats["mark"] if is_marked else formats["said" if sheet.said else "text"]
                made.write_string(line, place, text, style)


def _is_exact(text: str) -> bool:
    """True of a number that a cell holds as it is: 16 digits are written of it."""
    try:
        value = float(text)
        return isfinite(value) and number_text(value) == text and float(f"{value:.16G}") == value
    except ValueError:
        return False
