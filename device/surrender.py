"""What a revoked device does by itself: records nothing more, hands over what it holds, and erases all of it.

Nothing is erased that no receipt covers. A crash at any point leaves either everything, or what the next start
finishes: the rows go in one transaction, which says so, and the files after it.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from device.store import fate, log
from device.store.blobs import FOLDER
from device.store.fate import Fate
from device.store.log import LogRow
from device.store.sqlite import Store
from device.world import World
from sync.clock import rfc3339
from sync.problems import NOT_ENROLLED, NOT_REVOKED, Problem
from sync.revocation import Reason

KEEP_MS: Final = 14 * 86_400_000
"""How long all is kept after its receipt, unless the key was revoked as compromised: then not at all."""


class Surrender(msgspec.Struct, frozen=True, kw_only=True):
    """How a surrender stands: why, what is left to hand over, and when all is erased (RFC 3339; "" while not known).

    `giving` says that what was pulled is still being given back to a backend that was restored.
    """

    reason: Reason
    since: str
    events: int
    attachments: int
    giving: bool
    erases_at: str

    @property
    def received(self) -> bool:
        """True once a receipt covers everything."""
        return not (self.events or self.attachments or self.giving)


def stands(con: sqlite3.Connection, row: LogRow) -> Surrender | None:
    """How the surrender of this log stands; None where its key may record."""
    found = fate.fate(con, row)
    if found is None:
        return None
    left = fate.left(con)
    return Surrender(
        reason=found.reason,
        since=rfc3339(found.since_ms),
        events=left.events,
        attachments=left.attachments,
        giving=left.giving,
        erases_at=rfc3339(_due_ms(found, left.received_ms)) if left.nothing else "",
    )


def _due_ms(found: Fate, received_ms: int) -> int:
    since_ms = max(found.since_ms, received_ms)
    return since_ms if found.reason == "compromised" else since_ms + KEEP_MS


class Surrendering:
    """The surrender of the device in this folder."""

    def __init__(self, store: Store, directory: Path, world: World) -> None:
        self._store = store
        self._directory = directory
        self._world = world

    async def turn(self, row: LogRow, *, at_once: bool = False) -> bool:
        """True if all was erased now that it was time to; `at_once` waits for no time, but for every receipt it does.

        NOT_REVOKED where `at_once` is asked of a device that may record.
        """
        now_ms = self._world.now_ms()

        def work(con: sqlite3.Connection) -> bool:
            found = fate.fate(con, row)
            if found is None and at_once:
                raise Problem(NOT_REVOKED, row.device)
            if found is None or not (at_once or now_ms >= _due_ms(found, fate.left(con).received_ms)):
                return False
            erased = fate.erase(con, row, now_ms)
            self._world.fault("erase-written")
            return erased

        if (await self._store.reading(lambda con: fate.fate(con, row))) is None and not at_once:
            return False
        if not await self._store.writing(work):
            return False
        self._world.fault("erased")
        await self._finish()
        return True

    async def check(self, row: LogRow) -> None:
        """Return only if this device was not erased; else NOT_ENROLLED, and what a crash left of it is gone."""
        found = await self._store.reading(lambda con: fate.fate(con, row))
        if found is not None and found.erased_ms is not None:
            await self._finish()
            raise Problem(NOT_ENROLLED, said_of(found), str(self._directory))

    async def settle(self) -> None:
        """Afterwards nothing is left of a device that was erased, so that the folder can be enrolled anew."""
        row = await self._store.reading(log.current)
        if row is not None:
            found = await self._store.reading(lambda con: fate.fate(con, row))
            if found is not None and found.erased_ms is not None:
                await self._finish()

    async def _finish(self) -> None:
        """Afterwards keys and attachments are gone from the folder, and what was erased from the database's files."""
        for path in sorted(self._directory.glob("key-*")):
            _wipe(path)
            self._world.fault("key-wiped")
        for path in sorted((self._directory / FOLDER).glob("*")):
            _wipe(path)
        await self._store.shrink()


def said_of(found: Fate) -> str:
    """What became of an erased device, in a sentence."""
    when = rfc3339(found.erased_ms) if found.erased_ms is not None else ""
    return f"it was revoked ({found.reason}), handed over everything, and erased it at {when}"


def _wipe(path: Path) -> None:
    """Afterwards the file is gone, its bytes overwritten first as far as the disk lets that be."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
