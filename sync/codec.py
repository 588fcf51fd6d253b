"""The one codec: events to bytes and back, strictly.

What is accepted here is accepted everywhere; what is refused is named. The bytes are never
re-serialised: `read_event` keeps nothing of them but their hash, and callers keep the bytes.
"""

import json
import re
from functools import lru_cache
from typing import Generic, NoReturn, TypeVar, get_type_hints

import msgspec

from sync.clock import Moment, milliseconds
from sync.events import KINDS, SCHEMA, Blob, Draft, Envelope, Event, Fact, Log, Seq, When
from sync.ids import event_hash, job_id
from sync.payload import Id
from sync.problems import EVENT_TOO_LARGE, UNREADABLE, Problem

MOST_BYTES = 64 * 1024
"""The most bytes one event may have."""
MOST_NESTED = 64
"""The most objects and lists one inside another: a number of our own, so that no reader's stack decides."""
_LARGEST = 2**53 - 1

_CONTROLS = bytes(range(0x20))
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 16
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?')  # an open end too, and never twice over the same bytes
_envelope = msgspec.json.Decoder(Envelope)
_bodies: dict[str, msgspec.json.Decoder[Fact]] = {kind: msgspec.json.Decoder(body) for kind, body in KINDS.items()}
_times: dict[type[Fact], tuple[str, ...]] = {
    body: tuple(name for name, hint in get_type_hints(body, include_extras=True).items() if hint == When)
    for body in KINDS.values()
}
_anything = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode
_T = TypeVar("_T")

UNREADABLE_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
"""All that msgspec raises for bytes that are not the JSON asked for (its own errors, bad UTF-8, deep nesting)."""


def decode(raw: bytes | str, type_: type[_T], where: str = "") -> _T:
    """`raw` as `type_`, strictly; else UNREADABLE says what and where. Deep nesting and bad UTF-8 included."""
    try:
        return msgspec.json.decode(raw, type=type_)
    except UNREADABLE_JSON as error:
        raise Problem(UNREADABLE, _said(error), where) from error


def _said(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:300]


def encode(value: object) -> bytes:
    """`value` as compact JSON, fields in the order of their struct."""
    return _encode(value)


def _unreadable(detail: str) -> NoReturn:
    raise Problem(UNREADABLE, detail)


def strict(raw: bytes) -> None:
    """Return only if `raw` is JSON as an event must be: no control bytes, no key twice, no number beyond +-(2^53-1).

    Most events were written by an encoder like ours: what decodes and encodes to the same bytes has no
    key twice, and that costs a third of looking at each key.
    """
    alike = raw.translate(_DIGITS_ALIKE, _CONTROLS)
    if len(alike) != len(raw):
        _unreadable("a byte below 0x20")
    if raw.count(b"{") + raw.count(b"[") > MOST_NESTED and _depth(raw) > MOST_NESTED:
        _unreadable(f"nested more than {MOST_NESTED} deep")
    try:
        if _encode(_anything.decode(raw)) != raw or _LONG_NUMBER in alike:
            json.loads(raw, object_pairs_hook=_unique, parse_int=_small)
    except UNREADABLE_JSON as error:
        raise Problem(UNREADABLE, _said(error)) from error


def _depth(raw: bytes) -> int:
    """How deep brackets stand in each other, those in strings left out."""
    deepest = depth = 0
    for byte in _STRINGS.sub(b"", raw):
        depth += (byte in b"{[") - (byte in b"}]")
        deepest = max(deepest, depth)
    return deepest


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _unreadable("the same key twice in one object")
    return found


