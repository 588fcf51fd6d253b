"""What a boundary's policy asks of an offer and of its acceptance."""

import msgspec
import pytest

from sync.events import Event, JobOpened
from sync.payload import DeclaredGap, NextAction, Payload
from sync.policy import Accept, AllowedWhen, Edge, Policy
from tests.sync.cast import persons, roster
from tests.sync.scene import DESK, FREE, Scene, refer


def scene_with(**rules: object) -> Scene:
    """A scene over one boundary with these rules."""
    return Scene(msgspec.convert(msgspec.to_builtins(FREE) | {"doc": "policy", **rules}, Policy))


def offered(scene: Scene, payload: Payload | None = None, by: str = "anna") -> Event:
    return scene.record(scene.offer("bo", payload=payload), by=by)


def taken(scene: Scene, offer: Event, party: str = "bo") -> str:
    return scene.said(scene.record(scene.answer(offer, party), by=party))


# -- the offer ----------------------------------------------------------------
def test_a_missing_mandatory_element_blocks_unless_declared() -> None:
    scene = scene_with(mandatory=("summary", "next_actions", "synthesis"))
    bare = Payload(summary="leaks")
    assert scene.said(offered(scene, bare)) == "element-missing"
    assert "next_actions" in scene.verdict(offered(scene, bare)).detail
    declared = msgspec.structs.replace(bare, gaps=(DeclaredGap(element="next_actions", reason="not known yet"),))
    assert scene.said(offered(scene, declared)) == "applied"
    full = msgspec.structs.replace(bare, next_actions=(NextAction(what="fit the seal"),))
    assert scene.said(offered(scene, full)) == "applied"


def test_a_boundary_names_the_role_that_sends() -> None:
    scene = scene_with(sender_role="depot")
    assert scene.said(offered(scene)) == "not-entitled"
    scene = scene_with(sender_role="technician")
    assert scene.said(offered(scene)) == "applied"


def test_the_office_s_own_people_need_the_role_as_well() -> None:
    scene = scene_with(sender_role="depot")
    assert scene.said(scene.record(scene.offer("bo"), log=DESK)) == "not-entitled"


@pytest.mark.parametrize(
    ("rule", "payload", "expected"),
    [
        (AllowedWhen(states=("blocked", "complete")), Payload(state="blocked"), "applied"),
        (AllowedWhen(states=("blocked", "complete")), Payload(state="in_progress"), "not-allowed-now"),
        (AllowedWhen(states=("blocked", "complete")), Payload(), "not-allowed-now"),
        (AllowedWhen(priorities=("urgent",)), Payload(priority="urgent"), "applied"),
        (AllowedWhen(priorities=("urgent",)), Payload(priority="routine"), "not-allowed-now"),
        (AllowedWhen(most_gaps=0), Payload(), "applied"),
        (AllowedWhen(most_gaps=0), Payload(gaps=(DeclaredGap(element="risks", reason="x"),)), "not-allowed-now"),
        (AllowedWhen(after=("any",)), Payload(), "not-allowed-now"),
    ],
)
def test_a_handover_may_be_allowed_only_then(rule: AllowedWhen, payload: Payload, expected: str) -> None:
    scene = scene_with(allowed_when=msgspec.to_builtins(rule))
    assert scene.said(offered(scene, payload)) == expected


def test_a_boundary_may_have_to_be_crossed_before() -> None:
    scene = Scene()
    second = Policy(boundary="last", version=1, issued_at=FREE.issued_at, allowed_when=AllowedWhen(after=("any",)))
    scene.hold(second)
    over_last = {"boundary": "last", "policy": refer(second)}
    early = scene.record(msgspec.structs.replace(scene.offer("bo"), **over_last))
    first = offered(scene)
    node = scene.record(scene.answer(first), by="bo")
    onward = scene.offer("cem", basis=node.hash, sender="bo")
    late = scene.record(msgspec.structs.replace(onward, **over_last), by="bo")
    assert (scene.said(early), scene.said(late)) == ("not-allowed-now", "applied")


