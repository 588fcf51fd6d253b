"""The spreadsheet of all master data: sent, looked at, taken; what was put aside goes back as a sheet to mend."""

import asyncio
import sqlite3
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.masters.book import Sent, data_book, label, mending_book, read_file, remedy, template_book
from backend.masters.cells import cells_of
from backend.masters.files import Sending, file_of, files, keep_file, looked_at, take_file
from backend.masters.sheets import BY_NAME, SHEETS
from backend.masters.taking import Bad, Change, Plan, held_rows
from backend.pages.catalogue import PageWords
from backend.pages.forms import read_form
from backend.pages.shell import frame_of, go, page, said_problem
from backend.workbooks import MOST_BYTES
from sync.problems import WRONG_INPUT, Problem

__all__ = ["router"]

_ADMIN: Final = may("admin")
_SHOWN: Final = 50
"""Rows that are shown of what would change, and of what was put aside; the sheet to mend has all."""
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@get("/")
async def overview(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """How to bring data in and out, and the files that came."""
    return await _overview(request, intake, None)


async def _overview(request: StaffRequest, intake: TheIntake, problem: Problem | None) -> Response[str]:
    sent = await intake.store.reading(files)
    said = said_problem(frame_of(request).words, problem) if problem else None
    status = problem.kind.status if problem else 200
    return page(request, "masters/workbook.html", status=status, files=sent, problem=said, sheets=SHEETS)


@post("/", request_max_body_size=MOST_BYTES + 64 * 1024)
async def send(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards the file is kept, and can be looked at; nothing of it is taken yet."""
    file = (await read_form(request)).file("file")
    if file is None:
        return await _overview(request, intake, Problem(WRONG_INPUT, frame_of(request).words("upload.no_file")))
    try:
        name, raw = file.filename, await file.read()
        await asyncio.to_thread(read_file, name, raw)
        by = request.auth.person
        id_ = await intake.do(lambda writing: keep_file(intake.door, writing, name, raw, by=by))
    except Problem as problem:
        return await _overview(request, intake, problem)
    return go(f"/set-up/workbook/{id_}")


async def _sent(intake: TheIntake, file: str) -> tuple[Sending, Sent]:
    sending, raw = await intake.store.reading(lambda con: file_of(con, file))
    return sending, await asyncio.to_thread(read_file, sending.name, raw)


@get("/{file:str}")
async def look(
    request: StaffRequest, intake: TheIntake, file: FromPath[str], done: FromQuery[str] = ""
) -> Response[str]:
    """What taking this file would come to now."""
    sending, sent = await _sent(intake, file)
    planned = await intake.store.reading(lambda con: looked_at(con, sent))
    words = frame_of(request).words
    return page(
        request,
        "masters/preview.html",
        file=sending,
        strangers=sent.strangers,
        total=planned.total,
        counts=planned.counts,
        changes=[_change(one, words) for one in planned.changes[:_SHOWN]],
        more_changes=max(len(planned.changes) - _SHOWN, 0),
        bad=[_bad(one, words) for one in planned.bad[:_SHOWN]],
        more_bad=max(len(planned.bad) - _SHOWN, 0),
        mendable=any(one.cells for one in planned.bad),
        done=done == "taken",
    )


def _change(one: Change, words: PageWords) -> tuple[str, str, bool, list[tuple[str, str, str]]]:
    """The sheet, the id, whether it is new, and what it says otherwise."""
    sheet = BY_NAME[one.sheet]
    was = cells_of(sheet, one.id, one.before) if one.before is not None else {}
    now = cells_of(sheet, one.id, one.row)
    differs = [(label(sheet, sheet.field(key), words), was.get(key, ""), text) for key, text in now.items()]
    said = [(name, before, after) for name, before, after in differs if before != after]
    return words(f"sheet.{sheet.name}"), one.id, one.before is None, said


def _bad(one: Bad, words: PageWords) -> tuple[str, int, str, str, str]:
    """The sheet, the line, the column, what was found, and what to do."""
    sheet = BY_NAME[one.sheet]
    column = label(sheet, sheet.field(one.field), words) if one.field in sheet.columns else one.field
    return words(f"sheet.{sheet.name}"), one.line, column, one.found, remedy(one, words)


@post("/{file:str}")
async def take(request: StaffRequest, intake: TheIntake, file: FromPath[str]) -> Response[Any]:
    """Afterwards all that can be taken of this file is in force."""
    _, sent = await _sent(intake, file)
    by = request.auth.person
    await intake.do(lambda writing: take_file(intake.door, writing, file, sent, by=by))
    return go(f"/set-up/workbook/{file}?done=taken")


@get("/{file:str}/mend")
async def mend(request: StaffRequest, intake: TheIntake, file: FromPath[str]) -> Response[bytes]:
    """What would be put aside of this file now, as a workbook to mend and send again."""
    _, sent = await _sent(intake, file)
    words = frame_of(request).words

    def read(con: sqlite3.Connection) -> Plan:
        return looked_at(con, sent)

    planned = await intake.store.reading(read)
    raw = await asyncio.to_thread(mending_book, planned.bad, words, right_to_left=words.direction == "rtl")
    return _workbook("to-mend.xlsx", raw)


@get("/template")
async def template(request: StaffRequest) -> Response[bytes]:
    """An empty workbook that explains itself."""
    words = frame_of(request).words
    raw = await asyncio.to_thread(template_book, words, right_to_left=words.direction == "rtl")
    return _workbook("template.xlsx", raw)


@get("/current")
async def current(request: StaffRequest, intake: TheIntake) -> Response[bytes]:
    """All that is in force, in the form in which it can be sent again."""
    words = frame_of(request).words
    held = await intake.store.reading(held_rows)
    raw = await asyncio.to_thread(data_book, held, SHEETS, words, right_to_left=words.direction == "rtl")
    return _workbook("master-data.xlsx", raw)


def _workbook(name: str, raw: bytes) -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(raw, media_type=_XLSX, headers=headers)


router = Router(
    "/set-up/workbook",
    route_handlers=[overview, send, template, current, look, take, mend],
    guards=[_ADMIN],
    include_in_schema=False,
)
