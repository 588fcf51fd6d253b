"""Whatever the order, the parts and the repeats in which logs arrive: the same events, verdicts, fold and cases."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.config import Settings
from backend.enrolment import enrol, make_code
from backend.intake import Door, open_door
from backend.master import DEVICE, PERSON, DeviceRow, put
from backend.reading import read_arrived
from backend.receive import Received, receive
from backend.writing import Writing
from sync.events import Accepted, Confirmed, JobOpened, NoteWritten, Offered, VisitArrived, Withdrawn
from sync.ids import job_id
from sync.payload import Payload, Synthesis
from sync.policy import Policy
from sync.protocol import EnrolRequest
from tests.backend.conftest import BOUNDARY, PEOPLE
from tests.backend.people import Author, FixedWorld
from tests.backend.test_witness import code_of

Batch = tuple[int, int, int]
"""Whose, from which seq, to which."""


class Bench:
    """A backend in a folder of its own, with anna's and bo's devices enrolled."""

    def __init__(self, door: Door, con: sqlite3.Connection) -> None:
        self.door = door
        self.con = con
        self.anna, self.bo, self.cleo = (Author.named(name) for name in ("anna", "bo", "cleo"))
        self.authors = (self.anna, self.bo, self.cleo)
        door.write_now(con, self._begin)
        for author in self.authors:
            author.roster, author.policies = door.write_now(con, self._documents)

    def _begin(self, writing: Writing) -> None:
        for name, row in PEOPLE.items():
            put(writing.con, PERSON, name, row, by="test", now_ms=writing.now_ms)
        for author in self.authors:
            device = f"device of {author.person}"
            put(writing.con, DEVICE, device, DeviceRow(people=(author.person,)), by="test", now_ms=writing.now_ms)
            genesis = author.events[0]
            code = make_code(self.door, writing, device).code
            request = EnrolRequest(code=code, jwk=author.signer.jwk, genesis=genesis.raw.decode(), jws=genesis.jws)
            enrol(self.door, writing, request)
        writing.issue(Policy(boundary=BOUNDARY, version=1, issued_at=""))

    def _documents(self, writing: Writing) -> tuple[str, dict[str, str]]:
        policies = {policy.boundary: reference for reference, policy in writing.documents.policies()}
        return writing.documents.roster()[0], policies

    def push(self, batch: Batch) -> Received:
        """A batch, as it would come over the wire."""
        author = self.authors[batch[0]]
        arrived = read_arrived(author.batch(batch[1], batch[2]), gzip=False, jwk=author.signer.jwk)
        return self.door.write_now(self.con, lambda writing: receive(writing, self.door.office, arrived))

    def result(self) -> dict[str, list[tuple[object, ...]]]:
        """All that must not depend on how the events came, in order."""
        questions = {
            "events": "SELECT l.log, e.seq, e.bytes, e.chain, e.verdict, e.jws FROM event e JOIN log l ON l.ref = e.log"
            " WHERE l.staff = 0",
            "logs": "SELECT log, through, head, highest, forked_at FROM log WHERE staff = 0",
            "jobs": "SELECT id, state, site, accountable, open_cases FROM job_row",
            "found": "SELECT f.key, j.job FROM found_by f JOIN job j ON j.ref = f.job",
            "words": "SELECT word, kind, id FROM word",
            "handovers": "SELECT offer, state FROM handover_row",
            "cases": "SELECT basis, state, body FROM case_row",
            "waiting": "SELECT what FROM waiting",
            "reach": "SELECT r.key, j.job FROM reach r JOIN job j ON j.ref = r.job WHERE r.until IS NULL",
        }
        return {name: sorted(self.con.execute(question).fetchall()) for name, question in questions.items()}


@contextmanager
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        where = Settings(database=Path(folder) / "x.db")
        with open_door(where, FixedWorld()) as (door, con):
            yield Bench(door, con)


def a_contest(bench: Bench) -> None:
    """anna offers to bo and to cleo; both accept, bo after he scanned; anna withdraws one, confirms the other."""
    anna, bo, cleo = bench.authors
    opened = anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="north"))
    job = job_id(opened.hash)
    anna.record("visit.arrived", VisitArrived(visit="v1", site="north"), job=job)
    offers = []
    for to in ("bo", "cleo"):
        body = Offered(
            roster=anna.roster,
            basis=opened.hash,
            sender="anna",
            to=(to,),
            boundary=BOUNDARY,
            policy=anna.policies[BOUNDARY],
            payload=Payload(),
        )
        offers.append(anna.record("handover.offered", body, job=job))
        anna.record("note.written", NoteWritten(text=f"offered to {to}"), job=job)
    answers = []
    for author, offer in zip((bo, cleo), offers, strict=True):
        author.record("note.written", NoteWritten(text="about to answer"), job=job)
        if author is bo:
            author.record("code.witnessed", code_of(anna, opened, offer))
        said = Accepted(
            roster=author.roster, offer=offer.hash, party=author.person, synthesis=Synthesis(words="ok"), met="met"
        )
        answers.append(author.record("handover.accepted", said, job=job))
        author.record("note.written", NoteWritten(text="answered"), job=job)
    withdrawal = Withdrawn(roster=anna.roster, offer=offers[1].hash, sender="anna")
    anna.record("handover.withdrawn", withdrawal, job=job)
    seen = Confirmed(roster=anna.roster, offer=offers[0].hash, accepted=answers[0].hash, sender="anna")
    anna.record("handover.confirmed", seen, job=job)
    anna.keep(b"no event at all")
    anna.record("note.written", NoteWritten(text="after it"), job=job)


LENGTHS = (11, 5, 4)


def whole() -> list[Batch]:
    return [(who, 2, last) for who, last in enumerate(LENGTHS)]


@st.composite
def deliveries(draw: st.DrawFn) -> list[Batch]:
    """Each log in parts, the parts in any order, some of them more than once and across others."""
    parts: list[Batch] = []
    for who, last in enumerate(LENGTHS):
        cuts = sorted(draw(st.sets(st.integers(2, last))) | {2})
        parts += [(who, first, upto - 1) for first, upto in zip(cuts, [*cuts[1:], last + 1], strict=True)]
        for first in draw(st.lists(st.integers(2, last), max_size=2)):
            parts.append((who, first, draw(st.integers(first, last))))
    return list(draw(st.permutations(parts)))


@settings(max_examples=40)
@given(deliveries())
def test_no_order_no_parts_and_no_repeats_change_events_verdicts_or_fold(batches: list[Batch]) -> None:
    with bench() as straight, bench() as crooked:
        a_contest(straight)
        a_contest(crooked)
        for batch in whole():
            straight.push(batch)
        for batch in batches:
            received = crooked.push(batch)
            chain = crooked.authors[batch[0]].chains[received.through]
            assert received.head == chain
        wanted, found = straight.result(), crooked.result()
        assert found == wanted
        assert [len(rows) for rows in (found["events"], found["jobs"], found["cases"])] == [20, 1, 1]
        assert found["waiting"] == []
        for batch in whole():
            again = crooked.push(batch)
            assert (again.fresh, again.through, again.missing) == (0, batch[2], ())
        assert crooked.result() == wanted
