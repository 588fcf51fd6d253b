"""Signals at rest: kept before the broker may forget them, each once; what is no signal is kept beside them."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from device.message import Message
from device.store.sqlite import statements, transaction
from sync.codec import decode, encode
from sync.ids import digest
from sync.problems import UNREADABLE, Problem
from sync.signals import Signal

_sql = statements("signals")

MOST_KEPT_BYTES: Final = 64 * 1024
"""Of a message that is no signal so much is kept; its full size is noted."""
_UNSTORABLE: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeEncodeError,
)
"""What a single row can be refused with; anything else (a lock, a full disk) concerns the whole batch."""


class Decoded(NamedTuple):
    """A message and what became of it: its signals, perhaps none, or the problem it was refused with."""

    message: Message
    signals: tuple[Signal, ...] = ()
    problem: Problem | None = None


class Committed(NamedTuple):
    """What a batch came to: signals heard for the first time, how many were known, how many messages are none."""

    fresh: tuple[Signal, ...]
    repeated: int
    rejected: int


class Rejected(NamedTuple):
    """A message that is no signal, and why; `raw` is its beginning where `size` says it was longer."""

    topic: str
    reason: str
    detail: str
    first_ms: int
    last_ms: int
    times: int
    size: int
    raw: bytes


class Session(NamedTuple):
    """A connection to a broker: of which client, when, and whether the broker still had its session."""

    client: str
    at_ms: int
    present: bool


def commit_signals(con: sqlite3.Connection, batch: Sequence[Decoded]) -> Committed:
    """Afterwards every message of the batch is durable, in one transaction; signals already held change nothing.

    A row that cannot be stored is kept as a reject and holds up no other. Raises DISK_FULL, and
    STORE_BUSY where the database is locked for longer than its patience: then nothing was done.
    """
    try:
        return transaction(con, lambda con: _all(con, batch))
    except _UNSTORABLE:
        return transaction(con, lambda con: _one_by_one(con, batch))


def _all(con: sqlite3.Connection, batch: Sequence[Decoded]) -> Committed:
    before = _last(con)
    con.executemany(_sql["keep"], [row for one in batch for row in _rows(one)])
    refused = [_reject(one.message, one.problem) for one in batch if one.problem]
    con.executemany(_sql["reject"], refused)
    return _committed(con, before, batch, len(refused))


def _one_by_one(con: sqlite3.Connection, batch: Sequence[Decoded]) -> Committed:
    before = _last(con)
    stored = []
    refused = 0
    for one in batch:
        con.execute("SAVEPOINT message")
        try:
            con.executemany(_sql["keep"], _rows(one))
            stored.append(one)
            problem = one.problem
        except _UNSTORABLE as error:
            con.execute("ROLLBACK TO message")
            problem = Problem(UNREADABLE, f"it cannot be stored: {error}"[:300])
        if problem:
            con.execute(_sql["reject"], _reject(one.message, problem))
            refused += 1
        con.execute("RELEASE message")
    return _committed(con, before, stored, refused)


def _committed(con: sqlite3.Connection, before: int, batch: Sequence[Decoded], refused: int) -> Committed:
    given = sum(len(one.signals) for one in batch)
    known = {(signal.source, signal.native_key): signal for one in reversed(batch) for signal in one.signals}
    fresh = tuple(known[source, key] for source, key in con.execute(_sql["keys_after"], {"arrival": before}))
    return Committed(fresh=fresh, repeated=given - len(fresh), rejected=refused)


def _rows(one: Decoded) -> Iterator[dict[str, object]]:
    for signal in one.signals:
        yield {
            "source": signal.source,
            "native_key": signal.native_key,
            "device": signal.device,
            "type": signal.type,
            "t_recv_ms": signal.t_recv_ms,
            "t_eff_ms": signal.t_eff_ms,
            "said": encode(signal),
            "topic": one.message.topic,
            "raw": one.message.payload,
        }


def _reject(message: Message, problem: Problem) -> dict[str, object]:
    # A topic may hold what no text column takes; its bytes decide sameness, its readable form is shown.
    topic = message.topic.encode("utf-8", "backslashreplace")
    return {
        "digest": digest(topic + b"\0" + message.payload),
        "topic": topic.decode(),
        "reason": problem.kind.slug,
        "detail": problem.detail.encode("utf-8", "backslashreplace").decode(),
        "at_ms": message.received_ms,
        "size": len(message.payload),
        "raw": message.payload[:MOST_KEPT_BYTES],
    }


def _last(con: sqlite3.Connection) -> int:
    arrival: int = con.execute(_sql["last_arrival"]).fetchone()[0]
    return arrival


def _after(con: sqlite3.Connection, arrival: int, most: int) -> list[tuple[int, Signal]]:
    found = con.execute(_sql["after"], {"arrival": arrival, "most": most})
    return [(number, decode(said, Signal)) for number, said in found]


def signals_after(con: sqlite3.Connection, arrival: int, most: int = 10_000) -> tuple[int, tuple[Signal, ...]]:
    """Signals that came in after the one with this `arrival` number (0: from the start), and the number of the last.

    At most `most`; where none came, the given number.
    """
    found = _after(con, arrival, most)
    return (found[-1][0] if found else arrival), tuple(signal for _, signal in found)


def signals_between(con: sqlite3.Connection, from_ms: int, to_ms: int) -> tuple[Signal, ...]:
    """Signals that by themselves most likely were within these times, both included, in the order they came."""
    found = con.execute(_sql["between"], {"from_ms": from_ms, "to_ms": to_ms})
    return tuple(decode(said, Signal) for (said,) in found)


def rejected(con: sqlite3.Connection) -> tuple[Rejected, ...]:
    """Every kept message that is no signal, oldest first."""
    return tuple(Rejected(*row) for row in con.execute(_sql["rejected"]))


def forget_signals(con: sqlite3.Connection, before_ms: int, most: int = 10_000) -> int:
    """Drop what was received before then, at most so many signals and as many rejects; given is how many signals.

    Of the connections before then the last of each client stays: it tells whether the broker lost a session. Part of
    a transaction; what is recorded of signals stays, and names them still.
    """
    con.execute(_sql["forget_sessions"], {"before_ms": before_ms})
    con.execute(_sql["forget_rejected"], {"before_ms": before_ms, "most": most})
    return con.execute(_sql["forget"], {"before_ms": before_ms, "most": most}).rowcount


def session_began(con: sqlite3.Connection, session: Session) -> bool:
    """Note a connection; whether the broker lost a session that this client had. Part of a transaction."""
    known = con.execute(_sql["was_here"], {"client": session.client}).fetchone() is not None
    con.execute(_sql["connected"], session._asdict())
    return known and not session.present


def sessions(con: sqlite3.Connection) -> tuple[Session, ...]:
    """Every connection there was, oldest first."""
    return tuple(Session(client, at_ms, bool(present)) for client, at_ms, present in con.execute(_sql["sessions"]))
