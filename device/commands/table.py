"""`handover device ...`: finds the subcommand, opens the device, prints what came of it."""

import asyncio
import logging
import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from device.agent import enrol, open_agent
from device.commands import itself, oncodes, onjobs
from device.commands.answers import Action, Said, check_picture, tell
from device.commands.inputs import code_argument, texts_in
from device.commands.parsing import Parser
from device.commands.running import ABOUT, run
from device.verify import verify_device
from device.world import Machine
from sync.problems import BAD_ARGUMENT, Problem, as_sentence

ACTIONS: dict[str, Action] = {**itself.ACTIONS, **oncodes.ACTIONS, **onjobs.ACTIONS}


def main(argv: list[str]) -> int:
    """Run one subcommand: 0 done, 1 something kept it from being done, 2 bad input, said on stderr."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.ERROR if args.json else logging.WARNING, format="%(levelname)s %(message)s")
    try:
        _readable(argv)
        if args.png:
            check_picture(args.png)
        return asyncio.run(_run(args))
    except Problem as problem:
        print(f"handover device {args.action}: {as_sentence(problem)}", file=sys.stderr)
        return 2


def _readable(argv: list[str]) -> None:
    """A terminal may send bytes that are no text; they are named here and not deep inside."""
    for number, word in enumerate(argv, 1):
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise Problem(BAD_ARGUMENT, "it is not UTF-8", f"argument {number}") from error


async def _run(args: Namespace) -> int:
    if args.action == "run":
        return await run(args)
    if args.action == "enrol":
        return await _enrol(args)
    if args.action == "verify":
        return _verify(args)
    async with open_agent(args.dir, Machine()) as agent:
        return tell(await ACTIONS[args.action].run(agent, args), args)


async def _enrol(args: Namespace) -> int:
    """Bind the device, then pull what it is to hold; without the pull it is enrolled all the same."""
    device = await enrol(args.dir, Machine(), texts_in(args)[0])
    async with open_agent(args.dir, Machine()) as agent:
        await agent.sync()
        status = await agent.status()
    people = ", ".join(status.people) or "nobody known yet: sync when there is a connection"
    facts = {"device": device, "kid": status.kid, "log": status.log, "people": status.people, "url": status.url}
    return tell(Said(facts=facts, lines=(f"enrolled as {device} with {status.url}", f"people: {people}")), args)


def _verify(args: Namespace) -> int:
    """Look at the database as it is; an agent would not open one that is damaged."""
    report = verify_device(args.dir)
    looked = f"{report.events} events in {report.logs} logs, {report.pulled} pulled, {report.documents} documents"
    if report.first is None:
        lines: tuple[str, ...] = (f"all is as it was recorded and pulled: {looked}",)
    else:
        lines = (f"the first bad one is {report.first}", *(f"  {fault}" for fault in report.faults[1:10]), looked)
    return tell(Said(facts=report, lines=lines, exit_code=0 if report.ok else 1), args)


def _parser() -> Parser:
    parser = Parser(prog="handover device", description="A field device: records first, syncs when it can.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    enrolling = actions.add_parser("enrol", help="bind this device by an enrolment code")
    code_argument(enrolling)
    running = actions.add_parser(
        "run",
        help="sync, and hear signals, until it is stopped",
        description=ABOUT,
        formatter_class=RawDescriptionHelpFormatter,
    )
    verifying = actions.add_parser(
        "verify", help="is every event, signature and receipt here as it was (exit 1: the first bad one is named)"
    )
    parsers = [enrolling, running, verifying]
    for name, action in ACTIONS.items():
        parser_ = actions.add_parser(name, help=action.help)
        action.arguments(parser_)
        parsers.append(parser_)
    for one in parsers:
        one.add_argument("--dir", type=Path, default=Path("device-data"), help="the device's folder (%(default)s)")
        one.add_argument("--as", dest="person", default="", metavar="PERSON", help="who acts; not said: who holds it")
        one.add_argument("--json", action="store_true", help="facts as one line of JSON")
        one.add_argument("--png", type=Path, metavar="FILE", help="draw a code into this picture instead")
    return parser
