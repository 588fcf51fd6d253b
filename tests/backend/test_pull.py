"""What a device gets when it pulls: whole jobs in its scope, in commit order, nothing skipped, nothing else."""

from collections.abc import Awaitable, Callable
from typing import TypeGuard

import msgspec
import pytest
from httpx import AsyncClient

from backend import pull as pulling
from backend.intake import Intake
from backend.master import PERSON, PersonRow, put
from backend.writing import Writing
from sync.codec import decode
from sync.events import JobOpened, NoteWritten, Offered, Withdrawn
from sync.ids import job_id
from sync.intervals import time_anchor
from sync.payload import Payload
from sync.policy import Policy, Roster, reference
from sync.protocol import Cursor, LeftJob, PulledDocument, PulledEvent, PullLine, Receipt, read_cursor, read_document
from sync.seal import typ_in, verify
from tests.backend.conftest import BOUNDARY, PEOPLE
from tests.backend.people import Author, FixedWorld, words

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]


def opens(author: Author, site: str) -> tuple[str, str]:
    """The author opens a job at a site; the job and the hash of its opening."""
    opened = author.record("job.opened", JobOpened(roster=author.roster, party=author.person, site=site))
    return job_id(opened.hash), opened.hash


def events(lines: list[PullLine]) -> list[PulledEvent]:
    return [line for line in lines if isinstance(line, PulledEvent)]


def jobs(lines: list[PullLine]) -> set[str]:
    """The jobs that the pulled events are about, those they open included."""
    found = {str(msgspec.json.decode(line.raw).get("job", "")) for line in events(lines)}
    return found - {""}


def is_receipt(line: PullLine) -> TypeGuard[PulledDocument]:
    """True for what the backend says of its own logs."""
    return isinstance(line, PulledDocument) and typ_in(line.jws) == "ho-receipt"


