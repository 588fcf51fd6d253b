"""The shapes of master data: versioned rows, never events, so that `rebuild` touches none of them.

A field that ends in `_g`, `_ml` or `minutes` has that unit; None where it is not known, which is never taken for 0.
Days and times are the wall clock's where the row is used: they carry no offset.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from backend.master import Email, Kind, Name, Phone
from sync.payload import Id

Ref = Annotated[str, Meta(max_length=200)]
"""The id of a row of another kind; "" where there is none."""
Grams = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Millilitres = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Minutes = Annotated[int, Meta(ge=0, le=14 * 24 * 60)]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
"""A day of the calendar."""
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d(T\d\d:\d\d)?$")]
"""A day, or a minute of one."""
_SPAN = r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)"
Spans = Annotated[str, Meta(pattern=rf"^({_SPAN}( {_SPAN})*)?$")]
"""When work is done on a day of the week, such as `08:00-12:00 12:30-16:30`. One that ends before it begins ends on
the next day; "" is a day off."""
Why = Literal["leave", "ill", "training", "other"]


class MasterRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A row of master data."""


class SkillRow(MasterRow, frozen=True, kw_only=True):
    """Something that not everybody can, or may, do."""

    name: Name = ""


class VehicleRow(MasterRow, frozen=True, kw_only=True):
    """What a crew drives, what it carries, and the site where its day begins."""

    name: Name = ""
    plate: Annotated[str, Meta(max_length=40)] = ""
    payload_g: Grams | None = None
    volume_ml: Millilitres | None = None
    start: Ref = ""


class HoursRow(MasterRow, frozen=True, kw_only=True):
    """Working hours by day of the week; days that are holidays of `region` are off."""

    name: Name = ""
    monday: Spans = ""
    tuesday: Spans = ""
    wednesday: Spans = ""
    thursday: Spans = ""
    friday: Spans = ""
    saturday: Spans = ""
    sunday: Spans = ""
    region: Annotated[str, Meta(max_length=60)] = ""


class HolidayRow(MasterRow, frozen=True, kw_only=True):
    """A day on which nobody works in a region; its id is `REGION/DAY`."""

    region: Annotated[str, Meta(min_length=1, max_length=60)]
    day: Day
    name: Name = ""


class AbsenceRow(MasterRow, frozen=True, kw_only=True):
    """Somebody is not there, from `begins` through `ends`: a day counts whole. Its id is `PERSON/BEGINS`."""

    person: Id
    begins: Moment
    ends: Moment
    why: Why = "leave"


class RotaRow(MasterRow, frozen=True, kw_only=True):
    """Somebody is on call, from `begins` through `ends`, for an area or, where none is said, for all of them.

    Its id is `PERSON/BEGINS`.
    """

    person: Id
    begins: Moment
    ends: Moment
    area: Annotated[str, Meta(max_length=60)] = ""


class CustomerRow(MasterRow, frozen=True, kw_only=True):
    """Who has work done, and at which sites."""

    name: Name = ""
    phone: Phone = ""
    email: Email = ""
    address: Annotated[str, Meta(max_length=500)] = ""
    sites: tuple[Id, ...] = ()


class ContactRow(MasterRow, frozen=True, kw_only=True):
    """Whom one calls at a customer's; `sites` are those of the customer's that he speaks for, empty: all of them."""

    name: Name = ""
    customer: Ref = ""
    position: Annotated[str, Meta(max_length=100)] = ""
    phone: Phone = ""
    email: Email = ""
    sites: tuple[Id, ...] = ()


class PointRow(MasterRow, frozen=True, kw_only=True):
    """A labelled spot in a site."""

    name: Name = ""
    site: Id


class AssetRow(MasterRow, frozen=True, kw_only=True):
    """What is kept working at a site; `gs1` is a GS1 element string such as `(01)…(21)…` or `(8004)…`."""

    name: Name = ""
    type: Annotated[str, Meta(max_length=60)] = ""
    site: Id
    point: Ref = ""
    serial: Annotated[str, Meta(max_length=100)] = ""
    customer: Ref = ""
    gs1: Annotated[str, Meta(max_length=200)] = ""


class ArticleRow(MasterRow, frozen=True, kw_only=True):
    """Goods: what one piece weighs and takes up."""

    name: Name = ""
    weight_g: Grams | None = None
    volume_ml: Millilitres | None = None
    gtin: Annotated[str, Meta(max_length=14)] = ""


class IntentRow(MasterRow, frozen=True, kw_only=True):
    """What a job is to come to: who can do it, and how long that usually takes."""

    name: Name = ""
    skills: tuple[Id, ...] = ()
    minutes: Minutes | None = None


class FixRow(MasterRow, frozen=True, kw_only=True):
    """What is approved to be done about a fault of a type of asset; its id is `TYPE/FAULT`."""

    type: Annotated[str, Meta(min_length=1, max_length=60)]
    fault: Annotated[str, Meta(min_length=1, max_length=120)]
    steps: Annotated[str, Meta(min_length=1, max_length=4000)]
    articles: tuple[Id, ...] = ()
    minutes: Minutes | None = None


SKILL: Final = Kind("skill", SkillRow)
VEHICLE: Final = Kind("vehicle", VehicleRow)
HOURS: Final = Kind("hours", HoursRow)
HOLIDAY: Final = Kind("holiday", HolidayRow)
ABSENCE: Final = Kind("absence", AbsenceRow)
ROTA: Final = Kind("rota", RotaRow)
CUSTOMER: Final = Kind("customer", CustomerRow)
CONTACT: Final = Kind("contact", ContactRow)
POINT: Final = Kind("point", PointRow)
ASSET: Final = Kind("asset", AssetRow)
ARTICLE: Final = Kind("article", ArticleRow)
INTENT: Final = Kind("intent", IntentRow)
FIX: Final = Kind("fix", FixRow)
