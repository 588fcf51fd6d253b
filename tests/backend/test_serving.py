"""The server: the socket it listens on, and what it says when it cannot start."""

import asyncio
import json
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from backend.commands import devices, people, sites
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


def code_of(database: Path, *more: str) -> dict[str, str]:
    words = [HANDOVER, "devices", "enrol-code", "phone", "--json", "--database", str(database), *more]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    said: dict[str, str] = json.loads(done.stdout)
    return said


def test_an_enrolment_code_names_where_the_server_was_called_last(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    assert people.main(["add", "anna", "--database", str(database)]) == 0
    assert devices.main(["add", "phone", "--person", "anna", "--database", str(database)]) == 0
    words = [HANDOVER, "serve", "--port", "0", "--database", str(database)]
    for listens, host in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", socket.gethostname())):  # noqa: S104 - a test
        with subprocess.Popen([*words, "--host", listens], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            said = server.stdout.readline().split()[-1]
            called = f"http://{host}:{said.rpartition(':')[2]}"
            assert code_of(database)["url"] == called
            assert code_of(database, "--url", "https://office.example")["url"] == "https://office.example"
            server.terminate()
        assert server.returncode == 0
        assert code_of(database)["url"] == called, "also when it has stopped"
