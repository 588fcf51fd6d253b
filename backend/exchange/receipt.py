"""A receipt as a PDF: A4, its own fonts inside, text that can be read aloud and searched, the same bytes every time."""

from functools import partial
from pathlib import Path
from typing import Final

from backend.printing.paper import FAINT, LINE, RULE, Colour, Paper, opened
from backend.printing.symbols import code_matrix
from backend.sheet import Outcome, Row, Section, Sheet, Table
from sync.ids import unb64

BAND: Final[dict[Outcome, Colour]] = {
    "accepted": (22, 110, 64),
    "reserved": (150, 84, 0),
    "refused": (168, 36, 30),
    "withdrawn": (84, 92, 100),
    "lapsed": (84, 92, 100),
    "offered": (30, 84, 150),
    "contested": (168, 36, 30),
    "settled": (30, 84, 150),
    "reassigned": (92, 60, 140),
    "overtaken": (92, 60, 140),
}
"""White on each of these has a contrast of 5 to 1 or more (WCAG 2.2 asks 4.5)."""

_MARGIN: Final = 18.0
_LABEL: Final = 40.0
_GAP: Final = 4.0
_CODE_MM: Final = 54.0
"""A symbol of version 18 with its quiet zone has 97 modules: 0.56 mm each, which a phone reads at arm's length."""


