"""What may be said of an estimate, and what is missing before anything may be."""

import msgspec
import pytest

from backend.measures.appraisal import appraised, appraised_history, placebo_of
from backend.measures.avoided import Estimate, estimated
from backend.measures.cells import Cell, tabulated
from backend.measures.states import Evidence, Grade, Placebo, Proof, State, graded, missing, mode_of, sentence, state_of
from sync.visits import DAY_MS
from tests.backend.own_table import CONTROLS, TREND, own_cells

ENOUGH = Evidence(expected=20.0, repeats_before=50, visits_after=100, weeks_before=26.0, sites=3, switched_on=True)
PASSED = Placebo(estimate=1.0, low=-5.0, high=7.0, passed=True)
FAILED = Placebo(estimate=9.0, low=2.0, high=16.0, passed=False)
FROZEN, ON_A_DATE = Proof(frozen=True), Proof(preregistered=True)
MADE = estimated(tabulated(own_cells()), "controls").estimate


def between(low: float, high: float) -> Estimate:
    """An estimate with this 95 % interval."""
    middle = (low + high) / 2
    return msgspec.structs.replace(MADE, estimate=middle, low=low, high=high, se=(high - middle) / 1.96)


def test_what_is_just_enough_is_enough() -> None:
    assert missing(ENOUGH, 0) == ()


@pytest.mark.parametrize(
    ("less", "what"),
    [
        ({"expected": 19.99}, "expected_repeats"),
        ({"repeats_before": 49}, "repeats_before"),
        ({"visits_after": 99}, "visits_after"),
        ({"weeks_before": 25.9}, "weeks_before"),
        ({"sites": 2}, "sites"),
    ],
)
def test_whatever_is_too_little_is_named_and_leaves_no_number(less: dict[str, float], what: str) -> None:
    (one,) = lacking = missing(msgspec.structs.replace(ENOUGH, **less), 0)
    assert (one.what, one.have) == (what, next(iter(less.values())))
    assert state_of(between(1, 9), "A", lacking, PASSED, FROZEN) == "NOT_ENOUGH_DATA"


def test_the_date_it_is_expected_comes_from_the_last_twelve_weeks() -> None:
    slow = msgspec.structs.replace(ENOUGH, visits_after=60, recent_visits_after=30)
    (visits,) = missing(slow, 1_000)
    assert visits.expected_at_ms == 1_000 + 112 * DAY_MS  # 40 more at 30 in 84 days
    (never,) = missing(msgspec.structs.replace(slow, recent_visits_after=0), 1_000)
    (undated,) = missing(slow, None)
    assert (never.expected_at_ms, undated.expected_at_ms) == (None, None)


def test_weeks_before_grow_until_the_first_switch_on_and_never_after() -> None:
    (before,) = missing(msgspec.structs.replace(ENOUGH, weeks_before=20.0, switched_on=False), 0)
    (after,) = missing(msgspec.structs.replace(ENOUGH, weeks_before=20.0), 0)
    assert (before.expected_at_ms, after.expected_at_ms) == (42 * DAY_MS, None)


@pytest.mark.parametrize(
    ("low", "high", "grade", "placebo", "proof", "state"),
    [
        (-5, 9, "A", PASSED, FROZEN, "INCONCLUSIVE"),
        (0, 9, "A", PASSED, FROZEN, "INCONCLUSIVE"),
        (-9, 0, "A", PASSED, FROZEN, "INCONCLUSIVE"),
        (-9, -1, "A", PASSED, FROZEN, "WORSE"),
        (5, 9, "A", PASSED, Proof(), "ESTIMATED"),
        (5, 9, "A", PASSED, FROZEN, "VERIFIED"),
        (5, 9, "B", PASSED, FROZEN, "ESTIMATED"),
        (5, 9, "A", FAILED, FROZEN, "ESTIMATED"),
        (5, 9, "A", None, FROZEN, "ESTIMATED"),
        (0.1, 9, "A", PASSED, FROZEN, "ESTIMATED"),  # above 0 at 95 %, not at 99 %
        (0.1, 9, "A", PASSED, ON_A_DATE, "VERIFIED"),
    ],
)
def test_the_state_follows_from_interval_grade_placebo_and_proof(
    low: float, high: float, grade: Grade, placebo: Placebo | None, proof: Proof, state: State
) -> None:
    assert state_of(between(low, high), grade, (), placebo, proof) == state


def test_no_estimate_is_not_enough_data() -> None:
    assert state_of(None, "A", (), PASSED, FROZEN) == "NOT_ENOUGH_DATA"


@pytest.mark.parametrize(
    ("state", "low", "high", "said"),
    [
        ("NOT_ENOUGH_DATA", 1, 9, "Not enough data yet."),
        ("INCONCLUSIVE", -5, 9, "Between -5 and 9 avoided; cannot tell. An effect of 40% would show."),
        ("WORSE", -9, -1, "More repeat visits than expected, by 1 to 9."),
        ("ESTIMATED", 5, 9, "About 7 repeat visits avoided, between 5 and 9."),
        ("VERIFIED", 5, 9, "About 7 repeat visits avoided, between 5 and 9, verified."),
    ],
)
def test_a_state_is_said_in_one_sentence(state: State, low: float, high: float, said: str) -> None:
    assert sentence(state, msgspec.structs.replace(between(low, high), detectable=0.4)) == said


