"""Files of orders that somebody brought to the page, kept while it is said how they are to be read, a day at most."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from backend.exchange.orders import FIELDS, NEEDED, Orders, ReadOrder
from backend.mapping import Mapping
from backend.order_imports import NamedMapping
from backend.ordering import is_same, name_of
from backend.rows import OrderRow
from backend.store.sqlite import queries
from backend.suggesting import fits, suggest
from backend.tables import Sheet
from backend.writing import Writing
from sync.codec import decode, encode
from sync.problems import NOT_FOUND, Problem

_SQL: Final = queries("orders")
_LISTS: Final = queries("lists")
DAY_MS: Final = 86_400_000
MOST_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a file that is brought to the page or sent over the API."""
SHOWN: Final = 20
"""Rows that a preview shows."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file on its way in, and how it is read: as the mapping of this name says, or as its headings do without one."""

    id: str
    file: str
    raw: bytes
    name: str
    mapping: Mapping | None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What taking the file in would come to, in orders: new ones, others than are held, the same, taken back."""

    new: int
    changed: int
    same: int
    cancelled: int


def is_plain(sheet: Sheet) -> bool:
    """True where the headings are the fields' own, so that nothing has to be mapped."""
    names = {name for name in sheet.headings if name}
    return names <= set(FIELDS) and set(NEEDED) <= names


def way_to_read(sheet: Sheet, file: str, saved: Iterable[NamedMapping]) -> tuple[str, Mapping | None]:
    """How a file is best read: as its headings say, by the saved mapping that fits most of it, or by a suggestion.

    The name of the mapping, empty for a suggestion, and the mapping, None where none is needed.
    """
    if is_plain(sheet):
        return "", None
    fitting = [one for one in saved if fits(one.mapping, sheet)]
    best = max(fitting, key=lambda one: len(one.mapping.columns), default=None)
    return (best.name, best.mapping) if best else ("", suggest(sheet, file))


def keep_upload(writing: Writing, upload: Upload, by: str) -> None:
    """Afterwards the file is kept for its bringer; those that nobody took in for a day are not."""
    writing.con.execute(_SQL["drop_old_uploads"].text, {"before": writing.now_ms - DAY_MS})
    body = encode(upload.mapping).decode() if upload.mapping else ""
    row = {"id": upload.id, "file": upload.file[:120], "raw": upload.raw, "mapping": upload.name, "body": body}
    writing.con.execute(_SQL["keep_upload"].text, row | {"made_by": by, "at": writing.now_ms})


def find_upload(con: sqlite3.Connection, id_: str, person: str) -> Upload:
    """The file that this person brought; NOT_FOUND where it is not, or no longer."""
    row = con.execute(_SQL["upload"].text, {"id": id_, "person": person}).fetchone()
    if row is None:
        raise Problem(NOT_FOUND, "file")
    file, raw, name, body = row
    return Upload(id=id_, file=file, raw=raw, name=name, mapping=decode(body, Mapping) if body else None)


def map_upload(writing: Writing, id_: str, person: str, name: str, mapping: Mapping | None) -> None:
    """Afterwards the file is read so."""
    body = encode(mapping).decode() if mapping else ""
    writing.con.execute(_SQL["map_upload"].text, {"id": id_, "person": person, "mapping": name, "body": body})


def drop_upload(writing: Writing, id_: str, person: str) -> None:
    """Afterwards the file is kept no more; NOT_FOUND where it is not."""
    if not writing.con.execute(_SQL["drop_upload"].text, {"id": id_, "person": person}).rowcount:
        raise Problem(NOT_FOUND, "file")


def preview(con: sqlite3.Connection, read: Orders) -> Preview:
    """What taking it in would come to, as things stand."""
    names = [*(name_of(one.order) for one in read.orders), *(f"{one.source}/{one.order}" for one in read.taken_back)]
    held = _held(con, names)
    return Preview(
        new=sum(name_of(one.order) not in held for one in read.orders),
        changed=sum(_is_other(one, held) for one in read.orders),
        same=sum(name_of(one.order) in held and not _is_other(one, held) for one in read.orders),
        cancelled=sum(
            name in held and not held[name].cancelled
            for name in (f"{one.source}/{one.order}" for one in read.taken_back)
        ),
    )


def _is_other(one: ReadOrder, held: dict[str, OrderRow]) -> bool:
    row = held.get(name_of(one.order))
    return row is not None and (row.cancelled or not is_same(row.order, one))


def _held(con: sqlite3.Connection, names: Iterable[str]) -> dict[str, OrderRow]:
    found = {}
    for name in names:
        row = con.execute(_LISTS["orders_named"].text, {"name": name}).fetchone()
        if row is not None:
            found[name] = decode(row[0], OrderRow)
    return found
