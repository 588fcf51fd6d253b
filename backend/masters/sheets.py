"""Every sheet of master data, declared once: pages, spreadsheets and the rules between rows are drawn from it.

A sheet is a kind as people see it: its columns, what may stand in each, and who may read it.
"""

from typing import Any, Final, Literal, get_args

import msgspec

from backend.master import CREW, DEVICE, PERSON, SITE, TEAM, Kind
from backend.masters.rows import (
    ABSENCE,
    ARTICLE,
    ASSET,
    CONTACT,
    CUSTOMER,
    FIX,
    HOLIDAY,
    HOURS,
    INTENT,
    POINT,
    ROTA,
    SKILL,
    VEHICLE,
    Why,
)
from sync.policy import Role

Type = Literal[
    "line", "text", "phone", "email", "zone", "whole", "number", "flag", "day", "moment", "instant", "spans", "choice",
    "gtin", "gs1",
]  # fmt: skip
Group = Literal["people", "time", "places", "customers", "goods", "work"]
Scope = Literal["", "id", "site", "sites", "customer"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A column. With `many` its cell holds several values; `refers` names the kinds of which a value names a row.

    `also` are values that name no row and are meant all the same. `example` is what a template shows.
    """

    name: str
    type: Type = "line"
    many: bool = False
    refers: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    needed: bool = False
    unit: str = ""
    choices: tuple[str, ...] = ()
    example: str = ""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A kind as people see it. Where `key` names fields, the id of a row is made of them; else it has a column.

    `scope` says which site decides whether somebody may read a row: its own id, a field of it, or its customer's;
    "" where the role alone does. `own_words` are fields that mean something else here than on other sheets, `listed`
    those that a list shows.
    """

    name: str
    kind: Kind[Any]
    group: Group
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    example: str = ""
    readers: frozenset[Role]
    scope: Scope = ""
    own_words: frozenset[str] = frozenset()
    listed: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return (*(() if self.key else ("id",)), *(field.name for field in self.fields))

    def field(self, name: str) -> Field:
        """The column of this name; the id of a row is one too."""
        return next((field for field in self.fields if field.name == name), ID)

    def id_of(self, row: msgspec.Struct) -> str:
        """The id that a row has by its key."""
        return "/".join(str(getattr(row, name)) for name in self.key)


ID: Final = Field(name="id", needed=True)
_ROLES: Final[tuple[Role, ...]] = get_args(Role)
_ADMIN: Final[frozenset[Role]] = frozenset({"admin"})
_OFFICE: Final[frozenset[Role]] = frozenset({"admin", "dispatcher", "manager"})
_PLANNING: Final[frozenset[Role]] = frozenset({"admin", "dispatcher"})
_ALL: Final[frozenset[Role]] = frozenset({"admin", "depot", "dispatcher", "manager"})
_NAME: Final = Field(name="name")


def _hours(example: str = "office") -> Field:
    return Field(name="hours", refers=("hours",), example=example)


SHEETS: Final = (
    Sheet(
        name="hours",
        kind=HOURS,
        group="time",
        readers=_ALL,
        example="office",
        listed=("name", "monday", "friday", "region"),
        fields=(
            Field(name="name", example="Office hours"),
            Field(name="monday", type="spans", example="08:00-12:00 12:30-16:30"),
            Field(name="tuesday", type="spans", example="08:00-12:00 12:30-16:30"),
            Field(name="wednesday", type="spans", example="08:00-12:00 12:30-16:30"),
            Field(name="thursday", type="spans", example="08:00-12:00 12:30-16:30"),
            Field(name="friday", type="spans", example="08:00-14:00"),
            Field(name="saturday", type="spans"),
            Field(name="sunday", type="spans"),
            Field(name="region", example="DE-BE"),
        ),
    ),
    Sheet(
        name="holidays",
        kind=HOLIDAY,
        group="time",
        readers=_ALL,
        key=("region", "day"),
        listed=("name",),
        fields=(
            Field(name="region", needed=True, example="DE-BE"),
            Field(name="day", type="day", needed=True, example="2027-05-01"),
            Field(name="name", example="Labour Day"),
        ),
    ),
    Sheet(
        name="sites",
        kind=SITE,
        group="places",
        readers=_ALL,
        scope="id",
        example="mill",
        listed=("name", "address", "area", "depot"),
        fields=(
            Field(name="name", example="The old mill"),
            Field(name="zone", type="zone", example="Europe/Berlin"),
            Field(name="address", type="text", example="Mühlenweg 4, 14467 Potsdam"),
            Field(name="lat", type="number", unit="°", example="52.3989"),
            Field(name="lon", type="number", unit="°", example="13.0657"),
            Field(name="area", example="south"),
            _hours(),
            Field(name="depot", type="flag"),
        ),
    ),
    Sheet(
        name="points",
        kind=POINT,
        group="places",
        readers=_ALL,
        scope="site",
        example="mill-cellar",
        listed=("name", "site"),
        fields=(
            Field(name="name", example="Cellar, left of the stairs"),
            Field(name="site", refers=("site",), needed=True, example="mill"),
        ),
    ),
    Sheet(
        name="skills",
        kind=SKILL,
        group="people",
        readers=_ALL,
        example="cooling",
        listed=("name",),
        fields=(Field(name="name", example="Refrigerant circuits"),),
    ),
    Sheet(
        name="teams",
        kind=TEAM,
        group="people",
        readers=_ALL,
        example="north-desk",
        listed=("name", "hours"),
        fields=(Field(name="name", example="Desk north"), _hours()),
    ),
    Sheet(
        name="people",
        kind=PERSON,
        group="people",
        readers=_ADMIN,
        own_words=frozenset({"sites"}),
        example="anna",
        listed=("name", "roles", "teams", "phone"),
        fields=(
            Field(name="name", example="Anna Nowak"),
            Field(name="roles", type="choice", many=True, choices=_ROLES, example="technician"),
            Field(name="skills", many=True, refers=("skill",), example="cooling"),
            Field(name="teams", many=True, refers=("team",), example="north-desk"),
            Field(name="sites", many=True, refers=("site",), also=("*",), example="*"),
            Field(name="trained_until", type="instant", example="2028-01-01T00:00:00Z"),
            _hours(),
            Field(name="email", type="email", example="anna@field.example"),
            Field(name="phone", type="phone", example="+49 331 5550110"),
            Field(name="entitlements", many=True, example="service contract"),
        ),
    ),
    Sheet(
        name="vehicles",
        kind=VEHICLE,
        group="people",
        readers=_ALL,
        example="van-1",
        listed=("name", "plate", "payload_g", "start"),
        fields=(
            Field(name="name", example="Van 1"),
            Field(name="plate", example="P-FS 101"),
            Field(name="payload_g", type="whole", unit="g", example="900000"),
            Field(name="volume_ml", type="whole", unit="ml", example="6000000"),
            Field(name="start", refers=("site",), example="mill"),
        ),
    ),
    Sheet(
        name="crews",
        kind=CREW,
        group="people",
        readers=_ALL,
        example="crew-1",
        listed=("name", "members", "vehicle", "start"),
        fields=(
            Field(name="name", example="Crew 1"),
            Field(name="members", many=True, refers=("person",), example="anna; bo"),
            Field(name="vehicle", refers=("vehicle",), example="van-1"),
            Field(name="start", refers=("site",), example="mill"),
            _hours(),
        ),
    ),
    Sheet(
        name="devices",
        kind=DEVICE,
        group="people",
        readers=_ADMIN,
        example="phone-anna",
        listed=("people", "valid_until"),
        fields=(
            Field(name="people", many=True, refers=("person",), example="anna"),
            Field(name="valid_from", type="instant"),
            Field(name="valid_until", type="instant"),
        ),
    ),
    Sheet(
        name="absences",
        kind=ABSENCE,
        group="time",
        readers=_PLANNING,
        key=("person", "begins"),
        listed=("ends", "why"),
        fields=(
            Field(name="person", refers=("person",), needed=True, example="anna"),
            Field(name="begins", type="moment", needed=True, example="2027-07-05"),
            Field(name="ends", type="moment", needed=True, example="2027-07-16"),
            Field(name="why", type="choice", choices=get_args(Why), example="leave"),
        ),
    ),
    Sheet(
        name="rota",
        kind=ROTA,
        group="time",
        readers=_OFFICE,
        key=("person", "begins"),
        listed=("ends", "area"),
        fields=(
            Field(name="person", refers=("person",), needed=True, example="anna"),
            Field(name="begins", type="moment", needed=True, example="2027-07-02T16:30"),
            Field(name="ends", type="moment", needed=True, example="2027-07-05T08:00"),
            Field(name="area", example="south"),
        ),
    ),
    Sheet(
        name="customers",
        kind=CUSTOMER,
        group="customers",
        readers=_ALL,
        scope="sites",
        example="mill-works",
        listed=("name", "phone", "address", "sites"),
        fields=(
            Field(name="name", example="Mill Works Ltd"),
            Field(name="phone", type="phone", example="+49 331 5550100"),
            Field(name="email", type="email", example="office@mill-works.example"),
            Field(name="address", type="text", example="Mühlenweg 4, 14467 Potsdam"),
            Field(name="sites", many=True, refers=("site",), example="mill"),
        ),
    ),
    Sheet(
        name="contacts",
        kind=CONTACT,
        group="customers",
        readers=_ALL,
        scope="customer",
        example="mill-works-kim",
        listed=("name", "customer", "position", "phone"),
        fields=(
            Field(name="name", example="Jo Kim"),
            Field(name="customer", refers=("customer",), needed=True, example="mill-works"),
            Field(name="position", example="Caretaker"),
            Field(name="phone", type="phone", example="+49 331 5550101"),
            Field(name="email", type="email", example="kim@mill-works.example"),
            Field(name="sites", many=True, refers=("site",), example="mill"),
        ),
    ),
    Sheet(
        name="assets",
        kind=ASSET,
        group="places",
        readers=_ALL,
        scope="site",
        example="mill-chiller",
        listed=("name", "type", "site", "serial"),
        fields=(
            Field(name="name", example="Chiller in the cellar"),
            Field(name="type", example="chiller"),
            Field(name="site", refers=("site",), needed=True, example="mill"),
            Field(name="point", refers=("point",), example="mill-cellar"),
            Field(name="serial", example="CH-2043-77"),
            Field(name="customer", refers=("customer",), example="mill-works"),
            Field(name="gs1", type="gs1", example="(8004)4012345CH204377"),
        ),
    ),
    Sheet(
        name="articles",
        kind=ARTICLE,
        group="goods",
        readers=_ALL,
        example="filter-f7",
        listed=("name", "weight_g", "volume_ml", "gtin"),
        fields=(
            Field(name="name", example="Filter F7"),
            Field(name="weight_g", type="whole", unit="g", example="400"),
            Field(name="volume_ml", type="whole", unit="ml", example="3000"),
            Field(name="gtin", type="gtin", example="4012345678901"),
        ),
    ),
    Sheet(
        name="intents",
        kind=INTENT,
        group="work",
        readers=_ALL,
        example="repair-cooling",
        listed=("name", "skills", "minutes"),
        fields=(
            Field(name="name", example="Repair a cooling system"),
            Field(name="skills", many=True, refers=("skill",), example="cooling"),
            Field(name="minutes", type="whole", unit="min", example="90"),
        ),
    ),
    Sheet(
        name="fixes",
        kind=FIX,
        group="work",
        readers=_ALL,
        key=("type", "fault"),
        listed=("steps", "articles", "minutes"),
        fields=(
            Field(name="type", needed=True, example="chiller"),
            Field(name="fault", needed=True, example="High pressure"),
            Field(name="steps", type="text", needed=True, example="Clean the condenser, then reset."),
            Field(name="articles", many=True, refers=("article",), example="filter-f7"),
            Field(name="minutes", type="whole", unit="min", example="45"),
        ),
    ),
)
"""Each stands behind those that it refers to, so that whoever fills them in from the first to the last needs nothing
that comes later."""
BY_NAME: Final = {sheet.name: sheet for sheet in SHEETS}
BY_KIND: Final = {sheet.kind.name: sheet for sheet in SHEETS}
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
ELSEWHERE: Final = frozenset({"people", "teams", "devices"})
"""Sheets with pages of their own, where more is done than to keep rows."""
