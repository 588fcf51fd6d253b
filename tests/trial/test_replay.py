"""Scenario files come out as they say, and a file that says otherwise is found out, whatever it gets wrong."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trial.comparing import all_differences
from trial.engine import Engine
from trial.expectation import by_view
from trial.reading import Play, read_play
from trial.stage import on_stage

SCENARIOS = Path(__file__).resolve().parents[2] / "fixtures" / "scenarios"
FILES = sorted(SCENARIOS.glob("[0-9]*.json"))
HANDOVER = str(Path(sys.executable).parent / "handover")
Json = dict[str, Any]

OTHERS = (
    "somebody else",
    "offered",
    "accepted",
    "open",
    "resolved",
    "present",
    "missing",
    "applied",
    "absent",
    "cleared",
    "overridden",
    "corroborated",
    "none",
    "met",
    "remote",
)
"""Words among which there is another one for every word that an expectation can say."""


def others(value: object) -> Iterator[object]:
    """Values of the same kind that say something else."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, list):
        yield value[:-1] if value else ["somebody else"]
    else:
        yield from (word for word in OTHERS if word != value)


def leaves(said: Json, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The way to everything that is expected; an empty object that says "there is none" is one as well."""
    for name, value in said.items():
        here = (*way, name)
        if isinstance(value, dict) and (value or name not in ("cases", "repeats")):
            yield from leaves(value, here)
        else:
            yield here


def changed(play: Play, said: Json, way: tuple[str, ...]) -> Play:
    """The play with the expectation at the end of the way saying something else."""
    expect = copy.deepcopy(by_view(said["expect"]))
    holder = expect
    for name in way[:-1]:
        holder = holder[name]
    value = holder[way[-1]]
    for other in [{"somebody else": "open"}, {"somebody": "else"}] if value == {} else others(value):
        holder[way[-1]] = other
        raw = {"name": "wrong", "expect": expect}
        try:
            wrong = msgspec.convert(raw, type(play.scenario)).expect
        except msgspec.ValidationError:
            continue
        return msgspec.structs.replace(play, scenario=msgspec.structs.replace(play.scenario, expect=wrong))
    raise AssertionError(f"nothing else can be said at {'.'.join(way)}")


def test_there_are_ten_scenarios_and_more() -> None:
    assert len(FILES) >= 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_scenario_comes_out_as_it_says_and_not_as_it_does_not_say(path: Path) -> None:
    raw = path.read_bytes()
    play, said = read_play(raw), json.loads(raw)
    with on_stage(play) as stage:
        engine = Engine(play, stage)
        results = list(engine.play())
        outcome = engine.outcome()
    assert outcome.differences == ()
    ways = list(leaves(by_view(said["expect"])))
    assert ways, "a scenario that expects nothing shows nothing"
    unnoticed = [
        ".".join(way)
        for way in ways
        if not all_differences(changed(play, said, way), results, engine.shots, engine.names, {})
    ]
    assert unnoticed == []


def small(**more: object) -> Json:
    steps: list[Json] = [{"id": "o", "do": "offer", "job": "pump", "by": "anna", "to": ["bo"]}]
    return {
        "name": "small",
        "people": {"anna": {}, "bo": {}},
        "jobs": {"pump": {"party": "anna"}},
        "steps": steps,
    } | more


def run(tmp_path: Path, said: object, *args: str) -> subprocess.CompletedProcess[str]:
    """The command, on a file of its own."""
    path = tmp_path / "scenario.json"
    path.write_text(said if isinstance(said, str) else json.dumps(said))
    return subprocess.run(
        [HANDOVER, "replay", str(path), *args], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_command_prints_all_that_came_out_and_ends_with_0(tmp_path: Path) -> None:
    done = run(tmp_path, small(expect={"accountable": {"pump": "anna"}}), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said["held"] is True
    assert [(step["id"], step["outcome"], step["events"]) for step in said["steps"]] == [
        ("pump", "recorded", ["pump"]),
        ("o", "recorded", ["o"]),
    ]
    assert set(said["views"]) == {"all", "backend", "anna", "bo"}
    assert said["views"]["all"]["handovers"]["o"]["state"] == "offered"
    assert said["views"]["backend"]["accountable"] == {"pump": None}
    assert said["recorded"] > 2


def test_an_expectation_that_fails_ends_with_1_and_prints_the_difference(tmp_path: Path) -> None:
    done = run(tmp_path, small(expect={"accountable": {"pump": "bo"}}))
    assert done.returncode == 1
    assert "DIFFERS all accountable.pump: expected bo, found anna" in done.stdout


def test_a_step_that_is_refused_unexpectedly_ends_with_1(tmp_path: Path) -> None:
    said = small()
    said["steps"].append({"id": "a", "do": "accept", "offer": "o", "by": "anna"})
    done = run(tmp_path, said)
    assert done.returncode == 1
    assert "DIFFERS steps a: expected recorded, found refused own-offer" in done.stdout


def test_a_step_that_was_expected_to_be_refused_and_was_not_ends_with_1(tmp_path: Path) -> None:
    said = small()
    said["steps"][0]["refused_by_device"] = "not-accountable"
    done = run(tmp_path, said)
    assert done.returncode == 1
    assert "DIFFERS steps o: expected refused not-accountable, found recorded" in done.stdout


def test_a_file_that_cannot_be_played_ends_with_2_and_names_the_place(tmp_path: Path) -> None:
    said = small()
    said["steps"][0]["to"] = ["cem"]
    done = run(tmp_path, said, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "$.steps[0] (o).to[0]: no party or role is called 'cem'" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_file_ends_with_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [HANDOVER, "replay", str(tmp_path / "none.json")], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "none.json" in done.stderr


def test_the_same_file_gives_the_same_answer(tmp_path: Path) -> None:
    said = small(seed=7)
    said["steps"] += [{"id": "a", "do": "accept", "offer": "o"}, {"id": "s", "do": "sync"}]
    first, again = (run(tmp_path, said, "--json").stdout for _ in range(2))
    assert first == again
