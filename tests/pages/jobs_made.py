"""A day's work in an office that pages are looked at with: a job with everything on it, one held, one contested."""

from collections.abc import Callable

import msgspec
from httpx import AsyncClient

from backend.acting import Acting
from backend.by_hand import EVERY_ACTION, AskedJob
from backend.enrolment import make_code
from backend.exchange.orders import Orders, ReadOrder
from backend.master import DEVICE, PERSON, SITE, DeviceRow, SiteRow, get, put
from backend.masters.rows import (
    ARTICLE,
    ASSET,
    CONTACT,
    CUSTOMER,
    INTENT,
    ArticleRow,
    AssetRow,
    ContactRow,
    CustomerRow,
    IntentRow,
)
from backend.ordering import take_in
from backend.writing import Writing
from sync.clock import rfc3339
from sync.events import (
    Accepted,
    CheckFound,
    CheckOverridden,
    ContactReceived,
    ItemScanned,
    OrderImported,
    OrderLine,
    Reservation,
    SignalObserved,
    VisitArrived,
    VisitDeparted,
)
from sync.payload import Synthesis
from sync.policy import Limits, Policy
from tests.backend.people import Author
from tests.pages.office import Office

HOUR_MS = 3_600_000


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What there is: jobs by what they are good for, an event and an item of the first."""

    whole: str
    held: str
    contested: str
    south: str
    event: str
    offer: str
    item: str = "seal-40"
    serial: str = "S-4711-22"


class Day:
    """Dora at her desk, anna and bo with their devices."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.acting = Acting(office.intake.door, "dora")
        self._actions = 0

    def set_up(self) -> None:
        """Customers, assets, articles, a policy; addresses and phone numbers."""

        def work(writing: Writing) -> None:
            con, now = writing.con, writing.now_ms
            rows: list[tuple[object, str, object]] = [
                (SITE, "north", SiteRow(name="North", zone="Europe/Berlin", address="Lindenstraße 12, Potsdam")),
                (CUSTOMER, "kim", CustomerRow(name="Bäckerei Kim", phone="+49 331 5550100", sites=("north",))),
                (CONTACT, "kim-1", ContactRow(name="Mina Kim", customer="kim", phone="+49 171 555 01 23")),
                (ASSET, "oven-7", AssetRow(name="Oven 7", site="north", serial="BK-2207-88", customer="kim")),
                (ARTICLE, "seal-40", ArticleRow(name="Door seal 40 mm")),
                (INTENT, "no-heat", IntentRow(name="No heat")),
            ]
            for kind, id_, row in rows:
                put(con, kind, id_, row, by="test", now_ms=now)  # type: ignore[arg-type, type-var]  # each fits its kind
            anna = get(con, PERSON, "anna")
            put(con, PERSON, "anna", msgspec.structs.replace(anna, phone="+49 160 5550007"), by="test", now_ms=now)
            self.office.intake.door.cut(writing)
            writing.issue(Policy(boundary="site", version=1, issued_at="", limits=Limits(accept=60)))

        self.office.do(work)

    def open(self, **said: str) -> str:
        """A job that dora opens."""
        self._actions += 1
        asked = msgspec.convert({"action": f"opens-it-{self._actions}", "site": "north"} | said, AskedJob)
        return self.office.do(lambda writing: self.acting.open(writing, asked)).job

    def act(self, job: str, name: str, **said: object) -> list[str]:
        """What dora does with a job, as it stands; hashes of the events."""
        self._actions += 1

        def work(writing: Writing) -> list[str]:
            facts = writing.facts.job(job)
            assert facts is not None
            given = {"action": f"does-it-{self._actions}", "seen": facts.seen} | said
            asked = msgspec.convert(given, EVERY_ACTION[name].shape)
            return [one.event for one in self.acting.act(writing, EVERY_ACTION[name], job, asked).events]

        return self.office.do(work)

    def do(self, work: Callable[[Writing], object]) -> None:
        """Something in a transaction."""
        self.office.do(work)

    async def device(self, client: AsyncClient, person: str) -> Author:
        """An enrolled device of somebody's, signed in and up to date."""
        author = Author.named(person)
        author.clock_ms = self.office.intake.door.world.now_ms()
        name = f"phone-{person}"

        def code(writing: Writing) -> str:
            put(writing.con, DEVICE, name, DeviceRow(people=(person,)), by="test", now_ms=writing.now_ms)
            return make_code(self.office.intake.door, writing, name).code

        await author.enrol(client, self.office.do(code))
        await author.sign_in(client)

        def read(writing: Writing) -> tuple[str, dict[str, str]]:
            policies = {policy.boundary: reference for reference, policy in writing.documents.policies()}
            return writing.documents.roster()[0], policies

        author.roster, author.policies = self.office.do(read)
        return author


