"""How words are written so that they are found: without case, accents, or the signs between figures.

`Müller`, `MUELLER` and `muller` differ for whoever writes them and are meant alike by whoever looks for them; so do
`+49 (0)30 1234-5` and `030 12345`. Everything here is pure.
"""

import re
import unicodedata
from typing import Final

_LETTERS: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
    | {
        "\u0131": "i",
        "\u0649": "\u064a",
        "\u0629": "\u0647",
        "\u0640": None,
    }  # dotless i; alef maqsura, teh marbuta, tatweel
)
"""Letters that Unicode takes for letters of their own, and that people type without the sign that makes them so."""
_TRUNK: Final = re.compile(r"\(0\)")
_PHONE: Final = re.compile(r"^[+(]?[\d\s()/.+-]+$")
SHORTEST_PHONE: Final = 4
"""Figures from which on a number is looked for among phone numbers."""
LONGEST: Final = 60
"""Characters of a word that count."""
_SHORTEST_TAIL: Final = 5
"""From so many characters on a word is found by its end as well."""
BACKWARDS: Final = "~"
"""How a word begins that is written backwards."""


def folded(text: str) -> str:
    """The text as it is compared: no case, no marks on letters, figures of every script as 0 to 9."""
    if text.isascii():  # most names and numbers: none of the rest would change them
        return text.lower()
    # Some letters come apart only once their case is gone, and others have a case only once they came apart.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).casefold()
    bare = "".join(one for one in plain if not unicodedata.combining(one)).translate(_LETTERS)
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in bare)


def words(text: str) -> tuple[str, ...]:
    """The runs of letters and figures in a text, folded, each once, in their order."""
    spaced = "".join(one if one.isalnum() else " " for one in folded(text))
    return tuple(dict.fromkeys(word[:LONGEST] for word in spaced.split()))


def squashed(text: str) -> str:
    """All letters and figures of a text in one word, folded: `D-104/12` and `d 10412` are the same."""
    return "".join(one for one in folded(text) if one.isalnum())[:LONGEST]


def looked_for(text: str) -> tuple[str, ...]:
    """What is kept so that somebody finds this name or number: by its beginning, by that of its parts, by its end.

    An end is kept only where there are figures in it: nobody looks for the last letters of a name.
    """
    whole = squashed(text)
    if not whole:
        return ()
    kept = [whole, *(word for word in words(text) if len(word) > 1)]
    if len(whole) >= _SHORTEST_TAIL and any(one.isdigit() for one in whole):
        kept.append(BACKWARDS + whole[::-1])
    return tuple(dict.fromkeys(kept))


def figures(phone: str) -> str:
    """The figures of a phone number, without the zero that is dialled inside a country."""
    return "".join(one for one in folded(_TRUNK.sub("", phone)) if one.isdigit())


def dialled(phone: str) -> str:
    """A phone number as a phone takes it: figures, and the plus before them."""
    return ("+" if phone.strip().startswith("+") else "") + figures(phone)


def phone_looked_for(text: str) -> str:
    """The figures of what may be a phone number, from where country and trunk are left out; "" where it is none."""
    plain = folded(text).strip()
    found = figures(plain).lstrip("0") if _PHONE.match(plain) else ""
    return found if len(found) >= SHORTEST_PHONE else ""


def fits(asked: str, text: str) -> bool:
    """True where each word asked for begins a word of the text."""
    there = words(text)
    return all(any(one.startswith(word) for one in there) for word in words(asked))
