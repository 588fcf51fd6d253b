"""The whole way of one job: a fold over the set of its applied events.

Custody, handovers, plan, visits, orders and items, checks, evidence. Facts are sets keyed by their own
ids, so neither order nor repetition matters; what contradicts itself is shown as a discrepancy.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import msgspec

from sync.custody import Custody, custody
from sync.doubts import NO_DOUBTS, Doubts, why
from sync.events import (
    CUSTODY,
    AssetScanned,
    AssistJoined,
    AssistLeft,
    CheckCleared,
    CheckFound,
    CheckOverridden,
    ContactReceived,
    Event,
    JobCancelled,
    JobClosedByRule,
    JobHeld,
    JobMerged,
    JobOpened,
    JobPlanned,
    JobReleased,
    JobReopened,
    JobResolved,
    JobUnmerged,
    OrderImported,
    SignalObserved,
    VisitArrived,
    VisitDeparted,
)
from sync.gathered import Gathered
from sync.goods import Item, items_of, orders_of
from sync.handover import Handover, handovers
from sync.policy import Policy
from sync.standing import Standing

JobState = Literal["open", "resolved", "cancelled", "closed by rule"]
Became = Literal["", "cleared", "overridden", "open"]
"""What became of a check: "" where it found nothing."""


class Attendance(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One visit as recorded: who came when and left when (ms since 1970), and how the times were entered.

    `came` and `went` are the events that say so, corrections put in; None where none does.
    """

    visit: str
    job: str
    site: str
    asset: str
    trade: str
    type: str
    stop: str
    arrived_ms: int | None
    departed_ms: int | None
    arrived_how: str
    outcome: str
    part: str
    plan_declared_at: str
    converted_at: str
    excluded: str
    excluded_by: str
    people: tuple[str, ...]
    scanned_assets: tuple[str, ...]
    came: Event | None = None
    went: Event | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A check before departure, and what became of the gap it found."""

    check: str
    visit: str
    arm: str
    gap: str
    found: Event
    became: Became


class Journey(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All that follows from the events of one job.

    `order` is the content in force by `source/id`. `merged` are the merges in force that name this job.
    `discrepancies` say in words what contradicts itself; they move nothing.
    """

    job: str
    opened: JobOpened | None
    custody: Custody
    state: JobState
    held: bool
    plan: JobPlanned | None
    handovers: tuple[Handover, ...]
    visits: tuple[Attendance, ...]
    orders: dict[str, OrderImported]
    items: tuple[Item, ...]
    checks: tuple[Check, ...]
    signals: tuple[Event, ...]
    contacts: tuple[Event, ...]
    merged: tuple[JobMerged, ...]
    assisting: tuple[str, ...]
    discrepancies: tuple[str, ...]
    timeline: tuple[Event, ...]

    @property
    def root(self) -> str:
        """The hash of what opened the job; empty while that is not here."""
        return self.custody.path[0].event.hash if self.custody.path else ""

    @property
    def accountable(self) -> str:
        """The party that answers for the job now."""
        return self.custody.accountable


def jobs_of(event: Event) -> tuple[str, ...]:
    """The jobs an event is about: the envelope's, and those its body names."""
    body = event.body
    if isinstance(body, (JobMerged, JobUnmerged)):  # asked of every event, and a union would be made at each call
        return tuple(dict.fromkeys(job for job in (event.job, *body.jobs) if job))
    return (event.job,) if event.job else ()


def journey(
    job: str,
    standings: Iterable[Standing],
    policies: dict[str, Policy | None] | None = None,
    doubts: Doubts = NO_DOUBTS,
) -> Journey:
    """The journey of `job` from judged events about it, in any order, repeated or not; only applied ones count.

    `policies` gives, by an offer's hash, the policy it was made under (for limits); without it an
    offer's own `until` is its only limit. `doubts` open cases, and discrepancies for what is not custody.
    """
    facts = Gathered(standings)
    hung = [one for one in facts.standings.values() if one.under is not None or one.node is not None]
    tree = custody(hung, doubts)
    found = handovers(hung, tree.contested, policies or {})
    orders = orders_of(facts)
    left = {body.who for _, body in facts.all(AssistLeft)}
    state = _state(facts, tree)
    plan = facts.one("plans", facts.all(JobPlanned))
    visits = _visits(job, facts)
    if doubts is not NO_DOUBTS:
        facts.discrepancies += _doubtful(facts, tree, doubts)
    return Journey(
        job=job,
        opened=next((body for _, body in facts.all(JobOpened)), None),
        custody=tree,
        state=state,
        held=_held(facts),
        plan=plan,
        handovers=found,
        visits=visits,
        orders=orders,
        items=items_of(facts, orders, tree, found),
        checks=_checks(facts),
        signals=tuple(event for event, body in facts.of(SignalObserved) if body.observed != "nothing"),
        contacts=tuple(event for event, _ in facts.of(ContactReceived)),
        merged=_merged(facts),
        assisting=tuple(sorted({body.who for _, body in facts.all(AssistJoined)} - left)),
        discrepancies=tuple(sorted(facts.discrepancies)),
        timeline=tuple(facts.timeline),
    )


