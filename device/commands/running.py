"""`handover device run`: sync when there is something to say, hear signals if a broker is set, end when asked."""

import asyncio
import signal
import sqlite3
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from device.agent import Agent, open_agent
from device.config import Broker, load_settings
from device.evidence import Evidence
from device.line import Alarm
from device.listen import Listener
from device.retention import Retention
from device.store import pulled
from device.store.sqlite import FILE
from device.world import Machine
from sync.problems import LINE_TROUBLE

ABOUT: Final = """Sync, and hear signals, until it is stopped.

What is heard stands in settings.json in the device's folder; all of it may be left out:
  {"broker": {"host": "broker.example", "port": 8883, "topics": ["owntracks/#"], "username": "", "password_file": "",
              "tls": {"ca_file": "", "certificate_file": "", "key_file": ""}},
   "places": [{"site": "mill", "lat": 52.0, "lon": 13.0, "radius_m": 100}],
   "sensors": [{"device": "anna/phone", "carried_by": "anna"}],
   "keep_signals_days": 60,
   "attachments": {"types": ["image/jpeg", "image/png", "application/pdf", "text/plain"], "most_bytes": 20971520,
                   "reserve_bytes": 67108864, "keep_days": 14}}"""
_LOOK_S: Final = 1.0
"""How long at most until something that another command recorded, or a signal, is noticed."""


async def run(args: Namespace) -> int:
    """Goes on until SIGTERM or SIGINT; then ends what is under way and gives the exit code."""
    settings = load_settings(args.dir)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_agent(args.dir, Machine()) as agent:
        status = await agent.status()
        alarms: asyncio.Queue[Alarm] = asyncio.Queue()
        with _listening(settings.broker, args.dir, status.device, alarms):
            heard = f", hearing {settings.broker.host}:{settings.broker.port}" if settings.broker else ""
            print(f"{status.device}: syncing with {status.url}{heard}")
            print(f"handover device status --dir {args.dir} says how it stands")
            sys.stdout.flush()
            evidence = Evidence(agent.holding, settings.surroundings) if settings.broker else None
            await work(agent, evidence, Retention(agent.holding, settings.keep_signals_days), alarms, stop)
    return 0


@contextmanager
def _listening(broker: Broker | None, directory: Path, device: str, alarms: asyncio.Queue[Alarm]) -> Iterator[None]:
    """A listener beside what happens inside, if a broker is set; its alarms come back into this loop."""
    if broker is None:
        yield
        return
    loop = asyncio.get_running_loop()

    def alarm(raised: Alarm) -> None:
        loop.call_soon_threadsafe(alarms.put_nowait, raised)

    with Listener(broker, directory / FILE, device, Machine().now_ms, on_alarm=alarm):
        yield


async def work(
    agent: Agent, evidence: Evidence | None, retention: Retention, alarms: asyncio.Queue[Alarm], stop: asyncio.Event
) -> None:
    """Rounds with the backend as its conversation asks for them, and evidence as signals come, until `stop`."""
    while not stop.is_set():
        if evidence is not None and not await agent.is_revoked():
            await evidence.weigh()
        await retention.turn()
        while not alarms.empty():
            await agent.holding.store.writing(partial(_note, alarms.get_nowait(), agent.holding.world.now_ms()))
        wait = await agent.sync(at_once=False)
        if agent.erased:
            print("this device was revoked; everything was received, and nothing is left here", flush=True)
            return
        try:
            await asyncio.wait_for(stop.wait(), min(wait.ms / 1000, _LOOK_S))
        except TimeoutError:
            continue


def _note(alarm: Alarm, now_ms: int, con: sqlite3.Connection) -> None:
    pulled.needs_you(con, LINE_TROUBLE.slug, f"{alarm.kind}: {alarm.detail}", now_ms)
