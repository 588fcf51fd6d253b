"""Processes that tests start, listen to line by line, and kill."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from tests.lints import ROOT

GONE: Final = "gone"


class Child:
    """A Python module, or a command, that runs in a process of its own and says things on stdout, a line each."""

    def __init__(self, what: str, *args: str, by: Sequence[str] = (sys.executable, "-m")) -> None:
        self._process = subprocess.Popen([*by, what, *args], cwd=ROOT, stdout=subprocess.PIPE, bufsize=0)
        if self._process.stdout is None:
            raise TypeError("a child has a pipe")
        self._out = self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._said = b""

    def line(self, by: float) -> str:
        """The next whole line; "" where none came by then (of `time.monotonic`); GONE once nothing more will come."""
        while b"\n" not in self._said:
            if not self._selector.select(max(by - time.monotonic(), 0)):
                return ""
            more = os.read(self._out.fileno(), 65_536)
            if not more:
                return GONE
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return line.decode()

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self._process.poll() is None

    def signal(self, number: signal.Signals = signal.SIGKILL) -> None:
        """It gets this signal, unless it is gone."""
        self._process.send_signal(number)

    def wait(self, for_s: float = 60) -> int:
        """Its exit code, once it has ended; afterwards its pipe is closed."""
        code = self._process.wait(for_s)
        self._selector.close()
        self._out.close()
        return code
