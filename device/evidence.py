"""Signals that count, recorded through the door: each piece of evidence as an event of the job it speaks of.

Raw signals stay in the store, and all of them are weighed anew each time, so that their order, their repeats
and their delays change nothing. What a late signal changes is recorded again and names what it replaces, and what
no longer holds is taken back: in the end the log says what it would say had all of them been heard at once. A
signal opens no visit: it speaks of one that somebody recorded, or of a job that its carrier is to come for.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from device.holding import Holding
from device.store.log import Recorded
from device.store.signals import signals_between
from sync.corroboration import concerns, speaks_of
from sync.events import Draft, Event, SignalObserved
from sync.evidence import bounds, derive, name_of, positions, revise, taken_back, weighable
from sync.facts import still_standing
from sync.journey import Attendance, Journey
from sync.signals import AHEAD_MS, BEHIND_MS, Signal, Surroundings

_BEFORE_MS: Final = 86_400_000
"""So much before what is weighed is read along with it: what began there must not seem to begin later."""
_TAKEN_BACK_MS: Final = BEHIND_MS // 2
"""Nothing older is taken back: what bears it out may have begun long before, and is then no longer weighed."""
_PRESENCE: Final = frozenset({"arrival", "departure", "dwell"})
"""What speaks of a job without a visit: that whoever is to come was there."""


class _Heard(NamedTuple):
    """What is weighed: the signals and their keys, the evidence they are by name, since when it is not settled."""

    signals: tuple[Signal, ...]
    keys: frozenset[str]
    facts: dict[str, SignalObserved]
    since_ms: int
    now_ms: int


class Evidence:
    """What the signals in this device's store say, for the jobs it knows; `around` is what they are read against."""

    def __init__(self, holding: Holding, around: Surroundings) -> None:
        self._here = holding
        self._around = around
        self._weighed: object = None

    async def weigh(self) -> tuple[Recorded, ...]:
        """Afterwards the log says of every job here what all signals say of it; given is what was recorded anew."""
        here = self._here
        await here.refresh()
        now_ms = here.world.now_ms()
        since_ms = now_ms - BEHIND_MS
        signals = await here.store.reading(lambda con: signals_between(con, since_ms - _BEFORE_MS, now_ms + AHEAD_MS))
        state = (here.memory.mark, len(signals), signals[-1:] or None)
        if not signals or state == self._weighed:
            return ()
        keys = frozenset(f"{one.source}:{one.native_key}" for one in signals)
        facts = {name_of(fact): fact for fact in derive(signals, self._around)}
        heard = _Heard(signals, keys, facts, since_ms, now_ms)
        drafts = [draft for job in here.memory.jobs() for draft in self._drafts(job, heard)]
        recorded = await here.record(*drafts) if drafts else ()
        self._weighed = (here.memory.mark, len(signals), signals[-1:] or None)
        return recorded

    def _drafts(self, job: str, heard: _Heard) -> Iterable[Draft]:
        journey = self._here.memory.journey(job)
        if journey.opened is None:
            return
        speaking = _speaking(journey, heard.facts.values(), heard.now_ms)
        wanted = {name_of(fact): fact for fact in (*speaking, *_placed(journey, heard.signals, self._around))}
        before = {
            name_of(body): (event, msgspec.structs.replace(body, replaces=()))
            for event, body in self._standing(journey)
        }
        standing = [body for _, body in before.values()]
        revision = revise(*weighable(standing, wanted.values(), heard.keys, heard.since_ms))
        replaced = [(fact, {*names, *({name_of(fact)} & before.keys())}) for fact, names in revision.added]
        left = {name for name in revision.gone if self._holds_no_longer(name, before[name][1], heard)}
        left -= {name for _, names in replaced for name in names}
        for fact, names in replaced:
            # What no longer holds and overlaps with nothing new gives way to the next of its kind.
            also = {name for name in left if _alike(before[name][1], fact)}
            left -= also
            yield self._draft(job, fact, [before[name][0].hash for name in sorted(names | also)])
        for name in sorted(left):
            event, body = before[name]
            yield self._draft(job, taken_back(body), [event.hash])

    def _draft(self, job: str, fact: SignalObserved, replaces: Iterable[str]) -> Draft:
        body = msgspec.structs.replace(fact, replaces=tuple(replaces))
        return Draft(kind="signal.observed", actor=self._here.row.device, job=job, body=body)

    def _holds_no_longer(self, name: str, fact: SignalObserved, heard: _Heard) -> bool:
        """Whether the signals say that this did not take place, and not only that it is another job's by now.

        They say nothing of what is not set any more.
        """
        sensor = next((one for one in self._around.sensors if one.device == fact.device), None)
        place = next((one for one in self._around.places if one.site == fact.site), None)
        is_young = bounds(fact)[0] >= heard.now_ms - _TAKEN_BACK_MS
        return name not in heard.facts and is_young and sensor is not None and bool(place or sensor.site)

    def _standing(self, journey: Journey) -> Iterable[tuple[Event, SignalObserved]]:
        """The evidence this device recorded for the job that nothing replaces."""
        for event in still_standing(journey.signals):
            if event.log in self._here.memory.own_logs and isinstance(event.body, SignalObserved):
                yield event, event.body


def _alike(old: SignalObserved, new: SignalObserved) -> bool:
    return (old.observed, old.device, old.site, old.visit) == (new.observed, new.device, new.site, new.visit)


def _speaking(journey: Journey, facts: Iterable[SignalObserved], now_ms: int) -> Iterable[SignalObserved]:
    """Those of the facts that speak of a visit of this job, naming it, or of whoever is to come for it."""
    site = journey.opened.site if journey.opened else ""
    expected = _expected(journey)
    since_ms = min((event.occurred_ms for event in journey.timeline), default=now_ms)
    for fact in facts:
        visit = next((one for one in journey.visits if _concerns(fact, one, now_ms)), None)
        if visit is not None:
            yield msgspec.structs.replace(fact, visit=visit.visit)
        elif (
            journey.state == "open"
            and fact.observed in _PRESENCE
            and speaks_of(fact, site, expected)
            and (fact.upper_ms or 0) >= since_ms
        ):
            yield fact


def _concerns(fact: SignalObserved, visit: Attendance, now_ms: int) -> bool:
    came, went = visit.arrived_ms or visit.departed_ms, visit.departed_ms or now_ms
    return came is not None and concerns(fact, visit.site, came, went, visit.people)


def _expected(journey: Journey) -> frozenset[str]:
    """Who is to come for the job: whoever answers for it, whom it is offered to, and the crew it is planned for."""
    offered = {to for one in journey.handovers if one.state == "offered" for to in one.content.to}
    crew = {journey.plan.crew} if journey.plan else set()
    return frozenset({journey.accountable, *offered, *crew} - {""})


def _placed(journey: Journey, signals: Iterable[Signal], around: Surroundings) -> Iterable[SignalObserved]:
    """What fixes say of each arrival that somebody recorded, for and against it."""
    for visit in journey.visits:
        if visit.arrived_ms is not None:
            for fact in positions(signals, around, visit.site, visit.arrived_ms, visit.people):
                yield msgspec.structs.replace(fact, visit=visit.visit)
