"""A redacted event says no words any more, and nothing else of it has changed."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codec import read_event
from sync.events import KINDS, CodeWitnessed, Event, EventRedacted, NoteWritten, Offered
from sync.ids import event_hash
from sync.judge import judge
from sync.payload import REDACTED, Payload, missing, present
from sync.problems import NOT_REDACTABLE, RESTATEMENT_MISSING, UNREADABLE, Problem
from sync.redaction import (
    check_restated,
    fuller,
    read_held,
    read_restated,
    restated,
    restates_redaction,
    says_words,
    shown_text,
)
from sync.standing import Standing
from tests.sync.maximal import SAID, event_bytes
from tests.sync.scene import Scene

REDACTABLE = sorted(KINDS.keys() - {"event.redacted"})


def redacted(raw: bytes, kid: str = "") -> Event:
    return read_restated(restated(raw).decode(), event_hash(raw), kid)


@pytest.mark.parametrize("kind", REDACTABLE)
def test_no_words_and_no_blobs_are_left_and_all_else_is_as_it_was(kind: str) -> None:
    raw = event_bytes(kind)
    text = restated(raw)
    assert SAID.encode() not in text
    before, after = json.loads(raw), json.loads(text)
    assert "blobs" not in after
    assert emptied(before["body"]) == after["body"]
    assert {name: part for name, part in before.items() if name not in ("body", "blobs")} == {
        name: part for name, part in after.items() if name != "body"
    }
    assert says_words(raw)


def emptied(value: object) -> object:
    match value:
        case dict():
            return {name: emptied(part) for name, part in value.items()}
        case list():
            return [emptied(part) for part in value]
        case str() if value == SAID:
            return ""
    return value


@pytest.mark.parametrize("kind", REDACTABLE)
def test_it_is_read_as_the_event_of_its_hash_with_a_mark_where_words_were(kind: str) -> None:
    raw = event_bytes(kind)
    before, after = read_event(raw, "k"), redacted(raw, "k")
    assert msgspec.structs.replace(after, body=before.body, blobs=before.blobs) == before
    assert type(after.body) is type(before.body)
    assert (SAID in str(before.body)) == (REDACTED in str(after.body) or kind == "code.witnessed")
    assert SAID not in str(after.body)


@given(st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_what_was_said_and_what_was_missing_stays_so(summary: str, then: str, blocked: bool) -> None:
    said = {"summary": summary, "risks": [{"if": "rain", "then": then}]} | ({"state": "blocked"} if blocked else {})
    payload = msgspec.convert(said, Payload)
    scene = Scene()
    offer = msgspec.structs.replace(scene.offer("bo"), payload=payload)
    event = scene.write(offer)
    raw = scene.raw
    found = redacted(raw, event.kid).body
    assert isinstance(found, Offered)
    assert present(found.payload) == present(payload)
    assert missing(found.payload, ("summary", "state")) == missing(payload, ("summary", "state"))


def test_a_witness_holds_nothing_any_more() -> None:
    body = redacted(event_bytes("code.witnessed")).body
    assert isinstance(body, CodeWitnessed)
    assert body.frame == ""


def test_only_what_is_left_of_the_event_passes() -> None:
    raw = event_bytes("note.written")
    check_restated(raw, restated(raw).decode())
    for other in (raw, restated(raw).replace(b'"anna"', b'"bo"'), restated(event_bytes("note.written", 4)), b"{}"):
        with pytest.raises(Problem) as caught:
            check_restated(raw, other.decode())
        assert caught.value.kind is NOT_REDACTABLE


@pytest.mark.parametrize("swap", [(b'"note.written"', b'"note.shouted"'), (b'"v":1', b'"v":2')])
def test_what_is_newer_than_this_software_is_left_alone(swap: tuple[bytes, bytes]) -> None:
    raw = event_bytes("note.written").replace(*swap)
    with pytest.raises(Problem) as caught:
        restated(raw)
    assert caught.value.kind is NOT_REDACTABLE
    event = read_restated(raw.decode(), event_hash(raw))
    assert (event.body, event.hash) == (None, event_hash(raw))
    assert shown_text(raw.decode()) == raw


def test_an_envelope_of_newer_software_is_shown_as_it_is() -> None:
    text = '{"v":2,"log":"AAECAwQFBgcICQoLDA0ODw","seq":3,"kind":"note.sung","voice":[]}'
    assert shown_text(text).decode() == text


def test_a_field_of_newer_software_stays_as_it_is() -> None:
    raw = event_bytes("note.written").replace(b'"text":', b'"mood":"calm","text":')
    assert json.loads(restated(raw))["body"]["mood"] == "calm"
    assert isinstance(redacted(raw).body, NoteWritten)


def test_a_body_nested_without_end_is_unreadable() -> None:
    deep = "[" * 30_000 + "]" * 30_000
    text = event_bytes("note.written").decode().replace('"text":', f'"mood":{deep},"text":')
    with pytest.raises(Problem) as caught:
        read_restated(text, event_hash(text.encode()))
    assert caught.value.kind is UNREADABLE


def test_a_correction_that_corrects_nothing_readable_is_unreadable() -> None:
    raw = event_bytes("correction.made")
    fields = json.loads(raw)["body"]["fields"]
    text = raw.decode().replace(json.dumps(fields, separators=(",", ":")), "7")
    with pytest.raises(Problem) as caught:
        read_restated(text, event_hash(raw))
    assert caught.value.kind is UNREADABLE


@pytest.mark.parametrize("body", ['"text":7', '"text":{}', '"replaces":{}', '"replaces":null'])
def test_a_body_that_is_none_is_unreadable(body: str) -> None:
    text = event_bytes("note.written").decode().replace(f'"text":"{SAID}"', body)
    with pytest.raises(Problem) as caught:
        read_restated(text, event_hash(text.encode()))
    assert caught.value.kind is UNREADABLE


def test_a_redaction_is_never_redacted() -> None:
    raw = event_bytes("event.redacted")
    with pytest.raises(Problem) as caught:
        restated(raw)
    assert caught.value.kind is NOT_REDACTABLE
    assert restates_redaction(EventRedacted(event=event_hash(raw), restated=raw.decode()))
    assert not restates_redaction(EventRedacted(event=event_hash(raw), restated=""))


@pytest.mark.parametrize("raw", [b"not an event", event_bytes("job.held").replace(SAID.encode(), b"")])
def test_of_bytes_that_are_no_event_nothing_is_left_and_they_stay_unreadable(raw: bytes) -> None:
    assert says_words(raw)
    assert restated(raw) == b""
    with pytest.raises(Problem) as caught:
        read_restated("", event_hash(raw))
    assert caught.value.kind is UNREADABLE


def test_an_event_without_words_and_blobs_is_left_as_it_is() -> None:
    event = json.loads(event_bytes("job.released"))
    del event["blobs"]
    assert not says_words(json.dumps(event, separators=(",", ":")).encode())


def test_a_line_is_read_from_what_is_left_where_that_is_said_and_else_from_its_bytes() -> None:
    raw = event_bytes("note.written")
    said = EventRedacted(event=event_hash(raw), restated=restated(raw).decode(), kid="k")
    assert read_held(raw, None, "k") == read_event(raw, "k")
    for line in (raw, event_hash(raw).encode()):
        assert read_held(line, said, "another") == redacted(raw, "k")
    with pytest.raises(Problem) as caught:
        read_held(event_hash(raw).encode(), None)
    assert caught.value.kind is RESTATEMENT_MISSING
    assert json.loads(shown_text(said.restated))["body"]["text"] == REDACTED


def test_of_two_redactions_the_one_that_leaves_less_counts_whichever_came_first() -> None:
    raw = event_bytes("note.written")
    less, more = (EventRedacted(event=event_hash(raw), restated=text) for text in ('{"v":1}', raw.decode()))
    assert fuller(less, more) == fuller(more, less) == less


def test_it_is_judged_as_before() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    raw = scene.raw
    before = scene.shelf.by_hash(offer.hash)
    after = judge(redacted(raw, offer.kid), scene.shelf)
    assert isinstance(before, Standing)
    assert (after.verdict, after.under, after.roster) == (before.verdict, before.under, before.roster)
