"""What receipts and statements say, in each language: one catalogue a language, the same keys in all of them."""

from functools import cache
from importlib import resources
from typing import Final, Literal, get_args
from unicodedata import bidirectional

import msgspec

from sync.codec import decode

Language = Literal["en", "de", "pl", "ar"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
RIGHT_TO_LEFT: Final = frozenset({"ar"})


_LEFTWARD: Final = frozenset({"R", "AL", "AN"})
_RIGHTWARD: Final = frozenset({"L", "EN"})


class Words(msgspec.Struct, frozen=True):
    """One language: its sentences by key. A value that has no word of its own is shown as it is."""

    language: Language
    said: dict[str, str]

    @property
    def is_rtl(self) -> bool:
        """True where lines run from right to left."""
        return self.language in RIGHT_TO_LEFT

    def __call__(self, key: str, **given: object) -> str:
        """The sentence of this key with what is given put in; a key that is missing is an error of ours."""
        return self.said[key].format(**{name: self.isolated(str(value)) for name, value in given.items()})

    def isolated(self, text: str) -> str:
        """A text that somebody gave, so that what it holds of the other direction moves nothing around it.

        Source: Unicode Standard Annex 9, 6.3: FIRST STRONG ISOLATE before, POP DIRECTIONAL ISOLATE after. A text that
        cannot disturb is left as it is.
        """
        disturbing = _LEFTWARD if not self.is_rtl else _RIGHTWARD
        if not any(bidirectional(one) in disturbing for one in text):
            return text
        return f"\u2068{text}\u2069"

    def of(self, group: str, value: str) -> str:
        """The word for a value of a closed list, such as `priority.urgent`."""
        return self.said.get(f"{group}.{value}", value)


@cache
def words(language: Language) -> Words:
    """The catalogue of a language."""
    text = resources.files("backend.words").joinpath(f"{language}.json").read_text("utf-8")
    return Words(language, decode(text, dict[str, str]))
