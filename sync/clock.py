"""Times as events carry them: what the wall clock said, and how far the machine had counted.

Nothing here reads a clock; `world.py` on each side does. No verdict and no fold rests on a time.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from sync.problems import UNREADABLE, Problem


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The last signed time a device held from its backend: the document's id, and `mono` when it came."""

    id: str
    mono: int


class Moment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When an event was recorded, by its author's own clocks.

    `wall` is RFC 3339 with an offset; `mono` counts milliseconds since `boot` began and never goes back.
    """

    wall: str
    mono: int
    boot: str
    anchor: Anchor | None = None


def rfc3339(ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC, to the millisecond; years 1 to 9999."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def milliseconds(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 time; one without an offset is refused (UNREADABLE)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(UNREADABLE, f"{text[:40]!r} is not an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise Problem(UNREADABLE, f"{text[:40]!r} has no offset; write Z or +01:00 behind it")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
