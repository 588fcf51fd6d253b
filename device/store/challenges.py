"""The rows of what this device asked offers to quote.

Each function is a piece of a transaction; it takes the connection it runs on.
"""

import sqlite3
from collections.abc import Sequence

from device.store.sqlite import statements
from sync.acceptance import Asked
from sync.cards import Challenge
from sync.problems import CHALLENGE_UNKNOWN_OR_USED, Problem

_sql = statements("challenges")


def keep(con: sqlite3.Connection, challenge: Challenge, person: str, now_ms: int) -> None:
    """Afterwards the challenge is open: `person` showed it."""
    row = {"nonce": challenge.nonce, "party": challenge.party, "person": person, "made_ms": now_ms}
    con.execute(_sql["keep"], row)


def asked(con: sqlite3.Connection, nonce: str) -> Asked | None:
    """What is known of this challenge; None for one that this device never showed."""
    row = con.execute(_sql["asked"], {"nonce": nonce}).fetchone()
    return Asked(party=row[0], offers=tuple(row[1].split())) if row else None


def use(con: sqlite3.Connection, nonce: str, answered: str, offers: Sequence[str]) -> None:
    """Afterwards `offers`, those of one code, have used the challenge, and no other offer can any more.

    `answered` is the one of them that is being answered; CHALLENGE_UNKNOWN_OR_USED where others used it before.
    """
    found = asked(con, nonce)
    if found is None or (found.offers and answered not in found.offers):
        raise Problem(CHALLENGE_UNKNOWN_OR_USED, "another offer was answered under it" if found else nonce)
    if not found.offers:
        con.execute(_sql["use"], {"nonce": nonce, "offers": " ".join(offers)})
