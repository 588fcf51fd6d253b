"""Where the agent learns the time and draws entropy: nothing else on this side asks the machine for either."""

import os
import random
import secrets
import time
from pathlib import Path
from typing import Protocol

from sync.clock import Moment, rfc3339
from sync.ids import b64

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class World(Protocol):
    """What the agent asks of the machine; a test or a trial passes one of its own."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 by the wall clock, which people set and which may be wrong."""

    def mono_ms(self) -> int:
        """Milliseconds on a clock that never goes back; it starts anywhere."""

    def moment(self) -> Moment:
        """Both as events carry them, with the boot within which `mono` counts."""

    def token(self, size: int) -> bytes:
        """`size` unguessable bytes."""

    def chance(self) -> float:
        """A number in [0, 1), for jitter and for nothing secret."""

    def fault(self, point: str) -> None:
        """Called at each named point where a crash would matter; a trial may end the process there."""


class Machine:
    """The world as it is."""

    def __init__(self) -> None:
        self._jitter = random.Random()  # noqa: S311 - it spreads retries, it guards nothing
        try:
            # Across processes of one boot the monotonic clock goes on, and so must its name.
            self._boot = b64(bytes.fromhex(_BOOT_ID.read_text().strip().replace("-", ""))[:6])
        except (OSError, ValueError):
            self._boot = b64(os.urandom(6))

    def now_ms(self) -> int:
        """See `World`."""
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        """See `World`; it counts through sleep where the system can."""
        clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        return time.clock_gettime_ns(clock) // 1_000_000

    def moment(self) -> Moment:
        """See `World`."""
        return Moment(wall=rfc3339(self.now_ms()), mono=self.mono_ms(), boot=self._boot)

    def token(self, size: int) -> bytes:
        """See `World`."""
        return secrets.token_bytes(size)

    def chance(self) -> float:
        """See `World`."""
        return self._jitter.random()

    def fault(self, point: str) -> None:
        """Nothing happens: in the world as it is, crashes announce themselves."""


POINTS = (
    "key-kept",
    "rows-written",
    "recorded",
    "reply-read",
    "reply-written",
    "reply-kept",
)
"""The points of one enrolment, one record and one reply, in order.

A new device's key is on the disk; an event's rows are written and not yet committed; they are durable while
nobody was told; a reply was read, its effects are written, and they are durable.
"""

BLOB_POINTS = ("blob-durable", "chunk-answered", "blob-reply-written", "blob-reply-kept")
"""The points of one attachment, in order: its bytes are durable and no event names them, a chunk was answered, what
the answer says is written, and it is durable."""

SURRENDER_POINTS = ("erase-written", "erased", "key-wiped")
"""The points of one erasing, in order: the rows are gone and not yet committed, they are gone, and so is a key."""
