"""What is handed over in words: the payload of an offer, and how complete it is.

The order of the elements follows I-PASS (Starmer et al., NEJM 2014;371:1803): illness severity,
patient summary, action list, situation awareness and contingency, synthesis by the receiver.
"""

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

REDACTED = "[redacted]"
"""What is read in place of words that were redacted."""
_WORDS = {"redacted": REDACTED}
Text = Annotated[str, Meta(min_length=1, max_length=4000, extra=_WORDS)]
Line = Annotated[str, Meta(min_length=1, max_length=500, extra=_WORDS)]
Words = Annotated[str, Meta(extra=_WORDS)]
"""What a person wrote in words of his own, alone on a line or not; empty where nothing was said. A redaction empties
these three and `Gone`, and nothing else."""
Gone = Annotated[str, Meta(max_length=60_000, extra={"redacted": ""})]
"""What holds or names what a person said, and stays empty once that was redacted."""
Id = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]

Priority = Literal["routine", "urgent", "critical"]
State = Literal["not_started", "in_progress", "blocked", "complete"]
Element = Literal[
    "priority",
    "state",
    "summary",
    "actions_taken",
    "decisions",
    "next_actions",
    "risks",
    "dependencies",
    "items",
    "synthesis",
]
ELEMENTS: tuple[Element, ...] = get_args(Element)
"""Every element of a handover that a policy can make mandatory, in the order of screens and reports."""


_SAID = tuple(element for element in ELEMENTS if element != "synthesis")


class Action(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something done: to what, with what result, and what shows it (names of evidence)."""

    object: Line
    result: Line
    evidence: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was decided, by whom, on what ground."""

    what: Line
    who: Line = ""
    basis: Line = ""


class NextAction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be done, by whom, until when (RFC 3339); an empty owner or due is a hole the review shows."""

    what: Line
    owner: str = ""
    due: str = ""


class Risk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """If this is seen, then do that."""

    if_: Line = msgspec.field(name="if")
    then: Words = ""


class Dependency(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the job waits on, and by when it is expected (RFC 3339)."""

    on: Line
    by: str = ""


class ItemCount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item that goes over with the job: how many were expected and how many the sender counted."""

    id: Id
    expected: Count
    counted: Count


class DeclaredGap(msgspec.Struct, frozen=True, kw_only=True):
    """An element that is missing on purpose, with the reason."""

    element: Element
    reason: Line


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The content of an offer. `none_known` says of risks or dependencies that there are none, which is not a gap."""

    priority: Priority | None = None
    state: State | None = None
    summary: Words = ""
    actions_taken: tuple[Action, ...] = ()
    decisions: tuple[Decision, ...] = ()
    next_actions: tuple[NextAction, ...] = ()
    risks: tuple[Risk, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    items: tuple[ItemCount, ...] = ()
    none_known: tuple[Literal["risks", "dependencies"], ...] = ()
    gaps: tuple[DeclaredGap, ...] = ()


class Synthesis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The receiver's read-back: own words, and what was picked among what was shown.

    `shown` counts the choices offered, `hits` the true ones picked, `false` the distractors picked.
    """

    words: Text
    shown: Count = 0
    hits: Count = 0
    false: Count = 0


def present(payload: Payload) -> frozenset[Element]:
    """The elements of the payload that say something; synthesis is never among them, it is the receiver's.

    Next actions may be left out where the state is complete: nothing is left to do.
    """
    said: set[Element] = {element for element in _SAID if getattr(payload, element)}
    said.update(payload.none_known)
    if payload.state == "complete":
        said.add("next_actions")
    return frozenset(said)


def missing(payload: Payload, mandatory: tuple[Element, ...]) -> tuple[Element, ...]:
    """Mandatory elements that are neither present nor declared as a gap, in the order of ELEMENTS.

    The synthesis is not looked for: it belongs to the acceptance, which cannot be read without one.
    """
    covered = present(payload) | {gap.element for gap in payload.gaps} | {"synthesis"}
    return tuple(element for element in ELEMENTS if element in mandatory and element not in covered)
