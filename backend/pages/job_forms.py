"""Forms of what is done with a job by hand: which there are as it stands, and what a filled one asks for."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from backend.actions import Asked
from backend.by_hand import EVERY_ACTION
from backend.pages.forms import Form
from backend.pages.misfits import misfit
from backend.rows import JobRow, instant
from backend.shown import Sight
from backend.zones import day_and_clock, instant_there
from sync.events import JobOpened
from sync.payload import Payload
from sync.problems import NOT_FOUND, Problem

OPEN: Final = ("note", "reschedule", "edit", "plan", "dispatch", "hold", "release", "reassign", "close", "cancel")
CLOSED: Final = ("note", "reopen", "edit")
END_OF_DAY: Final = "23:59"
SAID: Final = (
    "customer",
    "asset",
    "intent",
    "desired_outcome",
    "priority",
    "owner",
    "channel",
    "entitlement",
    "type",
    "trade",
)
"""What a job says of the work, in the order in which it is asked."""


def forms_of(sight: Sight, desk: str) -> tuple[str, ...]:
    """What can be done with the job by hand, in the order of its buttons."""
    row = sight.view.job
    if row.state != "open":
        return CLOSED
    skipped = {"release"} if not row.held else {"hold", "dispatch"}
    if row.on_site:
        skipped |= {"reschedule", "plan"}
    if row.visits or (row.accountable != desk and not row.open_offers):
        skipped.add("plan")
    if row.accountable != desk or row.open_offers:
        skipped.add("dispatch")
    found = [name for name in OPEN if name not in skipped]
    if any(one.sender == desk and one.state in ("offered", "refused") for one in sight.view.handovers):
        found.insert(found.index("reassign"), "withdraw")
    if any(one.case.state == "open" for one in sight.view.cases):
        found.insert(0, "resolve")
    return tuple(found)


def filled(name: str, sight: Sight) -> dict[str, str]:
    """What stands in a form before anybody typed."""
    row = sight.view.job
    match name:
        case "reschedule" | "plan":
            return window_of(row, sight.shown.zone) | {"crew": row.planned}
        case "edit":
            opened = sight.opened
            return {field: str(getattr(opened, field)) if isinstance(opened, JobOpened) else "" for field in SAID}
        case "dispatch":
            said = row.said or row.outcome or sight.shown.intent
            return {"to": row.planned, "summary": said, "next": sight.shown.intent, "priority": row.priority}
        case "close":
            return {"outcome": "done"}
    return {}


def window_of(row: JobRow, zone: str) -> dict[str, str]:
    """The window that is planned, as a form asks for it."""
    day, begins = day_and_clock(instant(row.window_from), zone)
    _, ends = day_and_clock(instant(row.window_to), zone)
    return {"day": day, "begins": begins, "ends": ends}


def asked_window(form: Form, zone: str) -> dict[str, str]:
    """The window that a form asks for; a day alone is all of it."""
    day = form.text("day")
    begins, ends = form.text("begins"), form.text("ends")
    return {
        "window_from": instant_there(day, begins, zone, "day"),
        "window_to": instant_there(day, ends or END_OF_DAY, zone, "ends"),
    }


def asked_of(name: str, form: Form, sight: Sight) -> Asked:
    """What a filled form asks for. NOT_FOUND for a form that there is not, WRONG_INPUT for what cannot be meant."""
    action = EVERY_ACTION.get(name)
    if action is None:
        raise Problem(NOT_FOUND, name[:40])
    given: dict[str, Any] = {"action": form.text("action"), "seen": form.text("seen")} | _fields(name, form, sight)
    made: Asked = shaped(given, action.shape)
    return made


def shaped(given: Mapping[str, Any], shape: type[Any]) -> Any:  # noqa: ANN401 - the type that was given
    """These values as that shape; WRONG_INPUT says which does not fit."""
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise misfit(error) from error


def _fields(name: str, form: Form, sight: Sight) -> dict[str, Any]:
    zone, row = sight.shown.zone, sight.view.job
    match name:
        case "note":
            return {"text": form.text("text")}
        case "reschedule":
            return asked_window(form, zone)
        case "plan":
            return {"plan": asked_window(form, zone) | {"stop": row.stop or f"{row.job}/1", "crew": form.text("crew")}}
        case "edit":
            return {field: form.text(field) for field in SAID} | {"reason": form.text("reason")}
        case "dispatch":
            return _dispatch(form, zone)
        case "hold":
            return {"reason": form.text("reason"), "until": instant_there(form.text("day"), "", zone, "day")}
        case "reassign":
            return {"party": form.text("party"), "reason": form.text("why"), "words": form.text("words")}
        case "withdraw":
            return {"offer": form.text("offer"), "reason": form.text("reason")}
        case "resolve":
            basis, _, chosen = form.text("choice").partition(" ")
            return {"basis": basis, "chosen": chosen, "party": form.text("party"), "reason": form.text("reason")}
        case "close":
            return {"outcome": form.text("outcome")}
        case "cancel" | "reopen":
            return {"reason": form.text("reason")}
    return {}


def _dispatch(form: Form, zone: str) -> dict[str, Any]:
    """An offer of the desk: what was filled in, and of risks that none are known where that was ticked."""
    due = instant_there(form.text("due_day"), form.text("due_clock"), zone, "due_day")
    payload: dict[str, Any] = {"state": "not_started", "summary": form.text("summary")}
    if form.text("priority"):
        payload["priority"] = form.text("priority")
    if form.text("next"):
        payload["next_actions"] = [{"what": form.text("next"), "owner": form.text("to"), "due": due}]
    if form.text("risk"):
        payload["risks"] = [{"if": form.text("risk"), "then": form.text("then")}]
    if form.ticked("no_risks") and not form.text("risk"):
        payload["none_known"] = ["risks"]
    made = shaped(payload, Payload)
    return {"to": [form.text("to")], "boundary": form.text("boundary"), "payload": made}
