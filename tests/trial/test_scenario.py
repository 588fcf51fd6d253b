"""A scenario file is read whole or refused with the place: nobody guesses what an author meant."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sync.clock import milliseconds
from sync.problems import BAD_SCENARIO, Problem
from trial.acts import Offer, Open
from trial.expectation import ExpectedView
from trial.reading import Play, read_play
from trial.scenario import Scenario, schema
from trial.steps import MAIN_EVENT, VOCABULARY
from trial.times import span_ms

SCENARIOS = Path(__file__).resolve().parents[2] / "fixtures" / "scenarios"
Json = dict[str, Any]


def small() -> Json:
    """anna has a pump and offers it to bo, who accepts."""
    return {
        "name": "small",
        "people": {"anna": {}, "bo": {}},
        "jobs": {"pump": {"party": "anna"}},
        "steps": [
            {"id": "o", "do": "offer", "job": "pump", "by": "anna", "to": ["bo"]},
            {"id": "a", "do": "accept", "offer": "o"},
        ],
        "expect": {"accountable": {"pump": "bo"}},
    }


def read(said: Json) -> Play:
    return read_play(json.dumps(said).encode())


def refused(said: Json) -> Problem:
    with pytest.raises(Problem) as caught:
        read(said)
    assert caught.value.kind is BAD_SCENARIO
    return caught.value


# -- what goes without saying ----------------------------------------------------
def test_everybody_in_the_field_has_a_device_and_somebody_dispatches() -> None:
    play = read(small())
    assert list(play.scenario.devices) == ["anna", "bo"]
    assert play.homes == {"anna": "anna", "bo": "bo", "dispatcher": "office"}
    assert play.scenario.teams == {"desk": ("dispatcher",)}


def test_a_device_that_is_listed_is_nobody_elses_and_no_second_one_is_made() -> None:
    said = small() | {"devices": {"handheld": {"people": ["bo"]}}}
    assert read(said).homes["bo"] == "handheld"
    assert list(read(said).scenario.devices) == ["handheld", "anna"]


def test_a_step_happens_a_minute_after_the_one_before_unless_it_says_when() -> None:
    said = small()
    said["steps"].insert(1, {"id": "w", "do": "wait", "lasts": "1h30m", "at": "+10m"})
    start = milliseconds("2026-03-02T08:00:00Z")
    assert [timed.at_ms - start for timed in read(said).steps] == [60_000, 6_000_000, 6_060_000]


def test_a_job_from_the_start_is_opened_at_the_start_by_its_party() -> None:
    (opening,) = read(small()).openings
    assert (opening.step.id, opening.by, opening.on) == ("pump", "anna", "anna")
    assert isinstance(opening.step, Open)
    assert opening.step.site == "site"
    assert opening.at_ms == read(small()).start_ms


def test_an_answer_is_given_by_the_first_addressee_who_is_one_person() -> None:
    said = small()
    said["teams"] = {"crew": ["bo"]}
    said["steps"][0]["to"] = ["role:technician", "crew"]
    assert read(said).steps[1].by == "bo"


def test_the_boundary_is_the_only_one_given_else_any() -> None:
    def boundary(*names: str) -> str | None:
        said = small() | {"policies": {name: {} for name in names}}
        step = read(said).steps[0].step
        assert isinstance(step, Offer)
        return step.boundary

    assert [boundary(), boundary("site"), boundary("site", "depot"), boundary("any")] == ["any", "site", "any", "any"]


def test_what_is_expected_outside_any_view_is_expected_of_all_logs_together() -> None:
    assert list(read(small()).scenario.expect) == ["all"]


def test_what_is_expected_outside_any_view_may_stand_beside_views() -> None:
    said = small()
    said["expect"] |= {"bo": {"cases": {}}, "all": {"cases": {}}}
    expect = read(said).scenario.expect
    assert (expect["all"].accountable, expect["all"].cases, expect["bo"].cases) == ({"pump": "bo"}, {}, {})
    assert set(expect) == {"all", "bo"}


@pytest.mark.parametrize(("text", "ms"), [("90m", 5_400_000), ("-10s", -10_000), ("1d2h", 93_600_000), ("+0s", 0)])
def test_a_span_is_days_hours_minutes_and_seconds(text: str, ms: int) -> None:
    assert span_ms(text) == ms


# -- what cannot be --------------------------------------------------------------
GONE = object()
"""Stands for: the field is taken out."""


def put(said: Json, where: str, value: object) -> None:
    """Afterwards `value` stands at `where`, such as `steps.0.to`; `steps.+` is one more step."""
    *way, last = where.split(".")
    here: Any = said
    for name in way:
        here = here[int(name)] if isinstance(here, list) else here.setdefault(name, {})
    if last == "+":
        here.append(value)
    elif value is GONE:
        del here[last]
    else:
        here[last] = value


NEXT = {"next_actions": [{"what": "x", "who": "bo"}]}
ITEMS = {"items": [{"id": "x", "expected": "2", "counted": 2}]}
CHOOSES = {"id": "r", "do": "resolve", "basis": "pump", "chosen": "a"}
WAITS = {"id": "w", "do": "wait", "lasts": "9999d"}
SHIFTS = {"id": "w", "do": "clock_shift", "host": "bo", "by": "-99999d"}
KILLS = {"id": "k", "do": "kill", "host": "bo", "when": "lunch"}
SPOILT: dict[str, tuple[str, object, str, str]] = {
    "an unknown field": ("poeple", {}, "$", "poeple"),
    "no name": ("name", GONE, "$", "name"),
    "an unknown step": ("steps.0.do", "offr", "$.steps[0] (o).do", "offr"),
    "an unknown field of a step": ("steps.1.ofer", "o", "$.steps[1] (a)", "ofer"),
    "an unknown field in a payload": ("steps.0.payload", NEXT, "$.steps[0] (o).payload.next_actions[0]", "who"),
    "a wrong type in a payload": ("steps.0.payload", ITEMS, "$.steps[0] (o).payload.items[0].expected", "int"),
    "an unknown person": ("steps.0.to", ["bo", "cem"], "$.steps[0] (o).to[1]", "cem"),
    "an unknown role": ("steps.0.to", ["role:king"], "$.steps[0] (o).to[0]", "role:king"),
    "an unknown job": ("steps.0.job", "pmp", "$.steps[0] (o).job", "pmp"),
    "an unknown step named": ("steps.1.offer", "p", "$.steps[1] (a).offer", "'p'"),
    "a later step named": ("steps.0.basis", "a", "$.steps[0] (o).basis", "later"),
    "an unknown boundary": ("steps.0.boundary", "gate", "$.steps[0] (o).boundary", "gate"),
    "an unknown device": ("steps.0.on", "van", "$.steps[0] (o).on", "van"),
    "a device that is not his": ("steps.0.on", "bo", "$.steps[0] (o).on", "anna"),
    "nobody to do it": ("steps.+", {"id": "h", "do": "hold", "job": "pump"}, "$.steps[2] (h)", "by"),
    "time going back": ("steps.1.at", "+0s", "$.steps[1] (a).at", "before"),
    "a time without an offset": ("steps.0.until", "2026-03-02T09:00:00", "$.steps[0] (o).until", "offset"),
    "no time at all": ("steps.0.at", "noon", "$.steps[0] (o).at", "noon"),
    "a start without an offset": ("start", "2026-03-02T09:00:00", "$.start", "offset"),
    "one id twice": ("steps.+", {"id": "o", "do": "sync"}, "$", "'o'"),
    "a person like a team": ("teams", {"bo": []}, "$", "'bo'"),
    "a device like a view": ("devices", {"all": {"people": ["bo"]}}, "$", "'all'"),
    "a device for nobody": ("devices", {"van": {"people": []}}, "$.devices.van.people", "length"),
    "an unknown site in a scope": ("people.bo.sites", ["east"], "$.people.bo.sites", "east"),
    "an unknown member of a team": ("teams", {"crew": ["eve"]}, "$.teams.crew[0]", "eve"),
    "an unknown element": ("policies.site", {"mandatory": ["sumary"]}, "$.policies.site.mandatory[0]", "sumary"),
    "an unknown limit": ("policies.site", {"limits": {"acept": 5}}, "$.policies.site.limits", "acept"),
    "an unknown problem": ("steps.0.refused_by_device", "nope", "$.steps[0] (o).refused_by_device", "nope"),
    "a crash at no point": ("steps.+", KILLS, "$.steps[2] (k).when", "lunch"),
    "a resolution of nothing": ("steps.+", CHOOSES | {"chosen": None}, "$.steps[2] (r)", "choose"),
    "a resolution on a device": ("steps.+", CHOOSES | {"by": "bo", "on": "bo"}, "$.steps[2] (r).on", "office"),
    "a signal nobody hears": ("steps.+", {"id": "s", "do": "signal", "topic": "x"}, "$.devices", "listens"),
    "an unknown view": ("expect", {"eve": {}}, "$.expect.eve", "eve"),
    "an unknown field expected": ("expect.acountable", {"pump": "bo"}, "$.expect.acountable", "'acountable'"),
    "an unknown state": ("expect.handovers.o", "acepted", "$.expect.handovers.o", "acepted"),
    "an unknown step expected": ("expect.cases.x", "open", "$.expect.cases.x", "'x'"),
    "an unknown moment": ("expect.after.x", {}, "$.expect.after.x", "'x'"),
    "an unknown step in a view": ("expect.all.cases.x", "open", "$.expect.all.cases.x", "'x'"),
    "one thing expected twice": ("expect.all.accountable", {"pump": "anna"}, "$.expect.accountable", "once"),
    "a view that is none": ("expect.all", 5, "$.expect.all", "object"),
    "a start that nobody can write": ("start", "9999-12-31T23:59:00Z", "$.start", "9999"),
    "a step past the last year": ("steps.0.at", "9999-12-31T23:00:00Z", "$.steps[0] (o).at", "9999"),
    "an instant past the last year": ("steps.0.until", "+9999999d", "$.steps[0] (o).until", "span"),
    "a span that nobody means": ("steps.+", WAITS | {"lasts": "9999999d"}, "$.steps[2] (w).lasts", "regex"),
    "an order for nothing": (
        "orders.F",
        {"kind": "fulfilment", "reference": "D"},
        "$.orders.F.reference",
        "'D'",
    ),
}


@pytest.mark.parametrize(("where", "value", "place", "word"), SPOILT.values(), ids=SPOILT)
def test_what_cannot_be_played_is_named_with_its_place(where: str, value: object, place: str, word: str) -> None:
    said = small()
    put(said, where, value)
    problem = refused(said)
    assert problem.where == place
    assert word in problem.detail


def test_no_clock_goes_where_no_time_can_be_written() -> None:
    said = small() | {"start": "9990-01-01T00:00:00Z"}
    for step in (WAITS, SHIFTS | {"by": "9999d"}):
        assert refused(said | {"steps": [step]}).where.startswith("$.steps[0] (w).")
    both = [SHIFTS | {"by": "3000d"}, WAITS | {"id": "v", "lasts": "2000d"}]
    assert refused(said | {"steps": both, "expect": {}}).where == "$.steps[1] (v).lasts"
    assert read(said | {"steps": [both[0], SHIFTS | {"id": "b"}, both[1]], "expect": {}}).steps


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "Expecting value"),
        (b"[]", "object"),
        (b'{"name": "x"', "delimiter"),
        (b'{"name": "x", "name": "y"}', "twice"),
        (b'{"name": "\xff"}', "UTF-8"),
        (b"[" * 200_000, "deeply"),
        (b'{"name": NaN}', "NaN"),
    ],
    ids=["empty", "a list", "cut short", "a key twice", "not UTF-8", "deep", "not a number"],
)
def test_bytes_that_are_no_scenario_are_refused(raw: bytes, word: str) -> None:
    with pytest.raises(Problem, match=word) as caught:
        read_play(raw)
    assert caught.value.kind is BAD_SCENARIO


# -- the written description -----------------------------------------------------
def test_the_schema_beside_the_files_is_the_one_of_the_types() -> None:
    assert json.loads((SCENARIOS / "schema.json").read_text()) == json.loads(msgspec.json.encode(schema()))


def test_every_step_is_in_the_readme() -> None:
    readme = (SCENARIOS / "README.md").read_text()
    missing = [tag for step in VOCABULARY if f"`{(tag := str(step.__struct_config__.tag))}`" not in readme]  # type: ignore[attr-defined]  # a Struct
    assert missing == []


def test_every_field_is_in_the_readme() -> None:
    words = set(re.findall(r"\w+", (SCENARIOS / "README.md").read_text()))
    shapes: tuple[type[msgspec.Struct], ...] = (Scenario, ExpectedView, *VOCABULARY)
    fields = {field.encode_name for shape in shapes for field in msgspec.structs.fields(shape)}
    assert sorted(fields - words) == []


def test_every_step_that_records_says_what_it_is_named_for() -> None:
    assert set(MAIN_EVENT) < set(VOCABULARY)


def test_the_scenario_in_the_readme_is_one() -> None:
    block = (SCENARIOS / "README.md").read_text().split("```json\n")[1].split("```")[0]
    assert read_play(block.encode()).scenario.expect["all"].accountable == {"pump": "bo"}
