"""Bytes to events and back: what is accepted here is accepted everywhere, and each refusal is a named problem."""

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.clock import Moment
from sync.codec import (
    MOST_BYTES,
    MOST_NESTED,
    decode,
    encode,
    event_of,
    read_again,
    read_body,
    read_envelope,
    read_event,
    read_ours,
    strict,
    write_event,
)
from sync.events import (
    KINDS,
    SCHEMA,
    Blob,
    Correction,
    Draft,
    Event,
    Fact,
    JobOpened,
    JobPlanned,
    NoteWritten,
    Offered,
    SignalObserved,
)
from sync.ids import event_hash
from sync.payload import Payload, Synthesis
from sync.problems import EVENT_TOO_LARGE, UNREADABLE, Problem, ProblemKind
from sync.seal import Jwk
from tests.sync.scene import NOBODY_HAS_IT

LOG = "A" * 22
AT = Moment(wall="2026-01-05T08:00:00Z", mono=5, boot="b1")
GOLDEN = (
    b'{"v":1,"log":"AAAAAAAAAAAAAAAAAAAAAA","seq":2,"kind":"note.written","actor":"anna",'
    b'"at":{"wall":"2026-01-05T08:00:00Z","mono":5,"boot":"b1"},"body":{"text":"seal worn"},'
    b'"job":"BBBBBBBBBBBBBBBBBBBBBB"}'
)
GOLDEN_HASH = "thnQSAAI1y5CHJb_D6Ed7Y4_XhwzxSNdCloprWVqC08"
WHOLE: dict[str, Any] = json.loads(GOLDEN)


def note(text: str = "seal worn", **named: object) -> Draft:
    usual = Draft(kind="note.written", actor="anna", job="B" * 22, body=NoteWritten(text=text))
    return msgspec.structs.replace(usual, **named)


def write(draft: Draft, seq: int = 2, at: Moment = AT) -> bytes:
    return write_event(draft, log=LOG, seq=seq, at=at)


def refused(raw: bytes) -> tuple[ProblemKind, str]:
    with pytest.raises(Problem) as problem:
        read_event(raw)
    return problem.value.kind, str(problem.value)


def with_body(raw_text: str) -> bytes:
    """An event whose note's text is this JSON."""
    return GOLDEN.replace(b'"seal worn"', raw_text.encode("utf-8", "surrogatepass"))


# -- golden -------------------------------------------------------------------
def test_an_event_is_written_as_these_bytes() -> None:
    assert write(note()) == GOLDEN
    assert event_hash(GOLDEN) == read_event(GOLDEN).hash == GOLDEN_HASH


def test_an_offer_is_written_as_these_bytes() -> None:
    offered = Offered(
        roster="3.abcdef",
        policy="1.ABCDEF",
        boundary="any",
        basis=NOBODY_HAS_IT,
        sender="anna",
        to=("bo", "role:technician"),
        payload=Payload(priority="urgent", summary="leaks"),
        until="2026-01-05T09:00:00Z",
    )
    raw = write_event(note(kind="handover.offered", body=offered), log=LOG, seq=3, at=AT, prev="C" * 22)
    assert raw == (
        b'{"v":1,"log":"AAAAAAAAAAAAAAAAAAAAAA","seq":3,"kind":"handover.offered","actor":"anna",'
        b'"at":{"wall":"2026-01-05T08:00:00Z","mono":5,"boot":"b1"},"body":{"roster":"3.abcdef","basis":"'
        + NOBODY_HAS_IT.encode()
        + b'","sender":"anna","to":["bo","role:technician"],"boundary":"any","policy":"1.ABCDEF",'
        b'"payload":{"priority":"urgent","summary":"leaks"},"until":"2026-01-05T09:00:00Z"},'
        b'"job":"BBBBBBBBBBBBBBBBBBBBBB","prev":"CCCCCCCCCCCCCCCCCCCCCC"}'
    )


def test_the_bytes_of_others_are_read_however_they_spell_them() -> None:
    spaced = json.dumps(WHOLE, indent=None, separators=(", ", ": ")).encode()
    assert read_event(spaced).body == read_event(GOLDEN).body
    assert read_event(spaced).hash == event_hash(spaced) != GOLDEN_HASH
    backwards = json.dumps(dict(reversed(WHOLE.items()))).encode()
    assert read_event(backwards).body == read_event(GOLDEN).body


