"""Who works here: people and teams entered, changed and taken off, by pages and commands alike.

Each change is a new version of a row, and documents are cut anew with it.
"""

import sqlite3
from typing import Final

import msgspec

from backend.accounts.identities import end_identities
from backend.accounts.links import Purpose, make_link, use_links
from backend.accounts.passwords import drop_password, password_of
from backend.accounts.sessions import end_sessions
from backend.accounts.tokens import end_tokens
from backend.intake import Door
from backend.master import (
    CREW,
    DEVICE,
    EVERY,
    IS_A,
    PERSON,
    SITE,
    TEAM,
    PersonRow,
    TeamRow,
    all_of,
    end,
    find,
    get,
    put,
)
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.details import IS_DESK, NO_TEAM
from sync.problems import (
    BAD_NAME,
    CHANGED_SINCE,
    LAST_ADMIN,
    NO_SIGN_IN,
    NOT_POSSIBLE_NOW,
    TAKEN,
    UNKNOWN_PARTY,
    UNKNOWN_SITE,
    Problem,
)

_SQL: Final = queries("office")


def version_of(con: sqlite3.Connection, kind: str, id_: str) -> int:
    """The version of the row in force; 0 where there is none."""
    row = con.execute(_SQL["master"].text, {"kind": kind, "id": id_}).fetchone()
    return int(row[0]) if row else 0


def save_person(door: Door, writing: Writing, id_: str, row: PersonRow, *, by: str, seen: int | None = None) -> bool:
    """Afterwards this is what is said of the person; False where it was said already.

    `seen` is the version that was looked at, 0 for somebody new: with another in force CHANGED_SINCE, or TAKEN. Teams
    and sites that are added have to be there. The last administrator stays one.
    """
    before = find(writing.con, PERSON, id_)
    _check_seen(writing.con, PERSON.name, id_, seen)
    had = before or PersonRow()
    for team in set(row.teams) - set(had.teams):
        if find(writing.con, TEAM, team) is None:
            raise Problem(UNKNOWN_PARTY, NO_TEAM.of(name=team), "teams")
    for site in set(row.sites) - set(had.sites) - {EVERY}:
        if find(writing.con, SITE, site) is None:
            raise Problem(UNKNOWN_SITE, site, "sites")
    if "admin" in had.roles and "admin" not in row.roles:
        _need_another_admin(writing.con, id_)
    is_new = put(writing.con, PERSON, id_, row, by=by, now_ms=writing.now_ms)
    door.cut(writing)
    return is_new


def take_off(door: Door, writing: Writing, id_: str, *, by: str) -> tuple[str, ...]:
    """Afterwards nobody of this name is listed or signs in; the open jobs that are still theirs, by id.

    What was recorded stands. NOT_FOUND where nobody is called so.
    """
    row = get(writing.con, PERSON, id_)
    if "admin" in row.roles:
        _need_another_admin(writing.con, id_)
    end(writing.con, PERSON, id_, now_ms=writing.now_ms, by=by)
    for device, of_device in all_of(writing.con, DEVICE):
        if id_ in of_device.people:
            left = msgspec.structs.replace(of_device, people=_without(of_device.people, id_))
            put(writing.con, DEVICE, device, left, by=by, now_ms=writing.now_ms)
    for crew, of_crew in all_of(writing.con, CREW):
        if id_ in of_crew.members:
            fewer = msgspec.structs.replace(of_crew, members=_without(of_crew.members, id_))
            put(writing.con, CREW, crew, fewer, by=by, now_ms=writing.now_ms)
    drop_password(writing.con, id_)
    use_links(writing.con, id_, writing.now_ms)
    end_sessions(writing.con, id_, writing.now_ms)
    end_tokens(writing.con, id_, writing.now_ms)
    end_identities(writing.con, id_)
    door.cut(writing)
    return open_jobs_of(writing.con, id_)


def save_team(door: Door, writing: Writing, id_: str, row: TeamRow, *, by: str, seen: int | None = None) -> bool:
    """Afterwards this is what is said of the team; see `save_person`."""
    _check_seen(writing.con, TEAM.name, id_, seen)
    is_new = put(writing.con, TEAM, id_, row, by=by, now_ms=writing.now_ms)
    door.cut(writing)
    return is_new


def take_off_team(door: Door, writing: Writing, id_: str, *, by: str) -> tuple[str, ...]:
    """Afterwards there is no such team, and nobody is in it; the open jobs that are still the team's, by id.

    The desk stays: it holds what nobody accepted yet (NOT_POSSIBLE_NOW).
    """
    get(writing.con, TEAM, id_)
    if id_ == door.settings.desk:
        raise Problem(NOT_POSSIBLE_NOW, IS_DESK.of(name=id_))
    set_members(door, writing, id_, (), by=by)
    end(writing.con, TEAM, id_, now_ms=writing.now_ms, by=by)
    door.cut(writing)
    return open_jobs_of(writing.con, id_)


def set_members(door: Door, writing: Writing, team: str, people: tuple[str, ...], *, by: str) -> None:
    """Afterwards these and nobody else are in the team; NOT_FOUND for somebody who is not listed."""
    wanted, held = set(people), set(members(writing.con, team))
    for person in sorted(wanted ^ held):
        row = get(writing.con, PERSON, person)
        teams = _without(row.teams, team) if person in held else (*row.teams, team)
        put(writing.con, PERSON, person, msgspec.structs.replace(row, teams=teams), by=by, now_ms=writing.now_ms)
    door.cut(writing)


def members(con: sqlite3.Connection, team: str) -> tuple[str, ...]:
    """Who is in this team, by id."""
    return tuple(id_ for (id_,) in con.execute(_SQL["members"].text, {"team": team}))


def open_jobs_of(con: sqlite3.Connection, party: str) -> tuple[str, ...]:
    """The open jobs for which this party is accountable, by id."""
    return tuple(job for (job,) in con.execute(_SQL["open_jobs_of"].text, {"party": party}))


def link_for(door: Door, writing: Writing, person: str, *, by: str) -> tuple[Purpose, str]:
    """A one-use link with which this person sets a password, and what for; earlier ones work no more.

    NOT_FOUND where nobody is called so, NO_SIGN_IN for a program.
    """
    row = get(writing.con, PERSON, person)
    if is_program(row):
        raise Problem(NO_SIGN_IN, person)
    purpose: Purpose = "reset" if password_of(writing.con, person) else "invitation"
    return purpose, make_link(writing.con, door.world, person, purpose, by=by)


def is_program(row: PersonRow) -> bool:
    """True for what calls the API and never signs in."""
    return set(row.roles) == {"integration"}


def _check_seen(con: sqlite3.Connection, kind: str, id_: str, seen: int | None) -> None:
    """Return only if this version is in force; a new name also has to fit into an address."""
    if seen == 0 and ("/" in id_ or id_ in (".", "..")):
        raise Problem(BAD_NAME, id_[:40], "id")
    at = version_of(con, kind, id_)
    if seen is not None and seen != at:
        raise Problem(CHANGED_SINCE, id_) if seen else Problem(TAKEN, IS_A[kind].of(name=id_), "id")


def _need_another_admin(con: sqlite3.Connection, id_: str) -> None:
    if not any("admin" in row.roles for other, row in all_of(con, PERSON) if other != id_):
        raise Problem(LAST_ADMIN, id_)


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(one for one in names if one != name)
