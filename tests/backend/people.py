"""Named people and their devices for the backend's tests: real keys, real chains, real pushes over HTTP."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from httpx import AsyncClient

from sync.clock import Anchor, Moment, rfc3339
from sync.codec import decode, encode, write_event
from sync.events import CUSTODY, SIGNED, Blob, Draft, Fact, LogOpened
from sync.ids import b64, digest, event_hash
from sync.ledger import advance, chain_start, prev_of
from sync.protocol import (
    PUSH_TYPE,
    ChallengeReply,
    EnrolReply,
    EnrolRequest,
    PulledDocument,
    PullLine,
    PushHeader,
    PushLine,
    PushReply,
    Sealed,
    SessionReply,
    SessionRequest,
    chain_text,
    deflate,
    read_line,
    write_push,
)
from sync.seal import Signer

NOON = 1_790_000_000_000
"""Some noon in 2026, ms since 1970: when these tests take place."""


@dataclass
class FixedWorld:
    """A world whose clock moves when told, and whose tokens are a counted sequence."""

    clock_ms: int = NOON
    drawn: int = 0
    seed: bytes = b"backend"

    def now_ms(self) -> int:
        return self.clock_ms

    def moment(self) -> Moment:
        return Moment(wall=rfc3339(self.clock_ms), mono=self.clock_ms - NOON, boot="boot")

    def token(self, size: int) -> bytes:
        self.drawn += 1
        return digest(self.seed + self.drawn.to_bytes(8))[:size].ljust(size, b"\x00")

    def fault(self, point: str) -> None:
        """Nothing crashes here."""


@dataclass
class Recorded:
    """An event as its author holds it."""

    seq: int
    raw: bytes
    jws: str
    hash: str


@dataclass
class Author:
    """A device and its log, with the person who records on it."""

    person: str
    signer: Signer
    log: str
    clock_ms: int = NOON
    roster: str = ""
    policies: dict[str, str] = field(default_factory=dict)
    events: list[Recorded] = field(default_factory=list)
    chains: list[bytes] = field(default_factory=list)
    token: str = ""
    cursor: str = ""
    receipt: Sealed | None = None
    times: list[PulledDocument] = field(default_factory=list)
    anchor: Anchor | None = None

    @classmethod
    def named(cls, person: str, seed: str = "") -> "Author":
        """An author whose key and log follow from a name."""
        secret = digest(f"key of {person}{seed}".encode())
        log = b64(digest(f"log of {person}{seed}".encode())[:16])
        author = cls(person=person, signer=Signer(secret), log=log)
        author.chains.append(chain_start(log))
        author.record("log.opened", LogOpened(device=f"device of {person}", jwk=author.signer.jwk, software="test"))
        return author

    def record(
        self, kind: str, body: Fact, *, job: str = "", actor: str = "", blobs: tuple[Blob, ...] = ()
    ) -> Recorded:
        """The next event of the log."""
        seq = len(self.events) + 1
        draft = Draft(kind=kind, actor=actor or self.person, body=body, job=job, blobs=blobs)
        at = Moment(wall=rfc3339(self.clock_ms), mono=self.clock_ms - NOON, boot="boot", anchor=self.anchor)
        prev = prev_of(self.chains[-1]) if kind in CUSTODY else ""
        return self.keep(write_event(draft, log=self.log, seq=seq, at=at, prev=prev), signed=kind in SIGNED)

    def keep(self, raw: bytes, *, signed: bool = False) -> Recorded:
        """Whatever bytes as the next event of the log."""
        jws = self.signer.sign(raw, "ho-event") if signed else ""
        recorded = Recorded(len(self.events) + 1, raw, jws, event_hash(raw))
        self.events.append(recorded)
        self.chains.append(advance(self.chains[-1], digest(raw)))
        return recorded

    def fork(self) -> "Author":
        """The same device, restored from a copy as it is now."""
        return Author(
            self.person,
            self.signer,
            self.log,
            self.clock_ms,
            self.roster,
            dict(self.policies),
            list(self.events),
            list(self.chains),
            self.token,
        )

    def batch(self, first: int, last: int) -> bytes:
        """The body of a push of these seqs, before compression."""
        header = PushHeader(
            v=1,
            log=self.log,
            from_=first,
            to=last,
            base=chain_text(self.chains[first - 1]),
            head=chain_text(self.chains[last]),
            receipt=self.receipt,
            recorded=len(self.events),
            wall=rfc3339(self.clock_ms),
        )
        raw = encode(header)
        lines = [PushLine(event.raw, event.jws) for event in self.events[first - 1 : last]]
        return write_push(raw, self.signer.sign(raw, "ho-batch"), lines)

    # -- over HTTP ------------------------------------------------------------
    async def enrol(self, client: AsyncClient, code: str) -> EnrolReply:
        genesis = self.events[0]
        request = EnrolRequest(code=code, jwk=self.signer.jwk, genesis=genesis.raw.decode(), jws=genesis.jws)
        answer = await client.post("/v1/enrol", content=encode(request))
        assert answer.status_code == 200, answer.text
        return decode(answer.content, EnrolReply)

    async def sign_in(self, client: AsyncClient) -> str:
        answer = await client.post("/v1/session/challenge")
        challenge = decode(answer.content, ChallengeReply).challenge
        request = SessionRequest(challenge=challenge, jws=self.signer.sign(challenge.encode(), "ho-session"))
        answer = await client.post("/v1/session", content=encode(request))
        assert answer.status_code == 200, answer.text
        self.token = decode(answer.content, SessionReply).token
        return self.token

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "content-type": PUSH_TYPE, "content-encoding": "gzip"}

    async def push(self, client: AsyncClient, first: int = 1, last: int = 0) -> PushReply:
        """The reply to a push of these seqs, by default all; it must succeed."""
        body = deflate(self.batch(first, last or len(self.events)))
        answer = await client.post("/v1/sync/push", content=body, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return decode(answer.content, PushReply)

    async def pull(self, client: AsyncClient, cursor: str | None = None) -> list[PullLine]:
        """The lines of one pull but for what time it is; that is kept, and the cursor for the next."""
        cursor = self.cursor if cursor is None else cursor
        answer = await client.get("/v1/sync/pull", params={"cursor": cursor}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        lines = [read_line(row) for row in answer.content.removesuffix(b"\n").split(b"\n")]
        found = [line for line in lines if line is not None]
        self.cursor = getattr(found[-1], "text", "")
        documents = [line for line in found if isinstance(line, PulledDocument)]
        self.times = [line for line in documents if b'"doc":"time"' in line.raw]
        return [line for line in found if line not in self.times]


@dataclass
class Staff:
    """Somebody of the office, calling the JSON API."""

    person: str
    client: AsyncClient
    token: str
    actions: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "content-type": "application/json"}

    async def get(self, path: str, status: int = 200, **params: str) -> Any:  # noqa: ANN401 - JSON, looked into by each test
        answer = await self.client.get(path, params=params, headers=self.headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def send(self, path: str, body: object, status: int = 201) -> Any:  # noqa: ANN401 - as get
        answer = await self.client.post(path, content=encode(body), headers=self.headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def open_job(self, site: str = "north", **more: str) -> str:
        self.actions += 1
        done = await self.send("/api/jobs", {"action": f"{self.person}-opens-{self.actions}", "site": site, **more})
        job: str = done["job"]
        return job

    async def do(self, job: str, name: str, status: int = 201, **body: object) -> Any:  # noqa: ANN401 - as get
        """An action on what is seen of the job now, unless `seen` says otherwise."""
        self.actions += 1
        seen = body.pop("seen", None)
        if seen is None:
            seen = (await self.get(f"/api/jobs/{job}"))["job"]["seen"]
        asked = {"action": f"{self.person}-does-{self.actions}", "seen": seen} | body
        return await self.send(f"/api/jobs/{job}/{name}", asked, status)


def words(reply: PushReply) -> list[str]:
    """The verdicts of a reply, in order."""
    return [verdict.verdict for verdict in reply.verdicts]


def codes(reply: PushReply) -> list[str]:
    """Their codes, in order."""
    return [verdict.code for verdict in reply.verdicts]


def changed(header: bytes, **fields: object) -> bytes:
    """A header with other values in some fields."""
    return encode(msgspec.json.decode(header) | fields)


def joined(rows: Iterable[bytes]) -> bytes:
    """Rows as one body."""
    return b"\n".join(rows)
