"""Cells: how many visits of one kind at one site in four weeks, and how many of them were repeated.

All that the model of expected repeats sees. A month here is four weeks of exactly 28 days, counted from the start
of the study, so that every month is equally long.
"""

from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from sync.visits import DAY_MS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_Level = TypeVar("_Level", str, int)

MONTH_MS: Final = 28 * DAY_MS
WEEKS_A_MONTH: Final = 4


class Cell(msgspec.Struct, frozen=True):
    """Mature visits of one site, month and stratum, before (`live` false) or after the site's switch-on.

    `month` counts periods of four weeks from 0; `repeats` of the `visits` were repeated inside the window. The
    `recent_...` ones among both are of the last twelve weeks.
    """

    site: str
    month: int
    stratum: str
    live: bool
    visits: int
    repeats: int
    recent_visits: int = 0
    recent_repeats: int = 0


class Counted(msgspec.Struct, frozen=True, gc=False):
    """A mature visit as its cell counts it."""

    site: str
    month: int
    stratum: str
    live: bool
    repeated: bool
    recent: bool = False


class Table(msgspec.Struct, frozen=True, eq=False):
    """Cells as columns. `site`, `month` and `stratum` are positions in `sites`, `months` and `strata`, each sorted.

    Every level that any cell has is there, also one without a cell before the switch-on.
    """

    sites: tuple[str, ...]
    months: tuple[int, ...]
    strata: tuple[str, ...]
    site: Ints
    month: Ints
    stratum: Ints
    live: Bools
    visits: Floats
    repeats: Floats
    recent_visits: Floats
    recent_repeats: Floats

    @property
    def month_number(self) -> Ints:
        """The month of each cell, counted from the start of the study."""
        return np.array(self.months, dtype=np.int64)[self.month]


def month_of(departed_ms: int, study_start_ms: int) -> int:
    """The month a departure falls in; below 0 before the study."""
    return (departed_ms - study_start_ms) // MONTH_MS


def counted(visits: Iterable[Counted]) -> list[Cell]:
    """The cells that these visits make, sorted."""
    totals: dict[tuple[str, int, str, bool], list[int]] = {}
    for visit in visits:
        total = totals.setdefault((visit.site, visit.month, visit.stratum, visit.live), [0, 0, 0, 0])
        total[0] += 1
        total[1] += visit.repeated
        total[2] += visit.recent
        total[3] += visit.recent and visit.repeated
    return [Cell(*key, *totals[key]) for key in sorted(totals)]


def tabulated(cells: Iterable[Cell]) -> Table:
    """The cells as columns, in an order that does not depend on the order given; cells without visits are left out."""
    rows = sorted((c for c in cells if c.visits), key=lambda c: (c.site, c.month, c.stratum, c.live))
    sites = tuple(sorted({row.site for row in rows}))
    months = tuple(sorted({row.month for row in rows}))
    strata = tuple(sorted({row.stratum for row in rows}))
    return Table(
        sites=sites,
        months=months,
        strata=strata,
        site=_positions([row.site for row in rows], sites),
        month=_positions([row.month for row in rows], months),
        stratum=_positions([row.stratum for row in rows], strata),
        live=np.array([row.live for row in rows], dtype=np.bool_),
        visits=np.array([row.visits for row in rows], dtype=np.float64),
        repeats=np.array([row.repeats for row in rows], dtype=np.float64),
        recent_visits=np.array([row.recent_visits for row in rows], dtype=np.float64),
        recent_repeats=np.array([row.recent_repeats for row in rows], dtype=np.float64),
    )


def _positions(values: list[_Level], levels: tuple[_Level, ...]) -> Ints:
    position = {level: i for i, level in enumerate(levels)}
    return np.array([position[value] for value in values], dtype=np.int64)
