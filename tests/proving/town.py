"""A town in one process: up to five devices and their backend, all of the product's own code, over real databases.

Simulated are time, entropy and what lies between the two sides; deaths are raised as `Crash` at the product's named
points. A town is a copy of one that was set up before, so that a thousand of them cost little.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from backend.acting import Acting
from backend.actions import ACTIONS
from backend.app import create_app
from backend.by_hand import AskedJob
from backend.config import Settings
from backend.enrolment import code_text, make_code
from backend.facts import WORDS
from backend.intake import Intake
from backend.master import DEVICE, PERSON, SITE, TEAM, DeviceRow, PersonRow, SiteRow, TeamRow, put
from backend.writing import Work, Writing
from device.agent import Agent, enrol, open_agent
from device.store.sqlite import FILE
from device.transport import Request, Response
from sync.clock import rfc3339
from sync.codec import decode
from sync.ids import b64
from sync.ledger import line_digest
from sync.policy import Policy
from sync.problems import NO_CONNECTION, Problem
from sync.protocol import Cursor, PulledEvent, PushReply, Receipt, read_line
from tests.proving.checker import Checker, Held, Name, Store
from tests.proving.fragile import Fragile
from tests.proving.wires import Wire, ask

START_MS: Final = 1_780_000_000_000
SITES: Final = ("mill", "quay")
CREW: Final[dict[str, tuple[str, ...]]] = {
    "phone-anna": ("anna",),
    "phone-bo": ("bo",),
    "phone-cem": ("cem",),
    "shared": ("dee", "eve"),
    "depot": ("fay",),
}
PEOPLE: Final[dict[str, PersonRow]] = {
    "anna": PersonRow(roles=("technician",), sites=("mill",), teams=("north",)),
    "bo": PersonRow(roles=("technician",), sites=("mill", "quay"), teams=("north",)),
    "cem": PersonRow(roles=("technician",), sites=("quay",)),
    "dee": PersonRow(roles=("technician",), sites=("mill",)),
    "eve": PersonRow(roles=("technician",), sites=("mill",)),
    "fay": PersonRow(roles=("depot",), sites=("*",)),
    "dora": PersonRow(roles=("dispatcher", "manager"), teams=("desk",), sites=("*",)),
}
BOUNDARY: Final = "any"
LATEST: Final = 2**53 - 1


def hash_of(line: bytes) -> str:
    """The hash of an event, from its bytes or from what is left of them."""
    return b64(line_digest(line))


class Off(Exception):
    """The device is switched off: it died, or has erased itself."""


class Clock:
    """True time, the same for everybody, whatever their clocks say."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms


