"""Recording one event costs at most three times the floor at the 99th percentile."""

import json
from pathlib import Path

import pytest

from trial.bench import main


@pytest.mark.alone
def test_recording_stays_near_the_floor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "--events", "300", "--in", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["ratio_to_floor"] <= 3.0
    offer, note = result["kinds"]
    assert (offer["signed"], note["signed"]) == (True, False)


@pytest.mark.parametrize("given", [["dance"], ["record", "--in", "/nowhere"]])
def test_a_bench_that_cannot_be_run_says_so(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(given) == 2
    assert capsys.readouterr().err.startswith("handover bench")


def test_no_events_are_no_bench() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["record", "--events", "0"])
    assert caught.value.code == 2
