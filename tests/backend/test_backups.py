"""Backups: whole and checked though a server is at work, and put in place only as they were made."""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from random import Random

import msgspec
import pytest
from httpx import AsyncClient

from backend.backups import DATABASE, KEY, make_backup, restore
from backend.commands import backup as backup_command
from backend.commands import restore as restore_command
from backend.config import Settings
from backend.enrolment import make_code
from backend.intake import Intake
from backend.master import DEVICE, DeviceRow, put
from backend.writing import Writing
from sync.events import NoteWritten
from sync.ids import b64, digest, job_id
from sync.problems import CHAIN_BROKEN, IN_USE, NO_FILE, NOT_A_BACKUP, NOT_OUR_DATABASE, TAKEN, Problem
from tests.backend.people import Author, FixedWorld
from tests.backend.test_blobs import named, send
from tests.backend.test_pull import opens

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]


@pytest.fixture
async def anna(client: AsyncClient, enrolled: Enrol) -> Author:
    """Anna, with a job and a note that were pushed."""
    anna = await enrolled("anna")
    job, _ = opens(anna, "north")
    anna.record("note.written", NoteWritten(text="one"), job=job)
    await anna.push(client)
    return anna


def rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as con:
        return con.execute(sql).fetchall()


async def made(settings: Settings, world: FixedWorld, folder: Path) -> Path:
    await asyncio.to_thread(make_backup, settings, folder, world)
    return folder


async def test_a_backup_is_whole_as_of_one_commit_while_the_server_writes(
    client: AsyncClient, anna: Author, settings: Settings, world: FixedWorld, tmp_path: Path
) -> None:
    job = job_id(anna.events[1].hash)
    pushing = True

    async def push() -> None:
        while pushing:
            anna.record("note.written", NoteWritten(text="more"), job=job)
            await anna.push(client, len(anna.events))

    task = asyncio.create_task(push())
    for number in range(3):
        folder = await made(settings, world, tmp_path / f"backup {number}")
        ((events, last),) = rows(folder / DATABASE, "SELECT count(*), max(seq) FROM event WHERE log = 2")
        assert events == last
        assert sorted(path.name for path in folder.iterdir()) == ["backup.json", DATABASE, KEY]
        assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))
    pushing = False
    await task


async def test_what_was_changed_is_not_backed_up(
    anna: Author, settings: Settings, world: FixedWorld, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(settings.database)) as con, con:
        con.execute("UPDATE event SET bytes = CAST(replace(CAST(bytes AS TEXT), 'one', 'two') AS BLOB) WHERE seq = 3")
    with pytest.raises(Problem) as caught:
        make_backup(settings, tmp_path / "b", world)
    assert caught.value.kind is CHAIN_BROKEN
    assert f"event 3 of log {anna.log}" in caught.value.detail
    assert not (tmp_path / "b").exists()
    assert not (tmp_path / "b.part").exists()


@pytest.mark.usefixtures("anna")
async def test_a_backup_is_never_written_over_and_needs_something_to_copy(
    settings: Settings, world: FixedWorld, tmp_path: Path
) -> None:
    await made(settings, world, tmp_path / "b")
    for database, kind in ((settings.database, TAKEN), (tmp_path / "none.db", NO_FILE)):
        with pytest.raises(Problem) as caught:
            make_backup(Settings(database=database), tmp_path / "b", world)
        assert caught.value.kind is kind


@pytest.mark.usefixtures("anna")
async def test_nothing_is_restored_under_a_server_that_runs(
    settings: Settings, world: FixedWorld, tmp_path: Path
) -> None:
    folder = await made(settings, world, tmp_path / "b")
    with pytest.raises(Problem) as caught:
        await asyncio.to_thread(restore, folder, settings, world)
    assert caught.value.kind is IN_USE
    assert rows(settings.database, "SELECT count(*) FROM ended_epoch") == [(0,)]


@pytest.mark.parametrize("what", ["database", "key", "no key", "says nothing", "another's key"])
@pytest.mark.usefixtures("anna")
async def test_what_is_not_as_it_was_made_is_not_restored(
    what: str, settings: Settings, world: FixedWorld, tmp_path: Path
) -> None:
    folder = await made(settings, world, tmp_path / "b")
    match what:
        case "database":
            with (folder / DATABASE).open("r+b") as file:
                file.seek(5000)
                file.write(b"x")
        case "key":
            (folder / KEY).unlink()
        case "no key":
            said = json.loads((folder / "backup.json").read_bytes()) | {"has_key": False}
            (folder / "backup.json").write_text(json.dumps(said))
        case "says nothing":
            (folder / "backup.json").unlink()
        case "another's key":
            (folder / KEY).write_bytes(b"x" * 32)
    elsewhere = msgspec.structs.replace(settings, database=tmp_path / "new" / "handover.db")
    with pytest.raises(Problem) as caught:
        restore(folder, elsewhere, world)
    assert caught.value.kind is (NOT_OUR_DATABASE if what == "another's key" else NOT_A_BACKUP)
    assert not elsewhere.database.exists()


