"""What `handover bench push` says: a real server took every event, and the numbers fit together. None is timed."""

import json
from pathlib import Path

import pytest

from sync.codec import read_event
from sync.events import CUSTODY
from trial.bench import main
from trial.bench_batches import JOURNEY, References, journeys


def test_every_event_is_taken_and_each_count_of_devices_stands_beside_its_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["--devices", "1,2", "--events", "1000", "--rounds", "1", "--stored", "500"]
    assert main(["push", *sizes, "--in", str(tmp_path), "--profile", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)

    assert [one["devices"] for one in result["devices"]] == [1, 2]
    assert [one["events"] for one in result["devices"]] == [1000, 1000]
    assert result["ratio_to_floor"] == min(one["ratio_to_floor"] for one in result["devices"])
    for one in result["devices"]:
        assert one["ratios"]["least"] <= one["ratio_to_floor"] <= one["ratios"]["most"]
        assert one["ratio_to_floor"] == pytest.approx(one["events_per_s"] / one["floor_rows_per_s"], rel=0.05)
    assert result["stored_before"] >= 500
    assert result["custody_share"] == pytest.approx(4 / JOURNEY, abs=0.01)
    assert 0 < result["bytes_on_wire_per_event"] < result["raw_bytes_per_event"]
    stages = {stage["name"] for stage in result["stages"]}
    assert {"verify", "decode", "chain", "judge", "fold", "gzip", "commit", "SQL: insert event"} <= stages
    assert list(tmp_path.iterdir()) == []


def test_a_journey_has_twenty_events_of_one_job_four_of_them_custody() -> None:
    for lines in journeys(3, References(roster="1.abcdef", policy="1.abcdef")):
        events = [read_event(line.raw) for line in lines]
        assert len(events) == JOURNEY
        assert len({event.job for event in events}) == 1
        assert sum(event.kind in CUSTODY for event in events) == 4
        assert [bool(line.jws) for line in lines] == [event.kind in CUSTODY for event in events]


def test_the_same_number_gives_the_same_journeys() -> None:
    under = References(roster="1.abcdef", policy="1.abcdef")
    assert journeys(2, under) == journeys(2, under)


def test_pushes_may_be_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--devices", "2", "--events", "40", "--rounds", "2", "--batch", "10"]
    assert main(["push", *sizes, "--in", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["batch_events"] == 10
    assert [one["events"] for one in result["devices"]] == [40]


@pytest.mark.parametrize(
    "given", [["--devices", "0"], ["--devices", "x"], ["--events", "-1"], ["--batch", "0"], ["--batch", "501"]]
)
def test_sizes_that_are_none_are_said(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["push", *given])
    assert caught.value.code == 2
    assert "a number from 1" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "--in", "/nowhere"]) == 2
    assert capsys.readouterr().err.startswith("handover bench push")
