"""Master data by sheet: lists with search, one row with its history, forms; for administrators, and for who reads."""

import sqlite3
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.auth import StaffCaller, may
from backend.depends import StaffRequest, TheIntake
from backend.master import all_of
from backend.masters.book import csv_file
from backend.masters.cells import BadCell, cells_of, faults, read_id, read_row
from backend.masters.keeping import counts, history, in_force, keep, stay, stop, used_by
from backend.masters.scope import looking, reads, seen_by, sheet_of
from backend.masters.sheets import ELSEWHERE, GROUPS, SHEETS, Sheet
from backend.masters.taking import held_rows, lines_of
from backend.pages.forms import Form, read_form
from backend.pages.master_views import BASE, Fact, Listed, Views, cells_in, title_of
from backend.pages.shell import frame_of, go, page, said_problem
from sync.problems import NOT_FOUND, NOT_PERMITTED, Problem

__all__ = ["groups_of", "router"]

READ: Final = "/data"
_ADMIN: Final = may("admin")
_READER: Final = may("depot", "dispatcher", "manager")
_MOST_USES: Final = 30
_KEPT: Final = {"added", "changed", "same", "ended", "stays", "leaves"}


def _ours(name: str, key: str = "") -> Sheet:
    """The sheet of this name, where its pages are these."""
    sheet = sheet_of(name, key)
    if sheet.name in ELSEWHERE:
        raise Problem(NOT_FOUND, f"{name} {key[:60]}".strip())
    return sheet


