"""For each kind an event that says everything its body can say."""

import re

import msgspec
from msgspec import inspect

from sync.clock import Moment
from sync.codec import encode, write_event
from sync.events import KINDS, Blob, Draft
from sync.ids import b64, digest

HASH = b64(digest(b"any"))
LOG = b64(bytes(range(16)))
WHEN = "2026-01-05T08:00:00Z"
SAID = "words of Anna's"
_NAMES = (HASH, LOG, f"{LOG}:3", "1.abcdef")


def event_bytes(kind: str, seq: int = 3) -> bytes:
    """The bytes of such an event."""
    body = msgspec.json.decode(encode(_value("", inspect.type_info(KINDS[kind]))), type=KINDS[kind])
    blob = Blob(sha256=HASH, size=5, type="image/png")
    draft = Draft(kind=kind, actor="anna", body=body, job="" if kind == "job.opened" else LOG, blobs=(blob,))
    return write_event(draft, log=LOG, seq=seq, at=Moment(wall=WHEN, mono=1, boot="b"))


def _value(name: str, shape: inspect.Type) -> object:
    match shape:
        case inspect.Metadata(type=inner, extra=extra):
            return SAID if extra and "redacted" in extra else _value(name, inner)
        case inspect.StructType():
            return {field.encode_name: _value(field.encode_name, field.type) for field in shape.fields}
        case inspect.VarTupleType(item_type=inner):
            return [_value(name, inner), _value(name, inner)]
        case inspect.DictType():
            return {"text": SAID, "qty": "2"}
        case inspect.UnionType(types=types):
            return _value(name, next(one for one in types if not isinstance(one, inspect.NoneType)))
        case inspect.LiteralType(values=values):
            return values[-1]
        case inspect.StrType(pattern=pattern, max_length=most):
            if pattern is not None:
                return next(one for one in _NAMES if re.search(pattern, one))
            return WHEN if most == 40 else f"a {name}"
        case inspect.BoolType():
            return True
        case inspect.IntType(ge=least):
            return least or 1
        case inspect.FloatType():
            return 0.5
    raise TypeError(f"{name}: {shape}")
