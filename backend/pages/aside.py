"""What came from revoked devices and is put aside, for managers: looked at, and let count one by one."""

from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.params import FromQuery

from backend.acting import Acting, AskedPromotion
from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.devices import ms_of
from backend.pages.forms import read_form
from backend.pages.misfits import asked_as
from backend.pages.shell import frame_of, go, page, said_problem
from backend.promoting import MAY_PROMOTE, put_aside
from sync.ids import b64
from sync.problems import Problem

__all__ = ["router"]

_ACTION_BYTES: Final = 16
MOST: Final = 200
"""Events on one page; with fewer waiting the next ones come up."""


@get("/set-up/aside")
async def aside(
    request: StaffRequest, intake: TheIntake, device: FromQuery[str] = "", done: FromQuery[str] = ""
) -> Response[str]:
    """What is put aside, of all devices or of one, in the reader's scope."""
    return await _page(request, intake, device, None, done=done)


@post("/set-up/aside")
async def promote(request: StaffRequest, intake: TheIntake, device: FromQuery[str] = "") -> Response[Any]:
    """Afterwards one event counts; the rest stays where it is."""
    form = await read_form(request)
    acting = Acting(intake.door, request.auth.person)
    try:
        asked = asked_as({name: text for name in ("action", "reason") if (text := form.text(name))}, AskedPromotion)
        await intake.do(lambda writing: acting.promote(writing, form.text("event"), asked))
    except Problem as problem:
        return await _page(request, intake, device, problem)
    return go("/set-up/aside?done=promoted")


async def _page(
    request: StaffRequest, intake: TheIntake, device: str, problem: Problem | None, *, done: str = ""
) -> Response[str]:
    keys = request.auth.keys()
    found = await intake.store.reading(lambda con: put_aside(con, device, keys))
    rows = [
        (one, ms_of(one.wall), ms_of(one.received_at), b64(intake.door.world.token(_ACTION_BYTES)))
        for one in found[:MOST]
    ]
    content = {
        "rows": rows,
        "count": len(found),
        "device": device,
        "done": done == "promoted",
        "problem": said_problem(frame_of(request).words, problem) if problem else None,
    }
    return page(request, "devices/aside.html", status=problem.kind.status if problem else 200, **content)


router = Router("/", route_handlers=[aside, promote], guards=[may(*MAY_PROMOTE)], include_in_schema=False)
