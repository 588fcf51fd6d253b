"""What there is to show of one handover: each event as it was signed, what it rests on, and what became of it."""

from typing import Literal

import msgspec

from sync.custody import Case, Custody
from sync.events import Event, JobOpened
from sync.flags import Flag
from sync.handover import Handover
from sync.intervals import Interval
from sync.ledger import is_hash, line_digest
from sync.policy import Policy
from sync.problems import Problem
from sync.seal import Jwk, Typ, verify


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A signed header and the digests of its events: it vouches for one that has no signature of its own."""

    header: bytes
    jws: str
    base: bytes
    first: int
    digests: tuple[bytes, ...]


class Exhibit(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An event as evidence: exact bytes, signature, when they were received (ms since 1970).

    Of one that was redacted the bytes are gone: `raw` is their hash, and `restated` the office's word on what is left.
    `before` and `chain` are the chain values before and after it, None while there is a gap before it; `is_received`
    says that all of its log up to here is held.
    """

    event: Event
    raw: bytes
    jws: str
    kid: str
    received_ms: int
    before: bytes | None
    chain: bytes | None
    is_received: bool
    batch: Batch | None = None
    restated: "Exhibit | None" = None


class Bytes(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One event of a job: where it stands in the backend's order, and whose key signed it, by itself or in its batch.

    `device` is what the office calls the author's device, "" for what the office recorded itself.
    """

    exhibit: Exhibit
    position: int
    jwk: Jwk
    device: str

    @property
    def signed(self) -> Literal["itself", "batch", "no"]:
        """What was signed, verified here and now: the event itself, the batch that it came in, or neither."""
        one = self.exhibit
        if one.jws and not is_hash(one.raw):
            return "itself" if _holds(one.jws, one.raw, "ho-event", self.jwk) else "no"
        if one.batch is not None and line_digest(one.raw) in one.batch.digests:
            return "batch" if _holds(one.batch.jws, one.batch.header, "ho-batch", self.jwk) else "no"
        return "no"


def _holds(jws: str, payload: bytes, typ: Typ, jwk: Jwk) -> bool:
    try:
        verify(jws, payload, typ, jwk)
    except Problem:
        return False
    return True


class SignedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document that events were made under."""

    key: str
    reference: str
    raw: bytes
    jws: str


class Witness(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The other side's code, as it was scanned: `frame` are its bytes, `holds` the hashes of the events in it."""

    by: Exhibit
    frame: bytes
    holds: tuple[str, ...]


class Dossier(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One handover, or one reassignment: then `handover` is None and `subject` the reassignment.

    `exhibits` are in the order in which they came to count, what is named before what names it. `known_ms` is when
    the newest of the job's facts was received; `bounds` when each of them can have been recorded, and `flags` what the
    documents of its time say against it. `blobs_here` are the attachments that these name and that are held.
    """

    subject: Exhibit
    job: str
    opened: JobOpened | None
    handover: Handover | None
    policy: Policy | None
    custody: Custody
    cases: tuple[Case, ...]
    exhibits: tuple[Exhibit, ...]
    openings: tuple[Exhibit, ...]
    documents: tuple[SignedDocument, ...]
    witnesses: tuple[Witness, ...]
    keys: dict[str, Jwk]
    owners: dict[str, str]
    names: dict[str, str]
    bounds: dict[str, Interval]
    flags: dict[str, tuple[Flag, ...]]
    zone: str
    epoch: str
    known_ms: int
    blobs_here: frozenset[str] = frozenset()

    @property
    def accountable(self) -> str:
        """Who answers for the job now."""
        return self.custody.accountable

    def exhibit(self, hash_: str) -> Exhibit | None:
        """The exhibit with this hash."""
        return next((one for one in self.exhibits if one.event.hash == hash_), None)
