"""What is checked on a scanned offer or acceptance, offline, before anything is recorded.

Each check is its own problem, and they are made in one order, the same on every device: first what any
code must hold, then what a receiver looks at before accepting, or a sender before confirming. They stop
somebody from *making* an event; whether an event stands is judged elsewhere, and never by a clock.
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from sync.clock import milliseconds
from sync.codec import read_event
from sync.events import Accepted, Event, Offered, Refused
from sync.flags import TOLERANCE_MS, is_valid
from sync.handover import Handover, due_ms
from sync.ids import digest
from sync.journey import Journey
from sync.payload import Payload, Synthesis
from sync.policy import DAY_MS, DEFAULT_POLICY, Device, Directory, Policy
from sync.problems import (
    ACCEPTED_BY_ANOTHER,
    ACCEPTED_HERE,
    CHALLENGE_UNKNOWN_OR_USED,
    CLOCK_BEFORE_ROSTER,
    KEY_NOT_VALID_THEN,
    KEY_REVOKED,
    NOT_ACCOUNTABLE,
    NOT_ADDRESSED,
    NOT_MY_OFFER,
    OFFER_FROM_FUTURE,
    OFFER_LAPSED,
    OTHER_CONTENT,
    OTHER_OFFER,
    OUTSIDE_WINDOW,
    OWN_OFFER,
    POINTS_NOT_ACKNOWLEDGED,
    RECEIVER_NOT_AUTHORISED,
    ROSTER_TOO_OLD,
    SELF_ACCEPTANCE,
    SENDER_NOT_AUTHORISED,
    SUPERSEDED,
    SYNTHESIS_MISSING,
    UNKNOWN_KEY,
    WRONG_REFERENCE,
    WRONG_SITE,
    Problem,
)
from sync.qr import Frame
from sync.seal import Jwk, kid_of, verify_raw
from sync.standing import Standing

_FOR_ANOTHER: Final = ("guest", "witnessed")
"""How two may meet where one person records both halves, the second for somebody else."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge that this device showed: for which party, and which offers (hashes) used it; none: it is open."""

    party: str
    offers: tuple[str, ...] = ()


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What the device knows when a code is looked at. `directory` is the newest roster it holds.

    `policy` is the one the offer was made under, else the newest of its boundary, else none. `standing` is
    how the event is judged from what is held. `journey` is its job as known here. `own_logs` are this
    device's logs, `answers` what stands in them in answer to the offer. `twins` are other events held under the
    offer's very name. `scanned` says that it comes from a
    code, and `asked` is the challenge that it quotes, if this device showed it.
    """

    now_ms: int
    directory: Directory
    policy: Policy | None
    standing: Standing
    journey: Journey | None = None
    own_logs: frozenset[str] = frozenset()
    twins: tuple[str, ...] = ()
    answers: tuple[Event, ...] = ()
    scanned: bool = False
    asked: Asked | None = None


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """Who is about to answer: the person, the party for which, and the site where the person is, if known.

    `guest` says that the person stands beside the sender's device and is in no roster.
    """

    person: str
    party: str
    site: str = ""
    guest: bool = False


# -- what any code must hold ---------------------------------------------------
def check_clock(directory: Directory, policy: Policy | None, now_ms: int, synced_ms: int = 0) -> bool:
    """True if the roster is stale and that has to be shown; CLOCK_BEFORE_ROSTER or ROSTER_TOO_OLD where it blocks.

    It was in force still at `synced_ms`, when this device last pulled all there was: a roster that nobody has to change
    does not grow old.
    """
    rule = policy or DEFAULT_POLICY
    issued_ms = milliseconds(directory.roster.issued_at)
    if now_ms - issued_ms < -TOLERANCE_MS:
        raise Problem(CLOCK_BEFORE_ROSTER, f"by {(issued_ms - now_ms) // 60_000} minutes")
    age_ms = now_ms - max(issued_ms, synced_ms)
    if age_ms > rule.roster_blocks_days * DAY_MS:
        raise Problem(ROSTER_TOO_OLD, f"{age_ms // DAY_MS} days; {rule.roster_blocks_days} are allowed")
    return age_ms > rule.roster_degrades_days * DAY_MS


def most_patient(policies: Iterable[Policy | None]) -> Policy | None:
    """Of the policies that one code's events are under, the one that lets a roster grow oldest; None is the default's.

    No job in a code waits for the roster because another's policy is stricter; of each its own is asked as well.
    """
    return max(policies, key=lambda policy: (policy or DEFAULT_POLICY).roster_blocks_days, default=None)


def check_seal(frame: Frame, directory: Directory) -> tuple[Event, ...]:
    """The events of a frame, each signed by its key, which is not revoked and was valid at the times they say.

    Raises, in this order: UNKNOWN_KEY, BAD_SIGNATURE, UNREADABLE, KEY_REVOKED, KEY_NOT_VALID_THEN.
    """
    device = directory.device(frame.kid)
    jwk = device.jwk if device else _office_key(directory, frame.kid)
    for signed in frame.events:
        verify_raw(signed.signature, signed.raw, "ho-event", jwk)
    events = tuple(read_event(signed.raw, frame.kid) for signed in frame.events)
    if device is not None:
        if device.revoked:
            raise Problem(KEY_REVOKED, f"{device.id}: {device.revoked}")
        for event in events:
            _valid_then(device, event)
    return events


def _office_key(directory: Directory, kid: str) -> Jwk:
    for jwk in directory.roster.keys:
        if kid_of(jwk) == kid:
            return jwk
    raise Problem(UNKNOWN_KEY, kid)


def _valid_then(device: Device, event: Event) -> None:
    if not is_valid(device, event.wall_ms):
        raise Problem(KEY_NOT_VALID_THEN, f"{device.id} at {event.at.wall}")


# -- the receiver looks at an offer --------------------------------------------
def check_offer(event: Event, receiver: Receiver, scene: Scene) -> Literal["proven", "not proven"]:
    """Whether the sender's standing is proven from what is held here; every check passed.

    Raises, in this order: OWN_OFFER, SENDER_NOT_AUTHORISED, CHALLENGE_UNKNOWN_OR_USED, OFFER_FROM_FUTURE,
    OFFER_LAPSED, NOT_ADDRESSED, WRONG_SITE, ACCEPTED_HERE, SUPERSEDED, OTHER_CONTENT, and NOT_ACCOUNTABLE where what
    is held disproves it. An offer that answers a challenge was made after it, so its own times are not asked.
    """
    offered = offer_in(event)
    guest = receiver.guest or not scene.directory.knows(offered.sender)
    if receiver.party == offered.sender or (event.actor == receiver.person and not guest):
        raise Problem(OWN_OFFER, offered.sender)
    _sender(event, offered, scene)
    if not _challenged(event, offered, receiver, scene):
        _in_time(event, offered, scene)
    _addressed(offered, receiver, scene.directory)
    site = _site(offered, scene.journey)
    if receiver.site and site and receiver.site != site:
        raise Problem(WRONG_SITE, f"it is for {site}, you are at {receiver.site}")
    _still_stands(event, receiver, scene)
    if scene.twins:
        raise Problem(OTHER_CONTENT, f"{event.log}:{event.seq}")
    verdict = scene.standing.verdict
    if verdict.word == "refused":
        raise Problem(NOT_ACCOUNTABLE, f"{verdict.code} {verdict.detail}".strip())
    return "proven" if verdict.word == "applied" else "not proven"


def offer_in(event: Event) -> Offered:
    """What an offer says; WRONG_REFERENCE for any other event."""
    if not isinstance(event.body, Offered):
        raise Problem(WRONG_REFERENCE, f"{event.kind} is no offer")
    return event.body


def _sender(event: Event, offered: Offered, scene: Scene) -> None:
    """The office may offer anywhere; anybody else what the roster says of the person, the device and the site."""
    directory = scene.directory
    if directory.is_staff(event.kid):
        return
    device = directory.device(event.kid)
    person = directory.person(event.actor)
    if device is None or event.actor not in device.people or person is None:
        raise Problem(SENDER_NOT_AUTHORISED, f"{event.actor} is not listed for this device")
    site = _site(offered, scene.journey)
    if not person.reaches(site):
        raise Problem(SENDER_NOT_AUTHORISED, f"{event.actor} at {site}")


def _site(offered: Offered, journey: Journey | None) -> str:
    if offered.site:
        return offered.site
    return journey.opened.site if journey and journey.opened else ""


def answers_challenge(event: Event, offered: Offered, receiver: Receiver, scene: Scene) -> bool:
    """True where the offer quotes a challenge that was shown here for this party, and that no other offer used."""
    asked = scene.asked
    if not offered.challenge or asked is None or asked.party != receiver.party:
        return False
    return not asked.offers or event.hash in asked.offers


def _challenged(event: Event, offered: Offered, receiver: Receiver, scene: Scene) -> bool:
    """Whether it answers a challenge, as a code has to where it quotes one or the policy wants one.

    What came by pull need not: the office has it, and another device of the receiver's may have asked.
    """
    answers = answers_challenge(event, offered, receiver, scene)
    wanted = offered.challenge or (scene.policy is not None and scene.policy.challenge)
    if scene.scanned and wanted and not answers:
        raise Problem(CHALLENGE_UNKNOWN_OR_USED, _amiss(offered, scene.asked))
    return answers


def _amiss(offered: Offered, asked: Asked | None) -> str:
    if not offered.challenge:
        return "the policy wants one, and it quotes none"
    if asked is None:
        return "it quotes one that was not shown here"
    return "it was used by another offer" if asked.offers else f"it was shown for {asked.party}"


def _in_time(event: Event, offered: Offered, scene: Scene) -> None:
    then = milliseconds(event.at.wall)
    if then > scene.now_ms + TOLERANCE_MS:
        raise Problem(OFFER_FROM_FUTURE, f"by {(then - scene.now_ms) // 60_000} minutes")
    limit = due_ms(event, offered, scene.policy)
    if limit is not None and scene.now_ms > limit + TOLERANCE_MS:
        raise Problem(OFFER_LAPSED, f"{(scene.now_ms - limit) // 60_000} minutes ago")


def _addressed(offered: Offered, receiver: Receiver, directory: Directory) -> None:
    if not any(directory.belongs(receiver.party, to) for to in offered.to):
        raise Problem(NOT_ADDRESSED, f"it is for {', '.join(offered.to)}")
    if not (receiver.guest or directory.belongs(receiver.person, receiver.party)):
        raise Problem(NOT_ADDRESSED, f"{receiver.person} does not act for {receiver.party}")


def _still_stands(event: Event, receiver: Receiver, scene: Scene) -> None:
    for answer in scene.answers:
        if isinstance(answer.body, Accepted) and answer.body.party == receiver.party:
            raise Problem(ACCEPTED_HERE, f"{answer.log}:{answer.seq}")
    handover = known_handover(event, scene.journey)
    if handover is not None and scene.journey is not None:
        if handover.withdrawn:
            raise Problem(SUPERSEDED, "the sender took it back")
        newer = [one for one in scene.journey.handovers if event.hash in one.content.replaces]
        if newer:
            raise Problem(SUPERSEDED, "a newer offer replaces it")
        at = scene.journey.custody.at
        if scene.standing.under is not None and at is not None and at.key != scene.standing.under.key:
            raise Problem(SUPERSEDED, f"{at.party} answers for the job now")


def known_handover(event: Event, journey: Journey | None) -> Handover | None:
    """The handover that this offer began, as known here."""
    return next((one for one in journey.handovers if one.offer.hash == event.hash), None) if journey else None


def check_synthesis(synthesis: Synthesis) -> None:
    """Return only if the open points were read back in words of one's own; else SYNTHESIS_MISSING."""
    if not synthesis.words.strip():
        raise Problem(SYNTHESIS_MISSING)


