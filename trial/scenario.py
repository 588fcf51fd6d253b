"""The format of a scenario file: who and what there is, what happens, and what must come of it.

`fixtures/scenarios/README.md` says in words what each field means; `trial.reading` reads a file.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sync.events import OrderLine
from sync.payload import Count, Element, Line, Priority
from sync.policy import Accept, AllowedWhen, CheckRule, Edge, Limits, Policy, Role
from sync.policy import Step as EscalationStep
from trial.acts import Opening
from trial.expectation import ALL, ExpectedView
from trial.steps import AnyStep
from trial.terms import Asset, Device, Instant, New, Person, Site

START = "2026-03-02T08:00:00Z"
"""When a scenario starts that does not say so: a Monday morning."""
ANY = "any"
"""The boundary of offers that name none; it asks for nothing unless the scenario says otherwise."""
DESK = "desk"
"""The team of the office: every dispatcher belongs to it, and imported orders open jobs for it."""
DISPATCHER = "dispatcher"
"""The dispatcher of a scenario in which nobody else is one."""
VIEWS = (ALL, "backend")


class PersonGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody who works here. `sites` is the scope: `*` is every site."""

    name: str = ""
    roles: tuple[Role, ...] = ("technician",)
    skills: tuple[str, ...] = ()
    sites: tuple[str, ...] = ("*",)
    trained_until: str = ""


class SiteGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place where work is done, with a round fence. `region` is what sensors call it (default: its id)."""

    name: str = ""
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    radius_m: Annotated[float, Meta(gt=0)] = 150.0
    region: str = ""


class AssetGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A thing that is worked on, and where it is."""

    site: Site | None = None


class DeviceGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A device and who may record on it; the first holds it at the start. `listens` are MQTT topic filters.

    One that is a `clone_of` another is there from the step `clone` on; the office knows nothing of it.
    """

    people: Annotated[tuple[Person, ...], Meta(min_length=1)]
    listens: tuple[str, ...] = ()
    clone_of: Device | None = None


class SensorGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What sends signals: a phone or tag carried by somebody, or a sensor fixed at a site."""

    carried_by: str = ""
    site: Site | None = None


class PolicyGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rules of one boundary; nothing said is nothing asked."""

    sender_role: Role | None = None
    receiver_role: Role | None = None
    allowed_when: AllowedWhen = AllowedWhen()
    forbidden: tuple[Edge, ...] = ()
    mandatory: tuple[Element, ...] = ()
    checks: tuple[CheckRule, ...] = ()
    accept: Accept = Accept()
    distinct_from: tuple[str, ...] = ()
    limits: Limits = Limits()
    escalation: tuple[EscalationStep, ...] = ()
    on_call: str = ""
    distractors: tuple[Line, ...] = ()
    evidence: tuple[str, ...] = ()
    salt: str = ""
    roster_degrades_days: Count = 1
    roster_blocks_days: Count = 14

    def policy(self, boundary: str) -> Policy:
        """The policy of this boundary; version and time of issue are still to be given."""
        said = {field: getattr(self, field) for field in self.__struct_fields__}
        return Policy(boundary=boundary, version=1, issued_at="", **said)


class OrderGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An order as another system gives it; imported before the first step.

    A dispatch order opens a job, named by the order's id. A fulfilment order hangs on the job of the dispatch
    order that `reference` names.
    """

    kind: Literal["dispatch", "fulfilment"] = "dispatch"
    source: str = "erp"
    reference: str = ""
    site: Site | None = None
    asset: Asset | None = None
    customer: str = ""
    window_from: Instant = ""
    window_to: Instant = ""
    minutes: Count | None = None
    intent: str = ""
    skills: tuple[str, ...] = ()
    priority: Priority = "routine"
    lines: tuple[OrderLine, ...] = ()


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole scenario. `seed` draws keys, names of logs and everything else that is drawn."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    about: str = ""
    start: str = START
    seed: Count = 1
    people: dict[New, PersonGiven] = {}
    guests: tuple[New, ...] = ()
    teams: dict[New, tuple[Person, ...]] = {}
    sites: dict[New, SiteGiven] = {}
    assets: dict[New, AssetGiven] = {}
    devices: dict[New, DeviceGiven] = {}
    sensors: dict[New, SensorGiven] = {}
    policies: dict[New, PolicyGiven] = {}
    orders: dict[New, OrderGiven] = {}
    jobs: dict[New, Opening] = {}
    steps: tuple[AnyStep, ...] = ()
    expect: dict[str, ExpectedView] = {}


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file, made from the types above.

    Every object is closed; in `expect` what is said of the view `all` may stand beside the views.
    """
    drawn: dict[str, Any] = msgspec.json.schema(Scenario)
    for component in drawn["$defs"].values():
        if "properties" in component:
            component["additionalProperties"] = False
    direct = {name: {"$ref": f"#/$defs/ExpectedView/properties/{name}"} for name in ExpectedView.__struct_fields__}
    drawn["$defs"]["Scenario"]["properties"]["expect"]["properties"] = direct
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "handover scenario"} | drawn
