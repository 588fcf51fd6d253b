"""Every log from its first event to its last: bytes against chain, chain against signatures, nothing added or gone."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from backend.facts import APPLIED, EVERYBODY, GLOBAL, OF_SEVERAL, ORDERS, PARKED, UNMATCHED
from backend.naming import HashIndex
from backend.reading import NAMEABLE
from backend.redactions import said_of
from backend.store.sqlite import queries
from backend.verify.faults import UNREADABLE, Fault, Looked, What
from backend.writing import Log
from sync.codec import UNREADABLE_JSON, decode
from sync.events import SIGNED, EventRedacted, LogOpened, LossDeclared
from sync.ids import b64, event_name, job_id, unb64
from sync.ledger import advance, chain_start, fault_at, is_hash, line_digest
from sync.problems import Problem
from sync.protocol import PushHeader
from sync.seal import kid_of, verify

_SQL: Final = queries("verify")
_LEDGER: Final = queries("ledger")
Losses = Mapping[str, Mapping[int, tuple[int, bytes]]]
"""By log and first lost seq: the last one, and the chain value after it."""


class _Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    seq: int
    raw: bytes
    chain: bytes | None
    verdict: int
    position: int | None
    jws: str | None
    job: int | None
    digest: bytes = b""

    @property
    def is_redacted(self) -> bool:
        """True where only the hash of the bytes is left."""
        return is_hash(self.raw)


class _Batch(msgspec.Struct, frozen=True, array_like=True):
    first: int
    last: int
    base: bytes
    header: bytes
    jws: str
    digests: bytes | None


T = TypeVar("T")


def _typed(cells: tuple[object, ...], shape: type[T]) -> T:
    """A row as it should be: a damaged page may give anything for a cell."""
    return msgspec.convert(cells, shape, builtin_types=(bytes,))


class _Head(msgspec.Struct, frozen=True):
    log: str = ""
    seq: int = 0
    kind: str = ""
    job: str = ""


_head: Final = msgspec.json.Decoder(_Head)


class _Opening(msgspec.Struct, frozen=True):
    body: LogOpened


class _Loss(msgspec.Struct, frozen=True):
    kind: str
    body: LossDeclared


def declared_losses(con: sqlite3.Connection) -> Losses:
    """What managers declared lost: it counts as stored."""
    found: dict[str, dict[int, tuple[int, bytes]]] = {}
    for (raw,) in con.execute(_SQL["losses"].text):
        try:
            body = decode(raw, _Loss).body
            # Where nobody knows the chain value after it either, the log counts as far as before it.
            if body.log and body.from_ is not None and body.to is not None and body.chain_after:
                found.setdefault(body.log, {})[body.from_] = (body.to, unb64(body.chain_after))
        except Problem:
            continue  # the event itself is named where its log is walked
    return found


def check_logs(con: sqlite3.Connection, keys: frozenset[str], looked: Looked) -> Iterator[Fault]:
    """The faults of every log, at most the first of each; `keys` are the kids that are the backend's own."""
    losses = declared_losses(con)
    index = HashIndex()
    jobs = {job: ref for ref, job in con.execute(_LEDGER["job_refs"].text)}
    for row in con.execute(_SQL["logs"].text).fetchall():
        log = Log(_typed(row, tuple[int, str, str, str, int, int, bytes, int, int]))
        looked.logs += 1
        if row[4] not in (0, 1):
            yield Fault(where=log.log, what="log", detail="whether it is the office's own is not said")
        yield from _LogCheck(con, log, keys, losses.get(log.log, {}), (index, jobs), looked).first()
    for ref, seq in con.execute(_SQL["without_log"].text):
        yield Fault(where=f"log number {ref}, seq {seq}", what="log", detail="no log of this number was ever opened")


