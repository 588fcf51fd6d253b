"""A revoked device records nothing more, hands over what it holds, and erases it; never what nobody has received."""

import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.commands import devices, people
from device.agent import Agent, enrol, open_agent
from device.store import log, pulled
from device.store.sqlite import FILE
from device.transport import HttpTransport, Request, Response
from device.world import SURRENDER_POINTS, Machine
from sync.problems import DEVICE_REVOKED, NO_CONNECTION, NOT_ENROLLED, NOT_REVOKED, UNSENT, Problem
from tests.children import Child
from tests.together.leaver import Later
from tests.together.office import Office

pytestmark = pytest.mark.anyio
WORDS = "the key is under the third flowerpot"
DEVICE = "phone-anna"


class Deaf:
    """A real connection whose pushes get lost while `deaf`."""

    def __init__(self, url: str) -> None:
        self._http = HttpTransport(url)
        self.deaf = False

    async def send(self, request: Request) -> Response:
        if self.deaf and request.path == "/v1/sync/push":
            raise Problem(NO_CONNECTION, "the request was lost")
        return await self._http.send(request)

    def close(self) -> None:
        self._http.close()


class Phone:
    """anna's device: what is left of it on the disk, and how it is opened."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.folder = folder / DEVICE
        self.wire = Deaf(office.url)
        self.log = ""

    @asynccontextmanager
    async def open(self, days: int = 0) -> AsyncIterator[Agent]:
        async with open_agent(self.folder, Later(days=days), lambda _: self.wire) as agent:
            yield agent

    async def work(self, agent: Agent) -> None:
        """anna records a few things; nobody else has them yet."""
        job = await agent.jobs.open("anna", site="site-1", asset="pump-7")
        for _ in range(5):
            await agent.jobs.note("anna", job, WORDS)
        self.log = agent.holding.row.log

    def revoke(self, reason: str) -> None:
        """A manager does it."""
        self.office._run(devices.main, "revoke", DEVICE, "--reason", reason, "--by", "max")

    def holds_words(self) -> bool:
        """True if the words stand in any file of the device."""
        return any(WORDS.encode() in path.read_bytes() for path in self.folder.rglob("*") if path.is_file())

    def keys(self) -> list[str]:
        return [path.name for path in self.folder.glob("key-*")]

    def received(self) -> int:
        """How many events of the phone's log the backend holds."""
        return len(self.office.held(self.log))


@pytest.fixture
async def phone(office: Office, tmp_path: Path) -> Phone:
    office._run(people.main, "add", "max", "--role", "manager", "--site", "*")
    await enrol(tmp_path / DEVICE, Machine(), office.code(DEVICE))
    phone = Phone(office, tmp_path)
    async with phone.open() as agent:
        assert (await agent.sync()).why == "all done"
        await phone.work(agent)
    return phone


async def test_a_device_that_learns_that_it_is_revoked_records_no_more_and_hands_over_what_it_holds(
    phone: Phone,
) -> None:
    async with phone.open() as agent:
        phone.revoke("left")
        with pytest.raises(Problem) as met:
            await agent.surrender()
        assert met.value.kind is NOT_REVOKED
        await agent.sync()
        status = await agent.status()
        assert status.surrender is not None
        assert (status.surrender.reason, status.surrender.received) == ("left", True)
        assert status.held.judged == {"applied": 1, "quarantined": 6}
        with pytest.raises(Problem) as met:
            await agent.jobs.open("anna", site="site-1", asset="pump-8")
        assert (met.value.kind, met.value.detail) == (DEVICE_REVOKED, "left")
        assert phone.received() == status.held.recorded == 7
    async with phone.open(days=13) as agent:
        await agent.sync()
        assert not agent.erased
        assert phone.holds_words()
    async with phone.open(days=15) as agent:
        await agent.sync()
        assert agent.erased
        with pytest.raises(Problem) as met:
            await agent.status()
        assert met.value.kind is NOT_ENROLLED
    assert not phone.holds_words()
    assert phone.keys() == []
    with pytest.raises(Problem) as met:
        async with phone.open():
            pass
    assert met.value.detail.startswith("it was revoked (left), handed over everything, and erased it at 20")


