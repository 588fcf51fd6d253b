"""Accounts at other sign-in services: whom each stands for, by issuer and subject, and sign-ins that are under way."""

import sqlite3
from typing import Final

import msgspec

from backend.master import PERSON, all_of
from backend.store.sqlite import queries
from backend.world import World
from sync.details import NO_DEPARTURE
from sync.ids import b64, digest
from sync.problems import (
    EMAIL_SHARED,
    EMAIL_UNVERIFIED,
    IDENTITY_TAKEN,
    IDENTITY_UNKNOWN,
    PROVIDER_LIED,
    TOO_MANY,
    Problem,
)

_SQL: Final = queries("identities")
AWAY_MS: Final = 10 * 60_000
"""How long a sign-in at another service may take."""
MOST_AWAY: Final = 10_000
_BYTES: Final = 32


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a service says has come: an account of its own, with the e-mail address that it gives for it."""

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """An account that stands for somebody here; `linked_at` in ms since 1970."""

    issuer: str
    subject: str
    email: str
    linked_at: int


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in under way; `state` and `binding` are known here only as hashes once it is kept.

    `person` and `session` are whose account is to be linked, "" where somebody signs in.
    """

    provider: str
    nonce: str
    verifier: str
    back: str
    person: str = ""
    session: str = ""
    state: str = ""
    binding: str = ""


def depart(
    con: sqlite3.Connection, world: World, provider: str, back: str, *, person: str = "", session: str = ""
) -> Departure:
    """A sign-in that begins now, with what has to come back; TOO_MANY where too many are under way."""
    now_ms = world.now_ms()
    con.execute(_SQL["arrive"].text, {"hash": b"", "now_ms": now_ms})
    if con.execute(_SQL["departures"].text).fetchone()[0] >= MOST_AWAY:
        raise Problem(TOO_MANY)
    state, binding, nonce, verifier = (b64(world.token(_BYTES)) for _ in range(4))
    departure = Departure(
        provider=provider,
        nonce=nonce,
        verifier=verifier,
        back=back,
        person=person,
        session=session,
        state=state,
        binding=binding,
    )
    row = msgspec.structs.asdict(departure) | {"hash": digest(state.encode()), "binding": digest(binding.encode())}
    con.execute(_SQL["depart"].text, row | {"expires_at": now_ms + AWAY_MS})
    return departure


def arrive(con: sqlite3.Connection, provider: str, state: str, binding: str, now_ms: int) -> Departure:
    """The sign-in that comes back, which it can once; PROVIDER_LIED where none of this browser's is under way there."""
    row = con.execute(_SQL["departure"].text, {"hash": digest(state.encode())}).fetchone()
    con.execute(_SQL["arrive"].text, {"hash": digest(state.encode()), "now_ms": now_ms})
    if row is None or row[7] <= now_ms or row[:2] != (digest(binding.encode()), provider):
        raise Problem(PROVIDER_LIED, NO_DEPARTURE.of(), "state")
    return Departure(provider=row[1], nonce=row[2], verifier=row[3], back=row[4], person=row[5], session=row[6])


def sign_in(con: sqlite3.Connection, who: Identity, now_ms: int) -> str:
    """The person for whom this account stands; the first time the one whose verified e-mail address it has.

    IDENTITY_UNKNOWN, EMAIL_UNVERIFIED or EMAIL_SHARED where there is none, IDENTITY_TAKEN where that person has
    another account there already: an address that was given to somebody else opens nothing.
    """
    people = {id_: row for id_, row in all_of(con, PERSON) if set(row.roles) != {"integration"}}
    row = con.execute(_SQL["identity"].text, {"issuer": who.issuer, "subject": who.subject}).fetchone()
    if row is not None:
        if row[0] not in people:
            raise Problem(IDENTITY_UNKNOWN)
        return str(row[0])
    wanted = who.email.strip().casefold()
    found = [id_ for id_, one in people.items() if wanted and one.email.strip().casefold() == wanted]
    if found and not who.email_verified:
        raise Problem(EMAIL_UNVERIFIED)
    if not found:
        raise Problem(IDENTITY_UNKNOWN)
    if len(found) > 1:
        raise Problem(EMAIL_SHARED)
    link(con, who, found[0], now_ms)
    return found[0]


def link(con: sqlite3.Connection, who: Identity, person: str, now_ms: int) -> None:
    """Afterwards this account stands for the person; IDENTITY_TAKEN where it, or the person there, has another."""
    key = {"issuer": who.issuer, "subject": who.subject}
    row = con.execute(_SQL["identity"].text, key).fetchone()
    if row is not None and row[0] == person:
        return
    if row is not None or any(one.issuer == who.issuer for one in identities_of(con, person)):
        raise Problem(IDENTITY_TAKEN)
    con.execute(_SQL["link"].text, key | {"person": person, "email": who.email[:254], "linked_at": now_ms})


def identities_of(con: sqlite3.Connection, person: str) -> tuple[LinkView, ...]:
    """The accounts that stand for this person."""
    names = LinkView.__struct_fields__
    rows = con.execute(_SQL["identities_of"].text, {"person": person})
    return tuple(LinkView(**dict(zip(names, row, strict=True))) for row in rows)


def end_identity(con: sqlite3.Connection, person: str, issuer: str) -> bool:
    """Afterwards no account at this service stands for the person; False where none did."""
    return con.execute(_SQL["unlink"].text, {"person": person, "issuer": issuer}).rowcount > 0


def end_identities(con: sqlite3.Connection, person: str) -> None:
    """Afterwards no account anywhere stands for this person."""
    con.execute(_SQL["unlink_all"].text, {"person": person})
