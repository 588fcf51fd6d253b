"""Rows of files that were put aside: mended in place, left out for a reason, or taken along as a table to mend."""

import asyncio
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.exchange.orders import FIELDS, NEEDED
from backend.order_imports import PAGE, Aside, dismiss, find_aside, list_asides, mend
from backend.pages.forms import read_form
from backend.pages.order_words import saying
from backend.pages.orders import order_address
from backend.pages.shell import frame_of, go, page, said_problem
from backend.workbooks import Column, Written, write_workbook
from backend.writing import Writing
from sync.problems import BAD_ROW, Problem

__all__ = ["router"]

OFFICE = may("dispatcher", "manager")
MOST_IN_TABLE: Final = 20_000
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@get("/orders/aside", guards=[OFFICE])
async def asides(
    request: StaffRequest, intake: TheIntake, after: FromQuery[int] = 0, done: FromQuery[str] = ""
) -> Response[str]:
    """Every row that waits to be mended, the oldest first."""
    keys, person = request.auth.keys(), request.auth.person
    rows = await intake.store.reading(lambda con: list_asides(con, keys, person, after=after))
    more = rows[-1].id if len(rows) == PAGE else 0
    say = saying(frame_of(request).words)
    return page(request, "orders/asides.html", rows=rows, next=more, done=done, say=say)


@get("/orders/aside/table.xlsx", guards=[OFFICE])
async def table(request: StaffRequest, intake: TheIntake, run: FromQuery[int] = 0) -> Response[bytes]:
    """The rows that wait, of one file or of all, as a workbook that can be mended and brought again.

    Its first sheet has the rows by field, the second says what is wrong with each.
    """
    keys, person = request.auth.keys(), request.auth.person
    rows = await intake.store.reading(lambda con: list_asides(con, keys, person, run=run, most=MOST_IN_TABLE))
    words = frame_of(request).words
    say = saying(words)
    names = [name for name in FIELDS if name in NEEDED or any(name in row.cells for row in rows)]
    wrong = ("file", "line", "field", "found", "remedy")
    sheets = (
        Written(
            name="orders",
            columns=tuple(Column(heading=name) for name in names),
            rows=[[row.cells.get(name, "") for name in names] for row in rows],
        ),
        Written(
            name=words("orders.aside_sheet")[:31],
            columns=tuple(Column(heading=words(f"orders.{name}")) for name in wrong),
            rows=[[row.file, str(row.line), row.field, say(row.found), say(row.remedy)] for row in rows],
            said=True,
        ),
    )
    raw = await asyncio.to_thread(write_workbook, sheets, right_to_left=words.direction == "rtl")
    headers = {"content-disposition": 'attachment; filename="to-mend.xlsx"', "cache-control": "private, no-store"}
    return Response(raw, media_type=XLSX, headers=headers)


@get("/orders/aside/{row:int}", guards=[OFFICE])
async def aside(request: StaffRequest, intake: TheIntake, row: FromPath[int]) -> Response[str]:
    """One row: what is wrong with it, and the form to mend it in."""
    keys, person = request.auth.keys(), request.auth.person
    found = await intake.store.reading(lambda con: find_aside(con, keys, person, row))
    return _aside(request, found, found.cells, None)


@post("/orders/aside/{row:int}/mend", guards=[OFFICE])
async def mended(request: StaffRequest, intake: TheIntake, row: FromPath[int]) -> Response[Any]:
    """Afterwards the row is taken in as it is right."""
    form = await read_form(request)
    cells = {name: form.text(name) for name in FIELDS if form.text(name)}
    keys, person = request.auth.keys(), request.auth.person
    found = await intake.store.reading(lambda con: find_aside(con, keys, person, row))

    def work(writing: Writing) -> str:
        taken = mend(intake.door, writing, find_aside(writing.con, keys, person, row), cells, person, keys).taken
        return taken.orders[0].order if taken.orders else ""

    try:
        name = await intake.do(work)
    except Problem as problem:
        return _aside(request, found, cells, problem)
    return go(order_address(name, done="mended") if name else "/orders/aside?done=mended")


@post("/orders/aside/{row:int}/dismiss", guards=[OFFICE])
async def dismissed(request: StaffRequest, intake: TheIntake, row: FromPath[int]) -> Response[Any]:
    """Afterwards the row is left out, for a reason."""
    reason = (await read_form(request)).text("reason")
    keys, person = request.auth.keys(), request.auth.person
    found = await intake.store.reading(lambda con: find_aside(con, keys, person, row))
    try:
        await intake.do(lambda writing: dismiss(writing, find_aside(writing.con, keys, person, row), person, reason))
    except Problem as problem:
        return _aside(request, found, found.cells, problem)
    return go("/orders/aside?done=dismissed")


def _aside(request: StaffRequest, found: Aside, cells: dict[str, str], problem: Problem | None) -> Response[str]:
    words = frame_of(request).words
    say = saying(words)
    shown = said_problem(words, problem) if problem else None
    if problem and shown and problem.kind is BAD_ROW:
        shown |= {"detail": say(problem.detail), "where": words.of("order_field", problem.where)}
    return page(
        request,
        "orders/aside.html",
        status=problem.kind.status if problem else 200,
        row=found,
        cells=cells,
        fields=FIELDS,
        wrong=problem.where if problem else found.field.rpartition(".")[2],
        problem=shown,
        say=say,
    )


router = Router("/", route_handlers=[asides, table, aside, mended, dismissed], include_in_schema=False)
