"""A camera model: what a hand-held camera makes of a code on a screen, so that demo and tests scan real pictures.

It has rotation, perspective, uneven light, blur, sensor noise and JPEG. It has no moire, no rolling
shutter and no reflections, so a reading rate found with it is no promise about a phone.
"""

from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from sync.problems import NOT_A_PICTURE, Problem

_QUIET_MODULES: Final = 4  # light modules around a symbol, from which the size of a module follows
_ROOM: Final = 1.5  # the picture's side as a multiple of the code's, so that a turned code stays inside
_FINER: Final = 3  # a camera's pixel gathers light over its area: project finer, then average
_WHITE, _BLACK, _AROUND = 225, 30, 90  # grey levels of a screen's light and dark, and of what is around it


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """How the picture is taken; the defaults are middling.

    `side_px` is the length of the code's side in the picture, quiet zone included; `blur` the standard
    deviation of the blur as a share of one module; `tilt_degrees` the least and most rotation, to
    either side; `perspective` how far each corner strays at most, as a share of the side; `shade` how
    much less light falls on the right edge; `noise` the standard deviation of each pixel's error, in
    grey levels of 256.
    """

    side_px: int = 400
    blur: float = 0.3
    tilt_degrees: tuple[float, float] = (10.0, 25.0)
    perspective: float = 0.03
    shade: float = 0.25
    noise: float = 10.0
    jpeg_quality: int = 50


def photograph(png: bytes, rng: np.random.Generator, conditions: Conditions | None = None) -> bytes:
    """A grey JPEG photograph of the code in `png`; the same state of `rng` gives the same bytes.

    `png` shows one symbol with its quiet zone of four modules and nothing else (NOT_A_PICTURE if not).
    """
    how = conditions or Conditions()
    screen = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE) if png else None
    if screen is None:
        raise Problem(NOT_A_PICTURE, "a picture of a code is wanted, as PNG")
    module_px = how.side_px / _modules_across(screen > 127)
    projected = _project(np.where(screen > 127, _WHITE, _BLACK).astype(np.uint8), rng, how)
    blurred = cv2.GaussianBlur(projected, (0, 0), how.blur * module_px) if how.blur > 0 else projected
    light = 1 - how.shade * np.linspace(0, 1, blurred.shape[1])
    seen = np.clip(blurred * light + rng.normal(0, how.noise, blurred.shape), 0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, how.jpeg_quality])
    return jpeg.tobytes()


def _modules_across(light: NDArray[np.bool_]) -> float:
    """The symbol's side in modules: its first dark column is a finder pattern's edge, behind the quiet zone."""
    columns = np.flatnonzero(~light.all(axis=0))
    if not columns.size or not columns[0]:
        raise Problem(NOT_A_PICTURE, "a code with a light margin of four modules is wanted")
    across: float = light.shape[1] * _QUIET_MODULES / columns[0]
    return across


def _project(screen: NDArray[np.uint8], rng: np.random.Generator, how: Conditions) -> NDArray[np.float32]:
    """The screen turned and seen at an angle, as grey levels of the picture's pixels."""
    height, width = screen.shape
    half = how.side_px / 2
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    corners += rng.uniform(-how.perspective, how.perspective, (4, 2)) * how.side_px
    angle = np.deg2rad(rng.uniform(*how.tilt_degrees) * rng.choice((-1, 1)))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    size = round(how.side_px * _ROOM)
    seen = ((corners @ turn + size / 2) * _FINER).astype(np.float32)
    shown = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    mapping = cv2.getPerspectiveTransform(shown, seen)
    fine = cv2.warpPerspective(
        screen, mapping, (size * _FINER, size * _FINER), flags=cv2.INTER_LINEAR, borderValue=_AROUND
    )
    return cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
