"""`handover replay`: plays a scenario file through real devices and a backend, and prints what came out.

Exit 0 if all came out as the file expects, 1 if something did not (the differences are printed), 2 if the file
cannot be played. fixtures/scenarios/README.md says how such a file is written.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from device.commands.parsing import Parser
from sync.problems import NO_FILE, Problem, as_sentence
from trial.engine import Engine, Replayed
from trial.outcome import View
from trial.reading import Play, read_play
from trial.scenario import schema
from trial.stage import on_stage


def replay(play: Play, directory: Path | None = None) -> Replayed:
    """What came out of a play; its processes are gone afterwards, its data too unless `directory` says where to."""
    with on_stage(play, directory) as stage:
        engine = Engine(play, stage)
        for _ in engine.play():
            pass
        return engine.outcome()


def read_file(path: Path) -> Play:
    """The play in a file; NO_FILE or BAD_SCENARIO where there is none."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Problem(NO_FILE, error.strerror or "", str(path)) from error
    return read_play(raw)


def main(argv: list[str]) -> int:
    """Run the command."""
    parser = Parser(prog="handover replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", type=Path, nargs="?", help="a scenario file")
    parser.add_argument("--json", action="store_true", help="print everything that came out as JSON")
    parser.add_argument("--directory", type=Path, help="keep the databases and pictures in this new folder")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of scenario files and end")
    args = parser.parse_args(argv)
    if args.schema:
        print(msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode())
        return 0
    if args.scenario is None:
        parser.error("name a scenario file")
    try:
        _new(args.directory)
        played = replay(read_file(args.scenario), args.directory)
    except Problem as problem:
        print(f"handover replay: {as_sentence(problem)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(played), indent=1).decode())
    else:
        print("\n".join(told(played)))
    return 0 if played.held else 1


def _new(directory: Path | None) -> None:
    """Return only if this folder is still to be made."""
    if directory is not None and directory.exists():
        raise Problem(NO_FILE, "it exists; name a new folder", str(directory))


def told(played: Replayed) -> Iterator[str]:
    """What came out, for a person: the steps, who is accountable, the cases, and every difference."""
    yield played.scenario
    for step in played.steps:
        what = " ".join(part for part in (step.outcome, step.problem, step.detail) if part)
        who = f"{step.by} on {step.on}" if step.by else ""
        yield f"  {step.at[:19]}Z  {step.id:<14} {step.do:<13} {who:<22} {what}".rstrip()
    for name, view in played.views.items():
        yield f"{name}: " + "; ".join(_sentences(view))
    for one in played.differences:
        yield f"DIFFERS {one.view} {one.where}: expected {one.expected}, found {one.found}"
    yield "all as expected" if played.held else f"{len(played.differences)} differences"


def _sentences(view: View) -> Iterator[str]:
    known = [f"{party} has {job}" for job, party in view.accountable.items() if party]
    yield ", ".join(known) or "no job"
    for name, one in view.cases.items():
        yield f"case of {name} {one.state} ({', '.join(one.parties)})"
