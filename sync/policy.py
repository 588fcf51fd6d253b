"""Documents the backend signs and devices keep: the roster, and the policy of each boundary.

A custody event names the versions it was made under; it is judged by exactly these, however old.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from sync.ids import event_hash, short
from sync.payload import Element, Id, Line, Priority, State
from sync.seal import Jwk, kid_of

Role = Literal["technician", "depot", "dispatcher", "manager", "admin", "integration"]
Arm = Literal["shadow", "prompt", "holdout"]
Minutes = Annotated[int, Meta(ge=0, le=60 * 24 * 365)]
Version = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class Device(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device's key, and the people who may record on it. `valid_from` and `valid_until` are RFC 3339, for flags.

    A device that changed its key stands here once a key: none is ever left out, so that its old log can still be sent.
    """

    id: Id
    jwk: Jwk
    people: tuple[Id, ...] = ()
    valid_from: str = ""
    valid_until: str = ""
    revoked: Literal["", "left", "lost", "compromised"] = ""


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody may do; names live in another document. `sites` is the scope: empty is none, `*` is all.

    `entitlements` are those, of what customers are entitled to, that this person may serve; `*` is all.
    """

    roles: tuple[Role, ...] = ()
    skills: tuple[str, ...] = ()
    teams: tuple[Id, ...] = ()
    sites: tuple[str, ...] = ()
    trained_until: str = ""
    entitlements: tuple[str, ...] = ()

    def reaches(self, site: str) -> bool:
        """True where this person may work at the site; one that is not said keeps nobody out."""
        return not site or EVERY in self.sites or site in self.sites

    def serves(self, entitlement: str) -> bool:
        """True where this person may do what a customer is entitled to so; a job that names none is for everybody."""
        return not entitlement or EVERY in self.entitlements or entitlement in self.entitlements


class Roster(msgspec.Struct, frozen=True, kw_only=True, tag_field="doc", tag="roster"):
    """Who there is: devices, people, teams, and the backend's own keys (for documents, receipts, staff logs).

    `keys` are all the backend ever had, the one in use first.
    """

    version: Version
    issued_at: str
    devices: tuple[Device, ...] = ()
    people: dict[str, Person] = {}
    teams: tuple[Id, ...] = ()
    keys: tuple[Jwk, ...] = ()


class Directory:
    """A roster made ready for questions: who may record with which key, who belongs to whom."""

    __slots__ = ("_devices", "_keys", "_people", "_teams", "roster")

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self._devices = {kid_of(device.jwk): device for device in roster.devices}
        self._keys = frozenset(kid_of(jwk) for jwk in roster.keys)
        self._people = roster.people
        self._teams = frozenset(roster.teams)

    def device(self, kid: str) -> Device | None:
        """The device with this key, or none."""
        return self._devices.get(kid)

    def kids(self, device: str) -> tuple[str, ...]:
        """Every key that the device of this name ever had."""
        return tuple(kid for kid, one in self._devices.items() if one.id == device)

    def person(self, party: str) -> Person | None:
        """What the roster says of a person; None for teams, guests and strangers."""
        return self._people.get(party)

    def is_staff(self, kid: str) -> bool:
        """True for a key of the backend's own: what it signs stands in a staff log."""
        return kid in self._keys

    def belongs(self, person: str, party: str) -> bool:
        """True if `person` is `party`, one of its team, or holds the role that `role:NAME` asks for."""
        if person == party:
            return True
        who = self._people.get(person)
        if who is None:
            return False
        return party.removeprefix(ROLE) in who.roles if is_role(party) else party in who.teams

    def knows(self, party: str) -> bool:
        """True if `party` is a person, a team or a role of this organisation (a guest is none of them)."""
        return party in self._people or party in self._teams or is_role(party)


EVERY: Final = "*"
"""Among what a person may: all of it."""
ROLE = "role:"
GUEST = "guest:"
"""How the party of somebody in no roster begins, where the sender's device made up the rest."""


def is_role(party: str) -> bool:
    """True for an addressee such as `role:technician`: whoever holds the role may accept."""
    return party.startswith(ROLE)


