"""What a device knows is folded from its store: what cannot be read or judged yet stops nothing else."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from device.agent import Agent
from device.store import pulled
from device.store.log import Recorded, lines_between
from sync.codec import encode
from sync.policy import Device, Names
from sync.protocol import PulledEvent
from sync.seal import Signer
from tests.device.field import MORNING, NAMES, OFFICE, PAYLOAD, Field

pytestmark = pytest.mark.anyio


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("phone-anna", "phone-bo"))
    return field


@pytest.fixture
async def anna(field: Field) -> AsyncIterator[Agent]:
    async with field.open("phone-anna") as agent:
        yield agent


@pytest.fixture
async def bo(field: Field) -> AsyncIterator[Agent]:
    async with field.open("phone-bo") as agent:
        yield agent


async def give(agent: Agent, *events: PulledEvent) -> None:
    """The agent pulled these events."""

    def keep(con: sqlite3.Connection) -> None:
        for event in events:
            pulled.keep_event(con, event)

    await agent.holding.store.writing(keep)
    await agent.refresh()


async def all_of(agent: Agent) -> list[PulledEvent]:
    """Everything this agent recorded, as another one would pull it."""
    lines = await agent.holding.store.reading(lambda con: lines_between(con, agent.holding.row, 1, 1_000))
    return [PulledEvent(number, 0, line.raw, line.jws) for number, line in enumerate(lines, 1)]


async def test_what_was_pulled_is_known_whatever_order_it_came_in(anna: Agent, bo: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    await anna.jobs.note("anna", job, "hello")
    await anna.offering.offer("anna", job, PAYLOAD, ["bo"])
    await give(bo, *reversed(await all_of(anna)))
    theirs, mine = (agent.holding.journey(job) for agent in (anna, bo))
    assert [event.hash for event in mine.timeline] == [event.hash for event in theirs.timeline]
    assert mine.accountable == "anna"


async def test_pulling_the_same_again_changes_nothing(anna: Agent, bo: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    events = await all_of(anna)
    await give(bo, *events)
    await give(bo, *events)
    assert len(bo.holding.journey(job).timeline) == 1


async def test_what_nobody_here_can_read_stops_nothing_else(anna: Agent, bo: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    good = await all_of(anna)
    newer_kind = good[1].raw.replace(b"job.opened", b"job.dreamed")
    newer_schema = good[1].raw.replace(b'"v":1', b'"v":2')
    bad = [b"", b"\xff\xfe", b"{", b"[" * 50_000, b'{"log":1}', newer_kind, newer_schema]
    await give(bo, *(PulledEvent(number, 0, raw) for number, raw in enumerate(bad)), *good)
    assert bo.holding.journey(job).accountable == "anna"
    words = [one.verdict.word for one in bo.holding.memory.shelf.standings.values()]
    assert sorted(words) == ["applied"] * 3 + ["parked"] * 2, "newer ones wait for an update"


async def test_a_changed_event_is_not_believed(anna: Agent, bo: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    _, opened = await all_of(anna)
    forged = PulledEvent(1, 0, opened.raw.replace(b"site-1", b"site-9"), opened.jws)
    await give(bo, forged)
    assert bo.holding.memory.jobs() == ()
    await give(bo, opened)
    assert bo.holding.memory.jobs() == (job,)


async def test_an_event_of_a_device_that_is_not_listed_yet_counts_once_it_is(
    field: Field, anna: Agent, bo: Agent
) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    stranger = Signer(b"stranger".ljust(32, b"."))
    raw = (await all_of(anna))[1].raw
    await give(bo, PulledEvent(1, 0, raw, stranger.sign(raw, "ho-event")))
    assert bo.holding.memory.jobs() == ()
    listed = Device(id="phone-zed", jwk=stranger.jwk, people=("anna",))
    roster = field.roster()
    await field.give("phone-bo", msgspec.structs.replace(roster, devices=(*roster.devices, listed)))
    await bo.refresh()
    assert bo.holding.memory.jobs() == (job,)


async def test_an_event_that_waits_for_a_roster_is_judged_when_it_comes(field: Field, anna: Agent, bo: Agent) -> None:
    newer = field.roster()
    await field.give("phone-anna", newer)
    job = await anna.jobs.open("anna", site="site-1")
    await give(bo, *await all_of(anna))
    assert bo.holding.journey(job).accountable == ""
    await field.give("phone-bo", newer)
    await bo.refresh()
    assert bo.holding.journey(job).accountable == "anna"


async def test_a_job_that_left_the_scope_is_gone_and_comes_back_whole(anna: Agent, bo: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    events = await all_of(anna)
    await give(bo, *events)
    await bo.holding.store.writing(lambda con: pulled.drop_job(con, job, own=bo.holding.memory.holds_own(job)))
    await bo.refresh()
    assert bo.holding.memory.jobs() == ()
    assert (await rows(bo, "SELECT count(*) FROM pulled WHERE job <> ''")) == [(0,)]
    await give(bo, *events)
    assert bo.holding.memory.jobs() == (job,)


async def test_leaving_the_scope_never_drops_what_own_events_rest_on(anna: Agent, bo: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    await give(bo, *await all_of(anna))
    note = await bo.jobs.note("bo", job, "on my way")
    await bo.holding.store.writing(lambda con: pulled.drop_job(con, job, own=bo.holding.memory.holds_own(job)))
    await bo.refresh()
    assert bo.holding.memory.jobs() == ()
    assert (await rows(bo, "SELECT count(*) FROM pulled WHERE job <> ''")) == [(1,)]
    assert await is_kept(bo, note)


async def rows(agent: Agent, sql: str) -> list[tuple[object, ...]]:
    return await agent.holding.store.reading(lambda con: con.execute(sql).fetchall())


async def is_kept(agent: Agent, recorded: Recorded) -> bool:
    return (recorded.seq,) in await rows(agent, "SELECT seq FROM outbox")


async def test_own_events_that_come_back_are_not_held_twice(anna: Agent) -> None:
    await anna.jobs.open("anna", site="site-1")
    await give(anna, *await all_of(anna))
    assert await rows(anna, "SELECT count(*) FROM pulled") == [(0,)]


async def test_of_names_only_the_newest_is_kept_of_rosters_every_version(field: Field, anna: Agent) -> None:
    newer = Names(version=2, issued_at=MORNING, names={"anna": "Anna Married"})
    await field.give("phone-anna", NAMES, newer, field.roster(), NAMES)
    await anna.refresh()
    assert anna.holding.memory.names == {"anna": "Anna Married"}
    assert await rows(anna, "SELECT count(*) FROM document WHERE name = 'names'") == [(1,)]
    assert await rows(anna, "SELECT count(*) FROM document WHERE name = 'roster'") == [(2,)]


async def test_what_the_office_recorded_counts_as_the_offices(anna: Agent, bo: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    opened = (await all_of(anna))[1]
    moved = {
        "v": 1,
        "log": "A" * 22,
        "seq": 1,
        "kind": "handover.reassigned",
        "job": job,
        "actor": "dee",
        "at": {"wall": MORNING, "mono": 1, "boot": "b"},
        "body": {
            "roster": anna.holding.roster(),
            "basis": anna.holding.node(job).hash,
            "party": "bo",
            "reason": "ill",
        },
    }
    raw = encode(moved)
    await give(bo, PulledEvent(2, 0, raw, OFFICE.sign(raw, "ho-event")), opened)
    assert bo.holding.journey(job).accountable == "bo"
