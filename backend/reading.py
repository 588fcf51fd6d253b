"""A push as it arrives: unpacked, its signatures checked, its events read. Nothing here touches the database.

Runs beside the writer on a thread of its own: it is the part of a push that needs no order.
"""

from collections.abc import Callable, Sequence

import msgspec

from sync.codec import event_of, read_envelope
from sync.events import CUSTODY, SIGNED, Envelope, Event
from sync.ids import b64, digest, unb64
from sync.ledger import advance
from sync.problems import BAD_HEADER, BAD_SIGNATURE, MISPLACED, Problem
from sync.protocol import Push, PushHeader, inflate, read_push
from sync.seal import Jwk, kid_of, verify

NAMEABLE = CUSTODY | {"device.revoked", "log.forked"}
"""Kinds that other events name by hash."""


class Line(msgspec.Struct, frozen=True, gc=False):
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


class Signed(msgspec.Struct, frozen=True, array_like=True):
    """An event's bytes and the signature it came with."""

    raw: bytes
    jws: str


Check = Callable[[Jwk, Sequence[Signed]], Callable[[], Sequence[bool]]]
"""Begins to check; what it gives says of each, in order, whether it is this key's signature as `ho-event`.

What it gives is called once, whatever happens.
"""


def check_here(jwk: Jwk, signed: Sequence[Signed]) -> Callable[[], Sequence[bool]]:
    """The check where it is called, when it is asked for."""
    return lambda: [_holds(one, jwk) for one in signed]


def _holds(signed: Signed, jwk: Jwk) -> bool:
    try:
        verify(signed.jws, signed.raw, "ho-event", jwk)
    except Problem:
        return False
    return True


def read_arrived(body: bytes, *, gzip: bool, jwk: Jwk, check: Check = check_here) -> Arrived:
    """A push of the device with this key. Raises only for header, signature, count and size; a bad event is a line."""
    push = read_push(inflate(body) if gzip else body)
    verify(push.jws, push.head_raw, "ho-batch", jwk)
    base = unb64(push.header.base)
    checked = check(jwk, [Signed(line.raw, line.jws) for line in push.lines if line.jws])
    try:
        lines = _lines(push, jwk)
    finally:
        held = iter(checked())
    lines = [_unsigned(line, jwk) if line.jws and not next(held) else line for line in lines]
    if lines[-1].chain != unb64(push.header.head):
        raise Problem(BAD_HEADER, "the events do not lead from base to head", "line 1")
    return Arrived(push.header, push.head_raw, push.jws, kid_of(jwk), base, tuple(lines))


def _unsigned(line: Line, jwk: Jwk) -> Line:
    """The line, its signature found bad: refused for that, if for nothing else."""
    problem = line.problem or Problem(BAD_SIGNATURE, f"the bytes are not what {kid_of(jwk)} signed")
    return Line(line.seq, line.raw, line.digest, line.chain, "", None, problem)


def _lines(push: Push, jwk: Jwk) -> list[Line]:
    """The events as they came, their own signatures taken for good."""
    header, kid = push.header, kid_of(jwk)
    chain = unb64(header.base)
    lines: list[Line] = []
    for seq, line in enumerate(push.lines, header.from_):
        raw, jws = line.raw, line.jws
        digest_ = digest(raw)
        chain = advance(chain, digest_)
        try:
            event = event_of(_envelope_at(raw, header.log, seq), raw, kid if jws else "", b64(digest_))
            lines.append(Line(seq, raw, digest_, chain, jws, event))
        except Problem as problem:
            lines.append(Line(seq, raw, digest_, chain, jws, None, problem))
    return lines


def _envelope_at(raw: bytes, log: str, seq: int) -> Envelope:
    """The envelope of an event that stands at this place of a log."""
    envelope = read_envelope(raw)
    if envelope.log != log or envelope.seq != seq:
        raise Problem(MISPLACED, f"it says {envelope.log}:{envelope.seq}, it came as {log}:{seq}")
    if (envelope.kind == "log.opened") != (seq == 1):
        raise Problem(MISPLACED, "a log begins with its opening, and nothing else")
    return envelope


def read_placed(raw: bytes, jws: str, log: str, seq: int, jwk: Jwk) -> Event:
    """The event that stands at this place of a log whose key is `jwk`; its own signature, if any, holds."""
    envelope = _envelope_at(raw, log, seq)
    kid = ""
    if jws:
        verify(jws, raw, "ho-event", jwk)
        kid = kid_of(jwk)
    return event_of(envelope, raw, kid)


def is_signed(event: Event) -> bool:
    """True for kinds whose own signature is kept beside them."""
    return event.kind in SIGNED
