"""Whether a device's database holds what was recorded and pulled, byte for byte; if not, the first bad event is named.

It is opened for reading alone, beside an agent that may be running, and nothing of it is changed or mended.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from device.store import redactions
from device.store.sqlite import FILE, migrate, statements
from sync.codec import UNREADABLE_JSON, decode, read_event
from sync.events import SIGNED, EventRedacted, LogOpened
from sync.ids import b64, event_name
from sync.ledger import advance, chain_start, fault_at, is_hash, line_digest
from sync.policy import Roster, key_of, reference
from sync.problems import DAMAGED_STORE, NO_FILE, Problem
from sync.protocol import Receipt, Sealed, chain_text, read_document
from sync.seal import Jwk, kid_in, kid_of, verify

T = TypeVar("T")
_sql: Final = statements("verify")
MOST_TOLD: Final = 100
_UNREADABLE: Final = (sqlite3.DatabaseError, UnicodeError, msgspec.ValidationError)
_FORM: Final = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was: `where` names it, `log:seq` for an event; `what` says of which sort it is."""

    where: str
    what: str
    detail: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.where}: {self.what}: {self.detail}"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `receipts` are the newest of each log: a backend that lacks what they say is found by them."""

    ok: bool
    logs: int
    events: int
    pulled: int
    documents: int
    first: Fault | None = None
    faults: tuple[Fault, ...] = ()
    receipts: tuple[Sealed, ...] = ()


class _Row(msgspec.Struct, frozen=True, array_like=True):
    seq: int
    raw: bytes
    chain: bytes
    jws: str


class _Head(msgspec.Struct, frozen=True):
    log: str = ""
    seq: int = 0
    kind: str = ""


class _Opening(msgspec.Struct, frozen=True):
    body: LogOpened


_head: Final = msgspec.json.Decoder(_Head)


def verify_device(directory: Path) -> Report:
    """What is wrong with the database in a device's folder, its own logs first; at most 100 faults are named.

    Raises NO_FILE where there is none, DAMAGED_STORE where it is no database at all.
    """
    path = directory / FILE
    if not path.is_file():
        raise Problem(NO_FILE, "no device was enrolled here", str(path))
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as con:
        look = _Look(con)
        try:
            con.execute("PRAGMA query_only = ON")
            con.execute("PRAGMA cell_size_check = ON")
            con.execute("BEGIN")
            con.execute("SELECT count(*) FROM sqlite_master").fetchone()
            faults = tuple(islice(look.faults(), MOST_TOLD))
        except _UNREADABLE as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
                raise Problem(DAMAGED_STORE, str(error), str(path)) from error
            faults = (Fault(where="the file", what="file", detail=str(error)),)
    return Report(
        ok=not faults,
        logs=look.logs,
        events=look.events,
        pulled=look.pulled,
        documents=look.documents,
        first=faults[0] if faults else None,
        faults=faults,
        receipts=tuple(look.receipts),
    )


