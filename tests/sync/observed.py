"""Signals for tests, spelled out shortly: minutes after eight, metres east of a site."""

from math import cos, degrees, radians
from typing import Any

from hypothesis import strategies as st

from sync.signals import EARTH_M, Place, Sensor, Signal, Surroundings, effective

EIGHT_MS = 1_777_881_600_000
"""2026-05-04 08:00 UTC."""
DEPOT = Place(site="depot", lat=51.5, lon=-0.12, radius_m=100, names=("6da9cf", "Depot 12"))
FARM = Place(site="farm", lat=51.6, lon=-0.12, radius_m=150)
SENSORS = (
    Sensor(device="jane/phone", carried_by="jane"),
    Sensor(device="jane/tablet", carried_by="jane"),
    Sensor(device="van-4", carried_by="van-4"),
    Sensor(device="cargo-4", carried_by="van-4", low_c=2, high_c=8),
    Sensor(device="dock-door", site="depot"),
    Sensor(device="dock-scale", site="depot"),
)
AROUND = Surroundings(places=(DEPOT, FARM), sensors=SENSORS)


KINDS = ("fix", "fix", "fix", "arrive", "leave", "door", "weight", "temp", "shock", "beat")


def at(minutes: float) -> int:
    """So many minutes after eight, in milliseconds."""
    return EIGHT_MS + round(minutes * 60_000)


def signal(device: str, type_: str, minutes: float, **said: object) -> Signal:
    """A signal of a device whose clock was set, heard a second after it happened."""
    given: dict[str, Any] = {
        "native_key": f"{device}/{type_}/{minutes}",
        "source": "native",
        "device": device,
        "type": type_,
        "t_dev_ms": at(minutes),
        "t_recv_ms": at(minutes) + 1_000,
        "quality": "gnss",
    } | said
    timing = effective(given["t_dev_ms"], given["t_recv_ms"], given["quality"])
    return Signal(
        **given | {"flags": tuple(sorted({*timing.flags, *given.get("flags", ())}))},
        t_eff_ms=timing.t_eff_ms,
        t_unc_ms=timing.t_unc_ms,
    )


def fix(
    device: str, minutes: float, east_m: float, place: Place = DEPOT, acc_m: float | None = 10, **said: object
) -> Signal:
    """A fix so many metres east of the middle of a place."""
    lon = place.lon + degrees(east_m / (EARTH_M * cos(radians(place.lat))))
    return signal(device, "loc", minutes, lat=place.lat, lon=lon, acc_m=acc_m, **said)


@st.composite
def days(draw: st.DrawFn) -> list[Signal]:
    """Signals of a day of these sensors, in any order, some of them twice, some with bad clocks."""
    found = []
    for number in range(draw(st.integers(0, 14))):
        device = draw(st.sampled_from([sensor.device for sensor in SENSORS] + ["stranger"]))
        minutes = draw(st.integers(0, 240)) / 2
        wrong_ms = draw(st.sampled_from([0, 0, 0, 0, -5 * 60_000, 86_400_000, -40 * 86_400_000]))
        said: dict[str, Any] = {
            "native_key": f"k{number}",
            "t_dev_ms": draw(st.sampled_from([at(minutes) + wrong_ms] * 9 + [None])),
            "t_recv_ms": at(minutes) + draw(st.sampled_from([500, 60_000, 3_600_000])),
            "quality": draw(st.sampled_from(["gnss", "gnss", "rtc"])),
            "boot": draw(st.sampled_from(["", "a", "b"])),
            "seq": draw(st.none() | st.integers(0, 9)),
            "mono_ms": draw(st.sampled_from([None, round(minutes * 60_000)])),
        }
        match draw(
            st.sampled_from(["fix", "fix", "fix", "arrive", "leave", "door", "weight", "temp", "shock", "beat"])
        ):
            case "fix":
                place = draw(st.sampled_from([DEPOT, DEPOT, FARM]))
                said["acc_m"] = draw(st.sampled_from([None, 10, 10, 60, 500]))
                found.append(fix(device, minutes, draw(st.sampled_from([0, 0, 60, 150, 900])), place, **said))
            case "arrive" | "leave" as type_:
                found.append(signal(device, type_, minutes, places=("6da9cf",), **said))
            case "door":
                found.append(signal(device, "door", minutes, state=draw(st.sampled_from(["open", "closed"])), **said))
            case type_:
                value = draw(st.sampled_from([0.0, 4.0, 12.0, 30.0]))
                found.append(signal(device, type_, minutes, value=value, **said))
    repeats = draw(st.lists(st.sampled_from(found), max_size=4)) if found else []
    return draw(st.permutations(found + repeats))
