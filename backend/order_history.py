"""What the source of an order has said of it, one time after the other, and what was other each time."""

import sqlite3
from typing import Final

import msgspec

from backend.facts import UNMATCHED
from backend.redactions import read_row
from backend.store.sqlite import queries
from sync.codec import encode
from sync.events import Event, OrderCancelled, OrderImported, OrderLine
from sync.ledger import is_hash

_SQL: Final = queries("lists")
_ORDERS: Final = queries("orders")
_BESIDE: Final = frozenset({"replaces", "occurred_at", "entered", "source", "order", "lines"})


class Difference(msgspec.Struct, frozen=True):
    """A field that says other than before; a line of goods is named `line`, a space and its id. "" is nothing."""

    field: str
    before: str
    after: str


class SaidOnce(msgspec.Struct, frozen=True, kw_only=True):
    """One time that something was said of the order: when it was received (ms since 1970), by whom, and what was new.

    `what` is imported, changed, hung (on a job), cancelled or wanted (again).
    """

    at: int
    what: str
    actor: str
    event: str
    reason: str = ""
    differences: tuple[Difference, ...] = ()


def history_of(con: sqlite3.Connection, name: str, job: str) -> tuple[SaidOnce, ...]:
    """All that was said of the order (`source/id`), the first first; `job` is the one that it hangs on, if any."""
    found = con.execute(_SQL["job"].text, {"id": job}).fetchone() if job else None
    refs = [UNMATCHED, *([found[0]] if found else [])]
    rows = sorted(row for ref in refs for row in con.execute(_ORDERS["said_about"].text, {"job": ref}))
    _, _, order = name.partition("/")
    needle = encode(order)  # most of what waits is about others, and need not be read
    said: list[SaidOnce] = []
    before: OrderImported | None = None
    is_gone = False
    for _, at, raw in rows:
        if needle not in raw and not is_hash(raw):
            continue
        event = read_row(con, raw)
        body = event.body
        if not isinstance(body, OrderImported | OrderCancelled) or f"{body.source}/{body.order}" != name:
            continue
        if isinstance(body, OrderCancelled):
            is_gone = True
            said.append(SaidOnce(at=at, what="cancelled", actor=event.actor, event=event.hash, reason=body.reason))
            continue
        differences = differences_of(before, body) if before else ()
        what = _what(event, before, differences, is_gone=is_gone)
        said.append(SaidOnce(at=at, what=what, actor=event.actor, event=event.hash, differences=differences))
        before, is_gone = body, False
    return tuple(said)


def _what(event: Event, before: OrderImported | None, differences: tuple[Difference, ...], *, is_gone: bool) -> str:
    if before is None:
        return "imported"
    if is_gone:
        return "wanted"
    return "hung" if event.kind == "order.imported" and not differences else "changed"


def differences_of(before: OrderImported, after: OrderImported) -> tuple[Difference, ...]:
    """What the order says now and did not before, field by field and line by line."""
    names = [name for name in OrderImported.__struct_fields__ if name not in _BESIDE]
    fields = [Difference(name, _plain(getattr(before, name)), _plain(getattr(after, name))) for name in names]
    lines, now = ({line.line: _line(line) for line in one.lines} for one in (before, after))
    fields += [Difference(f"line {name}", lines.get(name, ""), now.get(name, "")) for name in sorted({*lines, *now})]
    return tuple(one for one in fields if one.before != one.after)


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _line(line: OrderLine) -> str:
    more = [f"{line.weight_g} g"] if line.weight_g is not None else []
    more += [f"{line.volume_ml} ml"] if line.volume_ml is not None else []
    return ", ".join([f"{line.qty} {line.article}", *more, *line.serials])
