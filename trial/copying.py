"""Copies of a device's folder, as somebody makes who backs up a phone or puts its image on another one."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from device.store.sqlite import FILE


def copy_device(folder: Path, to: Path) -> None:
    """Afterwards `to` holds the keys and the database of the device in `folder`, as of one commit."""
    to.mkdir(parents=True, exist_ok=True)
    for key in folder.glob("key-*"):
        shutil.copy2(key, to / key.name)
    for kept in folder.iterdir():
        if kept.is_dir() and kept.name != "shown":
            shutil.copytree(kept, to / kept.name, dirs_exist_ok=True)
    with closing(sqlite3.connect(folder / FILE)) as con, closing(sqlite3.connect(to / FILE)) as other:
        con.backup(other)


def clear_device(folder: Path) -> None:
    """Afterwards the database of the device in `folder` is gone."""
    for path in folder.glob(f"{FILE}*"):
        path.unlink()
