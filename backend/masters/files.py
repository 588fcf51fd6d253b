"""Files with master data as they came: kept between the look at what they would change and the taking of it."""

import sqlite3
from typing import Final

import msgspec

from backend.intake import Door
from backend.masters.book import Sent
from backend.masters.keeping import IN_DOCUMENTS
from backend.masters.sheets import BY_NAME
from backend.masters.taking import Bad, Counts, Plan, held_rows, plan, take
from backend.quarantine import keep_quarantined
from backend.store.sqlite import queries
from backend.tables import Quarantined
from backend.writing import Writing
from sync.codec import decode, encode
from sync.ids import b64
from sync.problems import NOT_FOUND, Problem

_SQL: Final = queries("masters")
KEPT: Final = 10
"""Files that are kept; older ones make room."""


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was sent, by whom and when; `counts` are those of its taking, None before."""

    id: str
    name: str
    by: str
    at: int
    taken_at: int | None
    counts: Counts | None


def keep_file(door: Door, writing: Writing, name: str, raw: bytes, *, by: str) -> str:
    """The id under which the file is kept from now on."""
    id_ = b64(door.world.token(9))
    row = {"id": id_, "name": name[:120], "bytes": raw, "sent_by": by, "sent_at": writing.now_ms}
    writing.con.execute(_SQL["keep_file"].text, row)
    writing.con.execute(_SQL["drop_files"].text, {"most": KEPT})
    return id_


def file_of(con: sqlite3.Connection, id_: str) -> tuple[Sending, bytes]:
    """A file that is kept; NOT_FOUND where it is not, or no longer."""
    row = con.execute(_SQL["file"].text, {"id": id_}).fetchone()
    if row is None:
        raise Problem(NOT_FOUND, "file")
    name, raw, by, at, taken_at, told = row
    return Sending(id=id_, name=name, by=by, at=at, taken_at=taken_at, counts=_counts(told)), raw


def files(con: sqlite3.Connection) -> list[Sending]:
    """The files that are kept, the newest first."""
    return [
        Sending(id=id_, name=name, by=by, at=at, taken_at=taken_at, counts=_counts(told))
        for id_, name, by, at, taken_at, told in con.execute(_SQL["files"].text, {"most": KEPT})
    ]


def _counts(told: str) -> Counts | None:
    return decode(told, Counts) if told else None


def looked_at(con: sqlite3.Connection, sent: Sent) -> Plan:
    """What taking this would come to now."""
    return _whole(sent, plan(sent.lines, held_rows(con)))


def _whole(sent: Sent, planned: Plan) -> Plan:
    """The plan with what could not even be read."""
    order = list(BY_NAME)
    bad = sorted((*sent.bad, *planned.bad), key=lambda one: (order.index(one.sheet), one.line))
    counts = dict(planned.counts)
    for one in sent.bad:
        before = counts.get(one.sheet, Counts())
        counts[one.sheet] = msgspec.structs.replace(before, bad=before.bad + 1)
    in_order = {name: counts[name] for name in BY_NAME if name in counts}
    return Plan(changes=planned.changes, bad=tuple(bad), counts=in_order)


def take_sent(door: Door, writing: Writing, name: str, sent: Sent, *, by: str) -> Plan:
    """Afterwards all that can be taken of it is in force, in one transaction, and what cannot is quarantined."""
    planned = looked_at(writing.con, sent)
    take(writing.con, planned, by=by, now_ms=writing.now_ms)
    if any(BY_NAME[change.sheet].kind.name in IN_DOCUMENTS for change in planned.changes):
        door.cut(writing)
    keep_quarantined(writing.con, f"master {name}", [_row(one) for one in planned.bad], writing.now_ms)
    return planned


def _row(bad: Bad) -> Quarantined:
    return Quarantined(line=bad.line, field=f"{bad.sheet}.{bad.field}", found=bad.found, remedy=bad.remedy)


def take_file(door: Door, writing: Writing, id_: str, sent: Sent, *, by: str) -> Plan:
    """The same of a file that is kept; it says since then what came of it."""
    sending, _ = file_of(writing.con, id_)
    planned = take_sent(door, writing, sending.name, sent, by=by)
    told = encode(planned.total).decode()
    writing.con.execute(_SQL["took_file"].text, {"id": id_, "taken_at": writing.now_ms, "told": told})
    return planned
