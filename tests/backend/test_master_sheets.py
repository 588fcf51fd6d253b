"""Master data in sheets: what a cell means, what holds between rows, and that order and repetition say nothing."""

import random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.masters.book import csv_file, data_book, mending_book, read_file, template_book
from backend.masters.cells import BadCell, read_cell
from backend.masters.sheets import BY_KIND, BY_NAME, SHEETS, Field, Type
from backend.masters.taking import Line, Plan, lines_of, plan
from backend.pages.catalogue import page_words
from backend.words import LANGUAGES, Language
from tests.backend.master_rows import after, books, examples, nothing

MADE = 20
"""Workbooks that a property writes and reads: each costs a tenth of a second."""


def told(planned: Plan) -> tuple[object, ...]:
    """What must not depend on the order in which rows came."""
    changes = sorted((one.sheet, one.id, str(one.row)) for one in planned.changes)
    return changes, [(one.sheet, one.line, one.field, one.remedy, one.given) for one in planned.bad], planned.counts


def cause(lines: list[Line]) -> list[tuple[str, int, str, str]]:
    return [(one.sheet, one.line, one.field, one.remedy) for one in plan(lines, nothing()).bad]


# -- every sheet ------------------------------------------------------------------
def test_every_sheet_says_all_that_its_rows_hold() -> None:
    for sheet in SHEETS:
        assert [field.name for field in sheet.fields] == list(sheet.kind.shape.__struct_fields__), sheet.name


