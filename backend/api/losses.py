"""What nobody holds any more after a restore, for managers: see it, and declare it lost."""

from litestar import Router, get, post
from litestar.params import JSONBody

from backend.acting import Acting, AskedLoss, Done
from backend.auth import may
from backend.bodies import check_body
from backend.depends import StaffRequest, TheIntake
from backend.losses import MAY_DECLARE, Missing, find_missing
from backend.reach import EVERY_SITE
from sync.problems import NOT_PERMITTED, Problem

__all__ = ["router"]

MANAGERS = may(*MAY_DECLARE)


@get("/losses", guards=[MANAGERS])
async def losses(request: StaffRequest, intake: TheIntake) -> Missing:
    """All that is known to be missing and was not declared lost, for managers of every site."""
    keys = request.auth.keys()
    if EVERY_SITE not in keys:
        raise Problem(NOT_PERMITTED, "what is missing could be of any site")
    return await intake.store.reading(find_missing)


@post("/losses", guards=[MANAGERS], opt={"body": AskedLoss})
async def declare(request: StaffRequest, intake: TheIntake, data: JSONBody[AskedLoss]) -> Done:
    """Declare that nobody holds it any more."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.declare_lost(writing, data))


router = Router("/api", route_handlers=[losses, declare], before_request=check_body, tags=["devices"])
