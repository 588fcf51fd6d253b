"""Handover codes as text: what goes in comes out, and whatever else is read is a problem with a name."""

import json
import random
import tracemalloc
import zlib
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.base45 import b45
from sync.dictionary import DICTIONARY_1
from sync.ids import b64, unb64
from sync.problems import (
    CODE_INFLATES_TOO_FAR,
    CODE_MALFORMED,
    CODE_TEXT_MALFORMED,
    CODE_VERSION_UNSUPPORTED,
    NOT_OUR_CODE,
    TOO_LARGE,
    UNREADABLE,
    WRONG_TYPE_OF_CODE,
    Problem,
    ProblemKind,
)
from sync.qr import (
    MOST_CODES_AT_ONCE,
    MOST_EVENTS,
    MOST_INFLATED,
    MOST_PART_BYTES,
    MOST_PARTS,
    PART_BYTES,
    CodeKind,
    Fit,
    Frame,
    PartsCollector,
    SignedEvent,
    answer_frame,
    classify,
    code_texts,
    decode_frame,
    encode_frame,
    expect_kind,
    fit,
    frame_text,
    kind_of,
    log_of,
    offer_frame,
    read_frame,
)
from sync.seal import Jwk, Signer, kid_of, verify_raw

FIXTURES = Path(__file__).parents[2] / "fixtures" / "qr"
CODES: list[dict[str, str]] = json.loads((FIXTURES / "codes.json").read_text("utf-8"))
KID = "AAECAwQFBgc"
SIGNATURE = bytes(range(64))


def event(kind: str = "handover.offered", log: str = "bG9nLW9mLWFubmE", words: str = "", seq: int = 7) -> SignedEvent:
    raw = json.dumps({"log": log, "seq": seq, "kind": kind, "words": words}, ensure_ascii=False).encode()
    return SignedEvent(raw, SIGNATURE)


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def framed(packed: bytes, count: int = 1) -> bytes:
    return unb64(KID) + bytes([count]) + SIGNATURE * count + packed


def deflated(raw: bytes, dictionary: bytes = DICTIONARY_1) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=dictionary)
    return packer.compress(raw) + packer.flush()


def problem_of(kind: ProblemKind, raw: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        decode_frame(raw)
    assert caught.value.kind is kind
    return caught.value


names = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), min_size=1, max_size=20)
frames = st.builds(
    Frame,
    st.binary(min_size=8, max_size=8).map(b64),
    names.flatmap(
        lambda log: st.lists(
            st.builds(
                SignedEvent,
                st.builds(
                    lambda kind, seq, rest: json.dumps({"log": log, "seq": seq, "kind": kind, "x": rest}).encode(),
                    names,
                    st.integers(1, 2**53 - 1),
                    st.text(max_size=400),
                ),
                st.binary(min_size=64, max_size=64),
            ),
            min_size=1,
            max_size=4,
        )
    ).map(tuple),
)


# -- frames --------------------------------------------------------------------
@given(frames)
def test_a_frame_comes_back_byte_for_byte(frame: Frame) -> None:
    assert read_frame(frame_text(encode_frame(frame))) == frame


def test_a_frame_is_kid_count_signatures_and_deflated_events() -> None:
    one, two = event("job.opened"), event()
    raw = encode_frame(Frame(KID, (one, two)))
    assert raw[:8] == unb64(KID)
    assert raw[8] == 2
    assert raw[9:137] == SIGNATURE * 2
    assert zlib.decompressobj(-15, zdict=DICTIONARY_1).decompress(raw[137:]) == one.raw + b"\n" + two.raw


@given(frames, st.data())
def test_any_cut_or_flipped_text_is_a_problem_or_another_frame(frame: Frame, data: st.DataObject) -> None:
    text = frame_text(encode_frame(frame))
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(["", "A", "0", " ", "\u00e9"]))
    changed = data.draw(st.sampled_from([text[:at], text[:at] + other + text[at + 1 :]]))
    try:
        read = read_frame(changed)
    except Problem:
        return
    assert (read == frame) == (changed == text)


