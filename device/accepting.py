"""The receiver's half of a handover: look at an offer, read it back, accept or refuse it, show the answer."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from device.codes import Code, Codes, Looked, Shown
from device.holding import Holding
from device.store import challenges
from sync.acceptance import (
    Receiver,
    answers_challenge,
    check_offer,
    check_synthesis,
    offer_in,
    read_back,
)
from sync.events import Accepted, Blob, Draft, Event, Offered, PersonSwitched, Refused, Reservation
from sync.flags import trained_until
from sync.payload import Synthesis
from sync.policy import is_role
from sync.problems import BAD_ARGUMENT, SIGNATURE_MISSING, WRONG_HOLDER, Problem


class Seen(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An offer that passed every check for `receiver`.

    `standing` says if the sender's is proven from what is held here; `stale` that the roster is older than the
    policy likes, which is to be shown. `choices` are for the read-back, where the policy has distractors.
    `code` is what was scanned; None where the offer was pulled. `answers` says that the offer answers a challenge that
    was shown here. `trained_until` is when the person's training ended, where that is over: it is said, and stops
    nothing.
    """

    offer: Event
    content: Offered
    receiver: Receiver
    standing: Literal["proven", "not proven"]
    stale: bool
    choices: tuple[str, ...]
    code: Code | None
    events: tuple[Event, ...]
    answers: bool
    trained_until: str = ""


