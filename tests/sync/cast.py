"""The people of the kernel's tests and what they record: steps in words of their own, made into real events.

anna, bo, cem and dee are technicians with a device each; anna, bo and cem also share a handheld. eva and fay
are the depot and the team `north`. gil and hal are guests: no roster knows them. Two desks of the office each
keep a staff log. A step names other steps by their ids; here ids become hashes.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from sync.clock import Moment, rfc3339
from sync.codec import encode, read_event, write_event
from sync.events import (
    Accepted,
    Confirmed,
    DeviceRevoked,
    Draft,
    Event,
    Fact,
    Heads,
    JobOpened,
    JobResolved,
    LogForked,
    NoteWritten,
    Offered,
    PersonSwitched,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.ids import b64, digest, event_name
from sync.judge import judge_all
from sync.payload import Payload, Synthesis
from sync.policy import Device, Directory, Person, Policy, Role, Roster, reference
from sync.seal import Jwk, kid_of
from sync.standing import Shelf, Standing

TECHNICIANS = ("anna", "bo", "cem", "dee")
NORTH = ("eva", "fay")
PEOPLE = (*TECHNICIANS, *NORTH)
GUESTS = ("gil", "hal")
TEAM = "north"
ROLE = "role:technician"
DESKS = ("desk-1", "desk-2")
SHARED = "shared"
SHARERS = ("anna", "bo", "cem")
LOGS = (*(f"{name}'s" for name in PEOPLE), SHARED, *DESKS)
START_MS = 1_767_600_000_000
"""2026-01-05T08:00:00Z, when every story begins."""


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that somebody records: `actor` in `log`, naming earlier steps by their ids."""

    id: str
    kind: str
    log: str
    actor: str
    party: str = ""
    basis: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    offer: str = ""
    accepted: str = ""
    met: str = "met"
    switched: str = ""
    cites: tuple[str, ...] = ()
    chosen: str = ""
    replaces: tuple[str, ...] = ()
    roster: int = 1


KINDS = {
    "opened": "job.opened",
    "offered": "handover.offered",
    "accepted": "handover.accepted",
    "refused": "handover.refused",
    "withdrawn": "handover.withdrawn",
    "confirmed": "handover.confirmed",
    "reassigned": "handover.reassigned",
    "resolved": "handover.resolved",
    "switched": "person.switched",
    "noted": "note.written",
    "closed": "job.resolved",
    "forked": "log.forked",
    "revoked": "device.revoked",
}


def key(name: str) -> Jwk:
    """A public key for a log; nobody holds its private half, for here signatures are taken as checked."""
    return Jwk(x=b64(digest(f"key of {name}".encode())))


def log_id(name: str) -> str:
    """The log's name on the wire."""
    return b64(digest(name.encode())[:16])


def persons(version: int) -> dict[str, Person]:
    """Who there is by the roster of this version: in the second one dee has joined the north and eva has left it."""
    north = NORTH if version == 1 else ("dee", "fay")
    technician: tuple[Role, ...] = ("technician",)
    depot: tuple[Role, ...] = ("depot",)
    return {
        name: Person(roles=depot if name in NORTH else technician, teams=(TEAM,) if name in north else ())
        for name in PEOPLE
    }


def roster(version: int) -> Roster:
    """The roster of this version: the same devices and keys in each."""
    own = [Device(id=f"{name}'s", jwk=key(f"{name}'s"), people=(name,)) for name in PEOPLE]
    return Roster(
        version=version,
        issued_at=rfc3339(START_MS),
        devices=(*own, Device(id=SHARED, jwk=key(SHARED), people=SHARERS)),
        people=persons(version),
        teams=(TEAM,),
        keys=tuple(key(name) for name in DESKS),
    )


ROSTERS = {version: roster(version) for version in (1, 2)}
REFERENCES = {version: reference(version, encode(one)) for version, one in ROSTERS.items()}
BOUNDARY = "any"
POLICY = Policy(boundary=BOUNDARY, version=1, issued_at=rfc3339(START_MS))
POLICY_REFERENCE = reference(1, encode(POLICY))


def shelf() -> Shelf:
    """An empty shelf that holds the documents."""
    empty = Shelf()
    for version, one in ROSTERS.items():
        empty.hold_roster(REFERENCES[version], Directory(one))
    empty.hold_policy(POLICY_REFERENCE, POLICY)
    return empty


class Told(msgspec.Struct, frozen=True):
    """A history as real events, by step; `ids` gives the step of each hash."""

    steps: tuple[Step, ...]
    events: dict[str, Event]
    ids: dict[str, str]

    def some(self, ids: Iterable[str]) -> list[Event]:
        """The events of these steps, in this order."""
        return [self.events[id_] for id_ in ids]


