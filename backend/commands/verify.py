"""`handover verify`: looks at every chain, signature, document, mark and verdict of a database, and changes nothing.

It names the first bad event and ends with 1 where something is not as it was. Only a receipt finds an end that was cut
off whole: `--receipts` takes what `handover device verify --json` prints on each device.

`handover verify proof FOLDER` looks at a proof that was exported.
"""

from pathlib import Path

import msgspec

from backend.commands.console import finish, need, parser, read_file, show
from backend.config import Settings
from backend.verify.database import Report, verify_database
from sync.codec import decode
from sync.protocol import Sealed


class _Held(msgspec.Struct, frozen=True):
    """What a device prints, of which only the receipts are read here."""

    receipts: tuple[Sealed, ...]


def main(argv: list[str]) -> int:
    """Run the command."""
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


def receipts_in(path: Path) -> tuple[Sealed, ...]:
    """The receipts in a file of what a device printed."""
    return decode(read_file(path), _Held, str(path)).receipts


def _words(report: Report) -> str:
    looked = report.looked
    said = (
        f"{looked.logs} logs, {looked.events} events, {looked.forks} on other branches, "
        f"{looked.signatures} signatures, {looked.batches} batches, {looked.documents} documents, "
        f"{looked.marks} marks, {looked.verdicts} verdicts, {looked.receipts} receipts"
    )
    if report.first is None:
        return f"all is as it was received: {said}"
    others = [f"  {fault}" for fault in report.faults[1:10]]
    more = len(report.faults) - 1 - len(others)
    lines = [f"the first bad one is {report.first}", *others]
    if more > 0:
        lines.append(f"  and {more} more; see --json")
    return "\n".join([*lines, f"looked at: {said}"])
