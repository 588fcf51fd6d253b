"""Commands about the device itself: how it stands, a round with the backend, who holds it."""

from argparse import ArgumentParser, Namespace
from textwrap import wrap
from typing import Final

from device.agent import Agent, Status
from device.commands.answers import Action, Said, nothing
from device.commands.inputs import new_pin_in, pin_in
from device.store import pulled
from device.surrender import Surrender
from sync.clock import rfc3339
from sync.problems import catalogue
from sync.session import Wait

_TITLES = {kind.slug: (kind.title, kind.advice) for kind in catalogue()}

_MOST_NEEDS: Final = 5
"""So many of what needs a person stand on the screen, two lines each."""


# -- status --------------------------------------------------------------------
async def _status(agent: Agent, _: Namespace) -> Said:
    status = await agent.status()
    return Said(facts=status, lines=_screen(status, agent.holding.world.now_ms()))


def _screen(status: Status, now_ms: int) -> tuple[str, ...]:
    """One screen, 80 by 24: what is here only, received, judged, and what needs a person."""
    held, stood = status.held, status.conversation
    oldest = f", the oldest for {_span(now_ms - held.oldest_ms)}" if held.oldest_ms is not None else ""
    judged = ", ".join(f"{count} {word}" for word, count in sorted(held.judged.items())) or "nothing yet"
    needs = [f"{_title(one.slug)}: {one.detail}. {_advice(one.slug)}" for one in status.notices]
    needs += [f"event {one.seq} {one.verdict}: {_title(one.code)}. {_advice(one.code)}" for one in status.refused]
    needs += [
        f"case on job {one.job} ({one.why}): {', '.join(one.parties)}; the office settles it" for one in status.cases
    ]
    lines = [
        f"device     {status.device} ({status.kid}), held by {status.holder or 'nobody yet'}",
        f"people     {', '.join(status.people) or 'no roster yet; sync once'}",
        f"log        {status.log}, {held.recorded} recorded{_stopped(status)}",
        f"here only  {held.waiting}{oldest}",
        f"received   1 to {held.received_through}" if held.received_through else "received   nothing yet",
        f"attached   {_attached(status)}",
        f"judged     {judged}",
        f"synced     {_ago(stood.synced_ms, now_ms)}{'; last: ' + _title(stood.trouble) if stood.trouble else ''}",
        f"clock      {_offset(stood.offset_ms)}",
        f"backend    {status.url}",
        f"needs you  {len(needs) or 'nothing'}",
    ]
    if status.surrender is not None:
        lines.insert(3, f"revoked    {_surrendering(status.surrender)}")
    for need in needs[:_MOST_NEEDS]:  # what to do stands at the end of each, so none is cut before its second line
        lines += [f"  {line}" for line in wrap(need, 76, max_lines=2, placeholder=" …", subsequent_indent="  ")]
    if len(needs) > _MOST_NEEDS:
        lines.append(f"  and {len(needs) - _MOST_NEEDS} more; see --json")
    return tuple(lines)


def _surrendering(stands: Surrender) -> str:
    """How a revoked device hands over: what is left, or that all is received and when it is erased."""
    if stands.received:
        return f"{stands.reason}; all is received, erased on {stands.erases_at}"
    left = [f"{stands.events} events", f"{stands.attachments} attached"]
    more = "; giving back what it had pulled" if stands.giving else ""
    return f"{stands.reason}; surrendering, {' and '.join(left)} left{more}"


def _attached(status: Status) -> str:
    waiting = status.attached
    return f"{waiting.blobs} to be sent, {(waiting.bytes + 1023) // 1024} KB" if waiting.blobs else "nothing to be sent"


def _stopped(status: Status) -> str:
    return "; it takes nothing more, enrol anew" if status.state == "stopped" else ""


def _title(slug: str) -> str:
    return _TITLES.get(slug, (slug, ""))[0]


def _advice(slug: str) -> str:
    return _TITLES.get(slug, ("", ""))[1]


