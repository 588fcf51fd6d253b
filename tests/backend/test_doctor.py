"""The doctor says what would go wrong in a deployment, and that nothing would where nothing would."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.commands import backup, doctor, people
from backend.world import Machine
from tests.backend.people import FixedWorld


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "handover.db"
    assert people.main(["add", "anna", "--database", str(path)]) == 0
    assert backup.main([str(tmp_path / "backups" / "today"), "--database", str(path)]) == 0
    return path


def told(database: Path, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    backups = str(database.parent / "backups")
    code = doctor.main(["--database", str(database), "--backups", backups, "--json", *args])
    return code, {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}


def test_a_sound_deployment_is_found_sound(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = told(database, capsys)
    assert (code, set(checks)) == (0, {"disk", "key", "version", "journal", "clock", "backup"}), checks
    assert doctor.main(["--database", str(database)]) == 0
    assert all(line.startswith("ok ") for line in capsys.readouterr().out.splitlines())


def change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as con:
        con.execute(statement)


ILLS: dict[str, Callable[[Path], object]] = {
    "key": lambda path: path.with_name(path.name + ".key").chmod(0o644),
    "version": lambda path: change(path, "UPDATE migration SET checksum = 'x' WHERE number = 2"),
    "journal": lambda path: change(path, "PRAGMA journal_mode = DELETE"),
    "clock": lambda path: change(path, "UPDATE mark SET at = at + 10000000"),
    "backup": lambda path: (path.parent / "backups" / "today" / "backup.json").unlink(),
}


@pytest.mark.parametrize("name", ILLS)
def test_each_ill_is_named_with_what_to_do(name: str, database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ILLS[name](database)
    code, checks = told(database, capsys)
    assert (code, [one for one in checks if not checks[one]["ok"]]) == (1, [name])
    assert checks[name]["advice"]


def test_a_backup_of_last_week_is_too_old(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = FixedWorld(clock_ms=Machine().now_ms() + 7 * 86_400_000)
    args = ["--database", str(database), "--backups", str(database.parent / "backups")]
    assert doctor.main(args, world) == 1
    assert "SEE TO backup      168 h old" in capsys.readouterr().out
    assert doctor.main([*args, "--backup-days", "8"], world) == 0


def test_what_is_no_database_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.db"
    assert doctor.main(["--database", str(path)]) == 2
    path.write_text("no database, but a text that is longer than the header of one " * 10)
    assert doctor.main(["--database", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 2
