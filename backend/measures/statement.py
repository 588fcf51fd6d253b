"""The statement of avoided repeat visits: total, what of it is itemised, what rests on what, and what it was made from.

No clock, no chance: the same visits, tables and settings give the same bytes on any day, and a later statement for an
earlier date sees only what had been received by that date.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from backend.measures.appraisal import Appraisal, ModeWish, appraised
from backend.measures.cells import Counted, counted, month_of
from backend.measures.ledger import GapVisit, Ledger, has_gap, ledger_of
from backend.measures.maturity import LATE_MS, Received, is_mature, known_at, watermark
from backend.measures.states import RATE_WEEKS, Proof, sentence
from sync.visits import DAY_MS, DEFINITION_VERSION, WINDOW_MS, Judged, Repeats, repeats

PLACEBO_MS: Final = 84 * DAY_MS
WEEK_MS: Final = 7 * DAY_MS
DIGITS: Final = 6
"""Numbers are rounded to 1e-6 before they are hashed or shown, so that no last bit of a machine matters."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a statement is made with. `severity` orders the types of gap, worst first.

    `study_start_ms` is a midnight in UTC; None is the midnight before the first arrival. `code_version` says which
    software made it.
    """

    window_ms: int = WINDOW_MS
    late_ms: int = LATE_MS
    severity: tuple[str, ...] = ()
    mode: ModeWish = "auto"
    proof: Proof = Proof()
    study_start_ms: int | None = None
    code_version: str = ""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the visits known at the date.

    `attended` are visits after joining; `mature` and `immature` split those that can be repeated by whether their
    window is known to be over; `mature_until_ms` is the last departure for which it is anywhere. Shares are 0 to 1;
    `alarms` names those that are too high. `unsure_share` is of the visits attended those of which nothing bounds when
    somebody came or left to five minutes. `odd` is how often something was said that the rule does not follow.
    """

    known: int
    attended: int
    aborted: int
    unattended: int
    mature: int
    immature: int
    before_study: int
    mature_until_ms: int | None
    site_revisits: int
    unmatchable_share: float
    excluded_share: float
    alarms: tuple[str, ...]
    odd: int
    unsure_share: float = 0.0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that somebody needs to make the same statement again and to see that it is the same.

    `exclusions` counts the visits that each reason code took out. `input_digest` is over the visits as known at the
    date, each by id and content; `digest` over the whole statement but itself.
    """

    as_of_ms: int
    definition_version: str
    settings: Settings
    switch_on: dict[str, int]
    watermarks: dict[str, int]
    exclusions: dict[str, int]
    mode: str
    phi: float | None
    site_variance: float | None
    month_variance: float | None
    input_digest: str
    digest: str = ""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Avoided repeat visits at a date.

    `total` is the number to use elsewhere. `ledger` is inside it: `itemised` is its part and `not_itemised` the rest,
    negative as it may be. `reconciled` is false where the ledger is above everything the total may be; the total is
    then the smaller of two numbers that do not fit, and a reader must be told.
    """

    sentence: str
    total: Appraisal
    itemised: float | None
    not_itemised: float | None
    reconciled: bool
    ledger: Ledger
    counts: Counts
    manifest: Manifest


class _Case(msgspec.Struct, frozen=True, gc=False):
    """A visit that can be repeated, with what the measures ask of it."""

    judged: Judged
    departed_ms: int
    month: int
    mature: bool
    live: bool
    before: bool
    recent: bool


def statement_of(
    received: Iterable[Received],
    switch_on: Mapping[str, int],
    synced_through: Mapping[str, Sequence[int]],
    as_of_ms: int,
    settings: Settings | None = None,
) -> Statement:
    """The statement at `as_of_ms` from all that had been received by then; the order of what is given decides nothing.

    `switch_on` is each site's instant of switch-on, `synced_through` how far each of a site's devices had synced.
    """
    with_ = settings or Settings()
    known = known_at(received, as_of_ms)
    found = repeats([one.visit for one in known], window_ms=with_.window_ms, severity=with_.severity)
    live_from = {site: at for site, at in switch_on.items() if at <= as_of_ms}
    sites = sorted({one.visit.site for one in known})
    watermarks = {site: watermark(as_of_ms, synced_through.get(site, ()), with_.late_ms) for site in sites}
    first = found.visits[0].visit.arrived_ms or 0 if found.visits else as_of_ms
    start = first // DAY_MS * DAY_MS if with_.study_start_ms is None else with_.study_start_ms
    cases, before_study = _cases(found, live_from, watermarks, start, with_)
    weeks = _weeks_before(first, [live_from[site] for site in sites if site in live_from], as_of_ms)
    mature = [case for case in cases if case.mature]
    strata = _strata(mature)
    total = appraised(
        counted(_counted(case, stratum, live=case.live) for case, stratum in zip(mature, strata, strict=True)),
        counted(
            _counted(case, stratum, live=case.before)
            for case, stratum in zip(mature, strata, strict=True)
            if not case.live
        ),
        weeks_before=weeks,
        wish=with_.mode,
        proof=with_.proof,
        as_of_ms=as_of_ms,
    ).appraisal
    ledger = ledger_of(
        [_gap_visit(case, watermarks, as_of_ms, with_) for case in cases if has_gap(case.judged.visit.gap)],
        weeks_before=weeks,
        as_of_ms=as_of_ms,
    )
    return _sealed(
        _assembled(
            total,
            ledger,
            _counts(found, cases, before_study, known),
            Manifest(
                as_of_ms=as_of_ms,
                definition_version=DEFINITION_VERSION,
                settings=with_,
                switch_on=dict(sorted(switch_on.items())),
                watermarks=watermarks,
                exclusions=_exclusions(found),
                mode=total.mode,
                phi=total.estimate.phi if total.estimate else None,
                site_variance=total.estimate.site_variance if total.estimate else None,
                month_variance=total.estimate.month_variance if total.estimate else None,
                input_digest=_input_digest(known),
            ),
        )
    )


