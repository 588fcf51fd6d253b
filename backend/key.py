"""The backend's signing key: 32 bytes in a file of its own beside the database, readable by its owner alone."""

import os
from pathlib import Path

from backend.world import World
from sync.problems import NOT_OUR_DATABASE, Problem
from sync.seal import Signer

SEED_BYTES = 32


def hold_key(path: Path, world: World, *, is_new: bool) -> Signer:
    """The key in this file; made now where the database is new.

    Raises NOT_OUR_DATABASE where the file is missing, others may read it, or it holds no key: a backend
    that went on with another key would sign what no device believes.
    """
    try:
        if is_new and not path.exists():
            _make(path, world.token(SEED_BYTES))
        mode, seed = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise Problem(NOT_OUR_DATABASE, f"its signing key cannot be read: {error.strerror}", str(path)) from error
    if mode & 0o077:
        raise Problem(NOT_OUR_DATABASE, "others may read its signing key; chmod 600 it", str(path))
    if len(seed) != SEED_BYTES:
        raise Problem(NOT_OUR_DATABASE, "its signing key is damaged", str(path))
    return Signer(seed)


def _make(path: Path, seed: bytes) -> None:
    """Afterwards the seed is on disk, and was never readable by anybody else."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(seed)
        file.flush()
        os.fsync(file.fileno())