class Office:
    """The backend: the real application over its real database, started, killed and restored."""

    def __init__(self, folder: Path, clock: Clock, life: int = 0) -> None:
        self.folder = folder
        self.clock = clock
        self.world: Fragile | None = None
        self.watch: Callable[[Request, Response], None] = lambda _, __: None
        self.deaths = 0
        self._life = life
        self._app: Any = None
        self._died = asyncio.Event()
        self._stopping = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    @property
    def database(self) -> Path:
        return self.folder / "backend.db"

    @property
    def alive(self) -> bool:
        return self._app is not None

    @property
    def intake(self) -> Intake:
        intake: Intake = self._app.state.intake
        return intake

    async def start(self) -> None:
        self._life += 1
        self._died = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.world = Fragile(seed=1, name="backend", life=self._life, true_ms=self.clock.now_ms)
        died = self._died
        self.world.tell = partial(loop.call_soon_threadsafe, died.set)  # type: ignore[assignment]
        settings = Settings(
            database=self.database, url="http://backend.test", escalate_every_s=0, session_s=86_400, readers=1
        )
        app = create_app(settings, self.world)
        app.state.stopping = self._stopping = asyncio.Event()
        started = asyncio.Event()
        self._serving = asyncio.create_task(_serve(app, started, self._stopping))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({self._serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._serving.done():
            await self._serving
        self._app = app

    async def stop(self) -> None:
        """Ended, well or dead: what was committed is what there is."""
        self._app = None
        self._stopping.set()
        if self._serving is not None:
            await self._serving
            self._serving = None

    async def handle(self, request: Request) -> Response:
        """The answer to a request; NO_CONNECTION where the backend is dead, or dies over it."""
        if self._app is None or self.world is None:
            raise Problem(NO_CONNECTION, "the backend is down")
        self.world.set_clock(self.clock.now_ms, 0)
        asked = asyncio.ensure_future(ask(self._app, request))
        died = asyncio.ensure_future(self._died.wait())
        await asyncio.wait({asked, died}, return_when=asyncio.FIRST_COMPLETED)
        if self.world.died_at:
            asked.cancel()
            died.cancel()
            await asyncio.gather(asked, died, return_exceptions=True)
            self.deaths += 1
            await self.stop()
            raise Problem(NO_CONNECTION, "the backend died")
        died.cancel()
        await asyncio.gather(died, return_exceptions=True)
        response = asked.result()
        self.watch(request, response)
        return response

    async def do(self, work: Work[Any]) -> Any:  # noqa: ANN401 - what the work gives
        """Work of the office, through the door."""
        if self.world is None:
            raise Problem(NO_CONNECTION)
        self.world.set_clock(self.clock.now_ms, 0)
        return await self.intake.do(work)

    def rows(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        """What is committed, read without the product's code."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as con:
            return con.execute(sql, args).fetchall()

    def store(self) -> Store:
        """All that is committed now, as the checker reads it."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as con:
            con.execute("BEGIN")
            ((epoch,),) = con.execute("SELECT value FROM setting WHERE name = 'epoch'").fetchall()
            sql = (
                "SELECT log.log, seq, bytes, chain, verdict, position IS NOT NULL FROM {0}"
                " JOIN log ON log.ref = {0}.log"
            )
            rows = [row for table in ("event", "fork") for row in con.execute(sql.format(table))]
        return Store(
            epoch,
            tuple(
                ((log, seq), Held(hash_of(raw), chain, WORDS[word], int(counts)))
                for log, seq, raw, chain, word, counts in rows
            ),
        )


async def _serve(app: Any, started: asyncio.Event, stopping: asyncio.Event) -> None:  # noqa: ANN401 - a Litestar
    """The application's life: it is to end in the task in which it began."""
    async with app.lifespan():
        started.set()
        await stopping.wait()


class Phone:
    """A device: the real agent over its real database."""

    def __init__(self, name: str, folder: Path, clock: Clock, wire: Wire, life: int = 0) -> None:
        self.name = name
        self.folder = folder
        self.clock = clock
        self.wire = wire
        self.shift_ms = 0
        self.deaths = 0
        self._life = life
        self._open = AsyncExitStack()
        self._agent: Agent | None = None
        self.world = self._new_world()

    def _new_world(self) -> Fragile:
        self._life += 1
        return Fragile(seed=1, name=self.name, life=self._life, true_ms=self.clock.now_ms, shift_ms=self.shift_ms)

    @property
    def agent(self) -> Agent:
        if self._agent is None:
            raise Off(self.name)
        return self._agent

    @property
    def is_on(self) -> bool:
        return self._agent is not None

    async def start(self) -> None:
        self.world = self._new_world()
        self._agent = await self._open.enter_async_context(open_agent(self.folder, self.world, lambda _: self.wire))

    async def stop(self) -> None:
        self._agent = None
        await self._open.aclose()
        self._open = AsyncExitStack()

    def tick(self) -> None:
        self.world.set_clock(self.clock.now_ms, self.shift_ms)

    def rows(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        """What is committed here, read without the product's code."""
        with closing(sqlite3.connect(f"file:{self.folder / FILE}?mode=ro", uri=True)) as con:
            return con.execute(sql, args).fetchall()

    def recorded(self) -> dict[Name, str]:
        """The hash of every event in this database, by its name."""
        sql = "SELECT log.log, seq, raw FROM event JOIN log ON log.number = event.log"
        return {(log, seq): hash_of(raw) for log, seq, raw in self.rows(sql)}

    def outbox(self) -> dict[Name, str]:
        """The same of what no receipt covers."""
        sql = (
            "SELECT log.log, event.seq, raw FROM outbox JOIN event ON (event.log, event.seq) = (outbox.log, outbox.seq)"
            " JOIN log ON log.number = event.log"
        )
        return {(log, seq): hash_of(raw) for log, seq, raw in self.rows(sql)}

    def told(self) -> dict[str, str]:
        """The verdict shown of each own event that has one, by hash."""
        sql = "SELECT raw, verdict FROM event JOIN verdict USING (log, seq)"
        return {hash_of(raw): word for raw, word in self.rows(sql)}

    def pulled(self) -> frozenset[str]:
        """The hashes of others' events that are held."""
        return frozenset(hash_ for (hash_,) in self.rows("SELECT hash FROM pulled"))


class Town:
    """Everybody, and the checker that looks on."""

    def __init__(self, folder: Path, phones: int = 3, *, life: int = 10) -> None:
        self.folder = folder
        self.clock = Clock()
        self.office = Office(folder / "office", self.clock, life)
        self.office.watch = self._watch
        self.checker = Checker()
        self.phones: dict[str, Phone] = {}
        self.restored = False
        self.nobody_holds: set[str] = set()
        """Hashes of what went down with the backend, when the device that had recorded it had erased itself before."""
        self.receipts = 0
        self._shown: dict[str, dict[Name, str]] = {}
        for name in list(CREW)[:phones]:
            self.phones[name] = self._phone(name, folder / name, life)

    def _phone(self, name: str, folder: Path, life: int) -> Phone:
        return Phone(name, folder, self.clock, Wire(self.office.handle), life)

    async def open(self) -> None:
        """Backend and devices run."""
        await self.office.start()
        for phone in self.phones.values():
            await phone.start()

    async def close(self) -> None:
        """Nothing runs."""
        for phone in self.phones.values():
            await phone.stop()
        await self.office.stop()

    def add(self, name: str, folder: Path) -> Phone:
        """Another device, not yet switched on."""
        self.phones[name] = self._phone(name, folder, 0)
        return self.phones[name]

    async def pull_anew(self, phone: Phone) -> frozenset[str] | None:
        """The hashes of all events that a pull from the beginning gives this device; None where it may not ask."""
        session = phone.agent._uplink._session
        token = session.token if session is not None else ""
        headers = {"authorization": f"Bearer {token}"}
        found: set[str] = set()
        cursor = ""
        while True:
            path = f"/v1/sync/pull?cursor={cursor}" if cursor else "/v1/sync/pull"
            response = await self.office.handle(Request(method="GET", path=path, headers=headers))
            if response.status != 200:
                return None
            after = cursor
            for row in response.body.split(b"\n")[:-1]:
                line = read_line(row)
                if isinstance(line, PulledEvent):
                    found.add(hash_of(line.raw))
                elif isinstance(line, Cursor):
                    after = line.text
            if after == cursor:
                return frozenset(found)
            cursor = after

    # -- what is observed -----------------------------------------------------
    def _watch(self, request: Request, response: Response) -> None:
        """Every answer to a push is held against what is committed at that moment, whether it arrives or not."""
        if response.status != 200 or not request.path.endswith("/push"):
            return
        reply = decode(response.body, PushReply)
        receipt = decode(reply.receipt.text, Receipt)
        self.receipts += 1
        store = self.office.store()
        self.checker.answered(store, receipt.log, {one.seq: one.verdict for one in reply.verdicts})
        self.checker.receipt(store, receipt.log, receipt.epoch, receipt.received_through, receipt.head)

    def show(self) -> None:
        """Whatever was recorded by now was shown: a device that died between commit and word is taken at its disk."""
        for phone in self.phones.values():
            for (log, seq), hash_ in phone.recorded().items():
                self.checker.show(log, seq, hash_)

    def look(self) -> None:
        """Everything is looked at as it lies on the disks."""
        self.show()
        self.checker.look(self.office.store(), self.waiting(), lost=self.declared_lost(), gone=self.nobody_holds)
        for phone in self.phones.values():
            self.checker.told(phone.name, phone.told())

    def waiting(self) -> dict[Name, frozenset[str]]:
        """What waits on devices; after a restore, all that they still hold."""
        found: dict[Name, set[str]] = {}
        for phone in self.phones.values():
            for name, hash_ in (phone.recorded() if self.restored else phone.outbox()).items():
                found.setdefault(name, set()).add(hash_)
        return {name: frozenset(hashes) for name, hashes in found.items()}

    def declared_lost(self) -> Iterator[Name]:
        """Names that a manager declared lost."""
        for (raw,) in self.office.rows('SELECT bytes FROM event WHERE instr(bytes, \'"kind":"loss.declared"\')'):
            said = msgspec.json.decode(raw)["body"]
            yield from ((said["log"], seq) for seq in range(said.get("from", 1), said.get("to", 0) + 1))

    # -- what the office does -------------------------------------------------
    async def act(self, name: str, job: str, by: str = "dora", **fields: str) -> list[str]:
        """An action of the office on a job; the hashes of what it recorded."""
        action = ACTIONS[name]
        self.clock.now_ms += 1
        asked = {"action": f"{name}-{self.clock.now_ms}", "seen": LATEST, **fields}

        def work(writing: Writing) -> list[str]:
            acting = Acting(self.office.intake.door, by)
            done = acting.act(writing, action, job, msgspec.convert(asked, action.shape))
            return [one.event for one in done.events]

        found: list[str] = await self.office.do(work)
        return found

    async def open_job(self, site: str, party: str = "") -> str:
        """The office opens a job."""
        self.clock.now_ms += 1
        asked = AskedJob(action=f"open-job-{self.clock.now_ms}", site=site, party=party)
        done = await self.office.do(lambda writing: Acting(self.office.intake.door, "dora").open(writing, asked))
        job: str = done.job
        return job

    async def move(self, person: str, sites: tuple[str, ...]) -> None:
        """Somebody's scope is another now."""
        row = msgspec.structs.replace(PEOPLE[person], sites=sites)

        def work(writing: Writing) -> None:
            put(writing.con, PERSON, person, row, by="dora", now_ms=writing.now_ms)
            self.office.intake.door.cut(writing)

        await self.office.do(work)


# -- setting up ---------------------------------------------------------------
def _set_up(office: Office, writing: Writing) -> dict[str, str]:
    door, now_ms = office.intake.door, writing.now_ms
    put(writing.con, TEAM, "north", TeamRow(), by="dora", now_ms=now_ms)
    for site in SITES:
        put(writing.con, SITE, site, SiteRow(), by="dora", now_ms=now_ms)
    for name, person in PEOPLE.items():
        put(writing.con, PERSON, name, person, by="dora", now_ms=now_ms)
    for name, people in CREW.items():
        put(writing.con, DEVICE, name, DeviceRow(people=people), by="dora", now_ms=now_ms)
    door.cut(writing)
    writing.issue(Policy(boundary=BOUNDARY, version=1, issued_at=rfc3339(now_ms)))
    return {name: code_text(make_code(door, writing, name)) for name in CREW}


async def prepare(folder: Path) -> None:
    """Afterwards the folder holds a town with everybody enrolled and synced, at rest."""
    town = Town(folder, len(CREW), life=0)
    town.office.folder.mkdir(parents=True)
    await town.office.start()
    codes: Mapping[str, str] = await town.office.do(lambda writing: _set_up(town.office, writing))
    for name, phone in town.phones.items():
        phone.tick()
        await enrol(phone.folder, phone.world, codes[name], lambda _, phone=phone: phone.wire)  # type: ignore[misc]
    for phone in town.phones.values():
        await phone.start()
        assert (await phone.agent.sync()).why == "all done"
    await town.close()


def copy(template: Path, folder: Path) -> Path:
    """A town of one's own."""
    shutil.copytree(template, folder)
    return folder
