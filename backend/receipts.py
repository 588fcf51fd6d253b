"""Receipts of handovers, for whoever may read the job."""

import sqlite3

from backend.dossier import find_dossier
from backend.sheet import Sheet
from backend.telling import sheet_of
from backend.words import Language, words


def sheet_for(
    con: sqlite3.Connection, hash_: str, now_ms: int, *, language: Language, keys: set[str] | None = None
) -> Sheet:
    """What the receipt of a handover says as things stand; NOT_FOUND where `keys` (if given) do not reach it."""
    return sheet_of(find_dossier(con, hash_, keys), words(language), now_ms)
