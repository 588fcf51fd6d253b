"""The device's half of a conversation with its backend, with no network in it: steps out, replies in.

`next_step` says what to do now. Each reply, and each failure, is given back to the function of its kind,
which gives the next state and the effects: what to keep, in one transaction, before that state is used.
A `Session` is a value. Times are milliseconds of any clock that never goes back; chance is an argument.

The rules that matter: what is received is what a signed receipt says, and nothing else; whatever was sent
may be sent again; a backend that holds less than it once said is filled again; who waits, waits in a state
of its own; a conversation that moves in a circle says so and stops.
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from sync.clock import Anchor
from sync.codec import decode, read_event
from sync.events import EventRedacted, Fact, JobId, Log, LogForked
from sync.intervals import anchor_ms
from sync.policy import Document, Roster, TimeAnchor
from sync.problems import BAD_CURSOR, BAD_SIGNATURE, LOG_FORKED, NO_PROGRESS, UNKNOWN_LOG, UNREADABLE, Problem
from sync.protocol import (
    MOST_EVENTS,
    ChallengeReply,
    ChangedVerdict,
    Cursor,
    LeftJob,
    PulledDocument,
    PulledEvent,
    PullLine,
    PushReply,
    Receipt,
    ReturnReply,
    Sealed,
    SeqVerdict,
    SessionReply,
    chain_text,
    read_cursor,
    read_document,
)
from sync.redaction import restates_redaction
from sync.seal import Jwk, Typ, kid_in, kid_of, typ_in, verify

SHORTEST_WAIT_MS: Final = 1_000
LONGEST_WAIT_MS: Final = 5 * 60_000
"""Full jitter: after each failure in a row the wait is drawn from a range twice as wide, between these two."""
LONGEST_ASKED_MS: Final = 60 * 60_000
"""A Retry-After beyond this is not waited for."""
REST_MS: Final = 30_000
"""How long a conversation rests when there is nothing to send and nothing to fetch."""
_ROSTER: Final = b'"roster"'
MOST_SETBACKS: Final = 3
"""How often in one round a backend may say that it holds less than before, or send us to sign in again."""


# -- steps --------------------------------------------------------------------
class OpenSession(msgspec.Struct, frozen=True):
    """Ask for a challenge."""


class SignChallenge(msgspec.Struct, frozen=True):
    """Sign this with typ `ho-session` and send it back, with what was last held.

    `unlisted` asks for the newest roster beside it: the backend did not know this device.
    """

    challenge: str
    unlisted: bool = False


class GiveBack(msgspec.Struct, frozen=True):
    """Send the next lines of what had been pulled before the backend was restored."""


class Push(msgspec.Struct, frozen=True):
    """Send the events `first` to `last`, both included; fewer from `first` on where they would be too many bytes."""

    first: int
    last: int


class Pull(msgspec.Struct, frozen=True):
    """Fetch what came after this cursor; an empty one is the beginning."""

    cursor: str


class Wait(msgspec.Struct, frozen=True):
    """Do nothing for so long, unless something is recorded; `why` says if all is done or something went wrong."""

    ms: int
    why: Literal["all done", "after a failure"]


Step = OpenSession | SignChallenge | GiveBack | Push | Pull | Wait


# -- effects ------------------------------------------------------------------
class StoreVerdicts(msgspec.Struct, frozen=True):
    """Keep these verdicts on events of `log`."""

    log: Log
    verdicts: tuple[SeqVerdict, ...]


class StoreReceipt(msgspec.Struct, frozen=True):
    """Keep this receipt: what it covers is received, in its epoch."""

    receipt: Receipt
    sealed: Sealed


class StoreDocument(msgspec.Struct, frozen=True):
    """Keep this document: a backend key that is known here signed its bytes."""

    document: Document
    raw: bytes
    jws: str


class KeepTime(msgspec.Struct, frozen=True):
    """Name this in what is recorded from now on within this boot, unless a later time is known: the backend signed it.

    `version` is the time it says, ms since 1970.
    """

    version: int
    anchor: Anchor


class StoreOfficeReceipt(msgspec.Struct, frozen=True):
    """Keep this receipt for a log of the backend's own: should the backend lose it, this says what it held."""

    receipt: Receipt
    sealed: Sealed


class TakeOut(msgspec.Struct, frozen=True):
    """The words of this event were taken out, says the office: what is here of its bytes goes once it is received."""

    said: EventRedacted


class NoteGiven(msgspec.Struct, frozen=True):
    """Of `what` had been pulled, all up to this arrival was given back."""

    what: str
    through: int


