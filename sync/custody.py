"""The custody tree of one job: who is accountable, and what has to be put before a person.

Accountable is where a walk from the root ends. The walk reads a set: no clock, no order of arrival
and no hash decides anything, so every device and the backend reach the same answer from the same events.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import msgspec

from sync.doubts import NO_DOUBTS, Doubts, Why, why
from sync.events import CUSTODY, Accepted, Confirmed, Event, JobOpened, Offered, Reassigned, Resolved, Withdrawn
from sync.standing import Node, Standing


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A contest under `basis` (an event's hash), or one custody event in doubt, put before people.

    Of a doubt `about` is the hash of the event, `why` says what puts it in doubt and `causes` are the events that do;
    it is `resolved` where a standing resolution of the job cites it, and gone where it was promoted.
    `parties` are all it touches, those further down a branch included. `children` and `withdrawals` are
    the hashes it is about, `below` those of every event that made a node further down, on whatever branch:
    a resolution made now cites them all. `unseen` are those that no standing resolution cites. It is
    `resolved` while the standing `resolutions` choose one node and nothing is unseen.
    """

    basis: str
    state: Literal["open", "resolved"]
    parties: tuple[str, ...]
    children: tuple[str, ...]
    withdrawals: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    why: Literal["contest"] | Why = "contest"
    about: str = ""
    causes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from the job's other cases."""
        return f"{self.about} in doubt" if self.about else self.basis


