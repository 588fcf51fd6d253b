"""What is to be sent, and what became of it. The ledger is the queue: an outbox is filled from it by position.

An event is put into an outbox once, because its position is its key there, and none is skipped, because positions are
given in the order of commits. What a message says is read from the ledger when it is sent.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from backend.facts import UNMATCHED
from backend.redactions import shown_row
from backend.store.sqlite import queries
from backend.webhooks.endpoints import MessageState, wants
from sync.clock import rfc3339
from sync.codec import decode, encode
from sync.ids import b64, event_name
from sync.ledger import line_digest

_SQL: Final = queries("webhooks")
DAY_MS: Final = 86_400_000
WAITS_MS: Final = 3 * DAY_MS
"""What nobody took for so long is a dead letter."""
KEPT_MS: Final = 30 * DAY_MS
"""How long it is known what was sent when."""
RETRIES_MS: Final = (5_000, 300_000, 1_800_000, 7_200_000, 18_000_000)
"""When a message is sent again that the receiver refused, after each refusal: as Standard Webhooks 1.0 advises."""
MOST_SHOWN: Final = 100
MOST_FILLED: Final = 5_000
_EVERY: Final = "*"
_GLOBAL: Final = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is due. `message` is its id for the receiver: the same however often it is sent."""

    webhook: str
    position: int
    message: str
    kind: str
    log: int
    seq: int
    digest: bytes
    made_at: int
    attempts: int


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A message and what became of it; times are ms since 1970, `status` is 0 where nobody answered."""

    position: int
    message: str
    kind: str
    state: MessageState
    made_at: int
    due_at: int
    attempts: int
    done_at: int | None
    status: int
    error: str


class _Head(msgspec.Struct, frozen=True):
    log: str
    seq: int
    kind: str
    actor: str
    at: "_At"
    body: msgspec.Raw
    job: str = ""
    blobs: msgspec.Raw = msgspec.Raw(b"[]")


class _At(msgspec.Struct, frozen=True):
    wall: str


class _Placed(msgspec.Struct, frozen=True):
    site: str = ""
    occurred_at: str = ""


# -- filling ------------------------------------------------------------------
def has_new(con: sqlite3.Connection) -> bool:
    """True where something came to count that some outbox was not filled with yet."""
    (lowest,) = con.execute(_SQL["lowest_filled"].text).fetchone()
    (last,) = con.execute(_SQL["last_position"].text).fetchone()
    return lowest is not None and lowest < last


def fill(con: sqlite3.Connection, now_ms: int) -> int:
    """Afterwards every outbox holds more of what came to count and its webhook is told of; how many are new.

    One call takes in some thousands of positions, up to a mark: what a transaction touched is noted at its mark.
    """
    (last,) = con.execute(_SQL["last_position"].text).fetchone()
    count = 0
    for id_, kinds, sites, after in con.execute(_SQL["unfilled"].text, {"upto": last}).fetchall():
        (upto,) = con.execute(_SQL["mark_upto"].text, {"after": after, "most": MOST_FILLED}).fetchone()
        wanted, scope = decode(kinds, tuple[str, ...]), frozenset(decode(sites, tuple[str, ...]))
        for position, log, seq, digest, raw in _in_scope(con, scope, after, upto):
            kind = _head(con, raw).kind
            if wants(wanted, kind):
                row = {"webhook": id_, "position": position, "message": f"msg_{id_}_{b64(line_digest(raw))[:22]}"}
                row |= {"kind": kind, "log": log, "seq": seq, "digest": digest, "made_at": now_ms}
                count += con.execute(_SQL["put"].text, row).rowcount
        con.execute(_SQL["filled"].text, {"id": id_, "upto": upto})
    return count


_Row = tuple[int, int, int, bytes, bytes]


def _in_scope(con: sqlite3.Connection, scope: frozenset[str], after: int, upto: int) -> Iterator[_Row]:
    """Events that came to count in between, of jobs at these sites; of no job only where all sites are in scope."""
    given = {"after": after, "upto": upto}
    jobs: set[int] = {job for (job,) in con.execute(_SQL["jobs_touched"].text, given)}
    for job in sorted(jobs | {UNMATCHED, _GLOBAL}):
        rows: Iterable[_Row] = con.execute(_SQL["events_of"].text, given | {"job": job}).fetchall()
        if _EVERY in scope:
            yield from rows
        elif job == UNMATCHED:
            yield from (row for row in rows if _placed(_head(con, row[4])).site in scope)
        elif job != _GLOBAL:
            sites = {key.removeprefix("site:") for (key,) in con.execute(_SQL["sites_of"].text, {"job": job})}
            if sites & scope:
                yield from rows


def _head(con: sqlite3.Connection, raw: bytes) -> _Head:
    return decode(shown_row(con, raw), _Head)


def _placed(head: _Head) -> _Placed:
    return decode(bytes(head.body), _Placed)


# -- sending ------------------------------------------------------------------
def ready(con: sqlite3.Connection, now_ms: int) -> list[str]:
    """The webhooks that something is to be sent to now."""
    return [id_ for (id_,) in con.execute(_SQL["ready"].text, {"now_ms": now_ms})]


def due(con: sqlite3.Connection, id_: str, now_ms: int, most: int) -> list[Message]:
    """What is to be sent to this webhook now, the oldest first."""
    rows = con.execute(_SQL["due"].text, {"id": id_, "now_ms": now_ms, "most": most}).fetchall()
    return [Message(**dict(zip(Message.__struct_fields__, row, strict=True))) for row in rows]


def body_of(con: sqlite3.Connection, message: Message) -> bytes:
    """What the message says: type, time and data, as Standard Webhooks 1.0 advises.

    `data` has the event's hash, name, job, actor, times and body; people and places stand in it by id. Of an event
    whose words were taken out meanwhile it says what is left.
    """
    query = "fork_row" if message.digest else "main_row"
    given = {"log": message.log, "seq": message.seq, "digest": message.digest}
    received_at, raw = con.execute(_SQL[query].text, given).fetchone()
    head = _head(con, raw)
    job = con.execute(_SQL["job_of"].text, given).fetchone()
    data = {
        "event": b64(line_digest(raw)),
        "name": event_name(head.log, head.seq),
        "job": job[0] if job else head.job,
        "actor": head.actor,
        "recorded_at": head.at.wall,
        "occurred_at": _placed(head).occurred_at or head.at.wall,
        "received_at": rfc3339(received_at),
        "body": head.body,
        "blobs": head.blobs,
    }
    return encode({"type": head.kind, "timestamp": rfc3339(received_at), "data": data})


def note_sent(con: sqlite3.Connection, message: Message, status: int, now_ms: int) -> None:
    """Afterwards it was taken, and its webhook rests no longer."""
    row = {"webhook": message.webhook, "position": message.position, "status": status, "now_ms": now_ms}
    con.execute(_SQL["sent"].text, row)
    con.execute(_SQL["answered"].text, {"id": message.webhook})


def note_refused(con: sqlite3.Connection, message: Message, status: int, said: str, now_ms: int) -> None:
    """Afterwards it is sent again later, or is a dead letter after the last try; others go on."""
    dead = message.attempts >= len(RETRIES_MS)
    row = {
        "webhook": message.webhook,
        "position": message.position,
        "state": "dead" if dead else "waiting",
        "due_at": now_ms if dead else now_ms + RETRIES_MS[message.attempts],
        "done_at": now_ms if dead else None,
        "status": status,
        "error": said,
    }
    con.execute(_SQL["failed"].text, row)
    con.execute(_SQL["answered"].text, {"id": message.webhook})


def note_unreached(con: sqlite3.Connection, id_: str, said: str, *, until: int, now_ms: int) -> None:
    """Afterwards nothing is sent there until then; what has waited too long is a dead letter."""
    con.execute(_SQL["rests"].text, {"id": id_, "until": until, "said": said})
    con.execute(_SQL["bury_old"].text, {"id": id_, "before": now_ms - WAITS_MS, "now_ms": now_ms, "error": said})


def note_gone(con: sqlite3.Connection, id_: str, said: str, now_ms: int) -> None:
    """Afterwards nothing more is sent there: the receiver said that it wants nothing more."""
    con.execute(_SQL["gone"].text, {"id": id_, "said": said})
    con.execute(_SQL["bury_all"].text, {"id": id_, "now_ms": now_ms, "error": said})


# -- looking ------------------------------------------------------------------
def messages(con: sqlite3.Connection, id_: str, state: MessageState) -> tuple[Sent, ...]:
    """The newest messages in this state, a hundred at most."""
    rows: Sequence[Sequence[object]] = con.execute(
        _SQL["messages"].text, {"id": id_, "state": state, "most": MOST_SHOWN}
    ).fetchall()
    return tuple(msgspec.convert(dict(zip(Sent.__struct_fields__, row, strict=True)), Sent) for row in rows)


def send_again(con: sqlite3.Connection, id_: str, position: int | None, now_ms: int) -> int:
    """Afterwards this dead letter, or each of them, waits again as if it were new; how many do."""
    if position is None:
        return con.execute(_SQL["again_all"].text, {"id": id_, "now_ms": now_ms}).rowcount
    row = {"webhook": id_, "position": position, "now_ms": now_ms}
    return con.execute(_SQL["again"].text, row).rowcount


def forget_old(con: sqlite3.Connection, now_ms: int) -> int:
    """Afterwards what was sent long ago is known no more; how many rows that were."""
    return con.execute(_SQL["forget_sent"].text, {"before": now_ms - KEPT_MS}).rowcount
