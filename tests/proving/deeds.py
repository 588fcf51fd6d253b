"""What people, machines and mishaps do in a town: a deed is one call; what comes of it is counted, not raised."""

import shutil
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any, Final

import msgspec

from backend.backups import make_backup, restore
from backend.config import Settings
from backend.enrolment import code_text, make_code, revoke_device
from backend.losses import declare, find_missing
from backend.redacting import Done, Wanted, allow, carry_out, plan
from backend.world import POINTS as OFFICE_POINTS
from backend.writing import Writing
from device.agent import enrol
from device.codes import read_code
from device.world import POINTS as DEVICE_POINTS
from sync import codec
from sync.acceptance import synthesis_of
from sync.events import Draft, ItemScanned, NoteWritten
from sync.ids import b64
from sync.ledger import is_hash
from sync.payload import Payload
from sync.problems import NO_CONNECTION, Problem
from tests.proving.checker import EMPTIED, FORGOTTEN, Finding
from tests.proving.fragile import Crash, Fragile
from tests.proving.town import CREW, Phone, Town, hash_of
from tests.proving.wires import Mishap

PIN: Final = "2846"
PAYLOAD: Final = Payload(state="in_progress", summary="the seal leaks")
MOST_ROUNDS: Final = 12
"""Rounds of everybody after which a town that has not settled never will."""
NEWER: Final = "job.teleported"
"""A kind that only the newest app knows."""
NO_LIMIT: Final = 1_073_741_823
DEVICE_DEATHS: Final = DEVICE_POINTS[1:]  # the first is of an enrolment
OFFICE_DEATHS: Final = OFFICE_POINTS


