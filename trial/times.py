"""Times in a scenario: an instant by itself or from the start, and spans such as `1h30m`."""

import re
from typing import Final

from sync.clock import EARLIEST_MS, LATEST_MS, milliseconds
from sync.problems import BAD_SCENARIO, Problem

_SPAN = re.compile(r"([+-]?)(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?")
_UNITS_MS = (86_400_000, 3_600_000, 60_000, 1_000)
_MARGIN_MS: Final = 86_400_000
"""What a scenario sets up before its start, and what it records after its last step, fits in a day."""


def span_ms(text: str) -> int:
    """Milliseconds of `1d2h3m4s`, of any part of it and with a sign or not; else BAD_SCENARIO."""
    match = _SPAN.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        raise Problem(BAD_SCENARIO, f"{text!r} is no span; write 90m, 1h30m or -2d")
    total = sum(int(digits) * unit for digits, unit in zip(match.groups()[1:], _UNITS_MS, strict=True) if digits)
    return -total if match[1] == "-" else total


def check_written(ms: int, place: str = "") -> None:
    """Return only if all clocks and events of that time can be written, as RFC 3339 does; else BAD_SCENARIO."""
    if not EARLIEST_MS + _MARGIN_MS <= ms <= LATEST_MS - _MARGIN_MS:
        raise Problem(BAD_SCENARIO, "that is outside the years 1 to 9999, which a time is written in", place)


def after(start_ms: int, text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 time, or of `+span` after the start; else BAD_SCENARIO."""
    try:
        ms = start_ms + span_ms(text) if text.startswith("+") else milliseconds(text)
    except Problem as problem:
        if problem.kind is BAD_SCENARIO:
            raise
        raise Problem(
            BAD_SCENARIO, f"{problem.detail}; write 2026-03-02T09:30:00Z or +1h30m from the start"
        ) from problem
    check_written(ms)
    return ms
