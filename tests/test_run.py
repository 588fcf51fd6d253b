"""The front door: what it decides before anything is installed, and what it says when it may not go on."""

import importlib.util
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from tests.lints import ROOT


def load(directory: Path) -> ModuleType:
    """The script `run` of a directory, as a module."""
    loader = SourceFileLoader("front_door", str(directory / "run"))
    spec = importlib.util.spec_from_loader("front_door", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository whose .venv says that it is complete."""
    root = tmp_path / "a clone"
    (root / "requirements").mkdir(parents=True)
    for name in ("run", "pyproject.toml", "requirements/dev.txt"):
        shutil.copy(ROOT / name, root / name)
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (root / ".venv" / ".set-up").write_text(load(root).wanted_stamp())
    return root


def test_a_complete_environment_is_left_alone(clone: Path) -> None:
    front_door = load(clone)
    assert front_door.is_set_up()
    before = sorted(clone.rglob("*"))
    front_door.set_up()
    assert sorted(clone.rglob("*")) == before


def test_settings_of_the_linters_cost_no_set_up(clone: Path) -> None:
    with (clone / "pyproject.toml").open("a") as file:
        file.write("\n[tool.another]\nlevel = 3\n")
    assert load(clone).is_set_up()


def test_an_interrupted_set_up_is_redone(clone: Path) -> None:
    (clone / ".venv" / ".set-up").unlink()
    assert not load(clone).is_set_up()


def test_an_environment_whose_python_went_is_redone(clone: Path) -> None:
    (clone / ".venv" / "bin" / "python").unlink()
    (clone / ".venv" / "bin" / "python").symlink_to(clone / "gone")
    assert not load(clone).is_set_up()


def test_a_changed_lock_or_project_is_set_up_anew(clone: Path) -> None:
    project, lock = clone / "pyproject.toml", clone / "requirements" / "dev.txt"
    for path, old, new in [(project, 'name = "handover"', 'name = "other"'), (lock, "sha256:0", "sha256:1")]:
        text = path.read_text()
        path.write_text(text.replace(old, new, 1))
        assert not load(clone).is_set_up()
        path.write_text(text)
        assert load(clone).is_set_up()


def test_a_moved_repository_is_set_up_anew(clone: Path) -> None:
    moved = clone.rename(clone.with_name("elsewhere"))
    assert not load(moved).is_set_up()


def test_what_would_shadow_the_environment_is_left_behind(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("PATH", "/usr/bin")
    env = load(clone).environment()
    assert "PYTHONPATH" not in env
    assert env["PATH"] == f"{clone}/.venv/bin:/usr/bin"


def test_without_apt_it_says_what_is_missing(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    front_door = load(clone)
    monkeypatch.setenv("PATH", str(clone))
    with pytest.raises(front_door.Stop, match=r"mosquitto is missing \(for tests\).* no apt-get"):
        front_door.install(["mosquitto"], why="for tests")


def test_without_rights_it_says_what_to_run(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (clone / "apt-get").touch(mode=0o755)
    front_door = load(clone)
    monkeypatch.setenv("PATH", str(clone))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(front_door.Stop, match="sudo apt-get update && sudo apt-get install mosquitto"):
        front_door.install(["mosquitto"], why="for tests")


def test_a_failing_step_hides_none_of_the_others(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [("first", lambda: 1), ("second", lambda: 0), ("third", lambda: 5)]
    assert load(clone).all_of(steps) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "run: failed: first, third"


def test_an_unknown_command_is_refused_with_a_sentence(clone: Path) -> None:
    done = subprocess.run([clone / "run", "dance"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "run: no command 'dance'; see ./run --help\n")


def test_its_help_names_every_command(clone: Path) -> None:
    done = subprocess.run([clone / "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(f"./run {name} " in done.stdout for name in load(clone).COMMANDS)
