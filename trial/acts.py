"""What somebody does and records in a scenario: one frozen Struct a step, read from JSON by its `do`."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sync.events import VisitOutcome, VisitType
from sync.payload import Count, Line, Payload, Priority
from trial.terms import (
    Act,
    Addressee,
    Asset,
    Boundary,
    Device,
    Event,
    Instant,
    Job,
    Order,
    Party,
    Person,
    Place,
    Sensor,
    Site,
    Step,
    Visit,
)

ItemStep = Literal["picked", "loaded", "delivered", "installed", "returned", "short"]


class Opening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A job that is there from the start: the fields of `open`, which happens before the first step."""

    by: Person | None = None
    on: Place | None = None
    party: Party | None = None
    site: Site | None = None
    asset: Asset | None = None
    customer: str = ""
    desired_outcome: str = ""
    owner: str = ""
    intent: str = ""
    entitlement: str = ""
    channel: str = ""
    priority: Priority = "routine"
    type: VisitType = "corrective"
    trade: str = ""


# -- jobs ----------------------------------------------------------------------
class Open(Act, frozen=True, kw_only=True, tag="open"):
    """A job is opened, by whoever `party` is, and named by this step's id from here on."""

    party: Party | None = None
    site: Site | None = None
    asset: Asset | None = None
    customer: str = ""
    desired_outcome: str = ""
    owner: str = ""
    intent: str = ""
    entitlement: str = ""
    channel: str = ""
    priority: Priority = "routine"
    type: VisitType = "corrective"
    trade: str = ""


class Plan(Act, frozen=True, kw_only=True, tag="plan"):
    """The job gets a stop on a route; it supersedes the plan in force where it is recorded."""

    job: Job
    stop: str = ""
    window_from: Instant = ""
    window_to: Instant = ""
    crew: str = ""
    eta: Instant = ""


class Dispatch(Act, frozen=True, kw_only=True, tag="dispatch"):
    """The office plans the job where that is said, sends it out and offers it to `to`; named for its offer."""

    job: Job
    to: Annotated[tuple[Addressee, ...], Meta(min_length=1)]
    boundary: Boundary | None = None
    payload: Payload | None = None
    until: Instant = ""
    stop: str = ""
    window_from: Instant = ""
    window_to: Instant = ""


class Merge(Act, frozen=True, kw_only=True, tag="merge"):
    """Jobs and orders go onto one stop, to be served by one visit."""

    jobs: Annotated[tuple[Job, ...], Meta(min_length=1)]
    orders: tuple[Order, ...] = ()
    stop: str = ""


class Unmerge(Act, frozen=True, kw_only=True, tag="unmerge"):
    """The merge of that step no longer holds."""

    merge: Event


class Hold(Act, frozen=True, kw_only=True, tag="hold"):
    """The job waits."""

    job: Job
    reason: Line = "waiting"
    until: Instant = ""


class Release(Act, frozen=True, kw_only=True, tag="release"):
    """Every hold of the job that is known where it is recorded ends."""

    job: Job


class Close(Act, frozen=True, kw_only=True, tag="close"):
    """The job is done, says whoever is accountable."""

    job: Job
    outcome: Line = "done"
    node: Event | None = None
    force: bool = False


class Cancel(Act, frozen=True, kw_only=True, tag="cancel"):
    """The job will not be done, says whoever is accountable."""

    job: Job
    reason: Line = "not needed"
    node: Event | None = None
    force: bool = False


class Reopen(Act, frozen=True, kw_only=True, tag="reopen"):
    """Every closing of the job that is known where it is recorded no longer holds."""

    job: Job
    reason: str = ""


# -- at the site ---------------------------------------------------------------
class Arrive(Act, frozen=True, kw_only=True, tag="arrive"):
    """Somebody comes to the job's site; the visit is named by this step's id."""

    job: Job
    site: Site | None = None
    asset: Asset | None = None
    stop: str = ""
    occurred_at: Instant = ""


class Depart(Act, frozen=True, kw_only=True, tag="depart"):
    """Somebody leaves; the checks of the boundary run first, on `payload` as well, what is about to be handed over.

    `override` says, by check, why he leaves with the gap that it found.
    """

    visit: Visit
    outcome: VisitOutcome = "done"
    reason: str = ""
    part: Literal["no", "part", "last"] = "no"
    plan_declared_at: Instant = ""
    converted_at: Instant = ""
    excluded: str = ""
    excluded_by: str = ""
    boundary: Boundary | None = None
    payload: Payload | None = None
    override: dict[str, Line] = msgspec.field(default_factory=dict)
    occurred_at: Instant = ""


class Scan(Act, frozen=True, kw_only=True, tag="scan"):
    """A label is scanned: an item (`qty` of it, `as` picked, loaded, ...) or an asset."""

    job: Job
    item: str = ""
    as_: ItemStep = msgspec.field(default="loaded", name="as")
    qty: Annotated[int, Meta(ge=1)] = 1
    order: Order | None = None
    line: str = ""
    asset: Asset | None = None
    visit: Visit | None = None
    reservation: Event | None = None


