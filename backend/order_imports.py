"""Files of orders, taken in as a whole: what they came to is kept as a run, and what could not be used waits in it."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from backend.exchange.orders import Orders, ReadOrder, of_rows
from backend.intake import Door
from backend.mapping import Mapping
from backend.master import EVERY, SITE, all_of
from backend.ordering import Imported, Taken, name_of, take_in
from backend.reach import EVERY_SITE
from backend.store.sqlite import queries
from backend.tables import Quarantined, Row
from backend.writing import Writing
from sync.codec import decode, encode
from sync.ids import b64, digest
from sync.problems import BAD_NAME, BAD_ROW, NOT_FOUND, NOT_POSSIBLE_NOW, Problem

_SQL: Final = queries("orders")
Via = Literal["command", "page", "api", "mended"]
MOST_ROWS: Final = 20_000
"""Rows of one file over page or API: it is one transaction, and everybody else waits for it."""
PAGE: Final = 50


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Whence orders come: who brings them, how, under which file name and by which mapping."""

    by: str
    via: Via
    file: str = ""
    mapping: str = ""


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was put aside; `state` is empty while it waits. Times are ms since 1970."""

    id: int
    run: int
    line: int
    field: str
    found: str
    remedy: str
    cells: dict[str, str]
    state: str
    settled_by: str
    settled_at: int | None
    reason: str
    file: str
    at: int
    made_by: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was taken in: how many rows it had, how many were put aside, how many of these wait still."""

    id: int
    file: str
    via: str
    mapping: str
    made_by: str
    at: int
    rows: int
    aside: int
    counts: Imported
    waiting: int


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What taking in came to. `run` is 0 where nothing was worth keeping a run for."""

    run: int
    taken: Taken
    rows: int
    quarantined: tuple[Quarantined, ...]


def zones_of(con: sqlite3.Connection, keys: set[str] | None) -> dict[str, str]:
    """The time zone of each site in scope: whoever imports knows of no other."""
    sites = all_of(con, SITE)
    if keys is None or EVERY_SITE in keys:
        return {site: row.zone for site, row in sites}
    return {site: row.zone for site, row in sites if f"site:{site}" in keys and site != EVERY}


def import_orders(door: Door, writing: Writing, read: Orders, said: Said, keys: set[str] | None = None) -> Ran:
    """Afterwards all that can be used is recorded, the rest waits to be mended, and it stands who brought it."""
    taken = take_in(door, writing, read, keys)
    bad = (*read.quarantined, *(_with_cells(one, read) for one in taken.refused))
    bad = tuple(sorted(bad, key=lambda one: one.line))
    run = 0
    if bad or said.via != "api":
        row = msgspec.to_builtins(said) | {"made_by": said.by, "at": writing.now_ms, "rows": read.rows}
        row |= {"aside": len(bad), "body": encode(taken.counts()).decode()}
        (run,) = writing.con.execute(_SQL["keep_run"].text, row).fetchone()
        _put_aside(writing, run, bad)
    if said.via != "api" and said.file:
        writing.con.execute(_SQL["replace_file"].text, {"file": said.file, "run": run, "at": writing.now_ms})
    _came_right(writing, run, read.orders, taken)
    return Ran(run=run, taken=taken, rows=read.rows, quarantined=bad)


def _with_cells(one: Quarantined, read: Orders) -> Quarantined:
    """A row that was read and refused all the same, with what it says."""
    for order in read.orders:
        if order.line == one.line:
            body = order.order
            plain = {"source": body.source, "id": body.order, "kind": body.order_kind, "site": body.site}
            return msgspec.structs.replace(one, cells=plain)
    return one


def _put_aside(writing: Writing, run: int, bad: Iterable[Quarantined]) -> None:
    for one in bad:
        mark = b64(digest(encode([sorted(one.cells.items()) or one.found, one.field])))
        con = writing.con
        con.execute(_SQL["replace_same"].text, {"digest": mark, "run": run, "at": writing.now_ms})
        before = con.execute(_SQL["settled_before"].text, {"digest": mark}).fetchone()
        state, by, at, reason = before or ("", "", None, "")
        source, order = one.cells.get("source", ""), one.cells.get("id", "")
        row = {name: getattr(one, name) for name in ("line", "field", "found", "remedy")}
        row |= {"run": run, "cells": encode(one.cells).decode(), "digest": mark, "site": one.cells.get("site", "")}
        row |= {"name": f"{source}/{order}" if source and order else "", "item": one.cells.get("line", "")}
        row |= {"state": state, "settled_by": by, "settled_at": at, "reason": reason}
        con.execute(_SQL["keep_aside"].text, row)


def _came_right(writing: Writing, run: int, orders: Sequence[ReadOrder], taken: Taken) -> None:
    """Rows that waited and that this file has right wait no more."""
    came = {one.order for one in taken.orders}
    lines = {
        name_of(one.order): {line.line for line in one.order.lines} for one in orders if name_of(one.order) in came
    }
    for id_, name, item in writing.con.execute(_SQL["waiting_names"].text, {"run": run}).fetchall():
        if name in came and name in lines and (not item or item in lines[name]):
            _settle(writing, id_, "later", "", "")


def _settle(writing: Writing, id_: int, state: str, by: str, reason: str) -> None:
    row = {"id": id_, "state": state, "settled_by": by, "settled_at": writing.now_ms, "reason": reason}
    if not writing.con.execute(_SQL["settle_aside"].text, row).rowcount:
        raise Problem(NOT_POSSIBLE_NOW, "somebody was quicker: this row waits no more")


# -- looked at ----------------------------------------------------------------
def list_asides(
    con: sqlite3.Connection,
    keys: set[str],
    person: str,
    *,
    run: int = 0,
    waiting: bool = True,
    after: int = 0,
    most: int = PAGE,
) -> list[Aside]:
    """Rows put aside that this person may see, the oldest first: of sites in scope, and of files brought by them."""
    given = {"run": run, "waiting": int(waiting), "id": 0, "after": after, "most": most}
    return _asides(con, keys, person, given)


def find_aside(con: sqlite3.Connection, keys: set[str], person: str, id_: int) -> Aside:
    """One of them; NOT_FOUND for one out of scope as for one that is not there."""
    found = _asides(con, keys, person, {"run": 0, "waiting": 0, "id": id_, "after": 0, "most": 1})
    if not found:
        raise Problem(NOT_FOUND, f"row {id_}")
    return found[0]


def _asides(con: sqlite3.Connection, keys: set[str], person: str, given: dict[str, int]) -> list[Aside]:
    scope = {"keys": encode(sorted(keys)).decode(), "person": person}
    names = Aside.__struct_fields__
    rows = con.execute(_SQL["asides"].text, given | scope)
    return [Aside(**dict(zip(names, row, strict=True)) | {"cells": decode(row[6], dict[str, str])}) for row in rows]


def count_asides(con: sqlite3.Connection, keys: set[str], person: str) -> int:
    """How many rows wait that this person may see."""
    scope = {"keys": encode(sorted(keys)).decode(), "person": person}
    return int(con.execute(_SQL["count_asides"].text, scope).fetchone()[0])


class Settled(msgspec.Struct, frozen=True):
    """What a dispatcher decided about an order that was taken back: cancel or keep, why, who, when (ms since 1970)."""

    cancel: str
    decision: str
    reason: str
    settled_by: str
    at: int


def settled_of(con: sqlite3.Connection, name: str) -> tuple[Settled, ...]:
    """Every such decision about this order, the first first."""
    return tuple(Settled(*row) for row in con.execute(_SQL["settled_of"].text, {"name": name}))


def list_runs(con: sqlite3.Connection, keys: set[str], person: str, before: int = 2**62) -> list[Run]:
    """Files that were taken in, the newest first; who does not see every site sees those he brought."""
    given = {"before": before, "most": PAGE} | _whose(keys, person)
    return [_run(row) for row in con.execute(_SQL["runs"].text, given)]


def find_run(con: sqlite3.Connection, keys: set[str], person: str, id_: int) -> Run:
    """One of them, or NOT_FOUND."""
    row = con.execute(_SQL["run"].text, {"id": id_} | _whose(keys, person)).fetchone()
    if row is None:
        raise Problem(NOT_FOUND, f"import {id_}")
    return _run(row)


def _whose(keys: set[str], person: str) -> dict[str, object]:
    return {"everything": int(EVERY_SITE in keys), "person": person}


def _run(row: tuple[object, ...]) -> Run:
    plain = dict(zip(Run.__struct_fields__, row, strict=True))
    return Run(**plain | {"counts": decode(str(row[8]), Imported)})  # type: ignore[arg-type]  # as the query says


# -- mended -------------------------------------------------------------------
def mend(door: Door, writing: Writing, aside: Aside, cells: dict[str, str], by: str, keys: set[str]) -> Ran:
    """Afterwards the row is taken in with these cells. BAD_ROW, its place the field, where it cannot be used still."""
    given = {name: text for name, text in cells.items() if text}
    read = of_rows([Row(aside.line, given)], zones_of(writing.con, keys))
    # The rest of its order is not in this one row: nothing of it is taken away.
    orders = tuple(msgspec.structs.replace(one, partial=True) for one in read.orders)
    read = msgspec.structs.replace(read, orders=orders)
    if read.quarantined:
        raise _bad_row(read.quarantined[0])
    _settle(writing, aside.id, "mended", by, "")
    taken = take_in(door, writing, read, keys)
    if taken.refused:
        raise _bad_row(taken.refused[0])
    return Ran(run=aside.run, taken=taken, rows=1, quarantined=())


def _bad_row(one: Quarantined) -> Problem:
    return Problem(BAD_ROW, one.remedy, one.field)


def dismiss(writing: Writing, aside: Aside, by: str, reason: str) -> None:
    """Afterwards the row waits no more, for a reason that somebody gave."""
    if not reason:
        raise Problem(BAD_ROW, "say why", "reason")
    _settle(writing, aside.id, "dismissed", by, reason[:500])


# -- mappings -----------------------------------------------------------------
class NamedMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping as it is kept, who changed it last and when (ms since 1970)."""

    name: str
    mapping: Mapping
    changed_by: str
    changed_at: int


