"""What becomes of a message: signals with what speaks against them, or a problem by its name; never anything else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.decoders import native, owntracks
from device.dialects import DIALECTS, decode
from device.message import MOST_BYTES, Message
from sync.clock import milliseconds, rfc3339
from sync.problems import (
    SIGNAL_EMPTY,
    SIGNAL_TOPIC,
    TOO_LARGE,
    UNREADABLE,
    Problem,
    ProblemKind,
)
from sync.signals import AGE_BOUND_MS, Signal

MESSAGES = Path(__file__).parents[2] / "fixtures" / "mqtt"
RECEIVED_MS = milliseconds("2025-01-02T10:06:35Z")
DOOR = "ho/1/d/dock-3/sig/door"
PHONE = "owntracks/jane/phone"
NATIVE = {"v": 1, "id": "01JG", "boot": "7f3a", "seq": 812, "mono": 912_345, "state": "open"}
LOCATION = {"_type": "location", "lat": 51.5, "lon": -0.12, "acc": 8, "tst": 1_735_812_300}
Decode = Callable[[str, bytes, int], tuple[Signal, ...]]


def rows(name: str) -> list[Any]:
    return [
        pytest.param(row, id=f"{name}: {row['name']}")
        for row in json.loads((MESSAGES / f"{name}.json").read_text(encoding="utf-8"))
    ]


def heard(row: dict[str, Any]) -> tuple[Signal, ...]:
    return decode(Message(row["topic"], row["payload"].encode(), milliseconds(row["received"])))


@pytest.mark.parametrize("row", [row for name in ("native", "owntracks") for row in rows(name)])
def test_a_message_becomes_what_is_said_beside_it(row: dict[str, Any]) -> None:
    if "problem" in row:
        with pytest.raises(Problem) as met:
            heard(row)
        assert met.value.kind.slug == row["problem"]
        return
    if row["signal"] is None:
        assert heard(row) == ()
        return
    (signal,) = heard(row)
    shown = msgspec.to_builtins(signal) | {"t_eff": rfc3339(signal.t_eff_ms)}
    expected = row["signal"]
    if "t_eff" in expected:
        expected["t_eff"] = rfc3339(milliseconds(expected["t_eff"]))
    assert {field: _plain(shown[field]) for field in expected} == expected
    assert signal.device in {"dock-3", "jane/phone", "josé 🚚/phone"}
    assert signal.t_recv_ms == milliseconds(row["received"])


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", ["native", "owntracks"])
def test_there_are_at_least_ten_messages_of_each_dialect(name: str) -> None:
    assert len(rows(name)) >= 10


def payload(said: dict[str, object], **changed: object) -> bytes:
    return json.dumps({**said, **changed}).encode()


def raw(said: dict[str, object], field: str, text: bytes) -> bytes:
    """The message with this text, JSON or not, in the place of one field's value."""
    return payload(said, **{field: "HERE"}).replace(b'"HERE"', text)


BYTES: list[tuple[str, Callable[[dict[str, object], str], bytes], ProblemKind]] = [
    ("NaN", lambda said, number: raw(said, number, b"NaN"), UNREADABLE),
    ("1e400", lambda said, number: raw(said, number, b"1e400"), UNREADABLE),
    ("a byte-order mark", lambda said, _: b"\xef\xbb\xbf" + payload(said), UNREADABLE),
    ("a trailing NUL", lambda said, _: payload(said) + b"\0", UNREADABLE),
    ("two objects", lambda said, _: payload(said) * 2, UNREADABLE),
    ("empty", lambda *_: b"", SIGNAL_EMPTY),
    ("an array", lambda *_: b"[]", UNREADABLE),
    ("null", lambda *_: b"null", UNREADABLE),
    ("a number in quotes", lambda said, number: raw(said, number, b'"61.2"'), UNREADABLE),
    ("true for a number", lambda said, number: raw(said, number, b"true"), UNREADABLE),
    ("null for a number", lambda said, number: raw(said, number, b"null"), UNREADABLE),
    ("a float for a whole number", lambda said, number: raw(said, number, b"1.7e9"), UNREADABLE),
    ("2^63", lambda said, number: raw(said, number, b"9223372036854775808"), UNREADABLE),
    ("thirty digits", lambda said, number: raw(said, number, b"1" * 30), UNREADABLE),
    ("a negative count", lambda said, number: raw(said, number, b"-1"), UNREADABLE),
    ("a lone surrogate", lambda said, _: raw(said, "extra", rb'"\ud800"'), UNREADABLE),
    ("bytes that are no UTF-8", lambda said, _: raw(said, "extra", b'"\xff"'), UNREADABLE),
    ("nested 2,000 deep", lambda said, _: raw(said, "extra", b"[" * 2000 + b"]" * 2000), UNREADABLE),
    ("cut short", lambda said, _: payload(said)[:-1], UNREADABLE),
    ("a key twice", lambda said, _: payload(said)[:-1] + b', "' + next(iter(said)).encode() + b'": 1}', UNREADABLE),
    ("a key twice deep inside", lambda said, _: raw(said, "extra", b'[{"a":1,"a":2}]'), UNREADABLE),
    ("256 KiB", lambda said, _: raw(said, "extra", b'"' + b"x" * 262_144 + b'"'), TOO_LARGE),
]


