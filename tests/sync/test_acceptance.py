"""Anna hands a job to Bo: what each side looks at before it records anything, in one order, on every device."""

from collections.abc import Callable
from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.acceptance import (
    Asked,
    Receiver,
    Scene,
    accepted_in,
    acknowledged,
    check_acceptance,
    check_clock,
    check_offer,
    check_refusal,
    check_seal,
    check_synthesis,
    known_handover,
    most_patient,
    offer_in,
    open_points,
    read_back,
    synthesis_of,
)
from sync.clock import Moment, milliseconds, rfc3339
from sync.codec import encode, read_event, write_event
from sync.events import Accepted, Draft, Event, Fact, JobOpened, Offered, Reassigned, Refused, Withdrawn
from sync.flags import TOLERANCE_MS
from sync.ids import b64, digest
from sync.journey import journey
from sync.judge import judge_all
from sync.payload import NextAction, Payload, Risk, Synthesis
from sync.policy import Accept, Device, Directory, Limits, Person, Policy, Roster, reference
from sync.problems import (
    ACCEPTED_BY_ANOTHER,
    ACCEPTED_HERE,
    BAD_SIGNATURE,
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
    ProblemKind,
)
from sync.qr import Frame, SignedEvent
from sync.seal import Signer, signature_in
from sync.standing import Shelf, Verdict

NOON = "2026-05-04T12:00:00Z"
NOON_MS = milliseconds(NOON)
HOUR_MS = 3_600_000
KEYS = {name: Signer(digest(name.encode())) for name in ("anna", "bo", "cy", "office")}
POLICY = Policy(boundary="edge", version=1, issued_at=NOON, accept=Accept(roles=("technician",)))
PAYLOAD = Payload(
    state="in_progress",
    next_actions=(NextAction(what="fit the seal"), NextAction(what="bleed the line")),
    risks=(Risk(if_="the valve passes"),),
)
PEOPLE = {
    "anna": Person(roles=("technician",), teams=("north",), sites=("site-1",)),
    "bo": Person(roles=("technician",), teams=("north",), sites=("*",)),
    "cy": Person(roles=("depot",), sites=("site-2",)),
    "dee": Person(roles=("dispatcher",), sites=("*",)),
}


def roster(**device: str) -> Roster:
    """Everybody with a phone each; `device` are fields of Anna's."""
    devices = [Device(id=f"phone-{who}", jwk=KEYS[who].jwk, people=(who,)) for who in ("bo", "cy")]
    fields = {"id": "phone-anna", "jwk": KEYS["anna"].jwk, "people": ("anna",)} | device
    anna = msgspec.convert(msgspec.to_builtins(fields), Device)
    return Roster(
        version=1,
        issued_at=NOON,
        devices=(anna, *devices),
        people=PEOPLE,
        teams=("north",),
        keys=(KEYS["office"].jwk,),
    )


