"""Orders as other systems give them: one row of a CSV file a line of an order.

Columns: `source`, `id`, `kind` (dispatch or fulfilment), `site` are needed; `reference`, `asset`, `customer`,
`window_from`, `window_to`, `minutes`, `intent`, `skills` (separated by spaces), `priority` (routine, urgent,
critical), and for goods `line`, `article`, `qty`, `weight_g`, `volume_ml`, `serials` (separated by spaces). Rows with
the same source and id are one order, and say the same of it. A time without offset is in the site's zone.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from backend.tables import BadRow, Quarantined, Row, read_table
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
NEEDED = ("source", "id", "kind", "site")

_REMEDIES = {
    "kind": "Write dispatch or fulfilment.",
    "priority": "Write routine, urgent or critical.",
    "minutes": "Write whole minutes, 0 or more.",
    "qty": "Write a whole number, 0 or more.",
    "weight_g": "Write whole grams, 0 or more.",
    "volume_ml": "Write whole millilitres, 0 or more.",
}


class ReadOrder(msgspec.Struct, frozen=True):
    """An order as read, and the first line of the file that speaks of it."""

    order: OrderImported
    line: int


def order_name(order: OrderImported) -> str:
    """`source/id`, the name by which references find an order."""
    return f"{order.source}/{order.order}"


def read_orders(raw: bytes, zones: Mapping[str, str]) -> tuple[list[ReadOrder], list[Quarantined]]:
    """The orders of a file, in its order, and the rows that were not taken.

    `zones` gives each known site's time zone (IANA name); a row for any other site is quarantined. A bad
    row holds up no other: an order of which one line is bad comes without that line. Raises BAD_TABLE.
    """
    rows, quarantined = read_table(raw, NEEDED, ORDER_COLUMNS + LINE_COLUMNS)
    found: dict[tuple[str, str], ReadOrder] = {}
    for row in rows:
        try:
            order = _order(row, zones)
            line = _line(row)
            key = (order.source, order.order)
            before = found.get(key)
            if before is None:
                found[key] = ReadOrder(_with(order, line), row.line)
            else:
                found[key] = ReadOrder(_joined(before, order, line), before.line)
        except BadRow as bad:
            quarantined.append(bad.at(row.line))
    return list(found.values()), sorted(quarantined, key=lambda one: one.line)


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
            raise BadRow(name, "empty", f"Fill in {name}.")
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
_HOW: Final = "Write a time such as 2026-03-01T08:00 or 2026-03-01T08:00+01:00."


def _instant(field: str, text: str, zone: str) -> str:
    """RFC 3339 in UTC; a time without offset is read in the site's zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        remedy = "Write a day and an hour that there are." if _FORM.match(text) else _HOW
        raise BadRow(field, text, remedy) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    ms = round(moment.timestamp() * 1000)
    if not EARLIEST_MS <= ms <= LATEST_MS:
        raise BadRow(field, text, "Write a day and an hour that there are.")
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
