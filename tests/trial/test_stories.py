"""`handover fold`: stories told by hand come out as their authors derived them, whatever order they arrive in."""

import json
from pathlib import Path
from typing import Any

import pytest

from sync.codec import decode
from trial.cli import main
from trial.stories import Stories, Story, fold_story

TOLD = Path(__file__).parents[2] / "fixtures" / "stories" / "custody.json"
STORIES = decode(TOLD.read_bytes(), Stories, str(TOLD)).stories
MET: list[dict[str, Any]] = [
    {"id": "r", "kind": "opened", "party": "anna"},
    {"id": "o", "kind": "offered", "basis": "r", "sender": "anna", "to": ["bo"]},
    {"id": "a", "kind": "accepted", "offer": "o", "party": "bo"},
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_comes_out_as_told_in_a_hundred_orders(story: Story) -> None:
    outcome = fold_story(story, orders=100)
    assert outcome.unstable == ()
    assert outcome.as_expected, outcome


def test_no_two_stories_are_called_alike() -> None:
    assert len({story.name for story in STORIES}) == len(STORIES)


def write(path: Path, events: list[dict[str, Any]], **said: object) -> str:
    path.write_text(json.dumps({"stories": [{"name": "a story", "events": events, **said}]}))
    return str(path)


def test_the_command_says_who_is_accountable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fold", write(tmp_path / "s.json", MET, accountable="bo", cases={})]) == 0
    assert "bo" in capsys.readouterr().out


def test_the_command_says_it_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fold", write(tmp_path / "s.json", MET), "--json", "--orders", "0"]) == 0
    (said,) = json.loads(capsys.readouterr().out)["stories"]
    assert (said["accountable"], said["cases"], said["orders"]) == ("bo", {}, 1)
    assert said["verdicts"] == {"r": "applied", "o": "applied", "a": "applied"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"accountable": "anna"},
        {"cases": {"r": "open"}},
        {"verdicts": {"a": "refused"}},
        {"verdicts": {"z": "applied"}},
        {"touches": {"r": ["anna", "bo"]}},
    ],
    ids=str,
)
def test_a_wrong_expectation_fails(tmp_path: Path, wrong: dict[str, object]) -> None:
    assert main(["fold", write(tmp_path / "s.json", MET, **wrong)]) == 1


def test_events_may_be_told_in_any_order(tmp_path: Path) -> None:
    assert main(["fold", write(tmp_path / "s.json", MET[::-1], accountable="bo")]) == 0


def test_a_case_may_be_named_by_any_of_its_twins(tmp_path: Path) -> None:
    events = [*MET, {"id": "b", "kind": "accepted", "offer": "o", "party": "bo"}]
    for twin, other in (("a", "cem"), ("b", "dee")):
        offer = {"id": f"o{twin}", "kind": "offered", "basis": twin, "sender": "bo", "to": [other]}
        events += [offer, {"id": f"a{twin}", "kind": "accepted", "offer": f"o{twin}", "party": other}]
    for basis in ("a", "b"):
        said = {"cases": {basis: "open"}, "touches": {basis: ["bo", "cem", "dee"]}}
        assert main(["fold", write(tmp_path / "s.json", events, accountable="bo", **said)]) == 0


@pytest.mark.parametrize(
    ("events", "place"),
    [
        ([*MET, MET[0]], "ids must differ"),
        (MET[1:], "exactly one event opens the job"),
        ([*MET, {**MET[0], "id": "r2"}], "exactly one event opens the job"),
        ([*MET, {"id": "x", "kind": "reassigned", "basis": "x", "party": "bo"}], "in a circle"),
        ([*MET, {"id": "p", "kind": "offered", "basis": "r", "to": ["bo"]}], "a story: p"),
        ([*MET, {"id": "p", "kind": "offered", "basis": "r", "sender": "anna"}], "a story: p"),
        ([*MET, {"id": "p", "kind": "sold"}], "sold"),
        ([*MET, {"id": "p", "kind": "refused", "buyer": "bo"}], "buyer"),
    ],
)
def test_what_cannot_be_told_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], events: list[dict[str, Any]], place: str
) -> None:
    assert main(["fold", write(tmp_path / "s.json", events)]) == 2
    assert place in capsys.readouterr().err


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_story_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], raw: bytes) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(raw)
    assert main(["fold", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fold", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


def test_a_guest_whose_offer_never_arrived_waits(tmp_path: Path) -> None:
    events = [MET[0], {"id": "a", "kind": "accepted", "offer": "lost", "party": "gil"}]
    said = {"guests": ["gil"], "accountable": "anna", "verdicts": {"a": "parked"}}
    assert main(["fold", write(tmp_path / "s.json", events, **said)]) == 0
