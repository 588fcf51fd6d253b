"""How two people met: claimed by the acceptance, borne out by whose logs and keys the halves stand in."""

import msgspec
import pytest

from sync.events import Event, NoteWritten, PersonSwitched, Refused, Withdrawn
from sync.ids import event_name
from tests.sync.cast import SHARED
from tests.sync.scene import DESK, NOBODY_HAS_IT, Scene

MET = ("met", "remote", "guest", "witnessed")


def passed_on(scene: Scene, before: str, now: str, log: str = SHARED) -> str:
    """The name of a person switch on this handheld."""
    switch = scene.record(PersonSwitched(before=before, now=now), by=before, log=log, job="", kid="")
    return event_name(switch.log, switch.seq)


@pytest.mark.parametrize(
    ("met", "expected"),
    [("met", "applied"), ("remote", "applied"), ("guest", "wrong-meeting"), ("witnessed", "wrong-meeting")],
)
def test_two_devices_meet_or_reach_each_other(met: str, expected: str) -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    assert scene.said(scene.record(scene.answer(offer, met=met), by="bo")) == expected


@pytest.mark.parametrize(
    ("met", "expected"), [("met", "wrong-meeting"), ("remote", "wrong-meeting"), ("witnessed", "wrong-meeting")]
)
def test_on_one_handheld_the_acceptance_names_the_switch_between(met: str, expected: str) -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"), log=SHARED)
    switched = passed_on(scene, "anna", "bo")
    assert scene.said(scene.record(scene.answer(offer, met=met), by="bo", log=SHARED)) == expected
    named = scene.record(scene.answer(offer, met="met", switched=switched), by="bo", log=SHARED)
    assert scene.said(named) == "applied"


def test_the_switch_stands_between_the_halves_in_their_log_and_to_the_receiver() -> None:
    scene = Scene()
    before = passed_on(scene, "bo", "anna")
    offer = scene.record(scene.offer("bo", "cem"), log=SHARED)
    to_cem = passed_on(scene, "anna", "cem")
    elsewhere = passed_on(scene, "anna", "bo", log="anna's")
    no_switch = scene.record(NoteWritten(text="x"), log=SHARED)
    for switched in (before, to_cem, elsewhere):
        taken = scene.record(scene.answer(offer, switched=switched), by="bo", log=SHARED)
        assert scene.said(taken) == "wrong-meeting"
    taken = scene.record(scene.answer(offer, switched=event_name(no_switch.log, no_switch.seq)), by="bo", log=SHARED)
    assert scene.verdict(taken).word == "parked"
    accepted = scene.write(scene.answer(offer, switched=f"{offer.log}:99"), by="bo", log=SHARED)
    late = passed_on(scene, "cem", "bo")
    assert late > event_name(accepted.log, accepted.seq)
    after = scene.write(scene.answer(offer, switched=late), by="bo", log=SHARED)
    too_early = msgspec.structs.replace(after, seq=accepted.seq)
    scene.judge(too_early)
    assert scene.said(too_early) == "wrong-meeting"


def test_a_switch_that_has_not_arrived_is_waited_for() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"), log=SHARED)
    switch = scene.write(PersonSwitched(before="anna", now="bo"), by="anna", log=SHARED, job="", kid="")
    name = event_name(switch.log, switch.seq)
    taken = scene.record(scene.answer(offer, switched=name), by="bo", log=SHARED)
    assert scene.verdict(taken).waits_for == (name,)
    scene.judge(switch)
    assert scene.said(taken) == "applied"


def test_one_staff_log_may_hold_both_halves_of_a_remote_handover() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("north"))
    node = scene.record(scene.answer(offer, "north"), by="eva")
    onward = scene.record(scene.offer("bo", basis=node.hash, sender="north"), by="fay", log=DESK)
    assert scene.said(scene.record(scene.answer(onward, met="remote"), by="bo", log=DESK)) == "applied"
    assert scene.said(scene.record(scene.answer(onward, met="met"), by="bo", log=DESK)) == "wrong-meeting"


@pytest.mark.parametrize("met", MET)
def test_the_office_witnesses_for_anybody_asked(met: str) -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    said = scene.said(scene.record(scene.answer(offer, met=met), by="desk", log=DESK))
    assert said == ("applied" if met == "witnessed" else "wrong-meeting")


@pytest.mark.parametrize("met", MET)
def test_a_guest_answers_on_the_sender_s_device(met: str) -> None:
    scene = Scene()
    offer = scene.record(scene.offer("gil"))
    said = scene.said(scene.record(scene.answer(offer, "gil", met=met)))
    assert said == ("applied" if met == "guest" else "wrong-meeting")


