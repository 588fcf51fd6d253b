from dataclasses import replace
from pathlib import Path

import pytest

from tests.planted import FAULTS, Fault
from tests.planting import Unplantable, examine

TOY = Fault(
    name="toy",
    invariant="twice is two times",
    file="sync/twice.py",
    old="2 * number",
    new="3 * number",
    test="tests/test_twice.py::test_twice_is_two_times",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small repository with one module and two tests, of which only one looks at what it does."""
    for path, text in {
        "pyproject.toml": '[tool.pytest]\npythonpath = ["."]\naddopts = ["--import-mode=importlib"]\n',
        "sync/__init__.py": "",
        "sync/twice.py": "def twice(number):\n    return 2 * number\n",
        "tests/test_twice.py": (
            "import pytest\n"
            "from sync.twice import twice\n"
            "def test_twice_is_two_times():\n    assert twice(3) == 6\n"
            "def test_looks_away():\n    assert twice\n"
            "def test_is_wrong_anyway():\n    assert twice(1) == 7\n"
            "def test_is_skipped():\n    pytest.skip('not today')\n"
        ),
        "tests/conftest.py": (Path(__file__).parent / "conftest.py").read_text(),
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_a_fault_is_caught_by_the_test_that_looks(tree: Path) -> None:
    finding = examine(TOY, tree)
    assert finding.caught
    assert "assert 9 == 6" in finding.said


def test_a_fault_gets_past_a_test_that_looks_away(tree: Path) -> None:
    assert not examine(replace(TOY, test="tests/test_twice.py::test_looks_away"), tree).caught


def test_planting_leaves_the_tree_as_it_was(tree: Path) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    examine(TOY, tree)
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"old": "4 * number"}, "0 times"),
        ({"old": "number"}, "2 times"),
        ({"new": "2 * number)"}, "no Python"),
        ({"file": "sync/thrice.py"}, "no sync/thrice.py"),
        ({"test": "tests/test_twice.py::test_is_wrong_anyway"}, "does not pass without"),
        ({"test": "tests/test_twice.py::test_is_skipped"}, "does not pass without"),
        ({"test": "tests/test_twice.py::test_nowhere"}, "does not pass without"),
        ({"old": "def twice", "new": "def thrice"}, "could not run"),
    ],
    ids=[
        "text absent",
        "text twice",
        "broken syntax",
        "file absent",
        "red before",
        "skipped",
        "no such test",
        "import",
    ],
)
def test_a_fault_that_would_prove_nothing_is_refused(tree: Path, change: dict[str, str], reason: str) -> None:
    with pytest.raises(Unplantable, match=reason):
        examine(replace(TOY, **change), tree)


def test_no_two_faults_share_a_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.planted
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught(fault: Fault) -> None:
    finding = examine(fault)
    assert finding.caught, finding.said
