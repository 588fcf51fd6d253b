"""Orders as other systems give them: a row of a CSV file or workbook, or an object of JSON.

Fields: `source`, `id`, `kind` (dispatch or fulfilment), `site` are needed; `reference`, `asset`, `customer`,
`window_from`, `window_to`, `minutes`, `intent`, `skills` (separated by spaces), `priority` (routine, urgent,
critical), and for goods `line`, `article`, `qty`, `weight_g`, `volume_ml`, `serials` (separated by spaces). Rows with
the same source and id are one order, and say the same of it. A time without offset is in the site's zone; a window that
ends on a day ends with it. `cancelled` takes an order back, for a `reason`; such a row need say nothing else.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from backend import mapping as mappings
from backend.sheets import Format, read_sheet
from backend.tables import BadRow, Quarantined, Row, Sheet, check_headings
from sync.clock import EARLIEST_MS, LATEST_MS, rfc3339
from sync.codec import UNREADABLE_JSON
from sync.events import OrderImported, OrderLine

ORDER_COLUMNS = (
    "source",
    "id",
    "kind",
    "reference",
    "site",
    "asset",
    "customer",
    "window_from",
    "window_to",
    "minutes",
    "intent",
    "skills",
    "priority",
)
LINE_COLUMNS = ("line", "article", "qty", "weight_g", "volume_ml", "serials")
CANCEL_COLUMNS = ("cancelled", "reason")
FIELDS: Final = (*ORDER_COLUMNS, *LINE_COLUMNS, *CANCEL_COLUMNS)
NEEDED = ("source", "id", "kind", "site")
MOST_NAME: Final = 180
"""Characters of source and id together: the name that both make stands in events."""

_YES: Final = frozenset({"true", "yes", "y", "1", "x", "cancelled", "canceled"})
_NO: Final = frozenset({"", "false", "no", "n", "0"})
_REMEDIES = {
    "kind": "Write dispatch or fulfilment.",
    "priority": "Write routine, urgent or critical.",
    "minutes": "Write whole minutes, 0 or more.",
    "qty": "Write a whole number, 0 or more.",
    "weight_g": "Write whole grams, 0 or more.",
    "volume_ml": "Write whole millilitres, 0 or more.",
    "cancelled": "Write true or false, or say in the mapping what the word means.",
}


class ReadOrder(msgspec.Struct, frozen=True):
    """An order as read, and the first line of the file that speaks of it.

    It is `partial` where a row of it could not be used: what it does not say may still be so.
    """

    order: OrderImported
    line: int
    partial: bool = False


class TakenBack(msgspec.Struct, frozen=True):
    """An order that its source cancelled, and the first line that says so."""

    source: str
    order: str
    reason: str
    line: int


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """All that a file says, in its order, and the rows that were not taken; `rows` is how many there were."""

    orders: tuple[ReadOrder, ...]
    taken_back: tuple[TakenBack, ...]
    quarantined: tuple[Quarantined, ...]
    rows: int


def order_name(order: OrderImported) -> str:
    """`source/id`, the name by which references find an order."""
    return f"{order.source}/{order.order}"


def read_orders(
    raw: bytes, zones: Mapping[str, str], mapping: mappings.Mapping | None = None, as_: Format | None = None
) -> Orders:
    """The orders of a file in CSV, XLSX or JSON, read as a mapping says where there is one. Raises BAD_TABLE.

    `zones` gives each known site's time zone (IANA name); a row for any other site is quarantined. A bad
    row holds up no other: an order of which one line is bad comes without that line.
    """
    return orders_of(read_sheet(raw, as_), zones, mapping)


def orders_of(sheet: Sheet, zones: Mapping[str, str], mapping: mappings.Mapping | None = None) -> Orders:
    """The same of a table that was read."""
    if mapping is None and sheet.line:
        check_headings(sheet, NEEDED[:2] if "cancelled" in sheet.headings else NEEDED, FIELDS)
    bad = list(sheet.quarantined)
    rows: list[Row] = []
    for row in sheet.rows:
        try:
            rows.append(row if mapping is None else mappings.mapped(row, mapping))
        except BadRow as one:
            bad.append(_put_aside(row, one))
    return of_rows(rows, zones, bad)


def of_rows(rows: Iterable[Row], zones: Mapping[str, str], unread: Iterable[Quarantined] = ()) -> Orders:
    """The orders that rows by field speak of; `unread` are rows of the same file that were none."""
    found: dict[tuple[str, str], ReadOrder] = {}
    gone: dict[tuple[str, str], TakenBack] = {}
    torn: set[tuple[str, str]] = set()
    quarantined = list(unread)
    count = len(quarantined)
    for row in rows:
        count += 1
        try:
            key = _key(row)
            if _cancelled(row):
                gone.setdefault(key, TakenBack(*key, row.cells.get("reason", "")[:500], row.line))
                continue
            order, line = _order(row, zones), _line(row)
            before = found.get(key)
            if before is None:
                found[key] = ReadOrder(_with(order, line), row.line)
            else:
                found[key] = ReadOrder(_joined(before, order, line), before.line)
        except BadRow as bad:
            quarantined.append(_put_aside(row, bad))
            torn.add((row.cells.get("source", ""), row.cells.get("id", "")))
    orders = (msgspec.structs.replace(one, partial=key in torn) for key, one in found.items())
    return Orders(
        orders=tuple(msgspec.structs.replace(one, order=_in_order(one.order)) for one in orders),
        taken_back=tuple(one for key, one in gone.items() if key not in found and key not in torn),
        quarantined=tuple(sorted(quarantined, key=lambda one: one.line)),
        rows=count,
    )


def _put_aside(row: Row, bad: BadRow) -> Quarantined:
    one = bad.at(row.line, row.cells)
    return msgspec.structs.replace(one, field=row.within + one.field) if one.field in LINE_COLUMNS else one


def _in_order(order: OrderImported) -> OrderImported:
    """A line has a name of its own, and their order in a file says nothing: it must not look like a change."""
    return msgspec.structs.replace(order, lines=tuple(sorted(order.lines, key=lambda line: line.line)))


def _key(row: Row) -> tuple[str, str]:
    source, order = (row.cells.get(name, "") for name in ("source", "id"))
    for name, text in (("source", source), ("id", order)):
        if not text:
            raise BadRow(name, "empty", "Fill this in.")
        if not text.isprintable():
            raise BadRow(name, text, "Take out what cannot be printed.")
    if len(source) + len(order) > MOST_NAME:
        raise BadRow("id", order, "Take a shorter id: with its source it makes a name.")
    return source, order


def _cancelled(row: Row) -> bool:
    text = row.cells.get("cancelled", "").casefold()
    if text not in _YES | _NO:
        raise BadRow("cancelled", row.cells["cancelled"], _REMEDIES["cancelled"])
    return text in _YES


def _with(order: OrderImported, line: OrderLine | None) -> OrderImported:
    return msgspec.structs.replace(order, lines=(*order.lines, line)) if line else order


def _joined(before: ReadOrder, order: OrderImported, line: OrderLine | None) -> OrderImported:
    """One order from another row of it: the same but for its line, and that line not there yet."""
    for field in order.__struct_fields__:
        if field != "lines" and getattr(order, field) != getattr(before.order, field):
            column = {"order": "id", "order_kind": "kind"}.get(field, field)
            remedy = "Say the same of an order in each of its rows."
            raise BadRow(column, f"differs from line {before.line}", remedy)
    if line is None:
        raise BadRow("line", "the same order again", "Give each row of an order a line of its own.")
    if any(line.line == other.line for other in before.order.lines):
        raise BadRow("line", line.line, "Give each line of an order an id of its own.")
    return _with(before.order, line)


def _order(row: Row, zones: Mapping[str, str]) -> OrderImported:
    cells = row.cells
    for name in NEEDED:
        if name not in cells:
            raise BadRow(name, "empty", "Fill this in.")
    for name in cells:
        if name not in FIELDS:
            raise BadRow(name, cells[name], "This is no field of an order: take it out, or map it to one.")
    zone = zones.get(cells["site"])
    if zone is None:
        raise BadRow("site", cells["site"], "Add the site first, or mend its id.")
    plain: dict[str, object] = {
        {"id": "order", "kind": "order_kind"}.get(name, name): cells[name] for name in ORDER_COLUMNS if name in cells
    }
    for name in ("window_from", "window_to"):
        if name in cells:
            plain[name] = _instant(name, cells[name], zone)
    if "window_from" in plain and "window_to" in plain and str(plain["window_from"]) > str(plain["window_to"]):
        raise BadRow("window_to", cells["window_to"], "Let the window end after it begins.")
    plain["skills"] = cells.get("skills", "").split()
    return _convert(plain, OrderImported)


def _line(row: Row) -> OrderLine | None:
    cells = {name: row.cells[name] for name in LINE_COLUMNS if name in row.cells}
    if not cells:
        return None
    for name in ("line", "article", "qty"):
        if name not in cells:
            raise BadRow(name, "empty", "A line of goods needs line, article and qty.")
    plain: dict[str, object] = dict(cells)
    plain["serials"] = cells.get("serials", "").split()
    return _convert(plain, OrderLine)


_FORM: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)", re.ASCII)
_DAY: Final = 10
"""Characters of a day alone."""
_HOW: Final = "Write a time such as 2026-03-01T08:00 or 2026-03-01T08:00+01:00."
_NEVER: Final = "Write a day and an hour that there are."


def _instant(field: str, text: str, zone: str) -> str:
    """RFC 3339 in UTC; a time without offset is read in the site's zone, where the clocks may have left it out."""
    try:
        moment = datetime.fromisoformat(text)
        if field == "window_to" and len(text) == _DAY:
            moment += timedelta(days=1)
    except (ValueError, OverflowError) as error:
        remedy = _NEVER if _FORM.match(text) else _HOW
        raise BadRow(field, text, remedy) from error
    try:
        if moment.tzinfo is None:
            local = moment.replace(tzinfo=ZoneInfo(zone))
            if local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != moment:
                raise BadRow(field, text, "That hour is left out when the clocks go forward; write another.")
            moment = local
        ms = round(moment.timestamp() * 1000)
    except OverflowError as error:
        raise BadRow(field, text, _NEVER) from error
    if not EARLIEST_MS <= ms <= LATEST_MS:
        raise BadRow(field, text, _NEVER)
    return rfc3339(ms)


_T = TypeVar("_T")
_MOST_DIGITS: Final = 20
"""Numbers with as many are above every bound there is."""


def _convert(plain: dict[str, object], shape: type[_T]) -> _T:
    """Cells as what they stand for: digits become numbers, nothing else is guessed."""
    numbers = {name: value for name, value in plain.items() if name in ("minutes", "qty", "weight_g", "volume_ml")}
    for name, value in numbers.items():
        if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _MOST_DIGITS):
            raise BadRow(name, str(value), _REMEDIES[name])
    plain = plain | {name: int(str(value)) for name, value in numbers.items()}
    try:
        return msgspec.convert(plain, shape)
    except UNREADABLE_JSON as error:
        field = str(error).rpartition("$.")[2].partition("`")[0].partition("[")[0]
        column = {"order": "id", "order_kind": "kind"}.get(field, field)
        raise BadRow(
            column, str(plain.get(field, "")), _REMEDIES.get(column, "See what the column may hold.")
        ) from error
