"""What the sensors of a scenario publish: OwnTracks messages of phones, native signals of doors.

Source of the forms: the OwnTracks booklet (JSON payloads `transition` and `location`), and this product's own
signal topics `ho/1/d/{device}/sig/{type}`.
"""

import msgspec

from sync.clock import rfc3339
from sync.problems import BAD_SCENARIO, Problem
from sync.signals import Place, Sensor, Surroundings
from trial.acts import Signal
from trial.scenario import Scenario, SiteGiven

Message = tuple[str, bytes]
"""A topic and a payload."""


def device_of(scenario: Scenario, sensor: str) -> str:
    """How signals name a sensor: a phone by its user and itself (OwnTracks), one fixed at a site by itself."""
    given = scenario.sensors[sensor]
    return sensor if given.site and not given.carried_by else f"{given.carried_by or 'nobody'}/{sensor}"


def surroundings(scenario: Scenario) -> Surroundings:
    """What signals are read against: the sites with a place on the map, and every sensor."""
    places = [
        Place(site=name, lat=site.lat, lon=site.lon, radius_m=site.radius_m, names=(site.region or name,))
        for name, site in scenario.sites.items()
        if site.lat is not None and site.lon is not None
    ]
    sensors = [
        Sensor(device=device_of(scenario, name), site=one.site or "", carried_by=one.carried_by)
        for name, one in scenario.sensors.items()
    ]
    return Surroundings(places=tuple(places), sensors=tuple(sensors))


class Sensors:
    """The sensors of one scenario; each counts what it sent, as real ones do."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._sent: dict[str, int] = {}

    def message(self, step: Signal, now_ms: int) -> Message:
        """What a step publishes at this time (ms since 1970)."""
        if step.topic:
            raw = step.payload.encode() if isinstance(step.payload, str) else msgspec.json.encode(step.payload)
            return step.topic, raw
        if step.sensor is None or step.says is None:
            raise Problem(BAD_SCENARIO, "a signal has a sensor and says something, or a topic", step.id)
        if step.says in ("open", "closed"):
            return self._door(step.sensor, step.says, now_ms)
        return self._phone(step, step.sensor, now_ms)

    def _door(self, sensor: str, state: str, now_ms: int) -> Message:
        number = self._sent[sensor] = self._sent.get(sensor, 0) + 1
        said = {
            "v": 1,
            "id": f"{sensor}-{number}",
            "boot": "1",
            "seq": number,
            "mono": number * 1000,
            "ts": rfc3339(now_ms),
            "tq": "ntp",
            "type": "door",
            "state": state,
        }
        return f"ho/1/d/{sensor}/sig/door", msgspec.json.encode(said)

    def _phone(self, step: Signal, sensor: str, now_ms: int) -> Message:
        site = self._scenario.sites[step.site] if step.site else SiteGiven()
        region = site.region or step.site or ""
        lat = site.lat if step.lat is None else step.lat
        lon = site.lon if step.lon is None else step.lon
        if lat is None or lon is None:
            raise Problem(BAD_SCENARIO, "say where: a site with lat and lon, or both of them", step.id)
        said: dict[str, object] = {"lat": lat, "lon": lon, "acc": step.acc_m, "tst": now_ms // 1000, "tid": sensor[:2]}
        if step.says == "here":
            said |= {"_type": "location", "t": "p", "inregions": [region] if step.site else []}
        else:
            said |= {"_type": "transition", "event": step.says, "desc": region, "rid": region, "t": "c"}
        return f"owntracks/{device_of(self._scenario, sensor)}", msgspec.json.encode(said)
