"""A damaged database is found out, and the first bad event is named."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.commands import verify as command
from backend.key import hold_key
from backend.verify.database import Report, verify_database
from sync.ids import digest, event_name
from sync.ledger import advance, chain_start
from sync.problems import NOT_OUR_DATABASE, Problem
from sync.protocol import Receipt, chain_text, receipt_text
from tests.backend.lived_in import live
from tests.backend.people import Author, FixedWorld

ANNA = Author.named("anna").log
LEDGER = {
    "event": "log, seq, bytes, chain, position, verdict, job, jws",
    "fork": "log, seq, digest, bytes, chain, position, verdict, job, jws",
    "log": "ref, log, kid, jwk, staff, through, head, highest",
    "document": "key, version, reference, bytes, jws, position",
    "mark": "position, digest",
}
"""The columns that nothing may change unseen."""


class Whole:
    """A database nothing is wrong with, and the devices that sent it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.authors: dict[str, Author] = anyio.run(live, path)
        with closing(sqlite3.connect(path)) as con:
            con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            con.execute("PRAGMA journal_mode = DELETE")
        self.rows = rows(path)


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that counts."""
    with closing(sqlite3.connect(path)) as con:
        return {table: con.execute(f"SELECT {what} FROM {table}").fetchall() for table, what in LEDGER.items()}  # noqa: S608 - our own names


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(tmp_path_factory.mktemp("whole") / "handover.db")


@pytest.fixture
def anna(whole: Whole) -> Author:
    return whole.authors["anna"]


class Copy:
    """A copy of the database to be damaged."""

    def __init__(self, whole: Path, path: Path) -> None:
        shutil.copyfile(whole, path)
        key = path.with_name(path.name + ".key")
        if not key.exists():
            shutil.copyfile(whole.with_name(whole.name + ".key"), key)
            key.chmod(0o600)
        self.path = path

    def do(self, statement: str, **given: object) -> None:
        """In the statement :anna is the number of anna's log."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as con:
            con.execute(statement, self._named(con) | given)

    def one(self, statement: str, **given: object) -> Any:  # noqa: ANN401 - a cell
        with closing(sqlite3.connect(self.path)) as con:
            return con.execute(statement, self._named(con) | given).fetchone()[0]

    def _named(self, con: sqlite3.Connection) -> dict[str, object]:
        return {"anna": con.execute("SELECT ref FROM log WHERE log = ?", (ANNA,)).fetchone()[0]}

    def look(self, *receipts: Any) -> Report:  # noqa: ANN401 - sealed texts
        return verify_database(self.path, receipts)


@pytest.fixture
def copy(whole: Whole, tmp_path: Path) -> Copy:
    return Copy(whole.path, tmp_path / "copy.db")


def test_a_database_as_it_was_received_is_found_so(copy: Copy) -> None:
    report = copy.look()
    assert (report.ok, report.first) == (True, None)
    looked = report.looked
    assert (looked.logs, looked.events, looked.forks) == (4, 34, 2)
    assert min(looked.signatures, looked.batches, looked.documents, looked.marks, looked.verdicts) > 0


TWICE = """
INSERT INTO event
SELECT log, :as_seq, bytes, received_at, chain, position, verdict, job, jws FROM event WHERE log = :anna AND seq = :seq
"""


def changed_bytes(copy: Copy) -> int:
    raw = copy.one("SELECT bytes FROM event WHERE log = :anna AND seq = 9")
    copy.do("UPDATE event SET bytes = :raw WHERE log = :anna AND seq = 9", raw=raw.replace(b"note", b"tone"))
    return 9


def dropped(copy: Copy) -> int:
    copy.do("DELETE FROM event WHERE log = :anna AND seq = 4")
    return 4


def dropped_and_closed_up(copy: Copy) -> int:
    copy.do("DELETE FROM event WHERE log = :anna AND seq = 8")
    for seq in range(9, 15):
        copy.do("UPDATE event SET seq = :seq - 1 WHERE log = :anna AND seq = :seq", seq=seq)
    return 8


def inserted(copy: Copy) -> int:
    for seq in range(14, 8, -1):
        copy.do("UPDATE event SET seq = :seq + 1 WHERE log = :anna AND seq = :seq", seq=seq)
    copy.do(TWICE, seq=8, as_seq=9)
    return 9


