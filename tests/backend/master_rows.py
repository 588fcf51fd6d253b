"""Rows of master data for the tests: a small organisation as cells, and sheets drawn at random."""

from typing import Any

from hypothesis import strategies as st

from backend.masters.sheets import BY_NAME, SHEETS, Field, Sheet
from backend.masters.taking import Line, Plan

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
IDS = st.sampled_from(["a", "b", "anna", "*", "role:depot", "x;y", 'q"q', "4711", "=1+1", "é ü"])
_SAMPLES: dict[str, st.SearchStrategy[str]] = {
    "line": WORDS,
    "text": st.builds("\n".join, st.lists(WORDS, min_size=1, max_size=3)),
    "phone": st.sampled_from(["+49 30 5550100", "030/5550100", "call me"]),
    "email": st.sampled_from(["kim@example.com", "kim"]),
    "zone": st.sampled_from(["Europe/Berlin", "UTC", "Nowhere/At-all"]),
    "whole": st.one_of(st.integers(0, 10**9).map(str), st.sampled_from(["-1", "1.5", "1,000", "many"])),
    "number": st.one_of(st.floats(-90, 90).map(repr), st.sampled_from(["52,5", "north", "1000"])),
    "flag": st.sampled_from(["", "yes", "no", "ja", "perhaps"]),
    "day": st.one_of(st.dates().map(str), st.sampled_from(["2027-02-30", "tomorrow"])),
    "moment": st.one_of(st.datetimes().map(lambda at: at.isoformat(timespec="minutes")), st.dates().map(str)),
    "instant": st.sampled_from(["2028-01-01T00:00:00Z", "2028-13-01T00:00:00Z", "soon"]),
    "spans": st.sampled_from(["08:00-16:00", "8:00 - 12:00, 12:30-24:00", "22:00-06:00", "always"]),
    "gtin": st.sampled_from(["4012345678901", "4012345678902", "123"]),
    "gs1": st.sampled_from(["(8004)4012345CH204377", "(01)04012345678901(21)7", "8004"]),
}


def cell(field: Field) -> st.SearchStrategy[str]:
    """A cell that may fit its column, and may not."""
    if field.refers:
        one = IDS.map(lambda name: '"' + name.replace('"', '""') + '"' if field.many else name)
    elif field.type == "choice":
        one = st.sampled_from([*field.choices, "nonsense"])
    else:
        one = _SAMPLES[field.type]
    if field.many:
        one = st.lists(one, max_size=2).map("; ".join)
    return one if field.needed else st.one_of(st.just(""), one)


def row(sheet: Sheet) -> st.SearchStrategy[dict[str, str]]:
    """A row of a sheet."""
    cells = {} if sheet.key else {"id": IDS}
    return st.fixed_dictionaries(cells | {field.name: cell(field) for field in sheet.fields})


def books() -> st.SearchStrategy[list[Line]]:
    """Some rows of some sheets."""
    rows = st.sampled_from(SHEETS).flatmap(lambda sheet: st.tuples(st.just(sheet.name), row(sheet)))
    return st.lists(rows, max_size=10).map(
        lambda drawn: [Line(name, line, cells) for line, (name, cells) in enumerate(drawn, start=2)]
    )


def nothing() -> dict[str, dict[str, Any]]:
    """The rows in force where there are none."""
    return {sheet.kind.name: {} for sheet in SHEETS}


def after(held: dict[str, dict[str, Any]], planned: Plan) -> dict[str, dict[str, Any]]:
    """The rows in force once this is taken."""
    rows = {kind: dict(of) for kind, of in held.items()}
    for change in planned.changes:
        rows[BY_NAME[change.sheet].kind.name][change.id] = change.row
    return rows


def examples() -> list[Line]:
    """What the template shows, meant; and the people that it names."""
    lines = []
    for sheet in SHEETS:
        cells = {"id": sheet.example} | {field.name: field.example for field in sheet.fields}
        lines.append(Line(sheet.name, 2, {column: cells[column] for column in sheet.columns}))
    return [*lines, Line("people", 3, {"id": "bo", "name": "Bo", "roles": "admin"})]
