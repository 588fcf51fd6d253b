"""Letting an event count that was put aside, or that a doubt hangs on: a manager's decision, event by event."""

import sqlite3
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from backend.look import look_at
from backend.office import Office
from backend.reach import EVERY_SITE, person_keys
from backend.redactions import read_row, shown_row
from backend.store.sqlite import queries
from backend.writing import Place, Writing
from sync.clock import rfc3339
from sync.codec import UNREADABLE_JSON
from sync.events import Draft, Event, EventPromoted, JobOpened
from sync.ids import HASH_BYTES, b64, unb64
from sync.ledger import line_digest
from sync.policy import Role
from sync.problems import NOT_FOUND, Problem

_SQL: Final = queries("keys")
_LEDGER: Final = queries("ledger")
MAY_PROMOTE: Final[tuple[Role, ...]] = ("manager",)


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was put aside, for who may promote it. `wall` is its author's clock; times are RFC 3339."""

    event: str
    device: str
    kid: str
    log: str
    seq: int
    kind: str
    job: str
    actor: str
    wall: str
    received_at: str


class _At(msgspec.Struct, frozen=True):
    wall: str = ""


class _Site(msgspec.Struct, frozen=True):
    site: str = ""


class _Said(msgspec.Struct, frozen=True):
    body: _Site = _Site()
    kind: str = ""
    job: str = ""
    actor: str = ""
    at: _At = _At()


def put_aside(con: sqlite3.Connection, device: str = "", keys: AbstractSet[str] | None = None) -> tuple[Aside, ...]:
    """Every event that is put aside now, or those of one device, by device, log and seq.

    With `keys`, only what they reach; what is about no job known here, and opens none, is anybody's.
    """
    found = []
    for hash_, of_device, kid, log, seq, _, raw, received_ms in con.execute(_SQL["all_aside"].text):
        if device and of_device != device:
            continue
        said = _said(shown_row(con, raw))
        if keys is not None and not _reaches(con, keys, said):
            continue
        found.append(
            Aside(
                event=b64(hash_),
                device=of_device or "",
                kid=kid,
                log=log,
                seq=seq,
                kind=said.kind,
                job=said.job,
                actor=said.actor,
                wall=said.at.wall,
                received_at=rfc3339(received_ms),
            )
        )
    return tuple(found)


def _reaches(con: sqlite3.Connection, keys: AbstractSet[str], said: _Said) -> bool:
    if said.kind == "job.opened":
        return bool(keys & {EVERY_SITE, f"site:{said.body.site}"})
    if con.execute(_LEDGER["job_by_name"].text, {"job": said.job}).fetchone() is None:
        return True
    return any(key in keys for (key,) in con.execute(_SQL["reached_by"].text, {"job": said.job}))


def _said(raw: bytes) -> _Said:
    """What can be read of it."""
    try:
        return msgspec.json.decode(raw, type=_Said)
    except UNREADABLE_JSON:
        return _Said()


def promote(writing: Writing, office: Office, hash_: str, *, by: str, reason: str = "") -> Event | None:
    """Afterwards the event with this hash is judged like any other, whatever put it aside or in doubt.

    The rest stays where it is. None where it was promoted before. NOT_FOUND for what is not held here, or is about a
    job outside the person's scope; `by` is a person whose role was checked.
    """
    place = _place(writing, hash_)
    if place is None:
        raise Problem(NOT_FOUND, f"event {hash_[:50]}")
    writing.flush()
    row = writing.con.execute(_LEDGER["fork_row" if place.digest else "main_row"].text, place.names()).fetchone()
    _in_scope(writing, row[0], by)
    if writing.book.revoked.is_promoted(hash_):
        return None
    draft = Draft(kind="event.promoted", actor=by, body=EventPromoted(event=hash_, reason=reason))
    (event,) = office.record(writing, [draft])
    return event


def _in_scope(writing: Writing, raw: bytes, person: str) -> None:
    """Return only if the person's scope reaches what the event is about; about no job known here, it is anybody's.

    Else NOT_FOUND of the event, which says nothing of its job.
    """
    keys = person_keys(writing.documents.roster()[1], [person])
    try:
        event = read_row(writing.con, raw)
    except Problem:
        return
    if isinstance(event.body, JobOpened):
        if not keys & {EVERY_SITE, f"site:{event.body.site}"}:
            raise Problem(NOT_FOUND, f"event {event.hash}")
    elif event.job and writing.facts.job(event.job) is not None:
        try:
            look_at(writing, event.job, keys)
        except Problem as problem:
            raise Problem(NOT_FOUND, f"event {event.hash}") from problem


def _place(writing: Writing, hash_: str) -> Place | None:
    """Where an event stands that was put aside, that others name by hash, or that a fork casts doubt on."""
    try:
        digest_ = unb64(hash_)
    except Problem:
        return None
    if len(digest_) != HASH_BYTES:
        return None
    writing.flush()
    row = writing.con.execute(_SQL["aside"].text, {"hash": digest_}).fetchone()
    if row is not None:
        return Place(*row)
    named = writing.facts.index.find(writing.con, digest_)
    if named is not None:
        log, seq, is_forked = named
        return Place(log, seq, digest_ if is_forked else b"")
    for ref, forked_at in writing.con.execute(_SQL["forked_logs"].text).fetchall():
        for seq, fork, raw in writing.con.execute(_SQL["disputed"].text, {"log": ref, "seq": forked_at}):
            if (fork or line_digest(raw)) == digest_:
                return Place(ref, seq, fork)
    return None
