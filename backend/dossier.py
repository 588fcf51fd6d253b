"""All that there is about one handover: its events as they were signed, what they rest on, and what became of it."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from backend.documents import Documents
from backend.epoch import office_keys
from backend.exhibits import Batch, Bytes, Dossier, Exhibit, SignedDocument, Witness
from backend.facts import DIGEST_BYTES, Facts, JobFacts
from backend.flagging import document_flags
from backend.key import SEED_BYTES
from backend.keys import enrolled
from backend.master import SITE, find
from backend.naming import HashIndex
from backend.redactions import read_row, said_of
from backend.store.sqlite import queries
from backend.times import bounds_of, received_of
from backend.views import reaches_person
from backend.writing import Log
from sync.codec import decode, read_event
from sync.custody import Case
from sync.events import (
    Accepted,
    Confirmed,
    Escalated,
    Event,
    Fact,
    JobOpened,
    Offered,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.events import Custody as Signed
from sync.handover import Handover
from sync.ids import b64, digest, unb64
from sync.journey import journey
from sync.ledger import advance, chain_start, is_hash, line_digest
from sync.policy import Names, Roster
from sync.problems import NOT_FOUND, Problem
from sync.protocol import read_document
from sync.qr import decode_frame
from sync.seal import Signer

_SQL: Final = queries("proof")
_BLOBS: Final = queries("blobs")
_LEDGER: Final = queries("ledger")
_OFFICE: Final = queries("office")
_REDACT: Final = queries("redact")
MOST_EVENTS: Final = 60_000


def find_dossier(con: sqlite3.Connection, hash_: str, keys: Iterable[str] | None = None) -> Dossier:
    """What is held about the handover that the event with this hash belongs to: an offer, an answer, a reassignment.

    NOT_FOUND where there is none, none that counts, or none that `keys` reach (where given): the same answer.
    """
    return _Reader(con).find(hash_, keys)


def find_exhibit(con: sqlite3.Connection, job: str, hash_: str, keys: Iterable[str]) -> Bytes:
    """One event of a job down to its bytes; NOT_FOUND where there is none, or none that these keys reach."""
    return _Reader(con).bytes_of(job, hash_, keys)


class _Reader:
    def __init__(self, con: sqlite3.Connection) -> None:
        self.con = con
        documents = Documents(Signer(bytes(SEED_BYTES)))  # it is asked for documents only, and signs none
        self.facts = Facts(documents, MOST_EVENTS)
        self.facts.con = documents.con = con
        self.index = HashIndex()
        self.logs: dict[int, Log] = {}

    def find(self, hash_: str, keys: Iterable[str] | None) -> Dossier:
        facts = self._facts(hash_)
        if facts is None or (keys is not None and not reaches_person(self.con, keys, [facts.ref])):
            raise Problem(NOT_FOUND, f"handover {hash_[:50]}")
        events = {one.event.hash: one.event for one in facts.standings}
        body = events[hash_].body if hash_ in events else None
        match body:
            case Offered() | Reassigned():
                subject = hash_
            case Accepted() | Refused() | Withdrawn() | Confirmed() | Escalated():
                subject = body.offer
            case _:
                raise Problem(NOT_FOUND, f"handover {hash_[:50]}")
        return self._dossier(facts, events, subject)

    def bytes_of(self, job: str, hash_: str, keys: Iterable[str]) -> Bytes:
        facts = self.facts.job(job)
        if facts is None or not reaches_person(self.con, keys, [facts.ref]):
            raise Problem(NOT_FOUND, f"job {job[:40]}")
        found = [
            (one.event, at) for one, at in zip(facts.standings, facts.positions, strict=True) if one.event.hash == hash_
        ]
        if not found:
            raise Problem(NOT_FOUND, f"event {hash_[:50]}")
        event, position = found[0]
        exhibit, log = self._exhibit(event), self._log(event.log)
        owner = self._owners([self._opening(log)]).get(log.kid, "")
        device = "" if log.kid in office_keys(self.con) else owner
        return Bytes(exhibit=exhibit, position=position, jwk=log.jwk, device=device)

    def _facts(self, hash_: str) -> JobFacts | None:
        try:
            found = self.index.find(self.con, unb64(hash_))
        except Problem:
            return None
        if found is None or len(unb64(hash_)) != DIGEST_BYTES:
            return None
        ref, seq, forked = found
        at = {"log": ref, "seq": seq, "digest": unb64(hash_)}
        row = self.con.execute(_LEDGER["fork_row" if forked else "main_row"].text, at).fetchone()
        return self.facts.job_of(row[5]) if row is not None and row[5] and row[5] > 0 else None

    def _dossier(self, facts: JobFacts, events: dict[str, Event], subject: str) -> Dossier:
        policies = self.facts.policies_of(facts)
        found = journey(facts.job, facts.standings, policies, self.facts.doubts())
        handover = next((one for one in found.handovers if one.offer.hash == subject), None)
        cases = tuple(case for case in found.custody.cases if self._touches(case, subject, handover))
        about = {subject, *_answers(handover), *_of_cases(cases, events), *_moves(events[subject].body, events)}
        wanted = self._closure(about, events)
        order = dict(zip((one.event.hash for one in facts.standings), facts.positions, strict=True))
        # What belongs to no job, a fork or a revocation that a resolution cites, comes first.
        shown = tuple(self._exhibit(events[one]) for one in sorted(wanted, key=lambda one: (order.get(one, 0), one)))
        exhibits = (*shown, *(one.restated for one in shown if one.restated is not None))
        logs = {self._log(one.event.log).ref: self._log(one.event.log) for one in exhibits}
        openings = tuple(self._opening(log) for log in logs.values())
        witnesses = tuple(self._witnesses(logs.values(), {one.event.hash for one in exhibits}))
        office = office_keys(self.con)
        known = self.con.execute(_SQL["newest"].text, {"job": facts.ref}).fetchone()[0]
        bounds = bounds_of(facts.standings, received_of(self.con, facts.ref), self.facts.is_staff)
        return Dossier(
            subject=next(one for one in exhibits if one.event.hash == subject),
            job=facts.job,
            opened=found.opened,
            handover=handover,
            policy=policies.get(subject),
            custody=found.custody,
            cases=cases,
            exhibits=exhibits,
            openings=openings,
            documents=tuple(self._documents(exhibits, events)),
            witnesses=witnesses,
            keys=office | {log.kid: log.jwk for log in logs.values()},
            owners=dict.fromkeys(office, "backend") | self._owners(openings),
            names=self._names(),
            bounds=bounds,
            flags=document_flags(self.con, events, bounds),
            zone=self._zone(found.opened),
            epoch=self.con.execute(_SQL["epoch"].text).fetchone()[0],
            known_ms=known or 0,
            blobs_here=self._blobs_here(exhibits),
        )

    def _closure(self, first: set[str], events: dict[str, Event]) -> set[str]:
        """These events and all that they name, directly or through others; `events` gets those of no job."""
        by_name = {f"{event.log}:{event.seq}": hash_ for hash_, event in events.items()}
        found: set[str] = set()
        ahead = list(first)
        while ahead:
            hash_ = ahead.pop()
            if not hash_ or hash_ in found:
                continue
            if hash_ not in events:
                standing = self.facts.by_hash(hash_)
                if standing is None or standing.verdict.word != "applied":
                    continue
                events[hash_] = standing.event
            found.add(hash_)
            ahead.extend(_named(events[hash_].body, by_name))
        return found

    def _touches(self, case: Case, subject: str, handover: Handover | None) -> bool:
        about = {subject, *_answers(handover)}
        return bool(about & {*case.children, *case.withdrawals, case.about})

    # -- one event ------------------------------------------------------------
    def _log(self, name: str) -> Log:
        row = self.con.execute(_LEDGER["log_by_name"].text, {"log": name}).fetchone()
        if row[0] not in self.logs:
            self.logs[row[0]] = Log(row)
        return self.logs[row[0]]

    def _exhibit(self, event: Event) -> Exhibit:
        log = self._log(event.log)
        at = {"log": log.ref, "seq": event.seq, "digest": unb64(event.hash)}
        row = self.con.execute(_LEDGER["main_row"].text, at).fetchone()
        on_main = row is not None and line_digest(row[0]) == at["digest"]
        if not on_main:
            row = self.con.execute(_LEDGER["fork_row"].text, at).fetchone()
        raw, received, chain, _, _, _, jws = row
        before = self._before(log, event.seq, raw, chain) if on_main else None
        is_received = before is not None and event.seq <= log.through
        return Exhibit(
            event=event,
            raw=raw,
            jws=jws or "",
            kid=log.kid,
            received_ms=received,
            before=before,
            chain=chain if before is not None else None,
            is_received=is_received,
            batch=None if jws or not is_received else self._batch(log, event.seq),
            restated=self._restated(event.hash) if is_hash(raw) else None,
        )

    def _restated(self, hash_: str) -> Exhibit | None:
        """The office's word that counts of what is left of this event."""
        said = said_of(self.con, unb64(hash_))
        for raw, kid in self.con.execute(_REDACT["redactions_of"].text, {"hash": hash_.encode()}):
            event = read_event(raw, kid)
            if event.body == said:
                return self._exhibit(event)
        return None

    def _before(self, log: Log, seq: int, raw: bytes, chain: bytes | None) -> bytes | None:
        if seq == 1:
            before: bytes | None = chain_start(log.log)
        else:
            row = self.con.execute(_LEDGER["main_row"].text, {"log": log.ref, "seq": seq - 1}).fetchone()
            before = row[2] if row else None
        return before if before is not None and advance(before, line_digest(raw)) == chain else None

    def _batch(self, log: Log, seq: int) -> Batch | None:
        for first, last, base, header, jws in self.con.execute(_SQL["batches_at"].text, {"log": log.ref, "seq": seq}):
            where = {"log": log.ref, "first": first, "last": last}
            digests = tuple(line_digest(raw) for _, raw, _ in self.con.execute(_LEDGER["main_slice"].text, where))
            chain = base
            for one in digests:
                chain = advance(chain, one)
            if len(digests) == last - first + 1 and b64(chain) == decode(header, _Head).head:
                return Batch(header=header, jws=jws, base=base, first=first, digests=digests)
        return None

    def _opening(self, log: Log) -> Exhibit:
        raw, *_, jws = self.con.execute(_LEDGER["main_row"].text, {"log": log.ref, "seq": 1}).fetchone()
        return self._exhibit(read_row(self.con, raw, log.kid if jws else ""))

    def _witnesses(self, logs: Iterable[Log], hashes: set[str]) -> Iterable[Witness]:
        for log in logs:
            for (raw,) in self.con.execute(_SQL["witnesses"].text, {"log": log.ref}):
                event = read_event(raw)
                said = decode(raw, _Witnessed).body
                frame = unb64(said.frame)
                holds = tuple(b64(digest(one.raw)) for one in decode_frame(frame).events)
                if hashes & set(holds):
                    yield Witness(by=self._exhibit(event), frame=frame, holds=holds)

    # -- what they rest on ----------------------------------------------------
    def _documents(self, exhibits: Iterable[Exhibit], events: dict[str, Event]) -> Iterable[SignedDocument]:
        wanted: dict[tuple[str, str], None] = {}
        for one in exhibits:
            body = one.event.body
            if isinstance(body, Signed):
                wanted["roster", body.roster] = None
            match body:
                case Offered():
                    wanted[f"policy:{body.boundary}", body.policy] = None
                case Accepted(policy=str(policy)):
                    offered = events[body.offer].body
                    if isinstance(offered, Offered):
                        wanted[f"policy:{offered.boundary}", policy] = None
        for reference in self._successions():
            wanted["roster", reference] = None
        for key, reference in wanted:
            for raw, jws in self.con.execute(_OFFICE["document_named"].text, {"key": key, "reference": reference}):
                yield SignedDocument(key=key, reference=reference, raw=raw, jws=jws)

    def _successions(self) -> Iterable[str]:
        """The rosters by which a new key of the office came in, signed with an old one."""
        before: frozenset[str] | None = None
        for reference, raw in self.con.execute(_SQL["rosters"].text):
            document = read_document(raw)
            keys = frozenset(jwk.x for jwk in document.keys) if isinstance(document, Roster) else frozenset()
            if before is not None and keys != before:
                yield reference
            before = keys

    def _owners(self, openings: Iterable[Exhibit]) -> dict[str, str]:
        """Whose key opened each log: the device as the office names it, else as it named itself before it knew that."""
        named = {key.kid: key.device for key in enrolled(self.con)}
        return {one.kid: named.get(one.kid, decode(one.raw, _Opened).body.device) for one in openings}

    def _blobs_here(self, exhibits: Iterable[Exhibit]) -> frozenset[str]:
        named = {blob.sha256 for one in exhibits for blob in one.event.blobs}
        return frozenset(
            name for name in named if self.con.execute(_BLOBS["is_here"].text, {"sha256": name}).fetchone()[0]
        )

    def _names(self) -> dict[str, str]:
        row = self.con.execute(_OFFICE["document_newest"].text, {"key": "names"}).fetchone()
        names = read_document(row[2]) if row else None
        return dict(names.names) if isinstance(names, Names) else {}

    def _zone(self, opened: JobOpened | None) -> str:
        site = find(self.con, SITE, opened.site) if opened else None
        return site.zone if site else "UTC"