class Stage:
    """Events of these people, judged as they would be on one device; `now_ms` is its clock."""

    def __init__(self, policy: Policy = POLICY, **device: str) -> None:
        listed = roster(**device)
        self.directory = Directory(listed)
        self.roster = reference(1, encode(listed))
        self.policy = policy
        self.named = reference(1, encode(policy))
        self.shelf = Shelf()
        self.shelf.hold_roster(self.roster, self.directory)
        self.shelf.hold_policy(self.named, policy)
        self.now_ms = NOON_MS
        self.job = ""
        self.held: list[Event] = []
        self._seqs: dict[str, int] = {}
        self.opened = self.held_event("job.opened", "anna", JobOpened(roster=self.roster, party="anna", site="site-1"))

    def log(self, who: str) -> str:
        return b64(digest(who.encode())[:16])

    def event(
        self, kind: str, who: str, body: Fact, *, seq: int = 0, at_ms: int | None = None, actor: str = ""
    ) -> Event:
        log = self.log(who)
        self._seqs[log] = seq or self._seqs.get(log, 0) + 1
        at = Moment(wall=rfc3339(self.now_ms if at_ms is None else at_ms), mono=1, boot="b")
        draft = Draft(kind=kind, actor=actor or who, body=body, job=self.job if kind != "job.opened" else "")
        event = read_event(write_event(draft, log=log, seq=self._seqs[log], at=at), KEYS[who].kid)
        self.job = self.job or event.job
        return event

    def hold(self, *events: Event) -> None:
        judge_all(list(events), self.shelf)
        self.held.extend(events)

    def held_event(self, kind: str, who: str, body: Fact, **how: str) -> Event:
        event = self.event(kind, who, body, actor=how.get("actor", ""))
        self.hold(event)
        return event

    def offer(self, *, at_ms: int | None = None, who: str = "anna", actor: str = "", **fields: object) -> Event:
        body = Offered(
            roster=self.roster,
            basis=self.opened.hash,
            sender="anna",
            to=("bo",),
            boundary="edge",
            policy=self.named,
            payload=PAYLOAD,
        )
        return self.event("handover.offered", who, msgspec.structs.replace(body, **fields), at_ms=at_ms, actor=actor)

    def accepted(self, offer: Event, *, who: str = "bo", at_ms: int | None = None, **fields: object) -> Event:
        body = Accepted(roster=self.roster, offer=offer.hash, party=who, synthesis=Synthesis(words="ok"), met="met")
        return self.event("handover.accepted", who, msgspec.structs.replace(body, **fields), at_ms=at_ms)

    def scene(self, event: Event, own: str = "bo", **fields: object) -> Scene:
        glance = Shelf()
        glance.hold_roster(self.roster, self.directory)
        glance.hold_policy(self.named, self.policy)
        judge_all([*self.held, event], glance)
        standing = glance.by_hash(event.hash)
        assert standing is not None
        held = [one for one in (self.shelf.by_hash(held.hash) for held in self.held) if one]
        scene = Scene(
            now_ms=self.now_ms,
            directory=self.directory,
            policy=self.policy,
            standing=standing,
            journey=journey(self.job, [*held, standing]),
            own_logs=frozenset({self.log(own)}),
            answers=tuple(one for one in self.held if one.log == self.log(own) and answers(one, event)),
        )
        return msgspec.structs.replace(scene, **fields)


def answers(event: Event, offer: Event) -> bool:
    return isinstance(event.body, Accepted | Refused) and event.body.offer == offer.hash


BO = Receiver(person="bo", party="bo")


def problem_of(check: Callable[[], object]) -> ProblemKind:
    with pytest.raises(Problem) as caught:
        check()
    return caught.value.kind


# -- what any code must hold ---------------------------------------------------
def frame(signer: Signer, *events: bytes) -> Frame:
    signed = tuple(SignedEvent(raw, signature_in(signer.sign(raw, "ho-event"))) for raw in events)
    return Frame(signer.kid, signed)


def raw_offer(at_ms: int = NOON_MS) -> bytes:
    stage = Stage()
    body = stage.offer().body
    assert body is not None
    at = Moment(wall=rfc3339(at_ms), mono=1, boot="b")
    return write_event(
        Draft(kind="handover.offered", actor="anna", body=body, job=stage.job), log=stage.log("anna"), seq=2, at=at
    )


def test_a_roster_is_fresh_then_stale_then_too_old() -> None:
    directory = Directory(roster())
    assert not check_clock(directory, POLICY, NOON_MS)
    a_month_ms = 30 * 24 * HOUR_MS
    assert not check_clock(directory, POLICY, NOON_MS + a_month_ms, NOON_MS + a_month_ms - HOUR_MS)
    assert check_clock(directory, POLICY, NOON_MS + a_month_ms + 25 * HOUR_MS, NOON_MS + a_month_ms)
    assert check_clock(directory, POLICY, NOON_MS + 25 * HOUR_MS)
    assert problem_of(lambda: check_clock(directory, POLICY, NOON_MS + 15 * 24 * HOUR_MS)) is ROSTER_TOO_OLD
    assert problem_of(lambda: check_clock(directory, None, NOON_MS + 15 * 24 * HOUR_MS)) is ROSTER_TOO_OLD


def test_a_code_waits_for_the_roster_only_where_all_its_policies_do() -> None:
    strict, lenient = (msgspec.structs.replace(POLICY, roster_blocks_days=days) for days in (3, 30))
    assert most_patient([strict, None, lenient]) is lenient
    assert most_patient([strict, None]) is None, "the default is 14 days"
    assert most_patient([strict]) is strict
    assert most_patient([]) is None


