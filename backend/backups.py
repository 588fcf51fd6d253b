"""Backups: a folder with a consistent copy of database, attachments and signing key, and what they must come out as.

The key is in it unless it is asked not to be: a backend with another key would sign what no device believes, so a
backup without it restores nothing by itself. The folder is as secret as the key; only its owner can read it.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from hashlib import file_digest
from pathlib import Path
from typing import Final

import msgspec

from backend.carrying import carry
from backend.config import Settings
from backend.epoch import EPOCH_BYTES, current, office_keys, renew
from backend.intake import open_door
from backend.key import SEED_BYTES
from backend.losses import loss_at
from backend.store.blobs import BlobFolder
from backend.store.sqlite import connect, queries
from backend.world import World
from sync.clock import rfc3339
from sync.codec import decode, encode
from sync.ledger import advance, chain_start, line_digest
from sync.problems import CHAIN_BROKEN, IN_USE, NO_FILE, NOT_A_BACKUP, NOT_OUR_DATABASE, STORE_FULL, TAKEN, Problem
from sync.seal import Signer

_SQL: Final = queries("restore")
BLOBS: Final = "blobs"
DATABASE: Final = "handover.db"
KEY: Final = "handover.db.key"
SAYS: Final = "backup.json"


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: up to which position, how many events of how many logs, and the database's SHA-256 (hex).

    `blobs` attachments of `blob_bytes` are in it, unless it was made without; `blobs_missing` were not here as named.
    """

    made_at: str
    epoch: str
    position: int
    events: int
    logs: int
    sha256: str
    has_key: bool
    has_blobs: bool = False
    blobs: int = 0
    blob_bytes: int = 0
    blobs_missing: int = 0


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was put in place, and the epoch that begins; so many attachments are here, and so many may be on devices."""

    backup: Backup
    epoch: str
    blobs: int
    blobs_missing: int


# -- making one -----------------------------------------------------------------
def make_backup(
    settings: Settings, folder: Path, world: World, *, with_key: bool = True, with_blobs: bool = True
) -> Backup:
    """Afterwards `folder` holds everything as of one moment, checked; a server may be at work all the while.

    Raises NO_FILE, TAKEN where the folder is there already, CHAIN_BROKEN where what is held was changed, STORE_FULL.
    Nothing is left of a backup that failed.
    """
    if not settings.database.exists():
        raise Problem(NO_FILE, "no database there", str(settings.database))
    if folder.exists():
        raise Problem(TAKEN, "a backup is never written over", str(folder))
    part = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        made = _write(settings, part, world, with_key=with_key, with_blobs=with_blobs)
        part.rename(folder)
        _settle(folder.parent)
    except OSError as error:
        raise Problem(STORE_FULL, error.strerror or "", str(folder)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return made


def _write(settings: Settings, part: Path, world: World, *, with_key: bool, with_blobs: bool) -> Backup:
    database = part / DATABASE
    with closing(connect(settings.database, read_only=True)) as con:
        # One statement is one read transaction: the copy is as of one commit, and the writer never waits for it.
        con.execute("VACUUM INTO ?", (str(database),))
    database.chmod(0o600)
    seed = settings.key_file.read_bytes()
    with closing(_copied(database)) as con:
        check_held(con)
        _check_key(con, seed, settings.key_file)
        (events,) = con.execute("SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM fork)").fetchone()
        (logs,) = con.execute("SELECT count(*) FROM log").fetchone()
        (position,) = con.execute("SELECT coalesce(max(position), 0) FROM mark").fetchone()
        epoch = current(con)
        names = _blob_names(con)
    # After the database: a blob's bytes are there before its row is, and they never change.
    carried = carry(BlobFolder(settings.blob_folder), BlobFolder(part / BLOBS), names if with_blobs else ())
    shutil.rmtree(part / BLOBS / "parts", ignore_errors=True)
    made = Backup(
        made_at=rfc3339(world.now_ms()),
        epoch=epoch,
        position=position,
        events=events,
        logs=logs,
        sha256=_hash(database),
        has_key=with_key,
        has_blobs=with_blobs,
        blobs=carried.blobs,
        blob_bytes=carried.bytes,
        blobs_missing=len(carried.missing),
    )
    if with_key:
        _keep(part / KEY, seed)
    _keep(part / SAYS, encode(made) + b"\n")
    _sync(database)
    _settle(part)
    return made


def _copied(database: Path) -> sqlite3.Connection:
    """The copy, opened as bytes that nobody writes to: looking at it leaves nothing beside it."""
    try:
        return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error as error:
        raise Problem(NOT_A_BACKUP, str(error), str(database)) from error


def check_held(con: sqlite3.Connection) -> None:
    """Return only if the file is whole and every log's events lead to its head; else CHAIN_BROKEN."""
    try:
        ((said, *_),) = con.execute("PRAGMA integrity_check(1)").fetchall()
        if said != "ok":
            raise Problem(CHAIN_BROKEN, str(said))
        for ref, log, _, _, _, through, head, _, _ in con.execute(_SQL["all_logs"].text).fetchall():
            _check_log(con, ref, log, through, head)
    except sqlite3.DatabaseError as error:
        raise Problem(CHAIN_BROKEN, str(error)) from error


