"""What a conversation says is to be kept, kept: each effect is a piece of the transaction of one answer."""

import logging
import sqlite3
from collections.abc import Callable

import msgspec

from device.store import fate, giving, log, pulled, redactions, times
from device.store.log import LogRow
from sync import session as talk
from sync.clock import Moment, milliseconds
from sync.seal import Jwk
from sync.session import Effect

_log = logging.getLogger(__name__)


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """Where effects are kept: the log, the backend's keys as they stand after the answer, and the moment.

    `holds_own` says if an event of this device's own is about a job: then nothing of it is dropped.
    """

    row: LogRow
    keys: tuple[Jwk, ...]
    at: Moment
    holds_own: Callable[[str], bool]


def keep(con: sqlite3.Connection, effect: Effect, here: Here) -> tuple[str, ...]:
    """Afterwards what the effect says is kept. Given are the blobs of which the words went that they came with."""
    now_ms = milliseconds(here.at.wall)
    match effect:
        case talk.StoreEvent(event):
            pulled.keep_event(con, event)
        case talk.StoreDocument(document, raw, jws):
            pulled.keep_document(con, document, raw, jws)
            fate.note(con, document, now_ms)
            log.keep_keys(con, here.row, here.keys)
        case talk.StoreVerdicts(name, verdicts):
            log.keep_verdicts(con, name, verdicts, now_ms)
        case talk.StoreReceipt(receipt, sealed):
            log.keep_receipt(con, here.row, receipt, sealed, now_ms)
            return redactions.take_out_received(con)
        case talk.DropJob(job):
            pulled.drop_job(con, job, own=here.holds_own(job))
        case talk.MoveCursor(cursor):
            pulled.move_cursor(con, cursor)
        case talk.EnterEpoch() | talk.StoreOfficeReceipt() | talk.NoteGiven():
            _keep_restored(con, effect)
        case talk.TakeOut(said):
            return redactions.take_out(con, said)
        case talk.StopRecording(name):
            log.stop(con, name)
        case talk.NeedsYou(slug, detail):
            _log.warning("the conversation needs a person", extra={"code": slug})
            pulled.needs_you(con, slug, detail, now_ms)
        case talk.NoteClock() | talk.KeepTime():
            _keep_time(con, effect, here.at)
    return ()


def _keep_time(con: sqlite3.Connection, effect: talk.NoteClock | talk.KeepTime, at: Moment) -> None:
    """Keep what the backend said of the time: of the wall clock, for people; signed, for what is recorded."""
    match effect:
        case talk.NoteClock(server_time):
            pulled.note_clock(con, milliseconds(server_time) - milliseconds(at.wall))
        case talk.KeepTime(version, anchor):
            times.keep(con, version, anchor, at.boot)


def _keep_restored(con: sqlite3.Connection, effect: talk.EnterEpoch | talk.StoreOfficeReceipt | talk.NoteGiven) -> None:
    """Keep what a backend that was restored needs again, and that it was."""
    match effect:
        case talk.EnterEpoch(epoch):
            if pulled.conversation(con).epoch:
                giving.begin(con)
            pulled.enter_epoch(con, epoch)
            log.forget_receipts(con, epoch)
        case talk.StoreOfficeReceipt(receipt, sealed):
            giving.keep_office_receipt(con, receipt, sealed)
        case talk.NoteGiven(what, through):
            giving.given(con, what, through)
