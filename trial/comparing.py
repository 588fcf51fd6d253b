"""What came of a scenario beside what it expects: every difference, of steps and of views.

A function of what was seen and of nothing else, so that one play can be compared with many expectations.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from trial.changes import Sync
from trial.expectation import Difference, Expected
from trial.outcome import Names, View, differences
from trial.reading import Play
from trial.steps import AnyStep
from trial.terms import Act

Outcome = Literal["recorded", "done", "refused", "failed", "killed", "impossible", "died"]
Shots = dict[tuple[str, str], View]
"""What a view showed right after a step; the step "" stands for the end."""


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a step. `events` are the names of what it recorded, `pictures` how many a camera took for it."""

    id: str
    do: str
    at: str
    by: str
    on: str
    outcome: Outcome
    problem: str = ""
    detail: str = ""
    events: tuple[str, ...] = ()
    pictures: int = 0


def all_differences(
    play: Play, results: Iterable[StepResult], shots: Shots, names: Names, unfired: Mapping[str, str]
) -> tuple[Difference, ...]:
    """Every difference, the steps' first, then the views' in the order of the file.

    `unfired` are hosts that were to be killed at a point they never came to.
    """
    steps = {timed.step.id: timed.step for timed in (*play.openings, *play.steps)}
    found = [one for result in results for one in _of_step(steps[result.id], result)]
    for host, point in unfired.items():
        told = "it never came there"
        found.append(Difference(view="steps", where=host, expected=f"killed at {point}", found=told))
    for name, expected in play.scenario.expect.items():
        for step, wanted in expected.after.items():
            found += _of_view(name, step, wanted, shots, names)
        found += _of_view(name, "", expected, shots, names)
    return tuple(found)


def _of_view(name: str, step: str, expected: Expected, shots: Shots, names: Names) -> list[Difference]:
    shot = shots.get((name, step))
    if shot is not None:
        return differences(name, expected, shot, names, step)
    where = f"after.{step}" if step else "at the end"
    return [Difference(view=name, where=where, expected="running", found="not running")]


def _of_step(step: AnyStep, result: StepResult) -> Iterator[Difference]:
    """Where a step came to something else than it said: refused, failed, dead, or recorded against expectation."""
    wanted = "done"
    if isinstance(step, Act):
        wanted = f"refused {step.refused_by_device}" if step.refused_by_device else "recorded"
    elif isinstance(step, Sync) and step.fails:
        wanted = "failed"
    found = f"refused {result.problem}" if result.outcome == "refused" else str(result.outcome)
    if found not in (wanted, "killed"):
        told = result.outcome if found == wanted else f"{result.outcome} {result.problem} {result.detail}".strip()
        yield Difference(view="steps", where=step.id, expected=wanted, found=told)
