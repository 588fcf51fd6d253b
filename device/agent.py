"""The agent: everything a person can do on this device, and everything it does by itself.

One agent, many people: a handheld may be shared. It records first and syncs when it can; `open_agent` is
the only place that knows every part.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from device import enrolment
from device.accepting import Accepting
from device.attaching import Attaching
from device.blobline import BlobLine
from device.challenges import Challenges
from device.codes import Codes
from device.config import load_settings
from device.holding import Holding
from device.jobs import Jobs
from device.keyring import load_key
from device.offering import Offering
from device.pins import Pins
from device.shift import Shift
from device.store import blobs, fate, log, pins, pulled, times
from device.store.blobs import BlobFolder, Waiting
from device.store.log import Held, Recorded
from device.store.pulled import Conversation, Notice
from device.store.sqlite import open_store
from device.surrender import Surrender, Surrendering, stands
from device.transport import Connect, HttpTransport, Transport
from device.uplink import Uplink
from device.world import World
from sync.events import Draft, PersonSwitched
from sync.problems import NO_FOLDER, NOT_ENROLLED, NOT_ON_DEVICE, Problem
from sync.protocol import SeqVerdict
from sync.session import Wait


class OpenCase(msgspec.Struct, frozen=True, kw_only=True):
    """A contest or a doubt on a job known here, which the office has to settle, and everybody whom it touches."""

    job: str
    basis: str
    why: str
    parties: tuple[str, ...]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the device stands, for one screen.

    `held` says what is on this device only and since when, what is received, what is judged how; `attached` which
    photos and documents wait to be sent. `notices` and `refused` are what needs a person, `cases` what needs the
    office; `surrender` is how a revoked device hands over. The clock's offset is as of now, where the backend said what
    time it is within this boot, else as of the last push. Received means: a receipt of the epoch in force covers it.
    """

    device: str
    kid: str
    log: str
    url: str
    state: str
    people: tuple[str, ...]
    holder: str
    held: Held
    attached: Waiting
    conversation: Conversation
    notices: tuple[Notice, ...]
    refused: tuple[SeqVerdict, ...]
    surrender: Surrender | None
    cases: tuple[OpenCase, ...] = ()


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """A switch as recorded, and how many wrong PINs were given for this person since the last right one."""

    recorded: Recorded
    wrong: int


