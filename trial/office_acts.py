"""The steps of a scenario as the office does them: through the backend's own door, in its staff log."""

import msgspec

from backend.intake import Door
from backend.writing import Writing
from sync.events import (
    Accepted,
    Correction,
    Draft,
    Fact,
    JobCancelled,
    JobClosedByRule,
    JobDispatched,
    JobHeld,
    JobMerged,
    JobOpened,
    JobPlanned,
    JobReleased,
    JobReopened,
    JobResolved,
    JobUnmerged,
    Offered,
    Refused,
    Reservation,
    Withdrawn,
)
from sync.facts import still_standing
from sync.journey import Journey, journey
from sync.payload import Synthesis
from sync.problems import BAD_ARGUMENT, NOT_FOUND, Problem
from sync.standing import Node
from trial import acts as do
from trial.bodies import NOTHING_TO_ADD, office_body, opening_fields, plan_of
from trial.steps import AnyStep
from trial.wire import Perform


class OfficeActs:
    """What staff do, in one transaction of the door."""

    def __init__(self, door: Door, writing: Writing) -> None:
        self._door = door
        self._writing = writing
        self._roster, _ = writing.documents.roster()

    def perform(self, command: Perform) -> None:
        """The step is recorded, or the problem raised for which it is not."""
        self._door.office.record(self._writing, self._drafts(command.step, command))

    def journey(self, job: str) -> Journey:
        """The way of a job as the office sees it; NOT_FOUND where it was never opened here."""
        facts = self._writing.facts.job(job)
        if facts is None:
            raise Problem(NOT_FOUND, f"no job {job} in the office")
        return journey(job, facts.standings, self._writing.facts.policies_of(facts))

    def _node(self, job: str) -> str:
        at = self.journey(job).custody.at
        if at is None:
            raise Problem(NOT_FOUND, f"how job {job} began is not known in the office")
        return at.event.hash

    # -- what each step records --------------------------------------------------------
    def _drafts(self, step: AnyStep, command: Perform) -> list[Draft]:
        match step:
            case do.Open():
                return [Draft(kind="job.opened", actor=command.by, body=self._opened(step, command.by))]
            case do.Dispatch():
                return self._dispatch(step, command.by)
            case do.Merge():
                merged = JobMerged(stop=step.stop or f"stop-{step.id}", jobs=step.jobs, orders=step.orders)
                return [Draft(kind="job.merged", actor=command.by, body=merged)]
            case do.Unmerge():
                return [Draft(kind="job.unmerged", actor=command.by, body=self._unmerged(step.merge))]
            case do.Release():
                held = self._unreleased(step.job)
                return [self._draft("job.released", JobReleased(held=one), step.job, command.by) for one in held]
            case do.Resolve():
                kind, body = office_body(self._cited(step, command.job), self._roster, "")
                return [self._draft(kind, body, command.job, command.by)]
            case do.Reassign():
                kind, body = office_body(step, self._roster, step.basis or self._node(step.job))
                return [self._draft(kind, body, command.job, command.by)]
        kind, fact = self._one(step, command)
        return [self._draft(kind, fact, command.job, command.by)]

    @staticmethod
    def _draft(kind: str, body: Fact, job: str, by: str) -> Draft:
        return Draft(kind=kind, actor=by, job=job, body=body)

    def _one(self, step: AnyStep, command: Perform) -> tuple[str, Fact]:
        """The kind and body of a step that records one event about its job."""
        match step:
            case do.Plan():
                return "job.planned", plan_of(step, self._plans(step.job))
            case do.Hold():
                return "job.held", JobHeld(reason=step.reason, until=step.until)
            case do.Close():
                return "job.resolved", JobResolved(node=step.node or self._node(step.job), outcome=step.outcome)
            case do.Cancel():
                return "job.cancelled", JobCancelled(node=step.node or self._node(step.job), reason=step.reason)
            case do.Reopen():
                return "job.reopened", JobReopened(closings=self._closings(step.job), reason=step.reason)
            case do.Correct():
                return "correction.made", Correction(corrects=step.event, reason=step.reason, fields=step.fields)
            case do.Offer():
                return "handover.offered", self._offered(step, command.by)
            case do.Accept():
                return "handover.accepted", self._accepted(step, command.by)
            case do.Refuse():
                party = step.party or command.by
                return "handover.refused", Refused(
                    roster=self._roster, offer=step.offer, party=party, reason=step.reason
                )
            case do.Withdraw():
                sender = self._sender(command.job, step.offer)
                return "handover.withdrawn", Withdrawn(
                    roster=self._roster, offer=step.offer, sender=sender, reason=step.reason
                )
        raise Problem(BAD_ARGUMENT, f"{type(step).__name__} is not done in the office")

    def _opened(self, step: do.Open, by: str) -> JobOpened:
        said = opening_fields(step)
        return JobOpened(roster=self._roster, party=step.party or by, site=step.site or "", **said)  # type: ignore[arg-type]  # literals, checked when the scenario was read

    def _dispatch(self, step: do.Dispatch, by: str) -> list[Draft]:
        """Plan (where a window or stop is said), the word that the job went out, and the offer."""
        drafts = []
        plan = self.journey(step.job).plan
        stop = step.stop or (plan.stop if plan else "")
        if step.stop or step.window_from or step.window_to:
            planned = plan_of(step, self._plans(step.job))
            stop = planned.stop
            drafts.append(self._draft("job.planned", planned, step.job, by))
        drafts.append(self._draft("job.dispatched", JobDispatched(to=step.to, stop=stop), step.job, by))
        drafts.append(self._draft("handover.offered", self._offered(step, by, stop), step.job, by))
        return drafts

    def _offered(self, step: do.Offer | do.Dispatch, by: str, stop: str = "") -> Offered:
        found = self.journey(step.job)
        sender, basis = (step.sender, step.basis) if isinstance(step, do.Offer) else (None, None)
        newest = self._writing.documents.newest(f"policy:{step.boundary}")
        if newest is None:
            raise Problem(NOT_FOUND, f"no policy of boundary {step.boundary}")
        return Offered(
            roster=self._roster,
            basis=basis or self._node(step.job),
            sender=sender or found.accountable or by,
            to=step.to,
            boundary=step.boundary or "",
            policy=newest[0],
            payload=step.payload or NOTHING_TO_ADD,
            until=step.until,
            stop=stop,
            site=found.opened.site if found.opened else "",
        )

    def _accepted(self, step: do.Accept, by: str) -> Accepted:
        return Accepted(
            roster=self._roster,
            offer=step.offer,
            party=step.party or by,
            synthesis=Synthesis(words=step.words),
            met="witnessed" if step.met == "witnessed" else "remote",
            reservations=tuple(
                Reservation(item=one.item, counted=one.counted, remark=one.remark) for one in step.reservations
            ),
            signed_name=step.signed_name,
        )

    # -- what is known of a job ----------------------------------------------------------
    def _plans(self, job: str) -> tuple[str, ...]:
        standing = still_standing(self.journey(job).timeline)
        return tuple(event.hash for event in standing if isinstance(event.body, JobPlanned))

    def _unreleased(self, job: str) -> tuple[str, ...]:
        timeline = self.journey(job).timeline
        released = {event.body.held for event in timeline if isinstance(event.body, JobReleased)}
        held = [event.hash for event in timeline if isinstance(event.body, JobHeld) and event.hash not in released]
        if not held:
            raise Problem(NOT_FOUND, f"job {job} is not held")
        return tuple(held)

    def _closings(self, job: str) -> tuple[str, ...]:
        closings = (JobResolved, JobCancelled, JobClosedByRule)
        found = tuple(event.hash for event in self.journey(job).timeline if isinstance(event.body, closings))
        if not found:
            raise Problem(NOT_FOUND, f"job {job} is not closed")
        return found

    def _unmerged(self, merged: str) -> JobUnmerged:
        row = self._writing.facts
        for job in row.documents.con.execute("SELECT job FROM job").fetchall():
            for event in self.journey(job[0]).timeline:
                if event.hash == merged and isinstance(event.body, JobMerged):
                    return JobUnmerged(merged=merged, jobs=event.body.jobs)
        raise Problem(NOT_FOUND, f"no merge {merged}")

    def _sender(self, job: str, offer: str) -> str:
        for one in self.journey(job).handovers:
            if one.offer.hash == offer:
                return one.content.sender
        raise Problem(NOT_FOUND, f"no offer {offer} in the office")

    def _cited(self, step: do.Resolve, job: str) -> do.Resolve:
        """The resolution with all that the office sees of the case, where it does not say what it cites or replaces."""
        facts = self._writing.facts.job(job)
        standings = facts.standings if facts else []
        nodes = {one.event.hash: one.node for one in standings if one.node is not None}
        basis, chosen = nodes.get(step.basis), nodes.get(step.chosen or "")
        if basis is None:
            raise Problem(NOT_FOUND, f"no node {step.basis} in the office")
        case = next((one for one in self.journey(job).custody.cases if nodes[one.basis].key == basis.key), None)
        replaces = case.resolutions if case and step.replaces is None else step.replaces or ()
        cites = step.cites
        if cites is None:
            beside = [hash_ for hash_, node in nodes.items() if _branch(node, basis) not in ("", chosen and chosen.key)]
            about = (*case.children, *case.withdrawals) if case else ()
            cites = tuple(dict.fromkeys((*about, *beside)))
        return msgspec.structs.replace(
            step, cites=tuple(one for one in cites if one not in replaces), replaces=replaces
        )


def _branch(node: Node, basis: Node) -> str:
    """The key of the child of `basis` on whose branch the node is; "" where it is on none."""
    here: Node | None = node
    while here is not None and here.parent is not None:
        if here.parent.key == basis.key:
            return here.key
        here = here.parent
    return ""
