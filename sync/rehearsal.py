"""A policy that is not in force, tried on what was offered: what it would have let through, stopped, or spoken of.

Each offer is judged again from its own bytes, and what answered it, by the very rules of verdicts, with one policy in
the place of the one it was made under. What only a device knew then cannot be told from bytes.
"""

from collections.abc import Iterable

import msgspec

from sync.checks import unsaid
from sync.events import Event, Offered
from sync.judge import judge
from sync.policy import Policy
from sync.standing import Known, Verdict


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy would have made of one offer.

    `stopped` says why it could not have been offered so, None where it could; `answers` the same of each acceptance
    that could not have been given. `unchallenged` is True where the policy asks for a challenge and the offer quotes
    none. `spoken` are the checks that would have found a gap, `untold` those of which it cannot be told.
    """

    offer: str
    stopped: Verdict | None
    answers: tuple[Verdict, ...]
    unchallenged: bool
    spoken: tuple[str, ...]
    untold: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """True where nothing would have stopped it, offer or answers."""
        return self.stopped is None and not self.answers and not self.unchallenged


class _Under:
    """What is known, with one policy in the place of the one that an offer names."""

    def __init__(self, known: Known, policy: Policy) -> None:
        self.by_hash = known.by_hash
        self.by_job = known.by_job
        self.by_name = known.by_name
        self.directory = known.directory
        self.is_staff = known.is_staff
        self._policy = policy

    def policy(self, _boundary: str, _reference: str) -> Policy | None:
        return self._policy


def rehearse(policy: Policy, offer: Event, accepted: Iterable[Event], known: Known) -> Rehearsed:
    """What this policy would have made of an applied offer, over whichever boundary, and of its acceptances."""
    under = _Under(known, policy)
    content = offer.body
    if not isinstance(content, Offered):
        raise TypeError("only an offer is rehearsed")
    said = judge(offer, under).verdict
    answers = [judge(one, under).verdict for one in accepted]
    holes = {rule.id: unsaid(rule, content.payload) for rule in policy.checks}
    return Rehearsed(
        offer=offer.hash,
        stopped=said if said.word == "refused" else None,
        answers=tuple(one for one in answers if one.word == "refused"),
        unchallenged=policy.challenge and not content.challenge,
        spoken=tuple(id_ for id_, hole in holes.items() if hole),
        untold=tuple(id_ for id_, hole in holes.items() if hole is None),
    )
