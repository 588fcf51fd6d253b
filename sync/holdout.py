"""Who is left untold on purpose: a fixed share of visits, chosen by a salted hash, the same on every device."""

from hashlib import sha256
from typing import Literal


def arm_for(salt: str, visit_id: str, share: float) -> Literal["prompt", "holdout"]:
    """In which arm a visit is: `holdout` if SHA-256 of `salt|visit_id`, read as a number in [0, 1), is below `share`.

    No server and no state is needed. Source: MEASURES' holdout variant of the itemised ledger.
    """
    drawn = int.from_bytes(sha256(f"{salt}|{visit_id}".encode()).digest(), "big") / 2**256
    return "holdout" if drawn < share else "prompt"
