"""Other systems are told: each event once, in order, signed; after a while down too; at no forbidden address."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from httpx import AsyncClient
from litestar import Litestar
from standardwebhooks.webhooks import WebhookVerificationError

from backend.config import Settings
from backend.intake import Intake
from backend.webhooks import endpoints, outbox
from backend.webhooks.addresses import Destinations, check_url, is_open
from backend.webhooks.endpoints import AskedHook, wants
from backend.webhooks.outbox import RETRIES_MS, WAITS_MS
from backend.webhooks.sending import LONGEST_REST_MS, Caller, Sender
from sync.problems import ADDRESS_REFUSED, NOBODY_THERE, Problem
from tests.backend.people import FixedWorld, Staff
from tests.backend.receiver import Receiver

pytestmark = pytest.mark.anyio
SignIn = Callable[[str], Awaitable[Staff]]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path / "receiver")
    with made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=tmp_path / "handover.db", escalate_every_s=0, send_every_s=0)


@pytest.fixture
def world() -> FixedWorld:
    """The standard's library looks at the clock: after the longest rest it is what it is."""
    return FixedWorld(clock_ms=time.time_ns() // 1_000_000 - LONGEST_REST_MS)


@pytest.fixture
async def sender(intake: Intake, receiver: Receiver) -> AsyncIterator[Sender]:
    caller = Caller(Destinations(["127.0.0.0/8", "::1"]), receiver.trust)
    yield Sender(intake, caller)
    await caller.close()


async def hooked(intake: Intake, url: str, kinds: tuple[str, ...] = (), sites: tuple[str, ...] = ("*",)) -> str:
    asked = AskedHook(label="ERP", url=url, kinds=kinds, sites=sites)
    return await intake.do(lambda writing: endpoints.add(writing.con, intake.door.world, asked, by="ada"))


async def secret_of(intake: Intake, hook: str) -> str:
    now_ms = intake.door.world.now_ms()
    return (await intake.store.reading(lambda con: endpoints.secrets(con, hook, now_ms)))[0]


async def states(intake: Intake, hook: str) -> tuple[int, int, int]:
    found = await intake.store.reading(lambda con: endpoints.get(con, hook))
    return found.waiting, found.sent, found.dead


async def opened(dora: Staff, site: str, count: int) -> list[str]:
    return [await dora.open_job(site, desired_outcome=f"job {number}") for number in range(count)]


async def test_a_receiver_that_was_down_gets_everything_once_in_order_and_signed(
    intake: Intake, staff: SignIn, world: FixedWorld, receiver: Receiver, sender: Sender
) -> None:
    dora = await staff("dora")
    await opened(dora, "north", 1)
    hook = await hooked(intake, receiver.url)
    receiver.__exit__()
    jobs = await opened(dora, "south", 5)
    assert await sender.due() == 0
    found = await intake.store.reading(lambda con: endpoints.get(con, hook))
    assert found.rests_until > world.clock_ms
    assert found.said
    assert await sender.due() == 0
    world.clock_ms += LONGEST_REST_MS
    with receiver:
        assert await sender.due() == 5
        assert await sender.due() == 0
        told = receiver.verified(await secret_of(intake, hook))
    assert [one["data"]["job"] for one in told] == jobs
    assert {one["type"] for one in told} == {"job.opened"}
    assert len(set(receiver.ids)) == 5
    assert told[0]["data"]["body"]["desired_outcome"] == "job 0"
    receiver.__enter__()


async def test_what_another_signed_is_no_message_of_ours(
    intake: Intake, staff: SignIn, world: FixedWorld, receiver: Receiver, sender: Sender
) -> None:
    hook = await hooked(intake, receiver.url)
    await opened(await staff("dora"), "north", 1)
    await sender.due()
    former = await secret_of(intake, hook)
    world.clock_ms += LONGEST_REST_MS
    await intake.do(lambda writing: endpoints.rotate(writing.con, intake.door.world, hook))
    with pytest.raises(WebhookVerificationError):
        receiver.verified(await secret_of(intake, hook))
    await sender.probe(hook)
    receiver.taken = receiver.taken[-1:]
    assert receiver.verified(former) == receiver.verified(await secret_of(intake, hook))
    assert receiver.verified(former)[0]["type"] == "webhook.test"


async def test_what_is_refused_again_and_again_is_a_dead_letter_that_holds_up_nothing_and_can_be_sent_again(
    intake: Intake, staff: SignIn, world: FixedWorld, receiver: Receiver, sender: Sender
) -> None:
    hook = await hooked(intake, receiver.url)
    await opened(await staff("dora"), "north", 3)
    await intake.do(lambda writing: outbox.fill(writing.con, writing.now_ms))
    bad = (await intake.store.reading(lambda con: outbox.due(con, hook, world.clock_ms, 10)))[1].message
    receiver.answer = lambda id_: 422 if id_ == bad else 204
    assert await sender.due() == 2
    for wait in RETRIES_MS:
        assert await states(intake, hook) == (1, 2, 0)
        world.clock_ms += wait
        await sender.due()
    assert await states(intake, hook) == (0, 2, 1)
    (letter,) = await intake.store.reading(lambda con: outbox.messages(con, hook, "dead"))
    assert (letter.status, letter.attempts) == (422, len(RETRIES_MS) + 1)
    receiver.answer = lambda _: 204
    assert await intake.do(lambda writing: outbox.send_again(writing.con, hook, letter.position, writing.now_ms)) == 1
    assert await sender.due() == 1
    assert receiver.ids[-1] == bad
    assert await states(intake, hook) == (0, 3, 0)


async def test_what_nobody_took_for_three_days_is_a_dead_letter(
    intake: Intake, staff: SignIn, world: FixedWorld, receiver: Receiver, sender: Sender
) -> None:
    hook = await hooked(intake, receiver.url)
    receiver.answer = lambda _: 503
    await opened(await staff("dora"), "north", 2)
    await sender.due()
    assert await states(intake, hook) == (2, 0, 0)
    world.clock_ms += WAITS_MS + 1
    await sender.due()
    assert await states(intake, hook) == (0, 0, 2)
    receiver.answer = lambda _: 204
    assert await intake.do(lambda writing: outbox.send_again(writing.con, hook, None, writing.now_ms)) == 2
    world.clock_ms += LONGEST_REST_MS
    assert await sender.due() == 2


async def test_who_wants_no_more_is_told_no_more(
    intake: Intake, staff: SignIn, receiver: Receiver, sender: Sender
) -> None:
    hook = await hooked(intake, receiver.url)
    receiver.answer = lambda _: 410
    dora = await staff("dora")
    await opened(dora, "north", 2)
    await sender.due()
    assert (await intake.store.reading(lambda con: endpoints.get(con, hook))).state == "gone"
    assert await states(intake, hook) == (0, 0, 2)


async def test_nobody_is_followed_elsewhere(intake: Intake, staff: SignIn, receiver: Receiver, sender: Sender) -> None:
    hook = await hooked(intake, receiver.url)
    receiver.answer = lambda _: 302
    await opened(await staff("dora"), "north", 1)
    assert await sender.due() == 0
    assert receiver.taken == []
    assert await states(intake, hook) == (1, 0, 0)


async def test_a_webhook_is_told_of_jobs_in_its_scope_and_of_its_kinds_alone(
    intake: Intake, staff: SignIn, receiver: Receiver, sender: Sender
) -> None:
    north = await hooked(intake, receiver.url, sites=("north",))
    nothing = await hooked(intake, receiver.url, sites=())
    notes = await hooked(intake, receiver.url, kinds=("note",))
    dora = await staff("dora")
    (job,) = await opened(dora, "north", 1)
    await opened(dora, "south", 2)
    await dora.do(job, "note", text="rusty")
    await sender.due()
    assert await states(intake, north) == (0, 2, 0)
    assert await states(intake, nothing) == (0, 0, 0)
    assert await states(intake, notes) == (0, 1, 0)


async def test_what_was_removed_while_it_waited_is_not_sent(
    intake: Intake, staff: SignIn, receiver: Receiver, sender: Sender
) -> None:
    hook = await hooked(intake, receiver.url)
    await opened(await staff("dora"), "north", 1)
    await intake.do(lambda writing: outbox.fill(writing.con, writing.now_ms))
    await intake.do(lambda writing: endpoints.remove(writing.con, hook))
    assert await sender.due() == 0
    assert receiver.taken == []


# -- addresses ----------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https://",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://ex\u00e4mple.com/",
        "//example.com/",
        "",
    ],
)
def test_an_address_is_https_a_host_and_a_path(url: str) -> None:
    with pytest.raises(Problem) as caught:
        check_url(url)
    assert caught.value.kind is ADDRESS_REFUSED


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",  # noqa: S104 - refused, not bound
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
    ],
)
async def test_what_is_not_on_the_open_network_is_refused_unless_it_is_listed(address: str) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14", address]

    assert not is_open(address)
    with pytest.raises(Problem) as caught:
        await Destinations([], resolve).target("https://rebound.example/")
    assert caught.value.kind is ADDRESS_REFUSED
    target = await Destinations(["rebound.example"], resolve).target("https://rebound.example/")
    assert target.host == "rebound.example"


