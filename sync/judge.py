"""Verdicts: what one event may do, given only what it names and the documents it was made under.

A verdict never looks at what else happens to have arrived, so the same set of events gives the same
verdicts in every order. What an event names and is not here parks it; what it names and was refused
refuses it. Whether two events can both stand is not decided here: that is a case of the fold.
"""

import msgspec

from sync.events import (
    CUSTODY,
    JOBLESS,
    STAFF_ONLY,
    Accepted,
    Confirmed,
    Custody,
    DeviceRevoked,
    Escalated,
    Event,
    Fact,
    JobCancelled,
    JobClosedByRule,
    JobMerged,
    JobOpened,
    JobResolved,
    LogForked,
    Offered,
    PersonSwitched,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.ids import event_hash
from sync.payload import missing
from sync.policy import Directory, Policy, is_role
from sync.problems import (
    ELEMENT_MISSING,
    NAMES_REFUSED,
    NEWER_SCHEMA,
    NO_CONTEST,
    NOT_A_PARTY,
    NOT_ACCOUNTABLE,
    NOT_ADDRESSED,
    NOT_ALLOWED_NOW,
    NOT_DISTINCT,
    NOT_ENTITLED,
    NOT_FOR_PARTY,
    NOT_ON_DEVICE,
    NOT_SIGNED,
    NOT_STAFF,
    OTHER_JOB,
    OWN_OFFER,
    UNKNOWN_BASIS,
    UNKNOWN_DOCUMENT,
    UNKNOWN_KEY,
    WRONG_CHOICE,
    WRONG_MEETING,
    WRONG_REFERENCE,
    ProblemKind,
)
from sync.standing import APPLIED, Known, Node, Shelf, Standing, Verdict, Word

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
    }
)
"""Kinds outside custody that have a rule of their own; any other fact stands once its job does."""


class _No(Exception):
    """The event is not applied: the verdict says why."""

    def __init__(self, word: Word, kind: ProblemKind, detail: str = "", waits_for: tuple[str, ...] = ()) -> None:
        self.verdict = Verdict(word=word, code=kind.slug, detail=detail, waits_for=waits_for)


def _refuse(kind: ProblemKind, detail: str = "") -> _No:
    return _No("refused", kind, detail)


def judge(event: Event, known: Known) -> Standing:
    """The verdict on one event whose bytes and signature were already found good."""
    if event.body is None:
        return Standing(event=event, verdict=Verdict(word="parked", code=NEWER_SCHEMA.slug, waits_for=("upgrade",)))
    try:
        return _judge(event, known)
    except _No as no:
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
        raise _refuse(NOT_STAFF)
    if event.job:
        if kind not in _ROOTLESS:
            _arrived(known.by_job(event.job), event.job)
    elif kind not in JOBLESS:
        raise _refuse(WRONG_REFERENCE, "it names no job")
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
            return _accepted(event, body, known)
        case Refused():
            return _refused(event, body, known)
        case Withdrawn():
            return _withdrawn(event, body, known)
        case Confirmed():
            return _confirmed(event, body, known)
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
        case _:
            raise TypeError(f"no rule for {event.kind}")


# -- what an event names ------------------------------------------------------
def _named(known: Known, hash_: str, event: Event) -> Standing:
    found = _arrived(known.by_hash(hash_), hash_)
    if found.event.job != event.job and found.event.kind not in ("device.revoked", "log.forked"):
        raise _refuse(OTHER_JOB, hash_)
    return found


def _job(known: Known, job: str) -> Standing:
    return _arrived(known.by_job(job), job)


def _arrived(found: Standing | None, name: str) -> Standing:
    if found is None or found.verdict.word in ("parked", "quarantined"):
        raise _No("parked", UNKNOWN_BASIS, name, (name,))
    if found.verdict.word == "refused":
        raise _refuse(NAMES_REFUSED, name)
    return found


def _node(known: Known, hash_: str, event: Event) -> Node:
    found = _named(known, hash_, event)
    if found.node is None:
        raise _refuse(WRONG_REFERENCE, f"{hash_} made nobody accountable")
    return found.node


def _offer(known: Known, hash_: str, event: Event) -> tuple[Standing, Offered, Node]:
    found = _named(known, hash_, event)
    if not isinstance(found.event.body, Offered) or found.under is None:
        raise _refuse(WRONG_REFERENCE, f"{hash_} is no offer")
    return found, found.event.body, found.under


# -- documents ----------------------------------------------------------------
def _version(reference: str) -> int:
    return int(reference.partition(".")[0])


def _newer(one: str, other: str) -> str:
    """Of two references the one with the higher version; of two alike, the same one in every order."""
    return one if one == other else max(one, other, key=lambda reference: (_version(reference), reference))


