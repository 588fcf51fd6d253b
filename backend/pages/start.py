"""Where one arrives, and the overview of what an organisation sets up once."""

from typing import Any

from litestar import Response, Router, get

from backend.auth import may
from backend.depends import StaffRequest
from backend.pages.shell import Place, frame_of, go, page
from sync.policy import Role

__all__ = ["router"]

_ADMINS: frozenset[Role] = frozenset({"admin"})
ROOMS: tuple[Place, ...] = (
    Place("/set-up/people", "nav.people", _ADMINS),
    Place("/set-up/teams", "nav.teams", _ADMINS),
    Place("/set-up/policies", "nav.policies", _ADMINS),
    Place("/set-up/programs", "nav.programs", _ADMINS),
    Place("/set-up/webhooks", "nav.webhooks", _ADMINS),
)
"""What is set up once, in the order in which it is best done."""


@get("/")
async def start(request: StaffRequest) -> Response[Any]:
    """The first place that the reader's roles open."""
    places = frame_of(request).places
    return go(places[0].href) if places else page(request, "home.html")


@get("/set-up", guards=[may("admin")])
async def set_up(request: StaffRequest) -> Response[str]:
    """Every room of the set-up."""
    return page(request, "set_up.html", rooms=ROOMS)


router = Router("/", route_handlers=[start, set_up], include_in_schema=False)