async def make(office: Office) -> Made:
    """Afterwards there is a day's work."""
    day = Day(office)
    day.set_up()
    async with AsyncClient(base_url=office.url) as client:
        anna = await day.device(client, "anna")
        now = anna.clock_ms
        whole = day.open(
            asset="oven-7",
            customer="kim",
            intent="no-heat",
            channel="phone",
            wrong="It stays cold, and the baker has to bake at three.",
        )
        order = OrderImported(
            source="erp",
            order="D-10412",
            order_kind="fulfilment",
            site="north",
            reference=whole,
            lines=(OrderLine(line="1", article="seal-40", qty=2, serials=("S-4711-22", "S-4711-23")),),
        )
        read = Orders(orders=(ReadOrder(order, 2),), taken_back=(), quarantined=(), rows=1)
        day.do(lambda writing: take_in(office.intake.door, writing, read))
        payload = {
            "priority": "urgent",
            "state": "not_started",
            "summary": "The oven stays cold. The seal was ordered last week.",
            "next_actions": [{"what": "Fit the seal", "owner": "anna", "due": rfc3339(now + 4 * HOUR_MS)}],
            "risks": [{"if": "the glass is cracked", "then": "leave it off"}],
            "items": [{"id": "seal-40", "expected": 2, "counted": 2}],
        }
        plan = {"stop": "s1", "crew": "anna", "window_from": rfc3339(now), "window_to": rfc3339(now + 2 * HOUR_MS)}
        (*_, offer) = day.act(whole, "dispatch", to=["anna"], boundary="site", payload=payload, plan=plan)
        await anna.pull(client)
        now = anna.clock_ms = office.intake.door.world.now_ms()
        contact = ContactReceived(
            contact="c-1",
            channel="chat",
            customer="kim",
            intent="no-heat",
            transcript="Bot: How can I help?\nMina: The oven is cold again, I said so yesterday.\nBot: I pass this on.",
            had_to_repeat=True,
            occurred_at=rfc3339(now - 2 * HOUR_MS),
        )
        anna.record("contact.received", contact, job=whole)
        accepted = Accepted(
            roster=anna.roster,
            offer=offer,
            party="anna",
            synthesis=Synthesis(words="Fit the seal by noon; cracked glass means off.", shown=4, hits=2),
            met="remote",
            reservations=(Reservation(item="seal-40", counted=1),),
        )
        anna.record("handover.accepted", accepted, job=whole)
        arrived = VisitArrived(visit="v1", site="north", asset="oven-7", entered="scanned")
        anna.record("visit.arrived", arrived, job=whole)
        seen = SignalObserved(
            observed="arrival",
            source="owntracks",
            rests_on=("a",),
            site="north",
            visit="v1",
            lower_ms=now,
            upper_ms=now + 60_000,
        )
        anna.record("signal.observed", seen, job=whole)
        anna.record("item.scanned", ItemScanned(item="S-4711-22", step="installed", visit="v1"), job=whole)
        found = anna.record(
            "check.found",
            CheckFound(check="filters", visit="v1", arm="prompt", gap="photo", text="No photo of the seal"),
            job=whole,
        )
        anna.record("check.overridden", CheckOverridden(found=found.hash, reason="Camera is broken"), job=whole)
        anna.record("visit.departed", VisitDeparted(visit="v1", outcome="done", reason="Works again"), job=whole)
        await anna.push(client)
        await anna.pull(client)

        held = day.open(asset="oven-7", customer="kim", intent="no-heat", priority="urgent", wrong="The light flickers")
        day.act(held, "hold", reason="Part on order")
        contested = day.open(wrong="Door does not lock")
        (*_, second) = day.act(
            contested,
            "dispatch",
            to=["anna"],
            boundary="site",
            payload=payload | {"items": []},
            plan=plan | {"stop": "s2"},
        )
        await anna.pull(client)
        again = msgspec.structs.replace(accepted, offer=second, reservations=())
        anna.record("handover.accepted", again, job=contested)
        day.act(contested, "withdraw", offer=second, reason="Somebody else goes")
        await anna.push(client)
        south = day.open(site="south", party="max", wrong="Gate is stuck", customer="lee")
    return Made(whole=whole, held=held, contested=contested, south=south, event=offer, offer=offer)
