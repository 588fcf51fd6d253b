"""Rule rv-1: the edge cases one by one, then what holds for any history in any order."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.visits import (
    ALARM_SHARE,
    INDEX_TYPES,
    SHORT_WINDOW_MS,
    WINDOW_MS,
    Judged,
    Repeats,
    Visit,
    renamed,
    repeats,
)

HOUR = 3_600_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY = 24.0


def at(hours: float) -> int:
    return START + round(hours * HOUR)


def visit(id_: str, arrived: float | None, departed: float | None = None, **said: object) -> Visit:
    """A done corrective visit to asset A for a job of its own; `said` changes what is different."""
    facts: dict[str, object] = {
        "id": id_,
        "job": f"job of {id_}",
        "site": "north",
        "type": "corrective",
        "trade": "hvac",
        "asset": "A",
        "arrived_ms": None if arrived is None else at(arrived),
        "departed_ms": None if departed is None else at(departed),
        "outcome": "done",
    }
    return msgspec.convert(facts | said, Visit)


def pairs(*visits: Visit) -> dict[str, str]:
    return repeats(visits).pairs()


def standing(found: Repeats, id_: str) -> str:
    return next(judged.standing for judged in found.visits if judged.visit.id == id_)


def reason(found: Repeats, id_: str) -> str | None:
    return next(judged.reason for judged in found.visits if judged.visit.id == id_)


NO_ASSET: dict[str, None] = {"asset": None}
NO_KEY: dict[str, None] = {"asset": None, "trade": None}
STORM = {"excluded": "storm", "excluded_by": "dispatcher"}
JOB = {"job": "j"}

# name: (visits, repeats found); hours since the first arrival
CASES: dict[str, tuple[list[Visit], dict[str, str]]] = {
    "the thirtieth day counts to its last millisecond": (
        [visit("a", 0, 2), visit("b", 2 + 720, 723)],
        {"a": "b"},
    ),
    "a moment after the thirtieth day is no repeat": (
        [visit("a", 0, 2), visit("b", 2 + 720 + 1 / HOUR, 724)],
        {},
    ),
    "a repeat can be repeated itself": (
        [visit("a", 0, 1), visit("b", 5 * DAY, 121), visit("c", 9 * DAY, 217)],
        {"a": "b", "b": "c"},
    ),
    "planned upkeep inside the window is no repeat": (
        [visit("a", 0, 1), visit("b", 5 * DAY, 121, type="preventive")],
        {},
    ),
    "an inspection inside the window is no repeat": (
        [visit("a", 0, 1), visit("b", 5 * DAY, 121, type="inspection")],
        {},
    ),
    "another asset at the same site is no repeat": (
        [visit("a", 0, 1), visit("b", 5 * DAY, 121, asset="B")],
        {},
    ),
    "without an asset site and trade are the key": (
        [visit("a", 0, 1, **NO_ASSET), visit("b", 5 * DAY, 121, **NO_ASSET)],
        {"a": "b"},
    ),
    "without an asset another trade is another matter": (
        [visit("a", 0, 1, **NO_ASSET), visit("b", 5 * DAY, 121, asset=None, trade="lifts")],
        {},
    ),
    "nothing never matches nothing": (
        [visit("a", 0, 1, **NO_KEY), visit("b", 5 * DAY, 121, **NO_KEY)],
        {},
    ),
    "two vans are one visit": (
        [visit("a", 0, 3, **JOB), visit("b", 1, 4, **JOB)],
        {},
    ),
    "back on the same job after three and a half hours is a repeat": (
        [visit("a", 0, 3, **JOB), visit("b", 6.5, 8, **JOB)],
        {"a": "b"},
    ),
    "nobody there to let them in is no visit to repeat": (
        [visit("a", 0, 1, outcome="no_access"), visit("b", 5 * DAY, 121)],
        {},
    ),
    "cancelled at the door is no repeat": (
        [visit("a", 0, 1), visit("b", 5 * DAY, 121, outcome="cancelled")],
        {},
    ),
    "only the last part of a plan can be repeated": (
        [
            visit("a", 0, 1, job="j", type="install", part="part", plan_declared_ms=at(-5)),
            visit("b", 9 * DAY, 218, job="j", type="install", part="last", plan_declared_ms=at(-5)),
            visit("c", 12 * DAY, 289),
        ],
        {"b": "c"},
    ),
    "what a dispatcher excluded is no repeat": (
        [visit("a", 0, 1), visit("b", 5 * DAY, 121, **STORM)],
        {},
    ),
    "planned upkeep of the same job is no repeat": (
        [visit("a", 0, 1, **JOB), visit("b", 5 * DAY, 121, job="j", type="preventive")],
        {},
    ),
    "planned upkeep that turns into a repair is a repeat": (
        [visit("a", 0, 1), visit("b", 5 * DAY, 121, type="preventive", converted_ms=at(120.5))],
        {"a": "b"},
    ),
    "back within two hours but after another job at the site is a repeat": (
        [visit("a", 0, 1, **JOB), visit("x", 1.5, 1.8, asset="Z"), visit("b", 2.5, 3, **JOB)],
        {"a": "b"},
    ),
    "the first visit of an install repeats nobody": (
        [
            visit("a", 0, 1),
            visit("b", 5 * DAY, 121, job="j", type="install"),
            visit("c", 8 * DAY, 193, job="j", type="install"),
        ],
        {"b": "c"},
    ),
    "a plan made after the departure excuses nothing": (
        [visit("a", 0, 1, **JOB), visit("b", 5 * DAY, 121, job="j", part="last", plan_declared_ms=at(2))],
        {"a": "b"},
    ),
    "a plan that does not say when excuses nothing": (
        [visit("a", 0, 1, **JOB), visit("b", 5 * DAY, 121, job="j", part="last")],
        {"a": "b"},
    ),
    "a repeat counts from its arrival": (
        [visit("a", 0, 1), visit("b", 5 * DAY)],
        {"a": "b"},
    ),
    "an excluded visit can still be repeated": (
        [visit("a", 0, 1, **STORM), visit("b", 5 * DAY, 121)],
        {"a": "b"},
    ),
    "goods brought again are a repeat": (
        [visit("a", 0, 1, job="c", type="delivery"), visit("b", 2 * DAY, 49, job="c", type="delivery")],
        {"a": "b"},
    ),
    "a failed delivery is no delivery to repeat": (
        [
            visit("a", 0, 1, job="c", type="delivery", outcome="no_access"),
            visit("b", 2 * DAY, 49, job="c", type="delivery"),
        ],
        {},
    ),
    "goods of another consignment are no repeat": (
        [visit("a", 0, 1, type="delivery"), visit("b", 2 * DAY, 49, type="delivery")],
        {},
    ),
    "a repair after a delivery is a repeat": (
        [visit("a", 0, 1, type="delivery"), visit("b", 2 * DAY, 49)],
        {"a": "b"},
    ),
    "a visit repeats the latest before it only": (
        [visit("a", 0, 1), visit("b", 3 * DAY, 73, type="install"), visit("c", 5 * DAY, 121)],
        {"b": "c"},
    ),
    "of two that ended before it the one that ended last is repeated": (
        [visit("a", 0, 9), visit("b", 1, 2), visit("c", 5 * DAY, 121)],
        {"a": "c"},
    ),
    "a visit is repeated by the next that counts only": (
        [visit("a", 0, 1), visit("b", 3 * DAY), visit("c", 5 * DAY, 121)],
        {"a": "b"},
    ),
    "what does not count is passed over": (
        [visit("a", 0, 1), visit("b", 3 * DAY, 73, type="preventive"), visit("c", 5 * DAY, 121)],
        {"a": "c"},
    ),
    "a return is found behind another job's installation": (
        [
            visit("a", 0, 1, job="j", type="install"),
            visit("x", 2 * DAY, 49, type="install"),
            visit("b", 5 * DAY, 121, job="j", type="install"),
        ],
        {"a": "b"},
    ),
    "a planned part is no repeat of another job either": (
        [visit("a", 0, 1), visit("b", 5 * DAY, 121, job="j", part="last", plan_declared_ms=at(0.5))],
        {},
    ),
    "no trouble found, and then the fault": (
        [visit("a", 0, 0.2), visit("b", 1 * DAY, 26)],
        {"a": "b"},
    ),
    "solved from afar is no visit": (
        [visit("a", 0, 1), visit("b", None), visit("c", 5 * DAY, 121)],
        {"a": "c"},
    ),
    "reopened without a trip is no repeat": (
        [visit("a", 0, 1, **JOB), visit("b", None, None, job="j", outcome=None)],
        {},
    ),
    "who has not left cannot be repeated yet": (
        [visit("a", 0), visit("b", 5 * DAY, 121)],
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_case_gives_the_repeats_it_names(name: str) -> None:
    visits, expected = CASES[name]
    assert pairs(*visits) == expected
    assert pairs(*reversed(visits)) == expected


# -- (1) plans ----------------------------------------------------------------
def test_a_part_planned_before_the_departure_cannot_be_repeated_and_one_planned_later_can() -> None:
    before = repeats([visit("a", 0, 1, part="part", plan_declared_ms=at(0.9))])
    after = repeats([visit("a", 0, 1, part="part", plan_declared_ms=at(1))])
    assert (standing(before, "a"), standing(after, "a")) == ("planned_part", "index")


# -- (2) upkeep ---------------------------------------------------------------
def test_what_is_found_on_upkeep_says_so_and_can_be_repeated_itself() -> None:
    upkeep = visit("b", 5 * DAY, 121, type="preventive", converted_ms=at(121))
    found = repeats([visit("a", 0, 1), upkeep, visit("c", 6 * DAY, 150)])
    assert found.pairs() == {"a": "b", "b": "c"}
    assert (reason(found, "a"), reason(found, "b")) == ("found_on_pm", "fault")


def test_upkeep_declared_a_repair_after_leaving_stays_upkeep_and_is_told() -> None:
    found = repeats([visit("a", 0, 1), visit("b", 5 * DAY, 121, type="preventive", converted_ms=at(121.1))])
    assert found.pairs() == {}
    assert [(odd.id, odd.what) for odd in found.odd] == [("b", "converted_after_departure")]


def test_upkeep_turned_into_a_repair_by_somebody_still_there_is_a_repeat() -> None:
    assert pairs(visit("a", 0, 1), visit("b", 5 * DAY, type="inspection", converted_ms=at(130))) == {"a": "b"}


# -- (3) aborted --------------------------------------------------------------
def test_an_aborted_visit_is_told_with_the_trip_it_cost() -> None:
    found = repeats(
        [
            visit("a", 0, 1, job="j", outcome="no_access"),
            visit("b", 3 * DAY, 74, **JOB),
            visit("c", 4 * DAY, 97, outcome="cancelled"),
            visit("d", 9 * DAY, 217, job="j", outcome="cancelled"),
        ]
    )
    assert [(aborted.visit.id, aborted.visit.outcome, aborted.came_back) for aborted in found.aborted] == [
        ("a", "no_access", "b"),
        ("c", "cancelled", None),
        ("d", "cancelled", None),
    ]
    assert [judged.visit.id for judged in found.visits] == ["b"]


def test_an_aborted_visit_of_another_job_comes_between_nothing() -> None:
    assert pairs(visit("a", 0, 1, **JOB), visit("x", 1.5, 1.6, outcome="no_access"), visit("b", 2, 3, **JOB)) == {}


# -- (4) reasons --------------------------------------------------------------
@pytest.mark.parametrize(
    ("again", "expected"),
    [
        ({"job": "j", "part": "last"}, "part"),
        ({"job": "j"}, "return"),
        ({}, "fault"),
        ({"job": "j", "type": "delivery"}, "delivery"),
        ({"job": "j", "type": "preventive", "converted_ms": at(120)}, "found_on_pm"),
    ],
)
def test_a_repeat_says_why_it_is_one(again: dict[str, object], expected: str) -> None:
    assert reason(repeats([visit("a", 0, 1, **JOB), visit("b", 5 * DAY, 121, **again)]), "a") == expected


# -- (5) joining --------------------------------------------------------------
def test_joined_attendances_keep_the_earliest_the_latest_and_what_the_last_said() -> None:
    found = repeats(
        [
            visit("v1", 0, 5, job="j", type="install", trade=None, part="part", gap="serial", arm="shadow"),
            visit("v2", 1, 3, gap="photo", arm="prompt", **JOB),
            visit("v3", 6.9, 8, job="j", type="install", part="last", plan_declared_ms=at(-1), gap="none", **STORM),
        ],
        severity=("photo", "serial"),
    )
    (one,) = found.visits
    assert one.members == ("v1", "v2", "v3")
    assert one.visit == visit(
        "v1", 0, 8, job="j", part="last", plan_declared_ms=at(-1), gap="photo", arm="prompt", **STORM
    )
    assert one.excluded
    assert one.corrective


@pytest.mark.parametrize(("severity", "worst"), [(("b", "a"), "b"), (("b",), "b"), ((), "a"), (("a", "b"), "a")])
def test_the_worst_gap_of_joined_attendances_is_kept(severity: tuple[str, ...], worst: str) -> None:
    vans = [visit("v1", 0, 5, gap="a", arm="holdout", **JOB), visit("v2", 1, 3, gap="b", arm="shadow", **JOB)]
    (one,) = repeats(vans, severity=severity).visits
    assert (one.visit.gap, one.visit.arm) == (worst, "holdout")


def test_joined_attendances_without_a_gap_say_if_anybody_looked() -> None:
    looked = repeats([visit("v1", 0, 5, gap="none", arm="shadow", **JOB), visit("v2", 1, 3, **JOB)]).visits[0].visit
    nobody = repeats([visit("v1", 0, 5, **JOB), visit("v2", 1, 3, **JOB)]).visits[0].visit
    assert (looked.gap, looked.arm, nobody.gap, nobody.arm) == ("none", "shadow", "not_checked", None)


@pytest.mark.parametrize(
    ("second", "members"),
    [
        ({"arrived": 2.99}, 2),  # back from the wholesaler just in time
        ({"arrived": 3.0}, 1),  # two hours are a return
        ({"arrived": 0.5, "asset": "B"}, 1),  # another asset is another visit
        ({"arrived": 0.5, "job": "k"}, 1),  # another job is another visit
        ({"arrived": 0.5, "asset": None, "trade": None}, 1),  # no key joins with nothing
    ],
)
def test_attendances_join_by_job_key_and_two_hours(second: dict[str, object], members: int) -> None:
    said = {"job": "j"} | {name: value for name, value in second.items() if name != "arrived"}
    arrived = second["arrived"]
    assert isinstance(arrived, float)
    found = repeats([visit("a", 0, 1, **JOB), visit("b", arrived, 5, **said)])
    assert len(found.visits[0].members) == members


def test_a_visit_in_three_parts_joins_through_its_middle() -> None:
    found = repeats([visit("a", 0, 1, **JOB), visit("b", 2.5, 3, **JOB), visit("c", 4.5, 6, **JOB)])
    assert [one.members for one in found.visits] == [("a", "b", "c")]


def test_a_long_stay_covers_what_begins_before_it_ends() -> None:
    found = repeats([visit("a", 0, 10, **JOB), visit("b", 1, 2, **JOB), visit("c", 11, 12, **JOB)])
    assert [one.members for one in found.visits] == [("a", "b", "c")]


def test_an_attendance_begun_at_the_departure_comes_between_and_one_begun_at_the_return_does_not() -> None:
    first, again = visit("a", 0, 1, **JOB), visit("b", 2, 3, **JOB)
    assert pairs(first, again, visit("x", 1, 1.2, asset="Z")) == {"a": "b"}
    assert pairs(first, again, visit("x", 2, 2.2, asset="Z")) == {}
    assert pairs(first, again, visit("x", 1.5, 1.8, asset="Z", site="south")) == {}


def test_a_forgotten_departure_swallows_no_later_trip() -> None:
    found = repeats([visit("a", 0, None, **JOB), visit("b", 5 * DAY, 121, **JOB), visit("c", 6 * DAY, 145)])
    assert [one.members for one in found.visits] == [("a",), ("b",), ("c",)]
    assert found.pairs() == {"b": "c"}


def test_a_joined_visit_has_departed_when_nobody_is_known_to_have_come_after_that() -> None:
    one_forgot = repeats([visit("a", 0, None, **JOB), visit("b", 1, 4, **JOB)]).visits[0]
    still_there = repeats([visit("a", 0, 1, **JOB), visit("b", 1.5, None, **JOB)]).visits[0]
    assert (one_forgot.visit.departed_ms, one_forgot.standing) == (at(4), "index")
    assert (still_there.visit.departed_ms, still_there.standing) == (None, "not_departed")


def test_conversion_on_one_of_two_vans_makes_the_visit_a_repair() -> None:
    vans = [
        visit("b", 120, 125, job="j", type="preventive", converted_ms=at(124)),
        visit("c", 121, 123, job="j", type="preventive"),
    ]
    found = repeats([visit("a", 0, 1), *vans])
    assert (found.pairs(), reason(found, "a")) == ({"a": "b"}, "found_on_pm")


# -- (7) exclusions -----------------------------------------------------------
@pytest.mark.parametrize("by", ["technician", " Technician", "", None])
def test_a_technician_or_nobody_cannot_exclude_and_the_attempt_is_told(by: str | None) -> None:
    found = repeats([visit("a", 0, 1), visit("b", 5 * DAY, 121, excluded="storm", excluded_by=by)])
    assert found.pairs() == {"a": "b"}
    assert [odd.what for odd in found.odd] == ["exclusion_without_other_role"]
    assert found.excluded_share() == 0


def test_too_many_exclusions_raise_an_alarm() -> None:
    twenty = [visit(f"v{i}", 1000 * i, 1000 * i + 1) for i in range(20)]
    one, two = (msgspec.structs.replace(v, excluded="storm", excluded_by="manager") for v in twenty[:2])
    at_limit = repeats([one, *twenty[1:]])
    above = repeats([one, two, *twenty[2:]])
    assert (at_limit.excluded_share(), at_limit.alarms()) == (ALARM_SHARE, ())
    assert (above.excluded_share(), above.alarms()) == (0.1, ("excluded",))


# -- keys ---------------------------------------------------------------------
def test_visits_without_a_key_are_reported_as_a_share_and_raise_an_alarm() -> None:
    found = repeats([visit("a", 0, 1), visit("b", 2000, 2001, **NO_KEY), visit("c", 0, 1, type="preventive", **NO_KEY)])
    assert (standing(found, "b"), standing(found, "c")) == ("no_key", "other_type")
    assert (found.unmatchable_share(), found.alarms()) == (0.5, ("unmatchable",))


def test_nothing_has_no_shares() -> None:
    nothing = repeats([])
    assert (nothing.unmatchable_share(), nothing.excluded_share(), nothing.alarms()) == (0, 0, ())


# -- (10) the wider view ------------------------------------------------------
def test_a_return_to_the_site_is_seen_whatever_the_asset() -> None:
    found = repeats([visit("a", 0, 1), visit("b", 5 * DAY, 121, asset="B"), visit("c", 6 * DAY, 145, **NO_KEY)])
    assert found.pairs() == {}
    assert found.site_revisits == (("a", "b"), ("b", "c"))


# -- (12) first visits --------------------------------------------------------
def test_a_first_visit_is_one_that_repeats_nothing() -> None:
    found = repeats([visit("a", 0, 1), visit("b", 5 * DAY, 121), visit("c", 6 * DAY, 145)])
    assert [one.first for one in found.visits] == [True, False, False]


# -- (14) windows -------------------------------------------------------------
def test_a_shorter_window_sees_less() -> None:
    visits = [visit("a", 0, 1), visit("b", 20 * DAY, 481)]
    assert repeats(visits).pairs() == {"a": "b"}
    assert repeats(visits, window_ms=SHORT_WINDOW_MS).pairs() == {}


def test_which_types_can_be_repeated_is_a_setting() -> None:
    visits = [visit("a", 0, 1, type="delivery"), visit("b", 5 * DAY, 121)]
    assert repeats(visits, index_types=INDEX_TYPES - {"delivery"}).pairs() == {}


# -- clocks -------------------------------------------------------------------
def test_a_departure_before_the_arrival_is_a_stay_of_no_length_and_told() -> None:
    found = repeats([visit("a", 10, 4), visit("b", 11, 12)])
    assert found.visits[0].visit.departed_ms == at(10)
    assert found.pairs() == {"a": "b"}
    assert [odd.what for odd in found.odd] == ["departed_before_arrival"]


# -- (15) ids that were merged ------------------------------------------------
def test_merged_ids_match_through_the_table_of_the_date() -> None:
    visits = [visit("a", 0, 1, asset="old"), visit("b", 5 * DAY, 121, asset="older"), visit("c", 0, 1, **NO_ASSET)]
    assert repeats(visits).pairs() == {}
    now = renamed(visits, sites={"north": "south"}, assets={"older": "old", "old": "A"})
    assert {one.asset for one in now} == {"A", None}
    assert {one.site for one in now} == {"south"}
    assert repeats(now).pairs() == {"a": "b"}


def test_a_table_that_leads_in_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="back to itself"):
        renamed([visit("a", 0, 1)], sites={}, assets={"A": "B", "B": "A"})


def test_one_id_for_two_visits_is_refused_and_the_same_visit_twice_is_once() -> None:
    one = visit("a", 0, 1)
    assert len(repeats([one, one, visit("a", 0, 1)]).visits) == 1
    with pytest.raises(ValueError, match="visit a is given twice"):
        repeats([one, visit("a", 0, 2)])


# -- whatever the history -----------------------------------------------------
HOURS = st.integers(-2, 60 * 24).map(float) | st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0])
VISITS = st.lists(
    st.builds(
        visit,
        id_=st.integers(0, 10**6).map(str),
        arrived=st.none() | HOURS,
        departed=st.none() | HOURS,
        job=st.sampled_from("jkl"),
        site=st.sampled_from(["north", "south"]),
        type=st.sampled_from(["corrective", "corrective", "preventive", "install", "delivery"]),
        trade=st.sampled_from([None, "hvac"]),
        asset=st.sampled_from([None, "A", "B"]),
        outcome=st.sampled_from(["done", "done", "done", "no_access", None]),
        part=st.sampled_from(["no", "no", "part", "last"]),
        plan_declared_ms=st.none() | HOURS.map(at),
        converted_ms=st.none() | HOURS.map(at),
        excluded=st.sampled_from([None, None, "storm"]),
        excluded_by=st.sampled_from([None, "technician", "manager"]),
        gap=st.sampled_from(["none", "not_checked", "photo", "serial"]),
        arm=st.sampled_from([None, "shadow", "prompt", "holdout"]),
    ),
    max_size=14,
    unique_by=lambda v: v.id,
)


@given(visits=VISITS, data=st.data())
def test_the_order_of_the_visits_decides_nothing(visits: list[Visit], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(visits))
    again = data.draw(st.lists(st.sampled_from(visits), max_size=5)) if visits else []
    assert repeats(shuffled + again, severity=("serial",)) == repeats(visits, severity=("serial",))


@given(visits=VISITS)
def test_every_attendance_is_in_one_place_and_no_visit_is_counted_twice(visits: list[Visit]) -> None:
    found = repeats(visits)
    members = [member for one in found.visits for member in one.members]
    placed = members + [aborted.visit.id for aborted in found.aborted] + list(found.unattended)
    assert sorted(placed) == sorted(one.id for one in visits)
    assert len(set(found.pairs().values())) == len(found.pairs())
    assert len({u for _, u in found.site_revisits}) == len(found.site_revisits)


@given(visits=VISITS)
def test_a_repeat_begins_inside_the_window_after_its_visit_departed(visits: list[Visit]) -> None:
    found = repeats(visits)
    by_id = {one.visit.id: one for one in found.visits}
    for v, u in found.pairs().items():
        departed, arrived = by_id[v].visit.departed_ms, by_id[u].visit.arrived_ms
        assert departed is not None
        assert arrived is not None
        assert departed < arrived <= departed + WINDOW_MS
        assert by_id[v].standing == "index"
        assert not by_id[u].excluded
        assert by_id[u].corrective or by_id[u].visit.job == by_id[v].visit.job


@given(visits=VISITS)
def test_the_repeats_are_those_of_the_definition_read_word_by_word(visits: list[Visit]) -> None:
    """Every pair tried: v's next that qualifies, and of several with the same next the one that departed last."""
    found = repeats(visits)
    following: dict[str, Judged] = {}
    for v in found.visits:
        after = [u for u in found.visits if v.standing == "index" and may_follow(u, v)]
        if not after:
            continue
        u = min(after, key=lambda one: (one.visit.arrived_ms, one.visit.id))
        before = following.get(u.visit.id)
        if before is None or departure(v) > departure(before):
            following[u.visit.id] = v
    assert {v.visit.id: u for u, v in following.items()} == found.pairs()


def departure(one: Judged) -> tuple[int, int, str]:
    return one.visit.departed_ms or 0, one.visit.arrived_ms or 0, one.visit.id


def may_follow(u: Judged, v: Judged) -> bool:
    a, b = v.visit, u.visit
    departed, arrived = a.departed_ms or 0, b.arrived_ms or 0
    same_key = a.asset == b.asset if a.asset or b.asset else bool(a.trade) and (a.site, a.trade) == (b.site, b.trade)
    unplanned = b.part == "no" or b.plan_declared_ms is None or b.plan_declared_ms >= departed
    return_of_job = b.job == a.job and b.type not in ("preventive", "inspection")
    return (
        departed < arrived <= departed + WINDOW_MS
        and same_key
        and not u.excluded
        and unplanned
        and (u.corrective or return_of_job)
    )
