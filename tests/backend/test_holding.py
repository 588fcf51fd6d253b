"""Whose device has what was recorded last: known by how far it pulled, and by nothing else."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient

from backend.intake import Intake
from backend.shown import Showing, ShownJob
from backend.views import find_job
from tests.backend.people import Author, Staff
from tests.backend.test_office import accepts, dispatched

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]


async def shown(intake: Intake, job: str) -> ShownJob:
    _, directory = await intake.do(lambda writing: writing.documents.roster())
    return await intake.store.reading(lambda con: Showing(con, directory).rows([find_job(con, {"site:*"}, job).job])[0])


async def test_a_device_has_what_was_recorded_once_it_asks_for_what_comes_after(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    job, offer = await dispatched(dora)
    (one,) = (await shown(intake, job)).holdings
    assert (one.party, one.device, one.has) == ("anna", "device of anna", False)
    await anna.pull(client)
    assert (await shown(intake, job)).unknown, "that it was sent proves nothing"
    await anna.pull(client)
    assert not (await shown(intake, job)).unknown
    accepts(anna, job, offer)
    await anna.push(client)
    await anna.pull(client)
    await anna.pull(client)
    assert not (await shown(intake, job)).unknown
    await dora.do(job, "reschedule", window_from="2026-10-05T08:00:00Z")
    assert (await shown(intake, job)).unknown
    assert await changed(dora) == [job]
    await dora.do(job, "note", text="a note is nothing that a holder must know")
    await anna.pull(client)
    await anna.pull(client)
    assert not (await shown(intake, job)).unknown
    assert await changed(dora) == []


async def changed(who: Staff) -> list[str]:
    """The jobs that changed since they were offered, for all that their holders know."""
    return [row["job"] for row in (await who.get("/api/jobs", 200, only="changed"))["jobs"]]


async def test_who_has_no_device_and_what_is_closed_is_waited_for_by_nobody(intake: Intake, staff: SignIn) -> None:
    dora = await staff("dora")
    job = await dora.open_job()
    assert (await shown(intake, job)).holdings == ()
    await dora.do(job, "reassign", party="bo", reason="replanned")
    assert (await shown(intake, job)).holdings == (), "bo has no device"
