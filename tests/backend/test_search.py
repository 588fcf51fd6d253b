"""One search over everything: however it is written, whatever it is, and never outside the scope of who asks."""

import re
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx import AsyncClient

from backend.exchange.orders import Orders, ReadOrder
from backend.intake import Intake
from backend.master import PERSON, SITE, PersonRow, SiteRow, put
from backend.masters.rows import ASSET, CONTACT, CUSTOMER, AssetRow, ContactRow, CustomerRow
from backend.ordering import take_in
from backend.project import rebuild
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.events import Accepted, ItemScanned, OrderImported, OrderLine, Reservation
from sync.payload import Synthesis
from tests.backend.people import Author, Staff, words
from tests.backend.test_office import PAYLOAD

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]
Found = Callable[..., Awaitable[dict[str, set[str]]]]


@pytest.fixture
async def masters(intake: Intake) -> None:
    """Customers, sites and assets of the north and of the south."""

    def work(writing: Writing) -> None:
        def keep(kind: Any, id_: str, row: object) -> None:  # noqa: ANN401 - each row fits its kind
            put(writing.con, kind, id_, row, by="test", now_ms=writing.now_ms)

        keep(SITE, "north", SiteRow(name="Północ", address="Große Lindenstraße 12, Łódź"))
        keep(SITE, "south", SiteRow(name="South", address="Lindenstraße 3"))
        keep(CUSTOMER, "kim", CustomerRow(name="Bäckerei Kim", phone="+49 (0)331 55501-00", sites=("north",)))
        keep(CUSTOMER, "lee", CustomerRow(name="Lee & Söhne", phone="+49 40 7770001", sites=("south",)))
        keep(CONTACT, "mina", ContactRow(name="Mina Kim", customer="kim", phone="0171 555 01 23"))
        keep(ASSET, "oven-7", AssetRow(name="Oven seven", site="north", serial="BK-2207-88", customer="kim"))
        keep(ASSET, "oven-8", AssetRow(name="Oven eight", site="south", serial="BK-2207-99"))
        keep(
            PERSON, "anna", PersonRow(name="Anna Zażółć", roles=("technician",), sites=("north",), phone="0160 5550007")
        )
        keep(PERSON, "bo", PersonRow(name="Bo", roles=("technician",), sites=("south",), phone="0160 5550008"))

    await intake.do(work)


async def of(who: Staff, asked: str) -> dict[str, set[str]]:
    """What somebody finds: ids by group, groups with nothing left out."""
    found = await who.get("/api/search", 200, q=asked)
    return {group: {hit["id"] for hit in hits} for group, hits in found.items() if hits}


def read(*orders: OrderImported) -> Orders:
    """Orders as a file would have said them."""
    rows = tuple(ReadOrder(one, line) for line, one in enumerate(orders, 2))
    return Orders(orders=rows, taken_back=(), quarantined=(), rows=len(rows))


def order(number: str, job: str, site: str = "north", *serials: str) -> OrderImported:
    line = OrderLine(line="1", article="seal-40", qty=2, serials=serials)
    return OrderImported(source="erp", order=number, order_kind="fulfilment", site=site, reference=job, lines=(line,))


@pytest.mark.usefixtures("masters")
@pytest.mark.parametrize(
    ("asked", "group", "id_"),
    [
        ("BACKEREI", "customers", "kim"),
        ("kim mina", "customers", "kim"),
        ("0331 5550 100", "customers", "kim"),
        ("+49171 5550123", "customers", "kim"),
        ("grosse lindenstr", "sites", "north"),
        ("lodz", "sites", "north"),
        ("polnoc", "sites", "north"),
        ("bk2207-88", "assets", "oven-7"),
        ("2207 88", "assets", "oven-7"),
        ("oven se", "assets", "oven-7"),
        ("zazolc", "people", "anna"),
        ("5550007", "people", "anna"),
    ],
)
async def test_people_places_and_things_are_found_however_they_are_written(
    staff: SignIn, asked: str, group: str, id_: str
) -> None:
    found = await of(await staff("dora"), asked)
    assert found == {group: {id_}}, asked


@pytest.mark.usefixtures("masters")
async def test_numbers_of_jobs_orders_and_items_are_found_by_either_end(staff: SignIn, intake: Intake) -> None:
    dora = await staff("dora")
    job = await dora.open_job(customer="kim", asset="oven-7", party="max")
    await intake.do(lambda writing: take_in(intake.door, writing, read(*[order("D-10412", job, "north", "S-4711-22")])))
    for asked in ("d-104", "D 10412", "10412", "0412"):
        found = await of(dora, asked)
        assert (found["orders"], found["jobs"]) == ({"erp/D-10412"}, {job}), asked
    for asked in ("S-4711", "471122", "1122"):
        assert (await of(dora, asked))["items"] == {"S-4711-22"}, asked
    assert (await of(dora, job[:8]))["jobs"] == {job}
    found = await dora.get("/api/search", 200, q="bäckerei")
    assert [(hit["id"], hit["reason"]) for hit in found["jobs"]] == [(job, "customer")]


