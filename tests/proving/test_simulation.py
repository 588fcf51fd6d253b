"""A town in which everything happens that PROTOCOL lists, drawn by Hypothesis, and what must hold all the same.

Every step ends with a look at all databases; every history ends by healing, and is then folded in other orders. What
did not hold is named by its invariant.
"""

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from backend.world import BLOB_POINTS as OFFICE_BLOB_POINTS
from device.world import BLOB_POINTS
from tests.proving.deeds import DEVICE_DEATHS, OFFICE_DEATHS, Deeds
from tests.proving.everything import Everything
from tests.proving.town import Off, Phone, Town, copy
from tests.proving.wires import MISHAPS, Mishap

ORDER = "I7 fold, cases and accountable party are equal for every permutation and partition"
SOMEBODY = "I8 exactly one party is accountable for each open job"
CASES = "I9 acceptances for different parties, and one whose offers are withdrawn, always open a case"
SAME = "I2 the backend's verdicts are those of the set, however it came"

picks = st.integers(0, 2**16)
TOTALS: Counter[str] = Counter()


def look_at_all(town: Town, orders: int = 3, *, healed: bool = True) -> None:
    """What all that was recorded comes to is one thing, whoever adds it up and in whatever order.

    Once a town has `healed`, the backend has all of it, and says the same.
    """
    everything = Everything(town)
    told = everything.folded()
    for seed in range(orders):
        assert everything.folded(random.Random(seed)) == told, ORDER
    assert all(told.accountable.values()), SOMEBODY
    for job, under in told.contested.items():
        assert len(told.cases[job]) >= bool(under), CASES
    if healed and not everything.is_revoked:
        held = {row.hash: row.verdict for _, row in town.office.store().rows}
        differ = {
            h: (word, told.verdicts.get(h))
            for h, word in held.items()
            if h in told.verdicts and word != told.verdicts[h][0]
        }
        assert not differ, (SAME, differ)
        rows = dict(town.office.rows("SELECT id, accountable FROM job_row"))
        assert {job: party for job, party in told.accountable.items() if job in rows} == rows, SOMEBODY


