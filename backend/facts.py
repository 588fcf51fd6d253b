"""What is held, as the judge and the fold ask for it: judged events by what names them, a job's events together.

A bounded memory of what was read or judged lately stands before the database. It is never truth: the door
drops all of it whenever a transaction fails or another process wrote.
"""

import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from backend.documents import Documents
from backend.kept import Kept
from backend.naming import HashIndex
from backend.reading import NAMEABLE
from backend.redactions import read_row
from backend.store.sqlite import queries
from sync.clock import Moment
from sync.codec import decode
from sync.doubts import NO_DOUBTS, Doubts, doubts_of
from sync.events import CUSTODY, DeviceRevoked, Event, EventPromoted, LogForked, Offered
from sync.ids import JOB_BYTES, b64, unb64
from sync.journey import jobs_of
from sync.judge import judge
from sync.ledger import line_digest
from sync.policy import Directory, Policy
from sync.problems import Problem
from sync.standing import DECLARED_LOST, Standing, Verdict, Word

log = logging.getLogger(__name__)

_SQL: Final = queries("ledger")
_RESTORE: Final = queries("restore")
WORDS: Final[tuple[Word, ...]] = ("applied", "refused", "parked", "quarantined")
"""A verdict's word at the number by which the ledger keeps it."""
APPLIED, REFUSED, PARKED, QUARANTINED = range(4)

GLOBAL: Final = frozenset(
    {"log.opened", "device.revoked", "log.forked", "event.promoted", "event.redacted", "loss.declared"}
)
"""Kinds that go to every device, whatever its scope: to be judged by, and to be given back after a restore."""
DIGEST_BYTES: Final = 32
EVERYBODY: Final = 0
"""The job of such events in the ledger."""
ORDERS: Final = frozenset({"order.imported", "order.changed", "order.cancelled"})
OF_SEVERAL: Final = frozenset({"job.merged", "job.unmerged"})
"""Kinds that name several jobs in the body."""
UNMATCHED: Final = -1
"""The job in the ledger of orders that name none yet."""


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
    "correction.made",
}
"""Facts that make a form stale: custody, plan, orders, items, where somebody is, and what they were corrected to.

A signal or a note does not.
"""


class JobFacts:
    """The applied events about one job, each with its position; `ref` is the job's small number in the ledger.

    `kept` is what its projections say, None until they were read; `seen` the position of the newest fact that makes a
    form stale; `offers` are those of the standings that are one.
    """

    __slots__ = ("job", "kept", "offers", "opened", "positions", "ref", "seen", "standings")

    def __init__(self, ref: int, job: str) -> None:
        self.ref = ref
        self.job = job
        self.standings: list[Standing] = []
        self.positions: list[int] = []
        self.offers: list[Standing] = []
        self.seen = 0
        self.opened: Standing | None = None
        self.kept: Kept | None = None


