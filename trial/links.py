"""A line that loses, doubles and reorders what it carries, on request, and counts what it did to whom."""

import asyncio
from typing import Literal

import msgspec

from device.transport import HttpTransport, Request, Response
from sync.codec import decode
from sync.problems import NO_CONNECTION, Problem
from sync.protocol import PushHeader, inflate

What = Literal["push", "pull", "any"]


class LinkCounts(msgspec.Struct, kw_only=True):
    """What a line did since its process started; `resent` counts events that were sent after they had been sent."""

    requests: int = 0
    requests_lost: int = 0
    replies_lost: int = 0
    duplicates: int = 0
    reordered: int = 0
    events_sent: int = 0
    resent: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


class Link:
    """A `Transport` over real HTTP with faults: what is asked for comes once each, in the order asked."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._line = HttpTransport(url)
        self.online = True
        self.counts = LinkCounts()
        self._lost_requests: list[What] = []
        self._lost_replies: list[What] = []
        self._copies = 0
        self._hold_next = False
        self._held: Request | None = None
        self._sent_through: dict[str, int] = {}

    def lose_requests(self, what: What, count: int) -> None:
        """Afterwards the next `count` requests of this kind do not arrive."""
        self._lost_requests += [what] * count

    def lose_replies(self, what: What, count: int) -> None:
        """Afterwards the replies to the next `count` requests of this kind do not arrive."""
        self._lost_replies += [what] * count

    def duplicate(self, copies: int) -> None:
        """Afterwards the next push arrives so many times more, all at once."""
        self._copies = copies

    def hold_up(self) -> None:
        """Afterwards the next push is held up until the one that follows it has arrived."""
        self._hold_next = True

    # -- the line ------------------------------------------------------------------
    async def send(self, request: Request) -> Response:
        """See `device.transport.Transport`."""
        if not self.online:
            raise Problem(NO_CONNECTION, "no signal", self._url)
        self.counts.requests += 1
        kind = _kind(request)
        if _due(self._lost_requests, kind):
            self.counts.requests_lost += 1
            raise Problem(NO_CONNECTION, "the request was lost", self._url)
        if kind == "push":
            self._count_events(request, 1 + self._copies)
        if kind == "push" and self._hold_next:
            self._hold_next = False
            self._held = request
            raise Problem(NO_CONNECTION, "the request is held up", self._url)
        copies = self._copies if kind == "push" else 0
        response, *_ = await asyncio.gather(self._carry(request), *(self._again(request) for _ in range(copies)))
        if not 200 <= response.status < 300:
            return response  # a session that ended, say: the faults wait for a request that is taken
        if kind == "push":
            self._copies = 0
            self.counts.duplicates += copies
            await self._deliver_held()
        if _due(self._lost_replies, kind):
            self.counts.replies_lost += 1
            raise Problem(NO_CONNECTION, "the reply was lost", self._url)
        return response

    def close(self) -> None:
        """See `device.transport.Transport`."""
        self._line.close()

    async def _carry(self, request: Request) -> Response:
        response = await self._line.send(request)
        self.counts.bytes_sent += len(request.body)
        self.counts.bytes_received += len(response.body)
        return response

    async def _again(self, request: Request) -> Response:
        """The same bytes over a connection of their own."""
        line = HttpTransport(self._url)
        try:
            return await line.send(request)
        finally:
            line.close()

    async def _deliver_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            await self._again(held)
            self.counts.reordered += 1

    def _count_events(self, request: Request, times: int) -> None:
        """Count what a push sends, and what of it had been sent before; it goes out so many times."""
        header = decode(inflate(request.body).partition(b"\t")[0], PushHeader, "push")
        count = header.to - header.from_ + 1
        before = self._sent_through.get(header.log, 0)
        self.counts.events_sent += count * times
        self.counts.resent += max(0, min(before, header.to) - header.from_ + 1) + count * (times - 1)
        self._sent_through[header.log] = max(before, header.to)


def _kind(request: Request) -> str:
    path = request.path.partition("?")[0]
    return path.rpartition("/")[2] if path.startswith("/v1/sync/") else "session"


def _due(faults: list[What], kind: str) -> bool:
    """True if a fault waits for a request of this kind; it is used up."""
    for index, what in enumerate(faults):
        if what in ("any", kind):
            del faults[index]
            return True
    return False
