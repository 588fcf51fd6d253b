"""What stands beside the logs: signed documents, the marks that end each transaction, verdicts judged once more."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from backend.documents import Documents
from backend.facts import APPLIED, PARKED, QUARANTINED, REFUSED, WORDS, Facts
from backend.key import SEED_BYTES
from backend.redactions import read_row
from backend.store.sqlite import queries
from backend.verify.faults import Fault, Looked
from backend.writing import MARK_START, next_mark
from sync.codec import decode
from sync.events import Event
from sync.ids import b64, event_name
from sync.judge import judge
from sync.ledger import is_hash, line_digest
from sync.policy import Roster, key_of, reference
from sync.problems import BAD_SIGNATURE, GAP, NEWER_SCHEMA, Problem
from sync.problems import QUARANTINED as QUARANTINED_CODE
from sync.protocol import Receipt, Sealed, read_document
from sync.seal import Jwk, Signer, kid_in, kid_of, verify
from sync.standing import Standing

_SQL: Final = queries("verify")
_LEDGER: Final = queries("ledger")
_FIXED: Final = {GAP.slug: PARKED, BAD_SIGNATURE.slug: REFUSED, QUARANTINED_CODE.slug: QUARANTINED}


# -- documents ----------------------------------------------------------------
def backend_keys(con: sqlite3.Connection) -> dict[str, Jwk]:
    """Every key that a roster ever listed as the backend's own, by kid."""
    keys: dict[str, Jwk] = {}
    for key, _, _, raw, _ in con.execute(_SQL["documents"].text):
        if key == "roster":
            try:
                document = read_document(raw)
            except Problem:
                continue  # it is named where documents are looked at
            if isinstance(document, Roster):
                keys |= {kid_of(jwk): jwk for jwk in document.keys}
    return keys


def check_documents(con: sqlite3.Connection, keys: Mapping[str, Jwk], looked: Looked) -> Iterator[Fault]:
    """The documents that are not what the backend signed, or are gone."""
    before: tuple[str, int] = ("", 0)
    # After a restore versions may be missing: what nobody gave back, below what somebody did.
    (restored,) = con.execute(_SQL["has_been_restored"].text).fetchone()
    for key, version, said, raw, jws in con.execute(_SQL["documents"].text):
        where = f"document {key} {said}"
        expected = before[1] + 1 if before[0] == key else 1
        before = (key, version)
        looked.documents += 1
        if not restored and version != expected:
            yield Fault(
                where=f"document {key} {expected}", what="missing", detail=f"the next version held is {version}"
            )
        if not jws and not raw and key == "names":
            continue  # an older list of names was emptied when the next one came
        try:
            document = read_document(raw)
            kid = kid_in(jws)
            if kid not in keys:
                yield Fault(where=where, what="document", detail=f"{kid} is no key of the backend")
                continue
            verify(jws, raw, "ho-doc", keys[kid])
        except Problem as problem:
            yield Fault(where=where, what="document", detail=problem.detail)
            continue
        if (key_of(document), document.version, reference(version, raw)) != (key, version, said):
            yield Fault(where=where, what="document", detail="it says it is another one")


# -- marks --------------------------------------------------------------------
class _Position:
    __slots__ = ("at", "name", "said")

    def __init__(self, at: int, name: str, said: str) -> None:
        self.at = at
        self.name = name
        self.said = said


def check_marks(con: sqlite3.Connection, names: Mapping[int, str], looked: Looked) -> Iterator[Fault]:
    """The first transaction whose mark does not commit to what stands at its positions; `names` are logs by number."""
    positions = _positions(con, names)
    ahead = next(positions, None)
    mark, upto = MARK_START, 0
    for position, kept in con.execute(_SQL["marks"].text).fetchall():
        looked.marks += 1
        said = [""] * (position - upto)
        events: list[str] = []
        while ahead is not None and ahead.at <= position:
            if ahead.at <= upto or said[ahead.at - upto - 1]:
                yield Fault(where=ahead.name, what="mark", detail=f"position {ahead.at} is another's")
                return
            said[ahead.at - upto - 1] = ahead.said
            events.append(ahead.name)
            ahead = next(positions, None)
        mark = next_mark(mark, said)
        if mark != kept:
            among = f"; what stands there now: {', '.join(events[:8])}" if events else "; nothing stands there now"
            detail = f"positions {upto + 1} to {position} are not those that were committed{among}"
            yield Fault(where=events[0] if events else f"position {upto + 1}", what="mark", detail=detail)
            return
        upto = position
    if ahead is not None:
        yield Fault(where=ahead.name, what="mark", detail=f"position {ahead.at} is after the last mark, {upto}")


def _positions(con: sqlite3.Connection, names: Mapping[int, str]) -> Iterator[_Position]:
    for position, log, seq, digest_, document in con.execute(_SQL["positions"].text):
        if document is not None:
            yield _Position(position, f"document {document}", document)
            continue
        row = con.execute(
            _LEDGER["fork_row" if digest_ else "main_row"].text, {"log": log, "seq": seq, "digest": digest_}
        ).fetchone()
        yield _Position(position, event_name(names.get(log, str(log)), seq), b64(line_digest(row[0])))


