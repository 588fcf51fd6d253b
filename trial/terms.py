"""The terms of a scenario: its kinds of names, and what every step has.

Fields that name something carry the kind of it in their type (`Job`, `Event`, ...), so that one walk over
a scenario can say of every name whether it is known at that place.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

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
Visit = Annotated[str, _names("visit")]
"""A visit by the step of its arrival."""
Copy = Annotated[str, _names("backup")]
"""What a device or the backend held, by the step that copied it."""
Instant = Annotated[str, Meta(max_length=40, description="names: instant", extra={"names": "instant"})]
"""RFC 3339 with an offset, or `+2d3h4m5s` from the scenario's start."""
Span = Annotated[str, Meta(pattern=r"^[+-]?([0-9]{1,5}d)?([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$", min_length=2)]
"""A duration such as `90m`, `-10m` or `3650d`."""


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
