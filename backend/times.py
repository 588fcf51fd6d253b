"""When each event of a job can have been recorded, whatever its wall clock says: bounds for flags and for measures."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from backend.store.sqlite import queries
from sync.events import Event
from sync.ids import b64
from sync.intervals import Held, Interval, intervals
from sync.standing import Standing

_SQL: Final = queries("proof")


def received_of(con: sqlite3.Connection, ref: int) -> dict[tuple[str, int, str], int]:
    """By log, seq and, on a branch beside the main one, hash: when each was first received (ms since 1970)."""
    rows = con.execute(_SQL["received"].text, {"job": ref})
    return {(log, seq, b64(digest) if digest else ""): at for log, seq, digest, at in rows}


def bounds_of(
    standings: Iterable[Standing], received: Mapping[tuple[str, int, str], int], is_staff: Callable[[str], bool]
) -> dict[str, Interval]:
    """By hash, the bounds of each of a job's events; `is_staff` says of a key if it is the office's."""
    found = list(standings)
    staff = {kid for kid in {one.event.kid for one in found} if is_staff(kid)}
    return intervals(Held(one.event, _received(one.event, received), one.event.kid in staff) for one in found)


def _received(event: Event, received: Mapping[tuple[str, int, str], int]) -> int | None:
    beside = received.get((event.log, event.seq, event.hash))
    return beside if beside is not None else received.get((event.log, event.seq, ""))
