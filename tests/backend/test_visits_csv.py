"""Histories from other systems: what is taken in, what is quarantined, and what it says to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.exchange.visits_csv import COLUMNS, read_switch_on, read_visits
from sync.attendances import Visit
from sync.clock import milliseconds
from sync.problems import BAD_TABLE, Problem
from trial.history import Plan, history, switch_on_csv, visits_csv

HEADER = ",".join(COLUMNS)
GOOD = {
    "visit": "v1",
    "job": "j1",
    "site": "north",
    "type": "corrective",
    "trade": "hvac",
    "asset": "A",
    "arrived_at": "2026-01-05T08:00:00Z",
    "departed_at": "2026-01-05T10:30:00+01:00",
    "outcome": "done",
    "part": "last",
    "plan_declared_at": "2026-01-01T00:00:00Z",
    "converted_at": "2026-01-05T09:00:00Z",
    "excluded": "storm",
    "excluded_by": "dispatcher",
    "gap": "photo_missing",
    "arm": "shadow",
}


def row(**changed: str) -> str:
    return ",".join((GOOD | changed)[name] for name in COLUMNS)


def file(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def test_a_full_row_is_a_visit() -> None:
    visits, quarantined = read_visits(file(row()))
    assert quarantined == []
    assert visits == [
        Visit(
            id="v1",
            job="j1",
            site="north",
            type="corrective",
            trade="hvac",
            asset="A",
            arrived_ms=milliseconds("2026-01-05T08:00:00Z"),
            departed_ms=milliseconds("2026-01-05T09:30:00Z"),
            outcome="done",
            part="last",
            plan_declared_ms=milliseconds("2026-01-01T00:00:00Z"),
            converted_ms=milliseconds("2026-01-05T09:00:00Z"),
            excluded="storm",
            excluded_by="dispatcher",
            gap="photo_missing",
            arm="shadow",
        )
    ]


def test_what_is_empty_is_not_known() -> None:
    bare = dict.fromkeys(COLUMNS, "") | {"visit": "v1", "job": "j", "site": "s", "type": "install"}
    visits, quarantined = read_visits(file(row(**bare)))
    assert (visits, quarantined) == ([Visit(id="v1", job="j", site="s", type="install")], [])


def test_columns_that_say_nothing_may_be_left_out() -> None:
    raw = b"visit,job,site,type,arrived_at,departed_at,outcome\nv1,j,s,delivery,2026-01-05T08:00:00Z,,"
    assert len(read_visits(raw)[0]) == 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"visit": ""}, "visit"),
        ({"job": ""}, "job"),
        ({"site": " "}, "site"),
        ({"type": ""}, "type"),
        ({"type": "repair"}, "type"),
        ({"outcome": "fine"}, "outcome"),
        ({"outcome": ""}, "outcome"),
        ({"part": "half"}, "part"),
        ({"arm": "both"}, "arm"),
        ({"arrived_at": "2026-01-05 at eight"}, "arrived_at"),
        ({"arrived_at": "2026-01-05T08:00:00"}, "arrived_at"),
        ({"arrived_at": "2026-02-30T08:00:00Z"}, "arrived_at"),
        ({"arrived_at": ""}, "arrived_at"),
        ({"departed_at": "2026-01-05T07:59:59Z"}, "departed_at"),
        ({"plan_declared_at": "yesterday"}, "plan_declared_at"),
        ({"converted_at": "true"}, "converted_at"),
        ({"excluded": ""}, "excluded"),
        ({"asset": "A" * 201}, "asset"),
    ],
)
def test_a_bad_row_is_named_with_its_field_and_holds_up_no_other(changed: dict[str, str], field: str) -> None:
    visits, (bad,) = read_visits(file(row(visit="v0"), row(**changed), row(visit="v2")))
    assert [visit.id for visit in visits] == ["v0", "v2"]
    assert (bad.line, bad.field) == (3, field)
    assert bad.found
    assert bad.remedy.endswith(".")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2025-02-30T08:10:00Z", "Write a day and an hour that there are."),
        ("2025-02-28T24:10:00+01:00", "Write a day and an hour that there are."),
        ("0001-01-01T00:00:00+14:00", "Write a day and an hour that there are."),
        ("2025-02-28T08:10:00", "Write a time with its offset, such as 2026-03-01T08:00:00+01:00."),
    ],
)
def test_the_remedy_is_for_what_is_wrong_with_a_time(text: str, remedy: str) -> None:
    _, (bad,) = read_visits(file(row(arrived_at=text)))
    assert (bad.found, bad.remedy) == (text, remedy)


def test_the_same_visit_again_is_no_second_one() -> None:
    visits, quarantined = read_visits(file(row(), row(visit="v2"), row()))
    assert ([visit.id for visit in visits], quarantined) == (["v1", "v2"], [])


def test_another_visit_under_the_same_id_is_quarantined_with_where_the_first_stands() -> None:
    visits, (bad,) = read_visits(file(row(), row(departed_at="2026-01-05T11:00:00Z")))
    assert len(visits) == 1
    assert (bad.line, bad.field, bad.found) == (3, "departed_at", "differs from line 2")


def test_visits_already_held_are_not_fresh_and_not_changed() -> None:
    held = {visit.id: visit for visit in read_visits(file(row()))[0]}
    visits, quarantined = read_visits(file(row(), row(visit="v2"), row(site="south")), held)
    assert [visit.id for visit in visits] == ["v2"]
    assert [(bad.line, bad.field) for bad in quarantined] == [(4, "site")]
    visits, (bad,) = read_visits(file(row(site="south")), held)
    assert (visits, bad.found) == ([], "differs from what is held")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no column 'visit'"),
        (b"visit,job\nv,j", "no column 'site'"),
        (f"{HEADER},colour\n".encode(), "column 'colour' is not known"),
        ("visit,j\u00f6b".encode("latin-1"), "not UTF-8"),
        (f"{HEADER}\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_file_that_is_no_such_table_is_a_problem(raw: bytes, said: str) -> None:
    with pytest.raises(Problem, match=said) as caught:
        read_visits(raw)
    assert caught.value.kind is BAD_TABLE


def test_what_spreadsheets_do_to_a_file_is_put_up_with() -> None:
    plain = read_visits(file(row(), row(visit="v2")))
    text = file(row(), row(visit="v2")).decode()
    for spoilt in (
        b"\xef\xbb\xbf" + text.encode(),
        text.replace("\n", "\r\n").encode(),
        text.replace(",", ";").encode(),
        text.replace(",", "\t").encode(),
        text.replace("\n", "\n\n").encode() + b"\n\n",
    ):
        assert read_visits(spoilt) == plain


@given(seed=st.integers(0, 5))
def test_a_drawn_history_comes_back_from_its_files_as_it_was(seed: int) -> None:
    drawn = history(seed, Plan(weeks=12, cohort_sites=1, never_live=1, first_switch_week=4, cohort_weeks=1))
    assert read_visits(visits_csv(drawn.visits).encode()) == (list(drawn.visits), [])
    assert read_switch_on(switch_on_csv(drawn.switch_on).encode()) == (drawn.switch_on, [])


def test_the_table_of_switch_ons_gives_instants_and_names_what_it_cannot_read() -> None:
    raw = b"""site,live_from
north,2026-03-01T00:00:00Z
south,
west,2026-03-01
,2026-03-01T00:00:00Z
north,2026-03-01T01:00:00+01:00
north,2026-04-01T00:00:00Z
"""
    switch_on, quarantined = read_switch_on(raw)
    assert switch_on == {"north": milliseconds("2026-03-01T00:00:00Z")}
    assert [(bad.line, bad.field) for bad in quarantined] == [(4, "live_from"), (5, "site"), (7, "live_from")]
