"""The ledger: one entry for each prompted visit with a gap, which can lose as well as win."""

from random import Random

import pytest

from backend.measures.ledger import GapVisit, by_lot, has_gap, ledger_of
from sync.policy import Arm


def gap_visits(silent_share: float = 0.0) -> list[GapVisit]:
    """Three sites over twenty periods, switched on in the tenth; a prompt halves the chance of a repeat."""
    draw = Random(7)
    visits = []
    for number in range(1_200):
        month = int(draw.random() * 20)
        live = month >= 10
        arm: Arm = "shadow" if not live else "holdout" if draw.random() < silent_share else "prompt"
        gap, chance = ("photo", 0.2) if draw.random() < 0.5 else ("part", 0.6)
        visits.append(
            GapVisit(
                id=f"v{number:04}",
                site="abc"[int(draw.random() * 3)],
                month=month,
                gap=gap,
                arm=arm,
                live=live,
                repeated=draw.random() < chance * (0.5 if arm == "prompt" else 1),
                recent=month > 16,
                before=7 <= month < 10,
                matures_at_ms=5_000 - number if month == 19 else None,
            )
        )
    return visits


def test_the_entries_add_up_to_the_estimate_and_can_be_negative() -> None:
    ledger = ledger_of(gap_visits(), weeks_before=40, as_of_ms=0)
    estimate = ledger.appraisal.estimate
    assert estimate is not None
    assert sum(entry.credit for entry in ledger.entries) == pytest.approx(estimate.estimate, abs=1e-9)
    assert estimate.low > 0
    assert len(ledger.entries) == estimate.visits
    for entry in ledger.entries:
        assert entry.credit == entry.expected - entry.repeated
        assert 0 < entry.expected < 1
    assert {entry.repeated for entry in ledger.entries} == {True, False}


def test_a_visit_whose_window_is_open_is_pending_and_has_no_credit() -> None:
    visits = gap_visits()
    ledger = ledger_of(visits, weeks_before=40, as_of_ms=0)
    waiting = {visit.id for visit in visits if visit.matures_at_ms is not None}
    assert {pending.visit for pending in ledger.pending} == waiting
    assert not waiting & {entry.visit for entry in ledger.entries}
    times = [pending.matures_at_ms for pending in ledger.pending]
    assert times == sorted(times)


def test_what_is_neither_silent_before_nor_prompted_after_is_left_out_and_counted() -> None:
    odd = [
        GapVisit("x1", "a", 3, "part", "prompt", live=False, repeated=True),
        GapVisit("x2", "a", 12, "part", "shadow", live=True, repeated=True),
        GapVisit("x3", "a", 3, "part", None, live=False, repeated=True),
    ]
    with_odd = ledger_of([*gap_visits(), *odd], weeks_before=40, as_of_ms=0)
    without = ledger_of(gap_visits(), weeks_before=40, as_of_ms=0)
    assert (with_odd.left_out, without.left_out) == (3, 0)
    assert with_odd.appraisal == without.appraisal


def test_time_is_compared_month_by_month_only_where_each_month_has_silent_visits() -> None:
    assert ledger_of(gap_visits(), weeks_before=40, as_of_ms=0).appraisal.mode == "trend"
    assert ledger_of(gap_visits(0.6), weeks_before=40, as_of_ms=0).appraisal.mode == "controls"


def test_without_silent_visits_there_are_no_entries() -> None:
    prompted = [visit for visit in gap_visits() if visit.arm == "prompt"]
    ledger = ledger_of(prompted, weeks_before=0, as_of_ms=0)
    assert (ledger.entries, ledger.appraisal.estimate, ledger.appraisal.state) == ((), None, "NOT_ENOUGH_DATA")


def test_an_empty_ledger_is_one() -> None:
    ledger = ledger_of([], weeks_before=0, as_of_ms=0)
    assert (ledger.entries, ledger.pending, ledger.by_lot, ledger.left_out) == ((), (), None, 0)


# -- by lot -------------------------------------------------------------------
def lot_visit(number: int, gap: str, arm: Arm, *, repeated: bool) -> GapVisit:
    return GapVisit(f"v{number}", "a", 0, gap, arm, live=True, repeated=repeated)


def test_the_lot_compares_each_gap_with_a_rate_that_leans_on_all_silent_visits() -> None:
    visits = [lot_visit(i, "part", "holdout", repeated=i < 6) for i in range(8)]
    visits += [lot_visit(10 + i, "photo", "holdout", repeated=False) for i in range(2)]
    visits += [lot_visit(20 + i, "part", "prompt", repeated=i < 10) for i in range(40)]
    visits += [lot_visit(70 + i, "photo", "prompt", repeated=i < 1) for i in range(20)]
    lot = by_lot(visits)
    assert lot is not None
    # Pooled 6 of 10. part: (6 + 2 x 0.6) / (8 + 2) = 0.72; photo: (0 + 1.2) / (2 + 2) = 0.3.
    assert lot.estimate == pytest.approx(40 * 0.72 - 10 + 20 * 0.3 - 1)
    variance = 1600 * 0.2016 / 11 + 40 * 0.2016 + 400 * 0.21 / 5 + 20 * 0.21
    assert (lot.high - lot.low) / 2 == pytest.approx(1.96 * variance**0.5)
    assert (lot.silent, lot.prompted) == (10, 60)


def test_a_lot_needs_both_sides() -> None:
    assert by_lot([lot_visit(1, "part", "prompt", repeated=False)]) is None
    assert by_lot([lot_visit(1, "part", "holdout", repeated=False)]) is None


def test_silent_visits_by_lot_teach_the_model_too() -> None:
    ledger = ledger_of(gap_visits(0.3), weeks_before=40, as_of_ms=0)
    assert ledger.by_lot is not None
    estimate = ledger.appraisal.estimate
    assert estimate is not None
    assert estimate.low < ledger.by_lot.estimate < estimate.high
    assert ledger.left_out == 0


@pytest.mark.parametrize(("gap", "is_one"), [("none", False), ("not_checked", False), ("", False), ("part", True)])
def test_a_gap_is_what_a_check_found(gap: str, is_one: bool) -> None:
    assert has_gap(gap) is is_one
