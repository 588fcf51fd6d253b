"""People, for administrators: who works here, with which roles and scope; entered, changed, taken off."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime, time
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.accounts.access import Access, access_of, access_to
from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.master import EVERY, PERSON, SITE, TEAM, PersonRow, all_of
from backend.master import get as get_row
from backend.masters.rows import HOURS, SKILL
from backend.pages.forms import Form, read_form
from backend.pages.shell import frame_of, go, page, said_problem, segment
from backend.people import is_program, open_jobs_of, save_person, take_off, version_of
from backend.writing import Writing
from sync.clock import milliseconds, rfc3339
from sync.codec import UNREADABLE_JSON
from sync.details import NO_DAY, NOBODY
from sync.policy import Role
from sync.problems import NOT_FOUND, WRONG_INPUT, Problem

__all__ = ["router"]

ADMINS = may("admin")
ROLES: Final[tuple[Role, ...]] = tuple(role for role in get_args(Role) if role != "integration")
"""What people can be; programs are set up in a room of their own."""
Pairs = list[tuple[str, str]]


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What a person's form offers, as pairs of id and name."""

    teams: Pairs
    skills: Pairs
    sites: Pairs
    hours: Pairs


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A person in the list, and how the person comes in."""

    id: str
    row: PersonRow
    access: str


@get("/set-up/people")
async def people(
    request: StaffRequest,
    intake: TheIntake,
    q: FromQuery[str] = "",
    role: FromQuery[str] = "",
    done: FromQuery[str] = "",
) -> Response[str]:
    """Everybody, or whom the words and the role fit."""
    now_ms = intake.door.world.now_ms()

    def read(con: sqlite3.Connection) -> tuple[list[Found], int]:
        states = access_to(con, now_ms)
        rows = [(id_, row) for id_, row in all_of(con, PERSON) if not is_program(row)]
        found = [
            Found(id=id_, row=row, access=states.get(id_, "none")) for id_, row in rows if _fits(id_, row, q, role)
        ]
        return sorted(found, key=lambda one: (one.row.name or one.id).casefold()), len(rows)

    found, of = await intake.store.reading(read)
    content: dict[str, Any] = {"found": found, "of": of, "q": q, "role": role, "roles": ROLES, "done": done}
    return page(request, "people/list.html", **content)


def _fits(id_: str, row: PersonRow, words: str, role: str) -> bool:
    if role and role not in row.roles:
        return False
    said = " ".join((id_, row.name, row.email, row.phone, *row.skills, *row.teams, *row.sites)).casefold()
    return all(word in said for word in words.casefold().split())


@get("/set-up/people/new")
async def new(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """The form of somebody new."""
    return await _form(request, intake, "", PersonRow(), 0)


@post("/set-up/people")
async def add(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards there is somebody more."""
    form = await read_form(request)
    return await _save(request, intake, form.text("id"), form, is_new=True)


@get("/set-up/people/{person:str}")
async def one(
    request: StaffRequest, intake: TheIntake, person: FromPath[str], done: FromQuery[str] = ""
) -> Response[str]:
    """One person: what is known, how the person comes in, from where he is signed in, for which jobs he stands."""
    now_ms, zone = intake.door.world.now_ms(), intake.door.settings.zone

    def read(con: sqlite3.Connection) -> tuple[PersonRow, Choices, Access, tuple[str, ...]]:
        row = _person(con, person)
        return row, choices(con, [row]), access_of(con, person, now_ms), open_jobs_of(con, person)

    row, offered, access, jobs = await intake.store.reading(read)
    named = {pair[0]: pair[1] for pairs in (offered.teams, offered.sites, offered.hours) for pair in pairs}
    until = _day_of(row.trained_until, zone)
    content: dict[str, Any] = {
        "person": person,
        "row": row,
        "named": named,
        "access": access,
        "jobs": jobs,
        "until": until,
    }
    return page(request, "people/one.html", done=done, **content)


@get("/set-up/people/{person:str}/edit")
async def edit(request: StaffRequest, intake: TheIntake, person: FromPath[str]) -> Response[str]:
    """The form of somebody there is."""
    row, seen = await intake.store.reading(lambda con: (_person(con, person), version_of(con, PERSON.name, person)))
    return await _form(request, intake, person, row, seen)


@post("/set-up/people/{person:str}/edit")
async def change(request: StaffRequest, intake: TheIntake, person: FromPath[str]) -> Response[Any]:
    """Afterwards this is what is said of the person."""
    await intake.store.reading(lambda con: _person(con, person))
    return await _save(request, intake, person, await read_form(request), is_new=False)


@post("/set-up/people/{person:str}/off", status_code=200)
async def off(request: StaffRequest, intake: TheIntake, person: FromPath[str]) -> Response[str]:
    """Afterwards nobody of this name is listed or signs in; the jobs that are still the person's are named."""
    by, door = request.auth.person, intake.door

    def work(writing: Writing) -> tuple[PersonRow, tuple[str, ...]]:
        row = _person(writing.con, person)
        return row, take_off(door, writing, person, by=by)

    row, jobs = await intake.do(work)
    return page(request, "people/off.html", party=person, name=row.name, jobs=jobs, back="/set-up/people")


def _person(con: sqlite3.Connection, person: str) -> PersonRow:
    row = get_row(con, PERSON, person)
    if is_program(row):
        raise Problem(NOT_FOUND, NOBODY.of(name=person))
    return row


