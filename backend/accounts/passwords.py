"""Passwords: long enough, not among the first that anybody tries, and kept only as what argon2 makes of them."""

import sqlite3
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from backend.store.sqlite import queries
from sync.problems import WEAK_PASSWORD, Problem

_SQL: Final = queries("accounts")
LEAST: Final = 12
MOST: Final = 200
_HASHER: Final = PasswordHasher()
"""argon2id with the library's parameters, which follow RFC 9106."""
_NOBODY: Final = _HASHER.hash("nobody has this password, and it is compared all the same")


def hashed(password: str) -> str:
    """What is kept of a password; takes tens of milliseconds, so it belongs beside the event loop."""
    return _HASHER.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """True where this is the password; without a kept one it takes as long to say False."""
    try:
        _HASHER.verify(kept or _NOBODY, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
    return kept is not None


def password_of(con: sqlite3.Connection, person: str) -> str | None:
    """What is kept of a person's password; None where the person has none."""
    row = con.execute(_SQL["password"].text, {"person": person}).fetchone()
    return str(row[0]) if row else None


def keep_password(con: sqlite3.Connection, person: str, hash_: str, now_ms: int) -> None:
    """Afterwards the person signs in with the password of this hash."""
    con.execute(_SQL["keep_password"].text, {"person": person, "hash": hash_, "changed_at": now_ms})


def strong_enough(password: str, person: str) -> None:
    """Return only if nobody would try this password first; else WEAK_PASSWORD."""
    if not LEAST <= len(password) <= MOST:
        raise Problem(WEAK_PASSWORD, f"{len(password)} of at least {LEAST} characters", "password")
    if len(set(password)) < 5 or person.lower() in password.lower():
        raise Problem(WEAK_PASSWORD, "it repeats itself, or holds the name", "password")
