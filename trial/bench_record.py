"""`handover bench record`: one event through the door of a device, beside the floor.

The floor is what nobody can go below: the same two rows in one transaction of the sqlite3 module on a worker
thread, same file system, same settings, waited for from the same event loop. Both are measured in turns,
so that whatever else the machine does falls on both.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Final

import msgspec

from device.commands.parsing import Parser
from device.keyring import make_key
from device.record import Door
from device.store import log
from device.store.sqlite import connect, open_store, statements
from device.world import Machine
from sync.codec import encode
from sync.events import Draft, NoteWritten, Offered
from sync.ids import LOG_BYTES, b64, digest
from sync.payload import Action, ItemCount, NextAction, Payload, Risk
from sync.problems import Problem

WARM_UP: Final = 50
_EVENT: Final = """
CREATE TABLE event (log INTEGER NOT NULL, seq INTEGER NOT NULL, raw BLOB NOT NULL, chain BLOB NOT NULL,
    jws TEXT NOT NULL DEFAULT '', recorded_ms INTEGER NOT NULL, PRIMARY KEY (log, seq)) STRICT, WITHOUT ROWID
"""
_OUTBOX: Final = """
CREATE TABLE outbox (log INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (log, seq)) STRICT, WITHOUT ROWID
"""
_HASH: Final = b64(digest(b"some event"))
_PAYLOAD: Final = Payload(
    priority="urgent",
    state="in_progress",
    summary="Pump 7 leaks at the seal; isolated and drained. The new seal is ordered, the old one kept for the claim.",
    actions_taken=(Action(object="pump 7", result="isolated, drained"),),
    next_actions=(NextAction(what="Fit the seal", owner="bo", due="2026-05-05T08:00:00Z"), NextAction(what="Bleed")),
    risks=(Risk(if_="the valve passes", then="close the main"),),
    items=(ItemCount(id="seal-40", expected=2, counted=1),),
)
_OFFER: Final = Draft(
    kind="handover.offered",
    actor="anna",
    job=_HASH[:22],
    body=Offered(
        roster="7.abcdef", basis=_HASH, sender="anna", to=("bo",), boundary="site", policy="3.abcdef", payload=_PAYLOAD
    ),
)
_NOTE: Final = Draft(kind="note.written", actor="anna", job=_HASH[:22], body=NoteWritten(text=_PAYLOAD.summary))


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds for one event."""

    p50_us: float
    p90_us: float
    p99_us: float


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of event beside its floor; `ratio_to_floor` compares the 99th percentiles."""

    kind: str
    signed: bool
    bytes: int
    events: int
    record: Timing
    floor: Timing
    ratio_to_floor: float
    ratio_at_p50: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured, in this folder; `ratio_to_floor` is that of the slower kind."""

    folder: str
    sqlite: str
    ratio_to_floor: float
    kinds: tuple[Measured, ...]


def main(argv: list[str]) -> int:
    """Run the bench."""
    parser = Parser(prog="handover bench record", description=__doc__)
    parser.add_argument("--events", type=_several, default=2_000, help="of each kind (%(default)s)")
    parser.add_argument("--in", dest="folder", type=Path, default=Path.cwd(), help="on which disk (here)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=args.folder) as folder:
            result = asyncio.run(_measure(Path(folder), args.events))
    except (Problem, OSError) as error:
        print(f"handover bench record: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(encode(result).decode())
        return 0
    for one in result.kinds:
        print(f"{one.kind}, {one.bytes} bytes{', signed' if one.signed else ''}, {one.events} times, microseconds:")
        for name, timing in (("record", one.record), ("floor", one.floor)):
            print(f"  {name:<8}p50 {timing.p50_us:8.0f}  p90 {timing.p90_us:8.0f}  p99 {timing.p99_us:8.0f}")
        print(f"  ratio to floor: {one.ratio_to_floor:.2f} at p99, {one.ratio_at_p50:.2f} at p50")
    return 0


def _several(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1_000_000):
        raise argparse.ArgumentTypeError("a number from 1 to 1000000")
    return int(text)


async def _measure(folder: Path, events: int) -> Result:
    world = Machine()
    signer = make_key(folder, world)
    async with open_store(folder) as store:
        name = b64(world.token(LOG_BYTES))
        await store.writing(
            lambda con: log.open_log(con, log=name, kid=signer.kid, url="http://x", code="c", fingerprint=signer.kid)
        )
        door = Door(store, world, signer)
        floor = _Floor(folder / "floor.sqlite")
        await floor.open()
        kinds = tuple([await _kind(door, floor, draft, events) for draft in (_OFFER, _NOTE)])
        await floor.close()
    ratio = max(one.ratio_to_floor for one in kinds)
    return Result(folder=str(folder.parent), sqlite=sqlite3.sqlite_version, ratio_to_floor=ratio, kinds=kinds)


class _Floor:
    """The sqlite3 module on a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1)
        self._seq = 0
        self._con: sqlite3.Connection

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._con = await loop.run_in_executor(self._thread, connect, self._path)
        for table in (_EVENT, _OUTBOX):
            await loop.run_in_executor(self._thread, self._con.execute, table)

    async def write(self, raw: bytes, jws: str) -> None:
        self._seq += 1
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, self._seq, raw, jws)

    def _write(self, seq: int, raw: bytes, jws: str) -> None:
        sql = statements("log")
        place = {"log": 1, "seq": seq}
        self._con.execute("BEGIN IMMEDIATE")
        self._con.execute(sql["append"], place | {"raw": raw, "chain": raw[:32], "jws": jws, "recorded_ms": 1})
        self._con.execute(sql["put_out"], place)
        self._con.execute("COMMIT")

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._con.close)
        self._thread.shutdown()


async def _kind(door: Door, floor: _Floor, draft: Draft, events: int) -> Measured:
    recorded: list[int] = []
    floored: list[int] = []
    (sample,) = await door.record([draft])
    for number in range(-WARM_UP, events):
        began = perf_counter_ns()
        await floor.write(sample.raw, sample.jws)
        between = perf_counter_ns()
        await door.record([draft])
        ended = perf_counter_ns()
        if number >= 0:
            floored.append(between - began)
            recorded.append(ended - between)
    record, least = _timing(recorded), _timing(floored)
    return Measured(
        kind=draft.kind,
        signed=bool(sample.jws),
        bytes=len(sample.raw),
        events=events,
        record=record,
        floor=least,
        ratio_to_floor=round(record.p99_us / least.p99_us, 3),
        ratio_at_p50=round(record.p50_us / least.p50_us, 3),
    )


def _timing(nanoseconds: list[int]) -> Timing:
    ordered = sorted(nanoseconds)
    return Timing(
        p50_us=round(median(ordered) / 1000, 1),
        p90_us=round(ordered[len(ordered) * 90 // 100] / 1000, 1),
        p99_us=round(ordered[len(ordered) * 99 // 100] / 1000, 1),
    )
