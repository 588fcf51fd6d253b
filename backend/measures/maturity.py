"""When a visit's window is known to be over: nothing that belongs into it can still be on a device."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from sync.attendances import Visit
from sync.visits import DAY_MS, WINDOW_MS

LATE_MS: Final = 7 * DAY_MS
"""L: how late facts may come from a site of which no device reports how far it has synced."""
LONGEST_WAIT_MS: Final = 14 * DAY_MS
"""A device that stays silent for longer holds up no number."""


class Received(msgspec.Struct, frozen=True, gc=False):
    """A visit as it was known from `received_at_ms` on, until the same visit is received again.

    `unsure` says that nothing bounds when somebody came or left to five minutes.
    """

    visit: Visit
    received_at_ms: int
    unsure: bool = False


def watermark(as_of_ms: int, synced_through_ms: Sequence[int], late_ms: int = LATE_MS) -> int:
    """Up to when everything at a site is known at `as_of_ms`.

    `synced_through_ms` is how far each device of the site that is not revoked has synced. Never later than `as_of_ms`.
    """
    if not synced_through_ms:
        return as_of_ms - late_ms
    return min(as_of_ms, max(as_of_ms - LONGEST_WAIT_MS, min(synced_through_ms)))


def is_mature(departed_ms: int, watermark_ms: int, window_ms: int = WINDOW_MS) -> bool:
    """True where the window after a departure is over and everything in it is known."""
    return departed_ms + window_ms <= watermark_ms


def known_at(received: Iterable[Received], as_of_ms: int) -> list[Received]:
    """The visits as they were known then: of each the version received last, by id; a later fact changes nothing.

    Of two versions received in the same millisecond the one with the greater content stands, whatever the order.
    """
    latest: dict[str, Received] = {}
    for one in received:
        if one.received_at_ms <= as_of_ms:
            before = latest.get(one.visit.id)
            if before is None or _order(one) > _order(before):
                latest[one.visit.id] = one
    return [latest[visit] for visit in sorted(latest)]


def _order(one: Received) -> tuple[int, bytes]:
    return one.received_at_ms, msgspec.json.encode(one.visit)
