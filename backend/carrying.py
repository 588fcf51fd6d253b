"""Attachments carried from one store to another, each hashed again on its way: into a backup, and back."""

from collections.abc import Iterable
from typing import Final

import msgspec

from backend.store.blobs import Blobs
from sync.problems import BLOB_MISMATCH, BLOB_NOT_HELD, Problem

_PIECE: Final = 4 * 1024 * 1024
_CARRIER: Final = "carried-over"
"""Stands where the key of a sending device does."""


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """How many attachments are there now, and their bytes; `missing` are named and could not be had as they were."""

    blobs: int
    bytes: int
    missing: tuple[str, ...]


def carry(source: Blobs, into: Blobs, names: Iterable[str]) -> Carried:
    """Afterwards these stand in `into`, durable, each with the bytes that its name says, or are among the missing.

    What is there already is taken as it is. STORE_FULL where there is no room.
    """
    blobs = size = 0
    missing: list[str] = []
    for name in names:
        there = into.size(name)
        if there is None:
            there = _one(source, into, name)
        if there is None:
            missing.append(name)
        else:
            blobs, size = blobs + 1, size + there
    return Carried(blobs=blobs, bytes=size, missing=tuple(missing))


def _one(source: Blobs, into: Blobs, name: str) -> int | None:
    """The size of what was carried; None where the source lacks it, or has other bytes under its name."""
    try:
        offset = into.part(_CARRIER, name)
        while piece := source.read(name, offset, _PIECE):
            offset = into.add(_CARRIER, name, offset, piece)
        return into.finish(_CARRIER, name) if offset else None
    except Problem as problem:
        if problem.kind not in (BLOB_MISMATCH, BLOB_NOT_HELD):
            raise
        return None