class Deeds:
    """Deeds in one town."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.counts: Counter[str] = Counter()
        self.offers: list[tuple[str, tuple[str, ...]]] = []
        self.answers: list[tuple[str, tuple[str, ...]]] = []
        self.backups = 0
        self.clones = 0
        self.staff_known: set[str] = set()

    # -- trying ---------------------------------------------------------------
    async def attempt(self, phone: Phone, deed: str, doing: Awaitable[Any]) -> Any:  # noqa: ANN401 - what was done gives
        """What came of it; None where the product said no, or the device died over it."""
        phone.tick()
        try:
            found = await doing
        except Problem as problem:
            self.counts[f"{deed}: no"] += 1
            self.counts[f"no: {problem.kind.slug}"] += 1
            return None
        except Crash:
            await self.die(phone)
            return None
        self.counts[deed] += 1
        if phone.is_on and phone.agent.erased:
            await phone.stop()
        return found

    async def die(self, phone: Phone) -> None:
        """The device died; it comes back when somebody switches it on."""
        phone.deaths += 1
        await phone.stop()

    async def switch_on(self, phone: Phone) -> bool:
        """True once it runs; one that has erased itself never will."""
        if not phone.is_on:
            phone.world = Fragile(seed=1, name=phone.name, life=0, true_ms=self.town.clock.now_ms)
            try:
                await phone.start()
            except Problem:
                return False
        return True

    def person(self, phone: Phone, pick: int) -> str:
        holder = phone.agent.holding.holder()
        people = CREW[phone.name.partition("+")[0]]
        return holder if holder in people else people[pick % len(people)]

    # -- recording ------------------------------------------------------------
    async def record(self, phone: Phone, pick: int) -> None:
        """A person records something on some job, or opens one."""
        if len(CREW[phone.name.partition("+")[0]]) > 1 and not phone.agent.holding.holder():
            await self.switch(phone, pick)
        agent, who = phone.agent, self.person(phone, pick)
        jobs = agent.holding.memory.jobs()
        if not jobs or pick % 4 == 0:
            await self.attempt(phone, "open", agent.jobs.open(who, site=("mill", "quay")[pick // 4 % 2]))
            return
        job = jobs[pick // 7 % len(jobs)]
        doing: Awaitable[Any]
        match pick // 3 % 4:
            case 0:
                doing = self._note(phone, who, job, pick)
            case 1:
                doing = agent.jobs.scan_item(who, job, f"part-{pick % 3}", "installed")
            case 2:
                doing = agent.jobs.arrive(who, job)
            case _:
                doing = agent.jobs.resolve(who, job)
        await self.attempt(phone, "record", doing)

    @staticmethod
    async def _note(phone: Phone, who: str, job: str, pick: int) -> None:
        """A note, now and then with a transcript."""
        said = f"transcript {pick % 50}\n".encode() * 200
        blobs = phone.agent.attaching.attach(said, "transcript") if pick % 2 else ()
        await phone.agent.jobs.note(who, job, f"note {pick}", blobs=blobs)

    async def correct(self, phone: Phone, pick: int) -> None:
        """Somebody puts right what a fact on some job said, perhaps not the first who does."""
        agent, who = phone.agent, self.person(phone, pick)
        facts = [
            event
            for job in agent.holding.memory.jobs()
            for event in agent.holding.journey(job).timeline
            if isinstance(event.body, ItemScanned | NoteWritten)
        ]
        if facts:
            event = facts[pick // 2 % len(facts)]
            fields = {"qty": str(1 + pick % 3)} if isinstance(event.body, ItemScanned) else {"text": f"no: {pick % 3}"}
            await self.attempt(phone, "correct", agent.jobs.correct(who, event.hash, fields, "a slip"))

    async def record_newer(self, phone: Phone, pick: int) -> None:
        """Somebody whose app is newer than all others records what only newer software can read."""
        jobs = phone.agent.holding.memory.jobs()
        if jobs:
            who, job = self.person(phone, pick), jobs[pick % len(jobs)]
            draft = Draft(kind=NEWER, actor=who, body=NoteWritten(text=f"beamed {pick}"), job=job)
            await self.attempt(phone, "record newer", phone.agent.holding._door.record([draft]))

    async def upgrade(self) -> None:
        """From here on everybody's software reads what only the newest app could."""
        codec._bodies[NEWER] = codec._bodies["note.written"]
        self.counts["upgraded"] += 1
        await self.restart_office()
        for phone in self.town.phones.values():
            if phone.is_on:
                await phone.stop()
                await self.switch_on(phone)

    @staticmethod
    def forget_upgrade() -> None:
        """The software is as old as before."""
        codec._bodies.pop(NEWER, None)

    async def declare_lost(self) -> None:
        """A manager says that nobody holds what is missing of the office's own logs."""
        office = self.town.office

        def work(writing: Writing) -> int:
            gaps = [gap for gap in find_missing(writing.con).gaps if gap.staff]
            return len(declare(writing, office.intake.door.office, "dora", gaps, ()))

        if office.alive:
            self.counts["declared lost"] += await office.do(work)

    async def offer(self, phone: Phone, pick: int) -> None:
        agent, who = phone.agent, self.person(phone, pick)
        jobs = agent.holding.memory.jobs()
        here = {one for name in self.town.phones for one in CREW[name.partition("+")[0]]} - {who}
        everybody = sorted(here) or [one for people in CREW.values() for one in people if one != who]
        to = [everybody[pick % len(everybody)]] + ([everybody[pick // 5 % len(everybody)]] if pick % 3 == 0 else [])
        if pick % 11 == 0:
            to = []  # a guest
        if jobs:
            job = jobs[pick // 2 % len(jobs)]
            shown = await self.attempt(phone, "offer", agent.offering.offer(who, job, PAYLOAD, to, boundary="any"))
            if shown:
                self.offers.append((shown.event, shown.texts))

    async def answer(self, phone: Phone, pick: int, *, by_code: bool, refuse: bool = False) -> None:
        """Somebody looks at an offer that was shown (or pulled) and answers it, if the device lets him."""
        if not self.offers:
            return
        event, texts = self.offers[-1 - pick % min(len(self.offers), 4)]
        agent, who = phone.agent, self.person(phone, pick)

        async def doing() -> Any:  # noqa: ANN401 - a code that is shown
            seen = await agent.accepting.look(who, read_code(texts) if by_code else event)
            if refuse:
                return await agent.accepting.refuse(who, seen, "not mine")
            words = synthesis_of("the seal leaks", [], seen.choices, seen.content.payload)
            name = "Gil" if seen.receiver.guest else ""
            return await agent.accepting.accept(who, seen, words, signed_name=name)

        shown = await self.attempt(phone, "refuse" if refuse else "accept", doing())
        if shown and not refuse:
            self.answers.append((shown.event, shown.texts))

    async def confirm(self, phone: Phone, pick: int, *, by_code: bool) -> None:
        if self.answers:
            event, texts = self.answers[-1 - pick % min(len(self.answers), 4)]
            who = self.person(phone, pick)

            async def doing() -> Any:  # noqa: ANN401 - what was recorded
                return await phone.agent.offering.confirm(who, read_code(texts) if by_code else event)

            await self.attempt(phone, "confirm", doing())

    async def withdraw(self, phone: Phone, pick: int) -> None:
        if self.offers:
            event, _ = self.offers[-1 - pick % min(len(self.offers), 4)]
            await self.attempt(phone, "withdraw", phone.agent.offering.withdraw(self.person(phone, pick), event))

    async def switch(self, phone: Phone, pick: int) -> None:
        people = CREW[phone.name.partition("+")[0]]
        await self.attempt(phone, "switch", phone.agent.switch(people[pick % len(people)], PIN))

    # -- syncing --------------------------------------------------------------
    async def sync(self, phone: Phone, mishap: Mishap | None = None, of: str = "push", at: int = 500) -> None:
        """One round, on a wire on which at most one thing goes wrong."""
        if mishap is not None:
            phone.wire.expect(mishap, of, at)
        before = phone.wire.happened
        await self.attempt(phone, "sync", phone.agent.sync())
        self.counts[str(mishap)] += phone.wire.happened - before
        phone.wire.calm()

    async def deliver(self, phone: Phone) -> None:
        """What was held up on the wire arrives now, in another order than it was sent."""
        while phone.wire.held:
            try:
                await self.town.office.handle(phone.wire.held.pop())
                self.counts["delivered late"] += 1
            except Problem as problem:
                assert problem.kind is NO_CONNECTION  # noqa: PT017 - a dead backend
                return

    async def replay(self, phone: Phone, pick: int) -> None:
        """A push that was sent before is sent again, byte for byte, with today's session."""
        if not phone.wire.pushes:
            return
        old = phone.wire.pushes[pick % len(phone.wire.pushes)]
        token = phone.wire.pushes[-1].headers.get("authorization", "")
        try:
            await self.town.office.handle(
                type(old)(
                    method=old.method, path=old.path, body=old.body, headers={**old.headers, "authorization": token}
                )
            )
            self.counts["replayed"] += 1
        except Problem:
            self.counts["replayed: no"] += 1

    # -- what happens to the two sides ----------------------------------------
    async def restart_office(self) -> None:
        await self.town.office.stop()
        await self.town.office.start()
        self.counts["backend restarted"] += 1

    async def back_up(self) -> None:
        town = self.town
        folder = town.folder / f"backup-{self.backups + 1}"
        make_backup(
            Settings(database=town.office.database),
            folder,
            Fragile(seed=3, name="backup", life=self.backups, true_ms=town.clock.now_ms),
        )
        self.backups += 1
        self.counts["backed up"] += 1

    async def restore(self) -> None:
        """The backend is lost and comes back from its last backup."""
        self.town.clock.now_ms += 1_000
        if not self.backups:
            return
        town = self.town
        town.look()
        await town.office.stop()
        restore(
            town.folder / f"backup-{self.backups}",
            Settings(database=town.office.database),
            Fragile(seed=4, name="restore", life=self.counts["restored"], true_ms=town.clock.now_ms),
        )
        held = {row.hash for _, row in town.office.store().rows}
        kept = {hash_ for phone in town.phones.values() for hash_ in phone.recorded().values()}
        # A compromised device erases itself once all is received: a loss of the backend after that is a loss.
        town.nobody_holds |= {hash_ for hashes in town.checker.shown.values() for hash_ in hashes} - held - kept
        town.restored = True
        await town.office.start()
        self.counts["restored"] += 1

    async def clone(self, phone: Phone) -> None:
        """A copy of the device is switched on beside it."""
        if "+" in phone.name or not phone.is_on:
            return
        await phone.stop()
        self.clones += 1
        name = f"{phone.name}+{self.clones}"
        folder = self.town.folder / name
        shutil.copytree(phone.folder, folder)
        twin = self.town.add(name, folder)
        await phone.start()
        await twin.start()
        self.counts["cloned"] += 1

    async def revoke(self, phone: Phone, reason: str) -> None:
        office = self.town.office

        def work(writing: Any) -> None:  # noqa: ANN401 - backend.writing.Writing
            revoke_device(office.intake.door, writing, phone.name.partition("+")[0], reason, suspect=None, by="dora")  # type: ignore[arg-type]

        try:
            await office.do(work)
            self.counts["revoked"] += 1
        except Problem:
            self.counts["revoked: no"] += 1

    async def enrol_anew(self, phone: Phone) -> None:
        """A device that was told to stop is bound anew, once all that it holds is received."""
        if not phone.is_on or phone.agent.holding.row.state != "stopped" or "+" in phone.name:
            return
        office = self.town.office
        text = await office.do(lambda writing: code_text(make_code(office.intake.door, writing, phone.name)))
        await phone.stop()
        phone.tick()
        try:
            await enrol(phone.folder, phone.world, text, lambda _: phone.wire)
            self.counts["enrolled anew"] += 1
        except Problem as problem:
            self.counts[f"enrolled anew: {problem.kind.slug}"] += 1
        await self.switch_on(phone)

    async def fill_disk(self, phone: Phone, *, full: bool) -> None:
        """The device's disk has no room for another page, or has again."""

        def limit(con: Any) -> None:  # noqa: ANN401 - a sqlite3 connection
            pages = con.execute("PRAGMA page_count").fetchone()[0] if full else NO_LIMIT
            con.execute(f"PRAGMA max_page_count = {pages}")

        await phone.agent.holding.store._connection.run(limit)
        self.counts["disk full"] += int(full)

    # -- healing --------------------------------------------------------------
    async def heal(self) -> None:
        """Nothing goes wrong any more and everybody syncs until nothing moves: then all of it is looked at."""
        town = self.town
        if not town.office.alive:
            await town.office.start()
        if town.office.world is not None:
            town.office.world.crash_at("")
        running = []
        for phone in town.phones.values():
            phone.world.crash_at("")
            if await self.switch_on(phone):
                running.append(phone)
                phone.wire.calm()
                await self.fill_disk(phone, full=False)
                await self.deliver(phone)
        for _ in range(MOST_ROUNDS):
            before = town.office.rows("SELECT max(position) FROM mark")
            town.clock.now_ms += 400_000  # longer than any retry timer
            for phone in running:
                if phone.is_on:
                    await self.sync(phone)
            if before == town.office.rows("SELECT max(position) FROM mark") and not any(
                phone.outbox() for phone in running
            ):
                break
        town.restored = False
        town.look()
        waiting = {name: hashes for name, hashes in town.waiting().items() if hashes}
        town.checker.healed(waiting)
        for phone in running:
            if phone.is_on:
                await self._caught_up(phone)
                await self._forgot(phone)
        held = "SELECT bytes FROM event UNION ALL SELECT bytes FROM fork UNION ALL SELECT bytes FROM half"
        self._gone("the backend", (raw for (raw,) in town.office.rows(held)))
        self._all_blobs()

    def _redacted(self) -> frozenset[str]:
        """The hashes of what the backend knows to be redacted."""
        return frozenset(b64(hash_) for (hash_,) in self.town.office.rows("SELECT hash FROM redaction"))

    async def _forgot(self, phone: Phone) -> None:
        """No device that is told of it holds the bytes of what was redacted."""
        if not await phone.agent.is_revoked():
            rows = phone.rows("SELECT raw FROM event UNION ALL SELECT raw FROM pulled")
            self._gone(phone.name, (raw for (raw,) in rows))

    def _gone(self, where: str, raws: Iterable[bytes]) -> None:
        redacted = self._redacted()
        left = {hash_of(raw) for raw in raws if not is_hash(raw)} & redacted
        if left:
            self.town.checker.findings.append(Finding(FORGOTTEN, f"{where} holds the bytes of {sorted(left)[:3]}"))

    def _all_blobs(self) -> None:
        """Every attachment that an event names is there, unless its device could not bring it."""
        if any(self.counts[deed] for deed in ("restored", "revoked", "cloned")):
            return
        there = {sha256 for (sha256,) in self.town.office.rows("SELECT sha256 FROM blob")}
        named = {sha256 for (sha256,) in self.town.office.rows("SELECT sha256 FROM blob_named")}
        if named - there:
            self.town.checker.findings.append(Finding(EMPTIED, f"blobs {sorted(named - there)[:3]} never came"))

    async def _caught_up(self, phone: Phone) -> None:
        """What a cursor led the device to is what somebody gets who begins at the beginning."""
        wanted = await self.town.pull_anew(phone)
        if wanted is not None:
            own = frozenset(phone.recorded().values())
            self.town.checker.caught_up(phone.name, phone.pulled() | own, wanted)

    # -- the office's acts ----------------------------------------------------
    async def office(self, act: str, pick: int) -> None:
        """An action of the office on some job that it knows."""
        jobs = [job for (job,) in self.town.office.rows("SELECT job FROM job ORDER BY ref")]
        if not jobs or pick % 9 == 0:
            await self.town.open_job(("mill", "quay")[pick % 2])
            self.counts["office: open"] += 1
            return
        people = [one for crew in CREW.values() for one in crew]
        job = jobs[pick % len(jobs)]
        sql = (
            "SELECT bytes FROM event AS e JOIN job AS j ON j.ref = e.job WHERE j.job = ? AND instr(bytes, ?) ORDER BY 1"
        )
        notes = [hash_of(raw) for (raw,) in self.town.office.rows(sql, job, b'"kind":"note.written"')]
        wrong = notes[pick % len(notes)] if notes else ""
        fields: dict[str, dict[str, Any]] = {
            "correct": {
                "event": wrong or job.ljust(43, "A"),
                "fields": {"text": f"no: {pick % 3}"},
                "reason": "a slip",
            },
            "reassign": {"party": people[pick % len(people)], "reason": "replanned"},
            "note": {"text": f"note {pick}"},
            "hold": {"reason": "parts are missing"},
        }
        try:
            await self.town.act(act, job, **fields[act])
            self.counts[f"office: {act}"] += 1
        except Problem:
            self.counts[f"office: {act}: no"] += 1

    async def redact(self, pick: int) -> None:
        """Somebody's words are taken out of an event, mostly of one with words, wherever it stands."""
        office = self.town.office
        raws = [raw for (raw,) in office.rows("SELECT bytes FROM event UNION SELECT bytes FROM fork")]
        spoken = [raw for raw in raws if b'"text":' in raw or b'"words":' in raw or b'"summary":' in raw]
        held = sorted(hash_of(raw) for raw in (spoken if spoken and pick % 5 else raws))
        wanted = Wanted(events=(held[pick % len(held)],))

        def work(writing: Any) -> Done:  # noqa: ANN401 - backend.writing.Writing
            found = plan(writing.con, wanted, allow(writing, "dora", wanted))
            return carry_out(office.intake.door, writing, found.takes, "dora")

        done = await office.do(work)
        self.counts["office: redact"] += len(done.taken)
        self.counts["office: redact: no"] += not done.taken

    async def settle(self, pick: int) -> None:
        """The office settles an open case, for somebody whom it touches or for the desk."""
        cases = self.town.office.rows(
            "SELECT job.job, case_row.body FROM case_row JOIN job ON job.ref = case_row.job"
            " WHERE state = 'open' ORDER BY 1, 2"
        )
        if not cases:
            return
        job, body = cases[pick % len(cases)]
        case = msgspec.json.decode(body)["case"]
        party = [*case["parties"], "desk"][pick % (len(case["parties"]) + 1)]
        try:
            await self.town.act("resolve", job, basis=case["basis"], party=party, reason="he is there")
            self.counts["office: resolve"] += 1
        except Problem:
            self.counts["office: resolve: no"] += 1
