"""The steps of a scenario as a person does them on a device: each through the agent, nothing beside it.

With `force` a step goes past what the agent would not do, straight to the door: so that what could come from
a device that was tampered with, or is of another version, can be judged.
"""

from pathlib import Path

from device.agent import Agent
from device.codes import Code, read_code
from device.jobs import Departure
from device.record import Door
from device.scan import codes_in_file
from device.show import png
from sync.acceptance import open_points, synthesis_of
from sync.cards import label_text, read_label
from sync.events import (
    Accepted,
    CheckFound,
    Confirmed,
    ContactReceived,
    Draft,
    Event,
    Fact,
    JobCancelled,
    JobPlanned,
    JobResolved,
    Offered,
    Refused,
    Reservation,
    VisitArrived,
    Withdrawn,
)
from sync.facts import still_standing
from sync.ids import b64
from sync.payload import Synthesis
from sync.problems import BAD_ARGUMENT, GAPS_OPEN, NOT_FOUND, Problem
from trial import acts as do
from trial.bodies import NOTHING_TO_ADD, office_body, opening_fields, plan_of
from trial.steps import AnyStep
from trial.wire import Perform
from trial.world import SetWorld

PIN = "4071"
"""Everybody's on every device of a play: whose turn it is there is for the scenario to say."""


