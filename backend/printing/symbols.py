"""Codes as pictures: which symbol holds a text, and that symbol as PNG or SVG."""

import zlib
from itertools import groupby
from typing import Final, Literal

import qrcode

from sync.qr import fit

Level = Literal[0, 1, 2, 3]
Matrix = tuple[tuple[bool, ...], ...]
"""Rows of modules, dark is True, the quiet zone included."""
QUIET: Final = 4
"""Light modules around a symbol (ISO/IEC 18004, 6.3.8)."""
_MODULE_PX: Final = 8
_STRONGER: Final[tuple[Level, ...]] = (qrcode.ERROR_CORRECT_H, qrcode.ERROR_CORRECT_Q)


def code_matrix(text: str) -> Matrix:
    """The symbol of a code that is shown or printed once and read at arm's length, as `sync.qr.fit` says."""
    symbol = fit(text)
    level: Level = qrcode.ERROR_CORRECT_M if symbol is None or symbol.level == "M" else qrcode.ERROR_CORRECT_L
    return _drawn(text, symbol.version if symbol else None, level)


def label_matrix(text: str) -> Matrix:
    """The symbol of a label: as few modules as level M has, and then as much error correction as they hold.

    A module as large as can be is what reads from afar; a level above M costs nothing there and helps against dirt.
    Version 1 is not drawn: it has no alignment pattern, and seen at an angle it was read less often than version 2 on
    the same room (49 of 60 pictures against 60, at 2 pixels a module).
    """
    version = max(_version(text, qrcode.ERROR_CORRECT_M), 2)
    stronger = (level for level in _STRONGER if _version(text, level) <= version)
    return _drawn(text, version, next(stronger, qrcode.ERROR_CORRECT_M))


def _version(text: str, level: Level) -> int:
    code = qrcode.QRCode(None, level)
    code.add_data(text, optimize=0)
    return int(code.best_fit())


def _drawn(text: str, version: int | None, level: Level) -> Matrix:
    code = qrcode.QRCode(version, level, border=QUIET, mask_pattern=0)
    code.add_data(text, optimize=0)  # one segment: the text decides its mode as a whole
    code.make(fit=version is None)
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def png(matrix: Matrix) -> bytes:
    """A symbol as a PNG of one bit a pixel, dark where True (PNG, third edition: signature, IHDR, IDAT, IEND)."""
    size = len(matrix) * _MODULE_PX
    packed = bytearray()
    for row in matrix:
        bits = "".join(("0" if dark else "1") * _MODULE_PX for dark in row)
        packed += (b"\x00" + int(bits.ljust(-(-size // 8) * 8, "1"), 2).to_bytes(-(-size // 8))) * _MODULE_PX
    head = size.to_bytes(4) + size.to_bytes(4) + bytes((1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, raw) for name, raw in ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(packed), 9)), (b"IEND", b""))
    )


def _chunk(name: bytes, raw: bytes) -> bytes:
    return len(raw).to_bytes(4) + name + raw + zlib.crc32(name + raw).to_bytes(4)


def svg_path(matrix: Matrix) -> str:
    """The dark modules as the `d` of an SVG path to be stroked, one unit a module; a run of them is one stroke."""
    strokes: list[str] = []
    for y, row in enumerate(matrix):
        at = 0
        for dark, run in groupby(row):
            length = len(tuple(run))
            if dark:
                strokes.append(f"M{at} {y}.5h{length}")
            at += length
    return "".join(strokes)
