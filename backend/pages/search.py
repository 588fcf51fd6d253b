"""Search: the box on every page, what it suggests while one types, and the page of all that was found."""

from typing import Final

from litestar import Response, Router, get
from litestar.params import FromQuery

from backend.depends import StaffRequest, TheIntake, TheKnown
from backend.intake import Intake
from backend.known import Known
from backend.pages.shell import page
from backend.searching import Found, asker_of, search
from sync.policy import Role

__all__ = ["find_for", "router"]

READ_JOBS: Final[frozenset[Role]] = frozenset({"dispatcher", "manager", "technician", "depot", "integration"})
_SUGGESTED: Final = 5


@get("/search")
async def results(request: StaffRequest, intake: TheIntake, known: TheKnown, q: FromQuery[str] = "") -> Response[str]:
    """Everything in the reader's scope that this finds, by what it is, each with the reason."""
    found = await find_for(request, intake, known, q)
    return page(request, "search/results.html", found=found, asked=q.strip()[:200])


@get("/search/quick")
async def quick(request: StaffRequest, intake: TheIntake, known: TheKnown, q: FromQuery[str] = "") -> Response[str]:
    """The first few of each, as a part of a page."""
    found = await find_for(request, intake, known, q, most=_SUGGESTED)
    return page(request, "search/quick.html", found=found, asked=q.strip()[:200])


async def find_for(request: StaffRequest, intake: Intake, known: Known, asked: str, *, most: int = 20) -> Found:
    """What this finds for who asks."""
    caller = request.auth
    asker = asker_of(caller.person, caller.keys(), reads_jobs=bool(caller.roles & READ_JOBS))
    return await intake.store.reading(lambda con: search(con, known, asker, asked, most=most))


router = Router("/", route_handlers=[results, quick], include_in_schema=False)
