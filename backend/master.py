"""People, teams, devices and sites: plain versioned rows, who changed them and when. Documents are cut from them."""

import sqlite3
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from backend.store.sqlite import queries
from sync.codec import decode, encode
from sync.payload import Id
from sync.policy import Role
from sync.problems import NOT_FOUND, Problem
from sync.seal import Jwk

_SQL: Final = queries("office")
Name = Annotated[str, Meta(max_length=200)]


class PersonRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Somebody who works here; `sites` is the scope: empty is none, `*` is all."""

    name: Name = ""
    roles: tuple[Role, ...] = ()
    skills: tuple[str, ...] = ()
    teams: tuple[Id, ...] = ()
    sites: tuple[str, ...] = ()
    trained_until: str = ""


class TeamRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A party of several people."""

    name: Name = ""


class DeviceRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A device and the people who may record on it; `jwk` is its key once it is enrolled. Times are RFC 3339."""

    people: tuple[Id, ...] = ()
    jwk: Jwk | None = None
    valid_from: str = ""
    valid_until: str = ""


class SiteRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A place where work is done; `zone` is an IANA name, in which times without offset are read."""

    name: Name = ""
    zone: str = "UTC"
    address: str = ""
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None


Row = PersonRow | TeamRow | DeviceRow | SiteRow
_R = TypeVar("_R", PersonRow, TeamRow, DeviceRow, SiteRow)


class Kind(Generic[_R]):
    """One sheet of master data: its name and the shape of its rows."""

    def __init__(self, name: str, shape: type[_R]) -> None:
        self.name = name
        self.shape: type[_R] = shape


PERSON: Final = Kind("person", PersonRow)
TEAM: Final = Kind("team", TeamRow)
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


def put(con: sqlite3.Connection, kind: Kind[_R], id_: str, row: _R, *, by: str, now_ms: int) -> bool:
    """Afterwards `row` is in force; the one before stays, with its end. False where it said the same already."""
    if find(con, kind, id_) == row:
        return False
    names = {"kind": kind.name, "id": id_}
    (versions,) = con.execute(_SQL["master_versions"].text, names).fetchone()
    con.execute(_SQL["end_master"].text, names | {"until": now_ms})
    begun = {"version": versions + 1, "since": now_ms, "recorded_by": by, "body": encode(row).decode()}
    con.execute(_SQL["begin_master"].text, names | begun)
    return True