# -- bad input ----------------------------------------------------------------
def changed(old: str, new: str) -> bytes:
    """The golden event with one piece replaced."""
    assert GOLDEN.count(old.encode()) == 1
    return GOLDEN.replace(old.encode(), new.encode())


BAD = {
    "nothing": b"",
    "a space": b" ",
    "null": b"null",
    "a list": b"[]",
    "a string": b'"x"',
    "an empty object": b"{}",
    "a byte order mark": b"\xef\xbb\xbf" + GOLDEN,
    "a trailing NUL": GOLDEN + b"\x00",
    "a trailing line feed": GOLDEN + b"\n",
    "two objects": GOLDEN + GOLDEN,
    "cut at the end": GOLDEN[:-1],
    "cut in the middle": GOLDEN[: len(GOLDEN) // 2],
    "tabs between": GOLDEN.replace(b",", b",\t"),
    "a bell in a text": changed("seal worn", "seal\x07worn"),
    "UTF-16 in a text": GOLDEN.replace(b"seal worn", b"\xff\xfe"),
    "a surrogate in UTF-8": GOLDEN.replace(b"seal worn", b"\xed\xa0\x80"),
    "a lone surrogate": with_body('"\\ud800"'),
    "surrogates the wrong way round": with_body('"\\udc00\\ud800"'),
    "not a number": with_body("NaN"),
    "infinity": with_body("Infinity"),
    "a number too large": with_body("1e400"),
    "null for a text": with_body("null"),
    "true for a text": with_body("true"),
    "a number for a text": with_body("61"),
    "a list for a text": with_body('["x"]'),
    "a text too long": with_body('"' + "x" * 4_001 + '"'),
    "a text too short": with_body('""'),
    "a key twice in the envelope": changed('"seq":2', '"seq":2,"seq":3'),
    "a key twice in the body": changed('"text"', '"text":"a","text"'),
    "a key twice, once escaped": changed('"text"', '"text":"a","te\\u0078t"'),
    "a text for the version": changed('"v":1', '"v":"1"'),
    "true for the version": changed('"v":1', '"v":true'),
    "a fraction for the version": changed('"v":1', '"v":1.5'),
    "version 0": changed('"v":1', '"v":0'),
    "seq 0": changed('"seq":2', '"seq":0'),
    "a negative seq": changed('"seq":2', '"seq":-2'),
    "a seq with a leading zero": changed('"seq":2', '"seq":02'),
    "2^53": changed('"seq":2', '"seq":9007199254740992'),
    "2^63": changed('"seq":2', '"seq":9223372036854775808'),
    "2^64": changed('"seq":2', '"seq":18446744073709551616'),
    "400 digits": changed('"seq":2', '"seq":' + "9" * 400),
    "-2^53": changed('"mono":5', '"mono":-9007199254740992'),
    "a fraction of a millisecond": changed('"mono":5', '"mono":5.5'),
    "a short log": changed("A" * 22, "AAAA"),
    "a padded log": changed("A" * 22, "A" * 21 + "="),
    "nobody": changed('"anna"', '""'),
    "a name too long": changed('"anna"', '"' + "a" * 201 + '"'),
    "a number for a name": changed('"anna"', "5"),
    "a kind without a room": changed("note.written", "note"),
    "a kind in capitals": changed("note.written", "Note.Written"),
    "a kind too long": changed("note.written", "n." + "n" * 60),
    "a list for a body": changed('{"text":"seal worn"}', "[]"),
    "a number for a body": changed('{"text":"seal worn"}', "5"),
    "a time without an offset": changed("08:00:00Z", "08:00:00"),
    "a leap second": changed("08:00:00Z", "08:00:60Z"),
    "yesterday": changed('"text"', '"occurred_at":"yesterday","text"'),
    "a way to enter that is none": changed('"text"', '"entered":"guessed","text"'),
    "half a hash": changed('"text"', '"replaces":["short"],"text"'),
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 9_000,
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_event_is_refused(name: str) -> None:
    assert refused(BAD[name])[0] is UNREADABLE


@given(st.integers(0, len(GOLDEN) - 1))
def test_an_event_cut_anywhere_is_refused(at: int) -> None:
    assert refused(GOLDEN[:at])[0] is UNREADABLE


@given(st.integers(0, len(GOLDEN) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_read_as_something_else(at: int, byte: int) -> None:
    raw = GOLDEN[:at] + bytes([byte]) + GOLDEN[at + 1 :]
    with suppress(Problem):
        assert read_event(raw).hash == event_hash(raw)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_problem(raw: bytes) -> None:
    with pytest.raises(Problem):
        read_event(raw)


def test_nesting_has_a_limit_of_our_own() -> None:
    def nested(deep: int) -> bytes:
        return GOLDEN.replace(b'"text"', b'"more":' + b"[" * deep + b"]" * deep + b',"text"')

    read_event(nested(MOST_NESTED - 2))
    assert "nested" in refused(nested(MOST_NESTED - 1))[1]
    assert "nested" in refused(nested(30_000))[1]


def test_brackets_in_words_are_no_nesting() -> None:
    assert read_event(with_body(json.dumps('\\"[{' * 300))).kind == "note.written"
    quotes = b'"more":"' + b'\\"' * 30_000
    assert refused(GOLDEN.replace(b'"text"', b"[" * 70 + quotes))[0] is UNREADABLE


def test_64_kib_are_an_event_and_a_byte_more_is_not() -> None:
    room = MOST_BYTES - len(GOLDEN) - len(b'"more":"",')
    assert len(fits := GOLDEN.replace(b'"text"', b'"more":"' + b"x" * room + b'","text"')) == MOST_BYTES
    assert read_event(fits).kind == "note.written"
    assert refused(fits.replace(b"xx", b"xxx", 1))[0] is EVENT_TOO_LARGE


# -- what strict allows -------------------------------------------------------
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def integers(value: object) -> list[int]:
    match value:
        case bool():
            return []
        case int():
            return [value]
        case list():
            return [one for each in value for one in integers(each)]
        case dict():
            return [one for each in value.values() for one in integers(each)]
    return []


SPELLINGS = st.sampled_from([(",", ":"), (", ", ": ")])


@given(JSON, st.booleans(), SPELLINGS)
def test_json_is_strict_unless_an_integer_is_too_large(value: object, escaped: bool, spelled: tuple[str, str]) -> None:
    raw = json.dumps(value, ensure_ascii=escaped, separators=spelled).encode()
    assert is_strict(raw) == all(abs(one) < 2**53 for one in integers(value))


def is_strict(raw: bytes) -> bool:
    with suppress(Problem):
        strict(raw)
        return True
    return False


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 9), min_size=1, max_size=4), st.data())
def test_no_key_stands_twice(value: dict[str, int], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(sorted(value)))
    escaped = "".join(
        f"\\u{unit:04x}"
        for unit in struct.unpack(f"<{len(again.encode('utf-16-le')) // 2}H", again.encode("utf-16-le"))
    )
    spelled = data.draw(st.sampled_from([json.dumps(again), f'"{escaped}"']))
    pairs = [f"{json.dumps(key)}:{one}" for key, one in value.items()]
    pairs.insert(data.draw(st.integers(0, len(pairs))), f"{spelled}:0")
    with pytest.raises(Problem, match="the same key twice"):
        strict(("{" + ",".join(pairs) + "}").encode())


@pytest.mark.parametrize("text", ["9007199254740991", "-9007199254740991", "1e20", "9007199254740993.0", "-0", "0.1e1"])
def test_numbers_that_every_reader_holds_exactly_or_as_floats_are_allowed(text: str) -> None:
    strict(f'{{"n":{text}}}'.encode())


def test_digits_in_words_are_no_numbers() -> None:
    strict(b'{"n":"99999999999999999999999"}')


# -- two ways, one answer ------------------------------------------------------
SIGNAL = SignalObserved(observed="dwell", source="s1", rests_on=("a", "b"), lower_ms=5, upper_ms=2**53 - 1)
DRAFTS = [
    note(),
    note(
        body=NoteWritten(
            text='\u00e9\u2028\x7f/\\ "', occurred_at="2026-01-05T09:00:00+01:00", replaces=(NOBODY_HAS_IT,)
        )
    ),
    note(kind="signal.observed", body=SIGNAL),
    note(kind="correction.made", body=Correction(corrects=NOBODY_HAS_IT, reason="typo", fields={"text": "a", "b": ""})),
    note(kind="job.opened", job="", body=JobOpened(roster="1.abcdef", party="anna", site="mill", priority="urgent")),
    note(blobs=(Blob(sha256=NOBODY_HAS_IT, size=1, type="image/png"),), parents=("A" * 22 + ":1",)),
]
PIECES = [
    b'"seq":3,',
    b'"kind":"job.held",',
    b'"occurred_at":"noon",',
    b'"lower_ms":9007199254740992,',
    b'"more":[[]],',
    b'"text":"",',
    b'"v":2,',
    b"9007199254740992",
    b"1e20",
    b"\\u0061",
    b"\\ud800",
    b"\xff",
    b"\t",
    b" ",
    b"{",
    b"}",
    b'"',
    b",",
]


def answer(read: Callable[[], Event]) -> Event | tuple[ProblemKind, str, str]:
    try:
        return read()
    except Problem as problem:
        return problem.kind, problem.detail, problem.where


@given(st.sampled_from(DRAFTS), st.data())
def test_what_is_read_the_quick_way_is_what_the_general_way_reads(drawn: Draft, data: st.DataObject) -> None:
    raw = write(msgspec.structs.replace(drawn, body=msgspec.structs.replace(drawn.body, **noted(drawn, data))))
    for _ in range(data.draw(st.integers(0, 3))):
        at, to = sorted(data.draw(st.integers(0, len(raw))) for _ in range(2))
        piece = data.draw(st.sampled_from(PIECES) | st.binary(max_size=2) | st.just(raw[at:to]))
        raw = raw[:at] + piece + raw[data.draw(st.sampled_from([at, min(at + 1, len(raw)), to])) :]

    quick = read_ours(raw, "kid")
    general = answer(lambda: event_of(read_envelope(raw), raw, "kid"))

    assert quick is None or quick == general
    assert quick is None or quick == read_again(raw, "kid", quick.hash, (quick.wall_ms, quick.occurred_ms))
    assert answer(lambda: read_event(raw, "kid")) == general


def noted(draft: Draft, data: st.DataObject) -> dict[str, object]:
    text = st.text(min_size=1, max_size=30)
    return {"text": data.draw(text)} if isinstance(draft.body, NoteWritten) else {}


@pytest.mark.parametrize("draft", DRAFTS, ids=range(len(DRAFTS)))
def test_what_we_write_is_read_the_quick_way(draft: Draft) -> None:
    assert read_ours(write(draft)) is not None


def test_what_only_looks_like_ours_is_not_read_the_quick_way() -> None:
    in_the_body = changed('"kind":"note.written"', '"body":{"kind":"note.written"},"kind":"job.held"')
    for raw in (in_the_body, changed('"v":1', '"v":2'), changed("A" * 22, "A" * 23), b" " * (MOST_BYTES + 1), b"[]"):
        assert read_ours(raw) is None


def bounds(shape: msgspec.inspect.Type, seen: set[type]) -> Iterator[str]:
    """The types in here that a quick reading could not vouch for: numbers without bounds, and what may be anything."""
    match shape:
        case msgspec.inspect.StructType() if shape.cls not in seen:
            seen.add(shape.cls)
            for field in shape.fields:
                yield from bounds(field.type, seen)
        case msgspec.inspect.UnionType():
            for one in shape.types:
                yield from bounds(one, seen)
        case msgspec.inspect.VarTupleType():
            yield from bounds(shape.item_type, seen)
        case msgspec.inspect.DictType():
            yield from bounds(shape.value_type, seen)
        case msgspec.inspect.IntType() if shape.ge is None or shape.le is None or max(-shape.ge, shape.le) >= 2**53:
            yield "an integer without bounds"
        case msgspec.inspect.FloatType() | msgspec.inspect.AnyType() | msgspec.inspect.RawType():
            yield type(shape).__name__


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_number_in_an_event_has_bounds(kind: str) -> None:
    assert list(bounds(msgspec.inspect.type_info(KINDS[kind]), set())) == []
    assert list(bounds(msgspec.inspect.type_info(Moment), set())) == []


# -- newer software -----------------------------------------------------------
def test_an_unknown_kind_is_read_without_its_body() -> None:
    event = read_event(GOLDEN.replace(b"note.written", b"mood.felt"))
    assert (event.kind, event.body, event.job) == ("mood.felt", None, "B" * 22)


def test_a_higher_version_is_read_without_its_body() -> None:
    event = read_event(GOLDEN.replace(b'"v":1', b'"v":2').replace(b"08:00:00Z", b"teatime"))
    assert (event.v, event.kind, event.body, event.wall_ms) == (2, "note.written", None, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"anna"', '{"id":"anna"}'),
        ('"at":{"wall":"2026-01-05T08:00:00Z","mono":5,"boot":"b1"}', '"at":5'),
        ('"body":{"text":"seal worn"},', ""),
        ("note.written", "Note/2"),
    ],
)
def test_what_newer_software_wrote_is_never_refused(old: str, new: str) -> None:
    newer = changed(old, new).replace(b'"v":1', b'"v":%d' % (SCHEMA + 1))
    envelope = read_envelope(newer)
    assert (envelope.v, envelope.log, envelope.seq) == (SCHEMA + 1, LOG, 2)
    assert read_body(envelope) is None
    assert read_event(newer).body is None


