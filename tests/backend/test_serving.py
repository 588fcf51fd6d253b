"""The server: the socket it listens on, and what it says when it cannot start."""

import asyncio
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from backend.commands import sites
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


HANDOVER = str(Path(sys.executable).parent / "handover")


@pytest.mark.parametrize("fault", ["key", "database", "folder", "newer"])
def test_a_server_that_cannot_start_says_why_in_one_sentence(tmp_path: Path, fault: str) -> None:
    database = tmp_path / "x.db"
    if fault == "folder":
        database.mkdir()
    elif fault == "database":
        database.write_text("no database, but a text that is longer than the header of one " * 10)
    else:
        assert sites.main(["add", "mill", "--database", str(database)]) == 0
        if fault == "key":
            Path(f"{database}.key").write_bytes(b"")
        else:
            with closing(sqlite3.connect(database)) as con, con:
                con.execute("INSERT INTO migration VALUES (9999, 'later', '')")
    words = [HANDOVER, "serve", "--port", "0", "--database", str(database)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.startswith("handover serve: ")
    assert "Traceback" not in done.stderr
