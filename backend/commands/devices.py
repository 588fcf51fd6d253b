"""`handover devices`: what records, who may record on it, and the one-time codes by which it enrols."""

import argparse
import sys

import msgspec

from backend.commands.console import add_database, address, finish, parser, read, show, whole, written
from backend.commands.people import BY
from backend.config import Settings
from backend.enrolment import LONGEST_MS, PRINTED_MS, code_text, make_code
from backend.intake import Door, noted_address
from backend.master import DEVICE, PERSON, DeviceRow, all_of, find, put
from backend.writing import Writing
from sync.cards import Enrolment
from sync.problems import UNKNOWN_PARTY, Problem
from sync.seal import kid_of

MINUTE_MS = 60_000


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("devices", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="STEP")
    add = steps.add_parser("add", help="add a device, or change who may record on it")
    add.add_argument("device")
    add.add_argument("--person", action="append", metavar="PERSON", help="may be given again")
    listed = steps.add_parser("list", help="what there is, and what is enrolled")
    listed.add_argument("--json", action="store_true")
    code = steps.add_parser("enrol-code", help="make a one-time code for a device; earlier ones end")
    code.add_argument("device")
    code.add_argument(
        "--minutes",
        type=whole(1, LONGEST_MS // MINUTE_MS),
        default=PRINTED_MS // MINUTE_MS,
        help="how long it lives (%(default)s)",
    )
    code.add_argument("--url", type=address, help="what the device is to call (where the server was called last)")
    code.add_argument("--json", action="store_true")
    for step in (add, listed, code):
        add_database(step)
    args = made.parse_args(argv)
    work = {"add": _add, "list": _list, "enrol-code": _code}[args.step]
    return finish("devices", lambda: work(args, Settings(database=args.database)))


def _add(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> None:
        before = find(writing.con, DEVICE, args.device) or DeviceRow()
        people = before.people if args.person is None else tuple(args.person)
        for person in people:
            if find(writing.con, PERSON, person) is None:
                raise Problem(UNKNOWN_PARTY, person)
        row = msgspec.structs.replace(before, people=people)
        put(writing.con, DEVICE, args.device, row, by=BY, now_ms=writing.now_ms)
        door.cut(writing)

    written(settings, work)
    return 0


def _list(args: argparse.Namespace, settings: Settings) -> int:
    rows = read(settings, lambda con: all_of(con, DEVICE))
    keys = {id_: kid_of(row.jwk) if row.jwk else "not enrolled" for id_, row in rows}
    lines = [f"{id_:<24}{keys[id_]:<16}{' '.join(row.people)}" for id_, row in rows]
    facts = {id_: {"people": row.people, "kid": kid_of(row.jwk) if row.jwk else ""} for id_, row in rows}
    show(facts, as_json=args.json, text="\n".join(lines))
    return 0


def _code(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> tuple[Enrolment, bool]:
        noted = args.url or noted_address(writing.con)
        lives_ms = args.minutes * MINUTE_MS
        return make_code(door, writing, args.device, lives_ms, url=noted), noted is not None

    made, is_known = written(settings, work)
    text = code_text(made)
    facts = {"text": text, "code": made.code, "url": made.url, "fingerprint": made.fingerprint}
    show(facts, as_json=args.json, text=f"{text}\ncode {made.code} at {made.url}, backend key {made.fingerprint}")
    if not is_known:
        print(
            f"handover devices: no server has run on this database yet; the code names {made.url}, --url another",
            file=sys.stderr,
        )
    return 0