@pytest.mark.parametrize(("old", "new"), [('"seq":2', '"seq":"two"'), ('"log":"A', '"log":"')])
def test_of_newer_software_too_an_event_has_a_name(old: str, new: str) -> None:
    assert refused(changed(old, new).replace(b'"v":1', b'"v":2'))[0] is UNREADABLE


def test_of_this_version_an_envelope_that_does_not_fit_is_refused() -> None:
    assert refused(GOLDEN.replace(b'"anna"', b'{"id":"anna"}'))[0] is UNREADABLE


# -- times in bodies ----------------------------------------------------------
@pytest.mark.parametrize("name", ["occurred_at", "window_from", "window_to", "eta"])
def test_a_time_that_cannot_be_read_is_refused_with_its_place(name: str) -> None:
    body = msgspec.structs.replace(JobPlanned(stop="s1"), **{name: "noon"})
    with pytest.raises(Problem) as problem:
        write(note(kind="job.planned", body=body))
    assert (problem.value.kind, problem.value.where) == (UNREADABLE, f"body.{name}")


def test_when_it_happened_is_what_the_body_says_else_when_it_was_recorded() -> None:
    early = read_event(write(note(body=NoteWritten(text="x", occurred_at="2026-01-05T08:00:00+01:00"))))
    assert early.wall_ms - early.occurred_ms == 3_600_000
    assert read_event(GOLDEN).occurred_ms == read_event(GOLDEN).wall_ms


