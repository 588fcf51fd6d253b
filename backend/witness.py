"""The other side's half of a handover, as scanned: filed under its own name, so that either side's sync proves both."""

from typing import Final

from backend.office import Office
from backend.reading import read_placed
from backend.store.sqlite import queries
from backend.writing import Log, Place, Writing
from sync.codec import read_envelope
from sync.events import CUSTODY, CodeWitnessed, Event
from sync.ids import digest, unb64
from sync.ledger import prev_of
from sync.problems import BAD_SIGNATURE, UNKNOWN_LOG, Problem
from sync.qr import Frame, SignedEvent, decode_frame
from sync.seal import jws_of
from sync.standing import APPLIED, Verdict

_SQL: Final = queries("ledger")


def take_witness(writing: Writing, office: Office, witness: Event) -> Verdict:
    """The verdict on a `code.witnessed`; afterwards the events in its frame are filed and judged, each by itself.

    It is applied where its frame reads and every signature in it holds under the key that opened the log;
    parked while that log's genesis is unknown; else refused, and nothing of it is filed.
    """
    body = witness.body
    if not isinstance(body, CodeWitnessed):
        raise TypeError(f"{witness.kind} witnesses nothing")
    try:
        frame = decode_frame(unb64(body.frame))
        name = read_envelope(frame.events[0].raw).log
        log = writing.log(name)
        if name == witness.log:
            # A shared handheld: both halves stand in this log, and come with it.
            return APPLIED
        if log is None:
            what = f"log {name}"
            return Verdict(word="parked", code=UNKNOWN_LOG.slug, detail=name, waits_for=(what,))
        inner = [(signed, _read(signed, frame, log)) for signed in frame.events]
    except Problem as problem:
        return Verdict(word="refused", code=problem.kind.slug, detail=problem.detail)
    for signed, event in inner:
        jws = jws_of(signed.signature, log.kid, "ho-event")
        file_signed(writing, office, log, signed.raw, jws, event)
    return APPLIED


def _read(signed: SignedEvent, frame: Frame, log: Log) -> Event:
    if frame.kid != log.kid:
        raise Problem(BAD_SIGNATURE, f"{frame.kid} did not open the log {log.log}")
    seq = read_envelope(signed.raw).seq
    return read_placed(signed.raw, jws_of(signed.signature, frame.kid, "ho-event"), log.log, seq, log.jwk)


def file_signed(writing: Writing, office: Office, log: Log, raw: bytes, jws: str, event: Event) -> bool:
    """Afterwards the event is held under its name; False where it was. What its log has sent is unchanged by it."""
    writing.flush()
    digest_ = digest(raw)
    here = {"log": log.ref, "seq": event.seq, "digest": digest_}
    main = writing.con.execute(_SQL["main_row"].text, here).fetchone()
    place = Place(log.ref, event.seq)
    if main is not None:
        if main[0] == raw:
            return False
        place = Place(log.ref, event.seq, digest_)
        office.tell_fork(writing, log, event.seq)
        if writing.con.execute(_SQL["fork_row"].text, here).fetchone() is not None:
            return False
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
