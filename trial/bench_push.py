"""`handover bench push`: batches of 500 events (or `--batch`) from 1, 8 and 32 devices at once, beside the floor.

The product: its own server in a process of its own, on the loopback, SQLite in WAL with synchronous FULL on the
disk named; devices enrolled as any device; batches signed, compressed and held ready before the clock starts;
signatures and chains checked, events judged, projections brought up to date, one receipt a batch.

The floor: what no backend can go below on this machine: the sqlite3 module, executemany of the same (log, seq,
bytes, received_at) rows into the same event table, same settings, one transaction a batch, nothing else.

Both take turns, round by round, so that whatever else the machine does falls on both; a ratio is made within a
round. With `--stored` that many events are in both databases beforehand.
"""

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time, time_ns
from typing import Final

import msgspec

from backend.store.sqlite import connect, in_transaction, migrate
from device.commands.parsing import Parser
from sync.codec import encode
from sync.problems import NOT_TAKEN, Problem, as_sentence
from sync.protocol import MOST_EVENTS, deflate
from trial.bench_batches import Author, Batch
from trial.bench_server import Client, Serving, check_applied, serving, set_up
from trial.bench_stages import Stage, measure_stages

_FLOOR: Final = "INSERT INTO event (log, seq, bytes, received_at) VALUES (?, ?, ?, ?)"
_LOADERS: Final = 8
_TOLD_EVERY: Final = 100_000


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Of the rounds: the median, the least and the most."""

    median: float
    least: float
    most: float


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """So many devices pushing at once.

    Processor time is what a busy machine changes least: of the server all its threads, though not the processes that
    read pushes beside it; of the floor the one thread that it is.
    """

    devices: int
    events: int
    rounds: int
    events_per_s: float
    floor_rows_per_s: float
    ratio_to_floor: float
    ratios: Spread
    events_per_s_spread: Spread
    floor_rows_per_s_spread: Spread
    server_cpu_us_per_event: float
    floor_cpu_us_per_row: float
    wall_us_per_event: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured; `ratio_to_floor` is the worst of `devices`. Bytes are those of the measured batches."""

    folder: str
    sqlite: str
    python: str
    cores: int
    load_before: float
    stored_before: int
    stored_in_s: float
    batch_events: int
    custody_share: float
    raw_bytes_per_event: float
    bytes_on_wire_per_event: float
    ratio_to_floor: float
    devices: tuple[Measured, ...]
    stages: tuple[Stage, ...] = ()


def main(argv: list[str]) -> int:
    """Run the bench."""
    parser = Parser(
        prog="handover bench push", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=_counts, default=(1, 8, 32), help="how many at once (1,8,32)")
    parser.add_argument("--events", type=_several, default=80_000, help="for each of these, about (%(default)s)")
    parser.add_argument("--batch", type=_batch, default=MOST_EVENTS, help="events of one push (%(default)s)")
    parser.add_argument("--rounds", type=_several, default=5, help="turns of product and floor (%(default)s)")
    parser.add_argument("--stored", type=int, default=0, help="events in the database beforehand (%(default)s)")
    parser.add_argument("--in", dest="folder", type=Path, default=Path.cwd(), help="on which disk (here)")
    parser.add_argument("--profile", action="store_true", help="also say where the time of one push goes")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=args.folder) as folder:
            bench = _Bench(Path(folder), max(args.devices), args.stored, args.batch)
            result = bench.run(args.devices, args.events, args.rounds, with_stages=args.profile)
    except OSError as error:
        print(f"handover bench push: {error}", file=sys.stderr)
        return 2
    except Problem as problem:
        print(f"handover bench push: {as_sentence(problem)}", file=sys.stderr)
        return 1 if problem.kind is NOT_TAKEN else 2
    print(encode(result).decode() if args.json else _text(result))
    return 0


def _several(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100_000_000):
        raise argparse.ArgumentTypeError("a number from 1 to 100000000")
    return int(text)


def _batch(text: str) -> int:
    if _several(text) > MOST_EVENTS:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST_EVENTS}")
    return int(text)


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_several(part) for part in text.split(","))


