"""Sends what waits, to each webhook in order, as long as the server runs."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx2
import msgspec

from backend.intake import Intake
from backend.webhooks import outbox
from backend.webhooks.addresses import Destinations
from backend.webhooks.endpoints import Hook, get, secrets
from backend.webhooks.outbox import Message
from backend.webhooks.signing import headers
from backend.writing import Writing
from sync.clock import rfc3339
from sync.codec import encode
from sync.ids import b64
from sync.problems import Problem

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 15.0
"""Within which a receiver has to answer (Standard Webhooks 1.0: 15 to 30 seconds)."""
TOGETHER: Final = 50
"""Messages of one webhook sent in one round."""
FIRST_REST_MS: Final = 5_000
LONGEST_REST_MS: Final = 600_000
_MOST_READ: Final = 16_384
_BUSY: Final = frozenset({408, 425, 429})
"""Answers that speak of the receiver's moment and not of the message."""
_GONE: Final = 410


class Answer(msgspec.Struct, frozen=True):
    """What a receiver answered; `status` is 0 where nobody did, and `said` says why not."""

    status: int
    said: str

    @property
    def is_taken(self) -> bool:
        """True where the message was taken."""
        return 200 <= self.status < 300

    @property
    def is_unreached(self) -> bool:
        """True where the same may be taken later: nobody answered, or the receiver is in trouble."""
        return self.status == 0 or self.status >= 500 or self.status in _BUSY


class Caller:
    """Calls addresses that may be called, and no others: by the address that was looked at, following nobody."""

    def __init__(self, destinations: Destinations, trust: Path | None) -> None:
        """`trust` is a file of certificates that are trusted besides the machine's own."""
        context = ssl.create_default_context()
        if trust is not None:
            context.load_verify_locations(trust)
        self._destinations = destinations
        self._client = httpx2.AsyncClient(
            verify=context,
            follow_redirects=False,
            trust_env=False,
            timeout=TIMEOUT_S,
            limits=httpx2.Limits(max_connections=32),
        )

    async def post(self, url: str, body: bytes, more: dict[str, str]) -> Answer:
        """What came of it; nothing is raised: who is not reached is no fault of ours."""
        try:
            target = await self._destinations.target(url)
        except Problem as problem:
            return Answer(0, str(problem))
        address = f"[{target.address}]" if ":" in target.address else target.address
        host = f"[{target.host}]" if ":" in target.host else target.host
        named = host if target.port == 443 else f"{host}:{target.port}"
        request = self._client.build_request(
            "POST",
            f"https://{address}:{target.port}{target.path}",
            content=body,
            headers=more | {"host": named},
            extensions={"sni_hostname": target.host},
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._client.send(request, stream=True)
                try:
                    said = await _beginning(answer)
                finally:
                    await answer.aclose()
        except (httpx2.HTTPError, TimeoutError, ssl.SSLError, OSError) as error:
            return Answer(0, f"{type(error).__name__}: {error}"[:300])
        return Answer(answer.status_code, said if answer.status_code >= 300 else "")

    async def close(self) -> None:
        """Afterwards no connection is open."""
        await self._client.aclose()


async def _beginning(answer: httpx2.Response) -> str:
    """What an answer begins with, for people: as much as fits a line, however long it is."""
    read = b""
    async for part in answer.aiter_raw():
        read += part
        if len(read) > _MOST_READ:
            break
    text = read[:300].decode("utf-8", "replace")
    return "".join(one if one.isprintable() else " " for one in text).strip()


class Sender:
    """The one who sends. One at a time for each webhook, so that what is told first arrives first."""

    def __init__(self, intake: Intake, caller: Caller) -> None:
        self._intake = intake
        self._caller = caller

    async def run(self, every_s: float) -> None:
        """Send what is due, again and again, until cancelled."""
        while True:
            try:
                await self.due()
            except Problem as problem:
                # A full disk or a full queue passes; what waits then still waits.
                log.exception("webhooks could not be served", extra={"code": problem.kind.slug})
            await asyncio.sleep(every_s)

    async def due(self) -> int:
        """Afterwards all that was due was tried once, as far as its receiver answered; how many were taken."""
        while await self._intake.store.reading(outbox.has_new):
            await self._intake.do(lambda writing: outbox.fill(writing.con, writing.now_ms))
        now_ms = self._now()
        ready = await self._intake.store.reading(lambda con: outbox.ready(con, now_ms))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._serve(id_)) for id_ in ready]
        return sum(task.result() for task in tasks)

    async def _serve(self, id_: str) -> int:
        """How many this webhook took; it stops at the first that cannot be reached."""
        taken = 0
        due = await self._intake.store.reading(lambda con: outbox.due(con, id_, self._now(), TOGETHER))
        for message in due:
            answer = await self._send(message)
            if answer is None:  # it was removed or paused meanwhile
                break
            await self._note(message, answer)
            taken += answer.is_taken
            if answer.is_unreached or answer.status == _GONE:
                break
        return taken

    async def _send(self, message: Message) -> Answer | None:
        try:
            hook, body, signing = await self._intake.store.reading(
                lambda con: (
                    get(con, message.webhook),
                    outbox.body_of(con, message),
                    secrets(con, message.webhook, self._now()),
                )
            )
        except Problem:
            return None
        if hook.state != "active":
            return None
        return await self._caller.post(hook.url, body, headers(signing, message.message, self._now() // 1000, body))

    async def _note(self, message: Message, answer: Answer) -> None:
        id_, said = message.webhook, f"{answer.status} {answer.said}".strip() if answer.status else answer.said

        def note(writing: Writing) -> None:
            con, now_ms = writing.con, writing.now_ms
            if answer.is_taken:
                outbox.note_sent(con, message, answer.status, now_ms)
            elif answer.status == _GONE:
                outbox.note_gone(con, id_, said, now_ms)
            elif answer.is_unreached:
                rest = self._rest_ms(get(con, id_).failures)
                outbox.note_unreached(con, id_, said, until=now_ms + rest, now_ms=now_ms)
            else:
                outbox.note_refused(con, message, answer.status, said, now_ms)

        await self._intake.do(note)
        if not answer.is_taken:
            log.info("a webhook was not taken", extra={"webhook": id_, "status": answer.status})

    def _rest_ms(self, failures: int) -> int:
        """How long nobody is asked again: longer each time, and never quite as long as somebody else."""
        whole = min(FIRST_REST_MS << min(failures, 20), LONGEST_REST_MS)
        return whole // 2 + int.from_bytes(self._intake.door.world.token(4)) % (whole // 2 + 1)

    async def probe(self, id_: str) -> Answer:
        """What the receiver answers to a message that says only that it is a test."""
        now_ms = self._now()
        hook, signing = await self._intake.store.reading(lambda con: (get(con, id_), secrets(con, id_, now_ms)))
        return await self._caller.post(hook.url, *_test_message(hook, signing, now_ms, self._intake.door.world.token))

    def _now(self) -> int:
        return self._intake.door.world.now_ms()


def _test_message(
    hook: Hook, signing: tuple[str, ...], now_ms: int, token: Callable[[int], bytes]
) -> tuple[bytes, dict[str, str]]:
    body = encode({"type": "webhook.test", "timestamp": rfc3339(now_ms), "data": {"webhook": hook.id}})
    return body, headers(signing, f"msg_{hook.id}_test_{b64(token(6))}", now_ms // 1000, body)
