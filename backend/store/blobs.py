"""Where blobs are kept: bytes by their own digest, whole or not there at all, in a folder beside the database.

`Blobs` is all that is asked of such a place, so that an S3-compatible store can take it on: parts become parts of
a multipart upload, and `finish` its completion after the digest was checked.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from sync.ids import b64
from sync.problems import BLOB_MISMATCH, BLOB_NOT_HELD, STORE_FULL, Problem

_READ: Final = 1024 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Blobs(Protocol):
    """A place for blobs. Names are SHA-256 digests, base64url; parts are kept apart for each sender."""

    def size(self, name: str) -> int | None:
        """The bytes of a blob that is there whole; None for any other."""

    def part(self, kid: str, name: str) -> int:
        """How many bytes of a blob have come from this sender so far."""

    def add(self, kid: str, name: str, offset: int, chunk: bytes) -> int:
        """Afterwards the chunk is durable after what has come, if it goes on where that ends; how many there are."""

    def finish(self, kid: str, name: str) -> int:
        """Afterwards the sender's part is the blob, and its size is given.

        BLOB_MISMATCH where its bytes are not what the name says: the part is gone then.
        """

    def read(self, name: str, offset: int, size: int) -> bytes:
        """So many bytes from there on, fewer at the end; BLOB_NOT_HELD for a blob that is not there."""

    def drop(self, name: str) -> None:
        """Afterwards the blob is not there, nor any part of it."""

    def names(self) -> Iterator[str]:
        """Every blob that is there whole."""

    def unfinished(self, kid: str) -> int:
        """Bytes of all parts of this sender."""

    def free(self) -> int:
        """How many bytes more fit; a store that does not know says very many."""


class BlobFolder:
    """The store in a folder: `ab/NAME` for what is whole, `parts/KID/NAME` for what is on its way.

    A part is flushed to the disk after each chunk, so what was answered outlives a crash; what a crash of the machine
    damaged all the same is found when the whole is hashed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def size(self, name: str) -> int | None:
        """See `Blobs`."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            return None

    def part(self, kid: str, name: str) -> int:
        """See `Blobs`."""
        try:
            return self._part(kid, name).stat().st_size
        except FileNotFoundError:
            return 0

    def add(self, kid: str, name: str, offset: int, chunk: bytes) -> int:
        """See `Blobs`. A full disk is STORE_FULL."""
        path = self._part(kid, name)
        try:
            self._make(path.parent)
            held = self.part(kid, name)
            if offset != held:
                return held
            with path.open("ab") as file:
                try:
                    file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    # What half arrived would not be asked for again.
                    with suppress(OSError):
                        os.ftruncate(file.fileno(), held)
                    raise
        except OSError as error:
            raise Problem(STORE_FULL, error.strerror or "", str(path)) from error
        return held + len(chunk)

    def finish(self, kid: str, name: str) -> int:
        """See `Blobs`."""
        part, path = self._part(kid, name), self._path(name)
        whole, size = sha256(), 0
        with part.open("rb") as file:
            while piece := file.read(_READ):
                whole.update(piece)
                size += len(piece)
            os.fsync(file.fileno())
        if b64(whole.digest()) != name:
            part.unlink()
            raise Problem(BLOB_MISMATCH, name)
        try:
            self._make(path.parent)
            part.replace(path)
            _flush(path.parent)
        except OSError as error:
            raise Problem(STORE_FULL, error.strerror or "", str(path)) from error
        return size

    def read(self, name: str, offset: int, size: int) -> bytes:
        """See `Blobs`."""
        try:
            with self._path(name).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError as error:
            raise Problem(BLOB_NOT_HELD, name) from error

    def drop(self, name: str) -> None:
        """See `Blobs`."""
        self._path(name).unlink(missing_ok=True)
        for part in (self._folder / "parts").glob(f"*/{name}"):
            part.unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """See `Blobs`."""
        for path in self._folder.glob("??/*"):
            if _NAME.fullmatch(path.name):
                yield path.name

    def unfinished(self, kid: str) -> int:
        """See `Blobs`."""
        return sum(path.stat().st_size for path in (self._folder / "parts" / _safe(kid)).glob("*"))

    def free(self) -> int:
        """See `Blobs`."""
        there = self._folder if self._folder.exists() else self._folder.parent
        return shutil.disk_usage(there).free

    def _path(self, name: str) -> Path:
        return self._folder / _safe(name)[:2] / name

    def _part(self, kid: str, name: str) -> Path:
        return self._folder / "parts" / _safe(kid) / _safe(name)

    def _make(self, folder: Path) -> None:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for made in (folder, *folder.parents):
                _flush(made.parent)
                if made == self._folder:
                    break


def _safe(name: str) -> str:
    """The name, which can be no path: it came over the wire."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{11,43}", name):
        raise Problem(BLOB_NOT_HELD, name[:60])
    return name


def _flush(folder: Path) -> None:
    """Afterwards the names in this folder are durable."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
