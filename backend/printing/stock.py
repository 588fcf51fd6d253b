"""Sheets of labels as shops sell them: the paper, how many stand on it, and where."""

from typing import Final

import msgspec

from sync.problems import NOT_FOUND, Problem


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet of equal labels, in millimetres; they stand in the middle of the paper, a gap between columns.

    `known_as` are products of this size.
    """

    name: str
    paper: tuple[float, float] = (210.0, 297.0)
    label: tuple[float, float]
    columns: int
    rows: int
    gap: float = 0.0
    known_as: str = ""

    @property
    def count(self) -> int:
        """Labels on one sheet."""
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """Left and top edge of the label at this place of a sheet, counted from 0, row by row."""
        width, height = self.label
        row, column = divmod(place, self.columns)
        left = (self.paper[0] - self.columns * width - (self.columns - 1) * self.gap) / 2
        top = (self.paper[1] - self.rows * height) / 2
        return left + column * (width + self.gap), top + row * height


# Paper: ISO 216 (A4, A6), ANSI Y14.1 (Letter). Labels: the makers' data sheets of the products named; sizes, pitch and
# margins of those were compared with the templates of gLabels (zweckform 3474, avery 7165, 5163), which agree.
STOCKS: Final = (
    Stock(name="a4-3x8", label=(70.0, 37.0), columns=3, rows=8, known_as="Avery 3474, Herma 4464"),
    Stock(name="a4-3x7", label=(63.5, 38.1), columns=3, rows=7, gap=2.54, known_as="Avery L7160"),
    Stock(name="a4-2x7", label=(99.1, 38.1), columns=2, rows=7, gap=2.5, known_as="Avery L7163"),
    Stock(name="a4-2x4", label=(99.1, 67.7), columns=2, rows=4, gap=2.5, known_as="Avery L7165"),
    Stock(name="a6", paper=(105.0, 148.0), label=(105.0, 148.0), columns=1, rows=1),
    Stock(
        name="letter-2x5",
        paper=(215.9, 279.4),
        label=(101.6, 50.8),
        columns=2,
        rows=5,
        gap=4.76,
        known_as="Avery 5163",
    ),
)
"""The first is what is taken where nothing is said."""


def find_stock(name: str) -> Stock:
    """The sheet of this name; NOT_FOUND with the names there are."""
    found = next((stock for stock in STOCKS if stock.name == name), None)
    if found is None:
        raise Problem(NOT_FOUND, f"sheet {name[:40]}; there is {', '.join(stock.name for stock in STOCKS)}")
    return found
