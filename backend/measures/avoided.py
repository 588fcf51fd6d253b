"""Avoided repeat visits: those expected after the switch-on less those observed, with what is not known about it.

Every visit to a site that is switched on counts, whether or not the product was used on it. A negative number is
as good an answer as a positive one.
"""

from typing import Final

import msgspec
import numpy as np

from backend.measures.cells import Table
from backend.measures.model import Fit, Mode, fitted, training_weeks

Z95: Final = 1.96
Z99: Final = 2.576
POWER: Final = 2.8
"""Standard errors between nothing and an effect found four times in five at 95 % (1.96 + 0.84)."""
BLOCKS: Final = (1, 3, 6)
"""Months of one site are not independent; blocks of 4, 12 and 24 weeks show how far they are not."""
LEAST_EXPECTED: Final = 1.0
LEAST_FOR_A_RATIO: Final = 10
"""Rates and ratios of fewer observed repeats say nothing and are not given."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How much the training visits scatter about the model, in blocks of `months`: 1 where chance alone does it.

    `blocks` is how many blocks of a site expect a repeat or more.
    """

    months: int
    phi: float
    blocks: int


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Repeat visits avoided over `visits` mature visits after the switch-on: `estimate`, 95 % from `low` to `high`.

    `se` is its standard error. `ratio` is observed to expected with Byar's 95 % limits, which take the expectation
    as known; None where too few repeats were observed. `detectable` is the relative effect that data like these
    would find four times in five. `corrected_for_chains` counts the repeats of avoided repeats too, a bolder reading
    that is never the headline. `seasonal` is true where a year of training let the model learn a season.
    """

    mode: Mode
    visits: int
    expected: float
    observed: int
    estimate: float
    low: float
    high: float
    se: float
    phi: float
    spread: tuple[Spread, ...]
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    detectable: float | None
    corrected_for_chains: float
    site_variance: float
    month_variance: float | None
    seasonal: bool
    training_weeks: int

    def low_at(self, z: float) -> float:
        """The lower end of the interval of `z` standard errors."""
        return self.estimate - z * self.se


class Estimated(msgspec.Struct, frozen=True, eq=False):
    """An estimate, and the fit that it was made with."""

    estimate: Estimate
    fit: Fit


def estimated(table: Table, mode: Mode) -> Estimated:
    """Avoided repeats over the live cells, expected from a model learnt on all other cells.

    Raises NO_FIT where there is no other cell.
    """
    fit = fitted(table, mode)
    spread = tuple(_spread(table, fit, months) for months in BLOCKS)
    phi = max(1.0, *(one.phi for one in spread))
    visits = np.where(table.live, table.visits, 0.0)
    expected = float(visits @ fit.chance)
    observed = int(table.repeats[table.live].sum())
    # First what is not known about the expectation, then chance in what would have happened.
    by_chance = float(visits @ (fit.chance * (1 - fit.chance)))
    se = float(np.sqrt(phi * fit.variance_of(visits) + phi * by_chance))
    total = int(visits.sum())
    avoided = expected - observed
    low, high = _byar(observed)
    has_ratio = observed >= LEAST_FOR_A_RATIO and expected > 0
    return Estimated(
        Estimate(
            mode=mode,
            visits=total,
            expected=expected,
            observed=observed,
            estimate=avoided,
            low=avoided - Z95 * se,
            high=avoided + Z95 * se,
            se=se,
            phi=phi,
            spread=spread,
            ratio=observed / expected if has_ratio else None,
            ratio_low=low / expected if has_ratio else None,
            ratio_high=high / expected if has_ratio else None,
            detectable=POWER * se / expected if expected > 0 else None,
            corrected_for_chains=avoided / (1 - expected / total) if total else 0.0,
            site_variance=fit.site_variance,
            month_variance=fit.month_variance,
            seasonal=fit.design.seasonal,
            training_weeks=training_weeks(table),
        ),
        fit,
    )


def _spread(table: Table, fit: Fit, months: int) -> Spread:
    """Squared distances of blocks (one site, `months` months) from the model, in units of chance."""
    training = ~table.live
    visits, chance = table.visits[training], fit.chance[training]
    site, month = table.site[training], table.month_number[training]
    _, block = np.unique(np.column_stack([site, month // months]), axis=0, return_inverse=True)
    observed = np.bincount(block, table.repeats[training])
    expected = np.bincount(block, visits * chance)
    variance = np.bincount(block, visits * chance * (1 - chance))
    enough = expected >= LEAST_EXPECTED
    distance = float(np.sum((observed[enough] - expected[enough]) ** 2 / variance[enough]))
    blocks = int(enough.sum())
    free = blocks - len(np.unique(site)) - len(np.unique(month)) / months
    return Spread(months=months, phi=distance / max(free, 1.0), blocks=blocks)


def _byar(observed: int) -> tuple[float, float]:
    """Byar's 95 % limits of a count."""
    low = observed * (1 - 1 / (9 * observed) - Z95 / (3 * observed**0.5)) ** 3 if observed else 0.0
    more = observed + 1
    return low, more * (1 - 1 / (9 * more) + Z95 / (3 * more**0.5)) ** 3
