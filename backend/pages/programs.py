"""Programs that call the API, for administrators: each with a scope of its own, and tokens for some of it."""

import sqlite3
from typing import Any, Final

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.accounts.tokens import MOST_DAYS, TokenAsked, TokenView, end_token, make_token, tokens_of
from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.endpoints import Endpoint, endpoints
from backend.master import EVERY, PERSON, PersonRow, all_of
from backend.master import get as get_row
from backend.pages.forms import Form, read_form
from backend.pages.people import choices, version_seen
from backend.pages.shell import frame_of, go, page, said_problem, segment
from backend.people import is_program, save_person, take_off, version_of
from backend.writing import Writing
from sync.details import NO_TOKEN, NOBODY, NOT_BETWEEN, NOTHING_CHOSEN
from sync.problems import NOT_FOUND, WRONG_INPUT, Problem

__all__ = ["router"]

ADMINS = may("admin")
DAYS: Final = (30, 90, 365)
PROGRAM: Final = PersonRow(roles=("integration",))


@get("/set-up/programs")
async def programs(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """Every program and its tokens."""
    now_ms = intake.door.world.now_ms()

    def read(con: sqlite3.Connection) -> list[tuple[str, PersonRow, tuple[TokenView, ...]]]:
        rows = [(id_, row) for id_, row in all_of(con, PERSON) if is_program(row)]
        return [(id_, row, tokens_of(con, id_, now_ms)) for id_, row in rows]

    return page(request, "programs/list.html", programs=await intake.store.reading(read))


@get("/set-up/programs/new")
async def new(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """The form of a new one."""
    return await _form(request, intake, "", PROGRAM, 0)


@post("/set-up/programs")
async def add(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards there is a program more; it can do nothing before it is given a token."""
    form = await read_form(request)
    return await _save(request, intake, form.text("id"), PROGRAM, form, is_new=True)


@get("/set-up/programs/{program:str}")
async def one(
    request: StaffRequest, intake: TheIntake, program: FromPath[str], done: FromQuery[str] = ""
) -> Response[str]:
    """One program: its scope, its tokens, and the form of another."""
    return await _one(request, intake, program, done=done)


@get("/set-up/programs/{program:str}/edit")
async def edit(request: StaffRequest, intake: TheIntake, program: FromPath[str]) -> Response[str]:
    """The form of one there is."""
    row, seen = await intake.store.reading(lambda con: (_program(con, program), version_of(con, PERSON.name, program)))
    return await _form(request, intake, program, row, seen)


@post("/set-up/programs/{program:str}/edit")
async def change(request: StaffRequest, intake: TheIntake, program: FromPath[str]) -> Response[Any]:
    """Afterwards this is its name and scope."""
    row = await intake.store.reading(lambda con: _program(con, program))
    return await _save(request, intake, program, row, await read_form(request), is_new=False)


@post("/set-up/programs/{program:str}/tokens", status_code=200)
async def make(request: StaffRequest, intake: TheIntake, program: FromPath[str]) -> Response[str]:
    """The page of a new token, shown once."""
    form = await read_form(request)
    world, by, known = intake.door.world, request.auth.person, _endpoints(request)

    def work(writing: Writing) -> str:
        _program(writing.con, program)
        return make_token(writing.con, world, program, _asked(form, known), by=by)

    try:
        token = await intake.do(work)
    except Problem as problem:
        if problem.kind is NOT_FOUND:
            raise
        return await _one(request, intake, program, form=form, problem=problem)
    return page(request, "programs/token.html", program=program, token=token, asked=_asked(form, known))


@post("/set-up/programs/{program:str}/tokens/{token:str}/end")
async def end(intake: TheIntake, program: FromPath[str], token: FromPath[str]) -> Response[Any]:
    """Afterwards this token opens nothing."""
    if not await intake.do(lambda writing: end_token(writing.con, program, token, writing.now_ms)):
        raise Problem(NOT_FOUND, NO_TOKEN.of())
    return go(f"/set-up/programs/{segment(program)}?done=ended")


@post("/set-up/programs/{program:str}/off")
async def off(request: StaffRequest, intake: TheIntake, program: FromPath[str]) -> Response[Any]:
    """Afterwards there is no such program, and its tokens open nothing."""
    door, by = intake.door, request.auth.person

    def work(writing: Writing) -> None:
        _program(writing.con, program)
        take_off(door, writing, program, by=by)

    await intake.do(work)
    return go("/set-up/programs")


def _program(con: sqlite3.Connection, program: str) -> PersonRow:
    row = get_row(con, PERSON, program)
    if not is_program(row):
        raise Problem(NOT_FOUND, NOBODY.of(name=program))
    return row


def _endpoints(request: StaffRequest) -> tuple[Endpoint, ...]:
    return endpoints(request.app, PROGRAM.roles)


def _asked(form: Form, known: tuple[Endpoint, ...]) -> TokenAsked:
    chosen = form.all("endpoints")
    if not chosen or set(chosen) - {one.name for one in known}:
        raise Problem(WRONG_INPUT, NOTHING_CHOSEN.of(), "endpoints")
    days = form.text("days")
    if not days.isdecimal() or len(days) > 6:
        raise Problem(WRONG_INPUT, NOT_BETWEEN.of(least=1, most=MOST_DAYS), "days")
    return TokenAsked(label=form.text("label"), endpoints=chosen, days=int(days))


async def _save(
    request: StaffRequest, intake: TheIntake, program: str, before: PersonRow, form: Form, *, is_new: bool
) -> Response[Any]:
    seen = 0 if is_new else version_seen(form)
    door, by = intake.door, request.auth.person
    row = msgspec.structs.replace(before, name=form.text("name")[:200], sites=form.all("sites"))
    try:
        await intake.do(lambda writing: save_person(door, writing, program, row, by=by, seen=seen))
    except Problem as problem:
        return await _form(request, intake, "" if is_new else program, row, seen, id_=program, problem=problem)
    return go(f"/set-up/programs/{segment(program)}?done={'added' if is_new else 'changed'}")


async def _form(
    request: StaffRequest,
    intake: TheIntake,
    program: str,
    row: PersonRow,
    seen: int,
    *,
    id_: str = "",
    problem: Problem | None = None,
) -> Response[str]:
    words = frame_of(request).words
    offered = await intake.store.reading(lambda con: choices(con, [row]))
    content = {
        "program": program,
        "given": {"id": id_, "name": row.name},
        "chosen": row.sites,
        "sites": [(EVERY, words("people.every_site")), *offered.sites],
        "seen": seen,
        "problem": said_problem(words, problem) if problem else None,
    }
    return page(request, "programs/form.html", status=problem.kind.status if problem else 200, **content)


async def _one(
    request: StaffRequest,
    intake: TheIntake,
    program: str,
    *,
    form: Form | None = None,
    problem: Problem | None = None,
    done: str = "",
) -> Response[str]:
    now_ms, words = intake.door.world.now_ms(), frame_of(request).words
    row, tokens = await intake.store.reading(lambda con: (_program(con, program), tokens_of(con, program, now_ms)))
    content = {
        "program": program,
        "row": row,
        "tokens": tokens,
        "known": [(one.name, one.name) for one in _endpoints(request)],
        "chosen": form.all("endpoints") if form else (),
        "label": form.text("label") if form else "",
        "days": form.text("days") if form else "90",
        "offered": [(str(days), words("programs.days", count=days)) for days in DAYS],
        "done": done,
        "problem": said_problem(words, problem) if problem else None,
    }
    return page(request, "programs/one.html", status=problem.kind.status if problem else 200, **content)


router = Router(
    "/",
    route_handlers=[programs, new, add, one, edit, change, make, end, off],
    guards=[ADMINS],
    include_in_schema=False,
)
