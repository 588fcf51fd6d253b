"""Corrections: what a person says was wrong in a fact of a job, and how the fact reads since.

Nothing is overwritten: a correction is an event of its own, and the fact stays as it was recorded beside it. What moved
accountability is never corrected; a resolution or a reassignment puts that right. Of what opened a job only what it
says of the work can be: not who is accountable, not where, not from which order.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from sync.events import CUSTODY, KINDS, STAFF_ONLY, Correction, Event, Fact
from sync.facts import corrected, put_in, still_standing
from sync.problems import NOT_CORRECTABLE, NOT_FOUND, Problem

CORRECTABLE: Final = (
    frozenset(KINDS)
    - CUSTODY
    - STAFF_ONLY
    - {
        "log.opened",
        "code.witnessed",
        "person.switched",
        "correction.made",  # one that was wrong is replaced by the next
        "handover.escalated",
        "job.resolved",
        "job.cancelled",
        "job.closed_by_rule",
        "signal.observed",  # what sensors say is put right by what they say, never by hand
    }
)
"""Kinds whose facts people may put right: none that hangs on the custody tree, none that only the office records."""
_NEVER: Final = frozenset({"replaces"})
"""Fields that say what a fact stands for, and not what was the case."""
_OF_THE_WORK: Final = frozenset(
    {
        "asset",
        "customer",
        "desired_outcome",
        "owner",
        "intent",
        "entitlement",
        "channel",
        "priority",
        "type",
        "trade",
    }
)
"""Of the fields of `job.opened` those that a customer may have said otherwise; no verdict and no node reads them."""


def correctable_fields(event: Event) -> frozenset[str]:
    """The fields of this event that people may put right; none where it is no such fact, or cannot be read here."""
    if event.body is None:
        return frozenset()
    if event.kind == "job.opened":
        return _OF_THE_WORK
    if event.kind not in CORRECTABLE:
        return frozenset()
    return frozenset(field.encode_name for field in msgspec.structs.fields(event.body)) - _NEVER


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How a fact reads with its corrections put in.

    `by` are the hashes of those that stand; `disputed` says that they contradict each other or do not fit.
    """

    body: Fact
    by: tuple[str, ...]
    disputed: bool


def readings(events: Iterable[Event]) -> dict[str, Reading]:
    """By hash, each of a job's facts that was corrected, as it reads; the same for any order of these events."""
    by_hash = {event.hash: event for event in events}
    said: dict[str, list[Event]] = {}
    for event in by_hash.values():
        if isinstance(event.body, Correction):
            said.setdefault(event.body.corrects, []).append(event)
    found: dict[str, Reading] = {}
    for hash_ in sorted(said.keys() & by_hash.keys()):
        event = by_hash[hash_]
        known = correctable_fields(event)
        if known and event.body is not None:
            body, disputed = corrected(event.body, said[hash_], known)
            standing = tuple(one.hash for one in still_standing(said[hash_]))
            found[hash_] = Reading(body=body, by=standing, disputed=disputed)
    return found


def correction_of(events: Iterable[Event], wrong: str, fields: Mapping[str, str], reason: str) -> Correction:
    """The correction to record of the fact `wrong` (a hash), one of these events of its job.

    It takes the place of those that stand and says again what they said of other fields; one that contradicts another
    on a field not named here stays. Raises NOT_FOUND, NOT_CORRECTABLE.
    """
    here = {event.hash: event for event in events}
    event = here.get(wrong)
    if event is None:
        raise Problem(NOT_FOUND, f"no event {wrong[:50]} of this job")
    known = correctable_fields(event)
    if not known or event.body is None:
        raise Problem(NOT_CORRECTABLE, event.kind)
    strange = sorted(set(fields) - known)
    if strange or not fields:
        raise Problem(NOT_CORRECTABLE, f"{event.kind} says {', '.join(sorted(known))}", ", ".join(strange))
    about = [one for one in here.values() if isinstance(one.body, Correction) and one.body.corrects == wrong]
    said: dict[str, set[str]] = {}
    standing = {one.hash: one.body for one in still_standing(about) if isinstance(one.body, Correction)}
    for body in standing.values():
        for name, value in body.fields.items():
            said.setdefault(name, set()).add(value)
    right = {name: values.copy().pop() for name, values in sorted(said.items()) if len(values) == 1} | dict(fields)
    before, _ = corrected(event.body, about, known)
    now = put_in(event.body, right)
    if now is None:
        raise Problem(NOT_CORRECTABLE, f"a value does not fit {event.kind}", ", ".join(sorted(fields)))
    if now == before and set(right) == set(said):
        raise Problem(NOT_CORRECTABLE, "it reads so already", ", ".join(sorted(fields)))
    replaces = tuple(hash_ for hash_, body in standing.items() if set(body.fields) <= set(right))
    return Correction(corrects=wrong, reason=reason, fields=right, replaces=replaces)
