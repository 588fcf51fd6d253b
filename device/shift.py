"""A shift handover: several jobs offered as one code, answered job by job, and taken back by one code.

Each job keeps its own offer and its own answer, recorded in a transaction of its own: what is wrong with one holds up
no other.
"""

from collections.abc import Sequence

import msgspec

from device.codes import Code, Codes, Shown
from device.holding import Holding
from device.offering import ANSWERS, Offering
from sync.events import Blob
from sync.payload import Payload
from sync.problems import Problem


class Left(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A job that was not offered with the others, and why."""

    job: str
    problem: Problem


class Together(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What was offered together: by job the offer's hash, the one code of all, and the jobs that stayed behind."""

    offers: dict[str, str]
    shown: Shown
    left: tuple[Left, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One answer of a code that was taken back: an acceptance or a refusal (`event`), by its `kind`, of a job.

    `recorded` is the hash of what was recorded for it, "" where a refusal was held already; `problem` is what kept it
    from counting here.
    """

    event: str
    kind: str
    job: str
    recorded: str = ""
    problem: Problem | None = None


class Shift:
    """Several handovers at once on this device, for the person who acts."""

    def __init__(self, holding: Holding, codes: Codes, offering: Offering) -> None:
        self._here = holding
        self._codes = codes
        self._offering = offering

    async def offer(
        self,
        person: str,
        payloads: dict[str, Payload],
        to: Sequence[str],
        blobs: Sequence[Blob] = (),
        /,
        *,
        boundary: str = "",
        **said: str,
    ) -> Together:
        """Every job is on the table for `to`, with its own payload, and one code shows them all.

        What is said besides is as in `Offering.record`, and holds for each; nobody in `to` is one guest for all. A job
        that cannot be offered stays behind with its problem, which is raised where none could be.
        """
        await self._here.refresh()
        if not (to or said.get("challenge")):
            to = (self._offering.guest(),)
        offers: dict[str, str] = {}
        left: list[Left] = []
        for job, payload in payloads.items():
            try:
                recorded = await self._offering.record(person, job, payload, to, blobs, boundary=boundary, **said)
                offers[job] = recorded.hash
            except Problem as problem:
                left.append(Left(job=job, problem=problem))
        if not offers:
            raise left[0].problem
        shown = await self._codes.show_recorded(*offers.values())
        return Together(offers=offers, shown=shown, left=tuple(left))

    async def take_back(self, person: str, code: Code, *, offer: str = "") -> tuple[Answer, ...]:
        """Each acceptance in a code of answers is confirmed, each refusal kept, in their order; again is no error.

        `offer` is the hash of the one that was offered, if the person said which. What keeps one answer from counting
        is said of that one, and raised where none counts.
        """
        found: list[Answer] = []
        for one in self._codes.named_in(code, *ANSWERS):
            answer = Answer(event=one.hash, kind=one.kind, job=one.job)
            act = self._offering.confirm if one.kind == "handover.accepted" else self._offering.witness
            try:
                recorded = await act(person, code, offer=offer, which=one.hash)
                found.append(msgspec.structs.replace(answer, recorded=recorded.hash if recorded else ""))
            except Problem as problem:
                found.append(msgspec.structs.replace(answer, problem=problem))
        problems = [one.problem for one in found if one.problem is not None]
        if len(problems) == len(found):
            raise problems[0]
        return tuple(found)
