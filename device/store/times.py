"""The row of the last signed time from the backend: what is recorded names it, within the boot in which it came.

Each function is a piece of a transaction; it takes the connection it runs on.
"""

import sqlite3

import msgspec

from device.store.sqlite import statements
from sync.clock import Anchor, Moment, milliseconds

_sql = statements("times")


def keep(con: sqlite3.Connection, version: int, anchor: Anchor, boot: str) -> None:
    """Afterwards this time (`version`, ms since 1970) is the last, as it came in this boot; an earlier one never is."""
    row = {"id": anchor.id, "version": version, "boot": boot, "mono_ms": anchor.mono, "trip_ms": anchor.trip}
    con.execute(_sql["keep"], row)


def anchored(con: sqlite3.Connection, at: Moment) -> Moment:
    """The same moment, with the last signed time that came in its boot.

    After a restart the monotonic clock begins somewhere else, and how long it was off nobody knows: none is named then.
    """
    found = con.execute(_sql["within"], {"boot": at.boot}).fetchone()
    if found is None:
        return at
    id_, _, mono, trip = found
    return msgspec.structs.replace(at, anchor=Anchor(id=id_, mono=mono, trip=trip))


def offset_ms(con: sqlite3.Connection, at: Moment) -> int | None:
    """How far the backend's clock is ahead of ours at this moment; None before a signed time came in its boot."""
    found = con.execute(_sql["within"], {"boot": at.boot}).fetchone()
    if found is None:
        return None
    _, version, mono, _ = found
    return int(version) + at.mono - int(mono) - milliseconds(at.wall)
