"""An action of the office in one transaction: once however often sent, only on what was seen, only in scope."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from backend.actions import Action, ActionId, Asked, AskedMerge, AskedReason, AskedUnmerge, cancel, merge, unmerge
from backend.by_hand import AskedJob, beside_opening, opening
from backend.enrolment import revoke_device
from backend.facts import JobFacts
from backend.intake import Door
from backend.look import Look, changes_since, look_at
from backend.losses import Lost, declare, find_missing, gap_of
from backend.master import SITE, find
from backend.ordering import attach, held_order
from backend.problems import Changed
from backend.project import journey_of
from backend.promoting import promote
from backend.reach import EVERY_SITE, job_keys, person_keys
from backend.rows import OrderRow
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.codec import decode, encode
from sync.details import NO_MERGE, NO_ORDER, NO_SITE, NOT_TAKEN_BACK, ON_A_JOB, SAY_RANGES, TAKEN_BACK
from sync.events import Draft, Event, JobMerged, JobOpened, NoteWritten, Seq, VisitType
from sync.ids import digest
from sync.payload import Id, Line
from sync.problems import ACTION_REUSED, NOT_FOUND, NOT_POSSIBLE_NOW, STALE, WRONG_INPUT, Problem
from sync.revocation import Reason

_SQL: Final = queries("office")
_ORDERS: Final = queries("orders")


class AskedMatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The order (`source/id`) that waits belongs to this job, says a person."""

    action: ActionId
    order: Id
    job: Id
    seen: int


class AskedForOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Open a job of the desk's for the order (`source/id`) that waits, and hang it on that."""

    action: ActionId
    order: Id
    type: VisitType = "delivery"