@pytest.mark.usefixtures("masters")
async def test_an_order_that_waits_for_its_job_is_found_too(staff: SignIn, intake: Intake) -> None:
    dora, nick = await staff("dora"), await staff("nick")
    waiting = [order("W-77", ""), order("W-78", "", "south")]
    await intake.do(lambda writing: take_in(intake.door, writing, read(*waiting)))
    assert (await of(dora, "w7"))["orders"] == {"erp/W-77", "erp/W-78"}
    assert (await of(nick, "w7"))["orders"] == {"erp/W-77"}


@pytest.mark.usefixtures("masters")
async def test_nothing_outside_the_scope_is_found(staff: SignIn, intake: Intake) -> None:
    dora, nick = await staff("dora"), await staff("nick")
    job = await dora.open_job(site="south", customer="lee", asset="oven-8", party="max")
    await intake.do(lambda writing: take_in(intake.door, writing, read(*[order("D-555", job, "south", "S-9")])))
    for asked in (
        "lee",
        "lindenstrasse 3",
        "oven eight",
        "BK-2207-99",
        "D-555",
        "S-9",
        job[:8],
        "0160 5550008",
        "40 7770001",
    ):
        assert await of(dora, asked), asked
        assert await of(nick, asked) == {}, asked


@pytest.mark.usefixtures("masters")
async def test_a_technician_finds_what_has_to_do_with_his_own_jobs_and_nothing_else(staff: SignIn) -> None:
    dora, anna = await staff("dora"), await staff("anna")
    await dora.open_job(customer="kim", asset="oven-7", party="max")
    assert await of(anna, "kim") == {}
    mine = await dora.open_job(customer="kim", asset="oven-7")
    await dora.do(mine, "dispatch", to=["anna"], boundary="site", payload=PAYLOAD)
    assert await of(anna, "kim") == {"customers": {"kim"}, "jobs": {mine}}
    assert await of(anna, "bo") == {}


@pytest.mark.usefixtures("masters")
async def test_what_is_found_is_the_same_once_projections_were_made_anew(staff: SignIn, intake: Intake) -> None:
    dora = await staff("dora")
    job = await dora.open_job(customer="walk in", asset="fridge 3")
    await intake.do(lambda writing: take_in(intake.door, writing, read(*[order("D-1", job, "north", "S-1234-5")])))
    asked = ("walk", "fridge", "D-1", "12345", "seal")
    before = [await of(dora, one) for one in asked]
    assert all(before)
    await intake.do(rebuild)
    assert [await of(dora, one) for one in asked] == before


async def test_an_items_whole_way_is_told_with_who_has_it(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    job = await dora.open_job()
    await intake.do(lambda writing: take_in(intake.door, writing, read(*[order("D-1", job, "north", "S-1", "S-2")])))
    payload = PAYLOAD | {"items": [{"id": "seal-40", "expected": 2, "counted": 2}]}
    done = await dora.do(job, "dispatch", to=["anna"], boundary="site", payload=payload)
    offer = next(one["event"] for one in done["events"] if one["kind"] == "handover.offered")
    body = Accepted(
        roster=anna.roster,
        offer=offer,
        party="anna",
        synthesis=Synthesis(words="fit it"),
        met="remote",
        reservations=(Reservation(item="seal-40", counted=1, remark="box is open"),),
    )
    anna.record("handover.accepted", body, job=job)
    anna.record("item.scanned", ItemScanned(item="S-1", step="installed"), job=job)
    assert words(await anna.push(client)) == ["applied"] * 3
    found = await dora.get("/api/items/seal-40")
    (at,) = found["jobs"]
    assert [(step["step"], step["qty"]) for step in at["way"]] == [
        ("ordered", 2),
        ("offered", 2),
        ("handed_over", 1),
        ("reserved", 1),
        ("installed", 1),
    ]
    assert (at["counts"]["with_party"], at["counts"]["reserved"], at["counts"]["installed"]) == ("anna", 1, 1)
    one = await dora.get("/api/items/S-2")
    assert one["article"] == "seal-40"
    assert [step["step"] for step in one["jobs"][0]["way"]] == ["ordered"]
    await (await staff("nick")).get("/api/items/seal-40")
    await dora.get("/api/items/nothing", 404)


async def test_a_search_reads_no_table_of_jobs_or_words_from_end_to_end(intake: Intake) -> None:
    plans = await intake.store.reading(_plans)
    assert len(plans) == 3
    for plan in plans:
        assert set(re.findall(r"SCAN (\w+)", plan)) <= {"json_each"}, plan


def _plans(con: sqlite3.Connection) -> list[str]:
    found = []
    for room, name in (("search", "words_from"), ("lists", "found"), ("search", "job_reached")):
        query = queries(room)[name]
        given = dict.fromkeys(query.names, "") | {"most": 5, "job": 1}
        rows = con.execute(f"EXPLAIN QUERY PLAN {query.text}", given).fetchall()
        found.append("; ".join(row[3] for row in rows))
    return found
