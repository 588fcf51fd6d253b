"""What must never happen, looked for after a day: every check counts what it looked at and says what it found.

Nothing is asked of the product: logs, ledger, receipts and verdicts are read from the databases as they lie on the
disk, and what follows from them is worked out here again.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from sync.codec import decode, read_event
from sync.events import LogOpened
from sync.ids import digest, event_name, unb64
from sync.ledger import advance, chain_start, first_break
from sync.problems import Problem
from sync.protocol import Receipt
from sync.seal import Jwk, kid_in, kid_of, verify
from trial.outcome import View
from trial.seen import Seen
from trial.union import Union, ledger_rows, own_rows, read_only

ORDERS: Final = 20
"""Orders of arrival in which all events are judged and folded again."""
MOST_FOUND: Final = 5
"""Breaches that are named; all are counted."""

LOST: Final = "I1 nothing recorded is lost"
TWICE: Final = "I2 nothing counts twice"
RECEIPTS: Final = "I10 every receipt is true"
CHAINS: Final = "I11 every chain is whole"
VERDICTS: Final = "I6 every event has its verdict, and both sides the same"
ACCOUNTABLE: Final = "I8 exactly one party is accountable, at every step"
CONTESTS: Final = "I9 every contest is put before people, at every step"
ORDER: Final = "I7 the order of arrival decides nothing"
AGREED: Final = "I8 all sides name the same accountable party"
EMPTIED: Final = "I17 every outbox is empty"


class Invariant(msgspec.Struct, kw_only=True):
    """How often it was looked at, whether it held, how often it did not, and where (the first few)."""

    checked: int = 0
    held: bool = True
    breaches: int = 0
    found: list[str] = msgspec.field(default_factory=list)

    def look(self, *, good: bool, where: str) -> None:
        """One more look."""
        self.checked += 1
        if not good:
            self.held = False
            self.breaches += 1
            if len(self.found) < MOST_FOUND:
                self.found.append(where)


class Watch:
    """Looks at the union of all logs after every step of a play."""

    def __init__(self) -> None:
        self.accountable = Invariant()
        self.contests = Invariant()

    def look(self, step: str, union: Union) -> None:
        """Somebody answers for each job that was opened, and whatever contradicts itself has a case."""
        for one in union.journeys():
            if one.opened is None:
                continue
            self.accountable.look(good=bool(one.accountable), where=f"{one.job} after {step}")
            cases = {case.basis for case in one.custody.cases}
            contested = union.contested(one.job)
            if contested:
                self.contests.look(good=len(cases) >= len(contested), where=f"{one.job} after {step}")


class Books:
    """The databases of a play: each device's by its name, and the backend's."""

    def __init__(self, devices: Mapping[str, Path], backend: Path) -> None:
        self.devices = devices
        self.backend = backend
        self.ledger = ledger_rows(backend)
        self.own = {name: own_rows(path) for name, path in devices.items()}


def checked(books: Books, union: Union, views: Mapping[str, View], watch: Watch, as_of_ms: int) -> dict[str, Invariant]:
    """Every invariant, by its name."""
    return {
        LOST: _lost(books),
        TWICE: _twice(books, views),
        RECEIPTS: _receipts(books),
        CHAINS: _chains(books),
        VERDICTS: _verdicts(books),
        ORDER: _order(union, as_of_ms),
        ACCOUNTABLE: watch.accountable,
        CONTESTS: watch.contests,
        AGREED: _agreed(views),
        EMPTIED: _emptied(books),
    }


def _lost(books: Books) -> Invariant:
    """Each event of each device's log is in the ledger under its name, byte for byte."""
    found = Invariant()
    for device, rows in books.own.items():
        for row in rows:
            held = books.ledger.get((row.log, row.seq))
            found.look(good=held == row.raw, where=f"{device} {event_name(row.log, row.seq)}")
    return found


def _twice(books: Books, views: Mapping[str, View]) -> Invariant:
    """No event stands in the ledger under two names, and no item was counted more often than it was scanned."""
    found = Invariant()
    for hash_, times in Counter(digest(raw) for raw in books.ledger.values()).items():
        found.look(good=times == 1, where=f"{hash_.hex()[:12]} stands {times} times")
    for job, items in views["all"].items.items():
        for name, item in items.items():
            there = views["backend"].items.get(job, {}).get(name)
            found.look(good=there == item, where=f"{job} {name}")
    return found


