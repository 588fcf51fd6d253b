"""Passwords: long enough, not among the first that anybody tries, and kept only as what argon2 makes of them."""

import sqlite3
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from zxcvbn import zxcvbn

from backend.store.sqlite import queries
from sync.details import COMMON_PASSWORD, LONG_PASSWORD, SHORT_PASSWORD
from sync.problems import WEAK_PASSWORD, Problem

_SQL: Final = queries("accounts")
LEAST: Final = 12
MOST: Final = 200
_LOOKED_AT: Final = 72
"""Characters that zxcvbn takes at most; whether they are common is seen long before."""
_SCORE: Final = 3
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


def drop_password(con: sqlite3.Connection, person: str) -> None:
    """Afterwards nobody signs in as this person with a password."""
    con.execute(_SQL["drop_password"].text, {"person": person})


def keep_password(con: sqlite3.Connection, person: str, hash_: str, now_ms: int) -> None:
    """Afterwards the person signs in with the password of this hash."""
    con.execute(_SQL["keep_password"].text, {"person": person, "hash": hash_, "changed_at": now_ms})


def strong_enough(password: str, *known: str) -> None:
    """Return only if nobody would try this password early; else WEAK_PASSWORD. Takes milliseconds.

    `known` is what others know of the person: whoever guesses begins with it. There are no rules of composition
    (NIST SP 800-63B, 3.1.1.2): zxcvbn compares with what was common in leaked lists, with words, names, dates, rows of
    the keyboard and repetitions, and its score 3 begins at 10^8 guesses.
    """
    if len(password) < LEAST:
        raise Problem(WEAK_PASSWORD, SHORT_PASSWORD.of(length=len(password), least=LEAST), "password")
    if len(password) > MOST:
        raise Problem(WEAK_PASSWORD, LONG_PASSWORD.of(length=len(password), most=MOST), "password")
    words = [word for text in (*known, "handover") for word in (text, *text.replace("@", " ").split()) if word]
    if zxcvbn(password[:_LOOKED_AT], user_inputs=words)["score"] < _SCORE:
        raise Problem(WEAK_PASSWORD, COMMON_PASSWORD.of(), "password")


def accepted(password: str, *known: str) -> str:
    """What is kept of a password that is strong enough; else WEAK_PASSWORD. It belongs beside the event loop."""
    strong_enough(password, *known)
    return hashed(password)
