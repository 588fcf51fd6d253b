"""Commands about one job: open it, be there, scan, leave, say something, close it."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import get_args

from device.agent import Agent
from device.commands.answers import Action, Said
from device.commands.inputs import (
    attached,
    key_values,
    payload_arguments,
    payload_in,
    photo_arguments,
    thing_in,
    things_in,
)
from device.jobs import Departure, ItemStep
from device.prefill import prefilled
from device.store.log import Recorded
from sync.clock import rfc3339
from sync.corrections import Reading, readings
from sync.events import Event, VisitOutcome, VisitType
from sync.journey import Journey
from sync.payload import Priority


def _recorded(what: str, recorded: Recorded) -> Said:
    facts = {"hash": recorded.hash, "log": recorded.log, "seq": recorded.seq}
    return Said(facts=facts, lines=(f"recorded: {what}", f"  {recorded.hash}"))


def _job(parser: ArgumentParser) -> None:
    parser.add_argument("job", help="the job's id")


# -- looking -------------------------------------------------------------------
async def _jobs(agent: Agent, args: Namespace) -> Said:
    await agent.refresh()
    journeys = [agent.holding.memory.journey(job) for job in agent.holding.memory.jobs()]
    wanted = [one for one in journeys if args.all or one.state == "open"]
    return Said(
        facts={"jobs": [_facts(one) for one in wanted]},
        lines=tuple(_line(one) for one in wanted) or ("no open job here; sync, or open one",),
    )


def _line(journey: Journey) -> str:
    opened = journey.opened
    offered = [", ".join(one.content.to) for one in journey.handovers if one.state == "offered"]
    return "  ".join(
        part
        for part in (
            journey.job,
            opened.priority if opened else "",
            f"{opened.site} {opened.asset}".strip() if opened else "its beginning is not here",
            f"accountable {journey.accountable or '?'}",
            f"offered to {'; '.join(offered)}" if offered else "",
            "held" if journey.held else "" if journey.state == "open" else journey.state,
        )
        if part
    )


def _facts(journey: Journey) -> dict[str, object]:
    since = journey.custody.since
    return {
        "job": journey.job,
        "state": journey.state,
        "held": journey.held,
        "accountable": journey.accountable,
        "since": rfc3339(since.occurred_ms) if since else "",
        "site": journey.opened.site if journey.opened else "",
        "asset": journey.opened.asset if journey.opened else "",
        "handovers": [
            {
                "offer": one.offer.hash,
                "to": one.content.to,
                "state": one.state,
                "confirmed": one.confirmed,
                "reserved": one.reserved,
                "late": one.late,
                "completeness": one.completeness(),
            }
            for one in journey.handovers
        ],
        "cases": [
            {"basis": case.basis, "state": case.state, "parties": case.parties} for case in journey.custody.cases
        ],
        "items": journey.items,
        "corrected": {
            hash_: {"by": reading.by, "reads": reading.body, "disputed": reading.disputed}
            for hash_, reading in readings(journey.timeline).items()
        },
        "discrepancies": journey.discrepancies,
    }


async def _job_shown(agent: Agent, args: Namespace) -> Said:
    await agent.refresh()
    journey = agent.holding.journey(args.job)
    lines = [_line(journey)]
    reads = readings(journey.timeline)
    for event in journey.timeline:
        lines.append(f"  {rfc3339(event.occurred_ms)}  {event.actor:<12} {event.kind:<22} {event.hash}")
        lines += _corrected(event, reads.get(event.hash))
    lines += [f"  case under {case.basis}: {case.state}; {', '.join(case.parties)}" for case in journey.custody.cases]
    lines += [f"  discrepancy: {words}" for words in journey.discrepancies]
    return Said(facts=_facts(journey), lines=tuple(lines))


def _corrected(event: Event, reads: Reading | None) -> list[str]:
    """What reads otherwise since it was recorded, field by field."""
    if reads is None or event.body is None:
        return []
    pairs = [(name, getattr(event.body, name), getattr(reads.body, name)) for name in event.body.__struct_fields__]
    said = [f"{name} {now}" for name, was, now in pairs if was != now]
    disputed = "; corrections contradict each other or do not fit" if reads.disputed else ""
    return [f"    corrected: {', '.join(said) or 'nothing'}{disputed}"]


# -- opening and closing -------------------------------------------------------
_OR_LABEL = "its id, or its label: the text, a picture, - for a line"


def _open_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--site", required=True, help=_OR_LABEL)
    parser.add_argument("--party", default="", help="who is accountable; not said: the person who acts")
    for name in ("asset", "customer", "desired-outcome", "owner", "intent", "entitlement", "channel", "trade"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--priority", choices=get_args(Priority), default="routine")
    parser.add_argument("--type", choices=get_args(VisitType), default="corrective")


async def _open(agent: Agent, args: Namespace) -> Said:
    names = ("asset", "customer", "desired_outcome", "owner", "intent", "entitlement", "channel", "trade")
    said = {name: getattr(args, name) for name in (*names, "priority", "type")}
    things, entered = things_in(args, "site", "asset")
    if entered == "scanned":
        said["entered"] = entered
    job = await agent.jobs.open(args.person, party=args.party, **(said | things))
    return Said(facts={"job": job}, lines=(f"job opened: {job}",))


def _resolve_arguments(parser: ArgumentParser) -> None:
    _job(parser)
    parser.add_argument("--outcome", default="done")


async def _resolve(agent: Agent, args: Namespace) -> Said:
    return _recorded("the job is done", await agent.jobs.resolve(args.person, args.job, args.outcome))


def _reason(parser: ArgumentParser) -> None:
    _job(parser)
    parser.add_argument("--reason", required=True)


async def _cancel(agent: Agent, args: Namespace) -> Said:
    return _recorded("the job is cancelled", await agent.jobs.cancel(args.person, args.job, args.reason))


async def _reopen(agent: Agent, args: Namespace) -> Said:
    return _recorded("the job is open again", await agent.jobs.reopen(args.person, args.job, args.reason))


async def _hold(agent: Agent, args: Namespace) -> Said:
    return _recorded("the job waits", await agent.jobs.hold(args.person, args.job, args.reason))


async def _release(agent: Agent, args: Namespace) -> Said:
    released = await agent.jobs.release(args.person, args.job)
    return _recorded("the job goes on", released[-1])


# -- at the site ---------------------------------------------------------------
def _arrive_arguments(parser: ArgumentParser) -> None:
    _job(parser)
    for name in ("site", "asset"):
        parser.add_argument(f"--{name}", default="", help=_OR_LABEL)
    parser.add_argument("--stop", default="")
    _when(parser)


def _when(parser: ArgumentParser) -> None:
    parser.add_argument("--at", default="", help="when it happened, if not just now (RFC 3339 with offset)")


async def _arrive(agent: Agent, args: Namespace) -> Said:
    things, entered = things_in(args, "site", "asset")
    visit = await agent.jobs.arrive(
        args.person,
        args.job,
        stop=args.stop,
        occurred_at=args.at,
        entered="typed" if args.at else entered,
        **things,
    )
    return Said(facts={"visit": visit}, lines=(f"arrived: visit {visit}",))


def _item_arguments(parser: ArgumentParser) -> None:
    _job(parser)
    parser.add_argument("item", help=_OR_LABEL)
    parser.add_argument("--step", choices=get_args(ItemStep), required=True)
    parser.add_argument("--qty", type=int, default=1)
    parser.add_argument("--point", help=f"where it is: {_OR_LABEL}")
    for name in ("order", "line", "visit", "reservation"):
        parser.add_argument(f"--{name}")


async def _item(agent: Agent, args: Namespace) -> Said:
    said: dict[str, str | None] = {name: getattr(args, name) for name in ("order", "line", "reservation")}
    things, said["entered"] = things_in(args, "item", "point")
    if args.visit:
        said["visit"] = args.visit
    item = things.pop("item")
    recorded = await agent.jobs.scan_item(args.person, args.job, item, args.step, qty=args.qty, **(said | things))
    return _recorded(f"{args.qty} {item} {args.step}", recorded)


def _asset_arguments(parser: ArgumentParser) -> None:
    _job(parser)
    parser.add_argument("asset", help=_OR_LABEL)
    parser.add_argument("--site", default="", help=_OR_LABEL)


async def _asset(agent: Agent, args: Namespace) -> Said:
    asset, entered = thing_in(args.asset)
    site, _ = thing_in(args.site) if args.site else ("", entered)
    recorded = await agent.jobs.scan_asset(args.person, args.job, asset, site=site, entered=entered)
    return _recorded(f"asset {asset}", recorded)


# -- leaving -------------------------------------------------------------------
def _depart_arguments(parser: ArgumentParser) -> None:
    _job(parser)
    parser.add_argument("--outcome", choices=get_args(VisitOutcome), default="done")
    parser.add_argument("--reason", default="")
    parser.add_argument("--boundary", default="", help="over which boundary the job goes next")
    parser.add_argument("--part", choices=("no", "part", "last"), default="no")
    _when(parser)
    payload_arguments(parser)


async def _depart(agent: Agent, args: Namespace) -> Said:
    await agent.refresh()
    payload = payload_in(args, prefilled(agent.holding.journey(args.job)))
    said = {"reason": args.reason, "part": args.part}
    departure = await agent.jobs.depart(
        args.person,
        args.job,
        args.outcome,
        payload=payload,
        boundary=args.boundary,
        occurred_at=args.at,
        **said,
    )
    return _departure(departure)


def _departure(departure: Departure) -> Said:
    if departure.departed is not None:
        return _recorded("departed", departure.departed)
    lines = ["not departed; a check found:"]
    for gap in departure.gaps:
        lines += [f"  {gap.text}", f"    {gap.found}"]
    lines.append("put it right and depart again, or go with it: handover device override HASH --reason WHY")
    return Said(facts={"departed": None, "gaps": departure.gaps}, lines=tuple(lines), exit_code=1)


def _clear_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("found", help="the hash of the check that found the gap")
    parser.add_argument("--how", default="")


async def _clear(agent: Agent, args: Namespace) -> Said:
    return _recorded("the gap was put right", await agent.jobs.clear(args.person, args.found, args.how))


def _override_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("found", help="the hash of the check that found the gap")
    parser.add_argument("--reason", required=True)


async def _override(agent: Agent, args: Namespace) -> Said:
    return _recorded("going with the gap", await agent.jobs.override(args.person, args.found, args.reason))


# -- words ---------------------------------------------------------------------
def _note_arguments(parser: ArgumentParser) -> None:
    _job(parser)
    parser.add_argument("text")
    photo_arguments(parser)


async def _note(agent: Agent, args: Namespace) -> Said:
    return _recorded("note", await agent.jobs.note(args.person, args.job, args.text, blobs=attached(agent, args)))


def _contact_arguments(parser: ArgumentParser) -> None:
    _job(parser)
    parser.add_argument("--channel", required=True, help="phone, mail, chat, ...")
    for name in ("customer", "intent", "previous"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--transcript", type=Path, metavar="FILE", help="what was said, as a text or a picture")
    photo_arguments(parser)


async def _contact(agent: Agent, args: Namespace) -> Said:
    said = {name: getattr(args, name) for name in ("customer", "intent", "previous")}
    blobs = attached(agent, args)
    if args.transcript:
        blobs += agent.attaching.attach_file(args.transcript, "transcript")
    return _recorded("contact", await agent.jobs.contact(args.person, args.job, args.channel, blobs=blobs, **said))


def _assist_arguments(parser: ArgumentParser) -> None:
    _job(parser)
    parser.add_argument("who", help="who helps")
    parser.add_argument("--left", action="store_true", help="no longer")


async def _assist(agent: Agent, args: Namespace) -> Said:
    act = agent.jobs.leave if args.left else agent.jobs.join
    return _recorded(
        f"{args.who} {'no longer helps' if args.left else 'helps'}", await act(args.person, args.job, args.who)
    )


def _correct_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("event", help="the hash of the event that is wrong")
    parser.add_argument("fields", nargs="+", metavar="FIELD=VALUE", help="what is right")
    parser.add_argument("--reason", required=True)


async def _correct(agent: Agent, args: Namespace) -> Said:
    fields = key_values(args.fields)
    return _recorded("correction", await agent.jobs.correct(args.person, args.event, fields, args.reason))


ACTIONS = {
    "jobs": Action("the jobs this device knows", lambda parser: _flag(parser, "--all", "closed ones too"), _jobs),
    "job": Action("one job and all that is known of it", _job, _job_shown),
    "open": Action("open a job", _open_arguments, _open),
    "arrive": Action("begin a visit", _arrive_arguments, _arrive),
    "item": Action("scan an item at a step", _item_arguments, _item),
    "asset": Action("scan the asset", _asset_arguments, _asset),
    "depart": Action("end a visit; the checks run first (exit 1: a gap keeps you)", _depart_arguments, _depart),
    "clear": Action("a gap was put right", _clear_arguments, _clear),
    "override": Action("go with a gap, for a reason", _override_arguments, _override),
    "note": Action("write a note", _note_arguments, _note),
    "contact": Action("the customer was in touch", _contact_arguments, _contact),
    "assist": Action("somebody helps, or no longer", _assist_arguments, _assist),
    "correct": Action("put right what an event said", _correct_arguments, _correct),
    "hold": Action("let the job wait", _reason, _hold),
    "release": Action("let it go on", _job, _release),
    "resolve": Action("the job is done", _resolve_arguments, _resolve),
    "cancel": Action("the job will not be done", _reason, _cancel),
    "reopen": Action("a closed job is open again", _reason, _reopen),
}


def _flag(parser: ArgumentParser, name: str, help_: str) -> None:
    parser.add_argument(name, action="store_true", help=help_)