def _small(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > _LARGEST:
        _unreadable("an integer beyond +-(2^53-1)")
    return int(digits)


class _Newer(msgspec.Struct, frozen=True, kw_only=True):
    """What can be relied on in an envelope of any schema: its version and the event's name."""

    v: int
    log: Log
    seq: Seq
    kind: str = ""


_newer = msgspec.json.Decoder(_Newer)
_NEVER = Moment(wall="1970-01-01T00:00:00Z", mono=0, boot="")


def read_envelope(raw: bytes) -> Envelope:
    """The envelope of an event's bytes, its body still bytes. Refuses what `strict` refuses and what is too large.

    Of a newer schema that this software cannot read, all but version, name and kind is left empty: what is
    newer than the reader waits, and is never refused.
    """
    if len(raw) > MOST_BYTES:
        raise Problem(EVENT_TOO_LARGE, f"{len(raw)} bytes")
    strict(raw)
    try:
        return _envelope.decode(raw)
    except UNREADABLE_JSON as error:
        if (newer := _newer_envelope(raw)) is not None:
            return newer
        raise Problem(UNREADABLE, _said(error)) from error


def _newer_envelope(raw: bytes) -> Envelope | None:
    try:
        newer = _newer.decode(raw)
    except UNREADABLE_JSON:
        return None
    if newer.v <= SCHEMA:
        return None
    return Envelope(v=newer.v, log=newer.log, seq=newer.seq, kind=newer.kind, actor="", at=_NEVER, body=msgspec.Raw())


def read_body(envelope: Envelope) -> Fact | None:
    """The body by its kind; None where kind or schema is newer than this software. Else UNREADABLE names the field."""
    reader = _bodies.get(envelope.kind)
    if reader is None or envelope.v > SCHEMA:
        return None
    try:
        body = reader.decode(envelope.body)
    except UNREADABLE_JSON as error:
        raise Problem(UNREADABLE, _said(error), "body") from error
    check_times(body)
    return body


def check_times(body: Fact) -> None:
    """Return only if every time in the body can be read (else UNREADABLE): a fold must never meet one it cannot."""
    for name in _times[type(body)]:
        if said := getattr(body, name):
            _time(said, f"body.{name}")


def _time(text: str, where: str) -> int:
    try:
        return milliseconds(text)
    except Problem as problem:
        raise Problem(UNREADABLE, problem.detail, where) from problem


def read_event(raw: bytes, kid: str = "", hash_: str = "") -> Event:
    """An event from its exact bytes.

    `kid` is the key whose signature on them held, if any; `hash_` their hash where it is known.
    """
    return read_ours(raw, kid, hash_) or event_of(read_envelope(raw), raw, kid, hash_)


B = TypeVar("B", bound=Fact)


class _Ours(msgspec.Struct, Generic[B], frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An envelope and its body in one, with the fields of `Envelope` in their order."""

    v: int
    log: str
    seq: Seq
    kind: str
    actor: Id
    at: Moment
    body: B
    job: str = ""
    parents: tuple[str, ...] = ()
    blobs: tuple[Blob, ...] = ()
    prev: str = ""


_ours: dict[bytes, tuple[str, msgspec.json.Decoder[_Ours[Fact]]]] = {
    kind.encode("ascii"): (kind, msgspec.json.Decoder(_Ours[body]))  # type: ignore[valid-type]  # made at run time
    for kind, body in KINDS.items()
}
_NO_KIND = ("", msgspec.json.Decoder(_Ours[Fact]))
_BEFORE_KIND = b'"kind":"'
_is_log = lru_cache(4096)(re.compile(r"[A-Za-z0-9_-]{22}").fullmatch)


def read_ours(raw: bytes, kid: str = "", hash_: str = "") -> Event | None:
    """What `read_event` gives, for bytes that our own encoder could have written, at half the price; None for others.

    What is read and encodes to the same bytes has no key twice, no field unknown here, no control byte and no
    nesting beyond its type's, and all integers in an event's types have bounds. All else, what is to be refused
    included, is left to the general way.
    """
    at = raw.find(_BEFORE_KIND) + len(_BEFORE_KIND)
    kind, reader = _ours.get(raw[at : raw.find(b'"', at)], _NO_KIND)
    if len(raw) > MOST_BYTES:
        return None
    try:
        read = reader.decode(raw)
        if read.kind != kind or read.v != SCHEMA or not _is_log(read.log) or _encode(read) != raw:
            return None
        body = read.body
        check_times(body)
        wall = occurred = milliseconds(read.at.wall)
        if body.occurred_at:
            occurred = milliseconds(body.occurred_at)
    except (*UNREADABLE_JSON, Problem):
        return None
    return _whole(read, kind, kid, hash_ or event_hash(raw), (wall, occurred))


def read_again(raw: bytes, kid: str, hash_: str, times: tuple[int, int]) -> Event:
    """The event that `read_ours` gave for these bytes elsewhere; `times` are its `wall_ms` and `occurred_ms`.

    Nothing is checked: the bytes must be ones for which it gave an event.
    """
    at = raw.find(_BEFORE_KIND) + len(_BEFORE_KIND)
    kind, reader = _ours[raw[at : raw.find(b'"', at)]]
    return _whole(reader.decode(raw), kind, kid, hash_, times)


def _whole(read: _Ours[Fact], kind: str, kid: str, hash_: str, times: tuple[int, int]) -> Event:
    wall_ms, occurred_ms = times
    return Event(
        hash=hash_,
        log=read.log,
        seq=read.seq,
        kind=kind,
        job=job_id(hash_) if kind == "job.opened" else read.job,
        actor=read.actor,
        at=read.at,
        body=read.body,
        wall_ms=wall_ms,
        occurred_ms=occurred_ms,
        kid=kid,
        prev=read.prev,
        parents=read.parents,
        blobs=read.blobs,
    )


def event_of(envelope: Envelope, raw: bytes, kid: str = "", hash_: str = "") -> Event:
    """The same where the envelope was already read, and perhaps the hash of its bytes known."""
    hash_ = hash_ or event_hash(raw)
    body = read_body(envelope)
    wall = _wall_ms(envelope)
    return Event(
        hash=hash_,
        log=envelope.log,
        seq=envelope.seq,
        kind=envelope.kind,
        job=job_id(hash_) if envelope.kind == "job.opened" else envelope.job,
        actor=envelope.actor,
        at=envelope.at,
        body=body,
        wall_ms=wall,
        occurred_ms=milliseconds(body.occurred_at) if body is not None and body.occurred_at else wall,
        v=envelope.v,
        kid=kid,
        prev=envelope.prev,
        parents=envelope.parents,
        blobs=envelope.blobs,
    )


def _wall_ms(envelope: Envelope) -> int:
    try:
        return _time(envelope.at.wall, "at.wall")
    except Problem:
        if envelope.v > SCHEMA:
            return 0
        raise


def write_event(draft: Draft, *, log: str, seq: int, at: Moment, prev: str = "") -> bytes:
    """The bytes of a new event. Refused here, before it is recorded: a field out of bounds, more than 64 KiB."""
    try:
        body = msgspec.Raw(_encode(draft.body))
        raw = _encode(
            Envelope(
                v=SCHEMA,
                log=log,
                seq=seq,
                kind=draft.kind,
                job=draft.job,
                parents=draft.parents,
                actor=draft.actor,
                at=at,
                body=body,
                blobs=draft.blobs,
                prev=prev,
            )
        )
    except UnicodeEncodeError as error:
        raise Problem(UNREADABLE, "half a surrogate pair is no text") from error
    read_event(raw)
    return raw