def _text(result: Result) -> str:
    custody, raw, wire = result.custody_share, result.raw_bytes_per_event, result.bytes_on_wire_per_event
    told = (
        f"{result.batch_events} events a batch, {custody:.0%} of them custody and signed one by one;"
        f" {raw:.0f} bytes an event, {wire:.0f} on the wire; {result.stored_before} stored before"
    )
    lines = [told]
    lines += [
        f"  {one.devices:>2} devices: {one.events_per_s:8.0f} events/s, floor {one.floor_rows_per_s:8.0f} rows/s,"
        f" ratio {one.ratio_to_floor:.3f} ({one.ratios.least:.3f} to {one.ratios.most:.3f}),"
        f" {one.server_cpu_us_per_event:.1f} us of processor an event,"
        f" floor {one.floor_cpu_us_per_row:.1f}"
        for one in result.devices
    ]
    lines += [
        f"  {stage.name:<36}{stage.cpu_us_per_event:8.2f} us of processor,{stage.us_per_event:8.2f} us an event"
        for stage in result.stages
    ]
    return "\n".join(lines)


class _Bench:
    """A server, its devices, and a floor beside them."""

    def __init__(self, folder: Path, most_devices: int, stored: int, batch: int) -> None:
        self._folder = folder
        self._batch = batch
        self._stored = stored
        self._authors = [Author(number) for number in range(max(most_devices, _LOADERS if stored else 1))]
        self._sizes: list[tuple[int, int, int, int]] = []

    def run(self, devices: Sequence[int], events: int, rounds: int, *, with_stages: bool) -> Result:
        """Everything, in order; what the server holds in the end is counted."""
        load = os.getloadavg()[0]
        database = self._folder / "handover.db"
        codes = set_up(database, self._authors)
        with ExitStack() as open_:
            self._server: Serving = open_.enter_context(serving(database))
            self._floor = open_.enter_context(closing(_Floor(self._folder / "floor.db")))
            self._clients = [Client(self._server, one) for one in self._authors]
            for client, code in zip(self._clients, codes, strict=True):
                open_.callback(client.close)
                client.enrol(code)
            under = self._clients[0].references()
            self._works = [author.work(under) for author in self._authors]
            self._pool = open_.enter_context(ThreadPoolExecutor(len(self._authors)))
            began = perf_counter()
            stored = self._load()
            stored_s = perf_counter() - began
            measured = tuple(self._measure(count, events, rounds) for count in devices)
            self._count(database)
        events_sent, raw, wire, custody = (sum(column) for column in zip(*self._sizes, strict=True))
        return Result(
            folder=str(self._folder.parent),
            sqlite=sqlite3.sqlite_version,
            python=platform.python_version(),
            cores=os.cpu_count() or 1,
            load_before=round(load, 2),
            stored_before=stored,
            stored_in_s=round(stored_s, 1),
            batch_events=self._batch,
            custody_share=round(custody / events_sent, 4),
            raw_bytes_per_event=round(raw / events_sent, 1),
            bytes_on_wire_per_event=round(wire / events_sent, 1),
            ratio_to_floor=min(one.ratio_to_floor for one in measured),
            devices=measured,
            stages=measure_stages(database, Author(len(self._authors))) if with_stages else (),
        )

    # -- beforehand -----------------------------------------------------------
    def _load(self) -> int:
        """Both databases hold so many events: pushed, the next made while one is under way; told on stderr."""
        done = told = 0
        under_way: list[Batch] = []
        while done < self._stored or under_way:
            sent, under_way = under_way, []
            answers = [self._pool.submit(self._push_plain, at, batch) for at, batch in enumerate(sent)]
            if done < self._stored:
                under_way = [self._next(at, MOST_EVENTS) for at in range(len(self._authors))]
                done += len(under_way) * MOST_EVENTS
            for batch, answer in zip(sent, answers, strict=True):
                check_applied(batch, answer.result())
                self._floor.store(batch)
            if self._floor.rows >= told + _TOLD_EVERY:
                told = self._floor.rows
                print(f"{told} of {self._stored} stored", file=sys.stderr)
        return self._floor.rows

    def _push_plain(self, at: int, batch: Batch) -> bytes:
        self._clients[at].connect()
        return self._clients[at].push(batch.body, gzip=False)

    def _next(self, at: int, events: int) -> Batch:
        return self._authors[at].batch(self._works[at], events)

    # -- the measure ----------------------------------------------------------
    def _measure(self, devices: int, events: int, rounds: int) -> Measured:
        """Each round as many batches a device as make up the events asked for, one at least; a first one warms up."""
        each = max(1, round(events / (rounds * devices * self._batch)))
        self._round(devices, 1)
        pushed: list[float] = []
        floored: list[float] = []
        cpu_s, floor_cpu_s = self._server.cpu_s(), self._floor.cpu_s
        for _ in range(rounds):
            push, floor = self._round(devices, each)
            pushed.append(push)
            floored.append(floor)
        cpu_s, floor_cpu_s = self._server.cpu_s() - cpu_s, self._floor.cpu_s - floor_cpu_s
        ratios = [push / floor for push, floor in zip(pushed, floored, strict=True)]
        total = rounds * each * devices * self._batch
        return Measured(
            devices=devices,
            events=total,
            rounds=rounds,
            events_per_s=round(median(pushed)),
            floor_rows_per_s=round(median(floored)),
            ratio_to_floor=round(median(ratios), 3),
            ratios=_spread(ratios, 3),
            events_per_s_spread=_spread(pushed, 0),
            floor_rows_per_s_spread=_spread(floored, 0),
            server_cpu_us_per_event=round(cpu_s / total * 1e6, 2),
            floor_cpu_us_per_row=round(floor_cpu_s / total * 1e6, 2),
            wall_us_per_event=round(1e6 / median(pushed), 2),
        )

    def _round(self, devices: int, each: int) -> tuple[float, float]:
        """Events a second of the product, rows a second of the floor, on the same batches."""
        batches = [[self._next(at, self._batch) for _ in range(each)] for at in range(devices)]
        bodies = [[deflate(batch.body) for batch in own] for own in batches]
        count = devices * each * self._batch
        for client in self._clients[:devices]:
            client.connect()
        began = perf_counter()
        answers = [self._pool.submit(self._push_all, at, own) for at, own in enumerate(bodies)]
        answered = [answer.result() for answer in answers]
        pushed_s = perf_counter() - began
        for own, said in zip(batches, answered, strict=True):
            for batch, answer_ in zip(own, said, strict=True):
                check_applied(batch, answer_)
        floor_s = sum(self._floor.store(batch) for turn in zip(*batches, strict=True) for batch in turn)
        for own, packed in zip(batches, bodies, strict=True):
            self._sizes += [_size(batch, body) for batch, body in zip(own, packed, strict=True)]
        return count / pushed_s, count / floor_s

    def _push_all(self, at: int, bodies: list[bytes]) -> list[bytes]:
        return [self._clients[at].push(body, gzip=True) for body in bodies]

    def _count(self, database: Path) -> None:
        """Return only if the backend holds exactly what was sent, besides what it recorded itself."""
        with closing(connect(database, read_only=True)) as con:
            (held,) = con.execute(
                "SELECT count(*) FROM event JOIN log ON log.ref = event.log WHERE log.staff = 0 AND event.verdict = 0"
            ).fetchone()
        sent = self._floor.rows + len(self._authors)
        if held != sent:
            raise Problem(NOT_TAKEN, f"{held} events are held and applied, {sent} were sent")