class DeviceActs:
    """One device, and what people do on it."""

    def __init__(self, agent: Agent, world: SetWorld) -> None:
        self._agent = agent
        self._world = world

    # -- codes ---------------------------------------------------------------------
    async def show(self, event: str, path: Path) -> list[str]:
        """The code of an event of this device drawn as PNG files beside `path`: one, or one a part."""
        shown = await self._agent.codes.show(event)
        paths = [path.with_stem(f"{path.stem}-{number}") for number in range(1, len(shown.texts) + 1)]
        for text, file in zip(shown.texts, paths, strict=True):
            file.write_bytes(png(text))
        return [str(file) for file in paths]

    @staticmethod
    def _scanned(pictures: tuple[str, ...]) -> Code | None:
        """The code in these pictures, read as the product's scanner reads pictures; none where there are none."""
        texts = [text for picture in pictures for text in codes_in_file(Path(picture))]
        return read_code(texts) if texts else None

    def _label(self, id_: str) -> str:
        """What the scanner reads from the printed label of an item or asset."""
        path = self._agent.holding.directory / "label.png"
        path.write_bytes(png(label_text(id_)))
        (text,) = codes_in_file(path)
        return read_label(text)

    # -- steps ---------------------------------------------------------------------
    async def perform(self, command: Perform) -> None:
        """The step is done by the person; what the agent refuses is raised."""
        step, by = command.step, command.by
        await self._take_over(by)
        if getattr(step, "force", False):
            await self._past_checks(command)
        elif isinstance(step, do.Offer | do.Accept | do.Refuse | do.Withdraw | do.Confirm):
            await self._hand(step, by, self._scanned(command.pictures))
        elif isinstance(step, do.Arrive | do.Depart | do.Scan | do.Check):
            await self._on_site(step, by)
        else:
            await self._on_job(step, by)

    async def _take_over(self, by: str) -> None:
        """Afterwards a shared device that nobody held yet is held by who acts first, as its people would have it."""
        await self._agent.refresh()
        here = self._agent.holding
        if len(here.people()) > 1 and by in here.people() and here.holder() not in here.people():
            await self._agent.switch(by, PIN)

    async def _hand(
        self,
        step: do.Offer | do.Accept | do.Refuse | do.Withdraw | do.Confirm,
        by: str,
        code: Code | None,
    ) -> None:
        offering, accepting = self._agent.offering, self._agent.accepting
        match step:
            case do.Offer():
                said = {"until": step.until, "visit": step.visit or ""}
                await offering.offer(
                    by,
                    step.job,
                    step.payload or NOTHING_TO_ADD,
                    step.to,
                    boundary=step.boundary or "",
                    **{name: value for name, value in said.items() if value},
                )
            case do.Accept():
                seen = await accepting.look(by, code or step.offer, party=step.party or "")
                payload = seen.content.payload
                picked = open_points(payload) if step.picked is None else step.picked
                await accepting.accept(
                    by,
                    seen,
                    synthesis_of(step.words, picked, seen.choices, payload),
                    reservations=_reservations(step),
                    signed_name=step.signed_name,
                )
            case do.Refuse():
                seen = await accepting.look(by, code or step.offer, party=step.party or "")
                await accepting.refuse(by, seen, step.reason)
            case do.Withdraw():
                await offering.withdraw(by, step.offer, step.reason)
            case do.Confirm():
                await offering.confirm(by, code or step.accepted)

    async def _on_site(self, step: do.Arrive | do.Depart | do.Scan | do.Check, by: str) -> None:
        jobs = self._agent.jobs
        match step:
            case do.Arrive():
                await jobs.arrive(
                    by,
                    step.job,
                    site=step.site or "",
                    asset=step.asset or "",
                    stop=step.stop,
                    occurred_at=step.occurred_at,
                )
            case do.Depart():
                await self._depart(step, by)
            case do.Scan(asset=None):
                said = {
                    "order": step.order,
                    "line": step.line or None,
                    "visit": step.visit,
                    "reservation": step.reservation,
                    "entered": "scanned",
                }
                there = {name: value for name, value in said.items() if value is not None}
                await jobs.scan_item(by, step.job, self._label(step.item), step.as_, qty=step.qty, **there)
            case do.Scan():
                asset = self._label(step.asset or "")
                await jobs.scan_asset(by, step.job, asset, visit=step.visit or "", entered="scanned")
            case do.Check():
                found = await self._found(step.visit, step.clears or step.overrides)
                if step.clears:
                    await jobs.clear(by, found, step.how)
                else:
                    await jobs.override(by, found, step.reason)

    async def _depart(self, step: do.Depart, by: str) -> None:
        """Leave; where gaps keep the person, override those that the step gives a reason for, and leave then."""
        jobs = self._agent.jobs
        job = (await self._visit(step.visit)).job
        said = {
            name: value
            for name in ("reason", "plan_declared_at", "converted_at", "excluded", "excluded_by")
            if (value := getattr(step, name))
        }

        async def leave() -> Departure:
            return await jobs.depart(
                by,
                job,
                step.outcome,
                payload=step.payload,
                boundary=step.boundary or "",
                visit=step.visit,
                occurred_at=step.occurred_at,
                part=step.part,
                **said,
            )

        came = await leave()
        for gap in came.gaps:
            if gap.check in step.override:
                await jobs.override(by, gap.found, step.override[gap.check])
        if came.gaps and step.override:
            came = await leave()
        if came.departed is None:
            raise Problem(GAPS_OPEN, "; ".join(f"{gap.check}: {gap.text}" for gap in came.gaps))

    async def _visit(self, visit: str) -> Event:
        """The arrival of a visit, as held here; NOT_FOUND for any other."""
        await self._agent.refresh()
        memory = self._agent.holding.memory
        for job in memory.jobs():
            for event in memory.journey(job).timeline:
                if isinstance(event.body, VisitArrived) and event.body.visit == visit:
                    return event
        raise Problem(NOT_FOUND, f"no visit {visit} on this device")

    async def _found(self, visit: str, check: str) -> str:
        """The hash of what this check found at the visit."""
        job = (await self._visit(visit)).job
        for one in self._agent.holding.memory.journey(job).checks:
            if (one.visit, one.check) == (visit, check) and isinstance(one.found.body, CheckFound):
                return one.found.hash
        raise Problem(NOT_FOUND, f"check {check} has not run at this visit")

    async def _on_job(self, step: AnyStep, by: str) -> None:
        jobs = self._agent.jobs
        match step:
            case do.Open():
                await jobs.open(by, party=step.party or "", site=step.site or "", **opening_fields(step))
            case do.Plan():
                await jobs.tell(by, "job.planned", await self._plan(step), step.job)
            case do.Hold():
                await jobs.hold(by, step.job, step.reason, step.until)
            case do.Release():
                await jobs.release(by, step.job)
            case do.Close():
                await jobs.resolve(by, step.job, step.outcome)
            case do.Cancel():
                await jobs.cancel(by, step.job, step.reason)
            case do.Reopen():
                await jobs.reopen(by, step.job, step.reason)
            case do.Contact():
                await jobs.tell(by, "contact.received", self._contact(step), step.job)
            case do.Assist():
                await (jobs.leave if step.leaves else jobs.join)(by, step.job, step.who or by)
            case do.Correct():
                await jobs.correct(by, step.event, step.fields, step.reason)
            case do.SwitchPerson():
                await self._agent.switch(step.to, PIN)
            case _:
                raise Problem(BAD_ARGUMENT, f"{type(step).__name__} is not done on a device")

    async def _plan(self, step: do.Plan) -> JobPlanned:
        """The plan, in the place of those known here that nothing replaced."""
        await self._agent.refresh()
        timeline = self._agent.holding.journey(step.job).timeline
        plans = tuple(event.hash for event in still_standing(timeline) if isinstance(event.body, JobPlanned))
        return plan_of(step, plans)

    def _contact(self, step: do.Contact) -> ContactReceived:
        previous = self._agent.holding.memory.event(step.previous or "")
        return ContactReceived(
            contact=b64(self._world.token(12)),
            channel=step.channel,
            customer=step.customer,
            intent=step.intent,
            previous=previous.body.contact if previous and isinstance(previous.body, ContactReceived) else "",
            had_to_repeat=step.had_to_repeat,
        )

    # -- past what the agent would not do --------------------------------------------
    async def _past_checks(self, command: Perform) -> None:
        """The event of a forced step through the door, as it would look if this device were not ours."""
        here = self._agent.holding
        await here.refresh()
        kind, body = self._forced(command)
        draft = Draft(kind=kind, actor=command.by, job=command.job, body=body)
        await Door(here.store, self._world, here.signer).record([draft])
        await here.refresh()

    def _forced(self, command: Perform) -> tuple[str, Fact]:
        step, by, roster = command.step, command.by, self._agent.holding.roster()
        match step:
            case do.Close():
                return "job.resolved", JobResolved(node=step.node or self._node(step.job), outcome=step.outcome)
            case do.Cancel():
                return "job.cancelled", JobCancelled(node=step.node or self._node(step.job), reason=step.reason)
            case do.Offer():
                return "handover.offered", self._forced_offer(step, by)
            case do.Accept():
                return "handover.accepted", Accepted(
                    roster=roster,
                    offer=step.offer,
                    party=step.party or by,
                    synthesis=Synthesis(words=step.words),
                    met=step.met or "met",
                    reservations=_reservations(step),
                    signed_name=step.signed_name,
                )
            case do.Refuse():
                return "handover.refused", Refused(
                    roster=roster, offer=step.offer, party=step.party or by, reason=step.reason
                )
            case do.Withdraw():
                return "handover.withdrawn", Withdrawn(roster=roster, offer=step.offer, sender=by, reason=step.reason)
            case do.Confirm():
                return "handover.confirmed", Confirmed(
                    roster=roster, offer=command.offer, accepted=step.accepted, sender=by
                )
            case do.Resolve() | do.Reassign():
                return office_body(step, roster, "")
        raise Problem(BAD_ARGUMENT, f"{type(step).__name__} cannot be forced")

    def _forced_offer(self, step: do.Offer, by: str) -> Offered:
        here = self._agent.holding
        boundary = step.boundary or ""
        opened = here.memory.journey(step.job).opened
        return Offered(
            roster=here.roster(),
            basis=step.basis or self._node(step.job),
            sender=step.sender or by,
            to=step.to,
            boundary=boundary,
            policy=here.memory.policies()[boundary][0],
            payload=step.payload or NOTHING_TO_ADD,
            until=step.until,
            visit=step.visit or "",
            site=opened.site if opened else "",
        )

    def _node(self, job: str) -> str:
        return self._agent.holding.node(job).hash


def _reservations(step: do.Accept) -> tuple[Reservation, ...]:
    return tuple(Reservation(item=one.item, counted=one.counted, remark=one.remark) for one in step.reservations)
