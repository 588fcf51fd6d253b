"""Sessions of browsers: an opaque token in a cookie, of which only the hash is kept; a new one at every sign-in."""

import sqlite3
from typing import Final

import msgspec

from backend.store.sqlite import queries
from backend.world import World
from sync.ids import b64, digest
from sync.problems import NOT_SIGNED_IN, Problem

_SQL: Final = queries("accounts")
COOKIE: Final = "__Host-handover"
"""The prefix binds the cookie to this host, to https (or loopback) and to the whole site; browsers enforce it."""
IDLE_MS: Final = 12 * 3_600_000
"""A session that was not used for so long is over."""
LIVES_MS: Final = 14 * 86_400_000
"""No session lives longer, however often it is used."""
KEPT_MS: Final = 30 * 86_400_000
"""How long it is kept that there was a session, once it is over."""
_SAW_EVERY_MS: Final = 60_000
_TOKEN_BYTES: Final = 32
_ID_BYTES: Final = 9
_MOST_AGENT: Final = 200


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An open session: `id` names it in lists, `form` is what each form of it has to send back.

    `stale` says that it is time to note that it was used.
    """

    id: str
    person: str
    form: str
    stale: bool


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One of a person's open sessions, for the person; times are ms since 1970."""

    id: str
    made_at: int
    seen_at: int
    expires_at: int
    agent: str
    address: str


def open_session(con: sqlite3.Connection, world: World, person: str, *, agent: str, address: str) -> str:
    """A token for this person's browser; nothing that the browser held before counts for it."""
    token = b64(world.token(_TOKEN_BYTES))
    now_ms = world.now_ms()
    con.execute(_SQL["drop_sessions"].text, {"before": now_ms - KEPT_MS})
    row = {"hash": _hash(token), "id": b64(world.token(_ID_BYTES)), "person": person, "made_at": now_ms}
    more = {"expires_at": now_ms + LIVES_MS, "agent": agent[:_MOST_AGENT], "address": address}
    con.execute(_SQL["open_session"].text, row | more)
    return token


def find_session(con: sqlite3.Connection, token: str, now_ms: int) -> Session:
    """The open session with this token; NOT_SIGNED_IN where there is none, or it is over."""
    row = con.execute(_SQL["session"].text, {"hash": _hash(token)}).fetchone()
    if row is None or row[3] <= now_ms or row[2] <= now_ms - IDLE_MS:
        raise Problem(NOT_SIGNED_IN)
    return Session(id=row[0], person=row[1], form=form_token(token), stale=row[2] <= now_ms - _SAW_EVERY_MS)


def form_token(token: str) -> str:
    """What forms of this session carry: known to whoever holds the session, and to nobody who only sends requests."""
    return b64(digest(b"form\n" + token.encode()))


def saw_session(con: sqlite3.Connection, token: str, now_ms: int) -> None:
    """Afterwards it is known that the session was used now."""
    con.execute(_SQL["saw_session"].text, {"hash": _hash(token), "seen_at": now_ms})


def end_session(con: sqlite3.Connection, person: str, id_: str, now_ms: int) -> bool:
    """Afterwards this session of this person is over; False where the person has none of that name."""
    return con.execute(_SQL["end_session"].text, {"person": person, "id": id_, "ended_at": now_ms}).rowcount > 0


def end_sessions(con: sqlite3.Connection, person: str, now_ms: int, *, but: str = "") -> int:
    """Afterwards all sessions of this person are over, except the one named; how many were."""
    return con.execute(_SQL["end_sessions"].text, {"person": person, "but": but, "ended_at": now_ms}).rowcount


def forget_sessions(con: sqlite3.Connection, person: str) -> None:
    """Afterwards nothing says when this person was signed in, or from where; who is signed in is so no more."""
    con.execute(_SQL["forget_sessions"].text, {"person": person})


def sessions_of(con: sqlite3.Connection, person: str, now_ms: int) -> tuple[SessionView, ...]:
    """The person's open sessions, the last used first."""
    rows = con.execute(_SQL["sessions_of"].text, {"person": person, "now_ms": now_ms, "idle_since": now_ms - IDLE_MS})
    names = SessionView.__struct_fields__
    return tuple(SessionView(**dict(zip(names, row, strict=True))) for row in rows)


def _hash(token: str) -> bytes:
    return digest(token.encode())
