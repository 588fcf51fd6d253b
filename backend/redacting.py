"""Taking words out: which events a manager or admin may have redacted, what that is to come to, and doing it.

First all of it is listed; what is listed is then done a part at a time, and doing it again does nothing new. Each event
is restated from its bytes in the transaction that drops them.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from backend.accounts.identities import end_identities
from backend.accounts.sessions import forget_sessions
from backend.facts import PARKED, WORDS
from backend.intake import Door
from backend.master import PERSON, find, forget_name
from backend.reach import EVERY_SITE, person_keys
from backend.redactions import shown_row
from backend.restating import restate_witnesses, restating, restating_half
from backend.revoked import held_by
from backend.store.sqlite import queries
from backend.views import reaches_person
from backend.writing import Place, Writing
from sync.codec import UNREADABLE_JSON
from sync.events import Draft, EventRedacted
from sync.ids import HASH_BYTES, b64, event_name, is_name, job_id, unb64
from sync.ledger import is_hash, line_digest
from sync.policy import Role
from sync.problems import (
    BAD_ARGUMENT,
    EVENT_TOO_LARGE,
    NOT_FOUND,
    NOT_PERMITTED,
    NOT_POSSIBLE_NOW,
    NOT_REDACTABLE,
    Problem,
)
from sync.redaction import says_words

_SQL: Final = queries("redact")
_LEDGER: Final = queries("ledger")
MAY_REDACT: Final[tuple[Role, ...]] = ("manager", "admin")
TOGETHER: Final = 100
"""Events redacted in one transaction, during which nobody else writes."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be redacted: these events (by hash, or `log:seq`), all of a job's, or all that a person wrote."""

    events: tuple[str, ...] = ()
    job: str = ""
    person: str = ""


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """An event that says words, where it stands, and how many blobs it names."""

    event: str
    name: str
    kind: str
    actor: str
    job: str
    blobs: int
    why: str
    place: tuple[int, int, str]
    """The log's small number, the seq, and for an event of another branch its digest."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was asked for and stays as it is, and why."""

    event: str
    kind: str
    why: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a redaction would come to. `already` counts what was redacted before, `wordless` what says no words."""

    takes: tuple[Spot, ...]
    leaves: tuple[Left, ...]
    already: int = 0
    wordless: int = 0


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was redacted: by hash each event and the event that says so; what stayed, and why."""

    taken: dict[str, str]
    leaves: tuple[Left, ...]
    names: int = 0


class _At(msgspec.Struct, frozen=True):
    site: str = ""


class _Said(msgspec.Struct, frozen=True):
    log: str = ""
    seq: int = 0
    kind: str = ""
    job: str = ""
    actor: str = ""
    body: _At = _At()
    blobs: tuple[msgspec.Raw, ...] = ()


_read: Final = msgspec.json.Decoder(_Said)


def allow(writing: Writing, person: str, wanted: Wanted) -> set[str]:
    """What this person's scope reaches, if the roster in force lets him have that redacted; else NOT_PERMITTED."""
    _, directory = writing.documents.roster()
    who = directory.person(person)
    if who is None or not set(who.roles).intersection(MAY_REDACT):
        raise Problem(NOT_PERMITTED, f"it takes {' or '.join(MAY_REDACT)}")
    keys = person_keys(directory, [person])
    check_scope(keys, wanted)
    return keys


def check_scope(keys: AbstractSet[str], wanted: Wanted) -> None:
    """Return only if somebody with these keys may have that redacted; else NOT_PERMITTED.

    A person is forgotten everywhere, so whoever has that done must see every site.
    """
    if wanted.person and EVERY_SITE not in keys:
        raise Problem(NOT_PERMITTED, "whoever has a person forgotten must see every site")


# -- finding -------------------------------------------------------------------
def plan(con: sqlite3.Connection, wanted: Wanted, keys: AbstractSet[str]) -> Plan:
    """What would come of it for somebody with these keys, in the order of logs; nothing is changed.

    BAD_ARGUMENT where nothing, or more than one thing, is asked for; NOT_POSSIBLE_NOW for a person who is still listed;
    NOT_FOUND for a job that the keys do not reach. An event that they do not reach is left as one that is not held.
    """
    if (bool(wanted.events) + bool(wanted.job) + bool(wanted.person)) != 1:
        raise Problem(BAD_ARGUMENT, "name events, or one job, or one person")
    if wanted.person and find(con, PERSON, wanted.person) is not None:
        raise Problem(NOT_POSSIBLE_NOW, f"{wanted.person} is still listed; take this person off first")
    return _Planning(con, wanted, keys).plan()


