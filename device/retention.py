"""Raw signals are kept for a while only: what is older goes a little at a time, so that nobody waits for it."""

import logging
from typing import Final

from device.holding import Holding
from device.store.signals import forget_signals
from sync.problems import DISK_FULL, Problem

log = logging.getLogger(__name__)

EVERY_MS: Final = 3_600_000
AT_ONCE: Final = 10_000
"""Signals forgotten in one transaction, during which nobody else writes."""
_DAY_MS: Final = 86_400_000


class Retention:
    """Forgets what the store heard more than `days` ago, by the clock that it was received by."""

    def __init__(self, holding: Holding, days: int) -> None:
        self._here = holding
        self._keep_ms = days * _DAY_MS
        self._due_ms = holding.world.mono_ms()

    async def turn(self) -> int:
        """Forget some of what is too old, once an hour until there is none; given is how many signals."""
        world = self._here.world
        if world.mono_ms() < self._due_ms:
            return 0
        before_ms = world.now_ms() - self._keep_ms
        try:
            forgotten = await self._here.store.writing(lambda con: forget_signals(con, before_ms, AT_ONCE))
        except Problem as problem:
            if problem.kind is not DISK_FULL:
                raise
            log.warning("nothing can be forgotten on a full disk", extra={"detail": problem.detail})
            forgotten = 0
        if forgotten < AT_ONCE:
            self._due_ms = world.mono_ms() + EVERY_MS
        return forgotten
