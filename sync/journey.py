"""The whole way of one job: a fold over the set of its applied events.

Custody, handovers, plan, visits, orders and items, checks, evidence. Facts are sets keyed by their own
ids, so neither order nor repetition matters; what contradicts itself is shown as a discrepancy.
"""

from collections import defaultdict
from collections.abc import Iterable
from operator import attrgetter
from typing import Final, Literal, TypeVar, cast

import msgspec

from sync.clock import milliseconds
from sync.corrections import correctable_fields
from sync.custody import Custody, custody
from sync.doubts import NO_DOUBTS, Doubts, why
from sync.events import (
    CUSTODY,
    Accepted,
    AssetScanned,
    AssistJoined,
    AssistLeft,
    CheckCleared,
    CheckFound,
    CheckOverridden,
    ContactReceived,
    Correction,
    Event,
    Fact,
    ItemScanned,
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
    LineChanged,
    LineImported,
    OrderCancelled,
    OrderChanged,
    OrderImported,
    OrderLine,
    SignalObserved,
    VisitArrived,
    VisitDeparted,
)
from sync.facts import corrected, in_force
from sync.handover import Handover, handovers
from sync.policy import Policy
from sync.standing import Standing

JobState = Literal["open", "resolved", "cancelled", "closed by rule"]
Became = Literal["", "cleared", "overridden", "open"]
"""What became of a check: "" where it found nothing."""
STEPS = ("picked", "loaded", "delivered", "installed", "returned", "short")


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


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Goods the job needs: how many are ordered, and how many were seen at each step; `with_party` holds them.

    `reserved` were accepted as not received and stay with the sender until a scan names the reservation.
    """

    item: str
    expected: int
    picked: int = 0
    loaded: int = 0
    delivered: int = 0
    installed: int = 0
    returned: int = 0
    short: int = 0
    reserved: int = 0
    with_party: str = ""


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
    def accountable(self) -> str:
        """The party that answers for the job now."""
        return self.custody.accountable


def jobs_of(event: Event) -> tuple[str, ...]:
    """The jobs an event is about: the envelope's, and those its body names."""
    body = event.body
    if isinstance(body, (JobMerged, JobUnmerged)):  # asked of every event, and a union would be made at each call
        return tuple(dict.fromkeys(job for job in (event.job, *body.jobs) if job))
    return (event.job,) if event.job else ()


_F = TypeVar("_F", bound=Fact)


_when = attrgetter("occurred_ms", "hash")


class _Facts:
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
    facts = _Facts(standings)
    hung = [one for one in facts.standings.values() if one.under is not None or one.node is not None]
    tree = custody(hung, doubts)
    found = handovers(hung, tree.contested, policies or {})
    orders = _orders(facts)
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
        items=_items(facts, orders, tree, found),
        checks=_checks(facts),
        signals=tuple(event for event, body in facts.of(SignalObserved) if body.observed != "nothing"),
        contacts=tuple(event for event, _ in facts.of(ContactReceived)),
        merged=_merged(facts),
        assisting=tuple(sorted({body.who for _, body in facts.all(AssistJoined)} - left)),
        discrepancies=tuple(sorted(facts.discrepancies)),
        timeline=tuple(facts.timeline),
    )


def _doubtful(facts: _Facts, tree: Custody, doubts: Doubts) -> list[str]:
    """What is in doubt and is not custody; a resolution that cites it ends that, as a promotion does."""
    return [
        f"{event.kind} {event.hash} stands where its log was continued twice"
        for event in facts.timeline
        if event.kind not in CUSTODY and event.hash not in tree.cited and why(event, doubts) is not None
    ]


def _state(facts: _Facts, tree: Custody) -> JobState:
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


def _held(facts: _Facts) -> bool:
    released = {body.held for _, body in facts.all(JobReleased)}
    return any(event.hash not in released for event, _ in facts.of(JobHeld))


def _merged(facts: _Facts) -> tuple[JobMerged, ...]:
    undone = {body.merged for _, body in facts.all(JobUnmerged)}
    return tuple(body for event, body in facts.of(JobMerged) if event.hash not in undone)


# -- visits -------------------------------------------------------------------
def _visits(job: str, facts: _Facts) -> tuple[Attendance, ...]:
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


# -- orders and items ---------------------------------------------------------
def _orders(facts: _Facts) -> dict[str, OrderImported]:
    said: dict[str, list[tuple[Event, OrderImported]]] = defaultdict(list)
    for event, body in facts.all(OrderImported, OrderChanged):
        said[f"{body.source}/{body.order}"].append((event, body))
    restored = {hash_ for one in said.values() for _, body in one for hash_ in body.replaces}
    cancelled = {
        f"{body.source}/{body.order}" for event, body in facts.all(OrderCancelled) if event.hash not in restored
    }
    orders: dict[str, OrderImported] = {}
    for name in sorted(said.keys() - cancelled):
        order = facts.one(f"contents of order {name}", said[name])
        if order is not None:
            orders[name] = _with_lines(order, facts)
    return orders


