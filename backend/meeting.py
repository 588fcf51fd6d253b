"""What a device shows when it opens a session, and what this backend learns from it: that it was restored, perhaps.

A session lives as long as the process, so whoever meets a restored backend comes by here first.
"""

import sqlite3
from typing import Final

import msgspec

from backend.epoch import EPOCH_BYTES, current, find_out, lost_in_cursor, lost_in_receipt, office_keys
from backend.intake import Door
from backend.returned import take_back
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.policy import Directory, Roster, key_of, reference
from sync.problems import NOT_SIGNED_IN, Problem
from sync.protocol import PulledDocument, SessionRequest, read_document, write_line
from sync.seal import Signer, kid_in, verify

_SQL: Final = queries("restore")


class Stands(msgspec.Struct, frozen=True):
    """The epoch in force, those of which something is lost that was shown, and if more is held of the device's log."""

    epoch: str
    lost: tuple[str, ...]
    longer: bool


def directory_for(con: sqlite3.Connection, signer: Signer, asked: SessionRequest, now: Directory) -> Directory:
    """The roster by which a device opens its session: the one in force, or the one it shows if that was lost here.

    A roster that is held and whose device is in force no more opens nothing: the device was taken off it. One that was
    revoked opens its session all the same: what it holds it may hand over.
    """
    kid = kid_in(asked.jws)
    if now.device(kid) is not None or asked.roster is None:
        return now
    raw = asked.roster.text.encode()
    jwk = office_keys(con, signer).get(kid_in(asked.roster.jws))
    if jwk is None:
        raise Problem(NOT_SIGNED_IN, "no key of this backend signed that roster")
    verify(asked.roster.jws, raw, "ho-doc", jwk)
    roster = read_document(raw)
    if not isinstance(roster, Roster):
        raise Problem(NOT_SIGNED_IN, "that document is no roster")
    where = {"key": key_of(roster), "reference": reference(roster.version, raw)}
    if con.execute(_SQL["document_reference"].text, where).fetchone() is not None:
        return now
    shown = Directory(roster)
    listed = shown.device(kid)
    return shown if listed is not None else now


def look_at(con: sqlite3.Connection, signer: Signer, asked: SessionRequest) -> Stands:
    """What a device that has signed its challenge shows of how things stood."""
    lost = [lost_in_cursor(con, asked.cursor) if asked.cursor else ""]
    if asked.receipt is not None:
        lost.append(lost_in_receipt(con, asked.receipt, signer))
    row = con.execute(_SQL["log_named"].text, {"log": asked.log}).fetchone()
    longer = row is not None and row[4] == kid_in(asked.jws) and row[3] > asked.recorded
    return Stands(current(con), tuple(dict.fromkeys(filter(None, lost))), longer)


def learn(door: Door, writing: Writing, asked: SessionRequest, stands: Stands) -> Stands:
    """Afterwards what was shown and is lost has ended its epoch, and the roster that lists the device is kept."""
    for named in stands.lost:
        find_out(writing, door.world.token(EPOCH_BYTES), named)
    if asked.roster is not None:
        line = PulledDocument(asked.roster.text.encode(), asked.roster.jws)
        take_back(door, writing, [write_line(line)])
    return msgspec.structs.replace(stands, epoch=writing.book.epoch)
