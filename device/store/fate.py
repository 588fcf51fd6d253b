"""The rows of a log whose key was revoked: what is still to be handed over, and the erasing of all that was here.

Each function is a piece of a transaction; it takes the connection it runs on.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from device.store import blobs, giving, log, pulled
from device.store.log import LogRow
from device.store.sqlite import statements
from sync.policy import Document, Roster
from sync.revocation import Reason
from sync.seal import kid_of

_sql = statements("fate")


class Fate(msgspec.Struct, frozen=True):
    """Why the key was revoked, since when that is known here, and when all was erased; times in ms since 1970."""

    reason: Reason
    since_ms: int
    erased_ms: int | None


class Left(msgspec.Struct, frozen=True):
    """What a surrender still has to hand over: events, attachments, and if lines are to be given back.

    `received_ms` is when the last receipt was kept.
    """

    events: int
    attachments: int
    giving: bool
    received_ms: int

    @property
    def nothing(self) -> bool:
        """True once everything is received."""
        return not (self.events or self.attachments or self.giving)


def fate(con: sqlite3.Connection, row: LogRow) -> Fate | None:
    """What became of this log's key; None while it may record."""
    found = con.execute(_sql["fate"], {"log": row.number}).fetchone()
    return Fate(*found) if found else None


def note(con: sqlite3.Connection, document: Document, now_ms: int) -> None:
    """Afterwards it is known if this roster says that the key in use was revoked; what was known of it stays."""
    row = log.current(con)
    if row is None or not isinstance(document, Roster):
        return
    for device in document.devices:
        if device.revoked and kid_of(device.jwk) == row.kid:
            con.execute(_sql["note"], {"log": row.number, "reason": device.revoked, "since_ms": now_ms})


def left(con: sqlite3.Connection) -> Left:
    """What no receipt of the epoch in force covers yet, of every log this device ever had."""
    epoch = pulled.conversation(con).epoch
    (events,) = con.execute(_sql["left"]).fetchone()
    (received_ms,) = con.execute(_sql["last_receipt"], {"epoch": epoch}).fetchone()
    return Left(events, blobs.waiting(con, epoch).blobs, giving.is_left(con), received_ms)


def erase(con: sqlite3.Connection, row: LogRow, now_ms: int) -> bool:
    """Afterwards nothing is left of what was recorded or pulled here; False, and nothing is erased, without receipts.

    What stays says which device this was, and why and when it was erased.
    """
    epoch = pulled.conversation(con).epoch
    (unreceived,) = con.execute(_sql["unreceived"], {"epoch": epoch}).fetchone()
    if unreceived or not left(con).nothing:
        return False
    con.execute("PRAGMA secure_delete = ON")
    con.execute("PRAGMA defer_foreign_keys = ON")
    for name in _tables(con):
        con.execute(f"DELETE FROM {name}")  # noqa: S608 - a name from the database's own list of tables
    con.execute(_sql["forget_logs"])
    con.execute(_sql["forget_conversation"])
    con.execute(_sql["erased"], {"log": row.number, "erased_ms": now_ms})
    return True


def _tables(con: sqlite3.Connection) -> Sequence[str]:
    return [name for (name,) in con.execute(_sql["tables"])]
