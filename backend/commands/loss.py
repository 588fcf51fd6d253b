"""`handover loss`: what nobody holds any more after a restore, and a manager's declaration of it.

Let every device sync first: what one of them holds comes back by itself. What the office recorded after the last pull
of any device left no trace, so it cannot be listed: look through what was done that day.
"""

import argparse

from backend.commands.console import add_database, finish, parser, read, show, written
from backend.config import Settings
from backend.intake import Door
from backend.losses import Lost, Missing, declare, find_missing, gap_of
from backend.writing import Writing
from sync.problems import WRONG_INPUT, Problem


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("loss", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="STEP")
    listed = steps.add_parser("list", help="what is missing, as far as anything here tells of it")
    said = steps.add_parser("declare", help="a manager's word that nobody holds it; what names it is then refused")
    said.add_argument("--by", required=True, metavar="MANAGER")
    said.add_argument("--all", action="store_true", help="all of the office's that is missing")
    said.add_argument("--log", default="", help="a log of which a range is lost")
    said.add_argument("--from", dest="first", type=int, default=0, metavar="SEQ")
    said.add_argument("--to", dest="last", type=int, default=0, metavar="SEQ")
    said.add_argument("--name", action="append", default=[], metavar="HASH", help="an event or job; may be given again")
    for step in (listed, said):
        add_database(step)
        step.add_argument("--json", action="store_true")
    args = made.parse_args(argv)
    work = {"list": _list, "declare": _declare}[args.step]
    return finish("loss", lambda: work(args, Settings(database=args.database)))


def _list(args: argparse.Namespace, settings: Settings) -> int:
    missing = read(settings, find_missing)
    show(missing, as_json=args.json, text=_text(missing))
    return 0


def _text(missing: Missing) -> str:
    lines = [
        f"log {gap.log} {gap.from_} to {gap.to}"
        + (" (the office's)" if gap.staff else " (a device's: it comes back if the device does)")
        for gap in missing.gaps
    ]
    lines += [f"event or job {name}, which events here wait for" for name in missing.names]
    return "\n".join(lines) or "nothing is missing, as far as anything here tells of it"


def _declare(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> int:
        missing = find_missing(writing.con)
        gaps = [gap for gap in missing.gaps if gap.staff] if args.all else []
        if args.log:
            gaps.append(gap_of(Lost(log=args.log, from_=args.first, to=args.last), missing))
        if not (gaps or args.name or args.all):
            raise Problem(WRONG_INPUT, "say what: --all, --log with --from and --to, or --name")
        return len(declare(writing, door.office, args.by, gaps, args.name))

    count = written(settings, work)
    show({"declared": count}, as_json=args.json, text=f"declared lost: {count}")
    return 0
