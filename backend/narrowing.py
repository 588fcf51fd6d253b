"""What a list of jobs is narrowed to, and the one address that says so: whoever is sent it sees the same list."""

from typing import Final, get_args
from urllib.parse import urlencode

import msgspec

from backend.found_by import FLAGS
from sync.journey import JobState
from sync.payload import Priority
from sync.problems import WRONG_INPUT, Problem

STATES: Final[tuple[JobState, ...]] = get_args(JobState)
PRIORITIES: Final[tuple[Priority, ...]] = ("critical", "urgent", "routine")
_EXACT: Final = ("asset", "customer", "planned", "offered", "accountable", "site", "priority", "state")
"""What is asked for by one value each; that which leaves fewest jobs comes first."""


class JobFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What jobs are asked for: all of it must hold. "" and none ask for nothing."""

    state: str = ""
    site: str = ""
    accountable: str = ""
    planned: str = ""
    offered: str = ""
    asset: str = ""
    customer: str = ""
    priority: str = ""
    only: tuple[str, ...] = ()

    def check(self) -> None:
        """Return only if every value of a closed list is one of it; else WRONG_INPUT."""
        for name, value, values in (("state", self.state, STATES), ("priority", self.priority, PRIORITIES)):
            if value and value not in values:
                raise Problem(WRONG_INPUT, f"one of {', '.join(values)}", name)
        for flag in self.only:
            if flag not in FLAGS:
                raise Problem(WRONG_INPUT, f"one of {', '.join(FLAGS)}", "only")

    def keys(self) -> tuple[str, ...]:
        """What a job has to be found by; the key that leaves fewest comes first."""
        flags = tuple(f"is:{flag}" for flag in FLAGS if flag in self.only)
        exact = [f"{name}:{value}" for name in _EXACT if (value := getattr(self, name))]
        narrow = [key for key in exact if not key.startswith(("site:", "priority:", "state:"))]
        return (*narrow, *flags, *(key for key in exact if key not in narrow))

    @property
    def is_unseen(self) -> bool:
        """True where a change counts only until it is on a device of whoever is accountable."""
        return "changed" in self.only

    def address(self, **more: str) -> str:
        """What stands behind the question mark: only what is asked for, always in the same order."""
        pairs = [(name, getattr(self, name)) for name in self.__struct_fields__ if name != "only"]
        pairs += [("only", flag) for flag in FLAGS if flag in self.only]
        return urlencode([(name, value) for name, value in (*pairs, *more.items()) if value])


def filter_of(given: dict[str, str], flags: tuple[str, ...]) -> JobFilter:
    """The filter that an address asks for; WRONG_INPUT where it asks for what there is not."""
    names = {name: given.get(name, "").strip()[:200] for name in JobFilter.__struct_fields__ if name != "only"}
    found = JobFilter(**names, only=tuple(dict.fromkeys(flag for flag in flags if flag)))
    found.check()
    return found
