"""What lists and reports read, made from one job's journey: the same rows from the same facts at any time."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

from sync.attendances import NO_GAP, NOT_CHECKED
from sync.clock import milliseconds
from sync.custody import Case
from sync.events import Accepted, Escalated, Event, NoteWritten, OrderCancelled, OrderImported, Refused
from sync.facts import in_force
from sync.goods import Item
from sync.handover import Handover, Presence, State
from sync.intervals import Interval, is_unsure, measured_ms
from sync.journey import Attendance, Check, JobState, Journey
from sync.payload import ELEMENTS, Element, Priority
from sync.policy import Arm, Policy
from sync.problems import Problem

RANK: Final[dict[Priority, int]] = {"critical": 0, "urgent": 1, "routine": 2}
NEVER_MS: Final = 2**62
"""Sorts behind every limit there is."""
MOST_SAID: Final = 200
"""Characters of the first note that a list shows."""
UNBOUND: Final = Interval()
NO_BOUNDS: Final[Mapping[str, Interval]] = {}
NO_CHANGES: Final[Mapping[str, int]] = {}
_ARMS: Final[tuple[Arm, ...]] = ("prompt", "holdout", "shadow")


class JobRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job at a glance. Times are ms since 1970; `seen` is what an action on it sends back.

    `said` is how the first note begins: of a job opened by hand, what the customer said is wrong.
    `changed_at` is the position of the newest fact about its orders that it was not offered with: whether its holder
    has that, the list of orders knows.
    """

    job: str
    state: JobState
    held: bool
    site: str
    asset: str
    customer: str
    trade: str
    type: str
    priority: Priority
    outcome: str
    owner: str
    order: str
    accountable: str
    since: str
    since_ms: int | None
    opened_ms: int | None
    planned: str
    stop: str
    window_from: str
    window_to: str
    due_ms: int | None
    open_offers: tuple[str, ...]
    open_cases: int
    visits: int
    on_site: bool
    items: int
    items_open: int
    gaps_open: int
    merged_with: tuple[str, ...]
    orders: tuple[str, ...]
    unmerged_orders: tuple[str, ...]
    changed_since_offer: bool
    discrepancies: tuple[str, ...]
    seen: int
    blobs_awaited: int = 0
    intent: str = ""
    channel: str = ""
    entitlement: str = ""
    said: str = ""
    changed_at: int = 0


class HandoverRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An offer and what became of it.

    `elements` says of each whether it is there, `mandatory` which of them the policy asks for. `escalate_ms` is when
    the next step of the policy's escalation is due, None where none is left or nobody need answer any more. It is
    `complete` once it is accepted and every blob that offer and answers name is here; `waits_for` names those that are
    not (SHA-256).
    """

    offer: str
    job: str
    boundary: str
    policy: str
    sender: str
    to: tuple[str, ...]
    state: State
    site: str
    offered_ms: int
    due_ms: int | None
    accepted_by: tuple[str, ...] = ()
    accepted_ms: int | None = None
    met: str = ""
    refused_by: tuple[str, ...] = ()
    confirmed: bool = False
    reserved: bool = False
    late: bool = False
    escalated: tuple[int, ...] = ()
    escalate_ms: int | None = None
    elements: dict[Element, Presence] = {}
    mandatory: tuple[Element, ...] = ()
    complete: bool = False
    waits_for: tuple[str, ...] = ()


class VisitRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attendance as the measures read it; `gaps` are all that checks found, whatever became of them.

    Its times are what was said, or else the wall clock's, cut where the event cannot have been recorded so. `unsure`
    names those that nothing bounds to five minutes, or that had to be cut by more.
    """

    id: str
    job: str
    site: str
    type: str
    trade: str = ""
    asset: str = ""
    arrived_ms: int | None = None
    departed_ms: int | None = None
    outcome: str = ""
    part: str = "no"
    plan_declared_ms: int | None = None
    converted_ms: int | None = None
    excluded: str = ""
    excluded_by: str = ""
    gaps: tuple[str, ...] = ()
    checked: bool = False
    arm: Arm | None = None
    people: tuple[str, ...] = ()
    unsure: tuple[Literal["arrived", "departed"], ...] = ()


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A contest, or an event in doubt, put before people."""

    job: str
    case: Case


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it was last said; `event` is the hash of the event that says so, `job` empty until it is matched.

    It is `cancelled` while one of `cancels` (hashes) stands. `changed_at` is the position of the newest fact about it
    that its job was not offered with, 0 where there is none.
    """

    name: str
    job: str
    event: str
    order: OrderImported
    cancelled: bool = False
    cancels: tuple[str, ...] = ()
    changed_at: int = 0


class JobRows(msgspec.Struct, frozen=True):
    """All rows of one job."""

    job: JobRow
    handovers: tuple[HandoverRow, ...]
    visits: tuple[VisitRow, ...]
    items: tuple[Item, ...]
    cases: tuple[CaseRow, ...]
    orders: tuple[OrderRow, ...]


