"""Every name in a scenario is looked up where it stands: unknown names and unknown fields are found with their place.

The types say of each field what it names (`trial.steps`); one walk over the JSON and the types finds them all.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from msgspec import inspect

from sync.events import KINDS
from sync.policy import ROLE, Role
from sync.problems import BAD_SCENARIO, Problem
from trial.acts import Arrive, Open
from trial.changes import Backup
from trial.scenario import Scenario
from trial.terms import BACKEND, OFFICE, Step
from trial.times import after

Said = tuple[str, str, str]
"""A kind of name, the name, its place."""


class Names:
    """What can be named at one place of a scenario; steps, and the jobs they open, are added as they come."""

    def __init__(self, scenario: Scenario, start_ms: int) -> None:
        self._start_ms = start_ms
        self.known: dict[str, set[str]] = {
            "person": set(scenario.people),
            "device": set(scenario.devices),
            "site": set(scenario.sites),
            "asset": set(scenario.assets),
            "boundary": set(scenario.policies),
            "order": set(scenario.orders),
            "sensor": set(scenario.sensors),
            "job": set(scenario.jobs) | {name for name, order in scenario.orders.items() if order.kind == "dispatch"},
        }
        self.known["party"] = {*scenario.people, *scenario.teams, *scenario.guests}
        self.known["place"] = {*scenario.devices, OFFICE}
        self.known["host"] = {*scenario.devices, BACKEND}
        self.known["event"] = set(self.known["job"])
        self.known["visit"] = set()
        self.known["backup"] = set()
        self.known["event later"] = {*self.known["job"], *(step.id for step in scenario.steps)}

    def add(self, step: Step) -> None:
        """Afterwards the events of this step can be named, and the job where it opens one."""
        self.known["event"].add(step.id)
        if isinstance(step, Open):
            self.known["job"].add(step.id)
        elif isinstance(step, Backup):
            self.known["backup"].add(step.id)
        elif isinstance(step, Arrive):
            self.known["visit"].add(step.id)

    def check(self, said: Iterator[Said]) -> None:
        """Return only if each of these is a name known here; else BAD_SCENARIO says which and where."""
        for kind, name, place in said:
            if kind == "instant":
                self._instant(name, place)
            elif not self._knows(kind, name):
                raise Problem(BAD_SCENARIO, self._unknown(kind, name), place)

    def _instant(self, text: str, place: str) -> None:
        try:
            after(self._start_ms, text)
        except Problem as problem:
            raise Problem(BAD_SCENARIO, problem.detail, place) from problem

    def _knows(self, kind: str, name: str) -> bool:
        if kind == "addressee":
            return name in self.known["party"] or name in {f"{ROLE}{role}" for role in get_args(Role)}
        step, slash, event_kind = name.partition("/")
        if kind.startswith("event") and slash:
            return step in self.known[kind] and event_kind.partition("/")[0] in KINDS
        return name in self.known[kind]

    def _unknown(self, kind: str, name: str) -> str:
        if kind == "event" and name in self.known["event later"]:
            return f"{name!r} is a later step; what it makes cannot be named yet"
        kind = {"event later": "event", "addressee": "party or role"}.get(kind, kind)
        return f"no {kind} is called {name!r}"


@cache
def info_of(shape: Any) -> inspect.Type:  # noqa: ANN401 - any type that msgspec knows
    """What msgspec knows of a type, asked once."""
    return inspect.type_info(shape)


def said_in(raw: Any, shape: Any, place: str) -> Iterator[Said]:  # noqa: ANN401 - JSON of any shape
    """Every name in `raw`, JSON that was already found to be of this shape; a field not in it is BAD_SCENARIO."""
    yield from _walk(raw, info_of(shape), place, "")


def _walk(raw: Any, info: inspect.Type, place: str, kind: str) -> Iterator[Said]:  # noqa: ANN401 - as above
    match info:
        case inspect.Metadata():
            yield from _walk(raw, info.type, place, (info.extra or {}).get("names", kind))
        case inspect.UnionType():
            yield from _walk(raw, chosen(raw, info), place, kind)
        case inspect.StructType() if isinstance(raw, dict):
            yield from _fields(raw, info, place)
        case inspect.DictType() if isinstance(raw, dict):
            for key, value in raw.items():
                yield from _walk(key, info.key_type, f"{place}.{key}", "")
                yield from _walk(value, info.value_type, f"{place}.{key}", "")
        case inspect.VarTupleType() if isinstance(raw, list | tuple):
            for index, value in enumerate(raw):
                yield from _walk(value, info.item_type, f"{place}[{index}]", "")
        case inspect.StrType() if kind and isinstance(raw, str):
            yield kind, raw, place


def chosen(raw: Any, info: inspect.UnionType) -> inspect.Type:  # noqa: ANN401 - as above
    """Of a union the one that this value is of; msgspec has found before that it is of one."""
    for whole in info.types:
        one = whole.type if isinstance(whole, inspect.Metadata) else whole
        match one:
            case inspect.StructType() if isinstance(raw, dict):
                if one.tag_field is None or raw.get(one.tag_field) == one.tag:
                    return whole
            case inspect.DictType() if isinstance(raw, dict):
                return whole
            case inspect.VarTupleType() if isinstance(raw, list | tuple):
                return whole
            case inspect.StrType() if isinstance(raw, str):
                return whole
    return inspect.AnyType()


def _fields(raw: dict[str, Any], info: inspect.StructType, place: str) -> Iterator[Said]:
    fields = {field.encode_name: field for field in info.fields}
    for key, value in raw.items():
        if key in fields:
            yield from _walk(value, fields[key].type, f"{place}.{key}", "")
        elif key != info.tag_field:
            raise Problem(BAD_SCENARIO, f"there is no field {key!r} here", place)
