"""What nobody holds any more: how it is found out, and what follows once a manager has declared it."""

import sqlite3
from typing import Final

from backend.epoch import holds
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.ids import unb64
from sync.protocol import Receipt

_SQL: Final = queries("restore")


def note_promise(writing: Writing, receipt: Receipt) -> bool:
    """Afterwards it is known that so much of an office's log was held; False where it is, or that was known."""
    if holds(writing.con, receipt):
        return False
    row = {"log": receipt.log, "through": receipt.received_through, "head": unb64(receipt.head)}
    return writing.con.execute(_SQL["promise"].text, row).rowcount > 0


def loss_at(con: sqlite3.Connection, log: str, seq: int) -> tuple[int, int, bytes] | None:
    """First, last and chain value after it of the declared loss in which `seq` stands, where that value is known."""
    for first, last, chain in con.execute(_SQL["lost_ranges"].text, {"log": log}):
        if first <= seq <= last and chain:
            return first, last, chain
    return None
