"""Showing codes: what is drawn is what a reader reads, whichever way it is drawn."""

import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from device.scan import codes_in_image
from device.show import matrix, pictures, png, svg, terminal
from sync.base45 import ALPHABET
from sync.problems import TOO_LARGE, Problem
from sync.qr import PartsCollector, fit, frame_text

CODES: list[dict[str, str]] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "qr" / "codes.json").read_text("utf-8")
)
OFFER = CODES[0]["text"]


def read(picture: bytes) -> tuple[str, ...]:
    return codes_in_image(Image.open(io.BytesIO(picture)))


def picture_of(rows: list[list[bool]], scale: int = 4) -> Image.Image:
    image = Image.new("L", (len(rows[0]), len(rows)))
    image.putdata([0 if dark else 255 for row in rows for dark in row])
    return image.resize((len(rows[0]) * scale, len(rows) * scale), Image.Resampling.NEAREST)


@pytest.mark.parametrize("code", CODES, ids=[code["name"] for code in CODES])
def test_a_handover_code_is_read_as_it_was_shown(code: dict[str, str]) -> None:
    assert read(png(code["text"], 3)) == (code["text"],)


@settings(max_examples=40)
@given(st.text(ALPHABET, min_size=1, max_size=200).map(lambda rest: "HO1:" + rest))
def test_every_space_survives_the_picture(text: str) -> None:
    assert read(png(text, 3)) == (text,)


@pytest.mark.parametrize(
    "text", ["HS1:site-12", "HS1:a  b", "HS1:Łódź 3", "HS1:موقع-٣", "https://id.gs1.org/414/9520123000011"]
)
def test_labels_are_read_as_they_were_printed(text: str) -> None:
    assert read(png(text)) == (text,)


@pytest.mark.parametrize("length", [1, 20, 41, 134, 154, 155, 377, 534, 812, 1041])
def test_the_symbol_drawn_is_the_one_that_fits(length: int) -> None:
    text = "HO1:" + "A" * length
    symbol = fit(text)
    assert symbol is not None
    assert len(matrix(text)) == 17 + 4 * symbol.version + 8
    assert read(png(text, 3)) == (text,)


def test_what_fits_no_picture_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        matrix(frame_text(bytes(695)))
    assert caught.value.kind is TOO_LARGE


def test_a_matrix_has_a_quiet_zone_of_four_modules() -> None:
    rows = matrix("HS1:site-12")
    assert not any(any(row) for row in (*rows[:4], *rows[-4:]))
    assert not any(any(row[:4]) or any(row[-4:]) for row in rows)
    assert rows[4][4:11] == (True,) * 7


@pytest.mark.parametrize("text", [OFFER, "HS1:site-12"])
def test_an_svg_draws_the_same_modules_and_stays_small(text: str) -> None:
    document = svg(text)
    assert len(document) < 14_000
    assert "style" not in document  # a strict content policy would drop it
    root = ET.fromstring(document)  # noqa: S314 - our own document
    rows = [[False] * len(matrix(text)) for _ in matrix(text)]
    x = y = 0
    for move, dx, dy, run in re.findall(r"([Mm])(\d+) ([\d.]+)h(\d+)", root[1].attrib["d"]):
        x, y = (int(dx), int(float(dy))) if move == "M" else (x + int(dx), y)
        rows[y][x : x + int(run)] = [True] * int(run)
        x += int(run)
    assert tuple(map(tuple, rows)) == matrix(text)


@pytest.mark.parametrize("text", [OFFER, "HS1:site-12"])
def test_a_terminal_shows_the_same_modules(text: str) -> None:
    rows: list[list[bool]] = []
    for line in terminal(text).splitlines():
        assert line.startswith("\x1b[38;5;16;48;5;231m")
        assert line.endswith("\x1b[0m")
        blocks = line.removeprefix("\x1b[38;5;16;48;5;231m").removesuffix("\x1b[0m")
        rows.append([block in "\u2580\u2588" for block in blocks])
        rows.append([block in "\u2584\u2588" for block in blocks])
    assert codes_in_image(picture_of(rows)) == (text,)
    assert len(rows) <= 98


def test_a_frame_too_large_for_one_picture_is_shown_in_parts() -> None:
    frame = bytes(range(250)) * 7
    collector = PartsCollector()
    for picture in reversed(pictures(frame, 3)):
        (text,) = read(picture)
        collector = collector.take(text)
    assert collector.frame() == frame
    assert len(pictures(frame)) == 6
    assert len(pictures(frame[:541])) == 1
