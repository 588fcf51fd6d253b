"""The catalogue: every kind of event, what its body says, and how an event is read from its bytes.

The bytes of an event are the truth; a body is decoded tolerant of unknown fields, because devices and
backend are never updated together. A kind is forever; new fields are optional.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sync.clock import Moment, Ms
from sync.payload import Count, Gone, Id, Line, Payload, Priority, Synthesis, Text, Words
from sync.policy import Arm
from sync.seal import Jwk

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}:[1-9][0-9]{0,15}$")]
"""An event's name, `log:seq`."""
Hash = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]
Log = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}$")]
JobId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}$")]
Seq = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Reference = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,15}\.[A-Za-z0-9_-]{6}$")]
"""A document's version, a dot, six characters of its hash."""
When = Annotated[str, Meta(max_length=40)]
"""RFC 3339 with an offset; empty where not said."""
Label = Annotated[str, Meta(min_length=1, max_length=500)]
"""A line that no person wrote for this event."""
Entered = Literal["typed", "scanned", "pulled", "prefilled"]
VisitType = Literal["corrective", "preventive", "inspection", "install", "commission", "delivery"]
VisitOutcome = Literal["done", "cancelled", "no_access"]


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What every body may say: when it happened where that differs from when it was recorded, and how it was entered.

    `replaces` names the hashes of the facts this one supersedes.
    """

    occurred_at: When = ""
    entered: Entered | None = None
    replaces: tuple[Hash, ...] = ()


class Custody(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A fact that can move accountability; it is signed by itself and names the roster it was made under."""

    roster: Reference


class Blob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bytes kept beside the event, by content. `of` names the original that a thumbnail shows in small.

    `type` is a media type, as the author's device made it out. `what` is photo, signature, transcript or document,
    where it was said.
    """

    sha256: Hash
    size: Count
    type: Id
    of: str = ""
    what: Annotated[str, Meta(max_length=40)] = ""


# -- logs, codes, devices -----------------------------------------------------
class LogOpened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The first event of a log: whose it is, and the log it replaces, if any."""

    device: Id
    jwk: Jwk
    software: Label
    former: str = ""


class CodeWitnessed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The other side's half, kept: `frame` is the scanned code's frame, base64url, empty where it was redacted."""

    frame: Gone


class PersonSwitched(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A shared handheld changed hands."""

    before: Id
    now: Id


