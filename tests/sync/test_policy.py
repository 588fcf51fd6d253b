"""Documents: who belongs to whom, and how events name what they were made under."""

import json

import msgspec
import pytest

from sync.codec import decode, encode
from sync.ids import event_hash
from sync.policy import (
    Device,
    Directory,
    Document,
    Names,
    Person,
    Policy,
    Roster,
    TimeAnchor,
    is_role,
    key_of,
    reference,
)
from sync.problems import UNREADABLE, Problem
from sync.protocol import read_document
from sync.seal import kid_of
from tests.sync.cast import DESKS, PEOPLE, TEAM, key, roster

WHEN = "2026-01-05T08:00:00Z"
BOOK = Directory(roster(1))


@pytest.mark.parametrize(
    ("person", "party", "expected"),
    [
        ("anna", "anna", True),
        ("anna", "bo", False),
        ("eva", TEAM, True),
        ("anna", TEAM, False),
        ("anna", "role:technician", True),
        ("eva", "role:technician", False),
        ("anna", "role:", False),
        ("anna", "technician", False),
        ("gil", "gil", True),
        ("gil", TEAM, False),
        (TEAM, "eva", False),
    ],
)
def test_a_person_belongs_to_itself_its_teams_and_its_roles(person: str, party: str, expected: bool) -> None:
    assert BOOK.belongs(person, party) is expected


def test_people_teams_and_roles_are_known_and_guests_are_not() -> None:
    assert all(BOOK.knows(party) for party in (*PEOPLE, TEAM, "role:depot"))
    assert not BOOK.knows("gil")
    assert BOOK.person("anna") == Person(roles=("technician",))
    assert BOOK.person(TEAM) is BOOK.person("gil") is None


def test_a_key_is_a_device_s_or_the_backend_s() -> None:
    device = BOOK.device(kid_of(key("anna's")))
    assert device == Device(id="anna's", jwk=key("anna's"), people=("anna",))
    assert not BOOK.is_staff(kid_of(key("anna's")))
    assert BOOK.is_staff(kid_of(key(DESKS[0])))
    assert BOOK.device(kid_of(key(DESKS[0]))) is None


def test_a_device_is_found_under_every_key_it_ever_had() -> None:
    old, new = (Device(id="tablet", jwk=key(name)) for name in ("tablet's first", "tablet's second"))
    book = Directory(msgspec.structs.replace(BOOK.roster, devices=(old, *BOOK.roster.devices, new)))
    assert book.kids("tablet") == (kid_of(old.jwk), kid_of(new.jwk))
    assert book.kids("nobody's") == ()


def test_a_role_is_written_so() -> None:
    assert is_role("role:depot")
    assert not is_role("roles")


DOCUMENTS: tuple[Document, ...] = (
    roster(1),
    Policy(boundary="dock", version=3, issued_at=WHEN),
    Names(version=1, issued_at=WHEN, names={"anna": "Anna A."}),
    TimeAnchor(version=3, issued_at=WHEN, id="a1b2"),
)


@pytest.mark.parametrize(
    ("document", "name"), [*zip(DOCUMENTS, ("roster", "policy:dock", "names", "time"), strict=True)]
)
def test_a_document_is_read_back_and_named_by_what_it_is_a_version_of(document: Document, name: str) -> None:
    raw = encode(document)
    assert read_document(raw) == document
    assert key_of(document) == name
    assert reference(document.version, raw) == f"{document.version}.{event_hash(raw)[:6]}"


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b'{"doc":"receipt"}',
        b'{"doc":"names","version":0,"issued_at":"x"}',
        b'{"doc":"policy","boundary":"dock","version":1,"issued_at":"x","checks":[{"id":"a","needs":"luck"}]}',
        encode(roster(1))[:-1],
    ],
)
def test_what_is_no_document_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read_document(raw)
    assert refused.value.kind is UNREADABLE


def test_what_newer_software_adds_to_a_document_is_passed_over() -> None:
    assert read_document(json.dumps(json.loads(encode(roster(1))) | {"mood": "fine"}).encode()) == roster(1)


def test_an_empty_roster_knows_nobody() -> None:
    empty = Directory(decode(b'{"doc":"roster","version":1,"issued_at":"%s"}' % WHEN.encode(), Roster))
    assert not empty.knows("anna")
    assert empty.belongs("anna", "anna")
