"""`handover redact`: takes the words and blobs out of events, for good, and lists first what that would come to.

Named are events (by hash, or LOG:SEQ) or a job, all of whose events are meant. Each code that somebody scanned and that
holds one of them is emptied, too. What was decided stays: hash, chain, signature and verdict are kept, and everybody
reads what is left in its place. Devices drop their copies at their next sync. Backups that were made before still have
all of it: where one is restored, devices tell the backend again, and until then nobody does.

`handover people forget PERSON` does the same for all that a person wrote, and for the name.
"""

import argparse
import sys
from functools import partial

from backend.commands.console import finish, need, parser, show
from backend.config import Settings
from backend.intake import open_door
from backend.redacting import Done, Left, Plan, Wanted, allow, carry_out, forget_person, joined, parts, plan
from backend.store.sqlite import shrink
from backend.world import Machine


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("redact", __doc__ or "")
    made.add_argument("event", nargs="*", metavar="EVENT", help="a hash, or LOG:SEQ")
    made.add_argument("--job", default="", help="every event of this job")
    add_options(made)
    args = made.parse_args(argv)
    wanted = Wanted(events=tuple(args.event), job=args.job)
    return finish("redact", lambda: run(args, Settings(database=args.database), wanted))


def add_options(made: argparse.ArgumentParser) -> None:
    """Give a parser what every redaction asks: who has it done, and whether it is to be done or only listed."""
    made.add_argument("--by", required=True, metavar="PERSON", help="the manager or admin who has it done")
    made.add_argument("--yes", action="store_true", help="do it; without this it is only listed")
    made.add_argument("--json", action="store_true", help="print facts as JSON")


def run(args: argparse.Namespace, settings: Settings, wanted: Wanted) -> int:
    """List what would be redacted; with `--yes` redact it, so that nothing of it stays in the database's files."""
    need(settings)
    with open_door(settings, Machine()) as (door, con):
        found = door.write_now(con, lambda writing: plan(writing.con, wanted, allow(writing, args.by, wanted)))
        if not args.yes:
            show(found, as_json=args.json, text=_listed(found))
            return 0
        done = [door.write_now(con, partial(carry_out, door, spots=spots, by=args.by)) for spots in parts(found.takes)]
        names = door.write_now(con, partial(forget_person, door, person=wanted.person)) if wanted.person else 0
        said = joined(found, done, names)
        is_clean = shrink(con)
    show(said, as_json=args.json, text=_told(said))
    if not is_clean:
        print(
            "handover redact: somebody reads the database, so what was overwritten may stay in its -wal file until "
            "that is done; say it again to be sure",
            file=sys.stderr,
        )
    return 0


def _listed(found: Plan) -> str:
    lines = [f"{one.event}  {one.kind:<20}{one.actor:<14}{one.blobs} blobs  {one.why}" for one in found.takes]
    lines += _left(found.leaves)
    lines.append(
        f"{len(found.takes)} would be redacted, {len(found.leaves)} would stay as they are, "
        f"{found.already} were redacted before, {found.wordless} say no words"
    )
    return "\n".join([*lines, "nothing is changed; with --yes it is done, and cannot be undone"])


def _told(said: Done) -> str:
    lines = [f"{event}  redacted by {by}" for event, by in said.taken.items()]
    lines += _left(said.leaves)
    lines.append(f"{len(said.taken)} redacted, {len(said.leaves)} stay as they are")
    if said.names:
        lines.append("nobody is told the name any more")
    return "\n".join([*lines, "devices drop their copies at their next sync; backups made before still have it all"])


def _left(leaves: tuple[Left, ...]) -> list[str]:
    return [f"{one.event}  {one.kind:<20}stays: {one.why}" for one in leaves]
