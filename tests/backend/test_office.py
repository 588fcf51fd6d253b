"""What people of the office do over the JSON API, and what follows from it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from httpx import AsyncClient

from backend import views, writing
from backend.escalation import Escalation
from backend.intake import Intake
from sync.codec import encode
from sync.events import Accepted, ItemScanned, JobOpened, NoteWritten, Offered, Refused, VisitArrived
from sync.ids import job_id
from sync.payload import Payload, Synthesis
from sync.protocol import PulledEvent
from tests.backend.people import Author, Staff, words

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]

PAYLOAD = {
    "priority": "routine",
    "state": "not_started",
    "summary": "The pump hums",
    "next_actions": [{"what": "look"}],
}


def accepts(author: Author, job: str, offer: str) -> None:
    """The author accepts what was pulled."""
    body = Accepted(
        roster=author.roster, offer=offer, party=author.person, synthesis=Synthesis(words="look at it"), met="remote"
    )
    author.record("handover.accepted", body, job=job)


async def dispatched(dora: Staff, to: str = "anna") -> tuple[str, str]:
    """A job in the north that dora dispatched; its id and the offer."""
    job = await dora.open_job()
    done = await dora.do(job, "dispatch", to=[to], boundary="site", payload=PAYLOAD, plan={"stop": "s1", "crew": to})
    return job, next(event["event"] for event in done["events"] if event["kind"] == "handover.offered")


async def test_a_dispatched_job_is_the_receivers_once_accepted_and_the_desk_confirms_by_itself(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    job, offer = await dispatched(dora)
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["accountable"] == "desk"

    accepts(anna, job, offer)
    assert words(await anna.push(client)) == ["applied", "applied"]

    seen = await dora.get(f"/api/jobs/{job}")
    assert seen["job"]["accountable"] == "anna"
    assert (seen["handovers"][0]["state"], seen["handovers"][0]["confirmed"]) == ("accepted", True)
    assert [entry["kind"] for entry in seen["timeline"]] == [
        "job.opened",
        "job.planned",
        "job.dispatched",
        "handover.offered",
        "handover.accepted",
        "handover.confirmed",
    ]


async def test_a_device_pulls_what_was_dispatched_to_its_person_and_no_other_job(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, bo = await staff("dora"), await enrolled("bo")
    mine, _ = await dispatched(dora, to="bo")
    await dispatched(dora, to="anna")

    pulled = [line for line in await bo.pull(client) if isinstance(line, PulledEvent)]

    assert {job for job in (_job(line) for line in pulled) if job} == {mine}


def _job(line: PulledEvent) -> str:
    return str(msgspec.json.decode(line.raw).get("job", ""))


async def test_an_action_has_one_effect_however_often_it_is_sent(staff: SignIn) -> None:
    dora = await staff("dora")
    job = await dora.open_job()
    seen = (await dora.get(f"/api/jobs/{job}"))["job"]["seen"]
    asked = {"action": "hold-it-once", "seen": seen, "reason": "no parts"}

    first = await dora.send(f"/api/jobs/{job}/hold", asked)
    again = await dora.send(f"/api/jobs/{job}/hold", asked)

    assert first == again
    view = await dora.get(f"/api/jobs/{job}")
    assert [entry["kind"] for entry in view["timeline"]].count("job.held") == 1
    other = await dora.send(f"/api/jobs/{job}/hold", asked | {"reason": "another"}, 409)
    assert other["type"] == "urn:handover:problem:action-reused"


async def test_an_action_on_what_has_changed_since_is_answered_with_who_changed_what(staff: SignIn) -> None:
    dora, max_ = await staff("dora"), await staff("max")
    job = await dora.open_job()
    seen = (await dora.get(f"/api/jobs/{job}"))["job"]["seen"]
    await max_.do(job, "hold", reason="wait")

    said = await dora.do(job, "cancel", 409, seen=seen, reason="not needed")

    assert said["type"] == "urn:handover:problem:stale"
    assert [(change["actor"], change["kind"]) for change in said["changes"]] == [("max", "job.held")]


async def test_a_note_does_not_make_a_form_stale(staff: SignIn) -> None:
    dora, max_ = await staff("dora"), await staff("max")
    job = await dora.open_job()
    seen = (await dora.get(f"/api/jobs/{job}"))["job"]["seen"]
    await max_.do(job, "note", text="the gate is left of the road")
    await dora.do(job, "hold", seen=seen, reason="wait")


async def test_what_a_fact_said_is_put_right_beside_it_and_never_what_moved_accountability(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    opened = anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="north"))
    job = job_id(opened.hash)
    scan = ItemScanned(item="seal", step="installed", qty=3)
    scanned = anna.record("item.scanned", scan, job=job)
    await anna.push(client)
    seen = (await dora.get(f"/api/jobs/{job}"))["job"]["seen"]
    done = await dora.do(job, "correct", event=scanned.hash, fields={"qty": "2"}, reason="one went back")
    view = await dora.get(f"/api/jobs/{job}")
    assert [item["installed"] for item in view["items"]] == [2]
    entry = next(one for one in view["timeline"] if one["hash"] == scanned.hash)
    assert (entry["body"]["qty"], entry["reads"]["qty"], entry["disputed"]) == (3, 2, False)
    assert entry["corrected_by"] == [event["event"] for event in done["events"]]
    assert [one["reads"] for one in view["timeline"] if one["hash"] != scanned.hash] == [None, None]

    said = await dora.do(job, "hold", 409, seen=seen, reason="x")
    assert [change["kind"] for change in said["changes"]] == ["correction.made"]
    for event, fields in ((opened.hash, {"party": "bo"}), (scanned.hash, {"colour": "red"})):
        said = await dora.do(job, "correct", 422, event=event, fields=fields, reason="x")
        assert said["type"].endswith(":not-correctable")
    await dora.do(job, "correct", 404, event="A" * 43, fields={"qty": "2"}, reason="x")
    nick = await staff("nick")
    south = await dora.open_job("south")
    await nick.do(south, "correct", 404, seen=10**6, event=scanned.hash, fields={"qty": "2"}, reason="x")


async def test_a_timeline_says_when_each_event_can_have_been_recorded_whatever_its_wall_clock_says(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    opened = anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="north"))
    anna.clock_ms += 3 * 86_400_000
    anna.record("note.written", NoteWritten(text="from the day after tomorrow"), job=job_id(opened.hash))
    await anna.push(client)
    entries = (await dora.get(f"/api/jobs/{job_id(opened.hash)}"))["timeline"]
    assert [one["clock_off"] for one in entries] == [False, True]
    assert all(one["not_after"] for one in entries)


async def test_held_jobs_are_not_dispatched_until_released(staff: SignIn) -> None:
    dora = await staff("dora")
    job = await dora.open_job()
    await dora.do(job, "hold", reason="wait")
    said = await dora.do(job, "dispatch", 409, to=["anna"], boundary="site", payload=PAYLOAD)
    assert said["remedy"] == "fix"
    await dora.do(job, "release")
    await dora.do(job, "dispatch", to=["anna"], boundary="site", payload=PAYLOAD)


async def test_moving_an_offered_stop_withdraws_and_offers_again(staff: SignIn) -> None:
    dora = await staff("dora")
    job, offer = await dispatched(dora)
    await dora.do(job, "plan", plan={"stop": "s2", "crew": "bo"})
    handovers = (await dora.get(f"/api/jobs/{job}"))["handovers"]
    assert {(one["offer"] == offer, one["state"], tuple(one["to"])) for one in handovers} == {
        (True, "withdrawn", ("anna",)),
        (False, "offered", ("bo",)),
    }


async def test_an_acceptance_of_a_withdrawn_offer_is_a_case_that_the_office_resolves(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    job, offer = await dispatched(dora)
    await dora.do(job, "withdraw", offer=offer, reason="somebody nearer")
    accepts(anna, job, offer)
    await anna.push(client)

    view = await dora.get(f"/api/jobs/{job}")
    assert (view["job"]["accountable"], view["job"]["open_cases"]) == ("desk", 1)
    assert "handover.confirmed" not in [entry["kind"] for entry in view["timeline"]]
    case = (await dora.get("/api/cases"))["cases"][0]["case"]

    await dora.do(job, "resolve", basis=case["basis"], chosen=case["children"][0], reason="she is there")

    view = await dora.get(f"/api/jobs/{job}")
    assert (view["job"]["accountable"], view["job"]["open_cases"]) == ("anna", 0)
    assert (await dora.get("/api/cases"))["cases"] == []


async def test_a_resolution_by_the_office_cites_what_was_handed_on_down_the_branch_that_lost(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna, bo = await staff("dora"), await enrolled("anna"), await enrolled("bo")
    job, offer = await dispatched(dora)
    await dora.do(job, "withdraw", offer=offer, reason="somebody nearer")
    accepts(anna, job, offer)
    handed_on = Offered(
        roster=anna.roster,
        basis=anna.events[-1].hash,
        sender="anna",
        to=("bo",),
        boundary="site",
        policy=anna.policies["site"],
        payload=msgspec.convert(PAYLOAD, Payload),
    )
    onward = anna.record("handover.offered", handed_on, job=job)
    await anna.push(client)
    accepts(bo, job, onward.hash)
    assert words(await bo.push(client)) == ["applied", "applied"]

    case = (await dora.get("/api/cases"))["cases"][0]["case"]
    assert set(case["parties"]) == {"desk", "anna", "bo"}
    await dora.do(job, "resolve", basis=case["basis"], party="desk", reason="neither")

    view = await dora.get(f"/api/jobs/{job}")
    assert (view["job"]["accountable"], view["job"]["open_cases"]) == ("desk", 0)


async def test_a_refusal_leaves_the_desk_accountable(client: AsyncClient, enrolled: Enrol, staff: SignIn) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    job, offer = await dispatched(dora)
    anna.record("handover.refused", Refused(roster=anna.roster, offer=offer, party="anna", reason="ill"), job=job)
    assert words(await anna.push(client)) == ["applied", "applied"]
    view = await dora.get(f"/api/jobs/{job}")
    assert (view["job"]["accountable"], view["handovers"][0]["state"]) == ("desk", "refused")


async def test_the_office_accepts_for_somebody_and_reassigns(staff: SignIn) -> None:
    dora = await staff("dora")
    job, offer = await dispatched(dora)
    await dora.do(job, "accept-for", offer=offer, party="anna", synthesis={"words": "said so on the phone"})
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["accountable"] == "anna"
    await dora.do(job, "reassign", party="bo", reason="ill")
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["accountable"] == "bo"


async def test_jobs_merged_share_a_stop_until_somebody_arrives(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    one, two = await dora.open_job(), await dora.open_job()
    seen = {job: (await dora.get(f"/api/jobs/{job}"))["job"]["seen"] for job in (one, two)}
    jobs = [{"job": job, "seen": at} for job, at in seen.items()]
    merged = await dora.send("/api/merges", {"action": "merge-both", "stop": "s1", "jobs": jobs})
    view = await dora.get(f"/api/jobs/{two}")
    assert view["job"]["merged_with"] == [one]
    assert [entry["kind"] for entry in view["timeline"]] == ["job.opened", "job.merged"]

    anna.record("visit.arrived", VisitArrived(visit="v1", site="north"), job=one)
    await anna.push(client)
    undo = {"action": "unmerge-both", "seen": 10**6, "job": two, "merged": merged["events"][0]["event"]}
    assert (await dora.send("/api/unmerges", undo, 409))["type"].endswith("not-possible-now")


async def test_jobs_are_cancelled_and_reopened(staff: SignIn) -> None:
    dora = await staff("dora")
    job, _ = await dispatched(dora)
    await dora.do(job, "cancel", reason="not needed")
    view = await dora.get(f"/api/jobs/{job}")
    assert (view["job"]["state"], view["handovers"][0]["state"]) == ("cancelled", "withdrawn")
    await dora.do(job, "reopen", reason="needed after all")
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["state"] == "open"
    await dora.do(job, "close")
    assert [job["job"] for job in (await dora.get("/api/jobs", state="resolved"))["jobs"]] == [job]


async def test_outside_scope_a_job_is_as_if_it_were_not_there(staff: SignIn) -> None:
    dora, nick = await staff("dora"), await staff("nick")
    south = await dora.open_job("south", party="bo")
    north = await dora.open_job("north", party="bo")

    assert [job["job"] for job in (await nick.get("/api/jobs"))["jobs"]] == [north]
    hidden = await nick.get(f"/api/jobs/{south}", 404)
    unknown = await nick.get(f"/api/jobs/{'A' * 22}", 404)
    assert hidden | {"detail": ""} == unknown | {"detail": ""}
    act = {"action": "nick-notes-it", "seen": 10**6, "text": "x"}
    assert (await nick.send(f"/api/jobs/{south}/note", act, 404))["type"] == hidden["type"]


async def test_an_order_out_of_scope_cannot_be_hung_on_a_job_in_scope(staff: SignIn) -> None:
    nick, dora = await staff("nick"), await staff("dora")
    order = {"kind": "fulfilment", "source": "erp", "id": "7", "site": "south"}
    await dora.send("/api/orders", [order], 200)
    job = await nick.open_job()
    seen = (await nick.get(f"/api/jobs/{job}"))["job"]["seen"]
    asked = {"action": "match-one", "order": "erp/7", "job": job, "seen": seen}
    hidden = await nick.send("/api/orders/match", asked, 404)
    unknown = await nick.send("/api/orders/match", asked | {"order": "erp/8"}, 404)
    assert hidden["detail"].replace("erp/7", "erp/8") == unknown["detail"]
    await dora.send("/api/orders/match", asked)


async def test_a_technician_reads_what_is_his_and_does_nothing(staff: SignIn) -> None:
    dora, anna = await staff("dora"), await staff("anna")
    await anna.get(f"/api/jobs/{await dora.open_job()}", 404)
    job, _ = await dispatched(dora)
    assert (await anna.get(f"/api/jobs/{job}"))["job"]["job"] == job
    said = await anna.do(job, "hold", 403, reason="x")
    assert said["type"] == "urn:handover:problem:not-permitted"


async def test_offers_past_their_limit_escalate_step_by_step_once_each_and_move_nothing(
    intake: Intake, staff: SignIn
) -> None:
    dora = await staff("dora")
    job, _ = await dispatched(dora)
    escalation = Escalation(intake)
    now = intake.door.world.now_ms()

    counts = [await escalation.due(now + minutes * 60_000) for minutes in (59, 61, 61, 89, 95, 500)]

    assert counts == [0, 1, 0, 0, 1, 0]
    view = await dora.get(f"/api/jobs/{job}")
    told = [entry["body"]["to"] for entry in view["timeline"] if entry["kind"] == "handover.escalated"]
    assert told == ["desk", "max"]
    assert view["job"]["accountable"] == "desk"


BAD_BODIES: dict[str, bytes] = {
    "cut off": b'{"action":"aaaaaaaa","site":"no',
    "not UTF-8": b'{"action":"aaaaaaaa","site":"\xff"}',
    "a wrong type": b'{"action":"aaaaaaaa","site":5}',
    "a key twice": b'{"action":"aaaaaaaa","site":"north","site":"south"}',
    "an unknown field": b'{"action":"aaaaaaaa","site":"north","sight":"x"}',
    "nested too deep": b'{"action":"aaaaaaaa","site":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "empty": b"",
    "a list": b"[]",
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_bad_body_is_a_named_problem_with_a_remedy(name: str, staff: SignIn, client: AsyncClient) -> None:
    dora = await staff("dora")
    answer = await client.post("/api/jobs", content=BAD_BODIES[name], headers=dora.headers)
    said: dict[str, Any] = answer.json()
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (said["type"], said["remedy"]) == ("urn:handover:problem:unreadable", "fix")


async def test_a_job_opened_on_a_device_is_listed_too(client: AsyncClient, enrolled: Enrol, staff: SignIn) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    opened = anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="north"))
    await anna.push(client)
    assert [row["job"] for row in (await dora.get("/api/jobs"))["jobs"]] == [job_id(opened.hash)]
    assert encode(opened.seq) == b"2"


async def test_jobs_are_found_before_and_after_their_names_are_sorted_in(
    staff: SignIn, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_UNSORTED", 3)
    monkeypatch.setattr(views, "PAGE", 4)
    dora = await staff("dora")
    opened = [await dora.open_job() for _ in range(10)]

    intake.door.book.forget()
    for job in opened:
        assert (await dora.get(f"/api/jobs/{job}"))["job"]["job"] == job
        await dora.do(job, "note", text="found")
    listed: list[str] = []
    after = ""
    while len(listed) < len(opened):
        page = await dora.get("/api/jobs", after=after)
        listed += [job["job"] for job in page["jobs"]]
        after = page["next"]
    assert listed == opened


async def test_an_acceptance_on_a_branch_of_a_cloned_device_stands_and_is_a_case_that_the_office_settles(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    twin = anna.fork()
    job, offer = await dispatched(dora)
    anna.record("note.written", NoteWritten(text="at the gate"), job=job)
    await anna.push(client)
    accepts(twin, job, offer)
    assert words(await twin.push(client)) == ["applied", "applied"]

    view = await dora.get(f"/api/jobs/{job}")
    assert (view["job"]["accountable"], view["job"]["open_cases"]) == ("anna", 1)
    (case,) = [one["case"] for one in (await dora.get("/api/cases"))["cases"]]
    assert (case["why"], case["about"], case["parties"]) == ("forked", twin.events[-1].hash, ["anna", "desk"])
    assert [said for said in view["job"]["discrepancies"] if "note.written" in said]

    await dora.do(job, "resolve", basis=case["basis"], chosen=case["about"], reason="she was there")

    view = await dora.get(f"/api/jobs/{job}")
    assert (view["job"]["accountable"], view["job"]["open_cases"]) == ("anna", 0)
    assert (await dora.get("/api/cases"))["cases"] == []
