"""What signals say of a scan: a label with the signals it rests on. It never blocks a handover.

Both sides compute it from the same recorded evidence. Independent is who travels apart: two devices that one
person carries are one witness, and one device seen in two ways is one as well.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal

import msgspec

from sync.events import SignalObserved
from sync.evidence import BEACON, CONTRADICTS_M, CONTRADICTS_MS, WINDOW_MS, bounds

Label = Literal["corroborated", "partial", "none", "contradicted"]
Class = Literal["location", "beacon", "door", "weight", "pair"]
"""Kinds of evidence that are independent of each other; `pair` is an arrival and a departure around the scan."""

TOLERANCE_MS: Final = 60_000
"""Times of different devices may differ by this much, or by as much as they are uncertain."""
PLACING: Final[frozenset[Class]] = frozenset({"location", "beacon"})
"""At least one of these must be among what corroborates: a door alone opens for anybody."""


class Corroboration(msgspec.Struct, frozen=True, kw_only=True):
    """`label`, by which classes of evidence and which witnesses, and the keys of the signals for and against.

    `out_of_order` names neighbours among arrival, door open, scan, door closed and departure whose times are
    the wrong way round by more than the tolerance.
    """

    label: Label
    classes: tuple[Class, ...] = ()
    witnesses: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    out_of_order: tuple[str, ...] = ()


def corroborate(
    evidence: Iterable[SignalObserved], site: str, scan_ms: int, unc_ms: int, carriers: Collection[str]
) -> Corroboration:
    """What the evidence says of a scan at `site` at `scan_ms`, give or take `unc_ms`, by these people and vehicles.

    Corroborated: two classes from two witnesses, one of them a location or a beacon, within a quarter of an
    hour. Partial: less than that. Contradicted: a trusted fix more than 500 m beyond the fence within three
    minutes, whatever else speaks for it.
    """
    facts = sorted(
        (fact for fact in evidence if speaks_of(fact, site, carriers)),
        key=lambda fact: (bounds(fact), fact.observed, fact.device, fact.rests_on),
    )
    against = [fact for fact in facts if _contradicts(fact, scan_ms, unc_ms)]
    around = (scan_ms - WINDOW_MS - unc_ms, scan_ms + WINDOW_MS + unc_ms)
    near = [fact for fact in facts if _meets(fact, *around) and fact not in against]
    pairs = [pair for pair in _pairs(facts) if _covers(pair, scan_ms, unc_ms)]
    found: dict[tuple[Class, str], list[SignalObserved]] = {}
    for fact in near:
        class_ = _class(fact)
        if class_:
            found.setdefault((class_, fact.source), []).append(fact)
    for came, went in pairs:
        found.setdefault(("pair", came.source), []).extend((came, went))
    return Corroboration(
        label="contradicted" if against else _label(found.keys()),
        classes=tuple(sorted({class_ for class_, _ in found})),
        witnesses=tuple(sorted({witness for _, witness in found})),
        rests_on=_keys(fact for facts_ in found.values() for fact in facts_),
        against=_keys(against),
        out_of_order=_out_of_order(near, pairs, scan_ms, unc_ms),
    )


def speaks_of(fact: SignalObserved, site: str, carriers: Collection[str]) -> bool:
    """Whether the fact is one about these people and vehicles at this site, or of a sensor fixed there.

    The phone of somebody else who happens to be there says nothing about them.
    """
    if fact.site != site or fact.upper_ms is None:
        return False
    fixed = fact.trusted and fact.source == fact.device and fact.observed in ("door", "load", "excursion", "shock")
    return fixed or fact.source in carriers


def concerns(fact: SignalObserved, site: str, from_ms: int, to_ms: int, carriers: Collection[str]) -> bool:
    """Whether the fact belongs to a visit to this site between these times, a quarter of an hour before and after."""
    return speaks_of(fact, site, carriers) and _meets(fact, from_ms - WINDOW_MS, to_ms + WINDOW_MS)


def _label(found: Iterable[tuple[Class, str]]) -> Label:
    seen = sorted(found)
    if any(
        place in PLACING and class_ != place and witness != other for place, witness in seen for class_, other in seen
    ):
        return "corroborated"
    return "partial" if seen else "none"


def _class(fact: SignalObserved) -> Class | None:
    """The class of evidence that a fact about this site is; None for what says nothing of who was there."""
    match fact.observed:
        case "door":
            return "door"
        case "load":
            return "weight"
        case "arrival" | "departure":
            return "beacon" if fact.value == BEACON else "location"
        case "position" if fact.elsewhere_m == 0:
            return "beacon" if fact.value == BEACON else "location"
        case _:
            return None


def _contradicts(fact: SignalObserved, scan_ms: int, unc_ms: int) -> bool:
    middle = sum(bounds(fact)) // 2
    return (
        fact.observed == "position"
        and fact.trusted
        and (fact.elsewhere_m or 0) > CONTRADICTS_M
        and abs(middle - scan_ms) <= CONTRADICTS_MS + unc_ms
    )


def _meets(fact: SignalObserved, from_ms: int, to_ms: int) -> bool:
    lower, upper = bounds(fact)
    return lower <= to_ms and upper >= from_ms


def _pairs(facts: Sequence[SignalObserved]) -> list[tuple[SignalObserved, SignalObserved]]:
    """Each arrival with the departure of the same device that came next."""
    ends = [fact for fact in facts if fact.observed in ("arrival", "departure")]
    ends.sort(key=lambda fact: (fact.device, bounds(fact), fact.observed))
    return [
        (came, went)
        for came, went in pairwise(ends)
        if (came.observed, went.observed, came.device) == ("arrival", "departure", went.device)
    ]


def _covers(pair: tuple[SignalObserved, SignalObserved], scan_ms: int, unc_ms: int) -> bool:
    slack = max(TOLERANCE_MS, unc_ms)
    return bounds(pair[0])[0] - slack <= scan_ms <= bounds(pair[1])[1] + slack


def _keys(facts: Iterable[SignalObserved]) -> tuple[str, ...]:
    return tuple(sorted({key for fact in facts for key in fact.rests_on}))


def _out_of_order(
    near: Sequence[SignalObserved],
    pairs: Sequence[tuple[SignalObserved, SignalObserved]],
    scan_ms: int,
    unc_ms: int,
) -> tuple[str, ...]:
    """Neighbours in arrive, door open, scan, door closed, leave that are the wrong way round beyond tolerance."""
    doors = [fact for fact in near if fact.observed == "door"]
    steps = (
        ("arrival", [bounds(came) for came, _ in pairs][:1]),
        ("door open", [bounds(fact) for fact in doors if fact.value == "open"][:1]),
        ("scan", [(scan_ms - unc_ms, scan_ms + unc_ms)]),
        ("door closed", [bounds(fact) for fact in doors if fact.value == "closed"][-1:]),
        ("departure", [bounds(went) for _, went in pairs][-1:]),
    )
    known = [(name, span) for name, spans in steps for span in spans]
    return tuple(
        f"{first} after {then}" for (first, before), (then, after) in pairwise(known) if _is_later(before, after)
    )


def _is_later(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one time is after the other by more than a minute, and by more than the two are uncertain."""
    unsure_ms = (one[1] - one[0] + other[1] - other[0]) // 2
    return (sum(one) - sum(other)) // 2 > max(TOLERANCE_MS, unsure_ms)
