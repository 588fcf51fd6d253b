"""A push as it arrives: unpacked, its signatures checked, its events read. Nothing here touches the database.

Runs beside the writer on a thread of its own: it is the part of a push that needs no order.
"""

import msgspec

from sync.codec import event_of, read_envelope
from sync.events import CUSTODY, SIGNED, Event
from sync.ids import digest, unb64
from sync.ledger import advance
from sync.problems import BAD_HEADER, MISPLACED, Problem
from sync.protocol import Push, PushHeader, inflate, read_push
from sync.seal import Jwk, kid_of, verify

NAMEABLE = CUSTODY | {"device.revoked", "log.forked"}
"""Kinds that other events name by hash."""


class Line(msgspec.Struct, frozen=True):
    """One pushed event. `chain` is the value after it, given the batch's base; `event` is None where `problem` is not.

    `jws` is empty where the event carries none or one that does not hold.
    """

    seq: int
    raw: bytes
    digest: bytes
    chain: bytes
    jws: str
    event: Event | None
    problem: Problem | None = None


class Arrived(msgspec.Struct, frozen=True):
    """A push whose header and count are good; `kid` signed it."""

    header: PushHeader
    head_raw: bytes
    jws: str
    kid: str
    base: bytes
    lines: tuple[Line, ...]


def read_arrived(body: bytes, *, gzip: bool, jwk: Jwk) -> Arrived:
    """A push of the device with this key. Raises only for header, signature, count and size; a bad event is a line."""
    push = read_push(inflate(body) if gzip else body)
    verify(push.jws, push.head_raw, "ho-batch", jwk)
    base, lines = unb64(push.header.base), _lines(push, jwk)
    if lines[-1].chain != unb64(push.header.head):
        raise Problem(BAD_HEADER, "the events do not lead from base to head", "line 1")
    return Arrived(push.header, push.head_raw, push.jws, kid_of(jwk), base, tuple(lines))


def _lines(push: Push, jwk: Jwk) -> list[Line]:
    header = push.header
    chain = unb64(header.base)
    lines: list[Line] = []
    for seq, line in enumerate(push.lines, header.from_):
        digest_ = digest(line.raw)
        chain = advance(chain, digest_)
        try:
            event = read_placed(line.raw, line.jws, header.log, seq, jwk)
            lines.append(Line(seq, line.raw, digest_, chain, line.jws, event))
        except Problem as problem:
            lines.append(Line(seq, line.raw, digest_, chain, "", None, problem))
    return lines


def read_placed(raw: bytes, jws: str, log: str, seq: int, jwk: Jwk) -> Event:
    """The event that stands at this place of a log whose key is `jwk`; its own signature, if any, holds."""
    envelope = read_envelope(raw)
    if envelope.log != log or envelope.seq != seq:
        raise Problem(MISPLACED, f"it says {envelope.log}:{envelope.seq}, it came as {log}:{seq}")
    if (envelope.kind == "log.opened") != (seq == 1):
        raise Problem(MISPLACED, "a log begins with its opening, and nothing else")
    kid = ""
    if jws:
        verify(jws, raw, "ho-event", jwk)
        kid = kid_of(jwk)
    return event_of(envelope, raw, kid)


def is_signed(event: Event) -> bool:
    """True for kinds whose own signature is kept beside them."""
    return event.kind in SIGNED
