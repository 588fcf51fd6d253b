"""Policies put in force, and the versions there were."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from backend.master import PERSON, TEAM, all_of, check_name
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.details import BLOCKS_FIRST, NO_BOUNDARY, NOBODY, NOBODY_ACCEPTS, STEPS_IN_ORDER, STEPS_WITHOUT_LIMIT, TWICE
from sync.policy import Policy, is_role
from sync.problems import WRONG_INPUT, Problem
from sync.protocol import read_document

_SQL: Final = queries("policies")
_OFFICE: Final = queries("office")
WHOM: Final = ("opener", "sender", "earlier")
"""Whom a receiver may have to differ from, besides whoever accepted over a boundary."""
_NOT_RULES: Final = frozenset({"boundary", "version", "issued_at"})


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a policy, who put it in force and when (ms since 1970; None where nobody noted it).

    `changed` names the rules in which it differs from the version before.
    """

    reference: str
    policy: Policy
    by: str
    at: int | None
    changed: tuple[str, ...] = ()


def put_in_force(writing: Writing, policy: Policy, *, by: str) -> str:
    """The reference of the new version; "" where the one in force says the same.

    Raises WRONG_INPUT where the policy contradicts itself or names whom nobody knows.
    """
    check_policy(writing.con, policy, {one.boundary for _, one in writing.documents.policies()})
    signed = writing.issue(policy)
    if signed is None:
        return ""
    row = {"boundary": policy.boundary, "reference": signed.reference, "recorded_by": by, "at": writing.now_ms}
    writing.con.execute(_SQL["note_change"].text, row)
    return signed.reference


def check_policy(con: sqlite3.Connection, policy: Policy, boundaries: Iterable[str]) -> None:
    """Return only if devices could follow it: nothing in it contradicts, and whoever it names is there."""
    check_name(policy.boundary)
    known = {policy.boundary, *boundaries}
    _known(policy.allowed_when.after, known, "allowed_when.after")
    _known((one for one in policy.distinct_from if one not in WHOM), known, "distinct_from")
    parties = {id_ for id_, _ in all_of(con, PERSON)} | {id_ for id_, _ in all_of(con, TEAM)}
    named = [(step.to, "escalation") for step in policy.escalation] + [(policy.on_call, "on_call")]
    for party, where in named:
        if party and not is_role(party) and party not in parties:
            raise Problem(WRONG_INPUT, NOBODY.of(name=party[:60]), where)
    minutes = [step.after_minutes for step in policy.escalation]
    if minutes != sorted(minutes):
        raise Problem(WRONG_INPUT, STEPS_IN_ORDER.of(), "escalation")
    if policy.escalation and policy.limits.accept is None:
        raise Problem(WRONG_INPUT, STEPS_WITHOUT_LIMIT.of(), "limits.accept")
    _distinct([rule.id for rule in policy.checks], "checks")
    _distinct(policy.distractors, "distractors")
    if policy.roster_blocks_days < policy.roster_degrades_days:
        raise Problem(WRONG_INPUT, BLOCKS_FIRST.of(), "roster_blocks_days")
    if policy.receiver_role is None and not policy.accept.guests and not policy.accept.roles:
        raise Problem(WRONG_INPUT, NOBODY_ACCEPTS.of(), "accept.roles")


def _known(names: Iterable[str], known: set[str], where: str) -> None:
    for name in names:
        if name not in known:
            raise Problem(WRONG_INPUT, NO_BOUNDARY.of(name=name[:60]), where)


def _distinct(names: Sequence[str], where: str) -> None:
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise Problem(WRONG_INPUT, TWICE.of(name=twice[:60]), where)


def has_policy(con: sqlite3.Connection) -> bool:
    """True where a policy is in force."""
    return any(key.startswith("policy:") for (key,) in con.execute(_OFFICE["document_keys"].text))


def policy_versions(con: sqlite3.Connection, boundary: str) -> tuple[PolicyVersion, ...]:
    """Every version of a boundary's policy, the one in force first."""
    kept = []
    for reference, raw, by, at in con.execute(_SQL["versions"].text, {"boundary": boundary}).fetchall():
        policy = read_document(raw)
        if isinstance(policy, Policy):
            kept.append(PolicyVersion(reference=reference, policy=policy, by=by, at=at))
    older = [*kept[1:], None][: len(kept)]
    return tuple(
        msgspec.structs.replace(one, changed=changes(before.policy, one.policy) if before else ())
        for one, before in zip(kept, older, strict=True)
    )


def changes(before: Policy, after: Policy) -> tuple[str, ...]:
    """The names of the rules in which two versions differ."""
    names = (name for name in Policy.__struct_fields__ if name not in _NOT_RULES)
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))
