"""The union of every log, read from the databases themselves: what all sides together have recorded, judged.

A host that died is read as it lies on the disk; nobody is asked.
"""

import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from sync.codec import read_event
from sync.doubts import DOUBTING, NO_DOUBTS, doubts_of
from sync.events import Accepted, Event, LogOpened, Offered, Reassigned, Withdrawn
from sync.journey import Journey, jobs_of, journey
from sync.judge import judge_all
from sync.policy import Directory, Policy, Roster
from sync.protocol import read_document
from sync.seal import Jwk, kid_in, kid_of, verify
from sync.standing import Shelf
from trial.seen import Seen, SeenVerdict, seen_job

_OWN: Final = (
    "SELECT log.log, event.seq, event.raw, event.jws FROM event JOIN log ON log.number = event.log"
    " ORDER BY log.number, event.seq"
)
_STAFF: Final = (
    "SELECT log.log, event.seq, event.bytes, event.jws FROM event JOIN log ON log.ref = event.log"
    " WHERE log.staff = 1 ORDER BY log.ref, event.seq"
)
_LEDGER: Final = "SELECT log.log, event.seq, event.bytes FROM event JOIN log ON log.ref = event.log"
# Older lists of names are emptied when there is a newer one.
_DOCUMENTS: Final = "SELECT reference, bytes FROM document WHERE bytes <> x'' ORDER BY key, version"


class Row(NamedTuple):
    """An event as a database keeps it."""

    log: str
    seq: int
    raw: bytes
    jws: str


def read_only(path: Path) -> sqlite3.Connection:
    """A database another process may be writing, opened to be looked at."""
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)


def own_rows(path: Path) -> list[Row]:
    """Every event that a device's database says it recorded, log by log, in order; none before there is one."""
    if not path.exists():
        return []
    with closing(read_only(path)) as con:
        return [Row(log, seq, raw, jws or "") for log, seq, raw, jws in con.execute(_OWN)]


def staff_rows(path: Path) -> list[Row]:
    """Every event of the backend's own logs, log by log, in order."""
    with closing(read_only(path)) as con:
        return [Row(log, seq, raw, jws or "") for log, seq, raw, jws in con.execute(_STAFF)]


def ledger_rows(path: Path) -> dict[tuple[str, int], bytes]:
    """Every event the backend holds, by its name: the bytes that came first."""
    with closing(read_only(path)) as con:
        return {(log, seq): raw for log, seq, raw in con.execute(_LEDGER)}


