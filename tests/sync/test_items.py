"""Orders and items: what was ordered, what was seen at each step, and who has it."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.events import (
    Event,
    ItemScanned,
    LineChanged,
    LineImported,
    OrderCancelled,
    OrderChanged,
    OrderImported,
    OrderLine,
    Reservation,
)
from sync.goods import Item
from sync.journey import Journey, journey
from sync.payload import ItemCount, Payload
from tests.sync.histories import rngs
from tests.sync.scene import DESK, Scene

LINES = (OrderLine(line="1", article="seal", qty=2), OrderLine(line="2", article="bearing", qty=1))
ORDER = OrderImported(source="erp", order="7", order_kind="fulfilment", site="mill", lines=LINES)


def fold(scene: Scene) -> Journey:
    return journey(scene.opened.job, scene.shelf.standings.values())


def items(scene: Scene) -> dict[str, Item]:
    return {item.item: item for item in fold(scene).items}


def order(scene: Scene, body: OrderImported = ORDER) -> Event:
    return scene.record(body, by="desk", log=DESK)


def changed(body: OrderImported, *replaces: Event, **named: object) -> OrderChanged:
    said = msgspec.to_builtins(body) | {"replaces": [event.hash for event in replaces]} | named
    return msgspec.convert(said, OrderChanged)


# -- orders -------------------------------------------------------------------
def test_an_order_says_what_is_expected() -> None:
    scene = Scene()
    order(scene)
    assert fold(scene).orders == {"erp/7": ORDER}
    assert {name: item.expected for name, item in items(scene).items()} == {"seal": 2, "bearing": 1}


def test_a_change_replaces_what_was_said_before() -> None:
    scene = Scene()
    first = order(scene)
    second = order(scene, changed(ORDER, first, site="quay"))
    assert fold(scene).orders["erp/7"].site == "quay"
    order(scene, changed(ORDER, second, site="dock"))
    assert fold(scene).orders["erp/7"].site == "dock"
    assert fold(scene).discrepancies == ()


def test_changes_that_contradict_each_other_leave_what_both_replace() -> None:
    scene = Scene()
    first = order(scene)
    for site in ("quay", "dock"):
        order(scene, changed(ORDER, first, site=site))
    assert fold(scene).orders["erp/7"].site == "mill"
    assert fold(scene).discrepancies == ("several contents of order erp/7 stand against each other",)


def test_contents_with_nothing_in_common_are_none() -> None:
    scene = Scene()
    order(scene)
    order(scene, msgspec.structs.replace(ORDER, site="quay"))
    assert fold(scene).orders == {}
    assert fold(scene).items == ()


def test_a_cancelled_order_expects_nothing() -> None:
    scene = Scene()
    order(scene)
    scene.record(OrderCancelled(source="erp", order="7"), by="desk", log=DESK)
    assert (fold(scene).orders, fold(scene).items) == ({}, ())


def test_an_order_that_is_wanted_again_names_what_took_it_back() -> None:
    scene = Scene()
    first = order(scene)
    gone = scene.record(OrderCancelled(source="erp", order="7"), by="desk", log=DESK)
    second = order(scene, changed(ORDER, first, site="quay"))
    assert fold(scene).orders == {}
    order(scene, changed(ORDER, second, gone, site="quay"))
    assert fold(scene).orders["erp/7"].site == "quay"


def test_lines_that_came_on_their_own_belong_to_their_order() -> None:
    scene = Scene()
    order(scene)
    third = OrderLine(line="3", article="grease", qty=1)
    one = scene.record(LineImported(source="erp", order="7", line=third), by="desk", log=DESK)
    scene.record(LineImported(source="erp", order="8", line=third), by="desk", log=DESK)
    assert {name: item.expected for name, item in items(scene).items()} == {"seal": 2, "bearing": 1, "grease": 1}
    more = msgspec.structs.replace(third, qty=4)
    scene.record(LineChanged(source="erp", order="7", line=more, replaces=(one.hash,)), by="desk", log=DESK)
    assert items(scene)["grease"].expected == 4
    scene.record(LineImported(source="erp", order="7", line=third), by="desk", log=DESK)
    assert "grease" not in items(scene)
    assert fold(scene).discrepancies == ("several contents of line 3 stand against each other",)


# -- scans --------------------------------------------------------------------
def test_scans_add_up_by_step_and_serials_count_for_their_article() -> None:
    scene = Scene()
    order(scene, msgspec.structs.replace(ORDER, lines=(OrderLine(line="1", article="seal", qty=2, serials=("s1",)),)))
    for item, step, qty in (("s1", "picked", 1), ("seal", "picked", 1), ("seal", "loaded", 2), ("tape", "picked", 3)):
        body = msgspec.convert({"item": item, "step": step, "qty": qty}, ItemScanned)
        scene.record(body, kid="")
    found = items(scene)
    assert (found["seal"].picked, found["seal"].loaded, found["seal"].expected) == (2, 2, 2)
    assert (found["tape"].picked, found["tape"].expected) == (3, 0)
    assert "s1" not in found


def test_before_any_handover_the_party_that_opened_the_job_has_what_was_scanned() -> None:
    scene = Scene()
    order(scene)
    scene.record(ItemScanned(item="seal", step="picked"), by="eva", kid="")
    assert (items(scene)["seal"].with_party, items(scene)["bearing"].with_party) == ("anna", "")


def test_without_a_root_whoever_scanned_it_has_it() -> None:
    scene = Scene()
    scan = scene.record(ItemScanned(item="seal", step="picked"), by="eva", kid="")
    (item,) = journey(scene.opened.job, [scene.standing(scan)]).items
    assert item.with_party == "eva"


# -- what goes over with the job ----------------------------------------------
GOODS = Payload(items=(ItemCount(id="seal", expected=2, counted=2), ItemCount(id="bearing", expected=1, counted=1)))


def handed(scene: Scene, party: str = "bo", sender: str = "anna", basis: str = "", **named: object) -> Event:
    """The acceptance of an offer of the goods."""
    offer = scene.record(scene.offer(party, basis=basis, sender=sender, payload=GOODS), by=sender)
    return scene.record(scene.answer(offer, party, **named), by=party)


def lacking(item: str, counted: int) -> tuple[Reservation, ...]:
    return (Reservation(item=item, counted=counted),)


def test_items_go_over_with_the_acceptance_that_lists_them() -> None:
    scene = Scene()
    scene.record(scene.offer("cem", payload=GOODS))
    assert {item.with_party for item in fold(scene).items} == {""}
    node = handed(scene)
    assert {item.with_party for item in fold(scene).items} == {"bo"}
    handed(scene, "cem", "bo", node.hash)
    assert {(item.with_party, item.expected, item.reserved) for item in fold(scene).items} == {
        ("cem", 2, 0),
        ("cem", 1, 0),
    }


def test_what_was_reserved_stays_until_a_scan_names_the_reservation() -> None:
    scene = Scene()
    scene.record(ItemScanned(item="bearing", step="loaded"), kid="")
    node = handed(scene, reservations=lacking("bearing", 0))
    found = items(scene)
    assert (found["bearing"].reserved, found["bearing"].with_party) == (1, "anna")
    assert (found["seal"].reserved, found["seal"].with_party) == (0, "bo")
    scene.record(ItemScanned(item="bearing", step="delivered", reservation=node.hash), by="bo", kid="")
    assert (items(scene)["bearing"].reserved, items(scene)["bearing"].with_party) == (0, "bo")


@pytest.mark.parametrize(
    ("by", "step", "left"),
    [
        ("bo", "loaded", 0),
        ("cem", "delivered", 0),
        ("anna", "delivered", 1),
        ("anna", "loaded", 1),
        ("bo", "short", 1),
        ("bo", "returned", 1),
    ],
)
def test_only_the_receivers_side_brings_what_was_reserved_by_a_scan_that_shows_it(
    by: str, step: str, left: int
) -> None:
    scene = Scene()
    node = handed(scene, reservations=lacking("bearing", 0))
    body = msgspec.convert({"item": "bearing", "step": step, "reservation": node.hash}, ItemScanned)
    scene.record(body, by=by, kid="")
    assert items(scene)["bearing"].reserved == left


def test_a_guests_host_scans_for_the_guest() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("guest:1", payload=GOODS))
    taken = scene.answer(offer, "guest:1", met="guest", reservations=lacking("bearing", 0))
    node = scene.record(taken, by="anna")
    scene.record(ItemScanned(item="bearing", step="delivered", reservation=node.hash), by="anna", kid="")
    assert (items(scene)["bearing"].reserved, items(scene)["bearing"].with_party) == (0, "guest:1")


def test_a_scan_that_names_no_acceptance_brings_nothing() -> None:
    scene = Scene()
    handed(scene, reservations=lacking("bearing", 0))
    scene.record(ItemScanned(item="bearing", step="loaded", reservation=scene.opened.hash), by="bo", kid="")
    assert items(scene)["bearing"].reserved == 1


def test_a_scan_makes_up_for_as_many_as_it_counts() -> None:
    scene = Scene()
    node = handed(scene, reservations=lacking("seal", 0))
    assert items(scene)["seal"].reserved == 2
    for left in (1, 0, 0):
        scene.record(ItemScanned(item="seal", step="delivered", reservation=node.hash), by="bo", kid="")
        assert items(scene)["seal"].reserved == left


def test_a_scan_of_a_serial_makes_up_for_its_article() -> None:
    scene = Scene()
    order(scene, msgspec.structs.replace(ORDER, lines=(OrderLine(line="1", article="seal", qty=2, serials=("s1",)),)))
    node = handed(scene, reservations=lacking("seal", 1))
    scene.record(ItemScanned(item="s1", step="delivered", reservation=node.hash), by="bo", kid="")
    assert items(scene)["seal"].reserved == 0


def test_part_of_an_item_goes_over_and_the_rest_stays_reserved_over_later_handovers() -> None:
    scene = Scene()
    node = handed(scene, reservations=lacking("seal", 1))
    assert (items(scene)["seal"].reserved, items(scene)["seal"].with_party) == (1, "bo")
    handed(scene, "cem", "bo", node.hash)
    assert (items(scene)["seal"].reserved, items(scene)["seal"].with_party) == (1, "cem")


def test_counting_more_than_was_offered_lacks_nothing() -> None:
    scene = Scene()
    handed(scene, reservations=lacking("seal", 5))
    assert (items(scene)["seal"].reserved, items(scene)["seal"].with_party) == (0, "bo")


@given(st.lists(st.integers(0, 2), min_size=2, max_size=4), rngs())
def test_of_a_node_accepted_more_than_once_every_reservation_counts(counted: list[int], rng: Random) -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo", payload=GOODS))
    for count in counted:
        scene.record(scene.answer(offer, "bo", reservations=lacking("seal", count)), by="bo")
    standings = list(scene.shelf.standings.values())
    rng.shuffle(standings)
    found = {item.item: item for item in journey(scene.opened.job, standings).items}
    assert found["seal"].reserved == 2 - min(counted)
    assert found["seal"].with_party == ("bo" if min(counted) else "")


def test_an_acceptance_whose_offer_is_not_here_moves_no_goods() -> None:
    scene = Scene()
    node = handed(scene)
    held = [scene.standing(scene.opened), scene.standing(node)]
    assert (journey(scene.opened.job, held).accountable, journey(scene.opened.job, held).items) == ("bo", ())


def test_an_acceptance_that_lost_moves_no_goods() -> None:
    scene = Scene()
    handed(scene, "bo")
    handed(scene, "cem")
    assert fold(scene).accountable == "anna"
    assert {item.with_party for item in fold(scene).items} == {""}
