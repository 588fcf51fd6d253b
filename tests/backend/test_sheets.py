"""One table whatever the format: rows of named texts, and what cannot be read put aside with its line."""

import io
import json
from datetime import datetime
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from backend.sheets import format_of, read_sheet
from sync.problems import BAD_TABLE, Problem


def workbook(*sheets: list[list[Any]]) -> bytes:
    """An XLSX file with these rows on its sheets; None leaves a cell empty."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "default_date_format": "dd.mm.yyyy hh:mm"}) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for at, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str) and cell.startswith("="):
                        sheet.write_formula(at, column, cell, None, "")  # as a program saves it that computes nothing
                    elif cell is not None:
                        sheet.write(at, column, cell)
    return made.getvalue()


HEADINGS = ("id", "site", "qty")
CELLS = st.text(st.characters(categories=("L", "N"), max_codepoint=0x2FF), min_size=1, max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_the_same_rows_come_out_of_every_format(rows: list[tuple[str, str, str]]) -> None:
    wanted = [dict(zip(HEADINGS, row, strict=True)) for row in rows]
    csv = "\n".join(";".join(row) for row in (HEADINGS, *rows)).encode()
    lines = "\n".join(json.dumps(row) for row in wanted).encode()
    for raw in (csv, lines, json.dumps(wanted).encode(), workbook([list(HEADINGS), *map(list, rows)])):
        assert [row.cells for row in read_sheet(raw).rows] == wanted, format_of(raw)


def test_a_workbook_gives_times_in_iso_and_whole_numbers_without_a_dot() -> None:
    rows: list[list[Any]] = [[], ["id", "when", "qty", "ok"], ["0012", datetime(2026, 3, 1, 8, 30), 4.0, True]]  # noqa: DTZ001 - a workbook knows no zone
    sheet = read_sheet(workbook([], [["empty"]], rows))
    assert sheet.line == 2
    [row] = sheet.rows
    assert (row.line, row.cells) == (3, {"id": "0012", "when": "2026-03-01T08:30", "qty": "4", "ok": "yes"})


def test_a_cell_whose_value_nobody_knows_puts_its_row_aside_and_no_other() -> None:
    sheet = read_sheet(workbook([["id", "qty"], ["1", "=A1"], ["2", "3"], ["3", None, "stray"]]))
    assert [row.line for row in sheet.rows] == [3]
    assert [(bad.line, bad.field, bad.cells["id"]) for bad in sheet.quarantined] == [
        (2, "qty", "1"),
        (4, "(no column)", "3"),
    ]


def test_what_is_listed_inside_an_object_is_a_row_each_and_says_where_it_stands() -> None:
    raw = json.dumps([{"id": "1", "skills": ["a", "b"], "lines": [{"qty": 1}, {"qty": 2}]}, {"id": "2", "lines": 3}, 4])
    sheet = read_sheet(raw.encode())
    assert [(row.line, row.within, row.cells) for row in sheet.rows] == [
        (1, "lines[0].", {"id": "1", "skills": "a b", "qty": "1"}),
        (1, "lines[1].", {"id": "1", "skills": "a b", "qty": "2"}),
    ]
    assert [(one.line, one.field) for one in sheet.quarantined] == [(2, "lines"), (3, "(item)")]


def test_one_line_of_json_that_cannot_be_read_holds_up_no_other() -> None:
    sheet = read_sheet(b'{"id": 1}\n{"id": 2, "id": 3}\n\n{bad\n{"id": {}}\n{"id": "5"}\n')
    assert [(row.line, row.cells["id"]) for row in sheet.rows] == [(1, "1"), (6, "5")]
    assert [one.line for one in sheet.quarantined] == [2, 4, 5]
    assert all(one.remedy for one in sheet.quarantined)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (workbook([]), "no sheet"),
        (workbook([["id", "id"], ["1", "2"]]), "twice"),
        (b'[{"id": 1}', "not JSON"),
        (b'\xef\xbb\xbf[{"id": "\xff"}]', "not UTF-8"),
        (b'[{"id": 1, "id": 2}]', "same key twice"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_of_which_no_row_can_be_told_is_refused_and_says_why(raw: bytes, said: str) -> None:
    with pytest.raises(Problem) as caught:
        read_sheet(raw)
    assert caught.value.kind is BAD_TABLE
    assert said in str(caught.value)
