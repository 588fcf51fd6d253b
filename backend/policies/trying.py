"""What a policy would have blocked of what was offered in the last thirty days."""

from collections import Counter
from typing import Final

import msgspec

from backend.store.sqlite import queries
from backend.writing import Writing
from sync.codec import encode
from sync.events import Accepted
from sync.policy import Policy
from sync.problems import CHALLENGE_UNKNOWN_OR_USED
from sync.rehearsal import Rehearsed, rehearse

_SQL: Final = queries("policies")
SINCE_MS: Final = 30 * 86_400_000
MOST: Final = 500
"""Offers tried at most, the newest first: the writer waits meanwhile."""
MOST_SHOWN: Final = 20


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that would have been stopped, or whose acceptance would have been; why, as verdicts say it."""

    offer: str
    job: str
    code: str
    detail: str
    is_answer: bool


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of trying: how many offers, how many blocked, and the newest of these.

    `spoken` counts by check the offers at which it would have found a gap, `untold` those of which it cannot be told:
    that takes what a device had recorded. `more` is True where there were more offers than were tried.
    """

    tried: int
    blocked: int
    shown: tuple[Blocked, ...]
    spoken: dict[str, int]
    untold: dict[str, int]
    more: bool


def try_on(writing: Writing, policy: Policy, keys: set[str]) -> Trial:
    """The trial of a policy on offers over its boundary, of jobs that these keys reach."""
    given = {"keys": encode(sorted(keys)).decode(), "since": writing.now_ms - SINCE_MS, "boundary": policy.boundary}
    rows = writing.con.execute(_SQL["offers_since"].text, given | {"most": MOST + 1}).fetchall()
    spoken: Counter[str] = Counter()
    untold: Counter[str] = Counter()
    blocked: list[Blocked] = []
    for offer, ref in rows[:MOST]:
        facts = writing.facts.job_of(ref)
        found = writing.facts.by_hash(offer)
        if found is None:
            raise LookupError("an offer that has a row is in the ledger")
        events = [one.event for one in facts.standings]
        answers = [one for one in events if isinstance(one.body, Accepted) and one.body.offer == offer]
        made = rehearse(policy, found.event, answers, writing.facts)
        spoken.update(made.spoken)
        untold.update(made.untold)
        if not made.passes:
            blocked.append(_blocked(made, facts.job))
    return Trial(
        tried=min(len(rows), MOST),
        blocked=len(blocked),
        shown=tuple(blocked[:MOST_SHOWN]),
        spoken=dict(spoken),
        untold=dict(untold),
        more=len(rows) > MOST,
    )


def _blocked(made: Rehearsed, job: str) -> Blocked:
    said = made.stopped or (made.answers[0] if made.answers else None)
    if said is None:
        return Blocked(offer=made.offer, job=job, code=CHALLENGE_UNKNOWN_OR_USED.slug, detail="", is_answer=False)
    return Blocked(offer=made.offer, job=job, code=said.code, detail=said.detail, is_answer=made.stopped is None)
