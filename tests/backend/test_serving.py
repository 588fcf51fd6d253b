"""The socket that the server listens on."""

import asyncio
import socket

import pytest

from backend.serve import bound

pytestmark = pytest.mark.anyio


async def test_an_answer_never_waits_for_a_delayed_acknowledgement() -> None:
    connected: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: connected.set_result(writer), sock=bound("127.0.0.1", 0))
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        _, ours = await asyncio.open_connection(host, port)
        theirs = await connected
        assert theirs.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        for writer in (ours, theirs):
            writer.close()
            await writer.wait_closed()
