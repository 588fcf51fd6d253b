"""What is due: offers that nobody answered in time are put before somebody else, step by step; nothing moves by it.

Rows of master data whose last day is over end in the same round.
"""

import asyncio
import logging
from typing import Final

from backend.intake import Intake
from backend.masters.keeping import end_due
from backend.office import BACKEND, Office
from backend.project import journey_of
from backend.rows import due_steps
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.events import Draft, Escalated
from sync.problems import Problem

log = logging.getLogger(__name__)

_SQL: Final = queries("project")
MOST_JOBS: Final = 500
"""Jobs looked at in one transaction; the rest follows in the next round."""


def escalate(writing: Writing, office: Office, now_ms: int) -> int:
    """Afterwards every step that was due at `now_ms` is recorded, once, in the policy's order; how many there were."""
    refs = [ref for (ref,) in writing.con.execute(_SQL["to_escalate"].text, {"now": now_ms, "most": MOST_JOBS})]
    drafts = [draft for ref in refs for draft in _of_job(writing, ref, now_ms)]
    office.record(writing, drafts)
    return len(drafts)


def _of_job(writing: Writing, ref: int, now_ms: int) -> list[Draft]:
    found, _ = journey_of(writing, ref)
    policies = writing.facts.policies_of(writing.facts.job_of(ref))
    drafts = []
    for handover in found.handovers:
        policy = policies.get(handover.offer.hash)
        for at_ms, step in due_steps(handover, policy):
            if at_ms <= now_ms and policy is not None:
                told = policy.escalation[step]
                body = Escalated(offer=handover.offer.hash, step=step, to=told.to, text=told.text)
                drafts.append(Draft(kind="handover.escalated", actor=BACKEND, body=body, job=found.job))
    return drafts


class Escalation:
    """Looks for what is due as long as the server runs."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def due(self, now_ms: int) -> int:
        """Afterwards everything due at `now_ms` is recorded; how many steps that were."""
        door = self._intake.door

        def work(writing: Writing) -> int:
            end_due(door, writing, now_ms)
            return escalate(writing, door.office, now_ms)

        count = await self._intake.do(work)
        if count:
            log.warning("offers were escalated", extra={"steps": count})
        return count

    async def run(self, every_s: int) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                await self.due(self._intake.door.world.now_ms())
            except Problem as problem:
                # A full disk or a full queue passes; what is due then is still due.
                log.exception("offers could not be escalated", extra={"code": problem.kind.slug})
            await asyncio.sleep(every_s)
