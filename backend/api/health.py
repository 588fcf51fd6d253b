"""Is the process alive; is it ready to answer."""

import msgspec
from litestar import Router, get

from backend.depends import TheIntake
from sync.problems import TOO_BUSY, Problem

__all__ = ["router"]


class Health(msgspec.Struct, frozen=True):
    """What a load balancer asks."""

    status: str
    epoch: str = ""


@get("/live")
async def live() -> Health:
    """The process runs."""
    return Health("alive")


@get("/ready")
async def ready(intake: TheIntake) -> Health:
    """The database answers and the writer is at work; else 503."""
    if intake.is_stopped:
        raise Problem(TOO_BUSY, "the writer has stopped")
    epoch = await intake.store.reading(lambda con: con.execute("SELECT count(*) FROM mark").fetchone())
    return Health("ready" if epoch else "empty", intake.door.book.epoch)


router = Router("/health", route_handlers=[live, ready], tags=["operations"], opt={"open": True})
