"""THE door: everything that becomes true in the backend becomes so here, in one writer's transactions.

Whoever waits is served together: one transaction for all (group commit), a savepoint for each, so that a
slow disk is waited for once and one bad push undoes nobody else's.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from typing import Any, Final, TypeVar

from backend.checkers import SMALL, Checkers, open_checkers
from backend.config import Settings
from backend.documents import Documents
from backend.key import hold_key, use_key
from backend.keys import add_backend_key, signing_kid
from backend.losses import take_loss
from backend.master import TEAM, TeamRow, find, put
from backend.office import BACKEND, Office
from backend.project import follow, rebuild
from backend.reach import note_devices
from backend.reading import Arrived, Held, proven, read_unproven
from backend.receive import Received, go_on, receive
from backend.restating import drop_gone, take_out
from backend.store.blobs import BlobFolder, Blobs
from backend.store.sqlite import Store, connect, in_transaction, migrate, open_store, queries
from backend.witness import take_halves, take_witness
from backend.world import World
from backend.writing import Book, Log, Work, Writing
from sync.clock import rfc3339
from sync.codec import encode
from sync.events import Event, LossDeclared
from sync.ids import b64
from sync.problems import BAD_HEADER, BAD_SIGNATURE, STORE_TROUBLE, TOO_BUSY, Problem
from sync.protocol import BlobReceipt, PushReply, Receipt, Sealed, chain_text, receipt_text
from sync.seal import Jwk, Signer
from sync.standing import Verdict

log = logging.getLogger(__name__)
T = TypeVar("T")

_SQL: Final = queries("ledger")
MOST_WAITING: Final = 256
"""Pushes that may wait for the writer; more are asked to come back."""
MOST_WAITED_FOR: Final = 4096
"""Keys whose signatures are waited for before anything is written; there are more only in an attack."""
MOST_TOGETHER: Final = 64
"""The most that one transaction takes in."""
REBUILD: Final = "rebuild"
"""The setting by which a migration asks that every projection is made anew."""
ADDRESS: Final = "address"
"""The setting of the database that says where its server was called last."""


class Door:
    """The writer's side of the backend: what may happen in a transaction, and what always follows from it."""

    def __init__(self, settings: Settings, world: World, signer: Signer) -> None:
        self.settings = settings
        self.world = world
        self.signer = signer
        self.office = Office(world, signer)
        self.blobs: Blobs = BlobFolder(settings.blob_folder)
        self.book = Book(signer, settings.cached_events)
        self.book.take_witness = self._take_witness
        self.book.take_halves = self._take_halves
        self.book.take_loss = self._take_loss
        self.book.take_out = take_out

    def blob_receipt(self, name: str, size: int) -> Sealed:
        """The signed word that the blob of this name is held: for what was found in the store, and for nothing else."""
        text = encode(BlobReceipt(epoch=self.book.epoch, sha256=name, size=size)).decode()
        return Sealed(text=text, jws=self.signer.sign(text.encode(), "ho-receipt"))

    def sign_with(self, signer: Signer) -> None:
        """Afterwards this key signs what is given out, and a staff log of its own holds what the office does."""
        self.signer = self.book.signer = self.book.documents.signer = signer
        self.office = Office(self.world, signer)

    def _take_loss(self, writing: Writing, event: Event) -> None:
        if isinstance(event.body, LossDeclared):
            take_loss(writing, event.body)
            log_ = writing.log(event.body.log)
            if log_ is not None:
                go_on(writing, self.office, log_)

    def _take_witness(self, writing: Writing, event: Event) -> Verdict:
        return take_witness(writing, self.office, event)

    def _take_halves(self, writing: Writing, log: Log) -> None:
        take_halves(writing, self.office, log)

    def found(self, con: sqlite3.Connection) -> None:
        """Afterwards the database has an epoch, a roster that lists this backend's keys, and a list of names."""
        settings = dict(con.execute(_SQL["settings"].text).fetchall())
        if "epoch" not in settings:
            con.execute(_SQL["set"].text, {"name": "epoch", "value": b64(self.world.token(6))})
        if "key" not in settings:
            con.execute(_SQL["set"].text, {"name": "key", "value": self.signer.kid})
        add_backend_key(con, self.signer.jwk, self.world.now_ms())
        self.transact(con, [self._begin])

    def _begin(self, writing: Writing) -> None:
        if find(writing.con, TEAM, self.settings.desk) is None:
            put(writing.con, TEAM, self.settings.desk, TeamRow(), by=BACKEND, now_ms=writing.now_ms)
        self.cut(writing)
        # What a newer kind or schema held up goes on once this software can read it.
        writing.release("upgrade")
        if writing.con.execute(_SQL["unset"].text, {"name": REBUILD}).rowcount:
            log.warning("projections are made anew after an upgrade", extra={"jobs": rebuild(writing)})

    def cut(self, writing: Writing) -> None:
        """Afterwards roster and names say what the rows in force say; every device's keys are noted."""
        documents: Documents = writing.documents
        writing.issue(documents.names_now())
        if writing.issue(documents.roster_now()):
            note_devices(writing)

    def catch_up(self, writing: Writing) -> None:
        """Afterwards the rows of what this transaction touched can be read in it."""
        follow(writing, self.office, self.settings.desk)
        writing.followed()

    def transact(self, con: sqlite3.Connection, works: Sequence[Work[Any]]) -> list[Any]:
        """What each of `works` returns, or the problem it raised; run inside a transaction that is then committed.

        Projections, reach and the desk's confirmations follow in the same transaction.
        """
        kid = signing_kid(con)
        if kid and kid != self.signer.kid:
            self.sign_with(use_key(self.settings.key_file, kid))
        writing = Writing(con, self.book, self.world.now_ms())
        self.world.fault("before-store")
        outcomes = [writing.one(work) for work in works]
        self.world.fault("after-store")
        follow(writing, self.office, self.settings.desk)
        writing.finish()
        # Last, since it may be waited for: were these the signatures they were taken for?
        for held in writing.proofs:
            if not all(held()):
                raise Problem(BAD_SIGNATURE, "an event's own")
        self.world.fault("before-commit")
        return outcomes

    def drop_gone(self, con: sqlite3.Connection) -> None:
        """Afterwards the store holds no blob that nothing names any more; where it cannot be, the next one tries again.

        In a transaction of its own: that nothing names them is durable by now.
        """
        try:
            self.book.has_gone = False
            drop_gone(con, self.blobs)
        except OSError as error:
            self.book.has_gone = True
            log.error("blobs cannot be dropped", extra={"detail": str(error)})  # noqa: TRY400 - the sentence says it

    def write_now(self, con: sqlite3.Connection, work: Work[T]) -> T:
        """What `work` returns, committed. For commands, which write on a connection of their own."""
        try:
            (outcome,) = in_transaction(con, lambda con: self.transact(con, [work]))
        except BaseException:
            self.book.forget()
            raise
        if self.book.has_gone:
            in_transaction(con, self.drop_gone)
        if isinstance(outcome, Problem):
            raise outcome
        result: T = outcome
        return result


