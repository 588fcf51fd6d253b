"""PINs on a shared handheld: set at first use, three attempts, then a wait that no restart and no clock cuts short."""

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.agent import Agent
from device.pins import COST, FIRST_WAIT_MS, FREE, LONGEST_WAIT_MS, Pins, wait_ms
from device.store import pins
from device.store.sqlite import Store, open_store
from device.world import Machine
from sync.clock import Moment, rfc3339
from sync.codec import read_event
from sync.events import PersonSwitched
from sync.policy import Device
from sync.problems import BAD_PIN, NOT_ON_DEVICE, PIN_WAIT, WRONG_PIN, Problem, ProblemKind
from tests.device.field import Field

pytestmark = pytest.mark.anyio
ANNAS, EVES = "4071", "190755"
HOUR_MS = 3_600_000


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    asyncio.run(field.enrol("shared"))
    return field


@pytest.fixture
async def shared(field: Field) -> AsyncIterator[Agent]:
    async with field.open("shared") as agent:
        yield agent


async def refused(agent: Agent, person: str, pin: str) -> ProblemKind:
    recorded = agent.holding.memory.last_own(agent.holding.row.log)
    with pytest.raises(Problem) as caught:
        await agent.switch(person, pin)
    assert pin not in str(caught.value)
    assert agent.holding.memory.last_own(agent.holding.row.log) is recorded
    return caught.value.kind


# -- who ----------------------------------------------------------------------
async def test_the_first_switch_to_somebody_sets_a_pin_and_every_other_asks_for_it(shared: Agent) -> None:
    await shared.switch("anna", ANNAS)
    await shared.switch("eve", EVES)
    assert await refused(shared, "anna", EVES) is WRONG_PIN
    assert shared.holding.holder() == "eve"
    switched = await shared.switch("anna", ANNAS)
    assert switched.wrong == 1
    assert read_event(switched.recorded.raw).body == PersonSwitched(before="eve", now="anna")
    assert (await shared.switch("anna", ANNAS)).wrong == 0


async def test_nobody_gets_a_pin_whom_the_roster_does_not_list(shared: Agent) -> None:
    assert await refused(shared, "bo", "4071") is NOT_ON_DEVICE
    assert not await shared.pins.has("bo")


@pytest.mark.parametrize(
    "pin", ["", "123", "1" * 13, "0000", "1234", "9876", "40 71", "abcd", "\uff14\uff10\uff17\uff11", "40\udcff1"]
)
async def test_what_everybody_would_try_first_is_no_pin(shared: Agent, pin: str) -> None:
    with pytest.raises(Problem) as caught:
        await shared.switch("anna", pin)
    assert caught.value.kind is BAD_PIN
    assert not await shared.pins.has("anna")


async def test_whoever_holds_the_device_sets_another_pin_and_needs_the_old_one(shared: Agent) -> None:
    await shared.switch("anna", ANNAS)
    with pytest.raises(Problem) as caught:
        await shared.set_pin("", "5931", "5931")
    assert caught.value.kind is WRONG_PIN
    assert await shared.set_pin("", ANNAS, "5931") == "anna"
    assert await refused(shared, "anna", ANNAS) is WRONG_PIN
    await shared.switch("anna", "5931")
    with pytest.raises(Problem):
        await shared.set_pin("eve", "", EVES)
    assert not await shared.pins.has("eve")


async def test_a_forgotten_pin_goes_when_the_office_takes_the_person_off_the_device(
    field: Field, shared: Agent
) -> None:
    await shared.switch("eve", EVES)
    await shared.switch("anna", ANNAS)
    alone = Device(id="shared", jwk=field.keys["shared"], people=("anna",))
    await field.publish(field.roster(shared=alone))
    await shared.sync()
    await field.publish(field.roster())
    await shared.sync()
    assert [await shared.pins.has(person) for person in ("anna", "eve")] == [True, False]
    await shared.switch("eve", "271828")


# -- attempts -----------------------------------------------------------------
def test_the_wait_begins_after_three_and_doubles_up_to_an_hour() -> None:
    waits = [wait_ms(failures) for failures in range(FREE + 10)]
    assert waits[:5] == [0, 0, 0, FIRST_WAIT_MS, 2 * FIRST_WAIT_MS]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_MS == HOUR_MS


