"""How often a caller may try what can be guessed: enrolment codes and sign-ins."""

from collections import OrderedDict
from typing import Final

from backend.world import World
from sync.problems import TOO_MANY, Problem

WINDOW_MS: Final = 60_000
MOST_FAILURES: Final = 20
MOST_CALLERS: Final = 10_000


class Attempts:
    """Failed attempts by caller within the last minute; bounded, the longest unseen caller is forgotten first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._failed: OrderedDict[str, list[int]] = OrderedDict()

    def check(self, caller: str) -> None:
        """Return only if the caller may try; else TOO_MANY."""
        since = self._world.now_ms() - WINDOW_MS
        recent = [at for at in self._failed.get(caller, ()) if at > since]
        if len(recent) >= MOST_FAILURES:
            raise Problem(TOO_MANY, f"{MOST_FAILURES} failed within a minute")

    def failed(self, caller: str) -> None:
        """Afterwards one more attempt counts against the caller."""
        since = self._world.now_ms() - WINDOW_MS
        recent = [at for at in self._failed.pop(caller, ()) if at > since]
        self._failed[caller] = [*recent[-MOST_FAILURES:], self._world.now_ms()]
        while len(self._failed) > MOST_CALLERS:
            self._failed.popitem(last=False)

    def begin(self, *callers: str) -> None:
        """Afterwards an attempt counts against each of these, until `went_well`; TOO_MANY where one may not try.

        It counts before anything is compared: of many that come at once none is free.
        """
        for caller in callers:
            self.check(caller)
        for caller in callers:
            self.failed(caller)

    def went_well(self, *callers: str) -> None:
        """Afterwards the last attempt of each of these counts no more."""
        for caller in callers:
            if self._failed.get(caller):
                self._failed[caller].pop()
