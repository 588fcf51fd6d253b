"""Plants the faults of tests/planted.py, each in a copy of the tree, and tells which were caught."""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.planted import FAULTS, SEEDED, Fault

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*", "node_modules", "dist", "var", "*.db", "*.db-wal", "*.db-shm")
LONGEST_S = 300

PASSED, FAILED = 0, 1  # pytest's exit codes; the others say that it could not run the test


class Unplantable(Exception):
    """A fault cannot be tried: it does not fit the code, or its test does not pass without it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of one planted fault; `said` holds the last lines of the test that should have caught it."""

    fault: Fault
    caught: bool
    said: str


@contextmanager
def copy_of(root: Path) -> Iterator[Path]:
    """Yield a copy of the tree without what was built or hidden; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="planted ") as scratch:
        tree = Path(scratch).resolve()
        shutil.copytree(root, tree, ignore=LEFT_OUT, dirs_exist_ok=True)
        yield tree


def environment_for(tree: Path) -> dict[str, str]:
    """Python finds the packages of `tree` before any other, and a skipped test is no passed test."""
    outer = ("PYTEST_", "COVERAGE_", "COV_CORE_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    # Without bytecode: a patch within one second and of equal length would leave a stale file in force.
    return env | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}


def run_test(tree: Path, test: str) -> tuple[int, str]:
    """Run one test of `tree` on the code of `tree`; pytest's exit code and what it printed."""
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    try:
        done = subprocess.run(
            words,
            cwd=tree,
            env=environment_for(tree),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise Unplantable(f"{test} did not end within {LONGEST_S} s") from late
    return done.returncode, done.stdout


def plant(fault: Fault, tree: Path) -> None:
    """Put the fault into `tree`; the patched file still parses."""
    path = tree / fault.file
    if not path.is_file():
        raise Unplantable(f"{fault.name}: there is no {fault.file}")
    text = path.read_text()
    if text.count(fault.old) != 1:
        raise Unplantable(f"{fault.name}: its text stands {text.count(fault.old)} times in {fault.file}, not once")
    patched = text.replace(fault.old, fault.new)
    if path.suffix == ".py":
        try:
            ast.parse(patched)
        except SyntaxError as reason:
            raise Unplantable(f"{fault.name}: {fault.file} is no Python with it: {reason}") from reason
    path.write_text(patched)


def examine(fault: Fault, root: Path = ROOT) -> Finding:
    """Plant one fault and see whether its test fails, having seen it pass on the same copy before.

    Raises `Unplantable` when the answer would mean nothing.
    """
    with copy_of(root) as tree:
        code, said = run_test(tree, fault.test)
        if code != PASSED:
            raise Unplantable(f"{fault.name}: {fault.test} does not pass without the fault\n{said}")
        plant(fault, tree)
        code, said = run_test(tree, fault.test)
        if code not in (PASSED, FAILED):
            raise Unplantable(f"{fault.name}: {fault.test} could not run with the fault\n{said}")
        return Finding(fault=fault, caught=code == FAILED, said="\n".join(said.splitlines()[-20:]))


def main(argv: list[str]) -> int:
    """Print what became of the named faults, or of all; 1 if one got through, 2 if one could not be tried."""
    parser = argparse.ArgumentParser(prog="./run test --planted", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a fault of tests/planted.py; all when none is given")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    args = parser.parse_args(argv)
    unknown = set(args.names) - {fault.name for fault in FAULTS}
    if unknown:
        print(f"no fault is called {', '.join(sorted(unknown))}; see tests/planted.py", file=sys.stderr)
        return 2
    chosen = [fault for fault in FAULTS if not args.names or fault.name in args.names]
    try:
        findings = [examine(fault) for fault in chosen]
    except Unplantable as reason:
        print(reason, file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps([row(finding) for finding in findings], indent=2))
    else:
        print_table([row(finding) for finding in findings])
    return 0 if all(finding.caught for finding in findings) else 1


def row(finding: Finding) -> dict[str, str]:
    """One finding as the table shows it; `protocol` is what the protocol calls the fault, where it wants it caught."""
    fault = finding.fault
    return {
        "fault": fault.name,
        "protocol": SEEDED.get(fault.name, ""),
        "invariant": fault.invariant,
        "test": fault.test,
        "caught": "yes" if finding.caught else "NO",
    }


def print_table(rows: list[dict[str, str]]) -> None:
    """Print rows of equal keys as columns."""
    names = list(rows[0])
    widths = {name: max(len(name), *(len(line[name]) for line in rows)) for name in names}
    for line in [{name: name for name in names}, {name: "-" * widths[name] for name in names}, *rows]:
        print("  ".join(line[name].ljust(widths[name]) for name in names).rstrip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
