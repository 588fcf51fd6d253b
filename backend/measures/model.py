"""What would have happened anyway: the chance of a repeat, learnt only from visits before the switch-on.

A logistic model with an effect for each stratum, a shrunken effect for each site, and time either as one free
effect a month ("controls": it needs sites not yet switched on) or as trend, season and a shrunken effect a month
("trend"). Fitted by penalised Newton steps; how far to shrink is itself estimated, by EM of a fixed length, so that
the same table gives the same numbers everywhere.
"""

from typing import Final, Literal

import msgspec
import numpy as np

from backend.measures.cells import WEEKS_A_MONTH, Floats, Ints, Table
from sync.problems import NO_FIT, Problem

Mode = Literal["controls", "trend"]

FIRST_VARIANCE: Final = 0.1
LEAST_VARIANCE: Final = 1e-4
EM_STEPS: Final = 200
"""A fixed number: a rule for stopping would move the third digit."""
TOLERANCE: Final = 1e-10
ROUNDING: Final = 1e-7
"""Below this a step that no longer shrinks is rounding, not distance."""
MOST_STEPS: Final = 200
LONGEST_STEP: Final = 4.0
"""On the logit scale; keeps a first step on thin data from leaping to where the curve is flat."""
RIDGE: Final = 1e-3
MONTH_RIDGE: Final = 1e-2
WEEKS_FOR_SEASON: Final = 52
WEEKS_A_YEAR: Final = 52


class Design(msgspec.Struct, frozen=True, eq=False):
    """The table's cells as sites and kinds; a kind is one stratum in one month, a row of `rest`.

    Columns of `rest`: one, strata but the first, months, then in trend mode the year and, with a year of training
    behind it, sine and cosine of the year.
    """

    site: Ints
    kind: Ints
    sites: int
    rest: Floats
    ridge: Floats
    month_columns: slice
    shrinks_months: bool
    seasonal: bool


class _Solved(msgspec.Struct, frozen=True, eq=False):
    """The inverse of the penalised information in blocks: sites (a diagonal) and the rest, with what they share."""

    site_inverse: Floats
    shared: Floats
    rest_inverse: Floats

    def site_variances(self) -> Floats:
        scaled = self.shared * self.site_inverse[:, None]
        variances: Floats = self.site_inverse + np.sum((scaled @ self.rest_inverse) * scaled, axis=1)
        return variances


class Fit(msgspec.Struct, frozen=True, eq=False):
    """A fitted model: the chance of a repeat in each cell of its table, and what is needed for its uncertainty."""

    design: Design
    chance: Floats
    site_variance: float
    month_variance: float | None
    solved: _Solved

    def variance_of(self, weight: Floats) -> float:
        """Variance of the sum of `weight` (one a cell) times chance, from the model's uncertainty alone."""
        design, solved = self.design, self.solved
        slope = weight * self.chance * (1 - self.chance)
        by_site = np.bincount(design.site, slope, design.sites)
        by_kind = np.bincount(design.kind, slope, len(design.rest))
        rest = by_kind @ design.rest - (by_site * solved.site_inverse) @ solved.shared
        return float(by_site**2 @ solved.site_inverse + rest @ solved.rest_inverse @ rest)


def fitted(table: Table, mode: Mode) -> Fit:
    """The model learnt from the cells that are not live, with its chance for every cell of the table.

    Raises NO_FIT where there is nothing to learn from, or the steps do not settle.
    """
    training = ~table.live
    if not training.any():
        raise Problem(NO_FIT, "no visits before the switch-on")
    design = designed(table, mode)
    learner = _Learner(design, table)
    variances = np.array([FIRST_VARIANCE, FIRST_VARIANCE])
    for _ in range(EM_STEPS):
        solved = learner.settle(variances)
        variances = learner.variances(solved)
    solved = learner.settle(variances)
    return Fit(
        design=design,
        chance=_chance(learner.site_effects[design.site] + (design.rest @ learner.rest_effects)[design.kind]),
        site_variance=float(variances[0]),
        month_variance=float(variances[1]) if design.shrinks_months else None,
        solved=solved,
    )


