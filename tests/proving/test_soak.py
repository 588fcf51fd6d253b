"""The soak as `./run soak` runs it, so short that it fits into every test run; and the proxy that it stands on."""

import asyncio
import random
from contextlib import closing
from socket import create_server

import pytest

from tests.proving.proxy import FAULTS, Fault, Proxy
from tests.proving.soak import soak, told

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 30000\r\n\r\n" + b"." * 30_000


@pytest.mark.alone
def test_real_processes_that_are_killed_behind_a_network_that_breaks_lose_nothing() -> None:
    seed = random.SystemRandom().getrandbits(32)
    report = soak(minutes=0.3, devices=4, events=240, kills=5, seed=seed)
    assert report.held, f"seed {seed}\n{told(report)}"
    assert report.events >= 240
    assert report.kills["device"] >= 5
    assert report.kills["backend"] >= 5
    assert (report.restores, report.epochs) == (1, 1)


async def through(fault: Fault | None) -> tuple[bytes, Proxy]:
    """What a client gets of an answer through a proxy on which this goes wrong."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    with closing(create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        server = await asyncio.start_server(serve, sock=listener)
        proxy = Proxy(port, random.Random(4), share=0.0 if fault is None else 1.0)
        proxy.half_open_s = 0.2
        if fault is not None:
            proxy._draw = lambda: fault  # type: ignore[method-assign]
        await proxy.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            writer.write(b"GET / HTTP/1.1\r\n\r\n" + b"x" * 20_000)
            await writer.drain()
            found = await asyncio.wait_for(reader.read(-1), 10)
        except ConnectionResetError:
            found = b""
        writer.close()
        await proxy.stop()
        server.close()
    return found, proxy


@pytest.mark.anyio
async def test_a_proxy_without_faults_carries_everything() -> None:
    found, proxy = await through(None)
    assert found == ANSWER
    assert proxy.counts["connections"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_of_the_proxy_does_what_its_name_says(fault: Fault) -> None:
    found, proxy = await through(fault)
    assert proxy.counts[fault] == 1
    if fault == "delay":
        assert found == ANSWER
    else:
        assert len(found) < len(ANSWER) or fault == "cut"
