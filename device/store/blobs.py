"""Attachments on this device: bytes in a folder beside the database, rows of what is named, receipted and dropped.

The bytes are durable before the event that names them is recorded; a crash in between leaves bytes that nothing
names, which are swept away later. The row comes in the event's own transaction.
"""

import os
import shutil
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from device.store.sqlite import statements
from sync.blobs import Kept
from sync.events import Blob
from sync.ids import b64, digest
from sync.problems import BLOB_GONE, DISK_FULL, Problem
from sync.protocol import BlobReceipt, Sealed

_sql = statements("blobs")
FOLDER: Final = "blobs"
STRAY_MS: Final = 24 * 3_600_000
"""Bytes that no event names are kept so long: whoever wrote them may be about to record."""


class Waiting(msgspec.Struct, frozen=True):
    """How many attachments no receipt covers, and how many bytes they are."""

    blobs: int
    bytes: int


# -- bytes --------------------------------------------------------------------
class BlobFolder:
    """The bytes, by their own digest; `folder` is made when there is something to keep."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER

    def keep(self, raw: bytes) -> str:
        """Afterwards these bytes are durable under their digest, which is given. A full disk is DISK_FULL."""
        name = b64(digest(raw))
        path = self._folder / name
        draft = path.with_name(f"{name}.{os.getpid()}.draft")
        try:
            if not self._folder.exists():
                self._folder.mkdir(mode=0o700, exist_ok=True)
                _flush(self._folder.parent)
            with draft.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            _flush(self._folder)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise Problem(DISK_FULL, error.strerror or "", str(path)) from error
        return name

    def read(self, name: str, offset: int, size: int) -> bytes:
        """So many bytes from there on; BLOB_GONE where they are not there."""
        try:
            with (self._folder / name).open("rb") as file:
                file.seek(offset)
                raw = file.read(size)
        except OSError as error:
            raise Problem(BLOB_GONE, name) from error
        if len(raw) != size:
            raise Problem(BLOB_GONE, name)
        return raw

    def is_whole(self, name: str) -> bool:
        """True where the bytes are there and are what their name says."""
        try:
            return b64(digest((self._folder / name).read_bytes())) == name
        except OSError:
            return False

    def drop(self, name: str) -> None:
        """Afterwards the bytes are gone."""
        (self._folder / name).unlink(missing_ok=True)

    def old(self, now_ms: int) -> list[str]:
        """Names of what has been in the folder for a day, drafts that a crash left included."""
        if not self._folder.exists():
            return []
        before_s = (now_ms - STRAY_MS) / 1000
        return [path.name for path in self._folder.iterdir() if path.stat().st_mtime < before_s]

    def taken(self) -> int:
        """How many bytes the attachments here take."""
        return sum(path.stat().st_size for path in self._folder.iterdir()) if self._folder.is_dir() else 0

    def free(self) -> int:
        """How many bytes are free on the disk."""
        return shutil.disk_usage(self._folder.parent).free


def _flush(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


# -- rows ---------------------------------------------------------------------
def record(con: sqlite3.Connection, blobs: Iterable[Blob], recorded_ms: int) -> None:
    """Afterwards these are among what is kept and to be sent; part of the transaction that records their event."""
    for blob in blobs:
        row = {"sha256": blob.sha256, "size": blob.size, "type": blob.type, "original": blob.of}
        con.execute(_sql["record"], row | {"recorded_ms": recorded_ms})


def kept(con: sqlite3.Connection, epoch: str) -> list[Kept]:
    """What is kept here, in the order it was recorded; received is what a receipt of this epoch covers."""
    rows = con.execute(_sql["kept"], {"epoch": epoch})
    return [
        Kept(sha256, size, is_thumbnail=bool(small), received=bool(received)) for sha256, size, small, received in rows
    ]


def waiting(con: sqlite3.Connection, epoch: str) -> Waiting:
    """What no receipt of this epoch covers."""
    return Waiting(*con.execute(_sql["waiting"], {"epoch": epoch}).fetchone())


def keep_receipt(con: sqlite3.Connection, receipt: BlobReceipt, sealed: Sealed, now_ms: int) -> None:
    """Afterwards the blob is received, and nobody is asked to look at it any more."""
    row = {"sha256": receipt.sha256, "epoch": receipt.epoch, "text": sealed.text, "jws": sealed.jws}
    con.execute(_sql["keep_receipt"], row | {"kept_ms": now_ms})
    con.execute(_sql["no_longer_told"], {"sha256": receipt.sha256})


def forget_receipt(con: sqlite3.Connection, sha256: str) -> None:
    """Afterwards the blob is to be sent again."""
    con.execute(_sql["forget_receipt"], {"sha256": sha256})


def mark_dropped(con: sqlite3.Connection, epoch: str, *, asked: Collection[str], before_ms: int, now_ms: int) -> None:
    """Afterwards what was received before then, and asked about just now, is no longer kept.

    `asked` are those that the backend has just said it holds: a clock that jumps ahead deletes nothing by itself.
    """
    ripe = [name for (name,) in con.execute(_sql["ripe"], {"epoch": epoch, "before": before_ms}) if name in asked]
    con.executemany(_sql["dropped"], [{"sha256": name, "now_ms": now_ms} for name in ripe])


def strays(con: sqlite3.Connection, names: Iterable[str]) -> list[str]:
    """Those of these names that nothing here keeps."""
    return [name for name in names if con.execute(_sql["known"], {"sha256": name}).fetchone() is None]