def _directory(known: Known, reference: str) -> Directory:
    found = known.directory(reference)
    if found is None:
        raise _No("parked", UNKNOWN_DOCUMENT, f"roster {reference}", (f"roster {reference}",))
    return found


def _policy(known: Known, boundary: str, reference: str) -> Policy:
    found = known.policy(boundary, reference)
    if found is None:
        name = f"policy:{boundary} {reference}"
        raise _No("parked", UNKNOWN_DOCUMENT, name, (name,))
    return found


class _Who(msgspec.Struct, frozen=True):
    """Who recorded an event: `people` as the newest roster on the way says, `staff` if in the office's log."""

    people: Directory
    staff: bool
    roster: str

    def acts_for(self, actor: str, party: str) -> bool:
        return not is_role(party) and self.people.belongs(actor, party)


def _who(event: Event, body: Custody, known: Known, before: str = "") -> _Who:
    """Check the key and the person behind a custody event; `before` is the newest roster on its way to the root."""
    if not event.kid:
        raise _refuse(NOT_SIGNED)
    own = _directory(known, body.roster)
    newest = _newer(body.roster, before or body.roster)
    staff = own.is_staff(event.kid)
    if not staff and event.kind in STAFF_ONLY:
        raise _refuse(NOT_STAFF)
    if not staff:
        device = own.device(event.kid)
        if device is None:
            raise _refuse(UNKNOWN_KEY, event.kid)
        if event.actor not in device.people:
            raise _refuse(NOT_ON_DEVICE, event.actor)
    people = own if newest == body.roster else _directory(known, newest)
    return _Who(people, staff, newest)


# -- rules, one a kind --------------------------------------------------------
def _opened(event: Event, body: JobOpened, known: Known) -> Standing:
    who = _who(event, body, known)
    _party(who, body.party)
    if not who.staff and not who.acts_for(event.actor, body.party):
        raise _refuse(NOT_FOR_PARTY, body.party)
    node = Node(key=event.hash, party=body.party, event=event, roster=who.roster)
    return Standing(event=event, verdict=APPLIED, node=node, roster=who.roster)


def _party(who: _Who, party: str, besides: str = "") -> None:
    if is_role(party) or not (who.people.knows(party) or party == besides):
        raise _refuse(NOT_A_PARTY, party)


def _offered(event: Event, body: Offered, known: Known) -> Standing:
    node = _node(known, body.basis, event)
    who = _who(event, body, known, node.roster)
    policy = _policy(known, body.boundary, body.policy)
    if body.sender != node.party:
        raise _refuse(NOT_ACCOUNTABLE, body.sender)
    guest = not who.people.knows(body.sender)
    if guest:
        if not any(who.people.belongs(event.actor, party) for party in body.to):
            raise _refuse(NOT_FOR_PARTY, body.sender)
    elif not who.acts_for(event.actor, body.sender):
        raise _refuse(NOT_FOR_PARTY, body.sender)
    if set(body.to) == {body.sender}:
        raise _refuse(OWN_OFFER, body.sender)
    holes = missing(body.payload, policy.mandatory)
    if holes:
        raise _refuse(ELEMENT_MISSING, ", ".join(holes))
    if not guest:
        _role(who, event.actor, policy.sender_role)
    _allowed(body, policy, node)
    return Standing(event=event, verdict=APPLIED, under=node, roster=who.roster)


def _role(who: _Who, actor: str, role: str | None) -> None:
    person = who.people.person(actor)
    if role is not None and (person is None or role not in person.roles):
        raise _refuse(NOT_ENTITLED, f"{actor} is not {role}")


def _allowed(body: Offered, policy: Policy, node: Node) -> None:
    rule = policy.allowed_when
    payload = body.payload
    if rule.states and payload.state not in rule.states:
        raise _refuse(NOT_ALLOWED_NOW, f"state {payload.state}")
    if rule.priorities and payload.priority not in rule.priorities:
        raise _refuse(NOT_ALLOWED_NOW, f"priority {payload.priority}")
    if rule.most_gaps is not None and len(payload.gaps) > rule.most_gaps:
        raise _refuse(NOT_ALLOWED_NOW, f"{len(payload.gaps)} declared gaps")
    crossed = {step.boundary for step in _way(node)}
    if not crossed.issuperset(rule.after):
        raise _refuse(NOT_ALLOWED_NOW, f"not yet over {', '.join(sorted(set(rule.after) - crossed))}")


def _way(node: Node | None) -> list[Node]:
    """The nodes from `node` to the root, both included."""
    way = []
    while node is not None:
        way.append(node)
        node = node.parent
    return way