def list_mappings(con: sqlite3.Connection) -> list[NamedMapping]:
    """Every mapping, by name."""
    rows = con.execute(_SQL["mappings"].text)
    return [
        NamedMapping(name=n, mapping=decode(body, Mapping), changed_by=by, changed_at=at) for n, body, by, at in rows
    ]


def find_mapping(con: sqlite3.Connection, name: str) -> Mapping:
    """The mapping of this name; NOT_FOUND where there is none."""
    row = con.execute(_SQL["mapping"].text, {"name": name}).fetchone()
    if row is None:
        raise Problem(NOT_FOUND, f"mapping {name[:100]}")
    return decode(row[0], Mapping)


def keep_mapping(writing: Writing, name: str, mapping: Mapping, by: str) -> None:
    """Afterwards the mapping of this name is this one."""
    if not 0 < len(name) <= 100 or not name.isprintable() or name != name.strip() or "/" in name:
        raise Problem(BAD_NAME, repr(name[:40]), "name")
    row = {"name": name, "body": encode(mapping).decode(), "changed_by": by, "changed_at": writing.now_ms}
    writing.con.execute(_SQL["keep_mapping"].text, row)


def drop_mapping(writing: Writing, name: str) -> None:
    """Afterwards there is no mapping of this name; what was read by it stays."""
    writing.con.execute(_SQL["drop_mapping"].text, {"name": name})
