"""A sample organisation: a small field service with two depots, put in at one go, to look around in.

It stands in `organisation.json` as cells of the same sheets that a spreadsheet has. `{+5}` in a cell is a day: the one
five days after the Monday of the week in which it is put in.
"""

import re
import sqlite3
from datetime import datetime, timedelta
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from backend.intake import Door
from backend.master import TEAM
from backend.masters.checks import administers
from backend.masters.sheets import BY_NAME, ELSEWHERE, SHEETS
from backend.masters.taking import Line, Plan, held_rows, plan, take
from backend.writing import Writing
from sync.codec import decode
from sync.problems import NOT_EMPTY, Problem

_DAY: Final = re.compile(r"\{\+(\d{1,3})\}", re.ASCII)


class _Table(msgspec.Struct, frozen=True):
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def is_empty(con: sqlite3.Connection) -> bool:
    """True where nothing was set up yet: nobody but administrators, no team but the desk, no row of any other kind."""
    held = held_rows(con)
    others = (sheet for sheet in SHEETS if sheet.name not in ELSEWHERE)
    return (
        all(map(administers, held["person"].values()))
        and len(held[TEAM.name]) <= 1
        and not held["device"]
        and not any(held[sheet.kind.name] for sheet in others)
    )


def sample_lines(now_ms: int, zone: str) -> list[Line]:
    """The rows of the sample, its days counted from the week of `now_ms` in a zone."""
    today = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)).date()
    monday = today - timedelta(days=today.weekday())

    def dated(cell: str) -> str:
        return _DAY.sub(lambda found: (monday + timedelta(days=int(found[1]))).isoformat(), cell)

    text = resources.files("backend.sample").joinpath("organisation.json").read_text("utf-8")
    tables = decode(text, dict[str, _Table])
    return [
        Line(name, line, dict(zip(table.columns, map(dated, row), strict=True)))
        for name, table in tables.items()
        for line, row in enumerate(table.rows, start=2)
    ]


def put_sample_in(door: Door, writing: Writing, *, by: str) -> Plan:
    """Afterwards the sample organisation is in force beside what there was; NOT_EMPTY where that is not empty.

    Who or what has a name of the sample already stays as it is.
    """
    if not is_empty(writing.con):
        raise Problem(NOT_EMPTY)
    held = held_rows(writing.con)
    lines = [
        line
        for line in sample_lines(writing.now_ms, door.settings.zone)
        if line.cells.get("id", "") not in held[BY_NAME[line.sheet].kind.name]
    ]
    planned = plan(lines, held)
    take(writing.con, planned, by=by, now_ms=writing.now_ms)
    door.cut(writing)
    return planned
