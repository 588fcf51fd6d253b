"""Everybody's device against a backend in a process of its own, and what that holds before and after a loss."""

import json
import signal
import sqlite3
import urllib.request
from contextlib import AsyncExitStack, closing
from pathlib import Path

from backend.commands import backup, people, restore
from device.agent import Agent, enrol, open_agent
from device.codes import read_code
from device.store import log
from device.world import Machine
from sync.acceptance import synthesis_of
from sync.payload import NextAction, Payload
from tests.together.office import Office
from trial.copying import copy_device

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

    async def enrol_anew(self, device: str) -> Agent:
        """The device was stopped and is enrolled again: a new key, a new log that names the former one."""
        old = self.agents.pop(device)
        name = old.holding.row.log
        await old.holding.store.writing(lambda con: log.stop(con, name))
        return await self.enrol(device)

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

    def branches(self) -> list[tuple[str, int, bytes]]:
        """Every event of every device's log, on whichever branch it stands."""
        sql = (
            "SELECT l.log, e.seq, e.bytes FROM (SELECT log, seq, bytes FROM event UNION ALL"
            " SELECT log, seq, bytes FROM fork) AS e JOIN log AS l ON l.ref = e.log WHERE NOT l.staff"
        )
        with closing(sqlite3.connect(self.office.database)) as con:
            return sorted(con.execute(sql))

    async def clone(self, device: str, to: str) -> Agent:
        """Another device that goes on with all that this one has."""
        copy_device(self.folder / device, self.folder / to)
        agent = await self._stack.enter_async_context(open_agent(self.folder / to, Machine()))
        self.agents[to] = agent
        return agent

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
