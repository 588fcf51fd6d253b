"""What a person does on a job, short of handing it over: open it, be there, scan, check, leave, close it."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from device.bodies import body_of
from device.holding import Holding
from device.store.log import Recorded
from sync.checks import Finding, earlier, run_checks
from sync.clock import milliseconds
from sync.corrections import correction_of
from sync.events import (
    KINDS,
    Accepted,
    AssetScanned,
    AssistJoined,
    AssistLeft,
    Blob,
    CheckCleared,
    CheckFound,
    CheckOverridden,
    ContactReceived,
    Custody,
    Draft,
    Entered,
    Fact,
    ItemScanned,
    JobCancelled,
    JobClosedByRule,
    JobHeld,
    JobOpened,
    JobReleased,
    JobReopened,
    JobResolved,
    NoteWritten,
    VisitArrived,
    VisitDeparted,
    VisitOutcome,
)
from sync.ids import ENTRY_BYTES, b64, job_id
from sync.journey import Attendance, Journey
from sync.payload import Payload
from sync.policy import Policy
from sync.problems import BAD_ARGUMENT, GAPS_OPEN, NOT_FOUND, Problem

ItemStep = Literal["picked", "loaded", "delivered", "installed", "returned", "short"]


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A gap that the person is told of: `found` names the check's event, for clearing or overriding it."""

    found: str
    check: str
    gap: str
    text: str


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """What came of wanting to leave: gone (`departed`), or kept by these gaps."""

    departed: Recorded | None
    gaps: tuple[Gap, ...] = ()


