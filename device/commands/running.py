"""`handover device run`: sync when there is something to say, hear signals if a broker is set, end when asked."""

import asyncio
import logging
import signal
import sys
from argparse import Namespace
from typing import Final

from device.agent import Agent, open_agent
from device.config import load_settings
from device.world import Machine

_log = logging.getLogger(__name__)
_LOOK_MS: Final = 1_000
"""How long at most until something that another command recorded is noticed."""


async def run(args: Namespace) -> int:
    """Goes on until SIGTERM or SIGINT; then ends what is under way and gives the exit code."""
    settings = load_settings(args.dir)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_agent(args.dir, Machine()) as agent:
        status = await agent.status()
        print(f"{status.device}: syncing with {status.url}; handover device status --dir {args.dir} says how it stands")
        sys.stdout.flush()
        await talk(agent, stop)
    return 0


async def talk(agent: Agent, stop: asyncio.Event) -> None:
    """Rounds with the backend as its conversation asks for them, until `stop`."""
    while not stop.is_set():
        wait = await agent.sync(at_once=False)
        try:
            await asyncio.wait_for(stop.wait(), min(wait.ms, _LOOK_MS) / 1000)
        except TimeoutError:
            continue
