"""The device's private key: a file only its owner can read, beside the database and never inside it."""

import errno
import os
from pathlib import Path
from typing import Final

from device.world import World
from sync.problems import DAMAGED_STORE, DISK_FULL, NO_FOLDER, NOT_ENROLLED, Problem
from sync.seal import Signer

SECRET_BYTES: Final = 32


def make_key(directory: Path, world: World) -> Signer:
    """A new key, durable in `directory` under its own name before this returns. Raises DISK_FULL or NO_FOLDER."""
    secret = world.token(SECRET_BYTES)
    signer = Signer(secret)
    path = _path(directory, signer.kid)
    try:
        written = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(written, secret)
            os.fsync(written)
        finally:
            os.close(written)
        _settle(directory)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise Problem(DISK_FULL if full else NO_FOLDER, f"the key: {error.strerror}", str(path)) from error
    return signer


def load_key(directory: Path, kid: str) -> Signer:
    """The key with this name. NOT_ENROLLED where the file is not there, DAMAGED_STORE where it is another's."""
    path = _path(directory, kid)
    try:
        secret = path.read_bytes()
    except FileNotFoundError as error:
        raise Problem(NOT_ENROLLED, "its key is gone; enrol it anew", str(path)) from error
    except OSError as error:
        raise Problem(DAMAGED_STORE, str(error.strerror), str(path)) from error
    if len(secret) != SECRET_BYTES or Signer(secret).kid != kid:
        raise Problem(DAMAGED_STORE, "this file is not the key it says", str(path))
    return Signer(secret)


def _path(directory: Path, kid: str) -> Path:
    return directory / f"key-{kid}"


def _settle(directory: Path) -> None:
    """A file is only there after a power cut once its folder was written, too."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
