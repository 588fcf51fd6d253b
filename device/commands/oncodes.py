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
    payload_in,
    photo_arguments,
    reservations_in,
    text_in,
    texts_in,
)
from device.prefill import prefilled
from sync.acceptance import synthesis_of
from sync.cards import challenge_text, read_challenge, read_enrolment, read_label
from sync.payload import Payload
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
            label = read_label(texts[0])
            return Said(facts={"kind": "label", "id": label}, lines=(f"label {label}",))
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


async def _handover(agent: Agent, args: Namespace, code: Code) -> Said:
    kind = kind_of(code.frame)
    if kind == "handover.offered":
        return _seen(await agent.accepting.look(args.person, code))
    await agent.refresh()
    looked = agent.codes.look(code, kind)
    event = looked.event
    return Said(
        facts={"kind": kind, "hash": event.hash, "job": event.job, "actor": event.actor, "body": event.body},
        lines=(f"{kind} by {event.actor} on job {event.job}; its seal holds",),
    )


def _seen(seen: Seen) -> Said:
    content = seen.content
    lines = [
        f"offer {seen.offer.hash}",
        f"  from {content.sender} (recorded by {seen.offer.actor}) to {', '.join(content.to)}, job {seen.offer.job}",
        f"  genuine; the sender's standing is {seen.standing}; you would accept as {seen.receiver.party}",
        *(["  the roster on this device is old: sync when you can"] if seen.stale else []),
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


# -- the sender ----------------------------------------------------------------
def _offer_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("job")
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
    payload = payload_in(args, prefilled(agent.holding.journey(args.job)))
    shown = await agent.offering.offer(
        args.person,
        args.job,
        payload,
        args.to,
        attached(agent, args),
        boundary=args.boundary,
        until=args.until,
        challenge=text_in(args.challenge) if args.challenge else "",
    )
    return _code("recorded: offer; let the receiver scan this", shown)


def _challenge_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--party", default="", help="yourself, or a team of yours")


async def _challenge(agent: Agent, args: Namespace) -> Said:
    challenge = await agent.challenges.ask(args.person, args.party)
    return Said(
        facts={"kind": "challenge", "party": challenge.party, "nonce": challenge.nonce},
        lines=(f"challenge of {challenge.party}; let the sender scan this and offer then, it serves one code",),
        code=Shown(event="", texts=(challenge_text(challenge),)),
    )


def _code(line: str, shown: Shown) -> Said:
    if not shown.texts:
        line = f"{line.partition(';')[0]}; it is too large for codes and goes by sync"
    return Said(facts={"hash": shown.event}, lines=(line, f"  {shown.event}"), code=shown)


def _event(parser: ArgumentParser) -> None:
    parser.add_argument("event", help="the hash of an offer, an acceptance or a refusal of this device")


async def _show(agent: Agent, args: Namespace) -> Said:
    await agent.refresh()
    return _code("shown again", await agent.codes.show(args.event))


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
    code = args.accepted or code_in(args)
    recorded = await agent.offering.confirm(args.person, code, offer=args.offer)
    return Said(facts={"hash": recorded.hash}, lines=("recorded: confirmed; done, proven, both hold it",))


# -- the receiver --------------------------------------------------------------
def _offer_source(parser: ArgumentParser) -> None:
    code_argument(parser)
    parser.add_argument("--offer", metavar="HASH", help="an offer that was pulled, instead of a code")
    parser.add_argument("--party", default="", help="yourself or a team of yours, where it could be either")
    parser.add_argument("--site", default="", help="where you are")


async def _looked(agent: Agent, args: Namespace) -> Seen:
    code = args.offer or code_in(args)
    return await agent.accepting.look(args.person, code, party=args.party, site=args.site)


async def _look(agent: Agent, args: Namespace) -> Said:
    return _seen(await _looked(agent, args))


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
    return _code("recorded: accepted; let the sender scan this", shown)


def _refuse_arguments(parser: ArgumentParser) -> None:
    _offer_source(parser)
    parser.add_argument("--reason", required=True)


async def _refuse(agent: Agent, args: Namespace) -> Said:
    seen = await _looked(agent, args)
    return _code(
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
    "confirm": Action("confirm an acceptance that was scanned or pulled", _confirm_arguments, _confirm),
    "witness": Action("keep a refusal that was scanned", code_argument, _witness),
}