class Jobs:
    """Actions on one job each, recorded for the person who acts."""

    def __init__(self, holding: Holding) -> None:
        self._here = holding

    # -- opening and closing --------------------------------------------------
    async def open(self, person: str, *, site: str, party: str = "", **said: str) -> str:
        """A new job with its root in this device's log, `party` (the person, if not said) accountable: its id.

        `said` are fields of `job.opened`: asset, customer, desired_outcome, owner, intent, type, trade, ...
        """
        await self._here.refresh()
        who = self._here.person(person)
        body = body_of(JobOpened, {"roster": self._here.roster(), "party": party or who, "site": site, **said})
        (opened,) = await self._here.record(Draft(kind="job.opened", actor=who, body=body))
        return job_id(opened.hash)

    async def resolve(self, person: str, job: str, outcome: str = "done") -> Recorded:
        """The job is done, says whoever is accountable."""
        return await self._close(person, job, "job.resolved", JobResolved(node=await self._node(job), outcome=outcome))

    async def cancel(self, person: str, job: str, reason: str) -> Recorded:
        """The job will not be done, says whoever is accountable."""
        return await self._close(person, job, "job.cancelled", JobCancelled(node=await self._node(job), reason=reason))

    async def _node(self, job: str) -> str:
        await self._here.refresh()
        return self._here.node(job).hash

    async def _close(self, person: str, job: str, kind: str, body: Fact) -> Recorded:
        return await self.tell(person, kind, body, job)

    async def reopen(self, person: str, job: str, reason: str = "") -> Recorded:
        """Every closing of the job that is known here no longer holds."""
        await self._here.refresh()
        journey = self._here.journey(job)
        closings = tuple(
            event.hash
            for event in journey.timeline
            if isinstance(event.body, JobResolved | JobCancelled | JobClosedByRule)
        )
        if journey.state == "open" or not closings:
            raise Problem(NOT_FOUND, f"job {job} is not closed")
        return await self.tell(person, "job.reopened", JobReopened(closings=closings, reason=reason), job)

    async def hold(self, person: str, job: str, reason: str, until: str = "") -> Recorded:
        """The job waits."""
        return await self.tell(person, "job.held", JobHeld(reason=reason, until=until), job)

    async def release(self, person: str, job: str) -> tuple[Recorded, ...]:
        """Every hold of the job that is known here ended."""
        await self._here.refresh()
        who = self._here.person(person)
        timeline = self._here.journey(job).timeline
        released = {event.body.held for event in timeline if isinstance(event.body, JobReleased)}
        held = [event for event in timeline if isinstance(event.body, JobHeld) and event.hash not in released]
        if not held:
            raise Problem(NOT_FOUND, f"job {job} is not held")
        drafts = [Draft(kind="job.released", actor=who, job=job, body=JobReleased(held=one.hash)) for one in held]
        return await self._here.record(*drafts)

    # -- at the site ----------------------------------------------------------
    async def arrive(
        self,
        person: str,
        job: str,
        *,
        site: str = "",
        asset: str = "",
        stop: str = "",
        occurred_at: str = "",
        entered: Entered | None = None,
    ) -> str:
        """A visit began, at the job's site where none is said: the id that was minted for it."""
        await self._here.refresh()
        journey = self._here.journey(job)
        opened = journey.opened
        place = site or (opened.site if opened else "")
        if not place:
            raise Problem(BAD_ARGUMENT, "say at which site", job)
        visit = b64(self._here.world.token(ENTRY_BYTES))
        body = VisitArrived(
            visit=visit,
            site=place,
            asset=asset or (opened.asset if opened else ""),
            stop=stop or (journey.plan.stop if journey.plan else ""),
            type=opened.type if opened else "corrective",
            trade=opened.trade if opened else "",
            occurred_at=occurred_at,
            entered=entered,
        )
        await self.tell(person, "visit.arrived", body, job)
        return visit

    async def scan_item(
        self, person: str, job: str, item: str, step: ItemStep, *, qty: int = 1, **said: str | None
    ) -> Recorded:
        """So many of an item were seen at this step; `said` are other fields of `item.scanned`.

        Where no visit is said, it is the one this person is at. A `reservation` names an acceptance of this job that
        reserved something; NOT_FOUND for any other.
        """
        fields = {"visit": await self._visit(person, job), **said}
        if reservation := said.get("reservation"):
            self._reserved(job, reservation)
        body = body_of(ItemScanned, {"item": item, "step": step, "qty": qty, **fields})
        return await self.tell(person, "item.scanned", body, job)

    def _reserved(self, job: str, reservation: str) -> None:
        """Return only if an acceptance of this job that is held here reserved something under this name.

        It may still be parked: whoever accepts with no network lacks what made the sender accountable.
        """
        answer = self._here.event(reservation)
        if answer.job != job or not isinstance(answer.body, Accepted) or not answer.body.reservations:
            raise Problem(NOT_FOUND, f"no acceptance {reservation} with a reservation on this job")

    async def scan_asset(
        self, person: str, job: str, asset: str, *, site: str = "", visit: str = "", entered: Entered | None = None
    ) -> Recorded:
        """The asset stood in front of the scanner."""
        body = AssetScanned(asset=asset, site=site, visit=visit or await self._visit(person, job), entered=entered)
        return await self.tell(person, "asset.scanned", body, job)

    async def _visit(self, person: str, job: str) -> str:
        """The visit of this person that has not ended, if there is one."""
        await self._here.refresh()
        now = self.present(self._here.person(person), job)
        return now.visit if now else ""

    def present(self, person: str, job: str) -> Attendance | None:
        """The visit at which this person is now, as known here."""
        visits = self._here.journey(job).visits
        return next((one for one in reversed(visits) if person in one.people and one.departed_ms is None), None)

    # -- leaving --------------------------------------------------------------
    async def depart(
        self,
        person: str,
        job: str,
        outcome: VisitOutcome = "done",
        *,
        payload: Payload | None = None,
        boundary: str = "",
        visit: str = "",
        occurred_at: str = "",
        **said: str,
    ) -> Departure:
        """The visit ended, unless a check that prompts found a gap that is neither put right nor overridden.

        The checks of the boundary's policy run first, on what is recorded and on `payload`, what the person is
        about to hand over. A gap that has been put right since is recorded as cleared. A visit that was
        cancelled or found no access is not checked. `said` are fields of `visit.departed`.
        """
        await self._here.refresh()
        who = self._here.person(person)
        journey = self._here.journey(job)
        here = visit or self._open_visit(who, journey)
        if outcome == "done":
            policy = self._policy(who, boundary)
            if policy is not None:
                gaps = await self._check(who, journey, here, policy, payload)
                if gaps:
                    return Departure(departed=None, gaps=gaps)
        body = body_of(VisitDeparted, {"visit": here, "outcome": outcome, "occurred_at": occurred_at, **said})
        (departed,) = await self._here.record(Draft(kind="visit.departed", actor=who, job=job, body=body))
        return Departure(departed=departed)

    def _open_visit(self, person: str, journey: Journey) -> str:
        now = self.present(person, journey.job)
        if now is None:
            raise Problem(NOT_FOUND, f"{person} is at no visit for this job", journey.job)
        return now.visit

    def _policy(self, person: str, boundary: str) -> Policy | None:
        """The policy whose checks run: of the boundary that was said, or of the only one this person may cross."""
        policies = self._here.memory.policies()
        if boundary:
            if boundary not in policies:
                raise Problem(NOT_FOUND, f"no policy of boundary {boundary} on this device")
            return policies[boundary][1]
        roles = who.roles if (who := self._here.memory.directory.person(person)) else ()
        with_checks = [
            policy
            for _, policy in policies.values()
            if policy.checks and (policy.sender_role is None or policy.sender_role in roles)
        ]
        if len(with_checks) > 1:
            names = ", ".join(policy.boundary for policy in with_checks)
            raise Problem(BAD_ARGUMENT, f"say over which boundary the job goes next: {names}")
        return with_checks[0] if with_checks else None

    async def _check(
        self, person: str, journey: Journey, visit: str, policy: Policy, payload: Payload | None
    ) -> tuple[Gap, ...]:
        """Run the checks and record what they found for the first time, or found put right: the gaps to be told."""
        before = earlier(journey, visit)
        drafts = []
        for finding in run_checks(policy, journey, visit, payload or Payload()):
            known = before.get(finding.rule.id)
            if known is None:
                drafts.append(self._found(finding))
            elif known.became == "open" and not finding.gap:
                drafts.append(("check.cleared", CheckCleared(found=known.found.hash, how="seen by the check")))
        if drafts:
            await self._here.record(
                *(Draft(kind=kind, actor=person, job=journey.job, body=body) for kind, body in drafts)
            )
        return self.gaps(journey.job, visit)

    @staticmethod
    def _found(finding: Finding) -> tuple[str, Fact]:
        return "check.found", CheckFound(
            check=finding.rule.id, visit=finding.visit, arm=finding.arm, gap=finding.gap, text=finding.text
        )

    def gaps(self, job: str, visit: str) -> tuple[Gap, ...]:
        """The gaps of this visit that somebody is to be told of; what runs silently is not among them."""
        return tuple(
            Gap(found=check.found.hash, check=check.check, gap=check.gap, text=check.found.body.text)
            for check in self._here.journey(job).checks
            if check.visit == visit
            and check.became == "open"
            and check.arm == "prompt"
            and isinstance(check.found.body, CheckFound)
        )

    async def clear(self, person: str, found: str, how: str = "") -> Recorded:
        """The gap that this check found was put right on site."""
        return await self._settle(person, found, "check.cleared", CheckCleared(found=found, how=how))

    async def override(self, person: str, found: str, reason: str) -> Recorded:
        """The person leaves with the gap, and says why."""
        if not reason.strip():
            raise Problem(GAPS_OPEN, "going with a gap needs a reason")
        return await self._settle(person, found, "check.overridden", CheckOverridden(found=found, reason=reason))

    async def _settle(self, person: str, found: str, kind: str, body: Fact) -> Recorded:
        await self._here.refresh()
        event = self._here.event(found)
        if not isinstance(event.body, CheckFound) or not event.body.gap:
            raise Problem(NOT_FOUND, f"{found} is no check that found a gap")
        return await self.tell(person, kind, body, event.job)

    # -- words ----------------------------------------------------------------
    async def note(self, person: str, job: str, text: str, *, blobs: Sequence[Blob] = ()) -> Recorded:
        """Free words on the job; `blobs` were attached before."""
        return await self.tell(person, "note.written", NoteWritten(text=text), job, blobs=blobs)

    async def contact(
        self, person: str, job: str, channel: str, *, blobs: Sequence[Blob] = (), **said: str
    ) -> Recorded:
        """A customer was in touch; `said` are fields of `contact.received`. The transcript is the one among `blobs`."""
        minted = b64(self._here.world.token(ENTRY_BYTES))
        transcript = next((one.sha256 for one in blobs if one.what == "transcript"), "")
        fields = {"contact": minted, "channel": channel, "transcript": transcript, **said}
        return await self.tell(person, "contact.received", body_of(ContactReceived, fields), job, blobs=blobs)

    async def join(self, person: str, job: str, who: str) -> Recorded:
        """Somebody helps; accountability does not move."""
        return await self.tell(person, "assist.joined", AssistJoined(who=who), job)

    async def leave(self, person: str, job: str, who: str) -> Recorded:
        """Somebody no longer helps."""
        return await self.tell(person, "assist.left", AssistLeft(who=who), job)

    async def correct(self, person: str, wrong: str, fields: dict[str, str], reason: str) -> Recorded:
        """What the event `wrong` (a hash) said is put right, field by field, in an event of its own.

        NOT_CORRECTABLE for what moved accountability, a field that it does not have, a value that does not fit.
        """
        await self._here.refresh()
        event = self._here.event(wrong)
        facts = self._here.journey(event.job).timeline if event.job else (event,)
        body = correction_of(facts, wrong, fields, reason)
        return await self.tell(person, "correction.made", body, event.job)

    async def tell(self, person: str, kind: str, body: Fact, job: str = "", *, blobs: Sequence[Blob] = ()) -> Recorded:
        """Any fact that moves no accountability, recorded for the person who acts; `blobs` were attached before.

        BAD_ARGUMENT for a custody kind (those have actions of their own) or a time without offset.
        """
        await self._here.refresh()
        who = self._here.person(person)
        if job:
            self._here.known(job)
        if isinstance(body, Custody) or KINDS.get(kind) is not type(body):
            raise Problem(BAD_ARGUMENT, f"{kind} is not recorded this way")
        if body.occurred_at:
            milliseconds(body.occurred_at)
        draft = Draft(kind=kind, actor=who, job=job, body=body, blobs=tuple(blobs))
        (recorded,) = await self._here.record(draft)
        return recorded
