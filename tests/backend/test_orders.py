"""Orders from a file: what is read, what is quarantined, and that a bad row holds up no other."""

import pytest

from backend.exchange.orders import order_name, read_orders
from sync.problems import BAD_TABLE, Problem

ZONES = {"depot-12": "Europe/Berlin", "quay": "Europe/London"}
HEADER = "source,id,kind,site,window_from,window_to,minutes,priority,skills,line,article,qty,weight_g"


def read(*rows: str, header: str = HEADER) -> tuple[list[str], list[tuple[int, str]]]:
    found = read_orders("\n".join((header, *rows)).encode(), ZONES)
    return [order_name(one.order) for one in found.orders], [(one.line, one.field) for one in found.quarantined]


def test_rows_with_one_source_and_id_are_one_order_with_their_lines_in_order() -> None:
    raw = f"{HEADER}\nerp,7,fulfilment,quay,,,,,,1,filter,2,400\nerp,7,fulfilment,quay,,,,,,2,belt,1,\n"
    found = read_orders(raw.encode(), ZONES)
    assert found.quarantined == ()
    [one] = found.orders
    assert [(line.line, line.article, line.qty, line.weight_g) for line in one.order.lines] == [
        ("1", "filter", 2, 400),
        ("2", "belt", 1, None),
    ]
    assert one.line == 2


def test_a_time_without_offset_is_in_the_zone_of_its_site() -> None:
    raw = f"{HEADER}\nerp,1,dispatch,depot-12,2026-07-01T08:00,2026-07-01T12:00+00:00,45,urgent,hvac gas,,,,"
    found = read_orders(raw.encode(), ZONES)
    assert found.quarantined == ()
    [one] = found.orders
    assert one.order.window_from == "2026-07-01T06:00:00.000Z"
    assert one.order.window_to == "2026-07-01T12:00:00.000Z"
    assert one.order.minutes == 45
    assert one.order.skills == ("hvac", "gas")


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (",1,dispatch,quay,,,,,,,,,", "source"),
        ("erp,1,repair,quay,,,,,,,,,", "kind"),
        ("erp,1,dispatch,nowhere,,,,,,,,,", "site"),
        ("erp,1,dispatch,quay,tomorrow,,,,,,,,", "window_from"),
        ("erp,1,dispatch,quay,2026-02-30T08:00,,,,,,,,", "window_from"),
        ("erp,1,dispatch,quay,0001-01-01T00:00+14:00,,,,,,,,", "window_from"),
        (f"erp,1,dispatch,quay,,,{'9' * 5000},,,,,,", "minutes"),
        ("erp,1,dispatch,quay,2026-07-02T08:00,2026-07-01T08:00,,,,,,,", "window_to"),
        ("erp,1,dispatch,quay,,,-5,,,,,,", "minutes"),
        ("erp,1,dispatch,quay,,,,asap,,,,,", "priority"),
        ("erp,1,fulfilment,quay,,,,,,1,filter,two,", "qty"),
        ("erp,1,fulfilment,quay,,,,,,1,filter,,", "qty"),
        ("erp,1,fulfilment,quay,,,,,,1,filter,1,4.5", "weight_g"),
        ("erp,1,dispatch,quay,,,,,,,,,,,one too many", "(no column)"),
    ],
)
def test_a_bad_row_is_quarantined_with_its_line_and_field_and_the_others_go_in(row: str, field: str) -> None:
    good = "erp,2,dispatch,quay,,,,,,,,,"
    assert read(row, good) == (["erp/2"], [(2, field)])


def test_a_row_that_says_other_things_of_its_order_is_quarantined() -> None:
    first = "erp,1,fulfilment,quay,,,,,,1,filter,1,"
    assert read(first, "erp,1,fulfilment,depot-12,,,,,,2,belt,1,") == (["erp/1"], [(3, "site")])
    assert read(first, "erp,1,fulfilment,quay,,,,,,1,belt,1,") == (["erp/1"], [(3, "line")])
    assert read(first, "erp,1,fulfilment,quay,,,,,,,,,") == (["erp/1"], [(3, "line")])


def test_what_spreadsheets_do_to_csv_is_put_up_with() -> None:
    raw = b"\xef\xbb\xbfsource;id;kind;site;\r\nerp;1;dispatch;quay;\r\n\r\n;;;;\r\nerp;2;dispatch;quay;\r\n"
    found = read_orders(raw, ZONES)
    assert [order_name(one.order) for one in found.orders] == ["erp/1", "erp/2"]
    assert found.quarantined == ()


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", "line 1"),
        (b"source,id,kind\n", "line 1"),
        (b"source,id,kind,site,colour\n", "line 1"),
        (b"source,id,kind,site,site\n", "line 1"),
        (b"source,id,kind,site\xff\nerp,1,dispatch,quay\n", "line 1"),
        (b"source,id,kind,site\x00\nerp,1,dispatch,quay\n", "line 1"),
        (b'source,id,kind,"site\nerp,1,dispatch,quay\n', "line 1"),
        (b'\n\nsource,id,kind,"site\n"\nerp,1,dispatch,quay\n', "line 3"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_says_where(raw: bytes, where: str) -> None:
    with pytest.raises(Problem) as caught:
        read_orders(raw, ZONES)
    assert caught.value.kind is BAD_TABLE
    assert caught.value.where == where
