"""Jobs for people of the office: lists, one with everything, and what can be done with it."""

from typing import Any

from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from backend.acting import Acting, Done
from backend.actions import Action, Asked, AskedMerge, AskedUnmerge
from backend.auth import may
from backend.bodies import check_body
from backend.by_hand import EVERY_ACTION, AskedJob
from backend.depends import InState, StaffRequest, TheIntake
from backend.narrowing import filter_of
from backend.views import JobList, JobView, find_job, list_jobs

__all__ = ["router"]

OFFICE = may("dispatcher", "manager")
READERS = may("dispatcher", "manager", "technician", "depot", "integration")


@get("/jobs", guards=[READERS])
async def jobs(  # noqa: PLR0913, PLR0917 - each is a query parameter
    request: StaffRequest,
    intake: TheIntake,
    in_state: InState = "",
    site: FromQuery[str] = "",
    accountable: FromQuery[str] = "",
    planned: FromQuery[str] = "",
    offered: FromQuery[str] = "",
    asset: FromQuery[str] = "",
    customer: FromQuery[str] = "",
    priority: FromQuery[str] = "",
    only: FromQuery[list[str] | None] = None,
    after: FromQuery[str] = "",
) -> JobList:
    """Jobs in the caller's scope, by priority, nearest limit and age; `only` narrows to what is held or contested."""
    keys = request.auth.keys()
    given = {"state": in_state, "site": site, "accountable": accountable, "planned": planned, "offered": offered}
    given |= {"asset": asset, "customer": customer, "priority": priority}
    wanted = filter_of(given, tuple(only or ()))
    return await intake.store.reading(lambda con: list_jobs(con, keys, wanted, after=after))


@get("/jobs/{job:str}", guards=[READERS])
async def one_job(request: StaffRequest, intake: TheIntake, job: FromPath[str]) -> JobView:
    """A job with its handovers, visits, items, cases, orders and timeline."""
    keys = request.auth.keys()
    return await intake.store.reading(lambda con: find_job(con, keys, job))


@post("/jobs", guards=[OFFICE], opt={"body": AskedJob})
async def open_job(request: StaffRequest, intake: TheIntake, data: JSONBody[AskedJob]) -> Done:
    """Open a job by hand."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.open(writing, data))


@post("/merges", guards=[OFFICE], opt={"body": AskedMerge})
async def merge(request: StaffRequest, intake: TheIntake, data: JSONBody[AskedMerge]) -> Done:
    """Put jobs and their orders on one stop."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.merge(writing, data))


@post("/unmerges", guards=[OFFICE], opt={"body": AskedUnmerge})
async def unmerge(request: StaffRequest, intake: TheIntake, data: JSONBody[AskedUnmerge]) -> Done:
    """Undo a merge."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.unmerge(writing, data))


def _handler(name: str, action: Action[Any]) -> Any:  # noqa: ANN401 - a route handler; its body's type is data
    async def act(request: StaffRequest, intake: TheIntake, job: FromPath[str], data: JSONBody[Asked]) -> Done:
        acting = Acting(intake.door, request.auth.person)
        return await intake.do(lambda writing: acting.act(writing, action, job, data))

    body: Any = JSONBody
    act.__annotations__["data"] = body[action.shape]
    act.__doc__ = action.shape.__doc__
    act.__name__ = f"{name.replace('-', '_')}_job"
    return post(f"/jobs/{{job:str}}/{name}", guards=[OFFICE], opt={"body": action.shape})(act)


router = Router(
    "/api",
    route_handlers=[jobs, one_job, open_job, merge, unmerge, *(_handler(*row) for row in EVERY_ACTION.items())],
    before_request=check_body,
    tags=["jobs"],
)
