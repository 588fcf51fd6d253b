"""What came out of a scenario, in the scenario's own names, and how that differs from what was expected."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from sync.goods import Item
from trial.expectation import Difference, Expected
from trial.seen import Seen, SeenHandover, SeenJob

ABSENT = "absent"


class NamedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job: its state, who helps, which other jobs are on its stop, what contradicts itself."""

    state: str
    held: bool
    assisting: tuple[str, ...]
    merged: tuple[str, ...]
    discrepancies: int


class NamedHandover(msgspec.Struct, frozen=True, kw_only=True):
    """A handover, its flags, the steps of its escalation, how an accepted one was met, its boundary."""

    state: str
    confirmed: bool
    reserved: bool
    late: bool
    lapsed: bool
    escalated: int
    met: str
    boundary: str


class NamedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case, its job, and the parties it touches."""

    state: str
    parties: tuple[str, ...]
    job: str


class NamedItem(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of a job; `with` is the party that has them."""

    expected: int
    picked: int
    loaded: int
    delivered: int
    installed: int
    returned: int
    short: int
    reserved: int
    with_: str = msgspec.field(name="with")


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All that one view shows, by the names of the scenario; see its README for each table."""

    accountable: dict[str, str | None] = {}
    since: dict[str, str] = {}
    since_ms: dict[str, int] = {}
    jobs: dict[str, NamedJob] = {}
    handovers: dict[str, NamedHandover] = {}
    verdicts: dict[str, str] = {}
    cases: dict[str, NamedCase] = {}
    completeness: dict[str, dict[str, str]] = {}
    items: dict[str, dict[str, NamedItem]] = {}
    checks: dict[str, dict[str, str]] = {}
    corroboration: dict[str, str] = {}
    repeats: dict[str, str] = {}


class Names:
    """The scenario's names of events, jobs and visits, and which events made one node of a custody tree."""

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}
        self.jobs: dict[str, str] = {}
        self.visits: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._nodes: dict[str, str] = {}
        self._firsts: dict[str, str] = {}

    def name_event(self, name: str, hash_: str) -> None:
        """Afterwards the event is known by this name; its first name is the one shown."""
        self.hashes[name] = hash_
        self._names.setdefault(hash_, name)

    def learn_nodes(self, nodes: Mapping[str, str]) -> None:
        """`nodes` gives, by the hash of each event that made a node, the key of the node."""
        self._nodes.update(nodes)
        self._firsts = {}
        for name, hash_ in self.hashes.items():
            if hash_ in self._nodes and name == self._names[hash_]:
                self._firsts.setdefault(self._nodes[hash_], name)

    def event(self, hash_: str) -> str:
        """What the event is called; one that no step made is called by its hash."""
        return self._names.get(hash_, f"hash {hash_}")

    def node(self, hash_: str) -> str:
        """What the node that the event made is called: by the first step that made it, of several."""
        return self._firsts.get(self._nodes.get(hash_, ""), self.event(hash_))

    def node_named(self, name: str) -> str:
        """The same for an event given by any of its names."""
        return self.node(self.hashes[name]) if name in self.hashes else name

    def event_named(self, name: str) -> str:
        """The name that is shown for an event given by any of its names."""
        return self.event(self.hashes[name]) if name in self.hashes else name

    def job(self, job: str) -> str:
        """What the job with this id is called."""
        return next((name for name, id_ in self.jobs.items() if id_ == job), f"job {job}")

    def visit(self, visit: str) -> str:
        """What the visit with this id is called: by the step of its arrival."""
        return next((name for name, id_ in self.visits.items() if id_ == visit), f"visit {visit}")


def view_of(seen: Seen, names: Names) -> View:
    """What one side shows, in the scenario's names. Jobs it does not know are not accountable to anybody: None."""
    by_name = {names.job(job.job): job for job in seen.jobs}
    view = View(
        accountable={name: by_name[name].accountable or None if name in by_name else None for name in names.jobs},
        since={name: names.node(job.since) for name, job in by_name.items() if job.since},
        since_ms={name: job.since_ms for name, job in by_name.items() if job.since},
        jobs={name: _job(job, names) for name, job in by_name.items()},
        verdicts={
            name: f"{verdict.word} {verdict.code}".strip()
            for name, hash_ in names.hashes.items()
            if name == names.event(hash_) and (verdict := seen.verdicts.get(hash_))
        },
        repeats={names.visit(first): names.visit(after) for first, after in seen.repeats().items()},
    )
    for name, job in by_name.items():
        view.items[name] = {item.item: _item(item) for item in job.items}
        for case in job.cases:
            view.cases[names.node(case.basis)] = NamedCase(state=case.state, parties=case.parties, job=name)
        for one in job.handovers:
            view.handovers[names.event(one.offer)] = _handover(one)
            view.completeness[names.event(one.offer)] = one.completeness
        for check in job.checks:
            view.checks.setdefault(names.visit(check.visit), {})[check.check] = check.became
        for visit, label in job.corroboration.items():
            view.corroboration[names.visit(visit)] = label
    return view


