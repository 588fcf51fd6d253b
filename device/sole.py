"""One process for one purpose: a file that only one of them holds locked."""

import fcntl
import os
from pathlib import Path

from sync.problems import ALREADY_LISTENING, DISK_FULL, Problem


def sole(path: Path) -> int:
    """An open file that this process alone holds locked; the system lets go of it whatever ends the process.

    Raises ALREADY_LISTENING where another holds it, DISK_FULL where the file cannot be made.
    """
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Problem(DISK_FULL, str(error.strerror), str(path)) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        raise Problem(ALREADY_LISTENING, "", str(path)) from error
    return held