class StoreEvent(msgspec.Struct, frozen=True):
    """Keep this event of somebody else's log."""

    event: PulledEvent


class DropJob(msgspec.Struct, frozen=True):
    """The job left this device's scope."""

    job: JobId


class MoveCursor(msgspec.Struct, frozen=True):
    """From here the next pull goes on."""

    cursor: str


class EnterEpoch(msgspec.Struct, frozen=True):
    """The backend was restored: no receipt of an earlier epoch counts, everything since may have to be sent again.

    What was pulled until now is to be given back.
    """

    epoch: str


class StopRecording(msgspec.Struct, frozen=True):
    """Record nothing more in this log: its database is an old copy, or it was continued twice."""

    log: Log


class NeedsYou(msgspec.Struct, frozen=True):
    """Put this problem before a person; `slug` is in the catalogue, unless a newer backend named it."""

    slug: str
    detail: str


class NoteClock(msgspec.Struct, frozen=True):
    """The backend's clock just now, RFC 3339."""

    server_time: str


Effect = (
    StoreVerdicts
    | StoreReceipt
    | StoreDocument
    | KeepTime
    | StoreOfficeReceipt
    | TakeOut
    | NoteGiven
    | StoreEvent
    | DropJob
    | MoveCursor
    | EnterEpoch
    | StopRecording
    | NeedsYou
    | NoteClock
)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Where a conversation stands.

    `received_through` is what the last believed receipt of `epoch` says. `holds` is from where to go on
    sending: the same, unless the backend is to be asked what it holds. `batch` is the most events in one
    push. `retry_at_ms` is the retry timer: until then nothing is sent. `rested_at_ms` is when all was done.
    `giving` says that something pulled is still to be given back, `unlisted` that the backend did not know us.
    """

    log: Log
    recorded: int
    received_through: int
    holds: int
    epoch: str
    cursor: str
    keys: tuple[Jwk, ...]
    token: str = ""
    challenge: str = ""
    batch: int = MOST_EVENTS
    failures: int = 0
    retry_at_ms: int | None = None
    rested_at_ms: int | None = None
    fetch_first: bool = False
    setbacks: int = 0
    longer: bool = False
    giving: bool = False
    unlisted: bool = False
    trouble: str = ""


def begin(
    log: str,
    *,
    recorded: int,
    received_through: int,
    epoch: str,
    cursor: str,
    keys: Iterable[Jwk],
    giving: bool = False,
) -> Session:
    """A conversation about `log` as it stands in the database: nothing sent, nobody signed in."""
    return Session(
        log=log,
        recorded=recorded,
        received_through=received_through,
        holds=received_through,
        epoch=epoch,
        cursor=cursor,
        keys=tuple(keys),
        giving=giving,
    )


def ask(session: Session) -> Session:
    """The last event alone is sent first: the answer says how much of the rest the backend holds."""
    return msgspec.structs.replace(session, holds=max(session.recorded - 1, 0))


def next_step(session: Session, now_ms: int) -> Step:
    """What to do now. Until a reply or a failure is given back, the answer stays the same."""
    if session.retry_at_ms is not None and now_ms < session.retry_at_ms:
        return Wait(session.retry_at_ms - now_ms, "after a failure")
    if session.challenge:
        return SignChallenge(session.challenge, session.unlisted)
    unsent = session.holds < session.recorded or session.giving
    rested = session.rested_at_ms is not None and now_ms < session.rested_at_ms + REST_MS
    if session.rested_at_ms is not None and rested and not unsent:
        return Wait(session.rested_at_ms + REST_MS - now_ms, "all done")
    if not session.token:
        return OpenSession()
    if session.giving and not session.fetch_first:
        return GiveBack()
    if unsent and not session.fetch_first:
        return Push(session.holds + 1, min(session.holds + session.batch, session.recorded))
    return Pull(session.cursor)


def recorded(session: Session, seq: int) -> Session:
    """The device recorded up to `seq`."""
    return msgspec.structs.replace(session, recorded=max(seq, session.recorded))


def wake(session: Session) -> Session:
    """Somebody asks for a round now: no timer is waited for."""
    return msgspec.structs.replace(session, retry_at_ms=None, rested_at_ms=None)


# -- signing in ---------------------------------------------------------------
def challenged(session: Session, reply: ChallengeReply) -> Session:
    """The backend gave a challenge."""
    return msgspec.structs.replace(session, challenge=reply.challenge)


def signed_in(session: Session, reply: SessionReply) -> tuple[Session, tuple[Effect, ...]]:
    """The backend took the signed challenge, and says which epoch is in force and if our database is an old copy."""
    effects: list[Effect] = []
    session = msgspec.structs.replace(session, challenge="", token=reply.token, unlisted=False)
    if reply.epoch not in ("", session.epoch):
        effects.append(EnterEpoch(reply.epoch))
        session = _asking(session, reply.epoch)
    if reply.longer:
        session, told = _stopped(session)
        effects += told
    return session, tuple(effects)


# -- giving back --------------------------------------------------------------
def given_back(
    session: Session, sent: NoteGiven, reply: ReturnReply, *, rest: bool
) -> tuple[Session, tuple[Effect, ...]]:
    """Lines were given back and answered; `rest` says if there are more."""
    effects: list[Effect] = [sent]
    session = _well(session, giving=rest)
    if reply.epoch != session.epoch:
        effects.append(EnterEpoch(reply.epoch))
        session = _asking(session, reply.epoch)
    return session, tuple(effects)


def nothing_to_give(session: Session) -> Session:
    """All that had been pulled was given back."""
    return msgspec.structs.replace(session, giving=False)


# -- push ---------------------------------------------------------------------
def pushed(session: Session, sent: Push, reply: PushReply, chain: bytes | None) -> tuple[Session, tuple[Effect, ...]]:
    """A push was answered. `chain` is our own chain value at the reply's `received_through`, None if we have none.

    Raises BAD_SIGNATURE or UNREADABLE for a receipt that is not one, NO_PROGRESS where the backend
    holds no more than before; nothing is changed then.
    """
    receipt = _receipt(session, reply)
    if receipt is None:
        return _fetch_keys(session), ()
    effects: list[Effect] = [NoteClock(reply.server_time)]
    if receipt.epoch != session.epoch:
        effects.append(EnterEpoch(receipt.epoch))
        session = _new_epoch(session, receipt.epoch, holds=session.holds)
    effects.append(StoreVerdicts(session.log, reply.verdicts))
    if reply.longer or any(verdict.forked for verdict in reply.verdicts):
        session, told = _stopped(session)
        effects += told
    if chain is None or chain_text(chain) != receipt.head:
        # It speaks of another log than ours, whatever its name: it counts for nothing, and we show all we hold.
        return _set_back(session, holds=0, received_through=session.received_through), tuple(effects)
    through = receipt.received_through
    if through < session.holds:
        session = _set_back(session, holds=through, received_through=through)
    elif through == session.holds:
        raise Problem(NO_PROGRESS, f"{sent.first} to {sent.last} were sent and taken, and {through} are held as before")
    else:
        kept = max(through, session.received_through)
        session = _well(session, holds=through, received_through=kept)
    effects.append(StoreReceipt(receipt, reply.receipt))
    return session, tuple(effects)


def _receipt(session: Session, reply: PushReply) -> Receipt | None:
    """The receipt in a reply; None where a key signed it that is not known here."""
    kid = kid_in(reply.receipt.jws)
    key = next((jwk for jwk in session.keys if kid_of(jwk) == kid), None)
    if key is None:
        return None
    verify(reply.receipt.jws, reply.receipt.text.encode(), "ho-receipt", key)
    receipt = decode(reply.receipt.text, Receipt, "receipt")
    said = (reply.epoch, session.log, reply.received_through, reply.head)
    if (receipt.epoch, receipt.log, receipt.received_through, receipt.head) != said:
        raise Problem(UNREADABLE, "the receipt says something else than the reply around it", "receipt")
    return receipt


def _fetch_keys(session: Session) -> Session:
    """A key we do not know: the roster that lists it is fetched before anything is sent again."""
    setback = _set_back(session, holds=session.holds, received_through=session.received_through)
    return msgspec.structs.replace(setback, fetch_first=True)


def _stopped(session: Session) -> tuple[Session, tuple[Effect, ...]]:
    """Nothing more is recorded in this log: another copy of it goes on elsewhere, or did."""
    told = (StopRecording(session.log), NeedsYou(LOG_FORKED.slug, session.log))
    return msgspec.structs.replace(session, longer=True), told


def _new_epoch(session: Session, epoch: str, *, holds: int) -> Session:
    return msgspec.structs.replace(
        session, epoch=epoch, cursor="", received_through=0, holds=holds, rested_at_ms=None, giving=session.epoch != ""
    )


def _asking(session: Session, epoch: str) -> Session:
    """In a new epoch, which begins with asking."""
    return ask(_new_epoch(session, epoch, holds=0))


def _set_back(session: Session, *, holds: int, received_through: int) -> Session:
    if session.setbacks >= MOST_SETBACKS:
        raise Problem(NO_PROGRESS, f"the backend took back what it said {MOST_SETBACKS + 1} times in one round")
    return msgspec.structs.replace(
        session, holds=holds, received_through=received_through, setbacks=session.setbacks + 1
    )


def _well(session: Session, **changes: object) -> Session:
    """After a good answer: no timer, no trouble, and these changes."""
    return msgspec.structs.replace(session, failures=0, retry_at_ms=None, trouble="", **changes)


# -- pull ---------------------------------------------------------------------
def pulled(
    session: Session, lines: Iterable[PullLine | None], now_ms: int, trip_ms: int
) -> tuple[Session, tuple[Effect, ...]]:
    """A pull was answered, with these lines in their order; None stands for a line of a newer backend.

    `trip_ms` is for how long the answer was waited for.

    Raises UNREADABLE where the last line is not the cursor (the reply was cut short) and NO_PROGRESS
    where the cursor went back; nothing is changed then, and nothing of the reply is kept.
    """
    known = [line for line in lines if line is not None]
    last = known.pop() if known else None
    others = [line for line in known if not isinstance(line, Cursor)]
    if not isinstance(last, Cursor) or len(others) < len(known):
        raise Problem(UNREADABLE, "a pull ends with its one cursor; this reply was cut short")
    epoch, position, _ = read_cursor(last.text)
    effects: list[Effect] = []
    if epoch != session.epoch:
        effects.append(EnterEpoch(epoch))
        session = _asking(session, epoch)
    before = read_cursor(session.cursor)[1] if session.cursor else -1
    if position < before:
        raise Problem(NO_PROGRESS, f"the cursor went back from {before} to {position}")
    keys = _vouched(session.keys, others)
    for line in others:
        keys, effect = _line(keys, line)
        if isinstance(effect, StoreDocument) and isinstance(effect.document, TimeAnchor):
            effect = _time(effect.document, now_ms, trip_ms)
        effects.append(effect)
        if isinstance(line, PulledEvent) and (said := _redaction(keys, line)) is not None:
            effects.append(TakeOut(said))
        if isinstance(line, PulledEvent) and not session.longer and _tells_fork(keys, line, session.log):
            session, told = _stopped(session)
            effects += told
    effects.append(MoveCursor(last.text))
    caught_up = position == before
    session = _well(session, keys=keys, cursor=last.text, fetch_first=False)
    if caught_up:
        session = msgspec.structs.replace(session, rested_at_ms=now_ms, batch=MOST_EVENTS)
        if session.holds >= session.recorded:
            session = msgspec.structs.replace(session, setbacks=0)
    return session, tuple(effects)


def _vouched(keys: tuple[Jwk, ...], lines: Iterable[PullLine]) -> tuple[Jwk, ...]:
    """The backend's keys that count once these lines are read, whatever their order: the old one vouches for the new.

    A roster that a counting key signed adds the keys that it lists, through as many changes of the key as were slept
    over.
    """
    waiting = [line for line in lines if isinstance(line, PulledDocument) and _ROSTER in line.raw]
    while True:
        rest: list[PulledDocument] = []
        for line in waiting:
            try:
                document = _verified(keys, line)
            except Problem:
                rest.append(line)
                continue
            if isinstance(document, Roster):
                keys = tuple(dict.fromkeys((*keys, *document.keys)))
        if len(rest) == len(waiting):
            return keys
        waiting = rest


def _line(
    keys: tuple[Jwk, ...], line: PulledEvent | PulledDocument | LeftJob | ChangedVerdict
) -> tuple[tuple[Jwk, ...], Effect]:
    match line:
        case PulledEvent():
            return keys, StoreEvent(line)
        case PulledDocument():
            return _document(keys, line)
        case LeftJob():
            return keys, DropJob(line.job)
    return keys, StoreVerdicts(line.log, (line.verdict,))


def _document(keys: tuple[Jwk, ...], line: PulledDocument) -> tuple[tuple[Jwk, ...], Effect]:
    """A document that holds is kept, and a roster's backend keys count from then on; any other goes to a person."""
    try:
        if typ_in(line.jws) == "ho-receipt":
            _check(keys, line, "ho-receipt")
            return keys, StoreOfficeReceipt(
                decode(line.raw, Receipt, "receipt"), Sealed(text=line.raw.decode(), jws=line.jws)
            )
        document = _verified(keys, line)
    except Problem as problem:
        return keys, NeedsYou(problem.kind.slug, problem.detail)
    if isinstance(document, Roster):
        keys = tuple(dict.fromkeys((*keys, *document.keys)))
    return keys, StoreDocument(document, line.raw, line.jws)


