"""What every action of the agent stands on: the store, the key, the door, and all that is known here, judged.

An action is first judged as the backend will judge it, from what is held here: what would be refused is
refused before it is recorded. What waits for something unknown is recorded, and parked there.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from device.memory import Memory
from device.record import Door
from device.store import fate, log
from device.store.log import LogRow, Recorded
from device.store.sqlite import Store
from device.world import World
from sync.codec import read_event, write_event
from sync.events import CUSTODY, STAFF_ONLY, Draft, Event, PersonSwitched
from sync.journey import Journey
from sync.problems import (
    NOT_ENROLLED,
    NOT_FOR_PARTY,
    NOT_FOUND,
    NOT_ON_DEVICE,
    NOT_STAFF,
    WRONG_HOLDER,
    Problem,
    ProblemKind,
    catalogue,
)
from sync.seal import Signer
from sync.standing import Standing

_KINDS: dict[str, ProblemKind] = {kind.slug: kind for kind in catalogue()}


class Holding:
    """An enrolled device, open: everything that `device/jobs.py` and `device/handing.py` act on."""

    def __init__(self, directory: Path, world: World, store: Store, signer: Signer, row: LogRow) -> None:
        self.directory = directory
        self.world = world
        self.store = store
        self.signer = signer
        self.row = row
        self.memory = Memory()
        self._door = Door(store, world, signer)

    async def refresh(self) -> None:
        """Afterwards everything committed in the store is known, whoever wrote it."""
        found = await self.store.reading(log.current)
        if found is None:
            raise Problem(NOT_ENROLLED)
        self.row = found
        await self.memory.refresh(self.store, found.keys)
        device = self.memory.directory.device(found.kid) if self.memory.has_roster else None
        if (
            device is not None
            and device.revoked
            and await self.store.reading(lambda con: fate.fate(con, found)) is None
        ):
            # What the roster says was kept before this software knew what it means.
            roster, now_ms = self.memory.directory.roster, self.world.now_ms()
            await self.store.writing(lambda con: fate.note(con, roster, now_ms))

    async def record(
        self,
        *drafts: Draft,
        beside: Sequence[Event] = (),
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> tuple[Recorded, ...]:
        """All of them durable here, or the problem for which none is. `beside` are events that they witness.

        `also` is done in the same transaction.
        """
        await self.refresh()
        head = await self.store.reading(lambda con: log.head(con, self.row))
        self._foresee(drafts, head, beside)
        recorded = await self._door.record(drafts, also)
        await self.refresh()
        return recorded

    def _foresee(self, drafts: Sequence[Draft], head: int, beside: Sequence[Event]) -> None:
        """Return only if nothing known here would have any of these refused, whatever becomes of what is beside."""
        at = self.world.moment()
        events = list(beside)
        for seq, draft in enumerate(drafts, head + 1):
            if draft.kind in STAFF_ONLY:
                raise Problem(NOT_STAFF, draft.kind)
            raw = write_event(draft, log=self.row.log, seq=seq, at=at)
            events.append(read_event(raw, self.signer.kid if draft.kind in CUSTODY else ""))
        for standing in self.memory.glance(events)[len(beside) :]:
            if standing.verdict.word == "refused":
                raise Problem(_KINDS[standing.verdict.code], standing.verdict.detail)

    # -- who -----------------------------------------------------------------
    def people(self) -> tuple[str, ...]:
        """Who may record on this device, says the newest roster."""
        device = self.memory.directory.device(self.signer.kid)
        return device.people if device else ()

    def holder(self) -> str:
        """Who holds this device: whoever recorded last, or took it over since; "" before anybody did."""
        last = self.memory.last_own(self.row.log)
        if last is None:
            return ""
        return last.body.now if isinstance(last.body, PersonSwitched) else last.actor

    def person(self, named: str = "") -> str:
        """Who acts: the one named, who must hold the device; nobody named: its holder, or its only person.

        Raises NOT_ON_DEVICE for somebody the roster does not list, WRONG_HOLDER where somebody else holds it, or
        several may and nobody does yet.
        """
        people, holder = self.people(), self.holder()
        who = named or (holder if holder in people else people[0] if len(people) == 1 else "")
        if who and who not in people:
            raise Problem(NOT_ON_DEVICE, who)
        if not who or (len(people) > 1 and holder not in people):
            raise Problem(WRONG_HOLDER, f"nobody does yet of {', '.join(people) or 'those it does not know'}")
        if holder in people and holder != who:
            raise Problem(WRONG_HOLDER, f"{holder} holds it, not {who}")
        return who

    def acting_for(self, person: str, party: str) -> None:
        """Return only if `person` is the party, one of its team, or hosts it as a guest; else NOT_FOR_PARTY."""
        directory = self.memory.directory
        if directory.knows(party) and not directory.belongs(person, party):
            raise Problem(NOT_FOR_PARTY, f"{person} does not act for {party}")

    # -- what ----------------------------------------------------------------
    def known(self, job: str) -> None:
        """Return only if something here is about this job; else NOT_FOUND."""
        if not self.memory.knows(job):
            raise Problem(NOT_FOUND, f"no job {job} on this device")

    def journey(self, job: str) -> Journey:
        """The way of a job that is known here; NOT_FOUND for any other."""
        self.known(job)
        return self.memory.journey(job)

    def node(self, job: str) -> Event:
        """The event that made the party accountable which is so now."""
        at = self.journey(job).custody.at
        if at is None:
            raise Problem(NOT_FOUND, f"how job {job} began is not known here; sync once")
        return at.event

    def event(self, hash_: str) -> Event:
        """An event that is held here; NOT_FOUND for any other."""
        found = self.memory.event(hash_)
        if found is None:
            raise Problem(NOT_FOUND, f"no event {hash_} on this device")
        return found

    def standing(self, hash_: str) -> Standing:
        """How an event that is held here is judged."""
        found = self.memory.shelf.by_hash(hash_)
        if found is None:
            raise Problem(NOT_FOUND, f"no event {hash_} on this device")
        return found

    def roster(self) -> str:
        """How an event names the newest roster."""
        return self.memory.roster_reference