class Union:
    """All events recorded anywhere, judged with all documents known; it only grows."""

    def __init__(self, backend: Path) -> None:
        self._backend = backend
        self._shelf = Shelf()
        self._keys: dict[str, Jwk] = {}
        self._policies: dict[tuple[str, str], Policy] = {}
        self._documents: set[str] = set()
        self._rows: dict[tuple[str, int, bytes], Row] = {}
        self._jobs: dict[str, dict[str, None]] = {}

    @property
    def recorded(self) -> int:
        """How many events there are."""
        return len(self._rows)

    def read_device(self, path: Path) -> list[Event]:
        """What the device recorded since it was read last, in order."""
        return self._take(own_rows(path))

    def read_office(self) -> list[Event]:
        """What the backend recorded since it was read last, in order, with the documents it issued."""
        self._take_documents()
        return self._take(staff_rows(self._backend))

    def _take(self, rows: list[Row]) -> list[Event]:
        fresh = [row for row in rows if (row.log, row.seq, row.raw) not in self._rows]
        if fresh:
            self._take_documents()
        events = [self._event(row) for row in fresh]
        for row, event in zip(fresh, events, strict=True):
            self._rows[row.log, row.seq, row.raw] = row
            for job in jobs_of(event):
                self._jobs.setdefault(job, {})[event.hash] = None
        judge_all(events, self._shelf)
        return events

    def _event(self, row: Row) -> Event:
        """The event, with the key whose signature on it holds; BAD_SIGNATURE for one that its author did not sign."""
        event = read_event(row.raw)
        if isinstance(event.body, LogOpened):
            self._keys.setdefault(kid_of(event.body.jwk), event.body.jwk)
        if not row.jws:
            return event
        kid = kid_in(row.jws)
        verify(row.jws, row.raw, "ho-event", self._keys[kid])
        return read_event(row.raw, kid)

    def _take_documents(self) -> None:
        again: list[Event] = []
        with closing(read_only(self._backend)) as con:
            rows = [(ref, raw) for ref, raw in con.execute(_DOCUMENTS) if ref not in self._documents]
        for reference, raw in rows:
            document = read_document(raw)
            self._documents.add(reference)
            match document:
                case Roster():
                    for jwk in (*document.keys, *(device.jwk for device in document.devices)):
                        self._keys[kid_of(jwk)] = jwk
                    again += self._shelf.hold_roster(reference, Directory(document))
                case Policy():
                    self._policies[document.boundary, reference] = document
                    again += self._shelf.hold_policy(reference, document)
        judge_all(again, self._shelf)

    def event(self, hash_: str) -> Event | None:
        """The event with this hash, if it was recorded."""
        standing = self._shelf.by_hash(hash_)
        return standing.event if standing else None

    def opened(self, job: str) -> Event | None:
        """The event that opened this job."""
        standing = self._shelf.by_job(job)
        return standing.event if standing else None

    def contested(self, job: str) -> set[str]:
        """Nodes of a job under which events cannot all stand: several parties, or an acceptance that was withdrawn.

        Worked out from the events one by one, without the walk that decides who is accountable.
        """
        standings = [self._shelf.standings[hash_] for hash_ in self._jobs.get(job, ())]
        applied = [one for one in standings if one.verdict.word == "applied"]
        withdrawn = {one.event.body.offer for one in applied if isinstance(one.event.body, Withdrawn)}
        offers: dict[tuple[str, str], set[str]] = defaultdict(set)
        parties: dict[str, set[str]] = defaultdict(set)
        for one in applied:
            if isinstance(one.event.body, Accepted | Reassigned) and one.under is not None and one.node is not None:
                offers[one.under.key, one.node.key].add(one.offer.hash if one.offer else "")
                parties[one.under.key].add(one.node.key)
        found = {under for under, children in parties.items() if len(children) > 1}
        return found | {under for (under, _), named in offers.items() if named <= withdrawn}

    def again(self, rng: random.Random) -> "Union":
        """The same documents and events, judged anew in an order that `rng` draws."""
        other = Union(self._backend)
        other._take_documents()
        other._keys = self._keys
        rows = list(self._rows.values())
        rng.shuffle(rows)
        other._take(rows)
        return other

    # -- looking -------------------------------------------------------------------
    def nodes(self) -> dict[str, str]:
        """By the hash of each event that made a node of a custody tree, the key of the node."""
        return {hash_: one.node.key for hash_, one in self._shelf.standings.items() if one.node is not None}

    def journeys(self) -> Iterator[Journey]:
        """The way of every job."""
        said = [one for one in self._shelf.standings.values() if one.event.kind in DOUBTING]
        doubts = doubts_of(one.event for one in said if one.verdict.word == "applied") if said else NO_DOUBTS
        for job, hashes in self._jobs.items():
            standings = [self._shelf.standings[hash_] for hash_ in hashes]
            policies = {
                one.event.hash: self._policies.get((one.event.body.boundary, one.event.body.policy))
                for one in standings
                if isinstance(one.event.body, Offered)
            }
            yield journey(job, standings, policies, doubts)

    def seen(self, as_of_ms: int) -> Seen:
        """What all sides together show at that time."""
        return Seen(
            jobs=tuple(seen_job(one, as_of_ms) for one in self.journeys()),
            verdicts={
                hash_: SeenVerdict(word=one.verdict.word, code=one.verdict.code)
                for hash_, one in self._shelf.standings.items()
            },
        )
