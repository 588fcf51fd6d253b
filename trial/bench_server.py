"""A backend for the benches: the product's own server in a process of its own, and enrolled devices that push to it."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from backend.config import Settings
from backend.enrolment import make_code
from backend.intake import Door, open_door
from backend.master import DEVICE, PERSON, SITE, DeviceRow, PersonRow, SiteRow, put
from backend.world import Machine
from backend.writing import Writing
from sync.codec import decode, encode
from sync.policy import Policy, Roster, reference
from sync.problems import HOST_GONE, NOT_TAKEN, UNREADABLE, Problem
from sync.protocol import (
    PUSH_TYPE,
    ChallengeReply,
    EnrolReply,
    EnrolRequest,
    PulledDocument,
    PushReply,
    SessionReply,
    SessionRequest,
    read_document,
    read_line,
)
from sync.seal import typ_in
from trial.bench_batches import POLICY, Author, Batch, References

T = TypeVar("T")
STOP_S: Final = 30.0
_CALL_S: Final = 120.0
_RUN: Final = "from trial.cli import main; raise SystemExit(main())"
_SAID: Final = b"handover serves at http://"


class Serving:
    """A server that takes requests at `host`:`port`."""

    def __init__(self, process: "subprocess.Popen[bytes]", host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._process = process

    def cpu_s(self) -> float:
        """Processor time of the server so far, all threads, user and system (proc(5), fields 14 and 15)."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(database: Path) -> Iterator[Serving]:
    """`handover serve` on that database, on a free port of the loopback; stopped in order afterwards."""
    command = [sys.executable, "-c", _RUN, "serve", "--database", str(database), "--port", "0"]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    errors_file = database.with_suffix(".stderr")
    with (
        errors_file.open("wb") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=os.environ | {"PYTHONPATH": path}
        ) as process,
    ):
        try:
            said = process.stdout.readline() if process.stdout else b""
            if not said.startswith(_SAID):
                tail = errors_file.read_text("utf-8", "replace").strip().splitlines()[-1:]
                raise Problem(HOST_GONE, "; ".join(tail) or "it said nothing", "handover serve")
            host, _, port = said.removeprefix(_SAID).decode().strip().rpartition(":")
            yield Serving(process, host, int(port))
        finally:
            process.terminate()
            process.wait(STOP_S)


def set_up(database: Path, authors: Sequence[Author]) -> list[str]:
    """Afterwards the database has these people, their sites and devices, and the policy; their enrolment codes."""

    def begin(door: Door, writing: Writing) -> list[str]:
        for one in authors:
            row = PersonRow(name=one.person, roles=("technician",), sites=(one.site,))
            put(writing.con, PERSON, one.person, row, by="bench", now_ms=writing.now_ms)
            put(writing.con, SITE, one.site, SiteRow(name=one.site), by="bench", now_ms=writing.now_ms)
            put(writing.con, DEVICE, one.device, DeviceRow(people=(one.person,)), by="bench", now_ms=writing.now_ms)
        door.cut(writing)
        writing.issue(POLICY)
        return [make_code(door, writing, one.device).code for one in authors]

    with open_door(Settings(database=database), Machine()) as (door, con):
        return door.write_now(con, lambda writing: begin(door, writing))


class Client:
    """An author's line to the server: one connection, kept open."""

    def __init__(self, serving_: Serving, author: Author) -> None:
        self._line = http.client.HTTPConnection(serving_.host, serving_.port, timeout=_CALL_S)
        self._author = author
        self._token = ""

    def enrol(self, code: str) -> None:
        """Afterwards the device is enrolled, its log begun, and its session open."""
        author = self._author
        asked = EnrolRequest(
            code=code, jwk=author.signer.jwk, genesis=author.genesis.raw.decode(), jws=author.genesis.jws
        )
        decode(self._call("POST", "/v1/enrol", encode(asked)), EnrolReply)
        challenge = decode(self._call("POST", "/v1/session/challenge", b""), ChallengeReply).challenge
        signed = SessionRequest(challenge=challenge, jws=author.signer.sign(challenge.encode(), "ho-session"))
        self._token = decode(self._call("POST", "/v1/session", encode(signed)), SessionReply).token

    def references(self) -> References:
        """The documents in force, as a device learns them: by pull."""
        found = {"roster": "", "policy": ""}
        for row in self._call("GET", "/v1/sync/pull", b"").removesuffix(b"\n").split(b"\n"):
            line = read_line(row)
            if not isinstance(line, PulledDocument) or typ_in(line.jws) != "ho-doc":
                continue  # an event, or a receipt of the office's
            document = read_document(line.raw)
            if isinstance(document, Roster | Policy):
                name = "roster" if isinstance(document, Roster) else "policy"
                found[name] = reference(document.version, line.raw)
        if not all(found.values()):
            raise Problem(UNREADABLE, "no roster or no policy came with the pull")
        return References(**found)

    def push(self, body: bytes, *, gzip: bool) -> bytes:
        """The answer to a push, unread."""
        coding = {"content-encoding": "gzip"} if gzip else {}
        return self._call("POST", "/v1/sync/push", body, {"content-type": PUSH_TYPE, **coding})

    def connect(self) -> None:
        """The connection is open and fresh: the server drops those that were idle for some seconds."""
        self._line.close()
        self._line.connect()

    def close(self) -> None:
        """The connection is closed."""
        self._line.close()

    def _call(self, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
        credentials = {"authorization": f"Bearer {self._token}"} if self._token else {}
        self._line.request(method, path, body, credentials | (headers or {}))
        answer = self._line.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise Problem(NOT_TAKEN, f"{answer.status}: {said[:300].decode('utf-8', 'replace')}", path)
        return said


def check_applied(batch: Batch, answer: bytes) -> None:
    """Return only if every event of the batch was received and applied; NOT_TAKEN tells what was not."""
    reply = decode(answer, PushReply)
    others = {f"{one.verdict} {one.code}" for one in reply.verdicts if one.verdict != "applied"}
    if others or len(reply.verdicts) != len(batch.lines) or reply.received_through != batch.last:
        said = ", ".join(sorted(others)) or f"received through {reply.received_through}"
        raise Problem(NOT_TAKEN, f"{said}; all up to {batch.last} should be applied", batch.log)