# -- the form -----------------------------------------------------------------
def choices(con: sqlite3.Connection, of: Iterable[PersonRow]) -> Choices:
    """What can be chosen, what stands in these rows already included."""
    rows = list(of)
    return Choices(
        teams=_pairs(all_of(con, TEAM), (team for row in rows for team in row.teams)),
        skills=_pairs(all_of(con, SKILL), (skill for row in rows for skill in row.skills)),
        sites=_pairs(all_of(con, SITE), (site for row in rows for site in row.sites if site != EVERY)),
        hours=_pairs(all_of(con, HOURS), (row.hours for row in rows if row.hours)),
    )


def _pairs(rows: Iterable[tuple[str, Any]], more: Iterable[str]) -> Pairs:
    named = {id_: row.name or id_ for id_, row in rows}
    return [*named.items(), *((id_, id_) for id_ in sorted(set(more) - named.keys()))]


async def _save(request: StaffRequest, intake: TheIntake, person: str, form: Form, *, is_new: bool) -> Response[Any]:
    before = PersonRow() if is_new else await intake.store.reading(lambda con: _person(con, person))
    seen = 0 if is_new else version_seen(form)
    row = before
    try:
        row = _row(before, form, intake.door.settings.zone)
        by, door = request.auth.person, intake.door
        await intake.do(lambda writing: save_person(door, writing, person, row, by=by, seen=seen))
    except Problem as problem:
        return await _form(request, intake, "" if is_new else person, row, seen, form=form, problem=problem)
    return go(f"/set-up/people/{segment(person)}?done={'added' if is_new else 'changed'}")


def _list(text: str) -> tuple[str, ...]:
    """What stands between commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _row(before: PersonRow, form: Form, zone: str) -> PersonRow:
    """What the form says; WRONG_INPUT names the field that cannot be."""
    said: dict[str, object] = {name: form.text(name) for name in ("name", "email", "phone", "hours")}
    said |= {name: form.all(name) for name in ("roles", "teams", "sites")}
    said |= {"skills": tuple(dict.fromkeys((*form.all("skills"), *_list(form.text("more_skills")))))}
    said |= {"entitlements": _list(form.text("entitlements"))}
    said |= {"trained_until": _end_of(form.text("trained_until"), zone)}
    kept = [role for role in before.roles if role not in ROLES]
    for name in said:
        try:
            msgspec.convert({name: said[name]}, PersonRow)
        except UNREADABLE_JSON as error:
            raise Problem(WRONG_INPUT, str(said[name])[:80], name) from error
    row = msgspec.convert(msgspec.structs.asdict(before) | said, PersonRow)
    return msgspec.structs.replace(row, roles=(*row.roles, *kept))


async def _form(
    request: StaffRequest,
    intake: TheIntake,
    person: str,
    row: PersonRow,
    seen: int,
    *,
    form: Form | None = None,
    problem: Problem | None = None,
) -> Response[str]:
    """The form, filled with what was typed where something is wrong with it, else with the row."""
    words, zone = frame_of(request).words, intake.door.settings.zone
    offered = await intake.store.reading(lambda con: choices(con, [row]))
    typed = form.values() if form else {}
    given = {name: typed.get(name, getattr(row, name)) for name in ("name", "email", "phone", "hours")}
    given |= {"id": typed.get("id", ""), "more_skills": typed.get("more_skills", "")}
    given |= {"entitlements": typed.get("entitlements", ", ".join(row.entitlements))}
    given |= {"trained_until": typed.get("trained_until", _day_of(row.trained_until, zone))}
    chosen = {name: form.all(name) if form else getattr(row, name) for name in ("roles", "teams", "skills", "sites")}
    every = [(EVERY, words("people.every_site"))]
    content: dict[str, Any] = {
        "person": person,
        "given": given,
        "chosen": chosen,
        "roles": [(role, words.of("role", role)) for role in ROLES],
        "offered": msgspec.structs.replace(offered, sites=[*every, *offered.sites]),
        "seen": seen,
        "problem": said_problem(words, problem) if problem else None,
    }
    return page(request, "people/form.html", status=problem.kind.status if problem else 200, **content)


def version_seen(form: Form) -> int:
    """The version that the form was filled from."""
    text = form.text("seen")
    if not text.isdecimal() or len(text) > 9:
        raise Problem(WRONG_INPUT, text[:40], "seen")
    return int(text)


def _end_of(day: str, zone: str) -> str:
    """The last second of a day in a zone, RFC 3339; "" for no day, WRONG_INPUT for what is none."""
    if not day:
        return ""
    try:
        at = datetime.combine(datetime.fromisoformat(day).date(), time(23, 59, 59), ZoneInfo(zone))
    except ValueError as error:
        raise Problem(WRONG_INPUT, NO_DAY.of(text=day[:40]), "trained_until") from error
    return rfc3339(int(at.timestamp()) * 1000)


def _day_of(at: str, zone: str) -> str:
    """The day of an instant in a zone, as forms write it; "" for none."""
    if not at:
        return ""
    return datetime.fromtimestamp(milliseconds(at) / 1000, ZoneInfo(zone)).date().isoformat()


router = Router(
    "/", route_handlers=[people, new, add, one, edit, change, off], guards=[ADMINS], include_in_schema=False
)
