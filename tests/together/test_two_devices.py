"""Two devices and a backend, over real HTTP: handed over offline, proven by either side's sync, received once."""

import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from backend.dossier import find_dossier
from backend.store.sqlite import connect
from device.agent import Agent, enrol, open_agent
from device.codes import read_code
from device.transport import HttpTransport, Request, Response
from device.world import Machine
from sync.acceptance import synthesis_of
from sync.payload import NextAction, Payload
from sync.problems import NO_CONNECTION, Problem
from tests.together.office import CREW, Office

pytestmark = pytest.mark.anyio
PAYLOAD = Payload(state="in_progress", summary="the seal leaks", next_actions=(NextAction(what="Fit it", owner="bo"),))


class Wire:
    """A real connection that can be told to lose the next request or the next reply on a path."""

    def __init__(self, url: str) -> None:
        self._http = HttpTransport(url)
        self.lose_request = ""
        self.lose_reply = ""
        self.offline = False
        self.sent: list[str] = []

    async def send(self, request: Request) -> Response:
        path = request.path.partition("?")[0]
        if self.offline or path == self.lose_request:
            self.lose_request = ""
            raise Problem(NO_CONNECTION, "the request was lost")
        self.sent.append(path)
        response = await self._http.send(request)
        if path == self.lose_reply:
            self.lose_reply = ""
            raise Problem(NO_CONNECTION, "the reply was lost")
        return response

    def close(self) -> None:
        self._http.close()


class Team:
    """Everybody's device, enrolled and open; `tablet` sees all sites."""

    def __init__(self, agents: dict[str, Agent], wires: dict[str, Wire]) -> None:
        self.anna, self.bo, self.tablet = (agents[name] for name in CREW)
        self.wires = wires

    async def hand_over(self) -> str:
        """Anna opens a job and Bo takes it, both offline: the job."""
        job = await self.anna.jobs.open("anna", site="site-1", asset="pump-7")
        offer = await self.anna.offering.offer("anna", job, PAYLOAD, ["bo"])
        await self.anna.offering.confirm("anna", read_code(await self.accept(offer.texts)))
        return job

    async def accept(self, texts: Sequence[str], job: str = "") -> tuple[str, ...]:
        seen = await self.bo.accepting.look("bo", read_code(texts), which=job)
        synthesis = synthesis_of("fit the seal", ["Fit it"], seen.choices, seen.content.payload)
        return (await self.bo.accepting.accept("bo", seen, synthesis)).texts

    async def accountable(self, job: str) -> str:
        """Who answers for the job, as a third device is told by the backend."""
        await self.tablet.sync()
        return self.tablet.holding.memory.journey(job).accountable


@pytest.fixture
async def team(office: Office, tmp_path: Path) -> AsyncIterator[Team]:
    wires: dict[str, Wire] = {}
    async with AsyncExitStack() as stack:
        agents = {}
        for device in CREW:
            await enrol(tmp_path / device, Machine(), office.code(device))
        for device in CREW:
            wires[device] = Wire(office.url)
            wire = wires[device]
            agents[device] = await stack.enter_async_context(
                open_agent(tmp_path / device, Machine(), lambda _, wire=wire: wire)  # type: ignore[misc]
            )
            assert (await agents[device].sync()).why == "all done"
        yield Team(agents, wires)


@pytest.mark.parametrize("who", ["anna", "bo"])
async def test_either_sides_sync_alone_proves_the_handover(team: Team, who: str) -> None:
    job = await team.hand_over()
    assert (await {"anna": team.anna, "bo": team.bo}[who].sync()).why == "all done"
    assert await team.accountable(job) == "bo"


@pytest.mark.parametrize("who", ["anna", "bo"])
async def test_either_sides_sync_alone_proves_every_job_of_a_shift(team: Team, who: str) -> None:
    jobs = [await team.anna.jobs.open("anna", site="site-1", asset=f"pump-{number}") for number in range(3)]
    together = await team.anna.shift.offer("anna", dict.fromkeys(jobs, PAYLOAD), ["bo"])
    code = read_code(together.shown.texts)
    await team.accept(together.shown.texts, jobs[0])
    refused = await team.bo.accepting.look("bo", code, which=jobs[1])
    await team.bo.accepting.refuse("bo", refused, "no seal on the van")
    answers = read_code(await team.accept(together.shown.texts, jobs[2]))
    assert {one.problem for one in await team.anna.shift.take_back("anna", answers)} == {None}
    agent = {"anna": team.anna, "bo": team.bo}[who]
    assert (await agent.sync()).why == "all done"
    assert set((await agent.status()).held.judged) == {"applied"}
    assert [await team.accountable(job) for job in jobs] == ["bo", "anna", "bo"]
    states = [team.tablet.holding.memory.journey(job).handovers[0].state for job in jobs]
    assert states == ["accepted", "refused", "accepted"]


