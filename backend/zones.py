"""Time zones by their IANA names, and times as people write them there."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sync.clock import rfc3339
from sync.details import NO_TIME, NO_ZONE
from sync.problems import BAD_ARGUMENT, WRONG_INPUT, Problem


def check_zone(name: str) -> None:
    """Return only if this machine knows the zone; else BAD_ARGUMENT."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise Problem(BAD_ARGUMENT, NO_ZONE.of(name=repr(name))) from error


def instant_there(day: str, clock: str, zone: str, where: str = "") -> str:
    """A day and a time of day (`2026-10-05`, `08:30`) in a zone as RFC 3339 in UTC; "" where no day is said.

    Of an hour that comes twice the first is meant. Raises WRONG_INPUT for what is no day or no time, named `where`.
    """
    if not day:
        return ""
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}").replace(tzinfo=ZoneInfo(zone))
    except ValueError as error:
        raise Problem(WRONG_INPUT, NO_TIME.of(), where) from error
    return rfc3339(int(moment.timestamp() * 1000))


def day_and_clock(ms: int | None, zone: str) -> tuple[str, str]:
    """The same the other way round, from ms since 1970; two empty texts for None."""
    if ms is None:
        return "", ""
    there = datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return f"{there:%Y-%m-%d}", f"{there:%H:%M}"
