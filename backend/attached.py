"""The attachments of a handover on its receipt: what was attached, and what of it is not here yet."""

from collections.abc import Iterable

from backend.exhibits import Dossier, Exhibit
from backend.sheet import Row
from backend.words import Words


def attachment_rows(dossier: Dossier, shown: Iterable[Exhibit], words: Words) -> tuple[Row, ...]:
    """A row for each attachment that these events name; thumbnails go with their originals."""
    named = {blob.sha256: blob for one in shown for blob in one.event.blobs if not blob.of}
    return tuple(
        Row(
            words.of("blob", blob.what) if blob.what else words("blob.attachment"),
            (
                words("blob.here" if blob.sha256 in dossier.blobs_here else "blob.awaited"),
                f"SHA-256 {blob.sha256}",
            ),
            is_code=True,
        )
        for blob in named.values()
    )
