"""What has a label: sites, the points in them and the assets at them, each with a code of our own that says its id.

Which code stands on which is said here and nowhere else.
"""

import sqlite3
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec
from litestar.datastructures import MultiMixin

from backend.master import SITE, all_of
from backend.masters.rows import ASSET, POINT
from backend.printing.label_sheet import LABELLED, Label, Labelled
from backend.printing.stock import STOCKS, Stock
from backend.reach import EVERY_SITE
from backend.words import LANGUAGES, Language
from sync.cards import label_text
from sync.details import NO_CHOICE, NOT_BETWEEN
from sync.policy import Role
from sync.problems import NOT_FOUND, TOO_LARGE, WRONG_INPUT, Problem

MAY_PRINT: Final[tuple[Role, ...]] = ("admin", "dispatcher", "depot", "manager")
MOST: Final = 1_000
"""Labels in one document: 42 sheets of 24."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which labels: of these sites, kinds, asset types and ids, whose name or id has `find` in it; empty is all."""

    sites: tuple[str, ...] = ()
    kinds: tuple[Labelled, ...] = ()
    types: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    find: str = ""


class AskedLabels(msgspec.Struct, frozen=True, kw_only=True):
    """What a form, or the end of an address, says of labels to print, as it was typed."""

    site: str = ""
    kinds: tuple[str, ...] = ()
    type: str = ""
    find: str = ""
    id: str = ""
    sheet: str = STOCKS[0].name
    start: str = "1"
    language: str = "en"

    def wanted(self) -> Wanted:
        """Which labels."""
        return Wanted(
            sites=(self.site,) if self.site else (),
            kinds=tuple(kind for kind in LABELLED if kind in self.kinds),
            types=(self.type,) if self.type else (),
            ids=(self.id,) if self.id else (),
            find=self.find,
        )

    def place(self, stock: Stock) -> int:
        """The first place that is free; WRONG_INPUT where the sheet has no such place."""
        if not (self.start.isascii() and self.start.isdigit() and 1 <= int(self.start[:4]) <= stock.count):
            raise Problem(WRONG_INPUT, NOT_BETWEEN.of(least=1, most=stock.count), "start")
        return int(self.start)

    def spoken(self) -> Language:
        """In which language labels say what they stand on; WRONG_INPUT for one that is not spoken here."""
        for language in LANGUAGES:
            if self.language == language:
                return language
        raise Problem(WRONG_INPUT, NO_CHOICE.of(text=self.language[:20]), "language")


def read_asked(given: MultiMixin[Any], language: Language = "en") -> AskedLabels:
    """What an address asks for: site, kinds (again for more), type, find, id, sheet, start, language."""
    names = ("site", "type", "find", "id", "sheet", "start", "language")
    texts = {name: text for name in names if (text := str(given.get(name, "")).strip()[:200])}
    kinds = tuple(str(kind) for kind in given.getall("kinds", []))
    return AskedLabels(kinds=kinds, **({"language": language} | texts))


class _Thing(msgspec.Struct, frozen=True):
    kind: Labelled
    id: str
    name: str
    site: str
    type: str = ""


def find_labels(con: sqlite3.Connection, wanted: Wanted, keys: AbstractSet[str] | None = None) -> tuple[Label, ...]:
    """The labels that are wanted, site by site: the site's own, its points', its assets'.

    With `keys` only at sites that they reach; a site or id beyond them is NOT_FOUND like one that is not there.
    """
    names = {id_: row.name for id_, row in all_of(con, SITE)}
    things = [_Thing("site", id_, name, id_) for id_, name in names.items()]
    things += [_Thing("point", id_, row.name, row.site) for id_, row in all_of(con, POINT)]
    things += [_Thing("asset", id_, row.name, row.site, row.type) for id_, row in all_of(con, ASSET)]
    met: dict[str, int] = {}
    for thing in things:
        met[thing.id] = met.get(thing.id, 0) + 1
    reached = [one for one in things if keys is None or keys & {EVERY_SITE, f"site:{one.site}"}]
    _check_there(wanted, reached)
    chosen = [thing for thing in reached if _is_wanted(thing, wanted)]
    if len(chosen) > MOST:
        raise Problem(TOO_LARGE, f"{len(chosen)} labels, {MOST} is the most at a time")
    chosen.sort(key=lambda one: (one.site, LABELLED.index(one.kind), one.id))
    return tuple(
        Label(
            kind=one.kind,
            id=one.id,
            name=one.name,
            site=one.site,
            site_name=names.get(one.site, ""),
            text=label_text(one.id),
            doubtful=met[one.id] > 1,
        )
        for one in chosen
    )


def _check_there(wanted: Wanted, things: list[_Thing]) -> None:
    sites, ids = {one.site for one in things if one.kind == "site"}, {one.id for one in things}
    for kind, named, there in (("site", wanted.sites, sites), ("label of", wanted.ids, ids)):
        for name in named:
            if name not in there:
                raise Problem(NOT_FOUND, f"{kind} {name[:40]}")


def _is_wanted(thing: _Thing, wanted: Wanted) -> bool:
    text = wanted.find.casefold()
    return (
        (not wanted.sites or thing.site in wanted.sites)
        and (not wanted.kinds or thing.kind in wanted.kinds)
        and (not wanted.types or thing.type in wanted.types)
        and (not wanted.ids or thing.id in wanted.ids)
        and (text in thing.id.casefold() or text in thing.name.casefold())
    )


def asset_types(con: sqlite3.Connection, keys: AbstractSet[str]) -> tuple[str, ...]:
    """Every type of asset at the sites that these keys reach, by name."""
    rows = all_of(con, ASSET)
    return tuple(sorted({row.type for _, row in rows if row.type and keys & {EVERY_SITE, f"site:{row.site}"}}))
