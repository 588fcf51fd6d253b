"""Keys as rows of their own: every key a device ever had, and every key of the backend's. None is ever forgotten.

A key that is left out of a roster could neither hand over what it still holds nor be told to erase it.
"""

import sqlite3
from typing import Final, Literal

import msgspec

from backend.store.sqlite import queries
from sync.problems import NOT_FOUND, Problem
from sync.seal import Jwk, kid_of

_SQL: Final = queries("keys")
Revoked = Literal["", "left", "lost", "compromised"]
_WORSE: Final[tuple[Revoked, ...]] = ("", "left", "lost", "compromised")


class EnrolledKey(msgspec.Struct, frozen=True):
    """A key with which a device records or recorded; `since` is in ms since 1970, `revoked` why it ended."""

    kid: str
    device: str
    x: str
    since: int
    revoked: Revoked

    @property
    def jwk(self) -> Jwk:
        """The public half."""
        return Jwk(x=self.x)


def bind(con: sqlite3.Connection, device: str, jwk: Jwk, now_ms: int) -> None:
    """Afterwards the device may record with this key."""
    con.execute(_SQL["bind"].text, {"kid": kid_of(jwk), "device": device, "x": jwk.x, "since": now_ms})


def enrolled(con: sqlite3.Connection, device: str = "") -> list[EnrolledKey]:
    """Every key ever enrolled, or those of one device, the oldest first."""
    name, row = ("enrolled_of", {"device": device}) if device else ("enrolled", {})
    return [EnrolledKey(*found) for found in con.execute(_SQL[name].text, row)]


def enrolled_key(con: sqlite3.Connection, kid: str) -> EnrolledKey:
    """The key with this name; NOT_FOUND where no device ever had it."""
    row = con.execute(_SQL["enrolled_key"].text, {"kid": kid}).fetchone()
    if row is None:
        raise Problem(NOT_FOUND, f"key {kid[:40]}")
    return EnrolledKey(*row)


def key_in_use(con: sqlite3.Connection, device: str) -> EnrolledKey | None:
    """The key with which the device may record now, if any."""
    return next((key for key in reversed(enrolled(con, device)) if not key.revoked), None)


def is_taken(con: sqlite3.Connection, kid: str) -> bool:
    """True for the name of any key that was ever seen here: of a device, of the backend, or of a log."""
    (taken,) = con.execute(_SQL["taken"].text, {"kid": kid}).fetchone()
    return bool(taken)


def end_key(con: sqlite3.Connection, kid: str, why: Revoked) -> None:
    """Afterwards the key may record no more; of several reasons the gravest stands."""
    row = con.execute(_SQL["enrolled_key"].text, {"kid": kid}).fetchone()
    if row is not None and _WORSE.index(why) > _WORSE.index(EnrolledKey(*row).revoked):
        con.execute(_SQL["end_key"].text, {"kid": kid, "revoked": why})


# -- the backend's own --------------------------------------------------------
def backend_keys(con: sqlite3.Connection) -> tuple[Jwk, ...]:
    """Every key the backend ever had, the one in use first, then the newest."""
    return tuple(Jwk(x=x) for _, x, _ in con.execute(_SQL["backend_keys"].text))


def add_backend_key(con: sqlite3.Connection, jwk: Jwk, now_ms: int) -> None:
    """Afterwards the key is among the backend's own."""
    con.execute(_SQL["add_backend_key"].text, {"kid": kid_of(jwk), "x": jwk.x, "since": now_ms})


def signing_kid(con: sqlite3.Connection) -> str:
    """The key that the backend signs with, "" before it has one."""
    row = con.execute(_SQL["key_in_use"].text).fetchone()
    return row[0] if row else ""