def test_a_clock_before_the_roster_is_named_and_five_minutes_are_forgiven() -> None:
    directory = Directory(roster())
    assert not check_clock(directory, None, NOON_MS - TOLERANCE_MS)
    assert problem_of(lambda: check_clock(directory, None, NOON_MS - TOLERANCE_MS - 1)) is CLOCK_BEFORE_ROSTER
    ten_years_ms = 10 * 365 * 24 * HOUR_MS
    assert problem_of(lambda: check_clock(directory, None, NOON_MS - ten_years_ms)) is CLOCK_BEFORE_ROSTER
    assert problem_of(lambda: check_clock(directory, None, NOON_MS + ten_years_ms)) is ROSTER_TOO_OLD


def test_a_genuine_code_gives_its_events() -> None:
    (event,) = check_seal(frame(KEYS["anna"], raw_offer()), Directory(roster()))
    assert (event.kind, event.kid) == ("handover.offered", KEYS["anna"].kid)


def test_a_code_of_the_office_is_genuine() -> None:
    (event,) = check_seal(frame(KEYS["office"], raw_offer()), Directory(roster()))
    assert event.kid == KEYS["office"].kid


def test_a_key_that_no_roster_lists_is_unknown() -> None:
    code = frame(Signer(b"x" * 32), raw_offer())
    assert problem_of(lambda: check_seal(code, Directory(roster()))) is UNKNOWN_KEY


def test_a_changed_byte_breaks_the_seal() -> None:
    good = frame(KEYS["anna"], raw_offer())
    changed = SignedEvent(good.events[0].raw.replace(b"fit the seal", b"fit the deal"), good.events[0].signature)
    assert problem_of(lambda: check_seal(Frame(good.kid, (changed,)), Directory(roster()))) is BAD_SIGNATURE


def test_a_revoked_key_is_refused_with_no_network() -> None:
    code = frame(KEYS["anna"], raw_offer())
    assert problem_of(lambda: check_seal(code, Directory(roster(revoked="lost")))) is KEY_REVOKED


@pytest.mark.parametrize("field", [{"valid_from": "2026-05-04T12:05:01Z"}, {"valid_until": "2026-05-04T11:54:59Z"}])
def test_a_key_outside_its_time_is_refused(field: dict[str, str]) -> None:
    code = frame(KEYS["anna"], raw_offer())
    assert problem_of(lambda: check_seal(code, Directory(roster(**field)))) is KEY_NOT_VALID_THEN
    assert check_seal(code, Directory(roster(valid_from=NOON, valid_until=NOON)))


# -- the receiver --------------------------------------------------------------
def test_an_offer_that_passes_every_check_is_proven() -> None:
    stage = Stage()
    offer = stage.offer()
    assert check_offer(offer, BO, stage.scene(offer)) == "proven"


def test_an_offer_whose_basis_is_not_here_is_shown_as_not_proven() -> None:
    stage = Stage()
    offer = stage.offer(basis=b64(digest(b"elsewhere")))
    scene = stage.scene(offer, journey=None)
    assert check_offer(offer, BO, scene) == "not proven"


def test_an_offer_whose_basis_names_another_party_is_refused() -> None:
    stage = Stage()
    offer = stage.offer(who="bo", sender="bo", to=("cy",))
    assert (
        problem_of(lambda: check_offer(offer, Receiver(person="cy", party="cy"), stage.scene(offer))) is NOT_ACCOUNTABLE
    )


def test_ones_own_offer_is_not_accepted_by_party_nor_by_person() -> None:
    stage = Stage()
    offer = stage.offer(to=("bo", "anna"))
    scene = stage.scene(offer)
    assert problem_of(lambda: check_offer(offer, Receiver(person="bo", party="anna"), scene)) is OWN_OFFER
    assert problem_of(lambda: check_offer(offer, Receiver(person="anna", party="north"), scene)) is OWN_OFFER


def test_a_guest_reads_back_on_the_senders_device_and_hands_back_there() -> None:
    stage = Stage()
    offer = stage.offer(to=("guest:1",))
    guest = Receiver(person="anna", party="guest:1", guest=True)
    assert check_offer(offer, guest, stage.scene(offer, own="anna")) == "proven"
    stage.hold(offer, accepted := stage.accepted(offer, who="anna", party="guest:1", met="guest"))
    back = stage.offer(basis=accepted.hash, sender="guest:1", to=("anna",))
    assert check_offer(back, Receiver(person="anna", party="anna"), stage.scene(back, own="anna")) == "proven"


