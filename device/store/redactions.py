"""Events whose words were taken out: the office's word on what is left, and this device's own copies of the bytes.

A copy goes once it is received; its hash stays, and with it the chain. Each function is a piece of a transaction.
"""

import logging
import sqlite3
from contextlib import suppress

import msgspec

from device.store.sqlite import statements
from sync.codec import decode, encode, read_envelope
from sync.events import EventRedacted
from sync.ids import b64, job_id
from sync.ledger import is_hash, line_digest
from sync.problems import Problem
from sync.redaction import check_restated, fuller

_log = logging.getLogger(__name__)
_sql = statements("redactions")


class _About(msgspec.Struct, frozen=True):
    log: str = ""
    seq: int = 0
    kind: str = ""
    job: str = ""


def said_of(con: sqlite3.Connection, hash_: str) -> EventRedacted | None:
    """What the office says is left of this event; None where its words were not taken out."""
    row = con.execute(_sql["said"], {"hash": hash_}).fetchone()
    return decode(row[0], EventRedacted) if row else None


def all_of(con: sqlite3.Connection) -> dict[str, EventRedacted]:
    """The same of all that is known, by hash."""
    return {hash_: decode(said, EventRedacted) for hash_, said in con.execute(_sql["all"])}


def known(con: sqlite3.Connection) -> tuple[int, int]:
    """How many are known, and how much they say: another answer means that there is something new."""
    count, length = con.execute(_sql["known"]).fetchone()
    return count, length


def take_out(con: sqlite3.Connection, said: EventRedacted) -> tuple[str, ...]:
    """Afterwards it is known what is left of an event, and of what is here of it no bytes are that were received.

    Given are the blobs that nothing here names any more; their bytes are still to be dropped. What does not fit the
    bytes that are here takes nothing out.
    """
    before = said_of(con, said.event)
    said = fuller(before, said) if before is not None else said
    about = _about(said.restated)
    own = con.execute(_sql["own"], {"log": about.log, "seq": about.seq}).fetchone()
    is_own = own is not None and b64(line_digest(own[2])) == said.event
    pulled = con.execute(_sql["pulled"], {"hash": said.event}).fetchone()
    held = [own[2]] if is_own else []
    held += [pulled[0]] if pulled is not None else []
    if not all(is_hash(raw) or is_left(raw, said) for raw in held):
        return ()
    row = {"hash": said.event, "said": encode(said).decode(), "log": about.log, "seq": about.seq}
    con.execute(_sql["keep"], row)
    if pulled is not None:
        _take_out_pulled(con, said, about, pulled, is_own=is_own)
    return _take_out_own(con, said.event, own) if is_own and not own[3] else ()


def take_out_received(con: sqlite3.Connection) -> tuple[str, ...]:
    """The same of this device's own events that were received meanwhile."""
    gone: list[str] = []
    for _, text in con.execute(_sql["received"]).fetchall():
        gone += take_out(con, decode(text, EventRedacted))
    return tuple(gone)


def is_left(raw: bytes, said: EventRedacted) -> bool:
    """True where what is said is what is left of these bytes."""
    with suppress(Problem):
        check_restated(raw, said.restated)
        return True
    _log.error("a redaction says otherwise than the bytes", extra={"hash": said.event})
    return False


def as_pulled(con: sqlite3.Connection, hash_: str, raw: bytes) -> tuple[bytes, str]:
    """The line to keep of an event that was pulled, and its restated text, empty where its words stand."""
    said = said_of(con, hash_)
    if said is None:
        return raw, ""
    if not is_hash(raw):
        if not is_left(raw, said):
            con.execute(_sql["forget"], {"hash": hash_})
            return raw, ""
        con.execute(_sql["out"], {"hash": hash_})
    return hash_.encode("ascii"), said.restated


def _about(text: str) -> _About:
    try:
        return decode(text, _About)
    except Problem:
        return _About()


def _take_out_pulled(
    con: sqlite3.Connection, said: EventRedacted, about: _About, row: tuple[bytes, int, int, str], *, is_own: bool
) -> None:
    """The row is put behind what restates it, so that in giving back it comes after that."""
    raw, position, received_ms, jws = row
    con.execute(_sql["drop_pulled"], {"hash": said.event})
    if not is_hash(raw):
        con.execute(_sql["out"], {"hash": said.event})
    if is_own:
        return
    job = job_id(said.event) if about.kind == "job.opened" else about.job
    kept = {"hash": said.event, "position": position, "received_ms": received_ms, "jws": jws, "job": job}
    con.execute(_sql["keep_pulled"], kept | {"raw": said.event.encode("ascii")})
    con.execute(_sql["give_too"])


def _take_out_own(con: sqlite3.Connection, hash_: str, own: tuple[int, int, bytes, int]) -> tuple[str, ...]:
    log, seq, raw, _ = own
    con.execute(_sql["out"], {"hash": hash_})
    if is_hash(raw):
        return ()
    con.execute(_sql["empty_own"], {"log": log, "seq": seq, "line": hash_.encode("ascii")})
    gone = []
    for blob in read_envelope(raw).blobs:
        name = {"sha256": blob.sha256}
        if not con.execute(_sql["is_named"], name).fetchone()[0]:
            con.execute(_sql["drop_blob"], name)
            con.execute(_sql["drop_blob_receipts"], name)
            gone.append(blob.sha256)
    return tuple(gone)


def is_left_in_files(con: sqlite3.Connection) -> bool:
    """True where bytes were overwritten that may stand in the free space of the database's files."""
    return bool(con.execute(_sql["is_left"]).fetchone()[0])


def gone_from_files(con: sqlite3.Connection) -> None:
    """Afterwards it is known that they are not."""
    con.execute(_sql["gone"])
