"""`handover demo`: a day of field work on real devices, real QR images and a trial broker; ends with the report.

Exit 0 only if everything held that was looked at: what must never happen, and what the day was to come to.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Final

import msgspec

from device.commands.parsing import Parser
from sync.problems import HOST_GONE, Problem, as_sentence
from trial.camera import Conditions, photograph
from trial.day import Demo, demo_facts
from trial.engine import Camera, Engine, Replayed
from trial.invariants import Books, Watch, checked
from trial.keeping import let_in, listener, serve
from trial.past import Past, PastSpec
from trial.plants import PLANTS, plant
from trial.reading import Play
from trial.replay import read_file
from trial.stage import BACKEND_DATABASE, Stage, on_stage
from trial.telling import Quiet, Teller, console, head, tell, telling
from trial.terms import BACKEND

DAY: Final = Path(__file__).resolve().parents[1] / "fixtures" / "scenarios" / "a-day-in-march.json"
SEED: Final = 2026
"""Of the history before the day."""
PAST_S: Final = 120.0


def main(argv: list[str]) -> int:
    """Run the command."""
    parser = Parser(prog="handover demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the same facts as JSON, and nothing else")
    parser.add_argument("--fast", action="store_true", help="a smaller history")
    parser.add_argument(
        "--keep", action="store_true", help="then keep the backend and its pages up until Ctrl-C, with ways in for all"
    )
    parser.add_argument("--plant", choices=sorted(PLANTS), help="break one thing on purpose, to see it found")
    args = parser.parse_args(argv)
    with ExitStack() as opened:
        return _show(args, opened.enter_context(listener()) if args.keep else None)


def _show(args: argparse.Namespace, at: socket.socket | None) -> int:
    """The exit code, once all was told and what was to stay up was stopped."""
    try:
        demo = run(args, at)
    except Problem as problem:
        print(f"handover demo: {as_sentence(problem)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if args.json:
        print(msgspec.json.encode(demo).decode(), flush=True)
    else:
        tell(console(), demo)
    if at is not None and demo.kept is not None:
        # What was to be printed is printed; who stops it before it is up means the same.
        with redirect_stdout(sys.stderr), suppress(KeyboardInterrupt):
            serve(Path(demo.kept.directory) / BACKEND_DATABASE, at)
    return 0 if demo.held else 1


def run(args: argparse.Namespace, at: socket.socket | None = None) -> Demo:
    """What the demo found out; with a socket its backend stays, to be served there."""
    began = time.monotonic()
    play = read_file(DAY)
    with _folder(keep=args.keep) as folder, _teller(play, quiet=args.json) as teller:
        with on_stage(play, folder / "day") as stage, _history(play, stage, folder, fast=args.fast) as past_process:
            played, watch, books, engine = _played(play, stage, args, teller)
            teller.note("the two years before are drawn, imported and reported")
            past = _told(past_process)
            invariants = checked(books, engine.union, played.views, watch, play.steps[-1].at_ms)
            database = stage.database(BACKEND)
        demo = demo_facts(play, played, invariants, past, time.monotonic() - began, args.plant or "")
        return msgspec.structs.replace(demo, kept=let_in(database, at.getsockname()[1])) if at else demo


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    """Where everything is kept: gone at the end, unless it is to stay."""
    if keep:
        yield Path(tempfile.mkdtemp(prefix="handover-demo-"))
        return
    with tempfile.TemporaryDirectory(prefix="handover-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


# -- the day -------------------------------------------------------------------
def _played(
    play: Play, stage: Stage, args: argparse.Namespace, teller: Teller
) -> tuple[Replayed, Watch, Books, Engine]:
    """The day, step by step; looked at after each; with the fault planted in the end, if one is wanted."""
    engine = Engine(play, stage, _camera(play.scenario.seed))
    watch = Watch()
    abouts = {timed.step.id: timed.step.about for timed in play.steps}
    for result in engine.play():
        teller.step(abouts.get(result.id, ""), result)
        engine.read_logs()
        watch.look(result.id, engine.union)
    if args.plant:
        stage.stop(BACKEND)
        plant(args.plant, stage.database(BACKEND))
        stage.restart(BACKEND)
    played = engine.outcome()
    books = Books({name: stage.database(name) for name in play.scenario.devices}, stage.database(BACKEND))
    return played, watch, books, engine


@contextmanager
def _teller(play: Play, *, quiet: bool) -> Iterator[Teller]:
    if quiet:
        yield Quiet()
        return
    out = console()
    head(out, play)
    with telling(out, play) as teller:
        yield teller


def _camera(seed: int) -> Camera:
    """A camera that takes a new picture each time, from a hand that is never still."""
    import numpy as np

    rng = np.random.default_rng(seed)

    def take(drawn: Path) -> Path:
        taken = drawn.with_suffix(".jpg")
        taken.write_bytes(photograph(drawn.read_bytes(), rng, Conditions()))
        return taken

    return take


# -- the history -----------------------------------------------------------------
@contextmanager
def _history(play: Play, stage: Stage, folder: Path, *, fast: bool) -> Iterator[subprocess.Popen[bytes]]:
    """The two years before the day, drawn, imported and reported beside it, in a process of its own."""
    spec = PastSpec(
        seed=SEED,
        end_ms=play.steps[-1].at_ms,
        database=str(stage.database(BACKEND)),
        directory=str(folder / "history"),
        fast=fast,
    )
    words = [sys.executable, "-m", "trial.past", msgspec.json.encode(spec).decode()]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _told(process: subprocess.Popen[bytes]) -> Past:
    """What became of the history; HOST_GONE with its own words where nothing did."""
    out, wrong = process.communicate(timeout=PAST_S)
    if process.returncode:
        raise Problem(HOST_GONE, wrong.decode("utf-8", "replace").strip()[-500:], "history")
    return msgspec.json.decode(out, type=Past)
