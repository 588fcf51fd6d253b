"""The rows of the own log: what was recorded, what no receipt covers yet, what the backend said of it.

Each function is a piece of a transaction; it takes the connection it runs on.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from device.store import blobs, times
from device.store.sqlite import statements
from sync.clock import Moment, milliseconds
from sync.codec import decode, encode, write_event
from sync.events import CUSTODY, SIGNED, Draft
from sync.ids import b64, digest
from sync.ledger import advance, chain_start, prev_of
from sync.protocol import PushLine, Receipt, Sealed, SeqVerdict
from sync.seal import Jwk, Signer

_sql = statements("log")


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One log of this device, and the backend it was enrolled with. `state` is asked, enrolled or stopped."""

    number: int
    log: str
    kid: str
    url: str
    code: str
    fingerprint: str
    device: str
    keys: tuple[Jwk, ...]
    state: str


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is durable here: its name, hash, exact bytes, and its own signature where it has one."""

    log: str
    seq: int
    hash: str
    raw: bytes
    jws: str


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What of the own log stands where: in the outbox since when (ms since 1970), received, judged how."""

    recorded: int
    waiting: int
    oldest_ms: int | None
    received_through: int
    judged: dict[str, int]


# -- logs ---------------------------------------------------------------------
def current(con: sqlite3.Connection) -> LogRow | None:
    """The log that is recorded into, or none before enrolment."""
    row = con.execute(_sql["current"]).fetchone()
    if row is None:
        return None
    number, log, kid, url, code, fingerprint, device, keys, state = row
    return LogRow(
        number=number,
        log=log,
        kid=kid,
        url=url,
        code=code,
        fingerprint=fingerprint,
        device=device,
        keys=decode(keys, tuple[Jwk, ...]),
        state=state,
    )


def former(con: sqlite3.Connection) -> list[LogRow]:
    """The logs that were replaced and hold what the backend lacks (again), oldest first, with its keys of today."""
    now = current(con)
    found = []
    for number, log, kid, url, code, fingerprint, device, state in con.execute(_sql["former"]):
        if now is not None and number != now.number:
            row = LogRow(
                number=number,
                log=log,
                kid=kid,
                url=url,
                code=code,
                fingerprint=fingerprint,
                device=device,
                keys=now.keys,
                state=state,
            )
            found.append(row)
    return found


def open_log(con: sqlite3.Connection, *, log: str, kid: str, url: str, code: str, fingerprint: str) -> LogRow:
    """Afterwards this log is the current one, its enrolment asked for."""
    con.execute(_sql["open_log"], {"log": log, "kid": kid, "url": url, "code": code, "fingerprint": fingerprint})
    row = current(con)
    if row is None:
        raise LookupError(log)
    return row


def ask_again(con: sqlite3.Connection, row: LogRow, *, url: str, code: str, fingerprint: str) -> None:
    """Afterwards the enrolment of this log is asked for with another code."""
    con.execute(_sql["ask_again"], {"number": row.number, "url": url, "code": code, "fingerprint": fingerprint})


def enrolled(con: sqlite3.Connection, row: LogRow, *, device: str, keys: tuple[Jwk, ...]) -> None:
    """Afterwards the log is enrolled as `device`, with a backend whose keys are these."""
    con.execute(_sql["enrolled"], {"number": row.number, "device": device, "keys": encode(keys).decode()})


def keep_keys(con: sqlite3.Connection, row: LogRow, keys: tuple[Jwk, ...]) -> None:
    """Afterwards these are the backend's keys."""
    con.execute(_sql["keys"], {"number": row.number, "keys": encode(keys).decode()})


def stop(con: sqlite3.Connection, log: str) -> None:
    """Afterwards nothing more is recorded in this log."""
    con.execute(_sql["stop"], {"log": log})


# -- events -------------------------------------------------------------------
def append(
    con: sqlite3.Connection, row: LogRow, drafts: Sequence[Draft], at: Moment, signer: Signer
) -> tuple[Recorded, ...]:
    """Each draft is the next event of the log, with its outbox row; custody events commit to the chain before them.

    Each names the last signed time that came in the boot of `at`.
    Raises what `write_event` raises; nothing of it may be committed then.
    """
    seq, chain = con.execute(_sql["head"], {"log": row.number}).fetchone() or (0, chain_start(row.log))
    recorded_ms = milliseconds(at.wall)
    at = times.anchored(con, at)
    recorded = []
    for draft in drafts:
        seq += 1
        prev = prev_of(chain) if draft.kind in CUSTODY else ""
        raw = write_event(draft, log=row.log, seq=seq, at=at, prev=prev)
        jws = signer.sign(raw, "ho-event") if draft.kind in SIGNED else ""
        own = digest(raw)
        chain = advance(chain, own)
        place = {"log": row.number, "seq": seq}
        con.execute(_sql["append"], place | {"raw": raw, "chain": chain, "jws": jws, "recorded_ms": recorded_ms})
        con.execute(_sql["put_out"], place)
        blobs.record(con, draft.blobs, recorded_ms)
        recorded.append(Recorded(log=row.log, seq=seq, hash=b64(own), raw=raw, jws=jws))
    return tuple(recorded)


