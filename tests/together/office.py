"""A real backend in a process of its own, with people, devices and one boundary; started, killed, started again.

Run as `python -m tests.together.office DATABASE PORT POINT N` it is that process: it serves until it is stopped,
and at the N-th passing of POINT it kills itself.
"""

import io
import json
import os
import signal
import socket
import sqlite3
import sys
import time
from contextlib import closing, redirect_stdout
from pathlib import Path
from typing import Final

from backend.commands import devices, people, policies, serve, sites
from backend.world import Machine
from tests.children import Child
from tests.device.field import SITE_POLICY

CREW: Final = {"phone-anna": "anna", "phone-bo": "bo", "tablet": "dee"}
START_S: Final = 60


class Doomed(Machine):
    """The world as it is, but for one moment."""

    def __init__(self, point: str, passings: int) -> None:
        super().__init__()
        self._point = point
        self._left = passings

    def fault(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Office:
    """The backend as these tests hold it: one folder, one port for all its lives."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "handover.db"
        with closing(socket.create_server(("127.0.0.1", 0))) as found:
            self.port: int = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._child: Child | None = None
        self._set_up(folder)

    def _set_up(self, folder: Path) -> None:
        self._run(sites.main, "add", "site-1")
        for person in ("anna", "bo"):
            self._run(people.main, "add", person, "--role", "technician", "--site", "site-1")
        self._run(people.main, "add", "dee", "--role", "dispatcher", "--site", "*")
        for device, person in CREW.items():
            self._run(devices.main, "add", device, "--person", person)
        rules = folder / "policy.json"
        fields = {"boundary": "technician-technician", "sender_role": "technician", "mandatory": ["state"]}
        rules.write_text(json.dumps(fields | {"distractors": SITE_POLICY.distractors, "accept": {"guests": True}}))
        self._run(policies.main, "set", str(rules))

    def _run(self, command: object, *args: str) -> str:
        out = io.StringIO()
        with redirect_stdout(out):
            assert command([*args, "--database", str(self.database)]) == 0  # type: ignore[operator]
        return out.getvalue()

    def code(self, device: str) -> str:
        """A one-time code for this device."""
        text: str = json.loads(self._run(devices.main, "enrol-code", device, "--url", self.url, "--json"))["text"]
        return text

    # -- its lives ------------------------------------------------------------
    def start(self, point: str = "", passings: int = 0) -> None:
        """Afterwards the process is on its way; `ready` waits until it serves."""
        self._child = Child("tests.together.office", str(self.database), str(self.port), point, str(passings))

    def serve_by(self, *words: str) -> None:
        """The same by a command that somebody types."""
        self._child = Child(*words, by=())

    def ready(self) -> bool:
        """True once it serves; false where it died before."""
        assert self._child is not None
        return "serves at" in self._child.line(time.monotonic() + START_S)

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """The process got this signal; given is its exit code."""
        assert self._child is not None
        self._child.signal(number)
        return self.gone()

    def gone(self) -> int:
        """The process ended by itself; given is its exit code."""
        assert self._child is not None
        code = self._child.wait(START_S)
        self._child = None
        return code

    @property
    def started(self) -> bool:
        """True for a process whose end was not waited for."""
        return self._child is not None

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self._child is not None and self._child.alive

    # -- what it holds, read without the product's code -------------------------
    def held(self, log: str) -> list[tuple[int, bytes, int | None]]:
        """Seq, bytes and position of every event of a log, forks included, in order."""
        with closing(sqlite3.connect(self.database)) as con:
            rows: list[tuple[int, bytes, int | None]] = []
            for table in ("event", "fork"):
                rows += con.execute(
                    f"SELECT seq, bytes, position FROM {table} JOIN log ON log.ref = {table}.log WHERE log.log = ?",  # noqa: S608
                    (log,),
                ).fetchall()
        return sorted(rows)


if __name__ == "__main__":
    _, database, port, point_, passings_ = sys.argv
    sys.exit(serve.main(["--database", database, "--port", port], Doomed(point_, int(passings_))))
