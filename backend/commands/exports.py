"""`handover export`: what goes out, to be read or verified by others.

    proof HANDOVER     events, signatures, keys, documents, receipts: verified with any JOSE library, or `verify proof`
    receipt HANDOVER   the same facts as a PDF for people, whatever came of the handover

    master FILE.xlsx   all master data in one spreadsheet, or its --template; `handover import master` takes it again

HANDOVER is the hash of the offer, of an answer to it, or of a reassignment.
"""

import argparse
import sqlite3
from pathlib import Path
from typing import Final, get_args

import msgspec

from backend.commands import masters
from backend.commands.console import add_database, finish, need, parser, show, write_file
from backend.config import Settings
from backend.exchange.proof import as_zip
from backend.exchange.receipt import as_pdf
from backend.intake import open_door
from backend.proofs import proof_of
from backend.receipts import sheet_for
from backend.words import Language
from backend.world import Machine, World
from sync.problems import TAKEN, Problem

_SHORT: Final = 8


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What was written where."""

    path: str
    files: int
    bytes: int
    outcome: str = ""


def main(argv: list[str], world: World | None = None) -> int:
    """Run the command."""
    made = parser("export", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="WHAT")
    proof = steps.add_parser("proof", help="a folder or ZIP that others can verify")
    proof.add_argument("--out", type=Path, metavar="FOLDER|FILE.zip", help="where to (proof-HANDOVER)")
    receipt = steps.add_parser("receipt", help="a PDF for people")
    receipt.add_argument("--pdf", type=Path, metavar="FILE", help="where to (receipt-HANDOVER.pdf)")
    for step in (proof, receipt):
        step.add_argument("handover", metavar="HANDOVER", help="the hash of an offer, an answer or a reassignment")
        step.add_argument("--language", choices=get_args(Language), default="en", help="(%(default)s)")
        step.add_argument("--json", action="store_true", help="print facts as JSON")
        add_database(step)
    masters.add_export(steps.add_parser("master", help="all master data as a spreadsheet", description=masters.OUT))
    args = made.parse_args(argv)
    if args.step == "master":
        return finish("export", lambda: masters.give_out(args))
    work = {"proof": _proof, "receipt": _receipt}[args.step]
    return finish("export", lambda: work(args, world or Machine()))


def _proof(args: argparse.Namespace, world: World) -> int:
    out = args.out or Path(f"proof-{args.handover[:_SHORT]}")
    settings = Settings(database=args.database)
    need(settings)
    with open_door(settings, world) as (door, con):
        files = proof_of(con, args.handover, door.signer, world.now_ms(), language=args.language)
    if out.suffix == ".zip":
        write_file(out, as_zip(files))
    else:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise Problem(TAKEN, "a proof is never written over", str(out))
        for name, raw in files.items():
            write_file(out / name, raw)
    written = Written(path=str(out), files=len(files), bytes=sum(map(len, files.values())))
    show(written, as_json=args.json, text=f"{out}: {len(files)} files; handover verify proof {out} looks at them")
    return 0


def _receipt(args: argparse.Namespace, world: World) -> int:
    out = args.pdf or Path(f"receipt-{args.handover[:_SHORT]}.pdf")
    settings = Settings(database=args.database)
    need(settings)

    def work(con: sqlite3.Connection) -> bytes:
        return as_pdf(sheet_for(con, args.handover, world.now_ms(), language=args.language))

    with open_door(settings, world) as (_, con):
        raw = work(con)
    write_file(out, raw)
    show(Written(path=str(out), files=1, bytes=len(raw)), as_json=args.json, text=str(out))
    return 0
