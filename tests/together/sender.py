"""A real agent in a process of its own that attaches photos and sends them until it is killed, or until it is done.

Run as `python -m tests.together.sender FOLDER PHOTOS POINT N`: each photo is attached to a note, then rounds with
the backend until a receipt covers every attachment. Told on stdout: the digest of each photo once its note was
shown as recorded, and of how many attachments no receipt is held after each round.
"""

import asyncio
import io
import random
import sys
from contextlib import suppress
from pathlib import Path

from PIL import Image

from device.agent import open_agent
from device.store import blobs
from device.world import World
from tests.device.recorder import Doomed

SIDE = 250
"""Noise of this many pixels a side is a PNG of some 190 KB: three chunks, and worth a thumbnail."""


def photo(number: int) -> bytes:
    """The photo of this number, always the same."""
    out = io.BytesIO()
    noise = random.Random(number).randbytes(3 * SIDE * SIDE)
    Image.frombytes("RGB", (SIDE, SIDE), noise).save(out, "PNG")
    return out.getvalue()


async def work(folder: Path, photos: int, world: World) -> None:
    async with open_agent(folder, world) as agent:
        print("ready", flush=True)
        memory = agent.holding.memory
        job = next(iter(memory.jobs()), "") or await agent.jobs.open("anna", site="site-1")
        kept = await agent.holding.store.reading(lambda con: blobs.kept(con, ""))
        for number in range(sum(not one.is_thumbnail for one in kept), photos):
            attached = agent.attaching.attach(photo(number), "photo")
            await agent.jobs.note("anna", job, f"photo {number}", blobs=attached)
            print("recorded", attached[0].sha256, flush=True)
        never = asyncio.Event()
        while True:
            await agent.sync()
            status = await agent.status()
            print("left", status.attached.blobs, flush=True)
            if not status.attached.blobs and not status.held.waiting:
                break
            with suppress(TimeoutError):  # the backend is starting; nothing tells us when it has
                await asyncio.wait_for(never.wait(), 0.05)
        print("done", flush=True)
        await never.wait()


if __name__ == "__main__":
    _, folder_, photos_, point_, passings_ = sys.argv
    asyncio.run(work(Path(folder_), int(photos_), Doomed(point_, int(passings_))))
