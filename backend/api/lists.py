"""What the office looks through: handovers, cases, visits, orders."""

from litestar import Router, get, post
from litestar.params import FromQuery, JSONBody

from backend.acting import Acting, AskedMatch, Done
from backend.api.jobs import OFFICE, READERS
from backend.bodies import check_body
from backend.depends import InState, StaffRequest, TheIntake
from backend.views import (
    CaseList,
    HandoverList,
    OrderList,
    VisitList,
    list_cases,
    list_handovers,
    list_orders,
    list_visits,
)

__all__ = ["router"]


@get("/handovers", guards=[READERS])
async def handovers(
    request: StaffRequest, intake: TheIntake, in_state: InState = "", after: FromQuery[str] = ""
) -> HandoverList:
    """Handovers in the caller's scope, the oldest offer first."""
    keys = request.auth.keys()
    return await intake.store.reading(lambda con: list_handovers(con, keys, state=in_state, after=after))


@get("/cases", guards=[READERS])
async def cases(request: StaffRequest, intake: TheIntake, in_state: InState = "open") -> CaseList:
    """Contests in the caller's scope; `state` is open, resolved, or empty for both."""
    keys = request.auth.keys()
    return await intake.store.reading(lambda con: list_cases(con, keys, state=in_state))


@get("/visits", guards=[READERS])
async def visits(
    request: StaffRequest, intake: TheIntake, site: FromQuery[str] = "", after: FromQuery[str] = ""
) -> VisitList:
    """Visits in the caller's scope."""
    keys = request.auth.keys()
    return await intake.store.reading(lambda con: list_visits(con, keys, site=site, after=after))


@get("/orders", guards=[READERS])
async def orders(
    request: StaffRequest,
    intake: TheIntake,
    waiting: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter is always named
    site: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> OrderList:
    """Orders in the caller's scope; `waiting=true` for those that belong to no job yet, with candidates."""
    keys = request.auth.keys()
    return await intake.store.reading(lambda con: list_orders(con, keys, waiting=waiting, site=site, after=after))


@post("/orders/match", guards=[OFFICE], opt={"body": AskedMatch})
async def match(request: StaffRequest, intake: TheIntake, data: JSONBody[AskedMatch]) -> Done:
    """Hang an order that waits on a job."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.match(writing, data))


router = Router(
    "/api", route_handlers=[handovers, cases, visits, orders, match], before_request=check_body, tags=["lists"]
)