def _job(job: SeenJob, names: Names) -> NamedJob:
    return NamedJob(
        state=job.state,
        held=job.held,
        assisting=job.assisting,
        merged=tuple(sorted(names.job(other) for other in job.merged)),
        discrepancies=len(job.discrepancies),
    )


def _handover(one: SeenHandover) -> NamedHandover:
    said = {field: getattr(one, field) for field in NamedHandover.__struct_fields__}
    return NamedHandover(**said)


def _item(item: Item) -> NamedItem:
    said = {field: getattr(item, field) for field in NamedItem.__struct_fields__ if field != "with_"}
    return NamedItem(**said, with_=item.with_party)


# -- compared with what was expected ---------------------------------------------
def differences(view: str, expected: Expected, found: View, names: Names, after: str = "") -> list[Difference]:
    """Where `found` is not as expected, in the order of the tables; `after` is the step at which it was looked at."""
    prefix = f"after.{after}." if after else ""
    return [
        Difference(view=view, where=f"{prefix}{where}", expected=_text(wanted), found=_text(there))
        for where, wanted, there in _compared(expected, found, names)
        if not _agrees(wanted, there)
    ]


def _compared(expected: Expected, found: View, names: Names) -> Iterator[tuple[str, object, object]]:
    """Place, what is wanted there, what is there."""
    for table in ("accountable", "since", "jobs", "handovers", "verdicts", "completeness", "corroboration"):
        entries = getattr(found, table)
        for name, wanted in getattr(expected, table).items():
            shown = name if table in ("accountable", "since", "jobs") else names.event_named(name)
            wanted_there = names.node_named(wanted) if table == "since" else wanted
            yield f"{table}.{name}", wanted_there, entries.get(shown, None if table == "accountable" else ABSENT)
    for table, shown_as in (("items", str), ("checks", names.event_named)):
        entries = getattr(found, table)
        for name, wanted_parts in getattr(expected, table).items():
            there = entries.get(shown_as(name), {})
            for part, wanted in wanted_parts.items():
                yield f"{table}.{name}.{part}", wanted, there.get(part, ABSENT)
    if expected.cases is not None:
        wanted_cases = {names.node_named(name): case for name, case in expected.cases.items()}
        yield from _all_of("cases", wanted_cases, found.cases)
    if expected.repeats is not None:
        yield from _all_of("repeats", expected.repeats, found.repeats)


def _all_of(
    table: str, wanted: Mapping[str, object], there: Mapping[str, object]
) -> Iterator[tuple[str, object, object]]:
    """Each entry of either, so that one too many differs as one too few does."""
    for name in dict.fromkeys((*wanted, *there)):
        yield f"{table}.{name}", wanted.get(name, ABSENT), there.get(name, ABSENT)


def _agrees(wanted: object, there: object) -> bool:
    """True if `there` is as wanted: a word may stand for a state, and of a Struct or dict only what is said counts."""
    if isinstance(wanted, msgspec.Struct):
        if not isinstance(there, msgspec.Struct):
            return False
        said = {field: getattr(wanted, field) for field in wanted.__struct_fields__}
        return all(value is None or _same(value, getattr(there, field)) for field, value in said.items())
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(there.get(name, ABSENT) == value for name, value in wanted.items())
    if isinstance(wanted, str) and isinstance(there, NamedJob | NamedHandover | NamedCase):
        return wanted == there.state
    if isinstance(wanted, str) and isinstance(there, str) and wanted in ("refused", "parked", "quarantined"):
        return there.partition(" ")[0] == wanted
    return wanted == there


def _same(wanted: object, there: object) -> bool:
    if isinstance(wanted, tuple) and isinstance(there, tuple):
        return _sorted(wanted) == _sorted(there)
    return wanted == there


def _sorted(names: Iterable[object]) -> list[str]:
    return sorted(str(name) for name in names)


def _text(value: object) -> str:
    """A value as the scenario would write it."""
    if isinstance(value, str):
        return value
    if isinstance(value, msgspec.Struct):
        said = msgspec.to_builtins(value)
        value = {name: part for name, part in said.items() if part is not None}
    return msgspec.json.encode(value).decode()
