"""`handover bench fold`: how many events a second become the journey of their job.

Three things take turns, round by round, on the same journeys of 20 events: the fold alone (events decoded and
judged once before), all of it from the bytes (read strictly, judged, folded), and the floor: msgspec decoding the
same bytes to plain objects and doing nothing with them. None of them waits for anything, so seconds are those of
the processor: rates are for one core, whatever else the machine does.
"""

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from statistics import median
from time import thread_time
from typing import Final

import msgspec

from device.commands.parsing import Parser
from sync.codec import encode, read_event
from sync.events import Offered
from sync.journey import journey
from sync.judge import judge
from sync.policy import Device, Directory, Person, Policy, Roster, reference
from sync.problems import NOT_TAKEN, Problem, as_sentence
from sync.protocol import PushLine
from sync.standing import Shelf, Standing
from trial.bench_batches import BOUNDARY, JOURNEY, POLICY, Author, References, journeys

_ISSUED: Final = "2026-09-01T00:00:00Z"
_plain: Final = msgspec.json.Decoder().decode


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Events a second of the processor, over the rounds."""

    median: float
    least: float
    most: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`ratio_to_floor` compares the fold, `ratio_from_bytes` all of it, each with the floor of the same round."""

    journeys: int
    events_each: int
    rounds: int
    events_per_s: float
    ratio_to_floor: float
    ratio_from_bytes: float
    fold: Rate
    from_bytes: Rate
    floor: Rate


def main(argv: list[str]) -> int:
    """Run the bench."""
    parser = Parser(
        prog="handover bench fold", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--journeys", type=_several, default=1_000, help="of 20 events (%(default)s)")
    parser.add_argument("--rounds", type=_several, default=7, help="turns (%(default)s)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        result = measure(args.journeys, args.rounds)
    except Problem as problem:
        print(f"handover bench fold: {as_sentence(problem)}", file=sys.stderr)
        return 1
    if args.json:
        print(encode(result).decode())
        return 0
    print(f"{result.journeys} journeys of {result.events_each} events, events/s, median of {result.rounds} rounds:")
    for name, rate in (("fold", result.fold), ("from bytes", result.from_bytes), ("floor", result.floor)):
        print(f"  {name:<12}{rate.median:10.0f}  ({rate.least:.0f} to {rate.most:.0f})")
    print(f"  ratio to floor: {result.ratio_to_floor:.3f}, from bytes {result.ratio_from_bytes:.3f}")
    return 0


def _several(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1_000_000):
        raise argparse.ArgumentTypeError("a number from 1 to 1000000")
    return int(text)


class _Work:
    """Journeys of one author, and the documents they were recorded under."""

    def __init__(self, count: int) -> None:
        author = Author(0)
        policy = msgspec.structs.replace(POLICY, issued_at=_ISSUED)
        roster = Roster(
            version=1,
            issued_at=_ISSUED,
            devices=(Device(id=author.device, jwk=author.signer.jwk, people=(author.person,)),),
            people={author.person: Person(roles=("technician",), sites=(author.site,))},
        )
        self._under = References(roster=reference(1, encode(roster)), policy=reference(1, encode(policy)))
        self._documents = (Directory(roster), policy)
        self._kid = author.signer.kid
        self.lines = journeys(count, self._under)
        self._judged = [self._judge(lines) for lines in self.lines]
        self._policies: list[dict[str, Policy | None]] = [
            {one.event.hash: policy for one in standings if isinstance(one.event.body, Offered)}
            for standings in self._judged
        ]

    def _judge(self, lines: Sequence[PushLine]) -> list[Standing]:
        shelf = Shelf()
        directory, policy = self._documents
        shelf.hold_roster(self._under.roster, directory)
        shelf.hold_policy(self._under.policy, policy)
        standings = []
        for line in lines:
            standing = judge(read_event(line.raw, self._kid if line.jws else ""), shelf)
            shelf.add(standing)
            standings.append(standing)
        return standings

    def fold(self) -> int:
        """Every journey from what was judged before; the number of events that count."""
        return sum(
            len(journey(standings[0].event.job, standings, policies).timeline)
            for standings, policies in zip(self._judged, self._policies, strict=True)
        )

    def from_bytes(self) -> int:
        """Every journey from its bytes; the number of events that count."""
        counted = 0
        for lines, policies in zip(self.lines, self._policies, strict=True):
            standings = self._judge(lines)
            counted += len(journey(standings[0].event.job, standings, policies).timeline)
        return counted

    def floor(self) -> int:
        """Every event as plain objects; how many."""
        return sum(1 for lines in self.lines for line in lines if _plain(line.raw))


def measure(count: int, rounds: int) -> Result:
    """The bench's result. NOT_TAKEN where an event does not count: the work would not be what it says."""
    work = _Work(count)
    events = count * JOURNEY
    done: dict[str, list[float]] = {"fold": [], "from_bytes": [], "floor": []}
    gc.collect()
    gc.freeze()  # the journeys themselves are no garbage, and a server does not hold them all either
    try:
        for _ in range(rounds):
            for name, what in (("floor", work.floor), ("fold", work.fold), ("from_bytes", work.from_bytes)):
                done[name].append(_rate(what, events))
    finally:
        gc.unfreeze()
    fold = _spread(done["fold"])
    return Result(
        journeys=count,
        events_each=JOURNEY,
        rounds=rounds,
        events_per_s=fold.median,
        ratio_to_floor=_ratio(done["fold"], done["floor"]),
        ratio_from_bytes=_ratio(done["from_bytes"], done["floor"]),
        fold=fold,
        from_bytes=_spread(done["from_bytes"]),
        floor=_spread(done["floor"]),
    )


def _rate(what: Callable[[], int], events: int) -> float:
    began = thread_time()
    counted = what()
    rate = events / (thread_time() - began)
    if counted != events:
        raise Problem(NOT_TAKEN, f"{counted} of {events} events count", BOUNDARY)
    return rate


def _ratio(rates: Sequence[float], floors: Sequence[float]) -> float:
    return round(median(rate / floor for rate, floor in zip(rates, floors, strict=True)), 3)


def _spread(rates: Sequence[float]) -> Rate:
    return Rate(median=round(median(rates)), least=round(min(rates)), most=round(max(rates)))
