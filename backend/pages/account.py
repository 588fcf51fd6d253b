"""One's own account: where one is signed in, one's password, and the end of both."""

import asyncio
import sqlite3
from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.accounts.access import Access, access_of
from backend.accounts.passwords import accepted, keep_password, matches, password_of
from backend.accounts.sessions import end_session, end_sessions
from backend.depends import StaffRequest, TheAttempts, TheIntake
from backend.master import PERSON, PersonRow, find
from backend.pages.forms import read_form
from backend.pages.shell import frame_of, go, page, said_problem
from backend.writing import Writing
from sync.details import NO_SESSION
from sync.problems import NOT_FOUND, WRONG_PASSWORD, Problem

__all__ = ["router"]


@get("/account")
async def account(request: StaffRequest, intake: TheIntake, done: FromQuery[str] = "") -> Response[str]:
    """Who one is here, how one comes in, and every browser that is signed in as oneself."""
    return await _account(request, intake, done=done)


@post("/account/sessions/{session:str}/end")
async def end(request: StaffRequest, intake: TheIntake, session: FromPath[str]) -> Response[Any]:
    """Afterwards that browser is signed out; NOT_FOUND for a session of somebody else."""
    person = request.auth.person
    if not await intake.do(lambda writing: end_session(writing.con, person, session, writing.now_ms)):
        raise Problem(NOT_FOUND, NO_SESSION.of())
    return go("/account?done=ended")


@post("/account/sessions/end-others")
async def end_others(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards one is signed in in this browser alone."""
    person, here = request.auth.person, request.auth.session
    await intake.do(lambda writing: end_sessions(writing.con, person, writing.now_ms, but=here))
    return go("/account?done=ended")


@post("/account/password")
async def change(request: StaffRequest, intake: TheIntake, attempts: TheAttempts) -> Response[Any]:
    """Afterwards one has another password, and is signed in in this browser alone.

    Whoever only sits down at a browser that was left open does not know the one there is.
    """
    person, here = request.auth.person, request.auth.session
    form = await read_form(request)
    caller = f"person {person}"
    attempts.begin(caller)
    kept, row = await intake.store.reading(lambda con: (password_of(con, person), _row(con, person)))
    if not await asyncio.to_thread(matches, kept, form.text("current")):
        return await _account(request, intake, problem=Problem(WRONG_PASSWORD))
    attempts.went_well(caller)
    try:
        made = await asyncio.to_thread(accepted, form.text("password"), person, row.name, row.email)
    except Problem as problem:
        return await _account(request, intake, problem=problem)

    def work(writing: Writing) -> None:
        keep_password(writing.con, person, made, writing.now_ms)
        end_sessions(writing.con, person, writing.now_ms, but=here)

    await intake.do(work)
    return go("/account?done=password")


def _row(con: sqlite3.Connection, person: str) -> PersonRow:
    return find(con, PERSON, person) or PersonRow()


async def _account(
    request: StaffRequest, intake: TheIntake, *, done: str = "", problem: Problem | None = None
) -> Response[str]:
    person, now_ms = request.auth.person, intake.door.world.now_ms()

    def read(con: sqlite3.Connection) -> tuple[PersonRow, Access]:
        return _row(con, person), access_of(con, person, now_ms)

    row, access = await intake.store.reading(read)
    said = said_problem(frame_of(request).words, problem) if problem else None
    providers = intake.door.settings.providers
    content: dict[str, Any] = {"row": row, "access": access, "done": done, "problem": said, "providers": providers}
    content |= {
        "labels": {one.issuer: one.label for one in providers},
        "linked": {one.issuer for one in access.accounts},
    }
    return page(request, "accounts/account.html", status=problem.kind.status if problem else 200, **content)


router = Router("/", route_handlers=[account, end, end_others, change], include_in_schema=False)
