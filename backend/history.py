"""The visits that measures are made of: those of years before, as imported, and those recorded here.

Each is known from some moment on, and a number as of a day rests on nothing that became known later. The first
import is the baseline: it counts as if each of its visits had been told when it was over, so that statements for
days before it can be made. Every later import counts from when it was made: no number that was given changes.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from backend.exchange.visits_csv import read_switch_on, read_visits
from backend.measures.maturity import Received
from backend.quarantine import keep_quarantined
from backend.reach import EVERY_SITE
from backend.rows import VisitRow, worst_gap
from backend.store.sqlite import queries
from backend.tables import Quarantined
from sync.attendances import Visit
from sync.codec import decode, encode

_SQL: Final = queries("history")
HOUR_MS: Final = 3_600_000
SEVERITY: Final = "severity"
_SITE: Final = "site:"


class Table(msgspec.Struct, frozen=True):
    """A file to import: its name, and its bytes."""

    name: str
    raw: bytes


class ImportedVisits(msgspec.Struct, frozen=True, kw_only=True):
    """What an import came to.

    `visits` are those that were not held; `is_baseline` says that each of them counts from its own end on, and not
    from now. `switched_on` and `moved` are sites whose switch-on is new, or other than before.
    """

    visits: int
    is_baseline: bool
    switched_on: int
    moved: int
    quarantined: tuple[Quarantined, ...]
    quarantined_sites: tuple[Quarantined, ...]


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report as of a day is made from.

    `received` holds every version of every visit known then, `live` the ids of those recorded here. `synced_through`
    is how far each device of a site had synced. `later` counts the versions that became known afterwards.
    """

    as_of_ms: int
    received: tuple[Received, ...]
    live: frozenset[str]
    switch_on: dict[str, int]
    synced_through: dict[str, list[int]]
    severity: tuple[str, ...]
    later: int


# -- taken in -----------------------------------------------------------------
def import_visits(con: sqlite3.Connection, visits: Table, sites: Table | None, now_ms: int) -> ImportedVisits:
    """Afterwards the good rows are held, once, and the bad ones wait to be mended. Raises BAD_TABLE.

    A visit that is held stays as it is; a row that says otherwise is quarantined. A switch-on that moved counts
    from now on.
    """
    held = _past(con)
    fresh, bad = read_visits(visits.raw, {one.visit.id: one.visit for one in held})
    rows = [
        {"visit": visit.id, "body": encode(visit).decode(), "received_at": now_ms if held else _told(visit, now_ms)}
        for visit in fresh
    ]
    con.executemany(_SQL["keep_past_visit"].text, rows)
    keep_quarantined(con, f"visits {visits.name}", bad, now_ms)
    switched_on = moved = 0
    bad_sites: list[Quarantined] = []
    if sites is not None:
        live_from, bad_sites = read_switch_on(sites.raw)
        switched_on, moved = _keep_switch_on(con, live_from, now_ms)
        keep_quarantined(con, f"switch-on {sites.name}", bad_sites, now_ms)
    return ImportedVisits(
        visits=len(fresh),
        is_baseline=bool(fresh) and not held,
        switched_on=switched_on,
        moved=moved,
        quarantined=tuple(bad),
        quarantined_sites=tuple(bad_sites),
    )


def _told(visit: Visit, now_ms: int) -> int:
    """When a visit of the baseline counts as known: once it is over, as far as it is."""
    said = (visit.departed_ms, visit.arrived_ms, visit.plan_declared_ms)
    return min(now_ms, next((at for at in said if at is not None), 0))


def _keep_switch_on(con: sqlite3.Connection, live_from: Mapping[str, int], now_ms: int) -> tuple[int, int]:
    """How many sites were new, and how many moved."""
    versions = con.execute(_SQL["switch_ons"].text).fetchall()
    now = {site: at for site, _, at in versions}
    new = {site: at for site, at in live_from.items() if site not in now}
    moved = {site: at for site, at in live_from.items() if site in now and now[site] != at}
    rows = [(site, now_ms if versions else min(now_ms, at), at) for site, at in new.items()]
    rows += [(site, now_ms, at) for site, at in moved.items()]
    con.executemany(_SQL["keep_switch_on"].bare, rows)
    return len(new), len(moved)


