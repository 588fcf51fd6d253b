"""Tables as people send them: what is read, and that a row nobody can read holds up no other."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.exchange.orders import order_name, read_orders
from backend.exchange.visits_csv import read_switch_on, read_visits
from backend.tables import MOST_IN_CELL, Row, read_table

NAMES = ("id", "site", "remark", "by")
GOOD = b"id,site,remark,by\n1,quay,,anna\n%s\n3,mill,,bo\n"

BADLY_QUOTED = {
    "a quote that nobody closed": (b'2,"mill,x,anna', "site"),
    "the same in the last cell": (b'2,mill,x,"anna', "by"),
    "a quote that ends too early": (b'2,"the "old" mill",x,anna', "site"),
    "a quote inside written once": (b'2,mill,"3" pipe",anna', "remark"),
    "nothing but a quote": (b'"', "id"),
    "two that look like one cell over the lines between": (b'2,mill,"x,anna\n4,mill,x",anna', "remark"),
    "two with lines between": (b'2,mill,"x,anna\n5,mill,,eve\n4,mill,x",anna', "remark"),
}
UNREADABLE = {
    "bytes that are not UTF-8": (b"2,quay,Stra\xdfe,anna", "remark", "Stra\\xdfe"),
    "a NUL byte": (b"2,mi\x00ll,x,anna", "site", "mi\\x00ll"),
    "half a character": (b"2,quay,x,\xc3", "by", "\\xc3"),
    "a character that stands for none": (b"2,quay,x,\xed\xa0\x80", "by", "\\xed\\xa0\\x80"),
    "a cell too many": (b"2,quay,x,anna,more", "(no column)", "more"),
}


def read(raw: bytes) -> tuple[list[dict[str, str]], list[tuple[int, str]]]:
    rows, quarantined = read_table(raw, ("id",), NAMES)
    assert all(one.found and one.remedy.endswith(".") for one in quarantined)
    return [row.cells for row in rows], [(one.line, one.field) for one in quarantined]


# -- what cannot be read -------------------------------------------------------
@pytest.mark.parametrize(("spoilt", "field"), BADLY_QUOTED.values(), ids=BADLY_QUOTED.keys())
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("delimiter", [b",", b";", b"\t"])
def test_a_badly_quoted_row_is_quarantined_and_swallows_no_other(
    spoilt: bytes, field: str, end: bytes, delimiter: bytes
) -> None:
    raw = (GOOD % spoilt).replace(b"\n", end).replace(b",", delimiter)
    rows, quarantined = read(raw)
    assert quarantined == [(3, field)]
    assert [row["id"] for row in rows][:1] + [row["id"] for row in rows][-1:] == ["1", "3"]
    assert len(rows) == 2 + spoilt.count(b"\n")


@pytest.mark.parametrize(("spoilt", "field", "found"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_row_that_is_no_text_or_too_long_is_quarantined_with_what_was_found(
    spoilt: bytes, field: str, found: str
) -> None:
    rows, (bad,) = read_table(GOOD % spoilt, ("id",), NAMES)
    assert [row.cells["id"] for row in rows] == ["1", "3"]
    assert (bad.line, bad.field, bad.found) == (3, field, found)


def test_a_quote_that_is_open_at_the_end_of_the_file_takes_only_its_own_row() -> None:
    many = b"".join(b"%d,mill,,bo\n" % number for number in range(20_000))
    rows, quarantined = read(b'id,site,remark,by\n0,"mill,,bo\n' + many)
    assert len(rows) == 20_000
    assert quarantined == [(2, "site")]


def test_a_cell_longer_than_an_event_is_not_looked_for() -> None:
    long = b"x\n" * MOST_IN_CELL
    rows, quarantined = read(b'id,site,remark,by\n1,mill,"' + long + b'",bo\n2,mill,,bo\n')
    assert quarantined[0] == (2, "remark")
    assert rows[-1] == {"id": "2", "site": "mill", "by": "bo"}


@given(st.binary(max_size=60))
def test_no_line_of_any_bytes_holds_up_another(line: bytes) -> None:
    rows, quarantined = read(GOOD % line.replace(b"\n", b" ").replace(b"\r", b" "))
    assert (rows[0], rows[-1]) == (
        {"id": "1", "site": "quay", "by": "anna"},
        {"id": "3", "site": "mill", "by": "bo"},
    )
    assert len(rows) + len(quarantined) <= 3


# -- what can ------------------------------------------------------------------
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=8)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT)), st.sampled_from(",;\t"), st.sampled_from(["\n", "\r", "\r\n"]))
def test_what_a_writer_of_csv_wrote_is_read_as_it_was(table: list[tuple[str, ...]], delimiter: str, end: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=end).writerows([NAMES, *table])
    rows = [{name: cell.strip() for name, cell in zip(NAMES, row, strict=True) if cell.strip()} for row in table]
    assert read(file.getvalue().encode()) == ([row for row in rows if row], [])


def test_a_cell_may_hold_delimiters_quotes_and_line_breaks() -> None:
    raw = b'id,site,remark,by\r\n1,quay,"Say ""hello"", then\r\n\r\nwait.",anna\r\n2, "mill" ,,bo\r\n'
    rows, quarantined = read_table(raw, ("id",), NAMES)
    assert quarantined == []
    assert rows == [
        Row(2, {"id": "1", "site": "quay", "remark": 'Say "hello", then\n\nwait.', "by": "anna"}),
        Row(5, {"id": "2", "site": "mill", "by": "bo"}),
    ]


def test_a_quote_in_the_middle_of_a_cell_is_a_character() -> None:
    assert read(b'id,site,remark,by\n1,quay,a 3/4" pipe,anna\n') == (
        [{"id": "1", "site": "quay", "remark": 'a 3/4" pipe', "by": "anna"}],
        [],
    )


def test_cells_left_off_at_the_end_are_empty_and_blank_rows_are_none() -> None:
    assert read(b"\n;;;\nid;site;remark;by\n1\n\n;;;\n2;mill;;;;\n") == ([{"id": "1"}, {"id": "2", "site": "mill"}], [])


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(bom: bytes) -> None:
    assert read(bom + b'"id",site\n1,quay\n') == ([{"id": "1", "site": "quay"}], [])


# -- in the files that are imported --------------------------------------------
SPOILT = (b'2,"', b'2,"x"y', b"2,\xff", b"2,\0")


@pytest.mark.parametrize("spoilt", SPOILT)
def test_orders_visits_and_switch_ons_take_the_rows_beside_a_spoilt_one(spoilt: bytes) -> None:
    found = read_orders(
        b"id,site,source,kind\n1,quay,erp,dispatch\n" + spoilt + b"\n3,quay,erp,dispatch\n", {"quay": "UTC"}
    )
    assert [order_name(one.order) for one in found.orders] == ["erp/1", "erp/3"]
    visits, bad_visits = read_visits(
        b"visit,site,job,type,arrived_at,departed_at,outcome\n1,s,j,install,,,\n" + spoilt + b"\n3,s,j,install,,,\n"
    )
    assert [one.id for one in visits] == ["1", "3"]
    sites, bad_sites = read_switch_on(
        b"site,live_from\n1,2026-01-01T00:00:00Z\n" + spoilt + b"\n3,2026-01-01T00:00:00Z\n"
    )
    assert list(sites) == ["1", "3"]
    assert [one.line for bad in (found.quarantined, bad_visits, bad_sites) for one in bad] == [3, 3, 3]
