"""What is said of a row that was put aside, in the reader's language: readers of files say it in English."""

import re
from collections.abc import Callable

from backend.pages.catalogue import PageWords


def remedy_key(text: str) -> str:
    """The key under which a sentence of a reader stands in the catalogue, after its group."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60]


def saying(words: PageWords) -> Callable[[str], str]:
    """Says a remedy, or what was found, in this language; what somebody else wrote as it is."""

    def say(text: str) -> str:
        key = remedy_key(text)
        return words.of("order_remedy", key) if words.has(f"order_remedy.{key}") else text

    return say