class Simulation(RuleBasedStateMachine):
    """One town's history."""

    template: Path
    exotic = True

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="run ", dir=self.template))

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - as what is done
        try:
            return self.runner.run(doing)
        except Off:  # it died over what it did before
            return None

    @initialize(phones=st.integers(1, 5), seed=picks)
    def begin(self, phones: int, seed: int) -> None:
        self.town = Town(copy(self.template / "template", self.folder / "town"), phones)
        self.deeds = Deeds(self.town)
        self.run(self.town.open())
        self._bustle(random.Random(seed))
        self._hand_over(seed, seed)

    def phone(self, pick: int) -> Phone | None:
        """One that runs; one that was off is switched on for it."""
        self.town.clock.now_ms += 1_000
        phones = list(self.town.phones.values())
        phone = phones[pick % len(phones)]
        return phone if self.run(self.deeds.switch_on(phone)) else None

    # -- people ---------------------------------------------------------------
    @rule(who=picks, pick=picks)
    def record(self, who: int, pick: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.record(phone, pick))

    @rule(who=picks, pick=picks)
    def correct(self, who: int, pick: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.correct(phone, pick))

    @rule(who=picks, pick=picks)
    def record_newer(self, who: int, pick: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.record_newer(phone, pick))

    @rule(really=st.integers(0, 3))
    def upgrade(self, really: int) -> None:
        if really == 0:
            self.run(self.deeds.upgrade())

    @rule(who=picks, pick=picks)
    def offer(self, who: int, pick: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.offer(phone, pick))

    @rule(pick=picks, who=picks, by_code=st.booleans(), refuse=st.integers(0, 4))
    def answer(self, pick: int, who: int, by_code: bool, refuse: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.answer(phone, pick, by_code=by_code, refuse=refuse == 4))

    @rule(who=picks, pick=picks)
    def hand_over(self, who: int, pick: int) -> None:
        """Offer, and then everybody tries to accept: one or two do."""
        self._hand_over(who, pick)

    def _hand_over(self, who: int, pick: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.offer(phone, pick))
            for other in range(len(self.town.phones)):
                if receiver := self.phone(other):
                    self.run(self.deeds.answer(receiver, 0, by_code=True))
            self.run(self.deeds.confirm(phone, pick, by_code=True)) if phone.is_on else None

    @rule(seed=picks)
    def bustle(self, seed: int) -> None:
        """An hour in which nothing goes wrong: much is recorded, some is handed over, some devices sync."""
        self._bustle(random.Random(seed))

    def _bustle(self, drawn: random.Random) -> None:
        for _ in range(8):
            phone = self.phone(drawn.randrange(5))
            if phone is None:
                continue
            pick = drawn.randrange(2**16)
            match drawn.randrange(6):
                case 0 | 1:
                    self.run(self.deeds.record(phone, pick))
                case 2:
                    self.run(self.deeds.offer(phone, pick))
                case 3:
                    self.run(self.deeds.answer(phone, 0, by_code=True))
                case 4:
                    self.run(self.deeds.confirm(phone, 0, by_code=True))
                case 5:
                    self.run(self.deeds.sync(phone))

    @rule(who=picks, pick=picks, by_code=st.booleans())
    def confirm(self, who: int, pick: int, by_code: bool) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.confirm(phone, pick, by_code=by_code))

    @rule(who=picks, pick=picks)
    def withdraw(self, who: int, pick: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.withdraw(phone, pick))

    @rule(who=picks, pick=picks)
    def switch_person(self, who: int, pick: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.switch(phone, pick))

    # -- the wire -------------------------------------------------------------
    @rule(who=picks)
    def sync(self, who: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.sync(phone))

    @rule(
        who=picks,
        mishap=st.sampled_from(MISHAPS),
        of=st.sampled_from(("push", "push", "pull", "session", "challenge", "return")),
        at=st.integers(0, 999),
    )
    def sync_badly(self, who: int, mishap: Mishap, of: str, at: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.sync(phone, mishap, of, at))

    @rule(who=picks)
    def deliver_late(self, who: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.deliver(phone))

    @rule(who=picks, pick=picks)
    def replay(self, who: int, pick: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.replay(phone, pick))

    # -- deaths ---------------------------------------------------------------
    @rule(who=picks, pick=picks, point=st.sampled_from((*DEVICE_DEATHS, *BLOB_POINTS)))
    def device_dies(self, who: int, pick: int, point: str) -> None:
        if phone := self.phone(who):
            phone.world.crash_at(point)
            self.run(self.deeds.record(phone, pick))
            if phone.is_on:
                self.run(self.deeds.sync(phone))
            phone.world.crash_at("")

    @rule(who=picks, point=st.sampled_from((*OFFICE_DEATHS, *OFFICE_BLOB_POINTS)))
    def backend_dies(self, who: int, point: str) -> None:
        phone = self.phone(who)
        if phone and self.town.office.world:
            self.town.office.world.crash_at(point)
            self.run(self.deeds.record(phone, who))
            self.run(self.deeds.sync(phone))
            if self.town.office.alive:
                self.town.office.world.crash_at("")
            else:
                self.run(self.town.office.start())

    @rule()
    def restart_backend(self) -> None:
        self.run(self.deeds.restart_office())

    @rule(who=picks)
    def restart_device(self, who: int) -> None:
        if phone := self.phone(who):
            self.run(phone.stop())

    @rule(who=picks, by_ms=st.integers(-400 * 86_400_000, 400 * 86_400_000))
    def clock_jumps(self, who: int, by_ms: int) -> None:
        if phone := self.phone(who):
            phone.shift_ms = by_ms
            phone.tick()

    @rule(who=picks, pick=picks)
    def disk_fills(self, who: int, pick: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.fill_disk(phone, full=True))
            for more in range(3):
                self.run(self.deeds.record(phone, pick + more))
            self.run(self.deeds.sync(phone))
            self.run(self.deeds.fill_disk(phone, full=False))

    # -- the office -----------------------------------------------------------
    @rule(pick=picks, act=st.sampled_from(("reassign", "note", "hold", "correct")))
    def office_acts(self, pick: int, act: str) -> None:
        self.town.clock.now_ms += 1_000
        self.run(self.deeds.office(act, pick))

    @rule(pick=picks)
    def redact(self, pick: int) -> None:
        self.town.clock.now_ms += 1_000
        self.run(self.deeds.redact(pick))

    @rule(pick=picks)
    def settle(self, pick: int) -> None:
        self.town.clock.now_ms += 1_000
        self.run(self.deeds.settle(pick))

    @rule(
        person=st.sampled_from(("anna", "bo", "cem", "dee")),
        sites=st.sampled_from((("mill",), ("quay",), ("mill", "quay"), ())),
    )
    def scope_moves(self, person: str, sites: tuple[str, ...]) -> None:
        self.town.clock.now_ms += 1_000
        self.run(self.town.move(person, sites))

    @rule(back=st.integers(0, 2))
    def back_up_or_restore(self, back: int) -> None:
        self.run(self.deeds.restore() if back == 0 and self.deeds.backups else self.deeds.back_up())

    @rule()
    def declare_lost(self) -> None:
        self.run(self.deeds.declare_lost())

    @rule(who=picks)
    def clone(self, who: int) -> None:
        phone = self.phone(who)
        if phone and len(self.town.phones) < 5:
            self.run(self.deeds.clone(phone))

    @rule(who=picks)
    def enrol_anew(self, who: int) -> None:
        if phone := self.phone(who):
            self.run(self.deeds.enrol_anew(phone))

    @rule(who=picks, reason=st.sampled_from(("left", "lost", "compromised")), really=st.integers(0, 3))
    def revoke(self, who: int, reason: str, really: int) -> None:
        if really == 0 and (phone := self.phone(who)):
            self.run(self.deeds.revoke(phone, reason))

    # -- what must hold -------------------------------------------------------
    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "town"):
            self.town.look()
            assert not self.town.checker.findings, self.town.checker.findings

    def teardown(self) -> None:
        try:
            if hasattr(self, "town"):
                self.run(self.deeds.heal())
                assert not self.town.checker.findings, self.town.checker.findings
                look_at_all(self.town)
                TOTALS.update(self.deeds.counts)
                TOTALS.update(
                    histories=1,
                    deaths=sum(one.deaths for one in self.town.phones.values()) + self.town.office.deaths,
                    events=len(self.town.checker.shown),
                    receipts=self.town.receipts,
                )
                self.run(self.town.close())
        finally:
            Deeds.forget_upgrade()
            self.runner.close()
            shutil.rmtree(self.folder, ignore_errors=True)


