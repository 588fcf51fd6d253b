"""How somebody comes in: with a password, by a link that was given out, with an account of another service."""

import sqlite3
from typing import Final, Literal

import msgspec

from backend.accounts.identities import LinkView, identities_of
from backend.accounts.links import OpenLink, links_of
from backend.accounts.passwords import password_of
from backend.accounts.sessions import SessionView, sessions_of
from backend.store.sqlite import queries

_SQL: Final = queries("accounts")
State = Literal["password", "account", "invited", "none"]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How one person comes in, and where he is."""

    has_password: bool
    links: tuple[OpenLink, ...]
    accounts: tuple[LinkView, ...]
    sessions: tuple[SessionView, ...]


def access_of(con: sqlite3.Connection, person: str, now_ms: int) -> Access:
    """All of it, of one person."""
    return Access(
        has_password=password_of(con, person) is not None,
        links=links_of(con, person, now_ms),
        accounts=identities_of(con, person),
        sessions=sessions_of(con, person, now_ms),
    )


def access_to(con: sqlite3.Connection, now_ms: int) -> dict[str, State]:
    """The best way in of everybody who has one, or who was invited."""
    found: dict[str, State] = {}
    for query, state in _WAYS:
        for (person,) in con.execute(_SQL[query].text, {"now_ms": now_ms}):
            found[person] = state
    return found


_WAYS: Final[tuple[tuple[str, State], ...]] = (
    ("who_is_invited", "invited"),
    ("who_has_an_account", "account"),
    ("who_has_a_password", "password"),
)
