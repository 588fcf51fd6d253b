"""The backend's key is replaced: the old one signs a roster that lists the new one, and from then on the new one signs.

A device believes what a key signed that a roster it holds lists, so each of these rosters is kept for whoever sleeps
over it. Enrolment codes name the key that was in use when they were made; those not used yet are void.
"""

import sqlite3
from typing import Final

import msgspec

from backend.intake import Door
from backend.keys import add_backend_key, signing_kid
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.seal import Signer

_SQL: Final = queries("keys")
_LEDGER: Final = queries("ledger")
_RESTORE: Final = queries("restore")


class BackendKey(msgspec.Struct, frozen=True):
    """A key of the backend's own, since when (ms since 1970; 0 where nobody noted it), and if it signs now."""

    kid: str
    since: int
    in_use: bool


def rotate(door: Door, writing: Writing, signer: Signer) -> None:
    """Afterwards this key signs, once this is committed; its file must lie beside the one in use already."""
    add_backend_key(writing.con, signer.jwk, writing.now_ms)
    writing.con.execute(_LEDGER["set"].text, {"name": "key", "value": signer.kid})
    signed = writing.issue(writing.documents.roster_now())
    if signed is None:
        raise LookupError("a roster with one key more says the same as before")
    row = {"position": writing.next_position(signed.reference), "reference": signed.reference}
    writing.con.execute(_SQL["note_key_change"].text, row)
    writing.con.execute(_RESTORE["void_all_codes"].text)
    door.sign_with(signer)
    door.office.open(writing)


def all_keys(con: sqlite3.Connection) -> tuple[BackendKey, ...]:
    """Every key the backend ever had, the oldest first."""
    kid = signing_kid(con)
    return tuple(BackendKey(one, since, one == kid) for one, since in con.execute(_SQL["backend_key_rows"].text))
