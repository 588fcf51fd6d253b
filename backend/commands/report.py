"""`handover report`: what the numbers are as of a day. A number as of a day that has passed does not change."""

import argparse
import sqlite3
import sys
from typing import Final

from backend.commands.console import add_database, finish, parser, read, show
from backend.config import Settings
from backend.history import Material, material
from backend.measures.appraisal import MODES
from backend.measures.statement import Settings as Making
from backend.measures.states import Proof
from backend.office import SOFTWARE
from backend.reports import avoided, avoided_facts, avoided_words, visit_report, visit_words
from backend.world import Machine, World
from sync.clock import milliseconds
from sync.problems import BAD_ARGUMENT, NO_FILE, Problem
from sync.visits import DAY_MS, WINDOW_MS

_DATE: Final = len("2026-01-31")


def main(argv: list[str], world: World | None = None) -> int:
    """Run the command."""
    made = parser("report", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="REPORT")
    total = steps.add_parser(
        "avoided", help="how many repeat visits were avoided, with its interval and what it is worth"
    )
    visits = steps.add_parser("visits", help="each visit with its repeat, if any (rule rv-1)")
    for step in (total, visits):
        step.add_argument(
            "--as-of", metavar="TIME", help="RFC 3339, or a date (its midnight in UTC); now where not given"
        )
        step.add_argument(
            "--window-days", type=int, default=WINDOW_MS // DAY_MS, help="days of the window (%(default)s)"
        )
        step.add_argument(
            "--severity", default="", metavar="TYPE,…", help="types of gap, worst first; else as imported"
        )
        step.add_argument("--json", action="store_true", help="print facts as JSON")
        add_database(step)
    total.add_argument("--mode", choices=["auto", *MODES], default="auto", help="the grade selects it (%(default)s)")
    total.add_argument("--frozen", action="store_true", help="a monthly statement that is never made again")
    total.add_argument("--preregistered", action="store_true", help="made once, on a date that was named beforehand")
    total.add_argument("--randomised", action="store_true", help="lots decided which site was switched on when")
    args = made.parse_args(argv)
    work = {"avoided": _avoided, "visits": _visits}[args.step]
    return finish("report", lambda: work(args, world or Machine()))


def _avoided(args: argparse.Namespace, world: World) -> int:
    making = Making(
        window_ms=_window(args),
        severity=listed(args.severity),
        mode=args.mode,
        proof=Proof(frozen=args.frozen, preregistered=args.preregistered, randomised=args.randomised),
        code_version=SOFTWARE,
    )
    found = _material(args, world)
    statement = avoided(found, making)
    facts = avoided_facts(statement, found.later)
    show(facts, as_json=args.json, text=avoided_words(statement, found.later))
    return 0


def _visits(args: argparse.Namespace, world: World) -> int:
    report = visit_report(_material(args, world), Making(window_ms=_window(args), severity=listed(args.severity)))
    show(report, as_json=args.json, text=visit_words(report))
    return 0


def _material(args: argparse.Namespace, world: World) -> Material:
    now_ms = world.now_ms()
    as_of_ms = instant_of(args.as_of) if args.as_of is not None else now_ms
    if as_of_ms > now_ms:
        print("handover report: that day is still to come; what will happen until then is missing.", file=sys.stderr)
    if not args.database.exists():
        raise Problem(NO_FILE, "", str(args.database))

    def look(con: sqlite3.Connection) -> Material:
        return material(con, as_of_ms)

    return read(Settings(database=args.database), look)


def instant_of(text: str, where: str = "--as-of") -> int:
    """Milliseconds of an RFC 3339 time, or of a date's midnight in UTC; BAD_ARGUMENT for anything else."""
    try:
        return milliseconds(f"{text}T00:00:00Z" if len(text) == _DATE else text)
    except Problem as problem:
        raise Problem(BAD_ARGUMENT, problem.detail, where) from problem


def listed(text: str) -> tuple[str, ...]:
    """The words of a list with commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _window(args: argparse.Namespace) -> int:
    if not 1 <= args.window_days <= 365:
        raise Problem(BAD_ARGUMENT, "1 to 365 days", "--window-days")
    days: int = args.window_days
    return days * DAY_MS
