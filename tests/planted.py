"""Faults that are planted on purpose, one a line of defence, and the test that has to catch each.

A test that has never failed proves little. `./run test --planted` plants each of these in a copy of
the tree and prints which were caught; the suite does the same.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One edit that breaks one invariant, and the test that must then fail.

    `old` stands exactly once in `file`, a path from the repository's root, and `new` takes its place.
    """

    name: str
    invariant: str
    file: str
    old: str
    new: str
    test: str


FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        name="twin-problems",
        invariant="a problem's name means one thing",
        file="sync/problems.py",
        old="if slug in _ALL:",
        new="if slug in ():",
        test="tests/test_house.py::test_a_problem_cannot_be_named_twice",
    ),
)
