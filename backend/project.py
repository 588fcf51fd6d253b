"""What follows from the facts of each touched job, in the transaction that touched it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from backend.facts import UNMATCHED, JobFacts
from backend.found_by import keys_of, words_of
from backend.kept import Kept
from backend.office import Office
from backend.reach import job_keys, keep_reach, note_job
from backend.redactions import read_row
from backend.restating import restate_witnesses
from backend.rows import (
    NEVER_MS,
    NO_BOUNDS,
    NO_CHANGES,
    RANK,
    JobRows,
    OrderRow,
    VisitRow,
    blobs_of,
    order_rows,
    rows_of,
)
from backend.store.sqlite import queries
from backend.times import bounds_of, received_of
from backend.writing import Writing
from sync.codec import decode, encode
from sync.custody import custody
from sync.events import (
    Confirmed,
    Correction,
    Draft,
    Event,
    JobPlanned,
    LineImported,
    Offered,
    OrderCancelled,
    OrderImported,
)
from sync.journey import Journey, journey
from sync.standing import Standing

_SQL: Final = queries("project")
_BLOBS: Final = queries("blobs")


def follow(writing: Writing, office: Office, desk: str) -> None:
    """Afterwards the desk has confirmed what it may, and each touched job's rows and reach say what its facts say."""
    if writing.taken_out:
        restate_witnesses(writing, office)
    for standing in list(writing.answered):
        confirm(writing, office, desk, standing)
    rows = Rows(writing)
    for ref in sorted(writing.touched):
        found, made = journey_of(writing, ref)
        facts = writing.facts.job_of(ref)
        rows.add(facts, found, made)
        rows.visits(facts, made.visits, writing.now_ms)
    rows.write()
    if writing.has_stray_orders:
        keep_unmatched(writing)
    for name in writing.hung_orders:
        writing.con.execute(_SQL["waits_no_more"].text, {"name": name})


def confirm(writing: Writing, office: Office, desk: str, accepted: Standing) -> None:
    """The desk has seen an acceptance of its own offer as soon as it is here.

    Unless the offer is withdrawn or another child hangs on its basis: then a person looks first.
    """
    offer = accepted.offer
    if offer is None or not isinstance(offer.body, Offered) or offer.body.sender != desk:
        return
    facts = writing.facts.job(offer.job)
    if facts is None or not writing.facts.is_staff(offer.kid):
        return
    done = any(
        isinstance(one.event.body, Confirmed) and one.event.body.accepted == accepted.event.hash
        for one in facts.standings
    )
    if done or accepted.event.hash in custody(facts.standings).contested:
        return
    reference, _ = writing.documents.roster()
    body = Confirmed(roster=reference, offer=offer.hash, accepted=accepted.event.hash, sender=desk)
    office.record(writing, [Draft(kind="handover.confirmed", actor=desk, body=body, job=offer.job)])


# -- one job ------------------------------------------------------------------
def journey_of(writing: Writing, ref: int) -> tuple[Journey, JobRows]:
    """The journey of a job, and its rows."""
    facts = writing.facts.job_of(ref)
    policies = writing.facts.policies_of(facts)
    found = journey(facts.job, facts.standings, policies, writing.facts.doubts())
    bounds = NO_BOUNDS
    if found.visits:
        writing.flush()
        bounds = bounds_of(facts.standings, received_of(writing.con, ref), writing.facts.is_staff)
    changes = changed_since_offer(facts, found, writing.facts.is_staff) if found.handovers else NO_CHANGES
    return found, rows_of(found, policies, facts.seen, awaited(writing, found.timeline), bounds, changes)


OF_THE_JOB: Final = ""
"""Where a job changed itself, beside its orders by name: it got another time, or was said anew."""


