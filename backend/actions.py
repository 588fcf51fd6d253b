"""What the office does with one job: each action a rule from what stands to the events that it records.

Nothing here touches the database: a rule gets a `Look`, says what to record, or raises the problem that
keeps it from being done.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from backend.look import Look
from sync.corrections import correction_of
from sync.details import (
    ACCOUNTABLE_ALREADY,
    ARRIVED,
    ARRIVED_FOR,
    HOLDER_ACCEPTED,
    JOB_CANCELLED,
    JOB_CLOSED,
    JOB_HELD,
    JOB_NOT_HELD,
    JOB_OPEN,
    JOB_RESOLVED,
    MERGE_OF_ONE,
    NO_CASE,
    NO_DESK_OFFER,
    NO_OPENING,
    NO_POLICY,
    NO_WAITING_OFFER,
    NOT_ON_THESE_JOBS,
    OFFERED_ALREADY,
    OFFERED_ELSEWHERE,
    ONLY_HOLDER_OFFERS,
)
from sync.events import (
    Accepted,
    Draft,
    Fact,
    Hash,
    JobCancelled,
    JobClosedByRule,
    JobDispatched,
    JobHeld,
    JobMerged,
    JobPlanned,
    JobReleased,
    JobReopened,
    JobResolved,
    JobUnmerged,
    NoteWritten,
    Offered,
    Reassigned,
    Reservation,
    Resolved,
    When,
    Withdrawn,
)
from sync.handover import Handover
from sync.payload import Id, Line, Payload, Synthesis, Text
from sync.problems import NOT_POSSIBLE_NOW, UNKNOWN_DOCUMENT, UNKNOWN_PARTY, Found, Problem

ActionId = Annotated[str, Meta(min_length=8, max_length=100)]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every action sends: an id of its own, so that it has one effect however often it is sent.

    `seen` is the job's as it was when the person decided.
    """

    action: ActionId
    seen: Annotated[int, Meta(ge=0)]


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a job stands on somebody's route. Times are RFC 3339."""

    stop: Id
    crew: str = ""
    window_from: When = ""
    window_to: When = ""
    eta: When = ""


class AskedPlan(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Plan the job, or move it. One that is offered is withdrawn and offered again to the planned crew."""

    plan: Plan


class AskedDispatch(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Plan, if a plan is given, and offer the job to somebody over a boundary."""

    to: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=20)]
    boundary: Id
    payload: Payload
    until: When = ""
    plan: Plan | None = None


