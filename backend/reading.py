"""A push as it arrives: unpacked, its signatures checked, its events read. Nothing here touches the database.

Runs beside the writer on a thread of its own: it is the part of a push that needs no order.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from sync.codec import event_of, read_envelope, read_ours
from sync.events import CUSTODY, SIGNED, Envelope, Event
from sync.ids import b64, unb64
from sync.ledger import advance, is_hash, line_digest
from sync.problems import BAD_HEADER, BAD_SIGNATURE, MISPLACED, Problem
from sync.protocol import Push, PushHeader, PushLine, inflate, read_push
from sync.seal import Jwk, kid_of, verify

NAMEABLE = CUSTODY | {"device.revoked", "log.forked"}
"""Kinds that other events name by hash."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One pushed event. `chain` is the value after it, given the batch's base; `event` is None where `problem` is not.

    Of one that was redacted the line is its hash, and both are None: what is left of it the ledger knows. `jws` is
    empty where the event carries none or one that does not hold.
    """

    seq: int
    raw: bytes
    digest: bytes
    chain: bytes
    jws: str
    event: Event | None
    problem: Problem | None = None


class Arrived(msgspec.Struct, frozen=True):
    """A push whose header and count are good; `kid` signed it. Lines still on their way are waited for."""

    header: PushHeader
    head_raw: bytes
    jws: str
    kid: str
    base: bytes
    lines: Sequence[Line]


Held = Callable[[], Sequence[bool]]
"""Says of each line that came with a signature of its own, in order, whether that holds; waits until it knows.

Raises BAD_HEADER where the lines turn out not to lead to the head that was signed.
"""


def read_arrived(body: bytes, *, gzip: bool, jwk: Jwk) -> Arrived:
    """A push of the device with this key. Raises only for header, signature, count and size; a bad event is a line."""
    arrived, held = read_unproven(body, gzip=gzip, jwk=jwk)
    return proven(arrived, held(), jwk)


def read_unproven(body: bytes, *, gzip: bool, jwk: Jwk) -> tuple[Arrived, Held]:
    """The same, the events' own signatures taken for good; whether they are is told beside."""
    push = unpack(body, gzip=gzip, jwk=jwk)
    places = enumerate(zip(push.lines, chained(push), strict=True), push.header.from_)
    lines = [line_at(line, jwk, push.header.log, seq, chain) for seq, (line, chain) in places]
    held = check(push, jwk)
    return arrived_of(push, jwk, lines), lambda: held


def unpack(body: bytes, *, gzip: bool, jwk: Jwk) -> Push:
    """A push whose header is signed; its lines are counted and not yet looked at."""
    push = read_push(inflate(body) if gzip else body)
    verify(push.jws, push.head_raw, "ho-batch", jwk)
    return push


def chained(push: Push) -> Iterator[tuple[bytes, bytes]]:
    """Of each line its digest and the chain value after it; BAD_HEADER after the last if that is not the head."""
    chain = unb64(push.header.base)
    for line in push.lines:
        digest_ = line_digest(line.raw)
        chain = advance(chain, digest_)
        yield digest_, chain
    if chain != unb64(push.header.head):
        raise Problem(BAD_HEADER, "the events do not lead from base to head", "line 1")


def line_at(line: PushLine, jwk: Jwk, log: str, seq: int, chain: tuple[bytes, bytes]) -> Line:
    """The line of a push that stands at this place of its log, read; its own signature is taken for good.

    `chain` is the digest of its bytes, and the chain value after it.
    """
    raw, jws = line.raw, line.jws
    if is_hash(raw):
        return Line(seq, raw, *chain, jws, None)
    try:
        event = _event_at(raw, log, seq, kid_of(jwk) if jws else "", b64(chain[0]))
    except Problem as problem:
        return Line(seq, raw, *chain, jws, None, problem)
    return Line(seq, raw, *chain, jws, event)


def arrived_of(push: Push, jwk: Jwk, lines: Sequence[Line]) -> Arrived:
    """The push with its lines as read."""
    return Arrived(push.header, push.head_raw, push.jws, kid_of(jwk), unb64(push.header.base), lines)


def check(push: Push, jwk: Jwk) -> list[bool]:
    """Of each line with a signature of its own, in order, whether it is this key's as `ho-event`.

    Of a redacted event that can be told no more; the redaction says whose it was.
    """
    return [_holds(line, jwk) for line in push.lines if line.jws]


def _holds(line: PushLine, jwk: Jwk) -> bool:
    if is_hash(line.raw):
        return True
    try:
        verify(line.jws, line.raw, "ho-event", jwk)
    except Problem:
        return False
    return True


def proven(arrived: Arrived, held: Sequence[bool], jwk: Jwk) -> Arrived:
    """The push as read, now that it is known of each signature whether it holds."""
    if all(held):
        return arrived
    holds = iter(held)
    lines = [_unsigned(line, jwk) if line.jws and not next(holds) else line for line in arrived.lines]
    return msgspec.structs.replace(arrived, lines=lines)


def _unsigned(line: Line, jwk: Jwk) -> Line:
    """The line, its signature found bad: refused for that, if for nothing else."""
    problem = line.problem or Problem(BAD_SIGNATURE, f"the bytes are not what {kid_of(jwk)} signed")
    return Line(line.seq, line.raw, line.digest, line.chain, "", None, problem)


def _event_at(raw: bytes, log: str, seq: int, kid: str, hash_: str) -> Event:
    """The event that stands at this place of a log."""
    event = read_ours(raw, kid, hash_)
    if event is None:
        envelope = read_envelope(raw)
        if problem := misplaced(envelope, log, seq):
            raise problem
        return event_of(envelope, raw, kid, hash_)
    if problem := misplaced(event, log, seq):
        raise problem
    return event


def misplaced(said: Event | Envelope, log: str, seq: int) -> Problem | None:
    """What is wrong where an event came at another place than it says; None where nothing is."""
    if said.log != log or said.seq != seq:
        return Problem(MISPLACED, f"it says {said.log}:{said.seq}, it came as {log}:{seq}")
    if (said.kind == "log.opened") != (seq == 1):
        return Problem(MISPLACED, "a log begins with its opening, and nothing else")
    return None


def read_placed(raw: bytes, jws: str, log: str, seq: int, jwk: Jwk) -> Event:
    """The event that stands at this place of a log whose key is `jwk`; its own signature, if any, holds."""
    event = _event_at(raw, log, seq, kid_of(jwk) if jws else "", "")
    if jws:
        verify(jws, raw, "ho-event", jwk)
    return event


def is_signed(event: Event) -> bool:
    """True for kinds whose own signature is kept beside them."""
    return event.kind in SIGNED