def test_the_office_offers_anywhere() -> None:
    stage = Stage()
    offer = stage.offer(who="office", actor="dee", sender="north", site="site-9")
    assert problem_of(lambda: check_offer(offer, BO, stage.scene(offer))) is NOT_ACCOUNTABLE, "only that is wrong"


@pytest.mark.parametrize(
    ("site", "actor"), [("site-2", "anna"), ("", "bo"), ("", "nobody")], ids=["site", "device", "unlisted"]
)
def test_a_sender_the_roster_does_not_give_this_site_or_device_is_named(site: str, actor: str) -> None:
    stage = Stage()
    offer = stage.offer(actor=actor, site=site)
    receiver = Receiver(person="cy", party="cy")
    assert problem_of(lambda: check_offer(offer, receiver, stage.scene(offer))) is SENDER_NOT_AUTHORISED


def test_an_offer_from_the_future_or_past_its_limit_is_stopped_and_five_minutes_are_forgiven() -> None:
    stage = Stage(msgspec.structs.replace(POLICY, limits=Limits(accept=60)))
    offer = stage.offer()
    scene = stage.scene(offer)
    at = {"early": NOON_MS - TOLERANCE_MS, "late": NOON_MS + HOUR_MS + TOLERANCE_MS}
    for now_ms in at.values():
        assert check_offer(offer, BO, msgspec.structs.replace(scene, now_ms=now_ms)) == "proven"
    early = msgspec.structs.replace(scene, now_ms=at["early"] - 1)
    late = msgspec.structs.replace(scene, now_ms=at["late"] + 1)
    assert problem_of(lambda: check_offer(offer, BO, early)) is OFFER_FROM_FUTURE
    assert problem_of(lambda: check_offer(offer, BO, late)) is OFFER_LAPSED


STRICT = msgspec.structs.replace(POLICY, challenge=True, limits=Limits(accept=60))
OPEN = Asked(party="bo")


def test_a_strict_policy_wants_a_challenge_of_a_scanned_offer_and_of_no_other() -> None:
    stage = Stage(STRICT)
    offer, answer = stage.offer(), stage.offer(challenge="nonce-of-bo")
    assert check_offer(offer, BO, stage.scene(offer)) == "proven"
    assert problem_of(lambda: check_offer(offer, BO, stage.scene(offer, scanned=True))) is CHALLENGE_UNKNOWN_OR_USED
    stray = stage.scene(offer, scanned=True, asked=OPEN)
    assert problem_of(lambda: check_offer(offer, BO, stray)) is CHALLENGE_UNKNOWN_OR_USED
    assert check_offer(answer, BO, stage.scene(answer, scanned=True, asked=OPEN)) == "proven"


@pytest.mark.parametrize("policy", [POLICY, STRICT], ids=["plain", "strict"])
@pytest.mark.parametrize(
    "asked", [None, Asked(party="north"), Asked(party="bo", offers=("another",))], ids=["unknown", "other", "used"]
)
def test_a_challenge_is_answered_once_and_by_whom_it_was_shown_to(policy: Policy, asked: Asked | None) -> None:
    stage = Stage(policy)
    offer = stage.offer(challenge="nonce-of-bo")
    scene = stage.scene(offer, scanned=True, asked=asked)
    assert problem_of(lambda: check_offer(offer, BO, scene)) is CHALLENGE_UNKNOWN_OR_USED
    assert check_offer(offer, BO, stage.scene(offer, asked=asked)) == "proven", "by pull nothing is asked"
    again = stage.scene(offer, scanned=True, asked=Asked(party="bo", offers=("another", offer.hash)))
    assert check_offer(offer, BO, again) == "proven", "the offer that used it is no stranger"


@pytest.mark.parametrize("policy", [msgspec.structs.replace(STRICT, challenge=False), STRICT], ids=["plain", "strict"])
@pytest.mark.parametrize("off_ms", [-3 * HOUR_MS, 3 * HOUR_MS])
def test_an_answered_challenge_settles_the_offers_own_times(policy: Policy, off_ms: int) -> None:
    stage = Stage(policy)
    offer = stage.offer(challenge="nonce-of-bo")
    now_ms = NOON_MS + off_ms
    assert check_offer(offer, BO, stage.scene(offer, asked=OPEN, scanned=True, now_ms=now_ms)) == "proven"
    kind = OFFER_FROM_FUTURE if off_ms < 0 else OFFER_LAPSED
    assert problem_of(lambda: check_offer(offer, BO, stage.scene(offer, now_ms=now_ms))) is kind
    stage.hold(offer)
    accepted = stage.accepted(offer, at_ms=now_ms)
    check_acceptance(accepted, offer, "anna", stage.scene(accepted, own="anna"))


