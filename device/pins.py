"""PINs: by what a person shows on a shared handheld to be himself. They never leave the device.

A PIN keeps colleagues from recording in each other's name; whoever can copy the device's files is kept out by the
file system alone, for ten thousand PINs are soon tried. So only what scrypt makes of one is stored, an attempt counts
before it is looked at, and after three wrong ones the wait doubles each time, across restarts.
"""

import asyncio
import hashlib
import hmac
import sqlite3
from itertools import pairwise
from typing import Final

from device.store import pins, pulled
from device.store.pins import Guard, Hashed, Instant
from device.store.sqlite import Store
from device.world import World
from sync.problems import BAD_PIN, PIN_WAIT, WRONG_PIN, Problem

SALT_BYTES: Final = 16
COST: Final = (2**14, 8, 5)
"""scrypt's n, r and p: 16 MiB, and about a quarter of a second (OWASP, Password Storage Cheat Sheet)."""
DIGITS: Final = range(4, 13)
FREE: Final = 3
"""So many attempts may go wrong before there is a wait."""
FIRST_WAIT_MS: Final = 30_000
LONGEST_WAIT_MS: Final = 3_600_000


def wait_ms(failures: int) -> int:
    """How long after the last attempt the next may be made, when so many went wrong since the last right one."""
    return min(FIRST_WAIT_MS << (failures - FREE), LONGEST_WAIT_MS) if failures >= FREE else 0


class Pins:
    """The PINs of the people of one device."""

    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._world = world

    async def has(self, person: str) -> bool:
        """Whether this person has set one here."""
        return await self._store.reading(lambda con: pins.guard(con, person)) is not None

    async def set(self, person: str, pin: str) -> None:
        """Afterwards this is the person's PIN. BAD_PIN where it is none, or one that everybody tries first."""
        _fit(pin)
        hashed = await self._hash(pin, self._world.token(SALT_BYTES), *COST)
        await self._store.writing(lambda con: pins.keep(con, person, hashed))

    async def check(self, person: str, pin: str) -> int:
        """Return only if this is the person's PIN: how many attempts went wrong since the last right one.

        Raises WRONG_PIN, and PIN_WAIT without a look at it where the next attempt has to wait.
        """
        found, left_ms = await self._store.writing(lambda con: self._attempt(con, person))
        if left_ms > 0:
            raise Problem(PIN_WAIT, f"{_span(left_ms)} from now", person)
        held = found.hashed
        given = await self._hash(pin, held.salt, held.n, held.r, held.p)
        if not hmac.compare_digest(given.hash, held.hash):
            wait = wait_ms(found.failures + 1)
            if wait:
                await self._store.writing(lambda con: self._warn(con, person))
            raise Problem(WRONG_PIN, f"the next attempt in {_span(wait)}" if wait else "", person)
        await self._store.writing(lambda con: pins.passed(con, person, held))
        return found.failures

    def _attempt(self, con: sqlite3.Connection, person: str) -> tuple[Guard, int]:
        """The person's PIN as it was, and how long to wait first, if at all.

        An attempt counts as wrong before it is looked at: a process that is killed then has had it all the same. One
        that comes too early does not count; what it has waited is carried over to the clock of this start.
        """
        found = pins.guard(con, person)
        if found is None:
            raise Problem(WRONG_PIN, "none is set here", person)
        moment = self._world.moment()
        now = Instant(moment.boot, moment.mono, self._world.now_ms())
        waited_ms = _since(found.last, now)
        left_ms = wait_ms(found.failures) - waited_ms
        if left_ms > 0:
            began = Instant(now.boot, now.mono_ms - waited_ms, now.wall_ms - waited_ms)
            pins.attempted(con, person, found.failures, began)
        else:
            pins.attempted(con, person, found.failures + 1, now)
        return found, left_ms

    def _warn(self, con: sqlite3.Connection, person: str) -> None:
        detail = f"{FREE} attempts and more to be {person} on this device"
        pulled.needs_you(con, WRONG_PIN.slug, detail, self._world.now_ms())

    @staticmethod
    async def _hash(pin: str, salt: bytes, n: int, r: int, p: int) -> Hashed:
        raw = pin.encode("utf-8", "surrogateescape")
        made = await asyncio.to_thread(hashlib.scrypt, raw, salt=salt, n=n, r=r, p=p, dklen=32)
        return Hashed(salt, made, n, r, p)


def _fit(pin: str) -> None:
    """Return only for digits that are not the first ones anybody would try."""
    if not (pin.isascii() and pin.isdigit() and len(pin) in DIGITS):
        raise Problem(BAD_PIN)
    steps = {int(after) - int(before) for before, after in pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise Problem(BAD_PIN)


def _since(last: Instant, now: Instant) -> int:
    """Milliseconds that certainly passed. Within one start of the device no clock that people set is asked."""
    if last.boot == now.boot:
        return now.mono_ms - last.mono_ms
    return max(now.wall_ms - last.wall_ms, 0)


def _span(ms: int) -> str:
    seconds = -(-ms // 1000)
    return f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} min"
