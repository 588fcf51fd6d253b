"""Devices as the office sees them: whose they are, when they were last heard of, and what they said then of themselves.

What a device still holds and how far its clock was off is as of its last contact, and read by no verdict.
"""

import sqlite3
from typing import Final, Literal

import msgspec

from backend.intake import Door
from backend.keys import EnrolledKey, Revoked, enrolled
from backend.master import DEVICE, PERSON, DeviceRow, find, put
from backend.redactions import shown_row
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.clock import milliseconds
from sync.codec import UNREADABLE_JSON, decode
from sync.details import ENDS_FIRST
from sync.ids import b64, job_id
from sync.ledger import line_digest
from sync.problems import NOT_FOUND, UNKNOWN_PARTY, WRONG_INPUT, Problem

_SQL: Final = queries("devices")
State = Literal["new", "waiting", "enrolled", "revoked"]
STATES: Final[tuple[State, ...]] = ("enrolled", "waiting", "new", "revoked")
"""It may record · a code waits for it · it was never enrolled · it may record no more."""
PAGE: Final = 50
MOST: Final = 10_000
"""Devices that are listed at once, where nobody pages."""
MOST_EVENTS: Final = 100


class OpenCode(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time code that can be used; times in ms since 1970."""

    expires_ms: int
    made_ms: int
    made_by: str
    printed: bool


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a device said of itself when it was last heard of, at `at_ms`.

    Of its events `waiting` were not received then, the oldest of them recorded at `oldest_ms` by its clock, and so many
    attachments; its clock was `ahead_ms` before ours, the way of the message included.
    """

    at_ms: int
    waiting: int
    oldest_ms: int | None
    blobs: int
    ahead_ms: int


class DeviceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A device; `kid` is the key it records with, or the last it had, and `revoked` why that ended."""

    id: str
    people: tuple[str, ...]
    valid_from: str
    valid_until: str
    state: State
    kid: str
    since_ms: int | None
    revoked: Revoked
    heard: Heard | None
    code: OpenCode | None


class DeviceList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of devices by id; `next` goes into `after` for the page after it."""

    devices: tuple[DeviceFacts, ...]
    next: str = ""


class KnownLog(msgspec.Struct, frozen=True, kw_only=True):
    """A log that a key of the device wrote: received through this seq, forked from that one on (0: not)."""

    log: str
    kid: str
    through: int
    highest: int
    forked_at: int


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """A custody event of a device's log, for whoever has to say from which one on it is suspect."""

    log: str
    seq: int
    kind: str
    job: str
    actor: str
    wall_ms: int | None


class DeviceDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One device, every key it ever had, its logs and their last custody events, the newest first."""

    device: DeviceFacts
    keys: tuple[EnrolledKey, ...]
    logs: tuple[KnownLog, ...]
    custody: tuple[Custody, ...]


# -- read -------------------------------------------------------------------------
def list_devices(
    con: sqlite3.Connection, now_ms: int, *, state: str = "", text: str = "", after: str = "", most: int = PAGE
) -> DeviceList:
    """Devices by id, a page at a time; `text` is looked for in their names and their people's."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    given = {"state": state, "find": f"%{escaped}%" if text else "", "after": after, "id": ""}
    rows = con.execute(_SQL["devices"].text, given | {"now": now_ms, "most": most + 1}).fetchall()
    found = tuple(_facts(row) for row in rows[:most])
    return DeviceList(devices=found, next=found[-1].id if len(rows) > most else "")


def find_device(con: sqlite3.Connection, id_: str, now_ms: int) -> DeviceFacts:
    """One device; NOT_FOUND where none is called so."""
    given = {"state": "", "find": "", "after": "", "id": id_, "now": now_ms, "most": 1}
    row = con.execute(_SQL["devices"].text, given).fetchone() if id_ else None
    if row is None:
        raise Problem(NOT_FOUND, f"device {id_[:40]}")
    return _facts(row)


def look_at_device(con: sqlite3.Connection, id_: str, now_ms: int) -> DeviceDetail:
    """One device with all that hangs on it; NOT_FOUND where none is called so."""
    device = find_device(con, id_, now_ms)
    logs = tuple(
        KnownLog(log=log, kid=kid, through=through, highest=highest, forked_at=forked)
        for log, kid, through, highest, forked in con.execute(_SQL["device_logs"].text, {"device": id_})
    )
    custody = tuple(one for log in logs for one in _custody(con, log.log))
    keys = tuple(reversed(enrolled(con, id_)))
    return DeviceDetail(device=device, keys=keys, logs=logs, custody=custody[:MOST_EVENTS])


def _facts(row: tuple[object, ...]) -> DeviceFacts:
    id_, body, kid, since, revoked, at, recorded, oldest, blobs, wall, through, *rest = row
    expires, made, by, printed, state = rest
    said = decode(str(body), DeviceRow)
    heard = None
    if isinstance(at, int) and isinstance(recorded, int) and isinstance(blobs, int):
        received = through if isinstance(through, int) else 0
        waiting = max(0, recorded - received)
        ahead = (ms_of(wall) or at) - at
        heard = Heard(at_ms=at, waiting=waiting, oldest_ms=ms_of(oldest), blobs=blobs, ahead_ms=ahead)
    code = None
    if isinstance(expires, int) and isinstance(made, int):
        code = OpenCode(expires_ms=expires, made_ms=made, made_by=str(by), printed=bool(printed))
    return DeviceFacts(
        id=str(id_),
        people=said.people,
        valid_from=said.valid_from,
        valid_until=said.valid_until,
        state=msgspec.convert(state, State),
        kid=str(kid or ""),
        since_ms=since if isinstance(since, int) else None,
        revoked=msgspec.convert(revoked or "", Revoked),
        heard=heard,
        code=code,
    )


def ms_of(wall: object) -> int | None:
    """A time that a device wrote, in ms since 1970; None where it wrote none."""
    try:
        return milliseconds(str(wall))
    except Problem:
        return None


class _At(msgspec.Struct, frozen=True):
    wall: str = ""


class _Said(msgspec.Struct, frozen=True):
    kind: str = ""
    job: str = ""
    actor: str = ""
    at: _At = _At()


def _custody(con: sqlite3.Connection, log: str) -> list[Custody]:
    found = []
    for seq, raw in con.execute(_SQL["custody_of"].text, {"log": log, "most": MOST_EVENTS}):
        try:
            said = msgspec.json.decode(shown_row(con, raw), type=_Said)
        except UNREADABLE_JSON:
            said = _Said()
        job = said.job or (job_id(b64(line_digest(raw))) if said.kind == "job.opened" else "")
        wall_ms = ms_of(said.at.wall)
        found.append(Custody(log=log, seq=seq, kind=said.kind, job=job, actor=said.actor, wall_ms=wall_ms))
    return found


# -- written ----------------------------------------------------------------------
def put_device(
    door: Door,
    writing: Writing,
    device: str,
    people: tuple[str, ...],
    *,
    valid_from: str = "",
    valid_until: str = "",
    by: str,
) -> None:
    """Afterwards these people may record on the device, between these times (RFC 3339; "" is open), and all are told.

    Raises BAD_NAME or TAKEN for a new one that cannot be called so, UNKNOWN_PARTY, WRONG_INPUT.
    """
    for person in people:
        if find(writing.con, PERSON, person) is None:
            raise Problem(UNKNOWN_PARTY, person)
    begins, ends = (milliseconds(time) if time else None for time in (valid_from, valid_until))
    if begins is not None and ends is not None and ends <= begins:
        raise Problem(WRONG_INPUT, ENDS_FIRST.of(), "valid_until")
    row = DeviceRow(people=tuple(dict.fromkeys(people)), valid_from=valid_from, valid_until=valid_until)
    put(writing.con, DEVICE, device, row, by=by, now_ms=writing.now_ms)
    door.cut(writing)
