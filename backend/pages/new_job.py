"""A job opened by hand while a customer is on the phone: found as it is typed, and nothing typed is ever lost."""

import sqlite3
from typing import Any, Final, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromQuery

from backend.acting import Acting
from backend.api.jobs import OFFICE
from backend.by_hand import AskedJob
from backend.called import Called, Reached
from backend.depends import StaffRequest, TheIntake, TheKnown, ThePeople
from backend.intake import Intake
from backend.master import SITE, all_of
from backend.masters.rows import ASSET
from backend.pages.forms import Form, read_form
from backend.pages.job_forms import asked_window, shaped
from backend.pages.search import find_for
from backend.pages.shell import frame_of, go, page, said_problem
from backend.reach import EVERY_SITE
from backend.searching import Asker, Found, asker_of, sees
from backend.shown import Earlier, Showing
from sync.details import SAY_WHERE
from sync.ids import b64
from sync.policy import Directory
from sync.problems import WRONG_INPUT, Problem

__all__ = ["router"]

CHANNELS: Final = ("phone", "email", "web", "visit", "bot")
"""How a customer can be in touch, by what is asked most."""
MOST_LISTED: Final = 500
"""Sites or assets that a field suggests; who has more types into the search above."""
_ACTION_BYTES: Final = 12
_GROUPS: Final[tuple[Literal["site", "asset", "customer"], ...]] = ("site", "asset", "customer")
_FIELDS: Final = ("site", "asset", "customer", "day", "begins", "ends", "wrong", "intent", "priority", "channel")


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of where the work is: to be shown beside the form, and to choose from in it."""

    site: str = ""
    address: str = ""
    zone: str = ""
    asset: str = ""
    customer: str = ""
    contacts: tuple[Reached, ...] = ()
    sites: tuple[tuple[str, str], ...] = ()
    assets: tuple[tuple[str, str], ...] = ()
    intents: tuple[tuple[str, str], ...] = ()
    earlier: tuple[Earlier, ...] = ()


class _Given(dict[str, str]):
    """What was typed; a field that nobody sent is empty."""

    def __missing__(self, key: str) -> str:
        return ""


@get("/jobs/new", guards=[OFFICE])
async def new(request: StaffRequest, intake: TheIntake, people: ThePeople) -> Response[str]:
    """The form; what the address says of site, asset, customer and the rest stands in it already."""
    given = _Given({name: request.query_params.get(name, "") for name in _FIELDS})
    given["action"] = b64(intake.door.world.token(_ACTION_BYTES))
    given.update({"channel": given["channel"] or CHANNELS[0], "priority": given["priority"] or "routine"})
    _, directory = await people.now()
    return await _form(request, intake, directory, given)


@get("/jobs/new/found", guards=[OFFICE])
async def suggest(request: StaffRequest, intake: TheIntake, known: TheKnown, who: FromQuery[str] = "") -> Response[str]:
    """Customers, sites and assets that this may mean, as a part of the form."""
    return page(request, "jobs/suggested.html", found=await find_for(request, intake, known, who, most=6), who=who)


@post("/jobs/new", guards=[OFFICE])
async def begin(request: StaffRequest, intake: TheIntake, known: TheKnown, people: ThePeople) -> Response[Any]:
    """Afterwards there is a job more, once however often this is sent; or the form is back with all that was typed."""
    form = await read_form(request)
    given = _Given(form.values())
    _, directory = await people.now()
    if form.text("choose"):
        asker = _asker(request)
        given.update(await intake.store.reading(lambda con: _chosen(con, asker, form.text("choose"))))
        return await _form(request, intake, directory, given)
    if not form.text("site") and form.text("who"):
        found = await find_for(request, intake, known, form.text("who"), most=6)
        return await _form(request, intake, directory, given, found=found)
    acting = Acting(intake.door, request.auth.person)
    try:
        zone = await intake.store.reading(lambda con: Called(con).zone(form.text("site")))
        asked = _asked(form, zone)
        done = await intake.do(lambda writing: acting.open(writing, asked))
    except Problem as problem:
        return await _form(request, intake, directory, given, problem=problem)
    return go(f"/jobs/{done.job}?done=open")


def _asked(form: Form, zone: str) -> AskedJob:
    if not form.text("site"):
        raise Problem(WRONG_INPUT, SAY_WHERE.of(), "site")
    said = {name: form.text(name) for name in ("action", "site", "asset", "customer", "intent", "channel", "wrong")}
    if form.text("priority"):
        said["priority"] = form.text("priority")
    window = asked_window(form, zone) if form.text("day") else {}
    made: AskedJob = shaped(said | window, AskedJob)
    return made


def _chosen(con: sqlite3.Connection, asker: Asker, choice: str) -> dict[str, str]:
    """What follows from choosing one of what was found: `kind:id`. What is not said by it stays as it was."""
    kind, _, id_ = choice.partition(":")
    called = Called(con)
    found: dict[str, str] = {"who": ""}
    if kind == "customer" and sees(con, called, asker, "customer", id_):
        sites = called.customer(id_).sites
        found |= {"customer": id_, "asset": "", "site": sites[0] if len(sites) == 1 else ""}
    elif kind == "site" and sees(con, called, asker, "site", id_):
        found |= {"site": id_, "asset": ""}
    elif kind == "asset" and sees(con, called, asker, "asset", id_):
        row = called.asset(id_)
        found |= {"asset": id_}
        if row is not None:
            found |= {"site": row.site} | ({"customer": row.customer} if row.customer else {})
    return found


async def _form(
    request: StaffRequest,
    intake: Intake,
    directory: Directory,
    given: _Given,
    *,
    problem: Problem | None = None,
    found: Found | None = None,
) -> Response[str]:
    asker, now_ms = _asker(request), intake.door.world.now_ms()
    place = await intake.store.reading(lambda con: _place(con, directory, asker, given, now_ms))
    status = problem.kind.status if problem else 422 if found else 200
    frame = frame_of(request)
    said = said_problem(frame.words, problem) if problem else None
    return page(
        request,
        "jobs/new.html",
        status=status,
        given=given,
        place=place,
        problem=said,
        found=found,
        who=given["who"],
        channel_choices=[(one, frame.words.of("channel", one)) for one in CHANNELS],
    )


def _asker(request: StaffRequest) -> Asker:
    return asker_of(request.auth.person, request.auth.keys(), reads_jobs=True)


def _place(con: sqlite3.Connection, directory: Directory, asker: Asker, given: dict[str, str], now_ms: int) -> _Place:
    """What is known of the place, as far as the asker's scope reaches; beyond it there is only what was typed."""
    showing = Showing(con, directory)
    called = showing.called
    said = {group: given[group] if sees(con, called, asker, group, given[group]) else "" for group in _GROUPS}
    site, asset, customer = said["site"], said["asset"], said["customer"]
    own = called.customer(customer).sites if customer else ()
    mine = EVERY_SITE in asker.keys
    sites = [(id_, row.name or id_) for id_, row in all_of(con, SITE) if mine or id_ in asker.sites]
    near = [(id_, name) for id_, name in sites if id_ in own]
    assets = [(id_, row.name or id_) for id_, row in all_of(con, ASSET) if site and row.site == site]
    key = f"asset:{asset}" if asset else f"site:{site}" if site else f"customer:{customer}"
    row = called.site(site)
    return _Place(
        site=row.name or given["site"],
        address=row.address,
        zone=row.zone,
        asset=called.name_of_asset(asset) or given["asset"],
        customer=called.name_of_customer(customer) or given["customer"],
        contacts=called.contacts(customer, site),
        sites=tuple(near or sites)[:MOST_LISTED],
        assets=tuple(assets)[:MOST_LISTED],
        intents=called.intents(),
        earlier=showing.lately(set(asker.keys), key, now_ms) if site or asset or customer else (),
    )


router = Router("/", route_handlers=[new, suggest, begin], include_in_schema=False)