def groups_of(numbers: dict[str, int], roles: frozenset[str]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Groups of sheets that somebody with these roles reads, each with the number of its rows."""
    shown = [sheet for sheet in SHEETS if sheet.name not in ELSEWHERE and sheet.readers & roles]
    made = [(group, [(one.name, numbers[one.name]) for one in shown if one.group == group]) for group in GROUPS]
    return [(group, sheets) for group, sheets in made if sheets]


# -- for administrators -----------------------------------------------------------
@get("/{name:str}")
async def listed(
    request: StaffRequest,
    intake: TheIntake,
    name: FromPath[str],
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    done: FromQuery[str] = "",
) -> Response[str]:
    """The rows of a sheet in which what is looked for stands."""
    sheet = _ours(name)
    words = frame_of(request).words

    def read(con: sqlite3.Connection) -> Listed:
        return Views(words, BASE, looking(con)).listed(sheet, all_of(con, sheet.kind), q, after)

    rows = await intake.store.reading(read)
    return _list(request, sheet, rows, q, base=BASE, done=done)


def _list(request: StaffRequest, sheet: Sheet, rows: Listed, q: str, *, base: str, done: str = "") -> Response[str]:
    views = Views(frame_of(request).words, base, lambda _kind, _id: None)
    shown = done if done in _KEPT else ""
    heads = views.heads(sheet)
    return page(request, "masters/list.html", sheet=sheet, rows=rows, heads=heads, q=q, base=base, done=shown)


@get("/{name:str}/new")
async def new(request: StaffRequest, intake: TheIntake, name: FromPath[str]) -> Response[str]:
    """The form of a new row."""
    sheet = _ours(name)
    defaults = {"zone": intake.door.settings.zone}
    cells = {key: value for key, value in defaults.items() if key in sheet.columns}
    return await _form(request, intake, sheet, _Typed(cells=cells))


@post("/{name:str}/new")
async def add(request: StaffRequest, intake: TheIntake, name: FromPath[str]) -> Response[Any]:
    """Afterwards there is such a row."""
    sheet = _ours(name)
    return await _save(request, intake, sheet, await read_form(request), None)


@get("/{name:str}/row")
async def one(
    request: StaffRequest,
    intake: TheIntake,
    name: FromPath[str],
    key: FromQuery[str],
    done: FromQuery[str] = "",
) -> Response[str]:
    """One row: its form, who names it, its end, and every version of it."""
    sheet = _ours(name, key)

    def read(con: sqlite3.Connection) -> dict[str, str]:
        return cells_of(sheet, key, in_force(con, sheet, key).row)

    cells = await intake.store.reading(read)
    return await _form(request, intake, sheet, _Typed(cells=cells, id=key, done=done))


@post("/{name:str}/row")
async def change(
    request: StaffRequest,
    intake: TheIntake,
    name: FromPath[str],
    key: FromQuery[str],
) -> Response[Any]:
    """Afterwards the row says what the form does, unless somebody else changed it since it was drawn."""
    sheet = _ours(name, key)
    form = await read_form(request)
    await intake.store.reading(lambda con: in_force(con, sheet, key))
    return await _save(request, intake, sheet, form, key)


async def _save(request: StaffRequest, intake: TheIntake, sheet: Sheet, form: Form, id_: str | None) -> Response[Any]:
    cells = cells_in(sheet, form)
    if id_ is not None and not sheet.key:
        cells["id"] = id_
    bad: list[BadCell] = faults(sheet, cells)
    problem: Problem | None = None
    if not bad:
        seen = form.text("version")
        was = None if id_ is None else (id_, int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 9 else 0)
        try:
            made = read_id(sheet, cells)
            row = read_row(sheet, cells)
            by = request.auth.person
            fresh = await intake.do(lambda writing: keep(intake.door, writing, sheet, made, row, by=by, was=was))
        except BadCell as cell:
            bad = [cell]
        except Problem as found:
            problem = found
        else:
            done = "added" if was is None else "changed" if fresh else "same"
            return go(f"{Views(frame_of(request).words, BASE, lambda *_: None).address(sheet.name, made)}&done={done}")
    return await _form(request, intake, sheet, _Typed(cells=cells, id=id_, bad=tuple(bad), problem=problem))


class _Typed(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a form, of which row (None: a new one), and what is wrong with it."""

    cells: dict[str, str]
    id: str | None = None
    done: str = ""
    bad: tuple[BadCell, ...] = ()
    problem: Problem | None = None


async def _form(request: StaffRequest, intake: TheIntake, sheet: Sheet, typed: _Typed) -> Response[str]:
    """The form of a row, filled with what was typed; of one there is, all that is known of it besides."""
    words = frame_of(request).words

    def read(con: sqlite3.Connection) -> dict[str, Any]:
        views = Views(words, BASE, looking(con))
        found: dict[str, Any] = {"fields": views.asked(con, sheet, typed.cells, typed.bad), "version": 0, "history": ()}
        if (id_ := typed.id) is not None:
            held = in_force(con, sheet, id_)
            uses, jobs = used_by(con, sheet, id_)
            told = history(con, sheet, id_)
            found |= {
                "title": title_of(sheet, id_, held.row),
                "version": held.version,
                "leaving": held.leaving,
                "uses": [(use.sheet, use.id, views.address(use.sheet, use.id)) for use in uses[:_MOST_USES]],
                "more_uses": max(len(uses) - _MOST_USES, 0),
                "jobs": jobs,
                "history": [(one, views.changes(sheet, one)) for one in told],
            }
        return found

    made = await intake.store.reading(read)
    status = typed.problem.kind.status if typed.problem else 422 if typed.bad else 200
    now = datetime.fromtimestamp(intake.door.world.now_ms() / 1000, ZoneInfo(intake.door.settings.zone))
    return page(
        request,
        "masters/row.html",
        status=status,
        sheet=sheet,
        id=typed.id,
        problem=said_problem(words, typed.problem) if typed.problem else None,
        wrong=[one for one in made["fields"] if one.problem],
        done=typed.done if typed.done in _KEPT else "",
        today=now.date().isoformat(),
        **made,
    )


@post("/{name:str}/end")
async def end(
    request: StaffRequest,
    intake: TheIntake,
    name: FromPath[str],
    key: FromQuery[str],
) -> Response[Any]:
    """Afterwards the row is in force no longer than through the day that was given."""
    sheet = _ours(name, key)
    day, by = (await read_form(request)).text("day"), request.auth.person
    try:
        at_ms = await intake.do(lambda writing: stop(intake.door, writing, sheet, key, by=by, day=day))
    except Problem as problem:
        if problem.kind is NOT_FOUND:
            raise
        cells = await intake.store.reading(lambda con: cells_of(sheet, key, in_force(con, sheet, key).row))
        return await _form(request, intake, sheet, _Typed(cells=cells, id=key, problem=problem))
    if at_ms > intake.door.world.now_ms():
        return go(f"{Views(frame_of(request).words, BASE, lambda *_: None).address(sheet.name, key)}&done=leaves")
    return go(f"{BASE}/{sheet.name}?done=ended")


@post("/{name:str}/stay")
async def remain(
    request: StaffRequest,
    intake: TheIntake,
    name: FromPath[str],
    key: FromQuery[str],
) -> Response[Any]:
    """Afterwards the row has no end."""
    sheet = _ours(name, key)
    await intake.store.reading(lambda con: in_force(con, sheet, key))
    await intake.do(lambda writing: stay(writing, sheet, key))
    return go(f"{Views(frame_of(request).words, BASE, lambda *_: None).address(sheet.name, key)}&done=stays")


@get("/{name:str}/csv")
async def as_csv(intake: TheIntake, name: FromPath[str]) -> Response[bytes]:
    """The rows in force of a sheet, as a file that can be sent again."""
    sheet = sheet_of(name)
    raw = await intake.store.reading(lambda con: csv_file(sheet, lines_of(sheet, held_rows(con))))
    headers = {"content-disposition": f'attachment; filename="{sheet.name}.csv"', "cache-control": "no-store"}
    return Response(raw, media_type="text/csv; charset=utf-8", headers=headers)


# -- for who reads ----------------------------------------------------------------
@get("/")
async def overview(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """Every sheet that the reader's roles open; how many rows are in scope is said in each."""
    numbers = await intake.store.reading(counts)
    return page(request, "masters/overview.html", groups=groups_of(numbers, request.auth.roles))


def _read_sheet(caller: StaffCaller, name: str, key: str = "") -> Sheet:
    sheet = _ours(name, key)
    if not sheet.readers & caller.roles:
        raise Problem(NOT_PERMITTED, sheet.name)
    return sheet


@get("/{name:str}")
async def read_list(
    request: StaffRequest,
    intake: TheIntake,
    name: FromPath[str],
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Response[str]:
    """The rows of a sheet that are in the reader's scope, and in which what is looked for stands."""
    sheet = _read_sheet(request.auth, name)
    keys, words = request.auth.keys(), frame_of(request).words

    def read(con: sqlite3.Connection) -> Listed:
        look = looking(con)
        rows = [(id_, row) for id_, row in all_of(con, sheet.kind) if reads(sheet, id_, row, keys, look)]
        seen = [(id_, seen_by(sheet, row, keys, look)) for id_, row in rows]
        return Views(words, READ, look).listed(sheet, seen, q, after)

    return _list(request, sheet, await intake.store.reading(read), q, base=READ)


@get("/{name:str}/row")
async def read_one(
    request: StaffRequest,
    intake: TheIntake,
    name: FromPath[str],
    key: FromQuery[str],
) -> Response[str]:
    """One row; NOT_FOUND for one out of scope, as for one that is not there."""
    sheet = _read_sheet(request.auth, name, key)
    keys, words = request.auth.keys(), frame_of(request).words

    def read(con: sqlite3.Connection) -> tuple[str, tuple[Fact, ...]]:
        look = looking(con)
        held = in_force(con, sheet, key)
        if not reads(sheet, key, held.row, keys, look):
            raise Problem(NOT_FOUND, f"{sheet.name} {key[:60]}".strip())
        row = seen_by(sheet, held.row, keys, look)
        return title_of(sheet, key, row), Views(words, READ, look).facts(sheet, row)

    title, facts = await intake.store.reading(read)
    return page(request, "masters/read.html", sheet=sheet, id=key, title=title, facts=facts)


router = Router(
    "/",
    route_handlers=[
        Router(BASE, route_handlers=[listed, new, add, one, change, end, remain, as_csv], guards=[_ADMIN]),
        Router(READ, route_handlers=[overview, read_list, read_one], guards=[_READER]),
    ],
    include_in_schema=False,
)
