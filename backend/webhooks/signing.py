"""Signatures of the Standard Webhooks specification 1.0: HMAC-SHA256 over id, time and body, as `v1,` and base64."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64."""


def make_secret(entropy: bytes) -> str:
    """A secret as both sides keep it."""
    return PREFIX + b64encode(entropy).decode()


def headers(secrets: Iterable[str], message: str, at_s: int, body: bytes) -> dict[str, str]:
    """What goes with a message; one signature for each secret, so that a receiver may hold either of two."""
    signed = b".".join((message.encode(), str(at_s).encode(), body))
    signatures = [
        "v1," + b64encode(hmac.new(b64decode(secret.removeprefix(PREFIX)), signed, hashlib.sha256).digest()).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signatures),
        "content-type": "application/json",
        "user-agent": "handover",
    }
