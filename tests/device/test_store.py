"""The store: whole transactions, migrations once and as they were, a key that only its owner reads."""

import asyncio
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from device.keyring import load_key, make_key
from device.store import sqlite as room
from device.store.sqlite import FILE, connect, migrate, migrations, open_store, statements, transaction
from sync.problems import DAMAGED_STORE, NO_FOLDER, NOT_ENROLLED, STORE_BUSY, STORE_TROUBLE, Problem
from tests.device.field import SetWorld

pytestmark = pytest.mark.anyio


async def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    async with open_store(folder) as store:
        return await store.reading(lambda con: con.execute(sql).fetchall())


async def test_every_migration_is_applied_once_and_the_disk_is_waited_for(tmp_path: Path) -> None:
    for _ in range(2):
        applied = await rows(tmp_path, "SELECT number, name FROM migration ORDER BY number")
        assert applied == [(number, name) for number, name, _ in migrations()]
    assert await rows(tmp_path, "PRAGMA journal_mode") == [("wal",)]
    assert await rows(tmp_path, "PRAGMA synchronous") == [(2,)], "2 is FULL"


async def test_a_migration_that_reads_differently_now_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await rows(tmp_path, "SELECT 1")
    first, *others = migrations()
    monkeypatch.setattr(room, "migrations", lambda: ((first[0], first[1], first[2] + "-- changed"), *others))
    with pytest.raises(Problem) as caught:
        await rows(tmp_path, "SELECT 1")
    assert caught.value.kind is DAMAGED_STORE
    assert first[1] in caught.value.detail


async def test_a_database_of_newer_software_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await rows(tmp_path, "SELECT 1")
    monkeypatch.setattr(room, "migrations", lambda: migrations()[:-1])
    with pytest.raises(Problem) as caught:
        await rows(tmp_path, "SELECT 1")
    assert caught.value.kind is DAMAGED_STORE
    assert "update" in caught.value.detail


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    con = connect(tmp_path / FILE)
    broken = ((1, "001_broken.sql", "CREATE TABLE good (a INTEGER) STRICT;\nCREATE TABLE good (a INTEGER) STRICT;"),)
    monkeypatch.setattr(room, "migrations", lambda: broken)
    with pytest.raises(sqlite3.OperationalError):
        migrate(con)
    assert con.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    con.close()


@pytest.mark.parametrize("content", [b"this is no database, whatever its name says" * 50, b"SQLite format 3\x00" * 90])
async def test_a_file_that_is_no_database_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(Problem) as caught:
        await rows(tmp_path, "SELECT 1")
    assert caught.value.kind is DAMAGED_STORE
    assert (tmp_path / FILE).read_bytes() == content, "what may still be rescued is not touched"


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        await rows(tmp_path / "nowhere", "SELECT 1")
    assert caught.value.kind is STORE_TROUBLE


async def test_a_database_that_cannot_be_opened_or_written_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(Problem) as caught:
        await rows(tmp_path, "SELECT 1")
    assert caught.value.kind is STORE_TROUBLE
    with closing(connect(tmp_path / "other.sqlite")) as con:
        con.execute("CREATE TABLE t (a INTEGER)")
        con.execute("PRAGMA query_only = ON")  # as on a file system that can only be read
        with pytest.raises(Problem) as met:
            transaction(con, lambda con: con.execute("INSERT INTO t VALUES (1)"))
    assert (met.value.kind, met.value.where) == (STORE_TROUBLE, str(tmp_path / "other.sqlite"))


def test_a_database_that_another_process_holds_is_told_as_busy(tmp_path: Path) -> None:
    with closing(connect(tmp_path / FILE)) as holder, closing(connect(tmp_path / FILE)) as other:
        holder.execute("BEGIN IMMEDIATE")
        other.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(Problem) as caught:
            transaction(other, lambda con: con.execute("SELECT 1"))
    assert caught.value.kind is STORE_BUSY


async def test_a_transaction_is_all_or_nothing_and_the_next_one_goes_on(tmp_path: Path) -> None:
    def halfway(con: sqlite3.Connection) -> None:
        con.execute("INSERT INTO left_job (job) VALUES ('a')")
        raise LookupError("in the middle")

    async with open_store(tmp_path) as store:
        with pytest.raises(LookupError):
            await store.writing(halfway)
        assert await store.reading(lambda con: con.execute("SELECT * FROM left_job").fetchall()) == []
        await store.writing(lambda con: con.execute("INSERT INTO left_job (job) VALUES ('b')"))
        assert await store.reading(lambda con: con.execute("SELECT * FROM left_job").fetchall()) == [("b",)]


async def test_many_at_once_are_one_after_the_other(tmp_path: Path) -> None:
    def count(con: sqlite3.Connection) -> None:
        (most,) = con.execute("SELECT coalesce(max(number), 0) FROM needs_you").fetchone()
        con.execute("INSERT INTO needs_you VALUES (?, 'x', ?, 0)", (most + 1, str(most)))

    async with open_store(tmp_path) as one, open_store(tmp_path) as other:
        await asyncio.gather(*(store.writing(count) for store in (one, other) for _ in range(20)))
    assert await rows(tmp_path, "SELECT count(*), max(number) FROM needs_you") == [(40, 40)]


def test_a_fault_of_ours_stays_what_it_is(tmp_path: Path) -> None:
    con = connect(tmp_path / FILE)
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        transaction(con, lambda con: con.execute("SELEC"))
    con.close()


def test_every_named_statement_is_one_the_database_understands(tmp_path: Path) -> None:
    con = connect(tmp_path / FILE)
    migrate(con)
    for sql in (*statements("log").values(), *statements("pulled").values()):
        con.execute(f"EXPLAIN {sql}", dict.fromkeys(re.findall(r":(\w+)", sql)))
    con.close()


# -- keys ----------------------------------------------------------------------
def test_a_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    signer = make_key(tmp_path, SetWorld("anna"))
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_key(tmp_path, signer.kid).kid == signer.kid


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    make_key(tmp_path, SetWorld("anna"))
    with pytest.raises(Problem) as caught:
        make_key(tmp_path, SetWorld("anna"))
    assert caught.value.kind is NO_FOLDER
    assert "File exists" in caught.value.detail


def test_a_key_that_is_gone_or_another_ones_is_told(tmp_path: Path) -> None:
    signer = make_key(tmp_path, SetWorld("anna"))
    with pytest.raises(Problem) as caught:
        load_key(tmp_path, "AAAAAAAAAAA")
    assert caught.value.kind is NOT_ENROLLED
    for content in (b"", b"x" * 32, b"x" * 33):
        (tmp_path / f"key-{signer.kid}").write_bytes(content)
        with pytest.raises(Problem) as caught:
            load_key(tmp_path, signer.kid)
        assert caught.value.kind is DAMAGED_STORE