@given(st.binary(max_size=400))
def test_no_bytes_stop_the_reader(raw: bytes) -> None:
    with pytest.raises(Problem) as caught:
        decode_frame(framed(raw))
    assert caught.value.kind in (CODE_MALFORMED, CODE_INFLATES_TOO_FAR)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        unb64(KID),
        framed(b"", count=0),
        framed(deflated(b" " * 100_000), count=0),
        framed(b"", count=3)[:-1],
        framed(b""),
        framed(deflated(event().raw)[:-1]),
        framed(deflated(event().raw) + b"\x00"),
        framed(deflated(event().raw), count=2),
        framed(deflated(event().raw + b"\n" + event().raw), count=1),
        framed(deflated(b"")),
        framed(deflated(b"\n"), count=2),
        framed(deflated(event().raw + b"\t")),
        framed(deflated(event(log="a").raw + b"\n" + event(log="b").raw), count=2),
        framed(deflated(b"not json")),
        framed(deflated(b'{"log":"a","kind":"b"}')),
        framed(deflated(b'{"log":"\xff","seq":1,"kind":"b"}')),
        framed(deflated(b'{"x":' + b"[" * 5000)),
        framed(deflated(event().raw, dictionary=b"another dictionary" + event().raw)),
    ],
)
def test_what_is_no_frame_is_malformed(raw: bytes) -> None:
    problem_of(CODE_MALFORMED, raw)


def test_a_bomb_is_refused_within_bounded_memory() -> None:
    bomb = framed(deflated(b" " * 60_000_000))
    tracemalloc.start()
    problem_of(CODE_INFLATES_TOO_FAR, bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_exactly_as_much_as_a_code_may_carry_is_read() -> None:
    body = event(words="x" * (MOST_INFLATED - len(event().raw))).raw
    assert len(body) == MOST_INFLATED
    assert decode_frame(framed(deflated(body))).events[0].raw == body
    problem_of(CODE_INFLATES_TOO_FAR, framed(deflated(body + b" ")))


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (Frame(KID, ()), CODE_MALFORMED),
        (Frame(KID, (event(),) * 256), CODE_MALFORMED),
        (Frame("AAEC", (event(),)), CODE_MALFORMED),
        (Frame("=", (event(),)), UNREADABLE),
        (Frame(KID, (SignedEvent(event().raw, b"short"),)), CODE_MALFORMED),
        (Frame(KID, (SignedEvent(b"", SIGNATURE),)), CODE_MALFORMED),
        (Frame(KID, (SignedEvent(event().raw + b"\n", SIGNATURE),)), CODE_MALFORMED),
        (Frame(KID, (event(log="a"), event(log="b"))), CODE_MALFORMED),
        (Frame(KID, (event(words="x" * MOST_INFLATED),)), TOO_LARGE),
    ],
)
def test_what_could_not_be_read_is_not_written(frame: Frame, kind: ProblemKind) -> None:
    with pytest.raises(Problem) as caught:
        encode_frame(frame)
    assert caught.value.kind is kind


def test_the_last_event_says_what_the_code_is() -> None:
    frame = Frame(KID, (event("job.opened"), event("handover.offered")))
    assert kind_of(frame) == "handover.offered"
    assert log_of(frame) == "bG9nLW9mLWFubmE"
    expect_kind(frame, "handover.offered", "handover.accepted")
    with pytest.raises(Problem) as caught:
        expect_kind(frame, "handover.accepted", "handover.refused")
    assert caught.value.kind is WRONG_TYPE_OF_CODE


def test_an_offer_is_preceded_by_the_opening_of_its_job_if_one_picture_holds_both() -> None:
    opened, offer = event("job.opened", seq=1), event(seq=2)
    assert offer_frame(KID, [offer]) == Frame(KID, (offer,))
    assert offer_frame(KID, [offer], [opened]) == Frame(KID, (opened, offer))
    long = event("job.opened", words=noise(500).hex())
    assert offer_frame(KID, [offer], [long]) == Frame(KID, (offer,))


def test_an_offer_that_needs_parts_anyway_brings_the_opening_as_long_as_parts_hold_both() -> None:
    opened, offer = event("job.opened", seq=1), event(seq=2, words=noise(1_000).hex())
    assert offer_frame(KID, [offer], [opened]) == Frame(KID, (opened, offer))
    full = event(seq=2, words=noise(16_350).hex())
    assert len(code_texts(encode_frame(offer_frame(KID, [full])))) == MOST_PARTS
    assert offer_frame(KID, [full], [opened]) == Frame(KID, (full,))
    assert offer_frame(KID, [offer], [event("job.opened", words="x" * MOST_INFLATED)]) == Frame(KID, (offer,))


def test_several_jobs_stand_in_one_code_in_the_order_of_their_log() -> None:
    first, second = event("job.opened", seq=2), event("job.opened", seq=4)
    offers = [event(seq=5), event(seq=3)]
    assert offer_frame(KID, offers, [second, first]) == Frame(KID, (first, offers[1], second, offers[0]))
    long = event("job.opened", words=noise(1_000).hex(), seq=1)
    frame = offer_frame(KID, offers, [long, first])
    assert frame == Frame(KID, (long, first, offers[1], offers[0])), "several jobs are proven, in parts if need be"
    assert len(code_texts(encode_frame(frame))) > 1
    full = event("job.opened", words=noise(16_350).hex(), seq=1)
    assert offer_frame(KID, offers, [full, first]) == Frame(KID, (first, offers[1], offers[0]))
    answers = [event("handover.refused", seq=9), event("handover.accepted", seq=8)]
    assert answer_frame(KID, answers) == Frame(KID, (answers[1], answers[0]))


