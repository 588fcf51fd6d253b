"""Where one arrives, and the overview of what an organisation sets up once."""

import sqlite3
from typing import Any, Final

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromQuery

from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.masters.keeping import counts
from backend.pages.master_views import BASE
from backend.pages.masters import groups_of
from backend.pages.shell import Place, frame_of, go, page, said_problem
from backend.policies.keeping import has_policy
from backend.sample import is_empty, put_sample_in
from sync.policy import Role
from sync.problems import Problem

__all__ = ["router"]

_ADMINS: frozenset[Role] = frozenset({"admin"})
ROOMS: tuple[Place, ...] = (
    Place("/set-up/workbook", "nav.workbook", _ADMINS),
    Place("/set-up/people", "nav.people", _ADMINS),
    Place("/set-up/teams", "nav.teams", _ADMINS),
    Place("/set-up/policies", "nav.policies", _ADMINS),
    Place("/set-up/programs", "nav.programs", _ADMINS),
    Place("/set-up/devices", "nav.devices", _ADMINS),
    Place("/set-up/labels", "nav.labels", _ADMINS),
    Place("/set-up/webhooks", "nav.webhooks", _ADMINS),
)
"""What is set up once, in the order in which it is best done."""
STEPS: Final = (
    ("people", "/set-up/people"),
    ("sites", "/set-up/data/sites"),
    ("customers", "/set-up/data/customers"),
    ("crews", "/set-up/data/crews"),
    ("intents", "/set-up/data/intents"),
    ("policies", "/set-up/policies"),
    ("devices", "/set-up/devices"),
)
"""What has to be there before work is handed over, and where it is put in; in the order in which that is best done."""


class Step(msgspec.Struct, frozen=True):
    """A step of setting up: what it is called, where it is done, and whether it is."""

    name: str
    href: str
    done: bool


@get("/")
async def start(request: StaffRequest) -> Response[Any]:
    """The first place that the reader's roles open."""
    places = frame_of(request).places
    return go(places[0].href) if places else page(request, "home.html")


@get("/set-up", guards=[may("admin")])
async def set_up(request: StaffRequest, intake: TheIntake, done: FromQuery[str] = "") -> Response[str]:
    """Every room of the set-up; what to do first where it has hardly begun."""
    return await _set_up(request, intake, None, sampled=done == "sample")


async def _set_up(
    request: StaffRequest, intake: TheIntake, problem: Problem | None, *, sampled: bool = False
) -> Response[str]:
    def read(con: sqlite3.Connection) -> tuple[dict[str, int], bool, bool]:
        return counts(con), has_policy(con), is_empty(con)

    numbers, has_policies, empty = await intake.store.reading(read)
    reached = numbers | {"policies": int(has_policies), "people": numbers["people"] - 1}
    rooms = {room.href for room in ROOMS}
    steps = [
        Step(name, href, reached[name] > 0) for name, href in STEPS if href in rooms or href.startswith(f"{BASE}/")
    ]
    return page(
        request,
        "set_up.html",
        status=problem.kind.status if problem else 200,
        rooms=ROOMS,
        steps=steps,
        is_begun=all(step.done for step in steps),
        is_empty=empty,
        groups=groups_of(numbers, _ADMINS),
        problem=said_problem(frame_of(request).words, problem) if problem else None,
        sampled=sampled,
    )


@post("/set-up/sample", guards=[may("admin")])
async def sample(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards a sample organisation is there to look around in."""
    by = request.auth.person
    try:
        await intake.do(lambda writing: put_sample_in(intake.door, writing, by=by))
    except Problem as problem:
        return await _set_up(request, intake, problem)
    return go("/set-up?done=sample")


router = Router("/", route_handlers=[start, set_up, sample], include_in_schema=False)
