"""Orders from other systems become jobs, or hang on the jobs they refer to; what fits none waits for a person."""

from collections.abc import Iterable
from typing import Final

import msgspec

from backend.facts import UNMATCHED
from backend.intake import Door
from backend.rows import JobRow, OrderRow
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

    A dispatch order opens a job of the desk's. A fulfilment order hangs on the job whose order or id it refers to;
    one that refers to none waits.
    """
    counts = dict.fromkeys(Imported.__struct_fields__, 0)
    for order in sorted(orders, key=lambda order: order.order_kind != "dispatch"):
        counts[_Import(door, writing, order).run()] += 1
    return Imported(**counts)


def held_order(writing: Writing, name: str) -> OrderRow | None:
    """The order of this name (`source/id`) as it is in force, or None."""
    row = writing.con.execute(_SQL["orders_named"].text, {"name": name}).fetchone()
    return decode(row[0], OrderRow) if row else None


class _Import:
    def __init__(self, door: Door, writing: Writing, order: OrderImported) -> None:
        self._door = door
        self._writing = writing
        self._order = order
        self._name = name_of(order)

    def run(self) -> str:
        """Record what is new about the order; which count it adds to."""
        held = held_order(self._writing, self._name)
        if held is not None:
            if _content(held.order) == _content(self._order):
                return "same"
            self._record("order.changed", _changed(self._order, (held.event,)), held.job)
            return "changed"
        if self._order.order_kind == "dispatch":
            self._open()
            return "opened"
        job = self._referred()
        self._record("order.imported", self._order, job)
        return "attached" if job else "waiting"

    def _open(self) -> None:
        """A job of the desk's for this order; fulfilment orders that waited for it hang on it."""
        order, writing = self._order, self._writing
        reference, _ = writing.documents.roster()
        body = JobOpened(
            roster=reference,
            party=self._door.settings.desk,
            site=order.site,
            asset=order.asset,
            customer=order.customer,
            intent=order.intent,
            priority=order.priority,
            order=self._name,
        )
        job = self._record("job.opened", body, "")
        self._record("order.imported", order, job)
        waiting = writing.con.execute(_SQL["orders_waiting"].text, {"job": UNMATCHED}).fetchall()
        for (raw,) in waiting:
            row = decode(raw, OrderRow)
            if row.order.reference in (self._name, job):
                attach(self._door, writing, row, job)

    def _referred(self) -> str:
        """The job that the order's reference means: a job's id, or the source and id of an order that hangs on one."""
        reference = self._order.reference
        if not reference:
            return ""
        row = self._writing.con.execute(_SQL["job_for_reference"].text, {"reference": reference}).fetchone()
        return str(row[0]) if row else ""

    def _record(self, kind: str, body: Fact, job: str) -> str:
        actor = f"system:{self._order.source}"
        (event,) = self._door.office.record(self._writing, [Draft(kind=kind, actor=actor, body=body, job=job)])
        self._door.catch_up(self._writing)
        return event.job


def attach(door: Door, writing: Writing, row: OrderRow, job: str, actor: str = "") -> None:
    """Afterwards the order hangs on the job."""
    body = msgspec.structs.replace(row.order, replaces=(row.event,))
    by = actor or f"system:{row.order.source}"
    door.office.record(writing, [Draft(kind="order.imported", actor=by, body=body, job=job)])
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


def _reasons(order: OrderImported, job: JobRow) -> tuple[str, ...]:
    reasons = ["same site"]
    if order.asset and job.asset:
        reasons.append("same asset" if order.asset == job.asset else "another asset")
    if order.customer and order.customer == job.customer:
        reasons.append("same customer")
    windows = order.window_from and order.window_to and job.window_from and job.window_to
    if windows and order.window_from <= job.window_to and job.window_from <= order.window_to:
        reasons.append("windows overlap")
    return tuple(reasons)
