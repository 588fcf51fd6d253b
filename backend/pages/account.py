"""One's own account: where one is signed in, and the end of that."""

from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from backend.accounts.sessions import end_session, sessions_of
from backend.depends import StaffRequest, TheIntake
from backend.pages.shell import go, page
from sync.problems import NOT_FOUND, Problem

__all__ = ["router"]


@get("/account")
async def account(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """Who one is here, and every browser that is signed in as oneself."""
    now_ms = intake.door.world.now_ms()
    sessions = await intake.store.reading(lambda con: sessions_of(con, request.auth.person, now_ms))
    return page(request, "accounts/account.html", sessions=sessions)


@post("/account/sessions/{session:str}/end")
async def end(request: StaffRequest, intake: TheIntake, session: FromPath[str]) -> Response[Any]:
    """Afterwards that browser is signed out; NOT_FOUND for a session of somebody else."""
    person = request.auth.person
    if not await intake.do(lambda writing: end_session(writing.con, person, session, writing.now_ms)):
        raise Problem(NOT_FOUND, "session")
    return go("/account")


router = Router("/", route_handlers=[account, end], include_in_schema=False)