def _time(document: TimeAnchor, now_ms: int, trip_ms: int) -> Effect:
    """A signed time, as events name it; to a person where its id says another time than its version."""
    if anchor_ms(document.id) != document.version:
        return NeedsYou(UNREADABLE.slug, f"{document.id} does not say the time {document.version}")
    return KeepTime(document.version, Anchor(id=document.id, mono=now_ms, trip=trip_ms))


def _verified(keys: tuple[Jwk, ...], line: PulledDocument) -> Document:
    _check(keys, line, "ho-doc")
    return read_document(line.raw)


def _check(keys: tuple[Jwk, ...], line: PulledDocument | PulledEvent, typ: Typ) -> None:
    kid = kid_in(line.jws)
    signer = next((jwk for jwk in keys if kid_of(jwk) == kid), None)
    if signer is None:
        raise Problem(BAD_SIGNATURE, f"a document signed by {kid}, which no roster lists")
    verify(line.jws, line.raw, typ, signer)


def _tells_fork(keys: tuple[Jwk, ...], line: PulledEvent, log: str) -> bool:
    """True for the office's own word that this log was continued twice."""
    body = _offices(keys, line, b'"log.forked"')
    return isinstance(body, LogForked) and body.log == log


def _redaction(keys: tuple[Jwk, ...], line: PulledEvent) -> EventRedacted | None:
    """What the office says is left of an event, in its own word; None for any other line."""
    body = _offices(keys, line, b'"event.redacted"')
    return body if isinstance(body, EventRedacted) and not restates_redaction(body) else None


