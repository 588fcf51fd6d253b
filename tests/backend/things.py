"""What the table of permits is tried on: somebody for each role and scope, and one thing of each kind, here."""

from dataclasses import dataclass
from typing import Final

from httpx import AsyncClient

from backend.accounts.identities import Identity, link
from backend.accounts.sessions import open_session, sessions_of
from backend.accounts.tokens import TokenAsked, keep_token, make_token, tokens_of
from backend.enrolment import code_name, make_code
from backend.exchange.orders import of_rows
from backend.filters import SavedFilter, keep_filter
from backend.intake import Intake
from backend.mapping import Mapping
from backend.master import DEVICE, PERSON, SITE, TEAM, DeviceRow, PersonRow, SiteRow, TeamRow, put
from backend.masters.files import keep_file
from backend.order_imports import Said, import_orders, keep_mapping
from backend.policies.keeping import put_in_force
from backend.tables import Row
from backend.uploads import Upload, keep_upload
from backend.webhooks import endpoints
from backend.webhooks.endpoints import AskedHook
from backend.writing import Writing
from sync.events import Blob, NoteWritten, VisitArrived
from sync.ids import b64, digest
from sync.policy import Policy
from tests.backend.conftest import BOUNDARY, catch_up
from tests.backend.people import NOON, Author, FixedWorld, Staff
from tests.backend.permits import ROLES, SCOPES

PHOTO: Final = b"\x89PNG\r\n\x1a\n of the pump"
SITES: Final[dict[str, tuple[str, ...]]] = {
    "here": ("north",),
    "elsewhere": ("south",),
    "nowhere": (),
    "everywhere": ("*",),
}
RUN: Final = 7_000_001
UPLOAD: Final = "a-file-of-the-owner"
ASIDE: Final = 7_000_002
"""Numbers that stand in no answer by chance."""
UNKNOWN: Final = {
    "job": "J" * 22,
    "site": "nowhere-at-all",
    "handover": "H" * 43,
    "blob": "B" * 42 + "A",
    "visit": "no-visit",
    "order": "erp-north/no-number",
    "stray": "erp-north/no-stray",
    "aside": "987654",
    "run": "987655",
    "mapping": "no-mapping",
    "source": "erp-north",
    "number": "no-number",
    "upload": "no-upload-here",
    "device": "no device",
    "code": "C" * 42 + "A",
    "session": "S" * 12,
    "hook": "no-hook",
    "person": "nobody-here",
    "somebody": "nobody-else",
    "team": "no-team",
    "program": "no-program",
    "token": "T" * 12,
    "link": "L" * 32,
    "provider": "no-provider",
    "issuer": "https://nobody.example",
    "boundary": "no-boundary",
    "sheet": "no-sheet",
    "file": "no-file",
    "item": "no-such-item",
    "saved": "no-filter",
    "do": "nothing-that-is-done",
}
"""A name of each kind that nothing has."""


HOOK: Final = AskedHook(label="ERP", url="https://127.0.0.1/hook", kinds=("handover",), sites=("*",))


@dataclass(frozen=True)
class Caller:
    """Who calls: a role and a scope, the bearer token for programs and devices, the session of a browser."""

    role: str
    scope: str
    token: str = ""
    session: str = ""

    @property
    def reaches(self) -> bool:
        """True where the job is in this scope; of technicians, whose own it is."""
        if self.role == "device":
            return self.scope == "here"
        if self.role in ("technician", "none", "nobody"):
            return (self.role, self.scope) == ("technician", "here")
        return self.scope in ("here", "everywhere")

    def __str__(self) -> str:
        return f"{self.role}-{self.scope}"


@dataclass(frozen=True)
class Things:
    """Everybody, and the name of each thing that stands in the table."""

    callers: tuple[Caller, ...]
    names: dict[str, str]


async def furnish(client: AsyncClient, intake: Intake, world: FixedWorld) -> Things:
    """Afterwards there is somebody for each role and scope, and in the north a job with all that hangs on one."""
    rows: dict[tuple[str, str], PersonRow] = {("none", "everywhere"): PersonRow(sites=("*",))}
    rows |= {(role, scope): PersonRow(roles=(role,), sites=SITES[scope]) for role in ROLES for scope in SCOPES}
    others = {
        "owner": PersonRow(sites=("*",)),
        "somebody": PersonRow(),
        "the-importer": PersonRow(roles=("integration",)),
        "dora": PersonRow(roles=("dispatcher",), teams=("desk",), sites=("*",)),
    }

    def begin(writing: Writing) -> list[Caller]:
        for site in ("north", "south"):
            put(writing.con, SITE, site, SiteRow(name=site), by="test", now_ms=writing.now_ms)
        for person, row in ({"-".join(key): row for key, row in rows.items()} | others).items():
            put(writing.con, PERSON, person, row, by="test", now_ms=writing.now_ms)
        put(writing.con, TEAM, "crew", TeamRow(), by="test", now_ms=writing.now_ms)
        put(writing.con, DEVICE, "spare", DeviceRow(), by="test", now_ms=writing.now_ms)
        intake.door.cut(writing)
        writing.issue(Policy(boundary=BOUNDARY, version=1, issued_at=""))
        _token(writing, "dora")
        return [_caller(writing, world, role, scope) for role, scope in rows]

    callers = await intake.do(begin)
    here = await _device(client, intake, "technician-here")
    elsewhere = await _device(client, intake, "technician-elsewhere")
    await _device(client, intake, "spare", people=())
    callers += [Caller("device", "here", token=here.token), Caller("device", "elsewhere", token=elsewhere.token)]
    names = await _job(client, here, Staff("dora", client, "token-of-dora"))
    await intake.do(lambda writing: _orders(writing, intake, names["job"]))
    names |= await intake.do(lambda writing: _accounts(writing, world))
    hook = await intake.do(lambda writing: endpoints.add(writing.con, world, HOOK, by="dora"))
    edge = Policy(boundary="yard-to-lorry", version=1, issued_at="")
    await intake.do(lambda writing: put_in_force(writing, edge, by="dora"))
    file = await intake.do(lambda writing: keep_file(intake.door, writing, "sites.csv", b"id\nnorth\n", by="dora"))
    names |= {"sheet": "sites", "file": file}
    kept = SavedFilter(id="", person="owner", name="mine", query="", role="")
    await intake.do(lambda writing: keep_filter(writing.con, world, kept, page="/jobs", roles=()))
    names |= {"saved": await intake.do(_filter_of_owner), "item": "seal-of-the-pump", "do": "reassign"}
    names |= {"hook": hook, "boundary": edge.boundary}
    names |= {"order": "erp-north/order-7", "stray": "erp-north/order-8", "source": "erp-north", "number": "order-7"}
    names |= {"aside": str(ASIDE), "run": str(RUN), "mapping": "erp-north", "upload": UPLOAD}
    code = await intake.do(lambda writing: code_name(make_code(intake.door, writing, "spare")))
    names |= {"device": "spare", "code": code, "site": "north"}
    return Things((Caller("nobody", "nowhere"), *callers), names)


