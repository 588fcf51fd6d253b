"""Who sees which job: sites and parties that reach it, on the side of jobs and on the side of devices.

Both sides keep from which position a key held and until which, so that a pull from any cursor knows what
entered its scope since and what left it.
"""

from collections.abc import Iterable
from typing import Final

from backend.store.sqlite import queries
from backend.writing import Writing
from sync.journey import Journey
from sync.policy import ROLE, Directory
from sync.seal import kid_of

_SQL: Final = queries("office")
EVERY_SITE: Final = "site:*"


def person_keys(directory: Directory, people: Iterable[str]) -> set[str]:
    """What these people reach: their sites, themselves, their teams and roles."""
    keys: set[str] = set()
    for name in people:
        person = directory.person(name)
        if person is None:
            continue
        keys.add(f"party:{name}")
        keys.update(f"party:{team}" for team in person.teams)
        keys.update(f"party:{ROLE}{role}" for role in person.roles)
        keys.update(f"site:{site}" for site in person.sites)
    return keys


def job_keys(journey: Journey) -> set[str]:
    """What reaches a job: its site, who is accountable, offered to or planned, and whom an open case touches."""
    keys = {EVERY_SITE}
    if journey.opened is not None:
        keys.add(f"site:{journey.opened.site}")
    parties = {journey.accountable} if journey.accountable else set()
    for handover in journey.handovers:
        if handover.state in ("offered", "refused"):
            parties.update(handover.content.to)
    if journey.plan is not None and journey.plan.crew:
        parties.add(journey.plan.crew)
    for case in journey.custody.cases:
        if case.state == "open":
            parties.update(case.parties)
    return keys | {f"party:{party}" for party in parties}


def note_job(writing: Writing, ref: int, held: set[str], keys: set[str]) -> list[tuple[object, ...]]:
    """Rows of the keys that reach the job from here on and did not; those that no longer do have ended already."""
    for key in sorted(held - keys):
        writing.con.execute(_SQL["reach_ended"].text, {"key": key, "job": ref, "until": writing.next_position()})
    return [(key, ref, writing.next_position()) for key in sorted(keys - held)]


def keep_reach(writing: Writing, rows: list[tuple[object, ...]]) -> None:
    """Afterwards these keys reach these jobs."""
    _SQL["reach_began"].insert(writing.con, rows)


def note_devices(writing: Writing) -> None:
    """Afterwards every device's keys are those of its people in the roster in force; a revoked one has none."""
    _, directory = writing.documents.roster()
    wanted = {
        (kid_of(device.jwk), key)
        for device in directory.roster.devices
        if not device.revoked
        for key in person_keys(directory, device.people)
    }
    held = set(writing.con.execute(_SQL["device_keys"].text).fetchall())
    for kid, key in sorted(wanted - held):
        row = {"kid": kid, "key": key, "since": writing.next_position()}
        writing.con.execute(_SQL["device_key_began"].text, row)
    for kid, key in sorted(held - wanted):
        row = {"kid": kid, "key": key, "until": writing.next_position()}
        writing.con.execute(_SQL["device_key_ended"].text, row)
