"""The statement: what is known at a date, what is inside what, and the same bytes every time."""

from functools import cache
from hashlib import sha256
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.measures import statement as statement_module
from backend.measures.maturity import LATE_MS, LONGEST_WAIT_MS, Received, is_mature, known_at, watermark
from backend.measures.statement import Settings, Statement, as_json, rounded, statement_of
from backend.measures.states import Proof
from sync.attendances import Visit
from sync.visits import DAY_MS, WINDOW_MS, repeats
from trial.history import SEVERITY, WEEK_MS, History, Plan, history

HOUR = 3_600_000
SMALL = Plan(weeks=70, cohorts=2, cohort_sites=2, never_live=2, first_switch_week=30, cohort_weeks=8)
PLAIN = Settings(severity=SEVERITY, code_version="test")


@cache
def drawn() -> History:
    return history(3, SMALL)


def received(world: History) -> list[Received]:
    """Every visit is received an hour after it was over, or began."""
    return [Received(visit, (visit.departed_ms or visit.arrived_ms or 0) + HOUR) for visit in world.visits]


def stated(as_of_ms: int | None = None, **changed: object) -> Statement:
    world = drawn()
    settings_ = msgspec.structs.replace(PLAIN, **changed)
    return statement_of(received(world), world.switch_on, {}, as_of_ms or world.as_of_ms, settings_)


@cache
def whole() -> Statement:
    return stated()


# -- maturity -----------------------------------------------------------------
def test_a_site_without_devices_is_known_a_week_late() -> None:
    assert watermark(100 * DAY_MS, []) == 93 * DAY_MS


def test_a_site_is_known_as_far_as_its_slowest_device_but_waits_two_weeks_at_most() -> None:
    now = 100 * DAY_MS
    assert watermark(now, [now - DAY_MS, now - 3 * DAY_MS]) == now - 3 * DAY_MS
    assert watermark(now, [now, 0]) == now - LONGEST_WAIT_MS
    assert watermark(now, [now + DAY_MS]) == now


def test_a_visit_is_mature_when_its_window_is_over_at_the_watermark() -> None:
    assert is_mature(0, WINDOW_MS)
    assert not is_mature(1, WINDOW_MS)
    assert is_mature(1, 15 * DAY_MS, 14 * DAY_MS)


def test_what_was_received_later_is_not_known_and_the_last_version_stands() -> None:
    one = Visit(id="a", job="j", site="s", type="corrective")
    other = msgspec.structs.replace(one, site="t")
    again = [Received(one, 1), Received(other, 5)]
    assert known_at(again, 0) == []
    assert known_at(again, 4) == [Received(one, 1)]
    assert known_at(again, 5) == known_at(again[::-1], 5) == [Received(other, 5)]
    same_moment = [Received(one, 1), Received(other, 1)]
    assert known_at(same_moment, 1) == known_at(same_moment[::-1], 1)


# -- the whole ----------------------------------------------------------------
def test_the_ledger_is_inside_the_total() -> None:
    statement = whole()
    total, part = statement.total.estimate, statement.ledger.appraisal.estimate
    assert total is not None
    assert part is not None
    assert statement.itemised == part.estimate
    assert statement.not_itemised == total.estimate - part.estimate
    assert sum(entry.credit for entry in statement.ledger.entries) == pytest.approx(part.estimate, abs=1e-9)
    treated = {one.id for one in drawn().drawn if one.live}
    assert {entry.visit for entry in statement.ledger.entries} <= treated
    assert statement.reconciled == (part.estimate <= total.high)


def test_a_ledger_above_all_that_the_total_may_be_is_said() -> None:
    statement = whole()
    total, part = statement.total.estimate, statement.itemised
    assert total is not None
    assert part is not None
    for high, fits in ((part, True), (part - 0.001, False)):
        lower = msgspec.structs.replace(total, estimate=part - 5, low=part - 9, high=high)
        again = statement_module._assembled(
            msgspec.structs.replace(statement.total, estimate=lower),
            statement.ledger,
            statement.counts,
            statement.manifest,
        )
        assert (again.reconciled, again.not_itemised) == (fits, -5)


def test_visits_whose_window_is_open_are_counted_apart() -> None:
    counts = whole().counts
    world = drawn()
    index = [one for one in repeats(world.visits).visits if one.standing == "index"]
    assert counts.mature + counts.immature == len(index)
    limit = world.as_of_ms - LATE_MS - WINDOW_MS
    assert counts.immature == sum((one.visit.departed_ms or 0) > limit for one in index)
    assert counts.mature_until_ms is not None
    assert counts.mature_until_ms <= limit
    assert all(one.matures_at_ms > world.as_of_ms for one in whole().ledger.pending)


def test_the_treated_are_the_mature_visits_after_the_switch_on_whatever_was_used_on_them() -> None:
    truth = drawn().truth(drawn().as_of_ms - LATE_MS)
    estimate = whole().total.estimate
    assert estimate is not None
    assert (estimate.visits, estimate.observed) == (truth.visits, truth.observed)


def test_devices_that_have_synced_make_more_visits_mature() -> None:
    world = drawn()
    synced = {site: [world.as_of_ms] for site in {visit.site for visit in world.visits}}
    statement = statement_of(received(world), world.switch_on, synced, world.as_of_ms, PLAIN)
    assert statement.counts.mature > whole().counts.mature
    assert set(statement.manifest.watermarks.values()) == {world.as_of_ms}


