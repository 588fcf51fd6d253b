"""Visits of years before, as other systems give them: one row of a CSV file an attendance.

Columns: `visit`, `job`, `site`, `type` (corrective, preventive, inspection, install, commission, delivery),
`arrived_at`, `departed_at`, `outcome` (done, cancelled, no_access; empty while somebody is still there) are needed;
`trade`, `asset`, `part` (no, part, last), `plan_declared_at`, `converted_at`, `excluded` (a reason) with
`excluded_by` (a role), `gap` (none, not_checked or a type) and `arm` (shadow, prompt, holdout) may be left out or
empty. Times are RFC 3339 with an offset. The table of switch-ons has `site` and `live_from`.
"""

from collections.abc import Mapping
from typing import Final, TypeVar, get_args

from backend.tables import BadRow, Quarantined, Row, read_table
from sync.attendances import NOT_CHECKED, Part, Visit
from sync.clock import is_written_right, milliseconds
from sync.events import VisitOutcome, VisitType
from sync.policy import Arm
from sync.problems import Problem

COLUMNS: Final = (
    "visit",
    "job",
    "site",
    "type",
    "trade",
    "asset",
    "arrived_at",
    "departed_at",
    "outcome",
    "part",
    "plan_declared_at",
    "converted_at",
    "excluded",
    "excluded_by",
    "gap",
    "arm",
)
NEEDED: Final = ("visit", "job", "site", "type", "arrived_at", "departed_at", "outcome")
SITE_COLUMNS: Final = ("site", "live_from")
MOST_CHARACTERS: Final = 200

_TYPES: Final[tuple[VisitType, ...]] = get_args(VisitType)
_OUTCOMES: Final[tuple[VisitOutcome, ...]] = get_args(VisitOutcome)
_PARTS: Final[tuple[Part, ...]] = get_args(Part)
_ARMS: Final[tuple[Arm, ...]] = get_args(Arm)
_Word = TypeVar("_Word", bound=str)


def read_visits(raw: bytes, known: Mapping[str, Visit] | None = None) -> tuple[list[Visit], list[Quarantined]]:
    """The visits of a file, in its order, and the rows that were not taken; a bad row holds up no other.

    `known` are visits already held, by id. A visit given again with the same content is no second one; with other
    content the row is quarantined, here and against those held. Raises BAD_TABLE where the file cannot be read.
    """
    rows, quarantined = read_table(raw, NEEDED, COLUMNS)
    found: dict[str, Visit] = {}
    held = known or {}
    lines: dict[str, int] = {}
    for row in rows:
        try:
            visit = _visit(row)
            _same_as_before(visit, found.get(visit.id), f"line {lines.get(visit.id)}")
            _same_as_before(visit, held.get(visit.id), "what is held")
        except BadRow as bad:
            quarantined.append(bad.at(row.line))
        else:
            lines.setdefault(visit.id, row.line)
            found.setdefault(visit.id, visit)
    fresh = [visit for visit in found.values() if visit.id not in held]
    return fresh, sorted(quarantined, key=lambda one: one.line)


def read_switch_on(raw: bytes) -> tuple[dict[str, int], list[Quarantined]]:
    """Each site's instant of switch-on in milliseconds, and the rows that were not taken.

    A site with an empty `live_from` is not switched on, and neither is one that is not listed. Raises BAD_TABLE.
    """
    rows, quarantined = read_table(raw, SITE_COLUMNS, SITE_COLUMNS)
    lines: dict[str, int] = {}
    found: dict[str, int | None] = {}
    for row in rows:
        try:
            site = _filled(row, "site")
            live_from = _instant(row, "live_from")
        except BadRow as bad:
            quarantined.append(bad.at(row.line))
            continue
        if found.setdefault(site, live_from) != live_from:
            remedy = "Give each site one moment of switch-on."
            quarantined.append(BadRow("live_from", f"differs from line {lines[site]}", remedy).at(row.line))
        lines.setdefault(site, row.line)
    switched = {site: at for site, at in found.items() if at is not None}
    return switched, sorted(quarantined, key=lambda one: one.line)


_HOW: Final = "Write a time with its offset, such as 2026-03-01T08:00:00+01:00."


def _same_as_before(visit: Visit, before: Visit | None, where: str) -> None:
    if before is None or before == visit:
        return
    differing = [name for name in visit.__struct_fields__ if getattr(visit, name) != getattr(before, name)]
    column = {"id": "visit"}.get(differing[0], differing[0].replace("_ms", "_at"))
    raise BadRow(column, f"differs from {where}", "Give each visit an id of its own, or correct the one that is held.")


def _visit(row: Row) -> Visit:
    cells = row.cells
    arrived, departed = _instant(row, "arrived_at"), _instant(row, "departed_at")
    if departed is not None and arrived is None:
        raise BadRow("arrived_at", "empty, yet somebody left", "Say when they came, or take the departure out.")
    if departed is not None and arrived is not None and departed < arrived:
        raise BadRow("departed_at", cells["departed_at"], "Let the visit end after it began.")
    outcome = _word(row, "outcome", _OUTCOMES) if "outcome" in cells else None
    if outcome is None and departed is not None:
        raise BadRow("outcome", "empty, yet the visit is over", "Write done, cancelled or no_access.")
    if "excluded_by" in cells and "excluded" not in cells:
        raise BadRow("excluded", "empty, yet somebody excluded it", "Write the reason, or take excluded_by out.")
    return Visit(
        id=_filled(row, "visit"),
        job=_filled(row, "job"),
        site=_filled(row, "site"),
        type=_word(row, "type", _TYPES),
        trade=_text(row, "trade"),
        asset=_text(row, "asset"),
        arrived_ms=arrived,
        departed_ms=departed,
        outcome=outcome,
        part=_word(row, "part", _PARTS) if "part" in cells else "no",
        plan_declared_ms=_instant(row, "plan_declared_at"),
        converted_ms=_instant(row, "converted_at"),
        excluded=_text(row, "excluded"),
        excluded_by=_text(row, "excluded_by"),
        gap=_text(row, "gap") or NOT_CHECKED,
        arm=_word(row, "arm", _ARMS) if "arm" in cells else None,
    )


def _filled(row: Row, field: str) -> str:
    text = _text(row, field)
    if text is None:
        raise BadRow(field, "empty", f"Fill in {field}.")
    return text


def _text(row: Row, field: str) -> str | None:
    text = row.cells.get(field)
    if text is not None and len(text) > MOST_CHARACTERS:
        raise BadRow(field, f"{len(text)} characters", f"Write at most {MOST_CHARACTERS}.")
    return text


def _word(row: Row, field: str, words: tuple[_Word, ...]) -> _Word:
    text = _filled(row, field)
    for word in words:
        if word == text:
            return word
    raise BadRow(field, text, f"Write one of {', '.join(words)}.")


def _instant(row: Row, field: str) -> int | None:
    text = row.cells.get(field)
    if text is None:
        return None
    try:
        return milliseconds(text)
    except Problem as problem:
        remedy = "Write a day and an hour that there are." if is_written_right(text) else _HOW
        raise BadRow(field, text, remedy) from problem
