"""The backend's signing key: 32 bytes in a file of its own beside the database, readable by its owner alone.

The one in use has the file; those before it lie beside, each named by its key, for a database that still asks for one.
"""

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
    return _read(path)[0]


def next_key(path: Path, world: World) -> Signer:
    """A new key, durable in a file of its own beside `path`, named by it; `use_key` puts it into use."""
    seed = world.token(SEED_BYTES)
    signer = Signer(seed)
    _make(_beside(path, signer.kid), seed)
    return signer


def use_key(path: Path, kid: str) -> Signer:
    """The key of this name, which stands in the file from here on; the one that stood there is kept beside it.

    A crash in between leaves both, and the next call goes on. NOT_OUR_DATABASE where there is no such key: the
    database asks for another than the one that lies beside it.
    """
    signer, seed = _read(path)
    if not kid or signer.kid == kid:
        return signer
    other = _beside(path, kid)
    if not other.exists():
        raise Problem(NOT_OUR_DATABASE, f"its signing key is {kid}, and this is {signer.kid}", str(path))
    found, _ = _read(other)
    if found.kid != kid:
        raise Problem(NOT_OUR_DATABASE, "its signing key is damaged", str(other))
    before = _beside(path, signer.kid)
    if not before.exists():
        _make(before, seed)
    other.replace(path)
    _fsync(path.parent)
    return found


def _beside(path: Path, kid: str) -> Path:
    return path.with_name(f"{path.name}.{kid}")


def _read(path: Path) -> tuple[Signer, bytes]:
    """The key in this file, and its seed."""
    try:
        mode, seed = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise Problem(NOT_OUR_DATABASE, f"its signing key cannot be read: {error.strerror}", str(path)) from error
    if mode & 0o077:
        raise Problem(NOT_OUR_DATABASE, "others may read its signing key; chmod 600 it", str(path))
    if len(seed) != SEED_BYTES:
        raise Problem(NOT_OUR_DATABASE, "its signing key is damaged", str(path))
    return Signer(seed), seed


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
