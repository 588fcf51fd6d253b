"""Proofs of handovers: made of what the ledger holds, read from a folder or a ZIP."""

import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from backend.dossier import find_dossier
from backend.exchange.proof import Said, write_proof
from backend.exchange.statement import as_page, as_text
from backend.exhibits import Dossier
from backend.telling import outcome_of, sheet_of
from backend.words import Language, words
from sync.clock import rfc3339
from sync.problems import NO_FILE, NOT_A_PROOF, TOO_LARGE, Problem
from sync.seal import Signer

_NO_ZIP: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
"""All that a damaged ZIP raises on its way to being read, RuntimeError for one that asks for a password."""
MOST_FILES: Final = 10_000
MOST_BYTES: Final = 256 * 1024 * 1024
"""What a proof may have together: a ZIP can promise far more than it weighs."""


# -- making one ---------------------------------------------------------------
def proof_of(
    con: sqlite3.Connection,
    hash_: str,
    signer: Signer,
    now_ms: int,
    *,
    language: Language,
    keys: set[str] | None = None,
) -> dict[str, bytes]:
    """The files of the proof of a handover; NOT_FOUND where `keys` (if given) do not reach it."""
    return proof_in(find_dossier(con, hash_, keys), signer, now_ms, language)


def proof_in(dossier: Dossier, signer: Signer, now_ms: int, language: Language) -> dict[str, bytes]:
    """The same of a dossier."""
    sheet = sheet_of(dossier, words(language), now_ms)
    owners = dossier.owners | {signer.kid: "backend"}
    used = {one.kid for one in (*dossier.exhibits, *dossier.openings)} | {signer.kid}
    keys = [f"{kid}  key of {owners.get(kid, 'backend')}" for kid in sorted(used)]
    files = {
        "statement.txt": as_text(sheet, keys).encode(),
        "statement.html": as_page(sheet, keys).encode(),
    }
    said = Said(outcome=outcome_of(dossier, now_ms), files=files)
    return write_proof(dossier, said, signer, rfc3339(now_ms))


# -- reading one --------------------------------------------------------------
def read_proof(path: Path) -> dict[str, bytes]:
    """The files of a proof in a folder or a ZIP, by name. Raises NO_FILE, NOT_A_PROOF, TOO_LARGE."""
    try:
        return dict(_from_folder(path) if path.is_dir() else _from_zip(path))
    except OSError as error:
        raise Problem(NO_FILE, error.strerror or "", str(path)) from error
    except _NO_ZIP as error:
        raise Problem(NOT_A_PROOF, str(error), str(path)) from error
    except ValueError as error:  # zlib's own, and names that are none
        raise Problem(NOT_A_PROOF, str(error)[:200], str(path)) from error


def _from_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    left = MOST_BYTES
    for file in sorted(one for one in path.rglob("*") if one.is_file()):
        left -= file.stat().st_size
        if left < 0:
            raise Problem(TOO_LARGE, f"more than {MOST_BYTES} bytes", str(path))
        yield file.relative_to(path).as_posix(), file.read_bytes()


def _from_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as packed:
        entries = [one for one in packed.infolist() if not one.is_dir()]
        if len(entries) > MOST_FILES or sum(one.file_size for one in entries) > MOST_BYTES:
            raise Problem(TOO_LARGE, f"more than {MOST_FILES} files or {MOST_BYTES} bytes", str(path))
        for one in entries:
            yield one.filename, packed.read(one)