# -- writing ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("draft", "kind"),
    [
        (note("x" * 4_001), UNREADABLE),
        (note(""), UNREADABLE),
        (note("\ud800"), UNREADABLE),
        (note(actor="\udfff"), UNREADABLE),
        (note(actor=""), UNREADABLE),
        (note(kind="note"), UNREADABLE),
        (note(kind="job.held"), UNREADABLE),
        (note(blobs=(Blob(sha256="short", size=1, type="image/png"),)), UNREADABLE),
        (note(blobs=(Blob(sha256=NOBODY_HAS_IT, size=2**53, type="image/png"),)), UNREADABLE),
        (note(blobs=(Blob(sha256=NOBODY_HAS_IT, size=1, type="image/png"),) * 800), EVENT_TOO_LARGE),
    ],
    ids=range(10),
)
def test_what_could_not_be_read_is_not_written(draft: Draft, kind: ProblemKind) -> None:
    with pytest.raises(Problem) as problem:
        write(draft)
    assert problem.value.kind is kind


@pytest.mark.parametrize("seq", [0, -1, 2**53, 2**70])
def test_a_place_out_of_bounds_is_not_written(seq: int) -> None:
    with pytest.raises(Problem):
        write(note(), seq=seq)


@given(st.text(min_size=1, max_size=400), st.integers(1, 2**53 - 1))
def test_whatever_is_written_is_read_back(text: str, seq: int) -> None:
    event = read_event(write(note(text), seq=seq))
    assert (event.body, event.seq) == (NoteWritten(text=text), seq)


# -- decoding other things ----------------------------------------------------
@pytest.mark.parametrize("raw", [b"", b"[", b'"\xff"', b"[" * 5_000, b'{"x":5}', "{", '{"x":"AA"}'])
def test_what_is_not_the_type_asked_for_is_refused_with_its_place(raw: bytes | str) -> None:
    with pytest.raises(Problem) as problem:
        decode(raw, Jwk, "line 3")
    assert (problem.value.kind, problem.value.where) == (UNREADABLE, "line 3")


def test_what_was_encoded_is_decoded() -> None:
    read = Synthesis(words="seal, then pressure", shown=4, hits=3)
    assert decode(encode(read), Synthesis) == read
    assert encode(read) == b'{"words":"seal, then pressure","shown":4,"hits":3}'


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_defaults_are_left_out(kind: str) -> None:
    assert KINDS[kind].__struct_config__.omit_defaults
    assert issubclass(KINDS[kind], Fact)
