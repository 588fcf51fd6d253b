"""The payload of the next offer, as far as what is recorded says it: the person adds what only people know."""

from sync.goods import Item
from sync.journey import Attendance, Journey
from sync.payload import Action, ItemCount, Payload, State


def prefilled(journey: Journey) -> Payload:
    """What is known: items as counted, what was done with them, and what the last accepted offer left open.

    Next actions and risks that were handed to the one who is accountable now are carried on until somebody
    takes them out: what nobody looks at must not get lost between two handovers.
    """
    last = next((one for one in reversed(journey.handovers) if one.state == "accepted"), None)
    before = last.content.payload if last else Payload()
    return Payload(
        priority=before.priority or (journey.opened.priority if journey.opened else None),
        state=_state(journey),
        actions_taken=tuple(_done(item) for item in journey.items if item.installed or item.delivered),
        next_actions=before.next_actions,
        risks=before.risks,
        dependencies=before.dependencies,
        items=tuple(ItemCount(id=item.item, expected=item.expected, counted=_counted(item)) for item in journey.items),
        none_known=before.none_known,
    )


def _state(journey: Journey) -> State:
    if journey.state == "resolved":
        return "complete"
    if journey.held:
        return "blocked"
    return "in_progress" if any(_came(visit) for visit in journey.visits) else "not_started"


def _came(visit: Attendance) -> bool:
    return visit.arrived_ms is not None


def _done(item: Item) -> Action:
    step = "installed" if item.installed else "delivered"
    return Action(object=item.item, result=f"{item.installed or item.delivered} {step}")


def _counted(item: Item) -> int:
    """As many as were seen at the last step at which any were seen."""
    steps = (item.installed, item.delivered, item.loaded, item.picked)
    return next((count for count in steps if count), 0)
