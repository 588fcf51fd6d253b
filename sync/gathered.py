"""The events of one job, by what they say: corrections put in, and what was replaced left out."""

from collections import defaultdict
from collections.abc import Iterable
from operator import attrgetter
from typing import TypeVar, cast

import msgspec

from sync.clock import milliseconds
from sync.corrections import correctable_fields
from sync.events import Correction, Event, Fact
from sync.facts import corrected, in_force
from sync.standing import Standing

_F = TypeVar("_F", bound=Fact)
_when = attrgetter("occurred_ms", "hash")


class Gathered:
    """The events of one job by the shape of their body, corrections put in and what was replaced left out.

    `timeline` are all of them as recorded, by when they happened, then hash.
    """

    def __init__(self, standings: Iterable[Standing]) -> None:
        self.standings = {one.event.hash: one for one in standings if one.verdict.word == "applied"}
        self.timeline = sorted([one.event for one in self.standings.values()], key=_when)
        self.discrepancies: list[str] = []
        self._by_type: dict[type, list[tuple[Event, Fact]]] = defaultdict(list)
        self._is_corrected = False
        for event in self.timeline:
            if (body := event.body) is not None:
                self._by_type[type(body)].append((event, body))
        if Correction in self._by_type:
            self._correct_all()

    def _correct_all(self) -> None:
        corrections: dict[str, list[Event]] = defaultdict(list)
        for event, body in self.all(Correction):
            corrections[body.corrects].append(event)
        for hash_, said in corrections.items():
            self._correct(hash_, said)

    def _correct(self, hash_: str, said: list[Event]) -> None:
        standing = self.standings.get(hash_)
        known = correctable_fields(standing.event) if standing is not None else frozenset()
        if standing is None or standing.event.body is None or not known:
            self.discrepancies.append(f"a correction of {hash_}, which is not a fact that can be corrected here")
            return
        was = standing.event
        body, disputed = corrected(standing.event.body, said, known)
        if disputed:
            self.discrepancies.append(f"corrections of {hash_} contradict each other or do not fit")
        occurred_ms = milliseconds(body.occurred_at) if body.occurred_at else was.wall_ms
        now = msgspec.structs.replace(was, body=body, occurred_ms=occurred_ms)
        pairs = self._by_type[type(body)]
        self._by_type[type(body)] = [(now, body) if pair[0] is was else pair for pair in pairs]
        self._is_corrected = True

    def all(self, shape: type[_F], *narrower: type[_F]) -> list[tuple[Event, _F]]:
        """Every event with exactly this shape of body, or one of the narrower ones, replaced ones included."""
        found = self._by_type.get(shape, [])
        for exact in narrower:
            found = found + self._by_type.get(exact, [])
        return cast("list[tuple[Event, _F]]", found)

    def of(self, shape: type[_F]) -> list[tuple[Event, _F]]:
        """The same without those that others replace, by when they happened, then hash."""
        found = self.all(shape)
        if len(found) < 2:
            return found
        if replaced := {hash_ for _, body in found for hash_ in body.replaces}:
            found = [pair for pair in found if pair[0].hash not in replaced]
        return sorted(found, key=lambda pair: _when(pair[0])) if self._is_corrected else found

    def one(self, what: str, found: list[tuple[Event, _F]]) -> _F | None:
        """The one that is in force of several that speak of the same thing."""
        event, disputed = in_force([event for event, _ in found])
        if disputed:
            self.discrepancies.append(f"several {what} stand against each other")
        return next((body for one, body in found if one is event), None)
