"""One job: who answers for it and since when, all that hangs on it, its whole story, and what is done by hand."""

import sqlite3
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.acting import Acting
from backend.api.jobs import OFFICE, READERS
from backend.by_hand import EVERY_ACTION
from backend.depends import StaffRequest, TheIntake, ThePeople
from backend.pages.forms import read_form
from backend.pages.job_forms import SAID, asked_of, filled, forms_of
from backend.pages.shell import frame_of, go, page, said_problem
from backend.problems import Changed
from backend.shown import Showing, Sight
from backend.story import SORTS, Chapter, fields_of
from sync.ids import b64
from sync.policy import Directory
from sync.problems import NOT_FOUND, Problem

__all__ = ["router"]

ACTION_BYTES = 12


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    """What one reading gives the page, with what a form offers to choose from."""

    sight: Sight
    parties: tuple[tuple[str, str], ...]
    boundaries: tuple[str, ...]
    intents: tuple[tuple[str, str], ...]


class _Doing(msgspec.Struct, frozen=True, kw_only=True):
    """The form that is open: what stands in it, and what is wrong with it."""

    name: str = ""
    given: dict[str, str] = {}
    problem: Problem | None = None
    action: str = ""


@get("/jobs/{job:str}", guards=[READERS])
async def job(
    request: StaffRequest,
    intake: TheIntake,
    people: ThePeople,
    job: FromPath[str],
    do: FromQuery[str] = "",
    only: FromQuery[str] = "",
    done: FromQuery[str] = "",
) -> Response[str]:
    """Everything about one job; `do` opens a form, `only` leaves one sort of event in the story."""
    _, directory = await people.now()
    found = await _read(request, intake, directory, job)
    forms = _forms(request, intake, found.sight)
    doing = _Doing()
    if do in forms:
        action = b64(intake.door.world.token(ACTION_BYTES))
        doing = _Doing(name=do, given=filled(do, found.sight), action=action)
    return _shown(request, found, forms, doing, only=only, done=done if done in EVERY_ACTION or done == "open" else "")


async def _read(request: StaffRequest, intake: TheIntake, directory: Directory, job: str) -> _Page:
    keys, now_ms = request.auth.keys(), intake.door.world.now_ms()

    def read(con: sqlite3.Connection) -> _Page:
        showing = Showing(con, directory)
        called = showing.called
        sight = showing.sight(keys, job, now_ms)
        return _Page(sight=sight, parties=called.parties(), boundaries=called.boundaries(), intents=called.intents())

    return await intake.store.reading(read)


def _forms(request: StaffRequest, intake: TheIntake, sight: Sight) -> tuple[str, ...]:
    """The forms of whoever may act; nobody else has any."""
    if not request.auth.roles.intersection(("dispatcher", "manager")):
        return ()
    return forms_of(sight, intake.door.settings.desk)


def _shown(
    request: StaffRequest, found: _Page, forms: tuple[str, ...], doing: _Doing, *, only: str = "", done: str = ""
) -> Response[str]:
    words = frame_of(request).words
    problem = doing.problem
    sorts = tuple(sort for sort in SORTS if any(one.sort == sort for one in found.sight.chapters))
    return page(
        request,
        "jobs/job.html",
        status=problem.kind.status if problem else 200,
        sight=found.sight,
        parties=found.parties,
        boundaries=[(one, one) for one in found.boundaries],
        intents=found.intents,
        forms=forms,
        doing=doing,
        given=_Given(doing.given),
        problem=said_problem(words, problem) if problem else None,
        changes=problem.changes if isinstance(problem, Changed) else (),
        chapters=_only(found.sight.chapters, only),
        sorts=sorts,
        only=only if only in sorts else "",
        done=done,
        fields_of=fields_of,
        said=SAID,
    )


class _Given(dict[str, str]):
    """What was typed; a field that nobody sent is empty."""

    def __missing__(self, key: str) -> str:
        return ""


def _only(chapters: tuple[Chapter, ...], only: str) -> tuple[Chapter, ...]:
    found = tuple(one for one in chapters if one.sort == only)
    return found or chapters


@post("/jobs/{job:str}/{do:str}", guards=[OFFICE])
async def act(
    request: StaffRequest, intake: TheIntake, people: ThePeople, job: FromPath[str], do: FromPath[str]
) -> Response[Any]:
    """Afterwards it is done once, or the form is back with what was typed and what is wrong, or who changed what."""
    form = await read_form(request)
    _, directory = await people.now()
    found = await _read(request, intake, directory, job)
    acting = Acting(intake.door, request.auth.person)
    try:
        asked = asked_of(do, form, found.sight)
        await intake.do(lambda writing: acting.act(writing, EVERY_ACTION[do], job, asked))
    except Problem as problem:
        if problem.kind is NOT_FOUND:
            raise
        doing = _Doing(name=do, given=form.values(), problem=problem, action=form.text("action"))
        found = await _read(request, intake, directory, job)
        return _shown(request, found, _forms(request, intake, found.sight), doing)
    return go(f"/jobs/{job}?done={do}")


router = Router("/", route_handlers=[job, act], include_in_schema=False)
