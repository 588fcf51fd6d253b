"""Orders from other systems become jobs, or hang on the jobs they refer to; what fits none waits for a person."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from backend.facts import UNMATCHED
from backend.intake import Door
from backend.rows import JobRow, OrderRow, instant
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.codec import decode
from sync.events import Draft, Fact, JobOpened, OrderChanged, OrderImported

_SQL: Final = queries("lists")


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import came to, in orders."""

    opened: int = 0
    attached: int = 0
    changed: int = 0
    same: int = 0
    waiting: int = 0


class Candidate(msgspec.Struct, frozen=True):
    """A job that an order may belong to, and why."""

    job: str
    reasons: tuple[str, ...]


def name_of(order: OrderImported) -> str:
    """`source/id`, by which references find an order."""
    return f"{order.source}/{order.order}"


def take_in(door: Door, writing: Writing, orders: Iterable[OrderImported]) -> Imported:
    """Afterwards each order is recorded once as it now is: dispatch orders first, so that references find them.

    A dispatch order opens a job of the desk's, and orders that waited for it hang on it. A fulfilment order hangs
    on the job whose order or id it refers to; one that refers to none waits.
    """
    return _Import(door, writing).run(sorted(orders, key=lambda order: order.order_kind != "dispatch"))


def held_order(writing: Writing, name: str) -> OrderRow | None:
    """The order of this name (`source/id`) as it is in force, or None."""
    row = writing.con.execute(_SQL["orders_named"].text, {"name": name}).fetchone()
    return decode(row[0], OrderRow) if row else None


class _Import:
    """One import. What was recorded is read back only where it is asked for: a file can hold thousands."""

    def __init__(self, door: Door, writing: Writing) -> None:
        self._door = door
        self._writing = writing
        self._counts = dict.fromkeys(Imported.__struct_fields__, 0)
        self._unread: set[str] = set()

    def run(self, orders: Sequence[OrderImported]) -> Imported:
        """Record what is new about the orders; what that came to."""
        for order in orders:
            if order.order_kind == "dispatch":
                self._counts[self._take(order)] += 1
        self._catch_up()
        if self._counts["opened"]:
            self._attach_waiting()
        for order in orders:
            if order.order_kind != "dispatch":
                self._counts[self._take(order)] += 1
        self._catch_up()
        return Imported(**self._counts)

    def _take(self, order: OrderImported) -> str:
        """Record what is new about the order; which count it adds to."""
        name = name_of(order)
        if name in self._unread or order.reference in self._unread:
            self._catch_up()
        held = held_order(self._writing, name)
        if held is None and order.order_kind == "dispatch":
            self._open(order)
            return "opened"
        job = held.job if held is not None and held.job else self._referred(order.reference)
        if held is None:
            self._record("order.imported", order, job)
            return "attached" if job else "waiting"
        if job != held.job:
            self._record("order.imported", msgspec.structs.replace(order, replaces=(held.event,)), job)
            return "attached"
        if _content(held.order) == _content(order):
            return "same"
        self._record("order.changed", _changed(order, (held.event,)), job)
        return "changed"

    def _open(self, order: OrderImported) -> None:
        reference, _ = self._writing.documents.roster()
        body = JobOpened(
            roster=reference,
            party=self._door.settings.desk,
            site=order.site,
            asset=order.asset,
            customer=order.customer,
            intent=order.intent,
            priority=order.priority,
            order=name_of(order),
        )
        job = self._record("job.opened", body, "", order.source)
        self._record("order.imported", order, job)

    def _attach_waiting(self) -> None:
        """Afterwards every order that waited for one of the jobs just opened hangs on it."""
        waiting = self._writing.con.execute(_SQL["orders_waiting"].text, {"job": UNMATCHED}).fetchall()
        for (raw,) in waiting:
            row = decode(raw, OrderRow)
            job = self._referred(row.order.reference)
            if job and not row.cancelled:
                self._record("order.imported", msgspec.structs.replace(row.order, replaces=(row.event,)), job)
                self._counts["attached"] += 1
        self._catch_up()

    def _referred(self, reference: str) -> str:
        """The job that a reference means: a job's id, or the name (`source/id`) of an order that hangs on one.

        The id alone does where only one source has a dispatch order of that id; empty where nothing is meant.
        """
        if not reference:
            return ""
        con = self._writing.con
        row = con.execute(_SQL["job_for_reference"].text, {"reference": reference}).fetchone()
        if row is not None:
            return str(row[0])
        ending = con.execute(_SQL["orders_ending"].text, {"reference": reference}).fetchall()
        rows = [decode(body, OrderRow) for (body,) in ending]
        jobs = {one.job for one in rows if one.order.order_kind == "dispatch" and one.order.order == reference}
        return jobs.pop() if len(jobs) == 1 else ""

    def _record(self, kind: str, body: Fact, job: str, source: str = "") -> str:
        if isinstance(body, OrderImported):
            self._unread.add(name_of(body))
            source = body.source
        draft = Draft(kind=kind, actor=f"system:{source}", body=body, job=job)
        (event,) = self._door.office.record(self._writing, [draft])
        return event.job

    def _catch_up(self) -> None:
        """Afterwards what was recorded can be read."""
        if self._unread:
            self._unread.clear()
            self._door.catch_up(self._writing)


def attach(door: Door, writing: Writing, row: OrderRow, job: str, actor: str) -> None:
    """Afterwards the order hangs on the job, as this actor says."""
    body = msgspec.structs.replace(row.order, replaces=(row.event,))
    door.office.record(writing, [Draft(kind="order.imported", actor=actor, body=body, job=job)])
    door.catch_up(writing)


def _content(order: OrderImported) -> dict[str, object]:
    return {name: getattr(order, name) for name in OrderImported.__struct_fields__ if name not in _NOT_CONTENT}


_NOT_CONTENT: Final = frozenset({"replaces", "occurred_at", "entered"})


def _changed(order: OrderImported, replaces: tuple[str, ...]) -> OrderChanged:
    fields = {name: getattr(order, name) for name in order.__struct_fields__}
    return OrderChanged(**fields | {"replaces": replaces})


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
