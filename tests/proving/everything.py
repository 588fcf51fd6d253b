"""All that was recorded anywhere, every branch of every log, judged and folded again in an order of choice."""

import random
from collections.abc import Iterable, Mapping

import msgspec

from sync.codec import read_event
from sync.custody import custody
from sync.events import (
    Accepted,
    CodeWitnessed,
    DeviceRevoked,
    Event,
    EventRedacted,
    LogOpened,
    Reassigned,
    Withdrawn,
)
from sync.ids import unb64
from sync.journey import jobs_of
from sync.judge import judge_all
from sync.ledger import is_hash
from sync.policy import Directory, Policy, Roster
from sync.problems import Problem
from sync.protocol import read_document
from sync.qr import decode_frame
from sync.redaction import fuller, read_held
from sync.seal import Jwk, jws_of, kid_in, kid_of, verify
from sync.standing import Shelf
from tests.proving.town import Town, hash_of

Signed = tuple[bytes, str]


class Folded(msgspec.Struct, frozen=True):
    """What a set of events comes to: a verdict by hash, who is accountable by job, and each job's cases."""

    verdicts: Mapping[str, tuple[str, str]]
    accountable: Mapping[str, str]
    cases: Mapping[str, frozenset[tuple[str, str, tuple[str, ...]]]]
    contested: dict[str, frozenset[str]]


class Everything:
    """The events and documents of a town, as they lie on the disks now."""

    def __init__(self, town: Town) -> None:
        office = town.office
        signed: dict[str, Signed] = {}
        for table in ("event", "fork"):
            for raw, jws in office.rows(f"SELECT bytes, jws FROM {table}"):  # noqa: S608 - one of these two
                signed[hash_of(raw)] = (raw, jws or "")
        for phone in town.phones.values():
            for raw, jws in phone.rows("SELECT raw, jws FROM event UNION ALL SELECT raw, jws FROM pulled"):
                signed.setdefault(hash_of(raw), (raw, jws or ""))
        documents = [(ref, read_document(raw)) for ref, raw in office.rows("SELECT reference, bytes FROM document")]
        self._documents = [(ref, one) for ref, one in documents if isinstance(one, Roster | Policy)]
        self._keys = dict(_keys_of(one for _, one in self._documents))
        self.redacted = _redactions(raw for raw, _ in signed.values())
        self.events = self._read(signed.values())
        self.is_revoked = any(isinstance(event.body, DeviceRevoked) for event in self.events)

    def _read(self, signed: Iterable[Signed]) -> list[Event]:
        plain = [read_event(raw) for raw, _ in signed if not is_hash(raw)]
        for event in plain:
            if isinstance(event.body, LogOpened):
                self._keys.setdefault(kid_of(event.body.jwk), event.body.jwk)
        found: dict[str, Event] = {}
        for raw, jws in signed:
            event = self._proven(raw, jws)
            found[event.hash] = event
            if isinstance(event.body, CodeWitnessed) and event.body.frame:
                frame = decode_frame(unb64(event.body.frame))
                for inner in frame.events:
                    held = self._proven(inner.raw, jws_of(inner.signature, frame.kid, "ho-event"))
                    found.setdefault(held.hash, held)
        return list(found.values())

    def _proven(self, raw: bytes, jws: str) -> Event:
        said = self.redacted.get(hash_of(raw))
        if said is not None or not jws:
            return read_held(raw, said)
        kid = kid_in(jws)
        verify(jws, raw, "ho-event", self._keys[kid])
        return read_event(raw, kid)

    def folded(self, rng: random.Random | None = None) -> Folded:
        """The same set, arrived in an order that `rng` draws, in parts: as read where it is none."""
        events = list(self.events)
        shelf = Shelf()
        documents = list(self._documents)
        if rng is not None:
            # `device.revoked` is what a verdict on that device's events rests on: it comes first, says I7.
            rng.shuffle(events)
            rng.shuffle(documents)
            events.sort(key=lambda event: not isinstance(event.body, DeviceRevoked))
        for reference, document in documents:
            if isinstance(document, Roster):
                shelf.hold_roster(reference, Directory(document))
            else:
                shelf.hold_policy(reference, document)
        at = 0
        while at < len(events):
            count = rng.randint(1, 20) if rng is not None else len(events)
            judge_all(events[at : at + count], shelf)
            at += count
        return _folded(shelf)


def _redactions(raws: Iterable[bytes]) -> dict[str, EventRedacted]:
    """By hash what the office says is left, of all that it ever said."""
    found: dict[str, EventRedacted] = {}
    for raw in raws:
        body = None if is_hash(raw) else read_event(raw).body
        if isinstance(body, EventRedacted):
            found[body.event] = fuller(found[body.event], body) if body.event in found else body
    return found


def _keys_of(documents: Iterable[Roster | Policy]) -> Iterable[tuple[str, Jwk]]:
    for document in documents:
        if isinstance(document, Roster):
            for jwk in (*document.keys, *(device.jwk for device in document.devices)):
                yield kid_of(jwk), jwk


def _folded(shelf: Shelf) -> Folded:
    jobs: dict[str, list[str]] = {}
    for hash_, one in shelf.standings.items():
        for job in jobs_of(one.event):
            jobs.setdefault(job, []).append(hash_)
    accountable: dict[str, str] = {}
    cases: dict[str, frozenset[tuple[str, str, tuple[str, ...]]]] = {}
    contested: dict[str, frozenset[str]] = {}
    for job, hashes in jobs.items():
        applied = [shelf.standings[hash_] for hash_ in hashes if shelf.standings[hash_].verdict.word == "applied"]
        if not any(one.event.kind == "job.opened" for one in applied):
            continue
        tree = custody(applied)
        accountable[job] = tree.accountable
        cases[job] = frozenset(
            (min(case.children, default=case.about), case.state, tuple(sorted(case.parties))) for case in tree.cases
        )
        contested[job] = frozenset(_contested(shelf, hashes))
    verdicts = {hash_: (one.verdict.word, one.verdict.code) for hash_, one in shelf.standings.items()}
    return Folded(verdicts, accountable, cases, contested)


def _contested(shelf: Shelf, hashes: Iterable[str]) -> Iterable[str]:
    """Nodes under which two parties stand, or an acceptance whose every offer is withdrawn: event by event, no walk."""
    applied = [shelf.standings[hash_] for hash_ in hashes if shelf.standings[hash_].verdict.word == "applied"]
    withdrawn = {one.event.body.offer for one in applied if isinstance(one.event.body, Withdrawn)}
    children: dict[str, dict[str, set[str]]] = {}
    for one in applied:
        if isinstance(one.event.body, Accepted | Reassigned) and one.under is not None and one.node is not None:
            offers = children.setdefault(one.under.key, {}).setdefault(one.node.key, set())
            offers.add(one.offer.hash if one.offer else "")
    for under, nodes in children.items():
        if len(nodes) > 1 or any(offers <= withdrawn for offers in nodes.values()):
            yield under


def unread(raw: bytes) -> bool:
    """True for bytes that this kernel cannot read."""
    try:
        read_event(raw)
    except Problem:
        return True
    return False
