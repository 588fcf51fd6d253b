"""The backend of a play, as a process of its own: the product's server, and commands over a pipe beside it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from backend.app import create_app
from backend.config import Settings
from backend.enrolment import code_text, make_code
from backend.facts import WORDS
from backend.intake import Door, Intake
from backend.master import DEVICE, PERSON, SITE, TEAM, DeviceRow, PersonRow, SiteRow, TeamRow, put
from backend.serve import Server, bound
from backend.writing import Writing
from sync.ids import event_hash
from trial import wire
from trial.hosts import HostSpec
from trial.office_acts import OfficeActs
from trial.scenario import DESK, Scenario
from trial.seen import Seen, SeenVerdict, seen_job
from trial.serving import serve
from trial.stage import BACKEND_DATABASE
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
                return await self._intake.do(lambda writing: set_up(self._intake.door, writing, command.scenario))
            case wire.Perform():
                await self._intake.do(lambda writing: OfficeActs(self._intake.door, writing).perform(command))
            case wire.Look():
                return await self._intake.do(
                    lambda writing: look(OfficeActs(self._intake.door, writing), writing, command.as_of_ms)
                )
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
    for name, device in scenario.devices.items():
        put(writing.con, DEVICE, name, DeviceRow(people=device.people), by=_BY, now_ms=now_ms)
    door.cut(writing)
    for boundary, policy in scenario.policies.items():
        writing.issue(policy.policy(boundary))
    return {name: code_text(make_code(door, writing, name)) for name in scenario.devices}


def look(office: OfficeActs, writing: Writing, as_of_ms: int) -> Seen:
    """What the backend shows of every job, and its verdict on every event it holds."""
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