# What PROTOCOL §8 lists, and the rule that does it; what goes wrong on the wire is drawn by one of them.
OPERATIONS = {
    "record": "record",
    "hand over": "hand_over",
    "push": "sync",
    "pull": "sync",
    "lost request": "sync_badly",
    "lost reply": "sync_badly",
    "duplicate": "sync_badly",
    "reorder": "deliver_late",
    "truncation": "sync_badly",
    "crash at named points": "device_dies",
    "restart": "restart_device",
    "clock jump": "clock_jumps",
    "person switch": "switch_person",
    "revoke": "revoke",
    "scope move": "scope_moves",
    "clone": "clone",
    "restored backend": "back_up_or_restore",
    "upgrade": "upgrade",
    "full disk": "disk_fills",
}


def test_every_operation_of_the_protocol_is_a_rule_of_the_simulation() -> None:
    rules = {name for name, one in vars(Simulation).items() if hasattr(one, "hypothesis_stateful_rule")}
    assert set(OPERATIONS.values()) <= rules
    assert {"lost request", "lost reply", "duplicate", "held up", "cut request", "cut reply"} == set(MISHAPS)


def test_nothing_that_happens_to_a_town_breaks_a_promise(template: Path) -> None:
    Simulation.template = template
    soak = settings.default is not None and settings.default.max_examples > 1_000
    examples, steps = (400, 60) if soak else (8, 30)
    run_state_machine_as_test(Simulation, settings=settings(max_examples=examples, stateful_step_count=steps))
    print(dict(sorted(TOTALS.items())))