class AskedHold(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let the job wait."""

    reason: Line
    until: When = ""


class AskedReason(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Do it for this reason."""

    reason: Line


class AskedNote(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Write words on the job."""

    text: Text


class AskedCorrection(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say what is right in a fact of the job, field by field: an event beside it. Never what moved accountability."""

    event: Hash
    fields: Annotated[dict[str, str], Meta(min_length=1, max_length=20)]
    reason: Line


class AskedReassign(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Move accountability without the holder."""

    party: Id
    reason: Literal["vanished", "ill", "replanned", "compromised"]
    words: str = ""


class AskedResolve(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settle the contest under `basis`: choose one of its children, or name a party. All that is known is cited."""

    basis: Hash
    chosen: str = ""
    party: str = ""
    reason: Line


class AskedAcceptance(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accept an offer for somebody who said so to the office (witnessed)."""

    offer: Hash
    party: Id
    synthesis: Synthesis
    reservations: tuple[Reservation, ...] = ()


class AskedWithdrawal(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take an offer of the desk back."""

    offer: Hash
    reason: Line


class AskedClosing(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say that the job is done."""

    outcome: Line = "done"


class SeenJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job, as it was seen."""

    job: Id
    seen: Annotated[int, Meta(ge=0)]


class AskedMerge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put jobs, and orders that hang on them, on one stop: one visit serves them."""

    action: ActionId
    stop: Id
    jobs: Annotated[tuple[SeenJob, ...], Meta(min_length=1, max_length=50)]
    orders: tuple[Id, ...] = ()


class AskedUnmerge(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Undo a merge of this job, until somebody arrived for any of its jobs."""

    job: Id
    merged: Hash


_CLOSED: Final = {"resolved": JOB_RESOLVED, "cancelled": JOB_CANCELLED, "closed by rule": JOB_CLOSED}


def not_now(detail: str | Found) -> Problem:
    """The problem of an action that does not fit how the job stands."""
    return Problem(NOT_POSSIBLE_NOW, detail)


def draft(look: Look, kind: str, body: Fact) -> Draft:
    """An event about the job, by whoever acts."""
    return Draft(kind=kind, actor=look.actor, body=body, job=look.journey.job)


def need_open(look: Look) -> None:
    """Return only if the job is open."""
    if look.journey.state != "open":
        raise not_now(_CLOSED[look.journey.state].of())


def _node(look: Look) -> str:
    at = look.journey.custody.at
    if at is None:
        raise not_now(NO_OPENING.of())
    return at.event.hash


def _ours(look: Look) -> list[Handover]:
    """Open offers that a party made for whom the actor acts."""
    pending = [one for one in look.journey.handovers if one.state in ("offered", "refused")]
    return [one for one in pending if look.directory.belongs(look.actor, one.content.sender)]


# -- one action a function ----------------------------------------------------
def plan(look: Look, asked: AskedPlan) -> list[Draft]:
    """See `AskedPlan`."""
    need_open(look)
    if look.journey.visits:
        raise not_now(ARRIVED.of())
    pending = [one for one in look.journey.handovers if one.state in ("offered", "refused")]
    ours = _ours(look)
    if len(pending) > len(ours):
        raise not_now(OFFERED_ELSEWHERE.of())
    if any(one.accepted for one in look.journey.handovers) and look.journey.accountable not in ("", look.desk):
        raise not_now(HOLDER_ACCEPTED.of(party=look.journey.accountable))
    drafts = [_withdrawal(look, one, "moved") for one in ours]
    drafts.append(planned(look, asked.plan))
    for one in ours[-1:]:
        to = (asked.plan.crew,) if asked.plan.crew else one.content.to
        again = msgspec.structs.replace(one.content, roster=look.roster, to=to, stop=asked.plan.stop)
        drafts.append(draft(look, "handover.offered", again))
    return drafts


def planned(look: Look, wanted: Plan) -> Draft:
    """The plan that takes the place of every one that stands."""
    standing = [event for event in look.journey.timeline if isinstance(event.body, JobPlanned)]
    replaced = {hash_ for event in standing if event.body for hash_ in event.body.replaces}
    body = JobPlanned(
        stop=wanted.stop,
        crew=wanted.crew,
        window_from=wanted.window_from,
        window_to=wanted.window_to,
        eta=wanted.eta,
        replaces=tuple(event.hash for event in standing if event.hash not in replaced),
    )
    return draft(look, "job.planned", body)


def dispatch(look: Look, asked: AskedDispatch) -> list[Draft]:
    """See `AskedDispatch`."""
    need_open(look)
    if look.journey.held:
        raise not_now(JOB_HELD.of())
    sender = look.journey.accountable
    if not look.directory.belongs(look.actor, sender):
        raise not_now(ONLY_HOLDER_OFFERS.of(party=sender))
    if _ours(look):
        raise not_now(OFFERED_ALREADY.of())
    for party in asked.to:
        if not look.directory.knows(party):
            raise Problem(UNKNOWN_PARTY, party)
    policy = look.policies.get(asked.boundary)
    if policy is None:
        raise Problem(UNKNOWN_DOCUMENT, NO_POLICY.of(name=asked.boundary))
    now = look.journey.plan
    drafts = []
    if asked.plan is not None and (now is None or _plan_of(now) != asked.plan):
        drafts.append(planned(look, asked.plan))
    stop = asked.plan.stop if asked.plan else now.stop if now else ""
    drafts.append(draft(look, "job.dispatched", JobDispatched(to=asked.to, stop=stop)))
    offer = Offered(
        roster=look.roster,
        basis=_node(look),
        sender=sender,
        to=asked.to,
        boundary=asked.boundary,
        policy=policy[0],
        payload=asked.payload,
        until=asked.until,
        stop=stop,
        site=look.journey.opened.site if look.journey.opened else "",
    )
    return [*drafts, draft(look, "handover.offered", offer)]


def _plan_of(body: JobPlanned) -> Plan:
    return Plan(stop=body.stop, crew=body.crew, window_from=body.window_from, window_to=body.window_to, eta=body.eta)


def _withdrawal(look: Look, one: Handover, reason: str) -> Draft:
    body = Withdrawn(roster=look.roster, offer=one.offer.hash, sender=one.content.sender, reason=reason)
    return draft(look, "handover.withdrawn", body)


def withdraw(look: Look, asked: AskedWithdrawal) -> list[Draft]:
    """See `AskedWithdrawal`."""
    found = [one for one in _ours(look) if one.offer.hash == asked.offer]
    if not found:
        raise not_now(NO_DESK_OFFER.of())
    return [_withdrawal(look, found[0], asked.reason)]


def hold(look: Look, asked: AskedHold) -> list[Draft]:
    """See `AskedHold`."""
    need_open(look)
    return [draft(look, "job.held", JobHeld(reason=asked.reason, until=asked.until))]


def release(look: Look, _: Asked) -> list[Draft]:
    """Every hold on the job ends."""
    released = {event.body.held for event in look.journey.timeline if isinstance(event.body, JobReleased)}
    held = [event.hash for event in look.journey.timeline if isinstance(event.body, JobHeld)]
    standing = [hash_ for hash_ in held if hash_ not in released]
    if not standing:
        raise not_now(JOB_NOT_HELD.of())
    return [draft(look, "job.released", JobReleased(held=hash_)) for hash_ in standing]


def note(look: Look, asked: AskedNote) -> list[Draft]:
    """See `AskedNote`."""
    return [draft(look, "note.written", NoteWritten(text=asked.text))]


def correct(look: Look, asked: AskedCorrection) -> list[Draft]:
    """See `AskedCorrection`."""
    body = correction_of(look.journey.timeline, asked.event, asked.fields, asked.reason)
    return [draft(look, "correction.made", body)]


def reassign(look: Look, asked: AskedReassign) -> list[Draft]:
    """See `AskedReassign`."""
    need_open(look)
    if asked.party == look.journey.accountable:
        raise not_now(ACCOUNTABLE_ALREADY.of(party=asked.party))
    body = Reassigned(roster=look.roster, basis=_node(look), party=asked.party, reason=asked.reason, words=asked.words)
    return [draft(look, "handover.reassigned", body)]


def resolve(look: Look, asked: AskedResolve) -> list[Draft]:
    """See `AskedResolve`. It cites all there is below the basis, and what is in doubt right under it.

    What it did not see would open the case again.
    """
    cases = [case for case in look.journey.custody.cases if case.basis == asked.basis]
    if not cases:
        raise not_now(NO_CASE.of())
    standing = tuple(dict.fromkeys(hash_ for case in cases for hash_ in case.resolutions))
    cites = dict.fromkeys(
        hash_
        for case in cases
        for hash_ in (*case.children, *case.withdrawals, *case.below, case.about, *case.causes)
        if hash_ and hash_ not in standing
    )
    body = Resolved(
        roster=look.roster,
        basis=asked.basis,
        cites=tuple(cites),
        chosen=asked.chosen,
        party=asked.party,
        reason=asked.reason,
        replaces=standing,
    )
    return [draft(look, "handover.resolved", body)]


def accept_for(look: Look, asked: AskedAcceptance) -> list[Draft]:
    """See `AskedAcceptance`."""
    found = [one for one in look.journey.handovers if one.offer.hash == asked.offer]
    if not found or found[0].state not in ("offered", "refused"):
        raise not_now(NO_WAITING_OFFER.of())
    body = Accepted(
        roster=look.roster,
        offer=asked.offer,
        party=asked.party,
        synthesis=asked.synthesis,
        met="witnessed",
        reservations=asked.reservations,
    )
    return [draft(look, "handover.accepted", body)]


def cancel(look: Look, asked: AskedReason) -> list[Draft]:
    """The job will not be done; open offers of the desk are withdrawn."""
    need_open(look)
    drafts = [_withdrawal(look, one, "cancelled") for one in _ours(look)]
    return [*drafts, draft(look, "job.cancelled", JobCancelled(node=_node(look), reason=asked.reason))]


def close(look: Look, asked: AskedClosing) -> list[Draft]:
    """See `AskedClosing`."""
    need_open(look)
    return [draft(look, "job.resolved", JobResolved(node=_node(look), outcome=asked.outcome))]


def reopen(look: Look, asked: AskedReason) -> list[Draft]:
    """Every closing of the job ends."""
    if look.journey.state == "open":
        raise not_now(JOB_OPEN.of())
    named = {
        hash_ for event in look.journey.timeline if isinstance(event.body, JobReopened) for hash_ in event.body.closings
    }
    closings = [
        event.hash
        for event in look.journey.timeline
        if isinstance(event.body, JobResolved | JobCancelled | JobClosedByRule) and event.hash not in named
    ]
    return [draft(look, "job.reopened", JobReopened(closings=tuple(closings), reason=asked.reason))]


_A = TypeVar("_A", bound=Asked)


class Action(Generic[_A]):
    """An action on one job: what it is sent, and the rule that says what it records."""

    def __init__(self, shape: type[_A], rule: Callable[[Look, _A], list[Draft]]) -> None:
        self.shape = shape
        self._rule = rule

    def drafts(self, look: Look, asked: Asked) -> list[Draft]:
        """What it records, as the job stands."""
        if not isinstance(asked, self.shape):
            raise TypeError(f"this action is sent {self.shape.__name__}")
        return self._rule(look, asked)


ACTIONS: Final[dict[str, Action[Any]]] = {
    "plan": Action(AskedPlan, plan),
    "dispatch": Action(AskedDispatch, dispatch),
    "withdraw": Action(AskedWithdrawal, withdraw),
    "hold": Action(AskedHold, hold),
    "release": Action(Asked, release),
    "note": Action(AskedNote, note),
    "correct": Action(AskedCorrection, correct),
    "reassign": Action(AskedReassign, reassign),
    "resolve": Action(AskedResolve, resolve),
    "accept-for": Action(AskedAcceptance, accept_for),
    "cancel": Action(AskedReason, cancel),
    "close": Action(AskedClosing, close),
    "reopen": Action(AskedReason, reopen),
}
"""What can be done with one job, by the last part of its address. Merging takes several and is beside."""


# -- several jobs -------------------------------------------------------------
def merge(looks: list[Look], asked: AskedMerge) -> Draft:
    """The merge of these jobs and of orders that hang on them. It moves nothing: each job keeps its own tree."""
    for look in looks:
        need_open(look)
        if look.journey.visits:
            raise not_now(ARRIVED_FOR.of(job=look.journey.job))
    known = {name for look in looks for name in look.journey.orders}
    strange = sorted(set(asked.orders) - known)
    if strange:
        raise not_now(NOT_ON_THESE_JOBS.of(order=strange[0]))
    jobs = tuple(look.journey.job for look in looks)
    if len(jobs) + len(asked.orders) < 2:
        raise not_now(MERGE_OF_ONE.of())
    body = JobMerged(stop=asked.stop, jobs=jobs, orders=asked.orders)
    return Draft(kind="job.merged", actor=looks[0].actor, body=body)


def unmerge(looks: list[Look], asked: AskedUnmerge) -> Draft:
    """The end of a merge of these jobs."""
    for look in looks:
        if look.journey.visits:
            raise not_now(ARRIVED_FOR.of(job=look.journey.job))
    body = JobUnmerged(merged=asked.merged, jobs=tuple(look.journey.job for look in looks))
    return Draft(kind="job.unmerged", actor=looks[0].actor, body=body)