def _ago(then_ms: int | None, now_ms: int) -> str:
    return "never" if then_ms is None else f"{_span(now_ms - then_ms)} ago, at {rfc3339(then_ms)}"


def _span(ms: int) -> str:
    seconds = max(ms, 0) // 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _offset(offset_ms: int | None) -> str:
    if offset_ms is None:
        return "not compared with the backend's yet"
    if abs(offset_ms) < 1_000:
        return "as the backend's"
    return f"{_span(abs(offset_ms))} {'behind' if offset_ms > 0 else 'ahead of'} the backend's"


# -- talking -------------------------------------------------------------------
async def _sync(agent: Agent, _: Namespace) -> Said:
    wait = await agent.sync()
    if agent.erased:
        return _erased()
    return _synced(wait, await agent.status())


def _synced(wait: Wait, status: Status) -> Said:
    held, done = status.held, wait.why == "all done"
    all_received = done and held.waiting == 0 and status.attached.blobs == 0
    line = f"received 1 to {held.received_through}; {held.waiting} on this device only"
    if status.attached.blobs:
        line += f"; attached: {_attached(status)}"
    trouble = _title(status.conversation.trouble)
    lines = (line,) if done else (line, f"not done: {trouble}; tried again in {_span(wait.ms)} at the earliest")
    facts = {
        "done": done,
        "trouble": status.conversation.trouble,
        "received_through": held.received_through,
        "waiting": held.waiting,
        "attached": status.attached,
        "judged": held.judged,
    }
    return Said(facts=facts, lines=lines, exit_code=0 if all_received else 1)


async def _surrender(agent: Agent, _: Namespace) -> Said:
    """A round, then all is erased that a receipt covers; where something is left it waits for the next round."""
    wait = await agent.sync()
    await agent.surrender()
    if agent.erased:
        return _erased()
    return _synced(wait, await agent.status())


def _erased() -> Said:
    return Said(facts={"erased": True}, lines=("everything was received, and nothing is left here",))


# -- people --------------------------------------------------------------------
def _switch_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("now", metavar="person", help="who holds it from here on")


async def _switch(agent: Agent, args: Namespace) -> Said:
    await agent.may_hold(args.now)
    known = await agent.pins.has(args.now)
    pin = pin_in(f"PIN of {args.now}") if known else new_pin_in(f"new PIN of {args.now}, 4 to 12 digits")
    switched = await agent.switch(args.now, pin)
    lines = [f"{args.now} holds this device"]
    if switched.wrong:
        lines.append(f"wrong PINs given for {args.now} since the last right one: {switched.wrong}")
    return Said(facts={"hash": switched.recorded.hash, "holder": args.now, "wrong": switched.wrong}, lines=tuple(lines))


async def _pin(agent: Agent, args: Namespace) -> Said:
    await agent.refresh()
    who = agent.holding.person(args.person)
    old = pin_in(f"PIN of {who} until now") if await agent.pins.has(who) else ""
    await agent.set_pin(who, old, new_pin_in(f"new PIN of {who}, 4 to 12 digits"))
    return Said(facts={"person": who}, lines=(f"{who} has a new PIN on this device",))


def _seen_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("number", type=int, help="the notice's number, from status --json")


async def _seen(agent: Agent, args: Namespace) -> Said:
    await agent.holding.store.writing(lambda con: pulled.seen_to(con, args.number))
    return Said(facts={"number": args.number}, lines=(f"notice {args.number} was seen to",))


ACTIONS = {
    "status": Action("how this device stands, on one screen", nothing, _status),
    "sync": Action("push and pull now (exit 1: not all is received)", nothing, _sync),
    "surrender": Action("hand over all of a revoked device now, then erase it", nothing, _surrender),
    "switch": Action(
        "somebody else holds this shared device; asks for the PIN, at first for a new one", _switch_arguments, _switch
    ),
    "pin": Action("whoever holds this device sets another PIN on it", nothing, _pin),
    "seen": Action("take a notice off the screen", _seen_arguments, _seen),
}
