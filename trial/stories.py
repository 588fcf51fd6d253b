"""`handover fold STORIES.json`: histories of one job each, folded in many orders, beside what their author expects.

A story names events by ids of its own; here each becomes a real event, judged and folded by the kernel.
The file is `{"stories": [{"name", "events": [...], "accountable", "cases": {basis: "open"|"resolved"}}]}`;
an event has `id`, `kind` and what its kind names: opened (party), offered (basis, sender, to), accepted
(offer, party), refused (offer, party), withdrawn (offer, sender), confirmed (offer, accepted, sender),
reassigned (basis, party), resolved (basis, cites, chosen, party, replaces). Events may stand in any order; an
id that no event has is an event that never arrived. Every party is a technician with a device of his own,
unless `teams` lists its members or `guests` names it; a team's events are recorded by its first member, a
guest's on the device of whoever offers to the guest or takes the job back, or by `actor`. A story may also expect
`verdicts` by event and, by basis, whom its case `touches`.
"""

import random
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from device.commands.parsing import Parser
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
from sync.problems import UNREADABLE, Problem, as_sentence
from sync.seal import Jwk, kid_of
from sync.standing import Shelf, Word

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
    actor: str = ""

    def names(self) -> tuple[str, ...]:
        """The events that this one names."""
        named = (self.basis, self.offer, self.accepted, self.chosen or "", *self.cites, *self.replaces)
        return tuple(id_ for id_ in named if id_)


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A history of one job and what it must come to; what is not said is not expected."""

    name: str
    events: tuple[Told, ...]
    teams: dict[str, tuple[str, ...]] = {}
    guests: tuple[str, ...] = ()
    accountable: str | None = None
    cases: dict[str, Literal["open", "resolved"]] | None = None
    touches: dict[str, tuple[str, ...]] = {}
    verdicts: dict[str, Word] = {}


class Stories(msgspec.Struct, frozen=True, kw_only=True):
    """A file of them."""

    stories: tuple[Story, ...]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a story came to; `orders` of arrival gave the same answer, else `unstable` says what differed."""

    name: str
    accountable: str
    cases: dict[str, str]
    touches: dict[str, tuple[str, ...]]
    verdicts: dict[str, str]
    orders: int
    unstable: tuple[str, ...]
    as_expected: bool


