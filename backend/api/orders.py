"""Orders over the API: taken in as systems send them, looked through, matched to jobs, mended where put aside."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import Router, delete, get, post, put
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, FromQuery, JSONBody, RawBody

from backend.acting import Acting, AskedForOrder, AskedMatch, AskedSettling, Done
from backend.api.jobs import OFFICE, READERS
from backend.auth import may
from backend.bodies import check_body
from backend.depends import StaffRequest, TheIntake
from backend.exchange.orders import Orders, TakenBack, read_orders
from backend.mapping import Mapping
from backend.order_imports import (
    MOST_ROWS,
    Aside,
    NamedMapping,
    Ran,
    Said,
    dismiss,
    find_aside,
    find_mapping,
    import_orders,
    keep_mapping,
    list_asides,
    list_mappings,
    mend,
    zones_of,
)
from backend.ordering import Came, Imported
from backend.sheets import Format
from backend.uploads import MOST_BYTES
from backend.views import OrderFilter, OrderList, OrderView, find_order, list_orders
from sync.payload import Line
from sync.problems import TOO_LARGE, WRONG_MEDIA, Problem

__all__ = ["router"]

BRINGERS = may("integration", "dispatcher", "manager")
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMATS: Final[dict[str, Format]] = {
    "application/json": "json",
    "application/x-ndjson": "json",
    "text/csv": "csv",
    XLSX: "xlsx",
}


class NotTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A row or item that was put aside: where it stands, which field, what was found there, what to do."""

    line: int
    field: str
    found: str
    remedy: str


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What became of what was sent: how many rows there were, what each order came to, and what was put aside.

    The same sent again records nothing. `run` names the import in lists, 0 where nothing was put aside.
    """

    rows: int
    counts: Imported
    orders: tuple[Came, ...]
    quarantined: tuple[NotTaken, ...] = ()
    run: int = 0


class AskedMending(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The row's cells by field as they are right: all of them, not only what was wrong."""

    cells: dict[str, str]


class AskedDismissal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The row is not wanted, for this reason."""

    reason: Line


class AsideList(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that were put aside and wait, the oldest first; `next` goes into `after` for the page after it."""

    rows: tuple[Aside, ...]
    next: int = 0


class MappingList(msgspec.Struct, frozen=True, kw_only=True):
    """Every mapping, by name."""

    mappings: tuple[NamedMapping, ...]


_JSON_EXAMPLE: Final = [
    {
        "source": "fsm",
        "id": "4711",
        "kind": "dispatch",
        "site": "mill",
        "asset": "mill-chiller",
        "customer": "mill-works",
        "window_from": "2026-03-02T08:00",
        "window_to": "2026-03-02T12:00",
        "minutes": 90,
        "intent": "repair",
        "skills": ["cooling"],
        "priority": "urgent",
    },
    {
        "source": "wms",
        "id": "88120",
        "kind": "fulfilment",
        "reference": "fsm/4711",
        "site": "mill",
        "lines": [{"line": "1", "article": "filter-f7", "qty": 2, "weight_g": 400, "volume_ml": 3000}],
    },
    {"source": "wms", "id": "88119", "cancelled": True, "reason": "out of stock"},
]
_CSV_EXAMPLE: Final = (
    "source,id,kind,reference,site,line,article,qty\nwms,88120,fulfilment,fsm/4711,mill,1,filter-f7,2\n"
)


@dataclass
class _TakesOrders(Operation):
    """The description of a body that is read by its content type."""

    def __post_init__(self) -> None:
        text = Schema(type=OpenAPIType.STRING)
        book = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        array = Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT))
        self.request_body = RequestBody(
            required=True,
            description=f"Orders, {MOST_ROWS} rows and {MOST_BYTES} bytes at most: an array or single object of JSON, "
            "JSON lines, CSV or XLSX. A row for each line of goods, or `lines` inside an order. Times without offset "
            "are in the site's zone. `cancelled: true` takes an order back.",
            content={
                "application/json": OpenAPIMediaType(schema=array, examples={"orders": Example(value=_JSON_EXAMPLE)}),
                "application/x-ndjson": OpenAPIMediaType(schema=text),
                "text/csv": OpenAPIMediaType(schema=text, examples={"goods": Example(value=_CSV_EXAMPLE)}),
                XLSX: OpenAPIMediaType(schema=book),
            },
        )