class _Planning:
    def __init__(self, con: sqlite3.Connection, wanted: Wanted, keys: AbstractSet[str]) -> None:
        self.con = con
        self.wanted = wanted
        self.keys = keys
        self.takes: dict[Place, Spot] = {}
        self.leaves: list[Left] = []
        self.already = self.wordless = 0
        self.logs: set[int] = set()
        self.names = dict(con.execute(_SQL["log_names"].text))

    def plan(self) -> Plan:
        is_wanted, missing = self._chosen()
        hashes: set[bytes] = set()
        unread: list[tuple[int, Left]] = []
        for log, seq, digest_, raw in self.con.execute(_SQL["rows"].text):
            own = line_digest(raw)
            said = _said(self.con, raw)
            if said is None and self.wanted.person:
                where = self._name(log, seq)
                unread.append((log, Left(event=where, kind="", why="it cannot be read, so nobody knows whose it is")))
            if is_wanted(log, seq, own, said or _Said()):
                missing.discard(own)
                self.logs.add(log)
                if self._look(Place(log, seq, digest_), raw, said or _Said(), "asked for"):
                    hashes.add(own)
        self._halves(is_wanted, missing, hashes)
        self._witnesses(hashes)
        self.leaves += [left for log, left in unread if log in self.logs]
        self.leaves += [Left(event=b64(one), kind="", why="it is not held here") for one in sorted(missing)]
        return Plan(
            takes=tuple(self.takes.values()), leaves=tuple(self.leaves), already=self.already, wordless=self.wordless
        )

    def _name(self, log: int, seq: int) -> str:
        return event_name(self.names[log], seq)

    def _chosen(self) -> tuple[Callable[[int, int, bytes, _Said], bool], set[bytes]]:
        """What says of an event that it is asked for, and the digests that are asked for and still to be found."""
        if self.wanted.person:
            return (lambda _log, _seq, _own, said: self._wrote(said)), set()
        if self.wanted.job:
            if not self._reaches(self.wanted.job):
                raise Problem(NOT_FOUND, f"job {self.wanted.job[:40]}")
            return (lambda _log, _seq, own, said: self._is_of(own, said)), set()
        digests: set[bytes] = set()
        places: set[tuple[int, int]] = set()
        refs = {name: ref for ref, name in self.names.items()}
        for name in self.wanted.events:
            log, _, seq = name.partition(":")
            if seq:
                if log not in refs or not (seq.isascii() and seq.isdigit() and len(seq) < 16):
                    self.leaves.append(Left(event=name[:60], kind="", why="it is not held here"))
                else:
                    places.add((refs[log], int(seq)))
            elif is_name(name) and len(unb64(name)) == HASH_BYTES:
                digests.add(unb64(name))
            else:
                raise Problem(BAD_ARGUMENT, "an event is named by its hash, or LOG:SEQ", name[:60])
        return (lambda log, seq, own, _: own in digests or (log, seq) in places), set(digests)

    def _wrote(self, said: _Said) -> bool:
        """A code that the person scanned says what others wrote."""
        return said.actor == self.wanted.person and said.kind != "code.witnessed"

    def _is_of(self, own: bytes, said: _Said) -> bool:
        if said.kind == "job.opened":
            return job_id(b64(own)) == self.wanted.job
        return said.job == self.wanted.job

    def _look(self, place: Place, raw: bytes, said: _Said, why: str) -> bool:
        """True if the event's words can be taken out, or were; else it is said why not."""
        hash_ = b64(line_digest(raw))
        if not self._is_in_scope(said, hash_):
            self.leaves.append(Left(event=hash_, kind="", why="it is not held here"))
            return False
        if is_hash(raw):
            self.already += 1
            return True
        try:
            if not says_words(raw):
                self.wordless += 1
                return False
            _check_place(self.con, place, said)
        except Problem as problem:
            self.leaves.append(Left(event=hash_, kind=said.kind, why=problem.detail))
            return False
        self.takes[place] = Spot(
            event=hash_,
            name=self._name(place.log, place.seq),
            kind=said.kind,
            actor=said.actor,
            job=said.job,
            blobs=len(said.blobs),
            why=why,
            place=(place.log, place.seq, b64(place.digest) if place.digest else ""),
        )
        return True

    def _is_in_scope(self, said: _Said, hash_: str) -> bool:
        """True where the keys reach what the event is about; about no job known here, it is anybody's."""
        job = job_id(hash_) if said.kind == "job.opened" else said.job
        reached = self._reaches(job) if job else None
        if reached is None and said.kind == "job.opened":
            return bool(self.keys & {EVERY_SITE, f"site:{said.body.site}"})
        return reached is not False

    def _reaches(self, job: str) -> bool | None:
        """True where the keys reach this job; None where there is none of this name."""
        row = self.con.execute(_LEDGER["job_by_name"].text, {"job": job}).fetchone()
        return reaches_person(self.con, self.keys, [row[0]]) if row is not None else None

    def _halves(
        self, is_wanted: Callable[[int, int, bytes, _Said], bool], missing: set[bytes], hashes: set[bytes]
    ) -> None:
        """Events that a witness holds and that could not be filed in the log that they name."""
        for digest_, _, seq, raw in self.con.execute(_SQL["halves"].text):
            said = _said(self.con, raw) or _Said()
            if is_wanted(0, seq, digest_, said) and self._look_at_half(digest_, seq, raw, said):
                missing.discard(digest_)
                hashes.add(digest_)

    def _look_at_half(self, digest_: bytes, seq: int, raw: bytes, said: _Said) -> bool:
        if is_hash(raw) or not says_words(raw):
            return True
        self.takes[Place(0, seq, digest_)] = Spot(
            event=b64(digest_),
            name=event_name(said.log, seq),
            kind=said.kind,
            actor=said.actor,
            job=said.job,
            blobs=0,
            why="asked for",
            place=(0, seq, b64(digest_)),
        )
        return True

    def _witnesses(self, hashes: AbstractSet[bytes]) -> None:
        for log, seq, digest_, raw, verdict in self.con.execute(_SQL["witnesses"].text):
            place = Place(log, seq, digest_)
            if verdict != PARKED and place not in self.takes and hashes & {unb64(hash_) for hash_ in held_by(raw)}:
                self._look(place, raw, _said(self.con, raw) or _Said(), "holds the words of another")


