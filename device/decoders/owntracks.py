"""OwnTracks: what phones publish about where they are and which region they entered or left.

Source: OwnTracks Booklet, "JSON" (https://owntracks.org/booklet/tech/json), read 2026: `tst` is the time of the
fix or the transition in whole seconds, `created_at` that of building the message where it differs, `t` the
trigger ("b" a beacon, "c" a circular region). Only locations and transitions are observations.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from device.message import Latitude, Longitude, Metres, Position, Word, glance, position, read
from sync.problems import SIGNAL_ENCRYPTED, SIGNAL_TOPIC, SIGNAL_UNKNOWN, Problem
from sync.signals import Flag, Signal, effective

SOURCE: Final = "owntracks"
OLD_FIX_S: Final = 300
"""A fix this much older than its message repeats where the phone was, not where it is."""
_SILENT: Final = frozenset(
    {
        "beacon",
        "card",
        "cmd",
        "configuration",
        "dump",
        "lwt",
        "request",
        "status",
        "steps",
        "waypoint",
        "waypoints",
    }
)
"""Types that are no observation; they are let pass."""
_BESIDE: Final = frozenset({"beacon", "cmd", "dump", "info", "status", "step", "waypoint", "waypoints"})
"""Last levels of topics that carry no observation."""

Epoch = Annotated[int, Meta(ge=0, le=2**53 // 1000)]
"""Seconds since 1970; a device that gives milliseconds is far ahead, not out of range."""


class _Typed(msgspec.Struct, frozen=True):
    type_: Word = msgspec.field(name="_type")


class _Location(msgspec.Struct, frozen=True, kw_only=True):
    lat: Latitude
    lon: Longitude
    tst: Epoch
    acc: Metres | None = None
    created_at: Epoch | None = None
    t: Word = ""
    inregions: Annotated[tuple[Word, ...], Meta(max_length=100)] = ()
    inrids: Annotated[tuple[Word, ...], Meta(max_length=100)] = ()
    topic: Word = ""


class _Transition(msgspec.Struct, frozen=True, kw_only=True):
    event: Literal["enter", "leave"]
    tst: Epoch
    lat: Latitude | None = None
    lon: Longitude | None = None
    acc: Metres | None = None
    created_at: Epoch | None = None
    t: Word = ""
    desc: Word = ""
    rid: Word = ""
    topic: Word = ""


def decode(topic: str, payload: bytes, received_ms: int) -> tuple[Signal, ...]:
    """The observation in one message, or none where its type carries none.

    Raises SIGNAL_TOPIC, SIGNAL_EMPTY, TOO_LARGE, UNREADABLE, SIGNAL_ENCRYPTED and SIGNAL_UNKNOWN. The same fix
    sent again, with whatever trigger or time of building, has the same key.
    """
    device, beside = _device(topic)
    if beside in _BESIDE:
        return ()
    match glance(payload, _Typed).type_:
        case "location":
            return (_location(topic, device, read(payload, _Location), received_ms),)
        case "transition":
            return (_transition(topic, device, read(payload, _Transition), received_ms),)
        case "encrypted":
            raise Problem(SIGNAL_ENCRYPTED, "", topic)
        case type_ if type_ in _SILENT:
            return ()
        case type_:
            raise Problem(SIGNAL_UNKNOWN, f"_type {type_[:40]!r}", topic)


def _device(topic: str) -> tuple[str, str]:
    """`user/device` and what follows it, from `owntracks/user/device[/event]`."""
    levels = topic.split("/")
    named = len(levels) in (3, 4) and levels[0] == "owntracks" and all(levels) and len(topic) <= 200
    if not named or any(not char.isprintable() or char in "+#" for char in topic):
        raise Problem(SIGNAL_TOPIC, "expected owntracks/user/device or owntracks/user/device/event", topic[:200])
    beside = levels[3] if len(levels) == 4 else ""
    if beside not in _BESIDE | {"", "event"}:
        raise Problem(SIGNAL_TOPIC, f"nothing is known of .../{beside[:40]}", topic)
    return f"{levels[1]}/{levels[2]}", beside


def _location(topic: str, device: str, said: _Location, received_ms: int) -> Signal:
    here = position(said.lat, said.lon, said.acc)
    places = (*said.inrids, *(name for name in said.inregions if name not in said.inrids))
    key = (topic, "location", said.tst, "", "", said.lat, said.lon)
    return _signal("loc", key, device, said, here, received_ms, places)


def _transition(topic: str, device: str, said: _Transition, received_ms: int) -> Signal:
    here = position(said.lat, said.lon, said.acc)
    places = tuple(name for name in (said.rid, said.desc) if name)
    key = (topic, "transition", said.tst, said.event, said.rid or said.desc, said.lat, said.lon)
    return _signal("arrive" if said.event == "enter" else "leave", key, device, said, here, received_ms, places)


def _signal(
    type_: Literal["loc", "arrive", "leave"],
    key: tuple[object, ...],
    device: str,
    said: _Location | _Transition,
    here: Position,
    received_ms: int,
    places: tuple[str, ...],
) -> Signal:
    flags: set[Flag] = set(here.flags)
    if said.t == "b":
        # The phone stands beside a beacon; what it gives as position may be anything, 0, 0 included.
        here, flags = Position(), {"beacon"}
    if said.topic and said.topic.removesuffix("/event") != f"owntracks/{device}":
        flags.add("device_mismatch")
    if said.created_at is not None and said.created_at - said.tst > OLD_FIX_S:
        flags.add("old_fix")
    timing = effective(said.tst * 1000, received_ms, "phone")
    return Signal(
        native_key=msgspec.json.encode(key).decode(),
        source=SOURCE,
        device=device,
        type=type_,
        t_recv_ms=received_ms,
        t_eff_ms=timing.t_eff_ms,
        t_unc_ms=timing.t_unc_ms,
        t_dev_ms=said.tst * 1000,
        quality="phone",
        places=places,
        lat=here.lat,
        lon=here.lon,
        acc_m=here.acc_m,
        flags=tuple(sorted(flags.union(timing.flags))),
    )
