"""The rules of what answers an offer: acceptance, refusal, withdrawal, confirmation."""

from sync.authority import Who, way_of, who_recorded
from sync.events import Accepted, Confirmed, Custody, Event, JobOpened, Offered, PersonSwitched, Refused, Withdrawn
from sync.ids import event_hash
from sync.policy import Person, Policy, is_role
from sync.problems import (
    NOT_A_PARTY,
    NOT_ADDRESSED,
    NOT_ALLOWED_NOW,
    NOT_DISTINCT,
    NOT_ENTITLED,
    NOT_FOR_PARTY,
    OWN_OFFER,
    WRONG_MEETING,
    WRONG_REFERENCE,
)
from sync.references import arrived, named, offer_of, policy_of, refuse
from sync.standing import APPLIED, Known, Node, Standing


def accepted(event: Event, body: Accepted, known: Known) -> Standing:
    """An acceptance of an applied offer, by one of those addressed, met as it says, and entitled: it makes a node."""
    offer, offered, node = offer_of(known, body.offer, event)
    who = who_recorded(event, body, known, offer.roster)
    policy = policy_of(known, offered.boundary, body.policy or offered.policy)
    _addressed(who, body.party, offered)
    _meeting(event, body, offer.event, offered.sender, who, known)
    if body.party == offered.sender or (event.actor == offer.event.actor and body.met not in ("guest", "witnessed")):
        raise refuse(OWN_OFFER, body.party)
    speaker = offer.event.actor if who.people.knows(offered.sender) else ""
    _entitled(event, body, speaker, who, policy)
    _within(event, body, offered, node, who, policy)
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


def _addressed(who: Who, party: str, offered: Offered) -> None:
    if is_role(party):
        raise refuse(NOT_A_PARTY, party)
    if not any(who.people.belongs(party, to) for to in offered.to):
        raise refuse(NOT_ADDRESSED, party)


def _meeting(event: Event, body: Accepted, offer: Event, sender: str, who: Who, known: Known) -> None:
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
        raise refuse(WRONG_MEETING, body.met)


def _switched(event: Event, body: Accepted, offer: Event, known: Known) -> bool:
    """True if one shared handheld was passed on between the halves, as the acceptance says."""
    if not body.switched or event.log != offer.log:
        return False
    switch = arrived(known.by_name(body.switched), body.switched).event
    return (
        isinstance(switch.body, PersonSwitched)
        and switch.log == event.log
        and offer.seq < switch.seq < event.seq
        and switch.body.now == event.actor
    )


def _entitled(event: Event, body: Accepted, speaker: str, who: Who, policy: Policy) -> None:
    """Return only if the receiver may accept over this boundary; `speaker` offered it, "" where a guest did."""
    rule = policy.accept
    if not who.people.knows(body.party):
        if not rule.guests:
            raise refuse(NOT_ENTITLED, "no guests over this boundary")
        return
    person_id = _receiver(event, body, who)
    person = who.people.person(person_id)
    roles = frozenset(person.roles) if person else frozenset()
    wanted = frozenset(rule.roles) or ({policy.receiver_role} if policy.receiver_role else frozenset())
    if wanted and not roles & wanted:
        raise refuse(NOT_ENTITLED, f"{person_id} is not {' or '.join(sorted(wanted))}")
    lacking = sorted(set(rule.skills) - set(person.skills if person else ()))
    if lacking:
        raise refuse(NOT_ENTITLED, f"{person_id} lacks {', '.join(lacking)}")
    sender = who.people.person(speaker)
    for edge in policy.forbidden:
        if edge.receiver in roles and sender is not None and edge.sender in sender.roles:
            raise refuse(NOT_ALLOWED_NOW, f"{edge.sender} to {edge.receiver}")


def _receiver(event: Event, body: Accepted, who: Who) -> str:
    """Who is asked what he may do: the party, where that is a person, else whoever accepts for it."""
    return body.party if who.people.person(body.party) else event.actor


def _within(event: Event, body: Accepted, offered: Offered, node: Node, who: Who, policy: Policy) -> None:
    """Return only if the job is one for the receiver, where the policy asks for that: by its site, by its entitlement.

    Both are read from the job's opening, to which the offer may add a site.
    """
    rule, opened = policy.accept, way_of(node)[-1].event.body
    if not isinstance(opened, JobOpened) or not who.people.knows(body.party):
        return
    person_id = _receiver(event, body, who)
    person = who.people.person(person_id) or Person()
    if rule.scope:
        for site in (opened.site, offered.site):
            if not person.reaches(site):
                raise refuse(NOT_ENTITLED, f"{person_id} may not work at {site}")
    if rule.entitlement and not person.serves(opened.entitlement):
        raise refuse(NOT_ENTITLED, f"{person_id} may not serve {opened.entitlement}")


def _distinct(event: Event, body: Accepted, senders: set[str], node: Node, policy: Policy) -> None:
    way = way_of(node)
    before: set[str] = set()
    for whom in policy.distinct_from:
        if whom == "sender":
            before |= senders
        steps = way[-1:] if whom == "opener" else way if whom == "earlier" else []
        steps = steps or [step for step in way if step.boundary == whom]
        before |= {name for step in steps for name in (step.party, step.event.actor)}
    same = {body.party, *(() if body.met in ("guest", "witnessed") else (event.actor,))} & before
    if same:
        raise refuse(NOT_DISTINCT, ", ".join(sorted(same)))


def refused(event: Event, body: Refused, known: Known) -> Standing:
    """A refusal of an applied offer, for one of those addressed."""
    offer, offered, node = offer_of(known, body.offer, event)
    who = who_recorded(event, body, known, offer.roster)
    _addressed(who, body.party, offered)
    _on_behalf(event, offer.event, who, body.party)
    return Standing(event=event, verdict=APPLIED, under=node, offer=offer.event, roster=who.roster)


def _on_behalf(event: Event, offer: Event, who: Who, party: str) -> None:
    """A person speaks for itself and its team; the office for anybody; for a guest the device that met the guest."""
    guest = not who.people.knows(party) and event.log == offer.log
    if not (guest or who.staff or who.acts_for(event.actor, party)):
        raise refuse(NOT_FOR_PARTY, party)


def withdrawn(event: Event, body: Withdrawn, known: Known) -> Standing:
    """An applied offer taken back by its sender."""
    offer, offered, node = offer_of(known, body.offer, event)
    who = _sending(event, body, offered, offer, known, body.sender)
    return Standing(event=event, verdict=APPLIED, under=node, offer=offer.event, roster=who.roster)


def _sending(event: Event, body: Custody, offered: Offered, offer: Standing, known: Known, sender: str) -> Who:
    who = who_recorded(event, body, known, offer.roster)
    if sender != offered.sender:
        raise refuse(NOT_FOR_PARTY, f"the offer is {offered.sender}'s")
    guest = not who.people.knows(sender) and event.log == offer.event.log
    if not guest and not who.acts_for(event.actor, sender):
        raise refuse(NOT_FOR_PARTY, sender)
    return who


def confirmed(event: Event, body: Confirmed, known: Known) -> Standing:
    """The sender has seen an applied acceptance of the offer."""
    offer, offered, node = offer_of(known, body.offer, event)
    answer = named(known, body.accepted, event)
    if not isinstance(answer.event.body, Accepted) or answer.event.body.offer != body.offer:
        raise refuse(WRONG_REFERENCE, "that is no acceptance of this offer")
    who = _sending(event, body, offered, offer, known, body.sender)
    return Standing(event=event, verdict=APPLIED, under=node, offer=offer.event, roster=who.roster)
