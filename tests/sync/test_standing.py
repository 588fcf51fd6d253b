"""The shelf: what is held, found by what names it, and what waits for what."""

import msgspec

from sync.events import PersonSwitched
from sync.judge import judge
from sync.policy import Directory
from sync.problems import LOST
from sync.seal import kid_of
from sync.standing import DECLARED_LOST, Shelf, Standing
from tests.sync.cast import DESKS, POLICY, POLICY_REFERENCE, REFERENCES, ROSTERS, key
from tests.sync.scene import DESK, Scene, refer


def test_an_event_is_found_by_its_hash_its_job_or_its_name() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    switch = scene.record(PersonSwitched(before="anna", now="bo"), log="shared", job="", kid="")
    shelf = scene.shelf
    assert shelf.by_hash(offer.hash) is scene.standing(offer)
    assert shelf.by_job(scene.opened.job) is scene.standing(scene.opened)
    assert shelf.by_name(f"{switch.log}:{switch.seq}") is scene.standing(switch)
    assert shelf.by_name(f"{offer.log}:{offer.seq}") is None
    assert shelf.by_hash("x") is shelf.by_job("x") is shelf.by_name("x") is None


def test_documents_are_found_by_reference() -> None:
    shelf = Shelf()
    directory = Directory(ROSTERS[1])
    assert shelf.hold_roster(REFERENCES[1], directory) == []
    assert shelf.hold_policy(POLICY_REFERENCE, POLICY) == []
    assert shelf.directory(REFERENCES[1]) is directory
    assert shelf.directory(REFERENCES[2]) is None
    assert shelf.policy("any", POLICY_REFERENCE) is POLICY
    assert shelf.policy("dock", POLICY_REFERENCE) is None


def test_a_key_is_staff_s_if_any_roster_says_so() -> None:
    shelf = Shelf()
    assert not shelf.is_staff(kid_of(key(DESK)))
    shelf.hold_roster(REFERENCES[1], Directory(ROSTERS[1]))
    assert all(shelf.is_staff(kid_of(key(desk))) for desk in DESKS)
    assert not shelf.is_staff(kid_of(key("anna's")))


def test_what_waits_is_given_once_and_by_what_arrived() -> None:
    scene = Scene()
    offer = scene.write(scene.offer("bo"))
    accepted = scene.write(scene.answer(offer), by="bo")
    scene.judge(accepted, accepted)
    assert scene.shelf.released(scene.opened) == []
    assert scene.shelf.released(accepted) == []
    scene.judge(offer)
    assert scene.said(accepted) == "applied"
    assert scene.shelf.released(offer) == []


def test_what_waits_for_a_document_is_given_when_it_is_held() -> None:
    scene = Scene()
    body = scene.offer("bo")
    second = ROSTERS[2]
    offer = scene.record(msgspec.structs.replace(body, roster=refer(second)))
    assert scene.shelf.hold_roster(refer(second), Directory(second)) == [offer]
    assert scene.shelf.hold_roster(refer(second), Directory(second)) == []


def test_what_came_twice_and_waits_is_given_once() -> None:
    scene = Scene()
    offer = scene.write(scene.offer("bo"))
    accepted = scene.write(scene.answer(offer), by="bo")
    scene.judge(accepted, accepted)
    scene.shelf.add(judge(offer, scene.shelf))
    assert scene.shelf.released(offer) == [accepted]


def test_nothing_is_given_for_what_waits_itself() -> None:
    scene = Scene()
    offer = scene.write(scene.offer("bo"))
    accepted = scene.write(scene.answer(offer), by="bo")
    onward = scene.write(scene.offer("cem", basis=accepted.hash, sender="bo"), by="bo")
    scene.judge(onward, accepted)
    assert scene.shelf.released(accepted) == []
    scene.judge(offer)
    assert scene.said(onward) == "applied"


def test_what_names_a_lost_event_is_refused_and_waits_no_more() -> None:
    scene = Scene()
    offer = scene.write(scene.offer("bo"))
    accepted = scene.write(scene.answer(offer), by="bo")
    scene.judge(accepted)
    assert scene.said(accepted) == "unknown-basis"
    scene.shelf.add(Standing(event=offer, verdict=DECLARED_LOST))
    assert judge(accepted, scene.shelf).verdict.code == LOST.slug
