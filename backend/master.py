"""Master data: plain versioned rows, who changed them and when. Documents are cut from them.

The shapes of people, teams, crews, devices and sites are here; those of all else are in `backend/masters/rows.py`.
"""

import sqlite3
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from backend.store.sqlite import queries
from sync.clock import milliseconds
from sync.codec import decode, encode
from sync.details import IS_CREW, IS_PERSON, IS_TEAM, MEANS_ELSE
from sync.payload import Id
from sync.policy import GUEST, Names, Role, is_role
from sync.problems import BAD_NAME, NOT_FOUND, TAKEN, Problem

_SQL: Final = queries("office")
_REDACT: Final = queries("redact")
_MASTERS: Final = queries("masters")
Name = Annotated[str, Meta(max_length=200)]
Email = Annotated[str, Meta(max_length=254, pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$")]
Phone = Annotated[str, Meta(max_length=60, pattern=r"^(\+?[0-9(][0-9 ()/.,;a-z-]{2,})?$")]
EVERY: Final = "*"
"""In a person's scope: every site."""


class PersonRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Somebody who works here; `sites` is the scope: empty is none, `*` is all. So it is with `entitlements`.

    `email` and `phone` are the office's alone: neither roster nor names say them.
    """

    name: Name = ""
    roles: tuple[Role, ...] = ()
    skills: tuple[str, ...] = ()
    teams: tuple[Id, ...] = ()
    sites: tuple[str, ...] = ()
    trained_until: str = ""
    hours: str = ""
    email: Email = ""
    phone: Phone = ""
    entitlements: tuple[Name, ...] = ()


class TeamRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A party of several people."""

    name: Name = ""
    hours: str = ""


class CrewRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """People who go out together. A crew is a party as a team is: its members may accept what is offered to it.

    It has the skills of its members, the room of its vehicle, and begins its day at the site `start`.
    """

    name: Name = ""
    members: tuple[Id, ...] = ()
    vehicle: str = ""
    start: str = ""
    hours: str = ""


class DeviceRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A device and the people who may record on it; its keys are rows of their own. Times are RFC 3339."""

    people: tuple[Id, ...] = ()
    valid_from: str = ""
    valid_until: str = ""


class SiteRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A place where work is done; `zone` is an IANA name, in which times without offset are read.

    `area` is the part of the country it is planned in, `hours` the working hours that limits run in; goods are kept at
    a `depot`.
    """

    name: Name = ""
    zone: str = "UTC"
    address: str = ""
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    area: Annotated[str, Meta(max_length=60)] = ""
    hours: str = ""
    depot: bool = False


_R = TypeVar("_R", bound=msgspec.Struct)


class Kind(Generic[_R]):
    """One sheet of master data: its name and the shape of its rows."""

    def __init__(self, name: str, shape: type[_R]) -> None:
        self.name = name
        self.shape: type[_R] = shape


PERSON: Final = Kind("person", PersonRow)
TEAM: Final = Kind("team", TeamRow)
CREW: Final = Kind("crew", CrewRow)
DEVICE: Final = Kind("device", DeviceRow)
SITE: Final = Kind("site", SiteRow)


def all_of(con: sqlite3.Connection, kind: Kind[_R]) -> list[tuple[str, _R]]:
    """Every row in force, by id."""
    rows = con.execute(_SQL["masters"].text, {"kind": kind.name})
    return [(id_, decode(body, kind.shape)) for id_, body in rows]


def find(con: sqlite3.Connection, kind: Kind[_R], id_: str) -> _R | None:
    """The row in force, or None."""
    row = con.execute(_SQL["master"].text, {"kind": kind.name, "id": id_}).fetchone()
    return decode(row[1], kind.shape) if row else None


def get(con: sqlite3.Connection, kind: Kind[_R], id_: str) -> _R:
    """The row in force; NOT_FOUND where there is none."""
    found = find(con, kind, id_)
    if found is None:
        raise Problem(NOT_FOUND, f"{kind.name} {id_}")
    return found


_TIMES: Final = ("trained_until", "valid_from", "valid_until")
"""Fields that are RFC 3339 where they say anything: every device reads them when it scans a code."""
IS_A: Final = {"person": IS_PERSON, "team": IS_TEAM, "crew": IS_CREW}
MOST_NAME: Final = 200
_PARTIES: Final = tuple(IS_A)
"""They are parties alike: one name cannot stand for two of them."""


def check_name(name: str) -> None:
    """Return only if something can be called that and be told apart on a screen; else BAD_NAME."""
    if not 0 < len(name) <= MOST_NAME or not name.isprintable() or name != name.strip():
        raise Problem(BAD_NAME, repr(name[:40]))


def check_new(con: sqlite3.Connection, kind: str, id_: str) -> None:
    """Return only if a row of this kind can have this id: BAD_NAME, or TAKEN where it is somebody else's."""
    check_name(id_)
    if (kind in _PARTIES and (is_role(id_) or id_.startswith(GUEST))) or (kind == SITE.name and id_ == EVERY):
        raise Problem(BAD_NAME, MEANS_ELSE.of(name=repr(id_)))
    others = [other for other in _PARTIES if other != kind] if kind in _PARTIES else []
    for other in others:
        if con.execute(_SQL["master"].text, {"kind": other, "id": id_}).fetchone():
            raise Problem(TAKEN, IS_A[other].of(name=id_))


def put(con: sqlite3.Connection, kind: Kind[_R], id_: str, row: _R, *, by: str, now_ms: int) -> bool:
    """Afterwards `row` is in force; the one before stays, with its end. False where it said the same already.

    Raises BAD_NAME and TAKEN where nothing new can have this id, UNREADABLE for a time that is none.
    """
    for name in _TIMES:
        if time := getattr(row, name, ""):
            milliseconds(time)
    before = find(con, kind, id_)
    if before == row:
        return False
    if before is None:
        check_new(con, kind.name, id_)
    names = {"kind": kind.name, "id": id_}
    (versions,) = con.execute(_SQL["master_versions"].text, names).fetchone()
    con.execute(_SQL["end_master"].text, names | {"until": now_ms, "ended_by": by})
    begun = {"version": versions + 1, "since": now_ms, "recorded_by": by, "body": encode(row).decode()}
    con.execute(_SQL["begin_master"].text, names | begun)
    return True


def end(con: sqlite3.Connection, kind: Kind[_R], id_: str, *, now_ms: int, by: str = "") -> None:
    """Afterwards no row of this name is in force; those that were stay, each with its end."""
    con.execute(_SQL["end_master"].text, {"kind": kind.name, "id": id_, "until": now_ms, "ended_by": by})


def forget_name(con: sqlite3.Connection, id_: str) -> int:
    """Afterwards no version of this person's row says a name, an address or a number: how many did.

    Not even one that ended. Files that rows were brought in with say such too: none is kept.
    """
    count = 0
    con.execute(_MASTERS["forget_files"].text)
    for version, body in con.execute(_REDACT["names_of"].text, {"kind": PERSON.name, "id": id_}).fetchall():
        row = decode(body, PERSON.shape)
        bare = msgspec.structs.replace(row, name="", email="", phone="")
        if bare != row:
            where = {"kind": PERSON.name, "id": id_, "version": version}
            con.execute(_REDACT["rename"].text, where | {"body": encode(bare).decode()})
            count += 1
    return count


def forget_names(con: sqlite3.Connection, said: Names) -> None:
    """Afterwards nobody has a name whom this list, which was given back, calls nothing: it was taken out meanwhile.

    Who was named after the list was issued keeps the name.
    """
    before = {"kind": PERSON.name, "before": milliseconds(said.issued_at)}
    for id_, _ in con.execute(_REDACT["named_before"].text, before).fetchall():
        if id_ not in said.names:
            forget_name(con, id_)
