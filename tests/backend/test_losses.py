"""What nobody holds any more: declared by a manager, it counts as stored and holds nothing back."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient

from backend.intake import Intake
from backend.losses import Gap, declare, find_missing
from backend.master import PERSON, PersonRow, put
from backend.writing import Writing
from sync.events import NoteWritten, Offered
from sync.ids import b64, job_id
from sync.payload import Payload
from sync.problems import LOST, NOT_PERMITTED, STILL_HELD, Problem
from sync.protocol import chain_text
from tests.backend.conftest import BOUNDARY
from tests.backend.people import Author, Staff, codes, words
from tests.backend.test_pull import opens

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]


@pytest.fixture
async def anna(client: AsyncClient, enrolled: Enrol) -> Author:
    """Anna's device: it lost its events 5 to 7, and so did the backend."""
    anna = await enrolled("anna")
    job, _ = opens(anna, "north")
    for text in "abcdefgh":
        anna.record("note.written", NoteWritten(text=text), job=job)
    await anna.push(client, 1, 4)
    return anna


async def lose(intake: Intake, *gaps: Gap, names: tuple[str, ...] = (), by: str = "max") -> int:
    return len(await intake.do(lambda writing: declare(writing, intake.door.office, by, gaps, names)))


async def test_a_declared_range_counts_as_stored_and_the_log_goes_on_behind_it(
    client: AsyncClient, intake: Intake, anna: Author
) -> None:
    held_back = await anna.push(client, 8, 9)
    assert (held_back.received_through, words(held_back), held_back.missing) == (4, ["parked"] * 2, ((5, 7),))
    (gap,) = (await intake.store.reading(find_missing)).gaps
    assert gap == Gap(log=anna.log, staff=False, from_=5, to=7, chain_after=chain_text(anna.chains[7]))
    assert await lose(intake, gap) == 1
    assert (await intake.store.reading(find_missing)).gaps == ()
    reply = await anna.push(client, 9, 10)
    assert (reply.received_through, reply.head) == (10, chain_text(anna.chains[10]))
    assert words(reply) == ["applied"] * 2
    assert words(await anna.push(client, 8, 8)) == ["applied"]


async def test_what_turns_up_later_is_stored_in_its_place(client: AsyncClient, intake: Intake, anna: Author) -> None:
    await anna.push(client, 8, 10)
    (gap,) = (await intake.store.reading(find_missing)).gaps
    await lose(intake, gap)
    found = await anna.push(client, 5, 7)
    assert (words(found), found.received_through, found.head) == (["applied"] * 3, 7, chain_text(anna.chains[7]))
    assert not any(verdict.forked for verdict in found.verdicts)
    again = await anna.push(client)
    assert (again.received_through, again.head) == (10, chain_text(anna.chains[10]))
    assert all(verdict.duplicate for verdict in again.verdicts)


async def test_a_push_that_ends_inside_a_declared_range_gets_a_receipt_for_what_is_held(
    client: AsyncClient, intake: Intake, anna: Author
) -> None:
    await anna.push(client, 8, 10)
    (gap,) = (await intake.store.reading(find_missing)).gaps
    await lose(intake, gap)
    reply = await anna.push(client, 6, 6)
    assert (words(reply), reply.received_through, reply.head) == (["parked"], 4, chain_text(anna.chains[4]))


async def test_what_names_a_lost_event_is_refused_and_a_manager_goes_on_with_the_job(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    offer = Offered(
        roster=anna.roster,
        basis=b64(b"nobody holds".ljust(32, b".")),
        sender="anna",
        to=("bo",),
        boundary=BOUNDARY,
        policy=anna.policies[BOUNDARY],
        payload=Payload(),
    )
    anna.record("handover.offered", offer, job=job_id(offer.basis))
    anna.record("note.written", NoteWritten(text="on it"), job=job_id(offer.basis))
    assert words(await anna.push(client)) == ["applied", "parked", "parked"]
    names = (await intake.store.reading(find_missing)).names
    assert set(names) == {job_id(offer.basis)}, "the offer waits for the root of its job first"
    await lose(intake, names=names)
    reply = await anna.push(client)
    assert (words(reply)[1:], codes(reply)[1:]) == (["refused"] * 2, [LOST.slug] * 2)
    assert (await intake.store.reading(find_missing)).names == ()
    later = anna.record("note.written", NoteWritten(text="late"), job=job_id(offer.basis))
    assert codes(await anna.push(client, later.seq)) == [LOST.slug]


async def test_a_manager_of_every_site_sees_and_declares_it_over_the_api_once_however_often_it_is_sent(
    client: AsyncClient, intake: Intake, anna: Author, staff: SignIn
) -> None:
    def hire(writing: Writing) -> None:
        row = PersonRow(roles=("manager",), sites=("north",))
        put(writing.con, PERSON, "mona", row, by="test", now_ms=writing.now_ms)
        intake.door.cut(writing)

    await intake.do(hire)
    await anna.push(client, 8, 10)
    max_, dora = await staff("max"), await staff("dora")
    (gap,) = (await max_.get("/api/losses"))["gaps"]
    assert (gap["log"], gap["from"], gap["to"], gap["staff"]) == (anna.log, 5, 7, False)
    assert gap["chain_after"] == chain_text(anna.chains[7])
    asked = {"action": "declares-it-once", "ranges": [{"log": anna.log, "from": 5, "to": 7}]}
    for other in (dora, await staff("mona")):
        await other.get("/api/losses", 403)
        await other.send("/api/losses", asked, 403)
    first = await max_.send("/api/losses", asked)
    assert [event["kind"] for event in first["events"]] == ["loss.declared"]
    assert await max_.send("/api/losses", asked) == first
    assert (await max_.get("/api/losses"))["gaps"] == []
    reply = await anna.push(client, 9, 10)
    assert (reply.received_through, reply.head) == (10, chain_text(anna.chains[10]))
    again = {"action": "declares-it-again", "ranges": [{"log": anna.log, "from": 5, "to": 7}]}
    assert (await max_.send("/api/losses", again, 409))["type"].endswith(":still-held")
    await max_.send("/api/losses", {"action": "declares-nothing"}, 400)


async def test_only_a_manager_declares_and_only_what_is_missing(
    client: AsyncClient, intake: Intake, anna: Author
) -> None:
    await anna.push(client, 8, 10)
    (gap,) = (await intake.store.reading(find_missing)).gaps
    held = Gap(log=anna.log, staff=False, from_=4, to=7)
    for by, gaps, names, kind in (
        ("dora", (gap,), (), NOT_PERMITTED),
        ("nobody", (gap,), (), NOT_PERMITTED),
        ("max", (held,), (), STILL_HELD),
        ("max", (), (anna.events[1].hash,), STILL_HELD),
    ):
        with pytest.raises(Problem) as caught:
            await lose(intake, *gaps, names=names, by=by)
        assert caught.value.kind is kind

    def count(writing: Writing) -> int:
        return len(writing.con.execute("SELECT * FROM lost_range").fetchall())

    assert await intake.do(count) == 0
