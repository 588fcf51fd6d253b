"""Our own signals: what a sensor or a phone of ours publishes on `ho/1/d/{device}/sig/{type}`.

Source: fixtures/mqtt/README.md, "native". The topic names the device, because the broker lets nobody publish
under another name; `id` names the signal, `boot`, `seq` and `mono` count within one start of the device.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from device.message import Latitude, Longitude, Metres, Whole, Word, glance, position, read
from sync.problems import NEWER_SCHEMA, SIGNAL_TOPIC, SIGNAL_UNKNOWN, UNREADABLE, Problem
from sync.signals import Flag, Signal, TimeQuality, Type, effective

SOURCE: Final = "native"
VERSION: Final = 1
"""The newest `v` that is read here."""
POWER_ON_C: Final = frozenset({85.0, -127.0})
"""What a DS18B20 gives before its first conversion (Maxim data sheet), and its library where none is connected."""
ABSOLUTE_ZERO_C: Final = -273.15
TARE_KG: Final = 1.0
"""A scale may read this much below nothing after its tare moved."""

_TOPIC: Final = re.compile(r"ho/1/d/([A-Za-z0-9._-]{1,64})/sig/([a-z]{1,20})")
_QUALITIES: Final[dict[str, TimeQuality]] = {quality: quality for quality in get_args(TimeQuality)}
_TYPES: Final[dict[str, Type]] = {type_: type_ for type_ in get_args(Type)}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Token = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]


class _Version(msgspec.Struct, frozen=True):
    v: Whole


class _Fix(msgspec.Struct, frozen=True):
    lat: Latitude
    lon: Longitude
    acc: Metres | None = None


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    id: Token
    boot: Token
    seq: Whole
    mono: Whole
    ts: Annotated[datetime, Meta(tz=True)] | None = None
    tq: Word = ""
    type: Word = ""
    device: Word = ""
    state: Literal["open", "closed"] | None = None
    value: Annotated[float, Meta(ge=-1e9, le=1e9)] | None = None
    site: Word = ""
    pos: _Fix | None = None


def decode(topic: str, payload: bytes, received_ms: int) -> tuple[Signal, ...]:
    """The one signal in this message.

    Raises SIGNAL_TOPIC, SIGNAL_EMPTY, TOO_LARGE, UNREADABLE, SIGNAL_UNKNOWN and, for a higher `v`, NEWER_SCHEMA.
    """
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise Problem(SIGNAL_TOPIC, "expected ho/1/d/{device}/sig/{type}", topic[:200])
    device, named = found.groups()
    if (version := glance(payload, _Version).v) > VERSION:
        raise Problem(NEWER_SCHEMA, f"v {version}", topic)
    type_ = _TYPES.get(named)
    if type_ is None:
        raise Problem(SIGNAL_UNKNOWN, f"type {named!r}", topic)
    said = read(payload, _Said)
    _check(type_, said, topic)
    here = position(said.pos.lat, said.pos.lon, said.pos.acc) if said.pos else position(None, None, None)
    flags: set[Flag] = {*here.flags, *_doubts(type_, said.value)}
    if said.device not in ("", device):
        flags.add("device_mismatch")
    t_dev_ms = None if said.ts is None else (said.ts - _EPOCH) // timedelta(milliseconds=1)
    quality = _QUALITIES.get(said.tq, "none")
    timing = effective(t_dev_ms, received_ms, quality)
    return (
        Signal(
            native_key=f"{device}/{said.id}",
            source=SOURCE,
            device=device,
            type=type_,
            t_recv_ms=received_ms,
            t_eff_ms=timing.t_eff_ms,
            t_unc_ms=timing.t_unc_ms,
            t_dev_ms=t_dev_ms,
            quality=quality,
            state=said.state or "",
            value=said.value,
            places=(said.site,) if said.site else (),
            lat=here.lat,
            lon=here.lon,
            acc_m=here.acc_m,
            boot=said.boot,
            seq=said.seq,
            mono_ms=said.mono,
            flags=tuple(sorted(flags.union(timing.flags))),
        ),
    )


def _check(type_: Type, said: _Said, topic: str) -> None:
    """Return only if the signal says what its type needs."""
    if said.type not in ("", type_):
        raise Problem(UNREADABLE, f"type {said.type[:40]!r} under the topic of {type_!r}", topic)
    if type_ == "door" and said.state is None:
        raise Problem(UNREADABLE, "a door says neither open nor closed", topic)
    if type_ in ("weight", "temp", "shock") and said.value is None:
        raise Problem(UNREADABLE, f"a {type_} without a value", topic)
    if type_ == "loc" and said.pos is None:
        raise Problem(UNREADABLE, "a loc without pos", topic)
    if type_ in ("arrive", "leave") and not said.site and said.pos is None:
        raise Problem(UNREADABLE, f"a {type_} names no site and no pos", topic)


def _doubts(type_: Type, value: float | None) -> tuple[Flag, ...]:
    """What speaks against a value of this type."""
    if value is None:
        return ()
    if type_ == "temp" and value in POWER_ON_C:
        return ("sensor_fault",)
    least = {"temp": ABSOLUTE_ZERO_C, "weight": -TARE_KG, "shock": 0.0}.get(type_)
    return ("implausible_value",) if least is not None and value < least else ()
