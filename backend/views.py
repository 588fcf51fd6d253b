"""What people of the office may see, read from projections: one query a list, never outside the reader's scope."""

import sqlite3
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec

from backend.matching import Candidate, candidates, with_ordered_window
from backend.narrowing import JobFilter
from backend.rows import CaseRow, HandoverRow, JobRow, OrderRow, VisitRow
from backend.store.sqlite import queries
from backend.timeline import TimelineEntry, timeline
from sync.codec import decode, encode
from sync.goods import Item
from sync.problems import NOT_FOUND, Problem

_SQL: Final = queries("lists")
PAGE: Final = 50
MOST: Final = 500
_T = TypeVar("_T")


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job with all that hangs on it; `untold` are its orders that changed or went and whose holder may not know."""

    job: JobRow
    handovers: tuple[HandoverRow, ...]
    visits: tuple[VisitRow, ...]
    items: tuple[Item, ...]
    cases: tuple[CaseRow, ...]
    orders: tuple[OrderRow, ...]
    timeline: tuple[TimelineEntry, ...]
    untold: tuple[str, ...] = ()


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of jobs by priority, nearest limit and age; `next` goes into `after` for the page after it."""

    jobs: tuple[JobRow, ...]
    next: str = ""


class HandoverList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of handovers, the oldest offer first."""

    handovers: tuple[HandoverRow, ...]
    next: str = ""


class CaseList(msgspec.Struct, frozen=True, kw_only=True):
    """Cases, by job."""

    cases: tuple[CaseRow, ...]


class VisitList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of visits, by job."""

    visits: tuple[VisitRow, ...]
    next: str = ""


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order; `candidates` are the jobs that one without a job may belong to.

    It is `untold` where it changed after its job was offered, until that is offered again or a device of its holder
    has pulled that far; `asked` where it was taken back then, until a dispatcher has said what becomes of the job.
    """

    order: OrderRow
    candidates: tuple[Candidate, ...] = ()
    untold: bool = False
    asked: bool = False


class OrderList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders, by name."""

    orders: tuple[OrderView, ...]
    next: str = ""


def _rows(con: sqlite3.Connection, query: str, shape: type[_T], **given: object) -> tuple[_T, ...]:
    return tuple(decode(raw, shape) for (raw,) in con.execute(_SQL[query].text, given))


def scope_of(keys: Iterable[str]) -> str:
    """What a query is given as `keys`."""
    return encode(sorted(keys)).decode()


def reaches_person(con: sqlite3.Connection, keys: Iterable[str], jobs: Iterable[int]) -> bool:
    """True where these keys reach one of these jobs."""
    scope = scope_of(keys)
    return any(con.execute(_SQL["reaches"].text, {"job": job, "keys": scope}).fetchone()[0] for job in jobs)


def find_job(con: sqlite3.Connection, keys: set[str], job: str) -> JobView:
    """One job; NOT_FOUND for one that these keys do not reach, as for one that is not there."""
    row = con.execute(_SQL["job"].text, {"id": job}).fetchone()
    reached = row and con.execute(_SQL["reaches"].text, {"job": row[0], "keys": scope_of(keys)}).fetchone()[0]
    if not reached:
        raise Problem(NOT_FOUND, f"job {job[:40]}")
    ref = row[0]
    return JobView(
        job=decode(row[1], JobRow),
        handovers=_rows(con, "handovers_of", HandoverRow, job=ref),
        visits=_rows(con, "visits_of", VisitRow, job=ref),
        items=_rows(con, "items_of", Item, job=ref),
        cases=_rows(con, "cases_of", CaseRow, job=ref),
        orders=_rows(con, "orders_of", OrderRow, job=ref),
        timeline=timeline(con, ref),
        untold=tuple(name for (name,) in con.execute(_SQL["untold_of"].text, {"job": ref})),
    )


def list_jobs(con: sqlite3.Connection, keys: set[str], wanted: JobFilter, *, after: str = "") -> JobList:
    """The jobs these keys reach and this filter wants, 50 at a time."""
    rank, due_ms, id_ = decode(after, tuple[int, int, str], "after") if after else (-1, -1, "")
    rows = _jobs(con, keys, wanted, (rank, due_ms, id_), PAGE)
    jobs = tuple(decode(raw, JobRow) for raw, *_ in rows)
    return JobList(jobs=jobs, next=encode(rows[-1][1:]).decode() if len(rows) == PAGE else "")


def _jobs(
    con: sqlite3.Connection, keys: set[str], wanted: JobFilter, after: tuple[int, int, str], most: int
) -> list[tuple[Any, ...]]:
    asked = wanted.keys()
    given = {"keys": scope_of(keys), "wanted": encode(asked).decode(), "first": asked[0] if asked else "", "most": most}
    place = dict(zip(("rank", "due_ms", "id"), after, strict=True))
    return con.execute(_SQL["jobs"].text, given | place | {"unseen": wanted.is_unseen}).fetchall()