async def test_a_name_is_asked_anew_at_each_sending() -> None:
    said = [["93.184.215.14"], ["127.0.0.1"], []]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return said.pop(0)

    destinations = Destinations([], resolve)
    target = await destinations.target("https://moves.example:8443/a?b=c")
    assert (target.address, target.port, target.path) == ("93.184.215.14", 8443, "/a?b=c")
    with pytest.raises(Problem):
        await destinations.target("https://moves.example/")
    with pytest.raises(Problem) as caught:
        await destinations.target("https://moves.example/")
    assert caught.value.kind is NOBODY_THERE


async def test_a_certificate_has_to_name_the_host_that_was_asked_for(tmp_path: Path) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    with Receiver(tmp_path / "other", host="other.example") as other:
        caller = Caller(Destinations(["127.0.0.1"], resolve), other.trust)
        good = await caller.post(f"https://other.example:{other.port}/", b"{}", {"webhook-id": "m"})
        bad = await caller.post(f"https://another.example:{other.port}/", b"{}", {"webhook-id": "m"})
        await caller.close()
    assert good.is_taken
    assert (bad.status, len(other.taken)) == (0, 1)


def test_kinds_are_named_or_begun() -> None:
    assert wants((), "job.opened")
    assert wants(("job",), "job.opened")
    assert wants(("job.opened",), "job.opened")
    assert not wants(("job.opened", "note"), "job.planned")


async def test_the_server_sends_by_itself(client: AsyncClient, intake: Intake) -> None:
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    assert isinstance(transport.app, Litestar)
    assert isinstance(transport.app.state.sender, Sender)
    assert intake.door.settings.send_every_s == 0
