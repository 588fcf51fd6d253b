"""Items: which are still to come, and for each where it is, who has it, and its whole way."""

import sqlite3
from typing import Final

import msgspec
from litestar import Response, Router, get
from litestar.params import FromPath, FromQuery

from backend.api.jobs import READERS
from backend.called import Called
from backend.depends import StaffRequest, TheIntake
from backend.items import ItemList, ItemView, find_item, list_items
from backend.pages.shell import page

__all__ = ["router"]

ONLY: Final = ("goods", "short", "reserved")
"""What a list of items is narrowed to: not all there yet, short, accepted as not received."""


class _Named(msgspec.Struct, frozen=True, kw_only=True):
    names: dict[str, str]
    sites: dict[str, str]
    articles: dict[str, str]
    zones: dict[str, str]


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    found: ItemList
    named: _Named


class _One(msgspec.Struct, frozen=True, kw_only=True):
    view: ItemView
    named: _Named


def _named(con: sqlite3.Connection, sites: set[str], articles: set[str]) -> _Named:
    called = Called(con)
    return _Named(
        names=called.names(),
        sites={site: called.name_of_site(site) for site in sites},
        articles={item: called.name_of_item(item) for item in articles},
        zones={site: called.zone(site) for site in sites},
    )


@get("/items", guards=[READERS])
async def items(
    request: StaffRequest,
    intake: TheIntake,
    only: FromQuery[str] = "",
    site: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Response[str]:
    """Items of open jobs in the reader's scope that are not all delivered, short, or reserved."""
    keys = request.auth.keys()
    wanted = only if only in ONLY else ONLY[0]

    def read(con: sqlite3.Connection) -> _Listed:
        found = list_items(con, keys, only=wanted, site=site, after=after)
        sites, articles = {row.job.site for row in found.items}, {row.item.item for row in found.items}
        return _Listed(found=found, named=_named(con, sites, articles))

    listed = await intake.store.reading(read)
    return page(
        request,
        "items/list.html",
        found=listed.found,
        named=listed.named,
        only=wanted,
        onlies=ONLY,
        site=site,
        is_first=not after,
    )


@get("/items/{item:path}", guards=[READERS])
async def item(request: StaffRequest, intake: TheIntake, item: FromPath[str]) -> Response[str]:
    """One article or serial number, in every job of the reader's scope that has it."""
    keys, name = request.auth.keys(), str(item).removeprefix("/")

    def read(con: sqlite3.Connection) -> _One:
        view = find_item(con, keys, name)
        return _One(view=view, named=_named(con, {one.site for one in view.jobs}, {name, view.article or name}))

    found = await intake.store.reading(read)
    return page(request, "items/item.html", view=found.view, named=found.named)


router = Router("/", route_handlers=[items, item], include_in_schema=False)
