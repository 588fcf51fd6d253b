"""The day on a terminal: progress while it is played, then what came of it, in 80 columns, in colour or plain."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from trial.comparing import StepResult
from trial.day import Avoided, Demo, Kept
from trial.reading import Play

WIDTH: Final = 80
_GOOD, _BAD, _DIM = "green", "bold red", "dim"


class Teller(Protocol):
    """Hears of each step as it is done."""

    def step(self, about: str, result: StepResult) -> None:
        """A step was done; `about` is what the scenario says of it."""

    def note(self, text: str) -> None:
        """Something else is going on."""


class Quiet:
    """Says nothing: for a program that reads the facts."""

    def step(self, about: str, result: StepResult) -> None:
        """See `Teller`."""

    def note(self, text: str) -> None:
        """See `Teller`."""


def console() -> Console:
    """The terminal, or whatever stands in for one: never wider than 80 columns, plain where nobody sees colours."""
    found = Console(highlight=False, soft_wrap=False)
    return Console(highlight=False, width=min(WIDTH, found.width))


class _Told:
    def __init__(self, out: Console, progress: Progress | None, total: int) -> None:
        self._out = out
        self._progress = progress
        self._task = progress.add_task("", total=total) if progress else None

    def step(self, about: str, result: StepResult) -> None:
        if about:
            self._line(result.at[11:16], about)
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=1, description=result.id)

    def note(self, text: str) -> None:
        self._line("     ", text)

    def _line(self, when: str, text: str) -> None:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=5, style=_DIM)
        row.add_column()
        row.add_row(when, text)
        self._out.print(row)


@contextmanager
def telling(out: Console, play: Play) -> Iterator[Teller]:
    """A teller with a progress display where there is a terminal, and line by line where there is none."""
    total = len(play.openings) + len(play.steps)
    if not out.is_terminal:
        yield _Told(out, None, total)
        return
    columns = (SpinnerColumn(), BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=out, transient=True) as progress:
        yield _Told(out, progress, total)


def head(out: Console, play: Play) -> None:
    """What is about to be seen, and what of it is for trials."""
    out.print(Text(play.scenario.name, style="bold"))
    devices = ", ".join(play.scenario.devices)
    out.print(f"One backend and {len(play.scenario.devices)} devices, a process each: {devices}.")
    out.print(
        "Codes are drawn as PNG, put through a camera model (rotation, perspective, blur, noise, JPEG) and read back."
        " The camera model has no moire, rolling shutter or reflections."
    )
    out.print("MQTT goes through a trial broker (amqtt) in this process. It is for trials only: it forgets.")
    out.print()


def tell(out: Console, demo: Demo) -> None:
    """What the day came to."""
    _accountable(out, demo)
    _handovers(out, demo)
    _contested(out, demo)
    _signals(out, demo)
    _avoided(out, demo.avoided)
    _invariants(out, demo)
    _next(out, demo)


def _title(out: Console, text: str) -> None:
    out.print()
    out.print(Text(text, style="bold"))


def _accountable(out: Console, demo: Demo) -> None:
    _title(out, "Who is accountable now, and since when")
    table = _table("job", "what", "accountable", "since", "by")
    for one in demo.accountable:
        state = "" if one.state == "open" else f" ({one.state})"
        table.add_row(one.job, f"{one.what}, {one.site}{state}", one.party, one.since[11:16], one.by)
    out.print(table)


def _handovers(out: Console, demo: Demo) -> None:
    one = demo.handovers
    _title(out, "Handovers")
    out.print(
        f"{one.offered} offered, {one.accepted} accepted ({one.by_codes} by codes, {one.remote} by sync,"
        f" {one.guests} by a guest), {one.confirmed} confirmed, {one.reserved} with a reservation,"
        f" {one.refusals} refused, {one.withdrawn} withdrawn, {one.lapsed} lapsed with {one.escalated} escalation(s)."
    )
    for text in demo.merged:
        out.print(f"Merged: {text}.")
    for check, became in demo.gaps.items():
        out.print(f"Gap found by the check '{check}': {became}.")
    table = _table("completeness by element", "said", "declared gap", "missing")
    for element, count in demo.completeness.items():
        table.add_row(element.replace("_", " "), str(count.present), str(count.declared_gap), str(count.missing))
    out.print(table)


def _contested(out: Console, demo: Demo) -> None:
    _title(out, "What was contested, and how it ended")
    for one in demo.contested:
        out.print(f"{one.job}: {' and '.join(one.parties)} ({one.state}); {one.ended}.")


def _signals(out: Console, demo: Demo) -> None:
    _title(out, "What the signals say")
    for one in demo.signals:
        style = _BAD if one.label == "contradicted" else _GOOD if one.label == "corroborated" else ""
        out.print(Text(f"{one.person} at {one.site}: ").append(one.label, style=style))


def _avoided(out: Console, one: Avoided) -> None:
    _title(out, "Repeat visits avoided, in two years of history")
    out.print(Text(one.sentence, style=_GOOD))
    table = _table("", "estimate", "95 % from", "to", "known truth")
    table.add_row("all", f"{one.estimate:.0f}", f"{one.low:.0f}", f"{one.high:.0f}", str(one.truth))
    table.add_row("of which at the check", f"{one.at_the_check:.0f}", "", "", str(one.at_the_check_truth))
    out.print(table)
    out.print(
        f"State {one.state}, grade {one.grade}. {one.visits} visits at {one.sites} sites ({one.never_live} never live),"
        f" drawn with seed {one.seed}; {one.counted} count after the switch-on. The {one.immature} of the last"
        f" {one.immature_days} days are immature: their window is not over, they are not counted."
    )
    where = "inside" if one.covered else "outside"
    out.print(f"The truth is {where} the interval; it is known because the history was drawn.")


def _invariants(out: Console, demo: Demo) -> None:
    _title(out, "What must never happen")
    table = _table("", "looked at", "held")
    for name, one in demo.invariants.items():
        held = Text("yes", style=_GOOD) if one.held else Text(f"NO, {one.breaches} times", style=_BAD)
        table.add_row(name, str(one.checked), held)
    out.print(table)
    out.print(
        f"{demo.recorded} events recorded, {demo.sent} sent, {demo.resent} of them sent again,"
        f" {demo.killed} process(es) killed, {demo.lost} lost, {demo.applied_twice} applied twice;"
        f" {demo.pictures} pictures of codes taken."
    )
    for name, one in demo.invariants.items():
        for where in one.found:
            out.print(Text(f"{name}: {where}", style=_BAD))
    for other in demo.differences:
        told = f"{other.view} {other.where}: expected {other.expected}, found {other.found}"
        out.print(Text(told, style=_BAD))


def _ways_in(out: Console, kept: Kept) -> None:
    _title(out, "Look around")
    out.print(f"The pages are at {kept.address}/ until Ctrl-C. Sign in as:", soft_wrap=True)
    table = _table("role", "name", "password")
    for one in kept.sign_ins:
        table.add_row(one.role, one.person, one.password)
    out.print(table)
    out.print(f"A device of your own, {kept.device}, records for a technician. Enrol it with this code:")
    out.print(f"  handover device enrol --dir phone {shlex.quote(kept.enrolment)}", soft_wrap=True, highlight=False)
    out.print(f"Programs: {kept.address}/schema", soft_wrap=True)
    out.print(f"  curl -H 'Authorization: Bearer {kept.token}' {kept.address}/api/jobs", soft_wrap=True)
    out.print(f"All of it stays in {kept.directory}", soft_wrap=True)


def _next(out: Console, demo: Demo) -> None:
    out.print()
    if demo.held:
        out.print(Text(f"Everything held. {demo.seconds:.0f} s.", style=_GOOD))
    else:
        out.print(Text("Something did not hold; it is named above.", style=_BAD))
    if demo.kept:
        _ways_in(out, demo.kept)
    out.print("Where to look next:")
    out.print("  handover demo --keep            keeps the backend and its pages up, to look around in")
    out.print("  handover replay fixtures/scenarios/05-contest-and-resolution.json")
    out.print("  fixtures/scenarios/README.md    how to write a day of your own")
    out.print("  README.md, DECISIONS.md         the tour, and why it is built so")


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style=_DIM)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
