"""What may be said of an estimate: its grade, its state, what is missing and when it will be there."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from backend.measures.avoided import Z99, Estimate
from backend.measures.cells import Table
from backend.measures.model import WEEKS_FOR_SEASON, Mode, training_weeks
from sync.visits import DAY_MS

State = Literal["NOT_ENOUGH_DATA", "INCONCLUSIVE", "WORSE", "ESTIMATED", "VERIFIED"]
Grade = Literal["A", "B", "C"]
What = Literal["expected_repeats", "repeats_before", "visits_after", "weeks_before", "sites"]

LEAST_EXPECTED: Final = 20
LEAST_REPEATS_BEFORE: Final = 50
LEAST_VISITS_AFTER: Final = 100
LEAST_WEEKS_BEFORE: Final = 26
LEAST_SITES: Final = 3
CONTROL_SITES: Final = 2
CONTROL_VISITS: Final = 30
TESTED_VISITS: Final = 30
"""Months with fewer visits after the switch-on are too thin to ask for controls."""
RATE_WEEKS: Final = 12


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Something a first number needs more of. `expected_at_ms` is when, at the rate of the last twelve weeks.

    It is None where waiting alone does not bring it, or nothing came in those weeks.
    """

    what: What
    have: float
    need: int
    expected_at_ms: int | None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is to judge by, and how much of it came in the last twelve weeks (`recent_...`).

    `weeks_before` is from the first visit to the first switch-on; `switched_on` is false before any site is.
    """

    expected: float
    repeats_before: int
    visits_after: int
    weeks_before: float
    sites: int
    switched_on: bool
    recent_expected: float = 0.0
    recent_repeats_before: int = 0
    recent_visits_after: int = 0


class Placebo(msgspec.Struct, frozen=True, kw_only=True):
    """The same estimate for the twelve weeks before the switch-on, when nothing had changed: it should find nothing.

    `passed` is true where its 95 % interval contains 0. A weak check: sites that were drifting apart often pass it.
    """

    estimate: float
    low: float
    high: float
    passed: bool


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was settled before anybody looked; by default nothing was.

    `frozen`: a monthly statement that is never made again. `preregistered`: made on a date named beforehand, once.
    `randomised`: the order in which sites were switched on was drawn by lot.
    """

    frozen: bool = False
    preregistered: bool = False
    randomised: bool = False


def graded(table: Table) -> Grade:
    """A where every month after a switch-on has sites to compare with, B where a year came before, C otherwise.

    A site that is switched on inside a month counts with its visits before. Where no month is full enough to be
    tested there is nothing to show that sites could be compared, and A is not given.
    """
    treated = table.live
    controls = np.where(treated, 0.0, table.visits)
    tested = [
        month
        for month in range(len(table.months))
        if table.visits[treated & (table.month == month)].sum() >= TESTED_VISITS
    ]
    compared = [
        len(np.unique(table.site[(controls > 0) & (table.month == month)])) >= CONTROL_SITES
        and controls[table.month == month].sum() >= CONTROL_VISITS
        for month in tested
    ]
    if compared and all(compared):
        return "A"
    return "B" if training_weeks(table) >= WEEKS_FOR_SEASON else "C"


def mode_of(grade: Grade) -> Mode:
    """The mode a grade selects: free months where sites can be compared month by month, else trend and season."""
    return "controls" if grade == "A" else "trend"


def missing(evidence: Evidence, as_of_ms: int | None) -> tuple[Missing, ...]:
    """What is still too little for a number, in a fixed order; nothing where there is enough.

    `as_of_ms` is None where the evidence carries no dates; then no date is expected either.
    """
    weeks_after = RATE_WEEKS * 7 * DAY_MS
    rates: tuple[tuple[What, float, int, float], ...] = (
        ("expected_repeats", evidence.expected, LEAST_EXPECTED, evidence.recent_expected),
        ("repeats_before", evidence.repeats_before, LEAST_REPEATS_BEFORE, evidence.recent_repeats_before),
        ("visits_after", evidence.visits_after, LEAST_VISITS_AFTER, evidence.recent_visits_after),
        # Before the first switch-on each week that passes is a week more; after it no waiting adds one.
        ("weeks_before", evidence.weeks_before, LEAST_WEEKS_BEFORE, 0 if evidence.switched_on else RATE_WEEKS),
        ("sites", evidence.sites, LEAST_SITES, 0),
    )
    found: list[Missing] = []
    for what, have, need, recent in rates:
        if have < need:
            waiting = None if as_of_ms is None or recent <= 0 else (need - have) / recent * weeks_after
            expected_at = None if as_of_ms is None or waiting is None else as_of_ms + round(waiting)
            found.append(Missing(what=what, have=have, need=need, expected_at_ms=expected_at))
    return tuple(found)


def state_of(
    estimate: Estimate | None, grade: Grade, lacking: Sequence[Missing], placebo: Placebo | None, proof: Proof
) -> State:
    """The one word for an estimate. A placebo that could not be made never verifies."""
    if lacking or estimate is None:
        return "NOT_ENOUGH_DATA"
    if estimate.high < 0:
        return "WORSE"
    if estimate.low <= 0:
        return "INCONCLUSIVE"
    sure = proof.preregistered or (proof.frozen and estimate.low_at(Z99) > 0)
    return "VERIFIED" if grade == "A" and placebo is not None and placebo.passed and sure else "ESTIMATED"


def sentence(state: State, estimate: Estimate | None) -> str:
    """The state as a reader without statistics reads it."""
    if state == "NOT_ENOUGH_DATA" or estimate is None:
        return "Not enough data yet."
    low, high = round(estimate.low), round(estimate.high)
    if state == "INCONCLUSIVE":
        effect = "" if estimate.detectable is None else f" An effect of {estimate.detectable:.0%} would show."
        return f"Between {low} and {high} avoided; cannot tell.{effect}"
    if state == "WORSE":
        return f"More repeat visits than expected, by {-high} to {-low}."
    about = f"About {round(estimate.estimate)} repeat visits avoided, between {low} and {high}"
    return f"{about}{', verified' if state == 'VERIFIED' else ''}."
