"""One transaction of the door: the rows it appends, the positions it gives, the jobs it touched.

Positions are given here alone, by the one writer, so they are in commit order: a reader never sees a
higher one before a lower one.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from backend.documents import Documents, Signed
from backend.facts import (
    APPLIED,
    EVERYBODY,
    GLOBAL,
    OF_SEVERAL,
    ORDERS,
    PARKED,
    QUARANTINED,
    REFUSED,
    UNMATCHED,
    WORDS,
    Facts,
    JobFacts,
    belongs_to,
    nothing,
)
from backend.reading import NAMEABLE, Held, misplaced
from backend.redactions import Redactions, as_line, is_left_of
from backend.revoked import RevokedKeys, witnessed_in
from backend.store.sqlite import TOGETHER, queries
from sync.codec import decode, encode, read_event
from sync.doubts import DOUBTING
from sync.events import Accepted, CodeWitnessed, DeviceRevoked, Event, EventPromoted, OrderImported
from sync.ids import digest, event_name, unb64
from sync.judge import judge
from sync.ledger import chain_start, is_hash, line_digest
from sync.policy import Names, Policy, Roster
from sync.problems import GAP, RESTATEMENT_MISSING, Problem
from sync.redaction import read_restated
from sync.revocation import promoted, revoked, witnessed
from sync.seal import Jwk, Signer, kid_of
from sync.standing import APPLIED as ALL_WELL
from sync.standing import Standing, Verdict

_SQL: Final = queries("ledger")
_BLOBS: Final = queries("blobs")
_KEYS: Final = queries("keys")
MARK_START: Final = b"\x00" * 32
_MORE_TO_DO: Final = GLOBAL | ORDERS | OF_SEVERAL | {"job.opened", "handover.accepted", "code.witnessed"}
"""Kinds of which more follows than that their job has one fact more."""
_NOTED: Final = frozenset({"device.revoked", "event.promoted", "code.witnessed"})
"""Kinds that decide whether other events are put aside."""
MOST_UNSORTED: Final = 2_000
"""Jobs that are found by looking through them, before they are sorted into the index of names."""
T = TypeVar("T")


def next_mark(before: bytes, said: Sequence[str]) -> bytes:
    """The mark after a transaction: `said` is what stands at each of its positions, empty for rows of no content."""
    return digest(before + " ".join(said).encode())


class Log:
    """A log as held: `through` is the highest seq up to which all are held and chained, `head` the chain there."""

    __slots__ = ("changed", "forked_at", "head", "highest", "jwk", "kid", "log", "ref", "staff", "through")

    def __init__(self, row: tuple[int, str, str, str, int, int, bytes, int, int]) -> None:
        (self.ref, self.log, self.kid, x, staff, self.through, self.head, self.highest, self.forked_at) = row
        self.jwk = Jwk(x=x)
        self.staff = bool(staff)
        self.changed = False

    def reach(self, seq: int) -> None:
        """Afterwards `highest` is at least `seq`."""
        if seq > self.highest:
            self.highest = seq
            self.changed = True


class Book:
    """What this process remembers of the ledger between transactions."""

    _MOST_LOGS: Final = 4096

    def __init__(self, signer: Signer, most_events: int) -> None:
        self.signer = signer
        self.documents = Documents(signer)
        self.facts = Facts(self.documents, most_events)
        self.revoked = RevokedKeys()
        self.redactions = Redactions()
        self.logs: OrderedDict[str, Log] = OrderedDict()
        self.epoch = ""
        self.data_version = -1
        self.is_waited_for = True
        self.has_gone = True
        """False once it is known that the store of blobs holds none of those that are to be dropped."""
        self.take_loss: Callable[[Writing, Event], None]
        """Does what follows from an applied `loss.declared`; the door sets it."""
        self.take_witness: Callable[[Writing, Event], Verdict]
        """Files what a `code.witnessed` holds and says its verdict; the door sets it."""
        self.take_halves: Callable[[Writing, Log], None]
        """Files what witnesses held of a log before it was open; the door sets it."""
        self.take_out: Callable[[Writing, Event], None]
        """Does what follows from an applied `event.redacted`; the door sets it."""

    def forget(self) -> None:
        """Afterwards nothing is remembered."""
        self.documents.forget()
        self.facts.forget()
        self.revoked.forget()
        self.redactions.forget()
        self.logs.clear()
        self.is_waited_for = True
        self.data_version = -1

    def remember(self, log: Log) -> None:
        """Afterwards the log need not be read again."""
        self.logs[log.log] = log
        while len(self.logs) > self._MOST_LOGS:
            self.logs.popitem(last=False)


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where an event stands: `digest` is empty on the ledger's main branch, else it names the bytes in the forks."""

    log: int
    seq: int
    digest: bytes = b""

    def names(self) -> dict[str, object]:
        """The place as parameters of a query."""
        return {"log": self.log, "seq": self.seq, "digest": self.digest}


