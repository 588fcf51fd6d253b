"""A scenario read from its file: complete, every name known, every step with its time, its person and its place."""

import json
import re
from typing import Any, NoReturn

import msgspec

import backend.world
import device.world
from sync.policy import is_role
from sync.problems import BAD_SCENARIO, Problem, catalogue
from trial.acts import (
    Accept,
    Check,
    Confirm,
    Depart,
    Dispatch,
    Merge,
    Offer,
    Open,
    Plan,
    Promote,
    Reassign,
    Refuse,
    Resolve,
    Revoke,
    Scan,
    Signal,
    SwitchPerson,
    Unmerge,
    Withdraw,
)
from trial.changes import ClockShift, Clone, Kill, Wait
from trial.expectation import DIRECT, by_view, place_in_file
from trial.naming import Names, said_in
from trial.placing import first_fault
from trial.scenario import ANY, DESK, DISPATCHER, VIEWS, DeviceGiven, PersonGiven, PolicyGiven, Scenario, SiteGiven
from trial.steps import AnyStep
from trial.terms import BACKEND, OFFICE, Act, Step
from trial.times import after, check_written, span_ms

STEP_MS = 60_000
"""A step that does not say when it happens happens so much later than the one before it."""
MOST_BYTES = 16 * 1024 * 1024
OFFICE_ACTS = (Dispatch, Merge, Unmerge, Resolve, Reassign, Revoke, Promote)
"""What only the office records; with `force` a device can try."""
IN_OFFICE = ("dispatcher", "manager", "admin")
_SLUGS = frozenset(kind.slug for kind in catalogue())
_STEP = re.compile(r"\$\.steps\[(\d+)\]")
_VIEW = re.compile(r"\$\.expect\.([^.\[]+)")


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it is played: its time (ms since 1970), and who does it where; both are "" where nobody does it."""

    step: AnyStep
    at_ms: int
    by: str = ""
    on: str = ""


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario ready to be played: its cast complete, what is there from the start opened at `start_ms`."""

    scenario: Scenario
    start_ms: int
    openings: tuple[Timed, ...]
    steps: tuple[Timed, ...]
    homes: dict[str, str]


def read_play(raw: bytes) -> Play:
    """The play in a scenario file; BAD_SCENARIO names the place of the first thing that cannot be."""
    said = _json(raw)
    expect = said.get("expect")
    if not isinstance(expect, dict):
        return _read(said)
    try:
        return _read(said | {"expect": by_view(expect)})
    except Problem as problem:
        raise Problem(problem.kind, problem.detail, place_in_file(problem.where, expect)) from problem


def _read(said: dict[str, Any]) -> Play:
    scenario = _typed(said)
    start_ms = _start(scenario)
    full = _completed(scenario)
    names = Names(full, start_ms)
    cast = {name: value for name, value in said.items() if name not in ("steps", "expect")}
    names.check(said_in(cast, Scenario, "$"))
    _check_cast(full)
    homes = _homes(full)
    players = _Players(full, homes)
    openings = tuple(players.opening(name, start_ms) for name in full.jobs)
    steps = []
    now_ms = start_ms
    for index, step in enumerate(full.steps):
        place = f"$.steps[{index}] ({step.id})"
        names.check(said_in(said["steps"][index], type(step), place))
        timed = players.timed(step, now_ms, start_ms, place)
        names.add(step)
        steps.append(timed)
        now_ms = timed.at_ms
    names.check(said_in({"expect": said.get("expect", {})}, Scenario, "$"))
    return Play(scenario=full, start_ms=start_ms, openings=openings, steps=tuple(steps), homes=homes)


def _bad(detail: str, place: str = "") -> NoReturn:
    raise Problem(BAD_SCENARIO, detail, place)


