"""Checks before departure: what is still missing at a visit, and whether anybody is told.

A check finds a gap or finds none; either is recorded, with the arm it ran in. In `prompt` the person gets the
gap back, in `shadow` and `holdout` nobody is told, so that what would have happened anyway can be known.
"""

from collections.abc import Iterable

import msgspec

from sync.goods import Item
from sync.holdout import arm_for
from sync.journey import Check, Journey
from sync.payload import Payload
from sync.policy import Arm, CheckRule, Policy


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found at one visit: its gap type, empty where all is well, and in words what is missing."""

    rule: CheckRule
    visit: str
    arm: Arm
    gap: str = ""
    text: str = ""


def run_checks(policy: Policy, journey: Journey, visit: str, payload: Payload) -> tuple[Finding, ...]:
    """Every check of the policy at this visit, in the policy's order, run on what is recorded so far."""
    return tuple(_find(rule, policy, journey, visit, payload) for rule in policy.checks)


def earlier(journey: Journey, visit: str) -> dict[str, Check]:
    """The checks that ran at this visit before, by the check's id; of several the first."""
    return {check.check: check for check in reversed(journey.checks) if check.visit == visit}


def arm_of(rule: CheckRule, salt: str, visit: str) -> Arm:
    """In which arm a check runs at a visit. A check that people's safety hangs on is never silent."""
    if rule.arm != "prompt" and not rule.safety:
        return rule.arm
    return arm_for(salt, visit, rule.share, safety_critical=rule.safety)


def _find(rule: CheckRule, policy: Policy, journey: Journey, visit: str, payload: Payload) -> Finding:
    missing = _missing(rule, policy, journey, visit, payload)
    return Finding(
        rule=rule,
        visit=visit,
        arm=arm_of(rule, policy.salt, visit),
        gap=rule.gap if missing else "",
        text=f"{rule.text}: {missing}" if missing else "",
    )


def _missing(rule: CheckRule, policy: Policy, journey: Journey, visit: str, payload: Payload) -> str:
    """What is missing, in a few words; empty where nothing is."""
    said = unsaid(rule, payload)
    if said is not None:
        return said
    match rule.needs:
        case "items_scanned":
            return "; ".join(_short(journey.items))
        case "asset_scanned":
            return _asset(journey, visit)
    return _evidence(policy, journey, visit, payload)


def unsaid(rule: CheckRule, payload: Payload) -> str | None:
    """What is missing by the payload alone, empty where nothing is; None where it takes what a device recorded."""
    match rule.needs:
        case "next_action_owner":
            return _owners(payload)
        case "risks_said":
            return (
                "" if payload.risks or "risks" in payload.none_known else "no risk was named, and not said that none is"
            )
        case "actions_said":
            return "" if payload.actions_taken else "nothing was said about what was done"
    return None


def _short(items: Iterable[Item]) -> Iterable[str]:
    for item in items:
        there = max(item.delivered, item.installed) + item.short + item.returned
        if there < item.expected:
            yield f"{there} of {item.expected} {item.item} scanned"


def _asset(journey: Journey, visit: str) -> str:
    wanted = journey.opened.asset if journey.opened else ""
    scanned = {asset for one in journey.visits if one.visit == visit for asset in one.scanned_assets}
    if not wanted or wanted in scanned:
        return ""
    return f"{', '.join(sorted(scanned))} was scanned, not {wanted}" if scanned else f"{wanted} was not scanned"


def _owners(payload: Payload) -> str:
    if payload.state == "complete" and not payload.next_actions:
        return ""
    if not payload.next_actions:
        return "no next action was named"
    nobody = [action.what for action in payload.next_actions if not action.owner]
    return f"nobody owns {'; '.join(nobody)}" if nobody else ""


def _evidence(policy: Policy, journey: Journey, visit: str, payload: Payload) -> str:
    """Evidence is what an action names, or a signal of a kind that the policy counts (any, where it names none)."""
    if any(action.evidence for action in payload.actions_taken):
        return ""
    for event in journey.signals:
        body = event.body
        said = getattr(body, "observed", "")
        if getattr(body, "visit", "") == visit and (not policy.evidence or said in policy.evidence):
            return ""
    return "nothing shows what was done"
