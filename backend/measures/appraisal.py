"""An estimate with all that says how far to trust it: both modes, grade, placebo, state, and what is missing."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from backend.measures.avoided import Estimate, estimated
from backend.measures.cells import WEEKS_A_MONTH, Cell, Floats, Table, tabulated
from backend.measures.model import Mode
from backend.measures.states import (
    Evidence,
    Grade,
    Missing,
    Placebo,
    Proof,
    State,
    graded,
    missing,
    mode_of,
    state_of,
)

ModeWish = Literal["auto", "controls", "trend"]
MODES: Final[tuple[Mode, ...]] = ("controls", "trend")
PLACEBO_MONTHS: Final = 3
RECENT_MONTHS: Final = 3


class Appraisal(msgspec.Struct, frozen=True, kw_only=True):
    """What a table of cells says about avoided repeats.

    `mode` is the one that `estimate` was made in: as asked for, else the one the grade selects. `estimate` is None
    without visits both before and after a switch-on; `placebo` is None where there is nothing to make it from.
    """

    state: State
    grade: Grade
    mode: Mode
    estimate: Estimate | None
    placebo: Placebo | None
    missing: tuple[Missing, ...]
    evidence: Evidence


class Appraised(msgspec.Struct, frozen=True, eq=False):
    """An appraisal, and the chance of a repeat in each cell of its table (None without an estimate)."""

    appraisal: Appraisal
    chance: Floats | None


def appraised(
    cells: Sequence[Cell],
    placebo_cells: Sequence[Cell] | None,
    *,
    weeks_before: float,
    wish: ModeWish = "auto",
    proof: Proof | None = None,
    as_of_ms: int | None = None,
) -> Appraised:
    """The appraisal of mature visits in cells.

    `placebo_cells` are the same without live visits, those of the twelve weeks before a switch-on marked live.
    `weeks_before` is from the first visit to the first switch-on, or to the last visit while there is none.
    """
    table = tabulated(cells)
    grade = graded(table)
    mode = mode_of(grade) if wish == "auto" else wish
    made = estimated(table, mode) if table.live.any() and not table.live.all() else None
    evidence = _evidence(table, made.fit.chance if made else None, weeks_before)
    lacking = missing(evidence, as_of_ms)
    placebo = _placebo(placebo_cells, mode) if placebo_cells else None
    estimate = made.estimate if made else None
    return Appraised(
        Appraisal(
            state=state_of(estimate, grade, lacking, placebo, proof or Proof()),
            grade=grade,
            mode=mode,
            estimate=estimate,
            placebo=placebo,
            missing=lacking,
            evidence=evidence,
        ),
        made.fit.chance if made else None,
    )


def appraised_history(cells: Sequence[Cell], wish: ModeWish = "auto") -> Appraisal:
    """The appraisal of a table without dates: whole months stand for the twelve weeks and the first switch-on."""
    last = max((cell.month for cell in cells), default=0)
    first = min((cell.month for cell in cells), default=0)
    switch = min((cell.month for cell in cells if cell.live), default=last + 1)
    marked = [
        msgspec.structs.replace(cell, recent_visits=cell.visits, recent_repeats=cell.repeats)
        if cell.month > last - RECENT_MONTHS
        else cell
        for cell in cells
    ]
    weeks = WEEKS_A_MONTH * (switch - first)
    return appraised(marked, placebo_of(marked), weeks_before=weeks, wish=wish).appraisal


def placebo_of(cells: Sequence[Cell]) -> list[Cell]:
    """The cells before the switch-on, those of the three whole months before a site's month of switch-on as if live."""
    switch: dict[str, int] = {}
    for cell in cells:
        if cell.live:
            switch[cell.site] = min(cell.month, switch.get(cell.site, cell.month))
    return [
        msgspec.structs.replace(
            cell, live=cell.site in switch and switch[cell.site] - PLACEBO_MONTHS <= cell.month < switch[cell.site]
        )
        for cell in cells
        if not cell.live
    ]


def _placebo(cells: Sequence[Cell], mode: Mode) -> Placebo | None:
    table = tabulated(cells)
    if not table.live.any() or table.live.all():
        return None
    estimate = estimated(table, mode).estimate
    return Placebo(
        estimate=estimate.estimate,
        low=estimate.low,
        high=estimate.high,
        passed=estimate.low <= 0 <= estimate.high,
    )


def _evidence(table: Table, chance: Floats | None, weeks_before: float) -> Evidence:
    live = table.live
    likely = np.zeros(len(live)) if chance is None else chance
    return Evidence(
        expected=float((table.visits * likely)[live].sum()),
        repeats_before=int(table.repeats[~live].sum()),
        visits_after=int(table.visits[live].sum()),
        weeks_before=weeks_before,
        sites=len(table.sites),
        switched_on=bool(live.any()),
        recent_expected=float((table.recent_visits * likely)[live].sum()),
        recent_repeats_before=int(table.recent_repeats[~live].sum()),
        recent_visits_after=int(table.recent_visits[live].sum()),
    )
