"""Paper in one language: our own fonts, text that can be read aloud and searched, a direction for each paragraph."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, TypeVar
from unicodedata import bidirectional

from fpdf import FPDF
from fpdf.enums import TextDirection, XPos, YPos
from fpdf.fonts import TTFFont

from backend.printing.symbols import Matrix, png
from backend.words import Words

Colour = tuple[int, int, int]
INK: Final[Colour] = (28, 32, 36)
FAINT: Final[Colour] = (96, 104, 112)
RULE: Final[Colour] = (214, 219, 224)
LINE: Final = 5.0
"""Millimetres from one line of text to the next, where nothing else is said."""
_FONTS: Final = {"text": ("figo", ""), "bold": ("figbo", "B"), "code": ("cascadia", "")}
"""FiraGO (Latin, Polish, Arabic) in two weights, and Cascadia Mono for hashes; the SIL Open Font License covers all."""
_ELLIPSIS: Final = "…"


@cache
def _font(name: str) -> bytes:
    raw: bytes = import_module("pymupdf_fonts").myfont(name)
    return raw


class Paper(FPDF):
    """Paper in millimetres; what is made on it comes out the same for the same facts and time."""

    def __init__(
        self, fonts: Path, words: Words, title: str, made_ms: int, *, size: tuple[float, float] | Literal["A4"] = "A4"
    ) -> None:
        super().__init__(unit="mm", format=size)
        self.rtl = words.is_rtl
        for family, (name, style) in _FONTS.items():
            path = fonts / f"{name}.ttf"
            if not path.exists():
                path.write_bytes(_font(name))
            self.add_font("code" if family == "code" else "text", style, path)
        self.set_lang(words.language)
        self.set_title(title)
        self.set_author("field handover")
        self.set_creator("field handover")
        self.set_producer("field handover")
        self.set_creation_date(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=made_ms))

    def close_fonts(self) -> None:
        """Afterwards the fonts' files are closed; fpdf leaves that to chance."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def ink(self, family: str, size: float, colour: Colour = INK) -> None:
        """The font to go on with: `text`, `bold` or `code`."""
        self.set_font("code" if family == "code" else "text", "B" if family == "bold" else "", size)
        self.set_text_color(*colour)

    def words(
        self,
        text: str,
        x: float,
        width: float,
        *,
        line: float = LINE,
        code: bool = False,
        end: bool = False,
        centred: bool = False,
    ) -> None:
        """A paragraph in a column; `code` runs from left to right whatever the language."""
        self._shape(rtl=self.rtl and not code)
        at_right = (self.rtl and not end) or (end and not self.rtl)
        self.set_x(x)
        align = "C" if centred else "R" if at_right else "L"
        self.multi_cell(width, line, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def given(self, text: str, x: float, width: float, *, line: float, centred: bool = False) -> None:
        """The same for a text that somebody gave: its own first letter says in which direction it runs."""
        self._shape(rtl=runs_left(text, otherwise=self.rtl))
        self.set_x(x)
        align = "C" if centred else "R" if self.rtl else "L"
        self.multi_cell(width, line, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _shape(self, *, rtl: bool) -> None:
        self.set_text_shaping(use_shaping_engine=True, direction=TextDirection.RTL if rtl else TextDirection.LTR)

    def lines(self, text: str, width: float, line: float) -> int:
        """How many lines a paragraph takes."""
        height = self.multi_cell(width, line, text, dry_run=True, output="HEIGHT")
        return max(1, round(float(str(height)) / line))

    def cut(self, text: str, width: float, most: int) -> str:
        """The text, or as much of it as fits so many lines, and an ellipsis."""
        self._shape(rtl=runs_left(text, otherwise=self.rtl))
        if self.lines(text, width, LINE) <= most:
            return text
        fits, over = 0, len(text)
        while over - fits > 1:
            middle = (fits + over) // 2
            if self.lines(text[:middle].rstrip() + _ELLIPSIS, width, LINE) <= most:
                fits = middle
            else:
                over = middle
        return text[:fits].rstrip() + _ELLIPSIS

    def symbol(self, matrix: Matrix, x: float, y: float, side: float, said: str) -> None:
        """A code in a square, quiet zone included; `said` is what a screen reader says of it."""
        self.image(io.BytesIO(png(matrix)), x, y, side, side, alt_text=said)


def runs_left(text: str, *, otherwise: bool) -> bool:
    """True where the first letter of the text belongs to a script from right to left (Unicode Annex 9, P2 and P3)."""
    for one in text:
        direction = bidirectional(one)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return otherwise


_P = TypeVar("_P", bound=Paper)


@contextmanager
def opened(make: Callable[[Path], _P]) -> Iterator[_P]:
    """A paper whose fonts are there as long as it is worked on."""
    with TemporaryDirectory(prefix="handover-fonts-") as folder:
        paper = make(Path(folder))
        try:
            yield paper
        finally:
            paper.close_fonts()
