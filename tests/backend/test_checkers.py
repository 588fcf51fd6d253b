"""Pushes read by processes beside the server: the same as the server would read, whatever becomes of them."""

import json
from collections.abc import Callable, Iterator, Sequence

import pytest

from backend.checkers import Checkers, open_checkers
from backend.reading import Arrived, Line, proven, read_arrived
from sync.events import JobOpened
from sync.problems import BAD_HEADER, BAD_SIGNATURE, UNREADABLE, Problem, ProblemKind
from sync.protocol import deflate
from tests.backend.people import Author

EVENTS = 120


@pytest.fixture(scope="module", name="checkers")
def running() -> Iterator[Checkers]:
    with open_checkers(1) as found:
        assert found is not None
        yield found


def author_of(events: int) -> Author:
    author = Author.named("anna")
    for _ in range(events):
        author.record("job.opened", JobOpened(roster="1.abcdef", party=author.person, site="north"))
    return author


def bodies(author: Author) -> tuple[bytes, bytes]:
    body = author.batch(1, len(author.events))
    return body, deflate(body)


def told(lines: Sequence[Line]) -> list[object]:
    """All that is said of lines, problems by their kind and words."""
    return [
        (line.seq, line.raw, line.digest, line.chain, line.jws, line.event, line.problem and str(line.problem))
        for line in lines
    ]


def read_by(checkers: Checkers, body: bytes, author: Author, *, gzip: bool = False) -> Arrived:
    arrived, held = checkers.read(body, gzip=gzip, jwk=author.signer.jwk).result(30)
    return proven(arrived, held(), author.signer.jwk)


def test_a_push_reads_the_same_whoever_reads_it(checkers: Checkers) -> None:
    anna = author_of(EVENTS)
    anna.events[5].jws = anna.events[4].jws
    anna.events[7].jws = "no signature at all"
    anna.keep(b"not an event", signed=True)
    anna.keep(json.dumps(json.loads(anna.events[9].raw)).encode())
    anna.keep(anna.events[9].raw, signed=True)
    plain, packed = bodies(anna)

    here = read_arrived(plain, gzip=False, jwk=anna.signer.jwk)
    for there in (read_by(checkers, plain, anna), read_by(checkers, packed, anna, gzip=True)):
        assert (there.header, there.head_raw, there.jws) == (here.header, here.head_raw, here.jws)
        assert (there.kid, there.base) == (here.kid, here.base)
        assert told(there.lines) == told(here.lines)
    assert [line.seq for line in here.lines if line.problem] == [6, 8, EVENTS + 2, EVENTS + 3, EVENTS + 4]
    problem = here.lines[5].problem
    assert problem is not None
    assert problem.kind == BAD_SIGNATURE


def test_lines_are_there_before_all_of_them_are(checkers: Checkers) -> None:
    anna = author_of(EVENTS)
    arrived, held = checkers.read(bodies(anna)[0], gzip=False, jwk=anna.signer.jwk).result(30)
    whole = told(read_arrived(bodies(anna)[0], gzip=False, jwk=anna.signer.jwk).lines)

    assert len(arrived.lines) == len(whole)
    assert told(arrived.lines[:0]) == []
    assert told([arrived.lines[0]]) == whole[:1]
    assert told(list(arrived.lines)) == told(list(arrived.lines)) == whole
    assert told([arrived.lines[-1]]) == whole[-1:]
    assert held() == held() == [True] * (EVENTS + 1)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b'"to":121', b'"to":120', BAD_HEADER),
        (b'"v":1', b'"v":2', BAD_SIGNATURE),
        (b'"site":"north"', b'"site":"south"', BAD_HEADER),
    ],
)
def test_a_push_that_is_refused_is_refused_as_here(
    checkers: Checkers, old: bytes, new: bytes, kind: ProblemKind
) -> None:
    anna = author_of(EVENTS)
    body = bodies(anna)[0].replace(old, new, 1)
    said = []
    reads: list[Callable[[], Arrived]] = [
        lambda: read_arrived(body, gzip=False, jwk=anna.signer.jwk),
        lambda: read_by(checkers, body, anna),
    ]
    for read in reads:
        with pytest.raises(Problem) as problem:
            read()
        said.append((problem.value.kind, problem.value.detail, problem.value.where))
    assert said[0] == said[1]
    assert said[0][0] is kind
    with pytest.raises(Problem) as problem:
        read_by(checkers, b"not gzip", anna, gzip=True)
    assert problem.value.kind is UNREADABLE


def test_what_a_dead_process_was_asked_is_read_by_the_server() -> None:
    anna = author_of(EVENTS)
    body, _ = bodies(anna)
    whole = told(read_arrived(body, gzip=False, jwk=anna.signer.jwk).lines)
    with open_checkers(1) as checkers:
        assert checkers is not None
        (process,) = checkers.processes
        asked = checkers.read(body, gzip=False, jwk=anna.signer.jwk)
        arrived, held = asked.result(30)
        process.kill()
        process.wait()
        assert told(list(arrived.lines)) == whole
        assert held() == [True] * (EVENTS + 1)
        for _ in range(3):
            assert told(read_by(checkers, body, anna).lines) == whole


def test_the_processes_end_with_the_server() -> None:
    with open_checkers(2) as checkers:
        assert checkers is not None
        assert [process.poll() for process in checkers.processes] == [None, None]
    assert all(process.poll() is not None for process in checkers.processes)


def test_a_process_ends_by_itself_when_its_pipe_does() -> None:
    with open_checkers(1) as checkers:
        assert checkers is not None
        (process,) = checkers.processes
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


def test_none_wanted_is_none() -> None:
    with open_checkers(0) as checkers:
        assert checkers is None
