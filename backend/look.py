"""A job as somebody of the office looks at it who is about to do something: what stands, and what may follow."""

import msgspec

from backend.facts import WATCHED, JobFacts
from backend.project import journey_of
from backend.reach import job_keys
from backend.writing import Writing
from sync.clock import rfc3339
from sync.journey import Journey
from sync.policy import Directory, Policy
from sync.problems import NOT_FOUND, Problem


class Look(msgspec.Struct, frozen=True):
    """What a rule of the office is given: the job, who acts, and the documents in force."""

    journey: Journey
    actor: str
    desk: str
    roster: str
    directory: Directory
    policies: dict[str, tuple[str, Policy]]


def look_at(writing: Writing, job: str, keys: set[str]) -> JobFacts:
    """The facts of a job that these keys reach; NOT_FOUND for any other, whether there is one or not."""
    facts = writing.facts.job(job)
    if facts is None or not keys & job_keys(journey_of(writing, facts.ref)[0]):
        raise Problem(NOT_FOUND, f"job {job[:40]}")
    return facts


def changes_since(facts: JobFacts, seen: int) -> tuple[dict[str, str], ...]:
    """What came to count about a job since `seen` that makes a form stale: who, what, when, oldest first."""
    if seen >= facts.seen:
        return ()
    return tuple(
        {
            "kind": standing.event.kind,
            "actor": standing.event.actor,
            "at": rfc3339(standing.event.occurred_ms),
            "event": standing.event.hash,
        }
        for standing, at in zip(facts.standings, facts.positions, strict=True)
        if at > seen and standing.event.kind in WATCHED
    )
