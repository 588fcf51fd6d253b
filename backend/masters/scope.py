"""Who reads which rows: by role a sheet, by scope its rows; what is out of scope is not there."""

import sqlite3
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from backend.master import find
from backend.masters.checks import Look
from backend.masters.sheets import BY_KIND, BY_NAME, Sheet
from backend.reach import EVERY_SITE
from sync.problems import NOT_FOUND, Problem


def sheet_of(name: str, key: str = "") -> Sheet:
    """The sheet of this name, asked for a row by its key; NOT_FOUND where there is none, as where there is no row."""
    sheet = BY_NAME.get(name)
    if sheet is None:
        raise Problem(NOT_FOUND, f"{name[:60]} {key[:60]}".strip())
    return sheet


def looking(con: sqlite3.Connection) -> Look:
    """Finds rows in force."""
    return lambda kind, id_: find(con, BY_KIND[kind].kind, id_)


def reads(sheet: Sheet, id_: str, row: Any, keys: AbstractSet[str], look: Look) -> bool:  # noqa: ANN401 - of the sheet
    """True where somebody whom these keys reach (backend/reach.py) may read this row, if the sheet at all."""
    if EVERY_SITE in keys or not sheet.scope:
        return True
    return any(f"site:{site}" in keys for site in _sites(sheet, id_, row, look))


def _sites(sheet: Sheet, id_: str, row: Any, look: Look) -> tuple[str, ...]:  # noqa: ANN401 - of the sheet
    """The sites of which each opens the row."""
    match sheet.scope:
        case "id":
            return (id_,)
        case "site":
            return (row.site,)
        case "customer" if not row.sites:
            customer = look("customer", row.customer)
            return customer.sites if customer is not None else ()
    sites: tuple[str, ...] = row.sites
    return sites


def seen_by(sheet: Sheet, row: Any, keys: AbstractSet[str], look: Look) -> Any:  # noqa: ANN401 - of the sheet
    """The row without what it names that these keys do not reach."""
    if EVERY_SITE in keys:
        return row
    seen: dict[str, object] = {}
    for field in sheet.fields:
        if field.refers:
            value = getattr(row, field.name)
            kept = tuple(
                one for one in (value if field.many else (value,)) if _reads_any(field.refers, one, keys, look)
            )
            seen[field.name] = kept if field.many else "".join(kept)
    return msgspec.structs.replace(row, **seen)


def _reads_any(kinds: tuple[str, ...], id_: str, keys: AbstractSet[str], look: Look) -> bool:
    for kind in kinds:
        row = look(kind, id_)
        if row is not None:
            return reads(BY_KIND[kind], id_, row, keys, look)
    return False