# -- the sender looks at an acceptance -----------------------------------------
def accepted_in(event: Event) -> Accepted:
    """What an acceptance says; WRONG_REFERENCE for any other event."""
    if not isinstance(event.body, Accepted):
        raise Problem(WRONG_REFERENCE, f"{event.kind} is no acceptance")
    return event.body


def check_refusal(event: Event, offer: Event | None, sender: str, scene: Scene, *, wanted: str = "") -> None:
    """The same for a refusal of `offer`, which moves nothing: NOT_MY_OFFER, OTHER_OFFER, RECEIVER_NOT_AUTHORISED."""
    if not isinstance(event.body, Refused):
        raise Problem(WRONG_REFERENCE, f"{event.kind} is no refusal")
    _answers_mine(event.body.offer, offer, sender, scene, wanted)
    _is_judged(scene)


def _answers_mine(named: str, offer: Event | None, sender: str, scene: Scene, wanted: str) -> tuple[Event, Offered]:
    """The offer that is answered, which is of this device and of whom `sender` acts for, and the one that is wanted."""
    if offer is None or offer.log not in scene.own_logs:
        raise Problem(NOT_MY_OFFER, named)
    offered = offer_in(offer)
    guest = not scene.directory.knows(offered.sender)
    if not guest and not scene.directory.belongs(sender, offered.sender):
        raise Problem(NOT_MY_OFFER, f"it is {offered.sender}'s")
    if wanted and named != wanted:
        raise Problem(OTHER_OFFER, named)
    return offer, offered


