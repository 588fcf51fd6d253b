"""What the office looks through: handovers, cases, visits."""

from litestar import Router, get
from litestar.params import FromQuery

from backend.api.jobs import READERS
from backend.bodies import check_body
from backend.depends import InState, StaffRequest, TheIntake
from backend.views import (
    CaseList,
    HandoverList,
    VisitList,
    list_cases,
    list_handovers,
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


router = Router("/api", route_handlers=[handovers, cases, visits], before_request=check_body, tags=["lists"])
