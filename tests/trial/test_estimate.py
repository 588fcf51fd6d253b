"""`handover estimate`, as somebody meets it who has a table and none of our devices."""

import json
from pathlib import Path

import pytest

from tests.backend.own_table import CONTROLS, TREND, Said, as_csv, own_cells
from trial.cli import main

HEADER = "site,month,jobtype,live,visits,repeats"


def written(tmp_path: Path, raw: bytes | str) -> str:
    path = tmp_path / "cells.csv"
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    return str(path)


def facts_of(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, object]:
    assert main(["estimate", *argv, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert isinstance(facts, dict)
    return facts


def numbers(facts: object) -> tuple[float, float, float]:
    assert isinstance(facts, dict)
    return facts["estimate"], facts["low"], facts["high"]


def said(one: Said) -> object:
    return pytest.approx((one.estimate, one.low, one.high), abs=1e-5)


def test_both_modes_are_given_and_the_one_that_the_grade_selects_stands_in_front(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = facts_of(capsys, written(tmp_path, as_csv(own_cells())))
    assert numbers(facts["controls"]) == said(CONTROLS)
    assert numbers(facts["trend"]) == said(TREND)
    assert (facts["grade"], facts["selected"], facts["state"]) == ("A", "controls", "ESTIMATED")
    assert numbers(facts) == said(CONTROLS)
    assert {"expected", "observed", "ratio", "phi", "placebo", "missing"} <= set(facts)


@pytest.mark.parametrize(("mode", "one"), [("controls", CONTROLS), ("trend", TREND)])
def test_one_mode_is_given_where_it_is_wished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str, one: Said
) -> None:
    facts = facts_of(capsys, written(tmp_path, as_csv(own_cells())), "--mode", mode)
    assert (numbers(facts), facts["mode"]) == (said(one), mode)
    assert not {"controls", "trend"} - {mode} & set(facts)


def test_for_people_it_begins_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", written(tmp_path, as_csv(own_cells()))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["About 61 repeat visits avoided, between 9 and 113.", "State ESTIMATED, grade A."]
    assert lines[-1] == "* the grade selects controls"
    assert any(line.startswith("* controls 61.392 avoided [9.416, 113.369]") for line in lines)


def test_a_table_that_is_too_small_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, f"{HEADER}\na,0,t,0,10,2\na,1,t,0,10,2\n")
    assert main(["estimate", path]) == 0
    text = capsys.readouterr().out
    assert "Not enough data yet." in text
    assert "missing: visits after 0 of 100" in text
    assert "needs visits both before and after" in text
    facts = facts_of(capsys, path)
    assert (facts["state"], facts["estimate"], facts["placebo"]) == ("NOT_ENOUGH_DATA", None, None)


def test_without_months_before_there_is_no_placebo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, f"{HEADER}\na,1,t,1,10,2\nb,0,t,0,10,2\n")
    assert main(["estimate", path]) == 0
    assert "placebo: nothing to make it from" in capsys.readouterr().out


def test_what_spreadsheets_do_to_a_file_is_put_up_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = as_csv(own_cells())
    spoilt = b"\xef\xbb\xbf" + text.replace(",", ";").replace("\n", "\r\n\r\n").encode()
    assert numbers(facts_of(capsys, written(tmp_path, spoilt))) == said(CONTROLS)


def test_rows_without_visits_say_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = as_csv(own_cells()) + "zoo,3,fix,0,0,0\n"
    assert numbers(facts_of(capsys, written(tmp_path, text))) == said(CONTROLS)


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ("a,0,t,2,5,1", "line 2, live"),
        ("a,0,t,yes,5,1", "line 2, live"),
        ("a,0,t,0,5,6", "line 2, repeats"),
        ("a,0,t,0,5.5,1", "line 2, visits"),
        ("a,0,t,0,-5,1", "line 2, visits"),
        ("a,0,t,0,\u0665,1", "line 2, visits"),
        ("a,0,t,0,9999999999,1", "9999999999; Write at most 1000000000"),
        (f"a,0,t,0,{'9' * 5000},1", "Write at most 1000000000"),
        (f"a,{'9' * 5000},t,0,5,1", "line 2, month"),
        ("a,202601,t,0,5,1", "line 2, month"),
        ("a,January,t,0,5,1", "line 2, month"),
        ("a,-1,t,0,5,1", "line 2, month"),
        ("a,0,t,0,5,", "line 2, repeats: empty"),
        ("a,0,t,0,5", "line 2, repeats: empty"),
        ("a,0,,0,5,1", "line 2, jobtype: empty"),
        ("a,0,t,0,5,1,7", "line 2, (no column)"),
        ("b,0,t,0,5,1\n\na,0,t,0,5,1\nb,0,t,0,5,1", "line 5, site: the same site, month, jobtype and live as line 2"),
        ("", "no row with visits"),
        ("a,0,t,0,0,0", "no row with visits"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, where: str
) -> None:
    assert main(["estimate", written(tmp_path, f"{HEADER}\n{rows}\n")]) == 2
    said_ = capsys.readouterr()
    assert said_.out == ""
    assert where in said_.err
    assert said_.err.startswith("handover estimate: This table cannot be read")
    assert ".." not in said_.err
    assert len(said_.err) < 500


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "no column 'site'"),
        (b"site,month\n", "no column 'jobtype'"),
        (b"\xff\xfe" + HEADER.encode("utf-16-le"), "not UTF-8"),
        (HEADER.encode() + b"\na,\0,t,0,5,1", "NUL"),
    ],
)
def test_what_is_no_table_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], raw: bytes, what: str
) -> None:
    assert main(["estimate", written(tmp_path, raw)]) == 2
    assert what in capsys.readouterr().err


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        assert main(["estimate", str(path)]) == 2
        assert "There is no such file" in capsys.readouterr().err
