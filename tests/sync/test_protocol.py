"""The lines between device and backend: what is written is read back, and what is broken is named."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codec import encode
from sync.ids import b64, digest
from sync.policy import Names
from sync.problems import BAD_HEADER, TOO_LARGE, UNREADABLE, Problem
from sync.protocol import (
    MOST_COMPRESSED,
    MOST_EVENTS,
    MOST_INFLATED,
    ChangedVerdict,
    Cursor,
    LeftJob,
    PulledDocument,
    PulledEvent,
    PushHeader,
    PushLine,
    Receipt,
    SeqVerdict,
    chain_text,
    cursor_text,
    deflate,
    inflate,
    read_cursor,
    read_document,
    read_line,
    read_push,
    read_returned,
    receipt_text,
    write_line,
    write_push,
)

LOG = b64(bytes(16))
CHAIN = chain_text(digest(b"chain"))
JWS = "head..signature"
LINES = [PushLine(b'{"a":1}'), PushLine(b'{"b":2}', JWS)]


def header(first: int = 1, last: int = 2) -> bytes:
    return encode(PushHeader(v=1, log=LOG, from_=first, to=last, base=CHAIN, head=CHAIN))


def test_a_push_is_read_as_it_was_written() -> None:
    push = read_push(write_push(header(), JWS, LINES) + b"\n")
    assert (push.header.log, push.header.from_, push.header.to) == (LOG, 1, 2)
    assert push.head_raw == header()
    assert push.jws == JWS
    assert list(push.lines) == LINES


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(header(), id="a header without a signature"),
        pytest.param(b"{\t" + JWS.encode(), id="half a header"),
        pytest.param(b'{"v":1}\t' + JWS.encode(), id="a header with fields missing"),
        pytest.param(write_push(header(1, 3), JWS, LINES), id="fewer lines than the header says"),
        pytest.param(write_push(header(1, 1), JWS, LINES), id="more lines than the header says"),
        pytest.param(write_push(header(5, 2), JWS, LINES), id="a range that ends before it begins"),
        pytest.param(write_push(header(3, 2), JWS, []), id="a range of nothing"),
    ],
)
def test_a_push_whose_head_is_not_right_says_so(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        read_push(body)
    assert caught.value.kind is BAD_HEADER


def test_a_push_of_too_much_is_told_to_send_less() -> None:
    for body in (bytes(MOST_INFLATED + 1), write_push(header(1, MOST_EVENTS + 1), JWS, [])):
        with pytest.raises(Problem) as caught:
            read_push(body)
        assert caught.value.kind is TOO_LARGE


def test_a_signature_that_is_no_ascii_is_unreadable() -> None:
    with pytest.raises(Problem) as caught:
        read_push(header() + b"\t\xff\n{}\n{}")
    assert caught.value.kind is UNREADABLE


def test_an_event_s_signature_that_is_no_ascii_does_not_hold_up_the_others() -> None:
    first, second = read_push(header() + b"\t" + JWS.encode() + b'\n{"a":1}\t\xff\n{"b":2}\t' + JWS.encode()).lines
    assert (first.raw, second) == (b'{"a":1}', PushLine(b'{"b":2}', JWS))
    assert first.jws
    assert not first.jws.isascii()


@given(st.binary(max_size=4000))
def test_what_is_deflated_inflates_to_the_same_and_is_the_same_each_time(body: bytes) -> None:
    assert inflate(deflate(body)) == body
    assert deflate(body) == deflate(body)
    assert gzip.decompress(deflate(body)) == body


@given(st.data())
def test_gzip_that_is_cut_or_has_more_behind_it_is_unreadable(data: st.DataObject) -> None:
    whole = deflate(data.draw(st.binary(max_size=500)))
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    for broken in (cut, whole + b"more", b"plain text"):
        with pytest.raises(Problem) as caught:
            inflate(broken)
        assert caught.value.kind is UNREADABLE


def test_a_bomb_is_refused_before_it_is_inflated() -> None:
    for body in (deflate(bytes(50 * MOST_INFLATED)), bytes(MOST_COMPRESSED + 1)):
        with pytest.raises(Problem) as caught:
            inflate(body)
        assert caught.value.kind is TOO_LARGE


@pytest.mark.parametrize(
    "line",
    [
        PulledEvent(7, 1_700_000_000_000, b'{"a":1}'),
        PulledEvent(8, 1_700_000_000_000, b'{"a":1}', JWS),
        PulledDocument(b'{"doc":"names"}', JWS),
        LeftJob(LOG),
        ChangedVerdict(LOG, SeqVerdict(seq=3, verdict="refused", code="own-offer")),
        Cursor("epoch.12.abcdef"),
    ],
    ids=["event", "signed event", "document", "left job", "verdict", "cursor"],
)
def test_a_line_of_a_pull_is_read_as_it_was_written(
    line: PulledEvent | PulledDocument | LeftJob | ChangedVerdict | Cursor,
) -> None:
    assert read_line(write_line(line)) == line


@pytest.mark.parametrize(
    "row",
    [b"E\t1", b"E\tone\t2\t{}", b"E\t1\t2\t{}\t\xff", b"D\t{}", b"T\tshort", b"T\t\xff", b"V\t{}", b"C\t\xff", b"C"],
)
def test_a_broken_line_of_a_pull_is_unreadable(row: bytes) -> None:
    with pytest.raises(Problem) as caught:
        read_line(row)
    assert caught.value.kind is UNREADABLE


def test_a_line_that_a_newer_backend_added_is_passed_over() -> None:
    assert read_line(b"Z\twhatever") is None


def test_a_cursor_says_epoch_position_and_check() -> None:
    assert read_cursor(cursor_text("epoch", 12, "abcdef")) == ("epoch", 12, "abcdef")
    for text in ("", "epoch", ".1.x", "epoch.-1.x", "epoch.x.y", "epoch." + "9" * 16 + ".x"):
        with pytest.raises(Problem) as caught:
            read_cursor(text)
        assert caught.value.kind is UNREADABLE


def test_a_document_is_read_by_what_it_says_it_is() -> None:
    names = Names(version=1, issued_at="2026-01-05T08:00:00Z", names={"anna": "Anna"})
    assert read_document(encode(names)) == names
    with pytest.raises(Problem) as caught:
        read_document(b'{"doc":"recipe","version":1}')
    assert caught.value.kind is UNREADABLE


def test_a_receipt_has_one_text() -> None:
    receipt = Receipt(epoch="e", log=LOG, received_through=3, head=CHAIN)
    assert receipt_text(receipt) == f'{{"epoch":"e","log":"{LOG}","received_through":3,"head":"{CHAIN}"}}'


def test_no_more_lines_are_taken_back_at_once_than_fit_a_push() -> None:
    assert read_returned(b"D\t{}\tjws\nE\t0\t0\t{}\tjws\n") == [b"D\t{}\tjws", b"E\t0\t0\t{}\tjws"]
    for body in (b"x\n" * (MOST_EVENTS + 1), b"x" * (MOST_INFLATED + 1)):
        with pytest.raises(Problem) as caught:
            read_returned(body)
        assert caught.value.kind is TOO_LARGE
