"""Which visit repeats which: rule rv-1, the same answer for any order of the same visits.

A repeat visit is a corrective visit (or an unplanned return of the same job) that begins inside the window
after an eligible visit to the same asset departed. Everything a number about repeat visits rests on is
returned beside it: what was joined, what was taken out and why, and what could not be matched.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from sync.attendances import Joined, Visit, arrival, converted_on_site, exclusion_counts, joined
from sync.events import VisitType

__all__ = [
    "ALARM_SHARE",
    "DAY_MS",
    "DEFINITION_VERSION",
    "INDEX_TYPES",
    "SHORT_WINDOW_MS",
    "WINDOW_MS",
    "Aborted",
    "Judged",
    "Odd",
    "Repeats",
    "Visit",
    "renamed",
    "repeats",
]

DEFINITION_VERSION: Final = "rv-1"
DAY_MS: Final = 86_400_000
WINDOW_MS: Final = 30 * DAY_MS
"""W: thirty days of exactly 24 hours, counted from the departure."""
SHORT_WINDOW_MS: Final = 14 * DAY_MS
"""The window shown beside W, for readers who are used to it."""
ALARM_SHARE: Final = 0.05
"""Above this share of visits without a key, or taken out by a reason code, a person should look."""
INDEX_TYPES: Final[frozenset[VisitType]] = frozenset({"corrective", "install", "commission", "delivery"})
"""Types whose visits can be repeated, and whose unplanned returns on the same job are repeats."""

Standing = Literal["index", "no_key", "not_departed", "planned_part", "other_type"]
Reason = Literal["fault", "return", "part", "delivery", "found_on_pm"]
Oddity = Literal["exclusion_without_other_role", "converted_after_departure", "departed_before_arrival"]


class Judged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A visit after joining, and what the rule says of it.

    `visit` has the first attendance's id and the joined times, a departure never before the arrival; `members`
    are all its attendances, first to last. `standing` is "index" where the visit can be repeated, else why it
    cannot. `corrective` is also true where planned upkeep was converted on site; `excluded` where a reason code
    counts. `follow_up` is the id of the visit that repeats this one, with the `reason` it is one; `first` is true
    where this visit is itself no repeat.
    """

    visit: Visit
    members: tuple[str, ...]
    standing: Standing
    corrective: bool
    excluded: bool
    follow_up: str | None = None
    reason: Reason | None = None
    first: bool = True


class Aborted(msgspec.Struct, frozen=True, kw_only=True):
    """A visit to which somebody came and could not begin.

    Its outcome says on whose account: cancelled by the customer, or nobody there to let them in. `came_back` is
    the next visit of the same job, the trip that this one cost.
    """

    visit: Visit
    came_back: str | None


class Odd(msgspec.Struct, frozen=True, order=True):
    """Something said about a visit that the rule does not follow, so that a reader can see it was met."""

    id: str
    what: Oddity


class Repeats(msgspec.Struct, frozen=True, kw_only=True):
    """What rv-1 makes of a set of visits.

    `visits` are in order of arrival, ties by id. `unattended` never arrived: cancelled on the way, solved from
    afar, reopened without a trip; they are no visits. `site_revisits` pairs (visit, next at the same site) whatever
    the asset, a wider view that is never the headline.
    """

    visits: tuple[Judged, ...]
    aborted: tuple[Aborted, ...]
    unattended: tuple[str, ...]
    site_revisits: tuple[tuple[str, str], ...]
    odd: tuple[Odd, ...]

    def pairs(self) -> dict[str, str]:
        """Every repeat: the id of the visit repeated to the id of the visit that repeats it."""
        return {judged.visit.id: judged.follow_up for judged in self.visits if judged.follow_up is not None}

    def unmatchable_share(self) -> float:
        """Visits that would be eligible but have neither asset nor site and trade, among all that would be; 0 to 1."""
        without = sum(judged.standing == "no_key" for judged in self.visits)
        return _share(without, without + sum(judged.standing == "index" for judged in self.visits))

    def excluded_share(self) -> float:
        """Visits taken out by a reason code that counts, among all visits attended; 0 to 1."""
        return _share(sum(judged.excluded for judged in self.visits), len(self.visits))

    def alarms(self) -> tuple[str, ...]:
        """The names of the shares that are above `ALARM_SHARE`."""
        shares = {"unmatchable": self.unmatchable_share(), "excluded": self.excluded_share()}
        return tuple(name for name, share in shares.items() if share > ALARM_SHARE)


def repeats(
    visits: Iterable[Visit],
    *,
    window_ms: int = WINDOW_MS,
    index_types: Collection[VisitType] = INDEX_TYPES,
    severity: Sequence[str] = (),
) -> Repeats:
    """What rule rv-1 says of these visits, whatever their order; an equal visit given twice counts once.

    `index_types` are the types whose visits can be repeated. `severity` orders the types of gap, worst first, for
    joined attendances that found different ones (`joined`).

    Raises ValueError where one id stands for two different visits: which of them is true is decided before.
    """
    attended, aborted, unattended = _sorted_out(visits)
    spans = joined(attended, severity)
    standings = [_standing(span, index_types) for span in spans]
    found = _follow_ups(
        spans,
        [span.key for span in spans],
        [standing == "index" for standing in standings],
        window_ms,
    )
    at_site = _follow_ups(
        spans,
        [span.visit.site for span in spans],
        [standing in ("index", "no_key") for standing in standings],
        window_ms,
    )
    following = set(found.values())
    judged = tuple(
        Judged(
            visit=span.visit,
            members=span.members,
            standing=standing,
            corrective=span.corrective,
            excluded=span.excluded,
            follow_up=spans[found[i]].visit.id if i in found else None,
            reason=_reason(span, spans[found[i]]) if i in found else None,
            first=i not in following,
        )
        for i, (span, standing) in enumerate(zip(spans, standings, strict=True))
    )
    return Repeats(
        visits=judged,
        aborted=_came_back(aborted, spans),
        unattended=tuple(sorted(visit.id for visit in unattended)),
        site_revisits=tuple((spans[v].visit.id, spans[u].visit.id) for v, u in sorted(at_site.items())),
        odd=tuple(sorted(odd for visit in attended for odd in _oddities(visit))),
    )


