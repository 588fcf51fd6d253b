"""Commands about codes: read one, challenge, offer, show, accept, refuse, withdraw, confirm."""

from argparse import ArgumentParser, Namespace

from device.accepting import Seen
from device.agent import Agent
from device.codes import Code, Shown, read_code
from device.commands.answers import Action, Said
from device.commands.inputs import (
    attached,
    code_argument,
    code_in,
    payload_arguments,
    payloads_in,
    photo_arguments,
    reservations_in,
    text_in,
    texts_in,
)
from device.commands.saying import CONFIRMED, all_seen, answered, code_of, offered, one_seen
from device.prefill import prefilled
from sync.acceptance import synthesis_of
from sync.cards import challenge_text, read_challenge, read_enrolment, read_label
from sync.problems import NOT_OUR_CODE, Problem
from sync.qr import CodeKind, classify, kind_of


# -- reading -------------------------------------------------------------------
async def _scan(agent: Agent, args: Namespace) -> Said:
    texts = texts_in(args)
    kind = classify(texts[0])
    match kind:
        case CodeKind.HANDOVER | CodeKind.PART | CodeKind.UNSUPPORTED:
            return await _handover(agent, args, read_code(texts))
        case CodeKind.LABEL:
            return await _labels(agent, texts)
        case CodeKind.ENROLMENT:
            card = read_enrolment(texts[0])
            return Said(
                facts={"kind": "enrolment", "url": card.url},
                lines=(f"enrolment code of {card.url}; handover device enrol",),
            )
        case CodeKind.CHALLENGE:
            party = read_challenge(texts[0]).party
            return Said(facts={"kind": "challenge", "party": party}, lines=(f"challenge of {party}",))
    raise Problem(NOT_OUR_CODE, texts[0][:80])


async def _labels(agent: Agent, texts: list[str]) -> Said:
    """What each label in the picture stands for, and the open jobs there; nothing happens by itself."""
    await agent.refresh()
    journeys = [agent.holding.memory.journey(job) for job in agent.holding.memory.jobs()]
    found: list[dict[str, object]] = []
    lines: list[str] = []
    for id_ in map(read_label, texts):
        jobs = [
            one.job
            for one in journeys
            if one.state == "open" and one.opened is not None and id_ in (one.opened.site, one.opened.asset)
        ]
        found.append({"kind": "label", "id": id_, "jobs": jobs})
        lines += [f"label {id_}", *(f"  open job {job}" for job in jobs)]
    return Said(facts=found[0] if len(found) == 1 else {"kind": "labels", "labels": found}, lines=tuple(lines))


async def _handover(agent: Agent, args: Namespace, code: Code) -> Said:
    kind = kind_of(code.frame)
    if kind == "handover.offered":
        return all_seen(await agent.accepting.look_each(args.person, code))
    await agent.refresh()
    facts = [
        {"kind": event.kind, "hash": event.hash, "job": event.job, "actor": event.actor, "body": event.body}
        for event in agent.codes.open(code, kind)
    ]
    lines = tuple(f"{one['kind']} by {one['actor']} on job {one['job']}; its seal holds" for one in facts)
    return Said(facts=facts[0] if len(facts) == 1 else {"kind": kind, "events": facts}, lines=lines)


# -- the sender ----------------------------------------------------------------
def _offer_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("job", nargs="+", help="a job; several are shown as one code and answered job by job")
    parser.add_argument("--to", action="append", default=[], help="a person, a team or role:NAME; none: a guest")
    parser.add_argument("--boundary", default="")
    parser.add_argument("--until", default="", help="ends the offer (RFC 3339 with offset)")
    parser.add_argument(
        "--challenge", metavar="CODE", help="the receiver's challenge, scanned: its text, a picture of it, or -"
    )
    photo_arguments(parser, signature="a drawn signature of the sender, as a picture")
    payload_arguments(parser)


async def _offer(agent: Agent, args: Namespace) -> Said:
    await agent.refresh()
    jobs = tuple(dict.fromkeys(args.job))
    payloads = payloads_in(args, {job: prefilled(agent.holding.journey(job)) for job in jobs})
    together = await agent.shift.offer(
        args.person,
        payloads,
        args.to,
        attached(agent, args),
        boundary=args.boundary,
        until=args.until,
        challenge=text_in(args.challenge) if args.challenge else "",
    )
    return offered(agent, together, several=len(jobs) > 1)


def _challenge_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--party", default="", help="yourself, or a team of yours")


async def _challenge(agent: Agent, args: Namespace) -> Said:
    challenge = await agent.challenges.ask(args.person, args.party)
    return Said(
        facts={"kind": "challenge", "party": challenge.party, "nonce": challenge.nonce},
        lines=(f"challenge of {challenge.party}; let the sender scan this and offer then, it serves one code",),
        code=Shown(event="", texts=(challenge_text(challenge),)),
    )


