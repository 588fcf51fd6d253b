"""SQLite behind one door: a writer, some readers, named queries, numbered migrations.

A transaction is one function that runs on the connection's own thread: one hop, however many
statements it makes. Only the writer writes; readers see what was committed.
"""

import asyncio
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import TypeVar

import aiosqlite

from sync.ids import b64, digest
from sync.problems import NOT_OUR_DATABASE, STORE_BUSY, STORE_FULL, STORE_TROUBLE, Problem

T = TypeVar("T")

TOGETHER = 100
"""Rows of one statement: with nine columns well below the 32,766 parameters that SQLite takes."""
_STATEMENTS = 512
"""Prepared statements a connection keeps."""

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 10000",
    "PRAGMA cache_size = -65536",
    "PRAGMA wal_autocheckpoint = 8000",
)
"""FULL: in WAL each commit waits for the disk, so what was answered survives a power cut, not only a crash.

A checkpoint after 8,000 pages (32 MB) instead of 1,000 writes pages that many commits touched once."""


class Query:
    """A named query. `text` takes parameters by name; `bare` the same in the order of `names`."""

    __slots__ = ("_many", "bare", "names", "text")

    _PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
    _VALUES = re.compile(r"VALUES (\([?, ]+\))")

    def __init__(self, text: str) -> None:
        self.text = text
        self.names = tuple(self._PARAMETER.findall(text))
        self.bare = self._PARAMETER.sub("?", text)
        self._many: dict[int, str] = {}

    def insert(self, con: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Afterwards these rows are inserted, each as the query's VALUES say, in its order of names.

        Many a statement: sqlite3 lets go of the interpreter's lock at each, and beside a busy thread it is some
        milliseconds until it has it again.
        """
        for start in range(0, len(rows), TOGETHER):
            part = rows[start : start + TOGETHER]
            text = self._many.get(len(part))
            if text is None:
                found = self._VALUES.search(self.bare)
                if found is None:
                    raise ValueError("this query inserts no values")
                text = self.bare.replace(found[0], "VALUES " + ", ".join([found[1]] * len(part)))
                self._many[len(part)] = text
            con.execute(text, tuple(chain.from_iterable(part)))


def queries(room: str) -> Mapping[str, Query]:
    """The queries of `queries/{room}.sql` by name; each begins with a line `-- name: …`."""
    text = resources.files("backend.store").joinpath("queries", f"{room}.sql").read_text("utf-8")
    found: dict[str, Query] = {}
    for part in text.split("-- name: ")[1:]:
        name, _, body = part.partition("\n")
        if name.strip() in found:
            raise ValueError(f"query {name.strip()} stands twice in {room}.sql")
        found[name.strip()] = Query(body.strip().rstrip(";"))
    return found


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function on its thread at once."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns; what it raises is raised here."""
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # aiosqlite's own
        return result


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with this product's settings, in no transaction; problems of the file itself are named."""
    try:
        mode = "ro" if read_only else "rwc"
        con = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, cached_statements=_STATEMENTS
        )
        for pragma in PRAGMAS:
            con.execute(pragma)
    except sqlite3.Error as error:
        raise named(error, path) from error
    return con


_FULL_BYTES = 64 * 1024
"""Where no more is free, what SQLite calls an I/O error is a full disk: it could not make a file to work in."""


