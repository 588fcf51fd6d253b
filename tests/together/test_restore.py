"""A backend lost and restored from yesterday's backup under running devices, in real processes: nothing is lost."""

import json
import signal
import sqlite3
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from backend.commands import backup, people, restore
from device.agent import Agent, enrol, open_agent
from device.codes import read_code
from device.store import pulled
from device.world import Machine
from sync.acceptance import synthesis_of
from sync.payload import NextAction, Payload
from tests.together.office import Office

pytestmark = pytest.mark.anyio
PAYLOAD = Payload(state="in_progress", summary="the seal leaks", next_actions=(NextAction(what="Fit it", owner="bo"),))


class Field:
    """Everybody's device, and the office's database before and after."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.folder = folder
        self.agents: dict[str, Agent] = {}
        self._stack = AsyncExitStack()

    async def enrol(self, device: str, code: str = "") -> Agent:
        await enrol(self.folder / device, Machine(), code or self.office.code(device))
        agent = await self._stack.enter_async_context(open_agent(self.folder / device, Machine()))
        await agent.sync()
        self.agents[device] = agent
        return agent

    async def close(self) -> None:
        await self._stack.aclose()

    async def round(self) -> None:
        """One sync round of each device."""
        for agent in self.agents.values():
            assert (await agent.sync()).why == "all done"

    async def settled(self) -> None:
        """Everything is received, and nobody is asked to look at anything."""
        for agent in self.agents.values():
            status = await agent.status()
            assert status.held.waiting == 0
            assert status.held.received_through == status.held.recorded
            assert status.notices == ()

    async def hand_over(self, text: str) -> str:
        """Anna opens a job and Bo takes it, both offline: the job."""
        anna, bo = self.agents["phone-anna"], self.agents["phone-bo"]
        job = await anna.jobs.open("anna", site="site-1", asset=text)
        offer = await anna.offering.offer("anna", job, PAYLOAD, ["bo"])
        seen = await bo.accepting.look("bo", read_code(offer.texts))
        words = synthesis_of("fit the seal", ["Fit it"], seen.choices, seen.content.payload)
        accepted = await bo.accepting.accept("bo", seen, words)
        await anna.offering.confirm("anna", read_code(accepted.texts))
        return job

    # -- the backend, from outside --------------------------------------------
    def events(self, *, staff: bool) -> dict[tuple[str, int], bytes]:
        """Every event that the backend holds and has chained, by its name, read without the product's code."""
        sql = (
            "SELECT l.log, e.seq, e.bytes FROM event AS e JOIN log AS l ON l.ref = e.log"
            " WHERE l.staff = ? AND (l.staff OR e.seq <= l.through)"
        )
        with closing(sqlite3.connect(self.office.database)) as con:
            assert con.execute("SELECT count(*) FROM fork").fetchone() == (0,)
            return {(log, seq): raw for log, seq, raw in con.execute(sql, (int(staff),))}

    def setting(self, sql: str) -> object:
        with closing(sqlite3.connect(self.office.database)) as con:
            return con.execute(sql).fetchone()[0]

    @property
    def epoch(self) -> str:
        return str(self.setting("SELECT value FROM setting WHERE name = 'epoch'"))

    def backup(self, name: str) -> Path:
        """A backup, made while the server runs."""
        folder = self.folder / name
        assert backup.main([str(folder), "--database", str(self.office.database)]) == 0
        return folder

    def restore(self, folder: Path) -> None:
        """The server is killed, its disk is lost, the backup takes its place."""
        assert self.office.end() == -signal.SIGKILL
        assert restore.main([str(folder), "--database", str(self.office.database)]) == 0
        self.office.start()
        assert self.office.ready()

    def call(self, path: str, body: object) -> dict[str, object]:
        """An action of Dee's at her desk."""
        token = self.office._run(people.main, "token", "dee").strip()
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.office.url}{path}",
            json.dumps(body).encode(),
            {"authorization": f"Bearer {token}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return dict(json.load(answer))


@pytest.fixture
async def field(office: Office, tmp_path: Path) -> AsyncIterator[Field]:
    found = Field(office, tmp_path)
    try:
        yield found
    finally:
        await found.close()


async def test_yesterdays_backup_under_running_devices_is_filled_again_in_one_round(field: Field) -> None:
    for device in ("phone-anna", "phone-bo"):
        await field.enrol(device)
    await field.round()
    first = await field.hand_over("before")
    await field.round()
    code = field.office.code("tablet")  # made before the backup, used after it
    yesterday = field.backup("yesterday")
    before = field.epoch

    tablet = await field.enrol("tablet", code)  # a device that the restored backend does not know
    second = await field.hand_over("after")
    await field.agents["phone-bo"].jobs.note("bo", first, "one more")
    done = field.call("/api/jobs", {"action": "opens-one-job", "site": "site-1"})
    assert done["job"]
    await field.round()
    await field.round()  # all have pulled what the others pushed
    held = field.events(staff=False)
    office = field.events(staff=True)
    open_code = field.office.code("phone-anna")

    field.restore(yesterday)
    renewed = field.epoch
    assert renewed != before
    assert len(field.events(staff=False)) < len(held)
    await field.round()
    assert field.events(staff=False) == held
    assert office.items() <= field.events(staff=True).items(), "what all had pulled of the office's was given back"
    assert field.epoch == renewed, "one new epoch, not one a device"
    await field.round()
    await field.settled()
    for agent in field.agents.values():
        assert (await agent.holding.store.reading(pulled.conversation)).epoch == renewed
    for job in (first, second):
        assert tablet.holding.memory.journey(job).accountable == "bo"
    assert field.setting("SELECT count(*) FROM enrol_code WHERE kid IS NULL AND NOT voided") == 0
    assert open_code