class AskedSettling(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say what becomes of a job whose order was taken back after it was offered: it ends, or goes on, for a reason."""

    order: Id
    decision: Literal["cancel", "keep"]
    reason: Line


class AskedRevocation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End the device's right to record, for a reason.

    From `suspect_from` of `suspect_log` on its custody events keep their verdict and are put before people.
    """

    action: ActionId
    reason: Reason
    suspect_log: str = ""
    suspect_from: Seq | None = None


class AskedPromotion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let an event count that was put aside, or that a doubt hangs on; the rest stays where it is."""

    action: ActionId
    reason: Line = ""


class AskedLoss(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say that nobody holds these any more: ranges of logs, events by their hash, jobs by their id.

    What names them is refused from then on. `all_of_the_office` takes all that is missing of the office's own logs.
    """

    action: ActionId
    ranges: Annotated[tuple[Lost, ...], Meta(max_length=100)] = ()
    names: Annotated[tuple[str, ...], Meta(max_length=100)] = ()
    all_of_the_office: bool = False


class DoneEvent(msgspec.Struct, frozen=True):
    """An event that an action recorded."""

    kind: str
    event: str


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an action came to. `seen` is the job's now: the next action on it may send this."""

    job: str
    seen: int
    events: tuple[DoneEvent, ...]


class Acting:
    """The door for people of the office."""

    def __init__(self, door: Door, person: str) -> None:
        self._door = door
        self._person = person

    def act(self, writing: Writing, action: Action[Any], job: str, asked: Asked) -> Done:
        """Afterwards the action's events are recorded and applied, or nothing is.

        Raises NOT_FOUND outside the person's scope, STALE with what changed since `seen`, NOT_POSSIBLE_NOW
        where the job does not stand so, ACTION_REUSED, or the problem that a verdict would name.
        """

        def record() -> Done:
            look, facts = self._look(writing, job, asked.seen)
            return self._done(writing, facts, self._door.office.record(writing, action.drafts(look, asked)))

        return self._once(writing, asked.action, (type(asked).__name__, job, asked), record)

    def open(self, writing: Writing, asked: AskedJob) -> Done:
        """Afterwards there is a job more."""

        def record() -> Done:
            reference, directory = writing.documents.roster()
            keys = person_keys(directory, [self._person])
            is_known = find(writing.con, SITE, asked.site) is not None
            if not is_known or not keys & {EVERY_SITE, f"site:{asked.site}"}:
                raise Problem(NOT_FOUND, NO_SITE.of(name=asked.site[:40]))
            body = opening(asked, reference, self._door.settings.desk)
            opened = Draft(kind="job.opened", actor=self._person, body=body)
            events = self._door.office.record(writing, [opened])
            events += self._door.office.record(writing, beside_opening(asked, events[0].job, self._person))
            facts = writing.facts.job(events[0].job)
            if facts is None:
                raise LookupError("a job that was just opened is here")
            return self._done(writing, facts, events)

        return self._once(writing, asked.action, ("open", "", asked), record)

    def merge(self, writing: Writing, asked: AskedMerge) -> Done:
        """Afterwards one visit to one stop serves these jobs and orders."""

        def record() -> Done:
            looks = [self._look(writing, one.job, one.seen) for one in asked.jobs]
            events = self._door.office.record(writing, [merge([look for look, _ in looks], asked)])
            return self._done(writing, looks[0][1], events)

        return self._once(writing, asked.action, ("merge", "", asked), record)

    def unmerge(self, writing: Writing, asked: AskedUnmerge) -> Done:
        """Afterwards the merge with this hash no longer holds."""

        def record() -> Done:
            look, _ = self._look(writing, asked.job, asked.seen)
            merges = {event.hash: event.body for event in look.journey.timeline}
            body = merges.get(asked.merged)
            if not isinstance(body, JobMerged):
                raise Problem(NOT_FOUND, NO_MERGE.of(name=asked.merged))
            looks = [self._look(writing, job, asked.seen) for job in body.jobs]
            events = self._door.office.record(writing, [unmerge([look for look, _ in looks], asked)])
            return self._done(writing, looks[0][1], events)

        return self._once(writing, asked.action, ("unmerge", "", asked), record)

    def match(self, writing: Writing, asked: AskedMatch) -> Done:
        """Afterwards the order hangs on the job; NOT_POSSIBLE_NOW where it hangs on one already."""

        def record() -> Done:
            look, facts = self._look(writing, asked.job, asked.seen)
            row = self._waiting(writing, asked.order)
            attach(self._door, writing, row, look.journey.job, self._person)
            return self._done(writing, facts, ())

        return self._once(writing, asked.action, ("match", asked.job, asked), record)

    def open_for(self, writing: Writing, asked: AskedForOrder) -> Done:
        """Afterwards there is a job more, on which the order hangs. NOT_FOUND, NOT_POSSIBLE_NOW as `match`."""

        def record() -> Done:
            reference, _ = writing.documents.roster()
            row = self._waiting(writing, asked.order)
            same = {name: getattr(row.order, name) for name in ("site", "asset", "customer", "intent", "priority")}
            body = JobOpened(
                roster=reference, party=self._door.settings.desk, type=asked.type, order=asked.order, **same
            )
            events = self._door.office.record(writing, [Draft(kind="job.opened", actor=self._person, body=body)])
            attach(self._door, writing, row, events[0].job, self._person)
            facts = writing.facts.job(events[0].job)
            if facts is None:
                raise LookupError("a job that was just opened is here")
            return self._done(writing, facts, events)

        return self._once(writing, asked.action, ("open-for", asked.order, asked), record)

    def settle(self, writing: Writing, job: str, asked: AskedSettling) -> Done:
        """Afterwards it stands what becomes of a job whose order was taken back; see `AskedSettling`."""

        def record() -> Done:
            look, facts = self._look(writing, job, asked.seen)
            row = held_order(writing, asked.order)
            if row is None or row.job != job or not row.cancelled:
                raise Problem(NOT_POSSIBLE_NOW, NOT_TAKEN_BACK.of(order=asked.order[:100]))
            said = f"Order {row.name} was taken back by its source; the job goes on: {asked.reason}"
            if asked.decision == "cancel":
                drafts = cancel(look, AskedReason(action=asked.action, seen=asked.seen, reason=asked.reason))
            else:
                drafts = [Draft(kind="note.written", actor=self._person, body=NoteWritten(text=said), job=job)]
            events = self._door.office.record(writing, drafts)
            kept = {"name": row.name, "decision": asked.decision, "reason": asked.reason}
            for cancel_ in row.cancels:
                by = {"cancel": cancel_, "settled_by": self._person, "at": writing.now_ms}
                writing.con.execute(_ORDERS["settle_cancelled"].text, kept | by)
            return self._done(writing, facts, events)

        return self._once(writing, asked.action, ("settle", job, asked), record)

    def revoke(self, writing: Writing, device: str, asked: AskedRevocation) -> Done:
        """Afterwards no key of the device may record. NOT_FOUND where no device is called so."""

        def record() -> Done:
            has_suspect = asked.suspect_log and asked.suspect_from is not None
            suspect = (asked.suspect_log, asked.suspect_from or 0) if has_suspect else None
            event = revoke_device(self._door, writing, device, asked.reason, suspect=suspect, by=self._person)
            return Done(job="", seen=0, events=(DoneEvent(event.kind, event.hash),))

        return self._once(writing, asked.action, ("revoke", device, asked), record)

    def promote(self, writing: Writing, event: str, asked: AskedPromotion) -> Done:
        """Afterwards the event with this hash is judged like any other; nothing is recorded where it was before."""

        def record() -> Done:
            done = promote(writing, self._door.office, event, by=self._person, reason=asked.reason)
            return Done(job="", seen=0, events=(DoneEvent(done.kind, done.hash),) if done else ())

        return self._once(writing, asked.action, ("promote", event, asked), record)

    def declare_lost(self, writing: Writing, asked: AskedLoss) -> Done:
        """Afterwards these count as stored, and what names them is refused. NOT_PERMITTED, STILL_HELD, WRONG_INPUT."""

        def record() -> Done:
            missing = find_missing(writing.con)
            gaps = [gap_of(lost, missing) for lost in asked.ranges]
            gaps += [gap for gap in missing.gaps if gap.staff] if asked.all_of_the_office else []
            if not (gaps or asked.names or asked.all_of_the_office):
                raise Problem(WRONG_INPUT, SAY_RANGES.of(), "ranges")
            events = declare(writing, self._door.office, self._person, gaps, asked.names)
            return Done(job="", seen=0, events=tuple(DoneEvent(event.kind, event.hash) for event in events))

        return self._once(writing, asked.action, ("loss", "", asked), record)

    # -- the parts ------------------------------------------------------------
    def _waiting(self, writing: Writing, name: str) -> OrderRow:
        """The order that waits; NOT_FOUND out of scope, NOT_POSSIBLE_NOW where it waits no more."""
        row = held_order(writing, name)
        if row is None or not _reaches(writing, person_keys(writing.documents.roster()[1], [self._person]), row):
            raise Problem(NOT_FOUND, NO_ORDER.of(name=name[:100]))
        if row.job or row.cancelled:
            raise Problem(NOT_POSSIBLE_NOW, ON_A_JOB.of(job=row.job) if row.job else TAKEN_BACK.of())
        return row

    def _look(self, writing: Writing, job: str, seen: int) -> tuple[Look, JobFacts]:
        reference, directory = writing.documents.roster()
        facts = look_at(writing, job, person_keys(directory, [self._person]))
        changes = changes_since(facts, seen)
        if changes:
            raise Changed(STALE, changes)
        found, _ = journey_of(writing, facts.ref)
        policies = {policy.boundary: (name, policy) for name, policy in writing.documents.policies()}
        return Look(found, self._person, self._door.settings.desk, reference, directory, policies), facts

    def _done(self, writing: Writing, facts: JobFacts, events: Iterable[Event]) -> Done:
        facts = writing.facts.job_of(facts.ref)
        recorded = tuple(DoneEvent(event.kind, event.hash) for event in events)
        return Done(job=facts.job, seen=facts.seen, events=recorded)

    def _once(
        self, writing: Writing, action: str, asked: tuple[str, str, msgspec.Struct], record: Callable[[], Done]
    ) -> Done:
        """What the action answered when it was done, now or before."""
        content = digest(encode(asked))
        row = writing.con.execute(_SQL["action"].text, {"id": action}).fetchone()
        if row is not None:
            if row[:2] != (self._person, content):
                raise Problem(ACTION_REUSED, action)
            return decode(row[2], Done)
        done = record()
        kept = {"id": action, "person": self._person, "asked": content, "answer": encode(done), "at": writing.now_ms}
        writing.con.execute(_SQL["keep_action"].text, kept)
        return done


def _reaches(writing: Writing, keys: set[str], row: OrderRow) -> bool:
    """True where these keys reach the order: by the job that it hangs on, by its site while it hangs on none."""
    facts = writing.facts.job(row.job) if row.job else None
    return bool(
        keys & (job_keys(journey_of(writing, facts.ref)[0]) if facts else {EVERY_SITE, f"site:{row.order.site}"})
    )