class Custody(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the tree says. `at` is the node where the walk ended: its party is accountable since `since`.

    `path` are the nodes from the root to there. Before the root is known there is no node and nobody
    to name. `contested` holds the hashes of acceptances that take part in a contest, `cited` those of all that
    the standing resolutions took into account.
    """

    at: Node | None
    since: Event | None
    path: tuple[Node, ...] = ()
    cases: tuple[Case, ...] = ()
    contested: frozenset[str] = frozenset()
    cited: frozenset[str] = frozenset()

    @property
    def accountable(self) -> str:
        """The party that answers for the job now; empty only while the job's root is not here."""
        return self.at.party if self.at else ""


class _Tree:
    """The events of one job by what they hang on."""

    def __init__(self, standings: Iterable[Standing]) -> None:
        self.root: Standing | None = None
        self.children: dict[str, dict[str, list[Standing]]] = defaultdict(lambda: defaultdict(list))
        self.withdrawals: dict[str, list[Standing]] = defaultdict(list)
        self.resolutions: dict[str, dict[str, Standing]] = defaultdict(dict)
        self.made: dict[str, list[Standing]] = defaultdict(list)
        self.confirmed: set[str] = set()
        self.by_hash: dict[str, Standing] = {}
        for standing in standings:
            self._hang(standing)

    def _hang(self, standing: Standing) -> None:
        event = standing.event
        if event.hash in self.by_hash:
            return
        self.by_hash[event.hash] = standing
        if standing.node is not None:
            self.made[standing.node.key].append(standing)
        match event.body:
            case JobOpened():
                self.root = standing
            case Withdrawn():
                self.withdrawals[event.body.offer].append(standing)
            case Confirmed():
                self.confirmed.add(event.body.accepted)
        if standing.under is None:
            return
        if isinstance(event.body, (Accepted, Reassigned)) and standing.node is not None:
            self.children[standing.under.key][standing.node.key].append(standing)
        elif isinstance(event.body, Resolved):
            self.resolutions[standing.under.key][event.hash] = standing

    def node(self, key: str) -> Node:
        """The node of this key; of twins the one with the lowest hash, so that it is the same in every order."""
        nodes = [one.node for one in self.made[key] if one.node is not None]
        return min(nodes, key=lambda node: node.event.hash) if len(nodes) > 1 else nodes[0]

    def is_withdrawn(self, child: list[Standing]) -> bool:
        """An acceptance is withdrawn only if the offer of each of its twins is; a reassignment never is."""
        return all(one.offer is not None and one.offer.hash in self.withdrawals for one in child)

    def is_contest(self, key: str) -> bool:
        children = self.children.get(key, {})
        return len(children) > 1 or any(self.is_withdrawn(child) for child in children.values())

    def standing_resolutions(self, key: str) -> list[Standing]:
        """The resolutions of this node that none replaces."""
        found = self.resolutions.get(key)
        if not found:
            return []
        replaced = {hash_ for one in found.values() if one.event.body for hash_ in one.event.body.replaces}
        return [one for hash_, one in sorted(found.items()) if hash_ not in replaced]

    def chosen(self, resolution: Standing) -> str:
        """The key of the node that a resolution chooses."""
        if resolution.node is not None:
            return resolution.node.key
        body = resolution.event.body
        chosen = self.by_hash.get(body.chosen) if isinstance(body, Resolved) else None
        return chosen.node.key if chosen and chosen.node else ""

    def next_key(self, key: str) -> str | None:
        """Where the walk goes on from this node, or None where it ends."""
        resolutions = self.standing_resolutions(key)
        if resolutions:
            chosen = {self.chosen(one) for one in resolutions}
            onward = chosen.pop()
            return onward if not chosen and onward in self.made else None
        children = self.children.get(key, {})
        reassigned = [child for child, made in children.items() if isinstance(made[0].event.body, Reassigned)]
        if len(reassigned) == 1:
            return reassigned[0]
        if len(children) == 1 and not self.is_contest(key):
            return next(iter(children))
        confirmed = [child for child, made in children.items() if any(one.event.hash in self.confirmed for one in made)]
        return confirmed[0] if len(confirmed) == 1 else None

    def below(self, key: str) -> list[Standing]:
        """Every event that made a node somewhere under this one, the branches of all resolutions included."""
        found: list[Standing] = []
        ahead = [key]
        while ahead:
            here = ahead.pop()
            for child, made in self.children.get(here, {}).items():
                found.extend(made)
                ahead.append(child)
            for one in self.resolutions.get(here, {}).values():
                if one.node is not None:
                    found.append(one)
                    ahead.append(one.node.key)
        return found

    def unseen(self, key: str, resolutions: list[Standing], chosen: str) -> list[str]:
        """What the standing resolutions of this node have not taken into account."""
        seen = {hash_ for one in resolutions for hash_ in _taken(one)}
        wanted: set[str] = set()
        for child, made in self.children.get(key, {}).items():
            wanted.update(one.event.hash for one in self._withdrawals_of(made))
            if child != chosen:
                wanted.update(one.event.hash for one in (*made, *self.below(child)))
        for hash_, one in self.resolutions.get(key, {}).items():
            if one.node is not None and one.node.key != chosen:
                wanted.add(hash_)
                wanted.update(below.event.hash for below in self.below(one.node.key))
        return sorted(wanted - seen)

    def cited(self) -> frozenset[str]:
        """All that a standing resolution of the job cites or replaces."""
        return frozenset(
            hash_ for key in list(self.resolutions) for one in self.standing_resolutions(key) for hash_ in _taken(one)
        )

    def doubts(self, doubts: Doubts) -> list[Case]:
        """The cases of the custody events that are in doubt."""
        return [
            self._doubt(one, reason, doubts)
            for one in self.by_hash.values()
            if one.event.kind in CUSTODY and (reason := why(one.event, doubts)) is not None
        ]

    def _doubt(self, one: Standing, reason: Why, doubts: Doubts) -> Case:
        """The case of an event in doubt."""
        under = one.under or one.node
        basis = min((made.event.hash for made in self.made[under.key]), default="") if under else ""
        parties = {node.party for node in (one.under, one.node) if node is not None}
        if isinstance(one.event.body, Offered):
            parties.update(one.event.body.to)
        return Case(
            basis=basis or one.event.hash,
            state="resolved" if one.event.hash in self.cited() else "open",
            parties=tuple(sorted(parties)),
            children=(),
            why=reason,
            about=one.event.hash,
            causes=doubts.causes.get(one.event.log, ()),
        )

    def _withdrawals_of(self, made: list[Standing]) -> list[Standing]:
        return [one for child in made if child.offer for one in self.withdrawals.get(child.offer.hash, ())]

    def case(self, key: str) -> Case:
        """The case of this node, which has a contest or a resolution."""
        children = self.children.get(key, {})
        resolutions = self.standing_resolutions(key)
        chosen = {self.chosen(one) for one in resolutions}
        unseen = self.unseen(key, resolutions, next(iter(chosen))) if len(chosen) == 1 else []
        below = self.below(key)
        touched = {one.node.party for one in below if one.node} | {self.node(key).party}
        return Case(
            basis=min(one.event.hash for one in self.made[key]),
            state="resolved" if len(chosen) == 1 and not unseen else "open",
            parties=tuple(sorted(touched)),
            children=tuple(sorted(one.event.hash for made in children.values() for one in made)),
            withdrawals=tuple(
                sorted({one.event.hash for made in children.values() for one in self._withdrawals_of(made)})
            ),
            below=tuple(sorted(one.event.hash for one in below)),
            resolutions=tuple(one.event.hash for one in resolutions),
            unseen=tuple(unseen),
        )


def _taken(resolution: Standing) -> tuple[str, ...]:
    body = resolution.event.body
    return (*body.cites, *body.replaces) if isinstance(body, Resolved) else ()


def custody(standings: Iterable[Standing], doubts: Doubts = NO_DOUBTS) -> Custody:
    """The custody tree of one job from its applied events, in any order, repeated or not.

    `doubts` open a case for each custody event concerned; they move nothing.

    Source: PROTOCOL's rules of the custody tree. At a node: the node that all standing resolutions
    choose; where they disagree nobody moves; else the only reassignment; else the one child where
    there is no contest; else the only child the sender confirmed; else the party of the node stays.
    """
    tree = _Tree(standings)
    if tree.root is None or tree.root.node is None:
        return Custody(at=None, since=None)
    path = [tree.root.node]
    while (key := tree.next_key(path[-1].key)) is not None:
        path.append(tree.node(key))
    marked = sorted(key for key in tree.made if tree.is_contest(key) or tree.resolutions.get(key))
    cases = [tree.case(key) for key in marked]
    if doubts is not NO_DOUBTS:
        cases += tree.doubts(doubts)
    return Custody(
        at=path[-1],
        since=_first(tree.made[path[-1].key]),
        path=tuple(path),
        cited=tree.cited() if tree.resolutions else frozenset(),
        cases=tuple(sorted(cases, key=lambda case: (case.basis, case.about))),
        contested=frozenset(
            one.event.hash
            for key in marked
            if tree.is_contest(key)
            for made in tree.children[key].values()
            for one in made
        ),
    )


def _first(made: list[Standing]) -> Event:
    """Of several events that made one node the one shown: the earliest by its own wall clock, then by hash."""
    return min((one.event for one in made), key=lambda event: (event.wall_ms, event.hash))
