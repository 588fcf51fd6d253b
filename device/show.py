"""Showing codes: a text as the modules of a QR symbol, as SVG, as PNG or on a terminal.

Which symbol is drawn is `sync.qr.fit`'s to say; a handover too large for one is shown as several.
"""

import io
from itertools import groupby, zip_longest
from typing import Final

import qrcode
from PIL import Image

from sync.problems import TOO_LARGE, Problem
from sync.qr import Fit, code_texts, fit

Matrix = tuple[tuple[bool, ...], ...]
"""Rows of modules, dark is True, the quiet zone included: as many rows as columns."""

_LEVEL: Final = {"L": qrcode.ERROR_CORRECT_L, "M": qrcode.ERROR_CORRECT_M}
_QUIET: Final = 4  # light modules around a symbol (ISO/IEC 18004, 6.3.8)
# One mask for all: choosing the best of eight takes four times as long, and no reader was seen to care.
_MASK: Final = 2


def matrix(text: str) -> Matrix:
    """The symbol for `text`, alphanumeric where its characters allow; TOO_LARGE where no version up to 18 holds it."""
    symbol = _fitting(text)
    drawn = qrcode.QRCode(
        version=symbol.version, error_correction=_LEVEL[symbol.level], mask_pattern=_MASK, border=_QUIET
    )
    drawn.add_data(text, optimize=0)  # one segment: the text decides its mode as a whole
    drawn.make(fit=False)
    return tuple(tuple(bool(module) for module in row) for row in drawn.get_matrix())


def _fitting(text: str) -> Fit:
    symbol = fit(text)
    if symbol is None:
        raise Problem(TOO_LARGE, f"{len(text)} characters do not fit one code; show it in parts")
    return symbol


def svg(text: str) -> str:
    """The symbol as an SVG document, one unit a module; a run of dark modules is one stroke, so it stays small."""
    rows = matrix(text)
    size = len(rows)
    strokes: list[str] = []
    for y, row in enumerate(rows):
        at, pen = 0, -1  # no pen in this row yet: its first stroke says where it is, the others how far on
        for dark, run in groupby(row):
            length = len(tuple(run))
            if dark:
                strokes.append(f"M{at} {y}.5h{length}" if pen < 0 else f"m{at - pen} 0h{length}")
                pen = at + length
            at += length
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path stroke="#000" d="{"".join(strokes)}"/></svg>'
    )


def png(text: str, scale: int = 8) -> bytes:
    """The symbol as a PNG picture, `scale` pixels a module."""
    rows = matrix(text)
    picture = Image.new("1", (len(rows), len(rows)))
    picture.putdata([not dark for row in rows for dark in row])
    out = io.BytesIO()
    picture.resize((len(rows) * scale,) * 2, Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def terminal(text: str) -> str:
    """The symbol in half blocks, two rows of modules a line, dark on light whatever the terminal's colours.

    The largest is 97 columns by 49 lines.
    """
    rows = matrix(text)
    light = (False,) * len(rows)
    blocks = {(False, False): " ", (True, False): "\u2580", (False, True): "\u2584", (True, True): "\u2588"}
    lines = (
        "".join(blocks[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip_longest(rows[::2], rows[1::2], fillvalue=light)
    )
    return "\n".join(f"\x1b[38;5;16;48;5;231m{line}\x1b[0m" for line in lines)


def pictures(frame: bytes, scale: int = 8) -> tuple[bytes, ...]:
    """PNG pictures that show these frame bytes: one, or its parts in their order, for showing in a cycle."""
    return tuple(png(text, scale) for text in code_texts(frame))
