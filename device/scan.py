"""Reading codes: from a picture file, a camera frame, a serial scanner or a keyboard line, as text.

Text only, never a symbol's raw bytes: of 200 random payloads in byte mode not one came back through a
reader's text, in Base45 all did. What a text means is `sync.qr`'s to say.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import serial
import zxingcpp
from PIL import Image, ImageFilter

from sync.problems import NO_CODE_FOUND, NO_PICTURE, NOT_A_PICTURE, SCANNER_SILENT, TOO_LARGE, Problem
from sync.qr import MOST_TEXT

MOST_PIXELS: Final = 80_000_000
"""Larger pictures are not decoded: a few kilobytes of PNG can unfold to gigabytes."""
_QR: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
# The second look at a picture that shows nothing at first: with the camera model of trial/ and codes of version
# 16 and 17, a blur of 0.45 of a module read in 31 % of pictures without it and in all with it, 0.5 in none and half.
_SHARPER: Final = ImageFilter.UnsharpMask(radius=3, percent=300, threshold=0)
_STX: Final = 0x02
_ENDS: Final = (0x03, 0x0A, 0x0D)
"""ETX, LF and CR: whichever of them a scanner is set to send behind a code."""


def codes_in_file(path: Path) -> tuple[str, ...]:
    """The texts of all QR codes in a PNG or JPEG file, each once, from the top left on.

    Raises NO_PICTURE, NOT_A_PICTURE, TOO_LARGE, or NO_CODE_FOUND where there is none.
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Problem(TOO_LARGE, f"{image.width} x {image.height} pixels, {MOST_PIXELS} is the most", str(path))
            texts = codes_in_image(image)
    except FileNotFoundError as error:
        raise Problem(NO_PICTURE, "there is no such file", str(path)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Problem(TOO_LARGE, f"more than {MOST_PIXELS} pixels", str(path)) from error
    except (OSError, SyntaxError, ValueError) as error:  # all that Pillow raises for damaged PNG and JPEG
        raise Problem(NOT_A_PICTURE, str(error), str(path)) from error
    if not texts:
        raise Problem(NO_CODE_FOUND, "", str(path))
    return texts


def codes_in_image(image: Image.Image) -> tuple[str, ...]:
    """The texts of all QR codes in a picture, each once, from the top left on; none is an empty tuple."""
    if image.has_transparency_data:  # what is transparent would turn black
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    grey = image.convert("L")
    found = _read(grey) or _read(grey.filter(_SHARPER))
    found.sort(key=lambda code: (code.position.top_left.y, code.position.top_left.x))
    return tuple(dict.fromkeys(code.text for code in found))


def _read(grey: Image.Image) -> list[zxingcpp.Barcode]:
    return zxingcpp.read_barcodes(grey, formats=_QR, text_mode=zxingcpp.TextMode.Plain)


def codes_in_frame(grey: bytes, width: int, height: int) -> tuple[str, ...]:
    """The same for a camera frame: `grey` holds `height` rows of `width` pixels, a byte each (NOT_A_PICTURE if not)."""
    if width < 1 or height < 1 or len(grey) != width * height:
        raise Problem(NOT_A_PICTURE, f"{len(grey)} bytes are no {width} x {height} grey pixels")
    return codes_in_image(Image.frombytes("L", (width, height), grey))


class LineReader:
    """Turns the bytes of a scanner into texts, however they are cut: STX text CR, text CR LF, text LF.

    Memory is bounded: of a line that does not end no more is kept than makes it too long to be a code.
    """

    def __init__(self) -> None:
        self._line = bytearray()

    def feed(self, raw: bytes) -> tuple[str, ...]:
        """The texts that end in `raw`, spaces and all; bytes that are no UTF-8 show as U+FFFD, which no code holds."""
        texts: list[str] = []
        for byte in raw:
            if byte == _STX:  # whatever came before it is noise
                self._line.clear()
            elif byte not in _ENDS:
                if len(self._line) <= 4 * MOST_TEXT:
                    self._line.append(byte)
            elif self._line:
                texts.append(self._line.decode("utf-8", "replace"))
                self._line.clear()
        return tuple(texts)


def keyboard_line(line: str) -> str:
    """What a keyboard wedge typed, without the frame around it; spaces stay, also at the end: a code may end in one."""
    return line.rstrip("\r\n\x03").removeprefix("\x02")


class SerialScanner:
    """An open serial scanner."""

    def __init__(self, port: serial.Serial) -> None:
        self._port = port
        self._lines = LineReader()

    def read(self) -> tuple[str, ...]:
        """The texts scanned since the last call; waits as long as said at opening. SCANNER_SILENT once unplugged."""
        try:
            return self._lines.feed(self._port.read(self._port.in_waiting or 1))
        except OSError as error:  # serial.SerialException is one
            raise Problem(SCANNER_SILENT, str(error), str(self._port.name)) from error


@contextmanager
def open_scanner(port: str, *, baud: int = 9600, wait_s: float = 0.5) -> Iterator[SerialScanner]:
    """A serial scanner at `port` (a device path), closed at the end. SCANNER_SILENT where it cannot be opened."""
    try:
        opened = serial.Serial(port, baud, timeout=wait_s)
    except (OSError, ValueError) as error:  # serial.SerialException is an OSError
        raise Problem(SCANNER_SILENT, str(error), port) from error
    try:
        yield SerialScanner(opened)
    finally:
        opened.close()