# -- the acceptance -----------------------------------------------------------
@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"accept": Accept(roles=("technician", "depot"))}, "applied"),
        ({"accept": Accept(roles=("depot",))}, "not-entitled"),
        ({"receiver_role": "technician"}, "applied"),
        ({"receiver_role": "depot"}, "not-entitled"),
        ({"receiver_role": "depot", "accept": Accept(roles=("technician",))}, "applied"),
        ({"accept": Accept(skills=("gas",))}, "applied"),
        ({"accept": Accept(skills=("gas", "lift"))}, "not-entitled"),
        ({"forbidden": (Edge(sender="technician", receiver="technician"),)}, "not-allowed-now"),
        ({"forbidden": (Edge(sender="depot", receiver="technician"),)}, "applied"),
        ({"forbidden": (Edge(sender="technician", receiver="depot"),)}, "applied"),
    ],
    ids=str,
)
def test_who_may_accept_is_the_policy_s_to_say(rules: dict[str, object], expected: str) -> None:
    people = persons(1) | {"bo": msgspec.structs.replace(persons(1)["bo"], skills=("gas",))}
    policy = msgspec.structs.replace(FREE, **rules)
    scene = Scene(policy, msgspec.structs.replace(roster(1), people=people))
    assert taken(scene, offered(scene)) == expected


@pytest.mark.parametrize(
    ("sites", "at", "expected"),
    [
        (("mill",), "", "applied"),
        (("*",), "", "applied"),
        ((), "", "not-entitled"),
        (("quay",), "", "not-entitled"),
        (("quay",), "quay", "not-entitled"),
        (("mill",), "quay", "not-entitled"),
        (("mill", "quay"), "quay", "applied"),
    ],
)
def test_a_policy_may_ask_that_job_and_offer_are_at_sites_of_the_receivers(
    sites: tuple[str, ...], at: str, expected: str
) -> None:
    people = persons(1) | {"bo": msgspec.structs.replace(persons(1)["bo"], sites=sites)}
    for policy, said in ((FREE, "applied"), (msgspec.structs.replace(FREE, accept=Accept(scope=True)), expected)):
        scene = Scene(policy, msgspec.structs.replace(roster(1), people=people))
        offer = scene.record(msgspec.structs.replace(scene.offer("bo"), site=at))
        assert taken(scene, offer) == said


@pytest.mark.parametrize(
    ("held", "asked", "expected"),
    [
        ((), "", "applied"),
        (("gold",), "gold", "applied"),
        (("*",), "gold", "applied"),
        ((), "gold", "not-entitled"),
        (("silver",), "gold", "not-entitled"),
    ],
)
def test_a_policy_may_ask_that_the_receiver_serves_what_the_job_was_opened_under(
    held: tuple[str, ...], asked: str, expected: str
) -> None:
    people = persons(1) | {"bo": msgspec.structs.replace(persons(1)["bo"], entitlements=held)}
    for policy, said in ((FREE, "applied"), (msgspec.structs.replace(FREE, accept=Accept(entitlement=True)), expected)):
        scene = Scene(policy, msgspec.structs.replace(roster(1), people=people))
        opened = JobOpened(roster=scene.roster, party="anna", site="mill", entitlement=asked)
        scene.opened = scene.record(opened)
        assert taken(scene, offered(scene)) == said


def test_of_a_team_whoever_accepts_is_asked_and_of_a_guest_neither_scope_nor_entitlement() -> None:
    people = persons(1) | {"fay": msgspec.structs.replace(persons(1)["fay"], sites=("mill",))}
    policy = msgspec.structs.replace(FREE, accept=Accept(scope=True, entitlement=True))
    scene = Scene(policy, msgspec.structs.replace(roster(1), people=people))
    offer = scene.record(scene.offer("north", "gil"))
    assert scene.said(scene.record(scene.answer(offer, "north"), by="eva")) == "not-entitled"
    assert scene.said(scene.record(scene.answer(offer, "north"), by="fay")) == "applied"
    assert scene.said(scene.record(scene.answer(offer, "gil", met="guest"))) == "applied"


def test_a_team_is_entitled_by_the_member_who_accepts() -> None:
    people = persons(1) | {"fay": msgspec.structs.replace(persons(1)["fay"], skills=("gas",))}
    policy = msgspec.structs.replace(FREE, accept=Accept(skills=("gas",)))
    scene = Scene(policy, msgspec.structs.replace(roster(1), people=people))
    offer = scene.record(scene.offer("north"))
    assert scene.said(scene.record(scene.answer(offer, "north"), by="eva")) == "not-entitled"
    assert scene.said(scene.record(scene.answer(offer, "north"), by="fay")) == "applied"


def test_a_person_for_whom_the_office_witnesses_is_judged_himself() -> None:
    scene = scene_with(receiver_role="technician")
    offer = scene.record(scene.offer("bo", "eva"))
    for party, expected in (("bo", "applied"), ("eva", "not-entitled")):
        witnessed = scene.record(scene.answer(offer, party, met="witnessed"), by="desk", log=DESK)
        assert scene.said(witnessed) == expected


