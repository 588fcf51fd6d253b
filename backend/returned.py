"""What devices give back to a backend that was restored: documents, and events that carry a signature of their own.

What verifies is filed under its own name, as if it had never been gone; each line for itself, so that a bad one
holds up no other. Of two documents with one version, what either gives counts, so both are kept.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from backend.documents import Kept
from backend.epoch import office_keys
from backend.intake import Door
from backend.keys import add_backend_key, bind, end_key, enrolled
from backend.losses import note_promise
from backend.master import DEVICE, DeviceRow, find, forget_names, put
from backend.office import BACKEND
from backend.reach import note_devices
from backend.reading import read_placed
from backend.receive import go_on
from backend.revoking import reach, widen
from backend.store.sqlite import queries
from backend.witness import file_signed
from backend.writing import Log, Writing
from sync.codec import decode, read_envelope
from sync.events import DeviceRevoked, Event, LogForked, LogOpened
from sync.ledger import is_hash, line_digest
from sync.policy import Document, Names, Policy, Roster, TimeAnchor, key_of
from sync.problems import BAD_SIGNATURE, MISPLACED, RESTATEMENT_MISSING, UNKNOWN_KEY, UNKNOWN_LOG, UNREADABLE, Problem
from sync.protocol import (
    LineProblem,
    PulledDocument,
    PulledEvent,
    Receipt,
    ReturnReply,
    read_document,
    read_line,
)
from sync.redaction import read_restated
from sync.seal import kid_in, kid_of, typ_in, verify

_SQL: Final = queries("restore")


class _Opened(msgspec.Struct, frozen=True):
    body: LogOpened


def take_back(door: Door, writing: Writing, rows: Sequence[bytes]) -> ReturnReply:
    """Afterwards each line that verifies is held; documents that went beyond ours have a successor above both."""
    taking = _Taking(door, writing)
    taken = 0
    problems: list[LineProblem] = []
    later: list[tuple[int, bytes]] = []
    for number, row in enumerate(rows, 1):
        try:
            taken += taking.line(row)
        except Problem as problem:
            if problem.kind is RESTATEMENT_MISSING:
                later.append((number, row))
            else:
                problems.append(_said(number, problem))
    for number, row in later:  # what restates it may have stood after it
        try:
            taken += taking.line(row)
        except Problem as problem:
            problems.append(_said(number, problem))
    taking.end()
    return ReturnReply(epoch=writing.book.epoch, lines=len(rows), taken=taken, problems=tuple(problems))


def _said(number: int, problem: Problem) -> LineProblem:
    return LineProblem(line=number, code=problem.kind.slug, detail=problem.detail)


class _Taking:
    """One request's lines being taken back."""

    def __init__(self, door: Door, writing: Writing) -> None:
        self.door = door
        self.writing = writing
        self.keys = office_keys(writing.con, door.signer)
        self.rosters = False
        self.above: dict[str, Document] = {}
        self.logs: dict[str, Log] = {}
        self.revoked: list[Event] = []

    def line(self, row: bytes) -> bool:
        """True if what the line says was not held and is now."""
        match read_line(row):
            case PulledDocument(raw, jws):
                return self._receipt(raw, jws) if typ_in(jws) == "ho-receipt" else self._document(raw, jws)
            case PulledEvent(_, _, raw, jws) if jws:
                return self._restated(raw, jws) if is_hash(raw) else self._event(raw, jws)
        raise Problem(UNREADABLE, "only documents and events with a signature of their own are given back")

    # -- documents ------------------------------------------------------------
    def _verified(self, raw: bytes, jws: str, typ: str) -> None:
        jwk = self.keys.get(kid_in(jws))
        if jwk is None:
            raise Problem(BAD_SIGNATURE, "no key of this backend signed it")
        verify(jws, raw, "ho-receipt" if typ == "ho-receipt" else "ho-doc", jwk)

    def _receipt(self, raw: bytes, jws: str) -> bool:
        receipt = decode(raw, Receipt, "receipt")
        log = self.writing.log(receipt.log)
        if log is not None and not log.staff:
            raise Problem(MISPLACED, "a device shows the receipts of its own log itself")
        self._verified(raw, jws, "ho-receipt")
        return note_promise(self.writing, receipt)

    def _document(self, raw: bytes, jws: str) -> bool:
        document = read_document(raw)
        if isinstance(document, TimeAnchor):
            return False
        documents = self.writing.documents
        if documents.is_held(document, raw):
            return False
        self._verified(raw, jws, "ho-doc")
        before = documents.newest(key_of(document))
        version = before[1].version if before is not None else 0
        if isinstance(document, Names):
            if document.version < version:
                return False
            forget_names(self.writing.con, document)
        kept: Kept = documents.keep(document, raw, jws, self.writing.next_position)
        if isinstance(document, Roster):
            self.rosters |= self._adopt(document) or document.version >= version
            self.keys |= {kid_of(jwk): jwk for jwk in document.keys}
        elif document.version >= version:
            ours = before is not None and version == document.version
            self.above[kept.key] = before[1] if ours and before is not None else document
        self.writing.release(f"{kept.key} {kept.reference}")
        return True

    def _adopt(self, roster: Roster) -> bool:
        """Afterwards every key on a lost roster is listed here, a revoked one as such; True if something was news.

        Of people this backend's own last word counts.
        """
        con, now_ms = self.writing.con, self.writing.now_ms
        known = {key.kid: key for key in enrolled(con)}
        news = False
        for one in roster.devices:
            kid = kid_of(one.jwk)
            if kid not in known:
                news = True
                bind(con, one.id, one.jwk, now_ms)
                if find(con, DEVICE, one.id) is None:
                    row = DeviceRow(people=one.people, valid_from=one.valid_from, valid_until=one.valid_until)
                    put(con, DEVICE, one.id, row, by=BACKEND, now_ms=now_ms)
            if one.revoked and (kid not in known or known[kid].revoked != one.revoked):
                news = True
                end_key(con, kid, one.revoked)
        for jwk in roster.keys:
            add_backend_key(con, jwk, now_ms)
        return news

    def end(self) -> None:
        """Afterwards the successors are issued, and logs go on as far as what came back reaches."""
        writing = self.writing
        documents = writing.documents
        for event in self.revoked:
            widen(writing, self.door.office, event)
        if (self.rosters or self.revoked) and writing.issue(documents.roster_now(), above=True):
            note_devices(writing)
        for draft in self.above.values():
            writing.issue(documents.names_now() if isinstance(draft, Names) else _issuable(draft), above=True)
        for log in self.logs.values():
            go_on(writing, self.door.office, log)
            reach(writing, log)

    # -- events ---------------------------------------------------------------
    def _event(self, raw: bytes, jws: str) -> bool:
        envelope = read_envelope(raw)
        log = self.writing.log(envelope.log)
        if log is None:
            if envelope.kind != "log.opened":
                raise Problem(UNKNOWN_LOG, envelope.log)
            log = self._open(envelope.log, raw, jws)
        return self._file(log, raw, jws, read_placed(raw, jws, log.log, envelope.seq, log.jwk))

    def _file(self, log: Log, raw: bytes, jws: str, event: Event) -> bool:
        is_new = file_signed(self.writing, self.door.office, log, raw, jws, event)
        if is_new:
            self.logs[log.log] = log
            self._note_fork(event)
            if isinstance(event.body, DeviceRevoked):
                self.revoked.append(event)
        return is_new

    def _restated(self, line: bytes, jws: str) -> bool:
        """The same of one that was redacted: the office's word says what is left of it, and whose signature it had."""
        said = self.writing.book.redactions.said(line_digest(line))
        if said is None:
            raise Problem(RESTATEMENT_MISSING, line.decode("ascii"))
        event = read_restated(said.restated, said.event, said.kid)
        log = self.writing.log(event.log)
        if log is None:
            raise Problem(UNKNOWN_LOG, event.log)
        if not said.kid or not said.kid == log.kid == kid_in(jws):
            raise Problem(BAD_SIGNATURE, f"it was not signed by {log.kid}")
        return self._file(log, line, jws, event)

    def _open(self, name: str, raw: bytes, jws: str) -> Log:
        """The log that this genesis opens, of the office or of a device that is listed."""
        jwk = decode(raw, _Opened, "genesis").body.jwk
        kid = kid_of(jwk)
        verify(jws, raw, "ho-event", jwk)
        staff = kid in self.keys
        if not staff and self.writing.documents.roster()[1].device(kid) is None and not self._is_listed(kid):
            raise Problem(UNKNOWN_KEY, kid)
        log = self.writing.open_log(name, jwk, staff=staff)
        self.writing.log_opened(log)
        return log

    def _is_listed(self, kid: str) -> bool:
        return any(key.kid == kid for key in enrolled(self.writing.con))

    def _note_fork(self, event: Event) -> None:
        """What the office had said of a fork before is not said again."""
        if isinstance(event.body, LogForked):
            log = self.writing.log(event.body.log)
            if log is not None and not 0 < log.forked_at <= event.body.seq:
                log.forked_at = event.body.seq
                log.changed = True


def _issuable(document: Document) -> Roster | Policy | Names:
    if isinstance(document, TimeAnchor):
        raise TypeError("the time is no document that is issued above another")
    return document