def unreceive(con: sqlite3.Connection) -> None:
    """As a device stands that has just met a backend restored: no receipt of the new epoch covers anything."""
    row = log.current(con)
    assert row is not None
    con.execute("DELETE FROM receipt")
    log.forget_receipts(con, pulled.conversation(con).epoch)


async def test_a_compromised_device_erases_at_once_but_not_before_everything_is_received(phone: Phone) -> None:
    async with phone.open() as agent:
        await agent.sync()
        phone.revoke("compromised")
        await agent.holding.store.writing(unreceive)
        await agent.sync()
        assert not agent.erased
        status = await agent.status()
        assert status.surrender is not None
        assert (status.surrender.reason, status.surrender.events) == ("compromised", 7)
    assert phone.holds_words()
    async with phone.open() as agent:
        await agent.sync()
        assert agent.erased
    assert phone.received() == 7
    assert not phone.holds_words()
    assert phone.keys() == []


async def test_what_nobody_has_received_is_erased_by_no_command_and_no_date(phone: Phone) -> None:
    async with phone.open() as agent:
        await agent.sync()
        phone.revoke("lost")
        await agent.sync()
        await agent.holding.store.writing(unreceive)
    phone.wire.deaf = True
    async with phone.open(days=1_000) as agent:
        await agent.sync()
        await agent.surrender()
        assert not agent.erased
        status = await agent.status()
        assert status.surrender is not None
        assert (status.surrender.events, status.surrender.erases_at) == (7, "")
    assert phone.holds_words()
    assert len(phone.keys()) == 1


async def test_who_need_not_wait_may_have_it_erased_once_all_is_received(phone: Phone) -> None:
    async with phone.open() as agent:
        await agent.sync()
        phone.revoke("left")
        await agent.sync()
        await agent.surrender()
        assert agent.erased
    assert not phone.holds_words()


async def test_a_revoked_device_is_enrolled_anew_in_the_same_folder_erased_or_not(phone: Phone, office: Office) -> None:
    async with phone.open() as agent:
        await agent.sync()
        before = agent.holding.row.log
        phone.revoke("left")
        await agent.sync()
    assert await enrol(phone.folder, Machine(), office.code(DEVICE)) == DEVICE
    async with phone.open() as agent:
        await agent.sync()
        assert (await agent.status()).surrender is None
        await phone.work(agent)
        await agent.sync()
        assert (await agent.status()).held.judged == {"applied": 7}
        assert agent.holding.row.log != before
        phone.revoke("compromised")
        await agent.sync()
        assert agent.erased
    assert phone.keys() == []
    await enrol(phone.folder, Machine(), office.code(DEVICE))
    async with phone.open() as agent:
        assert (await agent.sync()).why == "all done"


async def test_nobody_enrols_anew_what_still_holds_what_nobody_has(phone: Phone, office: Office) -> None:
    async with phone.open() as agent:
        await agent.sync()
        phone.revoke("left")
        await agent.sync()
        await agent.holding.store.writing(unreceive)
    with pytest.raises(Problem) as met:
        await enrol(phone.folder, Machine(), office.code(DEVICE))
    assert met.value.kind is UNSENT


@pytest.mark.alone
@pytest.mark.parametrize("point", ["reply-written", "reply-kept", *SURRENDER_POINTS])
async def test_a_surrender_goes_on_after_a_kill_at_any_point(phone: Phone, point: str) -> None:
    phone.revoke("compromised")
    child = Child("tests.together.leaver", str(phone.folder), point)
    assert child.wait(60) == -signal.SIGKILL
    async with _opened(phone) as erased:
        assert erased
    assert phone.received() == 7
    assert not phone.holds_words()
    assert phone.keys() == []
    assert (phone.folder / FILE).exists()


@asynccontextmanager
async def _opened(phone: Phone) -> AsyncIterator[bool]:
    """One more start: True if everything is erased by then, or was."""
    try:
        async with phone.open(days=15) as agent:
            await agent.sync()
            yield agent.erased
    except Problem as problem:
        yield problem.kind is NOT_ENROLLED
