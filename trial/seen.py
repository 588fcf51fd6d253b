"""What one side shows of its jobs, by hashes: the same few facts of a device, of the backend and of the union of logs.

A host sends it over its pipe; the engine puts the scenario's names in the place of the hashes.
"""

from collections.abc import Iterable

import msgspec

from sync.attendances import NO_GAP, NOT_CHECKED, Visit
from sync.clock import milliseconds
from sync.corroboration import corroborate
from sync.events import Accepted, SignalObserved
from sync.goods import Item
from sync.journey import Attendance, Check, Journey
from sync.visits import repeats


class SeenHandover(msgspec.Struct, frozen=True, kw_only=True):
    """A handover by the hash of its offer; `present` are its elements that are said, `declared` the declared gaps."""

    offer: str
    state: str
    confirmed: bool
    reserved: bool
    late: bool
    lapsed: bool
    escalated: int
    met: str
    boundary: str
    completeness: dict[str, str]


class SeenCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case by the hash of one event that made its basis."""

    basis: str
    state: str
    parties: tuple[str, ...]


class SeenCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check of a visit (by the visit's id): its gap type, "" where it found none, and what became of it."""

    visit: str
    check: str
    gap: str
    arm: str
    became: str


class SeenJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job by its id; `since` is the hash of the event that made `accountable` accountable, `since_ms` its time."""

    job: str
    accountable: str
    since: str
    since_ms: int
    state: str
    held: bool
    assisting: tuple[str, ...]
    merged: tuple[str, ...]
    discrepancies: tuple[str, ...]
    handovers: tuple[SeenHandover, ...]
    cases: tuple[SeenCase, ...]
    items: tuple[Item, ...]
    checks: tuple[SeenCheck, ...]
    visits: tuple[Visit, ...]
    corroboration: dict[str, str] = {}


class SeenVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The judgement of one event, by its hash."""

    word: str
    code: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """All that one side shows: its jobs, and its verdicts by hash."""

    jobs: tuple[SeenJob, ...]
    verdicts: dict[str, SeenVerdict]

    def repeats(self) -> dict[str, str]:
        """Which visit is repeated by which, by their ids, over all jobs seen (rule rv-1)."""
        return repeats(visit for job in self.jobs for visit in job.visits).pairs()


def seen_job(journey: Journey, as_of_ms: int) -> SeenJob:
    """What a journey shows at that time."""
    since = journey.custody.since
    return SeenJob(
        job=journey.job,
        accountable=journey.accountable,
        since=since.hash if since else "",
        since_ms=since.occurred_ms if since else 0,
        state=journey.state,
        held=journey.held,
        assisting=journey.assisting,
        merged=tuple(sorted({job for merge in journey.merged for job in merge.jobs if job != journey.job})),
        discrepancies=journey.discrepancies,
        handovers=tuple(_handovers(journey, as_of_ms)),
        cases=tuple(
            SeenCase(basis=case.basis, state=case.state, parties=case.parties) for case in journey.custody.cases
        ),
        items=journey.items,
        checks=tuple(
            SeenCheck(visit=one.visit, check=one.check, gap=one.gap, arm=one.arm, became=one.became)
            for one in journey.checks
        ),
        visits=tuple(visit_of(one, journey.checks) for one in journey.visits if one.site),
        corroboration={one.visit: _label(one, journey) for one in journey.visits if one.arrived_ms is not None},
    )


def _label(visit: Attendance, journey: Journey) -> str:
    """What the signals recorded for the job say of an arrival."""
    evidence = [event.body for event in journey.signals if isinstance(event.body, SignalObserved)]
    return str(corroborate(evidence, visit.site, visit.arrived_ms or 0, 0, visit.people).label)


def _handovers(journey: Journey, as_of_ms: int) -> Iterable[SeenHandover]:
    for one in journey.handovers:
        first = one.accepted[0].body if one.accepted else None
        yield SeenHandover(
            offer=one.offer.hash,
            state=one.state,
            confirmed=one.confirmed,
            reserved=one.reserved,
            late=one.late,
            lapsed=one.lapsed(as_of_ms),
            escalated=len(one.escalations),
            met=first.met if isinstance(first, Accepted) else "",
            boundary=one.content.boundary,
            completeness={str(element): presence for element, presence in one.completeness().items()},
        )


def visit_of(one: Attendance, checks: Iterable[Check] = ()) -> Visit:
    """An attendance as rule rv-1 reads it."""
    gaps = sorted(check.gap or NO_GAP for check in checks if check.visit == one.visit)
    found = [gap for gap in gaps if gap != NO_GAP]
    return Visit(
        id=one.visit,
        job=one.job,
        site=one.site,
        type=one.type,  # type: ignore[arg-type]  # the event's own type was checked when it was read
        trade=one.trade or None,
        asset=one.asset or None,
        arrived_ms=one.arrived_ms,
        departed_ms=one.departed_ms,
        outcome=one.outcome if one.departed_ms is not None else None,  # type: ignore[arg-type]  # as above
        part=one.part,  # type: ignore[arg-type]  # as above
        plan_declared_ms=milliseconds(one.plan_declared_at) if one.plan_declared_at else None,
        converted_ms=milliseconds(one.converted_at) if one.converted_at else None,
        excluded=one.excluded or None,
        excluded_by=one.excluded_by or None,
        gap=found[0] if found else NO_GAP if gaps else NOT_CHECKED,
    )
