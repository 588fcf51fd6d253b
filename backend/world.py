"""Where the backend learns the time and draws entropy: nothing else on this side asks the machine for either."""

import os
import secrets
import time
from typing import Protocol

from sync.clock import Moment, rfc3339
from sync.ids import b64


class World(Protocol):
    """What the backend asks of the machine; a test or a trial passes one of its own."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 by the wall clock."""

    def moment(self) -> Moment:
        """The same as events carry it."""

    def token(self, size: int) -> bytes:
        """`size` unguessable bytes."""

    def fault(self, point: str) -> None:
        """Called at each named point where a crash would matter; a trial may end the process there."""


class Machine:
    """The world as it is."""

    def __init__(self) -> None:
        self._boot = b64(os.urandom(6))
        self._began = time.monotonic_ns()

    def now_ms(self) -> int:
        """See `World`."""
        return time.time_ns() // 1_000_000

    def moment(self) -> Moment:
        """See `World`; `mono` counts from the start of this process."""
        mono = (time.monotonic_ns() - self._began) // 1_000_000
        return Moment(wall=rfc3339(self.now_ms()), mono=mono, boot=self._boot)

    def token(self, size: int) -> bytes:
        """See `World`."""
        return secrets.token_bytes(size)

    def fault(self, point: str) -> None:
        """Nothing happens: in the world as it is, crashes announce themselves."""


POINTS = ("before-store", "after-store", "before-commit", "after-commit", "before-reply")
"""The points of one push, in order: its rows are not yet written, are written, stand before and after the
commit, and are durable while nobody was told."""

BLOB_POINTS = ("chunk-kept", "blob-whole", "blob-kept")
"""The points of one upload, in order: a chunk is durable, all are one blob, and its row says so; nobody was told."""
