"""Times as events carry them: what the wall clock said, and how far the machine had counted.

Nothing here reads a clock; `world.py` on each side does. No verdict and no fold rests on a time.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from sync.problems import UNREADABLE, Problem

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
Ms = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
"""Milliseconds, no more than every reader of JSON holds exactly."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_MS: Final = -62_135_596_800_000
LATEST_MS: Final = 253_402_300_799_999
"""The first and the last millisecond that RFC 3339 can write: of the years 1 and 9999 in UTC."""


class Anchor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last signed time a device got from its backend within this boot: the document's id, and `mono` when it came.

    `trip` is how many milliseconds before that the device had asked for it: the time was signed in between.
    """

    id: str
    mono: Ms
    trip: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class Moment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """When an event was recorded, by its author's own clocks.

    `wall` is RFC 3339 with an offset; `mono` counts milliseconds since `boot` began and never goes back.
    """

    wall: str
    mono: Ms
    boot: str
    anchor: Anchor | None = None


def rfc3339(ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC, to the millisecond.

    A time outside the years 1 to 9999 is written as the nearest inside: a limit that long after a time, or a clock
    that far off, must keep nobody from working.
    """
    moment = _EPOCH + timedelta(milliseconds=min(max(ms, EARLIEST_MS), LATEST_MS))
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def is_written_right(text: str) -> bool:
    """True if the text has the form of RFC 3339, though the day or hour it names may not exist."""
    return _RFC3339.fullmatch(text) is not None


def milliseconds(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 time, finer parts cut off; any other form is refused (UNREADABLE).

    Only that form, though Python reads more: what is readable must not depend on who reads. A leap second
    (`:60`) is refused, since no day here has one. So is what an offset takes out of the years 1 to 9999: it could
    not be written again.
    """
    if not is_written_right(text):
        raise Problem(UNREADABLE, f"{text[:40]!r} is not an RFC 3339 time with an offset, like 2026-01-05T08:00:00Z")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise Problem(UNREADABLE, f"{text[:40]!r} is no time of any day") from error
    since = moment - _EPOCH
    ms = (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
    if not EARLIEST_MS <= ms <= LATEST_MS:
        raise Problem(UNREADABLE, f"{text[:40]!r} is in no year from 1 to 9999 of UTC")
    return ms
