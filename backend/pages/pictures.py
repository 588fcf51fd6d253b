"""Pictures that pages draw themselves, as the path of an SVG: nothing is loaded, and no style stands in the page."""

import msgspec
import qrcode


class Code(msgspec.Struct, frozen=True):
    """A QR code: its side in modules, the quiet zone included, and the dark ones as the path of an SVG."""

    size: int
    path: str


def code_of(text: str) -> Code:
    """The QR code of a text, level M, with the quiet zone of four modules that ISO/IEC 18004 asks for."""
    made = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=4)
    made.add_data(text)
    rows = made.get_matrix()
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return Code(len(rows), "".join(dark))