def _caller(writing: Writing, world: FixedWorld, role: str, scope: str) -> Caller:
    person = f"{role}-{scope}"
    session = open_session(writing.con, world, person, agent="test", address="test")
    return Caller(role, scope, token=_token(writing, person), session=session)


def _orders(writing: Writing, intake: Intake, job: str) -> None:
    """An order that hangs on the job, one that waits for one, and a row that nobody can use."""
    plain = {"source": "erp-north", "kind": "fulfilment", "site": "north"}
    goods = {"line": "1", "article": "seal-of-the-pump", "qty": "1"}
    more = ({"id": "order-7", "reference": job} | goods, {"id": "order-8"}, {"id": "order-9", "minutes": "soon"})
    read = of_rows([Row(line, plain | one) for line, one in enumerate(more, 2)], {"north": "UTC"})
    import_orders(intake.door, writing, read, Said(by="somebody", via="page", file="goods.csv"))
    keep_mapping(writing, "erp-north", Mapping(), "somebody")
    keep_upload(writing, Upload(id=UPLOAD, file="more.csv", raw=b"id\n1\n", name="", mapping=None), "owner")
    writing.con.execute("UPDATE order_run SET id = ?", (RUN,))
    writing.con.execute("UPDATE order_aside SET id = ?, run = ?", (ASIDE, RUN))


def _token(writing: Writing, person: str) -> str:
    token = f"token-of-{person}"
    keep_token(writing.con, token, person, now_ms=NOON)
    return token


def _accounts(writing: Writing, world: FixedWorld) -> dict[str, str]:
    """Somebody's session and account elsewhere, and a program's token, none of them a caller's."""
    con, now_ms = writing.con, writing.now_ms
    open_session(con, world, "owner", agent="test", address="test")
    link(con, Identity(issuer="https://id.example", subject="owner"), "owner", now_ms)
    make_token(con, world, "the-importer", TokenAsked(), by="test")
    (session,), (token,) = sessions_of(con, "owner", now_ms), tokens_of(con, "the-importer", now_ms)
    people = {"person": "owner", "somebody": "somebody", "team": "crew", "program": "the-importer"}
    people |= {"provider": "house", "issuer": "https://id.example"}
    return people | {"session": session.id, "token": token.id}


def _filter_of_owner(writing: Writing) -> str:
    (id_,) = writing.con.execute("SELECT id FROM saved_filter WHERE person = 'owner'").fetchone()
    return str(id_)


async def _device(client: AsyncClient, intake: Intake, person: str, people: tuple[str, ...] | None = None) -> Author:
    author = Author.named(person)

    def code(writing: Writing) -> str:
        row = DeviceRow(people=(person,) if people is None else people)
        put(writing.con, DEVICE, person, row, by="test", now_ms=writing.now_ms)
        return make_code(intake.door, writing, person).code

    await author.enrol(client, await intake.do(code))
    await author.sign_in(client)
    await catch_up(author, intake)
    return author


async def _job(client: AsyncClient, author: Author, dora: Staff) -> dict[str, str]:
    """A job of the desk, offered to the author, who came, and left a note with a photo."""
    job = await dora.open_job()
    payload = {"priority": "routine", "summary": "The pump hums", "next_actions": [{"what": "look"}]}
    done = await dora.do(job, "dispatch", to=[author.person], boundary=BOUNDARY, payload=payload)
    offer = next(event["event"] for event in done["events"] if event["kind"] == "handover.offered")
    author.record("visit.arrived", VisitArrived(visit="the-visit", site="north"), job=job)
    photo = Blob(sha256=b64(digest(PHOTO)), size=len(PHOTO), type="image/png", what="photo")
    author.record("note.written", NoteWritten(text="see the picture"), job=job, blobs=(photo,))
    await author.push(client)
    query = {"offset": "0", "size": str(len(PHOTO)), "check": photo.sha256}
    headers = {"authorization": author.headers["authorization"]}
    answer = await client.put(f"/v1/sync/blobs/{photo.sha256}", params=query, content=PHOTO, headers=headers)
    assert answer.status_code == 200, answer.text
    return {"job": job, "handover": offer, "blob": photo.sha256, "visit": "the-visit"}
