"""A world in which a side dies where it is told to, in a process that goes on: what a kill -9 would leave behind."""

from collections.abc import Callable

from trial.world import SetWorld


class Crash(BaseException):
    """The side died at this named point; nothing after it happened. The product must not take it for an error."""


class Fragile(SetWorld):
    """As `SetWorld`, but a crash is raised, and from then on every named point raises it again: the dead do nothing."""

    def __init__(self, *, seed: int, name: str, life: int, true_ms: int, shift_ms: int = 0) -> None:
        super().__init__(seed=seed, name=name, life=life, true_ms=true_ms, shift_ms=shift_ms)
        self.died_at = ""
        self.tell: Callable[[], None] = lambda: None

    def fault(self, point: str) -> None:
        if self.died_at or point == self._crash_at:
            self.died_at = self.died_at or point
            self.tell()
            raise Crash(self.died_at)
