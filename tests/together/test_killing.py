"""Backend and device killed with -9, at named points and at random moments: nothing lost, nothing counted twice."""

import asyncio
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.world import POINTS as BACKEND_POINTS
from device.agent import enrol, open_agent
from device.store.sqlite import FILE
from device.world import POINTS as DEVICE_POINTS
from device.world import Machine
from sync.ids import event_hash
from tests.children import GONE, Child
from tests.together.office import Office

pytestmark = pytest.mark.alone
EVENTS = 5_000
KILLS = 50


class Worker:
    """The process of `tests.together.worker`; what it has shown so far, as recorded and as received, outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown: dict[int, str] = {}
        self.received: list[int] = []
        self._child: Child | None = None

    def start(self, upto: int, point: str = "", passings: int = 0) -> None:
        self._child = Child("tests.together.worker", str(self.folder), str(upto), point, str(passings))

    def read(self, *, for_s: float, until: str = "") -> str:
        """Reads what is shown for so long, or until this word: the word, GONE once the process is, or nothing."""
        assert self._child is not None
        end = time.monotonic() + for_s
        while line := self._child.line(end):
            word, *rest = line.split()
            if word == "recorded":
                self.shown[int(rest[0])] = rest[1]
            elif word == "received":
                self.received.append(int(rest[0]))
            if word in (until, GONE):
                return word
            if time.monotonic() > end:
                return ""
        return ""

    def go_on(self, events: int) -> None:
        """So many more have been shown as recorded."""
        wanted = len(self.shown) + events
        while len(self.shown) < wanted:
            assert self.read(for_s=30, until="recorded") == "recorded"

    def end(self) -> int:
        """Killed; what it had still shown is read. 0 where it does not run."""
        if self._child is None:
            return 0
        self._child.signal()
        assert self.read(for_s=10) == GONE
        code = self._child.wait()
        self._child = None
        return code


@pytest.fixture
def worker(office: Office, tmp_path: Path) -> Iterator[Worker]:
    """Anna's phone, enrolled and synced, in a process that is still to be started."""
    worker = Worker(tmp_path / "phone-anna")
    asyncio.run(set_up(office, worker.folder))
    yield worker
    worker.end()


async def set_up(office: Office, folder: Path) -> None:
    """Anna's phone, enrolled and synced."""
    await enrol(folder, Machine(), office.code("phone-anna"))
    async with open_agent(folder, Machine()) as agent:
        await agent.sync()


async def seals(office: Office, folder: Path) -> int:
    """How many seals a third device counts, over all jobs, after pulling them."""
    await enrol(folder, Machine(), office.code("tablet"))
    async with open_agent(folder, Machine()) as agent:
        assert (await agent.sync()).why == "all done"
        memory = agent.holding.memory
        return sum(item.installed for job in memory.jobs() for item in memory.journey(job).items)


def check(office: Office, folder: Path, shown: dict[int, str]) -> int:
    """Nothing shown is lost, nothing is there that was not recorded, nothing counts twice: how many there are."""
    ((name, recorded),) = rows(folder / FILE, "SELECT log.log, max(seq) FROM log JOIN event ON event.log = number")
    held = office.held(str(name))
    assert [seq for seq, _, _ in held] == list(range(1, int(recorded) + 1)), "each name once, none missing"
    lost = shown.items() - {seq: event_hash(raw) for seq, raw, _ in held}.items()
    assert not lost, f"shown as recorded and not on the backend as it was: {sorted(lost)}"
    scans = sum(b'"kind":"item.scanned"' in raw for _, raw, _ in held)
    assert asyncio.run(seals(office, folder.with_name("tablet"))) == scans, "the fold counts every scan once"
    return len(held)


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as con:
        return con.execute(sql).fetchall()


def test_fifty_kills_of_each_side_during_five_thousand_events_lose_nothing(office: Office, worker: Worker) -> None:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    chosen = random.Random(seed)
    for turn in range(1, KILLS + 1):
        worker.start(EVENTS * turn // KILLS)
        first, second = sorted(chosen.uniform(0, 0.4) for _ in range(2))
        assert turn == 1 or office.ready()
        worker.read(for_s=30, until="ready")
        worker.read(for_s=first, until="done")
        one, other = (office.end, worker.end) if chosen.random() < 0.5 else (worker.end, office.end)
        assert one() == -signal.SIGKILL
        if one != worker.end:
            worker.read(for_s=second - first)
        assert other() == -signal.SIGKILL
        office.start()
    assert office.ready()
    worker.start(EVENTS)
    assert worker.read(for_s=60, until="done") == "done"
    worker.end()
    assert max(worker.shown) == EVENTS
    assert worker.received[-1] == EVENTS
    assert check(office, worker.folder, worker.shown) == EVENTS


@pytest.mark.parametrize("point", DEVICE_POINTS[1:])
def test_a_device_that_dies_at_a_named_point_goes_on_where_it_was(office: Office, worker: Worker, point: str) -> None:
    for passings in (1, 2, 4):
        worker.start(EVENTS, point, passings)
        assert worker.read(for_s=60) == GONE
        assert worker.end() == -signal.SIGKILL
    worker.start(100)
    assert worker.read(for_s=60, until="done") == "done"
    worker.end()
    assert check(office, worker.folder, worker.shown) >= 100


@pytest.mark.parametrize("point", BACKEND_POINTS)
def test_a_backend_that_dies_at_a_named_point_has_the_rest_sent_again(
    office: Office, worker: Worker, point: str
) -> None:
    assert office.end() == -signal.SIGKILL
    # A start passes some points, too: it opens the office's log. What comes after is the device's.
    in_service = 0
    for passings in (1, 4, 5):
        office.start(point, passings)
        if office.ready():
            worker.start(EVENTS)
            assert office.gone() == -signal.SIGKILL
            worker.go_on(25)
            worker.end()
            in_service += 1
        else:
            assert office.gone() == -signal.SIGKILL
    office.start()
    assert office.ready()
    worker.start(0)
    assert worker.read(for_s=60, until="done") == "done"
    worker.end()
    assert check(office, worker.folder, worker.shown) >= len(worker.shown) >= 25 * in_service
    assert in_service >= 2