# -- grades -------------------------------------------------------------------
def roll_out(control_sites: int, control_visits: int, treated: int, weeks: int) -> list[Cell]:
    """Sites "c…" stay; "live" is switched on for the last period with that many visits after it."""
    last = weeks // 4
    cells = [
        Cell(f"c{i}", m, "t", live=False, visits=control_visits, repeats=1)
        for i in range(control_sites)
        for m in range(last + 1)
    ]
    before = [Cell("live", m, "t", live=False, visits=20, repeats=4) for m in range(last)]
    return [*cells, *before, Cell("live", last, "t", live=True, visits=treated, repeats=3)]


@pytest.mark.parametrize(
    ("control_sites", "control_visits", "treated", "grade"),
    [
        (2, 15, 30, "A"),
        (1, 30, 30, "B"),  # one site to compare with
        (2, 14, 30, "B"),  # 28 visits to compare with
        (2, 15, 29, "B"),  # no month full enough to be tested
        (0, 0, 30, "B"),
    ],
)
def test_grade_a_needs_two_sites_and_thirty_visits_to_compare_with_in_each_full_month(
    control_sites: int, control_visits: int, treated: int, grade: Grade
) -> None:
    assert graded(tabulated(roll_out(control_sites, control_visits, treated, 52))) == grade


def test_without_controls_a_year_before_makes_the_difference() -> None:
    assert graded(tabulated(roll_out(0, 0, 30, 52))) == "B"
    assert graded(tabulated(roll_out(0, 0, 30, 48))) == "C"


def test_a_site_switched_on_inside_a_month_can_be_compared_with_in_it() -> None:
    cells = [*roll_out(1, 30, 30, 52), Cell("live", 13, "t", live=False, visits=1, repeats=0)]
    assert graded(tabulated(cells)) == "A"


def test_a_thin_month_is_not_tested() -> None:
    cells = [*roll_out(2, 15, 30, 52), Cell("live", 14, "t", live=True, visits=29, repeats=3)]
    assert graded(tabulated(cells)) == "A"
    cells = [*roll_out(2, 15, 30, 52), Cell("live", 14, "t", live=True, visits=30, repeats=3)]
    assert graded(tabulated(cells)) == "B"


def test_the_grade_selects_the_mode() -> None:
    assert [mode_of(grade) for grade in ("A", "B", "C")] == ["controls", "trend", "trend"]


# -- whole tables -------------------------------------------------------------
def test_a_table_is_appraised_in_the_mode_its_grade_selects_unless_another_is_wished() -> None:
    by_grade = appraised_history(own_cells())
    assert (by_grade.grade, by_grade.mode) == ("A", "controls")
    wished = appraised_history(own_cells(), "trend")
    for appraisal, said in ((by_grade, CONTROLS), (wished, TREND)):
        assert appraisal.state == "ESTIMATED"
        assert appraisal.estimate is not None
        assert appraisal.estimate.estimate == pytest.approx(said.estimate, abs=1e-5)
    assert by_grade.evidence.weeks_before == 28
    assert by_grade.evidence.recent_visits_after < by_grade.evidence.visits_after


def test_the_placebo_stands_in_the_three_whole_months_before_a_switch_on() -> None:
    stand_in = {(cell.site, cell.month) for cell in placebo_of(own_cells()) if cell.live}
    assert {month for site, month in stand_in if site == "cape"} == {6, 7, 8}
    assert {site for site, _ in stand_in} == {"bay", "cape", "dale", "elm", "fort"}
    before = [cell for cell in own_cells() if not cell.live]
    assert len(placebo_of(own_cells())) == len(before)
    placebo = appraised_history(own_cells()).placebo
    assert placebo is not None
    again = estimated(tabulated(placebo_of(own_cells())), "controls").estimate
    assert (placebo.estimate, placebo.low, placebo.high) == (again.estimate, again.low, again.high)
    assert placebo.passed == (again.low <= 0 <= again.high)


@pytest.mark.parametrize("live", [True, False])
def test_a_table_all_before_or_all_after_a_switch_on_has_no_number(*, live: bool) -> None:
    cells = [msgspec.structs.replace(cell, live=live) for cell in roll_out(2, 30, 30, 52)]
    appraisal = appraised_history(cells)
    assert (appraisal.state, appraisal.placebo, appraisal.estimate) == ("NOT_ENOUGH_DATA", None, None)


def test_nothing_at_all_is_not_enough() -> None:
    appraisal = appraised([], None, weeks_before=0).appraisal
    assert (appraisal.state, len(appraisal.missing), appraised_history([]).grade) == ("NOT_ENOUGH_DATA", 5, "C")