class _Cast:
    """The parties of a story, each person with a device of its own, and the office."""

    def __init__(self, story: Story) -> None:
        self.hashes: dict[str, str] = {}
        self._story = story
        self._told = {told.id: told for told in story.events}
        self._seqs: dict[str, int] = {}
        named = {name for told in story.events for name in (told.party, told.sender, told.actor, *told.to) if name}
        members = {name for team in story.teams.values() for name in team}
        people = sorted((named | members) - story.teams.keys() - set(story.guests))
        teams = {
            name: tuple(team for team, members in sorted(story.teams.items()) if name in members) for name in people
        }
        roster = Roster(
            version=1,
            issued_at="2026-01-01T00:00:00Z",
            devices=tuple(Device(id=f"device-{name}", jwk=_key(name), people=(name,)) for name in people),
            people={name: Person(roles=("technician",), teams=teams[name], sites=("*",)) for name in people},
            teams=tuple(sorted(story.teams)),
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
        draft = Draft(kind=_KINDS[told.kind], actor=actor, body=body, job="" if told.kind == "opened" else job)
        try:
            raw = write_event(draft, log=log, seq=seq, at=Moment(wall="2026-01-05T08:00:00Z", mono=seq, boot="b"))
        except Problem as problem:
            raise Problem(problem.kind, problem.detail, f"{self._story.name}: {told.id}") from problem
        event = read_event(raw, kid_of(_key(actor)))
        self.hashes[told.id] = event.hash
        return event

    def _author(self, told: Told) -> str:
        if told.actor:
            return told.actor
        if told.kind in ("reassigned", "resolved"):
            return _DESK
        author = told.sender if told.kind in ("offered", "withdrawn", "confirmed") else told.party
        if not author:
            raise Problem(UNREADABLE, f"{told.kind} says neither sender nor party", f"{self._story.name}: {told.id}")
        if author in self._story.guests:
            return self._host(told)
        return self._story.teams.get(author, (author,))[0]

    def _host(self, told: Told) -> str:
        """Who records what a guest says: whoever offers to the guest, or whom the guest hands back to."""
        if told.kind == "offered":
            return self._story.teams.get(told.to[0], told.to)[0] if told.to else _DESK
        offer = self._told.get(told.offer)
        return self._author(offer) if offer is not None and offer.kind == "offered" else _DESK

    def _met(self, told: Told) -> Literal["met", "guest"]:
        offer = self._told.get(told.offer)
        guests = self._story.guests
        return "guest" if told.party in guests or (offer is not None and offer.sender in guests) else "met"

    def _hash(self, id_: str) -> str:
        """The event's hash; of one that the story does not have, a hash that nothing has."""
        return self.hashes.get(id_) or b64(digest(f"never arrived: {id_}".encode()))

    def _body(self, told: Told) -> Custody:
        named = self._hash
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
                offer, met = named(told.offer), self._met(told)
                return Accepted(roster=self.roster, offer=offer, party=party, synthesis=words, met=met)
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


class _Answer(msgspec.Struct, frozen=True):
    """As an outcome; `basis` says by which of its events a node is called: the first that the story tells."""

    accountable: str
    cases: dict[str, str]
    touches: dict[str, tuple[str, ...]]
    verdicts: dict[str, str]
    basis: dict[str, str]


def fold_story(story: Story, orders: int = 100, seed: int = 1) -> Outcome:
    """What a story comes to, folded in `orders` orders of arrival drawn with `seed`. Raises UNREADABLE."""
    cast = _Cast(story)
    events: list[Event] = []
    job = ""
    for told in _in_order(story):
        events.append(cast.event(told, job))
        job = job or events[0].job
    ids = {hash_: id_ for id_, hash_ in cast.hashes.items()}
    rng = random.Random(seed)
    answers: dict[bytes, _Answer] = {}
    for _ in range(max(orders, 1)):
        answer = _fold(cast, story, events, ids)
        answers[encode(answer)] = answer
        rng.shuffle(events)
    first = next(iter(answers.values()))
    stable = len(answers) == 1
    return Outcome(
        name=story.name,
        accountable=first.accountable,
        cases=first.cases,
        touches=first.touches,
        verdicts=first.verdicts,
        orders=max(orders, 1),
        unstable=() if stable else tuple(sorted(raw.decode() for raw in answers)),
        as_expected=stable and _as_expected(story, first),
    )


def _as_expected(story: Story, answer: _Answer) -> bool:
    words = {id_: said.partition(" ")[0] for id_, said in answer.verdicts.items()}
    cases = None if story.cases is None else {answer.basis.get(id_, id_): state for id_, state in story.cases.items()}
    touches = {answer.basis.get(id_, id_): tuple(sorted(parties)) for id_, parties in story.touches.items()}
    return (
        story.accountable in (None, answer.accountable)
        and cases in (None, answer.cases)
        and all(answer.touches.get(basis) == parties for basis, parties in touches.items())
        and all(words.get(id_) == word for id_, word in story.verdicts.items())
    )


def _in_order(story: Story) -> list[Told]:
    """The events so that each comes after those it names, its job's opening first."""
    told = {one.id: one for one in story.events}
    openings = [one.id for one in story.events if one.kind == "opened"]
    if len(told) < len(story.events) or len(openings) != 1:
        raise Problem(UNREADABLE, "ids must differ, and exactly one event opens the job", story.name)
    sorter = TopologicalSorter({id_: openings for id_ in told if id_ not in openings})
    for one in story.events:
        sorter.add(one.id, *(id_ for id_ in one.names() if id_ in told))
    try:
        return [told[id_] for id_ in sorter.static_order()]
    except CycleError as error:
        raise Problem(UNREADABLE, f"events name each other in a circle: {error.args[1]}", story.name) from error


def _fold(cast: _Cast, story: Story, events: list[Event], ids: dict[str, str]) -> _Answer:
    shelf = cast.shelf()
    judge_all(events, shelf)
    standings = {ids[event.hash]: shelf.standings[event.hash] for event in events}
    tree = custody(one for one in standings.values() if one.verdict.word == "applied")
    called: dict[str, str] = {}
    basis: dict[str, str] = {}
    for id_, node in ((told.id, standings[told.id].node) for told in story.events):
        if node is not None:
            basis[id_] = called.setdefault(node.key, id_)
    cases = {basis[ids[case.basis]]: case for case in tree.cases}
    return _Answer(
        accountable=tree.accountable,
        cases=_sorted({id_: case.state for id_, case in cases.items()}),
        touches=_sorted({id_: case.parties for id_, case in cases.items()}),
        verdicts=_sorted({id_: _said(one.verdict.word, one.verdict.code) for id_, one in standings.items()}),
        basis=_sorted(basis),
    )


_T = TypeVar("_T")


def _sorted(by_id: dict[str, _T]) -> dict[str, _T]:
    return dict(sorted(by_id.items()))


def _said(word: str, code: str) -> str:
    return f"{word} ({code})" if code else word


def main(argv: list[str]) -> int:
    """Fold every story of a file; exit 1 where one differs from what its author expects or from order to order."""
    parser = Parser(prog="handover fold", description=__doc__)
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
        print(f"handover fold: {as_sentence(problem)}", file=sys.stderr)
        return 2
    if args.json:
        print(msgspec.json.format(encode({"stories": outcomes}), indent=1).decode())
    else:
        for one in outcomes:
            cases = ", ".join(f"{basis} {state}" for basis, state in one.cases.items()) or "no case"
            print(f"{'ok  ' if one.as_expected else 'DIFFERS'} {one.accountable:<8} {cases:<16} {one.name}")
    return 0 if all(one.as_expected for one in outcomes) else 1