class _Floor:
    """The sqlite3 module on the product's own event table, and nothing else."""

    def __init__(self, path: Path) -> None:
        self._con = connect(path)
        migrate(self._con)
        self._logs: dict[str, int] = {}
        self.rows = 0
        self.cpu_s = 0.0

    def store(self, batch: Batch) -> float:
        """Afterwards the batch's rows are durable; the seconds that took."""
        log = self._logs.setdefault(batch.log, len(self._logs) + 1)
        at_ms = time_ns() // 1_000_000
        rows = [(log, seq, line.raw, at_ms) for seq, line in enumerate(batch.lines, batch.first)]
        began, cpu_began = perf_counter(), thread_time()
        in_transaction(self._con, lambda con: con.executemany(_FLOOR, rows))
        ended = perf_counter()
        self.cpu_s += thread_time() - cpu_began
        self.rows += len(rows)
        return ended - began

    def close(self) -> None:
        """The database is closed."""
        self._con.close()


def _size(batch: Batch, packed: bytes) -> tuple[int, int, int, int]:
    """Events, bytes before and after compression, custody events."""
    return len(batch.lines), len(batch.body), len(packed), sum(bool(line.jws) for line in batch.lines)


def _spread(values: Sequence[float], digits: int) -> Spread:
    return Spread(
        median=round(median(values), digits), least=round(min(values), digits), most=round(max(values), digits)
    )