@pytest.mark.parametrize("receiver", [Receiver(person="cy", party="cy"), Receiver(person="cy", party="bo")])
def test_an_offer_to_somebody_else_is_not_taken(receiver: Receiver) -> None:
    stage = Stage()
    offer = stage.offer()
    assert problem_of(lambda: check_offer(offer, receiver, stage.scene(offer))) is NOT_ADDRESSED


def test_a_team_and_a_role_can_be_addressed() -> None:
    stage = Stage()
    for to, party in ((("north",), "north"), (("role:technician",), "bo")):
        offer = stage.offer(to=to)
        assert check_offer(offer, Receiver(person="bo", party=party), stage.scene(offer)) == "proven"


def test_an_offer_for_another_site_than_where_one_stands_is_stopped() -> None:
    stage = Stage()
    offer = stage.offer()
    there = Receiver(person="bo", party="bo", site="site-2")
    assert problem_of(lambda: check_offer(offer, there, stage.scene(offer))) is WRONG_SITE
    unknown = stage.offer(basis=b64(digest(b"elsewhere")))
    assert check_offer(unknown, there, stage.scene(unknown, journey=None)) == "not proven"


def test_what_was_accepted_here_is_not_accepted_again() -> None:
    stage = Stage()
    offer = stage.offer()
    body = Refused(roster=stage.roster, offer=offer.hash, party="bo", reason="no seal on the van")
    stage.hold(offer, stage.event("handover.refused", "bo", body))
    assert check_offer(offer, BO, stage.scene(offer)) == "proven", "who refused may think better of it"
    stage.hold(stage.accepted(offer))
    assert problem_of(lambda: check_offer(offer, BO, stage.scene(offer))) is ACCEPTED_HERE


def superseding(stage: Stage, offer: Event) -> dict[str, Event]:
    withdrawn = Withdrawn(roster=stage.roster, offer=offer.hash, sender="anna")
    moved = Reassigned(roster=stage.roster, basis=stage.opened.hash, party="cy", reason="ill")
    return {
        "withdrawn": stage.event("handover.withdrawn", "anna", withdrawn),
        "replaced": stage.offer(replaces=(offer.hash,)),
        "left": stage.event("handover.reassigned", "office", moved, actor="dee"),
        "taken": stage.accepted(offer, who="anna", party="bo"),
    }


@pytest.mark.parametrize("how", ["withdrawn", "replaced", "left"])
def test_an_offer_that_no_longer_stands_as_far_as_known_is_stopped(how: str) -> None:
    stage = Stage()
    offer = stage.offer()
    stage.hold(offer, superseding(stage, offer)[how])
    assert problem_of(lambda: check_offer(offer, BO, stage.scene(offer))) is SUPERSEDED


def test_an_offer_that_somebody_else_took_is_superseded() -> None:
    stage = Stage(msgspec.structs.replace(POLICY, accept=Accept()))
    offer = stage.offer(to=("bo", "cy"))
    stage.hold(offer, stage.accepted(offer, who="cy"))
    assert problem_of(lambda: check_offer(offer, BO, stage.scene(offer))) is SUPERSEDED


def test_the_same_offer_with_other_content_is_named() -> None:
    stage = Stage()
    offer = stage.offer()
    assert problem_of(lambda: check_offer(offer, BO, stage.scene(offer, twins=("other",)))) is OTHER_CONTENT


def test_only_an_offer_is_an_offer_and_only_an_acceptance_is_one() -> None:
    stage = Stage()
    offer = stage.offer()
    assert problem_of(lambda: offer_in(stage.opened)) is WRONG_REFERENCE
    assert problem_of(lambda: accepted_in(offer)) is WRONG_REFERENCE
    assert known_handover(offer, None) is None


# -- the sender ----------------------------------------------------------------
def test_an_acceptance_that_passes_every_check_may_be_confirmed() -> None:
    stage = Stage()
    stage.hold(offer := stage.offer())
    accepted = stage.accepted(offer)
    check_acceptance(accepted, offer, "anna", stage.scene(accepted, own="anna"), wanted=offer.hash)