def _receipts(books: Books) -> Invariant:
    """What a receipt covers is in the ledger, its head is the chain value there, and the backend signed it."""
    found = Invariant()
    keys = {kid_of(jwk): jwk for jwk in _backend_keys(books.ledger)}
    for device, path in books.devices.items():
        with closing(read_only(path)) as con:
            sealed = [(text, jws) for text, jws in con.execute("SELECT text, jws FROM receipt")]
        for text, jws in sealed:
            found.look(good=_is_true(text, jws, keys, books.ledger), where=f"{device} {text}")
    return found


def _backend_keys(ledger: Mapping[tuple[str, int], bytes]) -> Iterable[Jwk]:
    for (_, seq), raw in ledger.items():
        event = read_event(raw) if seq == 1 else None
        if event is not None and isinstance(event.body, LogOpened) and event.body.device == "backend":
            yield event.body.jwk


def _is_true(text: str, jws: str, keys: Mapping[str, Jwk], ledger: Mapping[tuple[str, int], bytes]) -> bool:
    receipt = decode(text, Receipt)
    try:
        verify(jws, text.encode(), "ho-receipt", keys[kid_in(jws)])
    except (Problem, KeyError):
        return False
    chain = chain_start(receipt.log)
    for seq in range(1, receipt.received_through + 1):
        raw = ledger.get((receipt.log, seq))
        if raw is None:
            return False
        chain = advance(chain, digest(raw))
    return chain == unb64(receipt.head)


def _chains(books: Books) -> Invariant:
    """In each device's log every event follows the one before it."""
    found = Invariant()
    for device, path in books.devices.items():
        with closing(read_only(path)) as con:
            rows = con.execute(
                "SELECT log.log, event.seq, event.raw, event.chain FROM event JOIN log ON log.number = event.log"
                " ORDER BY log.number, event.seq"
            ).fetchall()
        for log in dict.fromkeys(row[0] for row in rows):
            broken = first_break(log, [(seq, raw, chain) for name, seq, raw, chain in rows if name == log])
            found.look(good=broken is None, where=f"{device} at {broken}")
    return found


def _verdicts(books: Books) -> Invariant:
    """The device was told of each of its events what the backend's ledger says of it."""
    words = ("applied", "refused", "parked", "quarantined")
    with closing(read_only(books.backend)) as con:
        rows = con.execute("SELECT log.log, event.seq, event.verdict FROM event JOIN log ON log.ref = event.log")
        said = {(log, seq): words[word] for log, seq, word in rows}
    found = Invariant()
    for device, path in books.devices.items():
        with closing(read_only(path)) as con:
            told = con.execute(
                "SELECT log.log, event.seq, verdict.verdict FROM event JOIN log ON log.number = event.log"
                " LEFT JOIN verdict ON verdict.log = event.log AND verdict.seq = event.seq"
            ).fetchall()
        for log, seq, word in told:
            found.look(good=word is not None and word == said.get((log, seq)), where=f"{device} {log}:{seq} {word}")
    return found


def _order(union: Union, as_of_ms: int) -> Invariant:
    """All events judged and folded in other orders of arrival give the same."""
    found = Invariant()
    wanted = _plain(union.seen(as_of_ms))
    for seed in range(ORDERS):
        again = _plain(union.again(random.Random(seed)).seen(as_of_ms))
        found.look(good=again == wanted, where=f"order {seed}")
    return found


def _plain(seen: Seen) -> bytes:
    jobs = sorted(seen.jobs, key=lambda job: job.job)
    return msgspec.json.encode((jobs, sorted(seen.verdicts.items())))


def _agreed(views: Mapping[str, View]) -> Invariant:
    """The backend, and each device that knows a job, say the party that all logs together say."""
    found = Invariant()
    for name, view in views.items():
        for job, party in views["all"].accountable.items():
            there = view.accountable.get(job)
            if name != "all" and (name == "backend" or there is not None):
                found.look(good=there == party, where=f"{name} says {there} for {job}, all logs say {party}")
    return found


def _emptied(books: Books) -> Invariant:
    """Nothing waits for a receipt any more."""
    found = Invariant()
    for device, path in books.devices.items():
        with closing(read_only(path)) as con:
            (waiting,) = con.execute("SELECT count(*) FROM outbox").fetchone()
        found.look(good=waiting == 0, where=f"{device}: {waiting} wait")
    return found
