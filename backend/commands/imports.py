"""`handover import`: what other systems know. The same file again changes nothing; a bad row holds up no other."""

import argparse
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from backend.commands import masters
from backend.commands.console import add_database, finish, parser, read_file, show, written
from backend.commands.report import listed
from backend.config import Settings
from backend.exchange.orders import CANCEL_COLUMNS, LINE_COLUMNS, NEEDED, ORDER_COLUMNS, read_orders
from backend.exchange.visits_csv import COLUMNS, SITE_COLUMNS
from backend.history import ImportedVisits, Table, import_visits, keep_severity
from backend.intake import Door
from backend.master import TEAM, all_of
from backend.matching import Candidate, candidates, with_ordered_window
from backend.order_imports import Ran, Said, find_mapping, import_orders, zones_of
from backend.rows import JobRow, OrderRow
from backend.store.sqlite import connect, queries
from backend.tables import Quarantined
from backend.writing import Writing
from sync.codec import decode
from sync.problems import BAD_ARGUMENT, UNKNOWN_PARTY, Problem

_SQL: Final = queries("history")
BY: Final = "command line"
MOST_CANDIDATES: Final = 10
"""Jobs shown to a person for an order that waits; the list of orders has them all."""

_VISITS: Final = f"""Visits of years before, a row each, and when each site was switched on.

columns of FILE:  {", ".join(COLUMNS)}
columns of SITES: {", ".join(SITE_COLUMNS)}

Times are RFC 3339 with an offset. The first import is the baseline: its visits count as if each had been told when
it was over. What is imported later counts in reports from then on, so that no number of before changes."""

_ORDERS: Final = f"""Orders in CSV, XLSX or JSON (an array, or an object a line); a row for each line of goods.
Rows with the same source and id are one order.

columns: {", ".join((*ORDER_COLUMNS, *LINE_COLUMNS, *CANCEL_COLUMNS))}
needed:  {", ".join(NEEDED)}

A dispatch order opens a job of the desk's. Orders do not say which type of visit they lead to, so that job is
corrective, the type that repeat visits are counted of; a job of another type is opened by hand. A fulfilment order
hangs on the job that its reference names (source/id of an order, or a job's id); one that names none waits until a
person says where it belongs. `cancelled` (true, with a reason) takes an order back: a job nobody was offered ends with
it, of any other a dispatcher says what becomes of it. An order that a file does not name stays as it is.

A file with headings and words of its own is read as a mapping says (--mapping), which is made on the page of imports
or over the API."""


