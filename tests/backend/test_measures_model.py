"""The model of expected repeats and the estimate, against numbers that another library gave."""

from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.measures import model
from backend.measures.avoided import Z95, estimated
from backend.measures.cells import Cell, Counted, counted, month_of, tabulated
from backend.measures.model import Mode, designed, fitted, training_weeks
from sync.problems import NO_FIT, Problem
from sync.visits import DAY_MS
from tests.backend import own_table
from tests.backend.own_table import CONTROLS, TREND, Said, own_cells

BY_MODE: dict[Mode, Said] = {"controls": CONTROLS, "trend": TREND}


@pytest.mark.parametrize("mode", BY_MODE)
def test_the_estimate_is_what_another_library_gives(mode: Mode) -> None:
    said, found = BY_MODE[mode], estimated(tabulated(own_cells()), mode).estimate
    assert (found.visits, found.observed) == own_table.TREATED
    assert found.expected == pytest.approx(said.expected, abs=1e-5)
    assert (found.estimate, found.low, found.high) == pytest.approx((said.estimate, said.low, said.high), abs=1e-5)
    assert tuple(one.phi for one in found.spread) == pytest.approx(said.phi, abs=1e-7)
    assert found.phi == max(1, *(one.phi for one in found.spread))
    assert found.site_variance == pytest.approx(said.site_variance, abs=1e-7)
    assert found.month_variance == (None if said.month_variance is None else pytest.approx(said.month_variance, 1e-5))


def test_without_penalties_it_is_a_plain_logistic_regression() -> None:
    table = tabulated(own_cells())
    design = designed(table, "controls")
    free = msgspec.structs.replace(design, ridge=np.full_like(design.ridge, 1e-7))
    learner = model._Learner(free, table)
    solved = learner.settle(np.array([1e7, 1e7]))
    chance = model._chance(learner.site_effects[free.site] + (free.rest @ learner.rest_effects)[free.kind])
    fit = model.Fit(design=free, chance=chance, site_variance=1e7, month_variance=None, solved=solved)
    visits = np.where(table.live, table.visits, 0.0)
    assert float(visits @ chance) == pytest.approx(own_table.PLAIN_EXPECTED, abs=1e-3)
    assert fit.variance_of(visits) == pytest.approx(own_table.PLAIN_VARIANCE_OF_EXPECTED, rel=1e-4)
    by_chance = float(visits @ (chance * (1 - chance)))
    assert by_chance == pytest.approx(own_table.PLAIN_VARIANCE_BY_CHANCE, abs=1e-3)


def test_the_variance_of_a_sum_is_the_one_of_the_whole_inverse() -> None:
    table = tabulated(own_cells())
    fit = fitted(table, "trend")
    design = fit.design
    whole = np.hstack([np.eye(design.sites)[design.site], design.rest[design.kind]])
    slope = table.visits * fit.chance * (1 - fit.chance)
    ridge = design.ridge.copy()
    ridge[design.month_columns] = 1 / (fit.month_variance or 0)
    penalty = np.concatenate([np.full(design.sites, 1 / fit.site_variance), ridge])
    learnt = np.where(table.live, 0.0, slope)
    inverse = np.linalg.inv((whole.T * learnt) @ whole + np.diag(penalty))
    weight = np.where(table.live, table.visits, 0.0)
    gradient = whole.T @ np.where(table.live, slope, 0.0)
    assert fit.variance_of(weight) == pytest.approx(gradient @ inverse @ gradient, rel=1e-9)


def test_the_order_of_the_cells_decides_nothing() -> None:
    cells = own_cells()
    shuffled = cells.copy()
    Random(1).shuffle(shuffled)
    assert estimated(tabulated(shuffled), "trend").estimate == estimated(tabulated(cells), "trend").estimate


def test_the_interval_is_196_standard_errors_to_each_side() -> None:
    found = estimated(tabulated(own_cells()), "controls").estimate
    assert (found.low, found.high) == (found.estimate - Z95 * found.se, found.estimate + Z95 * found.se)
    assert found.low_at(2.576) < found.low


def test_a_ratio_of_few_repeats_is_not_given() -> None:
    cells = own_cells()
    none = [msgspec.structs.replace(cell, repeats=0) if cell.live else cell for cell in cells]
    found = estimated(tabulated(none), "controls").estimate
    assert (found.observed, found.ratio, found.ratio_low, found.ratio_high) == (0, None, None, None)
    full = estimated(tabulated(cells), "controls").estimate
    assert full.ratio is not None
    assert full.ratio_low is not None
    assert full.ratio_high is not None
    assert full.ratio_low < full.ratio < full.ratio_high