def test_openings_go_along_only_while_their_number_fits_one_byte() -> None:
    offers = [event(seq=seq) for seq in range(2, MOST_EVENTS + 2)]
    assert len(offer_frame(KID, offers, [event("job.opened", seq=1)]).events) == MOST_EVENTS


# -- texts ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("HO1:ABC", CodeKind.HANDOVER),
        ("HP1:AAAAAAAA/1/2:BB8", CodeKind.PART),
        ("HE1:BB8", CodeKind.ENROLMENT),
        ("HC1:BB8", CodeKind.CHALLENGE),
        ("HS1:site-1", CodeKind.LABEL),
        ("HO2:ABC", CodeKind.UNSUPPORTED),
        ("HP12:AB", CodeKind.UNSUPPORTED),
        ("HE0:", CodeKind.UNSUPPORTED),
        ("HX1:ABC", CodeKind.OTHER),
        ("ho1:ABC", CodeKind.OTHER),
        (" HO1:ABC", CodeKind.OTHER),
        ("HO:ABC", CodeKind.OTHER),
        ("https://id.gs1.org/414/9520123000011", CodeKind.OTHER),
        ("", CodeKind.OTHER),
    ],
)
def test_the_first_characters_say_what_a_text_is(text: str, kind: CodeKind) -> None:
    assert classify(text) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("just words", NOT_OUR_CODE),
        ("HO2:%%%", CODE_VERSION_UNSUPPORTED),
        ("HO1:BB8a", CODE_TEXT_MALFORMED),
        ("HO1:" + "0" * 4300, CODE_TEXT_MALFORMED),
        ("HO1:", CODE_MALFORMED),
        ("HO1:BB8", CODE_MALFORMED),
        ("HO1:" + b45(framed(deflated(b" " * 70_000))), CODE_INFLATES_TOO_FAR),
        ("HE1:BB8", WRONG_TYPE_OF_CODE),
    ],
)
def test_a_code_says_the_first_thing_that_is_wrong_with_it(text: str, kind: ProblemKind) -> None:
    with pytest.raises(Problem) as caught:
        read_frame(text)
    assert caught.value.kind is kind


@given(st.text(max_size=60))
def test_no_text_stops_the_reader(text: str) -> None:
    classify(text)
    for prefix in ("", "HO1:", "HP1:"):
        for read in (read_frame, PartsCollector().take):
            with pytest.raises(Problem):
                read(prefix + text)