class _Look:
    def __init__(self, con: sqlite3.Connection) -> None:
        self.con = con
        self.logs = self.events = self.pulled = self.documents = 0
        self.receipts: list[Sealed] = []
        self.office: dict[str, Jwk] = {}
        self.keys: dict[str, Jwk] = {}
        """Keys that sign events: of devices on a roster held here, of the backend, and this device's own."""

    def faults(self) -> Iterator[Fault]:
        """All that is wrong; what rests on something broken is not looked at."""
        yield from (broken := list(_guarded(self._form())))
        if broken:
            return
        pages = list(_guarded(self._pages()))
        yield from (broken := list(_guarded(self._own())))
        yield from pages
        for step in (self._documents(), self._pulled()):
            if not (pages or broken):
                yield from (broken := list(_guarded(step)))

    def _form(self) -> Iterator[Fault]:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
            migrate(made)
            wanted = set(made.execute(_FORM))
        for name, _ in sorted(wanted ^ set(self.con.execute(_FORM)), key=str):
            yield Fault(where=str(name), what="file", detail="this table or index is not as this software makes it")

    def _pages(self) -> Iterator[Fault]:
        for (said,) in self.con.execute("PRAGMA integrity_check(10)"):
            if said != "ok":
                yield Fault(where="the file", what="file", detail=said)

    # -- own logs -------------------------------------------------------------
    def _own(self) -> Iterator[Fault]:
        (epoch,) = _typed(self.con.execute(_sql["epoch"]).fetchone(), tuple[str])
        erased = {log for (log,) in self.con.execute(_sql["erased"])}
        for cells in self.con.execute(_sql["logs"]).fetchall():
            number, log, kid, keys = _typed(cells, tuple[int, str, str, str])
            self.logs += 1
            try:
                office = {kid_of(jwk): jwk for jwk in decode(keys, tuple[Jwk, ...])}
                self.office |= office
                if number not in erased:
                    yield from islice(self._log(number, log, kid, epoch), 1)
            except Problem as problem:
                yield Fault(where=log, what="log", detail=f"what is kept of it cannot be read: {problem.detail}")
        for number, seq in self.con.execute(_sql["homeless"]):
            yield Fault(where=f"log number {number}, seq {seq}", what="missing", detail="its log or its event is gone")

    def _log(self, number: int, log: str, kid: str, epoch: str) -> Iterator[Fault]:
        chain, expected = chain_start(log), 1
        wanted = [_typed(row, Receipted) for row in self.con.execute(_sql["receipts"], {"log": number})]
        heads = {receipt.through for receipt in wanted}
        chains = {0: chain}
        jwk: Jwk | None = None
        try:
            for cells in self.con.execute(_sql["events"], {"log": number}):
                row = _typed(cells, _Row)
                self.events += 1
                own = line_digest(row.raw)
                said = fault_at(expected, chain, row.seq, own, row.chain)
                if said is not None:
                    gone = said == "missing"
                    detail = f"the next event held is seq {row.seq}" if gone else "it is not what was recorded"
                    yield Fault(where=event_name(log, min(expected, row.seq)), what=said, detail=detail)
                    return
                chain = advance(chain, own)
                if row.seq in heads:
                    chains[row.seq] = chain
                if row.seq == 1:
                    jwk = _key_in(row.raw, kid)
                yield from (
                    self._redacted(event_name(log, row.seq), row.raw) if is_hash(row.raw) else _signed(log, row, jwk)
                )
                expected += 1
        except _UNREADABLE as error:
            detail = f"from here on the log cannot be read: {error}"
            yield Fault(where=event_name(log, expected), what="file", detail=detail)
            return
        if jwk is not None:
            self.keys[kid] = jwk
        for receipt in wanted:
            yield from self._receipt(log, receipt, expected - 1, chains)
        covered = max((one.through for one in wanted if one.epoch == epoch), default=0)
        yield from self._outbox(number, log, expected - 1, covered)

    def _redacted(self, where: str, line: bytes) -> Iterator[Fault]:
        """Nothing where the office says what is left of an event whose bytes are gone."""
        hash_ = line.decode("ascii")
        said = redactions.said_of(self.con, hash_)
        for raw, jws in self.con.execute(_sql["redactions"], {"hash": line}):
            try:
                body = read_event(raw).body
                verify(jws, raw, "ho-event", self.office[kid_in(jws)])
            except (Problem, KeyError):
                continue
            if isinstance(body, EventRedacted) and body == said:
                return
        yield Fault(where=where, what="redacted", detail="its bytes are gone, and the office did not sign what is left")

    def _receipt(self, log: str, kept: "Receipted", recorded: int, chains: Mapping[int, bytes]) -> Iterator[Fault]:
        """A receipt that does not hold, or that covers more than is here: the end was cut off then."""
        where = f"receipt for {log} in {kept.epoch}"
        try:
            receipt = decode(kept.text, Receipt, "receipt")
            kid = kid_in(kept.jws)
            if kid not in self.office:
                yield Fault(where=where, what="receipt", detail=f"{kid} is no key of the backend")
                return
            verify(kept.jws, kept.text.encode(), "ho-receipt", self.office[kid])
        except Problem as problem:
            yield Fault(where=where, what="receipt", detail=problem.detail)
            return
        if (receipt.log, receipt.epoch, receipt.received_through) != (log, kept.epoch, kept.through):
            yield Fault(where=where, what="receipt", detail="it says otherwise than its row")
        elif kept.through > recorded:
            detail = f"a receipt covers 1 to {kept.through}; its end was cut off"
            yield Fault(where=event_name(log, recorded + 1), what="missing", detail=detail)
        elif receipt.head != chain_text(chains[kept.through]):
            detail = "a receipt names another chain value here"
            yield Fault(where=event_name(log, kept.through), what="changed", detail=detail)
        else:
            self.receipts.append(Sealed(text=kept.text, jws=kept.jws))

    def _outbox(self, number: int, log: str, recorded: int, covered: int) -> Iterator[Fault]:
        """What no receipt covers has to be sent: it stands in the outbox."""
        waiting = {seq for (seq,) in self.con.execute(_sql["outbox"], {"log": number})}
        for seq in range(covered + 1, recorded + 1):
            if seq not in waiting:
                detail = "no receipt covers it, and it is not in the outbox: it would never be sent"
                yield Fault(where=event_name(log, seq), what="outbox", detail=detail)
                return

    # -- what was pulled ------------------------------------------------------
    def _documents(self) -> Iterator[Fault]:
        for cells in self.con.execute(_sql["documents"]):
            name, version, said, raw, jws = _typed(cells, tuple[str, int, str, bytes, str])
            self.documents += 1
            where = f"document {name} {said}"
            try:
                kid = kid_in(jws)
                document = read_document(raw)
                if kid not in self.office:
                    yield Fault(where=where, what="document", detail=f"{kid} is no key of the backend")
                    continue
                verify(jws, raw, "ho-doc", self.office[kid])
            except Problem as problem:
                yield Fault(where=where, what="document", detail=problem.detail)
                continue
            if (key_of(document), document.version, reference(version, raw)) != (name, version, said):
                yield Fault(where=where, what="document", detail="it says it is another one")
            if isinstance(document, Roster):
                self.keys |= {kid_of(device.jwk): device.jwk for device in document.devices}
                self.keys |= {kid_of(jwk): jwk for jwk in document.keys}

    def _pulled(self) -> Iterator[Fault]:
        for cells in self.con.execute(_sql["pulled"]):
            arrival, hash_, raw, jws = _typed(cells, tuple[int, str, bytes, str])
            self.pulled += 1
            where = _where(raw) or f"pulled event {arrival}"
            if b64(line_digest(raw)) != hash_:
                yield Fault(where=where, what="changed", detail="its bytes are not those that were pulled")
            elif jws and not is_hash(raw):
                yield from self._foreign(where, raw, jws)

    def _foreign(self, where: str, raw: bytes, jws: str) -> Iterable[Fault]:
        try:
            kid = kid_in(jws)
            if kid in self.keys:  # else it came before the roster that lists its device
                verify(jws, raw, "ho-event", self.keys[kid])
        except Problem as problem:
            yield Fault(where=where, what="bad signature", detail=problem.detail)