def test_before_any_switch_on_it_says_what_is_missing_and_when_it_is_expected() -> None:
    world = drawn()
    early = world.as_of_ms - 50 * WEEK_MS
    statement = stated(early)
    assert statement.total.state == "NOT_ENOUGH_DATA"
    assert statement.sentence == "Not enough data yet."
    weeks = next(one for one in statement.total.missing if one.what == "weeks_before")
    assert weeks.expected_at_ms is not None
    assert abs(weeks.expected_at_ms - (world.as_of_ms - 44 * WEEK_MS)) < 3 * DAY_MS
    assert statement.itemised is None
    assert statement.reconciled


def test_nothing_known_is_a_statement_too() -> None:
    statement = statement_of([], {}, {}, 0, PLAIN)
    assert (statement.total.state, statement.counts.known, statement.total.estimate) == ("NOT_ENOUGH_DATA", 0, None)


# -- dates --------------------------------------------------------------------
def test_a_number_for_an_earlier_date_never_changes() -> None:
    """Whatever arrives later, about whatever time, an earlier date gives the same bytes."""
    world = drawn()
    early = world.as_of_ms - 10 * WEEK_MS
    known = [one for one in received(world) if one.received_at_ms <= early]
    then = statement_of(known, world.switch_on, {}, early, PLAIN)
    late = msgspec.structs.replace(known[5].visit, site="elsewhere")
    now = statement_of([*received(world), Received(late, early + 1)], world.switch_on, {}, early, PLAIN)
    assert as_json(then) == as_json(now)


def test_a_correction_changes_later_statements_only() -> None:
    world = drawn()
    known = received(world)
    gone = msgspec.structs.replace(known[5].visit, outcome="no_access")
    corrected = statement_of([*known, Received(gone, world.as_of_ms)], world.switch_on, {}, world.as_of_ms, PLAIN)
    assert corrected.manifest.input_digest != whole().manifest.input_digest
    assert corrected.counts.aborted == whole().counts.aborted + 1


def test_a_switch_on_in_the_future_is_none_yet() -> None:
    world = drawn()
    early = min(world.switch_on.values()) - 1
    now = statement_of(received(world), world.switch_on, {}, early, PLAIN)
    never = statement_of(received(world), {}, {}, early, PLAIN)
    assert now.total == never.total


# -- bytes --------------------------------------------------------------------
@settings(max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_what_is_given_decides_nothing(seed: int) -> None:
    world = drawn()
    shuffled = received(world)
    Random(seed).shuffle(shuffled)
    switch_on = dict(sorted(world.switch_on.items(), reverse=True))
    again = statement_of(shuffled, switch_on, {}, world.as_of_ms, PLAIN)
    assert as_json(again) == as_json(whole())


def test_the_digest_is_of_all_that_is_stated() -> None:
    unsigned = msgspec.structs.replace(whole(), manifest=msgspec.structs.replace(whole().manifest, digest=""))
    assert statement_digest(unsigned) == whole().manifest.digest
    assert stated(proof=Proof(frozen=True)).manifest.digest != whole().manifest.digest


def statement_digest(statement: Statement) -> str:
    return sha256(as_json(statement)).hexdigest()


def test_the_manifest_says_what_it_was_made_with() -> None:
    manifest, world = whole().manifest, drawn()
    assert manifest.switch_on == world.switch_on
    assert (manifest.definition_version, manifest.as_of_ms, manifest.settings) == ("rv-1", world.as_of_ms, PLAIN)
    estimate = whole().total.estimate
    assert estimate is not None
    assert (manifest.mode, manifest.phi, manifest.site_variance) == (
        estimate.mode,
        estimate.phi,
        estimate.site_variance,
    )
    assert set(manifest.exclusions) == {"storm"}


def test_numbers_are_shown_to_six_digits() -> None:
    assert rounded({"a": [0.12345678, -1e-9, 3, "x", None, True]}) == {"a": [0.123457, 0.0, 3, "x", None, True]}
    assert str(rounded(-1e-9)) == "0.0"


# -- strata -------------------------------------------------------------------
def test_one_visit_without_a_trade_makes_the_type_the_stratum_of_all() -> None:
    world = drawn()
    known = received(world)
    by_type = [Received(msgspec.structs.replace(one.visit, trade=None), one.received_at_ms) for one in known]
    one_without = [by_type[0], *known[1:]]
    with_trades = statement_of(known, world.switch_on, {}, world.as_of_ms, PLAIN)
    one_less = statement_of(one_without, world.switch_on, {}, world.as_of_ms, PLAIN)
    all_less = statement_of(by_type, world.switch_on, {}, world.as_of_ms, PLAIN)
    assert one_less.total == all_less.total
    assert one_less.total.estimate != with_trades.total.estimate


def test_a_study_that_starts_later_leaves_out_what_departed_before() -> None:
    start = drawn().as_of_ms - 60 * WEEK_MS
    later = stated(study_start_ms=start)
    counts = later.counts
    assert counts.before_study > 0
    assert counts.mature + counts.immature + counts.before_study == whole().counts.mature + whole().counts.immature
