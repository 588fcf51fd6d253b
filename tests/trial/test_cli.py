"""The command itself: what it does with words it does not know, and with a reader that has gone."""

import subprocess
import sys

import pytest

from trial.cli import COMMANDS, main


def test_an_unknown_command_is_told_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "handover --help" in capsys.readouterr().err


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert [name for name in COMMANDS if f"  {name} " not in said] == []


def test_a_reader_that_closes_the_pipe_gets_no_traceback() -> None:
    handover = f"{sys.executable} -m trial replay --schema"
    script = f"set -o pipefail; {handover} | head -c 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.stdout == "{"
