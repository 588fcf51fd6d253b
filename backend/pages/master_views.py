"""What pages of master data show: rows in a list, the facts of one, and the form of one, drawn from its sheet."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from backend.master import all_of
from backend.masters.book import how, label, remedy_of
from backend.masters.cells import BadCell, cells_of, joined, split
from backend.masters.checks import Look
from backend.masters.keeping import Version
from backend.masters.sheets import BY_KIND, ELSEWHERE, ID, Field, Sheet
from backend.pages.catalogue import PageWords
from backend.pages.forms import Form
from backend.pages.shell import segment

BASE: Final = "/set-up/data"
"""Below which address administrators keep rows; others read them elsewhere."""
PAGE: Final = 50
FEW: Final = 40
"""Rows that can be named by ticking a box, or from a list; of more they are typed."""
MOST_OFFERED: Final = 1_000


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A value to show: `href` where it leads somewhere, `ltr` where it reads from left to right in every language."""

    text: str
    href: str = ""
    ltr: bool = False


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a row, and its values."""

    name: str
    label: str
    texts: tuple[Text, ...]


class ListedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row in a list."""

    id: str
    title: str
    facts: tuple[Fact, ...]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the rows that were looked for: `found` of `total`; `next` continues behind it."""

    rows: tuple[ListedRow, ...]
    found: int
    total: int
    next: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a form: what is typed or chosen in it, what is wrong with that, and what may be chosen."""

    name: str
    label: str
    help: str
    value: str
    as_: str
    problem: str = ""
    needed: bool = False
    unit: str = ""
    options: tuple[tuple[str, str], ...] = ()
    chosen: tuple[str, ...] = ()
    most: int = 200


def title_of(sheet: Sheet, id_: str, row: Any) -> str:  # noqa: ANN401 - a row of the sheet
    """What people call a row: its name, or what makes up its id."""
    if sheet.key:
        return " \N{MIDDLE DOT} ".join(str(getattr(row, name)) for name in sheet.key)
    return getattr(row, "name", "") or id_


