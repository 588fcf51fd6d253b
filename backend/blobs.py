"""Blobs of the events held here: which are wanted, which are here, who may read them, and what waits for them.

An event names its blobs; only what a stored event of the sending device names is taken. What is here stands in a
row of the database so that projections can tell what is waited for; the receipt is signed after both the bytes and
the row are durable.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from backend.auth import DeviceCaller, People
from backend.config import Settings
from backend.intake import Intake
from backend.pull import reaches_device
from backend.store.blobs import Blobs
from backend.store.sqlite import queries
from backend.views import reaches_person
from backend.writing import Writing
from sync.blobs import UNKNOWN_TYPE, type_of
from sync.codec import encode
from sync.ids import b64, digest
from sync.problems import (
    BLOB_MISMATCH,
    BLOB_NOT_HELD,
    BLOB_TOO_LARGE,
    BLOB_TYPE,
    BLOB_UNKNOWN,
    QUOTA_FULL,
    STORE_FULL,
    WRONG_INPUT,
    Problem,
)
from sync.protocol import BlobHeld, BlobsAsked, BlobsReply

log = logging.getLogger(__name__)

_SQL: Final = queries("blobs")
_REDACT: Final = queries("redact")
_BEGINNING: Final = 64 * 1024
"""Bytes of a blob from which its type is told."""


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a blob on its way: where it begins, how large the whole is, and the digest of the piece itself."""

    sha256: str
    offset: int
    size: int
    check: str
    raw: bytes


class Readable(msgspec.Struct, frozen=True, kw_only=True):
    """A blob that the asker may read: how large, and of which type as far as both author and bytes say so."""

    sha256: str
    size: int
    type: str


class Sender(msgspec.Struct, frozen=True):
    """A device that sends: the key it signed in with, and all keys it ever had."""

    kid: str
    kids: tuple[str, ...]


_Reaches = Callable[[sqlite3.Connection, Collection[int]], bool]
"""Whether any of these jobs is in somebody's scope."""


