"""What a device gets when it pulls: everything in its scope that came to count since its cursor, in commit order.

All of a pull is as of one mark, the end of a transaction: a job is in scope or not, an event counts or not,
as things stood there. A pull that would be long ends at an earlier mark, and the next one goes on.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Final

import msgspec

from backend.epoch import CHECK_CHARACTERS, lost_in_cursor
from backend.facts import APPLIED, EVERYBODY, WORDS
from backend.receive import tell
from backend.redactions import shown_row
from backend.store.sqlite import Store, queries
from sync.codec import decode, encode
from sync.ids import b64
from sync.intervals import time_anchor
from sync.problems import BAD_CURSOR, Problem
from sync.protocol import (
    ChangedVerdict,
    Cursor,
    LeftJob,
    PulledDocument,
    PulledEvent,
    PullLine,
    Receipt,
    chain_text,
    cursor_text,
    read_cursor,
    receipt_text,
    write_line,
)
from sync.seal import Signer
from sync.standing import Verdict

_SQL: Final = queries("pull")
_KEYS: Final = queries("keys")
_RESTORE: Final = queries("restore")
MOST_OFFICE_LOGS: Final = 8
"""Of so many of the office's logs, the newest, a pull says how far they reach; an older one goes on no more."""
MOST_LINES: Final = 5_000
"""Events of one pull, unless one transaction alone has more."""
MOST_POSITIONS: Final = 20_000
"""Positions that one pull looks through: a device far behind comes back, and each time it costs the same."""
_AT_ONCE: Final = 500

Address = tuple[int, int, int, bytes]
"""Position, log, seq, and the digest of a fork's event."""


class Found(msgspec.Struct, frozen=True):
    """A pull decided: what to send, and the cursor after it. `known` are the documents it then has.

    `held` is how far the device says that it has got, 0 where that was known already.
    """

    events: tuple[Address, ...]
    lines: tuple[PullLine, ...]
    cursor: str
    known: frozenset[tuple[str, str]]
    held: int = 0


def note_cursor(con: sqlite3.Connection, kid: str, position: int, now_ms: int) -> None:
    """Afterwards it stands that the device with this key holds all of its scope up to this position."""
    con.execute(_SQL["note_cursor"].text, {"kid": kid, "position": position, "at": now_ms})