def designed(table: Table, mode: Mode) -> Design:
    """The design of a mode for this table; season only where the training months make up a year."""
    strata, months = len(table.strata), len(table.months)
    stratum, month = np.divmod(np.arange(strata * months), months)
    columns = [np.ones((strata * months, 1)), np.eye(strata)[stratum][:, 1:], np.eye(months)[month]]
    ridge = [np.full(strata, RIDGE), np.full(months, MONTH_RIDGE)]
    seasonal = False
    if mode == "trend":
        seasonal = training_weeks(table) >= WEEKS_FOR_SEASON
        # The middle of a month, in years of 52 weeks since the start of the study.
        years = (WEEKS_A_MONTH * np.array(table.months, dtype=np.float64) + WEEKS_A_MONTH / 2) / WEEKS_A_YEAR
        season = [np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)] if seasonal else []
        time = np.column_stack([years - 1, *season])
        columns.append(time[month])
        ridge.append(np.full(time.shape[1], RIDGE))
    return Design(
        site=table.site,
        kind=table.stratum * months + table.month,
        sites=len(table.sites),
        rest=np.hstack(columns),
        ridge=np.concatenate(ridge),
        month_columns=slice(strata, strata + months),
        shrinks_months=mode == "trend",
        seasonal=seasonal,
    )


def training_weeks(table: Table) -> int:
    """Weeks with visits to learn from: four for each month that has one."""
    return WEEKS_A_MONTH * len(np.unique(table.month[~table.live]))


class _Learner:
    """Where the steps have come to; the next search begins there, which changes nothing but its length."""

    def __init__(self, design: Design, table: Table) -> None:
        training = ~table.live
        self.design = design
        self.site = design.site[training]
        self.kind = design.kind[training]
        self.pair = self.site * len(design.rest) + self.kind
        self.visits = table.visits[training]
        self.repeats = table.repeats[training]
        self.site_effects = np.zeros(design.sites)
        self.rest_effects = np.zeros(design.rest.shape[1])

    def settle(self, variances: Floats) -> _Solved:
        """Step until nothing moves by more than the tolerance."""
        design = self.design
        site_ridge = 1 / variances[0]
        rest_ridge = design.ridge.copy()
        if design.shrinks_months:
            rest_ridge[design.month_columns] = 1 / variances[1]
        kinds = len(design.rest)
        before = np.inf
        for _ in range(MOST_STEPS):
            chance = _chance(self.site_effects[self.site] + (design.rest @ self.rest_effects)[self.kind])
            expected = self.visits * chance
            weight = np.bincount(self.pair, expected * (1 - chance), design.sites * kinds).astype(np.float64)
            missing = self.repeats - expected
            site_pull = np.bincount(self.site, missing, design.sites) - site_ridge * self.site_effects
            kind_pull = np.bincount(self.kind, missing, kinds)
            rest_pull = kind_pull @ design.rest - rest_ridge * self.rest_effects
            solved = _solved(weight.reshape(design.sites, kinds), design.rest, site_ridge, rest_ridge)
            rest_step = solved.rest_inverse @ (rest_pull - (site_pull * solved.site_inverse) @ solved.shared)
            site_step = solved.site_inverse * (site_pull - solved.shared @ rest_step)
            longest = float(max(np.abs(rest_step).max(), np.abs(site_step).max()))
            scale = min(1.0, LONGEST_STEP / longest) if longest else 1.0
            self.rest_effects += scale * rest_step
            self.site_effects += scale * site_step
            if longest < TOLERANCE or before <= longest < ROUNDING:
                return solved
            before = longest
        raise Problem(NO_FIT, f"the steps do not settle; the last one moved by {before:.2g}")

    def variances(self, solved: _Solved) -> Floats:
        """The variances under which these effects and their uncertainty are most likely: of sites, of months."""
        site = np.mean(self.site_effects**2 + solved.site_variances())
        months = self.design.month_columns
        month = np.mean(self.rest_effects[months] ** 2 + np.diag(solved.rest_inverse)[months])
        return np.maximum([site, month], LEAST_VARIANCE)


def _solved(weight: Floats, rest: Floats, site_ridge: float, rest_ridge: Floats) -> _Solved:
    site_inverse = 1 / (weight.sum(axis=1) + site_ridge)
    shared = weight @ rest
    information = (rest.T * weight.sum(axis=0)) @ rest + np.diag(rest_ridge)
    return _Solved(
        site_inverse=site_inverse,
        shared=shared,
        rest_inverse=np.linalg.inv(information - (shared.T * site_inverse) @ shared),
    )


def _chance(logit: Floats) -> Floats:
    # The hyperbolic tangent never overflows, which the exponential does on tables where nothing was ever repeated.
    return 0.5 * (1 + np.tanh(0.5 * logit))