def _doubtful(facts: Gathered, tree: Custody, doubts: Doubts) -> list[str]:
    """What is in doubt and is not custody; a resolution that cites it ends that, as a promotion does."""
    return [
        f"{event.kind} {event.hash} stands where its log was continued twice"
        for event in facts.timeline
        if event.kind not in CUSTODY and event.hash not in tree.cited and why(event, doubts) is not None
    ]


def _state(facts: Gathered, tree: Custody) -> JobState:
    """Closed while the walk ends at the node its closing names; a reopening that names the closing ends that."""
    reopened = {hash_ for _, body in facts.all(JobReopened) for hash_ in body.closings}
    closings: list[tuple[JobState, list[Event]]] = [
        ("resolved", [event for event, _ in facts.of(JobResolved)]),
        ("cancelled", [event for event, _ in facts.of(JobCancelled)]),
        ("closed by rule", [event for event, _ in facts.of(JobClosedByRule)]),
    ]
    if not any(events for _, events in closings):
        return "open"
    states: list[JobState] = []
    for state, events in closings:
        for event in events:
            under = facts.standings[event.hash].under
            if event.hash in reopened or under is None or tree.at is None:
                continue
            if under.key == tree.at.key:
                states.append(state)
            else:
                facts.discrepancies.append(f"closed as {state} by {event.actor}, no longer accountable")
    if len(set(states)) > 1:
        facts.discrepancies.append(f"closed as {' and as '.join(sorted(set(states)))}")
    return states[0] if states else "open"


def _held(facts: Gathered) -> bool:
    released = {body.held for _, body in facts.all(JobReleased)}
    return any(event.hash not in released for event, _ in facts.of(JobHeld))


def _merged(facts: Gathered) -> tuple[JobMerged, ...]:
    undone = {body.merged for _, body in facts.all(JobUnmerged)}
    return tuple(body for event, body in facts.of(JobMerged) if event.hash not in undone)


# -- visits -------------------------------------------------------------------
def _visits(job: str, facts: Gathered) -> tuple[Attendance, ...]:
    came: dict[str, list[tuple[Event, VisitArrived]]] = defaultdict(list)
    went: dict[str, list[tuple[Event, VisitDeparted]]] = defaultdict(list)
    scans: dict[str, set[str]] = defaultdict(set)
    for event, arrived in facts.of(VisitArrived):
        came[arrived.visit].append((event, arrived))
    for event, departed in facts.of(VisitDeparted):
        went[departed.visit].append((event, departed))
    for _, scan in facts.all(AssetScanned):
        scans[scan.visit].add(scan.asset)
    visits = [_attendance(job, visit, came[visit], went[visit], scans[visit]) for visit in sorted({*came, *went})]
    return tuple(sorted(visits, key=lambda one: (one.arrived_ms or 0, one.visit)))


def _attendance(
    job: str,
    visit: str,
    came: list[tuple[Event, VisitArrived]],
    went: list[tuple[Event, VisitDeparted]],
    assets: set[str],
) -> Attendance:
    """Several arrivals of one visit are one, the earliest; of several departures the latest. Both are in order."""
    arrived = came[0][1] if came else VisitArrived(visit=visit, site="?")
    departed = went[-1][1] if went else VisitDeparted(visit=visit)
    return Attendance(
        visit=visit,
        job=job,
        site=arrived.site if came else "",
        asset=arrived.asset or (min(assets) if len(assets) == 1 else ""),
        trade=arrived.trade,
        type=arrived.type,
        stop=arrived.stop,
        arrived_ms=came[0][0].occurred_ms if came else None,
        departed_ms=went[-1][0].occurred_ms if went else None,
        arrived_how=arrived.entered or "",
        outcome=departed.outcome,
        part=departed.part,
        plan_declared_at=departed.plan_declared_at,
        converted_at=departed.converted_at,
        excluded=departed.excluded,
        excluded_by=departed.excluded_by,
        people=tuple(sorted({event.actor for event, _ in came})),
        scanned_assets=tuple(sorted(assets)),
        came=came[0][0] if came else None,
        went=went[-1][0] if went else None,
    )


# -- checks -------------------------------------------------------------------
def _checks(facts: Gathered) -> tuple[Check, ...]:
    cleared = {body.found for _, body in facts.all(CheckCleared)}
    overridden = {body.found for _, body in facts.all(CheckOverridden)}
    checks = []
    for event, body in facts.of(CheckFound):
        became: Became = ""
        if body.gap:
            became = "cleared" if event.hash in cleared else "overridden" if event.hash in overridden else "open"
        checks.append(Check(check=body.check, visit=body.visit, arm=body.arm, gap=body.gap, found=event, became=became))
    return tuple(checks)
