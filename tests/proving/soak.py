"""The product under fire, in real processes: twenty devices and their backend, a network that breaks, and kill -9.

Run as `python -m tests.proving.soak --minutes N [--json]` or `./run soak`. It prints what was done and what of it was
lost, applied twice, without anybody accountable, or against an invariant; exit code 0 if all of these are 0.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import closing, redirect_stdout, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from backend.commands import backup, devices, people, policies, restore, sites
from backend.commands import loss as losses
from backend.facts import WORDS
from backend.world import POINTS as OFFICE_POINTS
from device.store.sqlite import FILE
from device.world import POINTS as DEVICE_POINTS
from sync.codec import decode, read_event
from sync.custody import custody
from sync.events import CUSTODY
from sync.ids import event_hash
from sync.judge import judge_all
from sync.policy import Directory, Policy, Roster
from sync.protocol import Receipt, read_document
from sync.seal import kid_in
from sync.standing import Shelf
from tests.lints import ROOT
from tests.proving.checker import Checker, Held, Name, Store
from tests.proving.folding import fold_in_orders
from tests.proving.hand import Plan
from tests.proving.proxy import Proxy

BACKED_UP_AT: Final = 0.25
RESTORED_AT: Final = 0.5
"""Of the time: when yesterday's backup is made, and when it takes the backend's place."""
HELD_OF: Final = (
    "SELECT log.log, seq, bytes FROM event JOIN log ON log.ref = event.log"
    " WHERE staff = {staff} AND (staff OR seq <= through)"
)
"""What is received of devices; of the office's own, given back, also what stands behind a gap."""
LONGEST_LOSS_S: Final = 60.0
"""What backup and restore take from the time in which the backend is struck."""
HARD_S: Final = 240.0
"""How long everything may take to settle once nothing goes wrong any more."""


class Report(msgspec.Struct, kw_only=True):
    """What a soak did, and what it found."""

    minutes: float
    devices: int
    took_s: int = 0
    events: int = 0
    operations: dict[str, int] = {}
    faults: dict[str, int] = {}
    kills: dict[str, int] = {}
    points: dict[str, int] = {}
    receipts: int = 0
    moments: int = 0
    orders_folded: int = 0
    lost: int = 0
    twice: int = 0
    unaccountable: int = 0
    invariant_failures: int = 0
    waiting: int = 0
    restores: int = 0
    refilled: int = 0
    """Events that the restored backup did not hold, and that came back."""
    unfilled: int = 0
    staff_lost: int = 0
    """Of the office's own events those that a device had heard of and none held: each has to be declared lost."""
    silent: int = 0
    """Of these, what nobody was told of."""
    epochs: int = 0
    """New epochs that began: one a restore."""
    found: list[str] = []
    never: list[str] = []
    """Named points at which nobody died, where there were kills enough for each."""

    @property
    def held(self) -> bool:
        bad = self.lost or self.twice or self.unaccountable or self.invariant_failures or self.waiting
        badly_filled = self.unfilled or self.silent or self.epochs != self.restores
        return not (bad or badly_filled or self.never)


class Process:
    """A child whose lines are taken as they come; it may be killed at any time."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self._words,
            cwd=ROOT,
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def line(self) -> str:
        """The next line; "" once there is none any more."""
        if self.process is None or self.process.stdout is None:
            return ""
        return (await self.process.stdout.readline()).decode().strip()

    async def end(self) -> int:
        """Killed, unless it is gone: its exit code."""
        self.strike()
        return await self.process.wait() if self.process is not None else 0

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        return await self.process.wait() if self.process is not None else 0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def strike(self) -> None:
        """kill -9, if it runs."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):  # Popen's own would reap the child behind asyncio's back
                os.kill(self.process.pid, signal.SIGKILL)


