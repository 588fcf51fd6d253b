"""The one door on this side: what goes through it is durable, chained, signed, and in the outbox.

Nothing else appends to the log. Event rows and outbox rows are one transaction; until it is committed
nobody is told "recorded", and what fails leaves nothing behind.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from device.store import fate, log
from device.store.log import LogRow, Recorded
from device.store.sqlite import Store
from device.world import World
from sync.events import Draft
from sync.problems import DEVICE_REVOKED, LOG_STOPPED, NOT_ENROLLED, Problem
from sync.seal import Signer

STOPPED: Final = "stopped"


class Door:
    """Records drafts into the current log, signed with the device's key."""

    def __init__(self, store: Store, world: World, signer: Signer) -> None:
        self._store = store
        self._world = world
        self._signer = signer

    async def record(
        self, drafts: Sequence[Draft], also: Callable[[sqlite3.Connection], None] | None = None
    ) -> tuple[Recorded, ...]:
        """All drafts are recorded, in their order, or none; `also` is done in the same transaction.

        Raises NOT_ENROLLED, LOG_STOPPED (the database is an old copy), DEVICE_REVOKED, DISK_FULL, and UNREADABLE or
        EVENT_TOO_LARGE for a draft that is out of bounds.
        """
        at = self._world.moment()

        def work(con: sqlite3.Connection) -> tuple[Recorded, ...]:
            recorded = log.append(con, self._open(con), drafts, at, self._signer)
            if also is not None:
                also(con)
            self._world.fault("rows-written")
            return recorded

        recorded = await self._store.writing(work)
        self._world.fault("recorded")
        return recorded

    def _open(self, con: sqlite3.Connection) -> LogRow:
        row = log.current(con)
        if row is None or row.kid != self._signer.kid:
            raise Problem(NOT_ENROLLED)
        if row.state == STOPPED:
            raise Problem(LOG_STOPPED, row.log)
        found = fate.fate(con, row)
        if found is not None:
            raise Problem(DEVICE_REVOKED, found.reason)
        return row