class _Head(msgspec.Struct, frozen=True):
    head: str


class _Frame(msgspec.Struct, frozen=True):
    frame: str


class _Witnessed(msgspec.Struct, frozen=True):
    body: _Frame


class _Device(msgspec.Struct, frozen=True):
    device: str


class _Opened(msgspec.Struct, frozen=True):
    body: _Device


def _answers(handover: Handover | None) -> list[str]:
    if handover is None:
        return []
    answers = (handover.accepted, handover.refused, handover.withdrawn, handover.confirmations, handover.escalations)
    return [event.hash for some in answers for event in some]


def _moves(offered: Fact | None, events: dict[str, Event]) -> list[str]:
    """What the office moved away from the node under which the offer was made."""
    basis = offered.basis if isinstance(offered, Offered) else ""
    bodies = ((hash_, event.body) for hash_, event in events.items())
    return [hash_ for hash_, body in bodies if isinstance(body, Reassigned) and body.basis == basis]


def _of_cases(cases: Iterable[Case], events: dict[str, Event]) -> list[str]:
    """What a case is about, and how it ended."""
    found = [hash_ for case in cases for hash_ in (*case.children, *case.withdrawals, *case.resolutions)]
    return [hash_ for hash_ in found if hash_ in events]


def _named(body: Fact | None, by_name: dict[str, str]) -> tuple[str, ...]:
    """The hashes of the events that a body names."""
    match body:
        case Offered() | Reassigned():
            return (body.basis,)
        case Accepted():
            return (body.offer, by_name.get(body.switched, ""))
        case Confirmed():
            return (body.offer, body.accepted)
        case Refused() | Withdrawn() | Escalated():
            return (body.offer,)
        case Resolved():
            return (body.basis, *body.cites, body.chosen, *body.replaces)
    return ()
