"""A table of visits and repeats drawn here, and what statsmodels says of it.

Seven sites, fifteen periods, three job types, five sites switched on one after the other, two of them in the middle of
a period. Where the numbers come from: statsmodels 0.15.0 with numpy 2.4.6, run once outside this project on this very
table. `PLAIN`: `GLM(..., family=Binomial())` with an effect for each job type, site and period, no penalty; E and the
two variances from its predictions and covariance. `CONTROLS` and `TREND`: the penalised likelihood was maximised by
`GLM` with `PenalizedMixin` and `L2ConstraintsPenalty` (Newton, to 1e-12), its Hessian plus the penalty inverted, the
variances moved by 200 EM steps from 0.1 with 1e-4 as the least, one more fit, and the interval put together from the
definitions in plain loops over the rows.
"""

from math import exp, pi, sin
from random import Random
from typing import Final

import msgspec

from backend.measures.cells import Cell

PERIODS: Final = 15
LIVE_FROM: Final = {"bay": 7, "cape": 9, "dale": 7, "elm": 11, "fort": 9}
SITES: Final = ("ash", "bay", "cape", "dale", "elm", "fort", "glen")
JOBS: Final = {"fix": 0.0, "fit": 0.5, "swap": -0.4}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What statsmodels makes of the table in one mode."""

    expected: float
    estimate: float
    low: float
    high: float
    phi: tuple[float, float, float]
    site_variance: float
    month_variance: float | None


TREATED: Final = (1010, 122)
BASELINE: Final = (2535, 639)
PLAIN_EXPECTED: Final = 179.1368772953896
PLAIN_VARIANCE_OF_EXPECTED: Final = 417.68853641329633
PLAIN_VARIANCE_BY_CHANCE: Final = 136.46554941286652
CONTROLS: Final = Said(
    expected=183.392443,
    estimate=61.392443,
    low=9.416187,
    high=113.368699,
    phi=(1.0340385636, 1.2484251912, 1.0446717131),
    site_variance=0.2391721294,
    month_variance=None,
)
TREND: Final = Said(
    expected=183.323101,
    estimate=61.323101,
    low=8.914415,
    high=113.731786,
    phi=(1.0961361386, 1.2804813170, 1.1073542419),
    site_variance=0.2366500399,
    month_variance=0.0003668739,
)


def own_cells() -> list[Cell]:
    """The table, the same wherever Python runs."""
    draw = Random(20260105)
    cells: list[Cell] = []
    for site in SITES:
        shift = draw.gauss(0, 0.4)
        for month in range(PERIODS):
            for job, harder in JOBS.items():
                draw.random()
                for live in (False, True):
                    visits = _visits(draw, site, month, live=live)
                    season = 0.25 * sin(2 * pi * (4 * month + 2) / 52) - 0.02 * month
                    chance = 1 / (1 + exp(-(-1.2 + harder + shift + season - 0.5 * live)))
                    repeats = sum(draw.random() < chance for _ in range(visits))
                    if visits:
                        cells.append(Cell(site, month, job, live, visits, repeats))
    return cells


def _visits(draw: Random, site: str, month: int, *, live: bool) -> int:
    switch = LIVE_FROM.get(site)
    if switch is None:
        return (6 + int(draw.random() * 12)) * (not live)
    if month == switch:
        return 3 + int(draw.random() * 6)
    return 6 + int(draw.random() * 12) if (month > switch) == live else 0


def as_csv(cells: list[Cell]) -> str:
    """The table as `handover estimate` reads it."""
    rows = [f"{c.site},{c.month},{c.stratum},{int(c.live)},{c.visits},{c.repeats}" for c in cells]
    return "\n".join(["site,month,jobtype,live,visits,repeats", *rows, ""])
