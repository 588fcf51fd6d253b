"""`handover device run` beside a real backend and a real broker: it syncs, hears, and ends when it is asked."""

import asyncio
import json
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from device.agent import enrol, open_agent
from device.store.sqlite import FILE
from device.world import Machine
from tests.children import Child
from tests.device.mosquitto import Mosquitto
from tests.together.office import Office

PATIENCE_S = 60


@pytest.fixture
def phone(office: Office, tmp_path: Path) -> Path:
    """Anna's phone, enrolled and synced."""

    async def set_up(folder: Path) -> None:
        await enrol(folder, Machine(), office.code("phone-anna"))
        async with open_agent(folder, Machine()) as agent:
            await agent.sync()

    asyncio.run(set_up(tmp_path / "phone"))
    return tmp_path / "phone"


@pytest.fixture
def running(phone: Path) -> Iterator[Callable[[], Child]]:
    """Starts `handover device run`; whatever still runs at the end is killed."""
    children: list[Child] = []

    def start() -> Child:
        child = Child("trial", "device", "run", "--dir", str(phone))
        children.append(child)
        assert "phone-anna: syncing" in child.line(time.monotonic() + PATIENCE_S)
        return child

    yield start
    for child in children:
        if child.alive:
            child.signal()
            child.wait()


async def open_job(phone: Path) -> str:
    """Another process records beside the one that runs: the job."""
    async with open_agent(phone, Machine()) as agent:
        return await agent.jobs.open("anna", site="site-1")


async def arrive(phone: Path) -> None:
    """Anna is at a visit to site-1."""
    job = await open_job(phone)
    async with open_agent(phone, Machine()) as agent:
        await agent.jobs.arrive("anna", job)


def rows(phone: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(phone / FILE)) as con:
        return con.execute(sql).fetchall()


def eventually(what: Callable[[], bool], child: Child) -> bool:
    """True as soon as it holds; false where it does not in good time. The child's silence is the clock."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if what():
            return True
        child.line(time.monotonic() + 0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_another_command_records_is_synced_and_the_device_ends_when_asked(
    phone: Path, running: Callable[[], Child], number: signal.Signals
) -> None:
    child = running()
    asyncio.run(open_job(phone))
    assert eventually(lambda: rows(phone, "SELECT count(*) FROM outbox") == [(0,)], child)
    child.signal(number)
    assert child.wait() == 0


def test_signals_of_a_real_broker_become_evidence_and_reach_the_backend(
    office: Office, phone: Path, running: Callable[[], Child], tmp_path: Path
) -> None:
    asyncio.run(arrive(phone))
    ((log,),) = rows(phone, "SELECT log FROM log")
    with Mosquitto(tmp_path) as broker:
        place = {"site": "site-1", "lat": 52.0, "lon": 13.0, "radius_m": 100}
        settings = {
            "broker": {"host": "127.0.0.1", "port": broker.port, "topics": ["owntracks/#"]},
            "places": [place],
            "sensors": [{"device": "anna/phone", "carried_by": "anna"}],
        }
        (phone / "settings.json").write_text(json.dumps(settings))
        child = running()
        assert eventually(lambda: rows(phone, "SELECT count(*) FROM signal_session") != [(0,)], child)
        now_s = int(time.time())
        fixes = (
            {"_type": "location", "tid": "an", "lat": 52.0, "lon": 13.0, "acc": 10, "tst": now_s - ago_s}
            for ago_s in (900, 600, 300, 0)
        )
        broker.publish(("owntracks/anna/phone", json.dumps(fix).encode()) for fix in fixes)
        assert eventually(lambda: rows(phone, "SELECT count(*) FROM signal") == [(4,)], child)
        assert eventually(lambda: any(b"signal.observed" in raw for _, raw, _ in office.held(log)), child)
        child.signal(signal.SIGTERM)
        assert child.wait() == 0


def test_only_one_process_listens_for_a_device(phone: Path, running: Callable[[], Child], tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        settings = {"broker": {"host": "127.0.0.1", "port": broker.port, "topics": ["owntracks/#"]}}
        (phone / "settings.json").write_text(json.dumps(settings))
        running()
        second = Child("trial", "device", "run", "--dir", str(phone))
        assert second.wait() == 2
