"""How a source writes its orders: its headings, its words, its dates and numbers, as a mapping says."""

import re

import pytest

from backend.exchange.orders import read_orders
from backend.mapping import Mapping, local_time, mapped
from backend.pages.catalogue import page_words
from backend.pages.order_words import remedy_key
from backend.sheets import read_sheet
from backend.suggesting import fits, suggest
from backend.tables import BadRow, Row
from backend.words import LANGUAGES
from tests.lints import ROOT

_SENTENCE = re.compile(r"""(?<!")"([A-Z][^"\n]*[.])"(?!")""")
"""What a reader says to do stands in its source as a sentence."""
ZONES = {"mill": "Europe/Berlin"}
GERMAN = Mapping(
    columns={
        "id": "Auftrag",
        "site": "Standort",
        "window_from": "Datum",
        "window_to": "Datum",
        "priority": "Dringlichkeit",
        "line": "Pos",
        "article": "Artikel",
        "qty": "Menge",
        "weight_g": "Gewicht kg",
        "cancelled": "Status",
    },
    hours={"window_from": "von", "window_to": "bis"},
    constants={"source": "sap", "kind": "fulfilment"},
    words={
        "priority": {"hoch": "urgent", "normal": "routine"},
        "site": {"Werk Mühle": "mill"},
        "cancelled": {"storniert": "true", "*": "false"},
    },
    dates="dmy",
    decimal_comma=True,
    weight_in="kg",
)
FILE = (
    "Auftrag;Standort;Datum;von;bis;Dringlichkeit;Pos;Artikel;Menge;Gewicht kg;Status;Bemerkung\n"
    "77;Werk Mühle;02.03.2026;8:00;12 Uhr;Hoch;1;Filter;1.000;0,4;offen;eilig\n"
    "78;Werk Mühle;02.03.2026;8:00;12 Uhr;Hoch;1;Filter;2;0,0004;offen;\n"
    "79;;;;;;;;;;Storniert;\n"
)


def test_a_file_with_headings_and_words_of_its_own_is_read_as_its_mapping_says() -> None:
    found = read_orders(FILE.encode(), ZONES, GERMAN)
    [one] = found.orders
    order = one.order
    assert (order.source, order.order, order.site, order.priority) == ("sap", "77", "mill", "urgent")
    assert (order.window_from, order.window_to) == ("2026-03-02T07:00:00.000Z", "2026-03-02T11:00:00.000Z")
    assert [(line.article, line.qty, line.weight_g) for line in order.lines] == [("Filter", 1000, 400)]
    assert [(gone.source, gone.order) for gone in found.taken_back] == [("sap", "79")]
    assert [(bad.line, bad.field, bad.found) for bad in found.quarantined] == [(3, "weight_g", "0,0004")]
    assert found.rows == 3


def test_without_a_mapping_the_headings_are_the_fields() -> None:
    raw = b"source,id,kind,site,window_to\nerp,1,dispatch,mill,2026-03-02\n"
    [one] = read_orders(raw, ZONES).orders
    assert one.order.window_to == "2026-03-02T23:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "hour", "form", "wanted"),
    [
        ("2026-03-02", "", "iso", "2026-03-02"),
        ("2026-03-02T08:00+01:00", "", "dmy", "2026-03-02T08:00+01:00"),
        ("2.3.26 8:05", "", "dmy", "2026-03-02T08:05:00"),
        ("2/3/2026, 8:05 PM", "", "mdy", "2026-02-03T20:05:00"),
        ("12/31/2026 12:00 am", "", "mdy", "2026-12-31T00:00:00"),
        ("02-03-2026", "14.30", "dmy", "2026-03-02T14:30:00"),
        ("2026-03-02T00:00:00", "08:00:00", "iso", "2026-03-02T08:00:00"),
    ],
)
def test_a_time_is_read_in_the_form_that_the_mapping_names(text: str, hour: str, form: str, wanted: str) -> None:
    assert local_time("window_from", text, hour, form) == wanted  # type: ignore[arg-type]  # one of the three


@pytest.mark.parametrize(
    ("text", "form"), [("02.03.2026", "iso"), ("soon", "dmy"), ("1.1.2026 noon", "dmy"), ("٢.٣.٢٠٢٦", "dmy")]
)
def test_a_time_in_another_form_is_said_to_be_so(text: str, form: str) -> None:
    with pytest.raises(BadRow, match="Write a time"):
        local_time("window_from", text, "", form)  # type: ignore[arg-type]  # one of the three


@pytest.mark.parametrize(
    ("text", "comma", "wanted"),
    [
        ("1,000", False, "1000"),
        ("1.000", True, "1000"),
        ("2,0", True, "2"),
        ("2.0", False, "2"),
        ("1 000", False, "1000"),
        ("2,5", True, "2,5"),
        ("-1", False, "-1"),
        ("NaN", False, "NaN"),
        ("1e3", False, "1000"),
        ("two", False, "two"),
    ],
)
def test_a_number_comes_out_whole_or_as_it_stands(text: str, comma: bool, wanted: str) -> None:
    row = mapped(Row(2, {"n": text}), Mapping(columns={"qty": "n"}, decimal_comma=comma))
    assert row.cells["qty"] == wanted


def test_an_hour_that_the_clocks_leave_out_is_quarantined() -> None:
    raw = (
        b"source,id,kind,site,window_from\nerp,1,dispatch,mill,2026-03-29T02:30\nerp,2,dispatch,mill,2026-10-25T02:30\n"
    )
    found = read_orders(raw, ZONES)
    assert [(bad.line, bad.field) for bad in found.quarantined] == [(2, "window_from")]
    assert "clocks" in found.quarantined[0].remedy
    assert found.orders[0].order.window_from == "2026-10-25T00:30:00.000Z"


def test_a_mapping_is_suggested_from_headings_and_what_stands_below_them() -> None:
    found = suggest(read_sheet(FILE.encode()), "SAP.csv")
    assert found.columns == GERMAN.columns
    assert (found.hours, found.dates, found.decimal_comma, found.weight_in) == (GERMAN.hours, "dmy", True, "kg")
    assert found.constants == {"source": "sap", "kind": "fulfilment"}
    assert found.words == {"priority": {"Hoch": "urgent"}, "cancelled": {"Storniert": "true", "*": "false"}}
    american = suggest(
        read_sheet(b"Order No,Type,Location,Start,Prio\n1,Service,x,3/25/2026 8:00,P1\n2,Delivery,x,3/5/2026,P2\n")
    )
    assert american.dates == "mdy"
    assert american.words["kind"] == {"Service": "dispatch", "Delivery": "fulfilment"}


def test_a_mapping_fits_a_file_that_has_all_its_columns() -> None:
    sheet = read_sheet(FILE.encode())
    assert fits(GERMAN, sheet)
    assert not fits(Mapping(columns={"id": "Nummer"}), sheet)
    assert not fits(Mapping(), sheet)


def test_every_remedy_is_said_in_every_language() -> None:
    said = {
        text
        for name in ("tables.py", "sheets.py", "mapping.py", "ordering.py", "exchange/orders.py")
        for text in _SENTENCE.findall((ROOT / "backend" / name).read_text())
        if " " in text
    }
    assert len(said) > 30
    for language in LANGUAGES:
        words = page_words(language)
        assert not {text for text in said if not words.has(f"order_remedy.{remedy_key(text)}")}, language
