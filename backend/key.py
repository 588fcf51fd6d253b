"""The backend's signing key: 32 bytes in a file of its own beside the database, readable by its owner alone."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from backend.world import World
from sync.problems import NOT_OUR_DATABASE, STORE_FULL, STORE_TROUBLE, Problem
from sync.seal import Signer

SEED_BYTES = 32
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def hold_key(path: Path, world: World, *, is_new: bool) -> Signer:
    """The key in this file; made now where the database is new, which one process at a time may find.

    An empty file beside a new database is what a full disk left of an attempt before: nothing was signed with it.
    Raises STORE_FULL and STORE_TROUBLE where it cannot be made, and NOT_OUR_DATABASE where the file is missing,
    others may read it, or it holds no key: a backend that went on with another key would sign what no device believes.
    """
    if is_new and not (path.exists() and path.stat().st_size):
        _make(path, world.token(SEED_BYTES))
    try:
        mode, seed = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise Problem(NOT_OUR_DATABASE, f"its signing key cannot be read: {error.strerror}", str(path)) from error
    if mode & 0o077:
        raise Problem(NOT_OUR_DATABASE, "others may read its signing key; chmod 600 it", str(path))
    if len(seed) != SEED_BYTES:
        raise Problem(NOT_OUR_DATABASE, "its signing key is damaged", str(path))
    return Signer(seed)


def _make(path: Path, seed: bytes) -> None:
    """Afterwards the whole seed is on disk under this name, or nothing is; it was never readable by anybody else."""
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    except OSError as error:
        raise _unmade(error, path) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(seed)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
        _fsync(path.parent)
    except OSError as error:
        Path(draft).unlink(missing_ok=True)
        raise _unmade(error, path) from error


def _fsync(folder: Path) -> None:
    """Afterwards the names in the folder are on disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unmade(error: OSError, path: Path) -> Problem:
    kind = STORE_FULL if error.errno in _FULL else STORE_TROUBLE
    return Problem(kind, f"no signing key can be made: {error.strerror}", str(path))
