"""Challenges: what a receiver shows first, so that an offer can prove to be made after it and for nobody else."""

from typing import Final

from device.holding import Holding
from device.store import challenges
from sync.cards import Challenge
from sync.ids import b64
from sync.policy import is_role
from sync.problems import NOT_FOR_PARTY, Problem

_NONCE_BYTES: Final = 16


class Challenges:
    """The challenges of one device."""

    def __init__(self, holding: Holding) -> None:
        self._here = holding

    async def ask(self, person: str, party: str = "") -> Challenge:
        """Afterwards the challenge is kept here, open until an offer that quotes it is answered.

        `party` is for whom the person would accept: itself, if not said, or a team of its; NOT_FOR_PARTY for any other.
        """
        here = self._here
        await here.refresh()
        who = here.person(person)
        for_party = party or who
        if is_role(for_party) or not here.memory.directory.belongs(who, for_party):
            raise Problem(NOT_FOR_PARTY, f"{who} does not act for {for_party}")
        challenge = Challenge(nonce=b64(here.world.token(_NONCE_BYTES)), party=for_party)
        now_ms = here.world.now_ms()
        await here.store.writing(lambda con: challenges.keep(con, challenge, who, now_ms))
        return challenge
