"""Attendances as they were recorded, and which of them are one visit (rv-1, case 5).

Two vans, or a trip to the wholesaler, are one visit to the customer; a forgotten departure is not.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal

import msgspec

from sync.events import VisitOutcome, VisitType
from sync.policy import Arm

JOINED_BELOW_MS: Final = 2 * 3_600_000
"""Attendances of one job less than this apart are one visit."""
TECHNICIAN: Final = "technician"
NO_GAP: Final = "none"
NOT_CHECKED: Final = "not_checked"

Part = Literal["no", "part", "last"]


class Visit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One attendance as it was recorded. Times are UTC instants in milliseconds since 1970, None where not known.

    `asset` names the position (functional location), not the serial number, so that a swap keeps the key.
    `outcome` is None until it is said. `converted_ms` is when planned upkeep turned into a repair on site.
    `excluded` is a reason code; it counts only where `excluded_by` names a role other than the technician's.
    `gap` is what the check before departure found: "none", "not_checked" or a type of gap; `arm` is how the
    check was run: shadow (silent), prompt (shown), holdout (silent by lot).
    """

    id: str
    job: str
    site: str
    type: VisitType
    trade: str | None = None
    asset: str | None = None
    arrived_ms: int | None = None
    departed_ms: int | None = None
    outcome: VisitOutcome | None = None
    part: Part = "no"
    plan_declared_ms: int | None = None
    converted_ms: int | None = None
    excluded: str | None = None
    excluded_by: str | None = None
    gap: str = NOT_CHECKED
    arm: Arm | None = None


class Joined(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Attendances that are one visit; `visit` has the first one's id, the earliest arrival, the latest departure.

    `departed` is None where the latest departure is not known, never before the arrival. `members` are the ids of
    the attendances, first to last; `key` says which visits can match (None: none). `converted` is true where only
    a conversion on site makes it `corrective`. `excluded` is true where a reason code counts.
    """

    visit: Visit
    members: tuple[str, ...]
    key: str | None
    arrived: int
    departed: int | None
    corrective: bool
    converted: bool
    excluded: bool


def joined(attended: Iterable[Visit], severity: Sequence[str] = ()) -> list[Joined]:
    """The visits that these attendances make, in order of arrival, ties by id; all of them have arrived.

    Attendances of one job at one key join where they overlap, or follow each other in under two hours with no
    attendance of another job at that site begun between. `severity` orders the types of gap, worst first: the
    worst that was found is kept; unlisted ones come after, by name.
    """
    at_site: dict[str, list[tuple[int, str]]] = {}
    together: dict[tuple[str, str], list[Visit]] = {}
    visits: list[Joined] = []
    for visit in attended:
        at_site.setdefault(visit.site, []).append((arrival(visit), visit.job))
        key = match_key(visit)
        if key is None:
            visits.append(_one([visit], key, severity))
        else:
            together.setdefault((visit.job, key), []).append(visit)
    for arrivals in at_site.values():
        arrivals.sort()
    for (_, key), group in together.items():
        group.sort(key=lambda visit: (arrival(visit), visit.id))
        first, end = 0, last_known(group[0])
        for i, (before, after) in enumerate(pairwise(group), start=1):
            end = max(end, last_known(before))
            if not _continues(end, after, at_site[after.site]):
                visits.append(_one(group[first:i], key, severity))
                first, end = i, last_known(after)
        visits.append(_one(group[first:], key, severity))
    return sorted(visits, key=lambda one: (one.arrived, one.visit.id))


def match_key(visit: Visit) -> str | None:
    """What another visit must share to be about the same thing: the asset, else site and trade, else nothing."""
    if visit.asset:
        return f"asset {visit.asset}"
    # An empty trade is no trade: two visits of unknown kind at one site must not match each other.
    return f"site {visit.site}\n{visit.trade}" if visit.trade else None


def arrival(visit: Visit) -> int:
    """When somebody came, of a visit to which somebody did."""
    return visit.arrived_ms or 0


def last_known(visit: Visit) -> int:
    """The latest moment at which somebody is known to have been there, never before the arrival.

    Who never said that they left is known to be there at the arrival and no later: a forgotten departure must not
    swallow the trip of the following week. A departure before the arrival is a clock's fault: the stay has no length.
    """
    return arrival(visit) if visit.departed_ms is None else max(arrival(visit), visit.departed_ms)


def converted_on_site(visit: Visit) -> bool:
    """True where planned upkeep became a repair before everybody had left; afterwards it was not found on site."""
    if visit.converted_ms is None:
        return False
    return visit.departed_ms is None or visit.converted_ms <= last_known(visit)


def exclusion_counts(visit: Visit) -> bool:
    """True where a role other than the technician gave a reason code: leaving visits out is the way to cheat."""
    role = (visit.excluded_by or "").strip().lower()
    return bool(visit.excluded) and role not in ("", TECHNICIAN)


def _continues(end: int, after: Visit, at_site: list[tuple[int, str]]) -> bool:
    start = arrival(after)
    if start <= end:
        return True
    if start - end >= JOINED_BELOW_MS:
        return False
    between = at_site[bisect_left(at_site, (end, "")) : bisect_left(at_site, (start, ""))]
    return all(job == after.job for _, job in between)


def _one(group: list[Visit], key: str | None, severity: Sequence[str]) -> Joined:
    first, last = group[0], group[-1]
    plainly = any(visit.type == "corrective" for visit in group)
    converted = any(converted_on_site(visit) for visit in group)
    known = max((last_known(visit) for visit in group if visit.departed_ms is not None), default=None)
    # The latest departure is known only where nobody is known to have come after it.
    departed = known if known is not None and known >= arrival(last) else None
    visit = first
    if len(group) > 1:
        gap, arm = _gap_and_arm(group, severity)
        visit = msgspec.structs.replace(
            first,
            type="corrective" if plainly else first.type,
            trade=next((member.trade for member in group if member.trade), None),
            departed_ms=departed,
            outcome=last.outcome,
            part=last.part,
            plan_declared_ms=last.plan_declared_ms,
            converted_ms=min((m.converted_ms for m in group if m.converted_ms is not None), default=None),
            excluded=last.excluded,
            excluded_by=last.excluded_by,
            gap=gap,
            arm=arm,
        )
    elif first.departed_ms != departed:
        visit = msgspec.structs.replace(first, departed_ms=departed)
    return Joined(
        visit=visit,
        members=tuple(member.id for member in group),
        key=key,
        arrived=arrival(first),
        departed=departed,
        corrective=plainly or converted,
        converted=converted and not plainly,
        excluded=exclusion_counts(last),
    )


def _gap_and_arm(group: list[Visit], severity: Sequence[str]) -> tuple[str, Arm | None]:
    rank = {name: i for i, name in enumerate(severity)}
    with_gap = [visit for visit in group if visit.gap not in (NO_GAP, NOT_CHECKED)]
    arms = {visit.arm for visit in with_gap or group}
    # One prompt reaches the whole visit, so it was prompted; silence by lot says more than silence.
    order: tuple[Arm, ...] = ("prompt", "holdout", "shadow")
    arm = next((arm for arm in order if arm in arms), None)
    if with_gap:
        return min((visit.gap for visit in with_gap), key=lambda gap: (rank.get(gap, len(rank)), gap)), arm
    return NO_GAP if any(visit.gap == NO_GAP for visit in group) else NOT_CHECKED, arm
