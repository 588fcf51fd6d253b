"""`handover verify`: looks at every chain, signature, document, mark and verdict of a database, and changes nothing.

It names the first bad event and ends with 1 where something is not as it was. Only a receipt finds an end that was cut
off whole: `--receipts` takes what `handover device verify --json` prints on each device.

`handover verify proof FOLDER` looks at a proof that was exported.
"""

from pathlib import Path

import msgspec

from backend.commands.console import Parser, finish, need, parser, read_file, show
from backend.config import Settings
from backend.proof_check import check_proof
from backend.proofs import read_proof
from backend.verify.database import Report, verify_database
from sync.codec import decode
from sync.protocol import Sealed


class _Held(msgspec.Struct, frozen=True):
    """What a device prints, of which only the receipts are read here."""

    receipts: tuple[Sealed, ...]


def main(argv: list[str]) -> int:
    """Run the command."""
    if argv[:1] == ["proof"]:
        return _proof(argv[1:])
    made = parser("verify", __doc__ or "")
    made.add_argument(
        "--receipts", type=Path, action="append", default=[], metavar="FILE", help="what a device says it was receipted"
    )
    made.add_argument("--json", action="store_true", help="print facts as JSON")
    args = made.parse_args(argv)

    def work() -> int:
        need(Settings(database=args.database))
        receipts = [sealed for path in args.receipts for sealed in receipts_in(path)]
        report = verify_database(args.database, receipts)
        show(report, as_json=args.json, text=_words(report))
        return 0 if report.ok else 1

    return finish("verify", work)


def _proof(argv: list[str]) -> int:
    made = Parser(prog="handover verify proof", description="Is an exported proof whole, signed and true.")
    made.add_argument("folder", type=Path, metavar="FOLDER|FILE.zip")
    made.add_argument(
        "--office", default="", metavar="KEY", help="the name or thumbprint of the office's key, known from elsewhere"
    )
    made.add_argument("--json", action="store_true", help="print facts as JSON")
    args = made.parse_args(argv)

    def work() -> int:
        checked = check_proof(read_proof(args.folder), args.office)
        if checked.ok:
            text = (
                f"whole, signed and true: {checked.outcome}, {checked.accountable} is accountable\n"
                f"{checked.events} events, {checked.signatures} signatures\n"
                f"{checked.office} vouches for it: compare that with the key you know"
            )
        else:
            text = "\n".join(["it does not hold:", *(f"  {finding}" for finding in checked.findings)])
        show(checked, as_json=args.json, text=text)
        return 0 if checked.ok else 1

    return finish("verify", work)


def receipts_in(path: Path) -> tuple[Sealed, ...]:
    """The receipts in a file of what a device printed."""
    return decode(read_file(path), _Held, str(path)).receipts


def _words(report: Report) -> str:
    looked = report.looked
    said = (
        f"{looked.logs} logs, {looked.events} events, {looked.forks} on other branches, "
        f"{looked.signatures} signatures, {looked.batches} batches, {looked.documents} documents, "
        f"{looked.marks} marks, {looked.verdicts} verdicts, {looked.redactions} redactions, {looked.receipts} receipts"
    )
    if report.first is None:
        return f"all is as it was received: {said}"
    others = [f"  {fault}" for fault in report.faults[1:10]]
    more = len(report.faults) - 1 - len(others)
    lines = [f"the first bad one is {report.first}", *others]
    if more > 0:
        lines.append(f"  and {more} more; see --json")
    return "\n".join([*lines, f"looked at: {said}"])