class Unfit(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An offer among several in a code, and why it cannot be taken."""

    offer: Event
    problem: Problem


class Accepting:
    """Answers of this device, recorded for the person who acts."""

    def __init__(self, holding: Holding, codes: Codes) -> None:
        self._here = holding
        self._codes = codes

    async def look(self, person: str, code: Code | str, *, party: str = "", site: str = "", which: str = "") -> Seen:
        """The offer that was scanned (a code) or pulled (its hash), with every check passed for this person.

        `party` is for whom the person would accept: itself or a team; not said, it is whichever of them the
        offer is addressed to. `which` is the job, or the offer's hash, where a code holds several. Raises the problems
        of a receiver's checks in their order.
        """
        await self._here.refresh()
        asked = Receiver(person=self._here.person(person), party=party, site=site)
        return await self._seen(asked, self._codes.look(code, "handover.offered", which))

    async def look_each(
        self, person: str, code: Code, *, party: str = "", site: str = ""
    ) -> tuple["Seen | Unfit", ...]:
        """Every offer that a code holds, each looked at by itself: what keeps one from being taken holds up no other.

        Raises what is wrong with the code as a whole.
        """
        await self._here.refresh()
        asked = Receiver(person=self._here.person(person), party=party, site=site)
        events = self._codes.open(code, "handover.offered")
        found: list[Seen | Unfit] = []
        for event in events:
            if event.kind != "handover.offered":
                continue
            try:
                found.append(await self._seen(asked, self._codes.looked(event, code, events)))
            except Problem as problem:
                found.append(Unfit(offer=event, problem=problem))
        return tuple(found)

    async def _seen(self, asked: Receiver, looked: Looked) -> Seen:
        event, scene, who = looked.event, looked.scene, asked.person
        content = offer_in(event)
        if content.challenge:
            shown = await self._here.store.reading(lambda con: challenges.asked(con, content.challenge))
            scene = msgspec.structs.replace(scene, asked=shown)
        site = asked.site or (self._site(who) if content.visit and looked.code else "")
        receiver = self._receiver(who, event, content, msgspec.structs.replace(asked, site=site))
        standing = check_offer(event, receiver, scene)
        choices = scene.policy.distractors if scene.policy else ()
        return Seen(
            offer=event,
            content=content,
            receiver=receiver,
            standing=standing,
            stale=looked.stale,
            choices=read_back(content.payload, choices, event.hash) if choices else (),
            code=looked.code,
            events=looked.events,
            answers=answers_challenge(event, content, receiver, scene),
            trained_until=trained_until(who, scene.directory, scene.now_ms),
        )

    def _receiver(self, who: str, event: Event, content: Offered, asked: Receiver) -> Receiver:
        """For whom `who` accepts: as asked, itself if addressed, a team of its that is, or the guest it hosts."""
        memory = self._here.memory
        hosted = [one for one in content.to if event.log in memory.own_logs and not memory.directory.knows(one)]
        if asked.party or who in content.to:
            party = asked.party or who
            return msgspec.structs.replace(asked, party=party, guest=party in hosted)
        if hosted:
            return msgspec.structs.replace(asked, party=hosted[0], guest=True)
        teams = [one for one in content.to if memory.directory.belongs(who, one) and not is_role(one)]
        return msgspec.structs.replace(asked, party=teams[0] if teams else who)

    def _site(self, who: str) -> str:
        """Where the person is, as far as its latest visit says that has not ended.

        Only a site handover is compared with it: work elsewhere is dispatched to people wherever they are.
        """
        here = self._here.memory
        visits = [visit for job in here.jobs() for visit in here.journey(job).visits if who in visit.people]
        latest = max(visits, key=lambda visit: visit.arrived_ms or 0, default=None)
        return latest.site if latest is not None and latest.departed_ms is None else ""

    async def accept(
        self,
        person: str,
        seen: Seen,
        synthesis: Synthesis,
        *,
        reservations: Sequence[Reservation] = (),
        signed_name: str = "",
        blobs: Sequence[Blob] = (),
    ) -> Shown:
        """The receiver is accountable now; given is the code for the sender. Every check is made again first.

        The code holds all that was answered here to the offers of the code that was scanned.

        The synthesis is `synthesis_of` the receiver's own words and what was picked among `seen.choices`. A guest
        (`seen.receiver.guest`) reads back and signs on the sender's device: a typed name, or a drawn signature among
        `blobs`, which were attached before. SIGNATURE_MISSING where a guest gave neither.
        """
        here = self._here
        seen = await self.look(person, seen.code or seen.offer.hash, party=seen.receiver.party, which=seen.offer.hash)
        check_synthesis(synthesis)
        if seen.receiver.guest and not signed_name.strip() and not any(one.what == "signature" for one in blobs):
            raise Problem(SIGNATURE_MISSING, seen.receiver.party)
        who = seen.receiver.person
        met, switched = self._meeting(seen)
        body = Accepted(
            roster=here.roster(),
            offer=seen.offer.hash,
            party=seen.receiver.party,
            synthesis=synthesis,
            met=met,
            reservations=tuple(reservations),
            switched=switched,
            signed_name=signed_name,
        )
        answer = Draft(kind="handover.accepted", actor=who, job=seen.offer.job, body=body, blobs=tuple(blobs))
        return await self._record(seen, who, answer)

    def _meeting(self, seen: Seen) -> tuple[Literal["met", "remote", "guest"], str]:
        """How the two met, as the verdict will demand it, and the person switch between the halves, if any."""
        memory = self._here.memory
        guest = seen.receiver.guest or not memory.directory.knows(seen.content.sender)
        if guest:
            return "guest", ""
        if seen.offer.log != self._here.row.log:
            return ("met" if seen.code else "remote"), ""
        switch = memory.last_switch(self._here.row.log, seen.offer.seq)
        if switch is None or not isinstance(switch.body, PersonSwitched) or switch.body.now != seen.receiver.person:
            raise Problem(WRONG_HOLDER, "on a shared device the person is switched between offer and acceptance")
        return "met", f"{switch.log}:{switch.seq}"

    async def refuse(self, person: str, seen: Seen, reason: str) -> Shown:
        """The receiver declines; accountability stays. Given is the code for the sender, as in `accept`."""
        if not reason.strip():
            raise Problem(BAD_ARGUMENT, "a refusal needs a reason")
        here = self._here
        await here.refresh()
        who = here.person(person)
        body = Refused(roster=here.roster(), offer=seen.offer.hash, party=seen.receiver.party, reason=reason)
        answer = Draft(kind="handover.refused", actor=who, job=seen.offer.job, body=body)
        return await self._record(seen, who, answer)

    async def _record(self, seen: Seen, who: str, answer: Draft) -> Shown:
        """The answer and its witness durable, the challenge used if the offer answers one; the code for the sender."""
        drafts = [*self._codes.witness(seen.code, who), answer]
        recorded = (await self._here.record(*drafts, beside=seen.events, also=_using(seen)))[-1]
        return await self._codes.show_recorded(recorded.hash, *self._others(seen))

    def _others(self, seen: Seen) -> list[str]:
        """What was answered here, at last, to the other offers of the same code."""
        others = (one.hash for one in seen.events if isinstance(one.body, Offered) and one.hash != seen.offer.hash)
        return [answers[-1].hash for other in others if (answers := self._here.memory.answers(other))]


def _using(seen: Seen) -> Callable[[sqlite3.Connection], None] | None:
    """What uses the challenge that the offer answers, for it and the offers that came with it."""
    nonce, answered = seen.content.challenge, seen.offer.hash
    if not seen.answers:
        return None
    beside = tuple(one.hash for one in seen.events if isinstance(one.body, Offered) and one.body.challenge == nonce)
    return lambda con: challenges.use(con, nonce, answered, beside or (answered,))
