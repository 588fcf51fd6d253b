"""A message as a broker delivered it, and how its JSON is read: strictly, and never half."""

import json
from typing import Annotated, Final, NamedTuple, TypeVar

from msgspec import Meta

from sync.codec import UNREADABLE_JSON, decode
from sync.problems import SIGNAL_EMPTY, TOO_LARGE, UNREADABLE, Problem
from sync.signals import Flag

MOST_BYTES: Final = 128 * 1024
"""The largest payload that is read; brokers are set to pass no larger packet (`max_packet_size`)."""

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Metres = Annotated[float, Meta(ge=0, le=20_037_508)]
Whole = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Word = Annotated[str, Meta(max_length=256)]

T = TypeVar("T")


class Message(NamedTuple):
    """What came, when (milliseconds since 1970), and how: `mid` names it to the broker within one connection.

    `generation` counts the connections of this process; an acknowledgement is only ever sent on its own.
    """

    topic: str
    payload: bytes
    received_ms: int
    qos: int = 1
    retained: bool = False
    repeated: bool = False
    mid: int = 0
    generation: int = 0


class Position(NamedTuple):
    """Where somebody says to be, with what speaks against it; nothing where he says nothing."""

    lat: float | None = None
    lon: float | None = None
    acc_m: float | None = None
    flags: tuple[Flag, ...] = ()


def position(lat: float | None, lon: float | None, acc_m: float | None) -> Position:
    """A position to go by: 0, 0 is a default of the device and none; an accuracy of 0 is unknown, not perfect."""
    if (lat is None) != (lon is None):
        raise Problem(UNREADABLE, "a latitude needs a longitude, and the other way round")
    if lat is None:
        return Position()
    if lat == 0 and lon == 0:
        return Position(flags=("null_island",))
    return Position(lat, lon, acc_m or None, () if acc_m else ("no_accuracy",))


def glance(payload: bytes, type_: type[T]) -> T:
    """What a field or two say, to choose how to read the rest. Raises as `read` does."""
    if not payload:
        raise Problem(SIGNAL_EMPTY)
    if len(payload) > MOST_BYTES:
        raise Problem(TOO_LARGE, f"{len(payload)} bytes; at most {MOST_BYTES} are read")
    return decode(payload, type_)


def read(payload: bytes, type_: type[T]) -> T:
    """The payload as `type_`. SIGNAL_EMPTY, TOO_LARGE, or UNREADABLE with what is wrong and where.

    Strict: no number in quotes, no two objects, no key twice, nothing before or after. Unknown keys are let be.
    """
    found = glance(payload, type_)
    try:
        json.loads(payload, object_pairs_hook=_each_key_once)
    except UNREADABLE_JSON as error:
        raise Problem(UNREADABLE, str(error)[:200]) from error
    return found


def _each_key_once(pairs: list[tuple[str, object]]) -> None:
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise Problem(UNREADABLE, "the same key twice in one object")
