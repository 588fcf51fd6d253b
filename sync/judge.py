"""Verdicts: what one event may do, given only what it names and the documents it was made under.

A verdict never looks at what else happens to have arrived, so the same set of events gives the same
verdicts in every order. What an event names and is not here parks it; what it names and was refused
refuses it. Whether two events can both stand is not decided here: that is a case of the fold.
"""

from sync.answers import accepted, confirmed, refused, withdrawn
from sync.authority import check_party, check_role, way_of, who_recorded
from sync.doubts import puts_in_doubt
from sync.events import (
    CUSTODY,
    JOBLESS,
    KINDS,
    STAFF_ONLY,
    Accepted,
    Confirmed,
    Custody,
    Escalated,
    Event,
    EventRedacted,
    Fact,
    JobCancelled,
    JobClosedByRule,
    JobMerged,
    JobOpened,
    JobResolved,
    Offered,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.payload import missing
from sync.policy import Policy
from sync.problems import (
    ELEMENT_MISSING,
    NEWER_SCHEMA,
    NO_CONTEST,
    NOT_ACCOUNTABLE,
    NOT_ALLOWED_NOW,
    NOT_FOR_PARTY,
    NOT_REDACTABLE,
    NOT_STAFF,
    OWN_OFFER,
    WRONG_CHOICE,
    WRONG_REFERENCE,
)
from sync.redaction import restates_redaction
from sync.references import No, arrived, directory_of, job_of, named, node_of, offer_of, policy_of, refuse
from sync.standing import APPLIED, Known, Node, Shelf, Standing, Verdict

_STAFF_FACTS = STAFF_ONLY - CUSTODY
_ROOTLESS = frozenset({"job.opened", "code.witnessed"})
"""Kinds that do not wait for the root of the job they name."""
_RULED = frozenset(
    {
        "job.resolved",
        "job.cancelled",
        "job.closed_by_rule",
        "handover.escalated",
        "job.merged",
        "event.redacted",
    }
)
"""Kinds outside custody that have a rule of their own."""
_PLAIN = frozenset(KINDS) - CUSTODY - STAFF_ONLY - _ROOTLESS - _RULED
"""Kinds of which any that names a job stands once the job does."""


def judge(event: Event, known: Known) -> Standing:
    """The verdict on one event whose bytes and signature were already found good."""
    if event.body is None:
        return Standing(event=event, verdict=Verdict(word="parked", code=NEWER_SCHEMA.slug, waits_for=("upgrade",)))
    if event.kind in _PLAIN and event.job:
        root = known.by_job(event.job)
        if root is not None and root.verdict.word == "applied":
            return Standing(event=event, verdict=APPLIED)
    try:
        return _judge(event, known)
    except No as no:
        return Standing(event=event, verdict=no.verdict)


def judge_all(events: list[Event], known: Shelf) -> None:
    """Judge a set of events in whatever order it comes: afterwards each stands in `known` with its verdict.

    What is parked is judged again when what it waits for arrives.
    """
    again = list(reversed(events))
    while again:
        event = again.pop()
        known.add(judge(event, known))
        again.extend(known.released(event))


def _judge(event: Event, known: Known) -> Standing:
    kind = event.kind
    if kind in _STAFF_FACTS and not known.is_staff(event.kid):
        raise refuse(NOT_STAFF)
    if event.job:
        if kind not in _ROOTLESS:
            arrived(known.by_job(event.job), event.job)
    elif kind not in JOBLESS:
        raise refuse(WRONG_REFERENCE, "it names no job")
    body = event.body
    if isinstance(body, Custody):
        return _custody(event, body, known)
    return _ruled(event, body, known) if kind in _RULED else Standing(event=event, verdict=APPLIED)


def _custody(event: Event, body: Custody, known: Known) -> Standing:
    match body:
        case JobOpened():
            return _opened(event, body, known)
        case Offered():
            return _offered(event, body, known)
        case Accepted():
            return accepted(event, body, known)
        case Refused():
            return refused(event, body, known)
        case Withdrawn():
            return withdrawn(event, body, known)
        case Confirmed():
            return confirmed(event, body, known)
        case Reassigned():
            return _reassigned(event, body, known)
        case Resolved():
            return _resolved(event, body, known)
        case _:
            raise TypeError(f"no rule for {event.kind}")


def _ruled(event: Event, body: Fact | None, known: Known) -> Standing:
    match body:
        case JobResolved() | JobCancelled() | JobClosedByRule():
            return _closing(event, body, known)
        case Escalated():
            return _escalated(event, body, known)
        case JobMerged():
            return _merged(event, body, known)
        case EventRedacted():
            return _redacted(event, body)
        case _:
            raise TypeError(f"no rule for {event.kind}")


# -- rules, one a kind --------------------------------------------------------
def _opened(event: Event, body: JobOpened, known: Known) -> Standing:
    who = who_recorded(event, body, known)
    check_party(who, body.party)
    if not who.staff and not who.acts_for(event.actor, body.party):
        raise refuse(NOT_FOR_PARTY, body.party)
    node = Node(key=event.hash, party=body.party, event=event, roster=who.roster)
    return Standing(event=event, verdict=APPLIED, node=node, roster=who.roster)


def _offered(event: Event, body: Offered, known: Known) -> Standing:
    node = node_of(known, body.basis, event)
    who = who_recorded(event, body, known, node.roster)
    policy = policy_of(known, body.boundary, body.policy)
    if body.sender != node.party:
        raise refuse(NOT_ACCOUNTABLE, body.sender)
    guest = not who.people.knows(body.sender)
    if guest:
        if not any(who.people.belongs(event.actor, party) for party in body.to):
            raise refuse(NOT_FOR_PARTY, body.sender)
    elif not who.acts_for(event.actor, body.sender):
        raise refuse(NOT_FOR_PARTY, body.sender)
    if set(body.to) == {body.sender}:
        raise refuse(OWN_OFFER, body.sender)
    holes = missing(body.payload, policy.mandatory)
    if holes:
        raise refuse(ELEMENT_MISSING, ", ".join(holes))
    if not guest:
        check_role(who, event.actor, policy.sender_role)
    _allowed(body, policy, node)
    return Standing(event=event, verdict=APPLIED, under=node, roster=who.roster)


def _allowed(body: Offered, policy: Policy, node: Node) -> None:
    rule = policy.allowed_when
    payload = body.payload
    if rule.states and payload.state not in rule.states:
        raise refuse(NOT_ALLOWED_NOW, f"state {payload.state}")
    if rule.priorities and payload.priority not in rule.priorities:
        raise refuse(NOT_ALLOWED_NOW, f"priority {payload.priority}")
    if rule.most_gaps is not None and len(payload.gaps) > rule.most_gaps:
        raise refuse(NOT_ALLOWED_NOW, f"{len(payload.gaps)} declared gaps")
    crossed = {step.boundary for step in way_of(node)}
    if not crossed.issuperset(rule.after):
        raise refuse(NOT_ALLOWED_NOW, f"not yet over {', '.join(sorted(set(rule.after) - crossed))}")


def _reassigned(event: Event, body: Reassigned, known: Known) -> Standing:
    node = node_of(known, body.basis, event)
    who = who_recorded(event, body, known, node.roster)
    check_party(who, body.party)
    child = Node(key=event.hash, party=body.party, event=event, roster=who.roster, parent=node)
    return Standing(event=event, verdict=APPLIED, node=child, under=node, roster=who.roster)


def _resolved(event: Event, body: Resolved, known: Known) -> Standing:
    node = node_of(known, body.basis, event)
    who = who_recorded(event, body, known, node.roster)
    cited = [named(known, hash_, event) for hash_ in body.cites]
    for hash_ in body.replaces:
        if not _resolves(named(known, hash_, event), node):
            raise refuse(WRONG_REFERENCE, f"{hash_} is no resolution of that basis")
    children = [one for one in cited if is_child(one, node)]
    if not _contest(children, cited):
        raise refuse(NO_CONTEST)
    if bool(body.chosen) == bool(body.party):
        raise refuse(WRONG_CHOICE, "choose an event or name a party, one of both")
    own = None
    if body.party:
        check_party(who, body.party, besides=node.party)
        own = Node(key=event.hash, party=body.party, event=event, roster=who.roster, parent=node)
    else:
        chosen = named(known, body.chosen, event)
        key = chosen.node.key if chosen.node else ""
        earlier = _resolves(chosen, node) and chosen.node is not None
        if not earlier and key not in {child.node.key for child in children if child.node}:
            raise refuse(WRONG_CHOICE, f"{body.chosen} is no cited child of that basis")
    return Standing(event=event, verdict=APPLIED, node=own, under=node, roster=who.roster)


def _resolves(found: Standing, node: Node) -> bool:
    return isinstance(found.event.body, Resolved) and found.under is not None and found.under.key == node.key


def is_child(found: Standing, node: Node) -> bool:
    """True for an acceptance or a reassignment right under `node`."""
    child = isinstance(found.event.body, Accepted | Reassigned)
    return child and found.under is not None and found.under.key == node.key


def _contest(children: list[Standing], cited: list[Standing]) -> bool:
    """Two different children; or a child and a withdrawal of its offer; or a child and what puts its log in doubt."""
    if len({child.node.key for child in children if child.node}) > 1:
        return True
    return any(
        _is_withdrawal_of(one, child) or puts_in_doubt(one.event, child.event) for one in cited for child in children
    )


def _is_withdrawal_of(one: Standing, child: Standing) -> bool:
    body = one.event.body
    return isinstance(body, Withdrawn) and child.offer is not None and child.offer.hash == body.offer


def _closing(event: Event, body: JobResolved | JobCancelled | JobClosedByRule, known: Known) -> Standing:
    node = node_of(known, body.node, event)
    if not known.is_staff(event.kid):
        people = directory_of(known, node.roster)
        if not (people.belongs(event.actor, node.party) or _hosts(event, node)):
            raise refuse(NOT_FOR_PARTY, node.party)
    return Standing(event=event, verdict=APPLIED, under=node)


def _hosts(event: Event, node: Node) -> bool:
    """True for the log in which a guest accepted: the guest's word is recorded there."""
    body = node.event.body
    return isinstance(body, Accepted) and body.met == "guest" and node.event.log == event.log


def _escalated(event: Event, body: Escalated, known: Known) -> Standing:
    _, _, node = offer_of(known, body.offer, event)
    return Standing(event=event, verdict=APPLIED, under=node)


def _merged(event: Event, body: JobMerged, known: Known) -> Standing:
    for job in body.jobs:
        job_of(known, job)
    return Standing(event=event, verdict=APPLIED)


def _redacted(event: Event, body: EventRedacted) -> Standing:
    """Whether the text is what is left of the event is found out where its bytes are; no verdict can wait for that."""
    if restates_redaction(body):
        raise refuse(NOT_REDACTABLE, "a redaction says no words")
    return Standing(event=event, verdict=APPLIED)
