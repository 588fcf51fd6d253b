"""Facts that supersede each other: which one stands, without asking when they came.

A fact names the hashes of those it `replaces`. What nothing replaces stands. Where several stand, what all
of them replace, directly or through others, is read by the same rule instead, until one replaces them all.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

import msgspec

from sync.codec import UNREADABLE_JSON, check_times
from sync.events import Correction, Event, Fact
from sync.problems import Problem

_F = TypeVar("_F", bound=Fact)


def in_force(events: Iterable[Event]) -> tuple[Event | None, bool]:
    """The event that is read, and whether several stand against each other (a discrepancy)."""
    pool = {event.hash: event for event in events}
    above = {hash_: _replaced(hash_, pool) for hash_ in pool}
    disputed = False
    while pool:
        replaced = {hash_ for one in pool for hash_ in above[one]}
        tops = [hash_ for hash_ in pool if hash_ not in replaced]
        if len(tops) == 1:
            return pool[tops[0]], disputed
        disputed = True
        common = frozenset.intersection(*(above[top] for top in tops))
        pool = {hash_: pool[hash_] for hash_ in common}
    return None, disputed


def _replaced(hash_: str, pool: dict[str, Event]) -> frozenset[str]:
    """All that this one replaces among `pool`, directly or through others."""
    found: set[str] = set()
    ahead = [hash_]
    while ahead:
        body = pool[ahead.pop()].body
        for older in body.replaces if body is not None else ():
            if older in pool and older not in found:
                found.add(older)
                ahead.append(older)
    return frozenset(found)


def still_standing(events: Iterable[Event]) -> list[Event]:
    """The events that none of them replaces, by hash."""
    pool = {event.hash: event for event in events}
    replaced = {hash_ for event in pool.values() if event.body for hash_ in event.body.replaces}
    return [pool[hash_] for hash_ in sorted(pool) if hash_ not in replaced]


def corrected(body: Fact, corrections: Iterable[Event], known: Collection[str]) -> tuple[Fact, bool]:
    """A body with its corrections put in, and whether they contradict each other or cannot be put in.

    Several corrections of one event stand together where they agree; a field on which they differ, or that is not
    among `known`, stays as it was.
    """
    wanted: dict[str, set[str]] = {}
    for event in still_standing(corrections):
        if isinstance(event.body, Correction):
            for name, value in event.body.fields.items():
                wanted.setdefault(name, set()).add(value)
    agreed = {name: values.copy().pop() for name, values in wanted.items() if len(values) == 1}
    if not wanted:
        return body, False
    fitting = {name: value for name, value in agreed.items() if name in known}
    right = put_in(body, fitting)
    return (body, True) if right is None else (right, len(fitting) < len(wanted))


def put_in(body: _F, fields: Mapping[str, str]) -> _F | None:
    """The body with these of its fields so, numbers in words; None where a value does not fit."""
    try:
        right = msgspec.convert(msgspec.to_builtins(body) | dict(fields), type(body), strict=False)
        check_times(right)
    except (*UNREADABLE_JSON, Problem):
        return None
    return right
