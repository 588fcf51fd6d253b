"""A device in a process of its own that syncs once, fifteen days on; at the first passing of POINT it kills itself.

Run as `python -m tests.together.leaver FOLDER POINT`.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from device.agent import open_agent
from device.world import Machine

DAYS_ON = 15


class Later(Machine):
    """The world as it will be, but for one moment."""

    def __init__(self, point: str = "", days: int = DAYS_ON) -> None:
        super().__init__()
        self._point = point
        self.days = days

    def now_ms(self) -> int:
        return super().now_ms() + self.days * 86_400_000

    def fault(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


async def leave(folder: Path, point: str) -> None:
    """One round."""
    async with open_agent(folder, Later(point)) as agent:
        await agent.sync()
        print("erased" if agent.erased else "kept", flush=True)


if __name__ == "__main__":
    asyncio.run(leave(Path(sys.argv[1]), sys.argv[2]))