# -- from bytes to types -------------------------------------------------------
def _json(raw: bytes) -> dict[str, Any]:
    if len(raw) > MOST_BYTES:
        _bad(f"{len(raw)} bytes, {MOST_BYTES} is the most")
    try:
        said = json.loads(raw, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Problem(BAD_SCENARIO, error.msg, f"line {error.lineno}, column {error.colno}") from error
    except UnicodeDecodeError as error:
        raise Problem(BAD_SCENARIO, "it is not UTF-8", f"byte {error.start}") from error
    except RecursionError as error:
        raise Problem(BAD_SCENARIO, "nested too deeply") from error
    if not isinstance(said, dict):
        _bad("a scenario is a JSON object", "$")
    return said


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for index, (name, _) in enumerate(pairs) if name in dict(pairs[:index]))
        _bad(f"the name {twice!r} stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    _bad(f"{name} is no number")


def _typed(said: dict[str, Any]) -> Scenario:
    fault = first_fault(said, Scenario)
    if fault is None:
        return msgspec.convert(said, Scenario)
    text, place = fault
    index = _STEP.match(place)
    step = said["steps"][int(index[1])] if index else None
    if index and isinstance(step, dict) and isinstance(step.get("id"), str):
        place = f"{index[0]} ({step['id']}){place.removeprefix(index[0])}"
    view = _VIEW.match(place)
    if view and view[1] not in {*VIEWS, *said.get("devices", ()), *said.get("people", ())}:
        _no_view(view[1])
    _bad(text, place)


def _no_view(name: str) -> NoReturn:
    _bad(f"{name!r} is neither a view (all, backend, a device) nor something that can be expected", f"$.expect.{name}")


def _start(scenario: Scenario) -> int:
    try:
        return after(0, scenario.start)
    except Problem as problem:
        raise Problem(BAD_SCENARIO, problem.detail, "$.start") from problem


# -- what goes without saying ----------------------------------------------------
def _completed(scenario: Scenario) -> Scenario:
    """The scenario with the cast that goes without saying: desk, dispatcher, a site, a boundary, devices."""
    people = dict(scenario.people)
    if not any("dispatcher" in person.roles for person in people.values()):
        people[DISPATCHER] = PersonGiven(roles=("dispatcher", "manager"))
    office = tuple(name for name, person in people.items() if "dispatcher" in person.roles)
    devices = dict(scenario.devices)
    carriers = {name for device in devices.values() for name in device.people}
    for name, person in people.items():
        if name not in carriers and not set(person.roles) & set(IN_OFFICE):
            devices[name] = DeviceGiven(people=(name,))
    return msgspec.structs.replace(
        scenario,
        people=people,
        teams={DESK: office} | scenario.teams,
        sites=scenario.sites or {"site": SiteGiven()},
        devices=devices,
        policies={ANY: PolicyGiven()} | scenario.policies,
    )


def _check_cast(scenario: Scenario) -> None:
    """Return only if every name means one thing: of parties, of devices and views, of steps and jobs and orders."""
    sheets: list[tuple[str, list[str]]] = [
        ("party", [*scenario.people, *scenario.teams, *scenario.guests]),
        ("device or view", [*scenario.devices, *VIEWS, OFFICE, *DIRECT]),
        ("job, order or step", [*scenario.jobs, *scenario.orders, *(step.id for step in scenario.steps)]),
    ]
    for what, names in sheets:
        seen: set[str] = set()
        for name in names:
            if name in seen:
                _bad(f"{name!r} is the name of more than one {what}", "$")
            seen.add(name)
    if any(isinstance(step, Signal) for step in scenario.steps) and not any(
        device.listens for device in scenario.devices.values()
    ):
        _bad("there are signals, and no device listens", "$.devices")
    for view in scenario.expect:
        if view not in (*VIEWS, *scenario.devices):
            _no_view(view)
    for name, person in scenario.people.items():
        for site in person.sites:
            if site != "*" and site not in scenario.sites:
                _bad(f"no site is called {site!r}", f"$.people.{name}.sites")
    for name, order in scenario.orders.items():
        known = [one for one, other in scenario.orders.items() if other.kind == "dispatch"]
        if order.reference and order.kind == "fulfilment" and order.reference not in known:
            _bad(f"no dispatch order is called {order.reference!r}", f"$.orders.{name}.reference")


def _homes(scenario: Scenario) -> dict[str, str]:
    """Where each person records unless a step says otherwise: the first device that lists him, else the office."""
    homes: dict[str, str] = {}
    for name, given in scenario.devices.items():
        for person in given.people:
            homes.setdefault(person, name)
    return {person: homes.get(person, OFFICE) for person in scenario.people}


def _consistent(step: Step, scenario: Scenario, place: str) -> None:
    """Return only if the step says one thing of two, where its fields leave the choice, and names what there is."""
    if isinstance(step, Act) and step.refused_by_device and step.refused_by_device not in _SLUGS:
        _bad(f"there is no problem {step.refused_by_device!r}", f"{place}.refused_by_device")
    match step:
        case Kill() if step.when and step.when not in (points := _points(step.host)):
            _bad(f"there is no point {step.when!r}; there are {', '.join(points)}", f"{place}.when")
        case Clone() if scenario.devices[step.device].clone_of is None:
            _bad("the cast does not say whose clone this device is (clone_of)", f"{place}.device")
        case Check() if bool(step.clears) == bool(step.overrides):
            _bad("name a check that it clears, or one that it overrides", place)
        case Resolve() if (step.chosen is None) == (step.party is None) and not step.force:
            _bad("choose an event, or name a party", place)
        case Signal() if bool(step.topic) == (step.sensor is not None and step.says is not None):
            _bad("give a sensor and what it says, or a topic and a payload", place)
        case Scan() if bool(step.item) == (step.asset is not None):
            _bad("scan an item, or an asset", place)


def _points(host: str) -> tuple[str, ...]:
    """The named points at which a crash would matter, on either side."""
    return backend.world.POINTS if host == BACKEND else device.world.POINTS


# -- who does it, where, when ----------------------------------------------------
class _Players:
    """Fills in who does each step and where, from the steps before it."""

    def __init__(self, scenario: Scenario, homes: dict[str, str]) -> None:
        self._scenario = scenario
        self._homes = homes
        self._before: dict[str, Timed] = {}
        self._shifts: dict[str, int] = {}
        self._dispatcher = scenario.teams[DESK][0] if scenario.teams[DESK] else ""

    def opening(self, name: str, start_ms: int) -> Timed:
        """A job that is there from the start, as the step that opens it."""
        given = self._scenario.jobs[name]
        step = Open(id=name, **msgspec.structs.asdict(given))
        return self.timed(step, start_ms - STEP_MS, start_ms, f"$.jobs.{name}")

    def timed(self, step: Step, last_ms: int, start_ms: int, place: str) -> Timed:
        """The step with its time, person and place; BAD_SCENARIO where one of them cannot be told."""
        at_ms = after(start_ms, step.at) if step.at else last_ms + STEP_MS
        if at_ms < last_ms:
            _bad("its time is before that of the step before it", f"{place}.at")
        if isinstance(step, Wait):
            lasts = span_ms(step.lasts)
            if lasts < 0:
                _bad("time does not go back; shift a clock instead", f"{place}.lasts")
            at_ms += lasts
        self._clocks(step, at_ms, place)
        _consistent(step, self._scenario, place)
        step = self._said(step)
        by, on = self._who(step, place) if isinstance(step, Act) else ("", "")
        found = Timed(step=step, at_ms=at_ms, by=by, on=on)  # type: ignore[arg-type]  # every step is one of the union
        self._before[step.id] = found
        return found

    def _clocks(self, step: Step, at_ms: int, place: str) -> None:
        """Return only if every clock can still be written when it is that time."""
        if isinstance(step, ClockShift):
            self._shifts[step.host] = self._shifts.get(step.host, 0) + span_ms(step.by)
        said = {Wait: ".lasts", ClockShift: ".by"}.get(type(step), ".at" if step.at else "")
        for shift_ms in (0, *self._shifts.values()):
            check_written(at_ms + shift_ms, f"{place}{said}")

    def _said(self, step: Step) -> Step:
        """The step with what goes without saying: a job's site is its asset's, else the first; the boundary is `any`.

        Where the scenario has one boundary of its own and no more, that is the one meant.
        """
        match step:
            case Open(site=None):
                asset = self._scenario.assets.get(step.asset or "")
                site = asset.site if asset else None
                return msgspec.structs.replace(step, site=site or next(iter(self._scenario.sites)))
            case Offer(boundary=None) | Dispatch(boundary=None):
                own = [name for name in self._scenario.policies if name != ANY]
                return msgspec.structs.replace(step, boundary=own[0] if len(own) == 1 else ANY)
        return step

    def _who(self, step: Act, place: str) -> tuple[str, str]:
        by = step.by or self._person(step)
        if not by:
            _bad("it does not say who does it (by)", place)
        on = step.on or self._place(step, by)
        if on != OFFICE and by not in self._scenario.devices[on].people:
            _bad(f"{by} may not record on {on}", f"{place}.on")
        if on == OFFICE and not set(self._scenario.people[by].roles) & set(IN_OFFICE):
            _bad(f"{by} does not work in the office and has no device", f"{place}.on")
        if on != OFFICE and isinstance(step, OFFICE_ACTS) and not getattr(step, "force", False):
            _bad("only the office records this; with force a device can try", f"{place}.on")
        return by, on

    def _person(self, step: Act) -> str:
        """Who does a step that does not say."""
        match step:
            case SwitchPerson():
                return step.to
            case Open():
                return self._one_of(step.party)
            case Offer():
                return self._one_of(step.sender)
            case Accept() | Refuse():
                return self._receiver(step)
            case Withdraw():
                return self._by(step.offer)
            case Confirm():
                return self._by(self._offer_of(step.accepted))
            case Depart() | Check():
                return self._by(step.visit)
            case Dispatch() | Plan() | Merge() | Unmerge() | Resolve() | Reassign():
                return self._dispatcher
            case Revoke() | Promote():
                people = self._scenario.people
                return next((name for name, one in people.items() if "manager" in one.roles), self._dispatcher)
            case _:
                return ""

    def _receiver(self, step: Accept | Refuse) -> str:
        offered = self._step(step.offer)
        to = offered.to if isinstance(offered, Offer | Dispatch) else ()
        if isinstance(step, Accept) and step.met == "witnessed":
            return self._dispatcher
        parties = (step.party,) if step.party else to
        guest = any(party in self._scenario.guests for party in parties)
        return self._by(step.offer) if guest else next((one for party in parties if (one := self._one_of(party))), "")

    def _place(self, step: Act, by: str) -> str:
        if isinstance(step, (Plan, *OFFICE_ACTS)) or (isinstance(step, Accept) and step.met == "witnessed"):
            return OFFICE
        return self._homes[by]

    def _one_of(self, party: str | None) -> str:
        """The person whom a party stands for, "" where it could be several."""
        if party is None or is_role(party):
            return ""
        members = (party,) if party in self._scenario.people else self._scenario.teams.get(party, ())
        return members[0] if len(members) == 1 else ""

    def _step(self, event: str) -> Step | None:
        found = self._before.get(event.partition("/")[0])
        return found.step if found else None

    def _by(self, event: str) -> str:
        found = self._before.get(event.partition("/")[0])
        return found.by if found else ""

    def _offer_of(self, accepted: str) -> str:
        step = self._step(accepted)
        return step.offer if isinstance(step, Accept) else accepted