class Intake:
    """The door while the server runs: a queue before the one writer."""

    def __init__(self, store: Store, door: Door, checkers: Checkers | None = None) -> None:
        self.store = store
        self.door = door
        self._checkers = checkers
        self._signed_badly: set[Jwk] = set()
        self.is_stopped = False
        self._waiting: asyncio.Queue[tuple[Work[Any], asyncio.Future[Any]]] = asyncio.Queue(MOST_WAITING)

    async def do(self, work: Work[T]) -> T:
        """What `work` returns, durably; the problem it raised otherwise. TOO_BUSY where too many wait already."""
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait((work, told))
        except asyncio.QueueFull as error:
            raise Problem(TOO_BUSY, f"{MOST_WAITING} wait for the disk") from error
        return await told

    async def push(self, body: bytes, *, gzip: bool, jwk: Jwk) -> PushReply:
        """The reply to a push; its receipt is made once what it says is on disk."""
        if self._checkers is None or len(body) < SMALL:
            arrived, held = await asyncio.to_thread(read_unproven, body, gzip=gzip, jwk=jwk)
        else:
            arrived, held = await asyncio.wrap_future(self._checkers.read(body, gzip=gzip, jwk=jwk))
        received = await self._receive(arrived, held, jwk)
        self.door.world.fault("before-reply")
        if received.fresh:
            facts = {"log": received.log, "fresh": received.fresh, "through": received.through}
            log.info("batch stored", extra=facts)
        blobs = await asyncio.to_thread(self._blobs_held, received.blobs) if received.blobs else ()
        return self._reply(received, blobs)

    def _blobs_held(self, names: Iterable[str]) -> tuple[Sealed, ...]:
        sizes = [(name, self.door.blobs.size(name)) for name in names]
        return tuple(self.door.blob_receipt(name, size) for name, size in sizes if size is not None)

    async def _receive(self, arrived: Arrived, held: Held, jwk: Jwk) -> Received:
        """The push received, its chain and each signature in it checked before the commit.

        Checking takes as long as all the writer does, so both go on at once, and what was done for a signature that
        does not hold is undone. A key that signed badly once is waited for from then on: it costs nobody else again.
        """
        if jwk not in self._signed_badly:
            try:
                return await self.do(lambda writing: receive(writing, self.door.office, arrived, held))
            except Problem as problem:
                if problem.kind not in (BAD_SIGNATURE, BAD_HEADER):
                    raise
            if len(self._signed_badly) >= MOST_WAITED_FOR:
                self._signed_badly.clear()
            self._signed_badly.add(jwk)
        known = proven(arrived, await asyncio.to_thread(held), jwk)
        return await self.do(lambda writing: receive(writing, self.door.office, known))

    def _reply(self, received: Received, blobs: tuple[Sealed, ...]) -> PushReply:
        epoch, head = received.epoch, chain_text(received.head)
        text = receipt_text(Receipt(epoch=epoch, log=received.log, received_through=received.through, head=head))
        return PushReply(
            epoch=epoch,
            received_through=received.through,
            head=head,
            verdicts=received.verdicts,
            receipt=Sealed(text=text, jws=self.door.signer.sign(text.encode(), "ho-receipt")),
            server_time=rfc3339(self.door.world.now_ms()),
            missing=received.missing,
            longer=received.longer,
            blob_receipts=blobs,
        )

    async def write(self) -> None:
        """Serve the queue until cancelled."""
        try:
            await self._serve_all()
        finally:
            self.is_stopped = True

    async def _serve_all(self) -> None:
        while True:
            group = [await self._waiting.get()]
            while len(group) < MOST_TOGETHER and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            await self._serve(group)

    async def _serve(self, group: list[tuple[Work[Any], asyncio.Future[Any]]]) -> None:
        works = [work for work, _ in group]
        try:
            outcomes = await self.store.writing(lambda con: self.door.transact(con, works))
            self.door.world.fault("after-commit")
            if self.door.book.has_gone:
                await self.store.writing(self.door.drop_gone)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is those who wait that must be told
            self.door.book.forget()
            if len(group) == 1:
                _tell(group[0][1], error)
                return
            # One of them cannot be done: each alone, so that it is the only one to fail.
            for one in group:
                await self._serve([one])
            return
        for (_, told), outcome in zip(group, outcomes, strict=True):
            _tell(told, outcome)


