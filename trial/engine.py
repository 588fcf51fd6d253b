"""Plays a scenario on a stage: does each step through the product, names what it recorded, compares what is shown."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from sync.clock import rfc3339
from sync.events import Accepted, Event, JobOpened, Offered, VisitArrived
from sync.journey import jobs_of
from sync.problems import HOST_GONE, NO_CODE_FOUND, NOT_RUNNING, NOTHING_RECORDED, Problem
from trial import acts as do
from trial.comparing import Outcome, Shots, StepResult, all_differences
from trial.director import Director
from trial.expectation import Difference
from trial.filling import Filler
from trial.hosts import Refused
from trial.outcome import Names, View, view_of
from trial.reading import Play, Timed
from trial.seen import Seen
from trial.stage import Stage, Totals
from trial.steps import AnyStep, main_event
from trial.terms import BACKEND, OFFICE, Act
from trial.union import Union
from trial.wire import Look, Perform, Show

Camera = Callable[[Path], Path]
"""Takes a picture of a drawn code: from one file to another. Each picture is a new one."""
MOST_PICTURES = 5
"""How often a picture is taken again before somebody gives up."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of a scenario: each step, each view at the end, and every difference from what was expected."""

    scenario: str
    held: bool
    differences: tuple[Difference, ...]
    steps: tuple[StepResult, ...]
    views: dict[str, View]
    recorded: int
    totals: Totals