def test_an_acceptance_seen_again_is_no_problem() -> None:
    stage = Stage()
    stage.hold(offer := stage.offer(), accepted := stage.accepted(offer))
    check_acceptance(accepted, offer, "anna", stage.scene(accepted, own="anna"))


def test_an_acceptance_of_an_offer_that_is_not_mine_is_named() -> None:
    stage = Stage()
    stage.hold(offer := stage.offer())
    accepted = stage.accepted(offer)
    scene = stage.scene(accepted, own="anna")
    for known, who in ((None, "anna"), (offer, "cy")):
        assert problem_of(partial(check_acceptance, accepted, known, who, scene)) is NOT_MY_OFFER
    elsewhere = stage.scene(accepted, own="cy")
    assert problem_of(lambda: check_acceptance(accepted, offer, "anna", elsewhere)) is NOT_MY_OFFER


def test_a_guests_offer_is_confirmed_on_the_device_that_holds_it() -> None:
    stage = Stage()
    stage.hold(first := stage.offer(to=("guest:1",)))
    stage.hold(taken := stage.accepted(first, who="anna", party="guest:1", met="guest"))
    stage.hold(back := stage.offer(basis=taken.hash, sender="guest:1", to=("anna",)))
    accepted = stage.accepted(back, who="anna", met="guest")
    check_acceptance(accepted, back, "anna", stage.scene(accepted, own="anna"))


def test_an_acceptance_of_another_offer_than_the_one_shown_is_named() -> None:
    stage = Stage()
    stage.hold(offer := stage.offer(), other := stage.offer(site="site-1"))
    accepted = stage.accepted(other)
    scene = stage.scene(accepted, own="anna")
    assert problem_of(lambda: check_acceptance(accepted, other, "anna", scene, wanted=offer.hash)) is OTHER_OFFER


def test_nobody_accepts_from_oneself() -> None:
    stage = Stage()
    stage.hold(offer := stage.offer(to=("bo", "north")))
    for who, party in (("bo", "anna"), ("anna", "north")):
        accepted = stage.accepted(offer, who=who, party=party)
        scene = stage.scene(accepted, own="anna")
        assert problem_of(partial(check_acceptance, accepted, offer, "anna", scene)) is SELF_ACCEPTANCE


@pytest.mark.parametrize("met", ["guest", "witnessed"])
def test_one_who_records_an_acceptance_for_somebody_else_does_not_accept_from_oneself(met: str) -> None:
    stage = Stage()
    stage.hold(offer := stage.offer(to=("bo", "guest:1")))
    accepted = stage.accepted(offer, who="anna", party="guest:1" if met == "guest" else "bo", met=met)
    scene = stage.scene(accepted, own="anna")
    standing = msgspec.structs.replace(scene.standing, verdict=Verdict(word="applied"))
    check_acceptance(accepted, offer, "anna", msgspec.structs.replace(scene, standing=standing))


def test_a_receiver_who_may_not_accept_is_named() -> None:
    stage = Stage()
    stage.hold(offer := stage.offer(to=("cy",)))
    accepted = stage.accepted(offer, who="cy")
    scene = stage.scene(accepted, own="anna")
    assert problem_of(lambda: check_acceptance(accepted, offer, "anna", scene)) is RECEIVER_NOT_AUTHORISED


@pytest.mark.parametrize("off_ms", [-TOLERANCE_MS - 1, HOUR_MS + TOLERANCE_MS + 1])
def test_an_acceptance_dated_before_the_offer_or_after_it_lapsed_is_stopped(off_ms: int) -> None:
    stage = Stage(msgspec.structs.replace(POLICY, limits=Limits(accept=60)))
    stage.hold(offer := stage.offer())
    accepted = stage.accepted(offer, at_ms=NOON_MS + off_ms)
    scene = stage.scene(accepted, own="anna")
    assert problem_of(lambda: check_acceptance(accepted, offer, "anna", scene)) is OUTSIDE_WINDOW


def test_a_second_receiver_is_told_apart_from_the_first() -> None:
    stage = Stage(msgspec.structs.replace(POLICY, accept=Accept()))
    stage.hold(offer := stage.offer(to=("bo", "cy")), stage.accepted(offer, who="cy"))
    accepted = stage.accepted(offer)
    scene = stage.scene(accepted, own="anna")
    assert problem_of(lambda: check_acceptance(accepted, offer, "anna", scene)) is ACCEPTED_BY_ANOTHER