class Facts:
    """The judge's `Known` over the ledger. `con` is the connection of the transaction at work; the door sets it."""

    def __init__(self, documents: Documents, most: int) -> None:
        self.documents = documents
        self.con: sqlite3.Connection
        self.before_reading: Callable[[], None] = lambda: None
        """Called before the database is asked, so that rows not yet written are."""
        self._most = most
        self._held = 0
        self._jobs: OrderedDict[str, JobFacts] = OrderedDict()
        self._refs: dict[int, str] = {}
        self._by_hash: dict[str, Standing] = {}
        self._doubts: Doubts | None = None
        self.index = HashIndex()

    def forget(self) -> None:
        """Afterwards nothing is remembered; what is asked for is read again."""
        self.index.forget()
        self._held = 0
        self._jobs.clear()
        self._refs.clear()
        self._by_hash.clear()
        self._doubts = None

    # -- asked by the judge ---------------------------------------------------
    def by_hash(self, hash_: str) -> Standing | None:
        """See `Known`."""
        found = self._by_hash.get(hash_)
        return found if found is not None else self._find(hash_)

    def by_job(self, job: str) -> Standing | None:
        """See `Known`."""
        facts = self._jobs.get(job) or self.job(job)
        if facts is not None:
            return facts.opened
        self.before_reading()
        prefix = _bytes(job, JOB_BYTES)
        row = self.index.find_job(self.con, prefix) if prefix else None
        if row is None:
            return self._lost(job)
        return self._read(*row, digest_=b"") if not row[2] else None

    def by_name(self, name: str) -> Standing | None:
        """See `Known`."""
        log_name, _, seq = name.partition(":")
        self.before_reading()
        row = self.con.execute(_SQL["log_by_name"].text, {"log": log_name}).fetchone()
        found = self._read(row[0], int(seq), 0, digest_=b"") if row and seq.isdigit() else None
        return found if found is not None and found.event.kind == "person.switched" else None

    def directory(self, reference: str) -> Directory | None:
        """See `Known`."""
        return self.documents.directory(reference)

    def policy(self, boundary: str, reference: str) -> Policy | None:
        """See `Known`."""
        return self.documents.policy(boundary, reference)

    def is_staff(self, kid: str) -> bool:
        """See `Known`; the roster in force lists every key the backend ever had."""
        return self.documents.roster()[1].is_staff(kid)

    # -- asked by the fold ----------------------------------------------------
    def job(self, job: str) -> JobFacts | None:
        """The job's applied events, or None where it was never opened here."""
        found = self._jobs.get(job)
        if found is not None:
            self._jobs.move_to_end(job)
            return found
        self.before_reading()
        row = self.con.execute(_SQL["job_by_name"].text, {"job": job}).fetchone()
        return self._load(row[0], job) if row else None

    def job_of(self, ref: int) -> JobFacts:
        """The same by its small number, which must be one."""
        name = self._refs.get(ref)
        if name is None:
            self.before_reading()
            (name,) = self.con.execute(_SQL["job_by_ref"].text, {"ref": ref}).fetchone()
        found = self.job(name)
        if found is None:
            raise LookupError(f"job {ref} has no row")
        return found

    def doubts(self) -> Doubts:
        """What puts events in doubt as things stand."""
        if self._doubts is None:
            self.before_reading()
            said = [read_row(self.con, raw, kid) for raw, kid in self.con.execute(_SQL["doubts"].text)]
            self._doubts = doubts_of(said) if said else NO_DOUBTS
        return self._doubts

    def doubted(self, event: Event) -> list[int]:
        """The jobs, by their small numbers, that an event of `DOUBTING` concerns; afterwards it is reckoned with."""
        self._doubts = None
        self.before_reading()
        match event.body:
            case LogForked(log=log_name, seq=seq):
                return self._jobs_from(log_name, seq)
            case DeviceRevoked(suspect_log=log_name, suspect_from=int(seq)):
                return self._jobs_from(log_name, seq)
            case EventPromoted(event=hash_):
                digest_ = _bytes(hash_, DIGEST_BYTES)
                found = self.index.find(self.con, digest_) if digest_ else None
                if found is not None:
                    where = {"log": found[0], "seq": found[1], "digest": digest_ if found[2] else b""}
                    row = self.con.execute(_SQL["fork_row" if found[2] else "main_row"].text, where).fetchone()
                    return [row[5]] if row[5] else []
        return []

    def _jobs_from(self, log_name: str, seq: int) -> list[int]:
        row = self.con.execute(_SQL["log_by_name"].text, {"log": log_name}).fetchone()
        if row is None:
            return []
        return [job for (job,) in self.con.execute(_SQL["jobs_from"].text, {"log": row[0], "seq": seq})]

    def policies_of(self, facts: JobFacts) -> dict[str, Policy | None]:
        """The policy of each offer of a job, by the offer's hash."""
        found: dict[str, Policy | None] = {}
        for standing in facts.offers:
            body = standing.event.body
            if isinstance(body, Offered):
                found[standing.event.hash] = self.policy(body.boundary, body.policy)
        return found

    # -- kept up to date by the door ------------------------------------------
    def open(self, ref: int, job: str) -> None:
        """Afterwards the job is known, with nothing in it."""
        facts = JobFacts(ref, job)
        facts.kept = Kept()
        self._jobs[job] = facts
        self._refs[ref] = job

    def add(self, standing: Standing, facts: JobFacts, position: int) -> None:
        """Afterwards this applied event is among the facts of this job; the jobs longest unused may be forgotten."""
        self._append(facts, standing, position)
        if self._held > self._most:
            self._make_room()

    def _make_room(self) -> None:
        while self._held > self._most and len(self._jobs) > 1:
            self._drop(next(iter(self._jobs)))

    def _append(self, facts: JobFacts, standing: Standing, position: int) -> None:
        facts.standings.append(standing)
        facts.positions.append(position)
        self._held += 1
        event = standing.event
        if event.kind in WATCHED and position > facts.seen:
            facts.seen = position
        if event.kind in NAMEABLE:
            self._by_hash[event.hash] = standing
            if event.kind == "job.opened":
                facts.opened = standing
            elif event.kind == "handover.offered":
                facts.offers.append(standing)

    def read_anew(self, ref: int) -> None:
        """Afterwards the events of this job are read again when they are asked for: what is left of one is less now."""
        self._doubts = None
        if (name := self._refs.get(ref)) is not None:
            self._drop(name)

    def _drop(self, job: str) -> None:
        facts = self._jobs.pop(job)
        del self._refs[facts.ref]
        self._held -= len(facts.standings)
        for standing in facts.standings:
            self._by_hash.pop(standing.event.hash, None)

    # -- read from the ledger -------------------------------------------------
    def _load(self, ref: int, job: str) -> JobFacts:
        """Judge the job's applied events again, in the order in which they came to count, what each names before it."""
        self.open(ref, job)
        facts = self._jobs[job]
        facts.kept = None
        rows = [
            (row[0], row[4], row[6] if row[5] else "")
            for row in self.con.execute(_SQL["job_events"].text, {"job": ref})
        ]
        for position, _, log_ref, seq, digest_, kid in self.con.execute(
            _SQL["job_about"].text, {"job": ref}
        ).fetchall():
            raw, jws = self.row(log_ref, seq, digest_)
            rows.append((position, raw, kid if jws else ""))
        for position, raw, kid in sorted(rows, key=lambda row: row[0]):
            standing = judge(read_row(self.con, raw, kid), self)
            if standing.verdict.word != "applied":
                self.judged_otherwise(standing)
                continue
            self._append(facts, standing, position)
        return facts

    def judged_otherwise(self, standing: Standing) -> None:
        """Told of an event that is kept as applied and is not by today's rules; it stays out of the facts."""
        log.error("an applied event is judged otherwise now", extra={"hash": standing.event.hash})

    def row(self, log_ref: int, seq: int, digest_: bytes) -> tuple[bytes, str | None]:
        """Bytes and own signature of one event held."""
        name = "fork_row" if digest_ else "main_row"
        row = self.con.execute(_SQL[name].text, {"log": log_ref, "seq": seq, "digest": digest_}).fetchone()
        return row[0], row[6]

    def _find(self, hash_: str) -> Standing | None:
        self.before_reading()
        digest_ = _bytes(hash_, DIGEST_BYTES)
        row = self.index.find(self.con, digest_) if digest_ else None
        return self._read(*row, digest_=digest_) if row else self._lost(hash_)

    def _lost(self, name: str) -> Standing | None:
        """What stands for a name that is not held and was declared lost."""
        (is_lost,) = self.con.execute(_RESTORE["lost_name"].text, {"name": name}).fetchone()
        return Standing(event=nothing(name), verdict=DECLARED_LOST) if is_lost else None

    def _read(self, log_ref: int, seq: int, forked: int, *, digest_: bytes) -> Standing | None:
        """A named event as it was judged; of a job's applied event, all the job is read at once."""
        where = {"log": log_ref, "seq": seq, "digest": digest_ if forked else b""}
        row = self.con.execute(_SQL["fork_row" if forked else "main_row"].text, where).fetchone()
        if row is None:
            return None
        raw, _, _, _, verdict, job, jws = row
        if verdict == APPLIED and job:
            self.job_of(job)
            return self._by_hash.get(b64(line_digest(raw)), self._plain(raw, APPLIED, ""))
        reason = self.con.execute(_SQL["reason"].text, where).fetchone()
        (_, _, kid, *_) = self.con.execute(_SQL["log_by_ref"].text, {"ref": log_ref}).fetchone()
        return self._plain(raw, verdict, kid if jws else "", *(reason or ()))

    def _plain(
        self, raw: bytes, verdict: int, kid: str, code: str = "", detail: str = "", waits_for: str = "[]"
    ) -> Standing:
        """A judged event that hangs on nothing."""
        word = WORDS[verdict]
        said = Verdict(word=word, code=code, detail=detail, waits_for=decode(waits_for, tuple[str, ...]))
        try:
            event = read_row(self.con, raw, kid)
        except Problem:
            # It was refused because it cannot be read, or only its hash is here: whoever names it knows no more of it.
            event = nothing(b64(line_digest(raw)))
        return Standing(event=event, verdict=said)


def _bytes(name: str, size: int) -> bytes:
    """What a name stands for; nothing where it is none: whatever an event names, there is no such thing then."""
    try:
        raw = unb64(name)
    except Problem:
        return b""
    return raw if len(raw) == size else b""


def nothing(hash_: str) -> Event:
    """An event of which nothing is known but what it is called."""
    return Event(
        hash=hash_,
        log="",
        seq=0,
        kind="",
        job="",
        actor="",
        at=_NEVER,
        body=None,
        wall_ms=0,
        occurred_ms=0,
    )


_NEVER: Final = Moment(wall="", mono=0, boot="")


def belongs_to(event: Event) -> tuple[str, ...]:
    """The jobs among whose facts an event stands; a witness stands for what it holds, and is none itself."""
    if event.kind in OF_SEVERAL:
        return jobs_of(event)
    return (event.job,) if event.job and event.kind != "code.witnessed" else ()
