"""`handover restore`: puts a backup in place of the database, in a new epoch. The server must not be running.

What was there is kept aside. Afterwards start the server and let every device sync: each sends again what is missing
and gives back what it had pulled. See `handover backup --help`.
"""

import argparse
from pathlib import Path

from backend.backups import restore
from backend.commands.console import finish, parser, show
from backend.config import Settings
from backend.world import Machine, World


def main(argv: list[str], world: World | None = None) -> int:
    """Run the command; a trial passes a world of its own."""
    made = parser("restore", __doc__ or "")
    made.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that `handover backup` made")
    made.add_argument("--json", action="store_true")
    args: argparse.Namespace = made.parse_args(argv)

    def work() -> int:
        done = restore(args.folder, Settings(database=args.database), world or Machine())
        backup = done.backup
        lines = [
            f"restored {backup.events} events of {backup.logs} logs as of {backup.made_at}; epoch {done.epoch} begins.",
            f"{done.blobs} attachments are here.",
            "Start the server, let every device sync once, then see `handover loss list`.",
        ]
        if done.blobs_missing:
            lines[1] += f" {done.blobs_missing} are not; a device that still has one sends it again."
        facts = {name: getattr(done, name) for name in ("epoch", "blobs", "blobs_missing")}
        show({"restored": backup, **facts}, as_json=args.json, text="\n".join(lines))
        return 0

    return finish("restore", work)