def _check_log(con: sqlite3.Connection, ref: int, log: str, through: int, head: bytes) -> None:
    chain, expected = chain_start(log), 1
    rows = con.execute("SELECT seq, bytes, chain FROM event WHERE log = ? AND seq <= ? ORDER BY seq", (ref, through))
    for seq, raw, kept in (*rows, (through + 1, b"", None)):
        while expected <= seq and (loss := loss_at(con, log, expected)) is not None:
            chain, expected = loss[2], loss[1] + 1
        if seq < expected:
            continue  # found again after it was declared lost
        if seq > through and seq == expected:
            break
        after = advance(chain, line_digest(raw))
        if seq != expected or after != kept:
            raise Problem(CHAIN_BROKEN, f"event {expected} of log {log} is not what it was")
        chain, expected = after, expected + 1
    if chain != head:
        raise Problem(CHAIN_BROKEN, f"log {log} does not end where it says")


def _check_key(con: sqlite3.Connection, seed: bytes, where: Path) -> None:
    """Return only if the roster in this database lists the key; else NOT_OUR_DATABASE."""
    if len(seed) != SEED_BYTES:
        raise Problem(NOT_OUR_DATABASE, "its signing key is damaged", str(where))
    if Signer(seed).kid not in office_keys(con):
        raise Problem(NOT_OUR_DATABASE, "its roster does not list this signing key", str(where))


# -- putting one in place ---------------------------------------------------------
def restore(folder: Path, settings: Settings, world: World) -> Restored:
    """Afterwards the backup is the backend's data, in a new epoch; what was there is kept aside.

    Attachments are added to those that are there, by their names. One that is not as its name says is left out; a
    device that still has it sends it again.

    Raises NOT_A_BACKUP where anything in the folder is not as it was made, IN_USE while a server runs.
    """
    said = read_backup(folder)
    database, key = settings.database, settings.key_file
    if not said.has_key and not key.exists():
        raise Problem(NOT_A_BACKUP, f"it was made without the signing key; put that at {key} first", str(folder))
    seed = (folder / KEY).read_bytes() if said.has_key else key.read_bytes()
    with closing(_copied(folder / DATABASE)) as con:
        check_held(con)
        _check_key(con, seed, folder)
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        if database.exists():
            _need_idle(database)
            _put_aside(database, key, world)
        part = database.with_name(database.name + ".part")
        shutil.copyfile(folder / DATABASE, part)
        part.chmod(0o600)
        _sync(part)
        _keep(key, seed)
        part.rename(database)
        _settle(database.parent)
    except OSError as error:
        raise Problem(STORE_FULL, error.strerror or "", str(database)) from error
    with open_door(settings, world) as (door, con):
        token = world.token(EPOCH_BYTES)
        door.write_now(con, lambda writing: renew(writing, token, current(writing.con)))
        blobs = BlobFolder(settings.blob_folder)
        names = _blob_names(con)
        if said.has_blobs:
            carry(BlobFolder(folder / BLOBS), blobs, names)
        missing = sum(blobs.size(name) is None for name in names)
        return Restored(backup=said, epoch=current(con), blobs=len(names) - missing, blobs_missing=missing)


def _blob_names(con: sqlite3.Connection) -> list[str]:
    """The attachments that this database says are here."""
    return [name for (name,) in con.execute(queries("blobs")["all"].text)]


def read_backup(folder: Path) -> Backup:
    """What the folder says it holds, and does, byte for byte; else NOT_A_BACKUP."""
    try:
        said = decode((folder / SAYS).read_bytes(), Backup, SAYS)
        if _hash(folder / DATABASE) != said.sha256:
            raise Problem(NOT_A_BACKUP, "the database is not the one that was copied", str(folder))
        if said.has_key and not (folder / KEY).exists():
            raise Problem(NOT_A_BACKUP, "the signing key is missing", str(folder))
    except OSError as error:
        raise Problem(NOT_A_BACKUP, f"{error.filename}: {error.strerror}", str(folder)) from error
    return said


def _need_idle(database: Path) -> None:
    """Return only if no process has the database open; else IN_USE."""
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as con:
        try:
            # Before anything is read: only then does a database in WAL mode have to be had for oneself.
            con.execute("PRAGMA locking_mode = EXCLUSIVE")
            con.execute("BEGIN IMMEDIATE")
            con.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise Problem(IN_USE, str(error), str(database)) from error
        except sqlite3.DatabaseError:
            return  # damaged, which is why somebody restores


def _put_aside(database: Path, key: Path, world: World) -> None:
    """Afterwards what was there stands in a folder of its own beside it: it may hold what the backup does not."""
    name = rfc3339(world.now_ms()).replace(":", "")
    aside = database.with_name(f"{database.name}.replaced-{name}")
    aside.mkdir(mode=0o700)
    for path in (database, *(database.with_name(database.name + tail) for tail in ("-wal", "-shm"))):
        if path.exists():
            path.rename(aside / path.name)
    if key.exists():
        shutil.copyfile(key, aside / key.name)
        (aside / key.name).chmod(0o600)


# -- files ----------------------------------------------------------------------
def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _keep(path: Path, raw: bytes) -> None:
    """Afterwards these bytes are on disk, and only the owner could ever read them."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """A name is only there after a power cut once its folder was written, too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