class Views:
    """Draws rows for one reader: in which language, and below which address links lead."""

    def __init__(self, words: PageWords, base: str, look: Look) -> None:
        self._words = words
        self._base = base
        self._look = look

    def address(self, sheet: str, id_: str) -> str:
        """Where a row is shown; "" where there is no page for who reads this."""
        if sheet in ELSEWHERE:
            return f"/set-up/{sheet}/{segment(id_)}" if self._base == BASE and sheet != "devices" else ""
        return f"{self._base}/{sheet}/row?{urlencode({'key': id_})}"

    def title(self, kind: str, id_: str) -> str:
        """What people call the row of this kind and id."""
        row = self._look(kind, id_)
        return id_ if row is None else title_of(BY_KIND[kind], id_, row)

    # -- lists ------------------------------------------------------------------
    def listed(self, sheet: Sheet, rows: Sequence[tuple[str, Any]], looked_for: str, after: str) -> Listed:
        """The rows in which every word that is looked for stands, by id, from behind `after` on."""
        wanted = looked_for.casefold().split()
        found = [(id_, row) for id_, row in rows if not wanted or _holds(sheet, id_, row, wanted)]
        shown = [(id_, row) for id_, row in found if id_ > after][: PAGE + 1]
        more = shown[PAGE - 1][0] if len(shown) > PAGE else ""
        drawn = tuple(
            ListedRow(
                id=id_,
                title=title_of(sheet, id_, row),
                facts=tuple(self._fact(sheet, sheet.field(name), row) for name in sheet.listed if name != "name"),
            )
            for id_, row in shown[:PAGE]
        )
        return Listed(rows=drawn, found=len(found), total=len(rows), next=more)

    def heads(self, sheet: Sheet) -> tuple[str, ...]:
        """The headings of a list."""
        return tuple(label(sheet, sheet.field(name), self._words) for name in sheet.listed if name != "name")

    # -- one row ----------------------------------------------------------------
    def facts(self, sheet: Sheet, row: Any) -> tuple[Fact, ...]:  # noqa: ANN401 - a row of the sheet
        """Every column that says something."""
        facts = (self._fact(sheet, field, row) for field in sheet.fields)
        return tuple(fact for fact in facts if fact.texts)

    def _fact(self, sheet: Sheet, field: Field, row: Any) -> Fact:  # noqa: ANN401 - as above
        value = getattr(row, field.name)
        values = value if isinstance(value, tuple) else (value,)
        texts = tuple(self._text(field, one) for one in values if one not in ("", None, False))
        return Fact(name=field.name, label=label(sheet, field, self._words), texts=texts)

    def _text(self, field: Field, value: object) -> Text:
        if field.refers:
            kind = next((kind for kind in field.refers if self._look(kind, str(value)) is not None), "")
            if not kind:
                return Text(text=str(value))
            return Text(text=self.title(kind, str(value)), href=self.address(BY_KIND[kind].name, str(value)))
        match field.type:
            case "flag":
                return Text(text=self._words("book.yes"))
            case "choice":
                return Text(text=self._words.of(_GROUP[field.name], str(value)))
            case "whole" | "number":
                number = value if isinstance(value, int | float) else 0
                shown = self._words.number(number) if field.type == "whole" else str(value)
                return Text(text=f"{shown} {field.unit}".replace(" \N{DEGREE SIGN}", "\N{DEGREE SIGN}"), ltr=True)
            case "phone":
                return Text(
                    text=str(value), href=f"tel:{''.join(one for one in str(value) if one in _DIALLED)}", ltr=True
                )
            case "email":
                return Text(text=str(value), href=f"mailto:{value}", ltr=True)
        return Text(text=str(value), ltr=field.type not in ("line", "text"))

    def changes(self, sheet: Sheet, version: Version) -> tuple[tuple[str, str, str], ...]:
        """What a version says otherwise than the one before: the column as people call it, before, from then on."""
        return tuple((label(sheet, sheet.field(name), self._words), was, now) for name, was, now in version.changes)

    # -- forms ------------------------------------------------------------------
    def asked(
        self, con: sqlite3.Connection, sheet: Sheet, cells: Mapping[str, str], bad: Sequence[BadCell] = ()
    ) -> tuple[Asked, ...]:
        """The fields of the form, filled with these cells."""
        problems = {one.field: remedy_of(one.remedy, one.given, self._words) for one in bad}
        asked: list[Asked] = []
        said = ""
        for name in sheet.columns:
            one = self._asked(con, sheet, sheet.field(name), cells.get(name, ""), problems.get(name, ""))
            # Of columns in a row that are filled in alike the first says how.
            asked.append(msgspec.structs.replace(one, help="") if one.help == said else one)
            said = one.help
        return tuple(asked)

    def _asked(self, con: sqlite3.Connection, sheet: Sheet, field: Field, value: str, problem: str) -> Asked:
        options = self._options(con, field)
        as_ = _as(field, len(options))
        chosen: tuple[str, ...] = ()
        if as_ == "boxes":
            chosen = tuple(_values(field, value))
            options += tuple((one, one) for one in chosen if one not in dict(options))
        elif as_ == "select" and value and value not in dict(options):
            options += ((value, value),)
        elif as_ == "lines":
            value = "\n".join(_values(field, value))
        says = (
            self._words("how.many_lines")
            if as_ == "lines"
            else ""
            if options or as_ == "flag"
            else how(field, self._words)
        )
        return Asked(
            name=field.name,
            label=label(sheet, field, self._words),
            help=says if field.type not in ("line", "text") or field is ID else "",
            value=value,
            as_=as_,
            problem=problem,
            needed=field.needed,
            unit=field.unit,
            options=options[:MOST_OFFERED],
            chosen=chosen,
            most=4000 if field.type == "text" else 200,
        )

    def _options(self, con: sqlite3.Connection, field: Field) -> tuple[tuple[str, str], ...]:
        if field.choices:
            return tuple((one, self._words.of(_GROUP[field.name], one)) for one in field.choices)
        found = [(one, self._words("how.every")) for one in field.also]
        for kind in field.refers:
            sheet = BY_KIND[kind]
            rows = all_of(con, sheet.kind)
            found += [(id_, _with_id(title_of(sheet, id_, row), id_)) for id_, row in rows]
        return tuple(found)


_DIALLED: Final = frozenset("+0123456789")
_GROUP: Final = {"roles": "role", "why": "why"}
"""Under which words the values of a closed list are found."""


def _with_id(title: str, id_: str) -> str:
    return title if title == id_ else f"{title} ({id_})"


def _holds(sheet: Sheet, id_: str, row: Any, wanted: Sequence[str]) -> bool:  # noqa: ANN401 - a row of the sheet
    text = "\n".join((id_, *cells_of(sheet, id_, row).values())).casefold()
    return all(word in text for word in wanted)


def _values(field: Field, cell: str) -> list[str]:
    try:
        return split(field, cell)
    except BadCell:
        return cell.split("\n")


def _as(field: Field, options: int) -> str:
    """How a field is filled in."""
    if field.many:
        return "boxes" if options <= FEW else "lines"
    if field.refers:
        return "select" if options <= FEW else "typed"
    if field.choices:
        return "select"
    return {"flag": "flag", "text": "area", "day": "date", "email": "email", "phone": "tel"}.get(field.type, "text")


def cells_in(sheet: Sheet, form: Form) -> dict[str, str]:
    """The cells that a form says."""
    cells = {}
    for name in sheet.columns:
        ticked = form.all(f"{name}.one")
        cells[name] = joined(ticked) if ticked else form.text(name)
    return cells
