"""`handover fold STORIES.json`: histories of one job each, folded in many orders, beside what their author expects.

A story names events by ids of its own; here each becomes a real event, judged and folded by the kernel.
The file is `{"stories": [{"name", "events": [...], "accountable", "cases": {basis: "open"|"resolved"}}]}`;
an event has `id`, `kind` and what its kind names: opened (party), offered (basis, sender, to), accepted
(offer, party), refused (offer, party), withdrawn (offer, sender), confirmed (offer, accepted, sender),
reassigned (basis, party), resolved (basis, cites, chosen, party, replaces).
"""

import argparse
import random
import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sync.clock import Moment
from sync.codec import decode, encode, read_event, write_event
from sync.custody import custody
from sync.events import (
    Accepted,
    Confirmed,
    Custody,
    Draft,
    Event,
    JobOpened,
    Offered,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.ids import b64, digest
from sync.judge import judge_all
from sync.payload import Payload, Synthesis
from sync.policy import Device, Directory, Person, Policy, Roster, reference
from sync.problems import UNREADABLE, Problem
from sync.seal import Jwk, kid_of
from sync.standing import Shelf

_KINDS = {
    "opened": "job.opened",
    "offered": "handover.offered",
    "accepted": "handover.accepted",
    "refused": "handover.refused",
    "withdrawn": "handover.withdrawn",
    "confirmed": "handover.confirmed",
    "reassigned": "handover.reassigned",
    "resolved": "handover.resolved",
}
_DESK = "office"
_BOUNDARY = "any"


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event of a story, in the story's own ids."""

    id: Annotated[str, Meta(min_length=1)]
    kind: Literal["opened", "offered", "accepted", "refused", "withdrawn", "confirmed", "reassigned", "resolved"]
    party: str | None = None
    basis: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    offer: str = ""
    accepted: str = ""
    cites: tuple[str, ...] = ()
    chosen: str | None = None
    replaces: tuple[str, ...] = ()


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A history of one job and what it must come to."""

    name: str
    events: tuple[Told, ...]
    accountable: str | None = None
    cases: dict[str, Literal["open", "resolved"]] | None = None


class Stories(msgspec.Struct, frozen=True, kw_only=True):
    """A file of them."""

    stories: tuple[Story, ...]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a story came to; `orders` of arrival gave the same answer, else `unstable` says what differed."""

    name: str
    accountable: str
    cases: dict[str, str]
    verdicts: dict[str, str]
    orders: int
    unstable: tuple[str, ...]
    as_expected: bool


class _Cast:
    """The parties of a story, each with a device of its own, and the office."""

    def __init__(self, story: Story) -> None:
        self.hashes: dict[str, str] = {}
        self._seqs: dict[str, int] = {}
        parties = {name for told in story.events for name in (told.party, told.sender, *told.to) if name}
        devices = tuple(Device(id=f"device-{name}", jwk=_key(name), people=(name,)) for name in sorted(parties))
        roster = Roster(
            version=1,
            issued_at="2026-01-01T00:00:00Z",
            devices=devices,
            people={name: Person(roles=("technician",), sites=("*",)) for name in sorted(parties)},
            keys=(_key(_DESK),),
        )
        policy = Policy(boundary=_BOUNDARY, version=1, issued_at="2026-01-01T00:00:00Z")
        self.roster = reference(1, encode(roster))
        self.policy = reference(1, encode(policy))
        self.documents = (Directory(roster), policy)

    def shelf(self) -> Shelf:
        shelf = Shelf()
        directory, policy = self.documents
        shelf.hold_roster(self.roster, directory)
        shelf.hold_policy(self.policy, policy)
        return shelf

    def event(self, told: Told, job: str) -> Event:
        actor = self._author(told)
        log = b64(digest(actor.encode())[:16])
        seq = self._seqs[log] = self._seqs.get(log, 1) + 1
        body = self._body(told)
        raw = write_event(
            Draft(kind=_KINDS[told.kind], actor=actor, body=body, job="" if told.kind == "opened" else job),
            log=log,
            seq=seq,
            at=Moment(wall="2026-01-05T08:00:00Z", mono=seq, boot="b"),
        )
        event = read_event(raw, kid_of(_key(actor)))
        self.hashes[told.id] = event.hash
        return event

    def _author(self, told: Told) -> str:
        if told.kind in ("reassigned", "resolved"):
            return _DESK
        author = told.sender if told.kind in ("offered", "withdrawn", "confirmed") else told.party
        if not author:
            raise Problem(UNREADABLE, f"{told.kind} says neither sender nor party", told.id)
        return author

    def _hash(self, told: Told, id_: str) -> str:
        if id_ not in self.hashes:
            raise Problem(UNREADABLE, f"names {id_!r}, which no event before it has", told.id)
        return self.hashes[id_]

    def _body(self, told: Told) -> Custody:
        def named(id_: str) -> str:
            return self._hash(told, id_)

        party = told.party or ""
        match told.kind:
            case "opened":
                return JobOpened(roster=self.roster, party=party, site="site")
            case "offered":
                return Offered(
                    roster=self.roster,
                    policy=self.policy,
                    boundary=_BOUNDARY,
                    basis=named(told.basis),
                    sender=told.sender,
                    to=told.to,
                    payload=Payload(summary="a story"),
                )
            case "accepted":
                words = Synthesis(words="read back")
                return Accepted(roster=self.roster, offer=named(told.offer), party=party, synthesis=words, met="met")
            case "refused":
                return Refused(roster=self.roster, offer=named(told.offer), party=party, reason="no")
            case "withdrawn":
                return Withdrawn(roster=self.roster, offer=named(told.offer), sender=told.sender)
            case "confirmed":
                offer, accepted = named(told.offer), named(told.accepted)
                return Confirmed(roster=self.roster, offer=offer, accepted=accepted, sender=told.sender)
            case "reassigned":
                return Reassigned(roster=self.roster, basis=named(told.basis), party=party, reason="vanished")
            case "resolved":
                return Resolved(
                    roster=self.roster,
                    basis=named(told.basis),
                    cites=tuple(named(id_) for id_ in told.cites),
                    chosen=named(told.chosen) if told.chosen else "",
                    party=party,
                    replaces=tuple(named(id_) for id_ in told.replaces),
                )


def _key(name: str) -> Jwk:
    return Jwk(x=b64(digest(f"key of {name}".encode())))


def fold_story(story: Story, orders: int = 100, seed: int = 1) -> Outcome:
    """What a story comes to, folded in `orders` orders of arrival drawn with `seed`."""
    cast = _Cast(story)
    events: list[Event] = []
    for told in story.events:
        events.append(cast.event(told, events[0].job if events else ""))
    ids = {hash_: id_ for id_, hash_ in cast.hashes.items()}
    rng = random.Random(seed)
    answers: dict[bytes, tuple[str, dict[str, str], dict[str, str]]] = {}
    for _ in range(max(orders, 1)):
        answer = _fold(cast, events, ids)
        answers[encode(answer)] = answer
        rng.shuffle(events)
    accountable, cases, verdicts = next(iter(answers.values()))
    stable = len(answers) == 1
    right = story.accountable in (None, accountable) and story.cases in (None, cases)
    return Outcome(
        name=story.name,
        accountable=accountable,
        cases=cases,
        verdicts=verdicts,
        orders=max(orders, 1),
        unstable=() if stable else tuple(sorted(raw.decode() for raw in answers)),
        as_expected=stable and right,
    )


def _fold(cast: _Cast, events: list[Event], ids: dict[str, str]) -> tuple[str, dict[str, str], dict[str, str]]:
    shelf = cast.shelf()
    judge_all(events, shelf)
    standings = [shelf.standings[event.hash] for event in events]
    applied = [one for one in standings if one.verdict.word == "applied"]
    tree = custody(applied)
    order = {id_: place for place, id_ in enumerate(cast.hashes)}
    keys = {one.event.hash: one.node.key for one in applied if one.node}
    cases = {}
    for case in tree.cases:
        twins = [ids[hash_] for hash_, key in keys.items() if key == keys[case.basis]]
        cases[min(twins, key=order.__getitem__)] = str(case.state)
    verdicts = {ids[one.event.hash]: _said(one.verdict.word, one.verdict.code) for one in standings}
    return tree.accountable, dict(sorted(cases.items())), dict(sorted(verdicts.items()))


def _said(word: str, code: str) -> str:
    return f"{word} ({code})" if code else word


def main(argv: list[str]) -> int:
    """Fold every story of a file; exit 1 where one differs from what its author expects or from order to order."""
    parser = argparse.ArgumentParser(prog="handover fold", description=__doc__)
    parser.add_argument("file", type=Path, help="a file of stories (see above)")
    parser.add_argument("--orders", type=int, default=100, help="orders of arrival to try (100)")
    parser.add_argument("--seed", type=int, default=1, help="seed of these orders (1)")
    parser.add_argument("--json", action="store_true", help="print what came out as JSON")
    args = parser.parse_args(argv)
    try:
        stories = decode(args.file.read_bytes(), Stories, str(args.file))
        outcomes = [fold_story(story, args.orders, args.seed) for story in stories.stories]
    except OSError as error:
        print(f"handover fold: {error.strerror}: {args.file}", file=sys.stderr)
        return 2
    except Problem as problem:
        print(f"handover fold: {problem}. {problem.kind.advice}", file=sys.stderr)
        return 2
    if args.json:
        print(msgspec.json.format(encode({"stories": outcomes}), indent=1).decode())
    else:
        for one in outcomes:
            cases = ", ".join(f"{basis} {state}" for basis, state in one.cases.items()) or "no case"
            print(f"{'ok  ' if one.as_expected else 'DIFFERS'} {one.accountable:<8} {cases:<16} {one.name}")
    return 0 if all(one.as_expected for one in outcomes) else 1