def _with_lines(order: OrderImported, facts: _Facts) -> OrderImported:
    """The order with the lines that came on their own."""
    lines = {line.line: line for line in order.lines}
    said: dict[str, list[tuple[Event, LineImported]]] = defaultdict(list)
    for event, body in facts.all(LineImported, LineChanged):
        if (body.source, body.order) == (order.source, order.order):
            said[body.line.line].append((event, body))
    for name in sorted(said):
        found = facts.one(f"contents of line {name}", said[name])
        if found is not None:
            lines[name] = found.line
    return msgspec.structs.replace(order, lines=tuple(lines[name] for name in sorted(lines)))


def _items(
    facts: _Facts, orders: dict[str, OrderImported], tree: Custody, found: tuple[Handover, ...]
) -> tuple[Item, ...]:
    """Every item that an order, a scan or an offer names: ordered, seen at each step, and who has it."""
    lines: list[OrderLine] = [line for order in orders.values() for line in order.lines]
    expected: dict[str, int] = defaultdict(int)
    for line in lines:
        expected[line.article] += line.qty
    seen: dict[str, dict[str, int]] = {}
    supplied: dict[tuple[str, str], int] = defaultdict(int)
    carriers: dict[str, str] = {}
    serials = {serial: line.article for line in lines for serial in line.serials}
    answers = {answer.hash: (answer, one) for one in found for answer in one.accepted}
    for event, scan in facts.of(ItemScanned):
        item = serials.get(scan.item, scan.item)
        steps = seen.setdefault(item, {})
        steps[scan.step] = steps.get(scan.step, 0) + scan.qty
        carriers.setdefault(item, event.actor)
        if scan.step in _HERE and _receives(event, answers.get(scan.reservation)):
            for name in {scan.item, item}:
                supplied[scan.reservation, name] += scan.qty
    reserved, holders = _moved(facts, tree, found, supplied)
    for one in found:
        for count in one.content.payload.items:
            expected.setdefault(count.id, count.expected)
    names = sorted(expected.keys() | seen.keys())
    return tuple(
        Item(
            item=name,
            expected=expected[name],
            **seen.get(name, {}),
            reserved=reserved.get(name, 0),
            with_party=holders.get(name, "" if name not in carriers else _first_holder(tree, carriers[name])),
        )
        for name in names
    )


_HERE: Final = ("picked", "loaded", "delivered", "installed")
"""The steps that show an item to be there; `returned` and `short` say the opposite."""


def _receives(scan: Event, answered: tuple[Event, Handover] | None) -> bool:
    """True where the scan is of the receiver's side of that acceptance: nobody hands himself off what was reserved."""
    if answered is None:
        return False
    answer, handover = answered
    receivers = (answer.actor, answer.body.party if isinstance(answer.body, Accepted) else "")
    return scan.actor in receivers or scan.actor not in (handover.offer.actor, handover.content.sender)


def _first_holder(tree: Custody, carrier: str) -> str:
    """Before any acceptance lists an item, the party that opened the job has it; without a root, whoever scanned it."""
    return tree.path[0].party if tree.path else carrier


def _moved(
    facts: _Facts, tree: Custody, found: tuple[Handover, ...], supplied: dict[tuple[str, str], int]
) -> tuple[dict[str, int], dict[str, str]]:
    """What each item lacks by reservation, and who has it: it moves with the acceptances on the walk that list it.

    Where one node was accepted more than once, what any of these acceptances reserved is reserved.
    """
    offers = {one.offer.hash: one.content for one in found}
    accepted: dict[str, list[tuple[str, Accepted]]] = defaultdict(list)
    for event, answer in facts.all(Accepted):
        node = facts.standings[event.hash].node
        accepted[node.key if node is not None else ""].append((event.hash, answer))
    reserved: dict[str, int] = defaultdict(int)
    holders: dict[str, str] = {}
    for node in tree.path:
        lacks: dict[str, int] = {}
        gone: dict[str, bool] = {}
        for hash_, body in accepted[node.key]:
            counted = {one.item: one.counted for one in body.reservations}
            for count in offers[body.offer].payload.items if body.offer in offers else ():
                lack = count.counted - counted.get(count.id, count.counted) - supplied[hash_, count.id]
                lacks[count.id] = max(lacks.get(count.id, 0), lack)
                gone[count.id] = gone.get(count.id, True) and lack < max(count.counted, 1)
        for name, lack in lacks.items():
            reserved[name] += lack
            if gone[name]:
                holders[name] = node.party
    return {name: count for name, count in reserved.items() if count}, holders


# -- checks -------------------------------------------------------------------
def _checks(facts: _Facts) -> tuple[Check, ...]:
    cleared = {body.found for _, body in facts.all(CheckCleared)}
    overridden = {body.found for _, body in facts.all(CheckOverridden)}
    checks = []
    for event, body in facts.of(CheckFound):
        became: Became = ""
        if body.gap:
            became = "cleared" if event.hash in cleared else "overridden" if event.hash in overridden else "open"
        checks.append(Check(check=body.check, visit=body.visit, arm=body.arm, gap=body.gap, found=event, became=became))
    return tuple(checks)