async def test_after_three_wrong_ones_the_right_one_has_to_wait_too(field: Field, shared: Agent) -> None:
    await shared.switch("anna", ANNAS)
    await shared.switch("eve", EVES)
    for _ in range(FREE):
        assert await refused(shared, "anna", EVES) is WRONG_PIN
    assert [one.slug for one in (await shared.status()).notices] == ["wrong-pin"]
    assert await refused(shared, "anna", ANNAS) is PIN_WAIT
    await shared.switch("eve", EVES)
    field.pass_time(FIRST_WAIT_MS // 2)
    assert await refused(shared, "anna", ANNAS) is PIN_WAIT, "and an attempt in between does not count"
    field.pass_time(FIRST_WAIT_MS // 2 + 1)
    assert (await shared.switch("anna", ANNAS)).wrong == FREE
    assert await refused(shared, "anna", EVES) is WRONG_PIN, "three more"


async def test_each_wrong_one_after_the_wait_makes_it_longer(field: Field, shared: Agent) -> None:
    await shared.switch("anna", ANNAS)
    for failures in range(1, FREE + 3):
        assert await refused(shared, "anna", EVES) is WRONG_PIN
        wait = wait_ms(failures)
        if wait:
            field.pass_time(wait - 1_000)
            assert await refused(shared, "anna", ANNAS) is PIN_WAIT
            field.pass_time(1_000)
    await shared.switch("anna", ANNAS)


class Booted(Machine):
    """A device that was started at this moment of the wall clock, after so many starts before."""

    def __init__(self, start: int, wall_ms: int) -> None:
        super().__init__()
        self.start = start
        self.wall_ms = wall_ms
        self.up_ms = 0

    def forward(self, ms: int) -> None:
        self.wall_ms += ms
        self.up_ms += ms

    def now_ms(self) -> int:
        return self.wall_ms

    def moment(self) -> Moment:
        return Moment(wall=rfc3339(self.wall_ms), mono=self.up_ms, boot=f"start {self.start}")


@pytest.mark.parametrize("shift_ms", [0, -10 * 365 * 24 * HOUR_MS])
async def test_neither_a_restart_nor_a_clock_cuts_the_wait_short_or_makes_it_endless(
    tmp_path: Path, shift_ms: int
) -> None:
    async def attempt(world: Booted, pin: str) -> ProblemKind | None:
        async with open_store(tmp_path) as store:  # each time as another process would
            try:
                await Pins(store, world).check("anna", pin)
            except Problem as problem:
                return problem.kind
        return None

    world = Booted(1, 1_000_000_000_000)
    async with open_store(tmp_path) as store:
        await Pins(store, world).set("anna", ANNAS)
    for _ in range(FREE):
        assert await attempt(world, EVES) is WRONG_PIN
    assert await attempt(world, ANNAS) is PIN_WAIT
    world.wall_ms += 10 * HOUR_MS
    assert await attempt(world, ANNAS) is PIN_WAIT, "somebody put the clock forward"
    world.wall_ms -= 10 * HOUR_MS
    again = Booted(2, world.wall_ms + shift_ms)
    assert await attempt(again, ANNAS) is PIN_WAIT
    again.forward(FIRST_WAIT_MS - 1)
    assert await attempt(again, ANNAS) is PIN_WAIT
    again.forward(1)
    assert await attempt(again, ANNAS) is None


async def test_an_attempt_counts_before_it_is_looked_at(tmp_path: Path) -> None:
    """Whoever ends the process while scrypt works has had the attempt all the same."""
    async with open_store(tmp_path) as store:
        kept = Pins(store, Booted(1, 0))
        await kept.set("anna", ANNAS)
        for number in range(1, FREE + 1):
            looking = asyncio.create_task(kept.check("anna", ANNAS))
            while (await guard(store, "anna")).failures < number:
                pass
            looking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await looking
        with pytest.raises(Problem) as caught:
            await kept.check("anna", ANNAS)
        assert caught.value.kind is PIN_WAIT


async def guard(store: Store, person: str) -> pins.Guard:
    found = await store.reading(lambda con: pins.guard(con, person))
    assert found is not None
    return found


# -- at rest ------------------------------------------------------------------
async def test_only_what_scrypt_makes_of_a_pin_is_kept_each_with_its_own_salt(field: Field, shared: Agent) -> None:
    pin = "407159318264"
    await shared.switch("anna", pin)
    await shared.switch("eve", pin)
    annas, eves = [await guard(shared.holding.store, person) for person in ("anna", "eve")]
    assert (annas.hashed.n, annas.hashed.r, annas.hashed.p) == COST
    assert len(annas.hashed.hash) == 32
    assert annas.hashed.salt != eves.hashed.salt
    assert annas.hashed.hash != eves.hashed.hash
    for file in (field.folder / "shared").iterdir():
        assert pin.encode() not in file.read_bytes()


# -- at the terminal ----------------------------------------------------------
def test_at_a_terminal_a_new_pin_is_typed_twice_and_never_shown(field: Field) -> None:
    def type_at_a_terminal(*lines: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "trial", "device", "switch", "anna", "--dir", str(field.folder / "shared")]
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
            os.close(theirs)
            seen = b""
            for line in lines:
                while not seen.endswith(b": "):
                    seen += os.read(ours, 1_000)
                os.write(ours, line.encode() + b"\n")
                seen += b"|"
            try:
                while more := os.read(ours, 1_000):
                    seen += more
            except OSError:  # the terminal is gone with its last process
                pass
            os.close(ours)
        return process.returncode, seen.decode()

    code, seen = type_at_a_terminal(ANNAS, EVES)
    assert (code, "the two differ" in seen) == (2, True)
    code, seen = type_at_a_terminal(ANNAS, ANNAS)
    assert (code, "anna holds this device" in seen) == (0, True)
    code, seen_later = type_at_a_terminal(ANNAS)
    assert (code, "once more" in seen_later) == (0, False)
    assert ANNAS not in seen + seen_later
