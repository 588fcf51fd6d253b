"""Either side's sync proves a handover made offline: the scanned half is filed under its own name."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient

from backend.intake import Intake
from sync.events import Accepted, CodeWitnessed, JobOpened, LogOpened, NoteWritten, Offered, PersonSwitched
from sync.ids import b64, job_id
from sync.ledger import chain_start
from sync.payload import Payload, Synthesis
from sync.protocol import ChangedVerdict, LeftJob
from sync.qr import Frame, SignedEvent, encode_frame
from sync.seal import signature_in
from tests.backend.conftest import BOUNDARY, catch_up
from tests.backend.people import Author, Recorded, Staff, codes, words

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]


def code_of(author: Author, *events: Recorded) -> CodeWitnessed:
    """What a scan of the author's code is recorded as."""
    signed = tuple(SignedEvent(event.raw, signature_in(event.jws)) for event in events)
    return CodeWitnessed(frame=b64(encode_frame(Frame(author.signer.kid, signed))))


def offers(author: Author, to: str) -> tuple[str, Recorded, Recorded]:
    """The author opens a job, works, and offers it; the job, its opening and the offer."""
    opened = author.record("job.opened", JobOpened(roster=author.roster, party=author.person, site="north"))
    job = job_id(opened.hash)
    author.record("note.written", NoteWritten(text="work"), job=job)
    body = Offered(
        roster=author.roster,
        basis=opened.hash,
        sender=author.person,
        to=(to,),
        boundary=BOUNDARY,
        policy=author.policies[BOUNDARY],
        payload=Payload(),
    )
    return job, opened, author.record("handover.offered", body, job=job)


def accepts(author: Author, job: str, offer: Recorded) -> Recorded:
    body = Accepted(
        roster=author.roster, offer=offer.hash, party=author.person, synthesis=Synthesis(words="ok"), met="met"
    )
    return author.record("handover.accepted", body, job=job)


@pytest.fixture
async def pair(intake: Intake, enrolled: Enrol) -> tuple[Author, Author]:
    """anna and bo, with the same documents."""
    anna, bo = await enrolled("anna"), await enrolled("bo")
    await catch_up(anna, intake)
    return anna, bo


async def test_the_receivers_sync_alone_proves_the_handover(
    client: AsyncClient, pair: tuple[Author, Author], staff: SignIn
) -> None:
    anna, bo = pair
    job, opened, offer = offers(anna, "bo")
    bo.record("code.witnessed", code_of(anna, opened, offer))
    accepts(bo, job, offer)

    assert words(await bo.push(client, 2)) == ["applied", "applied"]
    dora = await staff("dora")
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["accountable"] == "bo"

    reply = await anna.push(client)
    assert words(reply) == ["applied"] * 4
    assert [verdict.duplicate for verdict in reply.verdicts] == [True, True, False, True]
    assert (reply.received_through, reply.longer) == (4, False)


async def test_a_push_is_told_how_it_ended_not_how_its_first_event_began(
    client: AsyncClient, pair: tuple[Author, Author]
) -> None:
    anna, bo = pair
    job, opened, offer = offers(anna, "bo")
    accepts(bo, job, offer)
    bo.record("code.witnessed", code_of(anna, opened, offer))
    assert words(await bo.push(client, 2)) == ["applied", "applied"]


async def test_what_is_witnessed_does_not_count_as_received_from_its_own_log(
    client: AsyncClient, pair: tuple[Author, Author]
) -> None:
    anna, bo = pair
    job, opened, offer = offers(anna, "bo")
    bo.record("code.witnessed", code_of(anna, opened, offer))
    await bo.push(client, 2)
    reply = await anna.push(client, 2, 2)
    assert (reply.received_through, reply.missing) == (2, ((3, 3),))
    assert job


async def test_an_acceptance_that_came_before_its_offer_waits_for_it_and_is_told(
    client: AsyncClient, pair: tuple[Author, Author]
) -> None:
    anna, bo = pair
    job, _, offer = offers(anna, "bo")
    accepts(bo, job, offer)
    early = await bo.push(client, 2)
    assert (words(early), codes(early)) == (["parked"], ["unknown-basis"])
    await bo.pull(client)

    await anna.push(client)

    lines = await bo.pull(client)
    told = [line.verdict for line in lines if isinstance(line, ChangedVerdict)]
    assert [(one.seq, one.verdict) for one in told] == [(2, "applied")]
    assert not any(isinstance(line, LeftJob) for line in lines)
    assert words(await bo.push(client, 2)) == ["applied"]


