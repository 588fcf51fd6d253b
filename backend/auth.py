"""Who is calling: a device that signed a challenge, or whoever holds a token. Whether they may is asked elsewhere."""

import sqlite3
from collections import OrderedDict
from contextlib import suppress
from typing import Any, Final

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from backend.accounts.sessions import COOKIE, Session, find_session, saw_session
from backend.accounts.tokens import Token, find_token, used_token
from backend.addresses import PROGRAMS
from backend.reach import person_keys
from backend.store.sqlite import Store, queries
from backend.world import World
from sync.ids import b64, digest
from sync.policy import Device, Directory, Role, Roster
from sync.problems import BAD_SIGNATURE, NOT_PERMITTED, NOT_SIGNED_IN, Problem
from sync.protocol import read_document
from sync.seal import Jwk, kid_in, verify

_SQL: Final = queries("office")
CHALLENGE_MS: Final = 60_000
"""How long a challenge may be answered, once."""
MOST_CHALLENGES: Final = 20_000
MOST_SESSIONS: Final = 50_000


class DeviceCaller(msgspec.Struct, frozen=True):
    """A device with an open session."""

    kid: str
    jwk: Jwk
    device: Device


class StaffCaller(msgspec.Struct, frozen=True):
    """A person or program with a token or a browser's session, as the roster in force says.

    `session` names the browser's session and `form` is what its forms have to send back; "" for a token.
    """

    person: str
    roles: frozenset[Role]
    directory: Directory
    session: str = ""
    form: str = ""

    def keys(self) -> set[str]:
        """What the caller's scope reaches; a technician's, in the office, his own jobs and not those of his sites."""
        keys = person_keys(self.directory, [self.person])
        if self.roles - {"technician"}:
            return keys
        return {key for key in keys if not key.startswith("site:")}


class People:
    """The roster in force, read again only when there is a newer one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: tuple[str, Directory] | None = None

    async def now(self) -> tuple[str, Directory]:
        """Reference and content of the roster in force."""
        return await self._store.reading(self.read)

    def read(self, con: sqlite3.Connection) -> tuple[str, Directory]:
        """The same on a reader's connection."""
        row = con.execute(_SQL["document_newest"].text, {"key": "roster"}).fetchone()
        reference = row[1]
        if self._held is None or self._held[0] != reference:
            roster = read_document(row[2])
            if not isinstance(roster, Roster):
                raise LookupError("the document kept as the roster is none")
            self._held = (reference, Directory(roster))
        return self._held


class Sessions:
    """Challenges and device sessions of this process. After a restart every device signs a new challenge."""

    def __init__(self, world: World, session_s: int) -> None:
        self._world = world
        self.session_s = session_s
        self._challenges: OrderedDict[str, int] = OrderedDict()
        self._open: OrderedDict[bytes, tuple[str, int]] = OrderedDict()

    def challenge(self) -> str:
        """A text that can be signed once, soon."""
        text = b64(self._world.token(24))
        self._challenges[text] = self._world.now_ms() + CHALLENGE_MS
        while len(self._challenges) > MOST_CHALLENGES:
            self._challenges.popitem(last=False)
        return text

    def open(self, challenge: str, jws: str, directory: Directory) -> str:
        """A token for the device that signed the challenge; NOT_SIGNED_IN where it does not hold."""
        until = self._challenges.pop(challenge, 0)
        if until < self._world.now_ms():
            raise Problem(NOT_SIGNED_IN, "this challenge is not open; ask for another")
        kid = kid_in(jws)
        device = directory.device(kid)
        if device is None:
            raise Problem(NOT_SIGNED_IN, f"no device has the key {kid}")
        try:
            verify(jws, challenge.encode(), "ho-session", device.jwk)
        except Problem as problem:
            raise Problem(BAD_SIGNATURE, problem.detail) from problem
        token = b64(self._world.token(32))
        self._open[digest(token.encode())] = (kid, self._world.now_ms() + self.session_s * 1000)
        while len(self._open) > MOST_SESSIONS:
            self._open.popitem(last=False)
        return token

    def kid(self, token: str) -> str:
        """The key of the device that holds this token; NOT_SIGNED_IN where nobody does any more."""
        kid, until = self._open.get(digest(token.encode()), ("", 0))
        if until < self._world.now_ms():
            raise Problem(NOT_SIGNED_IN)
        return kid


class Doorkeeper(AbstractAuthenticationMiddleware):
    """Finds out who is calling, on every path that is not open to anybody."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """The caller as `auth`; NOT_SIGNED_IN where there is none."""
        if not connection.scope["path"].startswith(PROGRAMS):
            return AuthenticationResult(user=None, auth=await _in_browser(connection))
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token or not token.isascii():
            raise Problem(NOT_SIGNED_IN, "send Authorization: Bearer and the token")
        state = connection.app.state
        _, directory = await state.people.now()
        if connection.scope["path"].startswith("/v1/"):
            kid = state.sessions.kid(token)
            device = directory.device(kid)
            if device is None:
                raise Problem(NOT_SIGNED_IN, f"no device has the key {kid}")
            return AuthenticationResult(user=None, auth=DeviceCaller(kid, device.jwk, device))
        found = await _of_token(state, token)
        _need_endpoint(connection, found)
        who = directory.person(found.person)
        roles = frozenset(who.roles) if who else frozenset()
        return AuthenticationResult(user=None, auth=StaffCaller(found.person, roles, directory))


async def _of_token(state: Any, token: str) -> Token:  # noqa: ANN401 - the application's state
    now_ms = state.intake.door.world.now_ms()
    found: Token = await state.intake.store.reading(lambda con: find_token(con, token, now_ms))
    if found.stale:
        with suppress(Problem):  # a full disk is no reason to refuse who only reads
            await state.intake.do(lambda writing: used_token(writing.con, found.id, now_ms))
    return found


def _need_endpoint(connection: ASGIConnection[Any, Any, Any, Any], token: Token) -> None:
    """Return only if the token may call this address; else NOT_PERMITTED."""
    asked = f"{connection.scope.get('method')} {connection.scope['path_template']}"
    if token.endpoints and asked not in token.endpoints:
        raise Problem(NOT_PERMITTED, f"this token is not for {asked}")


async def _in_browser(connection: ASGIConnection[Any, Any, Any, Any]) -> StaffCaller:
    """Whose session the browser's cookie names; NOT_SIGNED_IN also where the person is listed no more."""
    state = connection.app.state
    token = connection.cookies.get(COOKIE, "")
    if not token or not token.isascii():
        raise Problem(NOT_SIGNED_IN)
    now_ms = state.intake.door.world.now_ms()
    session: Session = await state.intake.store.reading(lambda con: find_session(con, token, now_ms))
    _, directory = await state.people.now()
    who = directory.person(session.person)
    if who is None:
        raise Problem(NOT_SIGNED_IN, "this person is listed no more")
    if session.stale:
        with suppress(Problem):
            await state.intake.do(lambda writing: saw_session(writing.con, token, now_ms))
    return StaffCaller(session.person, frozenset(who.roles), directory, session.id, session.form)


def may(*roles: Role) -> Any:  # noqa: ANN401 - what litestar calls a guard
    """A guard: callers without one of these roles get NOT_PERMITTED."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        caller = connection.auth
        if not isinstance(caller, StaffCaller) or not caller.roles.intersection(roles):
            raise Problem(NOT_PERMITTED, f"it takes {' or '.join(roles)}")

    guard.roles = frozenset(roles)  # type: ignore[attr-defined]  # for who lists what a role may call
    return guard