def _event(parser: ArgumentParser) -> None:
    parser.add_argument(
        "event",
        nargs="+",
        help="the hash of an offer, an acceptance or a refusal of this device; offers, or answers, of several jobs",
    )


async def _show(agent: Agent, args: Namespace) -> Said:
    await agent.refresh()
    return code_of("shown again", await agent.codes.show(*args.event))


def _withdraw_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("offer", help="the hash of the offer")
    parser.add_argument("--reason", default="")


async def _withdraw(agent: Agent, args: Namespace) -> Said:
    recorded = await agent.offering.withdraw(args.person, args.offer, args.reason)
    return Said(facts={"hash": recorded.hash}, lines=("recorded: the offer is taken back",))


def _confirm_arguments(parser: ArgumentParser) -> None:
    code_argument(parser)
    parser.add_argument("--accepted", metavar="HASH", help="an acceptance that was pulled, instead of a code")
    parser.add_argument("--offer", default="", metavar="HASH", help="the offer that is being confirmed")


async def _confirm(agent: Agent, args: Namespace) -> Said:
    if args.accepted:
        recorded = await agent.offering.confirm(args.person, args.accepted, offer=args.offer)
        return Said(facts={"hash": recorded.hash}, lines=(CONFIRMED,))
    return answered(await agent.shift.take_back(args.person, code_in(args), offer=args.offer))


# -- the receiver --------------------------------------------------------------
def _offer_source(parser: ArgumentParser) -> None:
    code_argument(parser)
    parser.add_argument("--offer", metavar="HASH", help="an offer that was pulled, instead of a code")
    parser.add_argument("--party", default="", help="yourself or a team of yours, where it could be either")
    parser.add_argument("--site", default="", help="where you are")
    parser.add_argument("--job", default="", help="which, where the code holds several jobs")


async def _looked(agent: Agent, args: Namespace) -> Seen:
    code = args.offer or code_in(args)
    return await agent.accepting.look(args.person, code, party=args.party, site=args.site, which=args.job)


async def _look(agent: Agent, args: Namespace) -> Said:
    if args.offer or args.job:
        return one_seen(await _looked(agent, args))
    return all_seen(await agent.accepting.look_each(args.person, code_in(args), party=args.party, site=args.site))


def _accept_arguments(parser: ArgumentParser) -> None:
    _offer_source(parser)
    parser.add_argument("--words", default="", help="the open points in your own words")
    parser.add_argument(
        "--pick", action="append", default=[], metavar="CHOICE", help="a point you read back; repeatable"
    )
    parser.add_argument("--reserve", action="append", metavar="ITEM=COUNTED[:REMARK]", help="a reservation; repeatable")
    parser.add_argument("--name", default="", help="the typed name of a guest")
    photo_arguments(parser, signature="the drawn signature of a guest, as a picture")


async def _accept(agent: Agent, args: Namespace) -> Said:
    seen = await _looked(agent, args)
    synthesis = synthesis_of(args.words, args.pick, seen.choices, seen.content.payload)
    shown = await agent.accepting.accept(
        args.person,
        seen,
        synthesis,
        reservations=reservations_in(args.reserve),
        signed_name=args.name,
        blobs=attached(agent, args),
    )
    return code_of("recorded: accepted; let the sender scan this", shown)


def _refuse_arguments(parser: ArgumentParser) -> None:
    _offer_source(parser)
    parser.add_argument("--reason", required=True)


async def _refuse(agent: Agent, args: Namespace) -> Said:
    seen = await _looked(agent, args)
    return code_of(
        "recorded: refused; let the sender scan this", await agent.accepting.refuse(args.person, seen, args.reason)
    )


async def _witness(agent: Agent, args: Namespace) -> Said:
    recorded = await agent.offering.witness(args.person, code_in(args))
    line = "recorded: the refusal is kept" if recorded else "the refusal was held here already"
    return Said(facts={"hash": recorded.hash if recorded else None}, lines=(line,))


ACTIONS = {
    "scan": Action("say what a code is; an offer is checked, nothing is recorded", code_argument, _scan),
    "challenge": Action("show a challenge for an offer to quote", _challenge_arguments, _challenge),
    "offer": Action("offer a job, and show the code", _offer_arguments, _offer),
    "show": Action("show a code again", _event, _show),
    "look": Action("check an offer without answering it", _offer_source, _look),
    "accept": Action("accept an offer, and show the code", _accept_arguments, _accept),
    "refuse": Action("refuse an offer, and show the code", _refuse_arguments, _refuse),
    "withdraw": Action("take an offer back", _withdraw_arguments, _withdraw),
    "confirm": Action(
        "confirm what was accepted, keep what was refused: scanned or pulled", _confirm_arguments, _confirm
    ),
    "witness": Action("keep a refusal that was scanned", code_argument, _witness),
}
