"""`handover keys`: the key that signs documents, receipts and what the office does, and its replacement."""

import argparse

from backend.commands.console import add_database, finish, need, parser, read, show
from backend.config import Settings
from backend.intake import open_door
from backend.key import next_key, use_key
from backend.rotation import all_keys, rotate
from backend.store.sqlite import in_transaction
from backend.world import Machine
from sync.clock import rfc3339


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("keys", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="STEP")
    rotated = steps.add_parser("rotate", help="make a new key and sign with it; open enrolment codes end")
    listed = steps.add_parser("list", help="every key this backend ever had")
    for step in (rotated, listed):
        step.add_argument("--json", action="store_true")
        add_database(step)
    args = made.parse_args(argv)
    work = {"rotate": _rotate, "list": _list}[args.step]
    return finish("keys", lambda: work(args, Settings(database=args.database)))


def _rotate(args: argparse.Namespace, settings: Settings) -> int:
    need(settings)
    world = Machine()
    with open_door(settings, world) as (door, con):
        signer = next_key(settings.key_file, world)
        door.write_now(con, lambda writing: rotate(door, writing, signer))
        in_transaction(con, lambda _: use_key(settings.key_file, signer.kid))
    text = f"signing with {signer.kid}; devices follow with their next sync, and codes not used yet are void"
    show({"kid": signer.kid}, as_json=args.json, text=text)
    return 0


def _list(args: argparse.Namespace, settings: Settings) -> int:
    keys = read(settings, all_keys)
    lines = []
    for key in keys:
        since = rfc3339(key.since) if key.since else "the start"
        lines.append(f"{key.kid}  since {since}{', in use' if key.in_use else ''}")
    show(keys, as_json=args.json, text="\n".join(lines))
    return 0