def test_a_guest_answers_in_the_sender_s_log_or_on_a_page_of_the_office_s() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("gil"))
    elsewhere = scene.record(scene.answer(offer, "gil", met="guest"), by="bo")
    page = scene.record(scene.answer(offer, "gil", met="guest"), by="page", log=DESK)
    assert (scene.said(elsewhere), scene.said(page)) == ("wrong-meeting", "applied")


def test_a_known_person_is_no_guest() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    for by, log in (("anna", ""), ("desk", DESK)):
        assert scene.said(scene.record(scene.answer(offer, met="guest"), by=by, log=log)) == "wrong-meeting"


def guest_holds(scene: Scene, guest: str = "gil") -> Event:
    offer = scene.record(scene.offer(guest))
    return scene.record(scene.answer(offer, guest, met="guest"))


@pytest.mark.parametrize("met", MET)
def test_a_guest_hands_back_in_the_receiver_s_log(met: str) -> None:
    scene = Scene()
    back = scene.record(scene.offer("bo", basis=guest_holds(scene).hash, sender="gil"), by="bo")
    assert scene.said(back) == "applied"
    said = scene.said(scene.record(scene.answer(back, met=met), by="bo"))
    assert said == ("applied" if met == "guest" else "wrong-meeting")


@pytest.mark.parametrize("met", ["met", "remote", "guest"])
def test_what_a_guest_hands_back_is_accepted_in_that_log_by_the_receiver_s_own_word(met: str) -> None:
    scene = Scene()
    back = scene.record(scene.offer("bo", "cem", basis=guest_holds(scene).hash, sender="gil"), by="bo")
    assert scene.said(scene.record(scene.answer(back, "cem", met=met), by="cem")) == "wrong-meeting"
    assert scene.said(scene.record(scene.answer(back, "cem", met=met), by="bo")) == "wrong-meeting"


def test_no_guest_hands_on_to_a_guest() -> None:
    scene = Scene()
    back = scene.record(scene.offer("bo", "hal", basis=guest_holds(scene).hash, sender="gil"), by="bo")
    assert scene.said(scene.record(scene.answer(back, "hal", met="guest"), by="bo")) == "wrong-meeting"


def test_only_a_receiver_records_what_a_guest_hands_back() -> None:
    scene = Scene()
    node = guest_holds(scene)
    assert scene.said(scene.record(scene.offer("bo", basis=node.hash, sender="gil"), by="cem")) == "not-for-party"
    to_role = scene.record(scene.offer("role:technician", basis=node.hash, sender="gil"), by="cem")
    assert scene.said(to_role) == "applied"


def test_what_a_guest_says_besides_is_recorded_where_his_offer_stands() -> None:
    scene = Scene()
    back = scene.record(scene.offer("bo", basis=guest_holds(scene).hash, sender="gil"), by="bo")
    undone = Withdrawn(roster=scene.roster, offer=back.hash, sender="gil")
    assert scene.said(scene.record(undone, by="bo")) == "applied"
    assert scene.said(scene.record(undone, by="cem")) == "not-for-party"
    offer = scene.record(scene.offer("hal"))
    no = Refused(roster=scene.roster, offer=offer.hash, party="hal", reason="no")
    assert scene.said(scene.record(no)) == "applied"
    assert scene.said(scene.record(no, by="bo")) == "not-for-party"
    assert scene.said(scene.record(no, by="desk", log=DESK)) == "applied"


def test_sender_and_receiver_differ_as_parties_and_as_people() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("north"))
    node = scene.record(scene.answer(offer, "north"), by="eva")
    onward = scene.record(scene.offer("eva", "north", basis=node.hash, sender="north"), by="eva")
    assert scene.said(scene.record(scene.answer(onward, "north"), by="fay")) == "own-offer"
    assert scene.said(scene.record(scene.answer(onward, "eva", met="remote"), by="eva", log=DESK)) == "own-offer"
    other = scene.record(scene.offer("eva", basis=node.hash, sender="north"), by="fay")
    assert scene.said(scene.record(scene.answer(other, "eva"), by="eva")) == "applied"


def test_the_office_may_witness_both_sides_of_what_one_person_records() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"), log=DESK)
    assert scene.said(offer) == "applied"
    assert scene.said(scene.record(scene.answer(offer, met="witnessed"), by="anna", log=DESK)) == "applied"


def test_an_answer_to_what_nobody_offered_waits() -> None:
    scene = Scene()
    assert scene.verdict(scene.record(scene.answer(NOBODY_HAS_IT), by="bo")).waits_for == (NOBODY_HAS_IT,)
