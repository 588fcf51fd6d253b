"""`handover estimate`: avoided repeat visits for anyone who has history in a table, without any of our devices."""

import sys
from pathlib import Path

import msgspec

from backend.measures.appraisal import MODES, Appraisal, ModeWish, appraised_history
from backend.measures.cells_csv import read_cells
from backend.measures.model import Mode
from backend.measures.statement import rounded
from backend.measures.states import Missing, sentence
from device.commands.parsing import Parser
from sync.problems import NO_FILE, Problem, as_sentence


def main(argv: list[str]) -> int:
    """Print the estimate of a table; 2 where the table cannot be read."""
    parser = Parser(
        prog="handover estimate",
        description="Repeat visits avoided, from a table of visits and repeats per site, period of four weeks and job "
        "type, before and after each site's switch-on.",
    )
    parser.add_argument(
        "cells", metavar="CELLS.csv", help="columns site, month, jobtype, live (0 or 1), visits, repeats"
    )
    parser.add_argument(
        "--mode",
        choices=["auto", *MODES],
        default="auto",
        help="controls: compared with sites not yet live; trend: with trend and season; auto: both, and which the "
        "grade selects",
    )
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    asked = parser.parse_args(argv)
    try:
        facts = estimate_of(_bytes_of(asked.cells), asked.mode)
    except Problem as problem:
        print(f"handover estimate: {as_sentence(problem)}", file=sys.stderr)
        return 2
    if asked.json:
        print(msgspec.json.encode(facts.as_plain(), order="sorted").decode())
    else:
        print("\n".join(_lines(facts)))
    return 0


class Estimates(msgspec.Struct, frozen=True, kw_only=True):
    """The appraisal of a table in each mode asked for, and the mode that the grade selects."""

    selected: Mode
    by_mode: dict[Mode, Appraisal]

    @property
    def chosen(self) -> Appraisal:
        """The appraisal in the selected mode."""
        return self.by_mode[self.selected]

    def as_plain(self) -> dict[str, object]:
        """For JSON: each mode's facts under its name, and those of the selected mode beside them."""
        modes: dict[str, object] = {mode: _plain(appraisal) for mode, appraisal in self.by_mode.items()}
        return {"selected": self.selected} | _plain(self.chosen) | modes


def estimate_of(raw: bytes, wish: ModeWish) -> Estimates:
    """The estimates of a table of cells: of the wished mode, or of both. Raises BAD_TABLE."""
    cells = read_cells(raw)
    wished = MODES if wish == "auto" else (wish,)
    selected = appraised_history(cells, wish)
    by_mode = {mode: selected if mode == selected.mode else appraised_history(cells, mode) for mode in wished}
    return Estimates(selected=selected.mode, by_mode=by_mode)


def _bytes_of(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise Problem(NO_FILE, error.strerror or "cannot be read", path) from error


def _plain(appraisal: Appraisal) -> dict[str, object]:
    """An appraisal without a level between it and its numbers; estimate, low and high are null where there is none."""
    facts: dict[str, object] = dict.fromkeys(("estimate", "low", "high", "expected", "observed", "ratio", "phi"))
    made = appraisal.estimate
    if made is not None:
        facts |= {**rounded(msgspec.to_builtins(made))}
        facts["phi_by_months"] = {str(one.months): round(one.phi, 6) for one in made.spread}
    return facts | {
        "mode": appraisal.mode,
        "state": appraisal.state,
        "sentence": sentence(appraisal.state, made),
        "grade": appraisal.grade,
        "placebo": rounded(msgspec.to_builtins(appraisal.placebo)),
        "missing": rounded(msgspec.to_builtins(appraisal.missing)),
        "evidence": rounded(msgspec.to_builtins(appraisal.evidence)),
    }


def _lines(estimates: Estimates) -> list[str]:
    chosen = estimates.chosen
    lines = [f"{sentence(chosen.state, chosen.estimate)}", f"State {chosen.state}, grade {chosen.grade}."]
    for mode, appraisal in estimates.by_mode.items():
        mark = "*" if mode == estimates.selected else " "
        made = appraisal.estimate
        if made is None:
            lines.append(f"{mark} {mode:<9} needs visits both before and after a switch-on")
            continue
        ratio = "too few to say" if made.ratio is None else f"{made.ratio:.3f}"
        lines.append(
            f"{mark} {mode:<9}{made.estimate:.3f} avoided [{made.low:.3f}, {made.high:.3f}]; expected "
            f"{made.expected:.3f}, observed {made.observed}, ratio {ratio}, phi {made.phi:.4f}"
        )
        placebo = appraisal.placebo
        if placebo is None:
            lines.append("            placebo: nothing to make it from")
        else:
            found = "finds nothing, as it should" if placebo.passed else "finds an effect where there was none"
            lines.append(
                f"            placebo: {placebo.estimate:.3f} [{placebo.low:.3f}, {placebo.high:.3f}], {found}"
            )
    lines.extend(f"  missing: {_missing(one)}" for one in chosen.missing)
    if len(estimates.by_mode) > 1:
        lines.append(f"* the grade selects {estimates.selected}")
    return lines


def _missing(one: Missing) -> str:
    return f"{one.what.replace('_', ' ')} {one.have:.0f} of {one.need}"
