"""The steps of a scenario as the office does them: actions of staff, recorded in the backend's own log."""

from typing import Final

import msgspec

from backend.acting import Acting, AskedPromotion, AskedRevocation
from backend.actions import ACTIONS, AskedMerge, AskedUnmerge, SeenJob
from backend.by_hand import AskedJob
from backend.intake import Door
from backend.project import journey_of
from backend.promoting import MAY_PROMOTE
from backend.revoking import MAY_REVOKE, allow
from backend.writing import Writing
from sync.events import (
    Accepted,
    Confirmed,
    Draft,
    Fact,
    JobCancelled,
    JobResolved,
    Offered,
    Refused,
    Reservation,
    Withdrawn,
)
from sync.journey import Journey
from sync.payload import Synthesis
from sync.problems import BAD_ARGUMENT, NOT_FOUND, Problem
from sync.standing import Node
from trial import acts as do
from trial.bodies import NOTHING_TO_ADD, office_body, opening_fields, plan_of
from trial.steps import AnyStep, main_event
from trial.wire import Perform

LATEST: Final = 2**53 - 1
"""What is said to have been seen by somebody who looks at what stands now."""


class OfficeActs:
    """What staff do, in one transaction of the door.

    Each step is an action of the office, with its rules, as the board does it. A step that is forced, or that says
    what an action works out by itself, is recorded through the door as it stands.
    """

    def __init__(self, door: Door, writing: Writing) -> None:
        self._door = door
        self._writing = writing
        self._roster, _ = writing.documents.roster()

    def perform(self, command: Perform) -> None:
        """The step is recorded, or the problem raised for which it is not."""
        step = command.step
        acting = Acting(self._door, command.by)
        id_ = f"scenario-{step.id}"
        match step:
            case do.Open():
                said = opening_fields(step)
                asked = {"action": id_, "site": step.site or "", "party": step.party or "", **said}
                acting.open(self._writing, msgspec.convert(asked, AskedJob))
            case do.Merge():
                jobs = tuple(SeenJob(job=job, seen=self._seen(job)) for job in step.jobs)
                orders = tuple(self._order(step.jobs, order) for order in step.orders)
                stop = step.stop or f"stop-{step.id}"
                acting.merge(self._writing, AskedMerge(action=id_, stop=stop, jobs=jobs, orders=orders))
            case do.Revoke():
                allow(self._writing, command.by, MAY_REVOKE)
                acting.revoke(self._writing, step.device, self._revocation(step, id_))
            case do.Promote():
                allow(self._writing, command.by, MAY_PROMOTE)
                reason = {"reason": step.reason} if step.reason else {}
                acting.promote(self._writing, step.event, AskedPromotion(action=id_, **reason))
            case do.Unmerge():
                asked_end = AskedUnmerge(action=id_, seen=LATEST, job=command.job, merged=step.merge)
                acting.unmerge(self._writing, asked_end)
            case _:
                asked_of = None if getattr(step, "force", False) else self._action(step)
                if asked_of is None:
                    self._door.office.record(self._writing, [self._draft(command)])
                else:
                    name, fields = asked_of
                    action = ACTIONS[name]
                    base = {"action": id_, "seen": self._seen(command.job)}
                    acting.act(self._writing, action, command.job, msgspec.convert(base | fields, action.shape))

    def journey(self, job: str) -> Journey:
        """The way of a job as the office sees it; NOT_FOUND where it was never opened here."""
        facts = self._writing.facts.job(job)
        if facts is None:
            raise Problem(NOT_FOUND, f"no job {job} in the office")
        return journey_of(self._writing, facts.ref)[0]

    def _revocation(self, step: do.Revoke, action: str) -> AskedRevocation:
        asked = AskedRevocation(action=action, reason=step.reason)
        if step.suspect_from is None:
            return asked
        standing = self._writing.facts.by_hash(step.suspect_from)
        if standing is None:
            raise Problem(NOT_FOUND, f"no custody event {step.suspect_from} in the office")
        event = standing.event
        return msgspec.structs.replace(asked, suspect_log=event.log, suspect_from=event.seq)

    def _seen(self, job: str) -> int:
        facts = self._writing.facts.job(job)
        if facts is None:
            raise Problem(NOT_FOUND, f"no job {job} in the office")
        return facts.seen

    def _order(self, jobs: tuple[str, ...], order: str) -> str:
        """The full name, `source/id`, of an order that hangs on one of these jobs."""
        known = [name for job in jobs for name in self.journey(job).orders]
        return next((name for name in known if name.partition("/")[2] == order), order)

    # -- actions of the office ---------------------------------------------------------
    def _action(self, step: AnyStep) -> tuple[str, dict[str, object]] | None:
        """The action that a step is, and what it is sent besides id and `seen`; None where the office has none."""
        match step:
            case do.Plan():
                return "plan", {"plan": self._plan(step)}
            case do.Dispatch():
                planned = step.stop or step.window_from or step.window_to
                return "dispatch", {
                    "to": step.to,
                    "boundary": step.boundary,
                    "payload": msgspec.to_builtins(step.payload or NOTHING_TO_ADD),
                    "until": step.until,
                    "plan": self._plan(step) if planned else None,
                }
            case do.Withdraw():
                return "withdraw", {"offer": step.offer, "reason": step.reason or "taken back"}
            case do.Hold():
                return "hold", {"reason": step.reason, "until": step.until}
            case do.Release():
                return "release", {}
            case do.Close():
                return "close", {"outcome": step.outcome}
            case do.Cancel():
                return "cancel", {"reason": step.reason}
            case do.Reopen():
                return "reopen", {"reason": step.reason or "not done"}
            case do.Correct():
                return "correct", {"event": step.event, "fields": step.fields, "reason": step.reason}
            case do.Reassign(basis=None):
                return "reassign", {"party": step.party, "reason": step.reason, "words": step.words}
            case do.Accept(met="witnessed"):
                return "accept-for", {
                    "offer": step.offer,
                    "party": step.party or "",
                    "synthesis": {"words": step.words},
                    "reservations": [
                        {"item": one.item, "counted": one.counted, "remark": one.remark} for one in step.reservations
                    ],
                }
        return None

    @staticmethod
    def _plan(step: do.Plan | do.Dispatch) -> dict[str, str]:
        plan = plan_of(step, ())
        fields = ("stop", "crew", "window_from", "window_to", "eta")
        return {field: getattr(plan, field) for field in fields}

    # -- through the door as it stands -------------------------------------------------
    def _draft(self, command: Perform) -> Draft:
        step, by, roster = command.step, command.by, self._roster
        body: Fact
        match step:
            case do.Close():
                body = JobResolved(node=step.node or self._node(step.job), outcome=step.outcome)
            case do.Cancel():
                body = JobCancelled(node=step.node or self._node(step.job), reason=step.reason)
            case do.Offer():
                body = self._offered(step, by)
            case do.Accept():
                body = self._accepted(step, by)
            case do.Refuse():
                body = Refused(roster=roster, offer=step.offer, party=step.party or by, reason=step.reason)
            case do.Withdraw():
                body = Withdrawn(roster=roster, offer=step.offer, sender=by, reason=step.reason)
            case do.Confirm():
                body = Confirmed(roster=roster, offer=command.offer, accepted=step.accepted, sender=by)
            case do.Resolve():
                body = office_body(self._cited(step, command.job), roster, "")[1]
            case do.Reassign():
                body = office_body(step, roster, "")[1]
            case _:
                raise Problem(BAD_ARGUMENT, f"{type(step).__name__} is not done in the office")
        return Draft(kind=main_event(step), actor=by, job=command.job, body=body)

    def _node(self, job: str) -> str:
        at = self.journey(job).custody.at
        if at is None:
            raise Problem(NOT_FOUND, f"how job {job} began is not known in the office")
        return at.event.hash

    def _offered(self, step: do.Offer, by: str) -> Offered:
        found = self.journey(step.job)
        newest = self._writing.documents.newest(f"policy:{step.boundary}")
        if newest is None:
            raise Problem(NOT_FOUND, f"no policy of boundary {step.boundary}")
        return Offered(
            roster=self._roster,
            basis=step.basis or self._node(step.job),
            sender=step.sender or found.accountable or by,
            to=step.to,
            boundary=step.boundary or "",
            policy=newest[0],
            payload=step.payload or NOTHING_TO_ADD,
            until=step.until,
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

    def _cited(self, step: do.Resolve, job: str) -> do.Resolve:
        """The resolution with all that the office sees of the case, where it does not say what it cites or replaces."""
        facts = self._writing.facts.job(job)
        nodes = {one.event.hash: one.node for one in facts.standings if one.node is not None} if facts else {}
        basis, chosen = nodes.get(step.basis), nodes.get(step.chosen or "")
        if basis is None:
            raise Problem(NOT_FOUND, f"no node {step.basis} in the office")
        case = next((one for one in self.journey(job).custody.cases if nodes[one.basis].key == basis.key), None)
        replaces = step.replaces
        if replaces is None:
            replaces = case.resolutions if case else ()
        cites = step.cites
        if cites is None:
            beside = [hash_ for hash_, node in nodes.items() if _branch(node, basis) not in ("", chosen and chosen.key)]
            about = (*case.children, *case.withdrawals) if case else ()
            cites = tuple(hash_ for hash_ in dict.fromkeys((*about, *beside)) if hash_ not in replaces)
        return msgspec.structs.replace(step, cites=cites, replaces=replaces)


def _branch(node: Node, basis: Node) -> str:
    """The key of the child of `basis` on whose branch the node is; "" where it is on none."""
    here: Node | None = node
    while here is not None and here.parent is not None:
        if here.parent.key == basis.key:
            return here.key
        here = here.parent
    return ""