@pytest.mark.usefixtures("anna")
async def test_a_restore_begins_an_epoch_voids_open_codes_and_keeps_aside_what_was_there(
    intake: Intake, settings: Settings, world: FixedWorld, tmp_path: Path
) -> None:
    def code(writing: Writing) -> None:
        put(writing.con, DEVICE, "new", DeviceRow(people=("bo",)), by="test", now_ms=writing.now_ms)
        make_code(intake.door, writing, "new")

    await intake.do(code)
    before = intake.door.book.epoch
    folder = await made(settings, world, tmp_path / "b")
    place = tmp_path / "machine" / "handover.db"
    for turn in range(2):
        world.clock_ms += 1000
        code_ = restore_command.main([str(folder), "--database", str(place), "--json"], world)
        assert code_ == 0
        ((epoch,),) = rows(place, "SELECT value FROM setting WHERE name = 'epoch'")
        assert epoch != before
        assert rows(place, "SELECT epoch FROM ended_epoch") == [(before,)]
        assert rows(place, "SELECT count(*) FROM enrol_code WHERE kid IS NULL AND NOT voided") == [(0,)]
        assert rows(place, "SELECT bytes FROM event WHERE log = 2") == rows(
            settings.database, "SELECT bytes FROM event WHERE log = 2"
        )
        assert len(list(place.parent.glob("handover.db.replaced-*/handover.db"))) == turn
        assert place.with_name("handover.db.key").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("anna")
async def test_without_its_key_a_backup_waits_for_it(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, place = tmp_path / "b", tmp_path / "handover2.db"
    assert backup_command.main([str(folder), "--database", str(settings.database), "--no-key"]) == 0
    assert not (folder / KEY).exists()
    assert "keep that apart" in capsys.readouterr().out
    assert restore_command.main([str(folder), "--database", str(place)]) == 2
    place.with_name("handover2.db.key").write_bytes(settings.key_file.read_bytes())
    assert restore_command.main([str(folder), "--database", str(place)]) == 0


@pytest.fixture
async def photos(client: AsyncClient, anna: Author) -> tuple[bytes, ...]:
    """Two photos of Anna's, both sent."""
    raws = tuple(b"\x89PNG\r\n\x1a\n" + Random(seed).randbytes(90_000) for seed in (1, 2))
    job = job_id(anna.events[1].hash)
    anna.record("note.written", NoteWritten(text="see"), job=job, blobs=tuple(named(raw) for raw in raws))
    await anna.push(client, len(anna.events))
    for raw in raws:
        assert (await send(client, anna, raw)).receipt
    return raws


async def test_attachments_are_in_a_backup_and_come_back_with_it(
    photos: tuple[bytes, ...], settings: Settings, world: FixedWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = await made(settings, world, tmp_path / "b")
    said = json.loads((folder / "backup.json").read_bytes())
    assert (said["blobs"], said["blob_bytes"]) == (2, sum(map(len, photos)))
    assert sorted(path.read_bytes() for path in (folder / "blobs").glob("??/*")) == sorted(photos)
    place = tmp_path / "machine" / "handover.db"
    (damaged, *_) = (folder / "blobs").glob("??/*")
    damaged.write_bytes(b"x")
    assert restore_command.main([str(folder), "--database", str(place), "--json"], world) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["blobs"], told["blobs_missing"]) == (1, 1)
    held = [path.read_bytes() for path in place.with_name("handover.db.blobs").glob("??/*")]
    assert len(held) == 1
    assert set(held) <= set(photos)
    assert restore_command.main([str(folder), "--database", str(settings.database), "--json"], world) == 2, "it runs"


async def test_what_is_not_here_any_more_is_told_and_a_backup_may_leave_attachments_out(
    photos: tuple[bytes, ...], settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = b64(digest(photos[0]))
    (settings.blob_folder / name[:2] / name).unlink()
    at = ("--database", str(settings.database))
    assert await asyncio.to_thread(backup_command.main, [str(tmp_path / "b"), *at]) == 0
    assert "1 attachments (1 more are not here" in capsys.readouterr().out
    assert await asyncio.to_thread(backup_command.main, [str(tmp_path / "c"), *at, "--no-blobs"]) == 0
    assert "WITHOUT the attachments" in capsys.readouterr().out
    assert not (tmp_path / "c" / "blobs").exists()
