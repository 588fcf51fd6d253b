"""What holds between rows: what one names is there, and what is named does not go away unnoticed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from backend.master import CREW, EVERY, PERSON, SITE, TEAM, PersonRow
from backend.masters.cells import BadCell
from backend.masters.rows import POINT, AbsenceRow, AssetRow, PointRow, RotaRow
from backend.masters.sheets import BY_KIND, SHEETS, Field, Sheet
from sync.policy import GUEST, is_role

Look = Callable[[str, str], Any]
"""The row in force of a kind and an id, or None."""
_PARTIES: Final = (PERSON.name, TEAM.name, CREW.name)


class Use(msgspec.Struct, frozen=True):
    """A row that names another: on which sheet it stands, and in which column it names it."""

    sheet: str
    id: str
    field: str


def check_row(sheet: Sheet, id_: str, row: msgspec.Struct, look: Look) -> None:
    """Return only if this row can stand beside those that `look` finds. Raises BadCell."""
    check_new_id(sheet, id_, look)
    for field, named in references(sheet, row):
        if named not in field.also and all(look(kind, named) is None for kind in field.refers):
            raise BadCell(field.name, named, "unknown", sheet=BY_KIND[field.refers[0]].name)
    if isinstance(row, AbsenceRow | RotaRow) and _last(row.ends) < row.begins:
        raise BadCell("ends", row.ends, "ends_first")
    if isinstance(row, AssetRow) and row.point:
        point = look(POINT.name, row.point)
        if isinstance(point, PointRow) and point.site != row.site:
            raise BadCell("point", row.point, "other_site", site=point.site)


def check_new_id(sheet: Sheet, id_: str, look: Look) -> None:
    """Return only if the id means nothing else: people, teams and crews are parties alike. Raises BadCell."""
    kind = sheet.kind.name
    if (kind in _PARTIES and (is_role(id_) or id_.startswith(GUEST))) or (kind == SITE.name and id_ == EVERY):
        raise BadCell("id", id_, "means_else")
    for other in _PARTIES if kind in _PARTIES else ():
        if other != kind and look(other, id_) is not None:
            raise BadCell("id", id_, "taken", sheet=BY_KIND[other].name)


def _last(moment: str) -> str:
    return moment if "T" in moment else f"{moment}T24:00"


def references(sheet: Sheet, row: msgspec.Struct) -> Iterator[tuple[Field, str]]:
    """Every id that the row names, and the column in which it does."""
    for field in sheet.fields:
        if field.refers:
            value = getattr(row, field.name)
            for named in value if field.many else (value,):
                if named:
                    yield field, named


def uses(kind: str, id_: str, all_of: Callable[[Sheet], Iterable[tuple[str, msgspec.Struct]]]) -> Iterator[Use]:
    """Every row in force that names this one, sheet by sheet."""
    for sheet in SHEETS:
        if any(kind in field.refers for field in sheet.fields):
            for other, row in all_of(sheet):
                for field, named in references(sheet, row):
                    if named == id_ and kind in field.refers:
                        yield Use(sheet.name, other, field.name)


def administers(row: object) -> bool:
    """True of a person who may change all this."""
    return isinstance(row, PersonRow) and "admin" in row.roles