def test_no_sheet_refers_to_one_that_comes_later() -> None:
    for place, sheet in enumerate(SHEETS):
        for field in sheet.fields:
            assert all(SHEETS.index(BY_KIND[kind]) < place for kind in field.refers), (sheet.name, field.name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sheet_column_and_remedy_has_words(language: Language) -> None:
    words = page_words(language)
    for sheet in SHEETS:
        assert words.has(f"sheet.{sheet.name}")
        assert words.has(f"sheet_says.{sheet.name}")
        assert words.has(f"group.{sheet.group}")
        for field in sheet.fields:
            own = f"field.{sheet.name}.{field.name}" if field.name in sheet.own_words else f"field.{field.name}"
            assert words.has(own), own
    for kind in get_args(Type):
        assert words.has(f"how.{kind}")


def test_what_the_template_shows_could_be_meant() -> None:
    planned = plan(examples(), nothing())
    assert not planned.bad
    assert planned.total.new == len(SHEETS) + 1


# -- properties -------------------------------------------------------------------
@given(lines=books(), seed=st.integers())
def test_any_order_of_rows_comes_to_the_same(lines: list[Line], seed: int) -> None:
    mixed = list(lines)
    random.Random(seed).shuffle(mixed)
    assert told(plan(mixed, nothing())) == told(plan(lines, nothing()))


@settings(max_examples=MADE)
@given(lines=books())
def test_what_was_taken_comes_back_from_a_workbook_and_from_csv_as_no_change(lines: list[Line]) -> None:
    held = after(nothing(), plan(lines, nothing()))
    words = page_words("ar")
    sent = read_file("all.xlsx", data_book(held, SHEETS, words, right_to_left=True))
    again = plan(sent.lines, held)
    assert (sent.bad, again.bad, again.changes) == ((), (), ())
    assert again.total.same == sum(map(len, held.values()))
    for sheet in SHEETS:
        of_csv = read_file(f"{sheet.name}.csv", csv_file(sheet, lines_of(sheet, held)))
        again = plan(of_csv.lines, held)
        assert (of_csv.bad, again.bad, again.changes) == ((), (), ())


@given(lines=books())
def test_every_row_is_taken_or_told_and_what_is_taken_can_stand(lines: list[Line]) -> None:
    planned = plan(lines, nothing())
    total = planned.total
    assert total.new + total.same + total.bad == len(lines)
    held = after(nothing(), planned)
    assert not plan([line for sheet in SHEETS for line in lines_of(sheet, held)], nothing()).bad


@settings(max_examples=MADE)
@given(lines=books())
def test_what_was_put_aside_is_taken_once_it_is_sent_mended(lines: list[Line]) -> None:
    planned = plan(lines, nothing())
    if planned.bad:
        sent = read_file("mend.xlsx", mending_book(planned.bad, page_words("de")))
        rows = [(one.sheet, sorted(one.cells.items())) for one in sent.lines]
        assert sorted(rows) == sorted((one.sheet, sorted(one.cells.items())) for one in planned.bad)


# -- what holds between rows ------------------------------------------------------
def test_a_row_may_name_one_that_comes_later_and_falls_with_it() -> None:
    good = [
        Line("assets", 2, {"id": "pump", "site": "mill", "point": "cellar"}),
        Line("points", 2, {"id": "cellar", "site": "mill"}),
        Line("sites", 2, {"id": "mill", "zone": "Europe/Berlin"}),
    ]
    assert not plan(good, nothing()).bad
    assert [change.sheet for change in plan(good, nothing()).changes] == ["sites", "points", "assets"]
    bad = [*good[:2], Line("sites", 2, {"id": "mill", "zone": "Nowhere"})]
    assert cause(bad) == [
        ("sites", 2, "zone", "zone"),
        ("points", 2, "site", "unknown"),
        ("assets", 2, "site", "unknown"),
    ]


def test_a_point_of_another_site_an_end_before_the_beginning_and_twins_that_differ_are_told() -> None:
    sites = [Line("sites", 2, {"id": "mill"}), Line("sites", 3, {"id": "quay"})]
    point = Line("points", 2, {"id": "cellar", "site": "mill"})
    asset = Line("assets", 2, {"id": "pump", "site": "quay", "point": "cellar"})
    assert cause([*sites, point, asset]) == [("assets", 2, "point", "other_site")]
    person = Line("people", 2, {"id": "anna", "roles": "admin"})
    away = Line("absences", 2, {"person": "anna", "begins": "2027-01-02T08:00", "ends": "2027-01-01"})
    assert cause([person, away]) == [("absences", 2, "ends", "ends_first")]
    day = Line("absences", 2, {"person": "anna", "begins": "2027-01-02T08:00", "ends": "2027-01-02"})
    assert not cause([person, day])
    twins = [Line("skills", line, {"id": "cooling", "name": name}) for line, name in ((2, "A"), (3, "A"), (4, "B"))]
    assert {remedy for *_, remedy in cause(twins)} == {"twice"}
    assert plan(twins[:2], nothing()).total.same == 1


def test_people_teams_and_crews_have_names_of_their_own() -> None:
    both = [Line("teams", 2, {"id": "anna"}), Line("people", 2, {"id": "anna"})]
    assert cause(both) == [("teams", 2, "id", "taken"), ("people", 2, "id", "taken")]
    assert cause([Line("crews", 2, {"id": "role:depot"})]) == [("crews", 2, "id", "means_else")]
    assert cause([Line("sites", 2, {"id": "*"})]) == [("sites", 2, "id", "means_else")]


def test_the_last_administrator_stays() -> None:
    held = after(nothing(), plan([Line("people", 2, {"id": "ada", "roles": "admin"})], nothing()))
    gone = Line("people", 2, {"id": "ada", "roles": "manager"})
    planned = plan([gone, Line("people", 3, {"id": "bo", "roles": "technician"})], held)
    assert [(one.line, one.remedy) for one in planned.bad] == [(2, "last_admin")]
    assert [change.id for change in planned.changes] == ["bo"]
    assert not plan([gone, Line("people", 3, {"id": "bo", "roles": "admin"})], held).bad


def test_a_column_that_is_not_there_changes_nothing_and_an_empty_cell_empties() -> None:
    first = Line("sites", 2, {"id": "mill", "name": "The mill", "zone": "Europe/Berlin", "lat": "52.5"})
    held = after(nothing(), plan([first], nothing()))
    (change,) = plan([Line("sites", 2, {"id": "mill", "lat": ""})], held).changes
    assert (change.row.name, change.row.zone, change.row.lat) == ("The mill", "Europe/Berlin", None)


def test_what_stands_already_is_no_change_even_where_it_could_not_be_typed_today() -> None:
    old = BY_NAME["people"].kind.shape(roles=("admin",), trained_until="some day", skills=("unheard of",))
    held = nothing() | {"person": {"ada": old}}
    planned = plan(lines_of(BY_NAME["people"], held), held)
    assert planned.total.same == 1


# -- cells ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("whole", "007", 7),
        ("number", "52,5", 52.5),
        ("number", "-0.25", -0.25),
        ("flag", "JA", True),
        ("flag", "nie", False),
        ("day", "2027-05-01 00:00:00", "2027-05-01"),
        ("moment", "2027-05-01 08:30", "2027-05-01T08:30"),
        ("spans", "8:00\N{EN DASH}12:00, 12:30 - 16:30", "08:00-12:00 12:30-16:30"),
        ("phone", "(030) 555-01 00 ext. 12", "(030) 555-01 00 ext. 12"),
        ("gs1", "(01)04012345678901(21)7", "(01)04012345678901(21)7"),
    ],
)
def test_a_cell_is_read_as_people_mean_it(kind: Type, text: str, value: object) -> None:
    assert read_cell(Field(name="x", type=kind), text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("whole", "1.000"),
        ("whole", "-1"),
        ("whole", "٣"),
        ("whole", "1e3"),
        ("number", "1.2.3"),
        ("number", "nan"),
        ("flag", "maybe"),
        ("day", "2027-02-30"),
        ("day", "01.05.2027"),
        ("moment", "2027-05-01T25:00"),
        ("spans", "08:00-25:00"),
        ("spans", "08:00"),
        ("zone", "../../etc/passwd"),
        ("email", "kim@"),
        ("phone", "call me"),
        ("gtin", "4012345678902"),
        ("gs1", "(01)04012345678902"),
        ("line", "two\nlines"),
        ("line", "bell\a"),
        ("instant", "2027-05-01"),
    ],
)
def test_what_could_be_meant_in_two_ways_or_not_at_all_is_refused(kind: Type, text: str) -> None:
    with pytest.raises(BadCell) as bad:
        read_cell(Field(name="x", type=kind, unit="g"), text)
    assert page_words("en").has(f"remedy.{bad.value.remedy}")


def test_an_example_is_not_taken_for_a_row() -> None:
    sent = read_file("template.xlsx", template_book(page_words("pl")))
    assert (sent.lines, sent.bad, sent.strangers) == ((), (), ())
