"""PROOFS.md says which test guards each invariant and which planted fault breaks it; here that is held to the tree."""

import ast
import re

from tests.lints import ROOT
from tests.planted import FAULTS

ROW = re.compile(r"^\| (I\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([^`]+)`")
# PROTOCOL's list of faults that must be caught, and what each is called here.
WANTED = {
    "drop the unique key": "no-unique-key",
    "receipt before commit": "receipt-before-commit",
    "cursor by plain sequence": "cursor-skips",
    "expiring verdicts": "expiring-verdicts",
    "no byte compare": "no-byte-compare",
    "stop at first refusal": "stops-at-first-refusal",
    "skip a refused item without storing it": "refused-not-stored",
    "retry without a timer": "retry-without-timer",
    "fold by arrival": "fold-by-arrival",
    "a verdict that looks at what else has arrived": "unknown-refused",
    "wipe outbox at sign-out": "wipe-at-sign-out",
    "delete before receipt": "delete-before-receipt",
    "re-serialise before hashing": "written-anew-before-hashing",
    "an epoch a device": "epoch-a-device",
    "confirm without checking the acceptance": "confirm-unchecked",
    "wrong typ accepted": "wrong-typ-accepted",
}


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


def test_every_fault_that_the_protocol_wants_caught_is_planted() -> None:
    assert set(WANTED.values()) <= {fault.name for fault in FAULTS}