def _is_judged(scene: Scene) -> None:
    verdict = scene.standing.verdict
    if verdict.word == "refused":
        raise Problem(RECEIVER_NOT_AUTHORISED, f"{verdict.code} {verdict.detail}".strip())


def check_acceptance(event: Event, offer: Event | None, sender: str, scene: Scene, *, wanted: str = "") -> None:
    """Return only if the person `sender` may confirm this acceptance of `offer`, as it is held here (None if not).

    `wanted` is the hash of the offer that is being confirmed, if the person said which. Raises, in this
    order: NOT_MY_OFFER, OTHER_OFFER, SELF_ACCEPTANCE, RECEIVER_NOT_AUTHORISED, OUTSIDE_WINDOW,
    ACCEPTED_BY_ANOTHER, POINTS_NOT_ACKNOWLEDGED. An offer that quotes a challenge has no window: the receiver's
    device has settled its times.
    """
    accepted = accepted_in(event)
    offer, offered = _answers_mine(accepted.offer, offer, sender, scene, wanted)
    if accepted.party == offered.sender or (event.actor == offer.actor and accepted.met not in _FOR_ANOTHER):
        raise Problem(SELF_ACCEPTANCE, accepted.party)
    _is_judged(scene)
    if not offered.challenge:
        _in_window(event, offer, offered, scene.policy)
    handover = known_handover(offer, scene.journey)
    others = {accepted_in(one).party for one in handover.accepted} if handover else set()
    if others - {accepted.party}:
        raise Problem(ACCEPTED_BY_ANOTHER, ", ".join(sorted(others - {accepted.party})))
    if not acknowledged(offered.payload, accepted.synthesis, scene.policy):
        raise Problem(POINTS_NOT_ACKNOWLEDGED, f"{accepted.synthesis.hits} of {len(open_points(offered.payload))}")


