"""One handover: an offer and all that answered it.

Everything about the states of a handover lives here. What happened to an offer is a set of facts, and
each fact can only move its state one way, so the state is the same in whatever order they are read.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Literal, get_args

import msgspec

from sync.clock import milliseconds
from sync.events import Accepted, Confirmed, Escalated, Event, Offered, Refused, Withdrawn
from sync.payload import ELEMENTS, Element, present
from sync.policy import Policy
from sync.problems import ALREADY_ANSWERED, Problem
from sync.standing import Standing

State = Literal["contested", "accepted", "withdrawn", "refused", "offered"]
STATES: tuple[State, ...] = get_args(State)
"""Of all that holds of an offer, the first one here is its state."""

Fact = Literal["accepted", "withdrawn", "refused by all", "contest"]

NEXT: dict[State, dict[Fact, State]] = {
    "offered": {"accepted": "accepted", "withdrawn": "withdrawn", "refused by all": "refused", "contest": "contested"},
    "refused": {"accepted": "accepted", "withdrawn": "withdrawn", "refused by all": "refused", "contest": "contested"},
    "withdrawn": {
        "accepted": "accepted",
        "withdrawn": "withdrawn",
        "refused by all": "withdrawn",
        "contest": "contested",
    },
    "accepted": {"accepted": "accepted", "withdrawn": "accepted", "refused by all": "accepted", "contest": "contested"},
    "contested": {
        "accepted": "contested",
        "withdrawn": "contested",
        "refused by all": "contested",
        "contest": "contested",
    },
}
"""State, fact, state after it. Read as a set: no row leads back towards `offered`."""

MAY_FOLLOW: dict[State, frozenset[str]] = {
    "offered": frozenset({"handover.accepted", "handover.refused", "handover.withdrawn", "handover.escalated"}),
    "refused": frozenset({"handover.accepted", "handover.withdrawn", "handover.escalated"}),
    "withdrawn": frozenset(),
    "accepted": frozenset({"handover.confirmed"}),
    "contested": frozenset({"handover.confirmed"}),
}
"""What somebody who knows the state may still record; what arrives from elsewhere is judged, not barred."""

Presence = Literal["present", "declared gap", "missing"]


class Handover(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An offer with its answers.

    `state` is the first that holds of STATES. Flags: `confirmed` (the sender has seen an acceptance),
    `reserved` (accepted with remarks), `late` (accepted past its limit by the shown times). `due_ms` is
    the limit, in ms since 1970, None where there is none. `contested` means that an acceptance of it
    takes part in a contest, settled or not; whether it is settled is the case's to say.
    """

    offer: Event
    content: Offered
    state: State
    accepted: tuple[Event, ...] = ()
    refused: tuple[Event, ...] = ()
    withdrawn: tuple[Event, ...] = ()
    confirmations: tuple[Event, ...] = ()
    escalations: tuple[Event, ...] = ()
    confirmed: bool = False
    reserved: bool = False
    late: bool = False
    due_ms: int | None = None

    def lapsed(self, as_of_ms: int) -> bool:
        """True once nobody has answered an offer within its limit; it escalates, and moves nothing."""
        return self.state in ("offered", "refused") and self.due_ms is not None and as_of_ms > self.due_ms

    def completeness(self) -> dict[Element, Presence]:
        """Each element: present, a declared gap, or missing. The synthesis counts once it is accepted."""
        said = present(self.content.payload) | ({"synthesis"} if self.accepted else set())
        declared = {gap.element for gap in self.content.payload.gaps}
        return {
            element: "present" if element in said else "declared gap" if element in declared else "missing"
            for element in ELEMENTS
        }


def may_follow(handover: Handover, kind: str) -> None:
    """Return only if somebody who knows this handover may record `kind` about it; else ALREADY_ANSWERED."""
    if kind not in MAY_FOLLOW[handover.state]:
        raise Problem(ALREADY_ANSWERED, f"it is {handover.state}; {kind} cannot follow")


def due_ms(offer: Event, content: Offered, policy: Policy | None) -> int | None:
    """When an offer is to be answered: its own `until` or the boundary's limit, whichever is sooner."""
    limits = []
    if content.until:
        limits.append(milliseconds(content.until))
    if policy is not None and policy.limits.accept is not None:
        limits.append(offer.occurred_ms + policy.limits.accept * 60_000)
    return min(limits, default=None)


_ANSWERS = (Accepted, Refused, Withdrawn, Confirmed, Escalated)
_when = attrgetter("occurred_ms", "hash")


def handovers(
    standings: Iterable[Standing], contested: frozenset[str], policies: dict[str, Policy | None]
) -> tuple[Handover, ...]:
    """Every offer among one job's applied events with its answers, by time shown, then hash.

    `contested` holds the acceptances that take part in a contest (from the custody tree); `policies`
    the policy each offer (by hash) was made under, for its limit.
    """
    offers: dict[str, tuple[Event, Offered]] = {}
    answers: dict[str, dict[str, Event]] = {}
    for standing in standings:
        event = standing.event
        body = event.body
        if isinstance(body, Offered):
            offers[event.hash] = (event, body)
        elif isinstance(body, _ANSWERS):
            answers.setdefault(body.offer, {})[event.hash] = event
    found = [
        _handover(offer, content, list(answers.get(hash_, {}).values()), contested, policies.get(hash_))
        for hash_, (offer, content) in offers.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.offer.occurred_ms, one.offer.hash)))


def _of(answers: list[Event], body: type) -> tuple[Event, ...]:
    """Those of this shape, in the order of `answers`."""
    return tuple([event for event in answers if isinstance(event.body, body)])


def _handover(
    offer: Event, content: Offered, answers: list[Event], contested: frozenset[str], policy: Policy | None
) -> Handover:
    answers = sorted(answers, key=_when)
    accepted = _of(answers, Accepted)
    refused = _of(answers, Refused)
    withdrawn = _of(answers, Withdrawn)
    confirmations = _of(answers, Confirmed)
    limit = due_ms(offer, content, policy)
    facts: list[Fact] = []
    if accepted:
        facts.append("accepted")
    if withdrawn:
        facts.append("withdrawn")
    if {event.body.party for event in refused if isinstance(event.body, Refused)}.issuperset(content.to):
        facts.append("refused by all")
    if any(event.hash in contested for event in accepted):
        facts.append("contest")
    state: State = "offered"
    for fact in facts:
        state = NEXT[state][fact]
    return Handover(
        offer=offer,
        content=content,
        state=state,
        accepted=accepted,
        refused=refused,
        withdrawn=withdrawn,
        confirmations=confirmations,
        escalations=_of(answers, Escalated),
        confirmed=bool(confirmations),
        reserved=any(event.body.reservations for event in accepted if isinstance(event.body, Accepted)),
        late=bool(accepted) and limit is not None and accepted[0].occurred_ms > limit,
        due_ms=limit,
    )
