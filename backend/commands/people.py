"""`handover people`: who works here, in which teams, with which roles and skills, and tokens for the JSON API."""

import argparse
import sys

import msgspec

from backend.accounts.links import LIVES_MS, Purpose
from backend.accounts.tokens import MOST_DAYS, TokenAsked, end_tokens, make_token
from backend.app import create_app
from backend.commands import redact
from backend.commands.console import add_database, address, finish, moment, parser, read, show, whole, written
from backend.config import Settings
from backend.endpoints import endpoints
from backend.intake import Door, noted_address
from backend.master import PERSON, TEAM, PersonRow, TeamRow, all_of, find, get
from backend.people import is_program, link_for, save_person, save_team, take_off
from backend.redacting import Wanted
from backend.world import Machine
from backend.writing import Writing
from sync.clock import rfc3339
from sync.codec import UNREADABLE_JSON
from sync.problems import BAD_ARGUMENT, NOT_POSSIBLE_NOW, Problem

BY = "command line"
_FORGET = """\
Taken out are the words and blobs (photos, signatures, transcripts) of every event that this person recorded, each
code that somebody scanned and that holds such an event, and the name in every version of the list of people. What
stays is what the events decide, with the person's id in them: who handed over what, when, where. Not touched is what
others wrote about the person; name those events, or the job, to `handover redact`.
"""


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("people", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="STEP")
    add = steps.add_parser("add", help="add somebody, or change what is given of somebody")
    add.add_argument("person")
    for option in ("name", "email", "phone"):
        add.add_argument(f"--{option}")
    for option in ("role", "skill", "team", "site", "entitlement"):
        add.add_argument(f"--{option}", action="append", metavar=option.upper(), help="may be given again")
    add.add_argument("--trained-until", metavar="TIME", type=moment, help="RFC 3339 with its offset; '' for no end")
    team = steps.add_parser("team", help="add a team, or rename it")
    team.add_argument("team")
    team.add_argument("--name", default="")
    listed = steps.add_parser("list", help="who there is")
    listed.add_argument("--json", action="store_true")
    token = steps.add_parser("token", help="make a token for the JSON API; it is shown once")
    token.add_argument("person")
    token.add_argument("--days", type=whole(1, MOST_DAYS), default=90, help="how long it lives (%(default)s)")
    token.add_argument("--label", default="", help="what it is for")
    token.add_argument(
        "--endpoint",
        action="append",
        default=[],
        metavar="'METHOD ADDRESS'",
        help="what it may call, such as 'POST /api/orders'; may be given again; for a program at least one",
    )
    token.add_argument("--void", action="store_true", help="end every token this person has")
    removed = steps.add_parser("remove", help="take somebody off: no role, no device, no token, no name")
    removed.add_argument("person")
    forgotten = steps.add_parser(
        "forget",
        help="take out all that somebody who was taken off has written, with photos and the name; lists it first",
        description=_FORGET,
    )
    forgotten.add_argument("person")
    redact.add_options(forgotten)
    invite = steps.add_parser("invite", help="make a link with which somebody new sets a password, once, in three days")
    reset = steps.add_parser("reset", help="the same for somebody who has one and forgot it")
    for step in (invite, reset):
        step.add_argument("person")
        step.add_argument("--url", type=address, help="how people call the office (where the server was called last)")
    for step in (add, team, listed, token, removed, forgotten, invite, reset):
        add_database(step)
    args = made.parse_args(argv)
    work = {
        "add": _add,
        "team": _team,
        "list": _list,
        "token": _token,
        "remove": _remove,
        "forget": _forget,
        "invite": _link,
        "reset": _link,
    }[args.step]
    return finish("people", lambda: work(args, Settings(database=args.database)))


def _add(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> None:
        before = find(writing.con, PERSON, args.person) or PersonRow()
        given = {
            "name": args.name,
            "email": args.email,
            "phone": args.phone,
            "roles": args.role,
            "skills": args.skill,
            "teams": args.team,
            "sites": args.site,
            "trained_until": args.trained_until,
            "entitlements": args.entitlement,
        }
        plain = msgspec.to_builtins(before) | {name: value for name, value in given.items() if value is not None}
        try:
            row = msgspec.convert(plain, PersonRow)
        except UNREADABLE_JSON as error:
            raise Problem(BAD_ARGUMENT, str(error)) from error
        save_person(door, writing, args.person, row, by=BY)

    written(settings, work)
    return 0


def _team(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> None:
        before = find(writing.con, TEAM, args.team) or TeamRow()
        save_team(door, writing, args.team, msgspec.structs.replace(before, name=args.name), by=BY)

    written(settings, work)
    return 0


def _list(args: argparse.Namespace, settings: Settings) -> int:
    people = read(settings, lambda con: all_of(con, PERSON))
    teams = read(settings, lambda con: all_of(con, TEAM))
    lines = [f"{id_:<24}{row.name:<28}{' '.join(row.roles):<28}{' '.join(row.teams)}" for id_, row in people]
    lines += [f"{id_:<24}{row.name:<28}team" for id_, row in teams]
    show({"people": dict(people), "teams": dict(teams)}, as_json=args.json, text="\n".join(lines))
    return 0


def _remove(args: argparse.Namespace, settings: Settings) -> int:
    """Afterwards nobody of this name is in roster and names; what was recorded stands, open jobs of his are named."""
    jobs = written(settings, lambda door, writing: take_off(door, writing, args.person, by=BY))
    print(f"{args.person} is listed no more")
    for job in jobs:
        print(f"still accountable for job {job}: reassign it")
    return 0


def _forget(args: argparse.Namespace, settings: Settings) -> int:
    return redact.run(args, settings, Wanted(person=args.person))


def _token(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> str:
        row = get(writing.con, PERSON, args.person)
        if args.void:
            end_tokens(writing.con, args.person, writing.now_ms)
            return ""
        called = _endpoints(args.endpoint, row, settings)
        given = TokenAsked(label=args.label, endpoints=tuple(called), days=args.days)
        return make_token(writing.con, door.world, args.person, given, by=BY)

    token = written(settings, work)
    if token:
        print(token)
    return 0


def _endpoints(given: list[str], row: PersonRow, settings: Settings) -> list[str]:
    known = endpoints(create_app(settings, Machine()), row.roles) if given else ()
    if strange := sorted(set(given) - {one.name for one in known}):
        raise Problem(BAD_ARGUMENT, f"--endpoint {strange[0]!r} is none that {' or '.join(row.roles)} may call")
    if is_program(row) and not given:
        raise Problem(BAD_ARGUMENT, "say with --endpoint what the program may call")
    return given


def _link(args: argparse.Namespace, settings: Settings) -> int:
    """Print the address with which somebody sets a password; whoever has it can, once, within three days."""
    wanted: Purpose = "invitation" if args.step == "invite" else "reset"

    def work(door: Door, writing: Writing) -> tuple[str, str, bool]:
        purpose, secret = link_for(door, writing, args.person, by=BY)
        if purpose != wanted:
            raise Problem(NOT_POSSIBLE_NOW, f"{args.person} has {'a' if purpose == 'reset' else 'no'} password")
        noted = args.url or noted_address(writing.con)
        return secret, (noted or settings.url).rstrip("/"), noted is not None

    secret, url, is_known = written(settings, work)
    print(f"{url}/link/{secret}")
    print(f"it works once, until {rfc3339(Machine().now_ms() + LIVES_MS)}", file=sys.stderr)
    if not is_known:
        print(
            f"handover people: no server has run on this database yet; {url} is a guess, --url another", file=sys.stderr
        )
    return 0
