"""`handover people`: who works here, in which teams, with which roles and skills, and tokens for the JSON API."""

import argparse

import msgspec

from backend.auth import token_hash
from backend.commands import redact
from backend.commands.console import add_database, finish, moment, parser, read, show, whole, written
from backend.config import Settings
from backend.intake import Door
from backend.master import DEVICE, EVERY, PERSON, SITE, TEAM, PersonRow, TeamRow, all_of, end, find, get, put
from backend.redacting import Wanted
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.codec import UNREADABLE_JSON
from sync.ids import b64
from sync.problems import BAD_ARGUMENT, UNKNOWN_PARTY, UNKNOWN_SITE, Problem

_SQL = queries("office")
DAY_MS = 86_400_000
MOST_DAYS = 3_650
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
    add.add_argument("--name")
    for option in ("role", "skill", "team", "site"):
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
    for step in (add, team, listed, token, removed, forgotten):
        add_database(step)
    args = made.parse_args(argv)
    work = {"add": _add, "team": _team, "list": _list, "token": _token, "remove": _remove, "forget": _forget}[args.step]
    return finish("people", lambda: work(args, Settings(database=args.database)))


def _add(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> None:
        before = find(writing.con, PERSON, args.person) or PersonRow()
        given = {
            "name": args.name,
            "roles": args.role,
            "skills": args.skill,
            "teams": args.team,
            "sites": args.site,
            "trained_until": args.trained_until,
        }
        plain = msgspec.to_builtins(before) | {name: value for name, value in given.items() if value is not None}
        try:
            row = msgspec.convert(plain, PersonRow)
        except UNREADABLE_JSON as error:
            raise Problem(BAD_ARGUMENT, str(error)) from error
        for team in row.teams:
            if find(writing.con, TEAM, team) is None:
                raise Problem(UNKNOWN_PARTY, f"team {team}")
        for site in args.site or ():
            if site != EVERY and find(writing.con, SITE, site) is None:
                raise Problem(UNKNOWN_SITE, site)
        put(writing.con, PERSON, args.person, row, by=BY, now_ms=writing.now_ms)
        door.cut(writing)

    written(settings, work)
    return 0


def _team(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> None:
        put(writing.con, TEAM, args.team, TeamRow(name=args.name), by=BY, now_ms=writing.now_ms)
        door.cut(writing)

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

    def work(door: Door, writing: Writing) -> list[str]:
        get(writing.con, PERSON, args.person)
        end(writing.con, PERSON, args.person, now_ms=writing.now_ms)
        for device, row in all_of(writing.con, DEVICE):
            if args.person in row.people:
                others = tuple(person for person in row.people if person != args.person)
                left = msgspec.structs.replace(row, people=others)
                put(writing.con, DEVICE, device, left, by=BY, now_ms=writing.now_ms)
        writing.con.execute(_SQL["void_tokens"].text, {"person": args.person})
        door.cut(writing)
        return [job for (job,) in writing.con.execute(_SQL["open_jobs_of"].text, {"party": args.person})]

    jobs = written(settings, work)
    print(f"{args.person} is listed no more")
    for job in jobs:
        print(f"still accountable for job {job}: reassign it")
    return 0


def _forget(args: argparse.Namespace, settings: Settings) -> int:
    return redact.run(args, settings, Wanted(person=args.person))


def _token(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> str:
        get(writing.con, PERSON, args.person)
        if args.void:
            writing.con.execute(_SQL["void_tokens"].text, {"person": args.person})
            return ""
        token = b64(door.world.token(32))
        until = writing.now_ms + args.days * DAY_MS
        row = {"hash": token_hash(token), "person": args.person, "made_at": writing.now_ms, "expires_at": until}
        writing.con.execute(_SQL["make_token"].text, row)
        return token

    token = written(settings, work)
    if token:
        print(token)
    return 0