def rows_of(
    journey: Journey,
    policies: dict[str, Policy | None],
    seen: int,
    awaited: frozenset[str] = frozenset(),
    bounds: Mapping[str, Interval] = NO_BOUNDS,
    changes: Mapping[str, int] = NO_CHANGES,
) -> JobRows:
    """The rows of a journey; `policies` are those of its offers, `seen` the position of its newest watched fact.

    `awaited` are the blobs that its events name and that are not here, `bounds` say by hash when each event can have
    been recorded, `changes` by an order's name where it changed since the job was offered.
    """
    handovers = tuple(_handover(journey, one, policies.get(one.offer.hash), awaited) for one in journey.handovers)
    return JobRows(
        _job(journey, handovers, seen, awaited, max(changes.values(), default=0)),
        handovers,
        tuple(_visit(journey.job, one, journey.checks, bounds) for one in journey.visits),
        journey.items,
        tuple(CaseRow(job=journey.job, case=case) for case in journey.custody.cases),
        tuple(_orders(journey, changes)),
    )


def blobs_of(events: Iterable[Event]) -> tuple[str, ...]:
    """The blobs that these events name, each once, in their order."""
    return tuple(dict.fromkeys(blob.sha256 for event in events for blob in event.blobs))


def _job(
    journey: Journey, handovers: tuple[HandoverRow, ...], seen: int, awaited: frozenset[str], changed_at: int
) -> JobRow:
    opened, tree, plan = journey.opened, journey.custody, journey.plan
    pending = [one for one in handovers if one.state in ("offered", "refused")]
    merged = {job for merge in journey.merged for job in merge.jobs} - {journey.job}
    in_merges = {order for merge in journey.merged for order in merge.orders}
    fulfilment = [name for name, order in journey.orders.items() if order.order_kind == "fulfilment"]
    root = tree.path[0].event if tree.path else None
    return JobRow(
        job=journey.job,
        state=journey.state,
        held=journey.held,
        site=opened.site if opened else "",
        asset=opened.asset if opened else "",
        customer=opened.customer if opened else "",
        trade=opened.trade if opened else "",
        type=opened.type if opened else "",
        priority=opened.priority if opened else "routine",
        outcome=opened.desired_outcome if opened else "",
        owner=opened.owner if opened else "",
        order=opened.order if opened else "",
        accountable=tree.accountable,
        since=tree.since.hash if tree.since else "",
        since_ms=tree.since.occurred_ms if tree.since else None,
        opened_ms=root.occurred_ms if root else None,
        planned=plan.crew if plan else "",
        stop=plan.stop if plan else "",
        window_from=plan.window_from if plan else "",
        window_to=plan.window_to if plan else "",
        due_ms=min((one.due_ms for one in pending if one.due_ms is not None), default=None),
        open_offers=tuple(one.offer for one in pending),
        open_cases=sum(case.state == "open" for case in tree.cases),
        visits=len(journey.visits),
        on_site=any(one.arrived_ms is not None and one.departed_ms is None for one in journey.visits),
        items=len(journey.items),
        items_open=sum(item.delivered + item.installed < item.expected for item in journey.items),
        gaps_open=sum(check.became == "open" for check in journey.checks),
        merged_with=tuple(sorted(merged)),
        orders=tuple(sorted(journey.orders)),
        unmerged_orders=tuple(sorted(set(fulfilment) - in_merges)),
        changed_since_offer=bool(changed_at),
        discrepancies=journey.discrepancies,
        seen=seen,
        blobs_awaited=len(awaited),
        intent=opened.intent if opened else "",
        channel=opened.channel if opened else "",
        entitlement=opened.entitlement if opened else "",
        said=next((one.body.text for one in journey.timeline if isinstance(one.body, NoteWritten)), "")[:MOST_SAID],
        changed_at=changed_at,
    )


def _handover(journey: Journey, one: Handover, policy: Policy | None, awaited: frozenset[str]) -> HandoverRow:
    waits_for = tuple(name for name in blobs_of((one.offer, *one.accepted, *one.refused)) if name in awaited)
    answers = [event.body for event in one.accepted]
    accepted = [body for body in answers if isinstance(body, Accepted)]
    return HandoverRow(
        offer=one.offer.hash,
        job=journey.job,
        boundary=one.content.boundary,
        policy=one.content.policy,
        sender=one.content.sender,
        to=one.content.to,
        state=one.state,
        site=one.content.site or (journey.opened.site if journey.opened else ""),
        offered_ms=one.offer.occurred_ms,
        due_ms=one.due_ms,
        accepted_by=tuple(sorted({body.party for body in accepted})),
        accepted_ms=one.accepted[0].occurred_ms if one.accepted else None,
        met=accepted[0].met if accepted else "",
        refused_by=tuple(sorted({event.body.party for event in one.refused if isinstance(event.body, Refused)})),
        confirmed=one.confirmed,
        reserved=one.reserved,
        late=one.late,
        escalated=tuple(sorted(taken_steps(one))),
        escalate_ms=min((at for at, _ in due_steps(one, policy)), default=None),
        elements=one.completeness(),
        mandatory=tuple(element for element in ELEMENTS if policy and element in policy.mandatory),
        complete=bool(one.accepted) and not waits_for,
        waits_for=waits_for,
    )


