"""What is left of an event once its words were taken out: all else as it was, so that nothing that was decided changes.

A redacted event is restated: the same JSON, every field in which a person says something in words of his own there
and empty, no blobs. Its bytes are dropped and its hash is kept, so chains and batch signatures hold as before. Whoever
folds reads the restated text in its place, with `[redacted]` where words were said: a summary that was given counts as
given for ever.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect

from sync.codec import decode, encode, event_of, read_envelope, read_event
from sync.events import KINDS, SCHEMA, Correction, Envelope, Event, EventRedacted
from sync.ids import b64
from sync.ledger import is_hash, line_digest
from sync.problems import NOT_REDACTABLE, RESTATEMENT_MISSING, Problem

_Put = Callable[[str, str], str]
"""What to write for the words of a field, given them and what is read in their place once they are gone."""
_SHAPES: Final[Mapping[str, inspect.Type]] = {kind: inspect.type_info(body) for kind, body in KINDS.items()}


# -- taking words out ---------------------------------------------------------
def restated(raw: bytes) -> bytes:
    """An event's bytes without its words and blobs; of bytes that are no event to anybody, nothing.

    Raises NOT_REDACTABLE for a kind or schema newer than this software, which cannot know where the words are, and
    for a redaction, which says none.
    """
    try:
        envelope = read_envelope(raw)
        event = event_of(envelope, raw)
    except Problem:
        return b""
    shape = _SHAPES.get(envelope.kind)
    if shape is None or envelope.v > SCHEMA:
        raise Problem(NOT_REDACTABLE, f"{envelope.kind} of schema {envelope.v} is newer than this software")
    if isinstance(event.body, EventRedacted):
        raise Problem(NOT_REDACTABLE, "a redaction says no words")
    left = decode(raw, dict[str, Any])
    left["body"] = _walk(left["body"], shape, lambda _said, _instead: "")
    left.pop("blobs", None)
    return encode(left)


def says_words(raw: bytes) -> bool:
    """True where a redaction would take something out. Raises as `restated` does."""
    left = restated(raw)
    return not left or decode(left, object) != decode(raw, object)


def check_restated(raw: bytes, text: str) -> None:
    """Return only if `text` is what is left of the event in `raw`; else NOT_REDACTABLE, before any byte is dropped."""
    if restated(raw) != text.encode():
        raise Problem(NOT_REDACTABLE, "it is not what is left of that event")


def restates_redaction(body: EventRedacted) -> bool:
    """True where the event that is restated says itself that it is a redaction."""
    try:
        return read_envelope(body.restated.encode()).kind == "event.redacted"
    except Problem:
        return False


def fuller(one: EventRedacted, other: EventRedacted) -> EventRedacted:
    """Of two redactions of one event the one that counts, whichever came first: it leaves less."""
    return min(one, other, key=lambda body: (len(body.restated), body.restated, body.kid, body.holds))


# -- reading what is left -----------------------------------------------------
def read_held(raw: bytes, said: EventRedacted | None, kid: str = "") -> Event:
    """The event of a line as it is to be read: from what is left of it where that is `said`, else from its bytes.

    `kid` as for one read from its bytes. RESTATEMENT_MISSING where only its hash is here, and nothing is said.
    """
    if said is not None:
        return read_restated(said.restated, b64(line_digest(raw)), said.kid)
    if is_hash(raw):
        raise Problem(RESTATEMENT_MISSING, raw.decode("ascii"))
    return read_event(raw, kid)


def read_restated(text: str, hash_: str, kid: str = "") -> Event:
    """The event with this hash from what is left of it; `kid` as for one read from its bytes. Else UNREADABLE.

    As with bytes, of a kind or schema newer than this software the body is None.
    """
    return event_of(_filled(text), b"", kid, hash_)


def shown_text(text: str) -> bytes:
    """What is left of an event, as it is shown to people: with a mark where words were. UNREADABLE if it is none."""
    envelope = _filled(text)
    return encode(envelope) if bytes(envelope.body) else text.encode()


def _filled(text: str) -> Envelope:
    envelope = read_envelope(text.encode())
    shape = _SHAPES.get(envelope.kind)
    if shape is None or envelope.v > SCHEMA:
        return envelope
    body = _walk(decode(bytes(envelope.body), object, "body"), shape, lambda said, instead: said or instead)
    return msgspec.structs.replace(envelope, body=msgspec.Raw(encode(body)))


def _walk(value: Any, shape: inspect.Type, put: _Put, instead: str | None = None) -> Any:  # noqa: ANN401 - JSON of any shape
    match shape:
        case inspect.Metadata(type=inner, extra=extra):
            return _walk(value, inner, put, (extra or {}).get("redacted", instead))
        case inspect.StrType() if instead is not None and isinstance(value, str):
            return put(value, instead)
        case inspect.StructType(cls=cls) if isinstance(value, dict):
            fields = {field.encode_name: field.type for field in shape.fields}
            walked = {name: _walk(part, fields[name], put) if name in fields else part for name, part in value.items()}
            return _corrected(walked, put) if cls is Correction else walked
        case inspect.VarTupleType(item_type=inner) if isinstance(value, list):
            return [_walk(part, inner, put, instead) for part in value]
        case inspect.UnionType(types=types):
            inner = next((one for one in types if not isinstance(one, inspect.NoneType)), shape)
            return value if value is None else _walk(value, inner, put, instead)
    return value


def _corrected(body: dict[str, Any], put: _Put) -> dict[str, Any]:
    """A correction says words where the field that it corrects does."""
    fields = body.get("fields")
    if not isinstance(fields, dict):
        return body
    said = {name: put(value, _NAMED[name]) if name in _NAMED else value for name, value in fields.items()}
    return body | {"fields": said}


def _named() -> dict[str, str]:
    """By the name of each field of a body that holds words, what is read in their place."""
    bodies = [shape for shape in _SHAPES.values() if isinstance(shape, inspect.StructType)]
    shapes = {field.encode_name: field.type for body in bodies for field in body.fields}
    words = {name: shape.extra for name, shape in shapes.items() if isinstance(shape, inspect.Metadata)}
    return {name: str(extra["redacted"]) for name, extra in words.items() if extra and "redacted" in extra}


_NAMED: Final = _named()
