"""Which job an order that names none may belong to: by site, asset, customer and window, with the reasons shown."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from backend.rows import JobRow, OrderRow, instant
from backend.store.sqlite import queries
from sync.codec import decode
from sync.events import OrderImported

_SQL: Final = queries("lists")


class Candidate(msgspec.Struct, frozen=True):
    """A job that an order may belong to, and why."""

    job: str
    reasons: tuple[str, ...]


def candidates(order: OrderImported, jobs: Iterable[JobRow]) -> tuple[Candidate, ...]:
    """Open jobs at the order's site that it may belong to, the ones with most reasons first, then by id.

    A person confirms any match that is not by reference: nothing here is recorded.
    """
    found = [Candidate(job.job, _reasons(order, job)) for job in jobs if job.site == order.site and job.state == "open"]
    fitting = [one for one in found if "another asset" not in one.reasons]
    return tuple(sorted(fitting, key=lambda one: (-len(one.reasons), one.job)))


def with_ordered_window(con: sqlite3.Connection, job: JobRow) -> JobRow:
    """The job with the window that its own order asks for, where it is not planned."""
    if job.window_from or job.window_to or not job.order:
        return job
    found = con.execute(_SQL["orders_named"].text, {"name": job.order}).fetchone()
    if found is None:
        return job
    order = decode(found[0], OrderRow).order
    return msgspec.structs.replace(job, window_from=order.window_from, window_to=order.window_to)


def _reasons(order: OrderImported, job: JobRow) -> tuple[str, ...]:
    reasons = ["same site"]
    if order.asset and job.asset:
        reasons.append("same asset" if order.asset == job.asset else "another asset")
    if order.customer and order.customer == job.customer:
        reasons.append("same customer")
    if _overlap(order, job):
        reasons.append("windows overlap")
    return tuple(reasons)


def _overlap(order: OrderImported, job: JobRow) -> bool:
    """True where both windows are whole and share an instant."""
    ordered = instant(order.window_from), instant(order.window_to)
    planned = instant(job.window_from), instant(job.window_to)
    if ordered[0] is None or ordered[1] is None or planned[0] is None or planned[1] is None:
        return False
    return ordered[0] <= planned[1] and planned[0] <= ordered[1]
