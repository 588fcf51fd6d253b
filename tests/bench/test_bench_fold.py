"""What `handover bench fold` says: every event counts, and the numbers fit together. None is timed."""

import json

import pytest

from trial.bench import main


def test_every_event_counts_and_the_fold_stands_beside_its_floor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fold", "--journeys", "4", "--rounds", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)

    assert (result["journeys"], result["events_each"], result["rounds"]) == (4, 20, 3)
    assert result["events_per_s"] == result["fold"]["median"]
    for name in ("fold", "from_bytes", "floor"):
        rate = result[name]
        assert 0 < rate["least"] <= rate["median"] <= rate["most"]
    assert result["ratio_from_bytes"] > 0
    assert result["ratio_to_floor"] > 0


def test_no_journeys_are_no_bench() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["fold", "--journeys", "0"])
    assert caught.value.code == 2
