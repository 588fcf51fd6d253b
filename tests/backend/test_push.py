"""What a push comes to, case by case of the table, over HTTP into real SQLite."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient

from backend.intake import Intake
from sync.codec import decode
from sync.events import JobOpened, NoteWritten, VisitArrived
from sync.ids import digest, job_id
from sync.ledger import advance
from sync.protocol import ChangedVerdict, PulledEvent, Receipt
from sync.seal import verify
from tests.backend.people import Author, codes, words

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]


def with_a_job(author: Author) -> str:
    """The author opens a job in the north and arrives there; the job's id."""
    body = JobOpened(roster=author.roster, party=author.person, site="north")
    job = job_id(author.record("job.opened", body).hash)
    author.record("visit.arrived", VisitArrived(visit=f"visit of {author.person}", site="north"), job=job)
    return job


async def test_what_is_pushed_is_applied_and_the_receipt_says_so(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    with_a_job(anna)

    reply = await anna.push(client, 2)

    assert words(reply) == ["applied", "applied"]
    receipt = decode(reply.receipt.text, Receipt)
    verify(reply.receipt.jws, reply.receipt.text.encode(), "ho-receipt", intake.door.signer.jwk)
    assert (receipt.log, receipt.received_through, receipt.head) == (anna.log, 3, reply.head)


async def test_a_push_sent_again_has_the_same_verdicts_and_no_second_effect(
    client: AsyncClient, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    with_a_job(anna)
    anna.record("note.written", NoteWritten(text="about nothing"))

    first = await anna.push(client)
    again = await anna.push(client)

    assert words(first) == words(again) == ["applied", "applied", "applied", "refused"]
    assert [verdict.duplicate for verdict in again.verdicts] == [True] * 4
    assert again.received_through == first.received_through == 4
    events = [line for line in await anna.pull(client) if isinstance(line, PulledEvent)]
    assert [event.raw for event in events if b"note" not in event.raw] == [
        *(event.raw for event in events if b'"device":"backend"' in event.raw),
        *(event.raw for event in anna.events[:3]),
    ]


async def test_a_batch_after_a_gap_is_stored_and_judged_once_the_gap_is_filled(
    client: AsyncClient, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    job = with_a_job(anna)
    anna.record("note.written", NoteWritten(text="later"), job=job)

    early = await anna.push(client, 4)
    assert (words(early), codes(early)) == (["parked"], ["gap"])
    assert (early.received_through, early.missing) == (1, ((2, 3),))

    filled = await anna.push(client, 2, 3)
    assert filled.received_through == 3
    assert filled.missing == ()
    assert words(await anna.push(client, 4)) == ["applied"]
    changed = [line for line in await anna.pull(client) if isinstance(line, ChangedVerdict)]
    assert [line.verdict.seq for line in changed] == [4]


async def test_other_bytes_under_a_known_name_are_kept_told_and_recorded_as_a_fork(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    job = with_a_job(anna)
    twin = anna.fork()
    anna.record("note.written", NoteWritten(text="one"), job=job)
    twin.record("note.written", NoteWritten(text="other"), job=job)

    await anna.push(client)
    reply = await twin.push(client)

    assert [verdict.forked for verdict in reply.verdicts] == [False, False, False, True]
    assert words(reply) == ["applied"] * 4
    rows = await intake.store.reading(lambda con: con.execute("SELECT bytes FROM event WHERE job = 0").fetchall())
    assert any(b"log.forked" in raw and b'"seq":4' in raw for (raw,) in rows)
    events = [line.raw for line in await anna.pull(client) if isinstance(line, PulledEvent)]
    assert {anna.events[3].raw, twin.events[3].raw} <= set(events)


async def test_both_devices_of_a_clone_are_told_from_the_seq_in_dispute_on(
    client: AsyncClient, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    job = with_a_job(anna)
    twin = anna.fork()
    anna.record("note.written", NoteWritten(text="one"), job=job)
    twin.record("note.written", NoteWritten(text="other"), job=job)
    await anna.push(client)
    await twin.push(client)

    anna.record("note.written", NoteWritten(text="more"), job=job)
    assert [verdict.forked for verdict in (await anna.push(client, 5)).verdicts] == [True]
    assert [verdict.forked for verdict in (await anna.push(client, 1)).verdicts] == [False, False, False, True, True]


async def test_a_custody_event_that_names_another_chain_before_it_is_a_fork_also_where_it_came_before_a_gap_closed(
    client: AsyncClient, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    job = with_a_job(anna)
    anna.record("note.written", NoteWritten(text="one"), job=job)
    kept = anna.chains[-1]
    anna.chains[-1] = bytes(32)
    opened = anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="mill"))
    anna.chains[-2:] = [kept, advance(kept, digest(opened.raw))]

    early = await anna.push(client, 5)
    assert (words(early), [one.forked for one in early.verdicts]) == (["applied"], [False])
    await anna.push(client, 2, 4)
    assert [one.forked for one in (await anna.push(client, 5)).verdicts] == [True]