class Receipted(msgspec.Struct, frozen=True, array_like=True):
    """A receipt as it is kept."""

    epoch: str
    through: int
    text: str
    jws: str


def _typed(cells: object, shape: type[T]) -> T:
    """A row as it should be: a damaged page may give anything for a cell."""
    return msgspec.convert(cells, shape, builtin_types=(bytes,))


def _guarded(faults: Iterator[Fault]) -> Iterator[Fault]:
    try:
        yield from faults
    except _UNREADABLE as error:
        yield Fault(where="the file", what="file", detail=str(error))


def _key_in(raw: bytes, kid: str) -> Jwk | None:
    """The key that a genesis names, if it is the log's."""
    try:
        jwk = decode(raw, _Opening).body.jwk
    except Problem:
        return None
    return jwk if kid_of(jwk) == kid else None


def _signed(log: str, row: _Row, jwk: Jwk | None) -> Iterator[Fault]:
    where = event_name(log, row.seq)
    if jwk is None:
        yield Fault(where=event_name(log, 1), what="changed", detail="it does not open the log with the log's key")
        return
    try:
        head = _head.decode(row.raw)
    except UNREADABLE_JSON:
        head = _Head()
    if (head.log, head.seq) != (log, row.seq):
        yield Fault(where=where, what="misplaced", detail=f"it says it is {head.log}:{head.seq}")
    elif head.kind in SIGNED and not row.jws:
        yield Fault(where=where, what="unsigned", detail="its own signature is gone")
    elif row.jws:
        try:
            verify(row.jws, row.raw, "ho-event", jwk)
        except Problem as problem:
            yield Fault(where=where, what="bad signature", detail=problem.detail)


def _where(raw: bytes) -> str:
    try:
        head = _head.decode(raw)
    except UNREADABLE_JSON:
        return ""
    return event_name(head.log, head.seq) if head.log else ""