class AllowedWhen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a handover over this boundary is allowed at all; an empty field allows everything.

    `after` names boundaries that an acceptance on the way from the root must have crossed before.
    """

    states: tuple[State, ...] = ()
    priorities: tuple[Priority, ...] = ()
    most_gaps: int | None = None
    after: tuple[str, ...] = ()


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """A role to a role."""

    sender: Role
    receiver: Role


class CheckRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A check that runs before departure: `needs` what, of which gap type it speaks when that is missing.

    `share` of the visits stays silent in the holdout, chosen by the salted hash of the visit's id; a
    check that is `safety` is never silenced.
    """

    id: Id
    needs: Literal["items_scanned", "asset_scanned", "next_action_owner", "risks_said", "actions_said", "evidence"]
    gap: Id
    text: Line
    arm: Arm = "prompt"
    share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    safety: bool = False


class Accept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who may accept: any of `roles` (empty: anybody addressed) and all of `skills`; `guests` says if a guest may.

    `scope` asks that the job's site, and the one that the offer names, are among the person's sites; `entitlement`
    that the person may serve what the job was opened under. A guest has neither.
    """

    roles: tuple[Role, ...] = ()
    skills: tuple[str, ...] = ()
    guests: bool = True
    scope: bool = False
    entitlement: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of an escalation: so many minutes past the limit, tell `to`."""

    after_minutes: Minutes
    to: Id
    text: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Minutes within which something is to happen; none is no limit. `accept` runs from offer to answer."""

    respond: Minutes | None = None
    accept: Minutes | None = None
    arrive: Minutes | None = None
    resolve: Minutes | None = None
    queue: Annotated[int, Meta(ge=0)] | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="doc", tag="policy"):
    """The rules of one boundary, a named edge role to role.

    `distinct_from`: whom the receiver must differ from: `opener`, `sender`, `earlier` (everybody on the
    way from the root) or the name of a boundary (whoever accepted over it). `distractors` are shown
    among the true points at the read-back. `salt` seeds the holdout. `challenge` asks that a scanned offer quotes a
    challenge of the receiver's: the receiver's device asks for it, no verdict does (who judges cannot know it).
    """

    boundary: Id
    version: Version
    issued_at: str
    sender_role: Role | None = None
    receiver_role: Role | None = None
    allowed_when: AllowedWhen = AllowedWhen()
    forbidden: tuple[Edge, ...] = ()
    mandatory: tuple[Element, ...] = ()
    checks: tuple[CheckRule, ...] = ()
    accept: Accept = Accept()
    distinct_from: tuple[str, ...] = ()
    limits: Limits = Limits()
    escalation: tuple[Step, ...] = ()
    on_call: str = ""
    distractors: tuple[Line, ...] = ()
    evidence: tuple[str, ...] = ()
    salt: str = ""
    challenge: bool = False
    roster_degrades_days: Annotated[int, Meta(ge=0)] = 1
    roster_blocks_days: Annotated[int, Meta(ge=0)] = 14


DEFAULT_POLICY: Final = Policy(boundary="any", version=1, issued_at="")
"""What holds where no policy is known or named."""
DAY_MS: Final = 24 * 60 * 60 * 1000


class Names(msgspec.Struct, frozen=True, kw_only=True, tag_field="doc", tag="names"):
    """What people are called; the only place where a name stands, and only its latest version is kept."""

    version: Version
    issued_at: str
    names: dict[str, str] = {}


class TimeAnchor(msgspec.Struct, frozen=True, kw_only=True, tag_field="doc", tag="time"):
    """The backend's signed word of what time it is; an event names it by `id`, at most 8 characters.

    All three say the same instant: `version` in ms since 1970, `id` as `sync.intervals.time_anchor` writes that.
    """

    version: Version
    issued_at: str
    id: Annotated[str, Meta(min_length=1, max_length=8)]


Document = Roster | Policy | Names | TimeAnchor


def key_of(document: Document) -> str:
    """What a document is a version of: `roster`, `names`, `time`, or `policy:` and the boundary."""
    match document:
        case Policy():
            return f"policy:{document.boundary}"
        case Roster():
            return "roster"
        case Names():
            return "names"
    return "time"


def reference(version: int, raw: bytes) -> str:
    """How an event names a document: its version, a dot, six characters of the hash of its bytes."""
    return f"{version}.{short(event_hash(raw))}"
