"""Runs the conversation of `sync.session` over a transport: does each step, keeps what comes back.

Effects are kept in one transaction before the state that rests on them is used. Whatever goes wrong on
the wire is a state of the conversation (a timer, a notice to a person), never an exception to the caller.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from device.blobline import BlobLine, Pause, SignedOut
from device.effects import Here, keep
from device.store import blobs, giving, log, pulled, redactions
from device.store.log import LogRow
from device.store.sqlite import Store
from device.transport import Request, Response, Transport, refusal
from device.world import World
from sync import session as talk
from sync.blobs import BlobStep
from sync.clock import rfc3339
from sync.codec import decode, encode
from sync.problems import NO_CONNECTION, NO_PROGRESS, NOT_ENROLLED, UNREADABLE, Problem
from sync.protocol import (
    MOST_COMPRESSED,
    MOST_INFLATED,
    PUSH_TYPE,
    ChallengeReply,
    PullLine,
    PushHeader,
    PushLine,
    PushReply,
    ReturnReply,
    SessionReply,
    SessionRequest,
    chain_text,
    deflate,
    read_line,
    write_push,
)
from sync.seal import Signer
from sync.session import Effect, Push, Session, Step

_log = logging.getLogger(__name__)

MOST_STEPS: Final = 100_000
"""Steps of one round; a conversation that needs more moves in a circle that nobody thought of."""
_HEADER_ROOM: Final = 2_000
"""Bytes that the first line of a push may take."""


class Uplink:
    """One device's conversation with its backend, about the log that is recorded into.

    `holds_own` says if an event of this device's own is about a job: then nothing of it is dropped. `line` sends
    attachments whenever no event waits.
    """

    def __init__(
        self,
        store: Store,
        world: World,
        signer: Signer,
        transport: Transport,
        holds_own: Callable[[str], bool],
        line: BlobLine,
        key_of: Callable[[str], Signer] | None = None,
    ) -> None:
        self._store = store
        self._key_of = key_of
        self._line = line
        self._world = world
        self._signer = signer
        self._transport = transport
        self._holds_own = holds_own
        self._session: Session | None = None

    async def round(self, *, at_once: bool) -> talk.Wait:
        """Steps until there is nothing to do now: what is to be waited for, and why.

        `at_once` asks for a round whatever timer runs. Raises NOT_ENROLLED, and nothing else that the wire does.
        """
        row, session = await self._begin()
        self._session = talk.wake(session) if at_once else session
        self._line.begin(at_once=at_once)
        try:
            for _ in range(MOST_STEPS):
                step = await self._step(row, self._session)
                if isinstance(step, talk.Wait):
                    if step.why == "all done":
                        await self._send_former()
                    return await self._rest(step)
                if isinstance(step, Pause):
                    return await self._rest(talk.Wait(step.ms, "after a failure"), step.trouble)
        finally:
            self._transport.close()
        raise Problem(NO_PROGRESS, f"{MOST_STEPS} steps in one round")

    async def _send_former(self) -> None:
        """Afterwards the logs that this one replaced are sent again, as far as a restored backend lost of them.

        Each is sent with the key that it was signed with, in a conversation of its own that only sends.
        """
        if self._key_of is None:
            return
        for row in await self._store.reading(log.former):
            one = Uplink(self._store, self._world, self._key_of(row.kid), self._transport, self._holds_own, self._line)
            await one._send_all(row)

    async def _send_all(self, row: LogRow) -> None:
        """Afterwards all of this log is received, or the next round tries again."""

        def read(con: sqlite3.Connection) -> tuple[int, str]:
            return log.head(con, row), pulled.conversation(con).epoch

        recorded, epoch = await self._store.reading(read)
        session = talk.begin(row.log, recorded=recorded, received_through=0, epoch=epoch, cursor="", keys=row.keys)
        self._session = talk.ask(session)
        for _ in range(MOST_STEPS):
            step = talk.next_step(self._session, self._world.mono_ms())
            if not isinstance(step, talk.OpenSession | talk.SignChallenge | talk.Push):
                return
            await self._step(row, self._session)

    async def _begin(self) -> tuple[LogRow, Session]:
        """The conversation as it stands, or as the store says it stood before this process began."""

        def read(con: sqlite3.Connection) -> tuple[LogRow, Session]:
            row = log.current(con)
            if row is None or row.state == "asked":
                raise Problem(NOT_ENROLLED)
            if self._session is not None and self._session.log == row.log:
                return row, self._session
            stood = pulled.conversation(con)
            kept = log.receipt(con, row, stood.epoch)
            return row, talk.begin(
                row.log,
                recorded=log.head(con, row),
                received_through=kept[0] if kept else 0,
                epoch=stood.epoch,
                cursor=stood.cursor,
                keys=row.keys,
                giving=giving.is_left(con),
            )

        return await self._store.reading(read)

    async def _rest(self, step: talk.Wait, trouble: str = "") -> talk.Wait:
        session = self._session
        done = self._world.now_ms() if step.why == "all done" else None
        await self._wipe()
        trouble = trouble or (session.trouble if session else "")
        await self._store.writing(lambda con: pulled.note_sync(con, done, trouble))
        return step

    async def _wipe(self) -> None:
        """Afterwards what was taken out stands in none of the database's files; where that cannot be, next time."""
        if await self._store.reading(redactions.is_left_in_files):
            try:
                await self._store.shrink()
            except Problem as problem:
                _log.warning("what was taken out may still be on the disk", extra={"code": problem.kind.slug})
                return
            await self._store.writing(redactions.gone_from_files)

    # -- one step -------------------------------------------------------------
    async def _step(self, row: LogRow, session: Session) -> Step | BlobStep | Pause:
        """The step that was next, done; a `Wait` is only given back. Attachments are for when no event waits."""
        recorded = await self._store.reading(lambda con: log.head(con, row))
        session = talk.recorded(session, recorded)
        step = talk.next_step(session, self._world.mono_ms())
        if isinstance(step, talk.Wait):
            self._session = session
            return step if step.why != "all done" else await self._attached(session, step)
        if isinstance(step, talk.GiveBack) and (await self._store.reading(giving.part)) is None:
            await self._store.writing(giving.all_given)
            self._session = talk.nothing_to_give(session)
            return step
        try:
            request, step = await self._request(row, session, step)
            asked_ms = self._world.mono_ms()
            response = await self._transport.send(request)
            self._world.fault("reply-read")
            await self._keep(row, *await self._answered(row, session, step, response, asked_ms))
        except _Smaller as smaller:
            self._session = talk.too_many_bytes(session, smaller.sent)
        except Problem as problem:
            waiting = talk.failed(session, problem.kind.slug, self._world.mono_ms(), self._world.chance())
            told = talk.NeedsYou(problem.kind.slug, problem.detail)
            await self._keep(row, waiting, () if problem.kind is NO_CONNECTION else (told,))
        return step

    async def _attached(self, session: Session, wait: talk.Wait) -> Step | BlobStep | Pause:
        step = await self._line.step(session)
        if step is None:
            return wait
        if isinstance(step, SignedOut):
            now_ms, pull = self._world.mono_ms(), talk.Pull(session.cursor)
            out, _ = talk.turned_away(session, pull, refusal(step.response), now_ms, self._world.chance())
            self._session = msgspec.structs.replace(out, rested_at_ms=None)
            return pull
        return step

    async def _request(self, row: LogRow, session: Session, step: Step) -> tuple[Request, Step]:
        """The request of a step, and the step as it will really be done: a push may hold fewer events."""
        signed_in = {"authorization": f"Bearer {session.token}"}
        match step:
            case talk.OpenSession():
                return Request(method="POST", path="/v1/session/challenge"), step
            case talk.SignChallenge():
                asked = await self._store.reading(lambda con: self._showing(con, row, session, step))
                headers = {"content-type": "application/json"}
                return Request(method="POST", path="/v1/session", headers=headers, body=encode(asked)), step
            case talk.GiveBack():
                part = await self._store.reading(giving.part)
                lines = part.lines if part else ()
                headers = {**signed_in, "content-type": PUSH_TYPE, "content-encoding": "gzip"}
                body = deflate(b"\n".join(lines))
                return Request(method="POST", path="/v1/sync/return", headers=headers, body=body), step
            case talk.Pull(cursor):
                path = f"/v1/sync/pull?cursor={cursor}" if cursor else "/v1/sync/pull"
                return Request(method="GET", path=path, headers=signed_in), step
            case talk.Push():
                sent, body = await self._store.reading(lambda con: self._push(con, row, session, step))
                headers = {**signed_in, "content-type": PUSH_TYPE, "content-encoding": "gzip"}
                return Request(method="POST", path="/v1/sync/push", headers=headers, body=body), sent
            case talk.Wait():
                raise TypeError("waiting asks for nothing")

    def _showing(
        self, con: sqlite3.Connection, row: LogRow, session: Session, step: talk.SignChallenge
    ) -> SessionRequest:
        """The signed challenge, and what was last held: a backend that was restored sees by it what it lost."""
        kept = log.receipt(con, row, session.epoch)
        return SessionRequest(
            challenge=step.challenge,
            jws=self._signer.sign(step.challenge.encode(), "ho-session"),
            roster=giving.newest_roster(con) if step.unlisted else None,
            cursor=session.cursor,
            receipt=kept[1] if kept else None,
            log=row.log,
            recorded=log.head(con, row),
        )

    def _push(self, con: sqlite3.Connection, row: LogRow, session: Session, step: Push) -> tuple[Push, bytes]:
        """What a push sends: as many of the events as fit the limits, at least one."""
        lines = _fitting(log.lines_between(con, row, step.first, step.last))
        sent = Push(step.first, step.first + len(lines) - 1)
        base, head = log.chain_at(con, row, sent.first - 1), log.chain_at(con, row, sent.last)
        if base is None or head is None:
            raise LookupError(f"{row.log} does not reach from {sent.first} to {sent.last}")
        receipt = log.receipt(con, row, session.epoch)
        stands = log.held(con, row, session.epoch)
        header = encode(
            PushHeader(
                v=1,
                log=row.log,
                from_=sent.first,
                to=sent.last,
                base=chain_text(base),
                head=chain_text(head),
                receipt=receipt[1] if receipt else None,
                recorded=stands.recorded,
                oldest="" if stands.oldest_ms is None else rfc3339(stands.oldest_ms),
                wall=rfc3339(self._world.now_ms()),
                blobs=blobs.waiting(con, session.epoch).blobs,
            )
        )
        body = deflate(write_push(header, self._signer.sign(header, "ho-batch"), lines))
        if len(body) > MOST_COMPRESSED and len(lines) > 1:
            raise _Smaller(sent)
        return sent, body

    # -- its answer -----------------------------------------------------------
    async def _answered(
        self, row: LogRow, session: Session, step: Step, response: Response, asked_ms: int
    ) -> tuple[Session, Sequence[Effect]]:
        now_ms, body = self._world.mono_ms(), response.body
        if not 200 <= response.status < 300:
            return talk.turned_away(session, step, refusal(response), now_ms, self._world.chance())
        match step:
            case talk.OpenSession():
                return talk.challenged(session, decode(body, ChallengeReply, "challenge")), ()
            case talk.SignChallenge():
                return talk.signed_in(session, decode(body, SessionReply, "session"))
            case talk.GiveBack():
                part = await self._store.reading(giving.part)
                if part is None:
                    return talk.nothing_to_give(session), ()
                sent = talk.NoteGiven(part.what, part.through)
                return talk.given_back(session, sent, decode(body, ReturnReply, "return"), rest=part.rest)
            case talk.Pull():
                return talk.pulled(session, _lines(body), now_ms, now_ms - asked_ms)
            case talk.Push():
                reply = decode(body, PushReply, "push")
                own = await self._store.reading(lambda con: log.chain_at(con, row, reply.received_through))
                answered = talk.pushed(session, step, reply, own)
                await self._line.told(reply.blob_receipts, answered[0])
                return answered
            case talk.Wait():
                raise TypeError("waiting is not answered")

    async def _keep(self, row: LogRow, session: Session, effects: Sequence[Effect]) -> None:
        """Afterwards the effects are durable, and the conversation stands as `session` says."""
        if effects:
            at = self._world.moment()
            here = Here(row=row, keys=session.keys, at=at, holds_own=self._holds_own)

            def work(con: sqlite3.Connection) -> tuple[str, ...]:
                gone: list[str] = []
                for effect in effects:
                    gone += keep(con, effect, here)
                self._world.fault("reply-written")
                return tuple(gone)

            gone = await self._store.writing(work)
            self._world.fault("reply-kept")
            self._line.drop(gone)
        self._session = session


class _Smaller(Exception):
    """The batch is over the limits before it was sent."""

    def __init__(self, sent: Push) -> None:
        self.sent = sent


def _fitting(lines: list[PushLine]) -> list[PushLine]:
    """The first of them that fit one push inflated, at least one."""
    room = MOST_INFLATED - _HEADER_ROOM
    for count, line in enumerate(lines):
        room -= len(line.raw) + len(line.jws) + 2
        if room < 0 and count:
            return lines[:count]
    return lines


def _lines(body: bytes) -> list[PullLine | None]:
    """The lines of a pull; UNREADABLE where the last one is cut short."""
    *rows, rest = body.split(b"\n")
    if rest:
        raise Problem(UNREADABLE, "a pull ends with a line feed; this reply was cut short")
    return [read_line(row) for row in rows]
