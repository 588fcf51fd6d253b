"""`handover doctor`: looks at a deployment and says what would go wrong, before it does. It changes nothing.

Disk, journal, clock, key, version, backup. Ends with 1 where something has to be seen to.
"""

import argparse
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from backend.backups import SAYS, Backup
from backend.commands.console import finish, need, parser, show, whole
from backend.config import Settings
from backend.key import SEED_BYTES
from backend.store.sqlite import migrations
from backend.world import Machine, World
from sync.clock import milliseconds, rfc3339
from sync.codec import decode
from sync.ids import b64, digest
from sync.problems import NOT_OUR_DATABASE, Problem

_DAY_MS: Final = 86_400_000
_LEAST_FREE: Final = 1024 * 1024 * 1024
"""Bytes: under this a backend should not be left alone for a night; a number of our own."""
_MOST_WAL: Final = 512 * 1024 * 1024
"""A journal of this size was not checkpointed for long: something reads from the database and never ends."""
_MOST_AHEAD_MS: Final = 5 * 60_000


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at: how it stands, and what to do where it does not stand well."""

    name: str
    ok: bool
    found: str
    advice: str = ""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    ok: bool
    checks: tuple[Check, ...]


def main(argv: list[str], world: World | None = None) -> int:
    """Run the command."""
    made = parser("doctor", __doc__ or "")
    made.add_argument(
        "--backups", type=Path, metavar="FOLDER", help="where backups are kept, to see how old the newest is"
    )
    made.add_argument(
        "--backup-days", type=whole(1, 365), default=1, metavar="N", help="how old it may be (%(default)s)"
    )
    made.add_argument("--json", action="store_true", help="print facts as JSON")
    args: argparse.Namespace = made.parse_args(argv)

    def work() -> int:
        settings = Settings(database=args.database)
        need(settings)
        now_ms = (world or Machine()).now_ms()
        checks = tuple(diagnose(settings, now_ms, args.backups, args.backup_days * _DAY_MS))
        found = Diagnosis(ok=all(check.ok for check in checks), checks=checks)
        show(found, as_json=args.json, text="\n".join(map(_line, checks)))
        return 0 if found.ok else 1

    return finish("doctor", work)


def _line(check: Check) -> str:
    mark = "ok     " if check.ok else "SEE TO "
    return f"{mark}{check.name:<12}{check.found}" + (f". {check.advice}" if check.advice and not check.ok else "")


def diagnose(settings: Settings, now_ms: int, backups: Path | None, most_age_ms: int) -> Iterator[Check]:
    """How each thing stands; NOT_OUR_DATABASE where the file is none."""
    yield _disk(settings.database)
    yield _key(settings.key_file)
    uri = f"{settings.database.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as con:
            con.execute("PRAGMA busy_timeout = 10000")
            yield from _database(con, settings.database, now_ms)
    except sqlite3.DatabaseError as error:
        raise Problem(NOT_OUR_DATABASE, str(error), str(settings.database)) from error
    if backups is not None:
        yield _backup(backups, now_ms, most_age_ms)


def _disk(database: Path) -> Check:
    free = shutil.disk_usage(database.absolute().parent).free
    found = f"{free // 2**20} MiB free beside the database"
    return Check(name="disk", ok=free >= _LEAST_FREE, found=found, advice="Free space, or move it to a larger disk")


def _key(path: Path) -> Check:
    advice = "Put the key of this database there, readable by its owner alone (chmod 600)"
    try:
        stat = path.stat()
    except OSError as error:
        return Check(name="key", ok=False, found=f"{path}: {error.strerror}", advice=advice)
    private = not stat.st_mode & 0o077
    is_whole = stat.st_size == SEED_BYTES
    mine = stat.st_uid == os.geteuid() or os.geteuid() == 0
    said = "its owner's alone" if private else f"others may read it ({stat.st_mode & 0o777:o})"
    found = f"{path.name}: {stat.st_size} bytes, {said}"
    return Check(name="key", ok=private and is_whole and mine, found=found, advice=advice)


def _database(con: sqlite3.Connection, database: Path, now_ms: int) -> Iterator[Check]:
    applied = con.execute("SELECT number, name, checksum FROM migration ORDER BY number").fetchall()
    known = [(number, name, b64(digest(text.encode()))) for number, name, text in migrations()]
    newest = applied[-1][1] if applied else "none"
    is_ours = applied == known[: len(applied)]
    said = (
        "as this software has it" if applied == known else "older: the next start brings it up" if is_ours else "other"
    )
    advice = "Install the software that made it, or restore a backup"
    yield Check(name="version", ok=is_ours, found=f"{newest}, {said}", advice=advice)
    (journal,) = con.execute("PRAGMA journal_mode").fetchone()
    wal = database.with_name(database.name + "-wal")
    size = wal.stat().st_size if wal.exists() else 0
    advice = "Start the server once, which sets it; look for what holds a read open where the journal only grows"
    found = f"{journal}, {size // 2**20} MiB"
    yield Check(name="journal", ok=journal == "wal" and size < _MOST_WAL, found=found, advice=advice)
    (at,) = con.execute("SELECT max(at) FROM mark").fetchone()
    ahead = (at or 0) - now_ms
    found = rfc3339(now_ms) if ahead <= _MOST_AHEAD_MS else f"{ahead // 60_000} min behind what was written last"
    advice = "Set the clock, best by NTP; no verdict rests on it, but every time that is shown does"
    yield Check(name="clock", ok=ahead <= _MOST_AHEAD_MS, found=found, advice=advice)


def _backup(folder: Path, now_ms: int, most_age_ms: int) -> Check:
    """The newest backup among the folders there."""
    made: list[int] = []
    for says in folder.glob(f"*/{SAYS}"):
        try:
            made.append(milliseconds(decode(says.read_bytes(), Backup, str(says)).made_at))
        except (OSError, Problem):
            continue  # one that cannot be read is none
    advice = "Run handover backup, best every night, onto another disk"
    if not made:
        return Check(name="backup", ok=False, found=f"none in {folder}", advice=advice)
    age_ms = now_ms - max(made)
    return Check(name="backup", ok=age_ms <= most_age_ms, found=f"{age_ms // 3_600_000} h old", advice=advice)
