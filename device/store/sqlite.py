"""The agent's database: one SQLite file, one connection, whole transactions, numbered migrations.

A transaction is a function that runs on the connection's own thread, in one hop however many statements
it makes. Several processes may share the file (the agent that runs, and a command beside it): each
transaction takes the write lock first and reads what it builds on inside.
"""

import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, TypeVar

import aiosqlite

from sync.ids import event_hash
from sync.problems import DAMAGED_STORE, DISK_FULL, STORE_BUSY, STORE_TROUBLE, Problem

T = TypeVar("T")
Row = Mapping[str, object]

FILE: Final = "agent.sqlite"
_SETTINGS: Final = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    # In WAL only FULL waits for the disk at each commit: what was shown as recorded survives a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements(room: str) -> Mapping[str, str]:
    """The statements of `queries/{room}.sql`, by the name in the line above each."""
    text = resources.files("device.store").joinpath("queries", f"{room}.sql").read_text("utf-8")
    parts = _NAME.split(text)[1:]
    found = dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    if len(found) * 2 != len(parts):
        raise ValueError(f"a name stands twice in {room}.sql")
    return found


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that can run a whole function on its thread."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Give what `work` gives, run between two other calls; what it raises is raised here."""
        found: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # untyped in aiosqlite
        return found


class Store:
    """The open database; `open_store` opens it."""

    def __init__(self, path: Path, connection: Connection) -> None:
        self.path = path
        self._connection = connection

    async def writing(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Give what `work` gives, durable; if it raises, nothing of it remains. A full disk is DISK_FULL."""
        return await self._connection.run(lambda con: transaction(con, work))

    async def shrink(self) -> None:
        """Afterwards what was erased stands in none of the database's files, unless another process reads them now.

        DISK_FULL where there is no room to write it anew, STORE_BUSY while somebody else writes.
        """
        await self._connection.run(lambda con: _shrink(con, self.path))

    async def reading(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Give what `work` gives, reading one state throughout."""
        return await self._connection.run(lambda con: _snapshot(con, work))


def connect(path: Path) -> sqlite3.Connection:
    """A connection as this product wants it, outside any transaction. DAMAGED_STORE where the file is no database.

    STORE_TROUBLE where it cannot be opened or written, DISK_FULL where the disk has no room for it.
    """
    try:
        con = sqlite3.connect(path, isolation_level=None)
    except sqlite3.Error as error:
        raise _named(error, path) from error
    try:
        for setting in _SETTINGS:
            con.execute(setting)
    except sqlite3.Error as error:
        con.close()
        raise _named(error, path) from error
    return con


def transaction(con: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run `work` and commit; on any failure roll back and raise it, a full disk as DISK_FULL.

    STORE_TROUBLE and STORE_BUSY are for a database that cannot be written, or not for now.
    """
    try:
        con.execute("BEGIN IMMEDIATE")
        found = work(con)
        con.execute("COMMIT")
    except sqlite3.Error as error:
        _undo(con)
        (file,) = (file for _, name, file in con.execute("PRAGMA database_list") if name == "main")
        raise _named(error, Path(file)) from error
    except BaseException:
        _undo(con)
        raise
    return found


def _shrink(con: sqlite3.Connection, path: Path) -> None:
    try:
        con.execute("PRAGMA secure_delete = ON")
        con.execute("VACUUM")
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        raise _named(error, path) from error


def _undo(con: sqlite3.Connection) -> None:
    # On a full disk SQLite may have rolled back by itself.
    if con.in_transaction:
        con.execute("ROLLBACK")


def _snapshot(con: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    con.execute("BEGIN")
    try:
        return work(con)
    finally:
        con.execute("COMMIT")


_FULL_BYTES: Final = 64 * 1024
"""Where no more is free, what SQLite calls an I/O error is a full disk: it could not make a file to work in."""


def _named(error: sqlite3.Error, path: Path) -> Exception:
    """The problem that an error of SQLite is; one that is a fault of ours stays what it is."""
    where = str(path)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return Problem(DISK_FULL, str(error), where)
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return Problem(STORE_TROUBLE, str(error), where)
    if code == sqlite3.SQLITE_BUSY:
        return Problem(STORE_BUSY, str(error), where)
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Problem(DAMAGED_STORE, str(error), where)
    return error


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _FULL_BYTES
    except OSError:
        return False


@asynccontextmanager
async def open_store(directory: Path) -> AsyncIterator[Store]:
    """The store in `directory`, made or brought to today's form where need be; closed afterwards."""
    path = directory / FILE
    with closing(connect(path)) as con:  # here, where what is wrong with the file is raised in nobody else's thread
        migrate(con)
    connection = Connection(lambda: connect(path), 64)
    async with connection:
        yield Store(path, connection)


# -- migrations ---------------------------------------------------------------
@cache
def migrations() -> tuple[tuple[int, str, str], ...]:
    """Every migration in its order: number, file name, text."""
    folder = resources.files("device.store").joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((int(name[:3]), name, folder.joinpath(name).read_text("utf-8")) for name in names)


def migrate(con: sqlite3.Connection) -> None:
    """Afterwards every migration was applied once, all in one transaction.

    DAMAGED_STORE where one that was applied reads differently now, or where newer software was here:
    going on would be guessing.
    """
    known = migrations()
    transaction(con, lambda con: _bring_up(con, known))


def _bring_up(con: sqlite3.Connection, known: tuple[tuple[int, str, str], ...]) -> None:
    con.execute(
        "CREATE TABLE IF NOT EXISTS migration"
        " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT"
    )
    applied = {number: (name, checksum) for number, name, checksum in con.execute("SELECT * FROM migration")}
    for number, name, text in known:
        checksum = event_hash(text.encode())
        if number not in applied:
            for statement in _each(text):
                con.execute(statement)
            con.execute("INSERT INTO migration VALUES (?, ?, ?)", (number, name, checksum))
        elif applied.pop(number) != (name, checksum):
            raise Problem(DAMAGED_STORE, f"it was made with another text of {name}")
    if applied:
        raise Problem(DAMAGED_STORE, f"newer software made it (migration {max(applied)}); update this one")


def _each(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit before the first."""
    found = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found
