"""Coming in: the first administrator, signing in and out, language and appearance."""

import asyncio
from typing import Any

from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery

from backend.accounts.first import FirstCode, has_admin
from backend.accounts.passwords import accepted, keep_password, matches, password_of
from backend.accounts.sessions import COOKIE, LIVES_MS, end_session, open_session
from backend.auth import StaffCaller
from backend.config import Provider
from backend.depends import TheAttempts, TheFirstCode, TheIntake
from backend.master import PERSON, PersonRow, put
from backend.pages.forms import AnyRequest, Form, check_encrypted, local_path, read_form
from backend.pages.shell import LANGUAGE, THEME, THEMES, frame_of, go, page, said_problem
from backend.words import LANGUAGES
from backend.writing import Writing
from sync.details import OTHER_CODE
from sync.problems import NOT_FOUND, SIGN_IN_FAILED, Problem

__all__ = ["open_router", "router"]

_YEAR_S = 365 * 86_400


def session_cookie(token: str) -> Cookie:
    """The cookie of a session: for this host alone, sent over https alone, out of reach of scripts."""
    life_s = LIVES_MS // 1000 if token else 0
    return Cookie(key=COOKIE, value=token, max_age=life_s, secure=True, httponly=True, samesite="lax")


def browser(request: AnyRequest) -> dict[str, str]:
    """What a browser says of itself, and where it calls from."""
    address = request.client.host if request.client else ""
    return {"agent": request.headers.get("user-agent", ""), "address": address}


@get("/first")
async def first(request: AnyRequest, intake: TheIntake) -> Response[str]:
    """The form of the first administrator, while there is none; afterwards there is no such page."""
    await _need_nobody(intake)
    check_encrypted(request, intake.door.settings.url)
    return _first(request, None, {})


@post("/first")
async def begin(
    request: AnyRequest, intake: TheIntake, first_code: TheFirstCode, attempts: TheAttempts
) -> Response[Any]:
    """Afterwards there is an administrator, signed in."""
    await _need_nobody(intake)
    check_encrypted(request, intake.door.settings.url)
    form = await read_form(request)
    attempts.begin("first")
    try:
        _check_code(form.text("code"), first_code)
        attempts.went_well("first")
        kept = await asyncio.to_thread(accepted, form.text("password"), form.text("person"), form.text("name"))
        token = await intake.do(lambda writing: _found(request, intake, writing, form, kept))
    except Problem as problem:
        return _first(request, problem, form.values())
    return go("/", cookies=[session_cookie(token)])


def _check_code(typed: str, first_code: FirstCode) -> None:
    if not first_code.fits(typed):
        raise Problem(SIGN_IN_FAILED, OTHER_CODE.of(), "code")


def _found(request: AnyRequest, intake: TheIntake, writing: Writing, form: Form, kept: str) -> str:
    if has_admin(writing.con):
        raise Problem(NOT_FOUND)
    person = form.text("person")
    row = PersonRow(name=form.text("name"), roles=("admin",), sites=("*",))
    put(writing.con, PERSON, person, row, by=person, now_ms=writing.now_ms)
    intake.door.cut(writing)
    keep_password(writing.con, person, kept, writing.now_ms)
    return open_session(writing.con, intake.door.world, person, **browser(request))


def _first(request: AnyRequest, problem: Problem | None, given: dict[str, str]) -> Response[str]:
    shown = said_problem(frame_of(request).words, problem) if problem else None
    filled = {name: given.get(name, "") for name in ("code", "person", "name")}
    return page(request, "accounts/first.html", status=_status(problem), problem=shown, given=filled)


async def _need_nobody(intake: TheIntake) -> None:
    if await intake.store.reading(has_admin):
        raise Problem(NOT_FOUND)


@get("/sign-in")
async def sign_in_form(request: AnyRequest, intake: TheIntake, back: FromQuery[str] = "") -> Response[Any]:
    """The form to sign in with; where nobody administers this office yet, the one of the first."""
    if not await intake.store.reading(has_admin):
        return go("/first")
    check_encrypted(request, intake.door.settings.url)
    return sign_in_page(request, None, "", back)


@post("/sign-in")
async def sign_in(request: AnyRequest, intake: TheIntake, attempts: TheAttempts) -> Response[Any]:
    """Afterwards this browser has a session of its own; whatever it sent before counts for nothing."""
    check_encrypted(request, intake.door.settings.url)
    form = await read_form(request)
    person, back = form.text("person"), form.text("back")
    callers = (f"person {person}", f"address {browser(request)['address']}")
    attempts.begin(*callers)
    kept = await intake.store.reading(lambda con: password_of(con, person))
    _, directory = await request.app.state.people.now()
    known = directory.person(person)
    if not await asyncio.to_thread(matches, kept if known else None, form.text("password")):
        return sign_in_page(request, Problem(SIGN_IN_FAILED), person, back)
    attempts.went_well(*callers)
    world = intake.door.world
    token = await intake.do(lambda writing: open_session(writing.con, world, person, **browser(request)))
    return go(back, cookies=[session_cookie(token)])


def sign_in_page(request: AnyRequest, problem: Problem | None, person: str, back: str) -> Response[str]:
    """The form to sign in with, and the other ways in."""
    shown = said_problem(frame_of(request).words, problem) if problem else None
    providers: tuple[Provider, ...] = request.app.state.intake.door.settings.providers
    made = {"problem": shown, "person": person, "back": local_path(back), "providers": providers}
    return page(request, "accounts/sign_in.html", status=_status(problem), **made)


def _status(problem: Problem | None) -> int:
    return problem.kind.status if problem else 200


@post("/preferences")
async def prefer(request: AnyRequest) -> Response[Any]:
    """Afterwards this browser is shown pages in this language and appearance."""
    form = await read_form(request)
    chosen = {LANGUAGE: (form.text(LANGUAGE), LANGUAGES), THEME: (form.text(THEME), THEMES)}
    cookies = [
        Cookie(key=name, value=value, max_age=_YEAR_S, httponly=True, samesite="lax")
        for name, (value, values) in chosen.items()
        if value in values
    ]
    return go(form.text("back"), cookies=cookies)


@post("/sign-out")
async def sign_out(request: AnyRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards this session is over; what devices hold is not touched by it."""
    caller: StaffCaller = request.auth
    await intake.do(lambda writing: end_session(writing.con, caller.person, caller.session, writing.now_ms))
    return go("/sign-in", cookies=[session_cookie("")])


open_router = Router(
    "/", route_handlers=[first, begin, sign_in_form, sign_in, prefer], opt={"open": True}, include_in_schema=False
)
router = Router("/", route_handlers=[sign_out], include_in_schema=False)