class Check(Act, frozen=True, kw_only=True, tag="check"):
    """A gap that a check of that visit found is put right (`clears` the check) or left (`overrides` it, for `reason`).

    The checks themselves run whenever somebody wants to leave: at `depart`.
    """

    visit: Visit
    clears: str = ""
    how: str = ""
    overrides: str = ""
    reason: Line = "has to wait"


class Signal(Step, frozen=True, kw_only=True, tag="signal"):
    """A sensor says something to the broker: OwnTracks `enter`, `leave`, `here` at a site, or a door `open`, `closed`.

    Or `topic` and `payload` (JSON, or text sent as it is) are published as they stand.
    """

    sensor: Sensor | None = None
    says: Literal["enter", "leave", "here", "open", "closed"] | None = None
    site: Site | None = None
    lat: float | None = None
    lon: float | None = None
    acc_m: float = 12.0
    topic: str = ""
    payload: str | dict[str, Any] = ""


class Contact(Act, frozen=True, kw_only=True, tag="contact"):
    """A customer is in touch about the job."""

    job: Job
    channel: str = "phone"
    customer: str = ""
    intent: str = ""
    previous: Event | None = None
    had_to_repeat: bool | None = None


class Assist(Act, frozen=True, kw_only=True, tag="assist"):
    """`who` helps with the job (default: `by`), or no longer does (`leaves`); accountability does not move."""

    job: Job
    who: Person | None = None
    leaves: bool = False


class Correct(Act, frozen=True, kw_only=True, tag="correct"):
    """What the event of that step said was wrong; `fields` are right."""

    event: Event
    fields: dict[str, str]
    reason: Line = "mistake"


# -- handover ------------------------------------------------------------------
class Offer(Act, frozen=True, kw_only=True, tag="offer"):
    """The job is offered to `to`. `basis` is the event that made `sender` accountable."""

    job: Job
    to: Annotated[tuple[Addressee, ...], Meta(min_length=1)]
    sender: Party | None = None
    basis: Event | None = None
    boundary: Boundary | None = None
    payload: Payload | None = None
    until: Instant = ""
    visit: Visit | None = None
    force: bool = False


class Reserved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """So many of an item were there."""

    item: str
    counted: Count = 0
    remark: Line = "not received"


class Accept(Act, frozen=True, kw_only=True, tag="accept"):
    """The offer of that step is accepted for `party`; how the two met is `met`.

    `words` are the receiver's synthesis, `picked` what was picked at the read-back (default: all that is true).
    """

    offer: Event
    party: Party | None = None
    met: Literal["met", "remote", "guest", "witnessed"] | None = None
    words: Line = "read back"
    picked: tuple[str, ...] | None = None
    reservations: tuple[Reserved, ...] = ()
    signed_name: str = ""
    force: bool = False


class Refuse(Act, frozen=True, kw_only=True, tag="refuse"):
    """The offer of that step is declined for `party`."""

    offer: Event
    party: Party | None = None
    reason: Line = "not now"
    through: Literal["code", "pull"] | None = None
    force: bool = False


class Withdraw(Act, frozen=True, kw_only=True, tag="withdraw"):
    """The sender takes the offer of that step back."""

    offer: Event
    reason: str = ""
    force: bool = False


class Confirm(Act, frozen=True, kw_only=True, tag="confirm"):
    """The sender has seen the acceptance of that step, from its code or by pull."""

    accepted: Event
    through: Literal["code", "pull"] | None = None
    force: bool = False


class Resolve(Act, frozen=True, kw_only=True, tag="resolve"):
    """The office settles the contest under `basis` and chooses an event, or `party`."""

    basis: Event
    chosen: Event | None = None
    party: Party | None = None
    cites: tuple[Event, ...] | None = None
    replaces: tuple[Event, ...] | None = None
    reason: str = ""
    force: bool = False


class Reassign(Act, frozen=True, kw_only=True, tag="reassign"):
    """The office moves accountability to `party` without the holder."""

    job: Job
    party: Party
    reason: Literal["vanished", "ill", "replanned", "compromised"] = "replanned"
    words: str = ""
    basis: Event | None = None


# -- devices and keys ------------------------------------------------------------
class Revoke(Act, frozen=True, kw_only=True, tag="revoke"):
    """A manager ends the device's right to record; its custody events from that of `suspect_from` on are doubtful."""

    device: Device
    reason: Literal["left", "lost", "compromised"] = "lost"
    suspect_from: Event | None = None


class Promote(Act, frozen=True, kw_only=True, tag="promote"):
    """A manager lets the event of that step count, which was put aside or is in doubt."""

    event: Event
    reason: str = ""
    force: bool = False


class SwitchPerson(Act, frozen=True, kw_only=True, tag="switch_person"):
    """A shared handheld changes hands: from now on `to` holds it."""

    to: Person
