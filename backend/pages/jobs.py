"""The list of jobs: what is to be done, narrowed by an address that can be kept and sent to others."""

import sqlite3
from typing import Any, Final

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath

from backend.api.jobs import READERS
from backend.depends import StaffRequest, TheIntake, ThePeople
from backend.filters import SavedFilter, drop_filter, filters_for, keep_filter
from backend.found_by import FLAGS
from backend.narrowing import PRIORITIES, STATES, JobFilter, filter_of
from backend.pages.forms import read_form
from backend.pages.shell import go, page
from backend.shown import Showing, ShownJob
from backend.views import list_jobs
from sync.policy import Directory

__all__ = ["router"]

LIST: Final = "/jobs"
ANY_STATE: Final = "any"
"""What an address says where jobs of every state are asked for: without it they are the open ones."""


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    jobs: tuple[ShownJob, ...]
    next: str
    filters: tuple[SavedFilter, ...]


@get(LIST, guards=[READERS])
async def jobs(request: StaffRequest, intake: TheIntake, people: ThePeople) -> Response[str]:
    """Jobs in the reader's scope by priority, nearest limit and age; what is asked for stands in the address."""
    given = dict(request.query_params)
    wanted, asked = _asked(given, tuple(request.query_params.getall("only", [])))
    after = given.get("after", "")
    _, directory = await people.now()
    found = await intake.store.reading(lambda con: _read(con, request, wanted, after, directory))
    return page(
        request,
        "jobs/list.html",
        found=found,
        wanted=asked,
        address=asked.address(),
        is_first=not after,
        parties=sorted({*directory.roster.people, *directory.roster.teams}),
        states=STATES,
        priorities=PRIORITIES,
        flags=FLAGS,
    )


def _asked(given: dict[str, str], flags: tuple[str, ...]) -> tuple[JobFilter, JobFilter]:
    """What is looked for, and what the address says: there no state means the open ones."""
    said = given.get("state", "")
    shown = filter_of(given | {"state": "" if said == ANY_STATE else said}, flags)
    wanted = shown if said else msgspec.structs.replace(shown, state="open")
    return wanted, msgspec.structs.replace(shown, state=said)


def _read(
    con: sqlite3.Connection, request: StaffRequest, wanted: JobFilter, after: str, directory: Directory
) -> _Listed:
    caller = request.auth
    found = list_jobs(con, caller.keys(), wanted, after=after)
    shown = Showing(con, directory).rows(found.jobs)
    return _Listed(jobs=shown, next=found.next, filters=filters_for(con, LIST, caller.person, caller.roles))


@post("/jobs/filters", guards=[READERS])
async def keep(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards the list as it is shown has a name."""
    form = await read_form(request)
    said = dict(pair.split("=", 1) for pair in form.text("query").split("&") if "=" in pair)
    query = form.text("query")[:2000] if said else ""
    caller, world = request.auth, intake.door.world
    saved = SavedFilter(id="", person=caller.person, name=form.text("name"), query=query, role=form.text("role"))
    await intake.do(lambda writing: keep_filter(writing.con, world, saved, page=LIST, roles=caller.roles))
    return go(f"{LIST}?{query}" if query else LIST)


@post("/jobs/filters/{saved:str}/remove", guards=[READERS])
async def remove(request: StaffRequest, intake: TheIntake, saved: FromPath[str]) -> Response[Any]:
    """Afterwards this filter of one's own is kept no more."""
    person = request.auth.person
    await intake.do(lambda writing: drop_filter(writing.con, person, saved))
    return go(LIST)


router = Router("/", route_handlers=[jobs, keep, remove], include_in_schema=False)