class _Paper(Paper):
    """A4 paper in one language. The number of pages is known only after a first try."""

    def __init__(self, sheet: Sheet, pages: int, fonts: Path) -> None:
        super().__init__(fonts, sheet.words, f"{sheet.title}: {sheet.outcome_words}", sheet.made_ms)
        self.sheet = sheet
        self.pages_said = pages
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=22)
        self.set_subject(sheet.subject)
        self.alias_nb_pages("")
        self.beside_until = 0.0
        """Down to here a code stands at the far side of the first page."""

    def file_id(self) -> str:
        """The same for the same facts."""
        name = unb64(self.sheet.subject)[:16].hex().upper()
        return f"<{name}><{name}>"

    def footer(self) -> None:
        """What this was made from, and which page it is."""
        self.set_y(-16)
        self._rule(self.get_y())
        self.ink("text", 7.5, FAINT)
        self.set_y(-14)
        page = self.sheet.words("page", page=self.page_no(), pages=self.pages_said)
        width = self.epw - 32
        near, far = self.l_margin, self.l_margin + width
        self.words(self.sheet.footer, far - width + (32 if self.rtl else 0), width)
        self.set_y(-14)
        self.words(page, near if self.rtl else far, 32, end=True)

    def _rule(self, y: float) -> None:
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.line(self.column[0], y, self.column[1], y)

    @property
    def column(self) -> tuple[float, float]:
        """Left and right end of the lines at this height."""
        near, far = self.l_margin, self.w - self.r_margin
        if self.page == 1 and self.get_y() < self.beside_until:
            taken = _CODE_MM + _GAP
            return (near + taken, far) if self.rtl else (near, far - taken)
        return near, far

    # -- the sheet ------------------------------------------------------------
    def draw(self) -> None:
        """Afterwards all of the sheet is on paper."""
        self.add_page()
        self._head()
        if len(self.sheet.codes) == 1:
            self._code_beside(self.sheet.codes[0])
        for section in self.sheet.sections:
            self._section(section)
        if len(self.sheet.codes) != 1:
            self._codes()

    def _head(self) -> None:
        sheet = self.sheet
        self.ink("bold", 20)
        self.words(sheet.title, self.l_margin, self.epw, line=9)
        self.ink("code", 8, FAINT)
        self.words(sheet.subject, self.l_margin, self.epw, code=True)
        self.ln(2)
        self.ink("bold", 13, (255, 255, 255))
        height = 6.5 * self.lines(sheet.outcome_words, self.epw - 10, 6.5) + 5
        top = self.get_y()
        self.set_fill_color(*BAND[sheet.outcome])
        self.rect(self.l_margin, top, self.epw, height, "F", round_corners=True, corner_radius=1.5)
        self.set_y(top + 2.5)
        self.words(sheet.outcome_words, self.l_margin + 5, self.epw - 10, line=6.5)
        self.set_y(top + height + 3)
        self.ink("text", 11)
        self.words(sheet.says, self.l_margin, self.epw, line=5.8)
        self.ln(2)

    def _section(self, section: Section) -> None:
        if self.will_page_break(24):
            self.add_page()
        self.ln(2.5)
        self.ink("bold", 11)
        near, far = self.column
        self.words(section.heading, near, far - near, line=6)
        self._rule(self.get_y() + 0.3)
        self.ln(1.8)
        for row in section.rows:
            self._row(row)
        if section.table is not None:
            self._table(section.table)

    def _row(self, row: Row) -> None:
        near, far = self.column
        width = far - near - _LABEL - _GAP
        beside = near if self.rtl else near + _LABEL + _GAP
        at = far - _LABEL if self.rtl else near
        self.ink("text", 9, FAINT)
        height = LINE * self.lines(row.label, _LABEL, LINE)
        if self.will_page_break(max(height, 2 * LINE)):
            self.add_page()
        top, page = self.get_y(), self.page
        self.ink("text", 9, FAINT)
        self.words(row.label, at, _LABEL)
        bottom = self.get_y()
        self.set_y(top)
        for text in row.texts:
            self.ink("code" if row.is_code else "text", 8 if row.is_code else 9.5)
            self.words(text, beside, width, code=row.is_code)
        if self.page == page:
            self.set_y(max(self.get_y(), bottom))
        self.ln(0.8)

    def _table(self, table: Table) -> None:
        self.set_y(max(self.get_y(), self.beside_until) if self.page == 1 else self.get_y())
        share = (0.3, 0.12, 0.12, 0.12, 0.34)
        widths = [self.epw * part for part in share]
        self.ink("text", 8, FAINT)
        self._cells(table.head, widths)
        self.ink("text", 9.5)
        for cells in table.rows:
            self._cells(cells, widths)

    def _cells(self, cells: tuple[str, ...], widths: list[float]) -> None:
        lines = max(self.lines(cell, width - 2, LINE) for cell, width in zip(cells, widths, strict=True) if cell)
        if self.will_page_break(lines * LINE):
            self.add_page()
        top = self.get_y()
        x = self.w - self.r_margin if self.rtl else self.l_margin
        for cell, width in zip(cells, widths, strict=True):
            x = x - width if self.rtl else x
            self.set_y(top)
            self.words(cell, x, width - 2)
            x = x if self.rtl else x + width
        self.set_y(top + lines * LINE)
        self._rule(self.get_y() + 0.2)
        self.ln(0.8)

    # -- codes ----------------------------------------------------------------
    def _code_beside(self, text: str) -> None:
        """One code, at the far side of the first page, with what it is under it."""
        top = self.get_y() + 1
        x = self.l_margin if self.rtl else self.w - self.r_margin - _CODE_MM
        self.symbol(code_matrix(text), x, top, _CODE_MM, self.sheet.words("section.codes"))
        self.set_y(top + _CODE_MM - 1)
        self.ink("text", 7.5, FAINT)
        self.words(self.sheet.code_says, x + 2, _CODE_MM - 4, line=3.6)
        self.beside_until = self.get_y() + 1
        self.set_y(top - 1)

    def _codes(self) -> None:
        sheet = self.sheet
        if not sheet.code_says:
            return
        if self.will_page_break(_CODE_MM + 22):
            self.add_page()
        self._section(Section(sheet.words("section.codes")))
        self.ink("text", 9, FAINT)
        self.words(sheet.code_says, self.l_margin, self.epw)
        self.ln(1)
        across = int(self.epw // (_CODE_MM + 2))
        for start in range(0, len(sheet.codes), across):
            if self.will_page_break(_CODE_MM + 6):
                self.add_page()
            self._some_codes(start, sheet.codes[start : start + across])

    def _some_codes(self, start: int, texts: tuple[str, ...]) -> None:
        top = self.get_y()
        for number, text in enumerate(texts):
            at = number * (_CODE_MM + 2)
            x = self.w - self.r_margin - _CODE_MM - at if self.rtl else self.l_margin + at
            count = f" {start + number + 1}/{len(self.sheet.codes)}" if len(self.sheet.codes) > 1 else ""
            alt = f"{self.sheet.words('section.codes')}{count}"
            self.symbol(code_matrix(text), x, top, _CODE_MM, alt)
            if count:
                self.ink("text", 8, FAINT)
                self.set_y(top + _CODE_MM)
                self.words(count.strip(), x, _CODE_MM, line=4, code=True)
        self.set_y(top + _CODE_MM + (5 if len(self.sheet.codes) > 1 else 1))


def as_pdf(sheet: Sheet) -> bytes:
    """The receipt as a PDF; the same sheet gives the same bytes."""
    pages = 1
    while True:
        with opened(partial(_Paper, sheet, pages)) as paper:
            paper.draw()
            if paper.pages_count == pages:
                return bytes(paper.output())
            pages = paper.pages_count