@post("/orders", guards=[BRINGERS], status_code=200, request_max_body_size=MOST_BYTES, operation_class=_TakesOrders)
async def bring(request: StaffRequest, body: RawBody, intake: TheIntake, source: FromQuery[str] = "") -> Took:
    """Take orders in: each is recorded once as it now is; what cannot be used is put aside and holds up no other.

    `source` names a saved mapping, for a system that has its own headings and words.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in _FORMATS:
        raise Problem(WRONG_MEDIA, f"{media[:60] or 'nothing'}; orders are {', '.join(_FORMATS)}")
    keys = request.auth.keys()
    mapping, zones = await intake.store.reading(
        lambda con: (find_mapping(con, source) if source else None, zones_of(con, keys))
    )
    read = await asyncio.to_thread(read_orders, body, zones, mapping, _FORMATS[media])
    if read.rows > MOST_ROWS:
        raise Problem(TOO_LARGE, f"{read.rows} rows; send {MOST_ROWS} at a time")
    return await _took(request, intake, read, source)


async def _took(request: StaffRequest, intake: TheIntake, read: Orders, mapping: str = "") -> Took:
    said = Said(by=request.auth.person, via="api", mapping=mapping)
    keys = request.auth.keys()
    return _said(await intake.do(lambda writing: import_orders(intake.door, writing, read, said, keys)))


def _said(ran: Ran) -> Took:
    bad = tuple(NotTaken(line=one.line, field=one.field, found=one.found, remedy=one.remedy) for one in ran.quarantined)
    return Took(rows=ran.rows, counts=ran.taken.counts(), orders=ran.taken.orders, quarantined=bad, run=ran.run)


@delete("/orders/{source:str}/{order:str}", guards=[BRINGERS], status_code=200)
async def take_back(
    request: StaffRequest, intake: TheIntake, source: FromPath[str], order: FromPath[str], reason: FromQuery[str] = ""
) -> Took:
    """Take an order back. A job nobody was offered ends with it; of any other a dispatcher says what becomes of it."""
    keys = request.auth.keys()
    await intake.store.reading(lambda con: find_order(con, keys, f"{source}/{order}"))
    gone = TakenBack(source, order, reason[:500], 1)
    return await _took(request, intake, Orders(orders=(), taken_back=(gone,), quarantined=(), rows=1))


# -- looked through -----------------------------------------------------------
@get("/orders", guards=[READERS])
async def orders(  # noqa: PLR0913, PLR0917 - a query parameter each
    request: StaffRequest,
    intake: TheIntake,
    waiting: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter is always named
    view: FromQuery[str] = "",
    site: FromQuery[str] = "",
    source: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    text: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> OrderList:
    """Orders in the caller's scope; `waiting=true` for those that belong to no job yet, with candidates.

    `view` is waiting, changed (after their job was offered, and its holder may not know) or cancelled (after that).
    """
    keys = request.auth.keys()
    wanted = OrderFilter(view="waiting" if waiting else view, site=site, source=source, kind=kind, text=text)
    return await intake.store.reading(lambda con: list_orders(con, keys, wanted, after))


@get("/orders/one", guards=[READERS])
async def one_order(request: StaffRequest, intake: TheIntake, name: FromQuery[str]) -> OrderView:
    """One order by its name, `source/id`."""
    keys = request.auth.keys()
    return await intake.store.reading(lambda con: find_order(con, keys, name))


# -- matched, and settled -----------------------------------------------------
@post("/orders/match", guards=[OFFICE], opt={"body": AskedMatch})
async def match(request: StaffRequest, intake: TheIntake, data: JSONBody[AskedMatch]) -> Done:
    """Hang an order that waits on a job."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.match(writing, data))


@post("/orders/open-job", guards=[OFFICE], opt={"body": AskedForOrder})
async def open_job(request: StaffRequest, intake: TheIntake, data: JSONBody[AskedForOrder]) -> Done:
    """Open a job for an order that waits, and hang it on that."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.open_for(writing, data))


@post("/jobs/{job:str}/settle-order", guards=[OFFICE], opt={"body": AskedSettling})
async def settle(request: StaffRequest, intake: TheIntake, job: FromPath[str], data: JSONBody[AskedSettling]) -> Done:
    """Say what becomes of a job whose order was taken back after it was offered."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.settle(writing, job, data))


# -- put aside ----------------------------------------------------------------
@get("/orders/quarantine", guards=[OFFICE])
async def quarantine(request: StaffRequest, intake: TheIntake, after: FromQuery[int] = 0) -> AsideList:
    """Rows that were put aside and wait, of sites in the caller's scope and of what the caller brought."""
    keys, person = request.auth.keys(), request.auth.person
    rows = await intake.store.reading(lambda con: list_asides(con, keys, person, after=after))
    return AsideList(rows=tuple(rows), next=rows[-1].id if len(rows) == 50 else 0)


@post("/orders/quarantine/{row:int}/mend", guards=[OFFICE], status_code=200, opt={"body": AskedMending})
async def mend_row(request: StaffRequest, intake: TheIntake, row: FromPath[int], data: JSONBody[AskedMending]) -> Took:
    """Take a row in as it is right."""
    keys, person = request.auth.keys(), request.auth.person

    def work(writing: Any) -> Ran:  # noqa: ANN401 - the door's own
        aside = find_aside(writing.con, keys, person, row)
        return mend(intake.door, writing, aside, data.cells, person, keys)

    return _said(await intake.do(work))


@post("/orders/quarantine/{row:int}/dismiss", guards=[OFFICE], status_code=204, opt={"body": AskedDismissal})
async def dismiss_row(
    request: StaffRequest, intake: TheIntake, row: FromPath[int], data: JSONBody[AskedDismissal]
) -> None:
    """Leave a row out for good."""
    keys, person = request.auth.keys(), request.auth.person
    await intake.do(lambda writing: dismiss(writing, find_aside(writing.con, keys, person, row), person, data.reason))


# -- mappings -----------------------------------------------------------------
@get("/order-mappings", guards=[READERS])
async def mappings(intake: TheIntake) -> MappingList:
    """How each source writes its orders."""
    return MappingList(mappings=tuple(await intake.store.reading(list_mappings)))


@put("/order-mappings/{name:str}", guards=[OFFICE], status_code=204, opt={"body": Mapping})
async def put_mapping(request: StaffRequest, intake: TheIntake, name: FromPath[str], data: JSONBody[Mapping]) -> None:
    """Afterwards what comes with `?source=` and this name is read so."""
    await intake.do(lambda writing: keep_mapping(writing, name, data, request.auth.person))


router = Router(
    "/api",
    route_handlers=[
        bring,
        take_back,
        orders,
        one_order,
        match,
        open_job,
        settle,
        quarantine,
        mend_row,
        dismiss_row,
        mappings,
        put_mapping,
    ],
    before_request=check_body,
    tags=["orders"],
)
