"""One event set, folded in many orders and parts: one fold, one set of cases, one accountable party."""

import random

from tests.sync.cast import Step, judged, tell
from tests.sync.folding import said_of, words
from tests.sync.histories import history

RICH = frozenset({"offered", "accepted", "withdrawn", "resolved", "reassigned"})
"""What the history has in it, twice or more acceptances of one offer and contests besides."""
STEPS = 60


def rich_history(rng: random.Random) -> tuple[Step, ...]:
    """A history with withdrawals, contests, late acceptances, resolutions and reassignments in it."""
    while True:
        steps = history(rng, STEPS)
        told = tell(steps)
        said = said_of(told, judged(told.events.values()))
        kinds = {step.kind for step in steps if step.id in said.applied}
        states = {case.state for case in said.cases}
        if kinds >= RICH and len(said.cases) >= 2 and "resolved" in states:
            return tuple(steps)


def fold_in_orders(orders: int, rng: random.Random) -> int:
    """How many orders and partitions were folded; AssertionError where one says something else than the first."""
    told = tell(rich_history(rng))
    events = list(told.events.values())
    first = judged(events)
    wanted, verdicts = said_of(told, first), words(told, first)
    for _ in range(orders):
        rng.shuffle(events)
        filled = None
        at = 0
        while at < len(events):
            count = rng.randint(1, len(events))
            filled = judged(events[at : at + count], filled)
            at += count
        assert filled is not None
        assert words(told, filled) == verdicts, "I7 a verdict depends on the order"
        assert said_of(told, filled) == wanted, "I7 the fold depends on the order"
    return orders
