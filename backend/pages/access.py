"""How somebody comes in: one-use links, for administrators who make them and for whom they are; ends of sessions."""

import asyncio
import sqlite3
from typing import Any
from urllib.parse import quote, urlencode

from litestar import Response, Router, get, post
from litestar.params import FromPath

from backend.accounts.identities import end_identity
from backend.accounts.links import LIVES_MS, Link, find_link, use_links
from backend.accounts.passwords import accepted, keep_password
from backend.accounts.sessions import end_session, end_sessions, open_session
from backend.auth import may
from backend.depends import StaffRequest, TheAttempts, TheIntake
from backend.limits import Attempts
from backend.master import PERSON, PersonRow, find
from backend.master import get as get_row
from backend.pages.entrance import browser, session_cookie
from backend.pages.forms import AnyRequest, check_encrypted, read_form
from backend.pages.pictures import code_of
from backend.pages.shell import frame_of, go, page, said_problem, segment
from backend.people import link_for
from backend.writing import Writing
from sync.details import NO_ACCOUNT, NO_SESSION
from sync.problems import LINK_OVER, NOT_FOUND, Problem

__all__ = ["open_router", "router"]

ADMINS = may("admin")


# -- for administrators -------------------------------------------------------
@post("/set-up/people/{person:str}/link", status_code=200)
async def make(request: StaffRequest, intake: TheIntake, person: FromPath[str]) -> Response[str]:
    """The page of a new link for this person, shown once; earlier ones work no more."""
    door, by = intake.door, request.auth.person

    def work(writing: Writing) -> tuple[PersonRow, str, str]:
        purpose, secret = link_for(door, writing, person, by=by)
        return get_row(writing.con, PERSON, person), purpose, secret

    row, purpose, secret = await intake.do(work)
    link = f"{door.settings.url.rstrip('/')}/link/{secret}"
    content: dict[str, Any] = {"person": person, "row": row, "purpose": purpose, "link": link, "code": code_of(link)}
    words = frame_of(request).words
    said = {"subject": words("people.mail_subject"), "body": words("people.mail_body", link=link, person=person)}
    mail = f"mailto:{row.email}?{urlencode(said, quote_via=quote)}" if row.email else ""
    return page(request, "people/link.html", until=door.world.now_ms() + LIVES_MS, mail=mail, **content)


@post("/set-up/people/{person:str}/sessions/end")
async def end_every(intake: TheIntake, person: FromPath[str]) -> Response[Any]:
    """Afterwards this person is signed in nowhere."""

    def work(writing: Writing) -> None:
        get_row(writing.con, PERSON, person)
        end_sessions(writing.con, person, writing.now_ms)

    await intake.do(work)
    return _to(person, "ended")


@post("/set-up/people/{person:str}/sessions/{session:str}/end")
async def end_one(intake: TheIntake, person: FromPath[str], session: FromPath[str]) -> Response[Any]:
    """Afterwards this browser of the person's is signed out."""
    if not await intake.do(lambda writing: end_session(writing.con, person, session, writing.now_ms)):
        raise Problem(NOT_FOUND, NO_SESSION.of())
    return _to(person, "ended")


@post("/set-up/people/{person:str}/accounts/end")
async def end_account(request: StaffRequest, intake: TheIntake, person: FromPath[str]) -> Response[Any]:
    """Afterwards no account of that sign-in service stands for the person."""
    issuer = (await read_form(request)).text("issuer")
    if not await intake.do(lambda writing: end_identity(writing.con, person, issuer)):
        raise Problem(NOT_FOUND, NO_ACCOUNT.of())
    return _to(person, "unlinked")


def _to(person: str, done: str) -> Response[Any]:
    return go(f"/set-up/people/{segment(person)}?done={done}")


# -- for whom a link is -------------------------------------------------------
@get("/link/{secret:str}")
async def show(request: AnyRequest, intake: TheIntake, attempts: TheAttempts, secret: FromPath[str]) -> Response[str]:
    """The form of a new password, for whoever holds the link."""
    check_encrypted(request, intake.door.settings.url)
    link, row = await _found(request, intake, attempts, secret)
    return _show(request, link, row, None)


@post("/link/{secret:str}")
async def use(request: AnyRequest, intake: TheIntake, attempts: TheAttempts, secret: FromPath[str]) -> Response[Any]:
    """Afterwards this is the person's password, whoever was signed in as the person is no more, and this browser is."""
    check_encrypted(request, intake.door.settings.url)
    link, row = await _found(request, intake, attempts, secret)
    password = (await read_form(request)).text("password")
    try:
        kept = await asyncio.to_thread(accepted, password, link.person, row.name, row.email)
    except Problem as problem:
        return _show(request, link, row, problem)
    world = intake.door.world

    def work(writing: Writing) -> str:
        find_link(writing.con, secret, writing.now_ms)  # of two that use it at once, one does
        use_links(writing.con, link.person, writing.now_ms)
        keep_password(writing.con, link.person, kept, writing.now_ms)
        end_sessions(writing.con, link.person, writing.now_ms)
        return open_session(writing.con, world, link.person, **browser(request))

    return go("/", cookies=[session_cookie(await intake.do(work))])


async def _found(request: AnyRequest, intake: TheIntake, attempts: Attempts, secret: str) -> tuple[Link, PersonRow]:
    """The link and who it is for; LINK_OVER, TOO_MANY for who tries one after the other."""
    caller = f"link {browser(request)['address']}"
    attempts.begin(caller)
    now_ms = intake.door.world.now_ms()

    def read(con: sqlite3.Connection) -> tuple[Link, PersonRow]:
        link = find_link(con, secret, now_ms)
        row = find(con, PERSON, link.person)
        if row is None:
            raise Problem(LINK_OVER)
        return link, row

    found = await intake.store.reading(read)
    attempts.went_well(caller)
    return found


def _show(request: AnyRequest, link: Link, row: PersonRow, problem: Problem | None) -> Response[str]:
    content: dict[str, Any] = {"person": link.person, "name": row.name, "purpose": link.purpose}
    said = said_problem(frame_of(request).words, problem) if problem else None
    return page(request, "accounts/link.html", status=problem.kind.status if problem else 200, problem=said, **content)


router = Router("/", route_handlers=[make, end_every, end_one, end_account], guards=[ADMINS], include_in_schema=False)
open_router = Router("/", route_handlers=[show, use], opt={"open": True}, include_in_schema=False)
