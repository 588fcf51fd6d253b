"""Jobs that people open, say anew and give another time by hand; and the lists that find them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx import AsyncClient

from backend.commands.rebuild import compare
from backend.config import Settings
from backend.intake import Intake
from backend.project import rebuild
from sync.events import JobOpened, VisitArrived, VisitDeparted
from sync.ids import job_id
from tests.backend.people import Author, Staff, words
from tests.backend.test_office import accepts, dispatched

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]
MORNING: dict[str, Any] = {"window_from": "2026-10-05T08:00:00+02:00", "window_to": "2026-10-05T10:00:00+02:00"}
NOON: dict[str, Any] = {"window_from": "2026-10-05T12:00:00+02:00", "window_to": "2026-10-05T14:00:00+02:00"}


def kinds(view: dict[str, list[dict[str, str]]]) -> list[str]:
    return [entry["kind"] for entry in view["timeline"]]


async def test_a_job_is_opened_with_the_time_agreed_and_what_the_customer_says(staff: SignIn) -> None:
    dora = await staff("dora")
    job = await dora.open_job(asset="boiler-7", customer="kim", wrong="it drips, and the light is red", **MORNING)
    view = await dora.get(f"/api/jobs/{job}")
    assert kinds(view) == ["job.opened", "job.planned", "note.written"]
    row = view["job"]
    assert (row["accountable"], row["asset"], row["customer"], row["said"]) == (
        "desk",
        "boiler-7",
        "kim",
        "it drips, and the light is red",
    )
    assert (row["window_from"], row["window_to"]) == (MORNING["window_from"], MORNING["window_to"])


async def test_a_window_that_cannot_be_is_told_and_nothing_is_opened(staff: SignIn) -> None:
    dora = await staff("dora")
    for window, where in (
        ({"window_from": "tomorrow"}, "window_from"),
        ({"window_from": NOON["window_from"], "window_to": MORNING["window_to"]}, "window_to"),
    ):
        said = await dora.send("/api/jobs", {"action": f"open-{where}", "site": "north"} | window, 400)
        assert (said["type"], said["where"]) == ("urn:handover:problem:wrong-input", where)
    assert (await dora.get("/api/jobs"))["jobs"] == []


async def test_what_the_job_is_for_is_said_anew_and_stays_beside_what_was_said_first(staff: SignIn) -> None:
    dora, max_ = await staff("dora"), await staff("max")
    job = await dora.open_job(customer="kimm", asset="boiler-7")
    await dora.do(job, "edit", customer="kim", priority="urgent", asset="boiler-7")
    await max_.do(job, "edit", asset="boiler-8", reason="it is the other one")
    view = await dora.get(f"/api/jobs/{job}")
    row = view["job"]
    assert (row["customer"], row["priority"], row["asset"]) == ("kim", "urgent", "boiler-8")
    opened = view["timeline"][0]
    assert (opened["body"]["customer"], opened["reads"]["customer"]) == ("kimm", "kim")
    said = await dora.do(job, "edit", 409, customer="kim")
    assert "says so already" in said["detail"]
    await dora.do(job, "edit", 400, site="south")


async def test_a_job_gets_another_time_and_whoever_has_it_keeps_it_and_hears_of_it(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    job, offer = await dispatched(dora)
    accepts(anna, job, offer)
    assert words(await anna.push(client)) == ["applied", "applied"]
    await anna.pull(client)
    await dora.do(job, "reschedule", **NOON)
    row = (await dora.get(f"/api/jobs/{job}"))["job"]
    assert (row["accountable"], row["planned"], row["stop"], row["window_from"]) == (
        "anna",
        "anna",
        "s1",
        NOON["window_from"],
    )
    assert any(b"job.planned" in line.raw for line in await anna.pull(client) if hasattr(line, "raw"))
    said = await dora.do(job, "reschedule", 409, **NOON)
    assert "planned so already" in said["detail"]


async def test_nobody_is_given_another_time_while_he_is_there_and_the_next_attempt_is_another_stop(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    opened = anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="north"))
    job = job_id(opened.hash)
    anna.record("visit.arrived", VisitArrived(visit="v1", site="north"), job=job)
    await anna.push(client)
    assert "there now" in (await dora.do(job, "reschedule", 409, **MORNING))["detail"]
    anna.record("visit.departed", VisitDeparted(visit="v1", outcome="no_access"), job=job)
    await anna.push(client)
    await dora.do(job, "reschedule", **MORNING)
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["stop"] == f"{job}/2"


async def test_a_list_is_narrowed_to_what_holds_of_all_that_is_asked(staff: SignIn) -> None:
    dora = await staff("dora")
    held = await dora.open_job(asset="boiler-7", customer="kim")
    await dora.do(held, "hold", reason="no parts")
    other = await dora.open_job(asset="boiler-7")
    south = await dora.open_job(site="south", customer="kim", priority="urgent")

    async def found(**asked: str) -> set[str]:
        return {row["job"] for row in (await dora.get("/api/jobs", 200, **asked))["jobs"]}

    assert await found(asset="boiler-7") == {held, other}
    assert await found(customer="kim") == {held, south}
    assert await found(customer="kim", site="south", priority="urgent", state="open") == {south}
    assert await found(only="held") == {held}
    assert await found(only="held", customer="lee") == set()
    await dora.do(held, "release")
    assert await found(only="held") == set()
    await dora.get("/api/jobs", 400, only="nonsense")
    await dora.get("/api/jobs", 400, state="nonsense")


async def test_a_list_finds_nothing_outside_the_scope_of_who_asks(staff: SignIn) -> None:
    dora, nick = await staff("dora"), await staff("nick")
    seen = await dora.open_job(customer="kim", party="max")
    await dora.open_job(site="south", customer="kim", party="max")
    rows = (await nick.get("/api/jobs", customer="kim"))["jobs"]
    assert [row["job"] for row in rows] == [seen]


async def test_by_what_jobs_are_found_is_the_same_once_made_anew(
    staff: SignIn, intake: Intake, settings: Settings
) -> None:
    dora = await staff("dora")
    job = await dora.open_job(asset="boiler-7", customer="kim")
    await dora.do(job, "edit", asset="boiler-8")

    async def words_now() -> list[str]:
        return await intake.store.reading(
            lambda con: [word for (word,) in con.execute("SELECT word FROM word ORDER BY word")]
        )

    before = await words_now()
    assert "boiler8" in before
    assert "boiler7" not in before, "nothing is called so any more"
    assert compare(settings).ok
    await intake.do(rebuild)
    assert await words_now() == before
