"""Tokens of people and programs for the JSON API: shown once, kept as a hash, ended by date or by hand.

A token may be bound to some addresses of the API, named as it describes them, such as `POST /api/orders`.
"""

import sqlite3
from typing import Final

import msgspec

from backend.store.sqlite import queries
from backend.world import World
from sync.details import LONG, NOT_BETWEEN
from sync.ids import b64, digest
from sync.problems import NOT_SIGNED_IN, WRONG_INPUT, Problem

_SQL: Final = queries("tokens")
DAY_MS: Final = 86_400_000
MOST_DAYS: Final = 3_650
MOST_LABEL: Final = 100
_TOKEN_BYTES: Final = 32
_ID_BYTES: Final = 9
_USED_EVERY_MS: Final = 60_000


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An open token: whose it is and what it may call, everything where that is empty.

    `stale` says that it is time to note that it was used.
    """

    id: str
    person: str
    endpoints: frozenset[str]
    stale: bool


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A token in a list; times are ms since 1970, `used_at` None where it never was."""

    id: str
    label: str
    endpoints: tuple[str, ...]
    made_by: str
    made_at: int
    expires_at: int
    used_at: int | None


class TokenAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A token to be made: what for, what it may call (everything where empty), and for how many days it works."""

    label: str = ""
    endpoints: tuple[str, ...] = ()
    days: int = 90


_ANY: Final = TokenAsked()


def token_hash(token: str) -> bytes:
    """What is kept of a token or code: it cannot be used to call."""
    return digest(token.encode())


def make_token(con: sqlite3.Connection, world: World, person: str, asked: TokenAsked, *, by: str) -> str:
    """A token for this person; WRONG_INPUT for a number of days or a name that is none."""
    if not 1 <= asked.days <= MOST_DAYS:
        raise Problem(WRONG_INPUT, NOT_BETWEEN.of(least=1, most=MOST_DAYS), "days")
    if len(asked.label) > MOST_LABEL or (asked.label and not asked.label.isprintable()):
        raise Problem(WRONG_INPUT, LONG.of(most=MOST_LABEL), "label")
    token = b64(world.token(_TOKEN_BYTES))
    keep_token(con, token, person, asked, now_ms=world.now_ms(), by=by)
    return token


def keep_token(
    con: sqlite3.Connection, token: str, person: str, asked: TokenAsked = _ANY, *, now_ms: int, by: str = ""
) -> None:
    """Afterwards this token is the person's."""
    hash_ = token_hash(token)
    row: dict[str, object] = {
        "hash": hash_,
        "id": b64(hash_[:_ID_BYTES]),
        "person": person,
        "label": asked.label,
        "made_by": by,
    }
    row |= {"endpoints": "\n".join(sorted(asked.endpoints)), "made_at": now_ms}
    con.execute(_SQL["make"].text, row | {"expires_at": now_ms + asked.days * DAY_MS})


def find_token(con: sqlite3.Connection, token: str, now_ms: int) -> Token:
    """The open token; NOT_SIGNED_IN where it is nobody's, or over."""
    row = con.execute(_SQL["token"].text, {"hash": token_hash(token)}).fetchone()
    if row is None or row[3] <= now_ms:
        raise Problem(NOT_SIGNED_IN)
    is_stale = row[4] <= now_ms - _USED_EVERY_MS
    return Token(id=row[0], person=row[1], endpoints=frozenset(_lines(row[2])), stale=is_stale)


def used_token(con: sqlite3.Connection, id_: str, now_ms: int) -> None:
    """Afterwards it is known that the token was used now."""
    con.execute(_SQL["used"].text, {"id": id_, "used_at": now_ms})


def tokens_of(con: sqlite3.Connection, person: str, now_ms: int) -> tuple[TokenView, ...]:
    """The open tokens of this person, the newest first."""
    rows = con.execute(_SQL["tokens_of"].text, {"person": person, "now_ms": now_ms})
    names = TokenView.__struct_fields__
    found = (dict(zip(names, row, strict=True)) for row in rows)
    return tuple(TokenView(**one | {"endpoints": _lines(one["endpoints"])}) for one in found)


def end_token(con: sqlite3.Connection, person: str, id_: str, now_ms: int) -> bool:
    """Afterwards this token of this person works no more; False where the person has none of that name."""
    return con.execute(_SQL["end"].text, {"person": person, "id": id_, "ended_at": now_ms}).rowcount > 0


def end_tokens(con: sqlite3.Connection, person: str, now_ms: int) -> int:
    """Afterwards no token of this person works; how many did."""
    return con.execute(_SQL["end_all"].text, {"person": person, "ended_at": now_ms}).rowcount


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.split("\n") if line)