async def test_a_witness_of_a_log_that_is_not_open_yet_waits_for_its_genesis(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    bo = await enrolled("bo")
    late = Author.named("anna", "late")
    late.roster, late.policies = bo.roster, bo.policies
    job, opened, offer = offers(late, "bo")
    bo.record("code.witnessed", code_of(late, opened, offer))
    accepts(bo, job, offer)
    assert words(await bo.push(client, 2)) == ["parked", "parked"]

    await enrolled("anna", "late")

    assert words(await bo.push(client, 2))[0] == "applied"
    assert await intake.store.reading(lambda con: con.execute("SELECT count(*) FROM event WHERE seq = 4").fetchone())
    assert (await staff("dora")).person == "dora"


async def test_a_forged_or_damaged_frame_is_refused_and_nothing_of_it_is_filed(
    client: AsyncClient, pair: tuple[Author, Author]
) -> None:
    anna, bo = pair
    _, opened, offer = offers(anna, "bo")
    forged = Recorded(offer.seq, offer.raw, bo.signer.sign(offer.raw, "ho-event"), offer.hash)
    bo.record("code.witnessed", code_of(anna, opened, forged))
    bo.record("code.witnessed", CodeWitnessed(frame="AAAA"))
    bo.record("code.witnessed", code_of(bo, opened, offer))
    reply = await bo.push(client, 2)
    assert words(reply) == ["refused"] * 3
    assert codes(reply) == ["bad-signature", "code-frame-malformed", "bad-signature"]
    assert [verdict.duplicate for verdict in (await anna.push(client, 2)).verdicts] == [False] * 3


async def test_other_bytes_in_a_witness_than_in_the_log_are_a_fork(
    client: AsyncClient, intake: Intake, pair: tuple[Author, Author]
) -> None:
    anna, bo = pair
    twin = anna.fork()
    _, opened, offer = offers(twin, "bo")
    anna.record("person.switched", PersonSwitched(before="anna", now="anna"))
    anna.record("person.switched", PersonSwitched(before="anna", now="bo"))
    anna.record("person.switched", PersonSwitched(before="bo", now="anna"))
    await anna.push(client)
    bo.record("code.witnessed", code_of(twin, opened, offer))
    assert words(await bo.push(client, 2)) == ["applied"]
    rows = await intake.store.reading(lambda con: con.execute("SELECT seq, verdict FROM fork ORDER BY seq").fetchall())
    assert rows == [(2, 0), (4, 0)]
    told = await intake.store.reading(lambda con: con.execute("SELECT bytes FROM event WHERE job = 0").fetchall())
    assert [raw.count(b"log.forked") for (raw,) in told if b"log.forked" in raw] == [1]


async def test_what_another_key_signed_for_somebodys_log_is_refused_and_does_not_fork_it(
    client: AsyncClient, intake: Intake, pair: tuple[Author, Author]
) -> None:
    anna, bo = pair
    _, opened, offer = offers(anna, "bo")
    usurped = [Recorded(one.seq, one.raw, bo.signer.sign(one.raw, "ho-event"), one.hash) for one in (opened, offer)]
    bo.record("code.witnessed", code_of(bo, *usurped))
    assert words(await bo.push(client, 2)) == ["applied"]
    kept = await intake.store.reading(lambda con: con.execute("SELECT seq, code FROM half ORDER BY seq").fetchall())
    assert kept == [(opened.seq, "bad-signature"), (offer.seq, "bad-signature")]

    reply = await anna.push(client, 2)
    assert [(one.verdict, one.duplicate, one.forked) for one in reply.verdicts] == [("applied", False, False)] * 3


async def test_what_a_witness_holds_of_a_log_that_is_not_open_yet_is_filed_when_it_opens(
    client: AsyncClient, intake: Intake, pair: tuple[Author, Author]
) -> None:
    anna, bo = pair
    other = Author("anna", anna.signer, b64(bytes(range(16))))
    other.roster, other.policies = bo.roster, bo.policies
    other.chains.append(chain_start(other.log))
    other.record("log.opened", LogOpened(device="anna", jwk=anna.signer.jwk, software="test", former=anna.log))
    job, opened, offer = offers(other, "bo")
    bo.record("code.witnessed", code_of(other, opened, offer))
    accepts(bo, job, offer)
    assert words(await bo.push(client, 2)) == ["applied", "parked"]

    other.token = anna.token
    reply = await other.push(client, 1, 1)

    assert words(reply) == ["applied"]
    assert words(await bo.push(client, 2)) == ["applied", "applied"]
    assert await intake.store.reading(lambda con: con.execute("SELECT count(*) FROM half").fetchone()) == (0,)