def inserted_before_the_first(copy: Copy) -> int:
    copy.do(TWICE, seq=1, as_seq=0)
    return 1


def appended(copy: Copy) -> int:
    """An event that follows the chain, after the end, and that the log counts: nobody signed it."""
    head = copy.one("SELECT head FROM log WHERE ref = :anna")
    raw = copy.one("SELECT bytes FROM event WHERE log = :anna AND seq = 14").replace(b'"seq":14', b'"seq":15')
    chain = advance(head, digest(raw))
    copy.do(TWICE, seq=14, as_seq=15)
    copy.do(
        "UPDATE event SET bytes = :raw, chain = :chain, position = NULL, verdict = 2, job = NULL"
        " WHERE log = :anna AND seq = 15",
        raw=raw,
        chain=chain,
    )
    copy.do("UPDATE log SET through = 15, highest = 15, head = :head WHERE ref = :anna", head=chain)
    return 15


def appended_uncounted(copy: Copy) -> int:
    appended(copy)
    head = copy.one("SELECT chain FROM event WHERE log = :anna AND seq = 14")
    copy.do("UPDATE log SET through = 14, highest = 15, head = :head WHERE ref = :anna", head=head)
    return 15


def swapped(copy: Copy) -> int:
    copy.do("UPDATE event SET seq = 99 WHERE log = :anna AND seq = 8")
    copy.do("UPDATE event SET seq = 8 WHERE log = :anna AND seq = 11")
    copy.do("UPDATE event SET seq = 11 WHERE log = :anna AND seq = 99")
    return 8


def changed_chain(copy: Copy) -> int:
    copy.do("UPDATE event SET chain = zeroblob(32) WHERE log = :anna AND seq = 7")
    return 7


def chained_anew(copy: Copy) -> int:
    """Somebody who changes an event and computes every chain value after it, the log's head included."""
    changed_bytes(copy)
    with closing(sqlite3.connect(copy.path, isolation_level=None)) as con:
        log, ref = con.execute("SELECT log, ref FROM log WHERE log = ?", (ANNA,)).fetchone()
        chain = chain_start(log)
        for seq, raw in con.execute("SELECT seq, bytes FROM event WHERE log = ? ORDER BY seq", (ref,)).fetchall():
            chain = advance(chain, digest(raw))
            con.execute("UPDATE event SET chain = ? WHERE log = ? AND seq = ?", (chain, ref, seq))
        con.execute("UPDATE log SET head = ? WHERE ref = ?", (chain, ref))
    return 6  # the first of the batch that does not lead there


def changed_signature(copy: Copy) -> int:
    other = copy.one("SELECT jws FROM event WHERE log = :anna AND seq = 3")
    copy.do("UPDATE event SET jws = :jws WHERE log = :anna AND seq = 2", jws=other)
    return 2


def taken_signature(copy: Copy) -> int:
    copy.do("UPDATE event SET jws = NULL WHERE log = :anna AND seq = 5")
    return 5


def cut_off(copy: Copy) -> int:
    copy.do("DELETE FROM event WHERE log = :anna AND seq > 12")
    return 13


def refused_verdict(copy: Copy) -> int:
    copy.do("UPDATE event SET verdict = 1 WHERE log = :anna AND seq = 7")
    return 7


def another_job(copy: Copy) -> int:
    copy.do("UPDATE event SET job = 1 WHERE log = :anna AND seq = 9")
    return 9


def not_in_the_index(copy: Copy) -> int:
    raw = copy.one("SELECT bytes FROM event WHERE log = :anna AND seq = 3")
    copy.do("DELETE FROM named_recent WHERE hash = :hash", hash=digest(raw))
    return 3


def changed_batch(copy: Copy) -> int:
    copy.do("UPDATE batch SET jws = (SELECT min(jws) FROM batch) WHERE log = :anna AND first = 6")
    return 6


def dropped_batch(copy: Copy) -> int:
    copy.do("DELETE FROM batch WHERE log = :anna AND first = 6")
    return 8  # 6 and 7 carry signatures of their own