def changed_since_offer(facts: JobFacts, found: Journey, is_staff: Callable[[str], bool]) -> dict[str, int]:
    """By name, where an order of the job last came, changed or went (a position) that no offer now standing tells of.

    The job itself, with its plan and what it is for, is among them (see `OF_THE_JOB`).

    What the office offers it offers as it then is. What a device offers it may have offered before it heard: its
    offer ends nothing here, and whether the holder's device has heard since is seen by how far that has pulled.
    """
    standing = {one.offer.hash for one in found.handovers if one.state != "withdrawn"}
    if not standing:
        return {}
    dated = list(zip(facts.standings, facts.positions, strict=True))
    offered = max((at for one, at in dated if one.event.hash in standing and is_staff(one.event.kid)), default=0)
    first = min(at for one, at in dated if one.event.hash in standing)
    changes: dict[str, int] = {}
    for one, at in dated:
        body = one.event.body
        if at <= max(offered, first):
            continue
        name: str | None = None
        if isinstance(body, OrderImported | OrderCancelled | LineImported):
            name = f"{body.source}/{body.order}"
        elif isinstance(body, JobPlanned) or (isinstance(body, Correction) and body.corrects == found.root):
            name = OF_THE_JOB
        if name is not None:
            changes[name] = max(at, changes.get(name, 0))
    return changes


def awaited(writing: Writing, events: Sequence[Event]) -> frozenset[str]:
    """The blobs that these events name and that are not here."""
    names = blobs_of(events)
    return frozenset(
        name for name in names if not writing.con.execute(_BLOBS["is_here"].text, {"sha256": name}).fetchone()[0]
    )


class Rows:
    """Rows of several jobs on their way into the database: few statements, only what changed."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._reach: list[tuple[object, ...]] = []
        self._found: list[tuple[object, ...]] = []
        self._named: set[tuple[object, ...]] = set()
        self._kept: dict[str, list[tuple[object, ...]]] = {}

    def add(self, facts: JobFacts, found: Journey, rows: JobRows) -> None:
        """Afterwards these rows are among those to be written."""
        ref, row = facts.ref, rows.job
        kept = facts.kept = facts.kept or read_kept(self._writing, ref)
        keys = job_keys(found)
        self._reach += note_job(self._writing, ref, kept.reach, keys)
        kept.reach = keys
        found_by = keys_of(rows)
        body = encode(row).decode()
        if body != kept.job or found_by != kept.found:
            kept.job = body
            due_ms = NEVER_MS if row.due_ms is None else row.due_ms
            place = (row.state, row.site, row.accountable, RANK[row.priority], due_ms, row.open_cases)
            listed = encode(sorted(found_by)).decode()
            self._row("keep_job", (ref, row.job, *place, listed, row.seen, row.changed_at, body))
            self._find_by(ref, kept.found, found_by)
            kept.found = found_by
        for one in rows.handovers:
            body = encode(one).decode()
            if kept.handovers.get(one.offer) != body:
                kept.handovers[one.offer] = body
                self._row("keep_handover", (one.offer, ref, one.state, one.offered_ms, one.escalate_ms, body))
        items = {one.item: encode(one).decode() for one in rows.items}
        self._replace("item", ref, kept.items, items)
        kept.items = items
        cases = {one.case.key: encode(one).decode() for one in rows.cases}
        states = {one.case.key: (one.case.state,) for one in rows.cases}
        self._replace("case", ref, kept.cases, cases, states)
        kept.cases = cases
        orders = {one.name: encode(one).decode() for one in rows.orders}
        beside = {one.name: _beside(one) for one in rows.orders}
        self._replace("order", ref, kept.orders, orders, beside)
        kept.orders = orders

    def _find_by(self, ref: int, before: set[str], now: set[str]) -> None:
        """Afterwards the job is found by these keys, and their words once they are written; no longer by the others."""
        for key in sorted(before - now):
            self._writing.con.execute(_SQL["lose"].text, {"key": key, "job": ref})
            for word, kind, id_ in words_of(key):
                self._writing.con.execute(_SQL["word_gone"].text, {"word": word, "kind": kind, "id": id_, "key": key})
        self._found += [(key, ref) for key in sorted(now - before)]
        self._named.update(word for key in now - before for word in words_of(key))

    def visits(self, facts: JobFacts, visits: Sequence[VisitRow], at_ms: int) -> None:
        """Each visit's newest version is this, known from `at_ms` on; a version that says the same is none."""
        kept = facts.kept = facts.kept or read_kept(self._writing, facts.ref)
        for one in visits:
            body = encode(one).decode()
            if kept.visits.get(one.id) != body:
                kept.visits[one.id] = body
                self._row("keep_visit", (facts.ref, one.id, at_ms, one.site, one.arrived_ms, body))

    def _row(self, query: str, row: tuple[object, ...]) -> None:
        self._kept.setdefault(query, []).append(row)

    def _replace(
        self,
        what: str,
        ref: int,
        before: dict[str, str],
        now: dict[str, str],
        beside: Mapping[str, tuple[object, ...]] | None = None,
    ) -> None:
        for key in before.keys() - now.keys():
            self._writing.con.execute(_SQL[f"drop_{what}"].text, {"job": ref, "key": key})
        for key, body in now.items():
            if before.get(key) != body:
                self._row(f"keep_{what}", (ref, key, *(beside or {}).get(key, ()), body))

    def write(self) -> None:
        """Afterwards all of them are in the database."""
        for query, rows in self._kept.items():
            _SQL[query].insert(self._writing.con, rows)
        self._kept.clear()
        keep_reach(self._writing, self._reach)
        self._reach = []
        _SQL["find_by"].insert(self._writing.con, self._found)
        _SQL["keep_word"].insert(self._writing.con, sorted(self._named))
        self._found, self._named = [], set()