class Writing:
    """One transaction; it ends with `finish`. What it could not do, it leaves undone: the door rolls back."""

    def __init__(self, con: sqlite3.Connection, book: Book, now_ms: int) -> None:
        self.con = con
        self.book = book
        self.facts = book.facts
        self.documents = book.documents
        self.now_ms = now_ms
        self.touched: set[int] = set()
        self.settled: dict[Place, Verdict] = {}
        self.moved: set[int] = set()
        self.answered: list[Standing] = []
        self.taken_out: dict[bytes, str] = {}
        """Digests of events that were redacted, and by whom: what else holds their words is still to be looked for."""
        self.has_stray_orders = False
        self.hung_orders: set[str] = set()
        self.proofs: list[Held] = []
        """All that these tell of must be so, else nothing of this transaction may be committed."""
        self._logs: dict[str, Log] = {}
        self._rows: list[tuple[object, ...]] = []
        self._names: list[tuple[bytes, int, int, int]] = []
        self._jobs: list[tuple[object, ...]] = []
        self._released: list[Event] = []
        book.facts.con = book.documents.con = book.revoked.con = book.redactions.con = con
        book.facts.before_reading = book.revoked.before_reading = self.flush
        (version,) = con.execute("PRAGMA data_version").fetchone()
        if version != book.data_version:
            book.forget()
            book.data_version = version
            self.know_epoch()
        mark = con.execute(_SQL["last_mark"].text).fetchone()
        self._began: int = mark[0] if mark else 0
        self._mark: bytes = mark[1] if mark else MARK_START
        self._position = self._began
        self._digests: list[str] = []
        self._last_job: int
        self._sorted_job: int
        self._last_job, self._sorted_job = con.execute(_SQL["last_job"].text).fetchone()

    def know_epoch(self) -> None:
        """Afterwards the book names the epoch in force, as this transaction sees it."""
        self.book.epoch = dict(self.con.execute(_SQL["settings"].text).fetchall())["epoch"]

    # -- positions ------------------------------------------------------------
    def next_position(self, what: str = "") -> int:
        """The next position in commit order; the mark of this transaction will commit to `what` stands there."""
        self._position += 1
        self._digests.append(what)
        return self._position

    def one(self, work: "Work[T]") -> T | Problem:
        """What `work` returns, its rows written; where it raises a problem nothing of it remains, and that is given."""
        self.con.execute("SAVEPOINT one")
        before = (self._position, len(self._digests), self._last_job, self._sorted_job, len(self.answered))
        try:
            result = work(self)
            self._write()
        except Problem as problem:
            self.con.execute("ROLLBACK TO one")
            self.con.execute("RELEASE one")
            self._position, digests, self._last_job, self._sorted_job, answered = before
            del self._digests[digests:], self.answered[answered:]
            self._rows.clear()
            self._names.clear()
            self._jobs.clear()
            self._released.clear()
            self._logs.clear()
            self.taken_out.clear()
            self.book.forget()
            self.know_epoch()
            return problem
        self.con.execute("RELEASE one")
        return result

    def _write(self) -> None:
        self.flush()
        for log in self._logs.values():
            if log.changed:
                row = {"ref": log.ref, "through": log.through, "head": log.head}
                self.con.execute(_SQL["move_log"].text, row | {"highest": log.highest, "forked_at": log.forked_at})
                log.changed = False

    def finish(self) -> None:
        """Afterwards all that is left to do is the commit: rows, logs and the mark that ends it are in the database."""
        self._write()
        if self._position > self._began:
            position = self.next_position()
            mark = next_mark(self._mark, self._digests)
            self.con.execute(_SQL["mark"].text, {"position": position, "digest": mark, "at": self.now_ms})
            _SQL["touch"].insert(self.con, [(position, ref) for ref in sorted(self.moved | self.touched)])

    def followed(self) -> None:
        """What follows from the facts so far was done; the touched jobs stay noted for the mark."""
        self.moved |= self.touched
        self.touched.clear()
        self.answered.clear()
        self.has_stray_orders = False
        self.hung_orders.clear()

    def flush(self) -> None:
        """Afterwards every row so far is in the database, to be read."""
        self._flush_events()
        if self._jobs:
            jobs, self._jobs = self._jobs, []
            _SQL["open_job"].insert(self.con, jobs)
            if self._last_job - self._sorted_job > MOST_UNSORTED:
                self.con.execute(_SQL["sort_jobs_in"].text, {"through": self._sorted_job})
                self.con.execute(_SQL["jobs_sorted"].text)
                self._sorted_job = self._last_job
        if self._names:
            names, self._names = self._names, []
            self.facts.index.add(self.con, names)

    def _flush_events(self) -> None:
        if self._rows:
            rows, self._rows = self._rows, []
            _SQL["append"].insert(self.con, rows)

    # -- logs -----------------------------------------------------------------
    def log(self, name: str) -> Log | None:
        """The log of this name, or None where it was never opened here."""
        found = self._logs.get(name) or self.book.logs.get(name)
        if found is None:
            row = self.con.execute(_SQL["log_by_name"].text, {"log": name}).fetchone()
            if row is None:
                return None
            found = Log(row)
            self.book.remember(found)
        self._logs[name] = found
        return found

    def log_of(self, ref: int) -> Log:
        """The same by its small number, which must be one."""
        row = self.con.execute(_SQL["log_by_ref"].text, {"ref": ref}).fetchone()
        found = self.log(row[1])
        if found is None:
            raise LookupError(f"log {ref} has no row")
        return found

    def open_log(self, name: str, jwk: Jwk, *, staff: bool) -> Log:
        """Afterwards the log is known by its genesis' key; its first event is still to be appended."""
        head = chain_start(name)
        row = {"log": name, "kid": kid_of(jwk), "jwk": jwk.x, "staff": int(staff), "head": head}
        (ref,) = self.con.execute(_SQL["open_log"].text, row).fetchone()
        log = Log((ref, name, kid_of(jwk), jwk.x, int(staff), 0, head, 0, 0))
        self.book.remember(log)
        self._logs[name] = log
        return log

    def log_opened(self, log: Log) -> None:
        """Afterwards what waited for this log's genesis, or for its key, goes on."""
        self.release(f"log {log.log}")
        self.release(f"key {log.kid}")
        self.book.take_halves(self, log)

    # -- events ---------------------------------------------------------------
    def append(
        self,
        place: Place,
        raw: bytes,
        chain: bytes | None,
        jws: str,
        *,
        event: Event | None,
        verdict: Verdict | None = None,
        digest_: bytes = b"",
    ) -> Verdict:
        """Afterwards the event is in the ledger with its verdict: as given, else as judged; what waited for it goes on.

        `event` is None for bytes that cannot be read, which needs a verdict; `digest_` is that of the bytes, if known.
        Of one that was redacted only the hash is kept.
        """
        position = job = None
        raw, event, digest_ = self._without_words(raw, event, digest_)
        if event is not None:
            plain = verdict is None and event.kind != "code.witnessed" and not self.book.revoked.kids
            standing = judge(event, self.facts) if plain else self._judged(event, verdict, chain)
            said = standing.verdict
            word = APPLIED if said is ALL_WELL else WORDS.index(said.word)
            if word == APPLIED:
                position, job = self._count(place, standing)
        elif verdict is not None:
            said = verdict
            word = WORDS.index(said.word)
        else:
            raise ValueError("an event that cannot be read needs a verdict")
        row = (place.log, place.seq, raw, self.now_ms, chain, position, word, job, jws or None)
        if place.digest:
            self.flush()
            self.con.execute(_SQL["append_fork"].bare, (*row[:2], place.digest, *row[2:]))
        else:
            self._rows.append(row)
            if len(self._rows) == TOGETHER:  # while they are still in the processor's cache
                self._flush_events()
        if event is not None and event.blobs:
            self._name_blobs(place, event)
        if event is None or event.kind in NAMEABLE:
            self._names.append((digest_ or line_digest(raw), place.log, place.seq, int(bool(place.digest))))
        if word != APPLIED:
            self._explain(place, said)
        if word == QUARANTINED and event is not None:
            self._put_aside(place, event)
        if event is not None and self.book.is_waited_for:
            self._release(event, word)
        return said

    def _without_words(self, raw: bytes, event: Event | None, digest_: bytes) -> tuple[bytes, Event | None, bytes]:
        """The bytes to keep of an event that comes, the event as it is read, and its digest if it was looked for.

        Of one that was redacted the bytes are its hash. That it is here is what its redaction waited for. One that
        cannot be read, or stands where it does not belong, may be here twice, so it is asked for again.
        """
        redactions = self.book.redactions
        if not redactions.any:
            return raw, event, digest_
        digest_ = digest_ or line_digest(raw)
        said = redactions.said(digest_) if digest_ in redactions.open or event is None else None
        if said is None:
            return raw, event, digest_
        if not is_hash(raw):
            if not is_left_of(raw, said):
                return raw, event, digest_
            event = read_restated(said.restated, said.event, event.kid) if event is not None else None
        redactions.met(digest_)
        return as_line(digest_), event, digest_

    def left_of(self, place: Place, line: bytes) -> Event | Verdict:
        """The event of which only the hash came to this place; a verdict where there is none to be judged.

        That nobody has said yet what is left of it, or that it cannot be read, or not here.
        """
        said = self.book.redactions.said(line_digest(line))
        if said is None:
            name = line.decode("ascii")
            code, what = RESTATEMENT_MISSING.slug, (redacted(name),)
            return Verdict(word="parked", code=code, detail=name, waits_for=what)
        log = self.log_of(place.log)
        try:
            event = read_restated(said.restated, said.event, said.kid if said.kid == log.kid else "")
        except Problem as problem:
            return Verdict(word="refused", code=problem.kind.slug, detail=problem.detail)
        wrong = misplaced(event, log.log, place.seq)
        if wrong is not None:
            return Verdict(word="refused", code=wrong.kind.slug, detail=wrong.detail)
        return event

    def holds(self, event: Event) -> tuple[str, ...]:
        """The hashes of the events that a witness holds, or held before it was redacted."""
        if not isinstance(event.body, CodeWitnessed):
            return ()
        said = None if event.body.frame else self.book.redactions.said(unb64(event.hash))
        return said.holds if said is not None else witnessed_in(event.body)

    def _name_blobs(self, place: Place, event: Event) -> None:
        """Note which blobs the event names, whatever its verdict: they are taken, and can be waited for."""
        for blob in event.blobs:
            row = {"sha256": blob.sha256, "size": blob.size, "type": blob.type, "original": blob.of}
            self.con.execute(_BLOBS["name_blob"].text, place.names() | row)

    def _judged(self, event: Event, given: Verdict | None, chain: bytes | None) -> Standing:
        """The event with the verdict given, put aside where its key was revoked, else as judged.

        What a witness holds is filed either way. Only what is new, or waits, is put aside: what was judged stays so.
        """
        revoked_ = self.book.revoked
        if given is None and revoked_.kids:
            log = self.log(event.log)
            given = revoked_.aside(event, log.ref, log.kid, chain) if log is not None else None
        if event.kind == "code.witnessed" and event.body is not None:
            said = self.book.take_witness(self, event)
            self._look_through(event)
            return Standing(event=event, verdict=given or said)
        return Standing(event=event, verdict=given) if given else judge(event, self.facts)

    def _look_through(self, witness: Event) -> None:
        """Afterwards it is known of a witness that comes if it holds the words of an event that was redacted."""
        if self.book.redactions.any and isinstance(witness.body, CodeWitnessed) and witness.body.frame:
            found = [unb64(hash_) for hash_ in witnessed_in(witness.body)]
            self.taken_out |= {one: "" for one in found if self.book.redactions.said(one) is not None}

    def _put_aside(self, place: Place, event: Event) -> None:
        self.con.execute(_KEYS["put_aside"].text, place.names() | {"hash": unb64(event.hash)})

    def _count(self, place: Place, standing: Standing) -> tuple[int, int | None]:
        """Position and job of an event that is applied from here on; its jobs have it among their facts."""
        event = standing.event
        kind = event.kind
        position = self.next_position(event.hash)
        if kind in _NOTED:
            log = self.log(event.log)
            self.book.revoked.note(event, log.kid if log is not None else "", self.holds(event))
        if kind not in _MORE_TO_DO:
            facts = self.facts.job(event.job) if event.job else None
            if facts is None:
                return position, None
            self.facts.add(standing, facts, position)
            self.touched.add(facts.ref)
            return position, facts.ref
        if kind == "job.opened":
            self._last_job += 1
            self._jobs.append((self._last_job, event.job, unb64(event.hash)))
            self.facts.open(self._last_job, event.job)
        elif kind in GLOBAL:
            self._take_global(place, event, position)
            return position, EVERYBODY
        elif kind in ORDERS:
            self.note_order(event)
        facts_of = [facts for facts in map(self.facts.job, belongs_to(event)) if facts is not None]
        if not facts_of:
            return position, UNMATCHED if kind in ORDERS else None
        first, *others = facts_of
        self.facts.add(standing, first, position)
        self.touched.add(first.ref)
        for facts in others:
            self.facts.add(standing, facts, position)
            self.touched.add(facts.ref)
            self.con.execute(_SQL["belongs"].text, place.names() | {"job": facts.ref, "position": position})
        if kind == "handover.accepted":
            self.answered.append(standing)
            self._bring_switch(event, first, position)
        return position, first.ref

    def _take_global(self, place: Place, event: Event, position: int) -> None:
        """Afterwards what follows from an event that goes to everybody was done."""
        if event.kind in DOUBTING:
            self._doubt(place, event, position)
        elif event.kind == "loss.declared":
            self.book.take_loss(self, event)
        elif event.kind == "event.redacted":
            self.book.take_out(self, event)

    def note_order(self, event: Event) -> None:
        """Note an order that hangs on no job, or on one from here on: it waits no more then."""
        body = event.body
        if not event.job:
            self.has_stray_orders = True
        elif isinstance(body, OrderImported):
            self.hung_orders.add(f"{body.source}/{body.order}")

    def _doubt(self, place: Place, event: Event, position: int) -> None:
        """Afterwards the jobs that this event puts in doubt, or certain again, are followed up."""
        self.con.execute(_SQL["note_doubt"].text, {"position": position, "log": place.log, "seq": place.seq})
        self.touched.update(self.facts.doubted(event))

    def _bring_switch(self, event: Event, facts: JobFacts, position: int) -> None:
        """A device judges an acceptance on a shared handheld by the switch that it names: it belongs to the job too."""
        if not isinstance(event.body, Accepted) or not event.body.switched:
            return
        switch = self.facts.by_name(event.body.switched)
        log = self.log(event.log)
        if switch is not None and log is not None:
            place = Place(log.ref, switch.event.seq)
            self.con.execute(_SQL["belongs"].text, place.names() | {"job": facts.ref, "position": position})
            self.facts.add(switch, facts, position)

    # -- verdicts that wait ---------------------------------------------------
    def _explain(self, place: Place, verdict: Verdict) -> None:
        waits_for = encode(verdict.waits_for).decode()
        row = {"code": verdict.code, "detail": verdict.detail, "waits_for": waits_for}
        self.con.execute(_SQL["set_reason"].text, place.names() | row)
        # A gap ends when it is filled, which the log itself notices.
        if verdict.word in ("parked", "quarantined") and verdict.code != GAP.slug:
            self.book.is_waited_for = True
            for what in verdict.waits_for:
                self.con.execute(_SQL["wait"].text, place.names() | {"what": what})

    def _release(self, event: Event, word: int) -> None:
        """Judge again what waited for this event, and what waited for that, until nothing moves."""
        if word not in (APPLIED, REFUSED) or not self._waits():
            return
        self._released.append(event)
        if len(self._released) > 1:
            return
        while self._released:
            one = self._released[0]
            if one.kind in NAMEABLE or not one.kind:
                self.release(one.hash)
            if one.kind == "job.opened":
                self.release(one.job)
            if one.kind == "person.switched":
                self.release(event_name(one.log, one.seq))
            if one.kind in _NOTED:
                for what in self._let_go(one):
                    self.release(what)
            self._released.pop(0)

    def _let_go(self, event: Event) -> list[str]:
        """What events that were put aside wait for, and have with this one."""
        match event.body:
            case DeviceRevoked():
                return [revoked(kid) for kid in self.book.revoked.keys_of(event.body)]
            case EventPromoted(event=hash_):
                return [promoted(hash_)]
            case CodeWitnessed():
                return [witnessed(hash_) for hash_ in self.holds(event)]
        return []

    def _waits(self) -> bool:
        if self.book.is_waited_for:
            (waits,) = self.con.execute("SELECT EXISTS (SELECT 1 FROM waiting)").fetchone()
            self.book.is_waited_for = bool(waits)
        return self.book.is_waited_for

    def waiters(self, what: str) -> list[Place]:
        """The parked events that waited for this; they no longer do."""
        if not self._waits():
            return []
        self.flush()
        places = [Place(*row) for row in self.con.execute(_SQL["waiters"].text, {"what": what})]
        for place in places:
            self.con.execute(_SQL["stop_waiting"].text, place.names() | {"what": what})
        return places

    def release(self, what: str) -> None:
        """Afterwards all that waited for this name was judged again."""
        for place in self.waiters(what):
            self.judge_again(place)

    def judge_again(self, place: Place) -> Verdict:
        """The verdict on a stored event as things stand now, kept, and told to its author where it changed."""
        self.flush()
        log = self.log_of(place.log)
        name = "fork_row" if place.digest else "main_row"
        raw, _, chain, _, before, _, jws = self.con.execute(_SQL[name].text, place.names()).fetchone()
        if before in (APPLIED, REFUSED):
            return self.verdict_at(place, before)
        standing = self._read_again(log, place, raw, chain, is_signed=bool(jws))
        self.settle(log, place, standing, before)
        return standing.verdict

    def _read_again(self, log: Log, place: Place, raw: bytes, chain: bytes | None, *, is_signed: bool) -> Standing:
        if not is_hash(raw):
            return self._judged(read_event(raw, log.kid if is_signed else ""), None, chain)
        event = self.left_of(place, raw)
        if isinstance(event, Verdict):
            return Standing(event=nothing(raw.decode("ascii")), verdict=event)
        gap = self.gap_before(log.log, place.seq) if chain is None and not event.kid else None
        return self._judged(event, gap, chain)

    def filled(self, place: Place, digest_: bytes, found: Event | Verdict) -> None:
        """The bytes of an event have come of which only the hash was here: afterwards it is judged by them."""
        log, hash_ = self.log_of(place.log), as_line(digest_).decode("ascii")
        self.con.execute(_SQL["stop_waiting"].text, place.names() | {"what": redacted(hash_)})
        row = self.con.execute(_SQL["fork_row" if place.digest else "main_row"].text, place.names()).fetchone()
        if isinstance(found, Verdict):
            standing = Standing(event=nothing(hash_), verdict=found)
        else:
            self._name_blobs(place, found)
            gap = self.gap_before(log.log, place.seq) if row[2] is None and not found.kid else None
            standing = self._judged(found, gap, row[2])
        self.settle(log, place, standing, row[4])

    def gap_before(self, log: str, seq: int) -> Verdict:
        """The verdict on an event that nothing but its log's chain vouches for, while there is a gap before it."""
        name = event_name(log, seq - 1)
        return Verdict(word="parked", code=GAP.slug, detail=name, waits_for=(name,))

    def settle(self, log: Log, place: Place, standing: Standing, before: int = PARKED) -> None:
        """Afterwards a stored event that waited has this verdict, and what waited for it goes on.

        `before` is what it was, parked or put aside: one may follow the other, and either ends in a final one.
        """
        word = WORDS.index(standing.verdict.word)
        if word == before:
            self._explain(place, standing.verdict)
            return
        if word in (APPLIED, REFUSED):
            for what in self.verdict_at(place, before).waits_for:
                self.con.execute(_SQL["stop_waiting"].text, place.names() | {"what": what})
        position = job = None
        if word == APPLIED:
            position, job = self._count(place, standing)
            self.con.execute(_SQL["drop_reason"].text, place.names())
        else:
            self._explain(place, standing.verdict)
        if word == QUARANTINED:
            self._put_aside(place, standing.event)
        self.settled[place] = standing.verdict
        row = place.names() | {"position": position, "verdict": word, "job": job}
        self.con.execute(_SQL["fork_verdict" if place.digest else "main_verdict"].text, row)
        if not log.staff:
            self.con.execute(_SQL["note_change"].text, place.names() | {"position": self.next_position()})
        self._release(standing.event, word)

    def verdict_at(self, place: Place, word: int) -> Verdict:
        """The verdict as it is kept."""
        if word == APPLIED:
            return Verdict(word="applied")
        self.flush()
        row = self.con.execute(_SQL["reason"].text, place.names()).fetchone()
        code, detail, waits_for = row or ("", "", "[]")
        return Verdict(word=WORDS[word], code=code, detail=detail, waits_for=decode(waits_for, tuple[str, ...]))

    # -- documents ------------------------------------------------------------
    def issue(self, draft: Roster | Policy | Names, *, above: bool = False) -> Signed | None:
        """The next version of a document, signed, kept and in force; None where it would say the same (see `above`)."""
        signed = self.documents.issue(draft, self.now_ms, self.next_position, above=above)
        if signed is not None:
            self.release(f"{signed.key} {signed.reference}")
        return signed


Work = Callable[[Writing], T]
"""Something to do inside one transaction; a `Problem` that it raises undoes it alone."""


def redacted(hash_: str) -> str:
    """What an event waits for of which only the hash came."""
    return f"redacted {hash_}"
