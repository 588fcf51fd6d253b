"""The rooms hold: each contract is shown to bite, each rule of the house is kept."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sync import problems
from tests import lints
from tests.lints import ROOMS, ROOT
from tests.planting import copy_of, environment_for
from trial.cli import COMMANDS

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = SETTINGS["tool"]["importlinter"]["contracts"]
EXTRAS = SETTINGS["project"]["optional-dependencies"]
LOCK = (ROOT / "requirements" / "dev.txt").read_text()

# A planted violation: the file that gets a line more, the line, and how the broken contract's name begins.
VIOLATIONS = [
    ("backend/planted.py", "import device", "Rooms"),
    ("device/planted.py", "from backend import api", "Rooms"),
    ("sync/planted.py", "import device.store", "Rooms"),
    ("backend/planted.py", "def late():\n    import trial.cli", "Rooms"),
    ("sync/planted.py", "", "The kernel from top to bottom"),
    ("sync/ids.py", "import sync.events", "The kernel from top to bottom"),
    ("sync/planted.py", "import socket", "sync is pure"),
    ("sync/planted.py", "def late():\n    from pathlib import Path", "sync is pure"),
    ("sync/planted.py", "import random", "sync is pure"),
    ("sync/planted.py", "import time", "sync is pure"),
    ("sync/planted.py", "import nacl.signing", "sync is pure"),
    ("device/planted.py", "import litestar", "device brings no server"),
    ("device/planted.py", "import numpy", "device brings no server"),
    ("backend/planted.py", "import paho.mqtt.client", "backend speaks no MQTT"),
    ("device/decoders/planted.py", "from device.decoders import planted_too", "Decoders"),
    ("backend/exchange/planted.py", "from backend.exchange import planted_too", "Exchange"),
    ("sync/planted.py", "import sync.planted_too", "No cycles"),
]
COMPANIONS = {
    "device/decoders/planted_too.py": "",
    "backend/exchange/planted_too.py": "",
    "sync/planted_too.py": "import sync.planted\n",
}


def broken_contracts(tree: Path) -> list[str]:
    """Names of the contracts that `tree` breaks."""
    words = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    env = environment_for(tree) | {"COLUMNS": "200"}
    done = subprocess.run(words, cwd=tree, env=env, capture_output=True, text=True, check=False)
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE)


def test_every_contract_has_a_violation_planted_against_it() -> None:
    names = [contract["name"] for contract in CONTRACTS]
    assert {name for name in names for *_, start in VIOLATIONS if name.startswith(start)} == set(names)


def test_every_contract_holds() -> None:
    assert broken_contracts(ROOT) == []


@pytest.mark.parametrize(("file", "line", "contract"), VIOLATIONS, ids=[f"{f} {line}" for f, line, _ in VIOLATIONS])
def test_a_contract_catches_its_violation(file: str, line: str, contract: str) -> None:
    with copy_of(ROOT) as tree:
        with (tree / file).open("a") as planted:
            planted.write(f"\n{line}\n")
        companion = file.replace("planted", "planted_too")
        if companion in COMPANIONS:
            (tree / companion).write_text(COMPANIONS[companion])
        assert contract in "".join(broken_contracts(tree))


def test_every_package_is_a_room_that_the_contracts_know() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set(ROOMS) == set(SETTINGS["tool"]["importlinter"]["root_packages"])
    assert packages == set(SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


@pytest.mark.parametrize("side", ["device", "backend"])
def test_a_side_imports_no_more_than_its_extra_installs(side: str) -> None:
    imported_as = {"pillow": "PIL", "paho-mqtt": "paho", "pynacl": "nacl"}
    imported_as |= {"pyserial": "serial", "zxing-cpp": "zxingcpp", "fpdf2": "fpdf", "pymupdf-fonts": "pymupdf_fonts"}
    imported_as |= {"argon2-cffi": "argon2", "python-calamine": "python_calamine"}
    wanted = [Requirement(line).name for line in (*SETTINGS["project"]["dependencies"], *EXTRAS[side])]
    (contract,) = [contract for contract in CONTRACTS if contract.get("package") == side]
    assert {imported_as.get(name, name) for name in wanted} == set(contract["outside"])


# -- time and entropy ---------------------------------------------------------
def test_only_the_worlds_read_a_clock_or_draw_entropy() -> None:
    found = [
        place.removeprefix(f"{ROOT}/")
        for path in lints.modules("sync", "device", "backend")
        if path.relative_to(ROOT).as_posix() not in ("device/world.py", "backend/world.py")
        for place in lints.asks_the_world(path)
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "import datetime\ndatetime.datetime.now()",
        "from datetime import UTC, datetime as dt\ndt.now(UTC)",
        "from datetime import date\ndate.today()",
        "import time as clock\nclock.time()",
        "from time import time_ns\ntime_ns()",
        "import time\nclass A:\n    at: float = field(default_factory=time.time)",
        "from uuid import uuid4\nuuid4()",
        "import os\nos.urandom(8)",
        "import random\nrandom.Random().random()",
        "import secrets\nsecrets.token_bytes(8)",
        "from nacl.signing import SigningKey\nSigningKey.generate()",
    ],
)
def test_reading_a_clock_or_drawing_entropy_is_seen(tmp_path: Path, code: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(code)
    assert len(lints.asks_the_world(path)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.monotonic()",
        "from datetime import datetime\ndatetime.fromtimestamp(0)",
        "def now(clock):\n    return clock.time()",
        "time = 3\nprint(time)",
    ],
)
def test_measuring_a_wait_or_being_told_the_time_is_allowed(tmp_path: Path, code: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(code)
    assert lints.asks_the_world(path) == []


# -- names and sentences ------------------------------------------------------
def test_no_package_lies_below_tests() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_file_is_named_for_having_no_room() -> None:
    paths = [path.relative_to(ROOT).as_posix() for path in lints.modules(*ROOMS, "tests")]
    assert [path for path in paths if lints.is_roomless(path)] == []
    assert lints.is_roomless("sync/utils.py")
    assert lints.is_roomless("backend/common/text.py")
    assert not lints.is_roomless("device/store/base.py")


def test_every_module_starts_with_a_sentence() -> None:
    assert [str(path) for path in lints.modules(*ROOMS) if lints.lacks_docstring(path)] == []


# -- problems -----------------------------------------------------------------
def test_a_problem_cannot_be_named_twice() -> None:
    kind = problems.UNREADABLE
    with pytest.raises(ValueError, match="twice"):
        problems._kind(kind.slug, kind.title, kind.status, kind.remedy, kind.advice)


def test_every_problem_has_its_own_title() -> None:
    titles = [kind.title for kind in problems.catalogue()]
    assert sorted(set(titles)) == sorted(titles)


@pytest.mark.parametrize("kind", problems.catalogue(), ids=lambda kind: kind.slug)
def test_a_problem_is_written_as_the_catalogue_says(kind: problems.ProblemKind) -> None:
    assert kind in vars(problems).values()
    assert 400 <= kind.status <= 599
    assert kind.remedy in ("retry", "fix", "ask")
    assert kind.title[0].isupper()
    assert not kind.title.endswith(".")
    assert kind.advice.endswith(".")


# -- commands -----------------------------------------------------------------
def test_every_command_line_takes_a_name_that_begins_with_a_hyphen(tmp_path: Path) -> None:
    assert [place for path in lints.modules(*ROOMS) for place in lints.parses_as_it_comes(path)] == []
    planted = tmp_path / "module.py"
    planted.write_text(
        "import argparse as a\nfrom argparse import ArgumentParser\na.ArgumentParser()\nArgumentParser()"
    )
    assert len(lints.parses_as_it_comes(planted)) == 2


def test_finding_a_command_loads_neither_side() -> None:
    look = "import sys, trial.cli; trial.cli.main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = done.stdout.splitlines()[-1].split()
    assert "trial.cli" in loaded
    assert {"device", "backend"}.isdisjoint(loaded)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str) -> None:
    program = Path(sys.executable).parent / "handover"
    done = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"handover {command}" in done.stdout


# -- the lock -----------------------------------------------------------------
def test_the_lock_carries_versions_and_hashes_but_no_address() -> None:
    pins = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*( ; .+)? \\", line) for line in pins)
    hashes = re.findall(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$", LOCK, re.MULTILINE)
    assert len(hashes) == len([line for line in LOCK.splitlines() if line.startswith(" ")])
    assert "//" not in LOCK


def test_the_lock_holds_what_the_project_asks_for() -> None:
    locked = dict(re.findall(r"^([a-z0-9-]+)==([\w.]+)", LOCK, re.MULTILINE))
    build = SETTINGS["build-system"]["requires"]
    asked = [*build, *SETTINGS["project"]["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        if name != SETTINGS["project"]["name"]:
            assert requirement.specifier.contains(locked[name]), requirement
