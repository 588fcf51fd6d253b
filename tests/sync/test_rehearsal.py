"""A policy that is not in force, tried on what was offered under another."""

import pytest

from sync.payload import DeclaredGap, NextAction, Payload
from sync.policy import Accept, AllowedWhen, CheckRule, Policy
from sync.rehearsal import rehearse
from tests.sync.scene import FREE, Scene


def policy(**more: object) -> Policy:
    return Policy(boundary=FREE.boundary, version=9, issued_at="", **more)  # type: ignore[arg-type]  # by field


def test_an_offer_that_says_what_is_asked_passes() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    answer = scene.record(scene.answer(offer), by="bo")
    found = rehearse(policy(mandatory=("summary",)), offer, [answer], scene.shelf)
    assert found.passes
    assert (found.stopped, found.answers, found.unchallenged) == (None, (), False)


@pytest.mark.parametrize(
    ("tried", "code"),
    [
        (policy(mandatory=("risks", "summary")), "element-missing"),
        (policy(allowed_when=AllowedWhen(states=("complete",))), "not-allowed-now"),
        (policy(sender_role="depot"), "not-entitled"),
    ],
)
def test_an_offer_that_breaks_a_rule_would_have_been_stopped_by_it(tried: Policy, code: str) -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    found = rehearse(tried, offer, [], scene.shelf)
    assert found.stopped is not None
    assert found.stopped.code == code
    assert not found.passes
    assert scene.said(offer) == "applied"


def test_an_acceptance_that_the_policy_would_not_take_is_named() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    answer = scene.record(scene.answer(offer), by="bo")
    found = rehearse(policy(accept=Accept(skills=("gas",))), offer, [answer], scene.shelf)
    assert [one.code for one in found.answers] == ["not-entitled"]
    assert not found.passes


def test_a_declared_gap_lets_an_offer_pass_unless_there_are_too_many() -> None:
    scene = Scene()
    gaps = (DeclaredGap(element="risks", reason="not known yet"),)
    offer = scene.record(scene.offer("bo", payload=Payload(summary="pump leaks", gaps=gaps)))
    assert rehearse(policy(mandatory=("risks",)), offer, [], scene.shelf).passes
    strict = policy(mandatory=("risks",), allowed_when=AllowedWhen(most_gaps=0))
    assert not rehearse(strict, offer, [], scene.shelf).passes


def test_a_challenge_that_is_asked_for_and_not_quoted_would_have_stopped_the_scan() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    assert rehearse(policy(challenge=True), offer, [], scene.shelf).unchallenged


def test_a_check_of_the_payload_can_be_told_and_one_of_what_a_device_recorded_cannot() -> None:
    scene = Scene()
    payload = Payload(summary="pump leaks", next_actions=(NextAction(what="fit the filter"),))
    offer = scene.record(scene.offer("bo", payload=payload))
    checks = (
        CheckRule(id="owner", needs="next_action_owner", gap="owner", text="Owner"),
        CheckRule(id="risks", needs="risks_said", gap="risks", text="Risks"),
        CheckRule(id="scan", needs="asset_scanned", gap="scan", text="Asset"),
        CheckRule(id="done", needs="actions_said", gap="done", text="Done"),
    )
    found = rehearse(policy(checks=checks), offer, [], scene.shelf)
    assert found.spoken == ("owner", "risks", "done")
    assert found.untold == ("scan",)
    assert found.passes


def test_only_an_offer_is_rehearsed() -> None:
    scene = Scene()
    with pytest.raises(TypeError):
        rehearse(policy(), scene.opened, [], scene.shelf)