def named(error: sqlite3.Error, path: Path) -> Exception:
    """The problem that an error of SQLite is, about the database at `path`; a fault of ours stays what it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and free_bytes(path.parent) < _FULL_BYTES):
        return Problem(STORE_FULL, str(error), str(path))
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return Problem(STORE_TROUBLE, str(error), str(path))
    if code == sqlite3.SQLITE_BUSY:
        return Problem(STORE_BUSY, str(error), str(path))
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Problem(NOT_OUR_DATABASE, str(error), str(path))
    return error


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written there by who runs this; 0 where nobody can tell."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


class Store:
    """The backend's database: open it with `open_store`."""

    def __init__(self, path: Path, writer: Connection, readers: list[Connection]) -> None:
        self.path = path
        self._writer = writer
        self._lock = asyncio.Lock()
        self._readers: asyncio.Queue[Connection] = asyncio.Queue()
        for reader in readers:
            self._readers.put_nowait(reader)

    async def writing(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, its effects committed; if it raises, nothing of it remains.

        One at a time; a full disk is STORE_FULL, and nothing is half done.
        """
        async with self._lock:
            return await self._writer.run(lambda con: in_transaction(con, work))

    async def reading(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns; it sees one committed state throughout."""
        reader = await self._readers.get()
        try:
            return await reader.run(lambda con: _snapshot(con, work))
        finally:
            self._readers.put_nowait(reader)


def in_transaction(con: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """What `work` returns, committed before this returns; otherwise rolled back."""
    try:
        con.execute("BEGIN IMMEDIATE")
        try:
            result = work(con)
            con.execute("COMMIT")
        except BaseException:
            if con.in_transaction:
                con.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        (path,) = (file for _, name, file in con.execute("PRAGMA database_list") if name == "main")
        raise named(error, Path(path)) from error
    return result


def shrink(con: sqlite3.Connection) -> bool:
    """Afterwards what was overwritten stands in none of the database's files; False where a reader keeps its log.

    Whoever writes meanwhile waits. STORE_BUSY where somebody else writes for too long.
    """
    try:
        con.execute("PRAGMA secure_delete = ON")
        con.execute("VACUUM")
        (busy, _, _) = con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        (path,) = (file for _, name, file in con.execute("PRAGMA database_list") if name == "main")
        raise named(error, Path(path)) from error
    return not busy


def _snapshot(con: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    con.execute("BEGIN")
    try:
        return work(con)
    finally:
        con.execute("COMMIT")


@asynccontextmanager
async def open_store(path: Path, *, readers: int = 2) -> AsyncIterator[Store]:
    """A store on the database at `path`, made or brought to today's form if need be; closed afterwards."""
    with closing(connect(path)) as con:
        migrate(con)
    writer = Connection(lambda: connect(path), 64)
    others = [Connection(lambda: connect(path, read_only=True), 64) for _ in range(readers)]
    async with AsyncExitStack() as opened:
        for connection in (writer, *others):
            await opened.enter_async_context(connection)
        yield Store(path, writer, others)


# -- migrations ---------------------------------------------------------------
def migrations() -> list[tuple[int, str, str]]:
    """Number, name and text of every migration, in order."""
    folder = resources.files("backend.store").joinpath("migrations")
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name.partition("_")[0]), name, folder.joinpath(name).read_text("utf-8")) for name in files]


def migrate(con: sqlite3.Connection) -> list[str]:
    """Afterwards every migration was applied once, in order, each in one transaction; the new ones' names.

    A released migration that was changed, or one this software does not know, is NOT_OUR_DATABASE: it
    would be guesswork to go on.
    """
    known = migrations()
    applied: list[str] = []

    def bring_up(con: sqlite3.Connection) -> None:
        con.execute(
            "CREATE TABLE IF NOT EXISTS migration"
            " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT"
        )
        done = {number: (name, checksum) for number, name, checksum in con.execute("SELECT * FROM migration")}
        for number, name, text in known:
            checksum = b64(digest(text.encode()))
            if number not in done:
                for statement in _statements(text):
                    con.execute(statement)
                con.execute("INSERT INTO migration VALUES (?, ?, ?)", (number, name, checksum))
                applied.append(name)
            elif done[number] != (name, checksum):
                raise Problem(NOT_OUR_DATABASE, f"migration {name} is not the one this database was made with")
        newer = done.keys() - {number for number, _, _ in known}
        if newer:
            raise Problem(NOT_OUR_DATABASE, f"it was made by newer software (migration {max(newer)})")

    in_transaction(con, bring_up)
    return applied


def _statements(text: str) -> list[str]:
    """The statements of a script one by one: `executescript` would commit between them."""
    found: list[str] = []
    pending = ""
    for line in text.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found
