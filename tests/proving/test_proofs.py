"""PROOFS.md says which test guards each invariant and which planted fault breaks it; here that is held to the tree."""

import ast
import re

from tests.lints import ROOT
from tests.planted import FAULTS, SEEDED

ROW = re.compile(r"^\| (I\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([^`]+)`")
SEED = re.compile(r"^\| ([a-z][^|]+) \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)


def rows() -> list[tuple[str, str, list[str], list[str]]]:
    text = (ROOT / "PROOFS.md").read_text()
    return [(name, said, NAMED.findall(test), NAMED.findall(fault)) for name, said, test, fault in ROW.findall(text)]


def test_every_invariant_has_its_line_with_a_test_and_a_fault() -> None:
    assert [name for name, *_ in rows()] == [f"I{number}" for number in range(1, 21)]
    assert all(tests and faults for _, _, tests, faults in rows())


def test_every_test_that_the_proofs_name_is_there() -> None:
    for _, _, tests, _ in rows():
        for test in tests:
            file, name = test.split("::")
            tree = ast.parse((ROOT / file).read_text())
            functions = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert name in functions, test


def test_every_fault_that_the_proofs_name_is_planted() -> None:
    planted = {fault.name for fault in FAULTS}
    assert {fault for *_, faults in rows() for fault in faults} <= planted


def test_every_fault_that_the_protocol_wants_caught_is_planted_and_listed_with_its_test() -> None:
    planted = {fault.name: fault.test for fault in FAULTS}
    listed = SEED.findall((ROOT / "PROOFS.md").read_text())
    assert len(SEEDED) == 16
    assert listed == [(said, name, planted[name]) for name, said in SEEDED.items()]
