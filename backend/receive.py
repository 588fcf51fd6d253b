"""What happens to a push inside the writer's transaction: placed, stored whatever it is, then judged.

Received and judged are separate: nothing that is refused, unreadable or early holds up anything else.
"""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from backend.epoch import EPOCH_BYTES, find_out, lost_in_receipt, says
from backend.facts import PARKED, REFUSED
from backend.history import note_caught_up
from backend.losses import loss_at
from backend.office import Office
from backend.reading import Arrived, Held, Line, read_placed
from backend.revoking import reach
from backend.store.sqlite import queries
from backend.writing import Log, Place, Writing
from sync.codec import encode
from sync.events import CUSTODY, Event, LogOpened
from sync.ledger import advance, chain_start, is_hash, line_digest, missing_ranges, place, prev_of
from sync.problems import GAP, NOT_PERMITTED, UNKNOWN_LOG, Problem, catalogue
from sync.protocol import SeqVerdict
from sync.seal import kid_of
from sync.standing import APPLIED, Verdict

log = logging.getLogger(__name__)

_SQL: Final = queries("ledger")
_BLOBS: Final = queries("blobs")
_REDACT: Final = queries("redact")
_REMEDY: Final = {kind.slug: kind.remedy for kind in catalogue()}


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What a push came to. `through` and `head` are what the receipt may say once this is committed.

    `blobs` are those that the pushed events name and that came from this device.
    """

    epoch: str
    log: str
    through: int
    head: bytes
    verdicts: tuple[SeqVerdict, ...]
    missing: tuple[tuple[int, int], ...]
    longer: bool
    fresh: int
    blobs: tuple[str, ...] = ()


def receive(writing: Writing, office: Office, arrived: Arrived, proof: Held | None = None) -> Received:
    """Afterwards every event of the push is stored and has a verdict.

    With `proof`, nothing of the transaction may be committed unless all the signatures of which it tells hold.
    Raises UNKNOWN_LOG where the log was never opened here and does not open in this push, NOT_PERMITTED
    where another key opened it.
    """
    if proof is not None:
        writing.proofs.append(proof)
    held = _log_of(writing, arrived)
    header, lines = arrived.header, arrived.lines
    met = {"kid": arrived.kid, "at": writing.now_ms, "recorded": header.recorded, "oldest": header.oldest}
    writing.con.execute(_SQL["met"].text, met | {"blobs": header.blobs, "wall": header.wall})
    if header.receipt is not None and not says(held, header.receipt):
        named = lost_in_receipt(writing.con, header.receipt, office.signer)
        if named:
            find_out(writing, office.world.token(EPOCH_BYTES), named)
    continues = held.through == held.highest == header.from_ - 1 and held.head == arrived.base
    receiver = _Receiver(writing, office, held)
    writing.settled.clear()  # one that was undone may have left some
    if continues:
        receiver.extend(lines)
    else:
        receiver.fit(arrived)
    if receiver.fresh or not receiver.linked:
        _keep_batch(writing, held, arrived, linked=receiver.linked)
    if not continues:
        receiver.link_pending()
    reach(writing, held)
    if held.through >= header.recorded >= header.to:
        note_caught_up(writing.con, arrived.kid, writing.now_ms)
    if receiver.forked_from:
        office.tell_fork(writing, held, receiver.forked_from)
        log.error("a log was continued twice", extra={"log": held.log, "seq": receiver.forked_from})
    reached = (header.to, lines[-1].chain)
    if not receiver.linked:
        reached = _reached(writing, held, min(held.through, header.to))
    through, head = reached
    return Received(
        epoch=writing.book.epoch,
        log=held.log,
        through=through,
        head=head,
        verdicts=receiver.answer(),
        missing=_missing(writing, held),
        longer=held.highest > max(header.recorded, header.to),
        fresh=receiver.fresh,
        blobs=_blobs_sent(writing, arrived),
    )


def _blobs_sent(writing: Writing, arrived: Arrived) -> tuple[str, ...]:
    """The blobs of the pushed events that this device has sent whole."""
    names = dict.fromkeys(blob.sha256 for line in arrived.lines if line.event is not None for blob in line.event.blobs)
    kids = encode([arrived.kid]).decode()
    return tuple(
        name for name in names if writing.con.execute(_BLOBS["sent_by"].text, {"sha256": name, "kids": kids}).fetchone()
    )


def go_on(writing: Writing, office: Office, held: Log) -> None:
    """Afterwards the log reaches as far as what is held of it, once signed events came to it one by one."""
    receiver = _Receiver(writing, office, held)
    receiver.chain_signed()
    receiver.link_pending()


def _keep_batch(writing: Writing, held: Log, arrived: Arrived, *, linked: bool) -> None:
    """Keep the signed header; with its digests where what it follows is not held, to be fitted in later, once."""
    header = arrived.header
    pending = None if linked else b"".join(line.digest for line in arrived.lines)
    if pending is not None:
        kept = writing.con.execute(_SQL["pending_batches"].text, {"log": held.ref})
        if any((first, base, digests) == (header.from_, arrived.base, pending) for _, first, base, digests in kept):
            return
    row = {"log": held.ref, "first": header.from_, "last": header.to, "base": arrived.base, "jws": arrived.jws}
    more = {"header": arrived.head_raw, "received_at": writing.now_ms, "digests": pending}
    writing.con.execute(_SQL["keep_batch"].text, row | more)


def _log_of(writing: Writing, arrived: Arrived) -> Log:
    held = writing.log(arrived.header.log)
    if held is None:
        first = arrived.lines[0].event
        genesis = first.body if first is not None and first.kid == arrived.kid else None
        if not isinstance(genesis, LogOpened) or kid_of(genesis.jwk) != arrived.kid:
            raise Problem(UNKNOWN_LOG, arrived.header.log)
        held = writing.open_log(arrived.header.log, genesis.jwk, staff=False)
        writing.log_opened(held)
    if held.kid != arrived.kid:
        raise Problem(NOT_PERMITTED, "another key opened this log")
    return held


def _missing(writing: Writing, held: Log) -> tuple[tuple[int, int], ...]:
    if held.highest == held.through:
        return ()
    writing.flush()
    seqs = writing.con.execute(_SQL["seqs_above"].text, {"log": held.ref, "seq": held.through})
    return missing_ranges(held.through, (seq for (seq,) in seqs))


def _reached(writing: Writing, held: Log, seq: int) -> tuple[int, bytes]:
    """`seq` and the chain value there; inside a range that was declared lost, the end of what is held before it."""
    if seq == held.through:
        return seq, held.head
    if seq == 0:
        return 0, chain_start(held.log)
    writing.flush()
    row = writing.con.execute(_SQL["main_row"].text, {"log": held.ref, "seq": seq}).fetchone()
    if row is not None and row[2] is not None:
        return seq, row[2]
    loss = loss_at(writing.con, held.log, seq)
    if loss is None:
        raise LookupError(f"{held.log} has a gap at {seq} that nobody declared")
    first, last, chain = loss
    return (seq, chain) if seq == last else _reached(writing, held, first - 1)


class _Slice:
    """What is held of a log between two seqs, as `place` asks for it."""

    def __init__(self, writing: Writing, held: Log, first: int, last: int) -> None:
        writing.flush()
        where = {"log": held.ref, "first": first, "last": last}
        self._main: dict[int, tuple[bytes, bytes | None]] = {}
        self.bare: set[bytes] = set()
        """Digests of events of which only the hash is here."""
        for seq, raw, chain in writing.con.execute(_SQL["main_slice"].text, where):
            self._main[seq] = (line_digest(raw), chain)
            if is_hash(raw):
                self.bare.add(self._main[seq][0])
        self.forks: dict[int, list[tuple[bytes, bytes | None]]] = {}
        for seq, digest_, chain in writing.con.execute(_SQL["fork_slice"].text, where):
            self.forks.setdefault(seq, []).append((digest_, chain))
        # What was declared lost counts as stored, and what follows it goes on from the chain value after it.
        loss = loss_at(writing.con, held.log, first)
        if loss is not None and loss[1] == first:
            if first not in self._main:
                self._main[first] = (b"", loss[2])
            else:
                self.forks.setdefault(first, []).append((b"", loss[2]))

    def main(self, seq: int) -> tuple[bytes, bytes | None] | None:
        return self._main.get(seq)

    def forked(self, seq: int) -> frozenset[bytes]:
        return frozenset(chain for _, chain in self.forks.get(seq, ()) if chain is not None)

    def has_fork(self, seq: int, digest_: bytes) -> bool:
        return any(held == digest_ for held, _ in self.forks.get(seq, ()))


class _Receiver:
    """One push into one log: collects verdicts, and what was new or forked."""

    def __init__(self, writing: Writing, office: Office, held: Log) -> None:
        self.writing = writing
        self.office = office
        self.held = held
        self.verdicts: list[SeqVerdict] = []
        self._waiting: list[tuple[int, Place]] = []
        self.linked = True
        self.fresh = 0
        self.forked_from = 0

    def extend(self, lines: Sequence[Line]) -> None:
        """The push goes on where the log ends: nothing to compare, nothing that could be held."""
        held = self.held
        before = held.head
        for line in lines:
            where = Place(held.ref, line.seq)
            verdict = self._store(line, where, line.chain, before)
            if verdict is APPLIED and not (self.forked_from or held.forked_at):
                self.verdicts.append(SeqVerdict(seq=line.seq, verdict="applied"))
            else:
                self._tell(line.seq, where, verdict)
            before = line.chain
        held.through = held.highest = lines[-1].seq
        held.head = before
        held.changed = True

    def fit(self, arrived: Arrived) -> None:
        """The general case: duplicates, gaps, other branches."""
        held, lines = self.held, arrived.lines
        there = _Slice(self.writing, held, arrived.header.from_ - 1, arrived.header.to)
        placed = place(there, arrived.header.from_, arrived.base, [line.raw for line in lines], held.log)
        self.linked = placed[0].chain is not None
        before = arrived.base
        for line, one in zip(lines, placed, strict=True):
            main = there.main(line.seq)
            on_fork = one.how == "forked" or there.has_fork(line.seq, one.digest)
            where = Place(held.ref, line.seq, one.digest if on_fork else b"")
            is_held = there.has_fork(line.seq, one.digest) if on_fork else main is not None
            if on_fork:
                self._fork(line.seq)
            if is_held and line.event is not None:
                self._check_prev(line.event, one.chain, before)
            if is_held and (on_fork or one.digest in there.bare):
                self._fill(line, where)
            verdict = self._again(where, one.chain) if is_held else self._store(line, where, one.chain, before)
            self._tell(line.seq, where, verdict, duplicate=is_held)
            held.reach(line.seq)
            before = line.chain
        self._advance()

    def _tell(self, seq: int, where: Place, verdict: Verdict, *, duplicate: bool = False) -> None:
        if verdict.word in ("parked", "quarantined"):
            self._waiting.append((len(self.verdicts), where))
        self.verdicts.append(tell(seq, verdict, duplicate=duplicate, forked=self._is_forked(seq)))

    def answer(self) -> tuple[SeqVerdict, ...]:
        """What the push is told, as it stands at its end: what waited may have gone on by what came after it."""
        for index, where in self._waiting:
            if verdict := self.writing.settled.get(where):
                said = self.verdicts[index]
                self.verdicts[index] = tell(said.seq, verdict, duplicate=said.duplicate, forked=said.forked)
        return tuple(self.verdicts)

    def _store(self, line: Line, where: Place, chain: bytes | None, before: bytes) -> Verdict:
        """An event that was not held, kept whatever it is; `before` is the chain value before it by its batch."""
        self.fresh += 1
        found = _read(self.writing, line, where)
        event, verdict = (None, found) if isinstance(found, Verdict) else (found, None)
        if event is not None:
            self._check_prev(event, chain, before)
            if chain is None and not event.kid:
                verdict = self.writing.gap_before(self.held.log, line.seq)
        return self.writing.append(where, line.raw, chain, line.jws, event=event, verdict=verdict, digest_=line.digest)

    def _fill(self, line: Line, where: Place) -> None:
        """Afterwards an event of which only the hash was here is, unless it was redacted, and judged if it waited."""
        raw, jws = self.writing.facts.row(where.log, where.seq, where.digest)
        if is_hash(line.raw) or not is_hash(raw) or self.writing.book.redactions.said(line.digest) is not None:
            return
        row = where.names() | {"bytes": line.raw, "jws": line.jws or jws}
        self.writing.con.execute(_REDACT["fill_fork" if where.digest else "fill_main"].text, row)
        self.writing.filled(where, line.digest, _read(self.writing, line, where))

    def _again(self, where: Place, chain: bytes | None) -> Verdict:
        """An event that is held byte for byte: the verdict it has, unless what it waited for is this chain value."""
        writing = self.writing
        name = "fork_row" if where.digest else "main_row"
        writing.flush()
        _, _, kept, _, word, _, _ = writing.con.execute(_SQL[name].text, where.names()).fetchone()
        if chain is not None and kept is None:
            row = where.names() | {"chain": chain}
            writing.con.execute(_SQL["fork_chain" if where.digest else "main_chain"].text, row)
            if word == PARKED and writing.verdict_at(where, word).code == GAP.slug:
                return writing.judge_again(where)
        return writing.verdict_at(where, word)

    def _check_prev(self, event: Event, chain: bytes | None, before: bytes) -> None:
        """A custody event says what came before it; where its place is known and it says otherwise, that is a fork."""
        if event.prev and chain is not None and event.kind in CUSTODY and event.prev != prev_of(before):
            self._fork(event.seq)

    def _fork(self, seq: int) -> None:
        self.forked_from = min(self.forked_from or seq, seq)

    def _is_forked(self, seq: int) -> bool:
        """From the lowest seq in dispute on every event is told so, whichever branch its device is on."""
        return seq >= min(self.forked_from or seq + 1, self.held.forked_at or seq + 1)

    def _advance(self) -> None:
        """Afterwards `through` and `head` are at the end of what is held and chained without a gap."""
        held = self.held
        self._advance_held()
        while (loss := loss_at(self.writing.con, held.log, held.through + 1)) is not None:
            _, held.through, held.head = loss
            held.reach(held.through)
            held.changed = True
            self._advance_held()

    def _advance_held(self) -> None:
        held = self.held
        if held.through == held.highest:
            return
        where = {"log": held.ref, "seq": held.through}
        self.writing.flush()
        for seq, chain, raw in self.writing.con.execute(_SQL["chains_above"].text, where):
            # A row may stand on another branch: it had come first under its name, and its chain was found later.
            if seq != held.through + 1 or chain != advance(held.head, line_digest(raw)):
                break
            held.through, held.head, held.changed = seq, chain, True

    def chain_signed(self) -> None:
        """Events that came by themselves, each signed, are chained where they follow what is held without a gap."""
        held, con = self.held, self.writing.con
        self._advance()
        while held.through < held.highest:
            seq = held.through + 1
            self.writing.flush()
            row = con.execute(_SQL["main_row"].text, {"log": held.ref, "seq": seq}).fetchone()
            if row is None or row[2] is not None or row[6] is None:
                return
            event = self._signed_at(Place(held.ref, seq), row[0], row[6]) if row[4] != REFUSED else None
            if event is not None and event.prev and event.prev != prev_of(held.head):
                return  # it stands on another branch
            chain = advance(held.head, line_digest(row[0]))
            con.execute(_SQL["main_chain"].text, {"log": held.ref, "seq": seq, "chain": chain})
            self._advance()

    def _signed_at(self, place: Place, raw: bytes, jws: str) -> Event | None:
        """The event that came by itself to this place; None where only its hash did, and nobody knows what is left."""
        if is_hash(raw):
            left = self.writing.left_of(place, raw)
            return None if isinstance(left, Verdict) else left
        return read_placed(raw, jws, self.held.log, place.seq, self.held.jwk)

    def link_pending(self) -> None:
        """Batches that came too early are fitted in, as far as what they follow is held now."""
        while self._link_one():
            pass

    def _link_one(self) -> bool:
        writing, held = self.writing, self.held
        for id_, first, base, digests in writing.con.execute(
            _SQL["pending_batches"].text, {"log": held.ref}
        ).fetchall():
            count = len(digests) // 32
            there = _Slice(writing, held, first - 1, first + count - 1)
            main = there.main(first - 1)
            before = chain_start(held.log) if first == 1 else main and main[1]
            if base != before and base not in there.forked(first - 1):
                continue
            self._link(first, base, [digests[at * 32 : at * 32 + 32] for at in range(count)], there)
            writing.con.execute(_SQL["batch_linked"].text, {"id": id_})
            return True
        return False

    def _link(self, first: int, base: bytes, digests: list[bytes], there: "_Slice") -> None:
        chain = base
        for seq, digest_ in enumerate(digests, first):
            before, chain = chain, advance(chain, digest_)
            main = there.main(seq)
            on_main = main is not None and main[0] == digest_
            where = Place(self.held.ref, seq, b"" if on_main else digest_)
            raw, jws = self.writing.facts.row(where.log, seq, where.digest)
            event = self._signed_at(where, raw, jws) if jws else None
            if event is not None:
                self._check_prev(event, chain, before)
            self._again(where, chain)
        self._advance()


def _read(writing: Writing, line: Line, where: Place) -> Event | Verdict:
    """The event that came to this place, or the verdict that says why there is none to be judged."""
    if line.event is not None:
        return line.event
    if line.problem is not None:
        return Verdict(word="refused", code=line.problem.kind.slug, detail=line.problem.detail)
    return writing.left_of(where, line.raw)


def tell(seq: int, verdict: Verdict, *, duplicate: bool = False, forked: bool = False) -> SeqVerdict:
    """A verdict as the wire says it."""
    if verdict.word == "applied":
        return SeqVerdict(seq=seq, verdict="applied", duplicate=duplicate, forked=forked)
    return SeqVerdict(
        seq=seq,
        verdict=verdict.word,
        code=verdict.code,
        detail=verdict.detail,
        remedy=_REMEDY.get(verdict.code, ""),
        waits_for=verdict.waits_for,
        duplicate=duplicate,
        forked=forked,
    )
