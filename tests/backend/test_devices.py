"""Devices as rows and codes: who may record, what a code may still be used for, and what a list shows of each."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.config import Settings
from backend.devices import find_device, list_devices, put_device
from backend.enrolment import LONGEST_MS, SHOWN_MS, code_name, fate_of, make_cards, make_code, void_codes
from backend.intake import Door, open_door
from backend.master import PERSON, PersonRow, put
from backend.writing import Writing
from sync.cards import read_enrolment
from sync.problems import (
    BAD_ARGUMENT,
    BAD_NAME,
    NOT_FOUND,
    UNKNOWN_PARTY,
    UNREADABLE,
    WRONG_INPUT,
    Problem,
    ProblemKind,
)
from tests.backend.people import FixedWorld


class Desk:
    """The door of a database in which anna is listed, and the devices phone, tablet and 50%_off."""

    def __init__(self, door: Door, con: sqlite3.Connection, world: FixedWorld) -> None:
        self.door = door
        self.con = con
        self.world = world
        self.do(self._begin)

    def _begin(self, writing: Writing) -> None:
        put(writing.con, PERSON, "anna", PersonRow(name="Anna"), by="ada", now_ms=writing.now_ms)
        for name in ("phone", "tablet", "50%_off"):
            put_device(self.door, writing, name, ("anna",), by="ada")

    def do(self, work: Callable[[Writing], Any]) -> Any:  # noqa: ANN401 - whatever the work returns
        return self.door.write_now(self.con, work)

    def code(self, device: str) -> str:
        """The name of a new code, shown on a screen."""
        return code_name(self.do(lambda writing: make_code(self.door, writing, device, SHOWN_MS, by="ada")))

    def fate(self, device: str, name: str) -> str:
        return fate_of(self.con, device, name, self.world.now_ms())

    def refusal(self, work: Callable[[Writing], Any]) -> ProblemKind:
        with pytest.raises(Problem) as caught:
            self.do(work)
        return caught.value.kind


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    world = FixedWorld()
    with open_door(Settings(database=tmp_path / "x.db"), world) as (door, con):
        yield Desk(door, con, world)


def test_a_code_is_over_after_ten_minutes_and_void_once_it_is_replaced_or_ended(desk: Desk) -> None:
    first = desk.code("phone")
    other = desk.code("tablet")
    second = desk.code("phone")
    assert [desk.fate("phone", first), desk.fate("phone", second), desk.fate("tablet", other)] == [
        "void",
        "open",
        "open",
    ]
    assert desk.do(lambda writing: void_codes(writing, "phone")) == 1
    assert desk.fate("phone", second) == "void"
    desk.world.clock_ms += SHOWN_MS
    assert desk.fate("tablet", other) == "over"
    for device, name in (("phone", other), ("phone", "nonsense"), ("phone", "C" * 42 + "A")):
        with pytest.raises(Problem) as caught:
            desk.fate(device, name)
        assert caught.value.kind is NOT_FOUND


def test_cards_name_device_people_and_end_and_void_what_was_printed_before(desk: Desk) -> None:
    def cards(*devices: str, lives_ms: int = LONGEST_MS) -> Any:  # noqa: ANN401 - what the door returns
        return desk.do(lambda writing: make_cards(desk.door, writing, devices, lives_ms, by="ada"))

    before = cards("phone")
    made = cards("phone", "tablet", "phone")
    assert [(one.device, one.people) for one in made] == [("phone", ("Anna",)), ("tablet", ("Anna",))]
    assert {one.expires_ms for one in made} == {desk.world.now_ms() + LONGEST_MS}
    old, new = (code_name(read_enrolment(one.text)) for one in (before[0], made[0]))
    assert (desk.fate("phone", old), desk.fate("phone", new)) == ("void", "open")
    assert (
        desk.refusal(lambda writing: make_cards(desk.door, writing, ["tablet", "none"], SHOWN_MS, by="ada"))
        is NOT_FOUND
    )
    assert desk.fate("tablet", code_name(read_enrolment(made[1].text))) == "open", "nothing was done by halves"
    for devices, lives_ms in ((["phone"], LONGEST_MS + 1), (["phone"], 0), ([], SHOWN_MS)):
        with pytest.raises(Problem) as caught:
            cards(*devices, lives_ms=lives_ms)
        assert caught.value.kind is BAD_ARGUMENT


def test_a_list_shows_how_each_device_stands_and_finds_it_by_what_it_or_its_people_are_called(desk: Desk) -> None:
    desk.code("tablet")
    now_ms = desk.world.now_ms()

    def listed(**given: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - what a list is asked
        return [(one.id, one.state) for one in list_devices(desk.con, now_ms, **given).devices]

    assert listed() == [("50%_off", "new"), ("phone", "new"), ("tablet", "waiting")]
    assert listed(state="waiting") == [("tablet", "waiting")]
    assert listed(text="ANNA") == listed()
    assert listed(text="%_") == [("50%_off", "new")]
    assert listed(text="_h") == []
    first = list_devices(desk.con, now_ms, most=2)
    assert (len(first.devices), first.next) == (2, "phone")
    assert [one.id for one in list_devices(desk.con, now_ms, most=2, after=first.next).devices] == ["tablet"]
    code = find_device(desk.con, "tablet", now_ms).code
    assert code is not None
    assert (code.expires_ms - code.made_ms, code.made_by, code.printed) == (SHOWN_MS, "ada", False)


@pytest.mark.parametrize(
    ("device", "given", "kind"),
    [
        ("phone", {"people": ("nobody",)}, UNKNOWN_PARTY),
        ("phone", {"people": ("anna",), "valid_from": "tomorrow"}, UNREADABLE),
        (
            "phone",
            {"people": (), "valid_from": "2027-01-02T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"},
            WRONG_INPUT,
        ),
        (" new", {"people": ()}, BAD_NAME),
        ("", {"people": ()}, BAD_NAME),
    ],
)
def test_a_device_that_cannot_be_so_is_refused(
    desk: Desk, device: str, given: dict[str, Any], kind: ProblemKind
) -> None:
    assert desk.refusal(lambda writing: put_device(desk.door, writing, device, by="ada", **given)) is kind
