"""The sender's half of a handover: offer, show, take back, and confirm what the receiver's code says."""

from collections.abc import Sequence
from typing import Final

import msgspec

from device.bodies import body_of
from device.codes import Code, Codes, Looked, Shown
from device.holding import Holding
from device.store.log import Recorded
from sync.acceptance import accepted_in, check_acceptance, check_refusal, known_handover, offer_in
from sync.cards import Challenge, read_challenge
from sync.events import Blob, Confirmed, Draft, Event, JobDispatched, JobPlanned, Offered, Refused, Withdrawn
from sync.handover import Handover, may_follow
from sync.ids import b64
from sync.payload import Payload
from sync.policy import GUEST, Policy
from sync.problems import BAD_ARGUMENT, NOT_FOUND, Problem

_MINTED_BYTES = 9
ANSWERS: Final = ("handover.accepted", "handover.refused")
"""The kinds of event that a code may hold in answer to offers."""


class Offering:
    """Offers of this device, recorded for the person who acts."""

    def __init__(self, holding: Holding, codes: Codes) -> None:
        self._here = holding
        self._codes = codes

    async def offer(
        self,
        person: str,
        job: str,
        payload: Payload,
        to: Sequence[str],
        blobs: Sequence[Blob] = (),
        /,
        *,
        boundary: str = "",
        **said: str,
    ) -> Shown:
        """The job is on the table for `to`; accountability has not moved. Given is the code to show.

        See `record` for what is said of it.
        """
        recorded = await self.record(person, job, payload, to, blobs, boundary=boundary, **said)
        return await self._codes.show_recorded(recorded.hash)

    async def record(
        self,
        person: str,
        job: str,
        payload: Payload,
        to: Sequence[str],
        blobs: Sequence[Blob] = (),
        /,
        *,
        boundary: str = "",
        **said: str,
    ) -> Recorded:
        """The same, and no code is shown yet.

        The sender is whoever is accountable, and `person` acts for that party. Nobody in `to` means a guest,
        whose party is minted here. `said` are fields of the offer: until, stop, visit, site; and `challenge`, the text
        of the receiver's code that the offer is to quote (with nobody in `to` the offer is for that party). `blobs`
        were attached before; the handover is complete only when the backend has them.
        """
        await self._here.refresh()
        who = self._here.person(person)
        draft = self._draft(who, job, payload, to, boundary, said)
        return (await self._here.record(msgspec.structs.replace(draft, blobs=tuple(blobs))))[-1]

    async def dispatch(
        self, person: str, job: str, payload: Payload, to: Sequence[str], *, plan: JobPlanned | None, boundary: str = ""
    ) -> Shown:
        """The same together with the plan, if it changed, and the word that the job went out: one transaction."""
        await self._here.refresh()
        who = self._here.person(person)
        stop = plan.stop if plan else ""
        offer = self._draft(who, job, payload, to, boundary, {"stop": stop})
        out = Draft(kind="job.dispatched", actor=who, job=job, body=JobDispatched(to=tuple(to), stop=stop))
        if plan is None:
            return await self._record_offer(out, offer)
        planned = Draft(kind="job.planned", actor=who, job=job, body=plan)
        return await self._record_offer(planned, out, offer)

    async def _record_offer(self, *drafts: Draft) -> Shown:
        recorded = await self._here.record(*drafts)
        return await self._codes.show_recorded(recorded[-1].hash)

    def _draft(
        self, who: str, job: str, payload: Payload, to: Sequence[str], boundary: str, said: dict[str, str]
    ) -> Draft:
        here = self._here
        journey, node = here.journey(job), here.node(job)
        here.acting_for(who, journey.accountable)
        card = read_challenge(said["challenge"]) if said.get("challenge") else None
        receivers = self._receivers(to, card)
        reference, policy = self._boundary(who, receivers, boundary)
        fields = {
            "roster": here.roster(),
            "basis": node.hash,
            "sender": journey.accountable,
            "to": receivers,
            "boundary": policy.boundary,
            "policy": reference,
            "payload": msgspec.to_builtins(payload),
            "site": journey.opened.site if journey.opened else "",
            "visit": next((one.visit for one in journey.visits if who in one.people and one.departed_ms is None), ""),
            **said,
            "challenge": card.nonce if card else "",
        }
        body = body_of(Offered, fields)
        return Draft(kind="handover.offered", actor=who, job=job, body=body)

    def _receivers(self, to: Sequence[str], card: Challenge | None) -> tuple[str, ...]:
        """Whom the offer is for: those said, else whose challenge it answers, else a guest, named here."""
        if card is None:
            return tuple(to) or (self.guest(),)
        directory = self._here.memory.directory
        if to and not any(directory.belongs(card.party, one) for one in to):
            raise Problem(BAD_ARGUMENT, f"the challenge is {card.party}'s, the offer is for {', '.join(to)}")
        return tuple(to) or (card.party,)

    def guest(self) -> str:
        """A new party for somebody who is in no roster."""
        return GUEST + b64(self._here.world.token(_MINTED_BYTES))

    def _boundary(self, who: str, to: Sequence[str], named: str) -> tuple[str, Policy]:
        """The newest policy of the boundary that is named, or of the only one that fits sender and receivers."""
        policies = self._here.memory.policies()
        if named:
            if named not in policies:
                raise Problem(NOT_FOUND, f"no policy of boundary {named} on this device")
            return policies[named]
        fitting = [one for one in policies.values() if self._fits(one[1], who, to)]
        if len(fitting) != 1:
            names = ", ".join(policy.boundary for _, policy in fitting) or "none fits"
            raise Problem(BAD_ARGUMENT, f"say over which boundary: {names}")
        return fitting[0]

    def _fits(self, policy: Policy, who: str, to: Sequence[str]) -> bool:
        directory = self._here.memory.directory
        sender = directory.person(who)
        if policy.sender_role is not None and (sender is None or policy.sender_role not in sender.roles):
            return False
        if policy.receiver_role is None:
            return True
        receivers = [directory.person(one) for one in to]
        named = [one for one in receivers if one is not None]
        return not named or any(policy.receiver_role in one.roles for one in named)

    async def withdraw(self, person: str, offer: str, reason: str = "") -> Recorded:
        """The sender takes the offer (a hash) back; ALREADY_ANSWERED where it is known to be accepted."""
        here = self._here
        await here.refresh()
        who = here.person(person)
        event, content = self._mine(offer, who)
        may_follow(self._handover(event), "handover.withdrawn")
        body = Withdrawn(roster=here.roster(), offer=offer, sender=content.sender, reason=reason)
        (recorded,) = await here.record(Draft(kind="handover.withdrawn", actor=who, job=event.job, body=body))
        return recorded

    def _mine(self, offer: str, who: str) -> tuple[Event, Offered]:
        event = self._here.event(offer)
        content = offer_in(event)
        self._here.acting_for(who, content.sender)
        return event, content

    def _handover(self, offer: Event) -> Handover:
        found = known_handover(offer, self._here.journey(offer.job))
        if found is None:
            raise Problem(NOT_FOUND, f"the offer {offer.hash} does not stand here")
        return found

    async def confirm(self, person: str, code: Code | str, *, offer: str = "", which: str = "") -> Recorded:
        """The sender has seen the acceptance: scanned (a code) or pulled (its hash). Confirming it again is no error.

        `offer` is the hash of the one that is being confirmed, if the person said which; `which` the hash of the
        acceptance, where a code holds several answers. Raises the problems of a sender's checks in their order; none,
        whatever is known by now, for an acceptance that stands confirmed here.
        """
        here = self._here
        await here.refresh()
        who = here.person(person)
        again = await self._confirmed(_one_of(code, which))
        if again is not None:
            return again
        looked = self._looked(code, "handover.accepted", which)
        event = looked.event
        accepted = accepted_in(event)
        check_acceptance(event, here.memory.event(accepted.offer), who, looked.scene, wanted=offer)
        body = Confirmed(
            roster=here.roster(),
            offer=accepted.offer,
            accepted=event.hash,
            sender=self._mine(accepted.offer, who)[1].sender,
        )
        drafts = [
            *self._codes.witness(looked.code, who),
            Draft(kind="handover.confirmed", actor=who, job=event.job, body=body),
        ]
        return (await here.record(*drafts, beside=looked.events))[-1]

    def _looked(self, code: Code | str, kind: str, which: str) -> Looked:
        """The answer of this kind that was pulled, or that a code holds, alone or among others."""
        if isinstance(code, str) or not which:
            return self._codes.look(code, kind)
        events = self._codes.open(code, *ANSWERS)
        return self._codes.looked(next(one for one in events if one.hash == which), code, events)

    async def _confirmed(self, hash_: str) -> Recorded | None:
        """The confirmation of the acceptance with this hash that stands in the own log already."""
        accepted = self._here.memory.event(hash_)
        for event in self._here.memory.journey(accepted.job).timeline if accepted else ():
            own = event.log == self._here.row.log
            if own and isinstance(event.body, Confirmed) and event.body.accepted == hash_:
                return await self._codes.recorded(event)
        return None

    async def witness(self, person: str, code: Code, *, offer: str = "", which: str = "") -> Recorded | None:
        """A refusal that was scanned is kept: it needs no answer, and the office learns of it from either device.

        Nothing is recorded for one that is held here already; `offer` and `which` as in `confirm`. Raises what
        `sync.acceptance.check_refusal` does.
        """
        await self._here.refresh()
        who = self._here.person(person)
        looked = self._looked(code, "handover.refused", which)
        refused = looked.event.body
        offered = self._here.memory.event(refused.offer) if isinstance(refused, Refused) else None
        check_refusal(looked.event, offered, who, looked.scene, wanted=offer)
        drafts = self._codes.witness(code, who)
        if self._here.memory.event(looked.event.hash) is not None or not drafts:
            return None
        (recorded,) = await self._here.record(*drafts, beside=looked.events)
        return recorded


def _one_of(code: Code | str, which: str) -> str:
    """The hash of the acceptance that is pulled or shown, nothing being verified."""
    if which or isinstance(code, str):
        return which or str(code)
    accepted = Codes.named_in(code, "handover.accepted")
    return accepted[0].hash if len(accepted) == 1 else ""
