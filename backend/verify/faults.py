"""What can be wrong with a database, in words for the person who has to decide what to do about it."""

import sqlite3
from typing import Final, Literal

import msgspec

What = Literal[
    "missing",
    "inserted",
    "changed",
    "unsigned",
    "bad signature",
    "misplaced",
    "verdict",
    "index",
    "batch",
    "log",
    "document",
    "mark",
    "blob",
    "redacted",
    "receipt",
    "file",
]
UNREADABLE: Final = (sqlite3.DatabaseError, UnicodeError, msgspec.ValidationError)
"""All that reading a damaged file raises; what SQLite says of one may itself not be text."""
MOST_TOLD: Final = 100
"""Faults that are named one by one; a database with more of them is not mended by reading on."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was: `where` names it (`log:seq` for an event), `what` says of which sort it is."""

    where: str
    what: What
    detail: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.where}: {self.what}: {self.detail}"


class Looked(msgspec.Struct):
    """How much was looked at."""

    logs: int = 0
    events: int = 0
    forks: int = 0
    signatures: int = 0
    batches: int = 0
    documents: int = 0
    marks: int = 0
    verdicts: int = 0
    blobs: int = 0
    redactions: int = 0
    receipts: int = 0
