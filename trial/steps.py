"""What can happen in a scenario: one frozen Struct a step, read from JSON by its `do`.

Fields that name something carry the kind of it in their type (`Job`, `Event`, ...), so that one walk over
a scenario can say of every name whether it is known at that place.
"""

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from sync.events import VisitOutcome, VisitType
from sync.payload import Count, Line, Payload, Priority, Synthesis

OFFICE = "office"
"""Where the backend's own log is recorded: by dispatchers and managers, through the backend's API."""
BACKEND = "backend"


def _names(kind: str) -> Meta:
    return Meta(min_length=1, max_length=200, description=f"names: {kind}", extra={"names": kind})


New = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
"""A name given here for the first time."""
Person = Annotated[str, _names("person")]
Party = Annotated[str, _names("party")]
"""A person, a team or a guest."""
Addressee = Annotated[str, _names("addressee")]
"""A party, or `role:NAME`."""
Device = Annotated[str, _names("device")]
Host = Annotated[str, _names("host")]
"""A device, or `backend`."""
Place = Annotated[str, _names("place")]
"""A device, or `office`."""
Site = Annotated[str, _names("site")]
Asset = Annotated[str, _names("asset")]
Boundary = Annotated[str, _names("boundary")]
Job = Annotated[str, _names("job")]
Order = Annotated[str, _names("order")]
Sensor = Annotated[str, _names("sensor")]
Event = Annotated[str, _names("event")]
"""An event by the step that made it: the step's id, or `id/kind` for another event of that step than its main one."""
Instant = Annotated[str, Meta(max_length=40, description="names: instant", extra={"names": "instant"})]
"""RFC 3339 with an offset, or `+2d3h4m5s` from the scenario's start."""
Span = Annotated[str, Meta(pattern=r"^[+-]?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", min_length=2)]
"""A duration such as `90m`, `-10m` or `3650d`."""
ItemStep = Literal["picked", "loaded", "delivered", "installed", "returned", "short"]


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="do"):
    """Something happens at `at` (default: a minute after the step before). `about` is for the reader."""

    id: New
    at: Instant = ""
    about: str = ""


