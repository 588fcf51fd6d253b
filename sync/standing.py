"""Judged events: a verdict, the node of the custody tree it made, and a shelf to find them on."""

from typing import Literal, Protocol

import msgspec

from sync.events import Event
from sync.policy import Directory, Policy
from sync.problems import LOST

Word = Literal["applied", "refused", "parked", "quarantined"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The judgement of one event. `waits_for` names what a parked one waits for: hashes, jobs, names, documents."""

    word: Word
    code: str = ""
    detail: str = ""
    waits_for: tuple[str, ...] = ()


APPLIED = Verdict(word="applied")
DECLARED_LOST = Verdict(word="refused", code=LOST.slug, detail="declared")
"""What stands for a name that a manager declared lost: nobody holds what it named."""


class Node(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """A place in the custody tree: `party` became accountable here.

    Acceptances under one node for one party are one node: they have one `key`, whichever is named.
    `event` made it; `roster` is the newest roster named by it or on its way to the root.
    """

    key: str
    party: str
    event: Event
    roster: str
    boundary: str = ""
    parent: "Node | None" = None


class Standing(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """An event with its verdict, ready to be named by others.

    `node` is the node it made, if any; `under` the node it hangs on (an offer's or a resolution's basis,
    an answer's offer's basis); `offer` the offer it answers; `roster` as for a node.
    """

    event: Event
    verdict: Verdict
    node: Node | None = None
    under: Node | None = None
    offer: Event | None = None
    roster: str = ""


class Known(Protocol):
    """What is held on this side: judged events by what names them, and documents by reference."""

    def by_hash(self, hash_: str) -> Standing | None:
        """The judged custody, revocation or fork event with this hash."""

    def by_job(self, job: str) -> Standing | None:
        """The judged `job.opened` of this job."""

    def by_name(self, name: str) -> Standing | None:
        """The judged `person.switched` of this name."""

    def directory(self, reference: str) -> Directory | None:
        """The roster with this reference."""

    def policy(self, boundary: str, reference: str) -> Policy | None:
        """The policy of this boundary with this reference."""

    def is_staff(self, kid: str) -> bool:
        """True for a key that any held roster lists as the backend's own."""


class Shelf:
    """Judged events and documents held in memory: what a device, a test or a replay judges against."""

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}
        self._jobs: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._directories: dict[str, Directory] = {}
        self._policies: dict[tuple[str, str], Policy] = {}
        self._waiting: dict[str, dict[str, Event]] = {}

    def hold_roster(self, reference: str, directory: Directory) -> list[Event]:
        """Afterwards the roster is known by this reference; given are the events that waited for it."""
        self._directories[reference] = directory
        return self._no_longer_waiting(f"roster {reference}")

    def hold_policy(self, reference: str, policy: Policy) -> list[Event]:
        """Afterwards the policy is known by its boundary and reference; given are the events that waited for it."""
        self._policies[policy.boundary, reference] = policy
        return self._no_longer_waiting(f"policy:{policy.boundary} {reference}")

    def add(self, standing: Standing) -> None:
        """Afterwards the event can be named; what it waits for is remembered."""
        event = standing.event
        self.standings[event.hash] = standing
        if event.kind == "job.opened":
            self._jobs[event.job] = event.hash
        elif event.kind == "person.switched":
            self._names[f"{event.log}:{event.seq}"] = event.hash
        if standing.verdict.word == "parked":
            for name in standing.verdict.waits_for:
                self._waiting.setdefault(name, {})[event.hash] = event

    def released(self, event: Event) -> list[Event]:
        """The events that waited for this one, each given once."""
        if not self._waiting or self.standings[event.hash].verdict.word == "parked":
            return []
        names = (event.hash, event.job if event.kind == "job.opened" else "", f"{event.log}:{event.seq}")
        return [waiting for name in names for waiting in self._no_longer_waiting(name)]

    def _no_longer_waiting(self, name: str) -> list[Event]:
        return list(self._waiting.pop(name, {}).values())

    def by_hash(self, hash_: str) -> Standing | None:
        """See `Known`."""
        return self.standings.get(hash_)

    def by_job(self, job: str) -> Standing | None:
        """See `Known`."""
        return self.standings.get(self._jobs.get(job, ""))

    def by_name(self, name: str) -> Standing | None:
        """See `Known`."""
        return self.standings.get(self._names.get(name, ""))

    def directory(self, reference: str) -> Directory | None:
        """See `Known`."""
        return self._directories.get(reference)

    def policy(self, boundary: str, reference: str) -> Policy | None:
        """See `Known`."""
        return self._policies.get((boundary, reference))

    def is_staff(self, kid: str) -> bool:
        """See `Known`."""
        return any(directory.is_staff(kid) for directory in self._directories.values())
