"""The camera model, and what reading through it is worth."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from device.scan import codes_in_file, codes_in_image
from device.show import pictures, png
from sync.problems import NO_CODE_FOUND, NOT_A_PICTURE, Problem
from sync.qr import PartsCollector
from trial.camera import Conditions, photograph

CODES: list[str] = [
    code["text"]
    for code in json.loads((Path(__file__).parents[2] / "fixtures" / "qr" / "codes.json").read_text("utf-8"))
]
SHOTS = 5


def read(jpeg: bytes) -> tuple[str, ...]:
    return codes_in_image(Image.open(io.BytesIO(jpeg)))


@pytest.mark.parametrize("blur", [0.0, 0.2, 0.3, 0.4])
def test_realistic_offers_are_read_nearly_always_up_to_four_tenths_of_a_module_of_blur(blur: float) -> None:
    rng = np.random.default_rng(2026)
    got = [
        read(photograph(png(text, 6), rng, Conditions(blur=blur))) == (text,) for text in CODES for _ in range(SHOTS)
    ]
    assert sum(got) >= 0.97 * len(got), f"{sum(got)} of {len(got)}"


def test_where_blur_wins_nothing_is_read_rather_than_something_wrong(tmp_path: Path) -> None:
    rng = np.random.default_rng(2026)
    for text in CODES:
        assert read(photograph(png(text, 6), rng, Conditions(blur=0.5))) in ((text,), ())
        (tmp_path / "blurred.jpg").write_bytes(photograph(png(text, 6), rng, Conditions(blur=0.8)))
        with pytest.raises(Problem) as caught:
            codes_in_file(tmp_path / "blurred.jpg")
        assert caught.value.kind is NO_CODE_FOUND


def test_parts_are_read_from_a_cycle_with_bad_frames_in_it() -> None:
    rng = np.random.default_rng(7)
    frame = rng.bytes(1800)
    shown = pictures(frame, 6)
    assert len(shown) == 6
    collector, frames = PartsCollector(), 0
    while collector.frame() is None:
        spoilt = rng.random() < 0.3
        for text in read(photograph(shown[frames % len(shown)], rng, Conditions(blur=1.5 if spoilt else 0.3))):
            collector = collector.take(text)
        frames += 1
        assert frames < 60
    assert collector.frame() == frame


def test_the_same_seed_takes_the_same_picture() -> None:
    code = png(CODES[0])
    one, two, other = (photograph(code, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one == two
    assert one != other


def test_blur_is_measured_in_modules_whatever_the_scale_of_the_picture_shown() -> None:
    def sharpness(scale: int) -> float:
        jpeg = photograph(png(CODES[0], scale), np.random.default_rng(3), Conditions(noise=0.0, jpeg_quality=95))
        seen = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert seen is not None
        return float(cv2.Laplacian(seen, cv2.CV_64F).var())

    assert sharpness(4) == pytest.approx(sharpness(12), rel=0.1)


def test_the_whole_code_is_in_the_picture_however_it_is_held() -> None:
    rng = np.random.default_rng(11)
    for tilt in (0.0, 45.0, 90.0, 135.0, 180.0):
        held = Conditions(tilt_degrees=(tilt, tilt), blur=0.2)
        assert read(photograph(png(CODES[0], 6), rng, held)) == (CODES[0],)


def picture(*, dark: bool) -> bytes:
    out = io.BytesIO()
    Image.new("1", (50, 50), not dark).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("shown", [b"", b"no picture", picture(dark=True), picture(dark=False)])
def test_what_shows_no_code_is_not_photographed(shown: bytes) -> None:
    with pytest.raises(Problem) as caught:
        photograph(shown, np.random.default_rng(1))
    assert caught.value.kind is NOT_A_PICTURE
