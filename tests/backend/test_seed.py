"""The tables to begin with come out as their page says."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from fixtures.seed.orders_200 import files
from tests.lints import ROOT
from trial.cli import main

COMMANDS = re.findall(r"^\$ handover (.+)$", (ROOT / "fixtures" / "seed" / "README.md").read_text(), re.MULTILINE)


@pytest.fixture(name="printed", scope="module")
def printed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database on which the page's commands were run."""
    folder = tmp_path_factory.mktemp("seed")
    for line in COMMANDS:
        said = line.replace("fixtures/seed", str(ROOT / "fixtures" / "seed")).replace(
            "seed.db", str(folder / "seed.db")
        )
        assert main(shlex.split(said)) == 0
    return folder / "seed.db"


def test_what_the_page_says_to_type_works(printed: Path) -> None:
    assert printed.exists()
    assert len(COMMANDS) == 6


def test_each_kind_of_case_is_repeated_or_not_as_the_rule_says(
    printed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "visits", "--as-of", "2025-09-01", "--json", "--database", str(printed)]) == 0
    report = json.loads(capsys.readouterr().out)
    why = {one["visit"]: one["reason"] for one in report["visits"] if one["repeat"]}
    assert {first: (again, why[first]) for first, again in report["repeats"].items()} == {
        "v001": ("v003", "fault"),
        "v005": ("v009", "fault"),
        "v008": ("v012", "fault"),
        "v010": ("v013", "found_on_pm"),
        "v018": ("v019", "fault"),
        "v020": ("v021", "delivery"),
    }
    assert [one["visit"] for one in report["aborted"]] == ["v004"]
    assert [one["members"] for one in report["visits"] if len(one["members"]) > 1] == [["v010", "v011"]]
    assert [one["visit"] for one in report["visits"] if one["excluded"]] == ["v015"]


def test_so_few_visits_give_no_number(printed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "avoided", "--as-of", "2025-09-01", "--json", "--database", str(printed)]) == 0
    statement = json.loads(capsys.readouterr().out)
    assert statement["state"] == "NOT_ENOUGH_DATA"
    assert {one["what"] for one in statement["missing"]} >= {"expected_repeats", "repeats_before", "visits_after"}


def test_goods_hang_on_the_order_they_name_and_the_rest_waits(
    printed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orders = str(ROOT / "fixtures" / "seed" / "orders.csv")
    assert main(["import", "orders", orders, "--json", "--database", str(printed)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["same"], facts["quarantined"]) == (4, [])
    [left] = facts["left"]
    assert left["order"] == "wms/88121"
    assert [one["reasons"] for one in left["candidates"]] == [
        ["same site", "same asset", "same customer", "windows overlap"]
    ]


def test_of_two_hundred_orders_seven_rows_wait_with_what_to_do_and_the_same_file_again_is_no_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = ["--database", str(tmp_path / "sample.db")]
    file = str(ROOT / "fixtures" / "seed" / "orders-200.csv")
    assert main(["sample", *database]) == 0

    def take_in() -> dict[str, Any]:
        capsys.readouterr()
        assert main(["import", "orders", file, "--desk", "desk", "--json", *database]) == 0
        facts: dict[str, Any] = json.loads(capsys.readouterr().out)
        return facts

    first, again = take_in(), take_in()
    assert (first["rows"], first["taken"], len(first["quarantined"])) == (200, 193, 7)
    assert [bad["field"] for bad in first["quarantined"]] == [
        "site",
        "priority",
        "window_to",
        "window_from",
        "id",
        "qty",
        "article",
    ]
    assert all(bad["remedy"] for bad in first["quarantined"])
    came = first["opened"] + first["attached"] + first["waiting"]
    assert [again[name] for name in ("opened", "attached", "changed", "waiting", "same")] == [0, 0, 0, 0, came]


def test_the_two_hundred_orders_are_what_their_script_writes() -> None:
    for name, text in files().items():
        assert (ROOT / "fixtures" / "seed" / name).read_text() == text
