"""What is given back to a backend that was restored: documents first, then the rest of what had been pulled.

Each function is a piece of a transaction; it takes the connection it runs on.
"""

import sqlite3
from typing import Final

import msgspec

from device.store.sqlite import statements
from sync.protocol import MOST_EVENTS, PulledDocument, PulledEvent, PullLine, Receipt, Sealed, write_line

_sql = statements("giving")
_ORDER: Final = ("document", "office_receipt", "pulled")
MOST_BYTES: Final = 512 * 1024
"""Bytes of one part, so that it surely fits what a backend takes; one line alone always does."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The next lines to give back, up to the arrival `through` of `what`; `rest` says if there are more after them."""

    what: str
    through: int
    lines: tuple[bytes, ...]
    rest: bool


def begin(con: sqlite3.Connection) -> None:
    """Afterwards all that is held from pulls until now is to be given back."""
    for what in _ORDER:
        (through,) = con.execute(_sql[f"last_{what}"]).fetchone()
        con.execute(_sql["begin"], {"what": what, "through": through})
    con.execute(_sql["done"])


def is_left(con: sqlite3.Connection) -> bool:
    """True if something is still to be given back."""
    return con.execute(_sql["parts"]).fetchone() is not None


def part(con: sqlite3.Connection) -> Part | None:
    """What is to be given back next; None where there is nothing left."""
    stands = {what: (after, through) for what, after, through in con.execute(_sql["parts"])}
    for what in _ORDER:
        if what not in stands:
            continue
        after, through = stands[what]
        where = {"after": after, "through": through, "most": MOST_EVENTS}
        rows = con.execute(_sql[what], where).fetchall()
        taken: list[bytes] = []
        size, last = 0, through
        for arrival, raw, jws in rows:
            line = write_line(_line(what, raw, jws))
            size += len(line) + 1
            if taken and size > MOST_BYTES:
                break
            taken.append(line)
            last = arrival
        if not taken:
            continue
        is_whole = len(taken) == len(rows) < MOST_EVENTS
        others = [one for one in _ORDER[_ORDER.index(what) + 1 :] if one in stands]
        return Part(
            what=what,
            through=through if is_whole else last,
            lines=tuple(taken),
            rest=not is_whole or bool(others),
        )
    return None


def _line(what: str, raw: bytes, jws: str) -> PullLine:
    return PulledEvent(0, 0, raw, jws) if what == "pulled" else PulledDocument(raw, jws)


def given(con: sqlite3.Connection, what: str, through: int) -> None:
    """Afterwards this much need not be given back any more."""
    con.execute(_sql["given"], {"what": what, "through": through})
    con.execute(_sql["done"])


def all_given(con: sqlite3.Connection) -> None:
    """Afterwards nothing is left to give back."""
    for what, _, through in con.execute(_sql["parts"]).fetchall():
        given(con, what, through)


def keep_office_receipt(con: sqlite3.Connection, receipt: Receipt, sealed: Sealed) -> None:
    """Afterwards it is known that the backend held so much of one of its own logs."""
    row = {"log": receipt.log, "received_through": receipt.received_through, "text": sealed.text, "jws": sealed.jws}
    con.execute(_sql["keep_office_receipt"], row)


def newest_roster(con: sqlite3.Connection) -> Sealed | None:
    """The newest roster held, as it was signed; None before there is one."""
    found = con.execute(_sql["roster"]).fetchone()
    return Sealed(text=bytes(found[0]).decode(), jws=found[1]) if found else None