def test_guests_where_the_policy_lets_them() -> None:
    for guests, expected in ((True, "applied"), (False, "not-entitled")):
        scene = scene_with(accept={"guests": guests, "roles": ["technician"]})
        offer = scene.record(scene.offer("gil"))
        assert scene.said(scene.record(scene.answer(offer, "gil", met="guest"))) == expected


def test_a_guest_has_no_role_from_which_an_edge_could_be_forbidden() -> None:
    scene = scene_with(forbidden=({"sender": "technician", "receiver": "technician"},))
    offer = scene.record(scene.offer("gil"))
    node = scene.record(scene.answer(offer, "gil", met="guest"))
    back = scene.record(scene.offer("bo", basis=node.hash, sender="gil"), by="bo")
    assert scene.said(scene.record(scene.answer(back, met="guest"), by="bo")) == "applied"


# -- who must differ from whom ------------------------------------------------
def chain(scene: Scene, *parties: str) -> Event:
    """The node at the end of a chain of handovers from anna over these parties."""
    sender, node = "anna", scene.opened
    for party in parties:
        offer = scene.record(scene.offer(party, basis=node.hash, sender=sender), by=sender)
        node = scene.record(scene.answer(offer, party), by=party)
        sender = party
    return node


@pytest.mark.parametrize(
    ("rule", "receiver", "expected"),
    [
        ("opener", "anna", "not-distinct"),
        ("opener", "bo", "applied"),
        ("earlier", "anna", "not-distinct"),
        ("earlier", "bo", "not-distinct"),
        ("earlier", "dee", "applied"),
        ("any", "bo", "not-distinct"),
        ("any", "anna", "applied"),
        ("elsewhere", "bo", "applied"),
    ],
)
def test_the_receiver_differs_from_those_before(rule: str, receiver: str, expected: str) -> None:
    scene = Scene()
    node = chain(scene, "bo", "cem")
    strict = msgspec.structs.replace(FREE, version=2, distinct_from=(rule,))
    scene.hold(strict)
    offer = msgspec.structs.replace(scene.offer(receiver, basis=node.hash, sender="cem"), policy=refer(strict))
    assert taken(scene, scene.record(offer, by="cem"), receiver) == expected


def test_the_receiver_differs_from_the_sender_and_from_who_spoke_for_it() -> None:
    scene = scene_with(distinct_from=("sender",))
    offer = scene.record(scene.offer("north"))
    node = scene.record(scene.answer(offer, "north"), by="eva")
    onward = scene.record(scene.offer("eva", "fay", basis=node.hash, sender="north"), by="eva")
    by_office = scene.record(scene.answer(onward, "eva", met="witnessed"), by="desk", log=DESK)
    assert scene.said(by_office) == "not-distinct"
    assert taken(scene, onward, "fay") == "applied"


def test_a_member_is_as_little_distinct_as_the_team_he_accepted_for() -> None:
    scene = Scene()
    node = chain(scene, "bo")
    to_team = scene.record(scene.offer("north", basis=node.hash, sender="bo"), by="bo")
    held = scene.record(scene.answer(to_team, "north"), by="eva")
    onward = scene.record(scene.offer("cem", basis=held.hash, sender="north"), by="fay")
    last = scene.record(scene.answer(onward, "cem"), by="cem")
    strict = msgspec.structs.replace(FREE, version=2, distinct_from=("earlier",))
    scene.hold(strict)
    review = msgspec.structs.replace(scene.offer("eva", "fay", basis=last.hash, sender="cem"), policy=refer(strict))
    offer = scene.record(review, by="cem")
    assert taken(scene, offer, "eva") == "not-distinct"
    assert taken(scene, offer, "fay") == "applied"


def test_a_guest_s_host_is_no_receiver() -> None:
    scene = scene_with(distinct_from=("sender", "earlier"))
    offer = scene.record(scene.offer("gil"))
    assert scene.said(scene.record(scene.answer(offer, "gil", met="guest"))) == "applied"


def test_an_acceptance_is_judged_by_the_policy_it_names_else_by_the_offer_s() -> None:
    scene = Scene()
    strict = msgspec.structs.replace(FREE, version=2, accept=Accept(roles=("depot",)))
    scene.hold(strict)
    offer = offered(scene)
    assert taken(scene, offer) == "applied"
    by_newer = scene.record(scene.answer(offer, policy=refer(strict)), by="bo")
    assert scene.said(by_newer) == "not-entitled"