class Engine:
    """One play on one stage."""

    def __init__(self, play: Play, stage: Stage, camera: Camera | None = None) -> None:
        self._play = play
        self._stage = stage
        self._camera = camera
        self.names = Names()
        self.union = Union(stage.database(BACKEND))
        self._filler = Filler(play.start_ms, self.names.jobs, self.names.hashes, self.names.visits)
        self._homes: dict[str, str] = {}
        self._director = Director(stage)
        self._pictures = 0
        self._results: list[StepResult] = []
        self.shots: Shots = {}

    def play(self) -> Iterator[StepResult]:
        """Yield what came of each step, one after the other; `outcome` says the whole when all are done."""
        self._before()
        for timed in (*self._play.openings, *self._play.steps):
            self._stage.set_time(timed.at_ms)
            result = self._do(timed)
            self._results.append(result)
            self._look_after(timed.step.id, timed.at_ms)
            yield result

    def outcome(self) -> Replayed:
        """All that came out; the views as they are at the time of the last step."""
        end_ms = self._play.steps[-1].at_ms if self._play.steps else self._play.start_ms
        views = {name: self._view(name, end_ms) for name in self._views()}
        self.shots.update({(name, ""): view for name, view in views.items()})
        found = all_differences(self._play, self._results, self.shots, self.names, self._stage.armed)
        return Replayed(
            scenario=self._play.scenario.name,
            held=not found,
            differences=found,
            steps=tuple(self._results),
            views=views,
            recorded=self.union.recorded,
            totals=self._stage.totals(),
        )

    # -- views -----------------------------------------------------------------------
    def _views(self) -> list[str]:
        return ["all", *(name for name in (BACKEND, *self._play.scenario.devices) if name in self._stage.living())]

    def _look_after(self, step: str, at_ms: int) -> None:
        """Keep what is shown now wherever something is expected of it right after this step."""
        for name, expected in self._play.scenario.expect.items():
            if step in expected.after and name in self._views():
                self.shots[name, step] = self._view(name, at_ms)

    def _view(self, name: str, as_of_ms: int) -> View:
        self.read_logs()
        self.names.learn_nodes(self.union.nodes())
        if name == "all":
            return view_of(self.union.seen(as_of_ms), self.names)
        seen = msgspec.convert(self._stage.host(name).ask(Look(as_of_ms=as_of_ms)), Seen)
        return view_of(seen, self.names)

    # -- what was recorded, and what it is called --------------------------------------
    def _before(self) -> None:
        """Name what was recorded while the stage was set: orders by their ids, and the jobs that they opened."""
        self.read_logs()
        for order, job in self._stage.orders.items():
            opened = self.union.opened(job)
            if opened is not None and self._play.scenario.orders[order].kind == "dispatch":
                self._name_job(order, opened)

    def read_logs(self) -> None:
        """Afterwards the union holds what every log holds now."""
        for place in (*self._play.scenario.devices, OFFICE):
            self._read(place)

    def _read(self, place: str) -> list[Event]:
        """What was recorded there since it was read last."""
        database = self._stage.database(BACKEND if place == OFFICE else place)
        fresh = self.union.read_office() if place == OFFICE else self.union.read_device(database)
        for event in fresh:
            self._homes[event.hash] = place
        return fresh

    def _name(self, step: AnyStep, fresh: list[Event]) -> tuple[str, ...]:
        """The names of what a step recorded: by its id what it is named for, all by id and kind."""
        counts: dict[str, int] = {}
        names: list[str] = []
        for event in fresh:
            count = counts[event.kind] = counts.get(event.kind, 0) + 1
            name = f"{step.id}/{event.kind}" + (f"/{count}" if count > 1 else "")
            if event.kind == main_event(step) and count == 1:
                self.names.name_event(step.id, event.hash)
                names.append(step.id)
                if isinstance(event.body, JobOpened):
                    self._name_job(step.id, event)
                elif isinstance(event.body, VisitArrived):
                    self.names.visits[step.id] = event.body.visit
            else:
                names.append(name)
            self.names.name_event(name, event.hash)
        return tuple(names)

    def _name_job(self, name: str, opened: Event) -> None:
        self.names.jobs[name] = opened.job
        self.names.name_event(name, opened.hash)

    # -- steps -----------------------------------------------------------------------
    def _do(self, timed: Timed) -> StepResult:
        """The step, done, with what came of it; whatever the product refuses is a result."""
        step = timed.step
        places = [timed.on] if timed.on else self._listeners(step)
        for place in places:
            self._read(place)
        self._pictures = 0
        outcome: Outcome = "recorded" if timed.on else "done"
        problem = detail = ""
        try:
            detail = self._act(timed) if isinstance(step, Act) else self._director.change(step)
        except Refused as refused:
            outcome, problem, detail = "refused", refused.slug, refused.detail
        except Problem as met:
            outcome, problem, detail = _outcome_of(met), met.kind.slug, met.detail
        outcome = self._deaths(outcome)
        names = self._name(step, [event for place in places for event in self._read(place)])
        return StepResult(
            id=step.id,
            do=str(step.__struct_config__.tag),
            at=rfc3339(timed.at_ms),
            by=timed.by,
            on=timed.on,
            outcome=outcome,
            problem=problem,
            detail=detail,
            events=names,
            pictures=self._pictures,
        )

    def _deaths(self, outcome: Outcome) -> Outcome:
        """Who was to die at a point of the product and has: counted, and told."""
        return "killed" if self._stage.count_deaths() else outcome

    def _listeners(self, step: AnyStep) -> list[str]:
        if not isinstance(step, do.Signal):
            return []
        return [name for name, device in self._play.scenario.devices.items() if device.listens]

    def _act(self, timed: Timed) -> str:
        host = BACKEND if timed.on == OFFICE else timed.on
        filled = self._filler.filled(self._met(timed.step))
        perform = Perform(step=filled, by=timed.by, job=self._job_of(filled), offer=self._offer_of(filled))
        shown = self._shown(filled, timed.on)
        if not shown:
            self._stage.host(host).ask(perform)
            return ""
        for left in reversed(range(MOST_PICTURES)):
            pictures = tuple(str(self._photographed(Path(path))) for path in shown)
            try:
                self._stage.host(host).ask(msgspec.structs.replace(perform, pictures=pictures))
                break
            except Refused as refused:
                if refused.slug != NO_CODE_FOUND.slug or not left or self._camera is None:
                    raise
        return ""

    def _job_of(self, step: AnyStep) -> str:
        """The job a step is about: the one it names, or that of the event that it names."""
        job: str = getattr(step, "job", "")
        named = (getattr(step, field, "") for field in ("offer", "accepted", "basis", "event", "merge"))
        events = (self.union.event(hash_) for hash_ in named if hash_)
        return job or next((about for event in events if event is not None for about in jobs_of(event)), "")

    def _offer_of(self, step: AnyStep) -> str:
        """The offer whose acceptance a step names."""
        event = self.union.event(step.accepted) if isinstance(step, do.Confirm) else None
        return event.body.offer if event is not None and isinstance(event.body, Accepted) else ""

    def _photographed(self, path: Path) -> Path:
        if self._camera is None:
            return path
        self._pictures += 1
        return self._camera(path)

    def _met(self, step: AnyStep) -> AnyStep:
        """The step with how two people meet, where it does not say: by codes, unless one of them cannot show one."""
        match step:
            case do.Accept(met=None):
                return msgspec.structs.replace(step, met=self._how(step))
            case do.Refuse(through=None):
                through = "code" if self._how(step) == "met" else "pull"
                return msgspec.structs.replace(step, through=through)
            case do.Confirm(through=None):
                through = "code" if self._how_accepted(step.accepted) == "met" else "pull"
                return msgspec.structs.replace(step, through=through)
        return step

    def _how(self, step: do.Accept | do.Refuse) -> Literal["met", "remote", "guest"]:
        """How an answer meets its offer: as a guest where it is for one, said so or because a guest is addressed."""
        event = self.union.event(self.names.hashes.get(step.offer, ""))
        to = event.body.to if event is not None and isinstance(event.body, Offered) else ()
        party = step.party or (step.by if step.by in to else None)
        if any(one in self._play.scenario.guests for one in ((party,) if party else to)):
            return "guest"
        return "remote" if event is not None and self._homes[event.hash] == OFFICE else "met"

    def _how_accepted(self, accepted: str) -> str:
        event = self.union.event(self.names.hashes.get(accepted, ""))
        return event.body.met if event is not None and isinstance(event.body, Accepted) else "met"

    def _shown(self, step: AnyStep, on: str) -> list[str]:
        """The pictures of the code that this step scans, drawn by the device that shows it; none if it scans none."""
        match step:
            case do.Accept(met="met", force=False) | do.Refuse(through="code", force=False):
                event = step.offer
            case do.Confirm(through="code", force=False):
                event = step.accepted
            case _:
                return []
        home = self._homes[event]
        if home in (OFFICE, on):
            return []
        path = self._stage.directory(home) / "shown" / f"{step.id}.png"
        path.parent.mkdir(exist_ok=True)
        drawn: list[str] = self._stage.host(home).ask(Show(event=event, path=str(path)))
        return drawn


def _outcome_of(met: Problem) -> Outcome:
    if met.kind is HOST_GONE:
        return "died"
    if met.kind in (NOT_RUNNING, NOTHING_RECORDED):
        return "impossible"
    return "failed"
