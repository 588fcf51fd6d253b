"""The stage of a play: its processes and its clock. Starts them together, kills them, starts them again."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from backend.backups import make_backup, restore
from backend.config import Settings
from sync.problems import BAD_SCENARIO, NOT_RUNNING, Problem
from trial.acts import Signal
from trial.copying import clear_device, copy_device
from trial.hosts import Host, HostSpec, Refused
from trial.links import LinkCounts
from trial.reading import Play
from trial.sensors import Sensors, surroundings
from trial.terms import BACKEND
from trial.wire import Command, CrashAt, Due, Enrol, Heard, Import, Listen, Network, SetClock, SetUp, Synced, SyncNow
from trial.world import SetWorld

if TYPE_CHECKING:
    from trial.broker import TrialBroker  # a broker is loaded for the scenarios that have signals

SET_UP_MS: Final = 3_600_000
"""Cast and devices are entered and enrolled so long before a scenario starts."""
DEVICE_DATABASE: Final = "agent.sqlite"
BACKEND_DATABASE: Final = "backend.db"


class Totals(msgspec.Struct, kw_only=True):
    """What was done to the processes and on the lines of a play so far."""

    killed: int = 0
    restarted: int = 0
    links: LinkCounts = msgspec.field(default_factory=LinkCounts)


class Stage:
    """The hosts of one play, by name: `backend` and every device."""

    def __init__(self, play: Play, directory: Path) -> None:
        self._play = play
        self._directory = directory
        self._hosts: dict[str, Host] = {}
        self._lives: dict[str, int] = {}
        self._shifts: dict[str, int] = {}
        self._links: dict[tuple[str, int], LinkCounts] = {}
        self._offline: set[str] = set()
        self._now_ms = play.start_ms - SET_UP_MS
        self.armed: dict[str, str] = {}
        """Hosts that are to die at a point they have not come to yet, and that point."""
        self._dead: set[str] = set()
        self._killed = 0
        self._copies: dict[str, str] = {}
        self._sensors = Sensors(play.scenario)
        self._broker: TrialBroker | None = None
        self._to_hear: dict[str, int] = {}
        self.url = ""
        self.orders: dict[str, str] = {}

    # -- the beginning and the end -------------------------------------------------
    def open(self) -> None:
        """Every host runs, the cast is entered, every device is enrolled and has synced once, orders are imported."""
        names = [name for name, device in self._play.scenario.devices.items() if device.clone_of is None]
        self._start(BACKEND)
        for name in names:
            self._start(name)
        if any(isinstance(step, Signal) for step in self._play.scenario.steps):
            from trial.broker import TrialBroker

            self._broker = TrialBroker()
        ready = self.host(BACKEND).receive()
        self.url = ready["url"]
        codes: dict[str, str] = self.host(BACKEND).ask(SetUp(scenario=self._play.scenario))
        for name in names:
            self.host(name).receive()
        self.ask_all({name: Enrol(code=codes[name]) for name in names})
        self.ask_all(dict.fromkeys(names, SyncNow()))  # only now does the roster list them all
        if self._broker is not None:
            self.ask_all({name: self._listen(name, self._broker) for name in self.listeners()})
        if self._play.scenario.orders:
            self.host(BACKEND).ask(SetClock(true_ms=self._play.start_ms - 1))
            self.orders = self.host(BACKEND).ask(Import())

    def close(self) -> None:
        """No process of this play runs."""
        for host in self._hosts.values():
            host.say_stop()
        for host in self._hosts.values():
            host.stop()
        if self._broker is not None:
            self._broker.close()

    # -- hosts -----------------------------------------------------------------------
    def _start(self, name: str) -> None:
        life = self._lives[name] = self._lives.get(name, 0) + 1
        spec = HostSpec(
            name=name,
            directory=str(self.directory(name)),
            seed=self._play.scenario.seed,
            life=life,
            true_ms=self._now_ms,
            shift_ms=self._shifts.get(name, 0),
            url=self.url,
        )
        module = "trial.backend_host" if name == BACKEND else "trial.device_host"
        self._hosts[name] = Host(module, spec)

    def host(self, name: str) -> Host:
        """The running host; NOT_RUNNING where it was killed and is not started again, HOST_GONE where it just died."""
        if name not in self._hosts:
            raise Problem(NOT_RUNNING, "no step has cloned it yet", name)
        host = self._hosts[name]
        if not host.alive:
            if name not in self._dead and name not in self.armed:
                raise host.gone()
            raise Problem(NOT_RUNNING, "it was killed and not started again", name)
        return host

    def directory(self, name: str) -> Path:
        """Where a host keeps its data."""
        return self._directory / name

    def database(self, name: str) -> Path:
        """The database of a host."""
        return self.directory(name) / (BACKEND_DATABASE if name == BACKEND else DEVICE_DATABASE)

    def living(self) -> list[str]:
        """The hosts that run, the backend first."""
        return [name for name, host in self._hosts.items() if host.alive]

    def kill(self, name: str, *, at: str = "") -> None:
        """The host is gone, by SIGKILL; or it will be, when it next comes to the named point of the product."""
        if at:
            self.host(name).ask(CrashAt(point=at))
            self.armed[name] = at
        else:
            self.host(name).kill()
            self._dead.add(name)
            self._killed += 1

    def count_deaths(self) -> int:
        """How many hosts died since the last look where they were told to."""
        dead = self.armed.keys() - set(self.living())
        for name in dead:
            self._hosts[name].kill()
            self._dead.add(name)
            del self.armed[name]
        self._killed += len(dead)
        return len(dead)

    def stop(self, name: str) -> None:
        """The host ended in order."""
        self._dead.add(name)
        self._hosts[name].stop()

    def restart(self, name: str) -> None:
        """The host runs, over the data it had; stopped in order before if it still ran."""
        self._hosts[name].stop()
        self._dead.discard(name)
        self._start(name)
        self._hosts[name].receive()
        if name in self._offline:
            self.go(name, online=False)
        if self._broker is not None and name in self.listeners():
            self.host(name).ask(self._listen(name, self._broker))

    # -- copies ----------------------------------------------------------------------
    def copy(self, name: str, copy: str) -> None:
        """What the host holds now is kept under the name of the copy, the host running or not."""
        self._copies[copy] = name
        folder = self._copy(copy)
        if name == BACKEND:
            make_backup(Settings(database=self.database(name)), folder, self._world(copy))
        else:
            copy_device(self.directory(name), folder)

    def put_back(self, copy: str) -> None:
        """The host of this copy was stopped, and runs with what is in the copy."""
        name = self._copies[copy]
        self._hosts[name].stop()
        if name == BACKEND:
            restore(self._copy(copy), Settings(database=self.database(name)), self._world(f"{copy} put back"))
        else:
            clear_device(self.directory(name))
            copy_device(self._copy(copy), self.directory(name))
        self.restart(name)

    def clone(self, name: str) -> None:
        """The device runs, with a copy of all that the device has of which it is a clone."""
        original = self._play.scenario.devices[name].clone_of or ""
        copy_device(self.directory(original), self.directory(name))
        self._start(name)
        self._hosts[name].receive()

    def _copy(self, copy: str) -> Path:
        return self._directory / "copies" / copy

    def _world(self, what: str) -> SetWorld:
        """A world for what is done beside the hosts, its entropy its own each time."""
        life = self._lives[BACKEND]
        return SetWorld(seed=self._play.scenario.seed, name=what, life=life, true_ms=self._now_ms)

    def go(self, name: str, *, online: bool) -> None:
        """The device has signal from now on, or none; a restart does not change that."""
        (self._offline.discard if online else self._offline.add)(name)
        self.host(name).ask(Network(online=online))

    def reachable(self) -> list[str]:
        """The devices that run and have signal."""
        return [name for name in self.living() if name != BACKEND and name not in self._offline]

    # -- the clock -------------------------------------------------------------------
    def set_time(self, now_ms: int) -> None:
        """It is `now_ms` everywhere, and what is due by then happened in the backend."""
        self._now_ms = now_ms
        self.ask_all({name: self._clock(name) for name in self.living()})
        if BACKEND in self.living():
            self.host(BACKEND).ask(Due())

    def shift_clock(self, name: str, by_ms: int) -> None:
        """The wall clock there jumps, and stays so after a restart as well."""
        self._shifts[name] = self._shifts.get(name, 0) + by_ms
        if name in self.living():
            self.host(name).ask(self._clock(name))

    def _clock(self, name: str) -> SetClock:
        return SetClock(true_ms=self._now_ms, shift_ms=self._shifts.get(name, 0))

    # -- signals ---------------------------------------------------------------------
    def publish(self, step: Signal) -> None:
        """The sensors' message went through the broker; every device that listens for it has kept and weighed it."""
        if self._broker is None:
            raise Problem(NOT_RUNNING, "the trial broker", step.id)
        topic, payload = self._sensors.message(step, self._now_ms)
        hearing = [name for name in self.listeners() if self._broker.reaches(topic, self._topics(name))]
        self._broker.publish(topic, payload)
        for name in hearing:
            self._to_hear[name] = self._to_hear.get(name, 0) + 1
        self.ask_all({name: Heard(messages=self._to_hear[name]) for name in hearing})

    def _topics(self, name: str) -> tuple[str, ...]:
        return self._play.scenario.devices[name].listens

    def listeners(self) -> list[str]:
        """The devices that listen to the broker."""
        return [name for name, device in self._play.scenario.devices.items() if device.listens]

    def _listen(self, name: str, broker: "TrialBroker") -> Listen:
        self._to_hear[name] = 0
        return Listen(port=broker.port, topics=self._topics(name), around=surroundings(self._play.scenario))

    # -- talking ---------------------------------------------------------------------
    def ask_all(self, commands: Mapping[str, Command]) -> dict[str, Any]:
        """The answers of several hosts, which work at the same time."""
        for name, command in commands.items():
            self.host(name).send(command)
        return {name: self._hosts[name].receive() for name in commands}

    def note_link(self, name: str, synced: Synced) -> None:
        """What the line of a device did, as the device counts it since its process started."""
        self._links[name, self._lives[name]] = synced.link

    def totals(self) -> Totals:
        """What was done so far, over all lives of all hosts."""
        links = LinkCounts()
        for counts in self._links.values():
            for field in counts.__struct_fields__:
                setattr(links, field, getattr(links, field) + getattr(counts, field))
        restarted = sum(life - 1 for life in self._lives.values())
        return Totals(killed=self._killed, restarted=restarted, links=links)


@contextmanager
def on_stage(play: Play, directory: Path | None = None) -> Iterator[Stage]:
    """A stage that is open, its data below `directory` (a temporary one, gone at the end, where none is given)."""
    with tempfile.TemporaryDirectory(prefix="handover-", ignore_cleanup_errors=True) as scratch:
        stage = Stage(play, directory or Path(scratch))
        try:
            _open(stage)
            yield stage
        finally:
            stage.close()


def _open(stage: Stage) -> None:
    """The stage is open; a cast that the product does not take is BAD_SCENARIO."""
    try:
        stage.open()
    except Refused as refused:
        raise Problem(BAD_SCENARIO, f"the cast is not taken: {refused}", "$") from refused
