"""What this device knows, judged: its own events, pulled ones, and the halves it witnessed.

Nothing here is truth. All of it is folded from the rows of the store, and `refresh` reads on from where it
stopped, so that another process that records into the same store is seen as well.
"""

import logging
import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from device.store import log, pulled, redactions
from device.store.sqlite import Store
from sync.codec import read_event
from sync.doubts import DOUBTING, NO_DOUBTS, doubts_of
from sync.events import Accepted, CodeWitnessed, Event, EventRedacted, Offered, Refused
from sync.ids import b64, unb64
from sync.journey import Journey, jobs_of, journey
from sync.judge import judge, judge_all
from sync.ledger import is_hash, line_digest
from sync.policy import Directory, Names, Policy, Roster
from sync.problems import NOT_ENROLLED, Problem
from sync.protocol import read_document
from sync.qr import decode_frame
from sync.redaction import read_held
from sync.seal import Jwk, jws_of, kid_in, kid_of, verify
from sync.standing import Shelf, Standing, Verdict

_log = logging.getLogger(__name__)

_NOBODYS = frozenset({"log.opened", "code.witnessed", "signal.observed"})
"""Kinds that the device records by itself: they say nothing about who holds it."""


class _Glance:
    """The shelf with a few more judged events in front of it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._more = Shelf()
        self.directory = shelf.directory
        self.policy = shelf.policy
        self.is_staff = shelf.is_staff
        self.add = self._more.add

    def by_hash(self, hash_: str) -> Standing | None:
        return self._shelf.by_hash(hash_) or self._more.by_hash(hash_)

    def by_job(self, job: str) -> Standing | None:
        return self._shelf.by_job(job) or self._more.by_job(job)

    def by_name(self, name: str) -> Standing | None:
        return self._shelf.by_name(name) or self._more.by_name(name)


class Memory:
    """The fold of everything held here. Only `refresh` changes it; the rest looks."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.shelf = Shelf()
        self.own_logs: frozenset[str] = frozenset()
        self.left: frozenset[str] = frozenset()
        self.witnessed: set[str] = set()
        self.synced_ms = 0
        self.names: dict[str, str] = {}
        self._rosters: dict[str, Directory] = {}
        self._newest: tuple[int, str] = (0, "")
        self._policies: dict[str, dict[str, Policy]] = defaultdict(dict)
        self._keys: dict[str, Jwk] = {}
        self._read_through: dict[int, int] = {}
        self._documents = 0
        self._arrivals = 0
        self._unproven: dict[bytes, str] = {}
        self._redacted: dict[str, EventRedacted] = {}
        self._known = (0, 0)
        self._refused: frozenset[str] = frozenset()
        self._last_own: dict[str, Event] = {}
        self._switches: list[Event] = []
        self._jobs: dict[str, dict[str, None]] = defaultdict(dict)
        self._doubting: dict[str, Event] = {}
        self._doubts = NO_DOUBTS
        self._named: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
        self._answers: dict[str, dict[str, Event]] = defaultdict(dict)

    # -- reading what is new --------------------------------------------------
    async def refresh(self, store: Store, keys: tuple[Jwk, ...] = ()) -> None:
        """Afterwards everything that is committed in the store is known; `keys` are the backend's, from enrolment."""
        for jwk in keys:
            self._keys[kid_of(jwk)] = jwk
        await store.reading(self._read)

    def _read(self, con: sqlite3.Connection) -> None:
        logs = log.logs(con)
        if (known := redactions.known(con)) != self._known:
            # Of what was read before less is left now: everything is read anew.
            self._begin_anew()
            self._redacted, self._known = redactions.all_of(con), known
        told_no = frozenset(f"{name}:{seq}" for number, name, _ in logs for seq in log.refused(con, number))
        if any(self._stands_here(name) for name in told_no - self._refused):
            # The backend refused what was thought to stand: everything that rests on it is judged anew.
            self._begin_anew()
        self._refused = told_no
        self.own_logs = frozenset(name for _, name, _ in logs)
        self.left = pulled.left_jobs(con)
        self.synced_ms = pulled.conversation(con).synced_ms or 0
        events = self._read_documents(con)
        for number, _, kid in logs:
            events += self._read_own(con, number, kid)
        for row in pulled.events_after(con, self._arrivals):
            self._arrivals = row.arrival
            events += self._pulled(row.raw, row.jws)
        self._judge(events)

    def _begin_anew(self) -> None:
        keys, redacted, known = self._keys, self._redacted, self._known
        self._clear()
        self._keys, self._redacted, self._known = keys, redacted, known

    def _stands_here(self, name: str) -> bool:
        log_, _, seq = name.partition(":")
        held = (self.shelf.by_hash(hash_) for hash_ in self._named.get((log_, int(seq)), ()))
        return any(one is not None and one.verdict.word == "applied" for one in held)

    def _read_documents(self, con: sqlite3.Connection) -> list[Event]:
        """Hold new documents; given are the events that can be judged or proven now."""
        events: list[Event] = []
        for row in pulled.documents_after(con, self._documents):
            self._documents = row.arrival
            document = read_document(row.raw)
            match document:
                case Roster():
                    events += self._hold_roster(document, row.reference)
                case Policy():
                    self._policies[document.boundary][row.reference] = document
                    events += self.shelf.hold_policy(row.reference, document)
                case Names():
                    self.names = document.names
        waiting, self._unproven = self._unproven, {}
        for raw, jws in waiting.items():
            events += self._pulled(raw, jws)
        return events

    def _hold_roster(self, roster: Roster, reference: str) -> list[Event]:
        directory = Directory(roster)
        self._rosters[reference] = directory
        self._newest = max(self._newest, (roster.version, reference))
        for jwk in (*roster.keys, *(device.jwk for device in roster.devices)):
            self._keys[kid_of(jwk)] = jwk
        return self.shelf.hold_roster(reference, directory)

    def _read_own(self, con: sqlite3.Connection, number: int, kid: str) -> list[Event]:
        events = []
        for seq, raw, jws, _ in log.events_after(con, number, self._read_through.get(number, 0)):
            self._read_through[number] = seq
            event = read_held(raw, self._redacted.get(b64(line_digest(raw))), kid if jws else "")
            events.append(event)
            if event.kind not in _NOBODYS:
                self._last_own[event.log] = event
            if event.kind == "person.switched":
                self._switches.append(event)
            if isinstance(event.body, CodeWitnessed) and event.body.frame:
                events += self._witnessed(event.body)
        return events

    def _witnessed(self, body: CodeWitnessed) -> list[Event]:
        self.witnessed.add(body.frame)
        frame = decode_frame(unb64(body.frame))
        found: list[Event] = []
        for signed in frame.events:
            found += self._pulled(signed.raw, jws_of(signed.signature, frame.kid, "ho-event"))
        return found

    def _pulled(self, raw: bytes, jws: str) -> list[Event]:
        """The event in these bytes, if its signature holds or it has none; kept for later where the key is unknown."""
        hash_ = b64(line_digest(raw))
        try:
            if is_hash(raw) or hash_ in self._redacted:
                return [read_held(raw, self._redacted.get(hash_))]
            kid = kid_in(jws) if jws else ""
            if kid and kid not in self._keys:
                self._unproven[raw] = jws
                return []
            if kid:
                verify(jws, raw, "ho-event", self._keys[kid])
            return [read_event(raw, kid)]
        except Problem as problem:
            _log.warning("an event cannot be read", extra={"code": problem.kind.slug, "hash": hash_})
            return []

    def _judge(self, events: list[Event]) -> None:
        judged: list[Event] = []
        for event in events:
            known = self.shelf.by_hash(event.hash)
            if known is not None and known.verdict.word != "parked":
                continue
            self._named[event.log, event.seq][event.hash] = None
            for job in jobs_of(event):
                self._jobs[job][event.hash] = None
            if isinstance(event.body, Accepted | Refused) and event.log in self.own_logs:
                self._answers[event.body.offer][event.hash] = event
            if event.kind in DOUBTING:
                self._doubting[event.hash] = event
            if f"{event.log}:{event.seq}" in self._refused and event.log in self.own_logs:
                self.shelf.add(Standing(event=event, verdict=Verdict(word="refused")))
                judged += self.shelf.released(event)
            else:
                judged.append(event)
        judge_all(judged, self.shelf)
        said = [one for hash_ in self._doubting if (one := self.shelf.standings[hash_]).verdict.word == "applied"]
        self._doubts = doubts_of(one.event for one in said) if said else NO_DOUBTS

    # -- looking --------------------------------------------------------------
    @property
    def has_roster(self) -> bool:
        """True once a roster was pulled."""
        return bool(self._newest[1])

    @property
    def directory(self) -> Directory:
        """The newest roster; NOT_ENROLLED before there is one."""
        return self._rosters[self.roster_reference]

    @property
    def roster_reference(self) -> str:
        """How an event names the newest roster; NOT_ENROLLED before there is one."""
        if not self._newest[1]:
            raise Problem(NOT_ENROLLED, "no roster has been pulled yet; sync once")
        return self._newest[1]

    def policies(self) -> dict[str, tuple[str, Policy]]:
        """The newest policy of each boundary, with its reference."""
        return {
            boundary: max(versions.items(), key=lambda one: (one[1].version, one[0]))
            for boundary, versions in sorted(self._policies.items())
        }

    def policy(self, boundary: str, reference: str) -> Policy | None:
        """The policy that an offer was made under, else the newest of its boundary, else none."""
        newest = self.policies().get(boundary)
        return self.shelf.policy(boundary, reference) or (newest[1] if newest else None)

    @property
    def mark(self) -> tuple[object, ...]:
        """How far the store has been read: the same mark is the same knowledge."""
        return (tuple(sorted(self._read_through.items())), self._arrivals, self._documents, self._refused)

    def jobs(self) -> tuple[str, ...]:
        """Every job that anything here is about and that has not left this device's scope."""
        return tuple(sorted(self._jobs.keys() - self.left))

    def knows(self, job: str) -> bool:
        """True if it is one of `jobs`."""
        return job in self._jobs and job not in self.left

    def holds_own(self, job: str) -> bool:
        """True if an event of this device's own is about the job."""
        return any(self.shelf.standings[hash_].event.log in self.own_logs for hash_ in self._jobs.get(job, ()))

    def journey(self, job: str, glanced: Sequence[Standing] = ()) -> Journey:
        """The way of one job from what is held here, and from a few judged events that are not held (yet)."""
        standings = [*glanced, *(self.shelf.standings[hash_] for hash_ in self._jobs.get(job, ()))]
        policies = {
            one.event.hash: self.shelf.policy(one.event.body.boundary, one.event.body.policy)
            for one in standings
            if isinstance(one.event.body, Offered)
        }
        return journey(job, standings, policies, self._doubts)

    def event(self, hash_: str) -> Event | None:
        """The event with this hash, if it is held."""
        standing = self.shelf.by_hash(hash_)
        return standing.event if standing else None

    def answers(self, offer: str) -> tuple[Event, ...]:
        """What was answered on this device to the offer with this hash, in its logs' order; judged or not."""
        return tuple(sorted(self._answers.get(offer, {}).values(), key=lambda event: event.seq))

    def is_redacted(self, hash_: str) -> bool:
        """True where the office said that this event's words were taken out."""
        return hash_ in self._redacted

    def last_own(self, name: str) -> Event | None:
        """The last event of the own log `name` that a person recorded, if it is read here."""
        return self._last_own.get(name)

    def last_switch(self, name: str, after: int) -> Event | None:
        """The last person switch of the own log `name` above the seq `after`."""
        return next((one for one in reversed(self._switches) if one.log == name and one.seq > after), None)

    def glance(self, events: Sequence[Event]) -> tuple[Standing, ...]:
        """How these would be judged, one after the other, were they held; nothing is changed by looking."""
        seen = _Glance(self.shelf)
        standings = []
        for event in events:
            standings.append(judge(event, seen))
            seen.add(standings[-1])
        return tuple(standings)

    def twins(self, event: Event) -> tuple[str, ...]:
        """Other events held under this one's very name."""
        return tuple(hash_ for hash_ in self._named.get((event.log, event.seq), ()) if hash_ != event.hash)