def head(con: sqlite3.Connection, row: LogRow) -> int:
    """The highest seq recorded; 0 in an empty log."""
    found = con.execute(_sql["head"], {"log": row.number}).fetchone()
    return int(found[0]) if found else 0


def chain_at(con: sqlite3.Connection, row: LogRow, seq: int) -> bytes | None:
    """The chain value after `seq`, None where the log does not reach that far."""
    if seq == 0:
        return chain_start(row.log)
    found = con.execute(_sql["chain_at"], {"log": row.number, "seq": seq}).fetchone()
    return bytes(found[0]) if found else None


def events_after(con: sqlite3.Connection, number: int, after: int) -> list[tuple[int, bytes, str, bytes]]:
    """Seq, bytes, signature and chain value of each event of a log above `after`, in order."""
    return list(con.execute(_sql["events_after"], {"log": number, "after": after}))


def lines_between(con: sqlite3.Connection, row: LogRow, first: int, last: int) -> list[PushLine]:
    """The events `first` to `last`, as a push sends them."""
    rows = con.execute(_sql["events_between"], {"log": row.number, "first": first, "last": last})
    return [PushLine(raw, jws) for raw, jws in rows]


def logs(con: sqlite3.Connection) -> list[tuple[int, str, str]]:
    """Number, name and kid of every log this device ever had, in the order they were opened."""
    return [(number, log, kid) for number, log, kid, _ in con.execute(_sql["logs"])]


# -- what the backend said ----------------------------------------------------
def keep_receipt(con: sqlite3.Connection, row: LogRow, receipt: Receipt, sealed: Sealed, now_ms: int) -> None:
    """Afterwards the outbox holds what this receipt does not cover, and nothing else."""
    con.execute(
        _sql["keep_receipt"],
        {
            "log": row.number,
            "epoch": receipt.epoch,
            "received_through": receipt.received_through,
            "text": sealed.text,
            "jws": sealed.jws,
            "kept_ms": now_ms,
        },
    )
    con.execute(_sql["put_out_again"], {"log": row.number, "through": receipt.received_through})
    con.execute(_sql["received"], {"log": row.number, "through": receipt.received_through})


def forget_receipts(con: sqlite3.Connection, epoch: str) -> None:
    """Afterwards everything is in the outbox again: the backend was restored, and its new epoch receipted nothing.

    Whatever it may have receipted when it was in `epoch` before: twice restored, it can be there again.
    """
    con.execute(_sql["forget_receipts"], {"epoch": epoch})
    for number, _, _ in logs(con):
        con.execute(_sql["put_out_again"], {"log": number, "through": 0})


def receipt(con: sqlite3.Connection, row: LogRow, epoch: str) -> tuple[int, Sealed] | None:
    """How far the receipt of this epoch reaches, and its text; None where there is none."""
    found = con.execute(_sql["receipt"], {"log": row.number, "epoch": epoch}).fetchone()
    return (int(found[0]), Sealed(text=found[1], jws=found[2])) if found else None


def keep_verdicts(con: sqlite3.Connection, name: str, verdicts: Sequence[SeqVerdict], now_ms: int) -> None:
    """Afterwards each verdict on the own log `name` is known; a final one is never taken back by one that is not."""
    numbers = {log: number for number, log, _ in logs(con)}
    if name not in numbers:
        return
    con.executemany(
        _sql["keep_verdict"],
        [
            {
                "log": numbers[name],
                "seq": one.seq,
                "verdict": one.verdict,
                "code": one.code,
                "detail": one.detail,
                "remedy": one.remedy,
                "told_ms": now_ms,
            }
            for one in verdicts
        ],
    )


def refused(con: sqlite3.Connection, number: int) -> frozenset[int]:
    """The seqs of a log that the backend refused."""
    return frozenset(seq for (seq,) in con.execute(_sql["refused"], {"log": number}))


def not_applied(con: sqlite3.Connection, row: LogRow) -> tuple[SeqVerdict, ...]:
    """The verdicts on own events that are anything but applied, by seq."""
    return tuple(
        SeqVerdict(seq=seq, verdict=verdict, code=code, detail=detail, remedy=remedy)
        for seq, verdict, code, detail, remedy in con.execute(_sql["verdicts"], {"log": row.number})
    )


def held(con: sqlite3.Connection, row: LogRow, epoch: str) -> Held:
    """How the own log stands; `waiting` and `oldest_ms` count every log this device ever had."""
    waiting, oldest_ms = con.execute(_sql["outbox"]).fetchone()
    kept = receipt(con, row, epoch)
    return Held(
        recorded=head(con, row),
        waiting=waiting,
        oldest_ms=oldest_ms,
        received_through=kept[0] if kept else 0,
        judged=dict(con.execute(_sql["judged"], {"log": row.number}).fetchall()),
    )
