"""Four policies to begin with, for the usual boundaries; their sentences are in the language of who takes them up."""

from collections.abc import Callable
from typing import Final

from sync.policy import Accept, AllowedWhen, CheckRule, Limits, Policy, Step

Say = Callable[[str], str]
"""The sentence of a key, in some language."""
TEMPLATES: Final = ("dispatch-to-technician", "depot-to-driver", "technician-to-customer", "shift-to-shift")


def template(name: str, say: Say, *, desk: str, salt: str) -> Policy:
    """The policy of this template, its version still to be given. `desk` is the team that late offers are put before.

    Mandatory elements follow I-PASS (Starmer et al., NEJM 2014;371:1803), less what one side cannot know yet. The
    limits are where to begin, not measured: each organisation has its own.
    """
    steps = (
        Step(after_minutes=0, to=desk, text=say("template.step_desk")),
        Step(after_minutes=30, to="role:manager", text=say("template.step_manager")),
    )
    policies = {
        "dispatch-to-technician": Policy(
            boundary=name,
            version=1,
            issued_at="",
            sender_role="dispatcher",
            receiver_role="technician",
            mandatory=("priority", "state", "summary", "next_actions", "risks"),
            checks=(_check(say, "owner", "next_action_owner"),),
            accept=Accept(roles=("technician",), guests=False),
            limits=Limits(respond=30, accept=60),
        ),
        "depot-to-driver": Policy(
            boundary=name,
            version=1,
            issued_at="",
            sender_role="depot",
            receiver_role="technician",
            mandatory=("state", "summary", "next_actions", "dependencies", "items"),
            checks=(_check(say, "items", "items_scanned"), _check(say, "owner", "next_action_owner")),
            accept=Accept(roles=("technician",), guests=False),
            distinct_from=("sender",),
            limits=Limits(accept=30),
            evidence=("load", "door"),
        ),
        "technician-to-customer": Policy(
            boundary=name,
            version=1,
            issued_at="",
            sender_role="technician",
            mandatory=("state", "summary", "actions_taken", "next_actions", "risks"),
            checks=(
                _check(say, "asset", "asset_scanned"),
                _check(say, "items", "items_scanned"),
                _check(say, "done", "actions_said"),
                _check(say, "evidence", "evidence"),
            ),
            accept=Accept(guests=True),
            limits=Limits(accept=1_440),
        ),
        "shift-to-shift": Policy(
            boundary=name,
            version=1,
            issued_at="",
            sender_role="technician",
            receiver_role="technician",
            allowed_when=AllowedWhen(most_gaps=2),
            mandatory=("priority", "state", "summary", "actions_taken", "next_actions", "risks", "dependencies"),
            checks=(_check(say, "owner", "next_action_owner"), _check(say, "risks", "risks_said")),
            accept=Accept(roles=("technician",), guests=False),
            distinct_from=("sender",),
            limits=Limits(accept=45),
        ),
    }
    whole = policies[name]
    distractors = tuple(say(f"template.{name}.distractors").split("\n"))
    return Policy(
        **{field: getattr(whole, field) for field in Policy.__struct_fields__}
        | {"escalation": steps, "distractors": distractors, "salt": salt}
    )


def _check(say: Say, name: str, needs: str) -> CheckRule:
    return CheckRule(id=name, needs=needs, gap=name, text=say(f"template.check_{name}"))  # type: ignore[arg-type]
