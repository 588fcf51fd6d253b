"""Sheets of labels as a PDF: a code that a phone reads from where one stands, and what people call the thing."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from backend.printing.paper import FAINT, INK, Paper, opened
from backend.printing.stock import Stock
from backend.printing.symbols import label_matrix
from backend.words import Words
from sync.problems import BAD_ARGUMENT, Problem

Labelled = Literal["site", "point", "asset"]
LABELLED: Final[tuple[Labelled, ...]] = get_args(Labelled)
READ_MM: Final = 0.75
"""How wide a module has to be to be read from 60 cm: 1.7 pixels of a camera with 1,920 of them across 70 degrees. Of
pictures by the camera model of the trials 97 % were read so, half of them at 1.5 pixels. A code of 28 mm has modules
of that size up to version 3: an id of 38 letters."""
READ_CM: Final = 60
"""From how far away a label is to be read."""
_EDGE: Final = 1.5
"""Between a label's edge and its code's quiet zone: sheets do not lie straight in a printer."""
_SAFE: Final = 5.0
"""Between an edge and text: what printers leave blank at the edge of the paper."""
_GAP: Final = 1.0
_POINT_MM: Final = 25.4 / 72


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A label: what it stands on, how people call that, where it is, and the text of its code.

    `doubtful` says that the id alone does not tell what was scanned: something else has the same.
    """

    kind: Labelled
    id: str
    name: str
    site: str
    site_name: str
    text: str
    doubtful: bool = False


class _Labels(Paper):
    """Paper of one sheet's size in one language."""

    def __init__(self, stock: Stock, words: Words, made_ms: int, fonts: Path) -> None:
        super().__init__(fonts, words, words("labels.title"), made_ms, size=stock.paper)
        self.said = words
        self.set_margins(0, 0)
        self.set_auto_page_break(auto=False)

    def label(self, label: Label, corner: tuple[float, float], size: tuple[float, float]) -> None:
        """One label with its upper left corner there; beside the code where it is wide, under it where it is not."""
        (x, y), (width, height) = corner, size
        matrix = label_matrix(label.text)
        said = f"{self.said.of('labelled', label.kind)} {label.id}"
        if width >= 1.3 * height:
            side = min(height - 2 * _EDGE, width * 0.5)
            at = x + width - side - _EDGE if self.rtl else x + _EDGE
            self.symbol(matrix, at, y + (height - side) / 2, side, said)
            room = width - side - _EDGE - _GAP - _SAFE
            start = x + _SAFE if self.rtl else x + side + _EDGE + _GAP
            self._text(label, start, y + _SAFE, room, height - 2 * _SAFE, centred=False)
            return
        side = min(width - 2 * _SAFE, height * 0.62)
        self.symbol(matrix, x + (width - side) / 2, y + _SAFE, side, said)
        below = y + _SAFE + side
        self._text(label, x + _SAFE, below, width - 2 * _SAFE, y + height - _SAFE - below, centred=True)

    def _text(self, label: Label, x: float, y: float, width: float, height: float, *, centred: bool) -> None:
        """What it is, its name, its site and its id, from top to bottom, as large as the room allows."""
        scale = min(2.2, max(1.0, min(height / 27, width / 28)))
        small = 7 * scale
        self.set_y(y)
        self.ink("text", small, FAINT)
        self.words(self.said.of("labelled", label.kind), x, width, line=small * _POINT_MM * 1.35, centred=centred)
        name, large = self._name(label.name or label.id, width, scale)
        self.given(name, x, width, line=large * _POINT_MM * 1.2, centred=centred)
        if label.kind != "site":
            self.ink("text", small, INK)
            site = self.cut(label.site_name or label.site, width, 1)
            self.given(site, x, width, line=small * _POINT_MM * 1.35, centred=centred)
        self.ink("code", small, INK)
        step = small * _POINT_MM * 1.25
        shown = self.cut(label.id, width, 2)
        self.set_y(max(self.get_y() + 0.5, y + height - step * self.lines(shown, width, step)))
        self.given(shown, x, width, line=step, centred=centred)

    def _name(self, name: str, width: float, scale: float) -> tuple[str, float]:
        """The name in the largest type in which all of it can be read, or cut in the smallest; and that type's size."""
        for size, most in ((11, 2), (9, 3)):
            self.ink("bold", size * scale)
            if self.cut(name, width, most) == name:
                return name, size * scale
        self.ink("bold", 7.5 * scale)
        return self.cut(name, width, 3), 7.5 * scale


def label_sheets(labels: Sequence[Label], stock: Stock, words: Words, made_ms: int, *, start: int = 1) -> bytes:
    """The labels as a PDF, in order; on the first sheet the places before `start`, counted from 1, stay free.

    BAD_ARGUMENT where there is no such place, or no label at all.
    """
    if not 1 <= start <= stock.count:
        raise Problem(BAD_ARGUMENT, f"a sheet has the places 1 to {stock.count}", "start")
    if not labels:
        raise Problem(BAD_ARGUMENT, "nothing of that kind is there to be labelled")
    with opened(partial(_Labels, stock, words, made_ms)) as paper:
        for number, label in enumerate(labels, start - 1):
            place = number % stock.count
            if place == 0 or number == start - 1:
                paper.add_page()
            paper.label(label, stock.corner(place), stock.label)
        return bytes(paper.output())


def reads_from_cm(label: Label, stock: Stock) -> int:
    """From how far away, in centimetres, a phone reads the code of this label on this sheet."""
    width, height = stock.label
    side = min(height - 2 * _EDGE, width * 0.5) if width >= 1.3 * height else min(width - 2 * _SAFE, height * 0.62)
    return int(side / len(label_matrix(label.text)) / READ_MM * READ_CM)
