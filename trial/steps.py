"""Every step that a scenario may have, and what each is named for."""

from typing import get_args

from trial.acts import (
    Accept,
    Arrive,
    Assist,
    Cancel,
    Check,
    Close,
    Confirm,
    Contact,
    Correct,
    Depart,
    Dispatch,
    Hold,
    Merge,
    Offer,
    Open,
    Plan,
    Promote,
    Reassign,
    Refuse,
    Release,
    Reopen,
    Resolve,
    Revoke,
    Scan,
    Signal,
    SwitchPerson,
    Unmerge,
    Withdraw,
)
from trial.changes import (
    Backup,
    ClockShift,
    Clone,
    Duplicate,
    Enrol,
    GoOffline,
    GoOnline,
    Kill,
    LoseReply,
    LoseRequest,
    Reorder,
    Restart,
    Restore,
    Surrender,
    Sync,
    Wait,
)
from trial.terms import Step

AnyStep = (
    Open
    | Plan
    | Dispatch
    | Merge
    | Unmerge
    | Hold
    | Release
    | Close
    | Cancel
    | Reopen
    | Arrive
    | Depart
    | Scan
    | Check
    | Signal
    | Contact
    | Assist
    | Correct
    | Offer
    | Accept
    | Refuse
    | Withdraw
    | Confirm
    | Resolve
    | Reassign
    | SwitchPerson
    | Wait
    | GoOffline
    | GoOnline
    | Sync
    | LoseRequest
    | LoseReply
    | Duplicate
    | Reorder
    | Kill
    | Restart
    | ClockShift
    | Backup
    | Restore
    | Clone
    | Revoke
    | Promote
    | Enrol
    | Surrender
)

MAIN_EVENT: dict[type, str] = {
    Open: "job.opened",
    Plan: "job.planned",
    Dispatch: "handover.offered",
    Merge: "job.merged",
    Unmerge: "job.unmerged",
    Hold: "job.held",
    Release: "job.released",
    Close: "job.resolved",
    Cancel: "job.cancelled",
    Reopen: "job.reopened",
    Arrive: "visit.arrived",
    Depart: "visit.departed",
    Contact: "contact.received",
    Correct: "correction.made",
    Offer: "handover.offered",
    Accept: "handover.accepted",
    Refuse: "handover.refused",
    Withdraw: "handover.withdrawn",
    Confirm: "handover.confirmed",
    Resolve: "handover.resolved",
    Reassign: "handover.reassigned",
    SwitchPerson: "person.switched",
    Revoke: "device.revoked",
    Promote: "event.promoted",
}
"""The kind of the event that a step's id alone names; the steps not listed are named by `main_event`."""


def main_event(step: Step) -> str:
    """The kind of event that this step's id names; "" for a step that records nothing."""
    match step:
        case Scan():
            return "asset.scanned" if step.asset else "item.scanned"
        case Check():
            return "check.cleared" if step.clears else "check.overridden"
        case Assist():
            return "assist.left" if step.leaves else "assist.joined"
        case Signal():
            return "signal.observed"
        case _:
            return MAIN_EVENT.get(type(step), "")


VOCABULARY: tuple[type, ...] = get_args(AnyStep)
"""Every step there is, in the order of this file."""
