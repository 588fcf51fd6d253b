"""Rows of a file that could not be used, kept until a mended file of the same name comes."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from backend.store.sqlite import queries
from backend.tables import Quarantined

_SQL: Final = queries("history")


def keep_quarantined(con: sqlite3.Connection, source: str, rows: Sequence[Quarantined], now_ms: int) -> None:
    """Afterwards exactly these rows of `source` (what was imported, and the file's name) wait to be mended."""
    con.execute(_SQL["clear_quarantine"].text, {"source": source})
    con.executemany(
        _SQL["quarantine"].text,
        [
            {"source": source, "line": one.line, "field": one.field, "detail": one.found}
            | {"remedy": one.remedy, "at": now_ms}
            for one in rows
        ],
    )
