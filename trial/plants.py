"""Faults planted on purpose in a day that is over, so that the demo's checks can be seen to find them."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final


def lose(con: sqlite3.Connection) -> None:
    """One event that a device recorded and the backend gave a receipt for is gone from the ledger."""
    con.execute(
        "DELETE FROM event WHERE (log, seq) IN (SELECT event.log, max(event.seq) FROM event"
        " JOIN log ON log.ref = event.log WHERE log.staff = 0)"
    )


def twice(con: sqlite3.Connection) -> None:
    """One event stands in the ledger a second time, under the next name of its log."""
    con.execute(
        "INSERT INTO event (log, seq, bytes, received_at, chain, position, verdict, job, jws)"
        " SELECT log, (SELECT max(seq) + 1 FROM event AS last WHERE last.log = event.log), bytes, received_at, chain,"
        " (SELECT max(position) + 1 FROM event), verdict, job, jws FROM event"
        " WHERE job > 0 AND instr(CAST(bytes AS TEXT), '\"item.scanned\"') LIMIT 1"
    )


def accountable(con: sqlite3.Connection) -> None:
    """The backend forgets that one acceptance was applied: it says another party than everybody else."""
    con.execute(
        "UPDATE event SET verdict = 1, position = NULL, job = NULL WHERE (log, seq) IN (SELECT log, seq FROM event"
        " WHERE instr(CAST(bytes AS TEXT), '\"handover.accepted\"') AND verdict = 0 ORDER BY position DESC LIMIT 1)"
    )


PLANTS: Final[dict[str, Callable[[sqlite3.Connection], None]]] = {
    "lose": lose,
    "twice": twice,
    "accountable": accountable,
}
"""Each fault by its name: it changes the database of a backend that does not run."""


def plant(name: str, database: Path) -> None:
    """Afterwards the fault is in the database."""
    with closing(sqlite3.connect(database, isolation_level=None)) as con:
        PLANTS[name](con)
