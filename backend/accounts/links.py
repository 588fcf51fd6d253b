"""One-use links: an invitation, or a new password for somebody who forgot his."""

import sqlite3
from typing import Final, Literal

import msgspec

from backend.store.sqlite import queries
from backend.world import World
from sync.ids import b64, digest
from sync.problems import LINK_OVER, Problem

_SQL: Final = queries("accounts")
LIVES_MS: Final = 72 * 3_600_000
Purpose = Literal["invitation", "reset"]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a link is for, and what for."""

    person: str
    purpose: Purpose


def make_link(con: sqlite3.Connection, world: World, person: str, purpose: Purpose, *, by: str) -> str:
    """The secret of a new link for this person; links made before and not used work no longer."""
    now_ms = world.now_ms()
    con.execute(_SQL["use_links"].text, {"person": person, "used_at": now_ms})
    secret = b64(world.token(24))
    row = {"hash": digest(secret.encode()), "person": person, "purpose": purpose, "made_by": by}
    con.execute(_SQL["make_link"].text, row | {"made_at": now_ms, "expires_at": now_ms + LIVES_MS})
    return secret


class OpenLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that still works, without its secret; times are ms since 1970."""

    purpose: Purpose
    made_by: str
    made_at: int
    expires_at: int


def links_of(con: sqlite3.Connection, person: str, now_ms: int) -> tuple[OpenLink, ...]:
    """The links of this person that still work: one at most."""
    rows = con.execute(_SQL["links_of"].text, {"person": person, "now_ms": now_ms})
    return tuple(OpenLink(purpose=row[0], made_by=row[1], made_at=row[2], expires_at=row[3]) for row in rows)


def find_link(con: sqlite3.Connection, secret: str, now_ms: int) -> Link:
    """The link with this secret; LINK_OVER where it was used, is too old, or never was."""
    row = con.execute(_SQL["link"].text, {"hash": digest(secret.encode())}).fetchone()
    if row is None or row[2] <= now_ms:
        raise Problem(LINK_OVER)
    return Link(person=row[0], purpose=row[1])


def use_links(con: sqlite3.Connection, person: str, now_ms: int) -> None:
    """Afterwards no link made for this person works."""
    con.execute(_SQL["use_links"].text, {"person": person, "used_at": now_ms})