def tell(steps: Sequence[Step], shifts_ms: Mapping[str, int] | None = None) -> Told:
    """The steps as events; `shifts_ms` says by how much a log's clock is wrong."""
    telling = _Telling(shifts_ms or {})
    events = {step.id: telling.event(step) for step in steps}
    return Told(tuple(steps), events, {event.hash: id_ for id_, event in events.items()})


def judged(events: Iterable[Event], on: Shelf | None = None) -> Shelf:
    """A shelf on which these events were judged in the order given, after what stood there before."""
    filled = shelf() if on is None else on
    judge_all(list(events), filled)
    return filled


def applied(filled: Shelf) -> list[Standing]:
    """What counts."""
    return [one for one in filled.standings.values() if one.verdict.word == "applied"]


class _Telling:
    def __init__(self, shifts_ms: Mapping[str, int]) -> None:
        self._shifts = shifts_ms
        self._events: dict[str, Event] = {}
        self._seqs: dict[str, int] = {}
        self._job = ""

    def event(self, step: Step) -> Event:
        seq = self._seqs[step.log] = self._seqs.get(step.log, 1) + 1
        count = len(self._events)
        wall_ms = START_MS + 60_000 * count + self._shifts.get(step.log, 0)
        raw = write_event(
            Draft(
                kind=KINDS[step.kind],
                actor=step.actor,
                body=self._body(step),
                job="" if step.kind in ("opened", "switched", "forked", "revoked") else self._job,
            ),
            log=log_id(step.log),
            seq=seq,
            at=Moment(wall=rfc3339(wall_ms), mono=count, boot="boot"),
        )
        event = self._events[step.id] = read_event(raw, kid_of(key(step.log)))
        if step.kind == "opened" and not self._job:
            self._job = event.job
        return event

    def hash(self, id_: str) -> str:
        """The hash of a step; of one that nobody ever recorded, a hash that nothing has."""
        return self._events[id_].hash if id_ in self._events else b64(digest(id_.encode()))

    def _hashes(self, ids: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.hash(id_) for id_ in ids)

    def _body(self, step: Step) -> Fact:
        signed = REFERENCES[step.roster]
        match step.kind:
            case "opened":
                return JobOpened(roster=signed, party=step.party, site="mill")
            case "offered":
                return Offered(
                    roster=signed,
                    policy=POLICY_REFERENCE,
                    boundary=BOUNDARY,
                    basis=self.hash(step.basis),
                    sender=step.sender,
                    to=step.to,
                    payload=Payload(summary=step.id),
                )
            case "accepted":
                switch = self._events.get(step.switched)
                body = {
                    "roster": signed,
                    "offer": self.hash(step.offer),
                    "party": step.party,
                    "synthesis": Synthesis(words=step.id),
                    "met": step.met,
                    "switched": event_name(switch.log, switch.seq) if switch else "",
                }
                return msgspec.convert(body, Accepted)
            case "refused":
                return Refused(roster=signed, offer=self.hash(step.offer), party=step.party, reason=step.id)
            case "withdrawn":
                return Withdrawn(roster=signed, offer=self.hash(step.offer), sender=step.sender, reason=step.id)
            case "confirmed":
                offer, accepted = self.hash(step.offer), self.hash(step.accepted)
                return Confirmed(roster=signed, offer=offer, accepted=accepted, sender=step.sender)
            case "reassigned":
                return Reassigned(roster=signed, basis=self.hash(step.basis), party=step.party, reason="vanished")
            case "resolved":
                return Resolved(
                    roster=signed,
                    basis=self.hash(step.basis),
                    cites=self._hashes(step.cites),
                    chosen=self.hash(step.chosen) if step.chosen else "",
                    party=step.party,
                    replaces=self._hashes(step.replaces),
                    reason=step.id,
                )
            case _:
                return self._other(step)

    def _other(self, step: Step) -> Fact:
        match step.kind:
            case "switched":
                return PersonSwitched(before=step.sender, now=step.party)
            case "closed":
                return JobResolved(node=self.hash(step.basis))
            case "forked":
                forked = self._events[step.basis]
                return LogForked(log=forked.log, seq=forked.seq)
            case "revoked":
                suspect = self._events[step.basis]
                return DeviceRevoked(
                    device=step.party,
                    reason="lost",
                    logs=(Heads(log=suspect.log),),
                    suspect_log=suspect.log,
                    suspect_from=suspect.seq,
                )
            case _:
                return NoteWritten(text=step.id)
