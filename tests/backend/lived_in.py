"""A database in which much has happened: handovers, a witness, a gap, a fork, refusals, several staff logs."""

from contextlib import AsyncExitStack
from pathlib import Path

from httpx import ASGITransport, AsyncClient

from backend.accounts.tokens import keep_token
from backend.app import create_app
from backend.config import Settings
from backend.enrolment import make_code
from backend.intake import Intake
from backend.master import DEVICE, PERSON, SITE, DeviceRow, SiteRow, put
from backend.writing import Writing
from sync.events import Accepted, CodeWitnessed, Confirmed, Fact, JobOpened, NoteWritten, Offered, Refused
from sync.ids import b64, job_id
from sync.payload import Payload, Synthesis
from sync.policy import Limits, Policy
from sync.qr import Frame, SignedEvent, encode_frame
from sync.seal import signature_in
from tests.backend.conftest import BOUNDARY, PEOPLE, catch_up
from tests.backend.people import NOON, Author, FixedWorld, Recorded, Staff


class Lived:
    """A backend at work on the database at `path`, and those who talk to it."""

    def __init__(self, path: Path, intake: Intake, client: AsyncClient) -> None:
        self.path = path
        self.intake = intake
        self.client = client

    async def enrol(self, person: str) -> Author:
        author = Author.named(person)
        device = f"device of {person}"

        def code(writing: Writing) -> str:
            put(writing.con, DEVICE, device, DeviceRow(people=(person,)), by="test", now_ms=writing.now_ms)
            return make_code(self.intake.door, writing, device).code

        await author.enrol(self.client, await self.intake.do(code))
        await author.sign_in(self.client)
        await catch_up(author, self.intake)
        return author

    async def staff(self, person: str) -> Staff:
        token = f"token-of-{person}"
        await self.intake.do(lambda writing: keep_token(writing.con, token, person, now_ms=NOON))
        return Staff(person, self.client, token)


def begin(writing: Writing) -> None:
    for name, row in PEOPLE.items():
        put(writing.con, PERSON, name, row, by="test", now_ms=writing.now_ms)
    for site in ("north", "south"):
        put(writing.con, SITE, site, SiteRow(name=site), by="test", now_ms=writing.now_ms)
    writing.issue(Policy(boundary=BOUNDARY, version=1, issued_at="", limits=Limits(accept=60)))


async def open_backend(path: Path, opened: AsyncExitStack, world: FixedWorld | None = None) -> Lived:
    """A backend with people, sites and one boundary, until `opened` is closed."""
    app = create_app(Settings(database=path, escalate_every_s=0), world or FixedWorld())
    transport = ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # the same protocol, typed twice
    await opened.enter_async_context(app.lifespan())
    client = await opened.enter_async_context(AsyncClient(transport=transport, base_url="http://backend"))
    intake: Intake = app.state.intake
    await intake.do(begin)
    await intake.do(intake.door.cut)
    return Lived(path, intake, client)


def offers(
    author: Author, to: str, payload: Payload | None = None, *, site: str = "north"
) -> tuple[str, Recorded, Recorded]:
    """The author opens a job and offers it; the job, its opening and the offer."""
    opened = author.record("job.opened", JobOpened(roster=author.roster, party=author.person, site=site))
    job = job_id(opened.hash)
    body = Offered(
        roster=author.roster,
        basis=opened.hash,
        sender=author.person,
        to=(to,),
        boundary=BOUNDARY,
        policy=author.policies[BOUNDARY],
        payload=payload or Payload(summary="the pump hums"),
    )
    return job, opened, author.record("handover.offered", body, job=job)


def accepts(author: Author, job: str, offer: str, **more: object) -> Recorded:
    """The author takes the job over."""
    said: dict[str, object] = {"synthesis": Synthesis(words="look at it"), "met": "met"} | more
    body = Accepted(roster=author.roster, offer=offer, party=author.person, **said)  # type: ignore[arg-type]
    return author.record("handover.accepted", body, job=job)


def witnesses(author: Author, other: Author, *events: Recorded) -> Recorded:
    """The author scanned the other's code."""
    signed = tuple(SignedEvent(event.raw, signature_in(event.jws)) for event in events)
    return author.record("code.witnessed", CodeWitnessed(frame=b64(encode_frame(Frame(other.signer.kid, signed)))))


def confirms(author: Author, job: str, offer: str, accepted: str) -> Recorded:
    """The author, who offered, has seen the acceptance."""
    body: Fact = Confirmed(roster=author.roster, offer=offer, accepted=accepted, sender=author.person)
    return author.record("handover.confirmed", body, job=job)


async def live(path: Path) -> dict[str, Author]:
    """Afterwards the database at `path` holds a week; the authors by name, as they stand."""
    async with AsyncExitStack() as opened:
        here = await open_backend(path, opened)
        anna, bo = await here.enrol("anna"), await here.enrol("bo")
        await catch_up(anna, here.intake)
        dora = await here.staff("dora")
        job, opening, offer = offers(anna, "bo")
        witnesses(bo, anna, opening, offer)
        taken = accepts(bo, job, offer.hash)
        bo.record("note.written", NoteWritten(text="the filter is still to come"), job=job)
        await bo.push(here.client, 2)
        witnesses(anna, bo, taken)
        confirms(anna, job, offer.hash, taken.hash)
        await anna.push(here.client, 2)
        second, _, other = offers(anna, "bo")
        for number in range(5):
            anna.record("note.written", NoteWritten(text=f"note {number}"), job=second)
        bo.record("handover.refused", Refused(roster=bo.roster, offer=other.hash, party="bo", reason="ill"), job=second)
        bo.record("note.written", NoteWritten(text="about nothing"), job=b64(bytes(16)))
        await bo.push(here.client, 5)
        await anna.push(here.client, 6, 9)
        anna.keep(b"not an event")
        anna.record("note.written", NoteWritten(text="after a bad one"), job=second)
        await anna.push(here.client, 10)
        await dora.open_job()
        clone = bo.fork()
        bo.record("note.written", NoteWritten(text="one way"), job=job)
        clone.record("note.written", NoteWritten(text="the other way"), job=job)
        clone.record("note.written", NoteWritten(text="and on"), job=job)
        await bo.push(here.client, 7)
        await clone.push(here.client, 7)
        cleo = await here.enrol("cleo")
        for number in range(6):
            third, _, _ = offers(cleo, f"guest-{number}")
            cleo.record("note.written", NoteWritten(text=f"step {number}"), job=third)
        await cleo.push(here.client, 8, 13)  # behind a gap, which is still open
        await cleo.push(here.client, 1, 4)
        return {"anna": anna, "bo": bo, "cleo": cleo}
