"""Which signals count as evidence, and of what: arrivals, departures, doors, loads, excursions, shocks, dwells.

A pure fold over the set of signals: whatever their order, however often each was heard, the same set gives
the same evidence. A late signal is simply a larger set: `revise` says what it adds and what no longer holds.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final, Literal

import msgspec

from sync.clock import rfc3339
from sync.events import SignalObserved
from sync.signals import Sensor, Signal, Surroundings, counts, settle
from sync.stays import SAME_STAY_MS, Stay, beyond_m, is_exact, sense_of, stays_of

WINDOW_MS: Final = 15 * 60_000
"""What is observed this long before or after a scan speaks for it."""
CONTRADICTS_MS: Final = 3 * 60_000
CONTRADICTS_M: Final = 500.0
AT_SITE_MS: Final = 60_000
"""What moves with somebody is at a site from so long before the first sign of him there to so long after the last."""
FLAP_MS: Final = 10_000
"""A door that closes and opens again within this time was not closed."""
EXCURSION_MS: Final = 10 * 60_000
"""How long a temperature must be out of bounds, by time, not by samples."""
SAMPLED_MS: Final = 60 * 60_000
"""Between two samples further apart than this, nobody knows what the temperature was."""

BEACON: Final = "beacon"
"""The `value` of an arrival, departure or position that a radio beacon gave."""


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """What to record after signals came late: new evidence, and with each what it supersedes; `gone` holds no longer.

    `gone` lists names of evidence (`name_of`); those that something new supersedes are among them.
    """

    added: tuple[tuple[SignalObserved, tuple[str, ...]], ...] = ()
    gone: tuple[str, ...] = ()


def derive(signals: Iterable[Signal], around: Surroundings) -> tuple[SignalObserved, ...]:
    """All the evidence that these signals are, in order of time.

    Signals that do not count (`sync.signals.counts`) make none. Times are best instants in `occurred_at`
    and bounds in `lower_ms`, `upper_ms`; a departure that nobody reported is an interval.
    """
    settled = [signal for signal in settle(signals, around.sensors) if counts(signal)]
    sensors = {sensor.device: sensor for sensor in around.sensors}
    by_device = {
        device: tuple(own)
        for device, own in groupby(sorted(settled, key=lambda one: one.device), key=lambda one: one.device)
    }
    stays = {
        (device, place.site): stays_of(own, place, around.places)
        for device, own in by_device.items()
        for place in around.places
    }
    found: list[SignalObserved] = []
    for (device, site), of_one in stays.items():
        for stay in of_one:
            found += _visit(stay, site, sensors[device])
    for device, own in by_device.items():
        sensor = sensors[device]
        where = _whereabouts(sensor, sensors, stays)
        for reading in (_doors, _loads, _excursions, _shocks):
            found += reading(own, sensor, where)
    return tuple(sorted(found, key=_order))


def positions(
    signals: Iterable[Signal], around: Surroundings, site: str, scan_ms: int, carriers: Iterable[str]
) -> tuple[SignalObserved, ...]:
    """What fixes say of a scan at this site by these carriers: of each device the nearest there, and elsewhere.

    There: inside the fence within a quarter of an hour. Elsewhere: a trusted fix (no worse than 50 m, no jump)
    more than half a kilometre beyond the fence within three minutes; `elsewhere_m` says how far beyond.
    """
    place = next((place for place in around.places if place.site == site), None)
    if place is None:
        return ()
    present = frozenset(carriers)
    sensors = {sensor.device: sensor for sensor in around.sensors if sensor.witness in present}
    near: dict[tuple[str, bool], tuple[int, Signal, int]] = {}
    for signal in settle(signals, around.sensors):
        if signal.device not in sensors or signal.type != "loc" or not counts(signal):
            continue
        away_ms = abs(signal.t_eff_ms - scan_ms)
        beyond = beyond_m(signal, place)
        if away_ms <= WINDOW_MS + signal.t_unc_ms and sense_of(signal, place) == "in":
            spot = (signal.device, True)
        elif away_ms <= CONTRADICTS_MS and beyond > CONTRADICTS_M and is_exact(signal):
            spot = (signal.device, False)
        else:
            continue
        held = near.get(spot)
        if held is None or away_ms < held[0]:
            near[spot] = (away_ms, signal, 0 if spot[1] else round(beyond))
    return tuple(
        sorted(
            (
                _fact(
                    "position",
                    site,
                    sensors[signal.device],
                    signal,
                    value=_beacon(signal),
                    elsewhere_m=beyond,
                    trusted=is_exact(signal),
                )
                for _, signal, beyond in near.values()
            ),
            key=_order,
        )
    )


def name_of(fact: SignalObserved) -> str:
    """The name of a piece of evidence: what, of which device, where, and the first signal it rests on."""
    return "|".join((fact.observed, fact.device, fact.site, *fact.rests_on[:1]))


def revise(recorded: Iterable[SignalObserved], derived: Iterable[SignalObserved]) -> Revision:
    """What is to be recorded so that it says what was derived, and which of the recorded no longer holds.

    A recorded piece is superseded by new evidence of the same kind, device and site whose time overlaps its own.
    """
    before = {name_of(fact): fact for fact in recorded}
    after = {name_of(fact): fact for fact in derived}
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    gone = sorted((before.keys() - after.keys()) | changed)
    added = sorted((after[name] for name in (after.keys() - before.keys()) | changed), key=_order)
    return Revision(
        added=tuple((fact, tuple(name for name in gone if _same(before[name], fact))) for fact in added),
        gone=tuple(gone),
    )


def weighable(
    recorded: Iterable[SignalObserved], derived: Iterable[SignalObserved], held: frozenset[str], since_ms: int
) -> tuple[list[SignalObserved], list[SignalObserved]]:
    """Of both, what can be compared by `revise`; the rest is settled and stays as it was recorded.

    Settled is what was before `since_ms`, and what rests on a signal that is not among those `held` any more: of a
    stay whose beginning was forgotten, what is left would say that it began later.
    """
    before = list(recorded)
    settled = [fact for fact in before if bounds(fact)[0] < since_ms or not held.issuperset(fact.rests_on)]
    names = {name_of(fact) for fact in settled}

    def is_open(fact: SignalObserved) -> bool:
        if bounds(fact)[0] < since_ms or name_of(fact) in names:
            return False
        return not any(_of_one_scan(one, fact) if fact.observed == "position" else _same(one, fact) for one in settled)

    return [fact for fact in before if name_of(fact) not in names], [fact for fact in derived if is_open(fact)]


def _of_one_scan(old: SignalObserved, new: SignalObserved) -> bool:
    """Whether both are what the nearest fix of one device says of one scan, for it or against it."""
    said = [(fact.observed, fact.device, fact.visit, not fact.elsewhere_m) for fact in (old, new)]
    return said[0] == said[1]


def _same(old: SignalObserved, new: SignalObserved) -> bool:
    if (old.observed, old.device, old.site) != (new.observed, new.device, new.site):
        return False
    return bounds(old)[0] <= bounds(new)[1] + SAME_STAY_MS and bounds(new)[0] <= bounds(old)[1] + SAME_STAY_MS


def taken_back(fact: SignalObserved) -> SignalObserved:
    """What is recorded in place of evidence that no longer holds and that nothing else supersedes."""
    return SignalObserved(
        observed="nothing", source=fact.source, rests_on=(), device=fact.device, site=fact.site, visit=fact.visit
    )


def bounds(fact: SignalObserved) -> tuple[int, int]:
    """Between when and when it was, milliseconds since 1970; what gives no bounds is of no time: (0, 0)."""
    return fact.lower_ms or 0, fact.upper_ms or 0


def _order(fact: SignalObserved) -> tuple[int, int, str]:
    return (*bounds(fact), name_of(fact))


def _fact(  # noqa: PLR0913 - one place builds all evidence
    observed: Literal["arrival", "departure", "door", "load", "excursion", "shock", "dwell", "position"],
    site: str,
    sensor: Sensor,
    signal: Signal,
    *others: Signal,
    value: str = "",
    lower_ms: int | None = None,
    upper_ms: int | None = None,
    elsewhere_m: int | None = None,
    trusted: bool = True,
) -> SignalObserved:
    """Evidence of what `signal` says, resting on the others too; its time is that of `signal` where not said.

    `source` is the witness. What is neither fixed nor carried by anybody known is not to be trusted with a site.
    """
    return SignalObserved(
        observed=observed,
        source=sensor.witness,
        rests_on=tuple(f"{one.source}:{one.native_key}" for one in (signal, *others)),
        device=signal.device,
        site=site,
        value=value,
        occurred_at=rfc3339(signal.t_eff_ms),
        lower_ms=signal.t_eff_ms - signal.t_unc_ms if lower_ms is None else lower_ms,
        upper_ms=signal.t_eff_ms + signal.t_unc_ms if upper_ms is None else upper_ms,
        elsewhere_m=elsewhere_m,
        trusted=trusted and bool(sensor.site or sensor.carried_by),
    )


# -- being there --------------------------------------------------------------
def _visit(stay: Stay, site: str, sensor: Sensor) -> list[SignalObserved]:
    if not stay.is_visit:
        return []
    first, last = stay.first, stay.last
    lower = None if first.type == "arrive" or stay.outside is None else stay.outside.t_eff_ms - stay.outside.t_unc_ms
    found = [_fact("arrival", site, sensor, first, value=_beacon(first), lower_ms=lower)]
    end = stay.left or stay.gone
    if end is None:
        return found
    if stay.left:
        found.append(_fact("departure", site, sensor, stay.left, value=_beacon(stay.left)))
    else:
        found.append(
            _fact("departure", site, sensor, last, end, value=_beacon(last), upper_ms=end.t_eff_ms + end.t_unc_ms)
        )
    until = stay.left or last
    found.append(
        _fact("dwell", site, sensor, first, until, value=str(stay.certain_ms), upper_ms=until.t_eff_ms + until.t_unc_ms)
    )
    return found


def _beacon(signal: Signal) -> str:
    return BEACON if "beacon" in signal.flags else ""


_Where = Callable[[Signal], str]


def _whereabouts(sensor: Sensor, sensors: dict[str, Sensor], stays: dict[tuple[str, str], list[Stay]]) -> _Where:
    """Tells the site where this sensor was at a signal: where it is fixed, else where what carries it was; or ""."""
    spans = sorted(
        (
            (stay.first.t_eff_ms - AT_SITE_MS, site, stay.end_ms)
            for (device, site), of_one in stays.items()
            if sensors[device].witness == sensor.witness
            for stay in of_one
            if stay.is_visit
        ),
        key=lambda span: span[:2],  # two at one site from one moment on, of which one is still there
    )

    def where(signal: Signal) -> str:
        if sensor.site:
            return sensor.site
        for start_ms, site, end_ms in spans:
            if start_ms <= signal.t_eff_ms and (end_ms is None or signal.t_eff_ms <= end_ms + AT_SITE_MS):
                return site
        return ""

    return where


# -- what sensors felt --------------------------------------------------------
def _doors(own: Sequence[Signal], sensor: Sensor, where: _Where) -> list[SignalObserved]:
    """Each opening and each closing; repeats of one state and flapping are one."""
    openings: list[tuple[Signal, Signal | None]] = []
    for signal in own:
        if signal.type != "door":
            continue
        opened, closed = openings[-1] if openings else (None, None)
        is_open = opened is not None and closed is None
        if signal.state == "open" and not is_open:
            if opened and closed and signal.t_eff_ms - closed.t_eff_ms <= FLAP_MS:
                openings[-1] = (opened, None)
            else:
                openings.append((signal, None))
        elif signal.state == "closed" and opened and is_open:
            openings[-1] = (opened, signal)
    return [
        _fact("door", where(signal), sensor, signal, value=state)
        for opened, closed in openings
        for signal, state in ((opened, "open"), (closed, "closed"))
        if signal
    ]


def _loads(own: Sequence[Signal], sensor: Sensor, where: _Where) -> list[SignalObserved]:
    """Each time the weight differs from the last settled one by a step or more; the value is the difference, kg."""
    found: list[SignalObserved] = []
    settled: tuple[Signal, float] | None = None
    for signal in own:
        if signal.type != "weight" or signal.value is None:
            continue
        if settled is None:
            settled = (signal, signal.value)
        elif abs(signal.value - settled[1]) >= sensor.load_step_kg:
            difference = signal.value - settled[1]
            found.append(_fact("load", where(signal), sensor, signal, settled[0], value=f"{difference:+.3f}"))
            settled = (signal, signal.value)
    return found


def _excursions(own: Sequence[Signal], sensor: Sensor, where: _Where) -> list[SignalObserved]:
    """Each time the temperature stayed out of bounds for long enough, from the first sample to the one that shows it.

    What comes later cannot change it; the value is the most extreme until then, degrees Celsius.
    """
    found: list[SignalObserved] = []
    run: list[tuple[Signal, float]] = []
    told = False
    for signal in own:
        if signal.type != "temp" or signal.value is None:
            continue
        excess = _excess_c(signal.value, sensor)
        if excess <= 0 or (run and signal.t_eff_ms - run[-1][0].t_eff_ms > SAMPLED_MS):
            run, told = [], False
        if excess <= 0:
            continue
        run.append((signal, excess))
        first = run[0][0]
        if not told and signal.t_eff_ms - first.t_eff_ms >= EXCURSION_MS:
            told = True
            worst = max(run, key=lambda one: one[1])[0]
            upper = signal.t_eff_ms + signal.t_unc_ms
            found.append(
                _fact("excursion", where(first), sensor, first, worst, signal, value=f"{worst.value:g}", upper_ms=upper)
            )
    return found


def _excess_c(value: float, sensor: Sensor) -> float:
    """How far out of the sensor's bounds, degrees; 0 or less inside, and where it has none."""
    above = value - sensor.high_c if sensor.high_c is not None else 0.0
    below = sensor.low_c - value if sensor.low_c is not None else 0.0
    return max(above, below)


def _shocks(own: Sequence[Signal], sensor: Sensor, where: _Where) -> list[SignalObserved]:
    """Each shock whose peak, measured in the device, reaches the sensor's limit; the value is the peak, g."""
    return [
        _fact("shock", where(signal), sensor, signal, value=f"{signal.value:g}")
        for signal in own
        if signal.type == "shock" and signal.value is not None and signal.value >= sensor.shock_g
    ]
