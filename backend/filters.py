"""Filters that people keep: a name for the address of a list, one's own or shared with a role one has."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from backend.store.sqlite import queries
from backend.world import World
from sync.details import MANY_FILTERS, NAME_LENGTH
from sync.ids import b64
from sync.policy import Role
from sync.problems import NOT_FOUND, NOT_PERMITTED, WRONG_INPUT, Problem

_SQL: Final = queries("filters")
MOST: Final = 50
"""Filters that one person keeps for one list."""
MOST_NAME: Final = 60


class SavedFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter that is kept: `query` stands behind the question mark; with a `role` everybody who has it sees it."""

    id: str
    person: str
    name: str
    query: str
    role: str


def filters_for(con: sqlite3.Connection, page: str, person: str, roles: Iterable[str]) -> tuple[SavedFilter, ...]:
    """What this person keeps for this list, and what others share; one's own first, by name."""
    given = {"page": page, "person": person}
    held = frozenset(roles)
    rows = [SavedFilter(id=row[0], person=row[1], name=row[2], query=row[3], role=row[4]) for row in _all(con, given)]
    return tuple(one for one in rows if one.person == person or one.role in held)


def _all(con: sqlite3.Connection, given: dict[str, str]) -> list[tuple[str, str, str, str, str]]:
    return con.execute(_SQL["filters"].text, given).fetchall()


def keep_filter(
    con: sqlite3.Connection,
    world: World,
    saved: SavedFilter,
    *,
    page: str,
    roles: Iterable[Role],
) -> None:
    """Afterwards the filter is kept, in the place of one's own of the same name; its id is made here.

    Raises WRONG_INPUT for a name that says nothing, NOT_PERMITTED for a role that one has not.
    """
    name = saved.name.strip()
    if not 0 < len(name) <= MOST_NAME or not name.isprintable():
        raise Problem(WRONG_INPUT, NAME_LENGTH.of(most=MOST_NAME), "name")
    if saved.role and saved.role not in set(roles):
        raise Problem(NOT_PERMITTED, f"you are no {saved.role}")
    con.execute(_SQL["replace_filter"].text, {"page": page, "person": saved.person, "name": name})
    (held,) = con.execute(_SQL["count_filters"].text, {"page": page, "person": saved.person}).fetchone()
    if held >= MOST:
        raise Problem(WRONG_INPUT, MANY_FILTERS.of(most=MOST), "name")
    row = msgspec.structs.asdict(saved) | {"id": b64(world.token(9)), "name": name, "page": page}
    con.execute(_SQL["keep_filter"].text, row | {"made_at": world.now_ms()})


def drop_filter(con: sqlite3.Connection, person: str, id_: str) -> None:
    """Afterwards this filter of one's own is kept no more; NOT_FOUND for anybody else's."""
    if not con.execute(_SQL["drop_filter"].text, {"person": person, "id": id_}).rowcount:
        raise Problem(NOT_FOUND, "filter")
