"""A whole database looked at, without changing it: opened for reading alone, while a server may be running."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from backend.store.sqlite import migrate, migrations
from backend.verify.beside import backend_keys, check_documents, check_marks, check_receipts, check_verdicts
from backend.verify.faults import MOST_TOLD, UNREADABLE, Fault, Looked
from backend.verify.logs import check_logs
from backend.verify.redacted import check_redactions
from sync.ids import b64, digest
from sync.problems import NOT_OUR_DATABASE, Problem
from sync.protocol import Sealed

_FORM: Final = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"
_SETTINGS: Final = (
    "PRAGMA query_only = ON",
    "PRAGMA busy_timeout = 10000",
    "PRAGMA cache_size = -65536",
    # Of a damaged file no cell may be believed to have the size it says.
    "PRAGMA cell_size_check = ON",
)
MOST_EVENTS: Final = 60_000
"""Events held in memory while verdicts are looked at."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: `first` is the first bad thing found, None where all is as it was."""

    ok: bool
    looked: Looked
    first: Fault | None = None
    faults: tuple[Fault, ...] = ()


def verify_database(path: Path, receipts: Sequence[Sealed] = ()) -> Report:
    """What is wrong with the database at `path`, logs first; at most 100 faults are named.

    Raises NOT_OUR_DATABASE where it is none of this version.
    """
    looked = Looked()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as con:
        try:
            for setting in _SETTINGS:
                con.execute(setting)
            _check_version(con, path)
            con.execute("BEGIN")
            faults = tuple(islice(_faults(con, receipts, looked), MOST_TOLD))
        except UNREADABLE as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
                raise Problem(NOT_OUR_DATABASE, str(error), str(path)) from error
            faults = (Fault(where="the file", what="file", detail=str(error)),)
    return Report(ok=not faults, looked=looked, first=faults[0] if faults else None, faults=faults)


def _check_version(con: sqlite3.Connection, path: Path) -> None:
    try:
        applied = con.execute("SELECT number, name, checksum FROM migration ORDER BY number").fetchall()
    except sqlite3.OperationalError as error:
        raise Problem(NOT_OUR_DATABASE, str(error), str(path)) from error
    if applied != [(number, name, b64(digest(text.encode()))) for number, name, text in migrations()]:
        raise Problem(NOT_OUR_DATABASE, "another version of this software made it", str(path))


def _faults(con: sqlite3.Connection, receipts: Sequence[Sealed], looked: Looked) -> Iterator[Fault]:
    """Logs first, whatever else is damaged; the rest only of a file whose pages are whole, and of logs that are."""
    yield from (faults := list(_guarded(_form(con))))
    if faults:
        return
    pages = list(_guarded(_pages(con)))
    yield from (faults := list(_guarded(_logs(con, looked))))
    yield from pages
    for step in (_beside(con, receipts, looked), check_verdicts(con, looked, MOST_EVENTS)):
        if not (pages or faults):
            yield from (faults := list(_guarded(step)))


def _guarded(faults: Iterator[Fault]) -> Iterator[Fault]:
    try:
        yield from faults
    except UNREADABLE as error:
        yield Fault(where="the file", what="file", detail=str(error))


def _form(con: sqlite3.Connection) -> Iterator[Fault]:
    """Tables and indexes that are not as the migrations make them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        migrate(made)
        wanted = set(made.execute(_FORM))
    for name, _ in sorted(wanted ^ set(con.execute(_FORM)), key=str):
        yield Fault(where=str(name), what="file", detail="this table or index is not as this software makes it")


def _logs(con: sqlite3.Connection, looked: Looked) -> Iterator[Fault]:
    yield from check_logs(con, frozenset(backend_keys(con)), looked)


def _beside(con: sqlite3.Connection, receipts: Sequence[Sealed], looked: Looked) -> Iterator[Fault]:
    """Documents, marks, redactions, and what receipts say of the logs."""
    keys = backend_keys(con)
    names = dict(con.execute("SELECT ref, log FROM log"))
    yield from check_documents(con, keys, looked)
    yield from check_marks(con, names, looked)
    yield from check_redactions(con, names, looked)
    yield from check_receipts(con, receipts, keys, looked)


def _pages(con: sqlite3.Connection) -> Iterator[Fault]:
    """What SQLite itself says of its pages, its indexes and the types of its cells."""
    for (said,) in con.execute("PRAGMA integrity_check(10)"):
        if said != "ok":
            yield Fault(where="the file", what="file", detail=said)
