"""What follows from the facts of each touched job, in the transaction that touched it."""

from collections.abc import Sequence
from typing import Final

from backend.facts import UNMATCHED, JobFacts
from backend.office import Office
from backend.reach import job_keys, note_job
from backend.rows import NEVER_MS, RANK, JobRows, OrderRow, VisitRow, rows_of
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.codec import encode, read_event
from sync.custody import custody
from sync.events import CUSTODY, Confirmed, Draft, Event, Offered, OrderCancelled, OrderImported
from sync.facts import in_force
from sync.journey import Journey, journey
from sync.standing import Standing

_SQL: Final = queries("project")
WATCHED: Final = CUSTODY | {
    "job.planned",
    "job.dispatched",
    "job.merged",
    "job.unmerged",
    "job.held",
    "job.released",
    "job.resolved",
    "job.cancelled",
    "job.reopened",
    "job.closed_by_rule",
    "order.imported",
    "order.changed",
    "order.cancelled",
    "line.imported",
    "line.changed",
    "item.scanned",
    "visit.arrived",
    "visit.departed",
}
"""Facts that make a form stale: custody, plan, orders, items, and where somebody is. A signal or a note does not."""


def follow(writing: Writing, office: Office, desk: str) -> None:
    """Afterwards the desk has confirmed what it may, and each touched job's rows and reach say what its facts say."""
    for standing in list(writing.answered):
        confirm(writing, office, desk, standing)
    for ref in sorted(writing.touched):
        keep(writing, ref)
    if writing.has_orders:
        keep_unmatched(writing)


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
    found = journey(facts.job, facts.standings, policies)
    return found, rows_of(found, policies, seen_of(facts))


def seen_of(facts: JobFacts) -> int:
    """The position of the newest fact of a job that makes a form stale."""
    return max(
        (at for standing, at in zip(facts.standings, facts.positions, strict=True) if standing.event.kind in WATCHED),
        default=0,
    )


def keep(writing: Writing, ref: int) -> None:
    """Afterwards the rows of this job are those of its facts."""
    found, rows = journey_of(writing, ref)
    note_job(writing, ref, job_keys(found))
    write_rows(writing, ref, rows)
    keep_visits(writing, ref, rows.visits, writing.now_ms)


def write_rows(writing: Writing, ref: int, rows: JobRows) -> None:
    """Afterwards these are the job's rows, but for its visits."""
    con, row = writing.con, rows.job
    con.execute(
        _SQL["keep_job"].bare,
        (
            ref,
            row.job,
            row.state,
            row.site,
            row.accountable,
            RANK[row.priority],
            NEVER_MS if row.due_ms is None else row.due_ms,
            row.open_cases,
            encode(row).decode(),
        ),
    )
    con.executemany(
        _SQL["keep_handover"].bare,
        [(one.offer, ref, one.state, one.offered_ms, one.escalate_ms, encode(one).decode()) for one in rows.handovers],
    )
    con.execute(_SQL["clear_items"].text, {"job": ref})
    con.executemany(_SQL["keep_item"].bare, [(ref, one.item, encode(one).decode()) for one in rows.items])
    con.execute(_SQL["clear_cases"].text, {"job": ref})
    con.executemany(
        _SQL["keep_case"].bare, [(ref, one.case.basis, one.case.state, encode(one).decode()) for one in rows.cases]
    )
    con.execute(_SQL["clear_orders"].text, {"job": ref})
    con.executemany(
        _SQL["keep_order"].bare, [(one.name, ref, one.order.site, encode(one).decode()) for one in rows.orders]
    )


def keep_visits(writing: Writing, ref: int, visits: Sequence[VisitRow], at_ms: int) -> None:
    """Afterwards each visit's newest version is this, known from `at_ms` on; a version that says the same is none."""
    held = dict(writing.con.execute(_SQL["visits_now"].text, {"job": ref}))
    for one in visits:
        body = encode(one).decode()
        if held.get(one.id) != body:
            row = (ref, one.id, at_ms, one.site, one.arrived_ms, body)
            writing.con.execute(_SQL["keep_visit"].bare, row)


# -- orders that belong to no job yet -----------------------------------------
def keep_unmatched(writing: Writing) -> None:
    """Afterwards the rows of unmatched orders are those of the events that name no job."""
    writing.flush()
    said: dict[str, list[Event]] = {}
    gone: set[str] = set()
    for raw, jws, kid in writing.con.execute(_SQL["unmatched_events"].text):
        event = read_event(raw, kid if jws else "")
        match event.body:
            case OrderImported():
                said.setdefault(f"{event.body.source}/{event.body.order}", []).append(event)
            case OrderCancelled():
                gone.add(f"{event.body.source}/{event.body.order}")
    matched = {name for (name,) in writing.con.execute(_SQL["matched_orders"].text)}
    writing.con.execute(_SQL["clear_orders"].text, {"job": UNMATCHED})
    for name in sorted(said.keys() - matched):
        newest, _ = in_force(said[name])
        if newest is not None and isinstance(newest.body, OrderImported):
            row = OrderRow(name=name, job="", event=newest.hash, order=newest.body, cancelled=name in gone)
            keep_row = (name, UNMATCHED, newest.body.site, encode(row).decode())
            writing.con.execute(_SQL["keep_order"].bare, keep_row)


# -- all of them --------------------------------------------------------------
def rebuild(writing: Writing) -> int:
    """Afterwards every projection was dropped and made anew from the ledger; the number of jobs."""
    for name in ("drop_jobs", "drop_handovers", "drop_visits", "drop_items", "drop_cases", "drop_orders"):
        writing.con.execute(_SQL[name].text)
    refs = [ref for ref, _ in writing.con.execute(_SQL["jobs"].text).fetchall()]
    for ref in refs:
        found, rows = journey_of(writing, ref)
        note_job(writing, ref, job_keys(found))
        write_rows(writing, ref, rows)
        _rebuild_visits(writing, ref)
    keep_unmatched(writing)
    return len(refs)


def _rebuild_visits(writing: Writing, ref: int) -> None:
    """The versions of a job's visits, as they became known transaction by transaction."""
    facts = writing.facts.job_of(ref)
    policies = writing.facts.policies_of(facts)
    marks: dict[int, int] = {}
    for at in facts.positions:
        position, at_ms = writing.con.execute(_SQL["mark_from"].text, {"position": at}).fetchone()
        marks[position] = at_ms
    for position, at_ms in sorted(marks.items()):
        known = [one for one, at in zip(facts.standings, facts.positions, strict=True) if at <= position]
        found = journey(facts.job, known, policies)
        keep_visits(writing, ref, rows_of(found, policies, 0).visits, at_ms)
