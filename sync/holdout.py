"""By lot: which visits a check stays silent on, so that its effect can be told from chance.

Any device can compute it offline from the visit's id, and anybody can check it afterwards from the salt.
"""

from fractions import Fraction
from hashlib import sha256
from typing import Final

from sync.policy import Arm

_OUTCOMES: Final = 2**256


def arm_for(salt: str, visit_id: str, share: float, *, safety_critical: bool = False) -> Arm:
    """How the check of this visit runs: "holdout" (silent) for about `share` of all visits, else "prompt".

    `share` is from 0 to 1. A check of something that people can be hurt by is never silent, whatever the lot says.
    The lot is SHA-256 of salt, "|" and visit id in UTF-8, read as a fraction of 2^256; below `share` is silence.
    """
    if safety_critical:
        return "prompt"
    lot = Fraction(int.from_bytes(sha256(f"{salt}|{visit_id}".encode()).digest(), "big"), _OUTCOMES)
    return "holdout" if lot < share else "prompt"
