"""An office that tests look at: the real server on a real socket in a thread of its own, and who works there."""

import asyncio
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from backend.accounts.passwords import hashed, keep_password
from backend.accounts.sessions import open_session
from backend.app import create_app, intake_of
from backend.config import Settings
from backend.intake import Intake
from backend.master import PERSON, SITE, TEAM, PersonRow, SiteRow, TeamRow, put
from backend.serve import Server, bound
from backend.world import Machine
from backend.writing import Writing

T = TypeVar("T")
PASSWORD = "seven gates rust slowly"  # noqa: S105 - everybody's in these tests
PEOPLE = {
    "ada": PersonRow(name="Ada", roles=("admin",), sites=("*",)),
    "anna": PersonRow(name="Anna", roles=("technician",), sites=("north",)),
    "bo": PersonRow(name="Bo", roles=("technician",), sites=("south",)),
    "cleo": PersonRow(name="Cleo", roles=("depot",), sites=("*",)),
    "dora": PersonRow(name="Dora", roles=("dispatcher",), teams=("desk",), sites=("*",)),
    "max": PersonRow(name="Max", roles=("manager",), sites=("*",)),
    "nick": PersonRow(name="Nick", roles=("dispatcher",), teams=("desk",), sites=("north",)),
}
"""ada administers; anna and bo are technicians; cleo is at the depot; dora dispatches; max manages; nick sees
the north."""
_KEPT = hashed(PASSWORD)


class Office:
    """A server that runs, and a way into its database through its own door."""

    def __init__(self, folder: Path, listener: socket.socket | None = None, /, **settings: object) -> None:
        """On a socket of its own, where none is given."""
        listener = listener or bound("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.settings = msgspec.convert(
            {"database": folder / "handover.db", "url": self.url, "escalate_every_s": 0} | settings, Settings
        )
        self.app = create_app(self.settings, Machine())
        self._listener = listener
        self._ready = threading.Event()
        self._server = Server(self.app, self._started)
        self._thread = threading.Thread(target=self._run, name="office")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30), "the server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(30)
        self._listener.close()
        assert not self._thread.is_alive(), "the server did not stop"

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])

    def _started(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()

    def _stop(self) -> None:
        self._server.should_exit = True
        self.app.state.stopping.set()

    @property
    def intake(self) -> Intake:
        """The door."""
        return intake_of(self.app)

    def do(self, work: Callable[[Writing], T]) -> T:
        """What `work` returns, committed, by the server's own writer."""
        return asyncio.run_coroutine_threadsafe(self.intake.do(work), self._loop).result(30)

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` reads of what is committed."""
        return asyncio.run_coroutine_threadsafe(self.intake.store.reading(work), self._loop).result(30)

    def until(self, work: Callable[[sqlite3.Connection], bool], by_s: float = 20) -> None:
        """Returns once what `work` reads is so; fails where it is not by then."""
        end = time.monotonic() + by_s
        while not self.read(work):
            assert time.monotonic() < end, "it did not come to be"

    def settle(self) -> None:
        """Afterwards the people of `PEOPLE` work here, at the sites north and south."""

        def begin(writing: Writing) -> None:
            now_ms = writing.now_ms
            for site in ("north", "south"):
                put(writing.con, SITE, site, SiteRow(name=site.title()), by="test", now_ms=now_ms)
            put(writing.con, TEAM, "desk", TeamRow(name="Desk"), by="test", now_ms=now_ms)
            for name, row in PEOPLE.items():
                put(writing.con, PERSON, name, row, by="test", now_ms=now_ms)
                keep_password(writing.con, name, _KEPT, now_ms)
            self.intake.door.cut(writing)

        self.do(begin)

    def session(self, person: str) -> str:
        """The token of a new session of this person's."""
        world = self.intake.door.world
        return self.do(lambda writing: open_session(writing.con, world, person, agent="test", address="127.0.0.1"))
