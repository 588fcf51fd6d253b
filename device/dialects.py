"""Which decoder reads which topics: the only place that knows every dialect."""

from collections.abc import Callable
from typing import Final

from device.decoders import native, owntracks
from device.message import Message
from sync.problems import SIGNAL_TOPIC, Problem
from sync.signals import Flag, Signal, flagged

Decoder = Callable[[str, bytes, int], tuple[Signal, ...]]

DIALECTS: Final[tuple[tuple[str, Decoder], ...]] = (
    ("ho/1/d/", native.decode),
    ("owntracks/", owntracks.decode),
)
"""How a topic begins, and what reads it."""


def decode(message: Message) -> tuple[Signal, ...]:
    """The signals in a message, flagged with how it came. Raises what its decoder raises, and SIGNAL_TOPIC."""
    for start, decoder in DIALECTS:
        if message.topic.startswith(start):
            signals = decoder(message.topic, message.payload, message.received_ms)
            return tuple(flagged(signal, *_way(message)) for signal in signals)
    raise Problem(SIGNAL_TOPIC, "", message.topic[:200])


def _way(message: Message) -> list[Flag]:
    flags: tuple[tuple[bool, Flag], ...] = (
        (message.retained, "retained"),
        (message.repeated, "repeated"),
        (message.qos == 0, "unassured"),
    )
    return [flag for holds, flag in flags if holds]
