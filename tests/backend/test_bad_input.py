"""Everything that is wrong on the wire is a named problem with a remedy, and holds up nothing else."""

import gzip
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from httpx import AsyncClient, Response

from sync.codec import encode
from sync.events import JobOpened, NoteWritten
from sync.ids import job_id
from sync.protocol import EnrolRequest, SessionRequest, deflate
from tests.backend.people import NOON, Author, codes, words

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]

YEARS_MS = 10 * 366 * 86_400_000


def named(answer: Response, status: int) -> str:
    """The slug of the problem in an answer of this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["remedy"] in ("retry", "fix", "ask")
    assert said["advice"]
    return str(said["type"]).rpartition(":")[2]


async def pushed(client: AsyncClient, author: Author, body: bytes, **headers: str) -> Response:
    return await client.post("/v1/sync/push", content=body, headers=author.headers | headers)


@pytest.fixture
async def anna(enrolled: Enrol) -> Author:
    return await enrolled("anna")


@pytest.fixture
def job(anna: Author) -> str:
    """A job of anna's, recorded and not yet pushed."""
    return job_id(anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="north")).hash)


async def test_a_body_that_is_no_push_is_refused_as_a_whole(client: AsyncClient, anna: Author, job: str) -> None:
    assert job
    whole = anna.batch(2, 2)
    head, line = whole.split(b"\n")
    header, jws = head.split(b"\t")
    other = Author.named("bo")
    cases: list[tuple[bytes, int, str]] = [
        (deflate(whole)[:-9], 400, "unreadable"),
        (b"not gzip at all", 400, "unreadable"),
        (deflate(b""), 400, "bad-header"),
        (deflate(header + b"\n" + line), 400, "bad-header"),
        (deflate(whole + b"\n" + line), 400, "bad-header"),
        (deflate(head), 400, "bad-header"),
        (deflate(header + b"\t" + other.signer.sign(header, "ho-batch").encode() + b"\n" + line), 400, "bad-signature"),
        (deflate(header + b"\t" + anna.signer.sign(header, "ho-doc").encode() + b"\n" + line), 400, "bad-signature"),
        (deflate(header + b"\t" + jws + b"\n" + line.replace(b"north", b"South")), 400, "bad-header"),
        (deflate(b"\xff\xfe\t" + jws + b"\n" + line), 400, "bad-header"),
        (deflate(b"[" * 5000 + b"\t" + jws + b"\n" + line), 400, "bad-header"),
        (gzip.compress(b" " * 2_000_000), 413, "too-large"),
        (b"x" * 2_000_000, 413, "too-large"),
    ]
    for body, status, slug in cases:
        assert named(await pushed(client, anna, body), status) == slug, body[:60]
    assert words(await anna.push(client, 2)) == ["applied"]


async def test_a_push_says_what_it_is(client: AsyncClient, anna: Author, job: str) -> None:
    assert job
    body = deflate(anna.batch(2, 2))
    assert named(await pushed(client, anna, body, **{"content-type": "text/plain"}), 415) == "wrong-media"
    assert named(await pushed(client, anna, body, **{"content-encoding": "br"}), 415) == "wrong-media"
    plain = await pushed(client, anna, anna.batch(2, 2), **{"content-encoding": "identity"})
    assert plain.status_code == 200


BAD_EVENTS: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"hello", "unreadable"),
    "empty": (b"", "unreadable"),
    "not UTF-8": (b'{"v":1,"log":"\xff\xff"}', "unreadable"),
    "a key twice": (b'{"v":1,"v":1}', "unreadable"),
    "NaN": (b'{"v":NaN}', "unreadable"),
    "a huge number": (b'{"v":12345678901234567890123}', "unreadable"),
    "nested too deeply": (b'{"v":' + b"[" * 3000 + b"]" * 3000 + b"}", "unreadable"),
    "a lone surrogate": (b'{"v":1,"log":"\\ud800"}', "unreadable"),
    "larger than an event may be": (b'{"v":1,"x":"' + b"y" * 70_000 + b'"}', "event-too-large"),
}


@pytest.mark.parametrize("name", BAD_EVENTS)
async def test_a_bad_event_among_good_ones_is_stored_and_refused_and_the_others_are_applied(
    name: str, client: AsyncClient, anna: Author, job: str
) -> None:
    raw, code = BAD_EVENTS[name]
    anna.keep(raw)
    anna.record("note.written", NoteWritten(text="after it"), job=job)
    reply = await anna.push(client, 2)
    assert words(reply) == ["applied", "refused", "applied"]
    assert codes(reply)[1] == code
    assert reply.verdicts[1].remedy == "fix"
    assert reply.received_through == 4
    again = await anna.push(client, 2)
    assert (words(again), codes(again)) == (words(reply), codes(reply))


async def test_an_event_of_another_place_or_with_a_false_signature_is_refused_alone(
    client: AsyncClient, anna: Author, job: str
) -> None:
    anna.record("note.written", NoteWritten(text="moved"), job=job)
    moved = anna.events[-1].raw
    anna.keep(moved)
    opened = anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="north"))
    opened.jws = Author.named("bo").signer.sign(opened.raw, "ho-event")
    unsigned = anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="south"))
    unsigned.jws = ""
    reply = await anna.push(client, 2)
    assert words(reply) == ["applied", "applied", "refused", "refused", "refused"]
    assert codes(reply)[2:] == ["misplaced", "bad-signature", "not-signed"]


