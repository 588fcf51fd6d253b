"""What was redacted: that the office signed for what is left of each event, and that no bytes of it stayed anywhere."""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from backend.facts import PARKED
from backend.revoked import held_by
from backend.store.sqlite import queries
from backend.verify.faults import Fault, Looked
from sync.codec import decode, read_event
from sync.events import EventRedacted
from sync.ids import b64, event_name
from sync.ledger import is_hash, line_digest
from sync.problems import Problem
from sync.redaction import fuller

_SQL: Final = queries("verify")
_REDACT: Final = queries("redact")


class _Name(msgspec.Struct, frozen=True):
    log: str = ""
    seq: int = 0


def check_redactions(con: sqlite3.Connection, names: Mapping[int, str], looked: Looked) -> Iterator[Fault]:
    """What is read as left of an event and is not what the office says, and bytes that should be gone.

    Of an event whose bytes are gone the walk of its log asks that something is said.
    """
    said = _said(con)
    kept = {b64(hash_): decode(text, EventRedacted) for hash_, text in con.execute(_REDACT["all"].text)}
    for hash_ in sorted(said.keys() | kept.keys()):
        looked.redactions += 1
        if kept.get(hash_) != said.get(hash_):
            where = _where(kept.get(hash_) or said[hash_])
            yield Fault(where=where, what="redacted", detail="what is read as left of it is not what the office signed")
    yield from _left_behind(con, said, names)


def _said(con: sqlite3.Connection) -> dict[str, EventRedacted]:
    """By hash, what counts of the office's words; each of their events was looked at where its log was walked."""
    found: dict[str, EventRedacted] = {}
    for (raw,) in con.execute(_SQL["redactions"].text):
        try:
            body = read_event(raw).body
        except Problem:
            continue  # it is named where its log is walked
        if isinstance(body, EventRedacted):
            found[body.event] = fuller(found[body.event], body) if body.event in found else body
    return found


def _where(said: EventRedacted) -> str:
    try:
        name = decode(said.restated, _Name)
    except Problem:
        return said.event
    return event_name(name.log, name.seq)


def _left_behind(
    con: sqlite3.Connection, said: Mapping[str, EventRedacted], names: Mapping[int, str]
) -> Iterator[Fault]:
    """Events and witnesses with the bytes of what was redacted still in them."""
    for hash_, body in said.items():
        try:
            name = decode(body.restated, _Name)
        except Problem:
            continue
        for (raw,) in con.execute(_SQL["bytes_at"].text, {"log": name.log, "seq": name.seq}):
            if not is_hash(raw) and b64(line_digest(raw)) == hash_:
                where = event_name(name.log, name.seq)
                yield Fault(where=where, what="redacted", detail="it was redacted, and its bytes are still here")
    for log, seq, _, raw, verdict in con.execute(_REDACT["witnesses"].text):
        if said and verdict != PARKED and said.keys() & set(held_by(raw)):
            where = event_name(names.get(log, str(log)), seq)
            yield Fault(where=where, what="redacted", detail="the code that it holds has words that were taken out")
