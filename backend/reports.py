"""Reports as of a day: avoided repeat visits, and each visit with its repeat, so that both can be checked."""

from collections.abc import Iterable
from typing import Final

import msgspec

from backend.history import Material
from backend.measures.maturity import is_mature, known_at, watermark
from backend.measures.statement import Settings, Statement, rounded, statement_of, unsure_share
from sync.clock import rfc3339
from sync.visits import DAY_MS, DEFINITION_VERSION, SHORT_WINDOW_MS, Aborted, Judged, Repeats, repeats


class ReportedVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A visit after joining: `members` are its attendances, `repeat` is the visit that repeats it, `reason` why.

    `standing` is "index" where it can be repeated, else why it cannot. `mature` says that its window is known to be
    over; only such visits count in rates. `recorded_here` is false for imported ones. Times are RFC 3339.
    """

    visit: str
    members: tuple[str, ...]
    job: str
    site: str
    type: str
    trade: str | None
    asset: str | None
    arrived_at: str | None
    departed_at: str | None
    outcome: str | None
    standing: str
    corrective: bool
    excluded: bool
    first: bool
    mature: bool
    repeat: str | None
    reason: str | None
    recorded_here: bool


class AbortedVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A visit that could not begin, on whose account (`outcome`), and the trip that this one cost."""

    visit: str
    job: str
    site: str
    outcome: str | None
    came_back: str | None


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Of the mature visits that can be repeated, how many were, within `days`; `rate` is None where there are none.

    `first_time_fix` is the share of first visits that were not repeated.
    """

    days: float
    visits: int
    repeats: int
    rate: float | None
    first_time_fix: float | None


class VisitReport(msgspec.Struct, frozen=True, kw_only=True):
    """What rule rv-1 makes of the visits known at `as_of`; `repeats` is every repeat, by the visit it repeats.

    `later` counts versions of visits that became known afterwards and are not in it. Shares are 0 to 1; `unsure_share`
    is of the visits of which nothing bounds when somebody came or left to five minutes.
    """

    as_of: str
    definition_version: str
    window_days: float
    rates: tuple[Rate, ...]
    unmatchable_share: float
    excluded_share: float
    unsure_share: float
    alarms: tuple[str, ...]
    repeats: dict[str, str]
    visits: tuple[ReportedVisit, ...]
    aborted: tuple[AbortedVisit, ...]
    unattended: tuple[str, ...]
    site_revisits: tuple[tuple[str, str], ...]
    odd: tuple[tuple[str, str], ...]
    later: int


# -- avoided ------------------------------------------------------------------
def avoided(found: Material, with_: Settings) -> Statement:
    """The statement; types of gap are ordered as the office set it, where `with_` does not say."""
    settings = with_ if with_.severity else msgspec.structs.replace(with_, severity=found.severity)
    return statement_of(found.received, found.switch_on, found.synced_through, found.as_of_ms, settings)


def avoided_facts(statement: Statement, later: int) -> dict[str, object]:
    """The statement for JSON, its first numbers and words beside it: a number is null where there is none."""
    total, made = statement.total, statement.total.estimate
    numbers = ("estimate", "low", "high", "se", "expected", "observed", "visits", "phi", "ratio", "detectable")
    facts: dict[str, object] = {name: getattr(made, name) if made else None for name in numbers}
    facts |= {"as_of": rfc3339(statement.manifest.as_of_ms), "state": total.state, "grade": total.grade}
    facts |= {"mode": total.mode, "placebo": total.placebo, "missing": total.missing, "later": later}
    facts |= {name: getattr(statement, name) for name in statement.__struct_fields__}
    plain: dict[str, object] = rounded(msgspec.to_builtins(facts))
    return plain


# -- visits -------------------------------------------------------------------
def visit_report(found: Material, with_: Settings) -> VisitReport:
    """Each visit known then, in order of arrival, with its repeat."""
    known = known_at(found.received, found.as_of_ms)
    visits = [one.visit for one in known]
    severity = with_.severity or found.severity
    made = repeats(visits, window_ms=with_.window_ms, severity=severity)
    watermarks = {
        site: watermark(found.as_of_ms, found.synced_through.get(site, ()), with_.late_ms)
        for site in {visit.site for visit in visits}
    }
    windows = sorted({with_.window_ms, SHORT_WINDOW_MS}, reverse=True)
    return VisitReport(
        as_of=rfc3339(found.as_of_ms),
        definition_version=DEFINITION_VERSION,
        window_days=with_.window_ms / DAY_MS,
        rates=tuple(
            _rate(repeats(visits, window_ms=window, severity=severity), watermarks, window) for window in windows
        ),
        unmatchable_share=made.unmatchable_share(),
        excluded_share=made.excluded_share(),
        unsure_share=unsure_share(made, known),
        alarms=made.alarms(),
        repeats=made.pairs(),
        visits=tuple(_reported(one, watermarks, with_.window_ms, found.live) for one in made.visits),
        aborted=tuple(_aborted(made.aborted)),
        unattended=made.unattended,
        site_revisits=made.site_revisits,
        odd=tuple((odd.id, odd.what) for odd in made.odd),
        later=found.later,
    )


def _rate(made: Repeats, watermarks: dict[str, int], window_ms: int) -> Rate:
    mature = [one for one in made.visits if _is_mature(one, watermarks, window_ms)]
    first = [one for one in mature if one.first]
    repeated = sum(one.follow_up is not None for one in mature)
    fixed = sum(one.follow_up is None for one in first)
    return Rate(
        days=window_ms / DAY_MS,
        visits=len(mature),
        repeats=repeated,
        rate=repeated / len(mature) if mature else None,
        first_time_fix=fixed / len(first) if first else None,
    )


def _is_mature(one: Judged, watermarks: dict[str, int], window_ms: int) -> bool:
    departed = one.visit.departed_ms
    return (
        one.standing == "index" and departed is not None and is_mature(departed, watermarks[one.visit.site], window_ms)
    )


def _reported(one: Judged, watermarks: dict[str, int], window_ms: int, live: frozenset[str]) -> ReportedVisit:
    visit = one.visit
    return ReportedVisit(
        visit=visit.id,
        members=one.members,
        job=visit.job,
        site=visit.site,
        type=visit.type,
        trade=visit.trade,
        asset=visit.asset,
        arrived_at=_when(visit.arrived_ms),
        departed_at=_when(visit.departed_ms),
        outcome=visit.outcome,
        standing=one.standing,
        corrective=one.corrective,
        excluded=one.excluded,
        first=one.first,
        mature=_is_mature(one, watermarks, window_ms),
        repeat=one.follow_up,
        reason=one.reason,
        recorded_here=visit.id in live,
    )


def _aborted(found: Iterable[Aborted]) -> Iterable[AbortedVisit]:
    for one in found:
        visit = one.visit
        yield AbortedVisit(
            visit=visit.id, job=visit.job, site=visit.site, outcome=visit.outcome, came_back=one.came_back
        )


def _when(ms: int | None) -> str | None:
    return None if ms is None else rfc3339(ms)


# -- in words -----------------------------------------------------------------
_STRENGTH: Final = {
    "controls": "compared month by month with sites not yet switched on",
    "trend": "by trend and season",
}
_LACKING: Final = {
    "expected_repeats": "repeats to be expected after the switch-on",
    "repeats_before": "repeats before it",
    "visits_after": "visits after it whose window is over",
    "weeks_before": "weeks from the first visit to the first switch-on",
    "sites": "sites",
}


def avoided_words(statement: Statement, later: int) -> str:
    """The statement for somebody without statistics, and what it rests on for somebody with."""
    total, made, counts = statement.total, statement.total.estimate, statement.counts
    lines = [f"Repeat visits avoided, as of {rfc3339(statement.manifest.as_of_ms)}", statement.sentence, ""]
    lines.append(f"State {total.state}, grade {total.grade}: {_STRENGTH[total.mode]}.")
    # A number that rests on too little is not said in words: it would be remembered.
    says_number = made is not None and total.state != "NOT_ENOUGH_DATA"
    if made is not None and says_number:
        lines.append(
            f"Estimate {made.estimate:.1f}, 95 % from {made.low:.1f} to {made.high:.1f}: {made.expected:.1f} repeats "
            f"expected over {made.visits} visits, {made.observed} observed."
        )
        lines += _ledger_words(statement)
    if total.placebo is not None and says_number:
        said = "finds nothing, as it should" if total.placebo.passed else "finds an effect where there was none"
        lines.append(f"The same estimate for the twelve weeks before the switch-on {said}.")
    for one in total.missing:
        when = f", expected on {rfc3339(one.expected_at_ms)[:10]}" if one.expected_at_ms is not None else ""
        lines.append(f"Missing: {_LACKING[one.what]}, {one.have:.0f} of {one.need}{when}.")
    until = f" They end with {rfc3339(counts.mature_until_ms)[:10]}." if counts.mature_until_ms is not None else ""
    lines.append(f"{counts.mature} visits count; of {counts.immature} more the window is not known to be over.{until}")
    lines += _unsure_words(counts.unsure_share)
    lines += [f"Look: the share of {name} visits is high." for name in counts.alarms]
    if later:
        lines.append(f"{later} facts became known after this day and are not in it.")
    lines.append(f"Made by rule {statement.manifest.definition_version}; statement {statement.manifest.digest[:16]}.")
    return "\n".join(lines)


def _unsure_words(share: float) -> list[str]:
    return [f"Of {share:.1%} of the visits nothing says to five minutes when somebody came or left."] if share else []


def _ledger_words(statement: Statement) -> list[str]:
    if statement.itemised is None:
        return []
    lines = [f"Of which at the check: {statement.itemised:.1f}."]
    if statement.not_itemised is not None:
        lines[0] += f" Not itemised: {statement.not_itemised:.1f}."
    if not statement.reconciled:
        lines.append("These do not fit together: the part is above all that the whole may be. Use the whole.")
    return lines


def visit_words(report: VisitReport) -> str:
    """The rates, and every repeat in a line."""
    lines = [f"Visits known on {report.as_of}, rule {report.definition_version}"]
    for rate in report.rates:
        if rate.rate is None:
            lines.append(f"within {rate.days:g} days: no visit whose window is over")
        else:
            lines.append(f"within {rate.days:g} days: {rate.repeats} of {rate.visits} were repeated, {rate.rate:.1%}")
    lines += _unsure_words(report.unsure_share)
    lines += [
        f"{one.visit:<24}{one.site:<16}{one.departed_at or '':<26}repeated by {one.repeat} ({one.reason})"
        for one in report.visits
        if one.repeat is not None
    ]
    if report.later:
        lines.append(f"{report.later} facts became known after this day and are not in it.")
    return "\n".join(lines)
