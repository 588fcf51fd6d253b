"""All master data as one workbook, or a sheet as CSV: in one form what there is, a template, and what is to be mended.

Names of sheets and columns are the same in every language, so that a file goes from hand to hand; what they mean is
said in the reader's language on a sheet of its own and in notes. A row that begins with `# ` is not read.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Final

import msgspec

from backend.masters.cells import COMMENT
from backend.masters.sheets import BY_KIND, BY_NAME, ID, SHEETS, Field, Sheet
from backend.masters.taking import Bad, Held, Line, lines_of
from backend.tables import header_of, read_table
from backend.workbooks import MOST_BYTES, MOST_ROWS, Column, ReadSheet, Written, read_workbook, write_workbook
from sync.details import FILE_TOO_LARGE, NAME_AFTER_SHEET, NONE_OF_OUR_SHEETS, TOO_MANY_ROWS
from sync.problems import BAD_TABLE, TOO_LARGE, Problem

ABOUT: Final = "read me"
"""The sheet that explains all others; it is not read."""
MENDING: Final = ("problem", "what to do")
"""Columns that say what was wrong with a row; they are not read."""
Say = Callable[..., str]
"""The sentence of a key in the reader's language, with what is given put in."""
_GUARDED: Final = ("=", "+", "-", "@", "'")
"""What a spreadsheet would compute, or hide, where a cell of a CSV file begins with it."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds: rows to take, rows that cannot be, and sheets that are none of ours."""

    lines: tuple[Line, ...]
    bad: tuple[Bad, ...] = ()
    strangers: tuple[str, ...] = ()


# -- read -------------------------------------------------------------------------
def read_file(name: str, raw: bytes) -> Sent:
    """What a file of this name holds: XLSX, or the CSV of one sheet, which its name begins with.

    Raises NOT_A_WORKBOOK, BAD_TABLE, TOO_LARGE where nothing of it can be read.
    """
    if len(raw) > MOST_BYTES:
        raise Problem(TOO_LARGE, FILE_TOO_LARGE.of(megabytes=MOST_BYTES // 1024 // 1024), name[:80])
    if name.casefold().endswith((".csv", ".txt", ".tsv")):
        return _read_csv(name, raw)
    sent = [_read_sheet(sheet) for sheet in read_workbook(raw) if _plain(sheet.name) != ABOUT]
    if all(one.strangers for one in sent):
        names = ", ".join(BY_NAME)
        raise Problem(BAD_TABLE, NONE_OF_OUR_SHEETS.of(names=names), name[:80])
    lines = tuple(line for one in sent for line in one.lines)
    if len(lines) > MOST_ROWS:
        raise Problem(TOO_LARGE, TOO_MANY_ROWS.of(most=MOST_ROWS), name[:80])
    bad = tuple(bad for one in sent for bad in one.bad)
    return Sent(lines=lines, bad=bad, strangers=tuple(name for one in sent for name in one.strangers))


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _read_sheet(read: ReadSheet) -> Sent:
    sheet = BY_NAME.get(_plain(read.name))
    if sheet is None:
        return Sent(lines=(), strangers=(read.name,))
    if not read.rows:
        return Sent(lines=())
    at, first = read.rows[0]
    heads = [_plain(cell) for cell in first]
    wrong = _wrong_heads(sheet, at, heads)
    if wrong:
        return Sent(lines=(), bad=wrong)
    lines: list[Line] = []
    bad: list[Bad] = []
    for line, row in read.rows[1:]:
        if row[0].startswith(COMMENT) or (
            not any(row) and not any((line, place) in read.broken for place in range(len(row)))
        ):
            continue
        cells = {name: row[place] for place, name in enumerate(heads) if name in sheet.columns}
        broken = [place for place, name in enumerate(heads) if name in sheet.columns and (line, place) in read.broken]
        if broken:
            name = heads[broken[0]]
            remedy = read.broken[line, broken[0]]
            bad.append(Bad(sheet=sheet.name, line=line, field=name, found=cells[name], remedy=remedy, cells=cells))
        else:
            lines.append(Line(sheet.name, line, cells))
    return Sent(lines=tuple(lines), bad=tuple(bad))


def _wrong_heads(sheet: Sheet, line: int, heads: Sequence[str]) -> tuple[Bad, ...]:
    """What is wrong with the names of the columns; then nothing of the sheet is read, for it would be half of it."""
    found = [
        Bad(sheet=sheet.name, line=line, field=name[:60], found=name[:60], remedy="column", given=_columns(sheet))
        for name in heads
        if name and name not in (*sheet.columns, *MENDING) and not name.startswith("#")
    ]
    found += [
        Bad(sheet=sheet.name, line=line, field=name, found=name, remedy="column_twice")
        for name in sheet.columns
        if heads.count(name) > 1
    ]
    found += [
        Bad(sheet=sheet.name, line=line, field=name, found="", remedy="column_missing")
        for name in sheet.key or ("id",)
        if name not in heads
    ]
    return tuple(found)


def _columns(sheet: Sheet) -> dict[str, str]:
    return {"columns": ", ".join(sheet.columns)}


def _read_csv(name: str, raw: bytes) -> Sent:
    stem = PurePath(name).stem.casefold()
    sheet = next((sheet for sheet in SHEETS if stem == sheet.name or stem.startswith(f"{sheet.name}-")), None)
    if sheet is None:
        raise Problem(BAD_TABLE, NAME_AFTER_SHEET.of(names=", ".join(BY_NAME)), name[:80])
    needed = sheet.key or ("id",)
    rows, quarantined = read_table(raw, needed, (*sheet.columns, *MENDING))
    if len(rows) > MOST_ROWS:
        raise Problem(TOO_LARGE, TOO_MANY_ROWS.of(most=MOST_ROWS), name[:80])
    columns = set(header_of(raw)) & set(sheet.columns)
    lines = tuple(
        Line(sheet.name, row.line, {column: _unguarded(row.cells.get(column, "")) for column in columns})
        for row in rows
        if not row.cells.get(sheet.columns[0], "").startswith(COMMENT)
    )
    bad = tuple(
        Bad(sheet=sheet.name, line=one.line, field=one.field, found=one.found, remedy="damaged") for one in quarantined
    )
    return Sent(lines=lines, bad=bad)


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_GUARDED) else text


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_GUARDED) else text


