"""What people of the office do with a job by hand, beside dispatching it: open it, say it anew, give it another time.

Rules as in `backend/actions.py`: from what stands to the events that are recorded, and no database.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from backend.actions import ACTIONS, Action, ActionId, Asked, Plan, draft, need_open, not_now, planned
from backend.look import Look
from sync.clock import milliseconds
from sync.corrections import correction_of
from sync.details import ENDS_FIRST, NO_OPENING, NO_TIME, PLANNED_SO, SAYS_SO, SOMEBODY_THERE
from sync.events import Draft, JobOpened, JobPlanned, NoteWritten, VisitType, When
from sync.payload import Id, Priority
from sync.problems import UNREADABLE, WRONG_INPUT, Problem

Name = Annotated[str, Meta(max_length=200)]
Say = Annotated[str, Meta(max_length=500)]
MISHEARD: Final = "said anew"
"""The reason of a correction where nobody gave one."""
FIRST_STOP: Final = 1


class AskedJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Open a job by hand; the desk is accountable for it unless `party` says otherwise.

    With a window it is planned at once, for nobody yet; `wrong` is what the customer says, and becomes its first note.
    """

    action: ActionId
    site: Id
    party: str = ""
    asset: Name = ""
    customer: Name = ""
    desired_outcome: Say = ""
    owner: Name = ""
    intent: Say = ""
    entitlement: Name = ""
    channel: Name = ""
    priority: Priority = "routine"
    type: VisitType = "corrective"
    trade: Name = ""
    window_from: When = ""
    window_to: When = ""
    wrong: Annotated[str, Meta(max_length=4000)] = ""


class AskedEdit(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say anew what the job is for; what is not given stays. It is a correction of what opened it."""

    asset: Name | UnsetType = UNSET
    customer: Name | UnsetType = UNSET
    desired_outcome: Say | UnsetType = UNSET
    owner: Name | UnsetType = UNSET
    intent: Say | UnsetType = UNSET
    entitlement: Name | UnsetType = UNSET
    channel: Name | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    type: VisitType | UnsetType = UNSET
    trade: Name | UnsetType = UNSET
    reason: Say = ""


class AskedTime(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give the job another time; whoever has it keeps it, and is told when the device next pulls."""

    window_from: When
    window_to: When = ""
    eta: When = ""


def opening(asked: AskedJob, roster: str, desk: str) -> JobOpened:
    """What opens the job."""
    check_window(asked.window_from, asked.window_to)
    body = {name: getattr(asked, name) for name in JobOpened.__struct_fields__ if hasattr(asked, name)}
    return JobOpened(roster=roster, **body | {"party": asked.party or desk})


def beside_opening(asked: AskedJob, job: str, actor: str) -> list[Draft]:
    """What is recorded right after it: the time that was agreed, and what the customer says."""
    drafts: list[Draft] = []
    if asked.window_from or asked.window_to:
        plan = JobPlanned(stop=stop_of(job, FIRST_STOP), window_from=asked.window_from, window_to=asked.window_to)
        drafts.append(Draft(kind="job.planned", actor=actor, body=plan, job=job))
    if asked.wrong:
        drafts.append(Draft(kind="note.written", actor=actor, body=NoteWritten(text=asked.wrong), job=job))
    return drafts


def stop_of(job: str, number: int) -> str:
    """The name of a stop that the office makes for a job that has its own."""
    return f"{job}/{number}"


def check_window(begins: str, ends: str) -> None:
    """Return only if a window can be that: times that can be read, the end not before the beginning; WRONG_INPUT."""
    for name, text in (("window_from", begins), ("window_to", ends)):
        try:
            milliseconds(text) if text else None
        except Problem as problem:
            if problem.kind is not UNREADABLE:
                raise
            raise Problem(WRONG_INPUT, NO_TIME.of(), name) from problem
    if begins and ends and milliseconds(begins) > milliseconds(ends):
        raise Problem(WRONG_INPUT, ENDS_FIRST.of(), "window_to")


def edit(look: Look, asked: AskedEdit) -> list[Draft]:
    """See `AskedEdit`."""
    opened, root = look.journey.opened, look.journey.root
    if opened is None or not root:
        raise not_now(NO_OPENING.of())
    said = {name: getattr(asked, name) for name in _EDITED if getattr(asked, name) is not UNSET}
    other = {name: value for name, value in said.items() if value != getattr(opened, name)}
    if not other:
        raise not_now(SAYS_SO.of())
    body = correction_of(look.journey.timeline, root, other, asked.reason or MISHEARD)
    return [draft(look, "correction.made", body)]


_EDITED: Final = tuple(name for name in AskedEdit.__struct_fields__ if name not in (*Asked.__struct_fields__, "reason"))


def reschedule(look: Look, asked: AskedTime) -> list[Draft]:
    """See `AskedTime`. After a visit that did not end the job there is another stop: what was done stays."""
    need_open(look)
    check_window(asked.window_from, asked.window_to)
    if any(one.departed_ms is None for one in look.journey.visits):
        raise not_now(SOMEBODY_THERE.of())
    now = look.journey.plan
    stop = now.stop if now is not None else stop_of(look.journey.job, FIRST_STOP)
    if any(one.stop in ("", stop) for one in look.journey.visits):
        stop = stop_of(look.journey.job, FIRST_STOP + len(look.journey.visits))
    wanted = Plan(
        stop=stop,
        crew=now.crew if now is not None else "",
        window_from=asked.window_from,
        window_to=asked.window_to,
        eta=asked.eta,
    )
    if now is not None and wanted == Plan(**{name: getattr(now, name) for name in Plan.__struct_fields__}):
        raise not_now(PLANNED_SO.of())
    return [planned(look, wanted)]


EVERY_ACTION: Final[dict[str, Action[Any]]] = ACTIONS | {
    "edit": Action(AskedEdit, edit),
    "reschedule": Action(AskedTime, reschedule),
}
"""All that can be done with one job, by the last part of its address."""
