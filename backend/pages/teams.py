"""Teams, for administrators: who is in them, and for which jobs they stand."""

import sqlite3
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.master import PERSON, TEAM, TeamRow, all_of
from backend.master import get as get_row
from backend.masters.rows import HOURS
from backend.pages.forms import Form, read_form
from backend.pages.people import version_seen
from backend.pages.shell import frame_of, go, page, said_problem, segment
from backend.people import is_program, members, open_jobs_of, save_team, set_members, take_off_team, version_of
from backend.writing import Writing
from sync.codec import UNREADABLE_JSON
from sync.problems import WRONG_INPUT, Problem

__all__ = ["router"]

ADMINS = may("admin")


@get("/set-up/teams")
async def teams(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """Every team and who is in it."""

    def read(con: sqlite3.Connection) -> list[tuple[str, TeamRow, list[str]]]:
        people = all_of(con, PERSON)
        return [
            (id_, row, [one.name or person for person, one in people if id_ in one.teams])
            for id_, row in all_of(con, TEAM)
        ]

    found = await intake.store.reading(read)
    return page(request, "teams/list.html", teams=found, desk=intake.door.settings.desk)


@get("/set-up/teams/new")
async def new(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """The form of a new one."""
    return await _form(request, intake, "", TeamRow(), 0)


@post("/set-up/teams")
async def add(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards there is a team more."""
    form = await read_form(request)
    return await _save(request, intake, form.text("id"), TeamRow(), form, is_new=True)


@get("/set-up/teams/{team:str}")
async def one(
    request: StaffRequest, intake: TheIntake, team: FromPath[str], done: FromQuery[str] = ""
) -> Response[str]:
    """A team: its form, its jobs, and its end."""
    row, seen = await intake.store.reading(lambda con: (get_row(con, TEAM, team), version_of(con, TEAM.name, team)))
    return await _form(request, intake, team, row, seen, done=done)


@post("/set-up/teams/{team:str}")
async def change(request: StaffRequest, intake: TheIntake, team: FromPath[str]) -> Response[Any]:
    """Afterwards this is the team."""
    row = await intake.store.reading(lambda con: get_row(con, TEAM, team))
    return await _save(request, intake, team, row, await read_form(request), is_new=False)


@post("/set-up/teams/{team:str}/off", status_code=200)
async def off(request: StaffRequest, intake: TheIntake, team: FromPath[str]) -> Response[Any]:
    """Afterwards there is no such team, and nobody is in it; the jobs that are still the team's are named."""
    door, by = intake.door, request.auth.person
    row = await intake.store.reading(lambda con: get_row(con, TEAM, team))
    try:
        jobs = await intake.do(lambda writing: take_off_team(door, writing, team, by=by))
    except Problem as problem:
        return await _form(request, intake, team, row, 0, problem=problem)
    return page(request, "people/off.html", party=team, name=row.name, jobs=jobs, back="/set-up/teams")


async def _save(
    request: StaffRequest, intake: TheIntake, team: str, before: TeamRow, form: Form, *, is_new: bool
) -> Response[Any]:
    seen = 0 if is_new else version_seen(form)
    door, by = intake.door, request.auth.person
    said = {"name": form.text("name"), "hours": form.text("hours")}
    try:
        row = msgspec.convert(msgspec.structs.asdict(before) | said, TeamRow)
    except UNREADABLE_JSON as error:
        raise Problem(WRONG_INPUT, form.text("name")[:80], "name") from error

    def work(writing: Writing) -> None:
        save_team(door, writing, team, row, by=by, seen=seen)
        set_members(door, writing, team, form.all("members"), by=by)

    try:
        await intake.do(work)
    except Problem as problem:
        return await _form(request, intake, "" if is_new else team, row, seen, form=form, problem=problem)
    return go(f"/set-up/teams/{segment(team)}?done={'added' if is_new else 'changed'}")


async def _form(  # noqa: PLR0913 - what was typed comes back
    request: StaffRequest,
    intake: TheIntake,
    team: str,
    row: TeamRow,
    seen: int,
    *,
    form: Form | None = None,
    problem: Problem | None = None,
    done: str = "",
) -> Response[str]:
    def read(con: sqlite3.Connection) -> dict[str, Any]:
        return {
            "people": [
                (id_, one.name or id_) for id_, one in all_of(con, PERSON) if team in one.teams or not is_program(one)
            ],
            "hours": [(id_, one.name or id_) for id_, one in all_of(con, HOURS)],
            "members": members(con, team) if team else (),
            "jobs": open_jobs_of(con, team) if team else (),
        }

    found = await intake.store.reading(read)
    if form:
        found["members"] = form.all("members")
    given = {"id": form.text("id") if form else "", "name": row.name, "hours": row.hours}
    said = said_problem(frame_of(request).words, problem) if problem else None
    content = {"team": team, "given": given, "seen": seen, "done": done, "problem": said} | found
    content |= {"is_desk": team == intake.door.settings.desk}
    return page(request, "teams/one.html", status=problem.kind.status if problem else 200, **content)


router = Router("/", route_handlers=[teams, new, add, one, change, off], guards=[ADMINS], include_in_schema=False)
