"""Binding a device: a key and a log that survive a lost answer, and a backend that is the one the code names."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from device.agent import enrol, open_agent
from device.store.sqlite import open_store
from device.transport import Request, Response
from sync.cards import Enrolment, enrolment_text
from sync.codec import decode, encode, read_event
from sync.events import LogOpened
from sync.problems import (
    ALREADY_ENROLLED,
    BAD_ENROLMENT,
    CODE_TEXT_MALFORMED,
    CODE_VERSION_UNSUPPORTED,
    KEY_TAKEN,
    NO_CONNECTION,
    NO_FOLDER,
    NOT_BOUND,
    NOT_ENROLLED,
    NOT_OUR_CODE,
    OTHER_BACKEND,
    UNREADABLE,
    UNSENT,
    WRONG_TYPE_OF_CODE,
    Problem,
    ProblemKind,
)
from sync.protocol import EnrolReply, EnrolRequest
from sync.seal import Signer, kid_of, verify
from tests.device.field import OFFICE, SetWorld

CARD = Enrolment(url="http://backend.invalid", code="one-time-code", fingerprint=OFFICE.kid)
CODE = enrolment_text(CARD)
STRANGER = Signer(b"stranger".ljust(32, b"."))


class Desk:
    """Answers enrolments; `instead` answers first, where it has something to say."""

    def __init__(self, instead: Callable[[EnrolRequest], Response | None] = lambda _: None) -> None:
        self.asked: list[EnrolRequest] = []
        self.instead = instead
        self.reply = EnrolReply(device="phone-7", people=("anna",), epoch="1", keys=(STRANGER.jwk, OFFICE.jwk))

    async def send(self, request: Request) -> Response:
        asked = decode(request.body, EnrolRequest)
        self.asked.append(asked)
        said = self.instead(asked)
        return said if said is not None else Response(status=201, body=encode(self.reply))

    def close(self) -> None:
        """Nothing is kept open."""


def bind(folder: Path, desk: Desk, text: str = CODE, world: str = "phone") -> str:
    return asyncio.run(enrol(folder, SetWorld(world), text, lambda _: desk))


def problem_of(folder: Path, desk: Desk, text: str = CODE) -> ProblemKind:
    with pytest.raises(Problem) as caught:
        bind(folder, desk, text)
    return caught.value.kind


def test_a_device_is_bound_by_its_code_with_a_key_and_a_signed_beginning(tmp_path: Path) -> None:
    desk = Desk()
    assert bind(tmp_path / "phone", desk) == "phone-7"
    (asked,) = desk.asked
    verify(asked.jws, asked.genesis.encode(), "ho-event", asked.jwk)
    genesis = read_event(asked.genesis.encode())
    assert isinstance(genesis.body, LogOpened)
    assert (genesis.seq, genesis.body.jwk, asked.code) == (1, asked.jwk, "one-time-code")


async def keys_kept(folder: Path) -> tuple[object, ...]:
    async with open_agent(folder, SetWorld("phone"), lambda _: Desk()) as agent:
        return agent.holding.row.keys


def test_of_the_keys_that_come_over_the_wire_only_the_one_the_code_names_is_believed(tmp_path: Path) -> None:
    bind(tmp_path, Desk())
    assert asyncio.run(keys_kept(tmp_path)) == (OFFICE.jwk,)


def test_a_backend_that_is_not_the_one_the_code_names_is_not_believed(tmp_path: Path) -> None:
    desk = Desk()
    desk.reply = msgspec.structs.replace(desk.reply, keys=(STRANGER.jwk,))
    assert problem_of(tmp_path, desk) is OTHER_BACKEND
    assert not_enrolled(tmp_path)


def not_enrolled(folder: Path) -> bool:
    with pytest.raises(Problem) as caught:
        asyncio.run(keys_kept(folder))
    return caught.value.kind is NOT_ENROLLED


def lost(_: EnrolRequest) -> Response | None:
    raise Problem(NO_CONNECTION)


def test_after_a_lost_answer_the_same_key_and_log_are_asked_for_again(tmp_path: Path) -> None:
    first, second = Desk(lost), Desk()
    assert problem_of(tmp_path, first) is NOT_BOUND
    assert not_enrolled(tmp_path)
    assert bind(tmp_path, second) == "phone-7"
    assert second.asked == first.asked


def test_an_address_that_is_none_is_told_as_one_that_nobody_answers_at(tmp_path: Path) -> None:
    nowhere = enrolment_text(msgspec.structs.replace(CARD, url="http://:80"))
    with pytest.raises(Problem) as caught:
        asyncio.run(enrol(tmp_path, SetWorld("phone"), nowhere))
    assert caught.value.kind is NOT_BOUND


def test_a_device_that_is_bound_is_not_bound_again(tmp_path: Path) -> None:
    bind(tmp_path, Desk())
    assert problem_of(tmp_path, Desk()) is ALREADY_ENROLLED


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(status=403, body=b'{"type":"urn:handover:problem:bad-enrolment"}'), BAD_ENROLMENT),
        (Response(status=409, body=b'{"type":"urn:handover:problem:key-taken"}'), KEY_TAKEN),
        (Response(status=502, body=b"<html>"), BAD_ENROLMENT),
        (Response(status=200, body=b"<html>"), UNREADABLE),
        (Response(status=200, body=b'{"device":1}'), UNREADABLE),
    ],
)
def test_an_answer_that_binds_nothing_is_told_and_leaves_the_device_as_it_was(
    tmp_path: Path, response: Response, kind: ProblemKind
) -> None:
    assert problem_of(tmp_path, Desk(lambda _: response)) is kind
    assert not_enrolled(tmp_path)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", NOT_OUR_CODE),
        ("hello", NOT_OUR_CODE),
        ("HO1:ABC", WRONG_TYPE_OF_CODE),
        ("HE2:ABC", CODE_VERSION_UNSUPPORTED),
        ("HE1:abc", CODE_TEXT_MALFORMED),
    ],
)
def test_a_code_that_enrols_nobody_is_named_and_makes_no_key(tmp_path: Path, text: str, kind: ProblemKind) -> None:
    assert problem_of(tmp_path / "phone", Desk(), text) is kind
    assert not (tmp_path / "phone").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert problem_of(tmp_path / "file" / "phone", Desk()) is NO_FOLDER


def test_dying_between_key_and_log_costs_a_key_and_nothing_else(tmp_path: Path) -> None:
    class Dying(SetWorld):
        def fault(self, point: str) -> None:
            if point == "key-kept":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(enrol(tmp_path, Dying("first"), CODE, lambda _: Desk()))
    desk = Desk()
    assert bind(tmp_path, desk) == "phone-7"
    assert kid_of(desk.asked[0].jwk) == asyncio.run(own_kid(tmp_path))


async def own_kid(folder: Path) -> str:
    async with open_agent(folder, SetWorld("phone"), lambda _: Desk()) as agent:
        return agent.holding.row.kid


def test_a_stopped_device_is_bound_anew_once_everything_it_holds_is_received(tmp_path: Path) -> None:
    bind(tmp_path, Desk())
    asyncio.run(change(tmp_path, "UPDATE log SET state = 'stopped'"))
    assert problem_of(tmp_path, Desk()) is UNSENT
    asyncio.run(change(tmp_path, "DELETE FROM outbox"))
    desk = Desk()
    bind(tmp_path, desk, world="phone, later")
    genesis = read_event(desk.asked[0].genesis.encode())
    assert isinstance(genesis.body, LogOpened)
    assert genesis.body.former not in ("", genesis.log), "a new log that names the one it replaces"


async def change(folder: Path, sql: str) -> None:
    async with open_store(folder) as store:
        await store.writing(lambda con: con.execute(sql))