async def test_what_is_told_of_a_handover_calls_its_devices_as_the_office_does(team: Team, office: Office) -> None:
    job = await team.hand_over()
    await team.anna.sync()
    (handover,) = team.anna.holding.journey(job).handovers
    with closing(connect(office.database, read_only=True)) as con:
        owners = find_dossier(con, handover.offer.hash).owners
    assert {owners[agent.holding.signer.kid] for agent in (team.anna, team.bo)} == {"phone-anna", "phone-bo"}


async def test_a_handover_is_applied_once_when_both_sides_bring_it(team: Team, office: Office) -> None:
    job = await team.hand_over()
    for agent in (team.anna, team.bo, team.anna):
        await agent.sync()
        status = await agent.status()
        assert status.held.waiting == 0
        assert set(status.held.judged) == {"applied"}
    assert await team.accountable(job) == "bo"
    (handover,) = team.tablet.holding.memory.journey(job).handovers
    assert (handover.state, handover.confirmed) == ("accepted", True)
    for agent in (team.anna, team.bo):
        held = office.held(agent.holding.row.log)
        assert [seq for seq, _, _ in held] == list(range(1, len(held) + 1))


async def test_a_chain_of_handovers_waits_for_a_sync_of_somebody_in_it(team: Team) -> None:
    job = await team.hand_over()
    back = await team.bo.offering.offer("bo", job, PAYLOAD, ["anna"])
    seen = await team.anna.accepting.look("anna", read_code(back.texts))
    synthesis = synthesis_of("back to me", ["Fit it"], seen.choices, seen.content.payload)
    await team.anna.accepting.accept("anna", seen, synthesis)
    await team.anna.sync()
    assert await team.accountable(job) == "anna"


@pytest.mark.parametrize("path", ["/v1/session/challenge", "/v1/session", "/v1/sync/push", "/v1/sync/pull"])
@pytest.mark.parametrize("what", ["lose_request", "lose_reply"])
async def test_whatever_is_lost_is_sent_again_and_received_once(
    team: Team, office: Office, path: str, what: str
) -> None:
    job = await team.hand_over()
    wire = team.wires["phone-anna"]
    if path.startswith("/v1/session"):
        await team.anna.sync()  # the next life of the backend knows no session
        assert office.end(signal.SIGTERM) == 0
        office.start()
        assert office.ready()
        await team.anna.jobs.note("anna", job, "one more")
    setattr(wire, what, path)
    assert (await team.anna.sync()).why == "after a failure"
    assert (await team.anna.sync()).why == "all done"
    held = office.held(team.anna.holding.row.log)
    own = (await team.anna.status()).held
    assert (own.waiting, own.received_through, len(held)) == (0, own.recorded, own.recorded)
    assert len({position for _, _, position in held if position is not None}) == len(
        [position for _, _, position in held if position is not None]
    )


async def test_work_offline_comes_through_in_the_order_it_was_done(team: Team) -> None:
    team.wires["phone-anna"].offline = True
    job = await team.anna.jobs.open("anna", site="site-1")
    assert (await team.anna.sync()).why == "after a failure"
    await team.anna.jobs.arrive("anna", job)
    for number in range(5):
        await team.anna.jobs.scan_item("anna", job, f"item-{number}", "installed")
    team.wires["phone-anna"].offline = False
    assert (await team.anna.sync()).why == "all done"
    await team.tablet.sync()
    assert [item.installed for item in team.tablet.holding.memory.journey(job).items] == [1] * 5


async def test_what_the_office_offered_is_pulled_and_accepted_from_afar(team: Team) -> None:
    job = await team.anna.jobs.open("anna", site="site-1")
    offer = await team.anna.offering.offer("anna", job, PAYLOAD, ["bo"])
    await team.anna.sync()
    await team.bo.sync()
    seen = await team.bo.accepting.look("bo", offer.event)
    assert (seen.standing, seen.code) == ("proven", None)
    accepted = await team.bo.accepting.accept("bo", seen, synthesis_of("fit it", ["Fit it"], seen.choices, PAYLOAD))
    await team.bo.sync()
    await team.anna.sync()
    await team.anna.offering.confirm("anna", accepted.event)
    await team.anna.sync()
    assert await team.accountable(job) == "bo"
    (handover,) = team.tablet.holding.memory.journey(job).handovers
    assert handover.confirmed


async def test_a_backend_that_was_killed_and_started_again_goes_on_with_the_same_devices(
    team: Team, office: Office
) -> None:
    job = await team.hand_over()
    await team.anna.sync()
    assert office.end() == -signal.SIGKILL
    await team.anna.jobs.note("anna", job, "while it was gone")
    assert (await team.anna.sync()).why == "after a failure"
    office.start()
    assert office.ready()
    assert (await team.anna.sync()).why == "all done"
    assert (await team.anna.status()).held.waiting == 0