DAMAGE: tuple[Callable[[Copy], int], ...] = (
    changed_bytes,
    dropped,
    dropped_and_closed_up,
    inserted,
    inserted_before_the_first,
    appended,
    appended_uncounted,
    swapped,
    changed_chain,
    chained_anew,
    changed_signature,
    taken_signature,
    cut_off,
    refused_verdict,
    another_job,
    not_in_the_index,
    changed_batch,
    dropped_batch,
)


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_the_first_bad_event_is_named(damage: Callable[[Copy], int], copy: Copy, anna: Author) -> None:
    seq = damage(copy)
    report = copy.look()
    assert report.first is not None
    assert report.first.where == event_name(anna.log, seq), report.first
    assert not report.ok


def test_what_is_taken_out_with_all_that_tells_of_it_is_missed_by_the_mark(copy: Copy, anna: Author) -> None:
    cut_off(copy)
    copy.do("DELETE FROM batch WHERE log = :anna AND last > 12")
    copy.do("DELETE FROM reason WHERE log = :anna")
    copy.do(
        "UPDATE log SET through = 12, highest = 12,"
        " head = (SELECT chain FROM event WHERE log = :anna AND seq = 12) WHERE ref = :anna"
    )
    report = copy.look()
    assert report.first is not None
    assert anna.log in report.first.where or report.first.what == "mark"


def test_an_end_that_was_cut_off_whole_is_found_by_a_receipt(copy: Copy, whole: Whole) -> None:
    """Yesterday's database is whole in itself; what a device was receipted says what it lacks."""
    anna = whole.authors["anna"]
    signer = hold_key(copy.path.with_name("copy.db.key"), FixedWorld(), is_new=False)

    def receipted(through: int, head: bytes) -> Any:  # noqa: ANN401 - a sealed text
        text = receipt_text(Receipt(epoch="e", log=anna.log, received_through=through, head=chain_text(head)))
        return {"text": text, "jws": signer.sign(text.encode(), "ho-receipt")}

    said = copy.path.with_name("receipts.json")
    for good in ((14, anna.chains[14]), (3, anna.chains[3])):
        said.write_text(json.dumps({"receipts": [receipted(*good)]}))
        assert command.main(["--database", str(copy.path), "--receipts", str(said)]) == 0
    for through, head, seq in ((17, anna.chains[14], 15), (9, anna.chains[8], 9)):
        said.write_text(json.dumps({"receipts": [receipted(through, head)]}))
        assert command.main(["--database", str(copy.path), "--receipts", str(said)]) == 1
        assert verify_first(copy.path, said) == event_name(anna.log, seq)
    forged = receipted(14, anna.chains[14])
    forged["text"] = forged["text"].replace(":14,", ":15,")
    said.write_text(json.dumps({"receipts": [forged]}))
    assert command.main(["--database", str(copy.path), "--receipts", str(said)]) == 1


def verify_first(path: Path, said: Path) -> str:
    receipts = command.receipts_in(said)
    first = verify_database(path, receipts).first
    assert first is not None
    return first.where


def test_a_document_that_was_changed_or_taken_is_named(copy: Copy) -> None:
    raw = copy.one("SELECT bytes FROM document WHERE key = 'roster' AND version = 2")
    copy.do("UPDATE document SET bytes = :raw WHERE key = 'roster' AND version = 2", raw=raw.replace(b'"bo"', b'"ob"'))
    first = copy.look().first
    assert first is not None
    assert first.where.startswith("document roster 2.")
    copy.do("DELETE FROM document WHERE key = 'roster' AND version = 2")
    first = copy.look().first
    assert first is not None
    assert (first.where, first.what) == ("document roster 2", "missing")


def test_a_parked_event_that_would_count_is_named(copy: Copy, whole: Whole) -> None:
    bo = whole.authors["bo"]
    copy.do("UPDATE event SET verdict = 1 WHERE seq = 6 AND verdict = 2")
    first = copy.look().first
    assert first is not None
    assert (first.where, first.what) == (event_name(bo.log, 6), "verdict")