class BlobDesk:
    """What devices and people do with blobs, one sender's blob at a time."""

    def __init__(self, intake: Intake, people: People) -> None:
        self._intake = intake
        self._people = people
        self._blobs: Blobs = intake.door.blobs
        self._settings: Settings = intake.door.settings
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    # -- a device sends ---------------------------------------------------------
    async def ask(self, caller: DeviceCaller, asked: BlobsAsked) -> BlobsReply:
        """How much of each of these is held; what this device sent whole has its receipt."""
        sender = await self._sender(caller)
        found = await self._intake.store.reading(lambda con: [_stands(con, sender, one) for one in asked.blobs])
        pairs = zip(asked.blobs, found, strict=True)
        return BlobsReply(blobs=tuple([await self._said(sender, name, stands) for name, stands in pairs]))

    async def _sender(self, caller: DeviceCaller) -> Sender:
        _, directory = await self._people.now()
        return Sender(caller.kid, directory.kids(caller.device.id))

    async def _said(self, sender: Sender, name: str, stands: "_Stands") -> BlobHeld:
        if stands.wanted is None:
            return BlobHeld(sha256=name, held=0, refused=BLOB_UNKNOWN.slug)
        size = await asyncio.to_thread(self._blobs.size, name)
        if size is not None and stands.is_sent:
            return self._whole(name, size)
        if stands.is_sent:
            log.error("a blob is gone from the store", extra={"sha256": name})
            await self._intake.do(lambda writing: forget(writing, name))
        return BlobHeld(sha256=name, held=await asyncio.to_thread(self._blobs.part, sender.kid, name))

    def _whole(self, name: str, size: int) -> BlobHeld:
        return BlobHeld(sha256=name, held=size, receipt=self._intake.door.blob_receipt(name, size))

    async def take(self, caller: DeviceCaller, chunk: Chunk) -> BlobHeld:
        """Afterwards the chunk is durable if it goes on where the part ends; with the last one the blob is.

        What is not taken for now is said in the answer; WRONG_INPUT and BLOB_MISMATCH are for a chunk that is damaged.
        """
        name = chunk.sha256
        if b64(digest(chunk.raw)) != chunk.check:
            raise Problem(BLOB_MISMATCH, f"{chunk.offset} to {chunk.offset + len(chunk.raw)}", name)
        sender = await self._sender(caller)
        async with self._locks.setdefault((sender.kid, name), asyncio.Lock()):
            stands = await self._intake.store.reading(lambda con: _stands(con, sender, name))
            if stands.wanted is None or stands.is_sent:
                return await self._said(sender, name, stands)
            size, type_ = stands.wanted
            if chunk.size != size or chunk.offset < 0 or chunk.offset + len(chunk.raw) > size:
                raise Problem(WRONG_INPUT, f"the event says {size} bytes", name)
            refused = await self._refused(sender.kid, chunk, type_)
            if refused:
                return BlobHeld(sha256=name, held=0, refused=refused)
            return await self._add(sender, chunk)

    async def _refused(self, kid: str, chunk: Chunk, type_: str) -> str:
        """Why it is not taken for now, or nothing. Room is kept free for events: they come last to an end."""
        settings = self._settings
        if type_ not in settings.blob_types:
            return BLOB_TYPE.slug
        if chunk.size > settings.blob_most_bytes:
            return BLOB_TOO_LARGE.slug
        taken = await self._intake.store.reading(lambda con: _taken_by(con, kid))
        taken += await asyncio.to_thread(self._blobs.unfinished, kid)
        if taken + len(chunk.raw) > settings.blob_quota_bytes:
            return QUOTA_FULL.slug
        free = await asyncio.to_thread(self._blobs.free)
        return STORE_FULL.slug if free - len(chunk.raw) < settings.blob_reserve_bytes else ""

    async def _add(self, sender: Sender, chunk: Chunk) -> BlobHeld:
        world, name = self._intake.door.world, chunk.sha256
        held = await asyncio.to_thread(self._blobs.add, sender.kid, name, chunk.offset, chunk.raw)
        world.fault("chunk-kept")
        if held < chunk.size:
            return BlobHeld(sha256=name, held=held)
        size = await asyncio.to_thread(self._blobs.finish, sender.kid, name)
        world.fault("blob-whole")
        is_kept = await self._intake.do(lambda writing: keep(writing, name, size, sender.kids))
        world.fault("blob-kept")
        if not is_kept:
            return BlobHeld(sha256=name, held=0, refused=BLOB_UNKNOWN.slug)
        log.info("blob stored", extra={"kid": sender.kid, "sha256": name, "size": size})
        return self._whole(name, size)

    # -- somebody reads ---------------------------------------------------------
    async def readable_by_device(self, kid: str, name: str) -> Readable:
        """The blob, where an event of a job in this device's scope names it; BLOB_NOT_HELD as for one not here."""
        return await self._readable(name, lambda con, jobs: reaches_device(con, kid, jobs))

    async def readable_by(self, keys: set[str], name: str) -> Readable:
        """The same for somebody of the office, by what the person's scope reaches."""
        return await self._readable(name, lambda con, jobs: reaches_person(con, keys, jobs))

    async def _readable(self, name: str, reaches: _Reaches) -> Readable:
        def read(con: sqlite3.Connection) -> list[str] | None:
            jobs = [job for (job,) in con.execute(_SQL["jobs_of_senders"].text, {"sha256": name})]
            if not reaches(con, jobs):
                return None
            return [type_ for (type_,) in con.execute(_SQL["types"].text, {"sha256": name})]

        types = await self._intake.store.reading(read)
        size = None if types is None else await asyncio.to_thread(self._blobs.size, name)
        if types is None or size is None:
            raise Problem(BLOB_NOT_HELD, name[:60])
        looks = type_of(await self.piece(name, 0, _BEGINNING))
        return Readable(sha256=name, size=size, type=looks if [looks] == types else UNKNOWN_TYPE)

    async def piece(self, name: str, offset: int, size: int) -> bytes:
        """Some bytes of a blob."""
        return await asyncio.to_thread(self._blobs.read, name, offset, size)

    # -- as a whole -------------------------------------------------------------
    async def match(self) -> None:
        """Afterwards no row says of a blob that it is here where the store lacks it: each may be of another day."""
        rows = await self._intake.store.reading(lambda con: [name for (name,) in con.execute(_SQL["all"].text)])
        gone = [name for name in rows if await asyncio.to_thread(self._blobs.size, name) is None]
        for name in gone:
            log.error("a blob is gone from the store", extra={"sha256": name})
            await self._intake.do(partial(forget, name=name))

    async def drop(self, name: str) -> None:
        """Afterwards the blob is here no more: its row first, so that no receipt is given for what is gone."""
        await self._intake.do(lambda writing: forget(writing, name))
        await asyncio.to_thread(self._blobs.drop, name)


# -- in a transaction -----------------------------------------------------------
def keep(writing: Writing, name: str, size: int, kids: Iterable[str]) -> bool:
    """Afterwards it stands that the device with these keys sent this blob; what waited for it is told so.

    False where no event names it any more: it was redacted while the last of it came, and the blob goes again.
    """
    if not writing.con.execute(_REDACT["is_named"].text, {"sha256": name}).fetchone()[0]:
        writing.con.execute(_REDACT["blob_goes"].text, {"sha256": name})
        writing.book.has_gone = True
        return False
    for kid in kids:
        row = {"sha256": name, "size": size, "kid": kid, "received_at": writing.now_ms}
        writing.con.execute(_SQL["keep"].text, row)
    _touch(writing, name)
    return True


def forget(writing: Writing, name: str) -> None:
    """Afterwards nothing says that this blob is here; what rests on it waits again."""
    writing.con.execute(_SQL["drop"].text, {"sha256": name})
    _touch(writing, name)


def _touch(writing: Writing, name: str) -> None:
    writing.touched |= {job for (job,) in writing.con.execute(_SQL["jobs_of"].text, {"sha256": name})}


class _Stands(msgspec.Struct, frozen=True):
    wanted: tuple[int, str] | None
    is_sent: bool


def _stands(con: sqlite3.Connection, sender: Sender, name: str) -> _Stands:
    """Size and type that an event of this device says, and whether the device has sent all of it."""
    of = {"sha256": name, "kids": encode(sender.kids).decode()}
    wanted = con.execute(_SQL["named_by"].text, of).fetchone()
    return _Stands(wanted, con.execute(_SQL["sent_by"].text, of).fetchone() is not None)


def _taken_by(con: sqlite3.Connection, kid: str) -> int:
    (taken,) = con.execute(_SQL["taken_by"].text, {"kid": kid}).fetchone()
    return int(taken)