# -- verdicts -----------------------------------------------------------------
class _Again(Facts):
    """The facts, listening to which applied events would not be applied by today's rules."""

    def __init__(self, documents: Documents, most: int) -> None:
        super().__init__(documents, most)
        self.otherwise: list[Standing] = []

    def judged_otherwise(self, standing: Standing) -> None:
        """See `Facts`."""
        self.otherwise.append(standing)


def check_verdicts(con: sqlite3.Connection, looked: Looked, most: int) -> Iterator[Fault]:
    """The events that are kept with another verdict than they get when they are judged once more."""
    documents = Documents(Signer(bytes(SEED_BYTES)))  # it is asked for documents only, and signs none
    facts = _Again(documents, most)
    facts.con = documents.con = con
    for ref, job, opened in con.execute(_SQL["openings"].text).fetchall():
        found = facts.job_of(ref)
        looked.verdicts += len(found.standings)
        if found.opened is None or b64(opened) != found.opened.event.hash:
            yield Fault(where=f"job {job}", what="missing", detail="the event that opened it is not among what counts")
        for standing in facts.otherwise:
            event = standing.event
            detail = f"kept as applied; judged once more it is {_said(standing)}"
            yield Fault(where=event_name(event.log, event.seq), what="verdict", detail=detail)
        facts.otherwise.clear()
    for ref, log, kid, seq, digest_, raw, jws, word in con.execute(_SQL["not_applied"].text).fetchall():
        looked.verdicts += 1
        where = event_name(log, seq)
        if not APPLIED < word < len(WORDS):
            yield Fault(where=where, what="verdict", detail=f"{word} is none")
            continue
        reason = con.execute(_LEDGER["reason"].text, {"log": ref, "seq": seq, "digest": digest_}).fetchone()
        if reason is None:
            yield Fault(where=where, what="verdict", detail=f"kept as {WORDS[word]}, and not why")
            continue
        fault = _again(facts, raw, kid if jws else "", word, reason[0])
        if fault:
            yield Fault(where=where, what="verdict", detail=fault)


def _again(facts: Facts, raw: bytes, kid: str, word: int, code: str) -> str:
    """What is wrong with the verdict on an event that is not applied."""
    fixed = _FIXED.get(code)
    if fixed is not None or word == QUARANTINED:
        # It rests on what came with the event or before it, not on its bytes.
        return "" if fixed == word else f"kept as {WORDS[word]}, for {code}"
    try:
        event = read_row(facts.con, raw, kid)
    except Problem as problem:
        if word == REFUSED and is_hash(raw):
            return ""  # of what nobody could read nothing is left
        return "" if word != APPLIED and code == problem.kind.slug else f"kept as {WORDS[word]}; it cannot be read"
    if event.kind == "code.witnessed" or _came_elsewhere(event, code):
        return ""
    standing = judge(event, facts)
    if standing.verdict.word == WORDS[word] and (word == PARKED or standing.verdict.code == code):
        return ""
    if word == PARKED and code == NEWER_SCHEMA.slug:
        return ""  # this software is newer than the one that parked it; the next start judges it
    return f"kept as {WORDS[word]} ({code}); judged once more it is {_said(standing)}"


def _came_elsewhere(event: Event, code: str) -> bool:
    """True where it was refused for the place at which it came, which its bytes do not tell."""
    return code == "misplaced" or event.body is None


def _said(standing: Standing) -> str:
    verdict = standing.verdict
    return f"{verdict.word} ({verdict.code})" if verdict.code else verdict.word


# -- receipts -----------------------------------------------------------------
def check_receipts(
    con: sqlite3.Connection, receipts: Sequence[Sealed], keys: Mapping[str, Jwk], looked: Looked
) -> Iterator[Fault]:
    """What receipts that devices hold say is here, and is not: only they find an end that was cut off whole."""
    for sealed in receipts:
        looked.receipts += 1
        try:
            kid = kid_in(sealed.jws)
            receipt = decode(sealed.text, Receipt, "receipt")
            if kid not in keys:
                yield Fault(
                    where=f"receipt for {receipt.log}", what="receipt", detail=f"{kid} is no key of the backend"
                )
                continue
            verify(sealed.jws, sealed.text.encode(), "ho-receipt", keys[kid])
        except Problem as problem:
            yield Fault(where="receipt", what="receipt", detail=problem.detail)
            continue
        yield from _receipted(con, receipt)


def _receipted(con: sqlite3.Connection, receipt: Receipt) -> Iterator[Fault]:
    row = con.execute(_LEDGER["log_by_name"].text, {"log": receipt.log}).fetchone()
    through = row[5] if row else 0
    where = event_name(receipt.log, min(through, receipt.received_through - 1) + 1)
    if row is None or receipt.received_through > through:
        detail = f"a receipt says that 1 to {receipt.received_through} were held; held are 1 to {through}"
        yield Fault(where=where, what="missing", detail=detail)
        return
    at = {"log": row[0], "seq": receipt.received_through, "first": receipt.received_through}
    chains = [con.execute(_LEDGER["main_row"].text, at).fetchone()[2]]
    chains += [
        chain for _, _, chain in con.execute(_LEDGER["fork_slice"].text, at | {"last": receipt.received_through})
    ]
    if receipt.head not in [b64(chain) for chain in chains if chain is not None]:
        name = event_name(receipt.log, receipt.received_through)
        yield Fault(where=name, what="changed", detail="a receipt names another chain value here")
