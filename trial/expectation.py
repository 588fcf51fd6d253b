"""What a scenario expects of a view: only what it says is compared, and a difference names its place."""

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from sync.handover import State as HandoverState
from sync.journey import Became, JobState
from sync.payload import Element
from sync.problems import BAD_SCENARIO, Problem
from trial.terms import Job

ALL: Final = "all"
"""The view of every log together, and the one that is meant where none is said."""

AnyParty = Annotated[str, Meta(extra={"names": "party"})]
Anywhere = Annotated[str, Meta(extra={"names": "event later"})]
"""An event, also of a later step: expectations are read when all is over."""
Presence = Literal["present", "declared gap", "missing"]
CaseState = Literal["open", "resolved"]
_Verdict = Annotated[str, Meta(pattern=r"^(applied|absent|unjudged|(refused|parked|quarantined)( [a-z][a-z0-9-]*)?)$")]


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class ExpectedJob(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """A job: `merged` are the other jobs on its stop, `discrepancies` how many things contradict each other."""

    state: JobState | None = None
    held: bool | None = None
    assisting: tuple[AnyParty, ...] | None = None
    merged: tuple[Job, ...] | None = None
    discrepancies: int | None = None


class ExpectedHandover(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """A handover, by its offer: `escalated` is the number of steps taken, `met` how an accepted one was met."""

    state: HandoverState | None = None
    confirmed: bool | None = None
    reserved: bool | None = None
    late: bool | None = None
    lapsed: bool | None = None
    escalated: int | None = None
    met: Literal["met", "remote", "guest", "witnessed"] | None = None


class ExpectedCase(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """A case, by its basis, and all the parties it touches, in any order."""

    state: CaseState | None = None
    parties: tuple[AnyParty, ...] | None = None


class ExpectedItem(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """Goods of a job; `with` is the party that has them."""

    expected: int | None = None
    picked: int | None = None
    loaded: int | None = None
    delivered: int | None = None
    installed: int | None = None
    returned: int | None = None
    short: int | None = None
    reserved: int | None = None
    with_: AnyParty | None = msgspec.field(default=None, name="with")


class Expected(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """What one view shows at one time.

    Of a table only the names given are compared, except that `cases` and `repeats`, where given, are all there are.
    A job that the view knows nothing of has the accountable party `null`; the verdict on an event that
    is not there is `absent`.
    """

    accountable: dict[Job, AnyParty | None] = {}
    since: dict[Job, Anywhere] = {}
    jobs: dict[Job, JobState | ExpectedJob] = {}
    handovers: dict[Anywhere, HandoverState | Literal["absent"] | ExpectedHandover] = {}
    verdicts: dict[Anywhere, _Verdict] = {}
    cases: dict[Anywhere, CaseState | ExpectedCase] | None = None
    completeness: dict[Anywhere, dict[Element, Presence]] = {}
    items: dict[Job, dict[str, ExpectedItem]] = {}
    checks: dict[Anywhere, dict[str, Became]] = {}
    corroboration: dict[Anywhere, Literal["corroborated", "partial", "none", "contradicted"]] = {}
    repeats: dict[Anywhere, Anywhere] | None = None


class ExpectedView(Expected, frozen=True, kw_only=True, omit_defaults=True):
    """What one view shows in the end and, in `after`, right after a step."""

    after: dict[Anywhere, Expected] = {}


DIRECT: Final = frozenset(ExpectedView.__struct_fields__)
"""What may stand in `expect` outside any view; no view is called so."""


def by_view(expect: dict[str, Any]) -> dict[str, Any]:
    """What a file expects, all of it inside views: what it says outside of any is said of `all`.

    BAD_SCENARIO where it says one thing both there and in `all`.
    """
    direct = {name: said for name, said in expect.items() if name in DIRECT}
    views = {name: said for name, said in expect.items() if name not in DIRECT}
    inside = views.get(ALL, {})
    if not direct or not isinstance(inside, dict):
        return views
    twice = sorted(direct.keys() & inside.keys())
    if twice:
        raise Problem(BAD_SCENARIO, f"it stands in $.expect.{ALL} as well; say it once", f"$.expect.{twice[0]}")
    return views | {ALL: direct | inside}


def place_in_file(place: str, expect: object) -> str:
    """The place that `by_view` made of one in the file, as it is in the file."""
    inside = re.match(rf"\$\.expect\.{ALL}\.(\w+)", place)
    if inside and isinstance(expect, dict) and inside[1] in expect and inside[1] in DIRECT:
        return place.replace(f"$.expect.{ALL}.", "$.expect.", 1)
    return place


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where something else came out than was expected."""

    view: str
    where: str
    expected: str
    found: str
