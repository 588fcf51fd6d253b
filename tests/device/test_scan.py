"""Reading codes: from files, frames, scanners and keyboards; what cannot be read is a problem that says what to do."""

import io
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from device.scan import (
    MOST_PIXELS,
    LineReader,
    codes_in_file,
    codes_in_frame,
    codes_in_image,
    keyboard_line,
    open_scanner,
)
from device.show import png
from sync.problems import (
    CODE_TEXT_MALFORMED,
    NO_CODE_FOUND,
    NO_PICTURE,
    NOT_A_PICTURE,
    SCANNER_SILENT,
    TOO_LARGE,
    Problem,
    ProblemKind,
)
from sync.qr import MOST_TEXT, read_frame

OFFER = "HO1:AB C  D%*+-./: "


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "code.png"
    path.write_bytes(png(OFFER, 4))
    return path


def problem_of(kind: ProblemKind, path: Path) -> None:
    with pytest.raises(Problem) as caught:
        codes_in_file(path)
    assert caught.value.kind is kind
    assert caught.value.where == str(path)
    assert kind.advice


def a_png(width: int, height: int) -> bytes:
    """A light grey picture that says it is this large; its pixels stop after the first rows."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\xc0" * width) * 10)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


# -- pictures ------------------------------------------------------------------
def test_a_code_in_a_file_is_read_with_every_space(picture: Path) -> None:
    assert codes_in_file(picture) == (OFFER,)


@pytest.mark.parametrize("turn", [0, 90, 137, 180, 270])
def test_a_code_is_read_however_it_is_turned(picture: Path, turn: int) -> None:
    with Image.open(picture) as image:
        turned = image.convert("L").rotate(turn, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    assert codes_in_image(turned) == (OFFER,)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
def test_a_code_is_read_in_every_kind_of_picture(picture: Path, mode: str) -> None:
    with Image.open(picture) as image:
        assert codes_in_image(image.convert(mode)) == (OFFER,)


def test_a_code_on_a_transparent_ground_is_read(picture: Path, tmp_path: Path) -> None:
    with Image.open(picture) as image:
        light = image.convert("L")
    drawn = Image.new("RGBA", light.size, (0, 0, 0, 255))
    drawn.putalpha(light.point(lambda level: 255 - level))
    drawn.save(tmp_path / "clear.png")
    assert codes_in_file(tmp_path / "clear.png") == (OFFER,)


def test_several_codes_are_all_given_once_each_from_the_top_left_on(tmp_path: Path) -> None:
    texts = ("HS1:top", "HS1:left", "HS1:right")
    sheet = Image.new("L", (600, 500), 255)
    for text, place in ((texts[0], (200, 0)), (texts[1], (0, 250)), (texts[2], (300, 250)), (texts[2], (400, 0))):
        sheet.paste(Image.open(io.BytesIO(png(text, 4))), place)
    sheet.save(tmp_path / "sheet.jpg")
    assert codes_in_file(tmp_path / "sheet.jpg") == ("HS1:top", "HS1:right", "HS1:left")


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    problem_of(NO_PICTURE, tmp_path / "none.png")


@pytest.mark.parametrize("content", [b"", b"HO1:BB8", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_is_a_problem(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "code.png"
    path.write_bytes(content)
    problem_of(NOT_A_PICTURE, path)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    problem_of(NOT_A_PICTURE, tmp_path)


def test_a_picture_without_a_code_is_a_problem_of_its_own(tmp_path: Path) -> None:
    Image.new("L", (300, 300), 200).save(tmp_path / "wall.png")
    problem_of(NO_CODE_FOUND, tmp_path / "wall.png")


@pytest.mark.parametrize("side", [9_000, 9_600, 14_000, 60_000])
def test_a_picture_that_would_unfold_too_far_is_refused_unread(tmp_path: Path, side: int) -> None:
    assert side**2 > MOST_PIXELS
    path = tmp_path / "bomb.png"
    path.write_bytes(a_png(side, side))
    problem_of(TOO_LARGE, path)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@settings(max_examples=60)
@given(data=st.data())
def test_no_damage_to_a_file_stops_the_reader(
    form: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = io.BytesIO()
    Image.open(io.BytesIO(png(OFFER, 4))).convert("L").save(whole, form)
    raw = bytearray(whole.getvalue())
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "code"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        assert codes_in_file(path) == (OFFER,)
    except Problem as problem:
        assert problem.kind in (NOT_A_PICTURE, NO_CODE_FOUND, TOO_LARGE)  # noqa: PT017 - either outcome is right


def test_a_camera_frame_is_read_and_an_empty_one_is_no_problem() -> None:
    grey = Image.open(io.BytesIO(png(OFFER, 4))).convert("L")
    assert codes_in_frame(grey.tobytes(), *grey.size) == (OFFER,)
    assert codes_in_frame(b"\x80" * 6400, 80, 80) == ()


@pytest.mark.parametrize(("size", "width", "height"), [(10, 4, 4), (0, 0, 0), (16, -4, -4)])
def test_a_frame_of_the_wrong_size_is_a_problem(size: int, width: int, height: int) -> None:
    with pytest.raises(Problem) as caught:
        codes_in_frame(bytes(size), width, height)
    assert caught.value.kind is NOT_A_PICTURE


# -- lines ---------------------------------------------------------------------
spoken = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(st.lists(st.tuples(spoken, st.sampled_from(["\r", "\n", "\r\n", "\x03", "\x03\r\n"])), max_size=6), st.data())
def test_lines_come_out_whole_however_their_bytes_are_cut(lines: list[tuple[str, str]], data: st.DataObject) -> None:
    raw = "".join(f"\x02{text}{end}" for text, end in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    reader = LineReader()
    got = [text for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True) for text in reader.feed(raw[a:b])]
    assert got == [text for text, _ in lines]


def test_what_came_before_the_start_of_a_line_is_noise() -> None:
    assert LineReader().feed(b"~~half a co\x02HS1:site-1\r") == ("HS1:site-1",)


def test_bytes_that_are_no_text_are_a_damaged_code_and_stop_nothing() -> None:
    bad, good = LineReader().feed(b"HO1:\xff\xfe\r\nHS1:site-1\r\n")
    assert good == "HS1:site-1"
    with pytest.raises(Problem) as caught:
        read_frame(bad)
    assert caught.value.kind is CODE_TEXT_MALFORMED


def test_a_line_without_an_end_takes_bounded_memory_and_is_too_long_to_be_a_code() -> None:
    reader = LineReader()
    for _ in range(100):
        assert reader.feed(b"HO1:" + b"0" * 4000) == ()
    (line,) = reader.feed(b"\r")
    assert MOST_TEXT < len(line) <= 4 * MOST_TEXT + 1
    with pytest.raises(Problem) as caught:
        read_frame(line)
    assert caught.value.kind is CODE_TEXT_MALFORMED


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("HO1:AB \r\n", "HO1:AB "),
        ("\x02HO1:A  B\r", "HO1:A  B"),
        ("HS1:x", "HS1:x"),
        ("\x02 x\x03\n", " x"),
        ("\n", ""),
    ],
)
def test_a_typed_line_keeps_its_spaces(typed: str, text: str) -> None:
    assert keyboard_line(typed) == text


# -- a serial scanner, over a pseudo terminal ----------------------------------
@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    scanner, port = os.openpty()
    yield scanner, os.ttyname(port)
    os.close(port)
    os.close(scanner)


def test_a_serial_scanner_gives_offers_exactly(line: tuple[int, str]) -> None:
    scanner, port = line
    with open_scanner(port, wait_s=2) as opened:
        os.write(scanner, f"\x02{OFFER}\r\x02HS1:si".encode())
        got = opened.read()
        while len(got) < 1:
            got += opened.read()
        assert got == (OFFER,)
        os.write(scanner, b"te-1\r\n")
        while len(got) < 2:
            got += opened.read()
        assert got == (OFFER, "HS1:site-1")


def test_a_scanner_that_says_nothing_is_no_problem(line: tuple[int, str]) -> None:
    with open_scanner(line[1], wait_s=0.01) as opened:
        assert opened.read() == ()


def test_a_scanner_that_is_unplugged_is_a_problem() -> None:
    scanner, port = os.openpty()
    with open_scanner(os.ttyname(port), wait_s=2) as opened:
        os.close(port)
        os.close(scanner)
        with pytest.raises(Problem) as caught:
            opened.read()
    assert caught.value.kind is SCANNER_SILENT


@pytest.mark.parametrize("port", ["/dev/no-scanner-here", ""])
def test_a_port_that_is_not_there_is_a_problem(port: str) -> None:
    with pytest.raises(Problem) as caught, open_scanner(port):
        pass
    assert caught.value.kind is SCANNER_SILENT


def test_a_port_that_is_no_serial_line_is_a_problem(tmp_path: Path) -> None:
    plain = tmp_path / "file"
    plain.write_text("HS1:site-1\n")
    with pytest.raises(Problem) as caught, open_scanner(str(plain)):
        pass
    assert caught.value.kind is SCANNER_SILENT