def jobs_found(con: sqlite3.Connection, keys: Iterable[str], key: str, most: int) -> list[tuple[int, JobRow]]:
    """The newest jobs that stand under this key (see `backend/found_by.py`) and that `keys` reach, with their refs."""
    rows = con.execute(_SQL["found"].text, {"key": key, "keys": scope_of(keys), "most": most})
    return [(ref, decode(body, JobRow)) for ref, body in rows]


def list_handovers(con: sqlite3.Connection, keys: set[str], *, state: str, after: str) -> HandoverList:
    """The handovers of jobs that these keys reach, 50 at a time."""
    offered_ms, offer = decode(after, tuple[int, str], "after") if after else (-(2**62), "")
    given: dict[str, Any] = {"keys": scope_of(keys), "state": state, "most": PAGE}
    rows = _rows(con, "handovers", HandoverRow, **given, offered_ms=offered_ms, offer=offer)
    more = encode((rows[-1].offered_ms, rows[-1].offer)).decode() if len(rows) == PAGE else ""
    return HandoverList(handovers=rows, next=more)


def list_cases(con: sqlite3.Connection, keys: set[str], *, state: str) -> CaseList:
    """The cases of jobs that these keys reach, 500 at most."""
    return CaseList(cases=_rows(con, "cases", CaseRow, keys=scope_of(keys), state=state, most=MOST))


def list_visits(con: sqlite3.Connection, keys: set[str], *, site: str, after: str) -> VisitList:
    """The visits of jobs that these keys reach, 50 at a time."""
    job, visit = decode(after, tuple[str, str], "after") if after else ("", "")
    given: dict[str, Any] = {"keys": scope_of(keys), "site": site, "most": PAGE}
    rows = _rows(con, "visits", VisitRow, **given, job=job, visit=visit)
    more = encode((rows[-1].job, rows[-1].id)).decode() if len(rows) == PAGE else ""
    return VisitList(visits=rows, next=more)


class OrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders are looked for; what is empty does not matter.

    `view` is waiting (for a job), changed (untold), cancelled (asked) or empty for all.
    """

    view: str = ""
    site: str = ""
    source: str = ""
    kind: str = ""
    text: str = ""
    exact: str = ""


class OrderCounts(msgspec.Struct, frozen=True):
    """How many orders wait for a job, are untold, and are asked about."""

    waiting: int
    changed: int
    cancelled: int


def list_orders(con: sqlite3.Connection, keys: set[str], wanted: OrderFilter, after: str = "") -> OrderList:
    """The orders that these keys reach, 50 at a time; those that wait come with the jobs they may belong to."""
    given = msgspec.to_builtins(wanted) | {"keys": scope_of(keys), "name": after, "most": PAGE}
    rows = con.execute(_SQL["orders"].text, given).fetchall()
    views = tuple(_order_view(con, keys, decode(body, OrderRow), untold, asked) for body, untold, asked in rows)
    return OrderList(orders=views, next=views[-1].order.name if len(views) == PAGE else "")


def find_order(con: sqlite3.Connection, keys: set[str], name: str) -> OrderView:
    """One order; NOT_FOUND for one that these keys do not reach, as for one that is not there."""
    found = list_orders(con, keys, OrderFilter(exact=name)).orders if name else ()
    if not found:
        raise Problem(NOT_FOUND, f"order {name[:100]}")
    return max(found, key=lambda one: bool(one.order.job))


def count_orders(con: sqlite3.Connection, keys: set[str]) -> OrderCounts:
    """How many of the orders that these keys reach need somebody."""
    return OrderCounts(*con.execute(_SQL["order_counts"].text, {"keys": scope_of(keys)}).fetchone())


def order_sources(con: sqlite3.Connection) -> tuple[str, ...]:
    """Every system that has brought an order, by name."""
    return tuple(source for (source,) in con.execute(_SQL["order_sources"].text))


def rows_of_jobs(con: sqlite3.Connection, keys: set[str], jobs: Iterable[str]) -> tuple[JobRow, ...]:
    """Of these jobs, in their order, those that these keys reach, with the window of their order while not planned."""
    found = []
    for job in jobs:
        row = con.execute(_SQL["job"].text, {"id": job}).fetchone()
        if row and con.execute(_SQL["reaches"].text, {"job": row[0], "keys": scope_of(keys)}).fetchone()[0]:
            found.append(with_ordered_window(con, decode(row[1], JobRow)))
    return tuple(found)


def _order_view(con: sqlite3.Connection, keys: set[str], row: OrderRow, untold: int, asked: int) -> OrderView:
    fitting = () if row.job or row.cancelled else _candidates(con, keys, row)
    return OrderView(order=row, candidates=fitting, untold=bool(untold), asked=bool(asked))


def _candidates(con: sqlite3.Connection, keys: set[str], row: OrderRow) -> tuple[Candidate, ...]:
    jobs = _jobs(con, keys, JobFilter(state="open", site=row.order.site), (-1, -1, ""), MOST)
    return candidates(row.order, [with_ordered_window(con, decode(raw, JobRow)) for raw, *_ in jobs])
