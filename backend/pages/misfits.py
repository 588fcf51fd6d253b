"""What a form held that does not fit, from what msgspec says of it: the field, and what is wrong as people say it."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from sync.codec import UNREADABLE_JSON
from sync.details import EMPTY, LONG, NO_CHOICE, SHORT, TOO_LITTLE, TOO_MUCH
from sync.problems import WRONG_INPUT, Found, Problem

T = TypeVar("T")
_SAID: Final = re.compile(r"(?P<said>.*?)(?: - at `(?P<path>\$[^`]*)`)?", re.DOTALL)
_STEP: Final = re.compile(r"\[[^\]]*\]")
_WAYS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Found]], ...]] = (
    (re.compile(r"Object missing required field `(.*)`"), lambda _: EMPTY.of()),
    (re.compile(r"Expected `(?:str|array)` of length >= 1"), lambda _: EMPTY.of()),
    (re.compile(r"Expected `str` of length >= (\d+)"), lambda least: SHORT.of(least=int(least))),
    (re.compile(r"Expected `str` of length <= (\d+)"), lambda most: LONG.of(most=int(most))),
    (re.compile(r"Expected `array` of length <= (\d+)"), lambda most: TOO_MUCH.of(most=int(most))),
    (re.compile(r"Expected `int` >= (-?\d+)"), lambda least: TOO_LITTLE.of(least=int(least))),
    (re.compile(r"Expected `int` <= (-?\d+)"), lambda most: TOO_MUCH.of(most=int(most))),
    (re.compile(r"Invalid enum value '?(.*?)'?"), lambda text: NO_CHOICE.of(text=text[:60])),
)


def misfit(error: Exception) -> Problem:
    """WRONG_INPUT that names the field; what msgspec says in no way known here stays in its own words."""
    parts = _SAID.fullmatch(str(error))
    said, path = (parts["said"], parts["path"] or "") if parts else (str(error), "")
    where = _STEP.sub("", path).removeprefix("$").removeprefix(".")
    for pattern, make in _WAYS:
        found = pattern.fullmatch(said)
        if found:
            group = found[1] if pattern.groups else ""
            at = ".".join(part for part in (where, group) if part) if "missing required" in said else where
            return Problem(WRONG_INPUT, make(group), at)
    return Problem(WRONG_INPUT, said[:200], where)


def asked_as(given: dict[str, Any], shape: type[T]) -> T:
    """What a form asks for, in the shape in which programs ask; WRONG_INPUT where it does not fit."""
    try:
        return msgspec.convert(given, shape)
    except UNREADABLE_JSON as error:
        raise misfit(error) from error
