"""Signing in with an account of another service, and linking one's account there."""

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from backend.accounts.access import access_of
from backend.accounts.identities import AWAY_MS, Departure, Identity, arrive, depart, end_identity, link, sign_in
from backend.accounts.sessions import COOKIE, find_session, open_session
from backend.depends import InState, StaffRequest, TheAttempts, TheIntake, TheProviders
from backend.pages.entrance import browser, session_cookie, sign_in_page
from backend.pages.forms import AnyRequest, check_encrypted, local_path, read_form
from backend.pages.shell import go, page
from backend.writing import Writing
from sync.details import NO_ACCOUNT, ONLY_WAY_IN, SOMEBODY_ELSE
from sync.problems import NOT_FOUND, NOT_POSSIBLE_NOW, PROVIDER_LIED, Problem

__all__ = ["open_router", "router"]

AWAY: Final = "__Host-departure"
"""The cookie of a browser that is away: what comes back has to come back to it."""


def _away_cookie(binding: str) -> Cookie:
    life_s = AWAY_MS // 1000 if binding else 0
    return Cookie(key=AWAY, value=binding, max_age=life_s, secure=True, httponly=True, samesite="lax")


def _caller(request: AnyRequest) -> str:
    return f"away {browser(request)['address']}"


@get("/sign-in/with/{provider:str}")
async def leave(
    request: AnyRequest,
    intake: TheIntake,
    providers: TheProviders,
    attempts: TheAttempts,
    provider: FromPath[str],
    back: FromQuery[str] = "",
) -> Response[Any]:
    """To the service, from where the browser comes back to /answer."""
    check_encrypted(request, intake.door.settings.url)
    providers.provider(provider)
    attempts.begin(_caller(request))
    world, to = intake.door.world, local_path(back)
    try:
        departure = await intake.do(lambda writing: depart(writing.con, world, provider, to))
        where = await providers.where(departure)
    except Problem as problem:
        return sign_in_page(request, problem, "", to)
    return Redirect(
        where, status_code=303, headers={"cache-control": "no-store"}, cookies=[_away_cookie(departure.binding)]
    )


@get("/sign-in/with/{provider:str}/answer")
async def come_back(
    request: AnyRequest,
    intake: TheIntake,
    providers: TheProviders,
    attempts: TheAttempts,
    provider: FromPath[str],
    in_state: InState = "",
) -> Response[Any]:
    """Afterwards whoever the service vouches for is signed in, or has linked that account."""
    check_encrypted(request, intake.door.settings.url)
    providers.provider(provider)
    binding = request.cookies.get(AWAY, "")
    gone = _away_cookie("")
    try:
        departure = await intake.do(lambda writing: arrive(writing.con, provider, in_state, binding, writing.now_ms))
        who = await providers.identity(departure, dict(request.query_params))
        attempts.went_well(_caller(request))
        if departure.person:
            await _link(request, intake, departure, who)
            return go("/account?done=linked", cookies=[gone])
        token = await _signed_in(request, intake, who)
    except Problem as problem:
        shown = sign_in_page(request, problem, "", "/")
        shown.set_cookie(gone)
        return shown
    return go(departure.back, cookies=[session_cookie(token), gone])


async def _signed_in(request: AnyRequest, intake: TheIntake, who: Identity) -> str:
    world = intake.door.world

    def work(writing: Writing) -> str:
        person = sign_in(writing.con, who, writing.now_ms)
        return open_session(writing.con, world, person, **browser(request))

    return await intake.do(work)


async def _link(request: AnyRequest, intake: TheIntake, departure: Departure, who: Identity) -> None:
    """Link the account to whoever left for it, if that session is still this browser's."""
    token = request.cookies.get(COOKIE, "")

    def work(writing: Writing) -> None:
        session = find_session(writing.con, token, writing.now_ms)
        if (session.person, session.id) != (departure.person, departure.session):
            raise Problem(PROVIDER_LIED, SOMEBODY_ELSE.of(), "state")
        link(writing.con, who, departure.person, writing.now_ms)

    await intake.do(work)


@post("/account/accounts/{provider:str}", status_code=200)
async def begin(
    request: StaffRequest, intake: TheIntake, providers: TheProviders, provider: FromPath[str]
) -> Response[str]:
    """The page from which one goes on to the service: a form may not lead to another host."""
    check_encrypted(request, intake.door.settings.url)
    found, world, caller = providers.provider(provider), intake.door.world, request.auth
    departure = await intake.do(
        lambda writing: depart(writing.con, world, provider, "/account", person=caller.person, session=caller.session)
    )
    where = await providers.where(departure)
    made = page(request, "accounts/away.html", label=found.label, where=where)
    made.set_cookie(_away_cookie(departure.binding))
    return made


@post("/account/accounts/end")
async def end(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards no account of that service stands for oneself; it stays where one could not come in any more."""
    issuer, person = (await read_form(request)).text("issuer"), request.auth.person

    def work(writing: Writing) -> None:
        access = access_of(writing.con, person, writing.now_ms)
        if not any(one.issuer == issuer for one in access.accounts):
            raise Problem(NOT_FOUND, NO_ACCOUNT.of())
        if not access.has_password and len(access.accounts) == 1:
            raise Problem(NOT_POSSIBLE_NOW, ONLY_WAY_IN.of())
        end_identity(writing.con, person, issuer)

    await intake.do(work)
    return go("/account?done=unlinked")


open_router = Router("/", route_handlers=[leave, come_back], opt={"open": True}, include_in_schema=False)
router = Router("/", route_handlers=[begin, end], include_in_schema=False)
