"""Time zones by their IANA names."""

from zoneinfo import ZoneInfo

from sync.details import NO_ZONE
from sync.problems import BAD_ARGUMENT, Problem


def check_zone(name: str) -> None:
    """Return only if this machine knows the zone; else BAD_ARGUMENT."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise Problem(BAD_ARGUMENT, NO_ZONE.of(name=repr(name))) from error