def keep_severity(con: sqlite3.Connection, severity: Sequence[str]) -> None:
    """Afterwards reports order types of gap like this, worst first, where they are not told otherwise."""
    con.execute(_SQL["keep_setting"].text, {"name": SEVERITY, "value": encode(list(severity)).decode()})


def note_caught_up(con: sqlite3.Connection, kid: str, now_ms: int) -> None:
    """All that this device had recorded is here: kept once an hour."""
    con.execute(_SQL["note_caught_up"].bare, (kid, now_ms // HOUR_MS, now_ms))


# -- given out ----------------------------------------------------------------
def material(con: sqlite3.Connection, as_of_ms: int, sites: frozenset[str] | None = None) -> Material:
    """What was known at `as_of_ms`, of these sites or of all."""
    found = con.execute(_SQL["setting"].text, {"name": SEVERITY}).fetchone()
    severity = decode(found[0], tuple[str, ...]) if found else ()
    rows = con.execute(_SQL["visit_versions"].text)
    live = [(decode(body, VisitRow), received_at) for body, received_at in rows]
    past = _past(con)
    in_scope = [one for one in past if sites is None or one.visit.site in sites]
    live_in_scope = [(row, at) for row, at in live if sites is None or row.site in sites]
    known_past = [one for one in in_scope if one.received_at_ms <= as_of_ms]
    known_live = [(row, at) for row, at in live_in_scope if at <= as_of_ms]
    recorded = _measured(known_live, {one.visit.id for one in known_past}, severity)
    received = (*known_past, *recorded)
    return Material(
        as_of_ms=as_of_ms,
        received=received,
        live=frozenset(one.visit.id for one in recorded),
        switch_on=_switch_on(con, as_of_ms, sites),
        synced_through=_synced_through(con, as_of_ms, {one.visit.site for one in received}),
        severity=severity,
        later=len(in_scope) + len(live_in_scope) - len(received),
    )


def _past(con: sqlite3.Connection) -> list[Received]:
    return [Received(decode(body, Visit), received_at) for body, received_at in con.execute(_SQL["past_visits"].text)]


def _measured(rows: Sequence[tuple[VisitRow, int]], taken: set[str], severity: tuple[str, ...]) -> list[Received]:
    """Recorded visits as measures read them. One visit to several jobs is an attendance of each, named with its job."""
    jobs: dict[str, set[str]] = {}
    for row, _ in rows:
        jobs.setdefault(row.id, set()).add(row.job)
    shared = {visit for visit, of in jobs.items() if len(of) > 1} | taken
    return [Received(_visit(row, severity, named=row.id in shared), at, bool(row.unsure)) for row, at in rows]


def _visit(row: VisitRow, severity: tuple[str, ...], *, named: bool) -> Visit:
    plain: dict[str, object] = {
        "id": f"{row.id}/{row.job}" if named else row.id,
        "job": row.job,
        "site": row.site,
        "type": row.type,
        "trade": row.trade or None,
        "asset": row.asset or None,
        "arrived_ms": row.arrived_ms,
        "departed_ms": row.departed_ms,
        "outcome": row.outcome or None,
        "part": row.part,
        "plan_declared_ms": row.plan_declared_ms,
        "converted_ms": row.converted_ms,
        "excluded": row.excluded or None,
        "excluded_by": row.excluded_by or None,
        "gap": worst_gap(row, severity),
        "arm": row.arm,
    }
    return msgspec.convert(plain, Visit)


def _switch_on(con: sqlite3.Connection, as_of_ms: int, sites: frozenset[str] | None) -> dict[str, int]:
    versions = con.execute(_SQL["switch_ons"].text)
    return {site: at for site, known, at in versions if known <= as_of_ms and (sites is None or site in sites)}


def _synced_through(con: sqlite3.Connection, as_of_ms: int, sites: Iterable[str]) -> dict[str, list[int]]:
    """Of each site, how far every device that reached it then had synced; 0 for one that never had."""
    reach: dict[str, set[str]] = {}
    for kid, key in con.execute(_SQL["site_keys"].text, {"as_of": as_of_ms}):
        reach.setdefault(key, set()).add(kid)
    last: dict[str, int] = dict(con.execute(_SQL["caught_up"].text, {"as_of": as_of_ms}).fetchall())
    everywhere = reach.get(EVERY_SITE, set())
    return {
        site: [last.get(kid, 0) for kid in sorted(reach.get(f"{_SITE}{site}", set()) | everywhere)]
        for site in sorted(sites)
    }
