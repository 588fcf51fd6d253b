"""Raw signals are kept as long as the settings say, and go without anybody waiting; what they proved stays."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device import retention
from device.agent import Agent
from device.commands.running import work
from device.config import Settings, load_settings
from device.line import Alarm
from device.message import Message
from device.retention import Retention
from device.store.signals import Decoded, commit_signals, rejected, signals_after
from sync.problems import BAD_SETTINGS, UNREADABLE, Problem
from sync.signals import BEHIND_MS, Signal
from tests.device.field import Field

pytestmark = pytest.mark.anyio
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("phone-anna"))
    return field


@pytest.fixture
async def anna(field: Field) -> AsyncIterator[Agent]:
    async with field.open("phone-anna") as agent:
        yield agent


async def hear(agent: Agent, *numbers: int) -> None:
    """A signal and a message that is none for each number, received now."""
    now_ms = agent.holding.world.now_ms()
    batch: list[Decoded] = []
    for number in numbers:
        message = Message("t", b"%d" % number, now_ms, qos=1)
        heard = Signal(
            native_key=str(number),
            source="test",
            device="phone",
            type="beat",
            t_recv_ms=now_ms,
            t_eff_ms=now_ms,
            t_unc_ms=0,
        )
        batch += [Decoded(message, (heard,)), Decoded(message, problem=Problem(UNREADABLE, "none"))]
    await agent.holding.store._connection.run(lambda con: commit_signals(con, batch))


async def left(agent: Agent) -> tuple[list[str], list[bytes]]:
    def read(con: sqlite3.Connection) -> tuple[list[str], list[bytes]]:
        return [one.native_key for one in signals_after(con, 0)[1]], [one.raw for one in rejected(con)]

    return await agent.holding.store.reading(read)


async def test_what_is_older_than_the_settings_say_is_forgotten_once_an_hour(field: Field, anna: Agent) -> None:
    keeping = Retention(anna.holding, 60)
    await hear(anna, 1)
    field.pass_time(59 * DAY_MS)
    await hear(anna, 2)
    assert await keeping.turn() == 0
    field.pass_time(DAY_MS + HOUR_MS)
    assert await keeping.turn() == 1
    assert await left(anna) == (["2"], [b"2"])
    field.pass_time(59 * DAY_MS - HOUR_MS - HOUR_MS // 2)
    assert await keeping.turn() == 0
    field.pass_time(HOUR_MS // 2)
    assert await keeping.turn() == 0, "half an hour after it looked"
    field.pass_time(HOUR_MS // 2 + 1)
    assert await keeping.turn() == 1
    assert await left(anna) == ([], [])


async def test_much_that_is_old_goes_a_little_at_a_time(
    field: Field, anna: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 4)
    await hear(anna, *range(10))
    field.pass_time(60 * DAY_MS + 1)
    keeping = Retention(anna.holding, 60)
    assert [await keeping.turn() for _ in range(4)] == [4, 4, 2, 0]


async def test_the_device_that_runs_forgets(field: Field, anna: Agent) -> None:
    await hear(anna, 1)
    field.pass_time(31 * DAY_MS)
    await hear(anna, 2)
    field.pass_time(1)
    stop = asyncio.Event()
    alarms: asyncio.Queue[Alarm] = asyncio.Queue()
    at_work = asyncio.create_task(work(anna, None, Retention(anna.holding, 31), alarms, stop))
    async with asyncio.timeout(30):
        while (await left(anna))[0] != ["2"]:
            pass
        stop.set()
        await at_work


async def test_a_full_disk_keeps_everything_and_nothing_ends(field: Field, anna: Agent) -> None:
    await hear(anna, 1)
    field.pass_time(61 * DAY_MS)
    keeping = Retention(anna.holding, 60)

    def fill(con: sqlite3.Connection) -> None:
        con.execute("CREATE TABLE ballast (lead BLOB)")
        con.execute(
            "CREATE TEMP TRIGGER heavy BEFORE DELETE ON main.signal "
            "BEGIN INSERT INTO ballast VALUES (zeroblob(100000)); END"
        )
        (pages,) = con.execute("PRAGMA page_count").fetchone()
        con.execute(f"PRAGMA max_page_count = {pages}")

    def make_room(con: sqlite3.Connection) -> None:
        con.execute("PRAGMA max_page_count = 100000")

    await anna.holding.store._connection.run(fill)
    assert await keeping.turn() == 0
    assert await left(anna) == (["1"], [b"1"])
    await anna.holding.store._connection.run(make_room)
    field.pass_time(HOUR_MS)
    assert await keeping.turn() == 1


def test_signals_are_kept_for_longer_than_they_are_weighed(tmp_path: Path) -> None:
    assert load_settings(tmp_path).keep_signals_days == Settings().keep_signals_days
    assert Settings().keep_signals_days * DAY_MS > BEHIND_MS + DAY_MS
    for days, fits in ((30, False), (31, True), (3_650, True), (3_651, False)):
        (tmp_path / "settings.json").write_text(f'{{"keep_signals_days":{days}}}')
        if fits:
            assert load_settings(tmp_path).keep_signals_days == days
        else:
            with pytest.raises(Problem) as caught:
                load_settings(tmp_path)
            assert caught.value.kind is BAD_SETTINGS
