"""One item: where it is, who has it, and its whole way through every job that needs it."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec

from backend.called import Called
from backend.rows import JobRow, OrderRow
from backend.store.sqlite import queries
from backend.story import Told, in_order
from backend.timeline import timeline
from backend.views import jobs_found, scope_of
from sync.codec import decode, encode
from sync.events import Accepted, ItemScanned, LineImported, Offered, OrderImported, OrderLine
from sync.goods import Item
from sync.problems import NOT_FOUND, Problem

_SQL: Final = queries("items")
MOST_JOBS: Final = 50
"""Jobs of one item that are told of, the newest first: of an article there can be thousands."""
PAGE: Final = 50
Step = Literal[
    "ordered", "picked", "loaded", "offered", "handed_over", "reserved", "delivered", "installed", "returned", "short"
]


class ItemStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened to the item: what, when (ms since 1970), by whom, how many; `event` is a hash.

    `to` is who has it from here on, `what` the serial number or article that was named, `remark` a reservation's.
    """

    step: Step
    at_ms: int
    received_ms: int | None = None
    by: str
    qty: int
    event: str
    to: str = ""
    what: str = ""
    order: str = ""
    visit: str = ""
    remark: str = ""


class ItemAt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The item in one job: how many are needed and where they stand, and its way, the earliest step first."""

    job: str
    order: str
    state: str
    site: str
    counts: Item | None
    way: tuple[ItemStep, ...]


class ItemView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item by its number, with every job in scope that has it, the newest first; `article` is a serial's."""

    item: str
    name: str
    article: str = ""
    jobs: tuple[ItemAt, ...]
    more: bool = False


class ItemRow(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a job in a list."""

    job: JobRow
    item: Item


class ItemList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of items, the newest job first; `next` goes into `after` for the page after it."""

    items: tuple[ItemRow, ...]
    next: str = ""


def find_item(con: sqlite3.Connection, keys: Iterable[str], item: str) -> ItemView:
    """An article or a serial number in the jobs that these keys reach; NOT_FOUND where there is none."""
    rows = jobs_found(con, keys, f"item:{item}", MOST_JOBS + 1)
    if not rows:
        raise Problem(NOT_FOUND, f"item {item[:60]}")
    found = [_at(con, ref, row, item) for ref, row in rows[:MOST_JOBS]]
    article = next((article for _, article in found if article != item), "")
    called = Called(con)
    return ItemView(
        item=item,
        name=called.name_of_item(article or item),
        article=article,
        jobs=tuple(at for at, _ in found),
        more=len(rows) > MOST_JOBS,
    )


def _at(con: sqlite3.Connection, ref: int, job: JobRow, item: str) -> tuple[ItemAt, str]:
    """The item in this job, and the article that it is, or is one of."""
    orders = [decode(body, OrderRow) for (body,) in con.execute(_SQL["orders_of"].text, {"job": ref})]
    lines = [line for row in orders for line in row.order.lines]
    article = next((line.article for line in lines if item in line.serials), item)
    serials = {serial for line in lines if line.article == item for serial in line.serials}
    row = con.execute(_SQL["item_of"].text, {"job": ref, "item": article}).fetchone()
    told = in_order(timeline(con, ref))
    way = tuple(step for one in told for step in _steps(one, told, item, {item, *serials}))
    counts = decode(row[0], Item) if row else None
    at = ItemAt(job=job.job, order=job.order, state=job.state, site=job.site, counts=counts, way=way)
    return at, article


def _steps(one: Told, told: list[Told], item: str, names: set[str]) -> Iterator[ItemStep]:
    body = one.body
    match body:
        case OrderImported():
            for line in body.lines:
                yield from _ordered(one, line, item, f"{body.source}/{body.order}")
        case LineImported():
            yield from _ordered(one, body.line, item, f"{body.source}/{body.order}")
        case ItemScanned() if body.item in names:
            what = body.item if body.item != item else ""
            yield _step(one, body.step, body.qty, what=what, order=body.order, visit=body.visit)
        case Offered():
            for count in body.payload.items:
                if count.id in names:
                    yield _step(one, "offered", count.counted, to=", ".join(body.to))
        case Accepted():
            yield from _handed_over(one, body, told, names)


def _ordered(one: Told, line: OrderLine, item: str, order: str) -> Iterator[ItemStep]:
    if item == line.article or item in line.serials:
        yield _step(one, "ordered", line.qty if item == line.article else 1, order=order)


def _handed_over(one: Told, body: Accepted, told: list[Told], names: set[str]) -> Iterator[ItemStep]:
    offer = next((other.body for other in told if other.entry.hash == body.offer), None)
    if not isinstance(offer, Offered):
        return
    reserved = {remark.item: remark for remark in body.reservations}
    for count in offer.payload.items:
        if count.id not in names:
            continue
        remark = reserved.get(count.id)
        taken = remark.counted if remark is not None else count.counted
        yield _step(one, "handed_over", taken, to=body.party)
        if remark is not None:
            yield _step(one, "reserved", count.counted - remark.counted, remark=remark.remark)


def _step(one: Told, step: Step, qty: int, **more: str) -> ItemStep:
    return ItemStep(
        step=step,
        at_ms=one.at_ms,
        received_ms=one.received_ms,
        by=one.entry.actor,
        qty=qty,
        event=one.entry.hash,
        to=more.get("to", ""),
        what=more.get("what", ""),
        order=more.get("order", ""),
        visit=more.get("visit", ""),
        remark=more.get("remark", ""),
    )


def list_items(con: sqlite3.Connection, keys: Iterable[str], *, only: str, site: str, after: str) -> ItemList:
    """Items of open jobs that these keys reach, 50 or a job's more at a time: not yet delivered, short, or reserved."""
    wanted = [f"is:{only}", "state:open", *([f"site:{site}"] if site else [])]
    given: dict[str, object] = {"keys": scope_of(keys), "wanted": encode(wanted).decode()}
    below = decode(after, int, "after") if after else 2**62
    found: list[ItemRow] = []
    rows = con.execute(_SQL["jobs_needing"].text, given | {"first": wanted[0], "below": below, "most": PAGE}).fetchall()
    for ref, body in rows:
        items = [decode(raw, Item) for (raw,) in con.execute(_SQL["items_of"].text, {"job": ref})]
        found += [ItemRow(job=decode(body, JobRow), item=item) for item in items if _wanted(item, only)]
        below = ref
        if len(found) >= PAGE:
            break
    is_last = len(rows) < PAGE and (not rows or below == rows[-1][0])
    return ItemList(items=tuple(found), next="" if is_last else encode(below).decode())


def _wanted(item: Item, only: str) -> bool:
    if only == "goods":
        return item.delivered + item.installed < item.expected
    return bool(item.short if only == "short" else item.reserved)