def read_kept(writing: Writing, ref: int) -> Kept:
    """What the projections of a job say."""
    kept = Kept()
    con, job = writing.con, {"job": ref}
    row = con.execute(_SQL["job_now"].text, job).fetchone()
    if row is not None:
        kept.job, kept.found = row[0], decode(row[1], set[str])
    kept.handovers = dict(con.execute(_SQL["handovers_now"].text, job))
    kept.visits = dict(con.execute(_SQL["visits_now"].text, job))
    kept.items = dict(con.execute(_SQL["items_now"].text, job))
    kept.cases = dict(con.execute(_SQL["cases_now"].text, job))
    kept.orders = dict(con.execute(_SQL["orders_now"].text, job))
    kept.reach = {key for (key,) in con.execute(_SQL["reach_now"].text, job)}
    return kept


# -- orders that belong to no job yet -----------------------------------------
def keep_unmatched(writing: Writing) -> None:
    """Afterwards the rows of unmatched orders are those of the events that name no job."""
    writing.flush()
    raws = writing.con.execute(_SQL["unmatched_events"].text).fetchall()
    rows = order_rows((read_row(writing.con, raw, kid if jws else "") for raw, jws, kid in raws), {})
    matched = {name for (name,) in writing.con.execute(_SQL["matched_orders"].text)}
    writing.con.execute(_SQL["clear_orders"].text, {"job": UNMATCHED})
    for row in rows:
        if row.name not in matched:
            kept = (UNMATCHED, row.name, *_beside(row), encode(row).decode())
            writing.con.execute(_SQL["keep_order"].bare, kept)


def _beside(row: OrderRow) -> tuple[object, ...]:
    """What lists of orders filter by, in the columns' order."""
    order = row.order
    return order.site, order.source, order.order_kind, int(row.cancelled), row.changed_at


# -- all of them --------------------------------------------------------------
def rebuild(writing: Writing) -> int:
    """Afterwards every projection was dropped and made anew from the ledger; the number of jobs."""
    dropped = ("jobs", "handovers", "visits", "items", "cases", "orders", "found", "words")
    for name in (f"drop_{what}" for what in dropped):
        writing.con.execute(_SQL[name].text)
    refs = [ref for ref, _ in writing.con.execute(_SQL["jobs"].text).fetchall()]
    for ref in refs:
        facts = writing.facts.job_of(ref)
        facts.kept = read_kept(writing, ref)
        found, made = journey_of(writing, ref)
        rows = Rows(writing)
        rows.add(facts, found, made)
        _rebuild_visits(writing, rows, facts)
        rows.write()
    keep_unmatched(writing)
    return len(refs)


def _rebuild_visits(writing: Writing, rows: Rows, facts: JobFacts) -> None:
    """The versions of a job's visits, as they became known transaction by transaction."""
    policies = writing.facts.policies_of(facts)
    received = received_of(writing.con, facts.ref)
    marks: dict[int, int] = {}
    for at in facts.positions:
        position, at_ms = writing.con.execute(_SQL["mark_from"].text, {"position": at}).fetchone()
        marks[position] = at_ms
    for position, at_ms in sorted(marks.items()):
        known = [one for one, at in zip(facts.standings, facts.positions, strict=True) if at <= position]
        found = journey(facts.job, known, policies)
        bounds = bounds_of(known, received, writing.facts.is_staff) if found.visits else NO_BOUNDS
        rows.visits(facts, rows_of(found, policies, 0, bounds=bounds).visits, at_ms)
