"""Whatever the wire does is a state the device shows, never a traceback, and nothing is received without a receipt."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from device.agent import Agent, Status, open_agent
from device.store import log
from device.transport import HttpTransport, Request, Response, refusal
from sync.codec import decode, encode
from sync.ids import digest
from sync.ledger import advance, chain_start
from sync.policy import Roster
from sync.problems import (
    BAD_SIGNATURE,
    LOG_STOPPED,
    NO_CONNECTION,
    NO_PROGRESS,
    NOT_SIGNED_IN,
    TOO_LARGE,
    Problem,
)
from sync.protocol import (
    ChallengeReply,
    Cursor,
    PulledDocument,
    PullLine,
    PushReply,
    Receipt,
    ReturnReply,
    Sealed,
    SeqVerdict,
    SessionReply,
    chain_text,
    cursor_text,
    inflate,
    read_push,
    read_returned,
    receipt_text,
    write_line,
)
from sync.seal import verify
from sync.standing import Word
from tests.device.field import OFFICE, Field

pytestmark = pytest.mark.anyio


class Office:
    """What a backend answers when all is well; `instead` answers first, where it has something to say."""

    def __init__(self) -> None:
        self.raws: list[bytes] = []
        self.asked: list[str] = []
        self.epoch = "1"
        self.log = ""
        self.verdicts: tuple[SeqVerdict, ...] = ()
        self.documents: tuple[PulledDocument, ...] = ()
        self.longer = False
        self.given: list[bytes] = []
        self.instead: Callable[[Request], Response | None] = lambda _: None

    def close(self) -> None:
        """Nothing is kept open."""

    async def send(self, request: Request) -> Response:
        self.asked.append(request.path.partition("?")[0])
        said = self.instead(request)
        return said if said is not None else self.answer(request)

    def answer(self, request: Request) -> Response:
        match request.path.partition("?")[0]:
            case "/v1/session/challenge":
                return Response(status=200, body=encode(ChallengeReply(challenge="sign this")))
            case "/v1/session":
                return Response(status=201, body=encode(SessionReply(token="open", expires_s=60)))  # noqa: S106
            case "/v1/sync/push":
                return Response(status=200, body=encode(self.take(request.body)))
            case "/v1/sync/pull":
                return Response(status=200, body=self.lines(request.path))
            case "/v1/sync/return":
                rows = read_returned(inflate(request.body))
                self.given.extend(rows)
                return Response(status=200, body=encode(ReturnReply(epoch=self.epoch, lines=len(rows), taken=0)))
        return Response(status=404)

    def take(self, body: bytes) -> PushReply:
        push = read_push(inflate(body))
        self.log = push.header.log
        for seq, line in enumerate(push.lines, push.header.from_):
            if seq == len(self.raws) + 1:
                self.raws.append(line.raw)
        return self.reply(min(len(self.raws), push.header.to))

    def reply(self, through: int) -> PushReply:
        chain = chain_start(self.log)
        for raw in self.raws[:through]:
            chain = advance(chain, digest(raw))
        head = chain_text(chain)
        text = receipt_text(Receipt(epoch=self.epoch, log=self.log, received_through=through, head=head))
        return PushReply(
            epoch=self.epoch,
            received_through=through,
            head=head,
            verdicts=self.verdicts,
            receipt=Sealed(text=text, jws=OFFICE.sign(text.encode(), "ho-receipt")),
            server_time="2026-05-04T08:00:05Z",
            longer=self.longer,
        )

    def lines(self, path: str) -> bytes:
        lines: list[PullLine] = [] if "cursor=" in path else [*self.documents]
        lines.append(Cursor(cursor_text(self.epoch, 7, "abcdef")))
        return b"".join(write_line(line) + b"\n" for line in lines)


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("phone-anna", "phone-bo"))
    return field


@asynccontextmanager
async def opened(field: Field, office: Office) -> AsyncIterator[Agent]:
    async with open_agent(field.folder / "phone-anna", field.worlds["phone-anna"], lambda _: office) as agent:
        yield agent


@pytest.fixture
async def anna(field: Field, office: Office) -> AsyncIterator[Agent]:
    async with opened(field, office) as agent:
        await agent.jobs.open("anna", site="site-1")
        yield agent


async def synced(agent: Agent) -> Status:
    await agent.sync()
    return await agent.status()


# -- when all is well ----------------------------------------------------------
async def test_a_round_sends_everything_and_what_is_receipted_is_received(anna: Agent, office: Office) -> None:
    before = await anna.status()
    assert (before.held.waiting, before.held.received_through) == (2, 0)
    after = await synced(anna)
    assert (after.held.waiting, after.held.received_through) == (0, 2)
    rows = await anna.holding.store.reading(lambda con: log.events_after(con, 1, 0))
    assert office.raws == [raw for _, raw, _, _ in rows], "byte for byte"
    assert anna.holding.world.now_ms() - (after.conversation.synced_ms or 0) <= 1, "a look at the clock takes one"
    assert after.conversation.offset_ms is not None


async def test_a_batch_says_how_the_device_stands_and_is_signed(anna: Agent, office: Office) -> None:
    bodies: list[bytes] = []

    def keep(request: Request) -> None:
        if request.path.endswith("push"):
            bodies.append(request.body)

    office.instead = keep
    await anna.sync()
    push = read_push(inflate(bodies[0]))
    verify(push.jws, push.head_raw, "ho-batch", anna.holding.signer.jwk)
    assert (push.header.from_, push.header.to, push.header.recorded) == (1, 2, 2)
    assert push.header.oldest
    assert push.header.wall


async def test_documents_that_are_pulled_count_at_once(anna: Agent, office: Office, field: Field) -> None:
    raw = encode(field.roster())
    office.documents = (PulledDocument(raw, OFFICE.sign(raw, "ho-doc")),)
    await anna.sync()
    assert anna.holding.memory.directory.roster == decode(raw, Roster)


async def test_more_events_than_one_batch_takes_are_sent_in_several(anna: Agent, office: Office) -> None:
    (job,) = anna.holding.memory.jobs()
    for _ in range(30):
        await anna.jobs.note("anna", job, "x" * 3_999)

    def small_only(request: Request) -> Response | None:
        too_large = request.path.endswith("push") and len(inflate(request.body)) > 40_000
        return Response(status=413) if too_large else None

    office.instead = small_only
    status = await synced(anna)
    assert status.held.waiting == 0
    assert office.asked.count("/v1/sync/push") > 3


# -- when it is not ------------------------------------------------------------
ANSWERS: dict[str, Response] = {
    "a proxy's page": Response(status=502, body=b"<html>Bad Gateway</html>"),
    "a captive portal": Response(status=200, body=b"<html>Please accept our terms</html>"),
    "nothing": Response(status=200),
    "wrong types": Response(
        status=200, body=b'{"epoch":1,"received_through":"2","challenge":3,"token":4,"expires_s":"x"}'
    ),
    "not UTF-8": Response(status=200, body=b'{"challenge":"\xff\xfe"}'),
    "nested deeply": Response(status=200, body=b"[" * 100_000),
    "cut short": Response(status=200, body=b'{"challenge":"sig'),
    "busy": Response(status=503, headers={"retry-after": "7"}),
    "too many": Response(status=429, headers={"retry-after": "soon"}),
    "a redirect": Response(status=302, headers={"location": "http://elsewhere.invalid/"}),
    "gone": Response(status=404),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("path", ["/v1/session/challenge", "/v1/session", "/v1/sync/push", "/v1/sync/pull"])
async def test_an_answer_that_is_none_is_waited_out_and_costs_nothing(
    anna: Agent, office: Office, field: Field, path: str, answer: Response
) -> None:
    office.instead = lambda request: answer if request.path.partition("?")[0] == path else None
    wait = await anna.sync()
    status = await anna.status()
    assert wait.why == "after a failure"
    assert status.conversation.trouble
    assert status.held.received_through == (2 if path == "/v1/sync/pull" else 0), "only what a receipt covers"
    office.instead = lambda _: None
    field.pass_time(wait.ms)
    assert (await anna.sync(at_once=False)).why == "all done"
    assert (await anna.status()).held.waiting == 0
    assert (await anna.status()).conversation.trouble == ""


async def test_the_retry_timer_holds_until_it_ran_out_or_somebody_asks(
    anna: Agent, office: Office, field: Field
) -> None:
    office.instead = lambda _: Response(status=503, headers={"retry-after": "7"})
    wait = await anna.sync()
    assert wait.ms == 7_000
    asked = len(office.asked)
    field.pass_time(6_999)
    await anna.sync(at_once=False)
    assert len(office.asked) == asked
    await anna.sync()
    assert len(office.asked) == asked + 1


async def test_a_lost_reply_is_sent_again_and_received_once(anna: Agent, office: Office, field: Field) -> None:
    def lose(request: Request) -> Response | None:
        if request.path.endswith("push") and office.asked.count("/v1/sync/push") == 1:
            office.answer(request)
            raise Problem(NO_CONNECTION, "the reply was lost")
        return None

    office.instead = lose
    wait = await anna.sync()
    assert (await anna.status()).held.received_through == 0
    assert len(office.raws) == 2
    field.pass_time(wait.ms)
    await anna.sync(at_once=False)
    assert (await anna.status()).held.received_through == 2
    assert len(office.raws) == 2


async def test_a_forged_receipt_is_told_to_a_person_and_believed_by_nobody(anna: Agent, office: Office) -> None:
    def forge(request: Request) -> Response | None:
        if not request.path.endswith("push"):
            return None
        good = office.take(request.body)
        other = office.reply(1)
        return Response(
            status=200,
            body=encode(
                msgspec.structs.replace(good, receipt=msgspec.structs.replace(good.receipt, jws=other.receipt.jws))
            ),
        )

    office.instead = forge
    status = await synced(anna)
    assert [notice.slug for notice in status.notices] == [BAD_SIGNATURE.slug]
    assert (status.held.waiting, status.held.received_through) == (2, 0)


async def test_a_conversation_in_a_circle_is_told_once_however_often_it_is_met(anna: Agent, office: Office) -> None:
    def stuck(request: Request) -> Response | None:
        if not request.path.endswith("push"):
            return None
        office.log = read_push(inflate(request.body)).header.log
        return Response(status=200, body=encode(office.reply(0)))

    office.instead = stuck
    await synced(anna)
    await synced(anna)
    status = await synced(anna)
    assert [notice.slug for notice in status.notices] == [NO_PROGRESS.slug]
    assert status.held.waiting == 2


async def test_a_device_that_may_not_sign_in_says_so(anna: Agent, office: Office) -> None:
    no = encode({"type": f"urn:handover:problem:{NOT_SIGNED_IN.slug}", "detail": "no device has this key"})
    office.instead = lambda request: Response(status=401, body=no) if request.path == "/v1/session" else None
    status = await synced(anna)
    assert [(notice.slug, notice.detail) for notice in status.notices] == [
        (NOT_SIGNED_IN.slug, "no device has this key")
    ]


async def test_an_old_copy_of_a_database_records_no_more(anna: Agent, office: Office) -> None:
    office.longer = True
    status = await synced(anna)
    assert status.state == "stopped"
    assert status.held.waiting == 0, "what it recorded was sent all the same"
    with pytest.raises(Problem) as caught:
        await anna.jobs.open("anna", site="site-1")
    assert caught.value.kind is LOG_STOPPED


async def test_what_the_backend_refused_no_longer_counts_here_and_needs_a_person(anna: Agent, office: Office) -> None:
    (job,) = anna.holding.memory.jobs()
    assert anna.holding.journey(job).accountable == "anna"
    office.verdicts = (SeqVerdict(seq=2, verdict="refused", code="not-a-party", remedy="fix"),)
    status = await synced(anna)
    assert [(one.seq, one.verdict) for one in status.refused] == [(2, "refused")]
    assert anna.holding.journey(job).accountable == ""


async def test_a_final_verdict_is_not_taken_back_by_one_that_is_not(anna: Agent, office: Office) -> None:
    words: tuple[Word, ...] = ("parked", "applied", "parked")
    for word in words:
        office.verdicts = (SeqVerdict(seq=2, verdict=word),)
        (job,) = anna.holding.memory.jobs()
        await anna.jobs.note("anna", job, word)
        await anna.sync()
    assert (await anna.status()).refused == ()


async def test_a_restored_backend_gets_everything_again(anna: Agent, office: Office, field: Field) -> None:
    await anna.sync()
    office.epoch, office.raws = "2", []
    office.instead = lambda request: Response(status=502) if request.path.endswith("push") else None
    wait = await anna.sync()
    status = await anna.status()
    assert (status.held.received_through, status.held.waiting) == (0, 2), "a receipt of another epoch is none"
    office.instead = lambda _: None
    field.pass_time(wait.ms)
    await anna.sync(at_once=False)
    assert len(office.raws) == 2
    assert (await anna.status()).held.received_through == 2


async def test_a_conversation_goes_on_where_a_process_ended(field: Field, office: Office) -> None:
    async with opened(field, office) as agent:
        await agent.jobs.open("anna", site="site-1")
        await agent.sync()
    async with opened(field, office) as agent:
        office.asked.clear()
        await agent.sync()
        assert office.asked == ["/v1/session/challenge", "/v1/session", "/v1/sync/pull"]
        assert (await agent.status()).held.received_through == 2


# -- a real wire ---------------------------------------------------------------
@asynccontextmanager
async def listening(says: bytes, *, hang: bool = False) -> AsyncIterator[str]:
    """Somebody at a port who answers every request with these bytes, then hangs up, or hangs."""
    over = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(says)
        await writer.drain()
        if hang:
            await over.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


GARBAGE = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an endless line": b"HTTP/1.1 200 " + b"x" * 100_000,
}


@pytest.mark.parametrize("says", GARBAGE.values(), ids=GARBAGE.keys())
async def test_a_broken_answer_is_no_connection(says: bytes) -> None:
    async with listening(says) as url:
        transport = HttpTransport(url, timeout_s=5)
        with pytest.raises(Problem) as caught:
            await transport.send(Request(method="GET", path="/"))
        transport.close()
    assert caught.value.kind is NO_CONNECTION


async def test_an_answer_that_never_comes_is_no_connection_after_a_while() -> None:
    async with listening(b"HTTP/1.1 200 OK\r\n", hang=True) as url:
        transport = HttpTransport(url, timeout_s=0.2)
        with pytest.raises(Problem) as caught:
            await transport.send(Request(method="GET", path="/"))
    assert caught.value.kind is NO_CONNECTION


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.transport.MOST_ANSWER", 1_000)
    async with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2_000) as url:
        transport = HttpTransport(url)
        with pytest.raises(Problem) as caught:
            await transport.send(Request(method="GET", path="/"))
    assert caught.value.kind is TOO_LARGE


async def test_nobody_at_home_is_no_connection() -> None:
    async with listening(b"") as url:
        pass
    with pytest.raises(Problem) as caught:
        await HttpTransport(url, timeout_s=5).send(Request(method="GET", path="/"))
    assert caught.value.kind is NO_CONNECTION


@pytest.mark.parametrize("url", ["", "backend", "ftp://backend/", "http://", "mailto:anna@example.com"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(Problem) as caught:
        HttpTransport(url)
    assert caught.value.kind is NO_CONNECTION


def test_what_a_refusal_says_is_read_as_far_as_it_can_be() -> None:
    told = refusal(Response(status=409, body=b'{"type":"urn:handover:problem:bad-cursor","title":"no"}'))
    assert (told.status, told.slug, told.detail) == (409, "bad-cursor", "no")
    assert refusal(Response(status=500, body=b"<html>")).slug == ""
    assert refusal(Response(status=503, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"})).retry_after_ms == 0
