"""Runs the exchange of `sync.blobs` over a transport, one step at a time: events may come between any two.

What goes wrong on the wire is a state of the exchange, never an exception to the caller, and holds up no event.
"""

import logging
import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from device.store import blobs, pulled
from device.store.blobs import BlobFolder
from device.store.sqlite import Store
from device.transport import Request, Response, Transport, refusal
from device.world import World
from sync import blobs as talk
from sync.blobs import AskBlobs, BlobEffect, BlobStep, Exchange, Kept, SendChunk
from sync.codec import decode, encode
from sync.ids import b64, digest
from sync.problems import BLOB_GONE, BLOB_MISMATCH, NO_CONNECTION, Problem
from sync.protocol import BlobHeld, BlobReceipt, BlobsAsked, BlobsReply, Sealed
from sync.session import Session

_log = logging.getLogger(__name__)
_PATH: Final = "/v1/sync/blobs"
_DAY_MS: Final = 86_400_000
SIGNED_OUT: Final = 401


class Pause(msgspec.Struct, frozen=True):
    """Nothing can be done for so many ms; `trouble` names what went wrong."""

    ms: int
    trouble: str


class SignedOut(msgspec.Struct, frozen=True):
    """The session is over: sign in, then go on."""

    response: Response


class BlobLine:
    """One device's exchange with its backend; attachments are kept here `keep_days` after they were received."""

    def __init__(self, store: Store, world: World, transport: Transport, folder: BlobFolder, keep_days: int) -> None:
        self._store = store
        self._world = world
        self._transport = transport
        self._folder = folder
        self._keep_ms = keep_days * _DAY_MS
        self._exchange = Exchange()
        self._swept: Exchange | None = None

    def begin(self, *, at_once: bool) -> None:
        """A round begins; `at_once` asks about everything, whatever timer runs."""
        self._exchange = talk.begun(self._exchange, self._world.mono_ms(), at_once=at_once)

    async def step(self, session: Session) -> BlobStep | Pause | SignedOut | None:
        """The step that was next, done; None where nothing is left, and what is old enough was swept away."""
        kept = await self._store.reading(lambda con: blobs.kept(con, session.epoch))
        step = talk.next_step(self._exchange, kept, self._world.mono_ms())
        if step is None:
            await self._sweep(session.epoch)
            return None
        if isinstance(step, int):
            return Pause(step, self._exchange.trouble)
        try:
            response = await self._transport.send(self._request(step, kept, session.token))
            self._world.fault("chunk-answered")
            if response.status == SIGNED_OUT:
                return SignedOut(response)
            await self._answered(step, response, kept, session)
        except Problem as problem:
            await self._failed(step, problem)
        return step

    async def told(self, receipts: Sequence[Sealed], session: Session) -> None:
        """Afterwards these receipts, which came with a push, are kept as far as they hold."""
        if not receipts:
            return
        kept = await self._store.reading(lambda con: blobs.kept(con, session.epoch))
        held = [(decode(one.text, BlobReceipt, "blob receipt"), one) for one in receipts]
        reply = BlobsReply(blobs=tuple(BlobHeld(sha256=it.sha256, held=it.size, receipt=one) for it, one in held))
        exchange, effects = talk.answered(self._exchange, reply, kept, session.epoch, session.keys)
        await self._keep(exchange, effects)

    def drop(self, names: Sequence[str]) -> None:
        """Afterwards these are here no more: no row says that they are kept."""
        for name in names:
            self._folder.drop(name)

    def _request(self, step: BlobStep, kept: Sequence[Kept], token: str) -> Request:
        signed_in = {"authorization": f"Bearer {token}"}
        if isinstance(step, AskBlobs):
            headers = {**signed_in, "content-type": "application/json"}
            return Request(method="POST", path=_PATH, headers=headers, body=encode(BlobsAsked(blobs=step.blobs)))
        size = next(one.size for one in kept if one.sha256 == step.sha256)
        raw = self._folder.read(step.sha256, step.offset, step.size)
        query = f"offset={step.offset}&size={size}&check={b64(digest(raw))}"
        headers = {**signed_in, "content-type": "application/octet-stream"}
        return Request(method="PUT", path=f"{_PATH}/{step.sha256}?{query}", headers=headers, body=raw)

    async def _answered(self, step: BlobStep, response: Response, kept: Sequence[Kept], session: Session) -> None:
        if not 200 <= response.status < 300:
            await self._turned_away(step, response)
            return
        if isinstance(step, AskBlobs):
            reply = decode(response.body, BlobsReply, "blobs")
            exchange, effects = talk.answered(self._exchange, reply, kept, session.epoch, session.keys)
        else:
            said = decode(response.body, BlobHeld, "blob")
            one = next(one for one in kept if one.sha256 == step.sha256)
            exchange, effects = talk.sent(self._exchange, step, said, one, session.epoch, session.keys)
        await self._keep(exchange, effects)

    async def _turned_away(self, step: BlobStep, response: Response) -> None:
        no = refusal(response)
        if isinstance(step, SendChunk) and no.slug == BLOB_MISMATCH.slug and not self._folder.is_whole(step.sha256):
            raise Problem(BLOB_GONE, step.sha256)
        trouble = no.slug or f"HTTP {no.status}"
        now_ms, chance = self._world.mono_ms(), self._world.chance()
        self._exchange = talk.failed(self._exchange, trouble, now_ms, chance, no.retry_after_ms)

    async def _failed(self, step: BlobStep, problem: Problem) -> None:
        if problem.kind is BLOB_GONE and isinstance(step, SendChunk):
            effects = (talk.TellBlob(step.sha256, BLOB_GONE.slug),)
            await self._keep(talk.given_up(self._exchange, step.sha256), effects)
            return
        if problem.kind is not NO_CONNECTION:
            _log.warning("the exchange of attachments failed", extra={"code": problem.kind.slug})
        self._exchange = talk.failed(self._exchange, problem.kind.slug, self._world.mono_ms(), self._world.chance())

    async def _keep(self, exchange: Exchange, effects: Sequence[BlobEffect]) -> None:
        """Afterwards the effects are durable, and the exchange stands so."""
        if effects:
            now_ms = self._world.now_ms()

            def work(con: sqlite3.Connection) -> None:
                for effect in effects:
                    _apply(con, effect, now_ms)
                self._world.fault("blob-reply-written")

            await self._store.writing(work)
            self._world.fault("blob-reply-kept")
        self._exchange = exchange

    async def _sweep(self, epoch: str) -> None:
        """Afterwards what the backend has just said it holds, and has held long enough, takes no room here.

        It is marked first and deleted once that is durable: what is marked as kept must be there.
        """
        now_ms, asked = self._world.now_ms(), self._exchange.asked - self._exchange.refused
        if self._exchange is self._swept or not asked:
            return
        before = now_ms - self._keep_ms
        await self._store.writing(
            lambda con: blobs.mark_dropped(con, epoch, asked=asked, before_ms=before, now_ms=now_ms)
        )
        old = self._folder.old(now_ms)
        for name in await self._store.reading(lambda con: blobs.strays(con, old)):
            self._folder.drop(name)
        self._swept = self._exchange


def _apply(con: sqlite3.Connection, effect: BlobEffect, now_ms: int) -> None:
    match effect:
        case talk.StoreBlobReceipt(receipt, sealed):
            blobs.keep_receipt(con, receipt, sealed, now_ms)
        case talk.ForgetBlobReceipt(sha256):
            blobs.forget_receipt(con, sha256)
        case talk.TellBlob(sha256, slug):
            pulled.needs_you(con, slug, sha256, now_ms)