class _LogCheck:
    def __init__(
        self,
        con: sqlite3.Connection,
        log: Log,
        keys: frozenset[str],
        losses: Mapping[int, tuple[int, bytes]],
        known: tuple[HashIndex, Mapping[str, int]],
        looked: Looked,
    ) -> None:
        self.con = con
        self.log = log
        self.keys = keys
        self.losses = losses
        self.index, self.jobs = known
        self.looked = looked
        self.chains: dict[int, bytes] = {}
        """Chain values of the main branch, where something else refers to them."""
        self.wanted: set[int] = set()
        self.loose: dict[int, list[_Row]] = {}
        """Events behind a gap and on other branches, by seq."""
        self.unsigned: list[list[int]] = []
        """Closed ranges of seqs of the main branch that have no signature of their own."""

    def fault(self, seq: int, what: What, detail: str) -> Fault:
        return Fault(where=event_name(self.log.log, seq), what=what, detail=detail)

    def first(self) -> Iterator[Fault]:
        """The first fault of this log, if there is one."""
        reached = 0
        try:
            for found in self._faults():
                if isinstance(found, Fault):
                    yield found
                    return
                reached = found
        except UNREADABLE as error:
            yield self.fault(reached + 1, "file", f"from here on the log cannot be read: {error}")
        except Problem as problem:
            yield self.fault(reached + 1, "log", f"what is kept of the log cannot be read: {problem.detail}")

    def _faults(self) -> Iterator[Fault | int]:
        self.chains[0] = chain_start(self.log.log)
        yield from self._opening()
        forks = [_typed(row, _Row) for row in self.con.execute(_SQL["forks_of"].text, {"log": self.log.ref})]
        batches = [_typed(row, _Batch) for row in self.con.execute(_SQL["batches_of"].text, {"log": self.log.ref})]
        self.wanted = {seq for row in forks for seq in (row.seq - 1, row.seq)}
        self.wanted |= {seq for batch in batches for seq in (batch.first - 1, batch.last)}
        yield from self._walk()
        for row in forks:
            self.loose.setdefault(row.seq, []).append(row)
        yield from self._loose()
        yield from self._batches(batches)

    # -- the main branch ------------------------------------------------------
    def _opening(self) -> Iterator[Fault]:
        log = self.log
        row = self.con.execute(_SQL["main_of"].text + " LIMIT 1", {"log": log.ref}).fetchone()
        if kid_of(log.jwk) != log.kid:
            yield self.fault(1, "log", f"its key is not {log.kid}")
        elif row is None or row[0] != 1:
            yield self.fault(1, "missing", "the event that opened this log is gone")
        elif log.staff != (log.kid in self.keys):
            yield self.fault(1, "log", "whether it is the office's own is not what the roster says of its key")
        else:
            try:
                if decode(row[1], _Opening).body.jwk != log.jwk:
                    yield self.fault(1, "log", "another key opened it")
            except Problem as problem:
                yield self.fault(1, "changed", f"its opening cannot be read: {problem.detail}")

    def _walk(self) -> Iterator[Fault | int]:
        log = self.log
        chain, expected = self.chains[0], 1
        for cells in self.con.execute(_SQL["main_of"].text, {"log": log.ref}):
            row = _typed(cells, _Row)
            self.looked.events += 1
            while (loss := self._loss_at(expected)) is not None and not self._stands(expected, chain, row):
                last, chain = loss
                self.chains[last] = chain
                expected = last + 1
            if row.seq > log.through or (row.seq < expected and self._loss_at(row.seq) is not None):
                self.wanted |= {row.seq - 1, row.seq}
                self.loose.setdefault(row.seq, []).append(row)
                if row.seq - 1 == log.through:
                    self.chains[log.through] = chain
                continue
            said = fault_at(expected, chain, row.seq, line_digest(row.raw), row.chain)
            if said is not None:
                yield self.fault(min(expected, row.seq), said, self._why(said, row))
                return
            chain = advance(chain, line_digest(row.raw))
            expected += 1
            if row.seq in self.wanted or row.seq == log.through:
                self.chains[row.seq] = chain
            yield from self._event(row)
            yield row.seq
        while (loss := self._loss_at(expected)) is not None:
            last, chain = loss
            self.chains[last] = chain
            expected = last + 1
        if expected <= log.through:
            yield self.fault(expected, "missing", f"the log counts {log.through} events; its end was cut off")
        elif chain != log.head:
            yield self.fault(log.through, "changed", "the log's head is not the chain value of its last event")

    def _loss_at(self, seq: int) -> tuple[int, bytes] | None:
        """The end of the loss in which `seq` was declared lost, and the chain value after it."""
        return next((loss for first, loss in self.losses.items() if first <= seq <= loss[0]), None)

    def _stands(self, expected: int, chain: bytes, row: _Row) -> bool:
        """True where an event that was declared lost turned up in its place after all."""
        return fault_at(expected, chain, row.seq, line_digest(row.raw), row.chain) is None

    def _why(self, what: What, row: _Row) -> str:
        if what == "missing":
            return f"the next event held is seq {row.seq}"
        if what == "inserted":
            return "no log has an event of this number"
        if row.jws and not row.is_redacted and self._holds(row):
            return "its signature holds, the chain value beside it does not follow on the one before"
        return "its bytes are not those that the chain was made of"

    def _event(self, row: _Row) -> Iterator[Fault]:
        """What is wrong with one event by itself: signature, place, verdict, index."""
        said = said_of(self.con, line_digest(row.raw)) if row.is_redacted else None
        if row.is_redacted and said is None:
            if row.verdict != PARKED:
                yield self.fault(row.seq, "redacted", "its bytes are gone, and nobody redacted it")
            self._uncovered(row)
            return
        try:
            head = _head.decode(said.restated if said is not None else row.raw)
        except UNREADABLE_JSON:
            head = _Head()
        applied = row.verdict == APPLIED
        yield from self._signature(row, head, said)
        if applied and (head.log, head.seq) != (self.log.log, row.seq):
            yield self.fault(row.seq, "misplaced", f"it says it is {head.log}:{head.seq}")
        if applied != (row.position is not None):
            yield self.fault(row.seq, "verdict", "applied, and what counts has a position, and nothing else has")
        if row.job != (self._job(head, row) if applied else None) and not (applied and head.kind in OF_SEVERAL):
            yield self.fault(row.seq, "index", "it is filed under another job than it names")
        if head.kind in NAMEABLE and self._found(row) is None:
            yield self.fault(row.seq, "index", "it cannot be found by its hash")

    def _signature(self, row: _Row, head: _Head, said: EventRedacted | None) -> Iterator[Fault]:
        """What is wrong with who vouches for an event; of one that was redacted its redaction says whose it was."""
        if said is not None and said.kid:
            if said.kid != self.log.kid:
                yield self.fault(row.seq, "redacted", f"it was signed by {said.kid}, says its redaction")
        elif row.jws and not row.is_redacted:
            self.looked.signatures += 1
            if not self._holds(row):
                yield self.fault(row.seq, "bad signature", "its own signature is not this log's key's over its bytes")
        elif row.verdict == APPLIED and (self.log.staff or head.kind in SIGNED):
            yield self.fault(row.seq, "unsigned", "its own signature is gone")
        else:
            self._uncovered(row)

    def _job(self, head: _Head, row: _Row) -> int | None:
        """The number under which an applied event is filed."""
        if head.kind in GLOBAL:
            return EVERYBODY
        if head.kind == "job.opened":
            return self.jobs.get(job_id(b64(line_digest(row.raw))))
        if head.kind == "code.witnessed":
            return None
        return self.jobs.get(head.job, UNMATCHED if head.kind in ORDERS else None)

    def _found(self, row: _Row) -> object:
        return self.index.find(self.con, line_digest(row.raw))

    def _holds(self, row: _Row) -> bool:
        try:
            verify(row.jws or "", row.raw, "ho-event", self.log.jwk)
        except Problem:
            return False
        return True

    def _uncovered(self, row: _Row) -> None:
        """Remember that only a batch can vouch for this event."""
        if row.seq > self.log.through or row.digest:
            return
        if self.unsigned and self.unsigned[-1][1] == row.seq - 1:
            self.unsigned[-1][1] = row.seq
        else:
            self.unsigned.append([row.seq, row.seq])

    # -- what does not stand on it --------------------------------------------
    def _loose(self) -> Iterator[Fault]:
        log = self.log
        for seq in sorted(self.loose):
            for row in self.loose[seq]:
                if row.digest:
                    self.looked.forks += 1
                    if row.digest != line_digest(row.raw):
                        yield self.fault(seq, "changed", "the bytes of another branch are not what they were")
                if row.chain is not None and self._before(row) is None:
                    yield self.fault(seq, "changed", "its chain value follows on nothing that is held")
                if (
                    row.seq == log.through + 1
                    and not row.digest
                    and row.chain is not None
                    and self._before(row) == log.head
                ):
                    yield self.fault(seq, "inserted", "it follows on the log's end, and the log does not count it")
                yield from self._event(row)
        highest = max([log.through, *self.loose])
        if highest != log.highest:
            what: What = "missing" if highest < log.highest else "inserted"
            yield self.fault(min(highest, log.highest) + 1, what, f"the log's highest seq is {log.highest}")

    def _before(self, row: _Row) -> bytes | None:
        """The chain value before this event, of those held."""
        held = [other.chain for other in self.loose.get(row.seq - 1, ())]
        held.append(self.chains.get(row.seq - 1))
        own = line_digest(row.raw)
        return next((chain for chain in held if chain is not None and advance(chain, own) == row.chain), None)

    # -- batches --------------------------------------------------------------
    def _batches(self, batches: Iterable[_Batch]) -> Iterator[Fault]:
        covered: list[tuple[int, int]] = []
        vouched: set[tuple[int, bytes]] = set()
        for batch in batches:
            first, last, base, digests = batch.first, batch.last, batch.base, batch.digests
            self.looked.batches += 1
            what = self._batch(batch)
            if what:
                yield self.fault(first, "batch", f"of {first} to {last}: {what}")
                return
            head = unb64(decode(batch.header, PushHeader).head)
            if digests is None:
                joined = self._join(first, last, base, head, vouched)
                if joined is None:
                    yield self.fault(first, "batch", f"of {first} to {last}: it does not lead to what is held")
                    return
                if joined >= first:
                    covered.append((first, joined))
            else:
                parts = [digests[at : at + 32] for at in range(0, len(digests), 32)]
                chain = base
                for part in parts:
                    chain = advance(chain, part)
                if chain != head or len(parts) != last - first + 1:
                    yield self.fault(first, "batch", f"of {first} to {last}: its digests do not lead to its head")
                    return
                for seq, part in enumerate(parts, first):
                    if not self._has(seq, part):
                        yield self.fault(seq, "missing", f"it came in a batch of {first} to {last}")
                        return
                vouched.update(enumerate(parts, first))
        yield from self._alone(covered, vouched)

    def _batch(self, batch: _Batch) -> str:
        try:
            verify(batch.jws, batch.header, "ho-batch", self.log.jwk)
            header = decode(batch.header, PushHeader)
        except Problem as problem:
            return f"its header does not hold: {problem.detail}"
        said = (header.log, header.from_, header.to, unb64(header.base))
        return (
            ""
            if said == (self.log.log, batch.first, batch.last, batch.base)
            else "its header says otherwise than its row"
        )

    def _has(self, seq: int, own: bytes) -> bool:
        if any(line_digest(row.raw) == own for row in self.loose.get(seq, ())):
            return True
        row = self.con.execute(_LEDGER["main_row"].text, {"log": self.log.ref, "seq": seq}).fetchone()
        return row is not None and line_digest(row[0]) == own

    def _join(self, first: int, last: int, base: bytes, head: bytes, vouched: set[tuple[int, bytes]]) -> int | None:
        """Back from `head` to where the main branch is met (its seq) or `base` (first - 1); None where neither is."""
        seq, chain = last, head
        while seq >= first:
            if self.chains.get(seq) == chain:
                return seq if self.chains.get(first - 1) == base else None
            row = next((one for one in self.loose.get(seq, ()) if one.chain == chain), None)
            before = self._before(row) if row is not None else None
            if row is None or before is None:
                return None
            vouched.add((seq, line_digest(row.raw)))
            seq, chain = seq - 1, before
        return seq if chain == base else None

    def _alone(self, covered: list[tuple[int, int]], vouched: set[tuple[int, bytes]]) -> Iterator[Fault]:
        """Events that nobody signed."""
        spans = iter(sorted(covered))
        upto = 0
        for low, high in self.unsigned:
            seq = low
            while seq <= high:
                while upto < seq:
                    span = next(spans, None)
                    if span is None or span[0] > seq:
                        break
                    upto = max(upto, span[1])
                if upto < seq:
                    yield self.fault(
                        seq, "unsigned", "no signature covers it: no batch of its device, and none of its own"
                    )
                    return
                seq = upto + 1
        for seq in sorted(self.loose):
            for row in self.loose[seq]:
                if not row.jws and (seq, line_digest(row.raw)) not in vouched:
                    yield self.fault(seq, "unsigned", "no batch of its device covers it")
