"""A push as it arrives: unpacked, its signatures checked, its events read. Nothing here touches the database.

Runs beside the writer on a thread of its own: it is the part of a push that needs no order.
"""

from collections.abc import Callable, Sequence

import msgspec

from sync.codec import event_of, read_envelope, read_ours
from sync.events import CUSTODY, SIGNED, Event
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


Held = Callable[[], Sequence[bool]]
"""Waits until signatures were checked; says of each, in order, whether it is the key's signature as `ho-event`."""
Check = Callable[[Jwk, Sequence[Signed]], Held]
"""Begins to check signatures of one key."""


def check_here(jwk: Jwk, signed: Sequence[Signed]) -> Held:
    """The check where it is called, at once."""
    held = [_holds(one, jwk) for one in signed]
    return lambda: held


def _holds(signed: Signed, jwk: Jwk) -> bool:
    try:
        verify(signed.jws, signed.raw, "ho-event", jwk)
    except Problem:
        return False
    return True


def read_arrived(body: bytes, *, gzip: bool, jwk: Jwk, check: Check = check_here) -> Arrived:
    """A push of the device with this key. Raises only for header, signature, count and size; a bad event is a line."""
    arrived, held = read_unproven(body, gzip=gzip, jwk=jwk, check=check)
    return proven(arrived, held(), jwk)


def read_unproven(body: bytes, *, gzip: bool, jwk: Jwk, check: Check) -> tuple[Arrived, Held]:
    """The same while the events' own signatures are being checked: they are taken for good so far."""
    push = read_push(inflate(body) if gzip else body)
    verify(push.jws, push.head_raw, "ho-batch", jwk)
    held = check(jwk, [Signed(line.raw, line.jws) for line in push.lines if line.jws])
    lines = _lines(push, jwk)
    if lines[-1].chain != unb64(push.header.head):
        raise Problem(BAD_HEADER, "the events do not lead from base to head", "line 1")
    return Arrived(push.header, push.head_raw, push.jws, kid_of(jwk), unb64(push.header.base), tuple(lines)), held


def proven(arrived: Arrived, held: Sequence[bool], jwk: Jwk) -> Arrived:
    """The push as read, now that it is known of each signature whether it holds."""
    if all(held):
        return arrived
    holds = iter(held)
    lines = [_unsigned(line, jwk) if line.jws and not next(holds) else line for line in arrived.lines]
    return msgspec.structs.replace(arrived, lines=tuple(lines))


def _unsigned(line: Line, jwk: Jwk) -> Line:
    """The line, its signature found bad: refused for that, if for nothing else."""
    problem = line.problem or Problem(BAD_SIGNATURE, f"the bytes are not what {kid_of(jwk)} signed")
    return Line(line.seq, line.raw, line.digest, line.chain, "", None, problem)


def _lines(push: Push, jwk: Jwk) -> list[Line]:
    """The events as they came, their own signatures taken for good."""
    log, kid = push.header.log, kid_of(jwk)
    chain = unb64(push.header.base)
    lines: list[Line] = []
    for seq, line in enumerate(push.lines, push.header.from_):
        raw, jws = line.raw, line.jws
        digest_ = digest(raw)
        chain = advance(chain, digest_)
        try:
            event = _event_at(raw, log, seq, kid if jws else "", b64(digest_))
            lines.append(Line(seq, raw, digest_, chain, jws, event))
        except Problem as problem:
            lines.append(Line(seq, raw, digest_, chain, jws, None, problem))
    return lines


def _event_at(raw: bytes, log: str, seq: int, kid: str, hash_: str) -> Event:
    """The event that stands at this place of a log."""
    event = read_ours(raw, kid, hash_)
    if event is not None:
        _check_place(event.log, event.seq, event.kind, log, seq)
        return event
    envelope = read_envelope(raw)
    _check_place(envelope.log, envelope.seq, envelope.kind, log, seq)
    return event_of(envelope, raw, kid, hash_)


def _check_place(said_log: str, said_seq: int, kind: str, log: str, seq: int) -> None:
    if said_log != log or said_seq != seq:
        raise Problem(MISPLACED, f"it says {said_log}:{said_seq}, it came as {log}:{seq}")
    if (kind == "log.opened") != (seq == 1):
        raise Problem(MISPLACED, "a log begins with its opening, and nothing else")


def read_placed(raw: bytes, jws: str, log: str, seq: int, jwk: Jwk) -> Event:
    """The event that stands at this place of a log whose key is `jwk`; its own signature, if any, holds."""
    event = _event_at(raw, log, seq, kid_of(jwk) if jws else "", "")
    if jws:
        verify(jws, raw, "ho-event", jwk)
    return event


def is_signed(event: Event) -> bool:
    """True for kinds whose own signature is kept beside them."""
    return event.kind in SIGNED
