"""Bodies of small JSON requests, read strictly before the framework reads them leniently."""

import json
from typing import Any

from litestar import Request

from sync.codec import UNREADABLE_JSON, decode
from sync.problems import UNREADABLE, Problem


async def check_body(request: Request[Any, Any, Any]) -> None:
    """Return only if the body is what the handler's `opt` says: no key twice, no wrong type, no unknown field.

    The framework turns "5" into a number and lets the last of two keys win; here both are UNREADABLE.
    """
    shape = request.scope["route_handler"].opt.get("body")
    if shape is not None:
        raw = await request.body()
        decode(raw, shape, "body")
        no_key_twice(raw)


def no_key_twice(raw: bytes) -> None:
    """Return only if no object in this JSON has a key twice."""
    try:
        json.loads(raw, object_pairs_hook=unique)
    except UNREADABLE_JSON as error:
        raise Problem(UNREADABLE, str(error)[:200], "body") from error


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object from its pairs; UNREADABLE where a key stands there twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem(UNREADABLE, "the same key twice in one object", "body")
    return found