def _in_window(event: Event, offer: Event, offered: Offered, policy: Policy | None) -> None:
    then = milliseconds(event.at.wall)
    limit = due_ms(offer, offered, policy)
    early = then < milliseconds(offer.at.wall) - TOLERANCE_MS
    if early or (limit is not None and then > limit + TOLERANCE_MS):
        raise Problem(OUTSIDE_WINDOW, event.at.wall)


def open_points(payload: Payload) -> tuple[str, ...]:
    """What a receiver has to pick at the read-back: the next actions, then the risks, each once."""
    points = (*(action.what for action in payload.next_actions), *(risk.if_ for risk in payload.risks))
    return tuple(dict.fromkeys(points))


def acknowledged(payload: Payload, synthesis: Synthesis, policy: Policy | None) -> bool:
    """True if every open point was picked, where choices were shown or the boundary's policy wants them shown."""
    points = open_points(payload)
    asked = synthesis.shown > 0 or (policy is not None and bool(policy.distractors))
    return not asked or synthesis.hits >= len(points)


# -- the read-back -------------------------------------------------------------
def read_back(payload: Payload, distractors: Iterable[str], offer: str) -> tuple[str, ...]:
    """The choices to show: every open point among as many distractors (at least two, as far as there are).

    Which, and in what order, follows from the offer's hash: every device shows the same, nobody can learn
    the places by heart.
    """
    points = open_points(payload)
    others = sorted(set(distractors) - set(points), key=lambda text: _shuffled(offer, text))
    return tuple(sorted((*points, *others[: max(2, len(points))]), key=lambda text: _shuffled(offer, text)))


def _shuffled(offer: str, text: str) -> bytes:
    return digest(f"{offer} {text}".encode())


def synthesis_of(words: str, picked: Iterable[str], shown: tuple[str, ...], payload: Payload) -> Synthesis:
    """The read-back as the acceptance records it; SYNTHESIS_MISSING without words of one's own."""
    chosen = set(picked) & set(shown)
    points = set(open_points(payload))
    synthesis = Synthesis(words=words, shown=len(shown), hits=len(chosen & points), false=len(chosen - points))
    check_synthesis(synthesis)
    return synthesis
