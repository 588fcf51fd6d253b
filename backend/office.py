"""The office's own log: what staff do, and what the backend does by rule, recorded like anybody's events.

Every start of a backend process opens a new one, with a genesis of its own; each of its events is signed.
"""

from collections.abc import Iterable
from typing import Final

from backend.world import World
from backend.writing import Log, Place, Writing
from sync.codec import event_of, read_envelope, write_event
from sync.events import CUSTODY, Draft, Event, LogForked, LogOpened
from sync.ids import LOG_BYTES, b64, digest
from sync.ledger import advance, prev_of
from sync.problems import Problem, ProblemKind, catalogue
from sync.seal import Signer

BACKEND: Final = "backend"
"""The party that acts where the backend acts by rule."""
SOFTWARE: Final = "handover 0.1.0"

_KINDS: Final[dict[str, ProblemKind]] = {kind.slug: kind for kind in catalogue()}


class Office:
    """The staff log of this process. Its name is new; it is opened with the first event that is recorded."""

    def __init__(self, world: World, signer: Signer) -> None:
        self.world = world
        self.signer = signer
        self.log = b64(world.token(LOG_BYTES))

    def record(self, writing: Writing, drafts: Iterable[Draft]) -> list[Event]:
        """Afterwards the drafts are events in the staff log and applied, in this order.

        One that would not be applied is raised as the problem that its verdict names: what the office
        does is checked before it is recorded, never refused afterwards.
        """
        log = writing.log(self.log) or self._open(writing)
        return [self._append(writing, log, draft) for draft in drafts]

    def open(self, writing: Writing) -> None:
        """Afterwards the log is there, with nothing in it but its genesis."""
        if writing.log(self.log) is None:
            self._open(writing)

    def _open(self, writing: Writing) -> Log:
        log = writing.open_log(self.log, self.signer.jwk, staff=True)
        genesis = LogOpened(device=BACKEND, jwk=self.signer.jwk, software=SOFTWARE)
        self._append(writing, log, Draft(kind="log.opened", actor=BACKEND, body=genesis))
        return log

    def _append(self, writing: Writing, log: Log, draft: Draft) -> Event:
        seq = log.highest + 1
        prev = prev_of(log.head) if draft.kind in CUSTODY else ""
        raw = write_event(draft, log=log.log, seq=seq, at=self.world.moment(), prev=prev)
        event = event_of(read_envelope(raw), raw, self.signer.kid)
        chain = advance(log.head, digest(raw))
        jws = self.signer.sign(raw, "ho-event")
        verdict = writing.append(Place(log.ref, seq), raw, chain, jws, event=event)
        if verdict.word != "applied":
            raise Problem(_KINDS[verdict.code], verdict.detail)
        log.through = log.highest = seq
        log.head = chain
        log.changed = True
        return event

    def tell_fork(self, writing: Writing, log: Log, seq: int) -> None:
        """Afterwards it is recorded that this log was continued twice from `seq` on, unless a lower seq is known."""
        if log.forked_at and log.forked_at <= seq:
            return
        log.forked_at = seq
        log.changed = True
        body = LogForked(log=log.log, seq=seq)
        self.record(writing, [Draft(kind="log.forked", actor=BACKEND, body=body)])
