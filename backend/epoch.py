"""Epochs: under which name what this backend said can be relied on. A restore begins a new one, made or found out.

What a device shows (a receipt, a cursor) and is not held here was lost: then a new epoch begins, once for each
epoch that was named so, however many devices name it, and every device sends again what is missing.
"""

import logging
import sqlite3
from typing import Final

from backend.store.sqlite import queries
from backend.writing import Log, Writing
from sync.codec import decode
from sync.ids import b64
from sync.policy import Roster
from sync.problems import Problem
from sync.protocol import Receipt, Sealed, chain_text, read_cursor, read_document
from sync.seal import Jwk, Signer, kid_in, kid_of, verify

log = logging.getLogger(__name__)

_SQL: Final = queries("restore")
EPOCH_BYTES: Final = 6
CHECK_CHARACTERS: Final = 6
"""So much of a mark's digest stands in a cursor."""


def renew(writing: Writing, token: bytes, named: str) -> bool:
    """Afterwards a new epoch is in force and open enrolment codes are void; False where `named` has ended before.

    `token` is what the new epoch is called by, `EPOCH_BYTES` of chance. The epoch in force ends with the named one.
    """
    con = writing.con
    if _has_ended(con, named):
        return False
    before = current(con)
    for epoch in (named, before):
        con.execute(_SQL["end_epoch"].text, {"epoch": epoch, "at": writing.now_ms})
    con.execute("UPDATE setting SET value = :epoch WHERE name = 'epoch'", {"epoch": b64(token)})
    con.execute(_SQL["void_all_codes"].text)
    writing.book.epoch = b64(token)
    return True


def find_out(writing: Writing, token: bytes, named: str) -> None:
    """The same where something was shown that is not held: whoever runs this backend is told."""
    before = current(writing.con)
    if renew(writing, token, named):
        facts = {"named": named, "before": before, "now": writing.book.epoch}
        log.error("this backend was restored: what it gave out is not held; a new epoch begins", extra=facts)


def current(con: sqlite3.Connection) -> str:
    """The epoch in force."""
    (epoch,) = con.execute(_SQL["epoch"].text).fetchone()
    return str(epoch)


def _has_ended(con: sqlite3.Connection, epoch: str) -> bool:
    (ended,) = con.execute(_SQL["ended"].text, {"epoch": epoch}).fetchone()
    return bool(ended)


# -- what is shown --------------------------------------------------------------
def lost_in_cursor(con: sqlite3.Connection, cursor: str) -> str:
    """The epoch that this cursor names, where the row it stands at is not held and that epoch goes on; else "".

    Raises UNREADABLE for what is no cursor.
    """
    epoch, position, check = read_cursor(cursor)
    row = con.execute("SELECT digest FROM mark WHERE position = :position", {"position": position}).fetchone()
    is_held = position == 0 or (row is not None and b64(row[0])[:CHECK_CHARACTERS] == check)
    return "" if is_held or _has_ended(con, epoch) else epoch


def lost_in_receipt(con: sqlite3.Connection, sealed: Sealed, signer: Signer) -> str:
    """The epoch of this receipt, where what it says is not held and that epoch goes on; else "".

    A receipt that none of this backend's keys signed says nothing.
    """
    try:
        receipt = decode(sealed.text, Receipt, "receipt")
        if holds(con, receipt) or _has_ended(con, receipt.epoch):
            return ""
        keys = office_keys(con, signer)
        verify(sealed.jws, sealed.text.encode(), "ho-receipt", keys[kid_in(sealed.jws)])
    except (Problem, KeyError):
        log.warning("a receipt was shown that was not given out here")
        return ""
    return receipt.epoch


def says(log_: Log, sealed: Sealed | None) -> bool:
    """True where a receipt plainly says no more than where the log ends now, which most do; or where there is none."""
    if sealed is None:
        return True
    try:
        receipt = decode(sealed.text, Receipt, "receipt")
    except Problem:
        return False
    return receipt.received_through == log_.through and receipt.head == chain_text(log_.head)


def holds(con: sqlite3.Connection, receipt: Receipt) -> bool:
    """True where all that the receipt covers is held, or was declared lost."""
    if receipt.received_through == 0:
        return True
    row = con.execute(_SQL["log_named"].text, {"log": receipt.log}).fetchone()
    if row is None:
        return False
    where = {"log": row[0], "seq": receipt.received_through}
    chains = [
        *con.execute(_SQL["main_chain_at"].text, where),
        *con.execute(_SQL["fork_chains_at"].text, where),
        *con.execute(_SQL["lost_chain_at"].text, where | {"log": receipt.log}),
    ]
    return any(chain and chain_text(chain) == receipt.head for (chain,) in chains)


def office_keys(con: sqlite3.Connection, *signers: Signer) -> dict[str, Jwk]:
    """The backend's keys by their names: all that the newest roster lists, and the one in use where it is given."""
    keys = [signer.jwk for signer in signers]
    for (raw,) in con.execute(_SQL["rosters"].text):
        roster = read_document(raw)
        if isinstance(roster, Roster):
            keys.extend(roster.keys)
    return {kid_of(jwk): jwk for jwk in keys}
