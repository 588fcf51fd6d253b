"""`handover backup`: copies all that the backend holds into a folder, while it runs, and checks the copy.

The folder holds the database as of one moment, the attachments, the signing key, and what all of it must come out as.
Whoever has the key can sign as this backend: keep the folder as you keep a key. With --no-key the key stays out of it,
and has to be kept apart; with --no-blobs so do the attachments (FILE.blobs, which never change and only grow).

To restore it (FOLDER is the backup, FILE the database, MANAGER a manager of every site):
  1. Stop the server.
  2. handover restore FOLDER --database FILE
     checks the folder, puts aside what was there, puts the backup in its place, and begins a new epoch.
  3. handover serve --database FILE
     Each device notices at its next contact. It sends again what is missing and gives back what it had pulled, so let
     every device sync once, also those that come back weeks later.
  4. handover loss list --database FILE
     tells what nobody holds any more, once all have synced.
  5. handover loss declare --all --by MANAGER --database FILE
     declares what is lost of the office's own, so that nothing waits for it; --help says how to declare the rest.
  6. handover verify --database FILE
     looks at every event, signature and receipt once more.
  Enrolment codes that were open are void; make new ones.
"""

import argparse
from pathlib import Path

from backend.backups import make_backup
from backend.commands.console import finish, parser, show
from backend.config import Settings
from backend.world import Machine, World


def main(argv: list[str], world: World | None = None) -> int:
    """Run the command; a trial passes a world of its own."""
    made = parser("backup", __doc__ or "")
    made.add_argument("folder", type=Path, metavar="FOLDER", help="where the backup is to be; must not be there yet")
    made.add_argument("--no-key", dest="key", action="store_false", help="leave the signing key out")
    made.add_argument("--no-blobs", dest="blobs", action="store_false", help="leave the attachments out")
    made.add_argument("--json", action="store_true")
    args: argparse.Namespace = made.parse_args(argv)

    def work() -> int:
        settings = Settings(database=args.database)
        backup = make_backup(settings, args.folder, world or Machine(), with_key=args.key, with_blobs=args.blobs)
        key = "with the signing key" if backup.has_key else "WITHOUT the signing key: keep that apart"
        blobs = f"{backup.blobs} attachments" if backup.has_blobs else "WITHOUT the attachments"
        if backup.blobs_missing:
            blobs += f" ({backup.blobs_missing} more are not here, or are damaged)"
        text = f"{backup.events} events of {backup.logs} logs, checked, {blobs}, {key}: {args.folder}"
        show(backup, as_json=args.json, text=text)
        return 0

    return finish("backup", work)
