"""Time zones by their IANA names."""

from zoneinfo import ZoneInfo

from sync.problems import WRONG_INPUT, Problem


def check_zone(name: str) -> None:
    """Return only if this machine knows the zone; else WRONG_INPUT."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise Problem(WRONG_INPUT, f"no time zone is called {name!r}; write one such as Europe/Berlin") from error