# -- one picture or several ----------------------------------------------------
@pytest.mark.parametrize(
    ("size", "symbol"),
    [(541, Fit("M", 18)), (542, Fit("L", 16)), (694, Fit("L", 18)), (695, None), (9, Fit("M", 1))],
)
def test_a_frame_is_drawn_at_level_m_then_l_then_in_parts(size: int, symbol: Fit | None) -> None:
    frame = noise(size)
    assert fit(frame_text(frame)) == symbol
    assert len(code_texts(frame)) == (1 if symbol else -(-size // PART_BYTES))


def test_a_text_outside_the_alphanumeric_mode_needs_more_room() -> None:
    assert fit("HS1:" + "A" * 40) == Fit("M", 3)
    assert fit("HS1:" + "a" * 40) == Fit("M", 4)
    assert fit("HS1:" + "\u0444" * 700) is None


def test_every_part_is_one_picture() -> None:
    for text in code_texts(noise(MOST_PARTS * PART_BYTES)):
        symbol = fit(text)
        assert symbol is not None
        assert symbol.level == "M"
        assert symbol.version <= 13


def test_a_frame_of_too_many_parts_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        code_texts(noise(MOST_PARTS * PART_BYTES + 1))
    assert caught.value.kind is TOO_LARGE


# -- parts ---------------------------------------------------------------------
many = st.integers(695, 4000).map(noise)


@given(many, st.data())
def test_parts_in_any_order_with_repeats_give_the_frame(frame: bytes, data: st.DataObject) -> None:
    texts = code_texts(frame)
    shown = data.draw(st.permutations(texts + tuple(data.draw(st.lists(st.sampled_from(texts), max_size=9)))))
    collector = PartsCollector()
    for seen, text in enumerate(shown, 1):
        collector = collector.take(text)
        whole = set(texts) <= set(shown[:seen])
        assert collector.frame() == (frame if whole else None)
        assert len(collector.missing()) == len(set(texts) - set(shown[:seen]))


@given(many, st.data())
def test_with_one_part_missing_there_is_never_a_frame(frame: bytes, data: st.DataObject) -> None:
    texts = code_texts(frame)
    missing = data.draw(st.integers(0, len(texts) - 1))
    rest = texts[:missing] + texts[missing + 1 :]
    collector = PartsCollector()
    for text in data.draw(st.lists(st.sampled_from(rest), min_size=len(rest), max_size=20)):
        collector = collector.take(text)
        assert collector.frame() is None
        assert missing + 1 in collector.missing()


@given(st.lists(many, min_size=2, max_size=MOST_CODES_AT_ONCE, unique=True), st.data())
def test_parts_of_several_codes_never_mix(codes: list[bytes], data: st.DataObject) -> None:
    of = {text: frame for frame in codes for text in code_texts(frame)}
    collector, found = PartsCollector(), set()
    for text in data.draw(st.permutations(list(of))):
        collector = collector.take(text)
        assert collector.frame() in (None, of[text])
        found.add(collector.frame())
    assert found >= set(codes)


def test_nothing_was_read_at_first() -> None:
    assert PartsCollector().frame() is None
    assert PartsCollector().missing() == ()


def test_a_wrong_part_is_found_and_reading_the_right_one_heals() -> None:
    frame = noise(800)
    one, two, three = code_texts(frame)
    head = ":".join(two.split(":")[:2])
    wrong = f"{head}:{b45(bytes(267))}"
    collector = PartsCollector().take(one).take(wrong)
    with pytest.raises(Problem) as caught:
        collector.take(three)
    assert caught.value.kind is CODE_MALFORMED
    assert collector.take(two).take(three).frame() == frame


@pytest.mark.parametrize(
    "text",
    [
        "HP1:",
        "HP1:AAAAAAAA/1/2:",
        "HP1:AAAAAAAA/0/2:BB8",
        "HP1:AAAAAAAA/3/2:BB8",
        "HP1:AAAAAAAA/1/65:BB8",
        "HP1:AAAAAAAA/1/999:BB8",
        "HP1:AAAAAAA/1/2:BB8",
        "HP1:AAAAAAA1/1/2:BB8",
        "HP1:AAAAAAAA/1/2:BB8B",
        "HP1:AAAAAAAA/\u0661/2:BB8",
        "HP1:AAAAAAAA/1/2:" + b45(bytes(MOST_PART_BYTES + 1)),
    ],
)
def test_what_is_no_part_is_refused_and_changes_nothing(text: str) -> None:
    with pytest.raises(Problem) as caught:
        PartsCollector().take(text)
    assert caught.value.kind is CODE_TEXT_MALFORMED


def test_a_collector_keeps_a_bounded_number_of_codes() -> None:
    collector = PartsCollector()
    for number in range(100):
        collector = collector.take(code_texts(noise(700 + number))[0])
    assert len(collector.codes) == MOST_CODES_AT_ONCE


# -- codes that were written down ----------------------------------------------
def test_dictionary_1_never_changes() -> None:
    assert (
        sha256(DICTIONARY_1).hexdigest()
        == (FIXTURES.parent / "wire" / "dictionary-1.sha256").read_text("ascii").strip()
    )
    assert len(DICTIONARY_1) <= 32 * 1024


@pytest.mark.parametrize("code", CODES, ids=[code["name"] for code in CODES])
def test_a_code_once_shown_is_read_for_ever(code: dict[str, str]) -> None:
    frame = read_frame(code["text"])
    assert frame == Frame(code["kid"], (SignedEvent(code["event"].encode(), unb64(code["signature"])),))
    jwk = Jwk(x=code["x"])
    assert kid_of(jwk) == frame.kid
    verify_raw(frame.events[0].signature, frame.events[0].raw, "ho-event", jwk)


def test_offers_with_every_field_make_one_code_each() -> None:
    sizes = sorted(len(encode_frame(read_frame(code["text"]))) for code in CODES)
    assert len(sizes) == 12
    assert sizes[6] <= 627
    assert sizes[-1] <= 652
    assert all(fit(code["text"]) for code in CODES)


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32))
def test_a_signature_survives_the_code(seed: bytes) -> None:
    signer, raw = Signer(seed), event().raw
    signature = unb64(signer.sign(raw, "ho-event").partition("..")[2])
    frame = read_frame(frame_text(encode_frame(Frame(signer.kid, (SignedEvent(raw, signature),)))))
    verify_raw(frame.events[0].signature, frame.events[0].raw, "ho-event", signer.jwk)