class Act(Step, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody records something.

    `by` is the person, `on` the device or the office where it is recorded. `refused_by_device` is the problem with
    which the device (or the office) is expected to say no, so that nothing is recorded.
    """

    by: Person | None = None
    on: Place | None = None
    refused_by_device: str = ""


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
    """The hold of that step ends."""

    hold: Event


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
    """The closings of these steps no longer hold (default: all that are known where it is recorded)."""

    job: Job
    closings: tuple[Event, ...] = ()
    reason: str = ""


# -- at the site ---------------------------------------------------------------
class Arrive(Act, frozen=True, kw_only=True, tag="arrive"):
    """Somebody comes to the job's site; the visit is named by this step's id."""

    job: Job
    site: Site | None = None
    asset: Asset | None = None
    stop: str = ""
    type: VisitType | None = None
    trade: str | None = None
    occurred_at: Instant = ""


class Depart(Act, frozen=True, kw_only=True, tag="depart"):
    """Somebody leaves; the checks of the boundary run first. `override` says, by gap, why he leaves with it."""

    visit: Event
    outcome: VisitOutcome = "done"
    reason: str = ""
    part: Literal["no", "part", "last"] = "no"
    plan_declared_at: Instant = ""
    converted_at: Instant = ""
    excluded: str = ""
    excluded_by: str = ""
    boundary: Boundary | None = None
    override: dict[str, Line] = {}
    occurred_at: Instant = ""


class Scan(Act, frozen=True, kw_only=True, tag="scan"):
    """A label is scanned: an item (`qty` of it, `as` picked, loaded, ...) or an asset."""

    job: Job
    item: str = ""
    as_: ItemStep = msgspec.field(default="loaded", name="as")
    qty: Annotated[int, Meta(ge=1)] = 1
    order: Order | None = None
    line: str = ""
    point: str = ""
    asset: Asset | None = None
    visit: Event | None = None
    reservation: Event | None = None


class Check(Act, frozen=True, kw_only=True, tag="check"):
    """The checks before departure run and tell; or a gap they found is put right (`clears`) or left (`overrides`).

    `clears` and `overrides` name gaps, by gap type, of the checks of that visit.
    """

    visit: Event
    boundary: Boundary | None = None
    clears: str = ""
    how: str = ""
    overrides: str = ""
    reason: str = ""


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
    visit: Event | None = None
    force: bool = False


class Reserved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """So many of an item were there."""

    item: str
    counted: Count = 0
    remark: Line = "not received"


class Accept(Act, frozen=True, kw_only=True, tag="accept"):
    """The offer of that step is accepted for `party`; how the two met is `met`."""

    offer: Event
    party: Party | None = None
    met: Literal["met", "remote", "guest", "witnessed"] | None = None
    synthesis: Synthesis | None = None
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
    force: bool = False


class SwitchPerson(Act, frozen=True, kw_only=True, tag="switch_person"):
    """A shared handheld changes hands: from now on `to` holds it."""

    to: Person


# -- the network, the machines, the clocks --------------------------------------
class Wait(Step, frozen=True, kw_only=True, tag="wait"):
    """Time goes by."""

    lasts: Span


class GoOffline(Step, frozen=True, kw_only=True, tag="go_offline"):
    """These devices have no signal from now on."""

    devices: Annotated[tuple[Device, ...], Meta(min_length=1)]


class GoOnline(Step, frozen=True, kw_only=True, tag="go_online"):
    """These devices have signal again."""

    devices: Annotated[tuple[Device, ...], Meta(min_length=1)]


class Sync(Step, frozen=True, kw_only=True, tag="sync"):
    """These devices (default: all that run and have signal) push and pull, one after the other, `tries` times at most.

    `fails` says that none of them gets through.
    """

    devices: tuple[Device, ...] = ()
    tries: Annotated[int, Meta(ge=1, le=20)] = 1
    fails: bool = False


class LoseRequest(Step, frozen=True, kw_only=True, tag="lose_request"):
    """The next `count` requests of the device never arrive."""

    device: Device
    of: Literal["push", "pull", "any"] = "push"
    count: Annotated[int, Meta(ge=1, le=100)] = 1


class LoseReply(Step, frozen=True, kw_only=True, tag="lose_reply"):
    """The next `count` requests of the device arrive, and their replies are lost."""

    device: Device
    of: Literal["push", "pull", "any"] = "push"
    count: Annotated[int, Meta(ge=1, le=100)] = 1


class Duplicate(Step, frozen=True, kw_only=True, tag="duplicate"):
    """The next push of the device arrives `copies` times more, all at once."""

    device: Device
    copies: Annotated[int, Meta(ge=1, le=20)] = 1


class Reorder(Step, frozen=True, kw_only=True, tag="reorder"):
    """The next push of the device is held up on its way and arrives after the one that follows it."""

    device: Device


class Kill(Step, frozen=True, kw_only=True, tag="kill"):
    """The process of the device, or the backend's, dies of SIGKILL: now, or when it next reaches the point `when`."""

    host: Host
    when: str = ""


class Restart(Step, frozen=True, kw_only=True, tag="restart"):
    """The process starts again over the same data; one that still runs is stopped first."""

    host: Host


class ClockShift(Step, frozen=True, kw_only=True, tag="clock_shift"):
    """The wall clock there jumps by so much and stays so; the monotonic clock does not."""

    host: Host
    by: Span


AnyStep = (
    Open
    | Plan
    | Dispatch
    | Merge
    | Unmerge
    | Hold
    | Release
    | Close
    | Cancel
    | Reopen
    | Arrive
    | Depart
    | Scan
    | Check
    | Signal
    | Contact
    | Assist
    | Correct
    | Offer
    | Accept
    | Refuse
    | Withdraw
    | Confirm
    | Resolve
    | Reassign
    | SwitchPerson
    | Wait
    | GoOffline
    | GoOnline
    | Sync
    | LoseRequest
    | LoseReply
    | Duplicate
    | Reorder
    | Kill
    | Restart
    | ClockShift
)

MAIN_EVENT: dict[type, str] = {
    Open: "job.opened",
    Plan: "job.planned",
    Dispatch: "handover.offered",
    Merge: "job.merged",
    Unmerge: "job.unmerged",
    Hold: "job.held",
    Release: "job.released",
    Close: "job.resolved",
    Cancel: "job.cancelled",
    Reopen: "job.reopened",
    Arrive: "visit.arrived",
    Depart: "visit.departed",
    Contact: "contact.received",
    Correct: "correction.made",
    Offer: "handover.offered",
    Accept: "handover.accepted",
    Refuse: "handover.refused",
    Withdraw: "handover.withdrawn",
    Confirm: "handover.confirmed",
    Resolve: "handover.resolved",
    Reassign: "handover.reassigned",
    SwitchPerson: "person.switched",
}
"""The kind of the event that a step's id alone names; the steps not listed are named by `main_event`."""


def main_event(step: Step) -> str:
    """The kind of event that this step's id names; "" for a step that records nothing."""
    match step:
        case Scan():
            return "asset.scanned" if step.asset else "item.scanned"
        case Check():
            return "check.cleared" if step.clears else "check.overridden" if step.overrides else "check.found"
        case Assist():
            return "assist.left" if step.leaves else "assist.joined"
        case Signal():
            return "signal.observed"
        case _:
            return MAIN_EVENT.get(type(step), "")


VOCABULARY: tuple[type, ...] = get_args(AnyStep)
"""Every step there is, in the order of this file."""
