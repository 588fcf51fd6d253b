"""A device loses its right to record: what was held stands, the rest is kept and put aside, and nothing is lost."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx import AsyncClient
from hypothesis import given
from hypothesis import settings as how

from backend.commands import people
from backend.config import Settings
from backend.enrolment import make_code
from backend.intake import Intake
from backend.keys import enrolled as keys_of
from backend.master import PERSON, PersonRow, put
from backend.revoking import MOST_JUDGED, revoke, widen
from backend.writing import Writing
from sync.codec import decode, encode, read_event
from sync.events import DeviceRevoked, Draft, Heads, NoteWritten
from sync.ids import b64
from sync.policy import Roster
from sync.problems import BAD_ARGUMENT, NOT_FOUND, Problem
from sync.protocol import ChangedVerdict, Cursor, EnrolRequest, PulledDocument, chain_text, read_document
from sync.revocation import Reason
from sync.seal import kid_in, kid_of
from tests.backend.conftest import catch_up
from tests.backend.people import Author, Staff, codes, words
from tests.backend.test_any_order import Batch, Bench, a_contest, bench, deliveries, whole
from tests.backend.test_witness import accepts, code_of, offers

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]


def revoked_by(staff: Staff, author: Author, reason: Reason = "lost", **more: object) -> Awaitable[Any]:
    """Somebody of the office revokes the author's device."""
    staff.actions += 1
    body = {"action": f"{staff.person}-revokes-{staff.actions}", "reason": reason} | more
    return staff.send(f"/api/devices/device of {author.person}/revoke", body)


async def promoted_by(staff: Staff, hash_: str, status: int = 201) -> object:
    """Somebody of the office promotes an event."""
    staff.actions += 1
    return await staff.send(f"/api/events/{hash_}/promote", {"action": f"{staff.person}-lets-{staff.actions}"}, status)


async def the_roster(intake: Intake) -> Roster:
    """The roster in force."""
    return (await intake.do(lambda writing: writing.documents.roster()))[1].roster


async def the_revocation(intake: Intake) -> DeviceRevoked:
    """The last revocation recorded."""

    def read(writing: Writing) -> DeviceRevoked:
        query = "SELECT said FROM revocation r JOIN named_recent n ON n.hash = r.hash ORDER BY n.id DESC LIMIT 1"
        return decode(writing.con.execute(query).fetchone()[0], DeviceRevoked)

    return await intake.do(read)