def taken_steps(handover: Handover) -> set[int]:
    """The steps of the escalation that were taken, counted from 0."""
    return {event.body.step for event in handover.escalations if isinstance(event.body, Escalated)}


def due_steps(handover: Handover, policy: Policy | None) -> list[tuple[int, int]]:
    """When each step not yet taken is due (ms since 1970), and which it is, in the policy's order."""
    if policy is None or handover.due_ms is None or handover.state not in ("offered", "refused"):
        return []
    taken = taken_steps(handover)
    steps = enumerate(policy.escalation)
    return [(handover.due_ms + step.after_minutes * 60_000, at) for at, step in steps if at not in taken]


def _visit(job: str, one: Attendance, checks: tuple[Check, ...], bounds: Mapping[str, Interval]) -> VisitRow:
    ends: tuple[tuple[Literal["arrived", "departed"], Event | None], ...] = (
        ("arrived", one.came),
        ("departed", one.went),
    )
    own = [check for check in checks if check.visit == one.visit]
    arms = {check.arm for check in own}
    return VisitRow(
        id=one.visit,
        job=job,
        site=one.site,
        type=one.type,
        trade=one.trade,
        asset=one.asset,
        arrived_ms=_measured(one.came, bounds),
        departed_ms=_measured(one.went, bounds),
        outcome=one.outcome,
        part=one.part,
        plan_declared_ms=instant(one.plan_declared_at),
        converted_ms=instant(one.converted_at),
        excluded=one.excluded,
        excluded_by=one.excluded_by,
        gaps=tuple(sorted({check.gap for check in own if check.gap})),
        checked=bool(own),
        arm=next((arm for arm in _ARMS if arm in arms), None),
        people=one.people,
        unsure=tuple(end for end, event in ends if event and is_unsure(event, bounds.get(event.hash, UNBOUND))),
    )


def _measured(event: Event | None, bounds: Mapping[str, Interval]) -> int | None:
    return measured_ms(event, bounds.get(event.hash, UNBOUND)) if event is not None else None


def _orders(journey: Journey, changes: Mapping[str, int]) -> list[OrderRow]:
    """Every order that hangs on the job, those that were taken back included."""
    return [
        msgspec.structs.replace(row, job=journey.job, changed_at=changes.get(row.name, 0))
        for row in order_rows(journey.timeline, journey.orders)
    ]


def order_rows(events: Iterable[Event], now: Mapping[str, OrderImported]) -> list[OrderRow]:
    """A row for each order that these events speak of, by name; `now` has the content of those in force, if known."""
    said: dict[str, list[Event]] = {}
    taken_back: dict[str, list[str]] = {}
    for event in events:
        match event.body:
            case OrderImported():
                said.setdefault(f"{event.body.source}/{event.body.order}", []).append(event)
            case OrderCancelled():
                taken_back.setdefault(f"{event.body.source}/{event.body.order}", []).append(event.hash)
    found: list[OrderRow] = []
    for name in sorted(said):
        newest, _ = in_force(said[name])
        if newest is None or not isinstance(newest.body, OrderImported):
            continue
        restored = {hash_ for one in said[name] if one.body is not None for hash_ in one.body.replaces}
        cancels = tuple(sorted(hash_ for hash_ in taken_back.get(name, ()) if hash_ not in restored))
        content = now.get(name, newest.body)
        row = OrderRow(name=name, job="", event=newest.hash, order=content, cancelled=bool(cancels), cancels=cancels)
        found.append(row)
    return found


def title_of(row: JobRow) -> str:
    """What people call the job: its order's number, else how its own begins."""
    return row.order.partition("/")[2] or row.order or row.job[:8]


def worst_gap(row: VisitRow, severity: tuple[str, ...]) -> str:
    """A visit's gap as measures name it: not_checked, none, or the worst type by the order given, then by name."""
    if not row.checked:
        return NOT_CHECKED
    rank = {name: place for place, name in enumerate(severity)}
    return min(row.gaps, key=lambda gap: (rank.get(gap, len(rank)), gap), default=NO_GAP)


def instant(text: str) -> int | None:
    """Milliseconds of an RFC 3339 time; None where it says none or cannot be read."""
    try:
        return milliseconds(text) if text else None
    except Problem:
        return None
