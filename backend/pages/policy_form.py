"""The form of a policy: what stands in it, and the policy that it makes."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Final, get_args

import msgspec

from backend.pages.forms import Form
from backend.pages.misfits import misfit
from sync.codec import UNREADABLE_JSON
from sync.details import NO_WHOLE_NUMBER
from sync.events import SignalObserved
from sync.payload import ELEMENTS, Priority, State
from sync.policy import Arm, CheckRule, Policy, Role
from sync.problems import WRONG_INPUT, Problem

SPARE: Final = 2
"""Empty rows after those that say something, in each table of the form."""
STATES: Final[tuple[str, ...]] = get_args(State)
PRIORITIES: Final[tuple[str, ...]] = get_args(Priority)
ROLES: Final[tuple[str, ...]] = tuple(role for role in get_args(Role) if role not in ("admin", "integration"))
"""Roles of people who hand over; nobody hands a job to an administrator."""
ARMS: Final[tuple[str, ...]] = get_args(Arm)
ELEMENTS_ASKED: Final = tuple(element for element in ELEMENTS if element != "synthesis")
"""What a policy may ask for: the read-back is asked for always."""
NEEDS: Final[tuple[str, ...]] = get_args(CheckRule.__annotations__["needs"])
SIGNALS: Final = tuple(one for one in get_args(SignalObserved.__annotations__["observed"]) if one != "nothing")
LIMITS: Final = ("respond", "accept", "arrive", "resolve", "queue")


class Read(msgspec.Struct, frozen=True):
    """What a form says: a policy, its version still to be given, and the first thing in it that says no rule."""

    policy: Policy
    problem: Problem | None


def read_policy(form: Form, boundary: str, salt: str) -> Read:
    """The policy that the form says; where a field says no number, without it, and with a problem that names it."""
    numbers = _Numbers()
    plain: dict[str, Any] = {
        "doc": "policy",
        "boundary": boundary,
        "version": 1,
        "issued_at": "",
        "sender_role": form.text("sender_role") or None,
        "receiver_role": form.text("receiver_role") or None,
        "allowed_when": {
            "states": form.all("states"),
            "priorities": form.all("priorities"),
            "most_gaps": numbers.at(form, "most_gaps"),
            "after": form.all("after"),
        },
        "forbidden": [
            {"sender": sender, "receiver": receiver}
            for sender, receiver in _rows(form, "forbidden_sender", "forbidden_receiver")
        ],
        "mandatory": form.all("mandatory"),
        "checks": [_check(numbers, *row) for row in _rows(form, *(f"check_{name}" for name in _CHECK))],
        "accept": {
            "roles": form.all("accept_roles"),
            "skills": _list(form.text("skills"), ","),
            "guests": form.ticked("guests"),
            "scope": form.ticked("accept_scope"),
            "entitlement": form.ticked("accept_entitlement"),
        },
        "distinct_from": form.all("distinct_from"),
        "limits": {name: numbers.at(form, f"limit_{name}") for name in LIMITS},
        "escalation": [
            {"after_minutes": numbers.read(minutes, "escalation") or 0, "to": to, "text": text}
            for to, minutes, text in _rows(form, "step_to", "step_minutes", "step_text")
        ],
        "on_call": form.text("on_call"),
        "distractors": _list(form.text("distractors"), "\n"),
        "evidence": form.all("evidence"),
        "salt": salt,
        "challenge": form.ticked("challenge"),
        "roster_degrades_days": numbers.at(form, "roster_degrades_days") or 0,
        "roster_blocks_days": numbers.at(form, "roster_blocks_days") or 0,
    }
    try:
        return Read(msgspec.convert(plain, Policy), numbers.problem)
    except UNREADABLE_JSON as error:
        raise misfit(error) from error


_CHECK: Final = ("id", "needs", "gap", "text", "arm", "share", "safety")


def _check(numbers: "_Numbers", *row: str) -> dict[str, object]:
    id_, needs, gap, text, arm, share, safety = row
    percent = numbers.read(share, "checks", most=100) or 0
    return {
        "id": id_,
        "needs": needs,
        "gap": gap or id_,
        "text": text or id_,
        "arm": arm or "prompt",
        "share": percent / 100,
        "safety": safety == "yes",
    }


def _rows(form: Form, first: str, *others: str) -> list[tuple[str, ...]]:
    """The rows of a table in the form whose first cell says something."""
    columns = [form.column(name) for name in (first, *others)]
    return [row for row in zip_longest(*columns, fillvalue="") if row[0]]


class _Numbers:
    """Reads whole numbers, and remembers the first text that is none."""

    def __init__(self) -> None:
        self.problem: Problem | None = None

    def at(self, form: Form, name: str) -> int | None:
        return self.read(form.text(name), name)

    def read(self, text: str, where: str, most: int = 10**9) -> int | None:
        if not text:
            return None
        if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most:
            return int(text)
        self.problem = self.problem or Problem(WRONG_INPUT, NO_WHOLE_NUMBER.of(text=text[:20], most=most), where)
        return None


def _list(text: str, between: str) -> list[str]:
    return [part.strip() for part in text.split(between) if part.strip()]


def given_of(policy: Policy) -> Mapping[str, object]:
    """What stands in the form of this policy: every rule, and spare rows."""
    return {
        "policy": policy,
        "checks": [*policy.checks, *([None] * SPARE)],
        "steps": [*policy.escalation, *([None] * SPARE)],
        "edges": [*policy.forbidden, None],
    }
