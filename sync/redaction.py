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

from sync.codec import decode, encode, event_of, read_envelope
from sync.events import KINDS, SCHEMA, Correction, Envelope, Event
from sync.problems import NOT_REDACTABLE, UNREADABLE, Problem

_Put = Callable[[str, str], str]
"""What to write for the words of a field, given them and what is read in their place once they are gone."""
_SHAPES: Final[Mapping[str, inspect.Type]] = {kind: inspect.type_info(body) for kind, body in KINDS.items()}


def restated(raw: bytes) -> bytes:
    """An event's bytes without its words and blobs; of what is so already, the same bytes.

    Raises NOT_REDACTABLE for a kind or schema newer than this software: it cannot know where the words are.
    """
    envelope = read_envelope(raw)
    shape = _SHAPES.get(envelope.kind)
    if shape is None or envelope.v > SCHEMA:
        raise Problem(NOT_REDACTABLE, f"{envelope.kind} of schema {envelope.v} is newer than this software")
    event = decode(raw, dict[str, Any])
    event["body"] = _walk(event["body"], shape, lambda _said, _instead: "")
    event.pop("blobs", None)
    return encode(event)


def check_restated(raw: bytes, text: str) -> None:
    """Return only if `text` is what is left of the event in `raw`; else NOT_REDACTABLE, before any byte is dropped."""
    if restated(raw) != text.encode():
        raise Problem(NOT_REDACTABLE, "it is not what is left of that event")


def read_restated(text: str, hash_: str, kid: str = "") -> Event:
    """The event with this hash from what is left of it; `kid` as for one read from its bytes. Else UNREADABLE."""
    envelope = decode(text, Envelope)
    shape = _SHAPES.get(envelope.kind)
    if shape is None or envelope.v > SCHEMA:
        raise Problem(UNREADABLE, f"{envelope.kind} of schema {envelope.v} is newer than this software")
    body = _walk(decode(bytes(envelope.body), object, "body"), shape, lambda said, instead: said or instead)
    filled = msgspec.structs.replace(envelope, body=msgspec.Raw(encode(body)))
    return event_of(filled, b"", kid, hash_)


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