class Agent:
    """An enrolled device that is open: what people do on it are its parts, from `jobs` to `pins`."""

    def __init__(self, holding: Holding, transport: Transport) -> None:
        self._holding = holding
        attachments = load_settings(holding.directory).attachments
        self.attaching = Attaching(holding.directory, holding.world, attachments)
        line = BlobLine(holding.store, holding.world, transport, BlobFolder(holding.directory), attachments.keep_days)
        self._uplink = Uplink(
            holding.store,
            holding.world,
            holding.signer,
            transport,
            holding.memory.holds_own,
            line,
            partial(load_key, holding.directory),
        )
        self.codes = Codes(holding)
        self.jobs = Jobs(holding)
        self.offering = Offering(holding, self.codes)
        self.accepting = Accepting(holding, self.codes)
        self.shift = Shift(holding, self.codes, self.offering)
        self.challenges = Challenges(holding)
        self.pins = Pins(holding.store, holding.world)
        self._surrendering = Surrendering(holding.store, holding.directory, holding.world)
        self.erased = False
        """True once the device was revoked, handed over everything and erased it: nothing can be done with it here."""

    @property
    def holding(self) -> Holding:
        """What the actions stand on, for those that look deeper: the memory, the store, the world."""
        return self._holding

    async def refresh(self) -> None:
        """Afterwards everything committed in the store is known here."""
        await self._holding.refresh()

    async def sync(self, *, at_once: bool = True) -> Wait:
        """One round with the backend: what is to be waited for now, and why. What the wire does is no problem."""
        here = self._holding
        wait = await self._uplink.round(at_once=at_once)
        await here.refresh()
        if await self._surrendering.turn(here.row):
            self.erased = True
            return wait
        if here.memory.has_roster:
            # Whoever was taken off the device sets a new PIN on coming back: so a forgotten one can be dropped.
            await here.store.writing(lambda con: pins.forget_others(con, here.people()))
        return wait

    async def switch(self, now: str, pin: str) -> Switched:
        """This person, who gives the PIN set here or sets it by this, holds the shared device from here on.

        Raises NOT_ON_DEVICE, WRONG_PIN, PIN_WAIT and BAD_PIN.
        """
        here = self._holding
        await self.may_hold(now)
        wrong = 0
        if await self.pins.has(now):
            wrong = await self.pins.check(now, pin)
        else:
            await self.pins.set(now, pin)
        body = PersonSwitched(before=here.holder() or now, now=now)
        (recorded,) = await here.record(Draft(kind="person.switched", actor=now, body=body))
        return Switched(recorded=recorded, wrong=wrong)

    async def may_hold(self, person: str) -> None:
        """Return only if the roster lists this person for this device; else NOT_ON_DEVICE."""
        await self._holding.refresh()
        if person not in self._holding.people():
            raise Problem(NOT_ON_DEVICE, person)

    async def set_pin(self, person: str, old: str, new: str) -> str:
        """Whoever holds the device has this PIN on it from here on; `old` is asked for where there was one.

        Given is who that is. Raises WRONG_HOLDER, WRONG_PIN, PIN_WAIT and BAD_PIN.
        """
        await self._holding.refresh()
        who = self._holding.person(person)
        if await self.pins.has(who):
            await self.pins.check(who, old)
        await self.pins.set(who, new)
        return who

    async def is_revoked(self) -> bool:
        """True once it is known here that the device may record no more."""
        return await self._holding.store.reading(lambda con: fate.fate(con, self._holding.row)) is not None

    async def surrender(self) -> None:
        """Afterwards all that is here was erased, if a receipt covers all of it; else it waits, and the round goes on.

        Raises NOT_REVOKED for a device that may record.
        """
        await self._holding.refresh()
        self.erased = self.erased or await self._surrendering.turn(self._holding.row, at_once=True)

    async def status(self) -> Status:
        """How the device stands. NOT_ENROLLED once it was erased."""
        here = self._holding
        await self._surrendering.check(here.row)
        await here.refresh()
        row = here.row
        at = here.world.moment()
        stood = await here.store.reading(pulled.conversation)
        if (offset_ms := await here.store.reading(lambda con: times.offset_ms(con, at))) is not None:
            stood = msgspec.structs.replace(stood, offset_ms=offset_ms)
        return Status(
            device=row.device,
            kid=row.kid,
            log=row.log,
            url=row.url,
            state=row.state,
            people=here.people() if here.memory.has_roster else (),
            holder=here.holder(),
            held=await here.store.reading(lambda con: log.held(con, row, stood.epoch)),
            attached=await here.store.reading(lambda con: blobs.waiting(con, stood.epoch)),
            conversation=stood,
            notices=await here.store.reading(pulled.notices),
            refused=await here.store.reading(lambda con: log.not_applied(con, row)),
            surrender=await here.store.reading(lambda con: stands(con, row)),
            cases=tuple(self._cases()),
        )

    def _cases(self) -> Iterator[OpenCase]:
        memory = self._holding.memory
        for job in memory.jobs():
            for case in memory.journey(job).custody.cases:
                if case.state == "open":
                    yield OpenCase(job=job, basis=case.basis, why=case.why, parties=case.parties)


@asynccontextmanager
async def open_agent(directory: Path, world: World, connect: Connect = HttpTransport) -> AsyncIterator[Agent]:
    """The enrolled device in this folder, open until the end. NOT_ENROLLED where none is."""
    _there(directory)
    async with open_store(directory) as store:
        row = await store.reading(log.current)
        if row is None or row.state == "asked":
            raise Problem(NOT_ENROLLED, "its enrolment was not finished" if row else "", str(directory))
        await Surrendering(store, directory, world).check(row)
        holding = Holding(directory, world, store, load_key(directory, row.kid), row)
        await holding.refresh()
        yield Agent(holding, connect(row.url))


async def enrol(directory: Path, world: World, text: str, connect: Connect = HttpTransport) -> str:
    """Afterwards the folder holds an enrolled device; given is the name the backend knows it by.

    Where the answer was lost, enrolling again with the same code goes on from there.
    """
    card = enrolment.enrolment_in(text)
    _make(directory)
    async with open_store(directory) as store:
        await Surrendering(store, directory, world).settle()
        row, signer = await enrolment.begin(store, directory, world, card)
        reply = await enrolment.ask(store, row, signer, card, connect)
    return reply.device


def _there(directory: Path) -> None:
    if not directory.is_dir():
        raise Problem(NOT_ENROLLED, "there is no such folder", str(directory))


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(NO_FOLDER, str(error.strerror), str(directory)) from error
