"""Cards with enrolment codes, four on an A4 sheet to be cut apart: one code for each named device."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from backend.printing.paper import FAINT, INK, RULE, Paper, opened
from backend.printing.symbols import code_matrix
from backend.words import Words
from sync.problems import BAD_ARGUMENT, Problem

SPACE: Final = "_"
"""Stands for a space in a text that is to be typed: Base45 has spaces, and at a line's end nobody would see one.

A device takes it for one; Base45 has no such character of its own.
"""
_COMMAND: Final = "handover device enrol -"
_MOST_NAME: Final = 36
_ROWS: Final = 4
_HEIGHT: Final = 297 / _ROWS
_MARGIN: Final = 12.0
_CODE_MM: Final = 54.0
_GAP: Final = 5.0
_STEP: Final = 4.3
_IN_LINE: Final = 44
"""Characters of a text to be typed that stand in one line."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time code for a named device and the people who will record on it; it ends at `expires_ms`."""

    device: str
    people: tuple[str, ...]
    text: str
    url: str
    expires_ms: int


class _Cards(Paper):
    """A4 paper in one language; times are shown in `zone`."""

    def __init__(self, words: Words, zone: str, made_ms: int, fonts: Path) -> None:
        super().__init__(fonts, words, words("cards.title"), made_ms)
        self.said = words
        self.zone = zone
        self.set_margins(0, 0)
        self.set_auto_page_break(auto=False)

    def marks(self) -> None:
        """Where to cut: a tick at both edges, and a faint line between."""
        for row in range(1, _ROWS):
            y = row * _HEIGHT
            self.set_line_width(0.2)
            self.set_draw_color(*RULE)
            self.set_dash_pattern(dash=1.5, gap=1.5)
            self.line(_MARGIN, y, self.w - _MARGIN, y)
            self.set_dash_pattern()
            self.set_draw_color(*INK)
            for left in (4.5, self.w - 4.5 - 5):
                self.line(left, y, left + 5, y)

    def card(self, card: Card, top: float) -> None:
        """One card: the code, whose it is, until when, what to do, and the text to type where there is no camera."""
        said = self.said
        device = card.device if len(card.device) <= _MOST_NAME else card.device[: _MOST_NAME - 1] + "…"
        code_at = self.w - _MARGIN - _CODE_MM if self.rtl else _MARGIN
        x = _MARGIN if self.rtl else _MARGIN + _CODE_MM + _GAP
        width = self.w - 2 * _MARGIN - _CODE_MM - _GAP
        self.symbol(code_matrix(card.text), code_at, top + 6, _CODE_MM, f"{said('cards.title')}: {card.device}")
        self.set_y(top + _CODE_MM + 6.5)
        self.ink("text", 7, FAINT)
        self.words(said("cards.keep", device=device), code_at + 2, _CODE_MM - 4, line=3.1)

        self.set_y(top + 7)
        self.ink("bold", 15)
        self.given(self.cut(card.device, width, 1), x, width, line=7)
        self.ink("text", 9)
        if card.people:
            people = self.cut(said("cards.for", people=", ".join(map(said.isolated, card.people))), width, 1)
            self.words(people, x, width, line=_STEP)
        until = f"{self._when(card.expires_ms)} ({self.zone})"
        self.words(said("cards.until", until=until), x, width, line=_STEP)
        self.ln(1.5)
        for number in (1, 2, 3):
            text = said(f"cards.step{number}", device=device)
            y = self.get_y()
            self.ink("bold", 9)
            self.words(f"{number}", x + width - 4 if self.rtl else x, 4, line=_STEP)
            self.set_y(y)
            self.ink("text", 9)
            self.words(text, x if self.rtl else x + 5, width - 5, line=_STEP)
        self.ln(1.5)
        self.ink("text", 7.5, FAINT)
        self.words(said("cards.type", command=_COMMAND, space=SPACE), x, width, line=3.6)
        self.ink("code", 9)
        shown = card.text.replace(" ", SPACE)
        for start in range(0, len(shown), _IN_LINE):
            self.set_x(x)
            self.words(shown[start : start + _IN_LINE], x, width, line=4, code=True)

    def _when(self, ms: int) -> str:
        at = datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=ms)
        return at.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M")


def code_cards(cards: Sequence[Card], words: Words, zone: str, made_ms: int) -> bytes:
    """The cards as a PDF, in order; BAD_ARGUMENT where there is none."""
    if not cards:
        raise Problem(BAD_ARGUMENT, "say for which devices", "devices")
    with opened(partial(_Cards, words, zone, made_ms)) as paper:
        for number, card in enumerate(cards):
            if number % _ROWS == 0:
                paper.add_page()
                paper.marks()
            paper.card(card, number % _ROWS * _HEIGHT)
        return bytes(paper.output())