def test_open_points_that_were_not_picked_are_named() -> None:
    stage = Stage()
    stage.hold(offer := stage.offer())
    for hits, kind in ((2, POINTS_NOT_ACKNOWLEDGED), (3, None)):
        accepted = stage.accepted(offer, synthesis=Synthesis(words="ok", shown=6, hits=hits))
        scene = stage.scene(accepted, own="anna")
        if kind is None:
            check_acceptance(accepted, offer, "anna", scene)
        else:
            assert problem_of(partial(check_acceptance, accepted, offer, "anna", scene)) is kind


def test_an_acceptance_whose_offer_is_not_in_the_journey_is_looked_at_all_the_same() -> None:
    stage = Stage()
    stage.hold(offer := stage.offer())
    accepted = stage.accepted(offer)
    check_acceptance(accepted, offer, "anna", stage.scene(accepted, own="anna", journey=None))


def test_a_refusal_is_kept_by_whose_offer_it_answers() -> None:
    stage = Stage()
    stage.hold(offer := stage.offer(), other := stage.offer(site="site-1"))
    body = Refused(roster=stage.roster, offer=offer.hash, party="bo", reason="no seal on the van")
    refused = stage.event("handover.refused", "bo", body)
    scene = stage.scene(refused, own="anna")
    check_refusal(refused, offer, "anna", scene, wanted=offer.hash)
    assert problem_of(lambda: check_refusal(refused, offer, "anna", scene, wanted=other.hash)) is OTHER_OFFER
    assert problem_of(lambda: check_refusal(refused, offer, "cy", scene)) is NOT_MY_OFFER
    assert problem_of(lambda: check_refusal(refused, None, "anna", scene)) is NOT_MY_OFFER
    assert problem_of(lambda: check_refusal(offer, offer, "anna", scene)) is WRONG_REFERENCE
    stranger = stage.event("handover.refused", "cy", msgspec.structs.replace(body, party="cy"))
    by_cy = stage.scene(stranger, own="anna")
    assert problem_of(lambda: check_refusal(stranger, offer, "anna", by_cy)) is RECEIVER_NOT_AUTHORISED


# -- the read-back -------------------------------------------------------------
def test_words_without_a_quiz_are_enough_unless_the_policy_has_distractors() -> None:
    said = Synthesis(words="ok")
    asked = msgspec.structs.replace(POLICY, distractors=("paint it",))
    assert acknowledged(PAYLOAD, said, POLICY)
    assert acknowledged(PAYLOAD, said, None)
    assert not acknowledged(PAYLOAD, said, asked)
    assert acknowledged(Payload(), said, asked), "no point is open"


@given(
    distractors=st.lists(st.text(min_size=1, max_size=8), max_size=12),
    points=st.lists(st.text(min_size=1, max_size=8), max_size=6),
    offer=st.text(min_size=1, max_size=8),
)
def test_every_open_point_is_shown_once_among_distractors(
    distractors: list[str], points: list[str], offer: str
) -> None:
    payload = Payload(next_actions=tuple(NextAction(what=what) for what in points))
    shown = read_back(payload, distractors, offer)
    assert len(shown) == len(set(shown))
    assert set(open_points(payload)) <= set(shown) <= set(points) | set(distractors)
    others = set(shown) - set(points)
    assert len(others) == min(max(2, len(set(points))), len(set(distractors) - set(points)))
    assert read_back(payload, reversed(distractors), offer) == shown, "the same on every device"


def test_the_places_of_the_true_points_change_with_the_offer() -> None:
    distractors = ("paint it", "call in", "wait", "leave it")
    assert len({read_back(PAYLOAD, distractors, f"offer {number}") for number in range(20)}) > 10


def test_hits_and_false_picks_are_counted_among_what_was_shown() -> None:
    shown = ("fit the seal", "paint it", "bleed the line", "the valve passes")
    picked = ("fit the seal", "paint it", "never shown")
    assert synthesis_of("mine", picked, shown, PAYLOAD) == Synthesis(words="mine", shown=4, hits=1, false=1)


def test_a_read_back_needs_words() -> None:
    assert problem_of(lambda: synthesis_of(" ", (), (), PAYLOAD)) is SYNTHESIS_MISSING
    assert problem_of(lambda: check_synthesis(Synthesis(words=" \t"))) is SYNTHESIS_MISSING
