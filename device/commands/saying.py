"""What a command says of handovers, one or several: what was offered, what was looked at, what was answered."""

from collections.abc import Sequence

import msgspec

from device.accepting import Seen, Unfit
from device.agent import Agent
from device.codes import Shown
from device.commands.answers import Said
from device.shift import Answer, Together
from sync.payload import Payload
from sync.problems import as_sentence


def code_of(line: str, shown: Shown) -> Said:
    """`line` and the code to show; where no codes hold it, that it goes by sync."""
    if not shown.texts:
        line = f"{line.partition(';')[0]}; it is too large for codes and goes by sync"
    return Said(facts={"hash": shown.event}, lines=(line, f"  {shown.event}"), code=shown)


# -- what was offered -----------------------------------------------------------
def offered(agent: Agent, together: Together, *, several: bool) -> Said:
    """The code of what was offered; of several jobs each by its hash, and those that stayed behind."""
    shown, offers = together.shown, together.offers
    near = tuple(
        f"job {job} is on the same stop, {party or '?'} answers for it: name both to offer them together"
        for job, party in sorted(_beside(agent, offers).items())
    )
    if not several:
        said = code_of("recorded: offer; let the receiver scan this", shown)
        return msgspec.structs.replace(said, lines=(*said.lines, *near))
    said = code_of(f"recorded: {len(offers)} offers; let the receiver scan this", shown)
    left = [{"job": one.job, "problem": one.problem.kind.slug} for one in together.left]
    lines = [said.lines[0], *(f"  {hash_}  job {job}" for job, hash_ in offers.items())]
    lines += [f"not offered: job {one.job}: {as_sentence(one.problem)}" for one in together.left]
    return Said(
        facts={"offers": [{"job": job, "hash": hash_} for job, hash_ in offers.items()], "left": left},
        lines=(*lines, *near),
        code=shown,
        exit_code=1 if left else 0,
    )


def _beside(agent: Agent, offers: dict[str, str]) -> dict[str, str]:
    """Open jobs that are merged with these and were not offered with them, each with who answers for it."""
    memory = agent.holding.memory
    merged = {job for mine in offers for one in memory.journey(mine).merged for job in one.jobs}
    journeys = [memory.journey(job) for job in sorted(merged - offers.keys()) if memory.knows(job)]
    return {one.job: one.accountable for one in journeys if one.state == "open"}


# -- what is looked at -----------------------------------------------------------
def all_seen(found: tuple[Seen | Unfit, ...]) -> Said:
    """What a code of offers holds: the one, or each of several with what keeps it from being taken."""
    if len(found) == 1:
        (one,) = found
        if isinstance(one, Unfit):
            raise one.problem
        return one_seen(one)
    lines = [f"{len(found)} jobs in one code; answer each by its job: accept --job, refuse --job"]
    facts: list[object] = []
    for one in found:
        if isinstance(one, Seen):
            said = one_seen(one)
            facts.append(said.facts)
            lines += said.lines
        else:
            problem = one.problem
            facts.append({"hash": one.offer.hash, "job": one.offer.job, "problem": problem.kind.slug})
            lines.append(f"not to be taken: job {one.offer.job}: {as_sentence(problem)}")
    stopped = any(isinstance(one, Unfit) for one in found)
    return Said(facts={"kind": "handover.offered", "offers": facts}, lines=tuple(lines), exit_code=1 if stopped else 0)


def one_seen(seen: Seen) -> Said:
    """An offer that may be taken, its payload, and what there is to read back."""
    content = seen.content
    lines = [
        f"offer {seen.offer.hash}",
        f"  from {content.sender} (recorded by {seen.offer.actor}) to {', '.join(content.to)}, job {seen.offer.job}",
        f"  genuine; the sender's standing is {seen.standing}; you would accept as {seen.receiver.party}",
        *(["  the roster on this device is old: sync when you can"] if seen.stale else []),
        *([f"  your training ended on {seen.trained_until}: the office will see that"] if seen.trained_until else []),
        *_words(content.payload),
        *(f"  read back? {choice}" for choice in seen.choices),
    ]
    return Said(
        facts={
            "kind": "handover.offered",
            "hash": seen.offer.hash,
            "job": seen.offer.job,
            "sender": content.sender,
            "to": content.to,
            "party": seen.receiver.party,
            "standing": seen.standing,
            "stale": seen.stale,
            "trained_until": seen.trained_until,
            "payload": content.payload,
            "choices": seen.choices,
        },
        lines=tuple(lines),
    )


def _words(payload: Payload) -> list[str]:
    """A payload in its I-PASS order, a line each."""
    return [
        f"  {payload.priority or 'no priority'}, {payload.state or 'no state'}: {payload.summary}",
        *(f"  done: {one.object}: {one.result}" for one in payload.actions_taken),
        *(f"  decided: {one.what} {one.who} {one.basis}".rstrip() for one in payload.decisions),
        *(
            f"  next: {one.what} ({one.owner or 'nobody'}{', ' + one.due if one.due else ''})"
            for one in payload.next_actions
        ),
        *(f"  if {one.if_}, then {one.then or '?'}" for one in payload.risks),
        *(f"  waits on {one.on} {one.by}".rstrip() for one in payload.dependencies),
        *(f"  item {one.id}: {one.counted} of {one.expected}" for one in payload.items),
        *(f"  missing on purpose: {one.element} ({one.reason})" for one in payload.gaps),
    ]


# -- what was answered -----------------------------------------------------------
_ACCEPTED = "handover.accepted"
CONFIRMED = "recorded: confirmed; done, proven, both hold it"
_KEPT = "refused; that is kept, and the job stays where it is"


def answered(answers: Sequence[Answer]) -> Said:
    """What became of each answer that was taken back."""
    if len(answers) == 1:
        (one,) = answers
        return Said(facts={"hash": one.recorded or None}, lines=(CONFIRMED if one.kind == _ACCEPTED else _KEPT,))
    facts = [
        {
            "job": one.job,
            "kind": one.kind,
            "hash": one.recorded or None,
            "problem": one.problem.kind.slug if one.problem else "",
        }
        for one in answers
    ]
    lines = tuple(f"job {one.job}: {_answered(one)}" for one in answers)
    return Said(facts={"answers": facts}, lines=lines, exit_code=1 if any(one.problem for one in answers) else 0)


def _answered(answer: Answer) -> str:
    if answer.problem is not None:
        return as_sentence(answer.problem)
    return CONFIRMED if answer.kind == _ACCEPTED else _KEPT