def _accepted(event: Event, body: Accepted, known: Known) -> Standing:
    offer, offered, node = _offer(known, body.offer, event)
    who = _who(event, body, known, offer.roster)
    policy = _policy(known, offered.boundary, body.policy or offered.policy)
    _addressed(who, body.party, offered)
    _meeting(event, body, offer.event, offered.sender, who, known)
    if body.party == offered.sender or (event.actor == offer.event.actor and body.met not in ("guest", "witnessed")):
        raise _refuse(OWN_OFFER, body.party)
    speaker = offer.event.actor if who.people.knows(offered.sender) else ""
    _entitled(event, body, speaker, who, policy)
    _distinct(event, body, {offered.sender, offer.event.actor}, node, policy)
    child = Node(
        key=event_hash(f"{node.key} {body.party}".encode()),
        party=body.party,
        event=event,
        roster=who.roster,
        boundary=offered.boundary,
        parent=node,
    )
    return Standing(event=event, verdict=APPLIED, node=child, under=node, offer=offer.event, roster=who.roster)


def _addressed(who: _Who, party: str, offered: Offered) -> None:
    if is_role(party):
        raise _refuse(NOT_A_PARTY, party)
    if not any(who.people.belongs(party, to) for to in offered.to):
        raise _refuse(NOT_ADDRESSED, party)


def _meeting(event: Event, body: Accepted, offer: Event, sender: str, who: _Who, known: Known) -> None:
    """How the two met is claimed by the acceptance and borne out by whose logs the halves stand in.

    A guest accepts in the sender's log or on a page of the office's; what a guest hands back is accepted by
    the receiver's own word in the log that holds the guest's offer.
    """
    two_keys = event.kid != offer.kid
    one_log = event.log == offer.log
    from_guest = not who.people.knows(sender)
    by_guest = not who.people.knows(body.party)
    own_word = not by_guest and who.acts_for(event.actor, body.party)
    holds = {
        "met": lambda: own_word and not from_guest and (two_keys or _switched(event, body, offer, known)),
        "remote": lambda: own_word and not from_guest and (two_keys or who.staff),
        "guest": lambda: own_word and one_log if from_guest else by_guest and (one_log or who.staff),
        "witnessed": lambda: who.staff,
    }
    if not holds[body.met]():
        raise _refuse(WRONG_MEETING, body.met)


def _switched(event: Event, body: Accepted, offer: Event, known: Known) -> bool:
    """True if one shared handheld was passed on between the halves, as the acceptance says."""
    if not body.switched or event.log != offer.log:
        return False
    switch = _arrived(known.by_name(body.switched), body.switched).event
    return (
        isinstance(switch.body, PersonSwitched)
        and switch.log == event.log
        and offer.seq < switch.seq < event.seq
        and switch.body.now == event.actor
    )


def _entitled(event: Event, body: Accepted, speaker: str, who: _Who, policy: Policy) -> None:
    """Return only if the receiver may accept over this boundary; `speaker` offered it, "" where a guest did."""
    rule = policy.accept
    if not who.people.knows(body.party):
        if not rule.guests:
            raise _refuse(NOT_ENTITLED, "no guests over this boundary")
        return
    person_id = body.party if who.people.person(body.party) else event.actor
    person = who.people.person(person_id)
    roles = frozenset(person.roles) if person else frozenset()
    wanted = frozenset(rule.roles) or ({policy.receiver_role} if policy.receiver_role else frozenset())
    if wanted and not roles & wanted:
        raise _refuse(NOT_ENTITLED, f"{person_id} is not {' or '.join(sorted(wanted))}")
    lacking = sorted(set(rule.skills) - set(person.skills if person else ()))
    if lacking:
        raise _refuse(NOT_ENTITLED, f"{person_id} lacks {', '.join(lacking)}")
    sender = who.people.person(speaker)
    for edge in policy.forbidden:
        if edge.receiver in roles and sender is not None and edge.sender in sender.roles:
            raise _refuse(NOT_ALLOWED_NOW, f"{edge.sender} to {edge.receiver}")


def _distinct(event: Event, body: Accepted, senders: set[str], node: Node, policy: Policy) -> None:
    way = _way(node)
    before: set[str] = set()
    for whom in policy.distinct_from:
        if whom == "sender":
            before |= senders
        steps = way[-1:] if whom == "opener" else way if whom == "earlier" else []
        steps = steps or [step for step in way if step.boundary == whom]
        before |= {name for step in steps for name in (step.party, step.event.actor)}
    same = {body.party, *(() if body.met in ("guest", "witnessed") else (event.actor,))} & before
    if same:
        raise _refuse(NOT_DISTINCT, ", ".join(sorted(same)))


def _refused(event: Event, body: Refused, known: Known) -> Standing:
    offer, offered, node = _offer(known, body.offer, event)
    who = _who(event, body, known, offer.roster)
    _addressed(who, body.party, offered)
    _on_behalf(event, offer.event, who, body.party)
    return Standing(event=event, verdict=APPLIED, under=node, offer=offer.event, roster=who.roster)