async def test_clocks_ten_years_off_change_no_verdict(client: AsyncClient, anna: Author, job: str) -> None:
    for shift in (-YEARS_MS, YEARS_MS):
        anna.clock_ms = NOON + shift
        anna.record("note.written", NoteWritten(text=f"by a clock {shift} ms off"), job=job)
    assert words(await anna.push(client, 2)) == ["applied"] * 3


async def test_what_a_newer_version_wrote_is_parked(client: AsyncClient, anna: Author, job: str) -> None:
    anna.record("note.written", NoteWritten(text="from tomorrow"), job=job)
    newer = msgspec.json.decode(anna.events.pop().raw)
    anna.chains.pop()
    anna.keep(encode(newer | {"v": 2}))
    anna.keep(encode(newer | {"seq": 4, "kind": "note.sung"}))
    reply = await anna.push(client, 2)
    assert words(reply) == ["applied", "parked", "parked"]
    assert codes(reply)[1:] == ["newer-schema"] * 2


async def test_nobody_pushes_or_pulls_without_a_session(client: AsyncClient, anna: Author) -> None:
    anna.token = anna.token[::-1]
    assert named(await pushed(client, anna, b""), 401) == "not-signed-in"
    answer = await client.get("/v1/sync/pull", headers=anna.headers)
    assert (named(answer, 401), answer.headers["www-authenticate"]) == ("not-signed-in", "Bearer")
    assert named(await client.get("/api/jobs"), 401) == "not-signed-in"


async def test_a_push_into_somebody_elses_log_is_refused(
    client: AsyncClient, anna: Author, enrolled: Enrol, job: str
) -> None:
    assert job
    bo = await enrolled("bo")
    body = deflate(anna.batch(2, 2))
    assert named(await pushed(client, bo, body), 400) == "bad-signature"
    thief = anna.fork()
    thief.signer, thief.token = bo.signer, bo.token
    assert named(await pushed(client, thief, deflate(thief.batch(2, 2))), 403) == "not-permitted"


async def test_a_challenge_is_answered_once_by_a_key_that_is_listed(client: AsyncClient, anna: Author) -> None:
    challenge = (await client.post("/v1/session/challenge")).json()["challenge"]
    stranger = Author.named("stranger")
    for signer, typ, status in ((stranger.signer, "ho-session", 401), (anna.signer, "ho-event", 401)):
        asked = encode(SessionRequest(challenge=challenge, jws=signer.sign(challenge.encode(), typ)))  # type: ignore[arg-type]
        named(await client.post("/v1/session", content=asked), status)
    again = encode(SessionRequest(challenge=challenge, jws=anna.signer.sign(challenge.encode(), "ho-session")))
    assert named(await client.post("/v1/session", content=again), 401) == "not-signed-in"


async def test_an_enrolment_code_works_once_for_one_key(client: AsyncClient, anna: Author) -> None:
    stranger = Author.named("stranger")
    genesis = stranger.events[0]
    asked = EnrolRequest(code="guess", jwk=stranger.signer.jwk, genesis=genesis.raw.decode(), jws=genesis.jws)
    for _ in range(20):
        assert named(await client.post("/v1/enrol", content=encode(asked)), 403) == "bad-enrolment"
    answer = await client.post("/v1/enrol", content=encode(asked))
    assert (named(answer, 429), answer.headers["retry-after"]) == ("too-many", "5")
    assert anna.token


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/v1/nowhere", 404, "not-found"),
        ("DELETE", "/v1/session", 405, "wrong-method"),
        ("POST", "/v1/enrol", 400, "unreadable"),
    ],
)
async def test_wrong_addresses_and_methods_are_problems_too(
    client: AsyncClient, anna: Author, method: str, path: str, status: int, slug: str
) -> None:
    answer = await client.request(method, path, headers=anna.headers, content=b"{")
    assert named(answer, status) == slug


async def test_health_and_schema_are_open(client: AsyncClient, anna: Author) -> None:
    assert anna.token
    assert (await client.get("/health/live")).json()["status"] == "alive"
    assert (await client.get("/health/ready")).json()["status"] == "ready"
    paths = (await client.get("/schema/openapi.json")).json()["paths"]
    assert {"/v1/sync/push", "/api/jobs/{job}/dispatch"} <= set(paths)


@pytest.mark.parametrize("name", ["", "x", "no base64 at all!", "A" * 21 + "B", "A" * 400])
async def test_an_event_about_a_job_of_no_possible_name_holds_up_no_other(
    name: str, client: AsyncClient, anna: Author, job: str
) -> None:
    anna.record("note.written", NoteWritten(text="about what?"), job=name)
    anna.record("note.written", NoteWritten(text="after it"), job=job)
    reply = await anna.push(client, 2)
    assert words(reply)[0::2] == ["applied", "applied"]
    assert words(reply)[1] in ("parked", "refused")
