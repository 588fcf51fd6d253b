"""Signatures checked by processes beside the server: the same answer as the server's own, whatever becomes of them."""

from collections.abc import Iterator

import pytest

from backend.checkers import Checkers, open_checkers
from backend.reading import Arrived, Signed, check_here, read_arrived
from sync.events import JobOpened
from sync.problems import BAD_SIGNATURE
from tests.backend.people import Author

EVENTS = 12


@pytest.fixture(scope="module", name="checkers")
def running() -> Iterator[Checkers]:
    with open_checkers(1) as found:
        assert found is not None
        yield found


def signed_by(author: Author) -> list[Signed]:
    body = JobOpened(roster="1.abcdef", party=author.person, site="north")
    recorded = [author.record("job.opened", body) for _ in range(EVENTS)]
    return [Signed(one.raw, one.jws) for one in recorded]


def forged(signed: Signed) -> Signed:
    return Signed(signed.raw.replace(b"north", b"south"), signed.jws)


def verdicts(arrived: Arrived) -> list[tuple[int, str, str]]:
    return [(line.seq, line.problem.kind.slug if line.problem else "", line.jws) for line in arrived.lines]


def test_a_process_says_of_each_signature_what_the_server_would_say(checkers: Checkers) -> None:
    anna = Author.named("anna")
    signed = signed_by(anna)
    signed[3] = forged(signed[3])
    signed[7] = Signed(signed[7].raw, "no signature at all")
    held = [number not in (3, 7) for number in range(EVENTS)]

    assert list(checkers.check(anna.signer.jwk, signed)()) == held
    assert list(check_here(anna.signer.jwk, signed)()) == held
    assert list(checkers.check(Author.named("bo").signer.jwk, signed)()) == [False] * EVENTS


def test_a_push_reads_the_same_whoever_checks_it(checkers: Checkers) -> None:
    anna = Author.named("anna")
    signed_by(anna)
    anna.events[5].jws = anna.events[4].jws
    anna.keep(b"not an event", signed=True)
    body = anna.batch(1, len(anna.events))

    here = read_arrived(body, gzip=False, jwk=anna.signer.jwk)
    there = read_arrived(body, gzip=False, jwk=anna.signer.jwk, check=checkers.check)

    assert verdicts(here) == verdicts(there)
    assert [line.event for line in here.lines] == [line.event for line in there.lines]
    assert [line.seq for line in here.lines if line.problem] == [6, len(anna.events)]
    problem = here.lines[5].problem
    assert problem is not None
    assert problem.kind == BAD_SIGNATURE


def test_what_a_dead_process_was_asked_is_checked_by_the_server() -> None:
    anna = Author.named("anna")
    signed = signed_by(anna)
    with open_checkers(1) as checkers:
        assert checkers is not None
        (process,) = checkers.processes
        asked = checkers.check(anna.signer.jwk, signed)
        process.kill()
        process.wait()
        assert list(asked()) == [True] * EVENTS
        for _ in range(3):
            assert list(checkers.check(anna.signer.jwk, signed)()) == [True] * EVENTS


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