class Correction(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """What `corrects` (a hash) said was wrong; `fields` holds what is right, by name."""

    corrects: Hash
    reason: Line
    fields: dict[str, str] = {}


class Heads(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one log: the last chain value of each branch held."""

    log: Log
    heads: tuple[Hash, ...] = ()


class DeviceRevoked(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A device's right to record with one key ended.

    What its logs hold up to `heads` stands, and by hash what else was judged; of a log that is not named, nothing.
    `kid` is the key, empty where the device had only one. From `suspect_from` of `suspect_log` on custody events keep
    their verdict and are put before people.
    """

    device: Id
    kid: str = ""
    reason: Literal["left", "lost", "compromised"]
    logs: tuple[Heads, ...] = ()
    judged: tuple[Hash, ...] = ()
    suspect_log: str = ""
    suspect_from: Seq | None = None


class LogForked(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A log was continued twice; `seq` is the lowest in dispute."""

    log: Log
    seq: Seq


class EventPromoted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A manager lets a quarantined or disputed event count."""

    event: Hash
    reason: Line = ""


class EventRedacted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Restates an event with free text and blobs emptied; `restated` is the JSON text that stands in its place.

    It is empty where nobody could read the bytes. What could be told from these alone stands beside it: `kid` is the
    key whose signature on them held, `holds` what the frame of a witness held, by hash.
    """

    event: Hash
    restated: str
    kid: str = ""
    holds: tuple[Hash, ...] = ()


class LossDeclared(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Nobody holds these events any more: a range of a log, or one event by its hash."""

    log: str = ""
    from_: Seq | None = msgspec.field(default=None, name="from")
    to: Seq | None = None
    chain_after: str = ""
    hash: str = ""


# -- jobs ---------------------------------------------------------------------
class JobOpened(Custody, frozen=True, kw_only=True, omit_defaults=True):
    """The root of a job: `party` is accountable from here on.

    `type` and `trade` say what kind of visit it leads to; `owner` answers for the outcome as a whole.
    """

    party: Id
    site: Id
    asset: str = ""
    customer: str = ""
    desired_outcome: Words = ""
    owner: str = ""
    intent: Words = ""
    entitlement: str = ""
    channel: str = ""
    priority: Priority = "routine"
    type: VisitType = "corrective"
    trade: str = ""
    order: str = ""


class JobPlanned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A stop on somebody's route, with its window and expected arrival."""

    stop: Id
    window_from: When = ""
    window_to: When = ""
    crew: str = ""
    eta: When = ""


class JobDispatched(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job went out to `to` for the planned stop; the offer beside it carries the accountability."""

    to: tuple[Id, ...]
    stop: str = ""


class JobMerged(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Jobs and orders are served by one visit to one stop; it moves nothing."""

    stop: Id
    jobs: tuple[JobId, ...]
    orders: tuple[Id, ...] = ()


class JobUnmerged(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The merge with this hash no longer holds."""

    merged: Hash
    jobs: tuple[JobId, ...] = ()


class JobHeld(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job waits, for a reason; until `until` where known."""

    reason: Line
    until: When = ""


class JobReleased(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The hold with this hash ended."""

    held: Hash


class JobClosedByRule(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A policy row closed a trivial job; it can be reopened."""

    rule: Label
    node: Hash


class JobResolved(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job is done, says the party that `node` (a hash) made accountable."""

    node: Hash
    outcome: Line = "done"


class JobReopened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The closings with these hashes no longer hold."""

    closings: tuple[Hash, ...]
    reason: Words = ""


class JobCancelled(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The job will not be done, says the party that `node` (a hash) made accountable."""

    node: Hash
    reason: Line


class NoteWritten(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Free words on the job."""

    text: Text


class Candidate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the answers a rule offered, with its reasons."""

    id: Id
    reasons: tuple[Line, ...] = ()


class SuggestionMade(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A rule's suggestion, as first shown to a person."""

    suggestion: Id
    rule: Id
    what: Literal["merge", "route"]
    subjects: tuple[Id, ...]
    candidates: tuple[Candidate, ...] = ()


class SuggestionAnswered(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """What was chosen, and why."""

    suggestion: Id
    choice: str
    reason: Words = ""


class LimitWarned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Four fifths of a limit have gone by."""

    subject: Id
    limit: Literal["respond", "accept", "arrive", "resolve", "queue"]


class LimitPassed(LimitWarned, frozen=True, kw_only=True, omit_defaults=True):
    """A limit went by."""


class PlaybookStep(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A step of an escalation was taken."""

    subject: Id
    step: Count
    to: str = ""


# -- orders and items ---------------------------------------------------------
class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an order: an article, how many, and what each weighs (g) and takes up (ml), where known."""

    line: Id
    article: Id
    qty: Count
    weight_g: Count | None = None
    volume_ml: Count | None = None
    serials: tuple[str, ...] = ()


class OrderImported(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An order as its source gave it; times are RFC 3339."""

    source: Id
    order: Id
    order_kind: Literal["dispatch", "fulfilment"]
    site: Id
    reference: str = ""
    asset: str = ""
    customer: str = ""
    window_from: When = ""
    window_to: When = ""
    minutes: Count | None = None
    intent: Words = ""
    skills: tuple[str, ...] = ()
    priority: Priority = "routine"
    lines: tuple[OrderLine, ...] = ()


class OrderChanged(OrderImported, frozen=True, kw_only=True, omit_defaults=True):
    """The order's source now says this; `replaces` names what it said before."""


class OrderCancelled(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The order's source took it back; what the order says later and `replaces` this ends that."""

    source: Id
    order: Id
    reason: Words = ""


class LineImported(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """One more line of an order."""

    source: Id
    order: Id
    line: OrderLine


class LineChanged(LineImported, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an order now says this."""


class ItemScanned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """So many of an item were seen at this step; `reservation` names the acceptance that missed it."""

    item: Id
    step: Literal["picked", "loaded", "delivered", "installed", "returned", "short"]
    qty: Annotated[int, Meta(ge=1, le=2**53 - 1)] = 1
    order: str = ""
    line: str = ""
    point: str = ""
    visit: str = ""
    reservation: str = ""


# -- visits, checks, evidence, contacts ---------------------------------------
class VisitArrived(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody came to a site; `visit` is minted by the device that opens it."""

    visit: Id
    site: Id
    asset: str = ""
    stop: str = ""
    type: VisitType = "corrective"
    trade: str = ""


class VisitDeparted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody left, with an outcome. `part` places the visit in a plan of several, declared at `plan_declared_at`."""

    visit: Id
    outcome: VisitOutcome = "done"
    reason: Words = ""
    part: Literal["no", "part", "last"] = "no"
    plan_declared_at: When = ""
    converted_at: When = ""
    excluded: str = ""
    excluded_by: str = ""


class AssetScanned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The asset stood in front of the scanner: site and asset are proven for this visit."""

    asset: Id
    site: str = ""
    visit: str = ""


class CheckFound(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A check before departure found a gap, or none (`gap` empty); `arm` says if anybody was told."""

    check: Id
    visit: Id
    arm: Arm
    gap: str = ""
    text: Words = ""


class CheckCleared(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The gap of this check was put right on site."""

    found: Hash
    how: Words = ""


class CheckOverridden(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody left with the gap, for a reason."""

    found: Hash
    reason: Line


class SignalObserved(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Signals that count as evidence; `rests_on` names the raw ones, kept by the device that heard them.

    `observed` is what they say: arrival, departure, door, load, excursion, shock, dwell, position; or nothing, where
    signals that came late show that what it `replaces` did not take place. `lower_ms` and `upper_ms` bound when, in
    milliseconds since 1970; `site` is where the fence or the sensor is.
    """

    observed: Literal["arrival", "departure", "door", "load", "excursion", "shock", "dwell", "position", "nothing"]
    source: Id
    rests_on: tuple[str, ...]
    device: str = ""
    site: str = ""
    visit: str = ""
    value: str = ""
    lower_ms: Ms | None = None
    upper_ms: Ms | None = None
    trusted: bool = True
    elsewhere_m: Count | None = None


class ContactReceived(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A customer was in touch: by which channel, about what, after which contact, having to say it again or not."""

    contact: Id
    channel: Id
    customer: str = ""
    intent: Words = ""
    transcript: Gone = ""
    previous: str = ""
    had_to_repeat: bool | None = None


class FeedbackRecorded(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """How easy the customer found it, 1 to 7 (CES 2.0), and whether anything had to be repeated."""

    ease: Annotated[int, Meta(ge=1, le=7)] | None = None
    had_to_repeat: bool | None = None
    words: Words = ""


class ComplaintRecorded(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A complaint, with its code where one was given."""

    words: Text
    code: str = ""


class AssistJoined(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody helps; accountability does not move."""

    who: Id


class AssistLeft(AssistJoined, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody no longer helps."""


# -- handover: custody --------------------------------------------------------
class Offered(Custody, frozen=True, kw_only=True, omit_defaults=True):
    """The sender puts the job on the table; accountability has not moved.

    `basis` is the hash of the event that made `sender` accountable. `to` holds parties and roles
    (`role:technician`). `until` ends the offer by the sender's word; the policy's limit lapses it.
    `challenge` quotes the receiver's, where one was scanned: the offer was made after it.
    """

    basis: Hash
    sender: Id
    to: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=20)]
    boundary: Id
    policy: Reference
    payload: Payload
    until: When = ""
    challenge: str = ""
    stop: str = ""
    visit: str = ""
    site: str = ""


class Withdrawn(Custody, frozen=True, kw_only=True, omit_defaults=True):
    """The sender takes the offer back."""

    offer: Hash
    sender: Id
    reason: Words = ""


class Reservation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Accepted with a remark on one item: so many were there, of what was offered."""

    item: Id
    counted: Count
    remark: Line = "not received"


class Accepted(Custody, frozen=True, kw_only=True, omit_defaults=True):
    """The receiver has read back the open points; `party` is now accountable.

    `met` says how the two met; `switched` names the person switch between the halves on one shared handheld.
    """

    offer: Hash
    party: Id
    synthesis: Synthesis
    met: Literal["met", "remote", "guest", "witnessed"]
    policy: Reference | None = None
    reservations: tuple[Reservation, ...] = ()
    switched: str = ""
    signed_name: Words = ""


class Refused(Custody, frozen=True, kw_only=True, omit_defaults=True):
    """The receiver declines; accountability stays."""

    offer: Hash
    party: Id
    reason: Line


class Confirmed(Custody, frozen=True, kw_only=True, omit_defaults=True):
    """The sender has seen the acceptance: the loop is closed."""

    offer: Hash
    accepted: Hash
    sender: Id


class Resolved(Custody, frozen=True, kw_only=True, omit_defaults=True):
    """The office settles a contest under `basis`, citing what it saw, and chooses a node or, with `party`, itself."""

    basis: Hash
    cites: tuple[Hash, ...]
    chosen: str = ""
    party: str = ""
    reason: Words = ""


class Reassigned(Custody, frozen=True, kw_only=True, omit_defaults=True):
    """A dispatcher moves accountability from the node `basis` to `party` without the holder, for a reason."""

    basis: Hash
    party: Id
    reason: Literal["vanished", "ill", "replanned", "compromised"]
    words: Words = ""


class Escalated(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An offer went past its limit and `to` was told; nothing moved."""

    offer: Hash
    step: Count
    to: Id
    text: Words = ""


KINDS: dict[str, type[Fact]] = {
    "log.opened": LogOpened,
    "code.witnessed": CodeWitnessed,
    "person.switched": PersonSwitched,
    "correction.made": Correction,
    "device.revoked": DeviceRevoked,
    "log.forked": LogForked,
    "event.promoted": EventPromoted,
    "event.redacted": EventRedacted,
    "loss.declared": LossDeclared,
    "job.opened": JobOpened,
    "job.planned": JobPlanned,
    "job.dispatched": JobDispatched,
    "job.merged": JobMerged,
    "job.unmerged": JobUnmerged,
    "job.held": JobHeld,
    "job.released": JobReleased,
    "job.closed_by_rule": JobClosedByRule,
    "job.resolved": JobResolved,
    "job.reopened": JobReopened,
    "job.cancelled": JobCancelled,
    "note.written": NoteWritten,
    "suggestion.made": SuggestionMade,
    "suggestion.answered": SuggestionAnswered,
    "limit.warned": LimitWarned,
    "limit.passed": LimitPassed,
    "playbook.step_taken": PlaybookStep,
    "order.imported": OrderImported,
    "order.changed": OrderChanged,
    "order.cancelled": OrderCancelled,
    "line.imported": LineImported,
    "line.changed": LineChanged,
    "item.scanned": ItemScanned,
    "visit.arrived": VisitArrived,
    "visit.departed": VisitDeparted,
    "asset.scanned": AssetScanned,
    "check.found": CheckFound,
    "check.cleared": CheckCleared,
    "check.overridden": CheckOverridden,
    "signal.observed": SignalObserved,
    "contact.received": ContactReceived,
    "feedback.recorded": FeedbackRecorded,
    "complaint.recorded": ComplaintRecorded,
    "assist.joined": AssistJoined,
    "assist.left": AssistLeft,
    "handover.offered": Offered,
    "handover.withdrawn": Withdrawn,
    "handover.accepted": Accepted,
    "handover.refused": Refused,
    "handover.confirmed": Confirmed,
    "handover.resolved": Resolved,
    "handover.reassigned": Reassigned,
    "handover.escalated": Escalated,
}
"""Every kind and the shape of its body."""

CUSTODY: frozenset[str] = frozenset(kind for kind, body in KINDS.items() if issubclass(body, Custody))
"""Kinds that can move accountability: each such event is signed by itself and carries `prev`."""

SIGNED: frozenset[str] = CUSTODY | {"log.opened"}
"""Kinds that carry a signature of their own in any log; in a staff log every event does."""

STAFF_ONLY: frozenset[str] = frozenset(
    {
        "handover.resolved",
        "handover.reassigned",
        "job.merged",
        "job.unmerged",
        "device.revoked",
        "log.forked",
        "event.promoted",
        "event.redacted",
        "loss.declared",
    }
)
"""Kinds that stand only in a staff log."""

JOBLESS: frozenset[str] = frozenset(
    {
        "log.opened",
        "code.witnessed",
        "person.switched",
        "job.opened",
        "device.revoked",
        "log.forked",
        "event.promoted",
        "event.redacted",
        "loss.declared",
        "job.merged",
        "job.unmerged",
        "order.imported",
        "order.changed",
        "order.cancelled",
        "line.imported",
        "line.changed",
        "contact.received",
        "suggestion.made",
        "suggestion.answered",
    }
)
"""Kinds that need not name a job in the envelope: they open one, name several in the body, or concern none yet."""

SCHEMA = 1
"""The newest `v` this software can read."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event as written; `body` keeps its exact bytes until the kind is known."""

    v: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    log: Log
    seq: Seq
    kind: Annotated[str, Meta(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=60)]
    actor: Id
    at: Moment
    body: msgspec.Raw
    job: str = ""
    parents: tuple[str, ...] = ()
    blobs: tuple[Blob, ...] = ()
    prev: str = ""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event about to be recorded: all that its author decides; the log adds place, time and seal."""

    kind: str
    actor: str
    body: Fact
    job: str = ""
    blobs: tuple[Blob, ...] = ()
    parents: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as read: `hash` names its bytes, `kid` the key whose signature on it held ("" where it has none).

    `body` is None where the kind or the schema is newer than this software. `job` is the job it is
    about, for `job.opened` the one it opens, "" where it is about none. `wall_ms` is the author's wall
    clock, `occurred_ms` what the author says of when it happened (else the same), in ms since 1970.
    """

    hash: str
    log: str
    seq: int
    kind: str
    job: str
    actor: str
    at: Moment
    body: Fact | None
    wall_ms: int
    occurred_ms: int
    v: int = 1
    kid: str = ""
    prev: str = ""
    parents: tuple[str, ...] = ()
    blobs: tuple[Blob, ...] = ()