def test_byars_limits_are_those_of_the_published_formula() -> None:
    # By hand for a count of 100: 100 (1 - 1/900 - 1.96/30)^3 and 101 (1 - 1/909 + 1.96/(3 sqrt 101))^3.
    cells = [
        Cell("a", 0, "t", live=False, visits=400, repeats=100),
        Cell("a", 0, "t", live=True, visits=400, repeats=100),
    ]
    found = estimated(tabulated(cells), "trend").estimate
    assert found.ratio_low is not None
    assert found.ratio_high is not None
    assert found.ratio_low * found.expected == pytest.approx(81.36, abs=0.01)
    assert found.ratio_high * found.expected == pytest.approx(121.63, abs=0.01)


def test_the_reading_with_chains_is_bolder() -> None:
    found = estimated(tabulated(own_cells()), "controls").estimate
    assert found.corrected_for_chains == pytest.approx(found.estimate / (1 - found.expected / found.visits))


def test_a_season_is_learnt_from_a_year_only() -> None:
    cells = own_cells()
    year = [cell for cell in cells if cell.live or cell.month < 13]
    short = [cell for cell in cells if cell.live or cell.month < 12]
    assert (training_weeks(tabulated(year)), training_weeks(tabulated(short))) == (52, 48)
    assert estimated(tabulated(year), "trend").estimate.seasonal
    assert not estimated(tabulated(short), "trend").estimate.seasonal
    assert not estimated(tabulated(year), "controls").estimate.seasonal


def test_a_level_without_training_is_kept() -> None:
    cells = [*own_cells(), Cell("new", 20, "other", live=True, visits=5, repeats=1)]
    table = tabulated(cells)
    assert ("new" in table.sites, 20 in table.months, "other" in table.strata) == (True, True, True)
    assert np.all(np.isfinite(fitted(table, "controls").chance))


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(Problem, match="no visits before") as caught:
        estimated(tabulated([Cell("a", 0, "t", live=True, visits=5, repeats=1)]), "controls")
    assert caught.value.kind is NO_FIT


def test_steps_that_do_not_settle_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "MOST_STEPS", 1)
    with pytest.raises(Problem, match="do not settle"):
        fitted(tabulated(own_cells()), "controls")


@pytest.mark.parametrize("repeats", [0, 1])
@pytest.mark.parametrize("mode", BY_MODE)
def test_a_history_in_which_nothing_or_everything_was_repeated_has_a_chance_near_it(mode: Mode, repeats: int) -> None:
    cells = [Cell(s, m, "t", live=m > 15, visits=9, repeats=9 * repeats) for s in "abc" for m in range(20)]
    assert fitted(tabulated(cells), mode).chance == pytest.approx(np.full(60, repeats), abs=0.05)


CELLS = st.lists(
    st.builds(
        lambda site, month, stratum, live, visits, share: Cell(site, month, stratum, live, visits, int(visits * share)),
        st.sampled_from("abc"),
        st.integers(0, 20),
        st.sampled_from("xy"),
        st.booleans(),
        st.integers(0, 10**5),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda cell: (cell.site, cell.month, cell.stratum, cell.live),
)


@settings(max_examples=25)
@given(cells=CELLS, mode=st.sampled_from(["controls", "trend"]))
def test_any_table_gives_finite_numbers_or_a_problem(cells: list[Cell], mode: Mode) -> None:
    table = tabulated(cells)
    if not len(table.live) or table.live.all():
        with pytest.raises(Problem):
            estimated(table, mode)
        return
    try:
        found = estimated(table, mode).estimate
    except Problem as problem:
        if problem.kind is not NO_FIT:  # that no step settles is said of a few tables
            raise
        return
    assert np.isfinite([found.estimate, found.low, found.high, found.phi, found.se]).all()
    assert found.low <= found.estimate <= found.high


def test_visits_are_counted_in_their_cells() -> None:
    visits = [
        Counted("b", 1, "t", live=True, repeated=True, recent=True),
        Counted("a", 1, "t", live=False, repeated=False),
        Counted("b", 1, "t", live=True, repeated=False),
        Counted("b", 1, "t", live=False, repeated=True, recent=True),
    ]
    assert counted(visits) == [
        Cell("a", 1, "t", live=False, visits=1, repeats=0),
        Cell("b", 1, "t", live=False, visits=1, repeats=1, recent_visits=1, recent_repeats=1),
        Cell("b", 1, "t", live=True, visits=2, repeats=1, recent_visits=1, recent_repeats=1),
    ]


def test_a_month_is_four_weeks_of_whole_days() -> None:
    assert [month_of(28 * DAY_MS * m + extra, 0) for m in (0, 1) for extra in (0, 28 * DAY_MS - 1)] == [0, 0, 1, 1]
    assert month_of(-1, 0) == -1
