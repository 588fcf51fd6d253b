"""The rows that came from the backend: other logs' events, documents, and where the conversation stands.

Each function is a piece of a transaction; it takes the connection it runs on.
"""

import sqlite3

import msgspec

from device.store import redactions
from device.store.sqlite import statements
from sync.codec import UNREADABLE_JSON
from sync.ids import b64, job_id
from sync.ledger import line_digest
from sync.policy import Document, key_of, reference
from sync.protocol import PulledEvent

_sql = statements("pulled")


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Where the conversation stands. `synced_ms` is when all was last done, `offset_ms` the backend's clock less ours.

    `trouble` names what went wrong last, empty after a good round.
    """

    epoch: str
    cursor: str
    synced_ms: int | None
    offset_ms: int | None
    trouble: str


class HeldEvent(msgspec.Struct, frozen=True):
    """An event of another log, with its signature where it has one of its own; nothing of it is verified yet."""

    arrival: int
    raw: bytes
    jws: str


class HeldDocument(msgspec.Struct, frozen=True):
    """A document as pulled; `name` is what it is a version of."""

    arrival: int
    name: str
    version: int
    reference: str
    raw: bytes


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person has to look at, since when (ms since 1970)."""

    number: int
    slug: str
    detail: str
    since_ms: int


class _About(msgspec.Struct, frozen=True):
    log: str = ""
    seq: int = 0
    kind: str = ""
    job: str = ""


# -- the conversation ---------------------------------------------------------
def conversation(con: sqlite3.Connection) -> Conversation:
    """Where it stands."""
    epoch, cursor, synced_ms, offset_ms, trouble = con.execute(_sql["conversation"]).fetchone()
    return Conversation(epoch=epoch, cursor=cursor, synced_ms=synced_ms, offset_ms=offset_ms, trouble=trouble)


def enter_epoch(con: sqlite3.Connection, epoch: str) -> None:
    """Afterwards this epoch is in force, and the next pull begins at the beginning."""
    con.execute(_sql["enter_epoch"], {"epoch": epoch})


def move_cursor(con: sqlite3.Connection, cursor: str) -> None:
    """Afterwards the next pull goes on from here."""
    con.execute(_sql["move_cursor"], {"cursor": cursor})


def note_clock(con: sqlite3.Connection, offset_ms: int) -> None:
    """Afterwards the backend's clock is known to be so far ahead of ours."""
    con.execute(_sql["note_clock"], {"offset_ms": offset_ms})


def note_sync(con: sqlite3.Connection, synced_ms: int | None, trouble: str) -> None:
    """Afterwards the last round ended so; with no `synced_ms` the last good one stays."""
    con.execute(_sql["note_sync"], {"synced_ms": synced_ms, "trouble": trouble})


# -- events and documents -----------------------------------------------------
def keep_event(con: sqlite3.Connection, event: PulledEvent) -> None:
    """Afterwards the event is held, once; a job that had left this device's scope is in it again.

    What the own log holds is not held twice; other bytes under a name of its own are a clone's, and held.
    """
    hash_ = b64(line_digest(event.raw))
    raw, restated = redactions.as_pulled(con, hash_, event.raw)
    about = _about(restated.encode() or raw)
    job = job_id(hash_) if about.kind == "job.opened" else about.job
    own = con.execute(_sql["own"], {"log": about.log, "seq": about.seq}).fetchone()
    if own is None or b64(line_digest(own[0])) != hash_:
        con.execute(
            _sql["keep_event"],
            {
                "hash": hash_,
                "position": event.position,
                "received_ms": event.received_at,
                "raw": raw,
                "jws": event.jws,
                "job": job,
            },
        )
    con.execute(_sql["enter_job"], {"job": job})


def _about(raw: bytes) -> _About:
    """What an event names, as far as it can be read: what cannot be read is kept all the same."""
    try:
        return msgspec.json.decode(raw, type=_About)
    except UNREADABLE_JSON:
        return _About()


def events_after(con: sqlite3.Connection, arrival: int) -> list[HeldEvent]:
    """The events that arrived after this one, in order."""
    return [HeldEvent(*row) for row in con.execute(_sql["events_after"], {"after": arrival})]


def keep_document(con: sqlite3.Connection, document: Document, raw: bytes, jws: str) -> None:
    """Afterwards this version is held beside the others; of names only the newest is."""
    con.execute(
        _sql["keep_document"],
        {
            "name": key_of(document),
            "version": document.version,
            "reference": reference(document.version, raw),
            "raw": raw,
            "jws": jws,
        },
    )
    con.execute(_sql["drop_older_names"])


def documents_after(con: sqlite3.Connection, arrival: int) -> list[HeldDocument]:
    """The documents that arrived after this one, in order."""
    return [HeldDocument(*row) for row in con.execute(_sql["documents_after"], {"after": arrival})]


# -- scope and notices --------------------------------------------------------
def drop_job(con: sqlite3.Connection, job: str, *, own: bool) -> None:
    """Afterwards the job is out of scope. Its pulled events go, unless own events (`own`) rest on them."""
    con.execute(_sql["leave_job"], {"job": job})
    if not own:
        con.execute(_sql["drop_job"], {"job": job})


def left_jobs(con: sqlite3.Connection) -> frozenset[str]:
    """The jobs that left this device's scope."""
    return frozenset(job for (job,) in con.execute(_sql["left_jobs"]))


def needs_you(con: sqlite3.Connection, slug: str, detail: str, now_ms: int) -> None:
    """Afterwards a person is asked to look at this, once however often it is said."""
    con.execute(_sql["needs_you"], {"slug": slug, "detail": detail, "since_ms": now_ms})


def notices(con: sqlite3.Connection) -> tuple[Notice, ...]:
    """What people are asked to look at, oldest first."""
    return tuple(
        Notice(number=number, slug=slug, detail=detail, since_ms=since_ms)
        for number, slug, detail, since_ms in con.execute(_sql["problems"])
    )


def seen_to(con: sqlite3.Connection, number: int) -> None:
    """Afterwards this notice is gone."""
    con.execute(_sql["seen_to"], {"number": number})
