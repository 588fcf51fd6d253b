"""What a revoked key's events are worth: inside what was held when it was revoked, or put aside until promoted.

A device's right to record ends where its `device.revoked` says, not where its clock or a network says. What
lies on the way to a head that one names is inside and judged like anything else; the rest is quarantined.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from sync.events import CUSTODY, DeviceRevoked, Event
from sync.ids import unb64
from sync.problems import QUARANTINED
from sync.standing import Verdict

Reason = Literal["left", "lost", "compromised"]


class Revocation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A `device.revoked` as the question for one event asks it: `heads` are the chain values named, by log.

    `kid` is the key that was revoked; `judged` names by hash what stands although it is on the way to no head.
    """

    hash: str
    kid: str
    reason: Reason
    heads: dict[str, frozenset[str]]
    judged: frozenset[str]
    suspect_log: str
    suspect_from: int | None


class Held(Protocol):
    """What a backend holds that lets an event of a revoked key count."""

    def revocations(self, kid: str) -> Sequence[Revocation]:
        """Every revocation of this key that is applied; none for a key that may record."""

    def is_promoted(self, hash_: str) -> bool:
        """True if an applied `event.promoted` names this event."""

    def witnessed_by(self, hash_: str) -> frozenset[str]:
        """The keys of the logs in which an applied `code.witnessed` holds this event."""


def revocation(hash_: str, body: DeviceRevoked) -> Revocation:
    """What the `device.revoked` with this hash says, ready to be asked."""
    heads: dict[str, frozenset[str]] = {}
    for one in body.logs:
        heads[one.log] = heads.get(one.log, frozenset()).union(one.heads)
    return Revocation(
        hash=hash_,
        kid=body.kid,
        reason=body.reason,
        heads=heads,
        judged=frozenset(body.judged),
        suspect_log=body.suspect_log,
        suspect_from=body.suspect_from,
    )


def quarantine(event: Event, kid: str, inside: bool, held: Held) -> Verdict | None:  # noqa: FBT001 - a fact of the event
    """The verdict that puts an event of a revoked key aside, or None: it is to be judged like any other.

    `kid` is the key that opened the event's log; `inside` says that the event lies on the way to a head which a
    revocation of that key names. A custody event that somebody else witnessed is judged all the same: who scanned
    the code must not lose the proof of it. The verdict waits for what would let the event count.
    """
    revocations = held.revocations(kid)
    if inside or not revocations or any(event.hash in one.judged for one in revocations):
        return None
    if held.is_promoted(event.hash):
        return None
    waits_for = [promoted(event.hash), revoked(kid)]
    if event.kind in CUSTODY:
        if held.witnessed_by(event.hash) - {kid}:
            return None
        waits_for.append(witnessed(event.hash))
    return Verdict(word="quarantined", code=QUARANTINED.slug, detail=kid, waits_for=tuple(waits_for))


def promoted(hash_: str) -> str:
    """What a quarantined event waits for: that a manager promotes it."""
    return f"promoted {hash_}"


def witnessed(hash_: str) -> str:
    """What a quarantined custody event waits for besides: that somebody else's witness of it is applied."""
    return f"witnessed {hash_}"


def revoked(kid: str) -> str:
    """What it waits for besides: a further revocation of the key, which may name more than those before."""
    return f"revoked {kid}"


def tree_inside(heads: frozenset[str], parents: Mapping[bytes, bytes]) -> frozenset[bytes]:
    """The chain values on the way to a head, each head included; `parents` gives the value before each one held.

    A head that is not held leads nowhere from here: it alone is inside until the way to it is held too.
    """
    inside: set[bytes] = set()
    for head in heads:
        chain: bytes | None = unb64(head)
        while chain is not None and chain not in inside:
            inside.add(chain)
            chain = parents.get(chain)
    return frozenset(inside)
