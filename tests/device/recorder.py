"""A real agent in a process of its own that records until it is killed.

Run as `python -m tests.device.recorder FOLDER SEED POINT N`. Each event is told on stdout once it was shown as
recorded: kind, log, seq, hash. At the N-th passing of POINT the process kills itself; an empty POINT leaves that
to whoever started it.
"""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from device.agent import open_agent
from device.world import Machine
from tests.device.field import PAYLOAD, Silence


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


async def record(folder: Path, seed: int, world: Doomed) -> None:
    chosen = random.Random(seed)
    async with open_agent(folder, world, lambda _: Silence()) as agent:
        job = await agent.jobs.open("anna", site="site-1")
        print("ready", flush=True)
        while True:
            if chosen.random() < 0.2:
                shown = await agent.offering.offer("anna", job, PAYLOAD, ["bo"])
                hash_ = shown.event
            else:
                hash_ = (await agent.jobs.note("anna", job, f"note {chosen.random()}")).hash
            event = agent.holding.event(hash_)
            print(event.kind, event.log, event.seq, hash_, flush=True)


if __name__ == "__main__":
    _, where, seed_, point_, passings_ = sys.argv
    asyncio.run(record(Path(where), int(seed_), Doomed(point_, int(passings_))))
