"""Attachments between a real device and a real backend: nothing shown as recorded is lost, whoever dies when."""

import asyncio
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from backend.world import BLOB_POINTS as BACKEND_POINTS
from device.agent import Agent, enrol, open_agent
from device.store.sqlite import FILE
from device.transport import HttpTransport, Request, Response
from device.world import BLOB_POINTS as DEVICE_POINTS
from device.world import Machine
from sync.ids import b64, digest
from sync.problems import NO_CONNECTION, Problem
from tests.children import GONE, Child
from tests.together.office import Office
from tests.together.sender import photo

PHOTOS = 4


class Cut:
    """A real connection that loses every second answer about attachments, and says in which order they went."""

    def __init__(self, url: str) -> None:
        self._http = HttpTransport(url)
        self._turn = 0
        self.sent: list[str] = []

    async def send(self, request: Request) -> Response:
        response = await self._http.send(request)
        if request.path.startswith("/v1/sync/blobs/"):
            self.sent.append(request.path.partition("?")[0].rpartition("/")[2])
            self._turn += 1
            if self._turn % 2:
                raise Problem(NO_CONNECTION, "the reply was lost")
        return response

    def close(self) -> None:
        self._http.close()


class Sender:
    """The process of `tests.together.sender`; the digests of what it has shown as recorded outlive it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown: set[str] = set()
        self._child: Child | None = None

    def start(self, point: str = "", passings: int = 0) -> None:
        self._child = Child("tests.together.sender", str(self.folder), str(PHOTOS), point, str(passings))

    def read(self, *, for_s: float, until: str = "") -> str:
        assert self._child is not None
        end = time.monotonic() + for_s
        while line := self._child.line(end):
            word, *rest = line.split()
            if word == "recorded":
                self.shown.add(rest[0])
            if word in (until, GONE):
                return word
        return ""

    def end(self) -> int:
        if self._child is None:
            return 0
        self._child.signal()
        self.read(for_s=10)
        code = self._child.wait()
        self._child = None
        return code


def check(office: Office, sender: Sender) -> None:
    """Every photo that was shown as recorded is on the backend byte for byte, and no part of one is left over."""
    folder = office.database.with_name(office.database.name + ".blobs")
    held = {path.name: path.read_bytes() for path in folder.glob("??/*")}
    assert all(b64(digest(raw)) == name for name, raw in held.items())
    assert sender.shown <= held.keys()
    assert {b64(digest(photo(number))) for number in range(PHOTOS)} <= held.keys()
    assert not list(folder.glob("parts/*/*"))
    with closing(sqlite3.connect(sender.folder / FILE)) as con:
        named = {name for (name,) in con.execute("SELECT sha256 FROM blob")}
    assert named == held.keys()


async def set_up(office: Office, folder: Path) -> None:
    await enrol(folder, Machine(), office.code("phone-anna"))
    async with open_agent(folder, Machine()) as agent:
        await agent.sync()


@pytest.fixture
def sender(office: Office, tmp_path: Path) -> Sender:
    sender = Sender(tmp_path / "phone-anna")
    asyncio.run(set_up(office, sender.folder))
    return sender


@pytest.mark.alone
@pytest.mark.parametrize("point", DEVICE_POINTS)
def test_a_device_that_dies_while_it_sends_photos_goes_on_where_it_was(
    office: Office, sender: Sender, point: str
) -> None:
    for passings in (1, 2, 3):
        sender.start(point, passings)
        assert sender.read(for_s=60) == GONE
        assert sender.end() == -signal.SIGKILL
    sender.start()
    assert sender.read(for_s=60, until="done") == "done"
    sender.end()
    check(office, sender)


@pytest.mark.alone
@pytest.mark.parametrize("point", BACKEND_POINTS)
def test_a_backend_that_dies_while_it_takes_photos_goes_on_where_it_was(
    office: Office, sender: Sender, point: str
) -> None:
    assert office.end() == -signal.SIGKILL
    for passings in (1, 2, 2):
        office.start(point, passings)
        assert office.ready()
        sender.start()
        assert office.gone() == -signal.SIGKILL
        sender.end()
    office.start()
    assert office.ready()
    sender.start()
    assert sender.read(for_s=60, until="done") == "done"
    sender.end()
    check(office, sender)


# -- in one process -----------------------------------------------------------
async def until_received(agent: Agent) -> None:
    """Rounds until a receipt covers every attachment."""
    for _ in range(60):
        await agent.sync()
        status = await agent.status()
        if not status.attached.blobs and not status.held.waiting:
            return
    pytest.fail("it does not come to an end")


@pytest.mark.anyio
async def test_thumbnails_go_first_and_lost_answers_cost_nothing_but_a_question(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "phone-anna"
    await set_up(office, folder)
    wires: list[Cut] = []

    def connect(url: str) -> Cut:
        wires.append(Cut(url))
        return wires[-1]

    async with open_agent(folder, Machine(), connect) as agent:
        job = await agent.jobs.open("anna", site="site-1")
        pairs = [agent.attaching.attach(photo(number), "photo") for number in (1, 2)]
        for original, thumbnail in pairs:
            assert thumbnail.of == original.sha256
            assert thumbnail.size <= 40 * 1024
            await agent.jobs.note("anna", job, "see the photo", blobs=(original, thumbnail))
        assert (await agent.status()).attached.blobs == 4
        await until_received(agent)
    order = list(dict.fromkeys(wires[0].sent))
    assert order == [pair[at].sha256 for at in (1, 0) for pair in pairs]


@pytest.mark.anyio
async def test_what_a_restored_store_lacks_is_sent_again_and_what_is_old_is_kept_until_then(
    office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "phone-anna"
    await set_up(office, folder)
    async with open_agent(folder, Machine()) as agent:
        job = await agent.jobs.open("anna", site="site-1")
        (document,) = agent.attaching.attach(b"what was said", "transcript")
        await agent.jobs.contact("anna", job, "phone", blobs=(document,))
        await until_received(agent)
        shutil.rmtree(office.database.with_name(office.database.name + ".blobs"))
        await until_received(agent)
    path = office.database.with_name(office.database.name + ".blobs") / document.sha256[:2] / document.sha256
    assert path.read_bytes() == b"what was said"