def _on_behalf(event: Event, offer: Event, who: _Who, party: str) -> None:
    """A person speaks for itself and its team; the office for anybody; for a guest the device that met the guest."""
    guest = not who.people.knows(party) and event.log == offer.log
    if not (guest or who.staff or who.acts_for(event.actor, party)):
        raise _refuse(NOT_FOR_PARTY, party)


def _withdrawn(event: Event, body: Withdrawn, known: Known) -> Standing:
    offer, offered, node = _offer(known, body.offer, event)
    who = _sending(event, body, offered, offer, known, body.sender)
    return Standing(event=event, verdict=APPLIED, under=node, offer=offer.event, roster=who.roster)


def _sending(event: Event, body: Custody, offered: Offered, offer: Standing, known: Known, sender: str) -> _Who:
    who = _who(event, body, known, offer.roster)
    if sender != offered.sender:
        raise _refuse(NOT_FOR_PARTY, f"the offer is {offered.sender}'s")
    guest = not who.people.knows(sender) and event.log == offer.event.log
    if not guest and not who.acts_for(event.actor, sender):
        raise _refuse(NOT_FOR_PARTY, sender)
    return who


def _confirmed(event: Event, body: Confirmed, known: Known) -> Standing:
    offer, offered, node = _offer(known, body.offer, event)
    accepted = _named(known, body.accepted, event)
    if not isinstance(accepted.event.body, Accepted) or accepted.event.body.offer != body.offer:
        raise _refuse(WRONG_REFERENCE, "that is no acceptance of this offer")
    who = _sending(event, body, offered, offer, known, body.sender)
    return Standing(event=event, verdict=APPLIED, under=node, offer=offer.event, roster=who.roster)


def _reassigned(event: Event, body: Reassigned, known: Known) -> Standing:
    node = _node(known, body.basis, event)
    who = _who(event, body, known, node.roster)
    _party(who, body.party)
    child = Node(key=event.hash, party=body.party, event=event, roster=who.roster, parent=node)
    return Standing(event=event, verdict=APPLIED, node=child, under=node, roster=who.roster)


def _resolved(event: Event, body: Resolved, known: Known) -> Standing:
    node = _node(known, body.basis, event)
    who = _who(event, body, known, node.roster)
    cited = [_named(known, hash_, event) for hash_ in body.cites]
    for hash_ in body.replaces:
        if not _resolves(_named(known, hash_, event), node):
            raise _refuse(WRONG_REFERENCE, f"{hash_} is no resolution of that basis")
    children = [one for one in cited if is_child(one, node)]
    if not _contest(children, cited):
        raise _refuse(NO_CONTEST)
    if bool(body.chosen) == bool(body.party):
        raise _refuse(WRONG_CHOICE, "choose an event or name a party, one of both")
    own = None
    if body.party:
        _party(who, body.party, besides=node.party)
        own = Node(key=event.hash, party=body.party, event=event, roster=who.roster, parent=node)
    else:
        chosen = _named(known, body.chosen, event)
        key = chosen.node.key if chosen.node else ""
        earlier = _resolves(chosen, node) and chosen.node is not None
        if not earlier and key not in {child.node.key for child in children if child.node}:
            raise _refuse(WRONG_CHOICE, f"{body.chosen} is no cited child of that basis")
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
    for one in cited:
        body = one.event.body
        for child in children:
            match body:
                case Withdrawn():
                    doubt = child.offer is not None and child.offer.hash == body.offer
                case LogForked():
                    doubt = child.event.log == body.log and child.event.seq >= body.seq
                case DeviceRevoked():
                    doubt = child.event.log in {body.suspect_log, *(heads.log for heads in body.logs)}
                case _:
                    doubt = False
            if doubt:
                return True
    return False


def _closing(event: Event, body: JobResolved | JobCancelled | JobClosedByRule, known: Known) -> Standing:
    node = _node(known, body.node, event)
    if not known.is_staff(event.kid):
        people = _directory(known, node.roster)
        if not (people.belongs(event.actor, node.party) or _hosts(event, node)):
            raise _refuse(NOT_FOR_PARTY, node.party)
    return Standing(event=event, verdict=APPLIED, under=node)


def _hosts(event: Event, node: Node) -> bool:
    """True for the log in which a guest accepted: the guest's word is recorded there."""
    body = node.event.body
    return isinstance(body, Accepted) and body.met == "guest" and node.event.log == event.log


def _escalated(event: Event, body: Escalated, known: Known) -> Standing:
    _, _, node = _offer(known, body.offer, event)
    return Standing(event=event, verdict=APPLIED, under=node)


def _merged(event: Event, body: JobMerged, known: Known) -> Standing:
    for job in body.jobs:
        _job(known, job)
    return Standing(event=event, verdict=APPLIED)
