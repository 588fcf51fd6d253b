"""`handover devices`: what records, who may record on it, one-time codes, and what a revoked one leaves behind."""

import argparse
import sys
from pathlib import Path
from typing import get_args

from backend.commands.console import (
    add_database,
    address,
    finish,
    moment,
    parser,
    read,
    show,
    whole,
    write_file,
    written,
)
from backend.commands.people import BY
from backend.config import Settings
from backend.devices import put_device
from backend.enrolment import (
    LONGEST_MS,
    PRINTED_MS,
    code_text,
    make_cards,
    make_code,
    revoke_device,
    void_codes,
)
from backend.intake import Door, noted_address
from backend.keys import enrolled
from backend.master import DEVICE, DeviceRow, all_of, find
from backend.printing.code_cards import Card, code_cards
from backend.promoting import MAY_PROMOTE, promote, put_aside
from backend.revoking import MAY_REVOKE, allow
from backend.words import Language, words
from backend.writing import Writing
from backend.zones import check_zone
from sync.cards import Enrolment
from sync.ids import is_name
from sync.problems import BAD_ARGUMENT, Problem

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("devices", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="STEP")
    add = steps.add_parser("add", help="add a device, or change who may record on it")
    add.add_argument("device")
    add.add_argument("--person", action="append", metavar="PERSON", help="may be given again")
    for bound, said in (("from", "before this its key is not valid"), ("until", "after this its key is not valid")):
        add.add_argument(
            f"--valid-{bound}", metavar="TIME", type=moment, help=f"{said} (RFC 3339); '' for no such time"
        )
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
    cards = steps.add_parser("sheet", help="print one-time codes for many devices as a PDF, four on an A4 sheet")
    cards.add_argument("device", nargs="+")
    cards.add_argument("--pdf", type=Path, required=True, metavar="FILE", help="where to")
    cards.add_argument(
        "--days",
        type=whole(1, LONGEST_MS // DAY_MS),
        default=PRINTED_MS // DAY_MS,
        help="how long the codes live (%(default)s); codes printed before are void",
    )
    cards.add_argument("--url", type=address, help="what the devices are to call (where the server was called last)")
    cards.add_argument("--language", choices=get_args(Language), default="en", help="(%(default)s)")
    cards.add_argument("--zone", default="UTC", help="in which times are shown, such as Europe/Berlin (%(default)s)")
    cards.add_argument("--json", action="store_true")
    void = steps.add_parser("revoke-code", help="end the codes of a device that were not used")
    void.add_argument("device")
    revoked = steps.add_parser("revoke", help="end a device's right to record; what it holds it may still hand over")
    revoked.add_argument("device")
    revoked.add_argument("--reason", choices=("left", "lost", "compromised"), required=True)
    revoked.add_argument("--from", dest="suspect", metavar="LOG:SEQ", help="from there on custody is put before people")
    aside = steps.add_parser("aside", help="what came from revoked devices and is put aside")
    aside.add_argument("device", nargs="?", default="")
    promoted = steps.add_parser("promote", help="let one event count that is put aside; the rest stays")
    promoted.add_argument("event", help="its hash, from devices aside")
    promoted.add_argument("--reason", default="")
    for step in (revoked, promoted):
        step.add_argument("--by", required=True, metavar="PERSON", help="who decides this; a role is asked for")
    for step in (revoked, aside, promoted):
        step.add_argument("--json", action="store_true")
    for step in (add, listed, code, cards, void, revoked, aside, promoted):
        add_database(step)
    args = made.parse_args(argv)
    work = {
        "add": _add,
        "list": _list,
        "enrol-code": _code,
        "sheet": _sheet,
        "revoke-code": _void,
        "revoke": _revoke,
        "aside": _aside,
        "promote": _promote,
    }[args.step]
    return finish("devices", lambda: work(args, Settings(database=args.database)))


def _add(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> None:
        before = find(writing.con, DEVICE, args.device) or DeviceRow()
        people = before.people if args.person is None else tuple(args.person)
        begins = before.valid_from if args.valid_from is None else args.valid_from
        ends = before.valid_until if args.valid_until is None else args.valid_until
        put_device(door, writing, args.device, people, valid_from=begins, valid_until=ends, by=BY)

    written(settings, work)
    return 0


def _list(args: argparse.Namespace, settings: Settings) -> int:
    rows, keys = read(settings, lambda con: (all_of(con, DEVICE), enrolled(con)))
    lines, facts = [], {}
    for id_, row in rows:
        own = [key for key in keys if key.device == id_]
        said = [f"{key.kid} {key.revoked}".strip() for key in own] or ["not enrolled"]
        lines.append(f"{id_:<24}{', '.join(said):<16} {' '.join(row.people)}")
        in_use = [key.kid for key in own if not key.revoked]
        facts[id_] = {
            "people": row.people,
            "kid": in_use[-1] if in_use else "",
            "keys": [{"kid": key.kid, "revoked": key.revoked} for key in own],
        }
        valid = {"valid_from": row.valid_from, "valid_until": row.valid_until}
        facts[id_] |= {name: time for name, time in valid.items() if time}
    show(facts, as_json=args.json, text="\n".join(lines))
    return 0


def _void(args: argparse.Namespace, settings: Settings) -> int:
    count = written(settings, lambda _, writing: void_codes(writing, args.device))
    print(f"{count} codes of {args.device} ended")
    return 0


def _revoke(args: argparse.Namespace, settings: Settings) -> int:
    suspect = _name(args.suspect) if args.suspect else None

    def work(door: Door, writing: Writing) -> str:
        allow(writing, args.by, MAY_REVOKE)
        return revoke_device(door, writing, args.device, args.reason, suspect=suspect, by=args.by).hash

    event = written(settings, work)
    show({"event": event}, as_json=args.json, text=f"{args.device} may record no more; recorded as {event}")
    return 0


def _name(text: str) -> tuple[str, int]:
    log, _, seq = text.partition(":")
    if not (is_name(log) and seq.isascii() and seq.isdigit()):
        raise Problem(BAD_ARGUMENT, "an event's name is LOG:SEQ", text[:60])
    return log, int(seq)


def _aside(args: argparse.Namespace, settings: Settings) -> int:
    found = read(settings, lambda con: put_aside(con, args.device))
    lines = [f"{one.event}  {one.device:<16}{one.kind:<20}{one.actor:<14}{one.wall}" for one in found]
    show(found, as_json=args.json, text="\n".join(lines) or "nothing is put aside")
    return 0


def _promote(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> str:
        allow(writing, args.by, MAY_PROMOTE)
        event = promote(writing, door.office, args.event, by=args.by, reason=args.reason)
        return event.hash if event else ""

    event = written(settings, work)
    said = f"it counts now; recorded as {event}" if event else "it was promoted before"
    show({"event": event}, as_json=args.json, text=said)
    return 0


def _code(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> tuple[Enrolment, bool]:
        noted = args.url or noted_address(writing.con)
        made = make_code(door, writing, args.device, args.minutes * MINUTE_MS, url=noted, by=BY)
        return made, noted is not None

    made, is_known = written(settings, work)
    text = code_text(made)
    facts = {"text": text, "code": made.code, "url": made.url, "fingerprint": made.fingerprint}
    show(facts, as_json=args.json, text=f"{text}\ncode {made.code} at {made.url}, backend key {made.fingerprint}")
    if not is_known:
        _say_where(made.url)
    return 0


def _sheet(args: argparse.Namespace, settings: Settings) -> int:
    check_zone(args.zone)

    def work(door: Door, writing: Writing) -> tuple[tuple[Card, ...], bool, int]:
        noted = args.url or noted_address(writing.con)
        cards = make_cards(door, writing, args.device, args.days * DAY_MS, url=noted, by=BY)
        return cards, noted is not None, writing.now_ms

    cards, is_known, now_ms = written(settings, work)
    write_file(args.pdf, code_cards(cards, words(args.language), args.zone, now_ms))
    facts = {"path": str(args.pdf), "cards": cards}
    show(facts, as_json=args.json, text=f"{args.pdf}: codes for {len(cards)} devices; those made before are void")
    if not is_known:
        _say_where(cards[0].url)
    return 0


def _say_where(url: str) -> None:
    print(
        f"handover devices: no server has run on this database yet; the code names {url}, --url another",
        file=sys.stderr,
    )
