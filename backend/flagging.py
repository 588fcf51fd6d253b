"""What is to be said of a job's events beside their verdicts: of the documents they were made under, and of scope.

None of it is kept, and nothing else rests on it. What the documents say is the same wherever they are held. Whether a
job was in a device's scope is this ledger's own word, read from where it keeps that for pulls: it says how things stood
as the event came to count here, and after a restore it may come out otherwise.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal

import msgspec

from backend.store.sqlite import queries
from sync.clock import milliseconds
from sync.codec import decode
from sync.events import (
    Accepted,
    Confirmed,
    Custody,
    Event,
    JobOpened,
    JobPlanned,
    Offered,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.flags import Flag, Made, flags_of
from sync.intervals import Interval, recorded_ms
from sync.policy import Directory, Policy, Roster
from sync.protocol import read_document

_SQL: Final = queries("flags")
Said = Flag | Literal["outside_scope"]
"""What is said of an event on a job's timeline."""
ROSTERS_READ: Final = 16
"""Rosters that are kept at hand, read: of a large organisation one takes milliseconds."""


class _Issued(msgspec.Struct, frozen=True):
    issued_at: str


# -- documents ----------------------------------------------------------------
def document_flags(
    con: sqlite3.Connection, events: Mapping[str, Event], bounds: Mapping[str, Interval]
) -> dict[str, tuple[Flag, ...]]:
    """By hash, what the documents of their time say against these events of one job, where they say anything."""
    read = _Documents(con)
    found = {}
    for hash_, event in events.items():
        body = event.body
        directory = read.directory(body.roster) if isinstance(body, Custody) else None
        if directory is None or not isinstance(body, Custody):
            continue
        made = Made(
            at_ms=recorded_ms(event, bounds.get(hash_, Interval())),
            policy=read.policy(*_policy_of(event, events)),
            replaced_ms=read.replaced_ms(directory.roster.version),
        )
        if flags := flags_of(event, directory, made):
            found[hash_] = flags
    return found


def _policy_of(event: Event, events: Mapping[str, Event]) -> tuple[str, str]:
    """Boundary and reference of the policy that the event was made under; empty where it names none."""
    body = event.body
    if isinstance(body, Offered):
        return body.boundary, body.policy
    if not isinstance(body, Accepted | Refused | Withdrawn | Confirmed):
        return "", ""
    offer = events.get(body.offer)
    boundary, policy = _policy_of(offer, {}) if offer is not None else ("", "")
    return boundary, (body.policy if isinstance(body, Accepted) else None) or policy


class _Documents:
    """The documents that one job's events name, each asked for once."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self._con = con
        self._directories: dict[str, Directory | None] = {}
        self._policies: dict[tuple[str, str], Policy | None] = {}
        self._replaced: dict[int, int | None] = {}

    def directory(self, reference: str) -> Directory | None:
        if reference not in self._directories:
            row = self._named("roster", reference)
            self._directories[reference] = _read_roster(row) if row is not None else None
        return self._directories[reference]

    def policy(self, boundary: str, reference: str) -> Policy | None:
        where = (boundary, reference)
        if where not in self._policies:
            row = self._named(f"policy:{boundary}", reference)
            document = read_document(row) if row is not None else None
            self._policies[where] = document if isinstance(document, Policy) else None
        return self._policies[where]

    def replaced_ms(self, version: int) -> int | None:
        """When the roster after this version was issued; None where there is none."""
        if version not in self._replaced:
            row = self._con.execute(_SQL["roster_after"].text, {"version": version}).fetchone()
            self._replaced[version] = milliseconds(decode(row[0], _Issued).issued_at) if row is not None else None
        return self._replaced[version]

    def _named(self, key: str, reference: str) -> bytes | None:
        row = self._con.execute(_SQL["document_named"].text, {"key": key, "reference": reference}).fetchone()
        return row[0] if row is not None else None


@lru_cache(maxsize=ROSTERS_READ)
def _read_roster(raw: bytes) -> Directory | None:
    document = read_document(raw)
    return Directory(document) if isinstance(document, Roster) else None


# -- scope --------------------------------------------------------------------
class Counted(msgspec.Struct, frozen=True, gc=False):
    """An event of a job as it came to count: at which position, and under which key's log; "" for the office's."""

    event: Event
    position: int
    kid: str


def outside_scope(con: sqlite3.Connection, ref: int, counted: Iterable[Counted]) -> frozenset[str]:
    """The hashes of those of a job's events that a device recorded and whose job its scope did not reach.

    Asked is the scope as it stood at any moment of the transaction in which the event came to count: before it, after
    it, or made by what came with it, as where one push brings a job from its opening to where somebody else has it.
    """
    rows = list(counted)
    marks = {one.position: _transaction(con, one.position) for one in rows}
    named: dict[tuple[int, int], set[str]] = {}
    for one in rows:
        named.setdefault(marks[one.position], set()).update(_reached_by(one.event))
    held = {kid: _Held(con, ref, kid) for kid in {one.kid for one in rows if one.kid}}
    return frozenset(
        one.event.hash
        for one in rows
        if one.kid and not held[one.kid].reached(*marks[one.position], named[marks[one.position]])
    )


def _transaction(con: sqlite3.Connection, position: int) -> tuple[int, int]:
    """The marks before and at the end of the transaction that gave this position."""
    before, after = con.execute(_SQL["transaction_of"].text, {"position": position}).fetchone()
    return before, after


class _Held:
    """What one device's scope held: which keys from which position until which, and for which of them the job too."""

    def __init__(self, con: sqlite3.Connection, ref: int, kid: str) -> None:
        self._keys = con.execute(_SQL["scope_of"].text, {"kid": kid}).fetchall()
        shared = con.execute(_SQL["scope_shared"].text, {"kid": kid, "job": ref})
        spans = [(max(began, held), min(ended, lost)) for began, ended, held, lost in shared]
        self._shared = [(since, until) for since, until in spans if since < until]

    def reached(self, before: int, after: int, named: set[str]) -> bool:
        """True where a key held at some moment from one mark to the next reaches the job, or is among `named`."""
        if any(since <= after and until > before for since, until in self._shared):
            return True
        return any(key in named and since <= after and until > before for key, since, until in self._keys)


def _reached_by(event: Event) -> set[str]:
    """The keys by which a job is reached once this event is among its facts, as far as the event itself says them."""
    match event.body:
        case JobOpened() as body:
            return {f"party:{body.party}", f"site:{body.site}"}
        case Offered() as body:
            return {f"party:{party}" for party in body.to}
        case Accepted() | Reassigned() | Resolved() as body:
            return {f"party:{body.party}"}
        case JobPlanned() as body:
            return {f"party:{body.crew}"}
    return set()
