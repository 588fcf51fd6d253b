"""A device of a play, as a process of its own: the product's agent, driven by commands over a pipe."""

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from device.agent import Agent, enrol, open_agent
from device.config import Broker
from device.evidence import Evidence
from device.listen import Counts, Listener
from device.store.sqlite import FILE
from sync.ids import event_hash
from sync.problems import NO_CONNECTION, NOT_ENROLLED, Problem
from trial import wire
from trial.device_acts import DeviceActs
from trial.hosts import HostSpec
from trial.links import Link
from trial.seen import Seen, SeenVerdict, seen_job
from trial.serving import serve
from trial.world import SetWorld

_PATIENCE_S = 20.0
"""How long the broker may take; on a loopback it is a hundredth of a second."""


class DeviceHost:
    """One device, enrolled or not yet."""

    def __init__(self, spec: HostSpec) -> None:
        self._directory = Path(spec.directory)
        self._world = SetWorld(
            seed=spec.seed, name=spec.name, life=spec.life, true_ms=spec.true_ms, shift_ms=spec.shift_ms
        )
        self._links: list[Link] = []
        self._open = AsyncExitStack()
        self._agent: Agent | None = None
        self._listener: Listener | None = None
        self._evidence: Evidence | None = None

    async def start(self) -> dict[str, Any]:
        """The device is open if it was enrolled before."""
        try:
            await self._open_agent()
        except Problem as problem:
            if problem.kind is not NOT_ENROLLED:
                raise
        return {}

    async def stop(self) -> None:
        """Everything is closed."""
        await self._open.aclose()

    def _connect(self, url: str) -> Link:
        self._links.append(Link(url))
        return self._links[-1]

    async def _open_agent(self) -> None:
        self._agent = await self._open.enter_async_context(open_agent(self._directory, self._world, self._connect))

    @property
    def agent(self) -> Agent:
        """The device, open; NOT_ENROLLED before it was enrolled."""
        if self._agent is None:
            raise Problem(NOT_ENROLLED)
        return self._agent

    async def answer(self, command: wire.AnyCommand) -> Any:  # noqa: ANN401 - each command has its own answer
        """What a command comes to."""
        match command:
            case wire.SetClock():
                self._world.set_clock(command.true_ms, command.shift_ms)
            case wire.CrashAt():
                self._world.crash_at(command.point)
            case wire.Enrol():
                await enrol(self._directory, self._world, command.code, self._connect)
                await self._open_agent()
            case wire.SyncNow():
                return await self._sync()
            case wire.Surrender():
                return await self._surrender()
            case wire.Listen():
                await self._listen(command)
            case wire.Heard():
                await self._heard(command.messages)
            case wire.Network():
                self._network(command)
            case wire.Show():
                return await DeviceActs(self.agent, self._world).show(command.event, Path(command.path))
            case wire.Perform():
                await DeviceActs(self.agent, self._world).perform(command)
            case wire.Look():
                return await self._look(command.as_of_ms)
        return None

    async def _surrender(self) -> bool:
        """True once all is received and erased; nobody can do anything on this device then but enrol it anew."""
        await self.agent.sync()
        await self.agent.surrender()
        return self._erased()

    def _erased(self) -> bool:
        if not self.agent.erased:
            return False
        self._agent = self._evidence = None
        return True

    async def _sync(self) -> wire.Synced:
        if self._agent is None:
            return wire.Synced(trouble=NOT_ENROLLED.slug, waiting=0, link=self._links[-1].counts)
        waited = await self.agent.sync()
        if self._erased():
            return wire.Synced(trouble="", waiting=0, link=self._links[-1].counts)
        await self._weigh()
        status = await self.agent.status()
        trouble = "" if waited.why == "all done" else status.conversation.trouble or waited.why
        waiting = status.held.recorded - status.held.received_through
        return wire.Synced(trouble=trouble, waiting=waiting, link=self._links[-1].counts)

    async def _listen(self, command: wire.Listen) -> None:
        broker = Broker(host="127.0.0.1", port=command.port, protocol=3, topics=command.topics)
        path = self._directory / FILE
        self._listener = Listener(broker, path, "listener", self._world.now_ms)
        self._open.enter_context(self._listener)
        self._evidence = Evidence(self.agent.holding, command.around)
        await self._until(lambda counts: counts.subscribed, "the broker does not answer")

    async def _heard(self, messages: int) -> None:
        await self._until(lambda counts: counts.messages >= messages, f"fewer than {messages} messages came")
        await self._weigh()

    async def _until(self, enough: Callable[[Counts], bool], else_: str) -> None:
        if self._listener is None or not await asyncio.to_thread(self._listener.wait_for, enough, _PATIENCE_S):
            raise Problem(NO_CONNECTION, else_)

    async def _weigh(self) -> None:
        """Afterwards what the signals say of the jobs that are known now is recorded."""
        if self._evidence is not None and not await self.agent.is_revoked():
            await self._evidence.weigh()

    def _network(self, command: wire.Network) -> None:
        link = self._links[-1]
        if command.online is not None:
            link.online = command.online
        link.lose_requests(command.of, command.lose_requests)
        link.lose_replies(command.of, command.lose_replies)
        if command.copies:
            link.duplicate(command.copies)
        if command.hold_up:
            link.hold_up()

    async def _look(self, as_of_ms: int) -> Seen:
        """What the device shows: its verdict on what it holds, and on its own events what the backend said of them."""
        if self._agent is None:
            return Seen(jobs=(), verdicts={})
        await self.agent.refresh()
        memory = self.agent.holding.memory
        jobs = tuple(seen_job(memory.journey(job), as_of_ms) for job in memory.jobs())
        judged = {
            hash_: SeenVerdict(word=one.verdict.word, code=one.verdict.code)
            for hash_, one in memory.shelf.standings.items()
        }
        return Seen(jobs=jobs, verdicts=judged | await self.agent.holding.store.reading(_told))


def _told(con: sqlite3.Connection) -> dict[str, SeenVerdict]:
    """What the backend said of this device's own events so far."""
    rows = con.execute("SELECT event.raw, verdict.verdict, verdict.code FROM event LEFT JOIN verdict USING (log, seq)")
    return {event_hash(raw): SeenVerdict(word=word or "unjudged", code=code or "") for raw, word, code in rows}


if __name__ == "__main__":
    serve(DeviceHost(msgspec.json.decode(sys.argv[1], type=HostSpec)))
