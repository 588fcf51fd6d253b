"""A world whose clock is set from outside and whose entropy comes from a seed: what a host gives to the product.

It serves both sides: what a device and a backend ask of the machine differs by one method.
"""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import shake_256

from sync.clock import Moment, rfc3339
from sync.ids import b64


class SetWorld:
    """True time is what `set_clock` says and never goes back; a millisecond goes by with each thing recorded.

    `name` and `life` (how often this host has started) make its entropy its own: after a restart nothing
    drawn before comes again.
    """

    def __init__(self, *, seed: int, name: str, life: int, true_ms: int, shift_ms: int = 0) -> None:
        self._stem = f"{seed}/{name}/{life}/"
        self._drawn = 0
        self._jitter = random.Random(self._stem)
        self._true_ms = self._began_ms = true_ms
        self._shift_ms = shift_ms
        self._boot = b64(self.token(6))
        self._crash_at = ""

    def set_clock(self, true_ms: int, shift_ms: int) -> None:
        """Afterwards it is `true_ms` (or later, if it was later already) and the wall clock is off by `shift_ms`."""
        self._true_ms = max(self._true_ms, true_ms)
        self._shift_ms = shift_ms

    def crash_at(self, point: str) -> None:
        """Afterwards this process dies of SIGKILL when it next comes to the point; "" takes it back."""
        self._crash_at = point

    @contextmanager
    def calm(self) -> Iterator[None]:
        """Nothing crashes inside: what the trial asks for its own sake is not what a crash was meant for."""
        point, self._crash_at = self._crash_at, ""
        try:
            yield
        finally:
            self._crash_at = point

    # -- what the product asks ---------------------------------------------------
    def now_ms(self) -> int:
        """The wall clock, as far off as it was shifted."""
        return self._true_ms + self._shift_ms

    def mono_ms(self) -> int:
        """Milliseconds since this host started; no shift moves it."""
        return self._true_ms - self._began_ms

    def moment(self) -> Moment:
        """Both, as events carry them."""
        self._true_ms += 1
        return Moment(wall=rfc3339(self.now_ms()), mono=self.mono_ms(), boot=self._boot)

    def token(self, size: int) -> bytes:
        """The next `size` bytes of this life's stream."""
        self._drawn += 1
        return shake_256(f"{self._stem}{self._drawn}".encode()).digest(size)

    def chance(self) -> float:
        """A number in [0, 1)."""
        return self._jitter.random()

    def fault(self, point: str) -> None:
        """The process ends here, with nothing flushed and nobody told, if it was set to."""
        if point == self._crash_at:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # the signal is on its way: nothing after this line is to happen