def as_json(statement: Statement) -> bytes:
    """The statement as JSON: keys sorted, numbers rounded, the same bytes for the same statement."""
    return msgspec.json.encode(rounded(msgspec.to_builtins(statement)), order="sorted")


def _assembled(total: Appraisal, ledger: Ledger, counts: Counts, manifest: Manifest) -> Statement:
    whole, part = total.estimate, ledger.appraisal.estimate
    return Statement(
        sentence=sentence(total.state, whole),
        total=total,
        itemised=part.estimate if part else None,
        not_itemised=whole.estimate - part.estimate if whole and part else None,
        reconciled=whole is None or part is None or part.estimate <= whole.high,
        ledger=ledger,
        counts=counts,
        manifest=manifest,
    )


def _sealed(statement: Statement) -> Statement:
    digest = sha256(as_json(statement)).hexdigest()
    return msgspec.structs.replace(statement, manifest=msgspec.structs.replace(statement.manifest, digest=digest))


def _cases(
    found: Repeats, live_from: Mapping[str, int], watermarks: Mapping[str, int], start: int, with_: Settings
) -> tuple[list[_Case], int]:
    """The visits of the study that can be repeated, and how many departed before it began."""
    index = [(judged, judged.visit.departed_ms or 0) for judged in found.visits if judged.standing == "index"]
    inside = [(judged, departed) for judged, departed in index if departed >= start]
    mature = {
        judged.visit.id: is_mature(departed, watermarks[judged.visit.site], with_.window_ms)
        for judged, departed in inside
    }
    last = max((departed for judged, departed in inside if mature[judged.visit.id]), default=0)
    cases: list[_Case] = []
    for judged, departed in inside:
        switch = live_from.get(judged.visit.site)
        cases.append(
            _Case(
                judged=judged,
                departed_ms=departed,
                month=month_of(departed, start),
                mature=mature[judged.visit.id],
                live=switch is not None and departed >= switch,
                before=switch is not None and switch - PLACEBO_MS <= departed < switch,
                recent=departed > last - RATE_WEEKS * WEEK_MS,
            )
        )
    return cases, len(index) - len(inside)


def _strata(cases: Sequence[_Case]) -> list[str]:
    """Trades where every visit has one, else types for the whole table: half of each would compare unlike visits."""
    trades = [case.judged.visit.trade for case in cases]
    named = [trade for trade in trades if trade]
    return named if len(named) == len(trades) else [case.judged.visit.type for case in cases]


def _counted(case: _Case, stratum: str, *, live: bool) -> Counted:
    judged = case.judged
    return Counted(judged.visit.site, case.month, stratum, live, judged.follow_up is not None, case.recent)


def _gap_visit(case: _Case, watermarks: Mapping[str, int], as_of_ms: int, with_: Settings) -> GapVisit:
    visit = case.judged.visit
    # While a device is behind, how far behind it is now is the best guess of how far it will be then.
    lag = as_of_ms - watermarks[visit.site]
    return GapVisit(
        id=visit.id,
        site=visit.site,
        month=case.month,
        gap=visit.gap,
        arm=visit.arm,
        live=case.live,
        repeated=case.judged.follow_up is not None,
        recent=case.recent,
        before=case.before,
        matures_at_ms=None if case.mature else case.departed_ms + with_.window_ms + lag,
    )


def _weeks_before(first: int, switches: Sequence[int], as_of_ms: int) -> float:
    return max(0, min(switches, default=as_of_ms) - first) / WEEK_MS


def unsure_share(found: Repeats, known: Iterable[Received]) -> float:
    """The share of attended visits (0 to 1) of which it is not known to five minutes when somebody came or left."""
    unsure = {one.visit.id for one in known if one.unsure}
    return sum(not unsure.isdisjoint(one.members) for one in found.visits) / max(len(found.visits), 1)


def _counts(found: Repeats, cases: Sequence[_Case], before_study: int, known: Sequence[Received]) -> Counts:
    mature = [case.departed_ms for case in cases if case.mature]
    return Counts(
        known=len(known),
        attended=len(found.visits),
        aborted=len(found.aborted),
        unattended=len(found.unattended),
        mature=len(mature),
        immature=len(cases) - len(mature),
        before_study=before_study,
        mature_until_ms=max(mature, default=None),
        site_revisits=len(found.site_revisits),
        unmatchable_share=found.unmatchable_share(),
        excluded_share=found.excluded_share(),
        alarms=found.alarms(),
        odd=len(found.odd),
        unsure_share=unsure_share(found, known),
    )


def _exclusions(found: Repeats) -> dict[str, int]:
    totals: dict[str, int] = {}
    for judged in found.visits:
        if judged.excluded and judged.visit.excluded:
            totals[judged.visit.excluded] = totals.get(judged.visit.excluded, 0) + 1
    return dict(sorted(totals.items()))


def _input_digest(known: Sequence[Received]) -> str:
    """SHA-256 over the visits in order of id, each as id, time of receipt and the hash of its content, a line each."""
    whole = sha256()
    for one in known:
        content = sha256(msgspec.json.encode(one.visit)).hexdigest()
        whole.update(f"{one.visit.id} {one.received_at_ms} {content}\n".encode())
    return whole.hexdigest()


def rounded(value: Any) -> Any:  # noqa: ANN401 - the edge: any JSON value
    """The same JSON value with every number to six digits after the point, never a negative nothing."""
    if isinstance(value, float):
        return round(value, DIGITS) + 0.0
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return value
