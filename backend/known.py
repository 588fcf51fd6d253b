"""Master data as people look for them: customers with their contacts, sites, assets and people, read once a version."""

import sqlite3
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from backend.master import PERSON, SITE, PersonRow, SiteRow
from backend.masters.rows import ASSET, CONTACT, CUSTOMER, AssetRow, ContactRow, CustomerRow
from backend.spelling import SHORTEST_PHONE, figures, squashed, words
from backend.store.sqlite import queries
from sync.codec import decode

_SQL: Final = queries("search")
_SHAPES: Final = {kind.name: kind.shape for kind in (PERSON, SITE, CUSTOMER, CONTACT, ASSET)}
_SHORTEST_INSIDE: Final = 3
_WHOLE_PHONE: Final = 6
"""Figures from which on a number is taken for whole."""
Why = Literal["number", "name", "serial", "phone", "street"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it is looked for: what it leads to, and the texts it is found by, folded.

    `words` begin with a blank each. A contact leads to its customer.
    """

    group: Literal["customer", "site", "asset", "person"]
    id: str
    name: str
    detail: str = ""
    phone: str = ""
    sites: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    words: str = ""
    street: str = ""
    number: str = ""
    serial: str = ""
    figures: str = ""
    is_contact: bool = False

    def why(self, asked: tuple[str, ...], whole: str, phone: str) -> Why | None:
        """By what it is found; None where it is not. All words asked for must begin one of its own."""
        if phone and self._is_called(phone):
            return "phone"
        if whole == self.number or (len(whole) >= _SHORTEST_INSIDE and whole in self.number):
            return "number" if any(one.isdigit() for one in whole) else "name"
        if len(whole) >= _SHORTEST_INSIDE and whole in self.serial:
            return "serial"
        if all(f" {word}" in self.words for word in asked):
            return "name"
        both = self.words + self.street
        return "street" if self.street and all(f" {word}" in both for word in asked) else None

    def _is_called(self, phone: str) -> bool:
        """True where these figures are in the number, or end with all of it: one may lack the country, or the zero."""
        own = self.figures.lstrip("0")
        return phone in self.figures or (len(own) >= _WHOLE_PHONE and phone.endswith(own))


class Known:
    """Every row in force, by kind and id. Readers share it: what is replaced is replaced whole."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[int, Entry | None]] = {}

    def matching(
        self, con: sqlite3.Connection, asked: tuple[str, ...], whole: str, phone: str
    ) -> Iterator[tuple[Entry, Why]]:
        """Each row that this finds, and by what: exact numbers first, then names, phones and streets, by name."""
        found: list[tuple[int, str, Entry, Why]] = []
        for entry in self._now(con):
            why = entry.why(asked, whole, phone)
            if why is not None:
                exact = whole in (entry.number, entry.serial)
                found.append((0 if exact else _RANK[why], entry.name, entry, why))
        found.sort(key=lambda one: one[:2])
        return ((entry, why) for *_, entry, why in found)

    def _now(self, con: sqlite3.Connection) -> list[Entry]:
        held, now = self._held, {}
        for kind, id_, version in con.execute(_SQL["masters_now"].text).fetchall():
            if kind in _SHAPES:
                at = held.get((kind, id_))
                now[kind, id_] = (
                    at if at is not None and at[0] == version else (version, _read(con, kind, id_, version))
                )
        self._held = now
        return [entry for _, entry in now.values() if entry is not None]


_RANK: Final[dict[Why, int]] = {"number": 1, "serial": 1, "name": 2, "phone": 2, "street": 3}


def _read(con: sqlite3.Connection, kind: str, id_: str, version: int) -> Entry | None:
    given = {"kind": kind, "id": id_, "version": version}
    (body,) = con.execute(_SQL["master_body"].text, given).fetchone()
    match decode(body, _SHAPES[kind]):
        case PersonRow() as row:
            return _entry("person", id_, row.name, phone=row.phone, sites=row.sites, teams=row.teams)
        case SiteRow() as row:
            return _entry("site", id_, row.name, street=row.address, sites=(id_,))
        case CustomerRow() as row:
            return _entry("customer", id_, row.name, street=row.address, phone=row.phone, sites=row.sites)
        case ContactRow() as row if row.customer:
            found = _entry("customer", row.customer, row.name, phone=row.phone, sites=row.sites)
            return msgspec.structs.replace(found, number="", detail=row.position, is_contact=True)
        case AssetRow() as row:
            found = _entry("asset", id_, row.name, sites=(row.site,))
            return msgspec.structs.replace(found, serial=squashed(row.serial), detail=row.serial)
    return None


def _entry(
    group: Literal["customer", "site", "asset", "person"],
    id_: str,
    name: str,
    *,
    street: str = "",
    phone: str = "",
    sites: tuple[str, ...] = (),
    teams: tuple[str, ...] = (),
) -> Entry:
    said = figures(phone)
    return Entry(
        group=group,
        id=id_,
        name=name or id_,
        detail=street,
        phone=phone,
        sites=frozenset(sites),
        teams=frozenset(teams),
        words="".join(f" {word}" for word in words(f"{name} {id_}")),
        street="".join(f" {word}" for word in words(street)),
        number=squashed(id_),
        figures=said if len(said) >= SHORTEST_PHONE else "",
    )
