"""The other side's half of a handover, as scanned: filed under its own name, so that either side's sync proves both."""

from typing import Final

import msgspec

from backend.office import Office
from backend.reading import read_placed
from backend.redactions import as_line
from backend.store.sqlite import queries
from backend.writing import Log, Place, Writing
from sync.codec import read_envelope
from sync.events import CUSTODY, CodeWitnessed, Event
from sync.ids import digest, unb64
from sync.ledger import is_hash, line_digest, prev_of
from sync.problems import BAD_SIGNATURE, UNKNOWN_KEY, Problem
from sync.qr import decode_frame
from sync.seal import Jwk, jws_of, verify
from sync.standing import APPLIED, Verdict

_SQL: Final = queries("ledger")


def take_witness(writing: Writing, office: Office, witness: Event) -> Verdict:
    """The verdict on a `code.witnessed`; afterwards the events in its frame are filed and judged, each by itself.

    It is applied where its frame reads and every signature in it holds, parked while nobody here knows the key, else
    refused. What is wrong with an event in it is that event's own matter: where another key opened its log it is
    refused and kept beside, for it must not fork the log of somebody else; where its log is not open yet it waits.
    """
    body = witness.body
    if not isinstance(body, CodeWitnessed):
        raise TypeError(f"{witness.kind} witnesses nothing")
    if not body.frame and writing.holds(witness):
        # It was redacted: what it held was filed when it came, or comes back by itself.
        return APPLIED
    try:
        frame = decode_frame(unb64(body.frame))
        name = read_envelope(frame.events[0].raw).log
        if name == witness.log:
            # A shared handheld: both halves stand in this log, and come with it.
            return APPLIED
        jwk = _key(writing, name, frame.kid)
        if jwk is None:
            what = (f"log {name}", f"key {frame.kid}")
            return Verdict(word="parked", code=UNKNOWN_KEY.slug, detail=frame.kid, waits_for=what)
        halves = [Half(one.raw, jws_of(one.signature, frame.kid, "ho-event"), frame.kid) for one in frame.events]
        for half in halves:
            verify(half.jws, half.raw, "ho-event", jwk)
    except Problem as problem:
        return Verdict(word="refused", code=problem.kind.slug, detail=problem.detail)
    for half in halves:
        _take(writing, office, name, half)
    return APPLIED


class Half(msgspec.Struct, frozen=True):
    """An event that a witness holds, its signature found good under the key `kid`."""

    raw: bytes
    jws: str
    kid: str


def _key(writing: Writing, log_name: str, kid: str) -> Jwk | None:
    """The key of this name, as a log that it opened gives it."""
    log = writing.log(log_name)
    if log is not None and log.kid == kid:
        return log.jwk
    row = writing.con.execute(_SQL["logs_of_kid"].text, {"kid": kid}).fetchone()
    return writing.log_of(row[0]).jwk if row else None


def _take(writing: Writing, office: Office, log_name: str, half: Half) -> None:
    log = writing.log(log_name)
    code = _file(writing, office, log, half) if log is not None else ""
    if log is None or code:
        seq = _seq_of(half.raw)
        digest_ = digest(half.raw)
        raw = half.raw if writing.book.redactions.said(digest_) is None else as_line(digest_)
        row = {"digest": digest_, "log": log_name, "seq": seq, "bytes": raw, "jws": half.jws}
        writing.con.execute(_SQL["keep_half"].text, row | {"kid": half.kid, "code": code})


def _seq_of(raw: bytes) -> int:
    try:
        return read_envelope(raw).seq
    except Problem:
        return 0


def _file(writing: Writing, office: Office, log: Log, half: Half, seq: int = 0) -> str:
    """Afterwards the event is held under its name, if this is empty; else the code of what is wrong with it.

    `seq` is needed of one that was redacted meanwhile.
    """
    if half.kid != log.kid:
        return BAD_SIGNATURE.slug
    try:
        if is_hash(half.raw):
            left = writing.left_of(Place(log.ref, seq), half.raw)
            if isinstance(left, Verdict):
                return left.code
            event = left
        else:
            event = read_placed(half.raw, half.jws, log.log, read_envelope(half.raw).seq, log.jwk)
    except Problem as problem:
        return problem.kind.slug
    file_signed(writing, office, log, half.raw, half.jws, event)
    return ""


def take_halves(writing: Writing, office: Office, log: Log) -> None:
    """Afterwards what witnesses held of a log that was not open is filed, or refused where another key opened it."""
    for digest_, seq, raw, jws, kid in writing.con.execute(_SQL["halves"].text, {"log": log.log}).fetchall():
        code = _file(writing, office, log, Half(raw, jws, kid), seq)
        row = {"digest": digest_, "code": code}
        writing.con.execute(_SQL["half_refused" if code else "half_filed"].text, row)


def file_signed(writing: Writing, office: Office, log: Log, raw: bytes, jws: str, event: Event) -> bool:
    """Afterwards the event is held under its name; False where it was. What its log has sent is unchanged by it."""
    writing.flush()
    digest_ = line_digest(raw)
    here = {"log": log.ref, "seq": event.seq, "digest": digest_}
    main = writing.con.execute(_SQL["main_row"].text, here).fetchone()
    place = Place(log.ref, event.seq)
    if writing.con.execute(_SQL["fork_row"].text, here).fetchone() is not None:
        return False
    if main is not None:
        if line_digest(main[0]) == digest_:
            return False
        place = Place(log.ref, event.seq, digest_)
        office.tell_fork(writing, log, event.seq)
    elif not _follows(writing, log, event):
        office.tell_fork(writing, log, event.seq)
    writing.append(place, raw, None, jws, event=event)
    log.reach(event.seq)
    return True


def _follows(writing: Writing, log: Log, event: Event) -> bool:
    """False where the event says that another chain came before it than any that is held for that place."""
    if event.kind not in CUSTODY or not event.prev or event.seq == 1:
        return True
    where = {"log": log.ref, "seq": event.seq - 1, "first": event.seq - 1, "last": event.seq - 1}
    before = writing.con.execute(_SQL["main_row"].text, where).fetchone()
    held = [before[2]] if before else []
    held += [chain for _, _, chain in writing.con.execute(_SQL["fork_slice"].text, where)]
    known = [prev_of(chain) for chain in held if chain is not None]
    return not known or event.prev in known
