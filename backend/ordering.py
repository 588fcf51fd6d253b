"""Orders from other systems become jobs, or hang on the jobs they refer to; what fits none waits for a person.

What a source takes back before anybody was offered its job ends there; afterwards a person decides.
"""

from typing import Final, Literal

import msgspec

from backend.exchange.orders import Orders, ReadOrder, TakenBack
from backend.facts import UNMATCHED
from backend.intake import Door
from backend.project import journey_of
from backend.reach import EVERY_SITE
from backend.rows import OrderRow
from backend.store.sqlite import queries
from backend.tables import BadRow, Quarantined
from backend.writing import Writing
from sync.codec import decode, encode
from sync.events import Draft, Fact, JobCancelled, JobOpened, JobReopened, OrderCancelled, OrderChanged, OrderImported
from sync.journey import Journey

_SQL: Final = queries("lists")
Outcome = Literal["opened", "attached", "changed", "same", "waiting", "cancelled", "asked", "unknown"]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import came to, in orders.

    `cancelled` were taken back and that was all; `asked` were taken back after their job was offered: a dispatcher has
    to say what becomes of it. `unknown` were taken back and never here.
    """

    opened: int = 0
    attached: int = 0
    changed: int = 0
    same: int = 0
    waiting: int = 0
    cancelled: int = 0
    asked: int = 0
    unknown: int = 0


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What one order came to, and the job it hangs on."""

    order: str
    came: Outcome
    job: str = ""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each order, and rows that were not taken after all."""

    orders: tuple[Came, ...]
    refused: tuple[Quarantined, ...]

    def counts(self) -> Imported:
        """How many came to what."""
        counts = dict.fromkeys(Imported.__struct_fields__, 0)
        for one in self.orders:
            counts[one.came] += 1
        return Imported(**counts)


def name_of(order: OrderImported) -> str:
    """`source/id`, by which references find an order."""
    return f"{order.source}/{order.order}"


def take_in(door: Door, writing: Writing, read: Orders, keys: set[str] | None = None) -> Taken:
    """Afterwards each order is recorded once as it now is: dispatch orders first, so that references find them.

    A dispatch order opens a job of the desk's, and orders that waited for it hang on it. A fulfilment order hangs
    on the job whose order or id it refers to; one that refers to none waits. What lies outside `keys` (None: nothing
    does) is not touched, and not found by a reference either.
    """
    return _Import(door, writing, keys).run(read)


def held_order(writing: Writing, name: str) -> OrderRow | None:
    """The order of this name (`source/id`) as it is in force, or None."""
    row = writing.con.execute(_SQL["orders_named"].text, {"name": name}).fetchone()
    return decode(row[0], OrderRow) if row else None


_ELSEWHERE: Final = "An order of this name is held for another site; ask somebody who sees both, or mend the id."


class _Import:
    """One import. What was recorded is read back only where it is asked for: a file can hold thousands."""

    def __init__(self, door: Door, writing: Writing, keys: set[str] | None) -> None:
        self._door = door
        self._writing = writing
        self._keys = None if keys is None or EVERY_SITE in keys else encode(sorted(keys)).decode()
        self._sites = keys
        self._came: list[Came] = []
        self._refused: list[Quarantined] = []
        self._unread: set[str] = set()

    def run(self, read: Orders) -> Taken:
        """Record what is new about the orders; what that came to."""
        for one in read.orders:
            if one.order.order_kind == "dispatch":
                self._add(one)
        self._catch_up()
        for one in _referred_first([one for one in read.orders if one.order.order_kind != "dispatch"]):
            self._add(one)
        self._catch_up()
        if any(one.came in ("opened", "attached") for one in self._came):
            while self._attach_waiting():
                pass  # what waited for one of these may hang on it now
        for gone in read.taken_back:
            self._take_back(gone)
        self._catch_up()
        return Taken(orders=tuple(self._came), refused=tuple(self._refused))

    # -- what a source says ---------------------------------------------------
    def _add(self, one: ReadOrder) -> None:
        try:
            came, job = self._take(one)
        except BadRow as bad:
            self._refused.append(bad.at(one.line))
            return
        self._came.append(Came(order=name_of(one.order), came=came, job=job))

    def _take(self, one: ReadOrder) -> tuple[Outcome, str]:
        """Record what is new about the order; what that is, and its job."""
        order, name = one.order, name_of(one.order)
        if name in self._unread or order.reference in self._unread:
            self._catch_up()
        held = self._held(name)
        if held is None and order.order_kind == "dispatch":
            return "opened", self._open(order)
        if held is not None and one.partial:
            order = _with_what_was_held(order, held.order)
        job = held.job if held is not None and held.job else self._referred(order.reference)
        if held is None:
            self._record("order.imported", order, job)
            return ("attached" if job else "waiting"), job
        replaced = (held.event, *held.cancels)
        if job != held.job:
            self._record("order.imported", msgspec.structs.replace(order, replaces=replaced), job)
            return "attached", job
        if _content(held.order) == _content(order) and not held.cancelled:
            return "same", job
        self._record("order.changed", _changed(order, replaced), job)
        if held.cancelled and job:
            self._reopen(order, job)
        return "changed", job

    def _held(self, name: str) -> OrderRow | None:
        """The order as it is in force; BadRow where it is none of whoever imports."""
        held = held_order(self._writing, name)
        if held is not None and not self._reaches(held):
            raise BadRow("id", name, _ELSEWHERE)
        return held

    def _reaches(self, held: OrderRow) -> bool:
        if self._keys is None or self._sites is None:
            return True
        return self._reaches_job(held.job) if held.job else f"site:{held.order.site}" in self._sites

    def _reaches_job(self, job: str) -> bool:
        if self._keys is None:
            return True
        row = self._writing.con.execute(_SQL["job"].text, {"id": job}).fetchone()
        asked = {"job": row[0], "keys": self._keys} if row else {}
        return bool(row and self._writing.con.execute(_SQL["reaches"].text, asked).fetchone()[0])

    def _open(self, order: OrderImported) -> str:
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
        return job

    def _attach_waiting(self) -> bool:
        """Afterwards every order that waited for what there is now hangs on its job; whether there was any."""
        found = False
        waiting = self._writing.con.execute(_SQL["orders_waiting"].text, {"job": UNMATCHED}).fetchall()
        for (raw,) in waiting:
            row = decode(raw, OrderRow)
            job = self._referred(row.order.reference) if self._reaches(row) else ""
            if job and not row.cancelled:
                self._record("order.imported", msgspec.structs.replace(row.order, replaces=(row.event,)), job)
                self._came.append(Came(order=row.name, came="attached", job=job))
                found = True
        self._catch_up()
        return found

    def _referred(self, reference: str) -> str:
        """The job that a reference means: a job's id, or the name (`source/id`) of an order that hangs on one.

        The id alone does where only one source has a dispatch order of that id; empty where nothing is meant.
        """
        if not reference:
            return ""
        con = self._writing.con
        row = con.execute(_SQL["job_for_reference"].text, {"reference": reference}).fetchone()
        if row is not None:
            job = str(row[0])
        else:
            ending = con.execute(_SQL["orders_ending"].text, {"reference": reference}).fetchall()
            rows = [decode(body, OrderRow) for (body,) in ending]
            jobs = {one.job for one in rows if one.order.order_kind == "dispatch" and one.order.order == reference}
            job = jobs.pop() if len(jobs) == 1 else ""
        return job if job and self._reaches_job(job) else ""

    # -- what a source takes back ---------------------------------------------
    def _take_back(self, gone: TakenBack) -> None:
        name = f"{gone.source}/{gone.order}"
        try:
            held = self._held(name)
        except BadRow as bad:
            self._refused.append(bad.at(gone.line))
            return
        if held is None or held.cancelled:
            self._came.append(Came(order=name, came="same" if held else "unknown", job=held.job if held else ""))
            return
        body = OrderCancelled(source=gone.source, order=gone.order, reason=gone.reason)
        self._record("order.cancelled", body, held.job)
        came: Outcome = "cancelled"
        if held.job:
            came = self._end(held, gone)
        self._came.append(Came(order=name, came=came, job=held.job))

    def _end(self, held: OrderRow, gone: TakenBack) -> Outcome:
        """A job that nobody was offered yet ends with the order that opened it; any other a person looks at."""
        found = self._journey(held.job)
        if found.state != "open":
            return "cancelled"
        offered = any(one.state != "withdrawn" for one in found.handovers)
        at = found.custody.at
        if held.order.order_kind != "dispatch" or (found.opened and found.opened.order != held.name):
            return "asked" if offered else "cancelled"
        if offered or found.visits or at is None or at.key != found.custody.path[0].key:
            return "asked"
        reason = f"order {held.name} was cancelled{f': {gone.reason}' if gone.reason else ''}"[:500]
        self._record("job.cancelled", JobCancelled(node=at.event.hash, reason=reason), held.job, gone.source)
        return "cancelled"

    def _reopen(self, order: OrderImported, job: str) -> None:
        """A job that ended because its order was taken back goes on with the order; what a person ended does not."""
        actor = f"system:{order.source}"
        found = self._journey(job)
        ended = tuple(
            event.hash for event in found.timeline if isinstance(event.body, JobCancelled) and event.actor == actor
        )
        if found.state == "cancelled" and ended:
            body = JobReopened(closings=ended, reason=f"order {name_of(order)} is wanted again")
            self._record("job.reopened", body, job, order.source)

    def _journey(self, job: str) -> Journey:
        self._door.catch_up(self._writing)
        facts = self._writing.facts.job(job)
        if facts is None:
            raise LookupError(f"job {job} of an order that is held")
        return journey_of(self._writing, facts.ref)[0]

    # -- recording ------------------------------------------------------------
    def _record(self, kind: str, body: Fact, job: str, source: str = "") -> str:
        if isinstance(body, OrderImported | OrderCancelled):
            self._unread.add(f"{body.source}/{body.order}")
            source = body.source
        draft = Draft(kind=kind, actor=f"system:{source}", body=body, job=job)
        (event,) = self._door.office.record(self._writing, [draft])
        return event.job

    def _catch_up(self) -> None:
        """Afterwards what was recorded can be read."""
        if self._unread:
            self._unread.clear()
            self._door.catch_up(self._writing)


def _referred_first(orders: list[ReadOrder]) -> list[ReadOrder]:
    """The orders, each after the one of them that it refers to, whatever their order was."""
    by_name = {name_of(one.order): one for one in orders}
    placed: dict[str, ReadOrder] = {}
    for one in orders:
        chain: list[str] = []
        name = name_of(one.order)
        while name in by_name and name not in placed and name not in chain:
            chain.append(name)
            name = by_name[name].order.reference
        placed |= {above: by_name[above] for above in reversed(chain)}
    return list(placed.values())


def _with_what_was_held(order: OrderImported, held: OrderImported) -> OrderImported:
    """An order of which a row could not be used takes nothing away from what is held of it."""
    lines = {line.line: line for line in (*held.lines, *order.lines)}
    return msgspec.structs.replace(order, lines=tuple(lines[name] for name in sorted(lines)))


def attach(door: Door, writing: Writing, row: OrderRow, job: str, actor: str) -> None:
    """Afterwards the order hangs on the job, as this actor says."""
    body = msgspec.structs.replace(row.order, replaces=(row.event, *row.cancels))
    door.office.record(writing, [Draft(kind="order.imported", actor=actor, body=body, job=job)])
    door.catch_up(writing)


def is_same(held: OrderImported, one: ReadOrder) -> bool:
    """True where taking this in would say nothing new of the order that is held."""
    order = _with_what_was_held(one.order, held) if one.partial else one.order
    return _content(held) == _content(order)


def _content(order: OrderImported) -> dict[str, object]:
    return {name: getattr(order, name) for name in OrderImported.__struct_fields__ if name not in _NOT_CONTENT}


_NOT_CONTENT: Final = frozenset({"replaces", "occurred_at", "entered"})


def _changed(order: OrderImported, replaces: tuple[str, ...]) -> OrderChanged:
    fields = {name: getattr(order, name) for name in order.__struct_fields__}
    return OrderChanged(**fields | {"replaces": replaces})
