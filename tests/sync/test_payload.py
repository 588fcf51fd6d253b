"""What is handed over in words, and how complete it is."""

import msgspec
import pytest

from sync.payload import (
    ELEMENTS,
    Action,
    Decision,
    DeclaredGap,
    Dependency,
    Element,
    ItemCount,
    NextAction,
    Payload,
    Risk,
    missing,
    present,
)

SAYING: dict[Element, Payload] = {
    "priority": Payload(priority="routine"),
    "state": Payload(state="blocked"),
    "summary": Payload(summary="leaks"),
    "actions_taken": Payload(actions_taken=(Action(object="valve", result="closed"),)),
    "decisions": Payload(decisions=(Decision(what="wait"),)),
    "next_actions": Payload(next_actions=(NextAction(what="fit the seal"),)),
    "risks": Payload(risks=(Risk(if_="above 4 bar"),)),
    "dependencies": Payload(dependencies=(Dependency(on="the seal"),)),
    "items": Payload(items=(ItemCount(id="seal", expected=2, counted=0),)),
}


@pytest.mark.parametrize("element", SAYING)
def test_an_element_is_present_when_it_says_something(element: Element) -> None:
    assert present(SAYING[element]) == {element}
    assert missing(SAYING[element], ELEMENTS) == tuple(one for one in ELEMENTS if one not in (element, "synthesis"))


def test_every_element_but_the_receiver_s_own_is_looked_for() -> None:
    assert SAYING.keys() | {"synthesis"} == set(ELEMENTS)
    assert missing(Payload(), ("synthesis",)) == ()


@pytest.mark.parametrize("element", [one for one in ELEMENTS if one != "synthesis"])
def test_a_declared_gap_is_not_missing_but_does_not_make_it_present(element: Element) -> None:
    declared = Payload(gaps=(DeclaredGap(element=element, reason="not looked"),))
    assert present(declared) == frozenset()
    assert element not in missing(declared, ELEMENTS)


def test_none_known_is_an_answer() -> None:
    assert present(Payload(none_known=("risks", "dependencies"))) == {"risks", "dependencies"}


def test_a_complete_job_needs_no_next_actions() -> None:
    assert present(Payload(state="complete")) == {"state", "next_actions"}


def test_what_is_missing_is_told_in_the_order_of_the_screens() -> None:
    assert missing(Payload(), ("risks", "summary", "priority")) == ("priority", "summary", "risks")


def test_a_risk_says_if_on_the_wire() -> None:
    assert msgspec.json.encode(Risk(if_="above 4 bar", then="stop")) == b'{"if":"above 4 bar","then":"stop"}'
