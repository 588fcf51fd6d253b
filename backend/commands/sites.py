"""`handover sites`: where work is done."""

import argparse

import msgspec

from backend.commands.console import add_database, finish, parser, read, show, written
from backend.commands.people import BY
from backend.config import Settings
from backend.intake import Door
from backend.master import SITE, SiteRow, all_of, find, put
from backend.writing import Writing
from backend.zones import check_zone
from sync.codec import UNREADABLE_JSON
from sync.problems import BAD_ARGUMENT, Problem


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("sites", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="STEP")
    add = steps.add_parser("add", help="add a site, or change what is given of it")
    add.add_argument("site")
    add.add_argument("--name")
    add.add_argument("--zone", help="IANA time zone, such as Europe/Berlin")
    add.add_argument("--address")
    add.add_argument("--lat", type=float)
    add.add_argument("--lon", type=float)
    listed = steps.add_parser("list", help="what there is")
    listed.add_argument("--json", action="store_true")
    for step in (add, listed):
        add_database(step)
    args = made.parse_args(argv)
    work = {"add": _add, "list": _list}[args.step]
    return finish("sites", lambda: work(args, Settings(database=args.database)))


def _add(args: argparse.Namespace, settings: Settings) -> int:
    def work(door: Door, writing: Writing) -> None:
        before = find(writing.con, SITE, args.site) or SiteRow()
        given = {name: getattr(args, name) for name in ("name", "zone", "address", "lat", "lon")}
        plain = msgspec.to_builtins(before) | {name: value for name, value in given.items() if value is not None}
        try:
            row = msgspec.convert(plain, SiteRow)
        except UNREADABLE_JSON as error:
            raise Problem(BAD_ARGUMENT, str(error)) from error
        check_zone(row.zone)
        put(writing.con, SITE, args.site, row, by=BY, now_ms=writing.now_ms)
        door.cut(writing)

    written(settings, work)
    return 0


def _list(args: argparse.Namespace, settings: Settings) -> int:
    rows = read(settings, lambda con: all_of(con, SITE))
    lines = [f"{id_:<24}{row.name:<32}{row.zone}" for id_, row in rows]
    show(dict(rows), as_json=args.json, text="\n".join(lines))
    return 0
