"""What follows from a redaction: the bytes go wherever they stand, with the blobs that nothing else names.

Hash, chain value, signature and verdict stay. The same is done whichever came first, and however often it is said.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from backend.facts import PARKED, REFUSED, UNMATCHED
from backend.office import BACKEND, Office
from backend.redactions import as_line, is_left_of
from backend.revoked import held_by
from backend.store.blobs import Blobs
from backend.store.sqlite import queries
from backend.writing import Place, Writing, redacted
from sync.codec import decode
from sync.events import Draft, Event, EventRedacted
from sync.ids import unb64
from sync.ledger import is_hash, line_digest
from sync.problems import Problem
from sync.redaction import restated

_SQL: Final = queries("redact")
_LEDGER: Final = queries("ledger")
_BLOBS: Final = queries("blobs")
_WITNESS: Final = '"kind":"code.witnessed"'


def take_out(writing: Writing, event: Event) -> None:
    """Afterwards no bytes of the event that this one restates are here, and what waited for it goes on."""
    if not isinstance(event.body, EventRedacted):
        raise TypeError(f"{event.kind} restates nothing")
    said = writing.book.redactions.note(event.body)
    if said is None:
        return
    # What is overwritten must not stay in the file's free space.
    writing.con.execute("PRAGMA secure_delete = ON")
    digest_ = unb64(said.event)
    writing.flush()
    for place in list(_places(writing, digest_, said.restated)):
        _empty(writing, place, digest_, said)
    _empty_half(writing, digest_, said)
    if _WITNESS not in said.restated:
        writing.taken_out[digest_] = event.actor
    writing.release(redacted(said.event))


class _Name(msgspec.Struct, frozen=True):
    log: str = ""
    seq: int = 0


def _places(writing: Writing, digest_: bytes, text: str) -> Iterator[Place]:
    """Where the event stands: under its name, and where it was filed because it cannot be read or came elsewhere."""
    found: dict[Place, None] = {}
    try:
        name = decode(text, _Name)
    except Problem:
        name = _Name()
    ref = writing.con.execute(_LEDGER["log_by_name"].text, {"log": name.log}).fetchone()
    if ref is not None:
        found[Place(ref[0], name.seq)] = found[Place(ref[0], name.seq, digest_)] = None
    named = writing.facts.index.find(writing.con, digest_)
    if named is not None:
        found[Place(named[0], named[1], digest_ if named[2] else b"")] = None
    for row in writing.con.execute(_SQL["misplaced"].text):
        found[Place(*row)] = None
    for place in found:
        row = writing.con.execute(_LEDGER["fork_row" if place.digest else "main_row"].text, place.names()).fetchone()
        if row is not None and line_digest(row[0]) == digest_:
            yield place


def _empty(writing: Writing, place: Place, digest_: bytes, said: EventRedacted) -> None:
    """Afterwards the bytes at this place are gone, if what is said is what is left of them."""
    con = writing.con
    raw, _, _, _, _, job, _ = con.execute(
        _LEDGER["fork_row" if place.digest else "main_row"].text, place.names()
    ).fetchone()
    if not is_hash(raw):
        if not is_left_of(raw, said):
            return
        where = place.names() | {"line": as_line(digest_)}
        con.execute(_SQL["empty_fork" if place.digest else "empty_main"].text, where)
        _drop_blobs(writing, place)
    writing.book.redactions.met(digest_)
    jobs = {job, *(about for (about,) in con.execute(_SQL["jobs_about"].text, place.names()))} - {None, 0}
    for ref in jobs:
        if ref == UNMATCHED:
            writing.has_stray_orders = True
        else:
            writing.facts.read_anew(ref)
            writing.touched.add(ref)


def _empty_half(writing: Writing, digest_: bytes, said: EventRedacted) -> None:
    row = writing.con.execute(_SQL["half"].text, {"digest": digest_}).fetchone()
    if row is not None and not is_hash(row[2]) and is_left_of(row[2], said):
        writing.con.execute(_SQL["empty_half"].text, {"hash": digest_, "line": as_line(digest_)})
        writing.book.redactions.met(digest_)


# -- blobs --------------------------------------------------------------------
def _drop_blobs(writing: Writing, place: Place) -> None:
    """Afterwards this event names no blob; one that no other names is to be dropped, and no row says it is here."""
    con = writing.con
    names = [name for (name,) in con.execute(_SQL["blobs_of"].text, place.names())]
    con.execute(_SQL["unname_blobs"].text, place.names())
    for name in names:
        if not con.execute(_SQL["is_named"].text, {"sha256": name}).fetchone()[0]:
            con.execute(_BLOBS["drop"].text, {"sha256": name})
            con.execute(_SQL["blob_goes"].text, {"sha256": name})
            writing.book.has_gone = True


def drop_gone(con: sqlite3.Connection, blobs: Blobs) -> int:
    """Afterwards the bytes of blobs that nothing names any more are gone from the store: how many blobs.

    To be done in a transaction of its own, once what says so is durable; until it is done it is to be done again.
    """
    count = 0
    for (name,) in con.execute(_SQL["blobs_going"].text).fetchall():
        if not con.execute(_SQL["is_named"].text, {"sha256": name}).fetchone()[0]:
            blobs.drop(name)
            count += 1
        con.execute(_SQL["blob_went"].text, {"sha256": name})
    return count


# -- what else holds the words --------------------------------------------------
def restate_witnesses(writing: Writing, office: Office) -> list[Event]:
    """Afterwards every witness that holds an event which was redacted is so, too; the redactions that were recorded."""
    recorded: list[Event] = []
    while writing.taken_out:
        taken, writing.taken_out = writing.taken_out, {}
        writing.flush()
        for place, raw, actor in list(_holding(writing, taken)):
            recorded += office.record(writing, [restating(writing, place, raw, actor)])
    return recorded


def _holding(writing: Writing, taken: dict[bytes, str]) -> Iterable[tuple[Place, bytes, str]]:
    """The witnesses whose frames hold one of these events, and who had its words taken out.

    One that is parked has filed nothing yet: it is looked through once it is judged.
    """
    for log_, seq, digest_, raw, verdict in writing.con.execute(_SQL["witnesses"].text):
        if verdict == PARKED:
            continue
        held = {unb64(hash_) for hash_ in held_by(raw)}
        actors = [taken[one] for one in held if one in taken]
        if actors:
            yield Place(log_, seq, digest_), raw, actors[0] or BACKEND


def restating(writing: Writing, place: Place, raw: bytes, actor: str) -> Draft:
    """The redaction of the event with these bytes, which stands here. Raises NOT_REDACTABLE."""
    row = writing.con.execute(_LEDGER["fork_row" if place.digest else "main_row"].text, place.names()).fetchone()
    log_, verdict, jws = writing.log_of(place.log), row[4], row[6]
    said = EventRedacted(
        event=as_line(line_digest(raw)).decode("ascii"),
        restated=restated(raw).decode(),
        kid=log_.kid if jws else "",
        holds=held_by(raw) if verdict != REFUSED else (),
    )
    return Draft(kind="event.redacted", actor=actor, body=said)


def restating_half(writing: Writing, digest_: bytes, actor: str) -> Draft | None:
    """The same of an event that a witness holds and that stands in no log here; None where its bytes are gone."""
    row = writing.con.execute(_SQL["half"].text, {"digest": digest_}).fetchone()
    if row is None or is_hash(row[2]):
        return None
    hash_ = as_line(digest_).decode("ascii")
    said = EventRedacted(event=hash_, restated=restated(row[2]).decode(), kid=row[3])
    return Draft(kind="event.redacted", actor=actor, body=said)
