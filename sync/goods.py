"""Goods on their way: what the orders of a job ask for, where each item was seen, and who has it."""

from collections import defaultdict
from typing import Final

import msgspec

from sync.custody import Custody
from sync.events import (
    Accepted,
    Event,
    ItemScanned,
    LineChanged,
    LineImported,
    OrderCancelled,
    OrderChanged,
    OrderImported,
    OrderLine,
)
from sync.gathered import Gathered
from sync.handover import Handover


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Goods the job needs: how many are ordered, and how many were seen at each step; `with_party` holds them.

    `reserved` were accepted as not received and stay with the sender until a scan names the reservation.
    """

    item: str
    expected: int
    picked: int = 0
    loaded: int = 0
    delivered: int = 0
    installed: int = 0
    returned: int = 0
    short: int = 0
    reserved: int = 0
    with_party: str = ""


def orders_of(facts: Gathered) -> dict[str, OrderImported]:
    """What is in force of every order of the job that was not cancelled, by `source/id`."""
    said: dict[str, list[tuple[Event, OrderImported]]] = defaultdict(list)
    for event, body in facts.all(OrderImported, OrderChanged):
        said[f"{body.source}/{body.order}"].append((event, body))
    restored = {hash_ for one in said.values() for _, body in one for hash_ in body.replaces}
    cancelled = {
        f"{body.source}/{body.order}" for event, body in facts.all(OrderCancelled) if event.hash not in restored
    }
    orders: dict[str, OrderImported] = {}
    for name in sorted(said.keys() - cancelled):
        order = facts.one(f"contents of order {name}", said[name])
        if order is not None:
            orders[name] = _with_lines(order, facts)
    return orders


def _with_lines(order: OrderImported, facts: Gathered) -> OrderImported:
    """The order with the lines that came on their own."""
    lines = {line.line: line for line in order.lines}
    said: dict[str, list[tuple[Event, LineImported]]] = defaultdict(list)
    for event, body in facts.all(LineImported, LineChanged):
        if (body.source, body.order) == (order.source, order.order):
            said[body.line.line].append((event, body))
    for name in sorted(said):
        found = facts.one(f"contents of line {name}", said[name])
        if found is not None:
            lines[name] = found.line
    return msgspec.structs.replace(order, lines=tuple(lines[name] for name in sorted(lines)))


def items_of(
    facts: Gathered, orders: dict[str, OrderImported], tree: Custody, found: tuple[Handover, ...]
) -> tuple[Item, ...]:
    """Every item that an order, a scan or an offer names: ordered, seen at each step, and who has it."""
    lines: list[OrderLine] = [line for order in orders.values() for line in order.lines]
    expected: dict[str, int] = defaultdict(int)
    for line in lines:
        expected[line.article] += line.qty
    seen: dict[str, dict[str, int]] = {}
    supplied: dict[tuple[str, str], int] = defaultdict(int)
    carriers: dict[str, str] = {}
    serials = {serial: line.article for line in lines for serial in line.serials}
    answers = {answer.hash: (answer, one) for one in found for answer in one.accepted}
    for event, scan in facts.of(ItemScanned):
        item = serials.get(scan.item, scan.item)
        steps = seen.setdefault(item, {})
        steps[scan.step] = steps.get(scan.step, 0) + scan.qty
        carriers.setdefault(item, event.actor)
        if scan.step in _HERE and _receives(event, answers.get(scan.reservation)):
            for name in {scan.item, item}:
                supplied[scan.reservation, name] += scan.qty
    reserved, holders = _moved(facts, tree, found, supplied)
    for one in found:
        for count in one.content.payload.items:
            expected.setdefault(count.id, count.expected)
    names = sorted(expected.keys() | seen.keys())
    return tuple(
        Item(
            item=name,
            expected=expected[name],
            **seen.get(name, {}),
            reserved=reserved.get(name, 0),
            with_party=holders.get(name, "" if name not in carriers else _first_holder(tree, carriers[name])),
        )
        for name in names
    )


_HERE: Final = ("picked", "loaded", "delivered", "installed")
"""The steps that show an item to be there; `returned` and `short` say the opposite."""


def _receives(scan: Event, answered: tuple[Event, Handover] | None) -> bool:
    """True where the scan is of the receiver's side of that acceptance: nobody hands himself off what was reserved."""
    if answered is None:
        return False
    answer, handover = answered
    receivers = (answer.actor, answer.body.party if isinstance(answer.body, Accepted) else "")
    return scan.actor in receivers or scan.actor not in (handover.offer.actor, handover.content.sender)


def _first_holder(tree: Custody, carrier: str) -> str:
    """Before any acceptance lists an item, the party that opened the job has it; without a root, whoever scanned it."""
    return tree.path[0].party if tree.path else carrier


def _moved(
    facts: Gathered, tree: Custody, found: tuple[Handover, ...], supplied: dict[tuple[str, str], int]
) -> tuple[dict[str, int], dict[str, str]]:
    """What each item lacks by reservation, and who has it: it moves with the acceptances on the walk that list it.

    Where one node was accepted more than once, what any of these acceptances reserved is reserved.
    """
    offers = {one.offer.hash: one.content for one in found}
    accepted: dict[str, list[tuple[str, Accepted]]] = defaultdict(list)
    for event, answer in facts.all(Accepted):
        node = facts.standings[event.hash].node
        accepted[node.key if node is not None else ""].append((event.hash, answer))
    reserved: dict[str, int] = defaultdict(int)
    holders: dict[str, str] = {}
    for node in tree.path:
        lacks: dict[str, int] = {}
        gone: dict[str, bool] = {}
        for hash_, body in accepted[node.key]:
            counted = {one.item: one.counted for one in body.reservations}
            for count in offers[body.offer].payload.items if body.offer in offers else ():
                lack = count.counted - counted.get(count.id, count.counted) - supplied[hash_, count.id]
                lacks[count.id] = max(lacks.get(count.id, 0), lack)
                gone[count.id] = gone.get(count.id, True) and lack < max(count.counted, 1)
        for name, lack in lacks.items():
            reserved[name] += lack
            if gone[name]:
                holders[name] = node.party
    return {name: count for name, count in reserved.items() if count}, holders
