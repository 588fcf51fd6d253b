"""What is left of events whose words were taken out, and how a row of the ledger is read, whole or redacted."""

import logging
import sqlite3
from contextlib import suppress
from typing import Final

from backend.store.sqlite import queries
from sync.codec import decode, encode, read_event
from sync.events import Event, EventRedacted
from sync.ids import b64, unb64
from sync.ledger import is_hash, line_digest
from sync.problems import Problem
from sync.redaction import check_restated, fuller, read_held, shown_text

log = logging.getLogger(__name__)

_SQL: Final = queries("redact")


def said_of(con: sqlite3.Connection, digest_: bytes) -> EventRedacted | None:
    """The redaction that restates the event with this digest; None where there is none."""
    row = con.execute(_SQL["said"].text, {"hash": digest_}).fetchone()
    return decode(row[0], EventRedacted) if row else None


def read_row(con: sqlite3.Connection, raw: bytes, kid: str = "") -> Event:
    """The event of a row: from its bytes, or where these are gone from what is left of it.

    Raises what reading raises, and RESTATEMENT_MISSING where nobody has said yet what is left.
    """
    if not is_hash(raw):
        return read_event(raw, kid)
    return read_held(raw, said_of(con, line_digest(raw)), kid)


def shown_row(con: sqlite3.Connection, raw: bytes) -> bytes:
    """The JSON of a row as people see it, with a mark where words were; the row itself where nothing is said of it."""
    said = said_of(con, line_digest(raw)) if is_hash(raw) else None
    return shown_text(said.restated) if said is not None and said.restated else raw


def is_left_of(raw: bytes, said: EventRedacted) -> bool:
    """True where what is said is what is left of these bytes; else they stay, and whoever runs this is told."""
    with suppress(Problem):
        check_restated(raw, said.restated)
        return True
    log.error("a redaction says otherwise than the bytes", extra={"hash": said.event})
    return False


def as_line(digest_: bytes) -> bytes:
    """What is kept of an event's bytes once they are gone."""
    return b64(digest_).encode("ascii")


class Redactions:
    """The same for the writer, who asks of every event that comes. `con` is the transaction's connection."""

    def __init__(self) -> None:
        self.con: sqlite3.Connection
        self._open: set[bytes] | None = None
        self._any: bool | None = None

    def forget(self) -> None:
        """Afterwards nothing is remembered; what is asked for is read again."""
        self._open = None
        self._any = None

    @property
    def any(self) -> bool:
        """True once anything was redacted."""
        if self._any is None:
            self._any = bool(self.con.execute(_SQL["any"].text).fetchone()[0])
        return self._any

    @property
    def open(self) -> set[bytes]:
        """The digests of events that were redacted and are not here: nearly always none."""
        if self._open is None:
            self._open = {hash_ for (hash_,) in self.con.execute(_SQL["open"].text)}
        return self._open

    def said(self, digest_: bytes) -> EventRedacted | None:
        """See `said_of`."""
        return said_of(self.con, digest_) if self.any else None

    def note(self, body: EventRedacted) -> EventRedacted | None:
        """Afterwards what is left of the event is known: the redaction that counts, None where that one did before."""
        digest_ = unb64(body.event)
        before = self.said(digest_)
        counts = fuller(before, body) if before is not None else body
        if counts == before:
            return None
        self.con.execute(_SQL["keep"].text, {"hash": digest_, "said": encode(counts).decode()})
        self._any = True
        if before is None:
            self.open.add(digest_)
        return counts

    def met(self, digest_: bytes) -> None:
        """Afterwards it is known that the event is here, and its bytes are not."""
        self.con.execute(_SQL["met"].text, {"hash": digest_})
        self.open.discard(digest_)
