"""What is said of events beside their verdicts: shown on the timeline, counted nowhere."""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
import pytest
from httpx import AsyncClient

from backend.intake import Intake
from backend.master import PERSON, get, put
from backend.receipts import sheet_for
from backend.words import LANGUAGES, words
from backend.writing import Writing
from sync.events import JobResolved, NoteWritten
from sync.policy import DAY_MS, Limits, Policy
from tests.backend.conftest import BOUNDARY, catch_up
from tests.backend.lived_in import accepts, confirms, offers, witnesses
from tests.backend.people import Author, FixedWorld, Staff
from tests.backend.people import words as verdicts

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]


async def said_of(dora: Staff, job: str) -> list[tuple[str, str, list[str]]]:
    """By event of the job: who recorded it, its kind, its flags."""
    entries = (await dora.get(f"/api/jobs/{job}"))["timeline"]
    return [(one["actor"], one["kind"], one["flags"]) for one in entries]


def flagged(said: list[tuple[str, str, list[str]]], flag: str) -> list[tuple[str, str]]:
    return [(actor, kind) for actor, kind, flags in said if flag in flags]


# -- scope --------------------------------------------------------------------
async def test_what_a_device_says_of_a_job_outside_its_scope_is_judged_all_the_same_and_flagged(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna, bo = await staff("dora"), await enrolled("anna"), await enrolled("bo")
    job = await dora.open_job("south")
    anna.record("note.written", NoteWritten(text="seen from the road"), job=job)
    bo.record("note.written", NoteWritten(text="the south is mine"), job=job)
    assert verdicts(await anna.push(client))[-1] == verdicts(await bo.push(client))[-1] == "applied"
    assert flagged(await said_of(dora, job), "outside_scope") == [("anna", "note.written")]

    row = (await dora.get(f"/api/jobs/{job}"))["job"]
    assert (row["open_cases"], row["discrepancies"]) == (0, [])

    await dora.do(job, "dispatch", to=["anna"], boundary=BOUNDARY, payload={"summary": "the pump"})
    anna.record("note.written", NoteWritten(text="it is offered to me now"), job=job)
    await anna.push(client, len(anna.events))
    assert flagged(await said_of(dora, job), "outside_scope") == [("anna", "note.written")], "the first, for good"


async def test_what_was_recorded_in_scope_and_comes_when_it_has_moved_on_is_flagged_and_counts(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    job = await dora.open_job("north")
    anna.record("note.written", NoteWritten(text="written before she moved"), job=job)

    def move(writing: Writing) -> None:
        row = msgspec.structs.replace(get(writing.con, PERSON, "anna"), sites=("south",))
        put(writing.con, PERSON, "anna", row, by="test", now_ms=writing.now_ms)
        intake.door.cut(writing)

    await intake.do(move)
    assert verdicts(await anna.push(client))[-1] == "applied"
    assert flagged(await said_of(dora, job), "outside_scope") == [("anna", "note.written")]


async def test_one_push_that_brings_a_job_from_its_opening_into_other_hands_is_all_in_scope(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    """Bo may work in the south alone; before the push nobody knew the job, after it it is Anna's, in the north."""
    dora, anna, bo = await staff("dora"), await enrolled("anna"), await enrolled("bo")
    job, opening, offer = offers(bo, "anna", site="north")
    witnesses(anna, bo, opening, offer)
    taken = accepts(anna, job, offer.hash)
    witnesses(bo, anna, taken)
    confirms(bo, job, offer.hash, taken.hash)
    assert verdicts(await bo.push(client))[-1] == "applied"
    said = await said_of(dora, job)
    assert [kind for _, kind, _ in said][-1] == "handover.confirmed"
    assert flagged(said, "outside_scope") == []

    bo.record("job.resolved", JobResolved(node=opening.hash), job=job)
    await bo.push(client, len(bo.events))
    assert flagged(await said_of(dora, job), "outside_scope") == [("bo", "job.resolved")]


# -- the roster's age ---------------------------------------------------------
class Aged(msgspec.Struct, frozen=True):
    """A handover whose halves were made under one roster, after it had been replaced."""

    job: str
    offer: str


Grow = Callable[..., Awaitable[Aged]]


@pytest.fixture
async def grown(client: AsyncClient, intake: Intake, world: FixedWorld, enrolled: Enrol) -> Grow:
    """Anna offers and Bo accepts, `days` after their roster was replaced, by clocks that are so many days ahead."""
    anna, bo = await enrolled("anna"), await enrolled("bo")
    await catch_up(anna, intake)

    def renew(writing: Writing) -> None:
        before = get(writing.con, PERSON, "max")
        row = msgspec.structs.replace(before, skills=(*before.skills, "crane"))
        put(writing.con, PERSON, "max", row, by="test", now_ms=writing.now_ms)
        intake.door.cut(writing)

    async def grow(days: int, ahead_days: int = 0, policy: Policy | None = None) -> Aged:
        if policy is not None:
            await intake.do(lambda writing: writing.issue(policy))
        for device in (anna, bo):
            await catch_up(device, intake)
        await intake.do(renew)
        world.clock_ms += days * DAY_MS
        first = len(anna.events) + 1, len(bo.events) + 1
        for device in (anna, bo):
            device.clock_ms = world.clock_ms + ahead_days * DAY_MS
            await device.sign_in(client)
        job, opening, offer = offers(anna, "bo")
        witnesses(bo, anna, opening, offer)
        accepts(bo, job, offer.hash)
        await anna.push(client, first[0])
        assert verdicts(await bo.push(client, first[1]))[-1] == "applied"
        return Aged(job, offer.hash)

    return grow


ALL = ["job.opened", "handover.offered", "handover.accepted"]


@pytest.mark.parametrize(("days", "ahead_days", "expected"), [(2, 0, ALL), (1, 0, []), (1, 9, [])])
async def test_an_event_made_under_a_roster_that_had_long_been_replaced_is_flagged(
    grown: Grow, staff: SignIn, days: int, ahead_days: int, expected: list[str]
) -> None:
    """A device's clock that is days ahead makes nothing old: the backend held the event before."""
    told = await grown(days, ahead_days)
    assert [kind for _, kind in flagged(await said_of(await staff("dora"), told.job), "roster_stale")] == expected


async def test_how_old_a_roster_may_be_is_for_the_policy_to_say_and_a_receipt_says_it_in_every_language(
    intake: Intake, world: FixedWorld, grown: Grow, staff: SignIn
) -> None:
    patient = Policy(boundary=BOUNDARY, version=1, issued_at="", limits=Limits(accept=60), roster_degrades_days=3)
    dora = await staff("dora")
    told = await grown(2, policy=patient)
    assert flagged(await said_of(dora, told.job), "roster_stale") == [("anna", "job.opened")], "made under no policy"

    told = await grown(4)
    assert [kind for _, kind in flagged(await said_of(dora, told.job), "roster_stale")] == ALL
    for language in LANGUAGES:
        read = partial(sheet_for, hash_=told.offer, now_ms=world.clock_ms, language=language)
        sheet = await intake.store.reading(read)
        said = [text for section in sheet.sections for row in section.rows for text in row.texts]
        assert said.count(words(language)("step.roster_stale")) == 2
