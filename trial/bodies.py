"""Bodies of events that steps give rise to on a device and in the office alike."""

from sync.events import Custody, JobPlanned, Reassigned, Resolved
from sync.payload import Payload
from trial import acts as do

NOTHING_TO_ADD = Payload(summary="handed over as it is")
"""The payload of an offer that says none."""
_OPENING = (
    "asset",
    "customer",
    "desired_outcome",
    "owner",
    "intent",
    "entitlement",
    "channel",
    "priority",
    "type",
    "trade",
)


def opening_fields(step: do.Open) -> dict[str, str]:
    """What a step says of the job it opens, besides its party and site."""
    return {name: value for name in _OPENING if (value := getattr(step, name))}


def plan_of(step: do.Plan | do.Dispatch, plans: tuple[str, ...]) -> JobPlanned:
    """The plan that a step makes, in the place of those with these hashes."""
    crew, eta = (step.crew, step.eta) if isinstance(step, do.Plan) else ("", "")
    return JobPlanned(
        stop=step.stop or f"stop-{step.id}",
        window_from=step.window_from,
        window_to=step.window_to,
        crew=crew,
        eta=eta,
        replaces=plans,
    )


def office_body(step: do.Resolve | do.Reassign, roster: str, basis: str) -> tuple[str, Custody]:
    """The kind and body of what the office records; `basis` is used where a reassignment names none."""
    match step:
        case do.Resolve():
            return "handover.resolved", Resolved(
                roster=roster,
                basis=step.basis,
                cites=step.cites or (),
                chosen=step.chosen or "",
                party=step.party or "",
                replaces=step.replaces or (),
                reason=step.reason,
            )
        case do.Reassign():
            return "handover.reassigned", Reassigned(
                roster=roster, basis=step.basis or basis, party=step.party, reason=step.reason, words=step.words
            )
