"""A TCP proxy that does what networks do: delays, cuts, half-open ends, byte limits, swallowed replies."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Final, Literal, get_args

Fault = Literal["delay", "cut", "half-open", "byte limit", "swallowed reply"]
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)
_BLOCK: Final = 65_536


class Proxy:
    """Between clients and one server on the loopback. `share` of the connections come to grief; `counts` says how."""

    def __init__(self, port: int, rng: random.Random, share: float = 0.0, lost_replies: float = 0.0) -> None:
        self.port = 0
        self.share = share
        self.lost_replies = lost_replies
        self.half_open_s = 6.0
        self.counts: Counter[str] = Counter()
        self._target = port
        self._rng = rng
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Afterwards it takes connections on `port`."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Afterwards nothing is open."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _draw(self) -> Fault | None:
        if self._rng.random() < self.share:
            return self._rng.choice(FAULTS)
        return None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        self.counts["connections"] += 1
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the backend is dead at the moment
            self.counts["refused"] += 1
            writer.close()
            return
        try:
            await self._carry(reader, writer, there, back)
        except OSError:
            self.counts["broken"] += 1
        finally:
            for one in (writer, back):
                one.close()
                with suppress(OSError):
                    await one.wait_closed()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> None:
        """Both directions until either ends; then both are ended."""
        fault = self._draw()
        if fault is not None:
            self.counts[fault] += 1
        limit = self._rng.randrange(1, 20_000) if fault in ("byte limit", "cut") else None
        up = asyncio.create_task(self._pump(reader, back, limit if fault == "cut" else None))
        down = asyncio.create_task(self._answers(there, writer, fault, limit))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, limit: int | None) -> None:
        """Carries on until the source ends, or so many bytes went through."""
        while block := await source.read(_BLOCK):
            if limit is not None and limit < len(block):
                sink.write(block[:limit])
                await sink.drain()
                return
            limit = None if limit is None else limit - len(block)
            sink.write(block)
            await sink.drain()

    async def _answers(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, fault: Fault | None, limit: int | None
    ) -> None:
        """Replies on their way back; of those that would arrive well a share gets lost with its connection."""
        while block := await source.read(_BLOCK):
            if fault == "delay":
                await asyncio.sleep(self._rng.uniform(0, 0.3))
            if fault == "swallowed reply" or (block.startswith(b"HTTP/") and self._rng.random() < self.lost_replies):
                self.counts["replies lost"] += 1
                return
            if fault == "half-open":  # nothing comes and nothing ends: whoever waits has to stop waiting by itself
                await asyncio.sleep(self.half_open_s)
                return
            if fault == "byte limit" and limit is not None and limit < len(block):
                sink.write(block[:limit])
                await sink.drain()
                return
            sink.write(block)
            await sink.drain()
