"""What signals say becomes events of the jobs they speak of: the same in whatever order they came, and only once."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from device.agent import Agent
from device.evidence import Evidence
from device.message import Message
from device.store.signals import Decoded, commit_signals
from sync.clock import milliseconds, rfc3339
from sync.codec import read_event
from sync.events import SignalObserved
from sync.signals import BEHIND_MS, Place, Sensor, Signal, Surroundings
from tests.device.field import MORNING, Field

pytestmark = pytest.mark.anyio
START_MS = milliseconds(MORNING)
MINUTE_MS = 60_000
SITE = Place(site="site-1", lat=52.0, lon=13.0, radius_m=100)
AROUND = Surroundings(
    places=(SITE,),
    sensors=(
        Sensor(device="phone", carried_by="anna"),
        Sensor(device="other-phone", carried_by="bo"),
        Sensor(device="door", site="site-1"),
        Sensor(device="scale", site="site-1"),
    ),
)


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("phone-anna"))
    return field


@pytest.fixture
async def anna(field: Field) -> AsyncIterator[Agent]:
    async with field.open("phone-anna") as agent:
        yield agent


@pytest.fixture
async def job(anna: Agent) -> str:
    return await anna.jobs.open("anna", site="site-1")


def heard(kind: str, minute: float, device: str = "phone", **said: object) -> Signal:
    t_ms = START_MS + int(minute * MINUTE_MS)
    fields = {"quality": "gnss", "places": (), "state": ""} | said
    return Signal(
        native_key=f"{device}-{kind}-{minute}",
        source="test",
        device=device,
        type=kind,  # type: ignore[arg-type]  # a literal from the caller
        t_recv_ms=t_ms,
        t_dev_ms=t_ms,
        t_eff_ms=t_ms,
        t_unc_ms=1_000,
        **fields,  # type: ignore[arg-type]  # fields of a signal from the caller
    )


def fix(minute: float, *, lat: float = 52.0, lon: float = 13.0, device: str = "phone") -> Signal:
    return heard("loc", minute, device, lat=lat, lon=lon, acc_m=10.0)


async def hear(agent: Agent, signals: Sequence[Signal]) -> None:
    def keep(signal: Signal) -> Decoded:
        message = Message(
            topic="t",
            payload=signal.native_key.encode(),
            received_ms=signal.t_recv_ms,
            qos=1,
            retained=False,
            repeated=False,
            mid=1,
            generation=1,
        )
        return Decoded(message, (signal,))

    batch = [keep(signal) for signal in signals]
    await agent.holding.store._connection.run(lambda con: commit_signals(con, batch))


def said(agent: Agent, job: str) -> list[SignalObserved]:
    bodies = [event.body for event in agent.holding.journey(job).signals]
    return [body for body in bodies if isinstance(body, SignalObserved)]


STAY = [fix(minute, lat=52.02) for minute in (-3, -2)] + [fix(minute) for minute in (1, 2, 4, 8, 12, 16, 20)]


async def test_an_arrival_that_was_scanned_is_borne_out_by_the_phone_that_came_along(
    field: Field, anna: Agent, job: str
) -> None:
    field.pass_time(MINUTE_MS)
    visit = await anna.jobs.arrive("anna", job)
    field.pass_time(20 * MINUTE_MS)
    await hear(anna, STAY)
    await Evidence(anna.holding, AROUND).weigh()
    facts = said(anna, job)
    assert {fact.observed for fact in facts} >= {"arrival", "position"}
    assert {fact.visit for fact in facts} == {visit}
    assert {fact.source for fact in facts} == {"anna"}


async def test_weighing_again_records_nothing_and_neither_does_hearing_again(
    field: Field, anna: Agent, job: str
) -> None:
    await anna.jobs.arrive("anna", job)
    field.pass_time(20 * MINUTE_MS)
    await hear(anna, STAY)
    evidence = Evidence(anna.holding, AROUND)
    assert await evidence.weigh()
    assert await evidence.weigh() == ()
    await hear(anna, STAY)
    assert await Evidence(anna.holding, AROUND).weigh() == (), "another process says the same"


async def test_the_order_in_which_signals_come_changes_nothing(tmp_path: Path) -> None:
    came: list[set[str]] = []
    for seed in range(3):
        field = Field(tmp_path / str(seed))
        field.folder.mkdir()
        await field.enrol("phone-anna")
        async with field.open("phone-anna") as agent:
            job = await agent.jobs.open("anna", site="site-1")
            await agent.jobs.arrive("anna", job)
            field.pass_time(25 * MINUTE_MS)
            signals = [*STAY, heard("door", 2, "door", state="open"), heard("door", 5, "door", state="closed")]
            random.Random(seed).shuffle(signals)
            for signal in signals:
                await hear(agent, [signal])
            await Evidence(agent.holding, AROUND).weigh()
            came.append({f"{one.observed} {one.device} {one.value} {one.lower_ms}" for one in said(agent, job)})
    assert came[0] == came[1] == came[2]
    assert {"door"} <= {word.split()[0] for word in came[0]}


async def test_a_late_signal_revises_what_was_said_and_names_what_it_replaces(
    field: Field, anna: Agent, job: str
) -> None:
    await anna.jobs.arrive("anna", job)
    field.pass_time(25 * MINUTE_MS)
    evidence = Evidence(anna.holding, AROUND)
    await hear(anna, STAY[4:])
    await evidence.weigh()
    first = {event.hash for event in anna.holding.journey(job).signals}
    await hear(anna, STAY[:4])
    revised = await evidence.weigh()
    assert revised
    replaced = {hash_ for fact in said(anna, job) for hash_ in fact.replaces}
    assert replaced
    assert replaced <= first


async def test_what_was_said_stays_when_signals_grow_old(field: Field, anna: Agent, job: str) -> None:
    await anna.jobs.arrive("anna", job)
    field.pass_time(25 * MINUTE_MS)
    evidence = Evidence(anna.holding, AROUND)
    door = [heard("door", 2, "door", state="open"), heard("door", 5, "door", state="closed")]
    await hear(anna, [*STAY, fix(22, lat=52.02), fix(24, lat=52.02), *door])
    assert await evidence.weigh()
    before = said(anna, job)
    # Thirty days later one signal after another is too old to be weighed, and then too old to be read.
    field.pass_time(BEHIND_MS - 28 * MINUTE_MS)
    for _ in range(40):
        field.pass_time(MINUTE_MS)
        assert await evidence.weigh() == ()
    field.pass_time(24 * 60 * MINUTE_MS - 40 * MINUTE_MS)
    for _ in range(40):
        field.pass_time(MINUTE_MS)
        assert await evidence.weigh() == ()
    assert said(anna, job) == before


async def test_a_load_stays_what_it_was_when_the_weight_before_it_grows_too_old(
    field: Field, anna: Agent, job: str
) -> None:
    month = 31 * 24 * 60 - 1
    weights = [(0, 100.0), (1, 101.0), (2, 102.0), (month, 120.0)]
    await hear(anna, [heard("weight", minute, "scale", value=value) for minute, value in weights])
    field.pass_time(month * MINUTE_MS)
    await anna.jobs.arrive("anna", job)
    evidence = Evidence(anna.holding, AROUND)
    await evidence.weigh()
    before = said(anna, job)
    assert [fact.value for fact in before] == ["+20.000"]
    for _ in range(4):
        assert await evidence.weigh() == ()
        field.pass_time(MINUTE_MS)
    assert said(anna, job) == before


async def test_what_late_signals_show_not_to_have_taken_place_is_taken_back(
    field: Field, anna: Agent, job: str
) -> None:
    await anna.jobs.arrive("anna", job)
    field.pass_time(25 * MINUTE_MS)
    evidence = Evidence(anna.holding, AROUND)
    await hear(anna, [heard("arrive", 1, places=("site-1",)), heard("door", 2, "door", state="open")])
    await evidence.weigh()
    assert {fact.observed for fact in said(anna, job)} == {"arrival", "door"}
    (arrival,) = [event for event in anna.holding.journey(job).signals if "arrival" in str(event.body)]
    await hear(anna, [heard("leave", 1.5, places=("site-1",))])
    (back,) = await evidence.weigh()
    body = read_event(back.raw).body
    assert isinstance(body, SignalObserved)
    assert (body.observed, body.replaces, body.rests_on) == ("nothing", (arrival.hash,), ())
    assert {fact.observed for fact in said(anna, job)} == {"door"}
    assert await evidence.weigh() == ()
    await hear(anna, [heard("arrive", -1, places=("site-1",))])
    await evidence.weigh()
    assert {fact.observed for fact in said(anna, job)} == {"arrival", "departure", "dwell", "door"}


async def test_a_fix_that_contradicted_a_time_says_nothing_of_the_time_it_was_corrected_to(
    field: Field, anna: Agent, job: str
) -> None:
    await anna.jobs.arrive("anna", job)
    field.pass_time(25 * MINUTE_MS)
    evidence = Evidence(anna.holding, AROUND)
    await hear(anna, [fix(0.5, lat=52.2)])
    await evidence.weigh()
    assert [bool(fact.elsewhere_m) for fact in said(anna, job)] == [True]
    (arrived,) = [event for event in anna.holding.journey(job).timeline if event.kind == "visit.arrived"]
    wanted = rfc3339(START_MS + 20 * MINUTE_MS)
    await anna.jobs.correct("anna", arrived.hash, {"occurred_at": wanted}, "the clock of the van")
    await evidence.weigh()
    assert said(anna, job) == []


async def test_however_the_signals_come_in_the_same_stands_in_the_end(tmp_path: Path) -> None:
    heard_ = [
        *STAY,
        heard("arrive", 0.5, places=("site-1",)),
        heard("leave", 0.8, places=("site-1",)),
        fix(22, lat=52.02),
        fix(24, lat=52.02),
        *(heard("door", minute, "door", state="open") for minute in (2, 5.1)),
        *(heard("door", minute, "door", state="closed") for minute in (5, 7)),
    ]
    came: list[set[str]] = []
    for seed in range(6):
        field = Field(tmp_path / str(seed))
        field.folder.mkdir()
        await field.enrol("phone-anna")
        async with field.open("phone-anna") as agent:
            job = await agent.jobs.open("anna", site="site-1")
            await agent.jobs.arrive("anna", job)
            field.pass_time(25 * MINUTE_MS)
            evidence = Evidence(agent.holding, AROUND)
            signals = list(heard_)
            random.Random(seed).shuffle(signals)
            for piece in [signals] if seed == 0 else [[signal] for signal in signals]:
                await hear(agent, piece)
                await evidence.weigh()
            came.append({f"{one.observed} {one.device} {one.value} {one.lower_ms}" for one in said(agent, job)})
    assert came == came[:1] * 6


async def test_evidence_is_not_taken_back_because_the_job_is_another_s_or_a_sensor_is_set_no_more(
    field: Field, anna: Agent, job: str
) -> None:
    field.pass_time(25 * MINUTE_MS)
    await hear(anna, STAY)
    evidence = Evidence(anna.holding, AROUND)
    await evidence.weigh()
    before = said(anna, job)
    assert before
    await anna.jobs.resolve("anna", job, "done")
    assert await evidence.weigh() == ()
    for around in (
        Surroundings(places=(SITE,), sensors=AROUND.sensors[1:]),
        Surroundings(places=(), sensors=AROUND.sensors),
    ):
        assert await Evidence(anna.holding, around).weigh() == ()
    assert said(anna, job) == before


async def test_a_fix_far_away_speaks_against_a_scan(field: Field, anna: Agent, job: str) -> None:
    await anna.jobs.arrive("anna", job)
    field.pass_time(5 * MINUTE_MS)
    await hear(anna, [fix(0.5, lat=52.2)])
    await Evidence(anna.holding, AROUND).weigh()
    (fact,) = said(anna, job)
    assert fact.observed == "position"
    assert (fact.elsewhere_m or 0) > 20_000


async def test_somebody_elses_phone_and_a_door_without_a_visit_say_nothing(field: Field, anna: Agent, job: str) -> None:
    field.pass_time(25 * MINUTE_MS)
    others = [heard("loc", minute, "other-phone", lat=52.0, lon=13.0, acc_m=10.0) for minute in (1, 5, 10, 15)]
    await hear(anna, [*others, heard("door", 2, "door", state="open")])
    assert await Evidence(anna.holding, AROUND).weigh() == ()
    assert said(anna, job) == []


async def test_whoever_answers_for_a_job_and_came_is_seen_before_anything_was_scanned(
    field: Field, anna: Agent, job: str
) -> None:
    field.pass_time(25 * MINUTE_MS)
    await hear(anna, STAY)
    await Evidence(anna.holding, AROUND).weigh()
    facts = said(anna, job)
    assert "arrival" in {fact.observed for fact in facts}
    assert {fact.visit for fact in facts} == {""}
    assert anna.holding.journey(job).visits == (), "a signal opens no visit"


async def test_evidence_is_recorded_by_the_device_and_says_nothing_about_who_holds_it(
    field: Field, anna: Agent, job: str
) -> None:
    await anna.jobs.arrive("anna", job)
    field.pass_time(25 * MINUTE_MS)
    await hear(anna, STAY)
    await Evidence(anna.holding, AROUND).weigh()
    assert {event.actor for event in anna.holding.journey(job).signals} == {"phone-anna"}
    assert anna.holding.holder() == "anna"
