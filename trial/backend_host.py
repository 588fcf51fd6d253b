"""The backend of a play, as a process of its own: the product's server, and commands over a pipe beside it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from backend.app import create_app
from backend.config import Settings
from backend.enrolment import code_text, make_code
from backend.escalation import Escalation
from backend.exchange.orders import Orders, ReadOrder
from backend.facts import WORDS
from backend.intake import Door, Intake
from backend.master import DEVICE, PERSON, SITE, TEAM, DeviceRow, PersonRow, SiteRow, TeamRow, put
from backend.ordering import take_in
from backend.serve import Server, bound
from backend.writing import Writing
from sync.clock import rfc3339
from sync.events import OrderImported
from sync.ids import event_hash
from trial import wire
from trial.hosts import HostSpec
from trial.office_acts import OfficeActs
from trial.scenario import DESK, Scenario
from trial.seen import Seen, SeenVerdict, seen_job
from trial.serving import serve
from trial.stage import BACKEND_DATABASE
from trial.times import after
from trial.world import SetWorld

_BY = "scenario"


class BackendHost:
    """The server of a play."""

    def __init__(self, spec: HostSpec) -> None:
        self._world = SetWorld(
            seed=spec.seed, name=spec.name, life=spec.life, true_ms=spec.true_ms, shift_ms=spec.shift_ms
        )
        port = int(spec.url.rpartition(":")[2]) if spec.url else 0
        self._socket = bound("127.0.0.1", port)
        self._url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        database = Path(spec.directory) / BACKEND_DATABASE
        self._settings = Settings(database=database, url=self._url, desk=DESK, escalate_every_s=0, session_s=86_400)
        self._app = create_app(self._settings, self._world)
        self._started = asyncio.Event()
        self._server = Server(self._app, self._started.set)
        self._task: asyncio.Task[None] | None = None
        self._scenario = Scenario(name="not set up")

    async def start(self) -> dict[str, Any]:
        """The server takes requests."""
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        await self._started.wait()
        return {"url": self._url}

    async def stop(self) -> None:
        """The server stopped in order."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    @property
    def _intake(self) -> Intake:
        intake: Intake = self._app.state.intake
        return intake

    async def answer(self, command: wire.AnyCommand) -> Any:  # noqa: ANN401 - each command has its own answer
        """What a command comes to."""
        match command:
            case wire.SetClock():
                self._world.set_clock(command.true_ms, command.shift_ms)
            case wire.CrashAt():
                self._world.crash_at(command.point)
            case wire.SetUp():
                self._scenario = command.scenario
                return await self._intake.do(lambda writing: set_up(self._intake.door, writing, command.scenario))
            case wire.Perform():
                await self._intake.do(lambda writing: OfficeActs(self._intake.door, writing).perform(command))
            case wire.Code():
                return await self._intake.do(
                    lambda writing: code_text(make_code(self._intake.door, writing, command.device))
                )
            case wire.Due():
                with self._world.calm():
                    await Escalation(self._intake).due(self._world.now_ms())
            case wire.Import():
                return await self._intake.do(lambda writing: take_orders(self._intake.door, writing, self._scenario))
            case wire.Look():
                with self._world.calm():
                    return await self._intake.do(lambda writing: look(self._intake.door, writing, command.as_of_ms))
        return None


def set_up(door: Door, writing: Writing, scenario: Scenario) -> dict[str, str]:
    """The cast is entered and its documents are issued; given is an enrolment code for each device."""
    now_ms = writing.now_ms
    for team in scenario.teams:
        put(writing.con, TEAM, team, TeamRow(), by=_BY, now_ms=now_ms)
    for name, person in scenario.people.items():
        said = msgspec.structs.asdict(person)
        teams = tuple(team for team, members in scenario.teams.items() if name in members)
        put(writing.con, PERSON, name, PersonRow(**said, teams=teams), by=_BY, now_ms=now_ms)
    for name, site in scenario.sites.items():
        put(writing.con, SITE, name, SiteRow(name=site.name, lat=site.lat, lon=site.lon), by=_BY, now_ms=now_ms)
    devices = {name: device for name, device in scenario.devices.items() if device.clone_of is None}
    for name, device in devices.items():
        put(writing.con, DEVICE, name, DeviceRow(people=device.people), by=_BY, now_ms=now_ms)
    door.cut(writing)
    for boundary, policy in scenario.policies.items():
        writing.issue(policy.policy(boundary))
    return {name: code_text(make_code(door, writing, name)) for name in devices}


def take_orders(door: Door, writing: Writing, scenario: Scenario) -> dict[str, str]:
    """The orders are imported as those of another system; given is the job on which each hangs, by the order's id."""
    start_ms = after(0, scenario.start)
    orders = tuple(ReadOrder(order_of(scenario, name, start_ms), line) for line, name in enumerate(scenario.orders, 1))
    take_in(door, writing, Orders(orders=orders, taken_back=(), quarantined=(), rows=len(orders)))
    found: dict[str, str] = {}
    for (job,) in writing.con.execute("SELECT job FROM job ORDER BY ref").fetchall():
        for name in OfficeActs(door, writing).journey(job).orders:
            found[name.partition("/")[2]] = job
    return found


def order_of(scenario: Scenario, name: str, start_ms: int) -> OrderImported:
    """An order of the cast as its source would give it."""
    given = scenario.orders[name]
    asset = scenario.assets.get(given.asset or "")
    site = given.site or (asset.site if asset else None) or next(iter(scenario.sites))
    referred = scenario.orders.get(given.reference)
    return OrderImported(
        source=given.source,
        order=name,
        order_kind=given.kind,
        site=site,
        reference=f"{referred.source}/{given.reference}" if referred else given.reference,
        asset=given.asset or "",
        customer=given.customer,
        window_from=rfc3339(after(start_ms, given.window_from)) if given.window_from else "",
        window_to=rfc3339(after(start_ms, given.window_to)) if given.window_to else "",
        minutes=given.minutes,
        intent=given.intent,
        skills=given.skills,
        priority=given.priority,
        lines=given.lines,
    )


def look(door: Door, writing: Writing, as_of_ms: int) -> Seen:
    """What the backend shows of every job, and its verdict on every event it holds."""
    office = OfficeActs(door, writing)
    jobs = [job for (job,) in writing.con.execute("SELECT job FROM job ORDER BY ref").fetchall()]
    rows = writing.con.execute(
        "SELECT event.bytes, event.verdict, reason.code FROM event LEFT JOIN reason"
        " ON (reason.log, reason.seq, reason.digest) = (event.log, event.seq, x'')"
    )
    return Seen(
        jobs=tuple(seen_job(office.journey(job), as_of_ms) for job in jobs),
        verdicts={event_hash(raw): SeenVerdict(word=WORDS[word], code=code or "") for raw, word, code in rows},
    )


if __name__ == "__main__":
    serve(BackendHost(msgspec.json.decode(sys.argv[1], type=HostSpec)))
