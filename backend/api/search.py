"""What people look for, and one item, for programs: the same as the pages show."""

from litestar import Router, get
from litestar.params import FromPath, FromQuery

from backend.api.jobs import READERS
from backend.depends import StaffRequest, TheIntake, TheKnown
from backend.items import ItemView, find_item
from backend.searching import Found, asker_of, search

__all__ = ["router"]


@get("/search", guards=[READERS])
async def find(request: StaffRequest, intake: TheIntake, known: TheKnown, q: FromQuery[str]) -> Found:
    """Jobs, orders, items, customers, sites, assets, people in the caller's scope, by number, name, phone or street."""
    caller = request.auth
    asker = asker_of(caller.person, caller.keys(), reads_jobs=True)
    return await intake.store.reading(lambda con: search(con, known, asker, q))


@get("/items/{item:path}", guards=[READERS])
async def one_item(request: StaffRequest, intake: TheIntake, item: FromPath[str]) -> ItemView:
    """An article or a serial number: where it is, who has it, and its whole way, in every job of the caller's scope."""
    keys, name = request.auth.keys(), str(item).removeprefix("/")
    return await intake.store.reading(lambda con: find_item(con, keys, name))


router = Router("/api", route_handlers=[find, one_item], tags=["search"])
