"""A technician's device in a process of its own: records, hands over, accepts and syncs until it is killed or done.

Run as `python -m tests.proving.hand PLAN`, a JSON `Plan`. It keeps to a pace, so that a soak is as long as it is to
be. What it shows is told on stdout: `recorded SEQ HASH`, `did WHAT`, and `done` once all is recorded and received.
"""

import asyncio
import random
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from device.agent import Agent, enrol, open_agent
from device.transport import HttpTransport, Transport
from sync.acceptance import synthesis_of
from sync.payload import Payload
from sync.problems import Problem
from tests.device.recorder import Doomed

PAYLOAD = Payload(state="in_progress", summary="the seal leaks")
A_JOB = 40
"""Events after which there is a new job."""
A_ROUND = 12
"""Events after which there is a round with the backend."""
TIMEOUT_S = 4.0
"""How long a device here waits for an answer: shorter than the product's, so that a soak sees more faults."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a device is to do: `upto` events, spread over `for_s` from `start` (seconds since 1970) on."""

    folder: str
    person: str
    mate: str
    site: str
    seed: int = 0
    start: float = 0
    for_s: float = 0
    upto: int = 0
    point: str = ""
    passings: int = 0
    code: str = ""


def connect(url: str) -> Transport:
    return HttpTransport(url, timeout_s=TIMEOUT_S)


class Hand:
    """One life of a device."""

    def __init__(self, agent: Agent, plan: Plan) -> None:
        self.agent = agent
        self.plan = plan
        self.chosen = random.Random(f"{plan.seed} {plan.person} {plan.passings}")
        self.told = 0
        self.looked: set[str] = set()
        self.never = asyncio.Event()

    async def work(self) -> None:
        self.told = (await self.agent.status()).held.recorded
        print("ready", self.told, flush=True)
        while not self.agent.holding.memory.has_roster or not self.agent.holding.people():
            await self.round()
            await self.rest(0.1)
        job, since = "", 0
        while self.told < self.plan.upto:
            await self.keep_pace()
            if not job or self.told % A_JOB < 2:
                if job:
                    await self.hand_over(job)
                job = await self.agent.jobs.open(self.plan.person, site=self.plan.site)
            else:
                await self.agent.jobs.scan_item(self.plan.person, job, "seal", "installed")
            self.tell()
            since += 1
            if since >= A_ROUND:
                since = 0
                await self.round()
        while not await self.round():
            await self.rest(0.2)
        print("done", flush=True)
        end = Path(self.plan.folder).with_name("end")
        while not end.exists():  # whoever else is still at work may hand something over
            await self.rest(1)
            await self.round()
        while (await self.agent.status()).held.waiting:
            await self.agent.sync()
            await self.rest(0.1)

    async def keep_pace(self) -> None:
        """Afterwards no more is recorded than the time that has gone by allows."""
        while self.told > (time.time() - self.plan.start) / self.plan.for_s * self.plan.upto:
            await self.rest(0.05)

    async def rest(self, for_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.never.wait(), for_s)

    def tell(self) -> None:
        """Everything recorded since it was told last is told."""
        memory = self.agent.holding.memory
        log = self.agent.holding.row.log
        for seq in range(self.told + 1, memory._read_through[self.agent.holding.row.number] + 1):
            for hash_ in memory._named.get((log, seq), ()):
                print("recorded", seq, hash_, flush=True)
            self.told = seq

    async def hand_over(self, job: str) -> None:
        """The job is offered to the mate, who pulls the offer and answers it from afar."""
        with suppress(Problem):
            await self.agent.offering.offer(self.plan.person, job, PAYLOAD, [self.plan.mate], boundary="any")
            print("did offer", flush=True)
        self.tell()

    async def round(self) -> bool:
        """One round with the backend, and an answer to what it brought: true once all is received."""
        wait = await self.agent.sync()
        print("did sync" if wait.why == "all done" else "did sync-in-vain", flush=True)
        await self.answer()
        return (await self.agent.status()).held.waiting == 0

    async def answer(self) -> None:
        memory, me = self.agent.holding.memory, self.plan.person
        for hash_ in [one for one in memory.shelf.standings if one not in self.looked]:
            self.looked.add(hash_)
            event = memory.shelf.standings[hash_].event
            try:
                if event.kind == "handover.offered" and me in event.body.to:  # type: ignore[union-attr]
                    seen = await self.agent.accepting.look(me, hash_)
                    words = synthesis_of("the seal leaks", [], seen.choices, seen.content.payload)
                    await self.agent.accepting.accept(me, seen, words)
                    print("did accept", flush=True)
                elif event.kind == "handover.accepted" and event.log not in memory.own_logs:
                    await self.agent.offering.confirm(me, hash_)
                    print("did confirm", flush=True)
            except Problem as problem:
                print("did not", problem.kind.slug, flush=True)
            self.tell()


async def main(plan: Plan) -> None:
    world = Doomed(plan.point, plan.passings)
    folder = Path(plan.folder)
    if plan.code:
        await enrol(folder, world, plan.code, connect)
        print("enrolled", flush=True)
        return
    async with open_agent(folder, world, connect) as agent:
        await Hand(agent, plan).work()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Plan)))