def renamed(visits: Iterable[Visit], *, sites: Mapping[str, str], assets: Mapping[str, str]) -> tuple[Visit, ...]:
    """The visits with merged or duplicate ids replaced by the ones that stand, through chains of replacements.

    The tables are those of the date for which the number is made; which rows that is, their keeper says.
    Raises ValueError where a table leads in a circle.
    """
    return tuple(
        msgspec.structs.replace(
            visit,
            site=_standing_id(visit.site, sites),
            asset=None if visit.asset is None else _standing_id(visit.asset, assets),
        )
        for visit in visits
    )


def _standing_id(name: str, table: Mapping[str, str]) -> str:
    seen = {name}
    while name in table:
        name = table[name]
        if name in seen:
            raise ValueError(f"the table of replaced ids leads from {name} back to itself")
        seen.add(name)
    return name


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _sorted_out(visits: Iterable[Visit]) -> tuple[list[Visit], list[Visit], list[Visit]]:
    """Attended, aborted and never attended; aborted visits leave before anything is joined or matched."""
    attended: list[Visit] = []
    aborted: list[Visit] = []
    unattended: list[Visit] = []
    by_id: dict[str, Visit] = {}
    for visit in visits:
        if visit.id in by_id:
            if by_id[visit.id] != visit:
                raise ValueError(f"visit {visit.id} is given twice with different content")
            continue
        by_id[visit.id] = visit
        if visit.arrived_ms is None:
            unattended.append(visit)
        elif visit.outcome in ("cancelled", "no_access"):
            aborted.append(visit)
        else:
            attended.append(visit)
    return attended, aborted, unattended


def _oddities(visit: Visit) -> Iterable[Odd]:
    if visit.excluded and not exclusion_counts(visit):
        yield Odd(visit.id, "exclusion_without_other_role")
    if visit.converted_ms is not None and not converted_on_site(visit):
        yield Odd(visit.id, "converted_after_departure")
    if visit.departed_ms is not None and visit.departed_ms < arrival(visit):
        yield Odd(visit.id, "departed_before_arrival")


def _standing(span: Joined, index_types: Collection[VisitType]) -> Standing:
    if not span.corrective and span.visit.type not in index_types:
        return "other_type"
    if span.departed is None:
        return "not_departed"
    if span.visit.part == "part" and _was_planned(span.visit, span.departed):
        return "planned_part"
    return "no_key" if span.key is None else "index"


def _was_planned(visit: Visit, departed: int) -> bool:
    """True of a part of a plan that was declared before `departed`; a plan that does not say when was not."""
    return visit.part != "no" and visit.plan_declared_ms is not None and visit.plan_declared_ms < departed


def _follow_ups(
    spans: Sequence[Joined], keys: Sequence[str | None], repeatable: Sequence[bool], window_ms: int
) -> dict[int, int]:
    """Position of each repeated visit to the position of its repeat, where both have the same of `keys`.

    Each visit has at most one follow-up, the next that qualifies; a follow-up of several belongs to the one that
    departed last.
    """
    arrivals: dict[str, tuple[list[int], list[int]]] = {}
    for u, (span, key) in enumerate(zip(spans, keys, strict=True)):
        if key is not None and not span.excluded and (span.corrective or span.visit.type in INDEX_TYPES):
            times, positions = arrivals.setdefault(key, ([], []))
            times.append(span.arrived)
            positions.append(u)
    owner: dict[int, int] = {}
    for v, (span, key, can) in enumerate(zip(spans, keys, repeatable, strict=True)):
        if key is None or span.departed is None or not can or key not in arrivals:
            continue
        later = _next_of(span, span.departed, spans, *arrivals[key], window_ms)
        if later is not None and (later not in owner or _departed_order(span) > _departed_order(spans[owner[later]])):
            owner[later] = v
    return {v: u for u, v in owner.items()}


def _next_of(
    span: Joined, departed: int, spans: Sequence[Joined], times: list[int], positions: list[int], window_ms: int
) -> int | None:
    first, end = bisect_right(times, departed), bisect_right(times, departed + window_ms)
    for i in range(first, end):
        later = spans[positions[i]]
        if (later.corrective or later.visit.job == span.visit.job) and not _was_planned(later.visit, departed):
            return positions[i]
    return None


def _departed_order(span: Joined) -> tuple[int, int, str]:
    return span.departed or 0, span.arrived, span.visit.id


def _reason(span: Joined, later: Joined) -> Reason:
    if later.converted:
        return "found_on_pm"
    if later.visit.job != span.visit.job:
        return "fault"
    if later.visit.part != "no":
        return "part"
    return "delivery" if later.visit.type == "delivery" else "return"


def _came_back(aborted: list[Visit], spans: Sequence[Joined]) -> tuple[Aborted, ...]:
    by_job: dict[str, list[Joined]] = {}
    for span in spans:
        by_job.setdefault(span.visit.job, []).append(span)
    told: list[Aborted] = []
    for visit in sorted(aborted, key=lambda visit: (arrival(visit), visit.id)):
        trips = by_job.get(visit.job, [])
        later = bisect_right(trips, arrival(visit), key=lambda span: span.arrived)
        told.append(Aborted(visit=visit, came_back=trips[later].visit.id if later < len(trips) else None))
    return tuple(told)