def test_the_command_says_what_and_where_and_ends_with_1(
    copy: Copy, anna: Author, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--database", str(copy.path)]) == 0
    assert "all is as it was received: 4 logs, 34 events" in capsys.readouterr().out
    changed_bytes(copy)
    assert command.main(["--database", str(copy.path)]) == 1
    assert f"the first bad one is {anna.log}:9: changed" in capsys.readouterr().out
    assert command.main(["--database", str(copy.path), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["first"] == {
        "where": f"{anna.log}:9",
        "what": "changed",
        "detail": "its bytes are not those that the chain was made of",
    }
    assert command.main(["--database", str(copy.path.with_name("none.db"))]) == 2


def test_looking_changes_nothing(copy: Copy) -> None:
    before = copy.path.read_bytes()
    copy.look()
    assert copy.path.read_bytes() == before


# -- any damage ---------------------------------------------------------------
def unseen(copy: Copy, whole: Whole) -> bool:
    """True where something that counts is not as it was and nobody said so."""
    try:
        if not copy.look().ok:
            return False
    except Problem as problem:
        if problem.kind is NOT_OUR_DATABASE:
            return False
        raise
    return rows(copy.path) != whole.rows


ANY = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


CELLS = st.sampled_from([(table, column) for table, columns in LEDGER.items() for column in columns.split(", ")])
ANYWHERE = st.integers(0, 10**6)


@ANY
@given(cell=CELLS, row=ANYWHERE, how=ANYWHERE)
def test_no_cell_is_changed_unseen(
    cell: tuple[str, str],
    row: int,
    how: int,
    whole: Whole,
    copy: Copy,
) -> None:
    copy = Copy(whole.path, copy.path)
    table, column = cell
    with closing(sqlite3.connect(copy.path, isolation_level=None)) as con:
        where, values = _row(con, table, row % len(whole.rows[table]))
        (kept,) = con.execute(f"SELECT {column} FROM {table} WHERE {where}", values).fetchone()  # noqa: S608 - our own names
        try:
            con.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (_other(kept, how), *values))  # noqa: S608
        except sqlite3.IntegrityError:
            return
    assert not unseen(copy, whole)


def _row(con: sqlite3.Connection, table: str, at: int) -> tuple[str, tuple[object, ...]]:
    """What names the row `at` of a table, in the order of its key."""
    keys = [name for (name,) in con.execute("SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", (table,))]
    names = ", ".join(keys)
    values = con.execute(f"SELECT {names} FROM {table} ORDER BY {names} LIMIT 1 OFFSET {at}").fetchone()  # noqa: S608
    return " AND ".join(f"{key} = ?" for key in keys), values


def _other(kept: object, how: int) -> object:
    """Another value for a cell."""
    match kept:
        case bytes():
            bit = how % (len(kept) * 8) if kept else 0
            return _flip(kept, bit) if kept else b"x"
        case int():
            return how % 40 if how % 40 != kept else kept + 1
        case str():
            return (kept + "A", kept[:-1], kept[::-1] + "x", "")[how % 4] if kept else "x"
    return how % 40


def _flip(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@ANY
@given(table=st.sampled_from(sorted(LEDGER)), row=ANYWHERE)
def test_no_row_goes_unseen(
    table: str,
    row: int,
    whole: Whole,
    copy: Copy,
) -> None:
    copy = Copy(whole.path, copy.path)
    with closing(sqlite3.connect(copy.path, isolation_level=None)) as con:
        where, values = _row(con, table, row % len(whole.rows[table]))
        con.execute(f"DELETE FROM {table} WHERE {where}", values)  # noqa: S608 - our own names
    assert not unseen(copy, whole)


@ANY
@given(damage=st.sampled_from(["flip", "zeroes", "ones", "cut"]), place=ANYWHERE, by=st.integers(1, 255))
def test_no_byte_of_the_file_is_changed_unseen_and_nothing_ends_in_a_traceback(
    damage: str,
    place: int,
    by: int,
    whole: Whole,
    copy: Copy,
) -> None:
    copy = Copy(whole.path, copy.path)
    raw = copy.path.read_bytes()
    at = place * 7919 % len(raw)
    start = at // 4096 * 4096
    match damage:
        case "flip":
            copy.path.write_bytes(raw[:at] + bytes([raw[at] ^ by]) + raw[at + 1 :])
        case "cut":
            copy.path.write_bytes(raw[:at])
        case _:
            page = bytes(4096) if damage == "zeroes" else b"\xff" * 4096
            copy.path.write_bytes(raw[:start] + page + raw[start + 4096 :])
    assert not unseen(copy, whole)