async def test_a_pull_ends_with_a_cursor_and_the_next_one_brings_only_what_came_since(
    client: AsyncClient, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    job, _ = opens(anna, "north")
    anna.record("note.written", NoteWritten(text="one"), job=job)
    await anna.push(client)
    first = await anna.pull(client)
    assert isinstance(first[-1], Cursor)
    assert jobs(first) == {job}

    assert await anna.pull(client) == [Cursor(anna.cursor)]
    later = anna.record("note.written", NoteWritten(text="two"), job=job)
    await anna.push(client, 4)
    assert [line.raw for line in events(await anna.pull(client))] == [later.raw]


async def test_what_came_early_and_counts_late_stands_behind_every_cursor_given_out_in_between(
    client: AsyncClient, enrolled: Enrol
) -> None:
    anna, cleo = await enrolled("anna"), await enrolled("cleo")
    job, _ = opens(anna, "north")
    anna.record("note.written", NoteWritten(text="about a job that is not here yet"), job=job)
    assert words(await anna.push(client, 3)) == ["parked"]
    await cleo.pull(client)
    await anna.push(client, 1, 2)
    assert [line.raw for line in events(await cleo.pull(client))] == [one.raw for one in anna.events[1:]]


async def test_events_come_in_commit_order_each_after_the_documents_it_names(
    client: AsyncClient, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    opens(anna, "north")
    await anna.push(client)
    lines = await anna.pull(client, cursor="")
    positions = [line.position for line in events(lines)]
    assert positions == sorted(positions)
    known: set[str] = set()
    for line in lines:
        if isinstance(line, PulledDocument) and not is_receipt(line):
            known.add(reference(read_document(line.raw).version, line.raw))
        elif isinstance(line, PulledEvent) and b"job.opened" in line.raw:
            assert anna.roster in known


async def test_documents_are_signed_by_the_backend(client: AsyncClient, intake: Intake, enrolled: Enrol) -> None:
    anna = await enrolled("anna")
    pulled = [line for line in await anna.pull(client) if isinstance(line, PulledDocument)]
    documents = [line for line in pulled if not is_receipt(line)]
    for line in documents:
        verify(line.jws, line.raw, "ho-doc", intake.door.signer.jwk)
    kinds = {type(read_document(line.raw)) for line in documents}
    assert {Roster, Policy} <= kinds


async def test_each_pull_says_what_time_it_is_signed_and_nobody_keeps_it(
    client: AsyncClient, intake: Intake, world: FixedWorld, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    await anna.pull(client)
    before = await intake.store.reading(lambda con: con.execute("SELECT count(*) FROM document").fetchall())
    cursors = set()
    for later in (0, 1, 60_000):
        world.clock_ms += later
        assert await anna.pull(client) == [Cursor(anna.cursor)]
        cursors.add(anna.cursor)
        (line,) = anna.times
        verify(line.jws, line.raw, "ho-doc", intake.door.signer.jwk)
        assert read_document(line.raw) == time_anchor(world.clock_ms)
    assert len(cursors) == 1
    assert before == await intake.store.reading(lambda con: con.execute("SELECT count(*) FROM document").fetchall())


async def test_a_job_that_comes_into_scope_is_pulled_whole_and_one_that_leaves_is_named(
    client: AsyncClient, enrolled: Enrol
) -> None:
    anna, bo = await enrolled("anna"), await enrolled("bo")
    await bo.pull(client)
    anna.roster, anna.policies = bo.roster, bo.policies
    job, opened = opens(anna, "north")
    anna.record("note.written", NoteWritten(text="before it was bo's"), job=job)
    await anna.push(client)
    assert jobs(await bo.pull(client)) == set()

    offer = Offered(
        roster=anna.roster,
        basis=opened,
        sender="anna",
        to=("bo",),
        boundary=BOUNDARY,
        policy=anna.policies[BOUNDARY],
        payload=Payload(),
    )
    offered = anna.record("handover.offered", offer, job=job)
    assert words(await anna.push(client))[-1] == "applied"
    entered = await bo.pull(client)
    assert [line.raw for line in events(entered)] == [event.raw for event in anna.events[1:]]

    anna.record("handover.withdrawn", Withdrawn(roster=anna.roster, offer=offered.hash, sender="anna"), job=job)
    await anna.push(client)
    assert [line for line in await bo.pull(client) if isinstance(line, LeftJob)] == [LeftJob(job)]


async def test_a_person_moved_to_another_site_gets_its_jobs_and_leaves_the_others(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    anna, bo = await enrolled("anna"), await enrolled("bo")
    job, _ = opens(anna, "north")
    await anna.push(client)
    await bo.pull(client)

    async def move(sites: tuple[str, ...]) -> None:
        def work(writing: Writing) -> None:
            row: PersonRow = msgspec.structs.replace(PEOPLE["bo"], sites=sites)
            put(writing.con, PERSON, "bo", row, by="test", now_ms=writing.now_ms)
            intake.door.cut(writing)

        await intake.do(work)

    await move(("north",))
    assert jobs(await bo.pull(client)) == set()
    assert any(b"job.opened" in line.raw for line in events(await bo.pull(client, cursor="")))
    await move(())
    assert LeftJob(job) in await bo.pull(client)


@pytest.mark.parametrize("shown", ["{epoch}.{position}.AAAAAA", "{epoch}.{beyond}.{check}", "former.{position}.AAAAAA"])
async def test_a_cursor_that_is_not_held_begins_a_new_epoch_once_and_is_served_from_the_beginning(
    shown: str, client: AsyncClient, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    whole = await anna.pull(client)
    epoch, position, check = read_cursor(anna.cursor)
    lost = shown.format(epoch=epoch, position=position, beyond=position + 5, check=check)
    again = await anna.pull(client, cursor=lost)
    renewed = read_cursor(anna.cursor)[0]
    assert renewed not in (epoch, "former")
    assert events(again) == events(whole)
    assert await anna.pull(client, cursor=lost) == again, "it ended its epoch once"
    assert await anna.pull(client, cursor=f"{epoch}.{position}.{check}") == again


@pytest.mark.parametrize("cursor", ["no cursor", "epoch.1e9.AAAAAA"])
async def test_what_is_no_cursor_is_named(cursor: str, client: AsyncClient, enrolled: Enrol) -> None:
    anna = await enrolled("anna")
    answer = await client.get("/v1/sync/pull", params={"cursor": cursor}, headers=anna.headers)
    assert (answer.status_code, "type" in answer.json()) == (400, True)


async def test_a_pull_says_how_far_the_offices_own_logs_reach(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    receipts = [line for line in await anna.pull(client) if is_receipt(line)]
    assert receipts
    for line in receipts:
        verify(line.jws, line.raw, "ho-receipt", intake.door.signer.jwk)
    said = [decode(line.raw, Receipt) for line in receipts]
    log = await intake.do(lambda writing: writing.log(intake.door.office.log))
    assert log is not None
    assert (log.log, log.through) in [(one.log, one.received_through) for one in said]
    assert await anna.pull(client) == [Cursor(anna.cursor)], "and is silent where nothing went on"


@pytest.mark.parametrize("bound", ["MOST_LINES", "MOST_POSITIONS"])
async def test_a_long_pull_ends_early_and_the_next_goes_on_without_a_gap(
    bound: str, client: AsyncClient, enrolled: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, bound, 10)
    anna = await enrolled("anna")
    for _ in range(8):
        job, _ = opens(anna, "north")
        for text in ("one", "two", "three"):
            anna.record("note.written", NoteWritten(text=text), job=job)
        await anna.push(client, len(anna.events) - 3)
    pages, times = [await anna.pull(client)], [len(anna.times)]
    while len(pages) < 2 or pages[-1][-1] != pages[-2][-1]:
        pages.append(await anna.pull(client))
        times.append(len(anna.times))
    assert len(pages) > 3
    assert times == [0] * (len(pages) - 2) + [1, 1], "the roster that lists the key has come by then"
    pulled = [line.raw for page in pages for line in events(page)]
    assert len(pulled) == len(set(pulled))
    assert {event.raw for event in anna.events} <= set(pulled)
