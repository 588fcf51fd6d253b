"""What stands in a cell, as text and as what it means: the same on a page, in a spreadsheet and in a sample.

Nothing is guessed: what could be meant in two ways is refused with what to write instead.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from backend.master import check_name
from backend.masters.sheets import ID, Field, Sheet, Type
from backend.workbooks import number_text
from backend.zones import check_zone
from sync.codec import UNREADABLE_JSON
from sync.problems import Problem

COMMENT: Final = "# "
"""How a row begins that is not read, such as the example in a template."""
Cells = Mapping[str, str]
"""A row as text by column; a column that is not there says nothing, one that is empty says: nothing."""


class BadCell(Exception):
    """A cell cannot be taken: in which field, what was found, and the name of the sentence that says what to do."""

    def __init__(self, field: str, found: str, remedy: str, **given: str) -> None:
        super().__init__(f"{field}: {found} ({remedy})")
        self.field = field
        self.found = found
        self.remedy = remedy
        self.given = given


_DIGITS: Final = re.compile(r"\d{1,15}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,10}([.,]\d{1,400})?", re.ASCII)
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::00)?)?", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SPANS: Final = re.compile(
    r"(([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)( (?!$)|$))*", re.ASCII
)  # what rows.Spans says
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE: Final = re.compile(r"\+?[\d ()/.-]{3,40}( ?(ext\.?|x|w\.?) ?\d{1,6})?", re.ASCII)
_GS1: Final = re.compile(r"(\((01|8003|8004|21|414|254|8006|8010)\)[^()\s]{1,90})+", re.ASCII)
_YES: Final = frozenset({"yes", "true", "1", "x", "ja", "tak", "نعم"})
_NO: Final = frozenset({"", "no", "false", "0", "-", "nein", "nie", "لا"})


def read_id(sheet: Sheet, cells: Cells) -> str:
    """The id of the row that these cells say. Raises BadCell."""
    if sheet.key:
        id_ = "/".join(str(read_cell(sheet.field(name), cells.get(name, ""))) for name in sheet.key)
    else:
        id_ = str(read_cell(ID, cells.get("id", "")))
    try:
        check_name(id_)
    except Problem as problem:
        raise BadCell(sheet.key[0] if sheet.key else "id", id_, "name") from problem
    if id_.startswith(COMMENT):
        raise BadCell(sheet.key[0] if sheet.key else "id", id_, "comment")
    return id_


def read_row(sheet: Sheet, cells: Cells, before: msgspec.Struct | None = None) -> Any:  # noqa: ANN401 - of the sheet's shape
    """The row that these cells say; what they do not say stays as it was before. Raises BadCell."""
    plain: dict[str, Any] = {}
    for field in sheet.fields:
        if field.name in cells:
            value = read_cell(field, cells[field.name])
            if value is not msgspec.UNSET:
                plain[field.name] = value
        elif before is not None:
            plain[field.name] = getattr(before, field.name)
        elif field.needed:
            raise BadCell(field.name, "", "fill_in")
    try:
        return msgspec.convert(plain, sheet.kind.shape, strict=True)
    except UNREADABLE_JSON as error:
        name = str(error).rpartition("$.")[2].partition("`")[0].partition("[")[0]
        raise BadCell(name, cells.get(name, "")[:200], "fits") from error


def faults(sheet: Sheet, cells: Cells) -> list[BadCell]:
    """Every cell that cannot be taken, each by itself."""
    found = []
    for field in (sheet.field(name) for name in sheet.columns):
        try:
            read_cell(field, cells.get(field.name, ""))
        except BadCell as bad:
            found.append(bad)
    return found


def read_cell(field: Field, text: str) -> Any:  # noqa: ANN401 - what the field holds
    """What the text of a cell means; UNSET for a cell that says nothing. Raises BadCell."""
    text = text.strip()
    if any(not one.isprintable() and one not in "\n\t" for one in text):
        raise BadCell(field.name, text, "unreadable")
    if field.many:
        return tuple(dict.fromkeys(_read_one(field, one) for one in split(field, text)))
    if field.type == "flag":
        return _flag(field, text)
    if not text:
        if field.needed:
            raise BadCell(field.name, "", "fill_in")
        return msgspec.UNSET
    return _read_one(field, text)


def split(field: Field, text: str) -> list[str]:
    """The values of a cell that holds several: one a line, or with semicolons between; quoted where one holds such."""
    found: list[str] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=";", skipinitialspace=True, strict=True):
            found += [one.strip() for one in row if one.strip()]
    except csv.Error as error:
        raise BadCell(field.name, text, "quotes") from error
    return found


def _read_one(field: Field, text: str) -> str | int | float:
    if field.type != "text" and "\n" in text:
        raise BadCell(field.name, text, "one_line")
    reader = _READERS.get(field.type)
    return reader(field, text) if reader else text


def _whole(field: Field, text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise BadCell(field.name, text, "whole", unit=field.unit)
    return int(text)


def _number(field: Field, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise BadCell(field.name, text, "number", unit=field.unit)
    return float(text.replace(",", "."))


def _choice(field: Field, text: str) -> str:
    if text not in field.choices:
        raise BadCell(field.name, text, "choice", choices=", ".join(field.choices))
    return text


def _email(field: Field, text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise BadCell(field.name, text, "email")
    return text


def _phone(field: Field, text: str) -> str:
    if not _PHONE.fullmatch(text):
        raise BadCell(field.name, text, "phone")
    return text


def _flag(field: Field, text: str) -> bool:
    if text.casefold() not in _YES | _NO:
        raise BadCell(field.name, text, "flag")
    return text.casefold() in _YES


def _day(field: Field, text: str) -> str:
    found = _MOMENT.fullmatch(text)
    if found is None or found[2] not in (None, "00:00") or not _is_time(found[1]):
        raise BadCell(field.name, text, "day")
    return found[1]


def _moment(field: Field, text: str) -> str:
    found = _MOMENT.fullmatch(text)
    if found is None or not _is_time(f"{found[1]}T{found[2] or '00:00'}"):
        raise BadCell(field.name, text, "moment")
    return f"{found[1]}T{found[2]}" if found[2] else found[1]


def _instant(field: Field, text: str) -> str:
    if not _INSTANT.fullmatch(text) or not _is_time(text):
        raise BadCell(field.name, text, "instant")
    return text


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _spans(field: Field, text: str) -> str:
    text = re.sub(r"\s*([-\u2013])\s*", "-", re.sub(r"[\s,;]+", " ", text))
    text = re.sub(r"(?<!\d)(\d:)", r"0\1", text)
    if not _SPANS.fullmatch(text):
        raise BadCell(field.name, text, "spans")
    return text


def _zone(field: Field, text: str) -> str:
    try:
        check_zone(text)
    except Problem as problem:
        raise BadCell(field.name, text, "zone") from problem
    return text


def _gs1(field: Field, text: str) -> str:
    """A GTIN, or an element string in brackets; check digits are computed (GS1 General Specifications, 7.9)."""
    if field.type == "gtin":
        keys = [text] if text.isascii() and text.isdigit() and len(text) in (8, 12, 13, 14) else [""]
    else:
        keys = re.findall(r"\((?:01|414)\)([^(]*)", text) + [key[:14] for key in re.findall(r"\(8003\)([^(]*)", text)]
    if field.type == "gs1" and not _GS1.fullmatch(text):
        raise BadCell(field.name, text, "gs1")
    for key in keys:
        if not (key.isascii() and key.isdigit() and has_check_digit(key)):
            raise BadCell(field.name, text, "check_digit" if key else "gtin")
    return text


def has_check_digit(key: str) -> bool:
    """True where the last digit is the one that GS1 computes from those before it."""
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(key[:-1])))
    return (10 - weighted % 10) % 10 == int(key[-1])


_READERS: Final[Mapping[Type, Callable[[Field, str], str | int | float]]] = {
    "whole": _whole,
    "number": _number,
    "choice": _choice,
    "day": _day,
    "moment": _moment,
    "instant": _instant,
    "spans": _spans,
    "zone": _zone,
    "email": _email,
    "phone": _phone,
    "gtin": _gs1,
    "gs1": _gs1,
}


# -- the other way --------------------------------------------------------------
def cells_of(sheet: Sheet, id_: str, row: msgspec.Struct) -> dict[str, str]:
    """The row as text, by column: what `read_row` makes the same row of."""
    cells = {} if sheet.key else {"id": id_}
    return cells | {field.name: shown(field, getattr(row, field.name)) for field in sheet.fields}


def shown(field: Field, value: object) -> str:
    """A value as the text of a cell."""
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, tuple):
        return joined(str(one) for one in value)
    if isinstance(value, float):
        return number_text(value)
    text = str(value).replace("\r\n", "\n").strip()
    return "".join(one for one in text if one.isprintable() or (one in "\n\t" and field.type == "text"))


def joined(values: Iterable[str]) -> str:
    """Several values as the text of one cell."""
    return "; ".join(map(_quoted, values))


def _quoted(text: str) -> str:
    if any(one in text for one in ';"\n\r') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def is_same(sheet: Sheet, row: msgspec.Struct, other: msgspec.Struct) -> bool:
    """True where both say the same as far as cells can say it."""
    return row == other or cells_of(sheet, "", row) == cells_of(sheet, "", other)