class Device:
    """One device over all its lives."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.shown: dict[int, str] = {}
        self.done = False
        self.ended = False
        self.child: Process | None = None
        self.lives = 0


class Loss:
    """The day that is lost: what stood where when yesterday's backup took the backend's place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.device_events: frozenset[tuple[str, int, str]] = frozenset()
        self.staff_events: frozenset[tuple[str, int]] = frozenset()
        self.heard: dict[str, int] = {}
        """How far devices had heard that logs of the office reach."""
        self.refilling = False
        self.looking = asyncio.Lock()
        """Nobody looks while one database takes the place of another."""


class Soak:
    """One run."""

    def __init__(self, folder: Path, *, minutes: float, count: int, events: int, kills: int, seed: int) -> None:
        self.folder = folder
        self.rng = random.Random(seed)
        self.for_s = minutes * 60
        self.kills = kills
        self.each = events // count
        self.database = folder / "handover.db"
        self.report = Report(minutes=minutes, devices=count)
        self.did: Counter[str] = Counter()
        self.killed: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.checker = Checker()
        self.office: Process | None = None
        self.office_up = asyncio.Event()
        self.ending = False
        self.loss = Loss(folder / "yesterday")
        with closing(socket.create_server(("127.0.0.1", 0))) as found:
            self.port: int = found.getsockname()[1]
        self.proxy = Proxy(self.port, random.Random(seed + 1), share=0.03, lost_replies=0.10)
        self.devices = [
            Device(
                Plan(
                    folder=str(folder / f"phone-{n}"),
                    person=f"person-{n}",
                    mate=f"person-{n ^ 1}",
                    site=f"site-{n // 2}",
                    seed=seed,
                    for_s=self.for_s,
                    upto=self.each,
                )
            )
            for n in range(count)
        ]

    # -- setting up -----------------------------------------------------------
    def _command(self, command: Any, *args: str) -> str:  # noqa: ANN401 - a command's main
        out = io.StringIO()
        with redirect_stdout(out):
            code = command([*args, "--database", str(self.database)])
        if code:
            raise RuntimeError(f"{args} ended with {code}")
        return out.getvalue()

    async def set_up(self) -> None:
        await self.proxy.start()
        for device in self.devices:
            plan = device.plan
            if plan.site.endswith(plan.person.partition("-")[2]) or not int(plan.person.partition("-")[2]) % 2:
                self._command(sites.main, "add", plan.site)
            self._command(people.main, "add", plan.person, "--role", "technician", "--site", plan.site)
        for number, device in enumerate(self.devices):
            self._command(devices.main, "add", f"phone-{number}", "--person", device.plan.person)
        self._command(sites.main, "add", "afar")
        self._command(people.main, "add", "dora", "--role", "dispatcher", "--role", "manager", "--site", "*")
        self.token = self._command(people.main, "token", "dora").strip()
        rules = self.folder / "policy.json"
        rules.write_text(json.dumps({"boundary": "any"}))
        self._command(policies.main, "set", str(rules))
        await self.start_office()
        share, self.proxy.share = self.proxy.share, 0.0
        lost, self.proxy.lost_replies = self.proxy.lost_replies, 0.0
        for number, device in enumerate(self.devices):
            text = self._command(
                devices.main, "enrol-code", f"phone-{number}", "--url", f"http://127.0.0.1:{self.proxy.port}", "--json"
            )
            code = json.loads(text)["text"]
            point = "key-kept" if number == 0 else ""
            if point:
                first = await self._enrol(device, code, point)
                if first != -signal.SIGKILL:
                    raise RuntimeError("it was to die at its key")
                self.points[f"device {point}"] += 1
                self.killed["device"] += 1
            if await self._enrol(device, code, ""):
                raise RuntimeError(f"phone-{number} could not be enrolled")
        self.proxy.share, self.proxy.lost_replies = share, lost

    async def _enrol(self, device: Device, code: str, point: str) -> int:
        plan = msgspec.structs.replace(device.plan, code=code, point=point, passings=1 if point else 0)
        child = Process("tests.proving.hand", msgspec.json.encode(plan).decode())
        await child.start()
        while await child.line():
            pass
        return await child.process.wait() if child.process else 1

    async def start_office(self, point: str = "", passings: int = 0) -> None:
        """The backend runs, or dies on its way up; whoever kept it waits for `office_up`."""
        self.office = Process("tests.together.office", str(self.database), str(self.port), point, str(passings))
        await self.office.start()
        line = await self.office.line()
        if "serves at" in line:
            self.office_up.set()

    # -- lives and deaths -----------------------------------------------------
    async def live(self, device: Device) -> None:
        """A device's lives, one after the other, until the soak ends."""
        point, passings = "", 0
        while not self.ending:
            device.lives += 1
            plan = msgspec.structs.replace(device.plan, point=point, passings=passings)
            device.child = Process("tests.proving.hand", msgspec.json.encode(plan).decode())
            await device.child.start()
            while line := await device.child.line():
                word, *rest = line.split()
                if word == "recorded":
                    device.shown[int(rest[0])] = rest[1]
                elif word == "did":
                    self.did[" ".join(rest)] += 1
                elif word == "done":
                    device.done = True
            code = await device.child.wait()
            if code == 0:
                device.ended = True
                return
            if code == -signal.SIGKILL:
                self.killed["device"] += 1
                if point and self._was_armed(device):
                    self.points[f"device {point}"] += 1
            else:
                self.did[f"ended with {code}"] += 1
            point, passings = self.next_point()

    def _was_armed(self, device: Device) -> bool:
        return device not in self.struck

    def next_point(self) -> tuple[str, int]:
        """Where the next life ends, for a third of them: the point that was died at least often so far."""
        if self.proxy.lost_replies == 0.0 or self.rng.random() < 0.4 or self.killed["device"] >= self.kills:
            return "", 0
        seldom = min(DEVICE_POINTS[1:], key=lambda one: self.points[f"device {one}"])
        return seldom, self.rng.randint(1, 6)

    async def strike_devices(self) -> None:
        self.struck: set[Device] = set()
        began = time.monotonic()
        while time.monotonic() - began < self.for_s * 0.95:
            await asyncio.sleep(self.for_s * 0.9 / max(self.kills, 1) * self.rng.uniform(0.5, 1.3))
            if self.killed["device"] >= self.kills:
                return
            device = self.rng.choice(self.devices)
            if device.child is not None and device.child.alive:
                self.struck.add(device)
                device.child.strike()
                await asyncio.sleep(0.2)
                self.struck.discard(device)

    async def strike_office(self) -> None:
        """The backend dies at random moments and at its named points, and is started again each time."""
        began = time.monotonic()
        while self.killed["backend"] < self.kills and time.monotonic() - began < self.for_s + LONGEST_LOSS_S:
            await self._lose_a_day(time.monotonic() - began)
            armed = self.killed["backend"] % 2 == 1
            point = min(OFFICE_POINTS, key=lambda one: self.points[f"backend {one}"]) if armed else ""
            await self._restart_office(point, self.rng.randint(3, 25) if armed else 0)
            pause = self.for_s * 0.9 / max(self.kills, 1) * self.rng.uniform(0.3, 1.1)
            if self.office is None or self.office.process is None:
                return
            gone = asyncio.create_task(self.office.process.wait())
            await asyncio.wait({gone}, timeout=pause)
            if gone.done() and armed:
                self.points[f"backend {point}"] += 1
            gone.cancel()
            self.killed["backend"] += 1
        await self._restart_office("", 0)
        while not self.report.restores:
            await asyncio.sleep(1)
            await self._lose_a_day(time.monotonic() - began)

    async def _lose_a_day(self, gone_s: float) -> None:
        """A backup is made while all goes on; later the office works, and then the backup takes the backend's place."""
        if not self.loss.folder.exists():
            if gone_s > BACKED_UP_AT * self.for_s:
                await self._ready_office()
                await asyncio.to_thread(self._command, backup.main, str(self.loss.folder))
            return
        if self.report.restores or gone_s < self.for_s * RESTORED_AT:
            return
        await self._ready_office()
        await asyncio.to_thread(self._work_in_the_office)
        await asyncio.sleep(min(self.for_s / 20, 10))  # some devices hear of it
        if self.office is not None:
            await self.office.end()
        self.office_up.clear()
        async with self.loss.looking:
            await asyncio.to_thread(self._note_what_stands)
            await asyncio.to_thread(self._command, restore.main, str(self.loss.folder))
        self.report.restores += 1
        await self.start_office()

    async def _ready_office(self) -> None:
        """It serves, and does not die of itself."""
        while True:
            await self._restart_office("", 0)
            if self.office_up.is_set():
                return

    def _work_in_the_office(self) -> None:
        """Jobs that devices pull, and jobs out of everybody's scope, of which they hear no more than that there are."""
        for number in range(10):
            asked = {"action": f"opens-{number:05}", "site": "afar" if number % 2 else "site-0"}
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.port}/api/jobs",
                json.dumps(asked).encode(),
                {"authorization": f"Bearer {self.token}", "content-type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                answer.read()

    def _note_what_stands(self) -> None:
        loss = self.loss
        loss.device_events = frozenset(
            (log, seq, event_hash(raw)) for log, seq, raw in rows(self.database, HELD_OF.format(staff=0))
        )
        loss.staff_events = frozenset((log, seq) for log, seq, _ in rows(self.database, HELD_OF.format(staff=1)))
        for device in self.devices:
            for log, through in rows(
                Path(device.plan.folder) / FILE, "SELECT log, received_through FROM office_receipt"
            ):
                loss.heard[log] = max(through, loss.heard.get(log, 0))
        loss.refilling = True

    async def _restart_office(self, point: str, passings: int) -> None:
        if self.office is not None:
            await self.office.end()
        self.office_up.clear()
        await self.start_office(point, passings)

    # -- looking --------------------------------------------------------------
    def outboxes(self, *, all_of_them: bool = False) -> dict[Name, frozenset[str]]:
        """What waits on devices, or all that they recorded: while a restored backend is filled they send any of it."""
        found: dict[Name, set[str]] = {}
        sql = (
            "SELECT log.log, event.seq, raw FROM outbox JOIN event ON (event.log, event.seq) = (outbox.log, outbox.seq)"
            " JOIN log ON log.number = event.log"
        )
        if all_of_them:
            sql = "SELECT log.log, event.seq, raw FROM event JOIN log ON log.number = event.log"
        for device in self.devices:
            for log, seq, raw in rows(Path(device.plan.folder) / FILE, sql):
                found.setdefault((log, seq), set()).add(event_hash(raw))
        return {name: frozenset(hashes) for name, hashes in found.items()}

    def store(self) -> Store:
        sql = "SELECT log.log, seq, bytes, chain, verdict, position IS NOT NULL FROM {0} JOIN log ON log.ref = {0}.log"
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as con:
            con.execute("BEGIN")
            ((epoch,),) = con.execute("SELECT value FROM setting WHERE name = 'epoch'").fetchall()
            found = [row for table in ("event", "fork") for row in con.execute(sql.format(table))]
        return Store(
            epoch,
            tuple(
                ((log, seq), Held(event_hash(raw), chain, WORDS[word], int(counts)))
                for log, seq, raw, chain, word, counts in found
            ),
        )

    def names(self) -> dict[str, str]:
        """The log of each device that has one."""
        found = {}
        for device in self.devices:
            ((log,),) = rows(Path(device.plan.folder) / FILE, "SELECT log FROM log")
            found[device.plan.person] = log
        return found

    def look(self) -> None:
        """In this order: what was shown, what waits, what the backend holds: an event only ever goes that way."""
        logs = self.names()
        for device in self.devices:
            for seq, hash_ in device.shown.items():
                self.checker.show(logs[device.plan.person], seq, hash_)
        waiting = self.outboxes(all_of_them=self.loss.refilling)
        self.checker.look(self.store(), waiting)

    async def keep_looking(self) -> None:
        while not self.ending:
            await asyncio.sleep(max(self.for_s / 12, 5))
            async with self.loss.looking:
                await asyncio.to_thread(self.look)

    # -- the whole ------------------------------------------------------------
    async def run(self) -> Report:
        await self.set_up()
        start = time.time()
        for device in self.devices:
            device.plan = msgspec.structs.replace(device.plan, start=start)
        lives = [asyncio.create_task(self.live(device)) for device in self.devices]
        looking = asyncio.create_task(self.keep_looking())
        began = time.monotonic()
        await asyncio.gather(self.strike_devices(), self.strike_office())
        await asyncio.sleep(max(self.for_s - (time.monotonic() - began), 0))
        faults, self.proxy.share, self.proxy.lost_replies = dict(self.proxy.counts), 0.0, 0.0
        await self.settle()
        self.ending = True
        looking.cancel()
        for device in self.devices:
            if device.child is not None:
                await device.child.end()
        await asyncio.gather(*lives, looking, return_exceptions=True)
        if self.office is not None:
            await self.office.end()
        await self.proxy.stop()
        self.report.took_s = round(time.monotonic() - began)
        self.judge(faults)
        return self.report

    async def settle(self) -> None:
        """Everybody has recorded all and has a receipt for it, or has had the time to."""
        until = time.monotonic() + HARD_S + self.for_s
        while time.monotonic() < until and not all(device.ended for device in self.devices):
            if all(device.done for device in self.devices):
                (self.folder / "end").touch()
            await asyncio.sleep(0.5)

    def judge(self, faults: dict[str, int]) -> None:
        """What it all came to, from the databases as they lie there."""
        report, checker = self.report, self.checker
        self.loss.refilling = False
        self.look()
        store = self.store()
        waiting = self.outboxes()
        checker.healed(waiting)
        logs = self.names()
        for device in self.devices:
            for (text,) in rows(Path(device.plan.folder) / FILE, "SELECT text FROM receipt"):
                receipt = decode(text, Receipt)
                if receipt.epoch != store.epoch:
                    continue  # of before the restore
                report.receipts += 1
                checker.receipt(store, receipt.log, receipt.epoch, receipt.received_through, receipt.head)
        held = {name: row.hash for name, row in store.rows}
        for device in self.devices:
            log = logs[device.plan.person]
            report.lost += sum(held.get((log, seq)) != hash_ for seq, hash_ in device.shown.items())
            report.events += sum(name[0] == log for name in held)
        seen = Counter(row.hash for _, row in store.rows)
        scans, installed = self._items()
        report.twice = sum(times > 1 for times in seen.values()) + abs(scans - installed)
        report.moments, report.unaccountable = self._moments()
        report.orders_folded = fold_in_orders(10_000 if self.for_s >= 300 else 100, self.rng)
        self._judge_loss()
        report.waiting = len(waiting)
        report.invariant_failures = len(checker.findings)
        report.found = [f"{one.invariant}: {one.where}" for one in checker.findings[:10]]
        report.operations = dict(sorted(self.did.items()))
        report.faults = dict(sorted(faults.items()))
        report.kills = dict(self.killed)
        report.points = dict(sorted(self.points.items()))
        if self.kills >= 50:
            wanted = [f"device {one}" for one in DEVICE_POINTS] + [f"backend {one}" for one in OFFICE_POINTS]
            report.never = [one for one in wanted if not self.points[one]]

    def _judge_loss(self) -> None:
        """What came back of the day that was lost, and whether all that did not is told and declared."""
        report, loss = self.report, self.loss
        now = {(log, seq, event_hash(raw)) for log, seq, raw in rows(self.database, HELD_OF.format(staff=0))}
        yesterday = rows(loss.folder / "handover.db", HELD_OF.format(staff=0))
        report.unfilled = len(loss.device_events - now)
        report.refilled = len(loss.device_events) - len(yesterday)
        staff = {(log, seq) for log, seq, _ in rows(self.database, HELD_OF.format(staff=1))}
        gone = {(log, seq) for log, seq in loss.staff_events - staff if seq <= loss.heard.get(log, 0)}
        missing = json.loads(self._command(losses.main, "list", "--json"))["gaps"]
        told = {(gap["log"], seq) for gap in missing for seq in range(gap["from"], gap["to"] + 1)}
        self._command(losses.main, "declare", "--by", "dora", "--all")
        said = rows(self.database, "SELECT log, first, last FROM lost_range")
        declared = {(log, seq) for log, first, last in said for seq in range(first, last + 1)}
        report.staff_lost, report.silent = len(gone), len(gone - (told & declared))
        ((report.epochs,),) = rows(self.database, "SELECT count(*) FROM ended_epoch")

    def _items(self) -> tuple[int, int]:
        """How many scans there are in the ledger, and how many the backend's own rows count."""
        ((scans,),) = rows(self.database, 'SELECT count(*) FROM event WHERE instr(bytes, \'"kind":"item.scanned"\')')
        bodies = rows(self.database, "SELECT body FROM item_row")
        return scans, sum(json.loads(body).get("installed", 0) for (body,) in bodies)

    def _moments(self) -> tuple[int, int]:
        """Every custody event, in the order in which it came to count, is a moment: at how many nobody answered."""
        shelf = Shelf()
        for reference, raw in rows(self.database, "SELECT reference, bytes FROM document"):
            document = read_document(raw)
            if isinstance(document, Roster):
                shelf.hold_roster(reference, Directory(document))
            elif isinstance(document, Policy):
                shelf.hold_policy(reference, document)
        jobs: dict[str, list[str]] = {}
        moments = nobody = 0
        sql = "SELECT bytes, jws FROM event WHERE position IS NOT NULL AND jws IS NOT NULL ORDER BY position"
        for raw, jws in rows(self.database, sql):
            event = read_event(raw, kid_in(jws) if jws else "")
            if event.kind not in CUSTODY:
                continue
            judge_all([event], shelf)
            jobs.setdefault(event.job, []).append(event.hash)
            moments += 1
            applied = [shelf.standings[one] for one in jobs[event.job]]
            nobody += not custody([one for one in applied if one.verdict.word == "applied"]).accountable
        return moments, nobody


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """What is committed, read without the product's code."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as con:
        return con.execute(sql).fetchall()


def soak(*, minutes: float, devices: int, events: int, kills: int, seed: int) -> Report:
    """One soak in a folder of its own, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="soak "))
    try:
        return asyncio.run(Soak(folder, minutes=minutes, count=devices, events=events, kills=kills, seed=seed).run())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def told(report: Report) -> str:
    """The report for people."""
    lines = [
        f"{report.minutes:g} minutes (took {report.took_s} s), {report.devices} devices, {report.events} events",
        "operations        " + ", ".join(f"{name} {count}" for name, count in report.operations.items()),
        "faults injected   " + ", ".join(f"{name} {count}" for name, count in report.faults.items()),
        "kills             " + ", ".join(f"{name} {count}" for name, count in report.kills.items()),
        "at named points   " + ", ".join(f"{name} {count}" for name, count in report.points.items()),
        f"receipts checked  {report.receipts}, custody moments {report.moments}, orders folded {report.orders_folded}",
        f"backups restored  {report.restores}, new epochs {report.epochs}",
        f"came back         {report.refilled} events, {report.unfilled} did not",
        f"office's own lost {report.staff_lost}, all declared but {report.silent}",
        f"lost              {report.lost}",
        f"applied twice     {report.twice}",
        f"unaccountable     {report.unaccountable}",
        f"invariants broken {report.invariant_failures}",
        f"still in outboxes {report.waiting}",
        *report.found,
        *(f"nobody died at {one}" for one in report.never),
        "Everything held." if report.held else "NOT everything held.",
    ]
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--kills", type=int, default=100, help="of the backend, and as many of devices")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    seed = args.seed if args.seed is not None else random.SystemRandom().getrandbits(32)
    if not args.json:
        print(f"seed {seed}", flush=True)
    report = soak(minutes=args.minutes, devices=args.devices, events=args.events, kills=args.kills, seed=seed)
    print(json.dumps(msgspec.to_builtins(report), indent=2) if args.json else told(report))
    return 0 if report.held else 1


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