@pytest.mark.parametrize(("make", "kind"), [case[1:] for case in BYTES], ids=[case[0] for case in BYTES])
@pytest.mark.parametrize(
    ("topic", "said", "number"),
    [(DOOR, NATIVE, "seq"), (PHONE, LOCATION, "tst")],
    ids=["native", "owntracks"],
)
def test_bytes_that_are_not_the_json_asked_for_are_refused_by_name(
    topic: str,
    said: dict[str, object],
    number: str,
    make: Callable[[dict[str, object], str], bytes],
    kind: ProblemKind,
) -> None:
    with pytest.raises(Problem) as met:
        decode(Message(topic, make(said, number), RECEIVED_MS))
    assert met.value.kind is kind
    assert met.value.kind.remedy in ("fix", "ask")


def test_a_large_payload_within_bounds_and_unknown_fields_are_read() -> None:
    large = raw(NATIVE, "extra", b'"' + b"x" * (MOST_BYTES - 200) + b'"')
    assert len(decode(Message(DOOR, large, RECEIVED_MS))) == 1


def test_the_same_fix_sent_again_has_the_same_key_and_another_fix_of_that_second_has_not() -> None:
    first, again, other = (
        decode(Message(PHONE, payload(LOCATION, **changed), RECEIVED_MS + delay))[0]
        for delay, changed in ((0, {}), (9_000, {"t": "p", "created_at": 1_735_812_390, "batt": 3}), (0, {"lat": 51.6}))
    )
    assert first.native_key == again.native_key != other.native_key
    elsewhere = decode(Message("owntracks/jane/tablet", payload(LOCATION), RECEIVED_MS))[0]
    assert elsewhere.native_key != first.native_key


def test_a_native_signal_is_named_by_device_and_id() -> None:
    first, again, other = (
        decode(Message(topic, payload(NATIVE, seq=seq), RECEIVED_MS))[0]
        for topic, seq in ((DOOR, 1), (DOOR, 2), (DOOR.replace("dock-3", "dock-4"), 1))
    )
    assert first.native_key == again.native_key != other.native_key


def test_how_a_message_came_is_flagged() -> None:
    way = Message(
        DOOR, payload(NATIVE, ts="2025-01-02T10:06:34Z", tq="ntp"), RECEIVED_MS, 0, retained=True, repeated=True
    )
    assert decode(way)[0].flags == ("repeated", "retained", "unassured")
    assert decode(way._replace(qos=1, retained=False, repeated=False))[0].flags == ()


def test_a_signal_without_any_time_of_its_own_is_as_uncertain_as_a_queue_is_long() -> None:
    assert decode(Message(DOOR, payload(NATIVE), RECEIVED_MS))[0].t_unc_ms == AGE_BOUND_MS


@pytest.mark.parametrize("topic", ["", "zigbee2mqtt/dock-3", "ho/2/d/x/sig/door", "\0", "$SYS/uptime"])
def test_a_topic_of_no_dialect_is_refused_by_name(topic: str) -> None:
    with pytest.raises(Problem) as met:
        decode(Message(topic, payload(NATIVE), RECEIVED_MS))
    assert met.value.kind is SIGNAL_TOPIC


KEYS = (
    "_type",
    "v",
    "id",
    "boot",
    "seq",
    "mono",
    "ts",
    "tq",
    "value",
    "state",
    "pos",
    "lat",
    "lon",
    "acc",
    "tst",
    "event",
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["location", "open"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner),
    max_leaves=8,
)
topics = st.sampled_from([DOOR, DOOR.replace("door", "loc"), PHONE, PHONE + "/event"]) | st.text(max_size=40)


@given(topics, st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_signals_or_a_problem(topic: str, said: bytes) -> None:
    try:
        signals = decode(Message(topic, said, RECEIVED_MS))
    except Problem as problem:
        assert problem.kind.slug  # noqa: PT017 - any problem will do, nothing else may come
    else:
        assert len(signals) <= 1


@given(st.sampled_from([(DOOR, NATIVE), (PHONE, LOCATION)]), st.dictionaries(st.sampled_from(KEYS), values, max_size=2))
def test_any_field_may_be_wrong_and_what_is_read_can_be_stored(
    one: tuple[str, dict[str, object]], changed: dict[str, object]
) -> None:
    try:
        signals = decode(Message(one[0], payload(one[1], **changed), RECEIVED_MS))
    except Problem:
        return
    for signal in signals:
        assert msgspec.json.decode(msgspec.json.encode(signal), type=Signal) == signal
        for number in (signal.t_eff_ms, signal.t_dev_ms or 0, signal.seq or 0, signal.mono_ms or 0):
            assert -(2**63) <= number < 2**63


def test_every_dialect_names_the_document_it_was_written_from() -> None:
    for module in (native, owntracks):
        assert module.__doc__
        assert "Source: " in module.__doc__
    assert {decoder for _, decoder in DIALECTS} == {native.decode, owntracks.decode}
