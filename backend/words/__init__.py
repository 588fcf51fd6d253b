"""What receipts and statements say, in each language: one catalogue a language, the same keys in all of them."""

from functools import cache
from importlib import resources
from typing import Final, Literal, get_args

import msgspec

from sync.codec import decode

Language = Literal["en", "de", "pl", "ar"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
RIGHT_TO_LEFT: Final = frozenset({"ar"})


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
        return self.said[key].format(**given)

    def of(self, group: str, value: str) -> str:
        """The word for a value of a closed list, such as `priority.urgent`."""
        return self.said.get(f"{group}.{value}", value)


@cache
def words(language: Language) -> Words:
    """The catalogue of a language."""
    text = resources.files("backend.words").joinpath(f"{language}.json").read_text("utf-8")
    return Words(language, decode(text, dict[str, str]))
