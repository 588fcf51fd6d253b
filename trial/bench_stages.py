"""Where the time of a push goes: the product's own steps, one batch after the other in this process, each with a watch.

The watch sits around functions of the backend and around its database connection, so what is timed is what the
server runs, less HTTP. A step's time leaves out the steps inside it. The watch itself costs about a microsecond a
step, some of which counts as the step's.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter_ns, thread_time_ns
from types import ModuleType
from typing import Any, Final, ParamSpec, TypeVar

import msgspec

from backend import intake, project, reading, receive, writing
from backend.config import Settings
from backend.enrolment import enrol
from backend.intake import Door, open_door
from backend.store.sqlite import PRAGMAS
from backend.world import Machine
from backend.writing import Writing
from sync.codec import encode
from sync.protocol import MOST_EVENTS, EnrolRequest, deflate
from trial.bench_batches import BOUNDARY, Author, References
from trial.bench_server import set_up

P = ParamSpec("P")
R = TypeVar("R")

_STEPS: Final[tuple[tuple[ModuleType, str, str], ...]] = (
    # module, the name that it calls, the stage it counts for
    (reading, "inflate", "gzip"),
    (reading, "read_push", "lines and header"),
    (reading, "line_digest", "chain"),
    (reading, "advance", "chain"),
    (reading, "verify", "verify"),
    (reading, "read_ours", "decode"),
    (reading, "read_envelope", "decode"),
    (reading, "event_of", "decode"),
    (writing, "judge", "judge"),
    (project, "journey", "fold"),
    (project, "rows_of", "project: rows"),
    (project, "note_job", "project: reach"),
    (intake, "follow", "project: between its steps"),
)
_WARM_UP: Final = 4


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a push, and what it takes for each event pushed: of the clock, and of the processor."""

    name: str
    us_per_event: float
    cpu_us_per_event: float


class _Watch:
    """Adds up nanoseconds by stage, of the clock and of the processor; the innermost stage counts."""

    def __init__(self) -> None:
        self.spent: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._stages: list[str] = []
        self._since = (0, 0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What happens inside counts for `name`, less what counts for stages inside it."""
        self._turn()
        self._stages.append(name)
        try:
            yield
        finally:
            self._turn()
            self._stages.pop()

    def around(self, name: str, work: Callable[P, R]) -> Callable[P, R]:
        """`work`, its time counted for `name`."""

        def watched(*args: P.args, **kwargs: P.kwargs) -> R:
            self._turn()
            self._stages.append(name)
            try:
                return work(*args, **kwargs)
            finally:
                self._turn()
                self._stages.pop()

        return watched

    def _turn(self) -> None:
        """All since the last turn counts for the innermost stage."""
        wall, cpu = perf_counter_ns(), thread_time_ns()
        if self._stages:
            spent = self.spent[self._stages[-1]]
            spent[0] += wall - self._since[0]
            spent[1] += cpu - self._since[1]
        self._since = (perf_counter_ns(), thread_time_ns())


class _WatchedConnection(sqlite3.Connection):
    """A connection whose statements are timed: what is read, what is written, what is waited for at the commit."""

    watch: _Watch
    """Set once it is open."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - sqlite3's own signature
        """See `sqlite3.Connection`."""
        stage = "commit" if sql == "COMMIT" else _statement(sql)
        with self.watch.stage(stage):
            return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:  # noqa: ANN401 - as above
        """See `sqlite3.Connection`."""
        with self.watch.stage(_statement(sql)):
            return super().executemany(sql, parameters)


def _statement(sql: str) -> str:
    """`SQL: INSERT INTO event` of such a statement: what it does, to which table."""
    words = sql.replace("(", " ").split()
    verb = words[0].upper()
    named = {"INSERT": words[2:3], "UPDATE": words[1:2], "DELETE": words[2:3]}.get(verb)
    if named is None and "FROM" in words:
        named = words[words.index("FROM") + 1 :][:1]
    return f"SQL: {verb.lower()} {' '.join(named or [])}".strip()


def measure_stages(database: Path, author: Author, batches: int = 24) -> tuple[Stage, ...]:
    """Where the time of that many pushes of one device, new to this database, goes, the longest first.

    A few more warm up before. No server may be running on the database.
    """
    settings = Settings(database=database)
    (code,) = set_up(settings.database, [author])
    watch = _Watch()
    with open_door(settings, Machine()) as (door, plain), closing(_connect(settings.database, watch)) as con:
        asked = EnrolRequest(
            code=code, jwk=author.signer.jwk, genesis=author.genesis.raw.decode(), jws=author.genesis.jws
        )
        door.write_now(plain, lambda writing_: enrol(door, writing_, asked))
        work = author.work(door.write_now(plain, _references))
        bodies = [deflate(author.batch(work, MOST_EVENTS).body) for _ in range(batches + _WARM_UP)]
        with _watched(watch):
            for number, body in enumerate(bodies):
                if number == _WARM_UP:
                    watch.spent.clear()
                _push(door, con, watch, body, author)
    events = batches * MOST_EVENTS
    stages = [
        Stage(
            name=name,
            us_per_event=round(wall / events / 1000, 3),
            cpu_us_per_event=round(cpu / events / 1000, 3),
        )
        for name, (wall, cpu) in watch.spent.items()
    ]
    return tuple(sorted(stages, key=lambda one: -one.cpu_us_per_event))


def _connect(database: Path, watch: _Watch) -> _WatchedConnection:
    con = sqlite3.connect(database, factory=_WatchedConnection, isolation_level=None)
    con.watch = watch
    for pragma in PRAGMAS:
        con.execute(pragma)
    return con


def _references(writing_: Writing) -> References:
    policies = {policy.boundary: reference for reference, policy in writing_.documents.policies()}
    return References(roster=writing_.documents.roster()[0], policy=policies[BOUNDARY])


@contextmanager
def _watched(watch: _Watch) -> Iterator[None]:
    """Inside, the steps are timed wherever the backend takes them."""
    plain = [(module, name, getattr(module, name)) for module, name, _ in _STEPS]
    for module, name, stage in _STEPS:
        setattr(module, name, watch.around(stage, getattr(module, name)))
    try:
        yield
    finally:
        for module, name, was in plain:
            setattr(module, name, was)


def _push(door: Door, con: sqlite3.Connection, watch: _Watch, body: bytes, author: Author) -> None:
    """One push as the intake does it, its threads left out."""
    with watch.stage("read: between its steps"):
        arrived = reading.read_arrived(body, gzip=True, jwk=author.signer.jwk)

    def receive_it(writing_: Writing) -> receive.Received:
        with watch.stage("place, number and keep"):
            return receive.receive(writing_, door.office, arrived)

    with watch.stage("the rest of the transaction"):
        received = door.write_now(con, receive_it)
    with watch.stage("write the verdicts"):
        encode(received.verdicts)