def _offices(keys: tuple[Jwk, ...], line: PulledEvent, kind: bytes) -> Fact | None:
    """The body of an event of this kind that a key of the backend's signed; None for any other."""
    if kind not in line.raw:
        return None
    try:
        _check(keys, line, "ho-event")
        return read_event(line.raw).body
    except Problem:
        return None


# -- what goes wrong ----------------------------------------------------------
class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that says no: HTTP status, the problem it names, and how long it asks us to wait."""

    status: int
    slug: str = ""
    detail: str = ""
    retry_after_ms: int = 0


def failed(session: Session, trouble: str, now_ms: int, chance: float, asked_ms: int = 0) -> Session:
    """No answer, or none that can be read: afterwards the retry timer runs. `chance` is in [0, 1)."""
    widest = min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** (min(session.failures, 20) + 1))
    wait_ms = SHORTEST_WAIT_MS + int(chance * (widest - SHORTEST_WAIT_MS))
    return msgspec.structs.replace(
        session,
        failures=session.failures + 1,
        retry_at_ms=now_ms + max(wait_ms, min(asked_ms, LONGEST_ASKED_MS)),
        challenge="",
        setbacks=0,
        trouble=trouble,
    )


def turned_away(
    session: Session, step: Step, answer: Answer, now_ms: int, chance: float
) -> tuple[Session, tuple[Effect, ...]]:
    """An answer that says no to `step`: smaller batches, signing in again, the cursor from 0, or the timer."""
    match step, answer.status:
        case ((GiveBack() | Push() | Pull()), 401) if session.setbacks < MOST_SETBACKS:
            return msgspec.structs.replace(session, token="", setbacks=session.setbacks + 1), ()
        case SignChallenge(), 401 if not session.unlisted:
            return msgspec.structs.replace(session, challenge="", unlisted=True), ()
        case Push(), 400 if answer.slug == UNKNOWN_LOG.slug and step.first > 1:
            return _set_back(session, holds=0, received_through=session.received_through), ()
        case GiveBack(), 400 | 404 | 405 | 413 | 415:
            return nothing_to_give(session), (NeedsYou(answer.slug or f"http-{answer.status}", answer.detail),)
        case Push(), 413 if step.last > step.first:
            return msgspec.structs.replace(session, batch=(step.last - step.first + 1) // 2), ()
        case Pull(), 409 if answer.slug == BAD_CURSOR.slug and step.cursor:
            return msgspec.structs.replace(session, cursor=""), (MoveCursor(""),)
    waiting = failed(session, answer.slug or f"HTTP {answer.status}", now_ms, chance, answer.retry_after_ms)
    waiting = msgspec.structs.replace(waiting, token="" if answer.status == 401 else session.token)
    if answer.status == 429 or answer.status >= 500:
        return waiting, ()
    return waiting, (NeedsYou(answer.slug or f"http-{answer.status}", answer.detail),)


def too_many_bytes(session: Session, sent: Push) -> Session:
    """The device itself saw that the batch is over the limits before it was sent."""
    return msgspec.structs.replace(session, batch=max(1, (sent.last - sent.first + 1) // 2))
