"""Taking words out, for managers and admins: what it would come to, and doing it."""

from functools import partial

from litestar import Router, post
from litestar.params import JSONBody

from backend.auth import may
from backend.bodies import check_body
from backend.depends import StaffRequest, TheIntake
from backend.intake import Intake
from backend.redacting import (
    MAY_REDACT,
    Done,
    Plan,
    Wanted,
    carry_out,
    check_scope,
    forget_person,
    joined,
    parts,
    plan,
)

__all__ = ["router"]

KEEPERS = may(*MAY_REDACT)


async def _planned(request: StaffRequest, intake: Intake, wanted: Wanted) -> Plan:
    keys = request.auth.keys()
    check_scope(keys, wanted)
    return await intake.store.reading(lambda con: plan(con, wanted, keys))


@post("/plan", guards=[KEEPERS], opt={"body": Wanted}, status_code=200)
async def show(request: StaffRequest, intake: TheIntake, data: JSONBody[Wanted]) -> Plan:
    """List what would be redacted, and what would stay as it is and why; nothing is changed."""
    return await _planned(request, intake, data)


@post("/", guards=[KEEPERS], opt={"body": Wanted})
async def redact(request: StaffRequest, intake: TheIntake, data: JSONBody[Wanted]) -> Done:
    """Take the words out of these events, and their blobs; of a person's, the name as well. Twice is once."""
    planned = await _planned(request, intake, data)
    door, by = intake.door, request.auth.person
    done = [
        await intake.do(partial(lambda writing, part: carry_out(door, writing, part, by), part=part))
        for part in parts(planned.takes)
    ]
    names = 0
    if data.person:
        names = await intake.do(lambda writing: forget_person(door, writing, data.person))
    return joined(planned, done, names)


router = Router("/api/redactions", route_handlers=[show, redact], before_request=check_body, tags=["redactions"])
