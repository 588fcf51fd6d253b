"""The door: one transaction for all who wait, nothing half done, the same rows made anew from the ledger."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from httpx import AsyncClient

from backend.config import Settings
from backend.intake import Intake, open_door
from backend.key import hold_key
from backend.master import SITE, SiteRow, put
from backend.project import rebuild
from backend.store.sqlite import connect, migrate, migrations, queries
from backend.writing import Writing
from sync.events import JobOpened, NoteWritten, Offered, VisitArrived, VisitDeparted
from sync.ids import job_id
from sync.payload import Payload
from sync.problems import NOT_FOUND, NOT_OUR_DATABASE, STORE_FULL, Problem
from sync.protocol import deflate
from tests.backend.conftest import BOUNDARY
from tests.backend.people import Author, FixedWorld, words

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]

PROJECTIONS = ("job_row", "handover_row", "visit_row", "item_row", "case_row", "order_row", "found_by", "word", "reach")


def a_visit(author: Author, number: int) -> str:
    """A job with a visit and an offer."""
    opened = author.record("job.opened", JobOpened(roster=author.roster, party=author.person, site="north"))
    job, visit = job_id(opened.hash), f"visit-{number}"
    author.record("visit.arrived", VisitArrived(visit=visit, site="north"), job=job)
    author.record("visit.departed", VisitDeparted(visit=visit), job=job)
    body = Offered(
        roster=author.roster,
        basis=opened.hash,
        sender=author.person,
        to=("bo", "guest"),
        boundary=BOUNDARY,
        policy=author.policies[BOUNDARY],
        payload=Payload(summary="done"),
    )
    author.record("handover.offered", body, job=job)
    return job


async def rows(intake: Intake) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every projection."""

    def read(con: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
        return {name: sorted(con.execute(f"SELECT * FROM {name}")) for name in PROJECTIONS}  # noqa: S608 - our own names

    return await intake.store.reading(read)


async def test_projections_made_anew_from_the_ledger_are_identical(
    client: AsyncClient, intake: Intake, enrolled: Enrol, world: FixedWorld
) -> None:
    anna = await enrolled("anna")
    for number in range(5):
        world.clock_ms += 60_000
        a_visit(anna, number)
        for seq in range(len(anna.events) - 3, len(anna.events) + 1):
            world.clock_ms += 1_000
            assert words(await anna.push(client, seq, seq)) == ["applied"]
    before = await rows(intake)
    assert len(before["job_row"]) == 5
    assert len(before["visit_row"]) == 10

    world.clock_ms += 3_600_000
    assert await intake.do(rebuild) == 5
    assert await rows(intake) == before

    intake.door.book.forget()
    await intake.do(rebuild)
    assert await rows(intake) == before


async def test_pushes_that_wait_together_are_committed_together(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    authors = [await enrolled("anna", str(number)) for number in range(8)]
    for author in authors:
        author.roster = authors[-1].roster
        a_visit(author, 1)
    before = await intake.store.reading(lambda con: con.execute("SELECT count(*) FROM mark").fetchone()[0])
    replies = await asyncio.gather(*(author.push(client, 2) for author in authors))
    after = await intake.store.reading(lambda con: con.execute("SELECT count(*) FROM mark").fetchone()[0])
    assert [words(reply) for reply in replies] == [["applied"] * 4] * 8
    assert after - before < 8


async def test_what_a_receipt_says_is_on_disk_when_it_is_given(
    client: AsyncClient, settings: Settings, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    a_visit(anna, 1)
    reply = await anna.push(client, 2)
    with closing(sqlite3.connect(settings.database)) as beside:
        held = beside.execute(
            "SELECT bytes FROM event JOIN log ON ref = event.log WHERE log.log = ? ORDER BY seq", (anna.log,)
        )
        assert [raw for (raw,) in held] == [event.raw for event in anna.events[: reply.received_through]]


async def test_one_name_is_held_once_whatever_the_door_overlooks(intake: Intake) -> None:
    def twice(writing: Writing) -> None:
        row = (999, 1, b"{}", writing.now_ms, None, None, 2, None, None)
        for _ in range(2):
            queries("ledger")["append"].insert(writing.con, [row])

    with pytest.raises(sqlite3.IntegrityError):
        await intake.do(twice)


async def test_what_fails_in_a_transaction_undoes_nobody_elses_work(intake: Intake) -> None:
    def good(writing: Writing) -> str:
        put(writing.con, SITE, "good", SiteRow(name="good"), by="test", now_ms=writing.now_ms)
        return "done"

    def bad(writing: Writing) -> str:
        put(writing.con, SITE, "bad", SiteRow(name="bad"), by="test", now_ms=writing.now_ms)
        raise Problem(NOT_FOUND, "nothing")

    def broken(writing: Writing) -> str:
        put(writing.con, SITE, "broken", SiteRow(name="broken"), by="test", now_ms=writing.now_ms)
        raise ZeroDivisionError

    said = await asyncio.gather(*(intake.do(work) for work in (good, bad, broken, good)), return_exceptions=True)
    assert [type(one) for one in said] == [str, Problem, ZeroDivisionError, str]
    sites = await intake.store.reading(
        lambda con: [id_ for (id_,) in con.execute("SELECT id FROM master WHERE kind = 'site' ORDER BY id")]
    )
    assert sites == ["good", "north", "south"]


async def test_a_full_disk_is_a_named_problem_and_nothing_is_half_done(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    job = a_visit(anna, 1)
    for number in range(200):
        anna.record("note.written", NoteWritten(text=f"{number} " + "long words " * 100), job=job)

    def limit(pages: int) -> Callable[[sqlite3.Connection], int]:
        def work(con: sqlite3.Connection) -> int:
            (used,) = con.execute("PRAGMA page_count").fetchone()
            found: int = con.execute(f"PRAGMA max_page_count = {used + pages}").fetchone()[0]
            return found

        return work

    await intake.store._writer.run(limit(5))
    answer = await client.post("/v1/sync/push", content=deflate(anna.batch(2, 205)), headers=anna.headers)
    assert (answer.status_code, answer.json()["type"]) == (503, f"urn:handover:problem:{STORE_FULL.slug}")
    assert answer.headers["retry-after"] == "5"

    await intake.store._writer.run(limit(100_000))
    assert words(await anna.push(client, 2)) == ["applied"] * 204


async def test_a_command_writes_beside_the_running_server(
    client: AsyncClient, intake: Intake, enrolled: Enrol, settings: Settings
) -> None:
    anna = await enrolled("anna")
    a_visit(anna, 1)
    await anna.push(client, 2)

    def beside() -> None:
        with open_door(settings, FixedWorld(seed=b"command")) as (door, con):
            door.write_now(con, lambda writing: put(writing.con, SITE, "east", SiteRow(name="E"), by="t", now_ms=1))
            door.write_now(con, door.cut)

    await asyncio.to_thread(beside)
    a_visit(anna, 2)
    assert words(await anna.push(client, 6)) == ["applied"] * 4
    names = await intake.do(lambda writing: writing.documents.newest("names"))
    assert names is not None
    assert "east" in getattr(names[1], "names", {})


def test_migrations_are_applied_once_and_a_changed_one_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    con = connect(path)
    assert migrate(con) == [name for _, name, _ in migrations()]
    assert migrate(con) == []
    con.execute("UPDATE migration SET checksum = 'x' WHERE number = 2")
    with pytest.raises(Problem) as caught:
        migrate(con)
    assert caught.value.kind is NOT_OUR_DATABASE
    con.execute("DELETE FROM migration WHERE number = 2")
    con.execute("INSERT INTO migration VALUES (999, 'later', 'x')")
    con.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(Problem) as caught:
        connect(path)
    assert caught.value.kind is NOT_OUR_DATABASE


def test_a_key_that_others_may_read_or_that_is_gone_stops_the_backend(tmp_path: Path) -> None:
    path = tmp_path / "key"
    world = FixedWorld()
    with pytest.raises(Problem):
        hold_key(path, world, is_new=False)
    made = hold_key(path, world, is_new=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert hold_key(path, world, is_new=False).kid == made.kid
    path.chmod(0o644)
    with pytest.raises(Problem, match="others may read"):
        hold_key(path, world, is_new=False)