def _said(con: sqlite3.Connection, raw: bytes) -> _Said | None:
    """What can be read of a row; None where nothing can."""
    try:
        return _read.decode(shown_row(con, raw))
    except UNREADABLE_JSON:
        return None


def _check_place(con: sqlite3.Connection, place: Place, said: _Said) -> None:
    """Return only if an event can be redacted as it stands here; else NOT_REDACTABLE."""
    row = con.execute(_LEDGER["fork_row" if place.digest else "main_row"].text, place.names()).fetchone()
    if said.kind == "code.witnessed" and row[4] == PARKED:
        raise Problem(NOT_REDACTABLE, f"it is {WORDS[PARKED]}, and what it holds is nowhere else yet")


# -- doing ---------------------------------------------------------------------
def carry_out(door: Door, writing: Writing, spots: Sequence[Spot], by: str) -> Done:
    """Afterwards these are redacted, with every witness that holds one of them; what stayed is said, and why."""
    taken: dict[str, str] = {}
    leaves: list[Left] = []
    for spot in spots:
        try:
            draft = _draft(writing, spot, by)
            if draft is None:
                continue  # it went as a witness of another, or somebody else had it done meanwhile
            (event,) = door.office.record(writing, [draft])
        except Problem as problem:
            if problem.kind not in (NOT_REDACTABLE, EVENT_TOO_LARGE):
                raise
            leaves.append(Left(event=spot.event, kind=spot.kind, why=problem.detail or problem.kind.title))
            continue
        taken[spot.event] = event.hash
    for event in restate_witnesses(writing, door.office):
        if isinstance(event.body, EventRedacted):
            taken[event.body.event] = event.hash
    return Done(taken=taken, leaves=tuple(leaves))


def _draft(writing: Writing, spot: Spot, by: str) -> Draft | None:
    log, seq, digest_ = spot.place
    place = Place(log, seq, unb64(digest_) if digest_ else b"")
    if not log:
        return restating_half(writing, place.digest, by)
    row = writing.con.execute(_LEDGER["fork_row" if digest_ else "main_row"].text, place.names()).fetchone()
    return None if row is None or is_hash(row[0]) else restating(writing, place, row[0], by)


def parts(takes: Sequence[Spot]) -> Iterator[Sequence[Spot]]:
    """What is done in one transaction each."""
    for start in range(0, len(takes), TOGETHER):
        yield takes[start : start + TOGETHER]


def joined(planned: Plan, done: Iterable[Done], names: int = 0) -> Done:
    """All of it together."""
    found = list(done)
    return Done(
        taken={event: by for one in found for event, by in one.taken.items()},
        leaves=(*planned.leaves, *(left for one in found for left in one.leaves)),
        names=names,
    )


def forget_person(door: Door, writing: Writing, person: str) -> int:
    """Afterwards nobody here is told what this person was called: how many rows of master data said it.

    Nor from where the person signed in, and with which accounts of other services.
    """
    count = forget_name(writing.con, person)
    end_identities(writing.con, person)
    forget_sessions(writing.con, person)
    door.cut(writing)
    return count