async def test_what_was_held_stands_and_what_comes_later_is_kept_receipted_and_put_aside(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    anna = await enrolled("anna")
    job, _, _ = offers(anna, "bo")
    assert words(await anna.push(client, 2)) == ["applied"] * 3
    done = await revoked_by(await staff("max"), anna)
    assert [event["kind"] for event in done["events"]] == ["device.revoked"]
    said = await the_revocation(intake)
    assert said.logs == (Heads(log=anna.log, heads=(chain_text(anna.chains[4]),)),)
    assert (said.kid, said.reason, said.judged) == (anna.signer.kid, "lost", ())

    anna.record("note.written", NoteWritten(text="too late"), job=job)
    offers(anna, "cleo")
    reply = await anna.push(client, 2)
    assert words(reply) == ["applied"] * 3 + ["quarantined"] * 4
    assert codes(reply)[3:] == ["quarantined"] * 4
    assert (reply.received_through, reply.missing) == (8, ())
    assert kid_in(reply.receipt.jws)
    again = await anna.push(client, 5)
    assert (words(again), {verdict.duplicate for verdict in again.verdicts}) == (["quarantined"] * 4, {True})


async def test_a_key_that_was_replaced_stays_listed_and_hands_over_what_it_holds(
    client: AsyncClient, intake: Intake, enrolled: Enrol
) -> None:
    anna = await enrolled("anna")
    job, _, _ = offers(anna, "bo")
    await anna.push(client, 2)
    renewed = Author.named("anna", "anew")

    def code(writing: Writing) -> str:
        return make_code(intake.door, writing, "device of anna").code

    await renewed.enrol(client, await intake.do(code))
    await renewed.sign_in(client)
    listed = [(device.id, kid_of(device.jwk), device.revoked) for device in (await the_roster(intake)).devices]
    assert listed == [("device of anna", anna.signer.kid, "left"), ("device of anna", renewed.signer.kid, "")]
    assert (await the_revocation(intake)).logs == (Heads(log=anna.log, heads=(chain_text(anna.chains[4]),)),)

    anna.record("note.written", NoteWritten(text="found later"), job=job)
    await anna.sign_in(client)
    reply = await anna.push(client, 5)
    assert (words(reply), reply.received_through) == (["quarantined"], 5)
    renewed.record("note.written", NoteWritten(text="goes on"), job=job)
    assert words(await renewed.push(client)) == ["applied", "applied"]


async def test_no_key_is_enrolled_twice_not_even_one_that_was_revoked(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    await enrolled("anna")
    await enrolled("anna", "anew")
    await revoked_by(await staff("max"), Author.named("anna"))
    genesis = Author.named("anna").events[0]

    def code(writing: Writing) -> str:
        return make_code(intake.door, writing, "device of annaanew").code

    asked = EnrolRequest(
        code=await intake.do(code),
        jwk=Author.named("anna").signer.jwk,
        genesis=genesis.raw.decode(),
        jws=genesis.jws,
    )
    answer = await client.post("/v1/enrol", content=encode(asked))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:handover:problem:key-taken")


async def test_a_manager_promotes_one_event_and_the_rest_stays_put_aside(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    anna, bo = await enrolled("anna"), await enrolled("bo")
    await catch_up(anna, intake)
    max_ = await staff("max")
    await revoked_by(max_, anna)
    job, opened, offer = offers(anna, "bo")
    assert words(await anna.push(client, 2)) == ["quarantined"] * 3
    answer = accepts(bo, job, offer)
    assert words(await bo.push(client, 2)) == ["parked"]
    shown = await max_.get("/api/aside")
    assert [(one["event"], one["kind"], one["device"]) for one in shown] == [
        (event.hash, kind, "device of anna")
        for event, kind in zip(anna.events[1:], ("job.opened", "note.written", "handover.offered"), strict=True)
    ]

    await promoted_by(max_, offer.hash)
    assert words(await anna.push(client, 2)) == ["quarantined", "quarantined", "parked"]
    await promoted_by(max_, opened.hash)
    assert words(await anna.push(client, 2)) == ["applied", "quarantined", "applied"]
    assert words(await bo.push(client, 2)) == ["applied"]
    assert (await max_.get(f"/api/jobs/{job}"))["job"]["accountable"] == "bo"
    assert [one["kind"] for one in await max_.get("/api/aside")] == ["note.written"]
    assert (await promoted_by(max_, opened.hash))["events"] == []  # type: ignore[index]  # JSON
    assert answer.seq == 2


async def test_its_author_is_told_when_what_was_put_aside_counts_and_gets_nothing_of_the_rest(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    anna = await enrolled("anna")
    job, *_ = offers(anna, "bo")
    await anna.push(client, 2)
    await anna.pull(client)
    max_ = await staff("max")
    await revoked_by(max_, anna)
    note = anna.record("note.written", NoteWritten(text="too late"), job=job)
    await anna.push(client, 5)
    lines = await anna.pull(client)
    rosters = [read_document(line.raw) for line in lines if isinstance(line, PulledDocument)]
    assert [type(one) for one in rosters] == [Roster]
    assert isinstance(rosters[0], Roster)
    assert [device.revoked for device in rosters[0].devices] == ["lost"]
    assert all(isinstance(line, PulledDocument | Cursor) for line in lines)
    await promoted_by(max_, note.hash)
    changed, _ = await anna.pull(client)
    assert isinstance(changed, ChangedVerdict)
    assert (changed.verdict.seq, changed.verdict.verdict) == (note.seq, "applied")
    assert [type(line) for line in await anna.pull(client, "")] == [PulledDocument, ChangedVerdict, Cursor]


async def test_a_custody_event_that_somebody_else_scanned_is_judged_whatever_became_of_the_device(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    anna, bo = await enrolled("anna"), await enrolled("bo")
    await catch_up(anna, intake)
    await revoked_by(await staff("max"), anna, "compromised")
    job, opened, offer = offers(anna, "bo")
    bo.record("code.witnessed", code_of(anna, opened, offer))
    accepts(bo, job, offer)
    assert words(await bo.push(client, 2)) == ["applied", "applied"]
    assert words(await anna.push(client, 2)) == ["applied", "quarantined", "applied"]


async def test_a_witness_that_comes_after_lets_the_event_count_and_ones_own_does_not(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    anna, bo = await enrolled("anna"), await enrolled("bo")
    await catch_up(anna, intake)
    await revoked_by(await staff("max"), anna)
    job, opened, offer = offers(anna, "bo")
    anna.record("code.witnessed", code_of(anna, opened, offer))
    assert words(await anna.push(client, 2)) == ["quarantined"] * 4
    bo.record("code.witnessed", code_of(anna, opened, offer))
    accepts(bo, job, offer)
    assert words(await bo.push(client, 2)) == ["applied", "applied"]
    assert words(await anna.push(client, 2)) == ["applied", "quarantined", "applied", "quarantined"]


async def test_both_branches_of_a_fork_are_named_and_what_stands_after_a_gap_is_named_by_hash(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    anna = await enrolled("anna")
    job, *_ = offers(anna, "bo")
    await anna.push(client, 2)
    clone = anna.fork()
    anna.record("note.written", NoteWritten(text="here"), job=job)
    clone.record("note.written", NoteWritten(text="there"), job=job)
    clone.record("note.written", NoteWritten(text="there too"), job=job)
    await anna.push(client, 5)
    assert words(await clone.push(client, 5)) == ["applied", "applied"]
    anna.record("note.written", NoteWritten(text="lost on the way"), job=job)
    later, _, _ = offers(anna, "cleo")
    assert words(await anna.push(client, 7)) == ["applied", "parked", "applied"]

    await revoked_by(await staff("max"), anna)
    said = await the_revocation(intake)
    heads = {chain_text(anna.chains[5]), chain_text(clone.chains[6])}
    assert [(one.log, set(one.heads)) for one in said.logs] == [(anna.log, heads)]
    assert set(said.judged) == {anna.events[6].hash, anna.events[8].hash}
    assert words(await anna.push(client, 6)) == ["quarantined", "applied", "quarantined", "applied"]
    assert words(await clone.push(client, 5)) == ["applied", "applied"]
    assert later


async def test_what_waited_and_is_inside_is_judged_when_what_it_waits_for_comes(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    anna, bo = await enrolled("anna"), await enrolled("bo")
    await catch_up(anna, intake)
    job, _, offer = offers(anna, "bo")
    accepts(bo, job, offer)
    assert words(await bo.push(client, 2)) == ["parked"]
    await revoked_by(await staff("max"), bo)
    assert words(await bo.push(client, 2)) == ["parked"]
    await anna.push(client, 2)
    assert words(await bo.push(client, 2)) == ["applied"]


async def test_a_second_revocation_takes_nothing_back_and_names_what_was_promoted(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    anna = await enrolled("anna")
    max_ = await staff("max")
    await revoked_by(max_, anna, "lost")
    job, opened, offer = offers(anna, "bo")
    await anna.push(client, 2)
    await promoted_by(max_, opened.hash)
    await promoted_by(max_, offer.hash)
    await revoked_by(max_, anna, "compromised", suspect_log=anna.log, suspect_from=4)
    said = await the_revocation(intake)
    assert set(said.judged) == {offer.hash}
    assert said.logs == (Heads(log=anna.log, heads=(chain_text(anna.chains[2]),)),)
    assert (said.suspect_log, said.suspect_from) == (anna.log, 4)
    assert words(await anna.push(client, 2)) == ["applied", "quarantined", "applied"]
    roster = await the_roster(intake)
    assert [device.revoked for device in roster.devices] == ["compromised"]
    await revoked_by(max_, anna, "left")
    assert [device.revoked for device in (await the_roster(intake)).devices] == ["compromised"]
    assert job


@pytest.mark.parametrize(("person", "status"), [("dora", 403), ("cleo", 403), ("max", 201)])
async def test_only_who_may_revokes_or_promotes(
    client: AsyncClient, enrolled: Enrol, staff: SignIn, person: str, status: int
) -> None:
    anna = await enrolled("anna")
    who = await staff(person)
    path, body = "/api/devices/device of anna/revoke", {"action": "some-action", "reason": "lost"}
    await who.send(path, body, status)
    offers(anna, "bo")
    expected = "quarantined" if status == 201 else "applied"
    assert words(await anna.push(client, 2)) == [expected] * 3
    await promoted_by(who, anna.events[1].hash, status)


async def test_what_is_unknown_or_out_of_scope_is_not_found(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    bo = await enrolled("bo")
    job, *_ = offers(bo, "anna")
    await bo.push(client, 2)
    max_ = await staff("max")
    await revoked_by(max_, bo)
    note = bo.record("note.written", NoteWritten(text="too late"), job=job)
    await bo.push(client, 5)
    await promoted_by(max_, b64(bytes(32)), 404)
    await promoted_by(max_, "x", 404)
    await max_.send("/api/devices/nobody's/revoke", {"action": "some-action", "reason": "lost"}, 404)
    body = {"action": "with-suspect", "reason": "lost", "suspect_log": b64(bytes(16)), "suspect_from": 1}
    await max_.send("/api/devices/device of bo/revoke", body, 400)

    def narrow(writing: Writing) -> None:
        row = PersonRow(name="Max", roles=("manager",), sites=("south",))
        put(writing.con, PERSON, "max", row, by="test", now_ms=writing.now_ms)
        intake.door.cut(writing)

    await intake.do(narrow)
    await promoted_by(max_, note.hash, 404)
    assert await max_.get("/api/aside") == []


async def test_more_than_one_event_can_name_is_named_by_several(
    client: AsyncClient, intake: Intake, enrolled: Enrol, monkeypatch: pytest.MonkeyPatch, staff: SignIn
) -> None:
    monkeypatch.setattr("backend.revoking.MOST_JUDGED", 1)
    anna = await enrolled("anna")
    anna.record("note.written", NoteWritten(text="lost on the way"), job="A" * 22)
    offers(anna, "bo")
    offers(anna, "bo")
    await anna.push(client, 3)
    await revoked_by(await staff("max"), anna)
    assert words(await anna.push(client, 3)) == ["applied", "quarantined", "applied"] * 2
    count = await intake.do(lambda writing: writing.con.execute("SELECT count(*) FROM revocation").fetchone()[0])
    assert count == 4
    assert MOST_JUDGED == 1_000


async def test_a_key_no_device_had_cannot_be_revoked(intake: Intake, enrolled: Enrol) -> None:
    anna = await enrolled("anna")
    for kid, suspect, kind in (("AAAA", None, NOT_FOUND), (anna.signer.kid, ("A" * 22, 1), BAD_ARGUMENT)):
        with pytest.raises(Problem) as met:
            await intake.do(
                lambda writing, kid=kid, suspect=suspect: revoke(  # type: ignore[misc]
                    writing, intake.door.office, kid, "lost", suspect=suspect, by="max"
                )
            )
        assert met.value.kind is kind
    assert [key.revoked for key in await intake.do(lambda writing: keys_of(writing.con))] == [""]


# -- whatever the order --------------------------------------------------------
LAST_INSIDE = 4


def given_back(bench: Bench, heads: tuple[int, ...]) -> None:
    """anna's key was revoked before this backend held more than the genesis: the heads name what is still to come."""
    anna = bench.anna
    logs = (Heads(log=anna.log, heads=tuple(chain_text(anna.chains[at]) for at in heads)),)
    body = DeviceRevoked(device="device of anna", kid=anna.signer.kid, reason="lost", logs=logs)

    def work(writing: Writing) -> None:
        bench.door.office.record(writing, [Draft(kind="device.revoked", actor="max", body=body)])

    bench.door.write_now(bench.con, work)


@how(max_examples=40, deadline=None)
@given(deliveries())
def test_in_no_order_does_a_revoked_log_come_out_otherwise(batches: list[Batch]) -> None:
    with bench() as straight, bench() as crooked:
        for one in (straight, crooked):
            a_contest(one)
            given_back(one, (LAST_INSIDE,))
        for batch in whole():
            straight.push(batch)
        for batch in batches:
            crooked.push(batch)
        wanted, found = straight.result(), crooked.result()
        assert found == wanted
        verdicts = [row[4] for row in found["events"] if row[0] == straight.anna.log]
        # job, arrival and first offer are inside; the bytes that are no event are refused, all else is put aside.
        assert verdicts == [0] * LAST_INSIDE + [3] * 5 + [1, 3]


def test_what_a_returned_revocation_would_put_aside_is_named_anew() -> None:
    with bench() as one:
        a_contest(one)
        for batch in whole():
            one.push(batch)
        before = one.result()
        given_back(one, (LAST_INSIDE,))

        def work(writing: Writing) -> None:
            raw = writing.con.execute(
                "SELECT bytes FROM event e JOIN log l ON l.ref = e.log WHERE l.staff = 1 ORDER BY e.log DESC, seq DESC"
            ).fetchone()[0]
            widen(writing, one.door.office, read_event(raw, "k"))
            widen(writing, one.door.office, read_event(raw, "k"))

        one.door.write_now(one.con, work)
        assert one.result() == before
        for batch in whole():
            one.push(batch)
        assert one.result() == before
        said = [decode(row, DeviceRevoked) for (row,) in one.con.execute("SELECT said FROM revocation")]
        named = {head for each in said for log in each.logs for head in log.heads}
        assert named == {chain_text(one.anna.chains[LAST_INSIDE]), chain_text(one.anna.chains[-1])}
        assert len(said) == 2


async def test_somebody_taken_off_has_no_role_device_or_token_and_his_jobs_are_named(
    client: AsyncClient,
    intake: Intake,
    enrolled: Enrol,
    staff: SignIn,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    anna = await enrolled("anna")
    job, *_ = offers(anna, "bo")
    await anna.push(client, 2)
    max_ = await staff("max")
    database = ["--database", str(settings.database)]
    assert people.main(["remove", "max", *database]) == 0
    await max_.get("/api/devices", 401)
    assert people.main(["remove", "anna", *database]) == 0
    assert f"job {job}" in capsys.readouterr().out
    roster = await the_roster(intake)
    assert {"anna", "max"}.isdisjoint(roster.people)
    assert [device.people for device in roster.devices] == [()]
    assert people.main(["remove", "anna", *database]) == 2
    anna.record("note.written", NoteWritten(text="as before"), job=job)
    assert words(await anna.push(client, 5)) == ["applied"]
