"""How a source writes its orders: which column is which field, what is always so, how dates and numbers are written.

A mapping is made once for each source, suggested from the headings and confirmed by a person, and is used from then on
by page, command and API alike. It changes how a row is read, never what is right: that is checked afterwards.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from backend.tables import BadRow, Row

DateForm = Literal["iso", "dmy", "mdy"]
Text = Annotated[str, Meta(max_length=500)]
REST: Final = "*"
"""Among the words of a field: whatever is not listed."""
TIMES: Final = ("window_from", "window_to")
NUMBERS: Final = ("minutes", "qty", "weight_g", "volume_ml")
_THOUSAND: Final = {"kg": 1000, "l": 1000}


class Mapping(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one source's files are read, by field of an order.

    `columns` names the heading of a field, `hours` the one that holds its time of day where that stands apart,
    `constants` what a field is where it has no column or its cell is empty. `words` translates what a source writes
    (case does not matter, `*` is whatever is not listed). Weights are in `weight_in`, volumes in `volume_in`.
    """

    columns: Annotated[dict[str, Text], Meta(max_length=40)] = {}
    hours: Annotated[dict[str, Text], Meta(max_length=2)] = {}
    constants: Annotated[dict[str, Text], Meta(max_length=40)] = {}
    words: Annotated[dict[str, dict[str, Text]], Meta(max_length=40)] = {}
    dates: DateForm = "iso"
    decimal_comma: bool = False
    weight_in: Literal["g", "kg"] = "g"
    volume_in: Literal["ml", "l"] = "ml"


def mapped(row: Row, mapping: Mapping) -> Row:
    """The row by fields of an order; BadRow where a date cannot be read as the mapping says."""
    cells: dict[str, str] = {}
    for field in dict.fromkeys((*mapping.columns, *mapping.constants)):
        text = row.cells.get(mapping.columns.get(field, ""), "")
        hour = row.cells.get(mapping.hours.get(field, ""), "")
        if text and field in TIMES:
            text = local_time(field, text, hour, mapping.dates)
        elif text and field in NUMBERS:
            text = _number(text, mapping, {"weight_g": mapping.weight_in, "volume_ml": mapping.volume_in}.get(field))
        text = _word(text, mapping.words.get(field, {})) or mapping.constants.get(field, "")
        if text:
            cells[field] = text
    return Row(row.line, cells, row.within)


def _word(text: str, words: dict[str, str]) -> str:
    if not words:
        return text
    known = {word.casefold(): meant for word, meant in words.items()}
    return known.get(text.casefold(), known.get(REST, text))


_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d(?:$|[T ])", re.ASCII)
_DATE: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d\d)(?:[ T,]+(.+))?$", re.ASCII)
_HOUR: Final = re.compile(
    r"(\d{1,2})(?:[:.](\d\d))?(?::(\d\d))?(?:\.0+)? ?(am|pm)?(?: ?(?:uhr|h))?$", re.ASCII | re.IGNORECASE
)
_HOW: Final = {
    "iso": "Write a time such as 2026-03-01 08:00.",
    "dmy": "Write a time such as 31.03.2026 08:00.",
    "mdy": "Write a time such as 03/31/2026 08:00.",
}


def local_time(field: str, text: str, hour: str, form: DateForm) -> str:
    """The time as ISO 8601 writes it, an offset kept where one is given; the time of day may stand apart.

    What a workbook holds as a date comes in ISO 8601 whatever the form. Years of two digits are of this century.
    """
    if not _ISO.match(text):
        found = _DATE.match(text) if form != "iso" else None
        if found is None:
            raise BadRow(field, text, _HOW[form])
        first, second, year, rest = found.groups()
        day, month = (first, second) if form == "dmy" else (second, first)
        text = f"{year if len(year) == 4 else '20' + year}-{month:0>2}-{day:0>2}"
        text += f"T{_hour(field, rest, form)}" if rest else ""
    if hour:
        return f"{text[:10]}T{_hour(field, hour.partition('T')[2] or hour, form)}"
    return text


def _hour(field: str, text: str, form: DateForm) -> str:
    found = _HOUR.match(text.strip())
    if found is None:
        raise BadRow(field, text, _HOW[form])
    hour, minute, second, half = found.groups()
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    return f"{hours:02}:{minute or '00'}:{second or '00'}"


_GROUPED: Final = {
    True: re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?$", re.ASCII),
    False: re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?$", re.ASCII),
}


def _number(text: str, mapping: Mapping, unit: str | None) -> str:
    """The number in grams, millilitres or pieces where it comes out whole; else as it stands, for a person to see."""
    plain = re.sub(r"[\s\u00a0\u202f']", "", text)
    if _GROUPED[mapping.decimal_comma].match(plain):
        plain = plain.replace("." if mapping.decimal_comma else ",", "")
    if mapping.decimal_comma:
        plain = plain.replace(",", ".")
    try:
        number = Decimal(plain) * _THOUSAND.get(unit or "", 1) if len(plain) < 30 else Decimal("NaN")
    except InvalidOperation:
        return text
    return str(int(number)) if number.is_finite() and number >= 0 and number == int(number) else text
