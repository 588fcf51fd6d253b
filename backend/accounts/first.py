"""The first administrator: whoever started the backend sees a code there, and while nobody administers it, it works."""

import hmac
import sqlite3
from typing import Final

from backend.master import PERSON, all_of
from backend.world import World

_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without what is taken for something else when it is read aloud or copied."""
_LENGTH: Final = 12


class FirstCode:
    """A code of this process: another one at each start."""

    def __init__(self, world: World) -> None:
        letters = [_ALPHABET[byte % len(_ALPHABET)] for byte in world.token(_LENGTH)]
        self._plain = "".join(letters)

    @property
    def text(self) -> str:
        """The code in groups of four, as it is printed."""
        return "-".join(self._plain[at : at + 4] for at in range(0, _LENGTH, 4))

    def fits(self, typed: str) -> bool:
        """True where this is the code, however it is spaced and in whichever case."""
        plain = "".join(one for one in typed.upper() if one in _ALPHABET)
        return hmac.compare_digest(plain.encode(), self._plain.encode())


def has_admin(con: sqlite3.Connection) -> bool:
    """True where somebody administers this backend."""
    return any("admin" in row.roles for _, row in all_of(con, PERSON))