# -- written ----------------------------------------------------------------------
def data_book(held: Held, sheets: Iterable[Sheet], say: Say, *, right_to_left: bool = False) -> bytes:
    """What is in force, as a workbook: read again it changes nothing."""
    chosen = tuple(sheets)
    made = [_written(sheet, say, _texts(sheet, lines_of(sheet, held))) for sheet in chosen]
    return write_workbook([_about(chosen, say), *made], right_to_left=right_to_left)


def template_book(say: Say, *, right_to_left: bool = False) -> bytes:
    """An empty workbook, on each sheet a row that shows what is meant and is not read."""
    made = [_written(sheet, say, [_example(sheet)]) for sheet in SHEETS]
    return write_workbook([_about(SHEETS, say), *made], right_to_left=right_to_left)


def mending_book(bad: Sequence[Bad], say: Say, *, right_to_left: bool = False) -> bytes:
    """The rows that were put aside, with what is wrong and what to do: mended and sent again they are taken."""
    made = []
    for sheet in SHEETS:
        rows = [one for one in bad if one.sheet == sheet.name and one.cells]
        if rows:
            texts = [(*_cells(sheet, one.cells), f"{one.field}: {one.found}", remedy(one, say)) for one in rows]
            made.append(_written(sheet, say, texts, MENDING))
    return write_workbook([_about(SHEETS, say), *made], right_to_left=right_to_left)


def csv_file(sheet: Sheet, lines: Iterable[Line]) -> bytes:
    """One sheet as CSV (RFC 4180), with the mark by which spreadsheets know UTF-8."""
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow(sheet.columns)
    for line in lines:
        writer.writerow([_guarded(text) for text in _cells(sheet, line.cells)])
    return held.getvalue().encode("utf-8-sig")


def remedy(bad: Bad, say: Say) -> str:
    """What to do about a row that was put aside, in the reader's language."""
    return remedy_of(bad.remedy, bad.given, say)


def remedy_of(name: str, given: Mapping[str, str], say: Say) -> str:
    """The sentence of this name, a sheet in it as people call it."""
    told = {key: say(f"sheet.{value}") if key == "sheet" else value for key, value in given.items()}
    return say(f"remedy.{name}", **told)


def _texts(sheet: Sheet, lines: Iterable[Line]) -> list[tuple[str, ...]]:
    return [_cells(sheet, line.cells) for line in lines]


def _cells(sheet: Sheet, cells: dict[str, str]) -> tuple[str, ...]:
    return tuple(cells.get(column, "") for column in sheet.columns)


def _example(sheet: Sheet) -> tuple[str, ...]:
    cells = {"id": sheet.example} | {field.name: field.example for field in sheet.fields}
    first, *rest = _cells(sheet, cells)
    return (COMMENT + first, *rest)


def _written(sheet: Sheet, say: Say, rows: Sequence[Sequence[str]], more: Sequence[str] = ()) -> Written:
    columns = [_column(sheet, sheet.field(name), say) for name in sheet.columns]
    return Written(
        name=sheet.name, columns=(*columns, *(Column(heading=name) for name in more)), rows=rows, mark=COMMENT
    )


def _column(sheet: Sheet, field: Field, say: Say) -> Column:
    return Column(
        heading=field.name,
        note=f"{label(sheet, field, say)}\n{how(field, say)}",
        is_number=field.type in ("whole", "number"),
        choices=field.choices if not field.many else (),
    )


def _about(sheets: Iterable[Sheet], say: Say) -> Written:
    heads = ("sheet", "column", "meaning", "how", "needed", "example")
    rows = [
        (
            sheet.name,
            field.name,
            f"{say(f'sheet.{sheet.name}')}: {label(sheet, field, say)}",
            how(field, say),
            say("book.yes") if field.needed else "",
            sheet.example if field is ID else field.example,
        )
        for sheet in sheets
        for field in (sheet.field(name) for name in sheet.columns)
    ]
    first = [(say("book.about"), "", "", "", "", "")]
    columns = tuple(Column(heading=say(f"book.{head}")) for head in heads)
    return Written(name=ABOUT, columns=columns, rows=[*first, *rows], said=True)


def label(sheet: Sheet, field: Field, say: Say) -> str:
    """What people call a column."""
    return say(f"field.{sheet.name}.{field.name}" if field.name in sheet.own_words else f"field.{field.name}")


def how(field: Field, say: Say) -> str:
    """What to write in a cell of the column."""
    parts = []
    if field.refers:
        parts.append(say("how.refers", sheet=" / ".join(say(f"sheet.{BY_KIND[kind].name}") for kind in field.refers)))
    elif field is ID:
        parts.append(say("how.id"))
    else:
        given = {"choices": ", ".join(field.choices), "unit": field.unit}
        parts.append(say(f"how.{field.type}", **given))
    if field.also:
        parts.append(say("how.every"))
    if field.many:
        parts.append(say("how.many"))
    return " ".join(parts)
