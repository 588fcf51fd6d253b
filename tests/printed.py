"""A PDF as a printer and an eye would have it: rasterised by poppler, its codes read from the pixels."""

import subprocess
from pathlib import Path

import zxingcpp
from PIL import Image


def pages(pdf: bytes, folder: Path, dpi: int) -> list[Path]:
    """Its pages as grey PNG files, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "printed.pdf"
    source.write_bytes(pdf)
    subprocess.run(["pdftoppm", "-png", "-gray", "-r", str(dpi), source, folder / f"at{dpi}"], check=True)
    return sorted(folder.glob(f"at{dpi}-*.png"))


def codes_on(page: Path) -> dict[str, tuple[float, float]]:
    """The text of each code on a page, and where its middle is, as shares of the page's width and height."""
    with Image.open(page) as picture:
        found = {}
        for code in zxingcpp.read_barcodes(picture.convert("L")):
            corners = (code.position.top_left, code.position.bottom_right)
            x, y = (sum(getattr(one, axis) for one in corners) / 2 for axis in "xy")
            found[code.text] = (x / picture.width, y / picture.height)
        return found