class Bad(msgspec.Struct, frozen=True, kw_only=True):
    """A quarantined row and the file it stands in."""

    file: str
    line: int
    field: str
    found: str
    remedy: str


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An order without a job, how many jobs it may belong to, and the first of them."""

    order: str
    reference: str
    site: str
    fitting: int
    candidates: tuple[Candidate, ...]


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("import", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="WHAT")
    shape = argparse.RawDescriptionHelpFormatter
    visits = steps.add_parser("visits", help="visits of years before", description=_VISITS, formatter_class=shape)
    visits.add_argument("file", type=Path, metavar="FILE.csv")
    visits.add_argument("--switch-on", type=Path, metavar="SITES.csv", help="when each site was switched on")
    visits.add_argument("--severity", default="", metavar="TYPE,…", help="types of gap, worst first, for every report")
    orders = steps.add_parser(
        "orders", help="dispatch and fulfilment orders", description=_ORDERS, formatter_class=shape
    )
    orders.add_argument("file", type=Path, metavar="FILE")
    orders.add_argument("--mapping", default="", metavar="NAME", help="how the file is to be read, as it was saved")
    orders.add_argument(
        "--desk", default="", metavar="TEAM", help="the team that holds new jobs; else the only one there is"
    )
    master = steps.add_parser("master", help="all master data", description=masters.IN, formatter_class=shape)
    masters.add_import(master)
    for step in (visits, orders, master):
        step.add_argument("--json", action="store_true", help="print facts as JSON")
        add_database(step)
    args = made.parse_args(argv)
    work = {"visits": _visits, "orders": _orders, "master": masters.take_in}[args.step]
    return finish("import", lambda: work(args))


# -- visits -------------------------------------------------------------------
def _visits(args: argparse.Namespace) -> int:
    visits = Table(args.file.name, read_file(args.file))
    sites = Table(args.switch_on.name, read_file(args.switch_on)) if args.switch_on else None

    def work(_: Door, writing: Writing) -> ImportedVisits:
        if args.severity:
            keep_severity(writing.con, listed(args.severity))
        return import_visits(writing.con, visits, sites, writing.now_ms)

    came = written(Settings(database=args.database), work)
    bad = _bad(visits.name, came.quarantined)
    if sites is not None:
        bad += _bad(sites.name, came.quarantined_sites)
    counts_from = ""
    if came.visits:
        counts_from = "from its own end on: the baseline" if came.is_baseline else "in reports from now on"
        counts_from = f"; each counts {counts_from}"
    lines = [f"{_count(came.visits, 'visit')} taken in{counts_from}"]
    if sites is not None:
        lines.append(f"{_count(came.switched_on, 'switch-on')} taken in, {came.moved} moved")
    facts: dict[str, object] = {
        "visits": came.visits,
        "is_baseline": came.is_baseline,
        "switched_on": came.switched_on,
        "moved": came.moved,
    }
    _tell(args, facts, lines, bad)
    return 0


# -- orders -------------------------------------------------------------------
def _orders(args: argparse.Namespace) -> int:
    name, raw = args.file.name, read_file(args.file)
    settings = Settings(database=args.database, desk=_desk(args.database, args.desk))
    said = Said(by=BY, via="command", file=name, mapping=args.mapping)

    def work(door: Door, writing: Writing) -> tuple[Ran, list[Waiting]]:
        mapping = find_mapping(writing.con, args.mapping) if args.mapping else None
        read = read_orders(raw, zones_of(writing.con, None), mapping)
        return import_orders(door, writing, read, said), waiting(writing.con)

    ran, left = written(settings, work)
    came, quarantined = ran.taken.counts(), ran.quarantined
    counts: dict[str, object] = msgspec.to_builtins(came)
    counted = f"{_count(came.attached, 'order')} hung on a job, {came.changed} changed, {came.same} as before"
    lines = [f"{_count(came.opened, 'job')} opened for {settings.desk}, {counted}"]
    if came.cancelled or came.asked:
        lines.append(f"{_count(came.cancelled + came.asked, 'order')} cancelled")
    lines += [
        f"    {one.order}: job {one.job} was offered; a dispatcher says what becomes of it"
        for one in ran.taken.orders
        if one.came == "asked"
    ]
    for one in left:
        lines.append(f"{one.order} waits for a person to say where it belongs ({_why(one)})")
        lines += [f"    job {fit.job}: {', '.join(fit.reasons)}" for fit in one.candidates]
        if one.fitting > len(one.candidates):
            lines.append(f"    and {_count(one.fitting - len(one.candidates), 'more job')}")
    rows = {"rows": ran.rows, "taken": ran.rows - len(quarantined)}
    _tell(args, counts | rows | {"left": left, "desk": settings.desk}, lines, _bad(name, quarantined))
    return 0


def _why(one: Waiting) -> str:
    return f"nothing is called {one.reference}" if one.reference else "it refers to nothing"


def waiting(con: sqlite3.Connection) -> list[Waiting]:
    """Every order that hangs on no job yet, by name, with the open jobs that it most likely belongs to."""
    rows = [decode(body, OrderRow) for (body,) in con.execute(_SQL["orders_waiting"].text)]
    at_site: dict[str, list[JobRow]] = {}
    found = []
    for row in rows:
        site = row.order.site
        if not row.cancelled:
            if site not in at_site:
                jobs = con.execute(_SQL["open_jobs_at"].text, {"site": site}).fetchall()
                at_site[site] = [with_ordered_window(con, decode(body, JobRow)) for (body,) in jobs]
            fitting = candidates(row.order, at_site[site])
            one = Waiting(
                order=row.name,
                reference=row.order.reference,
                site=site,
                fitting=len(fitting),
                candidates=fitting[:MOST_CANDIDATES],
            )
            found.append(one)
    return found


def _desk(database: Path, wished: str) -> str:
    """The team that new jobs are opened for; a team that does not exist is not made by a slip of the pen."""
    teams = _teams(database)
    if wished:
        if wished not in teams:
            raise Problem(UNKNOWN_PARTY, f"team {wished}")
        return wished
    usual = Settings(database=database).desk
    if len(teams) > 1 and usual not in teams:
        raise Problem(BAD_ARGUMENT, f"say which of {', '.join(teams)}", "--desk")
    return teams[0] if len(teams) == 1 else usual


def _teams(database: Path) -> list[str]:
    if not database.exists():
        return []
    with closing(connect(database)) as con:
        (has_masters,) = con.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'master'").fetchone()
        return [team for team, _ in all_of(con, TEAM)] if has_masters else []


# -- told ---------------------------------------------------------------------
def _bad(file: str, rows: Sequence[Quarantined]) -> list[Bad]:
    return [Bad(file=file, line=one.line, field=one.field, found=one.found, remedy=one.remedy) for one in rows]


def _tell(args: argparse.Namespace, facts: dict[str, object], lines: list[str], bad: list[Bad]) -> None:
    said = [*lines, f"{_count(len(bad), 'row')} quarantined"]
    said += [f"    {one.file} line {one.line}, {one.field}: {one.found}. {one.remedy}" for one in bad]
    show({**facts, "quarantined": bad}, as_json=args.json, text="\n".join(said))


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
