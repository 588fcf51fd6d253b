"""Who recorded a custody event, and what the roster and the way to the root say of that person."""

import msgspec

from sync.events import STAFF_ONLY, Custody, Event
from sync.policy import Directory, is_role
from sync.problems import NOT_A_PARTY, NOT_ENTITLED, NOT_ON_DEVICE, NOT_SIGNED, NOT_STAFF, UNKNOWN_KEY
from sync.references import directory_of, newer, refuse
from sync.standing import Known, Node


class Who(msgspec.Struct, frozen=True):
    """Who recorded an event: `people` as the newest roster on the way says, `staff` if in the office's log."""

    people: Directory
    staff: bool
    roster: str

    def acts_for(self, actor: str, party: str) -> bool:
        """True for the party itself and whoever belongs to its team; a role is nobody."""
        return not is_role(party) and self.people.belongs(actor, party)


def who_recorded(event: Event, body: Custody, known: Known, before: str = "") -> Who:
    """Check the key and the person behind a custody event; `before` is the newest roster on its way to the root."""
    if not event.kid:
        raise refuse(NOT_SIGNED)
    own = directory_of(known, body.roster)
    newest = newer(body.roster, before or body.roster)
    staff = own.is_staff(event.kid)
    if not staff and event.kind in STAFF_ONLY:
        raise refuse(NOT_STAFF)
    if not staff:
        device = own.device(event.kid)
        if device is None:
            raise refuse(UNKNOWN_KEY, event.kid)
        if event.actor not in device.people:
            raise refuse(NOT_ON_DEVICE, event.actor)
    people = own if newest == body.roster else directory_of(known, newest)
    return Who(people, staff, newest)


def way_of(node: Node | None) -> list[Node]:
    """The nodes from `node` to the root, both included."""
    way = []
    while node is not None:
        way.append(node)
        node = node.parent
    return way


def check_role(who: Who, actor: str, role: str | None) -> None:
    """Return only if the person holds the role, where one is asked for."""
    person = who.people.person(actor)
    if role is not None and (person is None or role not in person.roles):
        raise refuse(NOT_ENTITLED, f"{actor} is not {role}")


def check_party(who: Who, party: str, besides: str = "") -> None:
    """Return only if the party can be accountable: a person or team of the roster, or `besides`."""
    if is_role(party) or not (who.people.knows(party) or party == besides):
        raise refuse(NOT_A_PARTY, party)
