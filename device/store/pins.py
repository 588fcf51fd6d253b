"""The rows of people's PINs on this device.

Each function is a piece of a transaction; it takes the connection it runs on.
"""

import sqlite3
from collections.abc import Collection

import msgspec

from device.store.sqlite import statements

_sql = statements("pins")


class Hashed(msgspec.Struct, frozen=True):
    """What scrypt made of a PIN with this salt, at this cost (RFC 7914: n, r, p)."""

    salt: bytes
    hash: bytes
    n: int
    r: int
    p: int


class Instant(msgspec.Struct, frozen=True):
    """When something was: `mono_ms` counts within `boot`, `wall_ms` is what people set."""

    boot: str
    mono_ms: int
    wall_ms: int


class Guard(msgspec.Struct, frozen=True):
    """A person's PIN, how many attempts went wrong since the last right one, and when the last one was."""

    hashed: Hashed
    failures: int
    last: Instant


def guard(con: sqlite3.Connection, person: str) -> Guard | None:
    """What guards this person here; None before a PIN was set."""
    row = con.execute(_sql["pin"], {"person": person}).fetchone()
    return Guard(Hashed(*row[:5]), row[5], Instant(*row[6:])) if row else None


def keep(con: sqlite3.Connection, person: str, hashed: Hashed) -> None:
    """Afterwards this is the person's PIN, and no attempt at it went wrong."""
    con.execute(_sql["keep"], {"person": person, **msgspec.structs.asdict(hashed)})


def attempted(con: sqlite3.Connection, person: str, failures: int, at: Instant) -> None:
    """Afterwards so many attempts count as wrong, the last one at this instant."""
    con.execute(_sql["attempted"], {"person": person, "failures": failures, **msgspec.structs.asdict(at)})


def passed(con: sqlite3.Connection, person: str, hashed: Hashed) -> None:
    """Afterwards no attempt at this PIN counts as wrong; another one set meanwhile is left alone."""
    con.execute(_sql["passed"], {"person": person, "hash": hashed.hash})


def forget_others(con: sqlite3.Connection, people: Collection[str]) -> None:
    """Afterwards only these people may have a PIN here."""
    for (person,) in con.execute(_sql["people"]).fetchall():
        if person not in people:
            con.execute(_sql["forget"], {"person": person})
