"""Orders over the API: what a source says, says otherwise and takes back, and who then has to know or decide."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx import AsyncClient

from backend.intake import Intake
from backend.master import PERSON, PersonRow, put
from backend.order_imports import MOST_ROWS
from backend.writing import Writing
from sync.events import Accepted
from sync.payload import Synthesis
from tests.backend.people import Author, Staff, words
from tests.backend.test_office import PAYLOAD
from tests.backend.test_sheets import workbook

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]
Facts = dict[str, Any]

DISPATCH: Facts = {
    "source": "fsm",
    "id": "D1",
    "kind": "dispatch",
    "site": "north",
    "asset": "pump",
    "customer": "acme",
}
GOODS: Facts = {
    "source": "wms",
    "id": "F1",
    "kind": "fulfilment",
    "reference": "fsm/D1",
    "site": "north",
    "lines": [{"line": "1", "article": "filter", "qty": 2}, {"line": "2", "article": "belt", "qty": 1}],
}


async def bring(by: Staff, *orders: Facts, status: int = 200, **params: str) -> Facts:
    """What the API answers to these orders."""
    headers = by.headers | {"content-type": "application/json"}
    answer = await by.client.post("/api/orders", content=json.dumps(orders), headers=headers, params=params)
    assert answer.status_code == status, answer.text
    found: Facts = answer.json()
    return found


def came(answer: Facts) -> dict[str, str]:
    return {one["order"]: one["came"] for one in answer["orders"]}


async def kinds(by: Staff, job: str) -> list[str]:
    return [entry["kind"] for entry in (await by.get(f"/api/jobs/{job}"))["timeline"]]


async def offered(dora: Staff, *more: Facts) -> str:
    """The job of DISPATCH, with `more` on it, once it was offered to anna."""
    answer = await bring(dora, DISPATCH, *more)
    job: str = answer["orders"][0]["job"]
    await dora.do(job, "dispatch", to=["anna"], boundary="site", payload=PAYLOAD)
    return job


async def accepted(client: AsyncClient, dora: Staff, anna: Author, job: str) -> None:
    """Afterwards anna holds the job, by her device."""
    offer = (await dora.get(f"/api/jobs/{job}"))["job"]["open_offers"][0]
    body = Accepted(roster=anna.roster, offer=offer, party="anna", synthesis=Synthesis(words="look"), met="remote")
    anna.record("handover.accepted", body, job=job)
    assert words(await anna.push(client))[-1] == "applied"


async def listed(by: Staff, view: str) -> list[str]:
    return [one["order"]["name"] for one in (await by.get("/api/orders", view=view))["orders"]]


async def test_orders_are_taken_in_once_and_the_same_again_is_no_event(staff: SignIn) -> None:
    dora = await staff("dora")
    answer = await bring(dora, GOODS, DISPATCH)
    assert came(answer) == {"fsm/D1": "opened", "wms/F1": "attached"}
    job = answer["orders"][0]["job"]
    before = await kinds(dora, job)
    again = await bring(dora, DISPATCH, GOODS | {"lines": GOODS["lines"][::-1]})
    assert came(again) == {"fsm/D1": "same", "wms/F1": "same"}
    assert await kinds(dora, job) == before == ["job.opened", "order.imported", "order.imported"]


async def test_csv_and_a_workbook_say_the_same_as_json(staff: SignIn) -> None:
    dora = await staff("dora")
    await bring(dora, DISPATCH, GOODS)
    rows = [["source", "id", "kind", "reference", "site", "line", "article", "qty"]]
    rows += [
        ["wms", "F1", "fulfilment", "fsm/D1", "north", str(at), article, str(qty)] for at, article, qty in GOODS_ROWS
    ]
    csv = "\n".join(",".join(row) for row in rows).encode()
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    for media, raw in (("text/csv; charset=utf-8", csv), (xlsx, workbook(rows))):
        answer = await dora.client.post("/api/orders", content=raw, headers=dora.headers | {"content-type": media})
        assert answer.status_code == 200, answer.text
        assert came(answer.json()) == {"wms/F1": "same"}


GOODS_ROWS = [(1, "filter", 2), (2, "belt", 1)]


async def test_a_bad_item_is_put_aside_with_its_place_and_holds_up_no_other(staff: SignIn) -> None:
    dora = await staff("dora")
    bad = GOODS | {"id": "F2", "lines": [{"line": "1", "article": "filter", "qty": "two"}, GOODS["lines"][1]]}
    answer = await bring(dora, DISPATCH, bad, {"source": "fsm", "id": "D2", "kind": "dispatch", "site": "nowhere"})
    assert came(answer) == {"fsm/D1": "opened", "wms/F2": "attached"}
    assert [(one["line"], one["field"], one["found"]) for one in answer["quarantined"]] == [
        (2, "lines[0].qty", "two"),
        (3, "site", "nowhere"),
    ]
    waiting = (await dora.get("/api/orders/quarantine"))["rows"]
    assert [(row["line"], row["cells"]["id"]) for row in waiting] == [(2, "F2"), (3, "D2")]


async def test_a_row_that_was_put_aside_is_mended_in_place_or_left_out_for_a_reason(staff: SignIn) -> None:
    dora = await staff("dora")
    bad = GOODS | {"lines": [GOODS["lines"][0] | {"qty": "two"}, GOODS["lines"][1]]}
    await bring(dora, DISPATCH, bad, GOODS | {"id": "F9", "site": "nowhere", "lines": []})
    one, other = (await dora.get("/api/orders/quarantine"))["rows"]
    still = await dora.send(f"/api/orders/quarantine/{one['id']}/mend", {"cells": one["cells"] | {"qty": "2.5"}}, 422)
    assert (still["where"], still["detail"]) == ("qty", "Write a whole number, 0 or more.")
    took = await dora.send(f"/api/orders/quarantine/{one['id']}/mend", {"cells": one["cells"] | {"qty": "2"}}, 200)
    assert came(took) == {"wms/F1": "changed"}
    lines = (await dora.get("/api/orders/one", name="wms/F1"))["order"]["order"]["lines"]
    assert [(line["line"], line["qty"]) for line in lines] == [("1", 2), ("2", 1)]
    dismissal = {"reason": "closed for good"}
    answer = await dora.client.post(
        f"/api/orders/quarantine/{other['id']}/dismiss", json=dismissal, headers=dora.headers
    )
    assert answer.status_code == 204
    assert (await dora.get("/api/orders/quarantine"))["rows"] == []
    await dora.send(f"/api/orders/quarantine/{one['id']}/mend", {"cells": one["cells"] | {"qty": "9"}}, 409)
    # The same file again is neither an event nor a question that was answered before.
    again = await bring(dora, DISPATCH, bad, GOODS | {"id": "F9", "site": "nowhere", "lines": []})
    assert came(again) == {"fsm/D1": "same", "wms/F1": "same"}
    assert len(again["quarantined"]) == 2
    assert (await dora.get("/api/orders/quarantine"))["rows"] == []


async def test_a_bad_row_takes_nothing_away_from_an_order_that_is_held(staff: SignIn) -> None:
    dora = await staff("dora")
    await bring(dora, DISPATCH, GOODS)
    bad = GOODS | {"lines": [GOODS["lines"][0] | {"qty": 3}, GOODS["lines"][1] | {"qty": "one"}]}
    assert came(await bring(dora, bad)) == {"wms/F1": "changed"}
    lines = (await dora.get("/api/orders/one", name="wms/F1"))["order"]["order"]["lines"]
    assert [(line["line"], line["qty"]) for line in lines] == [("1", 3), ("2", 1)]


async def test_a_row_that_a_later_file_has_right_waits_no_more(staff: SignIn) -> None:
    dora = await staff("dora")
    await bring(dora, DISPATCH, GOODS | {"site": "nowhere"})
    assert len((await dora.get("/api/orders/quarantine"))["rows"]) == 2
    await bring(dora, GOODS | {"lines": GOODS["lines"][:1]})
    [left] = (await dora.get("/api/orders/quarantine"))["rows"]
    assert left["cells"]["line"] == "2"
    await bring(dora, GOODS)
    assert (await dora.get("/api/orders/quarantine"))["rows"] == []


# -- changed after the offer --------------------------------------------------
async def test_a_change_before_any_offer_marks_nothing(staff: SignIn) -> None:
    dora = await staff("dora")
    job = (await bring(dora, DISPATCH, GOODS))["orders"][0]["job"]
    await bring(dora, GOODS | {"lines": GOODS["lines"][:1]})
    assert (await listed(dora, "changed"), (await dora.get(f"/api/jobs/{job}"))["untold"]) == ([], [])


async def test_a_job_whose_order_changed_is_marked_until_it_is_offered_again(staff: SignIn) -> None:
    dora = await staff("dora")
    job = await offered(dora, GOODS)
    await bring(dora, GOODS | {"lines": GOODS["lines"][:1]})
    seen = await dora.get(f"/api/jobs/{job}")
    assert (seen["job"]["changed_since_offer"], seen["untold"]) == (True, ["wms/F1"])
    assert await listed(dora, "changed") == ["wms/F1"]
    await dora.do(job, "withdraw", offer=seen["job"]["open_offers"][0], reason="changed")
    assert await listed(dora, "changed") == []
    await dora.do(job, "dispatch", to=["anna"], boundary="site", payload=PAYLOAD)
    seen = await dora.get(f"/api/jobs/{job}")
    assert (seen["job"]["changed_since_offer"], seen["untold"]) == (False, [])


async def test_a_change_is_told_once_the_holders_device_has_pulled_it_and_says_so(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna, bo = await staff("dora"), await enrolled("anna"), await enrolled("bo")
    job = await offered(dora, GOODS)
    await anna.pull(client)
    await accepted(client, dora, anna, job)
    await bring(dora, GOODS | {"lines": GOODS["lines"][:1]})
    for _ in range(2):  # somebody else's device says nothing of what the holder knows
        await bo.pull(client)
    await anna.pull(client)
    # What was sent may not have arrived: that it did is known when the device comes with the cursor after it.
    assert await listed(dora, "changed") == ["wms/F1"]
    await anna.pull(client)
    assert (await listed(dora, "changed"), (await dora.get(f"/api/jobs/{job}"))["untold"]) == ([], [])
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["changed_since_offer"] is True


async def test_an_offer_that_stands_open_is_not_mended_by_a_pull(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    await offered(dora, GOODS)
    await bring(dora, GOODS | {"lines": GOODS["lines"][:1]})
    for _ in range(2):
        await anna.pull(client)
    assert await listed(dora, "changed") == ["wms/F1"]


# -- taken back ---------------------------------------------------------------
@pytest.mark.parametrize("way", ["status", "delete"])
async def test_an_order_taken_back_before_any_offer_ends_its_job(staff: SignIn, way: str) -> None:
    dora = await staff("dora")
    job = (await bring(dora, DISPATCH, GOODS))["orders"][0]["job"]
    if way == "status":
        answer = await bring(dora, {"source": "fsm", "id": "D1", "cancelled": True, "reason": "sold"})
    else:
        params = {"reason": "sold"}
        answer = (await dora.client.delete("/api/orders/fsm/D1", params=params, headers=dora.headers)).json()
    assert came(answer) == {"fsm/D1": "cancelled"}
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["state"] == "cancelled"
    assert await listed(dora, "cancelled") == []
    before = await kinds(dora, job)
    assert before[-2:] == ["order.cancelled", "job.cancelled"]
    assert came(await bring(dora, {"source": "fsm", "id": "D1", "cancelled": True})) == {"fsm/D1": "same"}
    assert await kinds(dora, job) == before
    # Wanted again: the order stands as it was, and the job goes on.
    assert came(await bring(dora, DISPATCH)) == {"fsm/D1": "changed"}
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["state"] == "open"
    assert (await dora.get("/api/orders/one", name="fsm/D1"))["order"]["cancelled"] is False


async def test_an_order_taken_back_after_an_offer_is_put_before_a_dispatcher(staff: SignIn) -> None:
    dora = await staff("dora")
    job = await offered(dora, GOODS)
    gone = ({"source": "fsm", "id": "D1", "cancelled": True}, {"source": "wms", "id": "F1", "cancelled": "yes"})
    assert came(await bring(dora, *gone)) == {"fsm/D1": "asked", "wms/F1": "asked"}
    assert (await dora.get(f"/api/jobs/{job}"))["job"]["state"] == "open"
    assert await listed(dora, "cancelled") == ["fsm/D1", "wms/F1"]
    assert (await dora.get(f"/api/jobs/{job}"))["untold"] == ["fsm/D1", "wms/F1"]
    await dora.do(job, "settle-order", order="wms/F1", decision="keep", reason="the parts are in the van")
    assert await listed(dora, "cancelled") == ["fsm/D1"]
    assert (await kinds(dora, job))[-1] == "note.written"
    await dora.do(job, "settle-order", order="fsm/D1", decision="cancel", reason="sold")
    seen = await dora.get(f"/api/jobs/{job}")
    assert (seen["job"]["state"], seen["job"]["open_offers"], seen["untold"]) == ("cancelled", [], [])
    assert await listed(dora, "cancelled") == []


async def test_an_order_that_was_never_here_and_is_taken_back_is_nothing(staff: SignIn) -> None:
    dora = await staff("dora")
    assert came(await bring(dora, {"source": "x", "id": "1", "cancelled": True})) == {"x/1": "unknown"}
    assert (await dora.get("/api/orders"))["orders"] == []


async def test_goods_taken_back_while_they_wait_for_a_job_wait_no_more(staff: SignIn) -> None:
    dora = await staff("dora")
    await bring(dora, GOODS)
    assert await listed(dora, "waiting") == ["wms/F1"]
    await bring(dora, {"source": "wms", "id": "F1", "cancelled": True})
    assert await listed(dora, "waiting") == []
    assert came(await bring(dora, DISPATCH)) == {"fsm/D1": "opened"}


# -- matched ------------------------------------------------------------------
async def test_an_order_that_names_no_job_waits_with_reasons_until_a_person_says_where_it_belongs(
    staff: SignIn,
) -> None:
    dora = await staff("dora")
    job = (await bring(dora, DISPATCH))["orders"][0]["job"]
    await bring(dora, GOODS | {"reference": "", "asset": "pump", "customer": "acme"})
    [one] = (await dora.get("/api/orders", view="waiting"))["orders"]
    assert one["candidates"] == [{"job": job, "reasons": ["same site", "same asset", "same customer"]}]
    seen = (await dora.get(f"/api/jobs/{job}"))["job"]["seen"]
    await dora.send("/api/orders/match", {"action": "dora-matches", "order": "wms/F1", "job": job, "seen": seen})
    assert (await dora.get("/api/orders/one", name="wms/F1"))["order"]["job"] == job
    assert await listed(dora, "waiting") == []


async def test_a_job_is_opened_for_an_order_that_waits(staff: SignIn) -> None:
    dora, nick = await staff("dora"), await staff("nick")
    await bring(dora, GOODS | {"reference": "", "site": "south"})
    asked = {"action": "opens-for-F1", "order": "wms/F1"}
    await nick.send("/api/orders/open-job", asked, 404)
    done = await dora.send("/api/orders/open-job", asked)
    job = (await dora.get(f"/api/jobs/{done['job']}"))["job"]
    assert (job["site"], job["type"], job["accountable"], job["orders"]) == ("south", "delivery", "desk", ["wms/F1"])
    await dora.send("/api/orders/open-job", {"action": "opens-it-again", "order": "wms/F1"}, 409)


# -- who ----------------------------------------------------------------------
async def test_a_system_brings_orders_of_the_sites_in_its_scope_and_touches_no_other(
    staff: SignIn, intake: Intake
) -> None:
    def add(writing: Writing) -> None:
        row = PersonRow(name="ERP", roles=("integration",), sites=("north",))
        put(writing.con, PERSON, "erp", row, by="test", now_ms=writing.now_ms)
        intake.door.cut(writing)

    await intake.do(add)
    dora, erp, anna = await staff("dora"), await staff("erp"), await staff("anna")
    south = DISPATCH | {"site": "south"}
    job = (await bring(dora, south))["orders"][0]["job"]
    answer = await bring(erp, south | {"id": "D7"}, south | {"site": "north"}, GOODS)
    assert [(one["line"], one["field"]) for one in answer["quarantined"]] == [(1, "site"), (2, "id")]
    assert came(answer) == {"wms/F1": "waiting"}, "a reference finds nothing out of scope"
    assert came(await bring(erp, {"source": "fsm", "id": "D1", "cancelled": True})) == {}
    assert await kinds(dora, job) == ["job.opened", "order.imported"]
    await erp.get("/api/orders/one", 404, name="fsm/D1")
    await bring(anna, DISPATCH, status=403)


@pytest.mark.parametrize(
    ("media", "raw", "status", "slug"),
    [
        ("text/plain", b"source,id", 415, "wrong-media"),
        ("application/json", b'{"source": 1', 422, "bad-table"),
        ("application/json", b"[1", 422, "bad-table"),
        ("text/csv", b"colour\n1\n", 422, "bad-table"),
        ("text/csv", b"source,id,kind,site\n" + b"a,b,c,d\n" * (MOST_ROWS + 1), 413, "too-large"),
        ("text/csv", b"x" * (16 * 1024 * 1024 + 1), 413, "too-large"),
    ],
)
async def test_what_cannot_be_read_as_orders_is_a_named_problem(
    staff: SignIn, media: str, raw: bytes, status: int, slug: str
) -> None:
    dora = await staff("dora")
    answer = await dora.client.post("/api/orders", content=raw, headers=dora.headers | {"content-type": media})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:handover:problem:{slug}")


async def test_a_mapping_that_was_saved_is_how_a_source_is_read(staff: SignIn) -> None:
    dora = await staff("dora")
    await bring(dora, DISPATCH, status=404, source="sap")
    mapping = {"columns": {"id": "AUFNR", "site": "WERK"}, "constants": {"source": "sap", "kind": "dispatch"}}
    answer = await dora.client.put("/api/order-mappings/sap", json=mapping, headers=dora.headers)
    assert answer.status_code == 204, answer.text
    assert came(await bring(dora, {"AUFNR": 815, "WERK": "north", "X": "y"}, source="sap")) == {"sap/815": "opened"}
    [kept] = (await dora.get("/api/order-mappings"))["mappings"]
    assert (kept["name"], kept["changed_by"], kept["mapping"]["columns"]["site"]) == ("sap", "dora", "WERK")


async def test_the_description_says_what_a_body_may_be_and_gives_examples(client: AsyncClient) -> None:
    schema = (await client.get("/schema/openapi.json")).json()
    content = schema["paths"]["/api/orders"]["post"]["requestBody"]["content"]
    assert set(content) == {
        "application/json",
        "application/x-ndjson",
        "text/csv",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
    [example] = content["application/json"]["examples"].values()
    assert [one["id"] for one in example["value"]] == ["4711", "88120", "88119"]
