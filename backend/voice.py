"""How a receipt speaks of parties, of what people wrote, and of times, in one language."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

from backend.words import Words
from sync.clock import milliseconds
from sync.events import Event
from sync.policy import is_role
from sync.problems import Problem

_ROLE: Final = "role:"


class Voice:
    """Words of one language; `names` calls parties by their names, and times are those of `zone`."""

    def __init__(self, words: Words, names: Mapping[str, str], zone: str) -> None:
        self.words = words
        self.names = names
        self.zone = ZoneInfo(zone)

    def who(self, party: str) -> str:
        """A party by its name, or by its id where no name is known (any more)."""
        if is_role(party):
            return self.words("role", role=self.words.of("role", party.removeprefix(_ROLE)))
        return self.names.get(party, party)

    def given(self, text: str) -> str:
        """What somebody wrote, set apart from the words around it where its direction is another."""
        return self.words.isolated(text)

    def by(self, event: Event, party: str) -> str:
        """A party, and who acted for it."""
        if event.actor == party:
            return self.who(party)
        return self.words("for", actor=self.who(event.actor), party=self.who(party))

    def when(self, ms: int) -> str:
        """A time in the site's zone, with its offset."""
        local = datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=ms)
        at = local.astimezone(self.zone)
        offset = at.utcoffset() or timedelta(0)
        shown = at.astimezone(timezone(offset))
        return self.given(f"{shown:%Y-%m-%d %H:%M:%S} {_offset(offset)}")

    def said(self, text: str) -> str:
        """A time that somebody wrote, in the site's zone; as it is where it is none."""
        try:
            return self.when(milliseconds(text))
        except Problem:
            return text


def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