def look(
    con: sqlite3.Connection, kid: str, cursor: str, signer: Signer, now_ms: int, *, is_revoked: bool = False
) -> Found:
    """What the device with this key gets after `cursor`; an empty one, or one of another epoch, is the beginning.

    One that is revoked gets the rosters, which say so, and what became of its own events, so that it can hand over.
    With everything that there is comes what time it is: where the pull ends earlier the device may not have the
    roster yet that lists the key which signs that.
    Raises BAD_CURSOR, its detail the epoch, for a cursor whose row this ledger does not hold (any more).
    """
    (epoch,) = con.execute(_SQL["epoch"].text).fetchone()
    after = _position(con, epoch, cursor)
    upto, mark = con.execute(_SQL["last_mark"].text).fetchone()
    newest = upto
    if upto - after > MOST_POSITIONS:
        upto, mark = con.execute(_SQL["mark_from"].text, {"position": after + MOST_POSITIONS}).fetchone()
    events, left = _between(con, kid, after, upto) if not is_revoked else ([], [])
    while len(events) > MOST_LINES:
        middle, digest_ = con.execute(_SQL["mark_from"].text, {"position": (after + upto) // 2}).fetchone()
        if middle >= upto:
            break
        upto, mark = middle, digest_
        events, left = _between(con, kid, after, upto)
    rows = con.execute(_SQL["documents_newest"].text, {"upto": upto}).fetchall()
    if is_revoked:
        rows = [row for row in rows if row[0] == "roster"]
    known = {(key, reference) for key, reference, *_ in rows}
    known |= set(con.execute(_SQL["references_newest"].text, {"upto": after}))
    lines: list[PullLine] = [
        # Each of these lists the key that signed the next: whoever slept over several changes follows one by one.
        *(
            PulledDocument(raw, jws)
            for raw, jws in con.execute(_KEYS["key_changes"].text, {"after": after, "upto": upto})
        ),
        *(PulledDocument(raw, jws) for *_, raw, jws, position in rows if position > after),
        *([] if is_revoked or upto < newest else [_time(now_ms, signer)]),
        *([] if is_revoked else _office_receipts(con, epoch, after, upto, signer)),
        *_changed(con, kid, after, upto),
        *left,
    ]
    (noted,) = con.execute(_SQL["cursor_of"].text, {"kid": kid}).fetchone() or (0,)
    held = after if after > noted else 0
    return Found(tuple(events), tuple(lines), cursor_text(epoch, upto, _check(mark)), frozenset(known), held)


def _time(now_ms: int, signer: Signer) -> PulledDocument:
    """What time it is, signed; it is kept nowhere here and has no position."""
    raw = encode(time_anchor(now_ms))
    return PulledDocument(raw, signer.sign(raw, "ho-doc"))


def _position(con: sqlite3.Connection, epoch: str, cursor: str) -> int:
    if not cursor:
        return 0
    if named := lost_in_cursor(con, cursor):
        raise Problem(BAD_CURSOR, named)
    at, position, _ = read_cursor(cursor)
    return position if at == epoch else 0


def _check(mark: bytes) -> str:
    return b64(mark)[:CHECK_CHARACTERS]


def _between(con: sqlite3.Connection, kid: str, after: int, upto: int) -> tuple[list[Address], list[LeftJob]]:
    """Events and departures after one mark up to another: whole jobs where they came into scope."""
    here = {"kid": kid, "after": after, "upto": upto}
    if after == upto:
        return [], []
    (moved,) = con.execute(_SQL["keys_moved"].text, here).fetchone()
    touched = {job for (job,) in con.execute(_SQL["touched"].text, here)}
    if moved:
        now = {job for (job,) in con.execute(_SQL["scope_at"].text, {"kid": kid, "at": upto})}
        before = {job for (job,) in con.execute(_SQL["scope_at"].text, {"kid": kid, "at": after})}
    else:
        now = {job for job in touched if _reached(con, kid, job, upto)}
        before = {job for job in touched if _reached(con, kid, job, after)}
    found = set(con.execute(_SQL["events_between"].text, here | {"job": EVERYBODY}))
    for job in now - before:
        found.update(con.execute(_SQL["events_between"].text, {"job": job, "after": 0, "upto": upto}))
    for job in now & before & touched:
        found.update(con.execute(_SQL["events_between"].text, {"job": job, "after": after, "upto": upto}))
    names = [con.execute(_SQL["job_name"].text, {"ref": job}).fetchone()[0] for job in sorted(before - now)]
    return sorted(found), [LeftJob(name) for name in names]


def _reached(con: sqlite3.Connection, kid: str, job: int, at: int) -> bool:
    (reached,) = con.execute(_SQL["reached"].text, {"kid": kid, "job": job, "at": at}).fetchone()
    return bool(reached)


def reaches_device(con: sqlite3.Connection, kid: str, jobs: Iterable[int]) -> bool:
    """True where one of these jobs is in the scope of the device with this key, as of the last mark."""
    row = con.execute(_SQL["last_mark"].text).fetchone()
    return row is not None and any(_reached(con, kid, job, row[0]) for job in jobs)


def _changed(con: sqlite3.Connection, kid: str, after: int, upto: int) -> list[ChangedVerdict]:
    """The device's own events whose verdict changed, each with the verdict it has now."""
    last: dict[tuple[str, int, bytes], ChangedVerdict] = {}
    for _, log, ref, seq, digest_ in con.execute(_SQL["changed"].text, {"kid": kid, "after": after, "upto": upto}):
        where = {"log": ref, "seq": seq, "digest": digest_}
        name = "fork_verdict" if digest_ else "main_verdict"
        (word,) = con.execute(_SQL[name].text, where).fetchone()
        verdict = Verdict(word=WORDS[word])
        if word != APPLIED:
            code, detail, waits_for = con.execute(_SQL["reason"].text, where).fetchone()
            waits = decode(waits_for, tuple[str, ...])
            verdict = Verdict(word=WORDS[word], code=code, detail=detail, waits_for=waits)
        last[log, seq, digest_] = ChangedVerdict(log, tell(seq, verdict, forked=bool(digest_)))
    return list(last.values())


def _office_receipts(
    con: sqlite3.Connection, epoch: str, after: int, upto: int, signer: Signer
) -> list[PulledDocument]:
    """How far the office's own logs reach, where they went on since: whoever is restored is told by it what is lost."""
    if after == upto:
        return []
    receipts = []
    for ref, log, through, head in con.execute(_RESTORE["staff_logs"].text, {"most": MOST_OFFICE_LOGS}):
        (position,) = con.execute(_RESTORE["position_of"].text, {"log": ref, "seq": through}).fetchone() or (None,)
        if position is None or position > after:
            receipt = Receipt(epoch=epoch, log=log, received_through=through, head=chain_text(head))
            raw = receipt_text(receipt).encode()
            receipts.append(PulledDocument(raw, signer.sign(raw, "ho-receipt")))
    return receipts


async def stream(store: Store, found: Found) -> AsyncIterator[bytes]:
    """The lines of a pull, each with its LF: documents, verdicts, departures, then events, last the cursor.

    Documents that an event names come before it, unless the device's cursor says that it has them.
    """
    yield b"".join(write_line(line) + b"\n" for line in found.lines)
    sent = set(found.known)
    for start in range(0, len(found.events), _AT_ONCE):
        lines, named = await store.reading(partial(_events, part=found.events[start : start + _AT_ONCE], sent=sent))
        sent |= named
        yield b"".join(write_line(line) + b"\n" for line in lines)
    yield write_line(Cursor(found.cursor)) + b"\n"


class _Named(msgspec.Struct, frozen=True):
    roster: str = ""
    boundary: str = ""
    policy: str | None = None


class _Custody(msgspec.Struct, frozen=True):
    body: _Named


_names = msgspec.json.Decoder(_Custody)


def _events(
    con: sqlite3.Connection, part: tuple[Address, ...], sent: set[tuple[str, str]]
) -> tuple[list[PullLine], set[tuple[str, str]]]:
    """These events' lines, before them the documents they name that were not sent; and which those are."""
    events: list[PullLine] = []
    named: set[tuple[str, str]] = set()
    for position, log, seq, digest in part:
        where = {"log": log, "seq": seq, "digest": digest}
        received, raw, jws = con.execute(_SQL["fork_row" if digest else "main_row"].text, where).fetchone()
        events.append(PulledEvent(position, received, raw, jws or ""))
        if jws:
            body = _names.decode(shown_row(con, raw)).body
            named.add(("roster", body.roster))
            named.add((f"policy:{body.boundary}", body.policy or ""))
    named = {name for name in named - sent if name[1]}
    documents: list[PullLine] = []
    for key, reference in sorted(named):
        # An acceptance made under a newer policy than its offer does not repeat the boundary.
        rows = con.execute(_SQL["document_named"].text, {"key": key, "reference": reference})
        documents.extend(PulledDocument(raw, jws) for raw, jws in rows)
    return [*documents, *events], named
