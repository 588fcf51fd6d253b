"""The one door: durable before it is shown, all or nothing, and nothing lost whenever the process dies."""

import asyncio
import random
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.agent import Agent
from device.store import log
from device.store.sqlite import FILE
from sync.codec import read_event
from sync.events import CUSTODY, Draft, NoteWritten
from sync.ids import event_hash
from sync.ledger import chain_start, first_break, prev_of
from sync.problems import DISK_FULL, EVENT_TOO_LARGE, LOG_STOPPED, UNREADABLE, Problem
from sync.seal import verify
from tests.children import GONE, Child
from tests.device.field import PAYLOAD, Field

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


class Rows:
    """What lies on the disk, read without the product's code: seqs, bytes, chain, signatures, outbox."""

    def __init__(self, folder: Path) -> None:
        con = sqlite3.connect(folder / FILE)
        (self.sound,) = con.execute("PRAGMA integrity_check").fetchone()
        ((self.log, self.number),) = con.execute("SELECT log, number FROM log").fetchall()
        self.events = con.execute("SELECT seq, raw, chain, jws FROM event ORDER BY seq").fetchall()
        self.outbox = [seq for (seq,) in con.execute("SELECT seq FROM outbox ORDER BY seq")]
        con.close()

    def hashes(self) -> dict[int, str]:
        return {seq: event_hash(raw) for seq, raw, _, _ in self.events}

    def is_whole(self) -> bool:
        chained = first_break(self.log, ((seq, raw, chain) for seq, raw, chain, _ in self.events)) is None
        return self.sound == "ok" and chained and self.outbox == [seq for seq, *_ in self.events]


