"""Photos, signatures and documents on their way into an event: looked at, made small beside, durable before it."""

import io
from pathlib import Path
from typing import Final, Literal

from PIL import Image, ImageOps

from device.config import Attachments
from device.store.blobs import BlobFolder
from device.world import World
from sync.blobs import MOST_THUMBNAIL, type_of
from sync.events import Blob
from sync.problems import BLOB_EMPTY, BLOB_TOO_LARGE, BLOB_TYPE, NO_FILE, PHOTO_DISK_FULL, QUOTA_FULL, Problem

What = Literal["photo", "signature", "transcript", "document"]

MOST_PIXELS: Final = 80_000_000
"""Of a larger picture no thumbnail is made: a few kilobytes can unfold to gigabytes."""
_THUMBNAILS: Final = ((480, 75), (320, 60), (200, 50), (120, 40))
"""Longest side and quality, tried in this order until the picture is small enough."""


class Attaching:
    """The attachments of one device."""

    def __init__(self, directory: Path, world: World, settings: Attachments) -> None:
        self._folder = BlobFolder(directory)
        self._world = world
        self._settings = settings

    def attach(self, raw: bytes, what: What, where: str = "") -> tuple[Blob, ...]:
        """These bytes are durable here, a thumbnail beside them where they are a picture; an event may name both.

        Raises BLOB_EMPTY, BLOB_TYPE (told from the bytes), BLOB_TOO_LARGE, PHOTO_DISK_FULL, QUOTA_FULL.
        """
        type_ = type_of(raw)
        if not raw:
            raise Problem(BLOB_EMPTY, "", where)
        if type_ not in self._settings.types:
            raise Problem(BLOB_TYPE, f"{type_}; taken are {', '.join(self._settings.types)}", where)
        if len(raw) > self._settings.most_bytes:
            raise Problem(BLOB_TOO_LARGE, f"{len(raw)} bytes; the most is {self._settings.most_bytes}", where)
        small = _thumbnail(raw) if type_.startswith("image/") and len(raw) > MOST_THUMBNAIL else b""
        if self._folder.free() - len(raw) - len(small) < self._settings.reserve_bytes:
            raise Problem(PHOTO_DISK_FULL, f"less than {self._settings.reserve_bytes} bytes would be left", where)
        if self._folder.taken() + len(raw) + len(small) > self._settings.quota_bytes:
            raise Problem(QUOTA_FULL, f"attachments here may take {self._settings.quota_bytes} bytes", where)
        original = Blob(sha256=self._folder.keep(raw), size=len(raw), type=type_, what=what)
        if not small:
            self._world.fault("blob-durable")
            return (original,)
        thumbnail = Blob(
            sha256=self._folder.keep(small), size=len(small), type="image/jpeg", of=original.sha256, what=what
        )
        self._world.fault("blob-durable")
        return original, thumbnail

    def attach_file(self, path: Path, what: What) -> tuple[Blob, ...]:
        """The same for what is in a file; NO_FILE where there is none."""
        try:
            with path.open("rb") as file:
                raw = file.read(self._settings.most_bytes + 1)
        except OSError as error:
            raise Problem(NO_FILE, error.strerror or "", str(path)) from error
        return self.attach(raw, what, str(path))


def _thumbnail(raw: bytes) -> bytes:
    """The picture in at most 40 KB, without what a camera wrote beside it; nothing where it cannot be read.

    A damaged picture is evidence all the same: it goes as it is.
    """
    try:
        with Image.open(io.BytesIO(raw), formats=("PNG", "JPEG")) as image:
            if image.width * image.height > MOST_PIXELS:
                return b""
            image.draft("RGB", (2 * _THUMBNAILS[0][0],) * 2)
            upright = ImageOps.exif_transpose(image)
            white = Image.new("RGBA", upright.size, "white")
            plain = Image.alpha_composite(white, upright.convert("RGBA")).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return b""
    for side, quality in _THUMBNAILS:
        plain.thumbnail((side, side))
        out = io.BytesIO()
        plain.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= MOST_THUMBNAIL:
            return out.getvalue()
    return b""
