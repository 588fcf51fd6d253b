"""Where the events stand that others name by hash: custody, revocations, forks, and what could not be read.

Hashes are random: in a large index each one lands on a page of its own, and a push would rewrite a hundred
pages for a hundred of them. So new ones are kept in the order they came, and sorted in by the thousand.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from backend.store.sqlite import queries

_SQL: Final = queries("ledger")
MOST_RECENT: Final = 20_000
"""Names kept in order of arrival before they are sorted in; they are also held in memory, 4 MB or so."""
_PREFIX: Final = 16

Row = tuple[bytes, int, int, int]
"""The digest, then log, seq, and 1 for an event of the forks."""


class HashIndex:
    """Finds events by their digest, or by the 16 bytes of it that name a job."""

    def __init__(self) -> None:
        self._recent: dict[bytes, Row] | None = None

    def forget(self) -> None:
        """Afterwards the recent names are read again when they are asked for."""
        self._recent = None

    def add(self, con: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Afterwards these events are found; of one digest given twice the first stands."""
        recent = self._read(con)
        _SQL["name_recent"].insert(con, rows)
        for row in rows:
            recent.setdefault(row[0][:_PREFIX], row)
        if len(recent) > MOST_RECENT:
            con.execute(_SQL["sort_names_in"].text)
            con.execute(_SQL["drop_recent_names"].text)
            recent.clear()

    def find(self, con: sqlite3.Connection, digest: bytes) -> tuple[int, int, int] | None:
        """Log, seq and fork of the event with this digest."""
        found = self._read(con).get(digest[:_PREFIX])
        if found is not None and found[0] == digest:
            return found[1:]
        row: tuple[int, int, int] | None = con.execute(_SQL["named"].text, {"hash": digest}).fetchone()
        return row

    def find_job(self, con: sqlite3.Connection, prefix: bytes) -> tuple[int, int, int] | None:
        """The same of the event whose digest begins with the 16 bytes that name a job."""
        found = self._read(con).get(prefix)
        if found is not None:
            return found[1:]
        span = {"low": prefix, "high": prefix + b"\xff" * _PREFIX}
        row: tuple[int, int, int] | None = con.execute(_SQL["named_like"].text, span).fetchone()
        return row

    def _read(self, con: sqlite3.Connection) -> dict[bytes, Row]:
        if self._recent is None:
            self._recent = {}
            for row in con.execute(_SQL["recent_names"].text):
                self._recent.setdefault(row[0][:_PREFIX], row)
        return self._recent
