"""The itemised part: visits on which the check before departure found a gap, one entry each.

An entry is the chance of a repeat without the prompt less the repeat there was, so that it debits what still
happened: at a chance of 0.61 a visit that was not repeated is +0.61, one that was is -0.39. Only a ledger that can
lose comes out at nothing when the product does nothing. It is part of the total and never added to it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from backend.measures.appraisal import Appraisal, appraised
from backend.measures.avoided import Z95
from backend.measures.cells import Counted, counted, tabulated
from backend.measures.model import Mode
from sync.attendances import NO_GAP, NOT_CHECKED
from sync.policy import Arm

CONTROL_GAP_VISITS: Final = 30
PRIOR_STRENGTH: Final = 2


class GapVisit(msgspec.Struct, frozen=True, gc=False):
    """A visit that can be repeated and on which a gap of type `gap` was found; `matures_at_ms` where it is not mature.

    `live` is true after the site's switch-on; `recent` of the last twelve weeks; `before` of the twelve before it.
    """

    id: str
    site: str
    month: int
    gap: str
    arm: Arm | None
    live: bool
    repeated: bool
    recent: bool = False
    before: bool = False
    matures_at_ms: int | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One prompted visit: `credit` is `expected` less the repeat there was; it may be negative."""

    visit: str
    site: str
    gap: str
    expected: float
    repeated: bool
    credit: float


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A prompted visit whose window is still open; its entry is posted when it is mature."""

    visit: str
    site: str
    gap: str
    matures_at_ms: int


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """What the prompt alone did, by comparing visits where it was silent by lot: without what people learn from it.

    `silent` and `prompted` are mature visits with a gap after the switch-on.
    """

    silent: int
    prompted: int
    estimate: float
    low: float
    high: float


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The itemised avoided visits; the credits of `entries` add up to the appraisal's estimate.

    `by_lot` is None where no check was silent by lot. `left_out` counts visits with a gap that are on neither side:
    prompted before the switch-on, in shadow after it, or of an arm that nobody wrote down.
    """

    appraisal: Appraisal
    entries: tuple[Entry, ...]
    pending: tuple[Pending, ...]
    by_lot: Lot | None
    left_out: int


def has_gap(gap: str) -> bool:
    """True where a check ran and found something."""
    return gap not in (NO_GAP, NOT_CHECKED, "")


def ledger_of(visits: Sequence[GapVisit], *, weeks_before: float, as_of_ms: int) -> Ledger:
    """The ledger of visits with a gap. All prompted ones enter, put right or not, else the easy gaps are selected.

    The chance without the prompt is learnt from visits on which the check was silent: before the switch-on, or by lot.
    """
    mature = [visit for visit in visits if visit.matures_at_ms is None]
    silent = [visit for visit in mature if _is_silent(visit)]
    prompted = [visit for visit in mature if _is_prompted(visit)]
    waiting = [visit for visit in visits if visit.matures_at_ms is not None and _is_prompted(visit)]
    cells = counted([*(_counted(v, live=False) for v in silent), *(_counted(v, live=True) for v in prompted)])
    placebo = counted(_counted(v, live=v.before) for v in silent if not v.live)
    made = appraised(
        cells,
        placebo,
        weeks_before=weeks_before,
        wish=_mode(silent, prompted),
        as_of_ms=as_of_ms,
    )
    chances: dict[tuple[str, int, str], float] = {}
    if made.chance is not None:
        table = tabulated(cells)
        for site, month, gap, chance in zip(table.site, table.month, table.stratum, made.chance, strict=True):
            chances[table.sites[site], table.months[month], table.strata[gap]] = float(chance)
    return Ledger(
        appraisal=made.appraisal,
        entries=tuple(
            Entry(
                visit=v.id,
                site=v.site,
                gap=v.gap,
                expected=chances[v.site, v.month, v.gap],
                repeated=v.repeated,
                credit=chances[v.site, v.month, v.gap] - v.repeated,
            )
            for v in sorted(prompted, key=lambda visit: visit.id)
            if chances
        ),
        pending=tuple(
            Pending(visit=v.id, site=v.site, gap=v.gap, matures_at_ms=v.matures_at_ms or 0)
            for v in sorted(waiting, key=lambda visit: (visit.matures_at_ms or 0, visit.id))
        ),
        by_lot=by_lot(mature),
        left_out=len(mature) - len(silent) - len(prompted),
    )


def by_lot(mature: Sequence[GapVisit]) -> Lot | None:
    """Prompted against silent by lot, gap by gap, after the switch-on; None where either is missing.

    The rate of each silent gap leans on that of all silent ones with the weight of two visits: a small arm must not
    be pulled to one half.
    """
    live = [visit for visit in mature if visit.live]
    silent = [visit for visit in live if visit.arm == "holdout"]
    prompted = [visit for visit in live if visit.arm == "prompt"]
    if not silent or not prompted:
        return None
    pooled = sum(visit.repeated for visit in silent) / len(silent)
    estimate = variance = 0.0
    for gap in sorted({visit.gap for visit in prompted}):
        n0 = sum(visit.gap == gap for visit in silent)
        y0 = sum(visit.repeated for visit in silent if visit.gap == gap)
        n1 = sum(visit.gap == gap for visit in prompted)
        y1 = sum(visit.repeated for visit in prompted if visit.gap == gap)
        rate = (y0 + PRIOR_STRENGTH * pooled) / (n0 + PRIOR_STRENGTH)
        estimate += n1 * rate - y1
        # The rate is not known, and neither is chance in what would have happened.
        spread = rate * (1 - rate)
        variance += n1**2 * spread / (n0 + PRIOR_STRENGTH + 1) + n1 * spread
    half = Z95 * float(np.sqrt(variance))
    return Lot(silent=len(silent), prompted=len(prompted), estimate=estimate, low=estimate - half, high=estimate + half)


def _is_silent(visit: GapVisit) -> bool:
    return visit.arm == "holdout" or (visit.arm == "shadow" and not visit.live)


def _is_prompted(visit: GapVisit) -> bool:
    return visit.arm == "prompt" and visit.live


def _counted(visit: GapVisit, *, live: bool) -> Counted:
    return Counted(visit.site, visit.month, visit.gap, live, visit.repeated, visit.recent)


def _mode(silent: Sequence[GapVisit], prompted: Sequence[GapVisit]) -> Mode:
    """Free months only where each month with prompted visits has enough silent ones to compare with."""
    controls: dict[int, int] = {}
    for visit in silent:
        controls[visit.month] = controls.get(visit.month, 0) + 1
    months = {visit.month for visit in prompted}
    enough = months and all(controls.get(month, 0) >= CONTROL_GAP_VISITS for month in months)
    return "controls" if enough else "trend"
