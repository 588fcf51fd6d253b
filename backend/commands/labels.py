"""`handover labels`: sheets of labels for sites, their points and their assets, as a PDF to be printed at 100 %."""

import argparse
import sqlite3
import sys
from pathlib import Path
from typing import get_args

import msgspec

from backend.commands.console import finish, parser, read, show, whole, write_file
from backend.config import Settings
from backend.labels import Wanted, find_labels
from backend.printing.label_sheet import LABELLED, READ_CM, Label, label_sheets, reads_from_cm
from backend.printing.stock import STOCKS, find_stock
from backend.words import Language, words
from backend.world import Machine


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """What was written where; `doubtful` are ids that several things have, `near` is from where the densest reads."""

    path: str
    labels: tuple[Label, ...]
    pages: int
    doubtful: tuple[str, ...]
    near_cm: int


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("labels", __doc__ or "")
    made.add_argument("site", nargs="*", help="of these sites; not said: of all")
    made.add_argument("--pdf", type=Path, required=True, metavar="FILE", help="where to")
    made.add_argument("--kind", action="append", choices=LABELLED, help="only these; may be given again")
    made.add_argument("--type", action="append", metavar="TYPE", help="only assets of this type; may be given again")
    made.add_argument("--id", action="append", metavar="ID", help="only this one; may be given again")
    made.add_argument("--find", default="", metavar="TEXT", help="only where the name or the id has this in it")
    sheets = "; ".join(f"{one.name}: {one.label[0]:g} x {one.label[1]:g} mm" for one in STOCKS)
    made.add_argument("--sheet", choices=[one.name for one in STOCKS], default=STOCKS[0].name, help=sheets)
    most = max(one.count for one in STOCKS)
    made.add_argument("--start", type=whole(1, most), default=1, help="the first place that is free (%(default)s)")
    made.add_argument("--language", choices=get_args(Language), default="en", help="(%(default)s)")
    made.add_argument("--json", action="store_true")
    args = made.parse_args(argv)
    return finish("labels", lambda: _print(args))


def _print(args: argparse.Namespace) -> int:
    wanted = Wanted(
        sites=tuple(args.site),
        kinds=tuple(args.kind or ()),
        types=tuple(args.type or ()),
        ids=tuple(args.id or ()),
        find=args.find,
    )
    stock = find_stock(args.sheet)

    def work(con: sqlite3.Connection) -> tuple[Label, ...]:
        return find_labels(con, wanted)

    found = read(Settings(database=args.database), work)
    raw = label_sheets(found, stock, words(args.language), Machine().now_ms(), start=args.start)
    write_file(args.pdf, raw)
    printed = Printed(
        path=str(args.pdf),
        labels=found,
        pages=-(-(args.start - 1 + len(found)) // stock.count),
        doubtful=tuple(sorted({one.id for one in found if one.doubtful})),
        near_cm=min(reads_from_cm(one, stock) for one in found),
    )
    show(printed, as_json=args.json, text=f"{args.pdf}: {len(found)} labels on {printed.pages} sheets; print at 100 %")
    if printed.doubtful:
        _warn(f"several things have these ids, a scan cannot tell which: {', '.join(printed.doubtful)}")
    if printed.near_cm < READ_CM:
        _warn(f"the longest ids read only from {printed.near_cm} cm; take larger labels, or shorter ids")
    return 0


def _warn(sentence: str) -> None:
    print(f"handover labels: {sentence}", file=sys.stderr)