def _tell(told: asyncio.Future[Any], outcome: object) -> None:
    if told.done():  # whoever asked has gone
        return
    if isinstance(outcome, Exception):
        told.set_exception(outcome)
    else:
        told.set_result(outcome)


# -- opening ------------------------------------------------------------------
@asynccontextmanager
async def open_intake(settings: Settings, world: World) -> AsyncIterator[Intake]:
    """The backend's data, open: migrated, founded, its staff log begun, its address noted, its writer at work."""
    door = _door(settings, world)
    async with AsyncExitStack() as opened:
        checkers = opened.enter_context(open_checkers(settings.checkers))
        store = await opened.enter_async_context(open_store(settings.database, readers=settings.readers))
        intake = Intake(store, door, checkers)
        await store.writing(door.found)
        await store.writing(lambda con: door.transact(con, [door.office.open]))
        # For commands on this database, which cannot know where a server was told to listen.
        await store.writing(lambda con: con.execute(_SQL["set"].text, {"name": ADDRESS, "value": settings.url}))
        writer = asyncio.create_task(intake.write(), name="writer")
        try:
            yield intake
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)


@contextmanager
def open_door(settings: Settings, world: World) -> Iterator[tuple[Door, sqlite3.Connection]]:
    """The same for a command: the door and a connection to write on, beside a server that may be running."""
    door = _door(settings, world)
    with closing(connect(settings.database)) as con:
        in_transaction(con, door.found)
        yield door, con


def noted_address(con: sqlite3.Connection) -> str | None:
    """Where the server on this database was called last; None where none has run."""
    address: str | None = dict(con.execute(_SQL["settings"].text).fetchall()).get(ADDRESS)
    return address


def _door(settings: Settings, world: World) -> Door:
    try:
        settings.database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(STORE_TROUBLE, error.strerror or "", str(settings.database)) from error

    def key(con: sqlite3.Connection) -> Signer:
        is_new = not con.execute(_SQL["settings"].text).fetchall()
        hold_key(settings.key_file, world, is_new=is_new)
        return use_key(settings.key_file, signing_kid(con))

    with closing(connect(settings.database)) as con:
        migrate(con)
        signer = in_transaction(con, key)  # one process at a time: two must not each make a key
    return Door(settings, world, signer)


__all__ = ["BACKEND", "Arrived", "Door", "Intake", "noted_address", "open_door", "open_intake"]
