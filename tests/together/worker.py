"""A real agent in a process of its own that works and syncs until it is killed, or until its work is done.

Run as `python -m tests.together.worker FOLDER UPTO POINT N`: opens jobs and scans an item at them until the log
holds UPTO events, a round with the backend at each new job; then rounds until all is received. Each event is told
on stdout once it was shown as recorded (seq, hash), each receipt once it was shown as received (through which seq).
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from device.agent import Agent, open_agent
from device.world import World
from tests.device.recorder import Doomed

_A_JOB = 40
"""Events after which there is a new job, and a round."""


async def work(folder: Path, upto: int, world: World) -> None:
    async with open_agent(folder, world) as agent:
        print("ready", flush=True)
        seq = (await agent.status()).held.recorded
        job = ""
        while seq < upto:
            if not job or seq % _A_JOB == 0:
                job = await agent.jobs.open("anna", site="site-1")
                hash_ = agent.holding.node(job).hash
                await round_(agent)
            else:
                hash_ = (await agent.jobs.scan_item("anna", job, "seal", "installed")).hash
            seq += 1
            print("recorded", seq, hash_, flush=True)
        never = asyncio.Event()
        while not await round_(agent):
            with suppress(TimeoutError):  # the backend is starting; nothing tells us when it has
                await asyncio.wait_for(never.wait(), 0.05)
        print("done", flush=True)
        await never.wait()


async def round_(agent: Agent) -> bool:
    """One round with the backend, whatever came of the last: true once everything is received."""
    await agent.sync()
    held = (await agent.status()).held
    print("received", held.received_through, flush=True)
    return held.waiting == 0


if __name__ == "__main__":
    _, folder_, upto_, point_, passings_ = sys.argv
    asyncio.run(work(Path(folder_), int(upto_), Doomed(point_, int(passings_))))