async def test_an_event_lies_on_the_disk_with_its_outbox_row_before_it_is_shown(field: Field, anna: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    note = await anna.jobs.note("anna", job, "the seal leaks")
    rows = Rows(field.folder / "phone-anna")
    assert rows.hashes()[note.seq] == note.hash
    assert rows.is_whole()


async def test_custody_events_are_signed_and_commit_to_what_came_before(field: Field, anna: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    await anna.jobs.note("anna", job, "the seal leaks")
    await anna.offering.offer("anna", job, PAYLOAD, ["bo"])
    rows = Rows(field.folder / "phone-anna")
    chains = [chain_start(rows.log), *(chain for _, _, chain, _ in rows.events)]
    for before, (seq, raw, _, jws) in zip(chains, rows.events, strict=False):
        event = read_event(raw)
        assert event.prev == (prev_of(before) if event.kind in CUSTODY else "")
        assert bool(jws) == (event.kind in CUSTODY or seq == 1)
        if jws:
            verify(jws, raw, "ho-event", field.keys["phone-anna"])


async def test_the_points_of_a_record_are_passed_in_order(field: Field, anna: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    points = field.worlds["phone-anna"].points
    points.clear()
    await anna.jobs.note("anna", job, "the seal leaks")
    assert points == ["rows-written", "recorded"]


def note(text: str) -> Draft:
    return Draft(kind="note.written", actor="anna", job="j" * 22, body=NoteWritten(text=text))


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (note("x" * 70_000), EVENT_TOO_LARGE),
        (note(""), UNREADABLE),
        (Draft(kind="No Kind", actor="anna", job="", body=NoteWritten(text="x")), UNREADABLE),
    ],
    ids=["too large", "empty", "no kind"],
)
async def test_one_bad_draft_keeps_all_of_its_batch_out(field: Field, anna: Agent, bad: Draft, kind: object) -> None:
    before = Rows(field.folder / "phone-anna")
    with pytest.raises(Problem) as caught:
        await anna.holding.record(note("good"), bad)
    assert caught.value.kind is kind
    after = Rows(field.folder / "phone-anna")
    assert after.events == before.events
    assert after.is_whole()


async def test_a_stopped_log_takes_nothing_more(field: Field, anna: Agent) -> None:
    await anna.holding.store.writing(lambda con: log.stop(con, anna.holding.row.log))
    with pytest.raises(Problem) as caught:
        await anna.jobs.open("anna", site="site-1")
    assert caught.value.kind is LOG_STOPPED
    assert Rows(field.folder / "phone-anna").is_whole()


async def test_a_full_disk_is_told_plainly_and_leaves_nothing_half_done(field: Field, anna: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    store = anna.holding.store
    (pages,) = await store.reading(lambda con: con.execute("PRAGMA page_count").fetchone())
    await store.reading(lambda con: con.execute(f"PRAGMA max_page_count = {pages + 8}").fetchall())
    shown: dict[int, str] = {}

    async def go_on() -> None:
        while True:
            recorded = await anna.jobs.note("anna", job, "x" * 3_000)
            shown[recorded.seq] = recorded.hash

    with pytest.raises(Problem) as caught:
        await go_on()
    assert caught.value.kind is DISK_FULL
    rows = Rows(field.folder / "phone-anna")
    assert rows.is_whole()
    assert max(shown) == rows.events[-1][0]
    assert shown.items() <= rows.hashes().items()
    await store.reading(lambda con: con.execute("PRAGMA max_page_count = 1000000").fetchall())
    after = await anna.jobs.note("anna", job, "space again")
    assert after.seq == max(shown) + 1
    assert Rows(field.folder / "phone-anna").is_whole()


async def test_two_processes_that_record_into_one_store_make_one_chain(field: Field) -> None:
    async with field.open("phone-anna") as one, field.open("phone-anna") as other:
        job = await one.jobs.open("anna", site="site-1")
        await asyncio.gather(*(agent.jobs.note("anna", job, "at once") for agent in (one, other) for _ in range(20)))
        await one.refresh()
        assert len(one.holding.journey(job).timeline) == 41
    assert Rows(field.folder / "phone-anna").is_whole()


# -- kill -9 -------------------------------------------------------------------
class Recorder:
    """The process of `tests.device.recorder`, and what it has shown as recorded."""

    def __init__(self, folder: Path, seed: int, point: str = "", passings: int = 0) -> None:
        self._child = Child("tests.device.recorder", str(folder), str(seed), point, str(passings))
        self.shown: dict[int, str] = {}

    def read(self, *, until_ready: bool = False, at_most_s: float = 30.0) -> None:
        """Reads what is shown, for so long at most, until it is ready to record, or until it is gone."""
        end = time.monotonic() + at_most_s
        while line := self._child.line(end):
            if line == GONE or (line == "ready" and until_ready):
                return
            if line != "ready":
                _, _, seq, hash_ = line.split()
                self.shown[int(seq)] = hash_
            if time.monotonic() > end:
                return

    def die(self) -> int:
        self._child.signal()
        self.read()
        return self._child.wait()


def check(folder: Path, shown: dict[int, str]) -> Rows:
    rows = Rows(folder)
    assert rows.is_whole()
    lost = shown.items() - rows.hashes().items()
    assert not lost, f"shown as recorded and gone: {sorted(lost)}"
    return rows


@pytest.mark.alone
@pytest.mark.parametrize("point", ["rows-written", "recorded"])
@pytest.mark.parametrize("passings", [2, 3, 9])
def test_dying_at_a_named_point_loses_nothing_that_was_shown(field: Field, point: str, passings: int) -> None:
    folder = field.folder / "phone-anna"
    recorder = Recorder(folder, 1, point, passings)
    recorder.read()
    assert recorder.die() == -signal.SIGKILL
    rows = check(folder, recorder.shown)
    # The genesis and the job's opening were there before; the last passing left its row or did not.
    assert len(rows.events) == passings + (1 if point == "recorded" else 0)


@pytest.mark.alone
def test_dying_at_fifty_random_moments_loses_nothing_that_was_shown(field: Field) -> None:
    folder = field.folder / "phone-anna"
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    chosen = random.Random(seed)
    shown: dict[int, str] = {}
    for turn in range(50):
        recorder = Recorder(folder, seed + turn)
        if chosen.random() < 0.8:
            recorder.read(until_ready=True)
        recorder.read(at_most_s=chosen.uniform(0.0, 0.08))
        assert recorder.die() == -signal.SIGKILL
        shown |= recorder.shown
        check(folder, shown)
    assert len(shown) > 50
