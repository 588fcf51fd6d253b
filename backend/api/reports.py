"""Reports as of a day, over the sites in the caller's scope."""

import asyncio

from litestar import MediaType, Response, Router, get
from litestar.params import FromQuery

from backend.api.jobs import OFFICE
from backend.depends import StaffRequest, TheIntake
from backend.history import Material, material
from backend.measures.statement import Settings
from backend.office import SOFTWARE
from backend.reach import EVERY_SITE
from backend.reports import VisitReport, avoided, avoided_facts, visit_report
from sync.clock import milliseconds
from sync.codec import encode

__all__ = ["router"]


@get("/avoided", guards=[OFFICE])
async def avoided_now(request: StaffRequest, intake: TheIntake, as_of: FromQuery[str] = "") -> Response[bytes]:
    """The statement of avoided repeat visits as of a time (RFC 3339), now where none is given.

    Read `state` before `estimate`: with NOT_ENOUGH_DATA no number may be said, and `missing` says what it takes.
    `estimate`, `low` and `high` are null where there are no visits both before and after a switch-on.
    """
    found = await _material(request, intake, as_of)

    def make() -> bytes:
        return encode(avoided_facts(avoided(found, Settings(code_version=SOFTWARE)), found.later))

    return Response(await asyncio.to_thread(make), media_type=MediaType.JSON)


@get("/visits", guards=[OFFICE])
async def visits_now(request: StaffRequest, intake: TheIntake, as_of: FromQuery[str] = "") -> VisitReport:
    """Each visit known at a time (RFC 3339), now where none is given, with its repeat, if any (rule rv-1)."""
    found = await _material(request, intake, as_of)
    return await asyncio.to_thread(visit_report, found, Settings(code_version=SOFTWARE))


async def _material(request: StaffRequest, intake: TheIntake, as_of: str) -> Material:
    as_of_ms = milliseconds(as_of) if as_of else intake.door.world.now_ms()
    keys = request.auth.keys()
    in_scope = frozenset(key.removeprefix("site:") for key in keys if key.startswith("site:"))
    sites = None if EVERY_SITE in keys else in_scope
    return await intake.store.reading(lambda con: material(con, as_of_ms, sites))


router = Router("/api/reports", route_handlers=[avoided_now, visits_now], tags=["reports"])
