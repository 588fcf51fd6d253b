"""A job's events as a story: in order of when they happened, each offer with what answered it."""

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from backend.timeline import TimelineEntry
from sync.clock import milliseconds
from sync.codec import decode
from sync.events import (
    KINDS,
    Accepted,
    Confirmed,
    Escalated,
    Fact,
    Offered,
    Refused,
    Reservation,
    SignalObserved,
    Withdrawn,
)

Sort = Literal[
    "handover", "contact", "signal", "visit", "item", "check", "note", "correction", "order", "plan", "job", "other"
]
SORTS: Final[tuple[Sort, ...]] = (
    "handover",
    "contact",
    "signal",
    "visit",
    "item",
    "check",
    "note",
    "order",
    "plan",
    "job",
    "correction",
)
_SORTS: Final[dict[str, Sort]] = {
    "handover": "handover",
    "code": "handover",
    "contact": "contact",
    "feedback": "contact",
    "complaint": "contact",
    "signal": "signal",
    "visit": "visit",
    "asset": "visit",
    "assist": "visit",
    "item": "item",
    "check": "check",
    "note": "note",
    "correction": "correction",
    "order": "order",
    "line": "order",
    "job": "job",
}
_PLANS: Final = frozenset({"job.planned", "job.dispatched", "job.merged", "job.unmerged"})
DIFFERS_MS: Final = 60_000
"""From so much on the time of receipt is said beside the time at which something happened."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it is told: when it happened (ms since 1970), and what it says, corrections put in.

    `body` is None where this software is older than the event. `received_ms` is None where it is as good as the same.
    """

    entry: TimelineEntry
    body: Fact | None
    at_ms: int
    received_ms: int | None

    @property
    def kind(self) -> str:
        """The event's kind."""
        return self.entry.kind


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """What stands together: an event, and, of an offer, what answered it in the order in which it did."""

    sort: Sort
    head: Told
    answers: tuple[Told, ...] = ()

    @property
    def reservations(self) -> tuple[Reservation, ...]:
        """All that was accepted with a remark."""
        bodies = [one.body for one in self.answers]
        return tuple(one for body in bodies if isinstance(body, Accepted) for one in body.reservations)


def story(entries: Iterable[TimelineEntry]) -> tuple[Chapter, ...]:
    """All of a job, the earliest first; of what happened at one time, in the order in which it came to count."""
    told = in_order(entries)
    answers: dict[str, list[Told]] = {one.entry.hash: [] for one in told if isinstance(one.body, Offered)}
    heads: list[Told] = []
    for one in told:
        body = one.body
        if isinstance(body, Accepted | Refused | Withdrawn | Confirmed | Escalated) and body.offer in answers:
            answers[body.offer].append(one)
        else:
            heads.append(one)
    return tuple(Chapter(sort=_sort(one), head=one, answers=tuple(answers.get(one.entry.hash, ()))) for one in heads)


def in_order(entries: Iterable[TimelineEntry]) -> list[Told]:
    """These events by when they happened, then as they came to count."""
    return sorted(map(told_of, entries), key=lambda one: (one.at_ms, one.entry.position))


def told_of(entry: TimelineEntry) -> Told:
    """The event as it is told."""
    shape = KINDS.get(entry.kind)
    body: Fact | None = None
    if shape is not None:
        body = entry.reads if entry.reads is not None else decode(bytes(entry.body), shape)
    said = body.occurred_at if body is not None else ""
    at_ms = milliseconds(said or entry.wall)
    differs = abs(entry.received_at - at_ms) >= DIFFERS_MS
    return Told(entry=entry, body=body, at_ms=at_ms, received_ms=entry.received_at if differs else None)


def _sort(one: Told) -> Sort:
    if one.kind in _PLANS:
        return "plan"
    return _SORTS.get(one.kind.partition(".")[0], "other")


def observed(one: Told) -> str:
    """What a signal says was the case; "" for anything else."""
    return one.body.observed if isinstance(one.body, SignalObserved) else ""


def fields_of(body: Fact | None) -> dict[str, Any]:
    """What a body says, field by field, for kinds that have no sentence of their own; empty values left out."""
    if body is None:
        return {}
    said: dict[str, Any] = msgspec.to_builtins(body)
    return {name: value for name, value in said.items() if value not in ("", None, [], (), {})}
