"""A receipt in words: the same for print, for a page, and for plain text."""

from typing import Literal

import msgspec

from backend.words import Words

Outcome = Literal[
    "offered",
    "lapsed",
    "accepted",
    "reserved",
    "refused",
    "withdrawn",
    "contested",
    "settled",
    "reassigned",
    "overtaken",
]


class Row(msgspec.Struct, frozen=True):
    """A label and what is said under it, each text a paragraph; `is_code` for hashes and names of events."""

    label: str
    texts: tuple[str, ...]
    is_code: bool = False


class Table(msgspec.Struct, frozen=True):
    """Cells under headings."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Section(msgspec.Struct, frozen=True):
    """A heading and what stands under it."""

    heading: str
    rows: tuple[Row, ...] = ()
    table: Table | None = None


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt in words. `codes` are the texts of the QR codes to draw; `made_ms` is when its newest fact came."""

    words: Words
    title: str
    subject: str
    outcome: Outcome
    outcome_words: str
    says: str
    sections: tuple[Section, ...]
    codes: tuple[str, ...]
    code_says: str
    footer: str
    made_ms: int
