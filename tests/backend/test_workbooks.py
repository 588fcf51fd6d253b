"""Workbooks as people make and break them: what is seen is what is read, and what cannot be meant is a problem."""

import io
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xlsxwriter.worksheet import Worksheet

from backend.workbooks import (
    MOST_INFLATED,
    MOST_ROWS,
    Column,
    Written,
    number_text,
    read_workbook,
    write_workbook,
)
from sync.problems import NOT_A_WORKBOOK, TOO_LARGE, Problem, ProblemKind

SHEET = "xl/worksheets/sheet1.xml"


def made(fill: Callable[[Worksheet, xlsxwriter.Workbook], object]) -> bytes:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        fill(book.add_worksheet("sites"), book)
    return held.getvalue()


def plain() -> bytes:
    return made(lambda sheet, _: sheet.write_row(0, 0, ["id", "name"]) or sheet.write_row(1, 0, ["mill", "The mill"]))


def changed(raw: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The same workbook with other bytes in one part."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as before, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            if name == part:
                assert old in content
                content = content.replace(old, new)
            after.writestr(name, content)
    return held.getvalue()


def problem_of(raw: bytes) -> ProblemKind:
    with pytest.raises(Problem) as refused:
        read_workbook(raw)
    assert refused.value.detail
    return refused.value.kind


def test_numbers_days_times_and_truths_are_read_as_they_are_seen() -> None:
    def fill(sheet: Worksheet, book: xlsxwriter.Workbook) -> None:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        minute = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        hour = book.add_format({"num_format": "hh:mm"})
        sheet.write_row(0, 0, [4711, 52.5, True, "007"])
        sheet.write_datetime(1, 0, datetime(2027, 5, 1), day)  # noqa: DTZ001 - the format knows no zone
        sheet.write_datetime(1, 1, datetime(2027, 5, 1, 8, 30), minute)  # noqa: DTZ001 - as above
        sheet.write_number(1, 2, 8.5 / 24, hour)
        sheet.write_string(1, 3, " two\nlines ")

    (sheet,) = read_workbook(made(fill))
    assert sheet.rows == (
        (1, ("4711", "52.5", "yes", "007")),
        (2, ("2027-05-01", "2027-05-01T08:30", "08:30", "two\nlines")),
    )
    assert not sheet.broken


def test_a_formula_is_read_by_its_value_and_one_without_or_in_error_is_named() -> None:
    def fill(sheet: Worksheet, _: xlsxwriter.Workbook) -> None:
        sheet.write_formula(0, 0, '="mi"&"ll"', None, "mill")
        sheet.write_formula(1, 0, "=A1", None, "gone")
        sheet.write_formula(2, 1, "=1/0", None, "#DIV/0!")

    raw = changed(made(fill), SHEET, b"<v>gone</v>", b"<v></v>")
    (sheet,) = read_workbook(raw)
    assert sheet.rows[0] == (1, ("mill", ""))
    assert sheet.broken == {(2, 0): "no_value", (3, 1): "error"}
    assert [line for line, _ in sheet.rows] == [1, 2, 3]


def test_a_stray_cell_far_away_is_refused_and_takes_no_memory() -> None:
    raw = made(lambda sheet, _: sheet.write(MOST_ROWS + 5, 0, "far"))
    assert problem_of(raw) is TOO_LARGE
    raw = made(lambda sheet, _: sheet.write(1_048_575, 16_383, "further"))
    assert problem_of(raw) is TOO_LARGE


def test_what_unpacks_to_more_than_could_be_meant_is_refused() -> None:
    held = io.BytesIO()
    block = b" " * (1024 * 1024)
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bomb, bomb.open(SHEET, "w") as part:
        for _ in range(MOST_INFLATED // len(block) + 1):
            part.write(block)
    assert len(held.getvalue()) < MOST_INFLATED // 100
    assert problem_of(held.getvalue()) is TOO_LARGE


def test_a_bomb_of_entities_is_refused_unexpanded() -> None:
    doctype = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n<worksheet '
    assert problem_of(changed(plain(), SHEET, b"<worksheet ", doctype)) is NOT_A_WORKBOOK


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"id,name\nmill,The mill\n",
        b"%PDF-1.7",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
        b"PK\x03\x04" + bytes(40),
        plain()[:-30],
        plain()[: len(plain()) // 2],
    ],
    ids=["nothing", "text", "pdf", "password", "zip", "cut at the end", "cut in half"],
)
def test_what_is_no_workbook_is_a_problem_with_what_to_do(raw: bytes) -> None:
    assert problem_of(raw) is NOT_A_WORKBOOK


def test_a_part_that_is_missing_or_no_xml_is_a_problem() -> None:
    assert problem_of(changed(plain(), SHEET, b"<worksheet ", b"<worksheet <<")) is NOT_A_WORKBOOK
    assert problem_of(changed(plain(), "xl/workbook.xml", b"<workbook ", b"& ")) is NOT_A_WORKBOOK
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("mimetype", "text/plain")
    assert problem_of(held.getvalue()) is NOT_A_WORKBOOK


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1), byte=st.integers(0, 255), part=st.sampled_from([SHEET, "xl/workbook.xml", "xl/styles.xml"]))
def test_a_byte_that_is_wrong_anywhere_is_read_or_refused_and_nothing_else(at: float, byte: int, part: str) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as before, zipfile.ZipFile(held, "w") as after:
        for name in before.namelist():
            content = bytearray(before.read(name))
            if name == part:
                content[int(at * (len(content) - 1))] = byte
            after.writestr(name, bytes(content))
    for raw in (held.getvalue(), flipped(WHOLE, at, byte)):
        with suppress(Problem):
            read_workbook(raw)


def flipped(raw: bytes, at: float, byte: int) -> bytes:
    place = int(at * (len(raw) - 1))
    return raw[:place] + bytes([byte]) + raw[place + 1 :]


WHOLE = plain()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_and_read_as_it_is(value: float) -> None:
    text = number_text(value)
    assert float(text) == value
    assert "e" not in text.casefold()
    columns = (Column(heading="x", is_number=True),)
    (sheet,) = read_workbook(write_workbook([Written(name="x", columns=columns, rows=[(text,)])]))
    assert sheet.rows[1:] == (((2, (text,)),) if text else ())


def test_the_same_sheets_are_the_same_bytes() -> None:
    sheet = Written(name="x", columns=(Column(heading="id", note="what it is"),), rows=[("a",)])
    assert zlib.crc32(write_workbook([sheet])) == zlib.crc32(write_workbook([sheet]))


def test_a_text_that_no_cell_holds_is_not_cut_off_in_silence() -> None:
    with pytest.raises(Problem) as refused:
        write_workbook([Written(name="x", columns=(Column(heading="id"),), rows=[("a" * 40_000,)])])
    assert refused.value.kind is TOO_LARGE


def test_ten_thousand_rows_come_back_as_they_were() -> None:
    rows = [(f"site-{number}", f"Site {number}", "Europe/Berlin", str(number)) for number in range(10_000)]
    columns = tuple(Column(heading=name) for name in ("id", "name", "zone", "lat"))
    (sheet,) = read_workbook(write_workbook([Written(name="sites", columns=columns, rows=rows)]))
    assert [row for _, row in sheet.rows[1:]] == rows
