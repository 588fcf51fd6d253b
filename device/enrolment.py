"""Binding this device to a backend, by a one-time code: a key, a log with its genesis, and the backend's word.

Key and log are durable before anything is sent: where the answer is lost, the same is asked again, and the
backend knows it by the key.
"""

import sqlite3
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from device.keyring import load_key, make_key
from device.store import fate, log, pulled
from device.store.log import LogRow
from device.store.sqlite import Store
from device.transport import Connect, Request, refusal
from device.world import World
from sync.cards import Enrolment, read_enrolment
from sync.codec import decode, encode
from sync.events import Draft, LogOpened
from sync.ids import LOG_BYTES, b64
from sync.problems import (
    ALREADY_ENROLLED,
    BAD_ENROLMENT,
    NO_CONNECTION,
    NOT_BOUND,
    OTHER_BACKEND,
    UNSENT,
    Problem,
    catalogue,
)
from sync.protocol import EnrolReply, EnrolRequest
from sync.seal import Signer, kid_of

_KINDS: Final = {kind.slug: kind for kind in catalogue()}
SOFTWARE: Final = f"handover {version('handover')}"


def enrolment_in(text: str) -> Enrolment:
    """What an enrolment code says, typed with or without the spaces and line ends that typing brings."""
    return read_enrolment(text.strip("\r\n"))


async def begin(store: Store, directory: Path, world: World, card: Enrolment) -> tuple[LogRow, Signer]:
    """Afterwards key and log are durable here, asked for with this code.

    ALREADY_ENROLLED where a log is in use; UNSENT where one that was stopped, or whose key was revoked, is not wholly
    received: what comes after it would be put aside.
    """
    row = await store.reading(log.current)
    ended = row is not None and (row.state == "stopped" or await store.reading(partial(fate.fate, row=row)) is not None)
    if row is not None and ended:
        stopped = row
        held = await store.reading(lambda con: log.held(con, stopped, pulled.conversation(con).epoch))
        if held.waiting:
            raise Problem(UNSENT, f"{held.waiting} events")
    if row is not None and row.state == "enrolled" and not ended:
        raise Problem(ALREADY_ENROLLED, row.device)
    if row is not None and row.state == "asked":
        asked = row
        await store.writing(
            lambda con: log.ask_again(con, asked, url=card.url, code=card.code, fingerprint=card.fingerprint)
        )
        return asked, load_key(directory, asked.kid)
    signer = make_key(directory, world)
    world.fault("key-kept")
    former = row.log if row else ""

    def work(con: sqlite3.Connection) -> LogRow:
        opened = log.open_log(
            con,
            log=b64(world.token(LOG_BYTES)),
            kid=signer.kid,
            url=card.url,
            code=card.code,
            fingerprint=card.fingerprint,
        )
        # Its name in the roster is the backend's to give: until then the device is what its key is called.
        body = LogOpened(device=signer.kid, jwk=signer.jwk, software=SOFTWARE, former=former)
        genesis = Draft(kind="log.opened", actor=signer.kid, body=body)
        log.append(con, opened, [genesis], world.moment(), signer)
        return opened

    return await store.writing(work), signer


async def ask(store: Store, row: LogRow, signer: Signer, card: Enrolment, connect: Connect) -> EnrolReply:
    """Afterwards the device is enrolled; asking again after a lost answer gives the same.

    Raises NOT_BOUND where nobody answers, OTHER_BACKEND, BAD_ENROLMENT or whatever else the backend says no with.
    """
    (genesis,) = await store.reading(lambda con: log.lines_between(con, row, 1, 1))
    request = EnrolRequest(code=card.code, jwk=signer.jwk, genesis=genesis.raw.decode(), jws=genesis.jws)
    headers = {"content-type": "application/json"}
    try:
        transport = connect(card.url)
        try:
            response = await transport.send(
                Request(method="POST", path="/v1/enrol", headers=headers, body=encode(request))
            )
        finally:
            transport.close()
    except Problem as problem:
        if problem.kind is not NO_CONNECTION:
            raise
        raise Problem(NOT_BOUND, problem.detail, card.url) from problem  # what is not bound yet tries nothing by itself
    if not 200 <= response.status < 300:
        no = refusal(response)
        raise Problem(_KINDS.get(no.slug, BAD_ENROLMENT), no.detail or f"HTTP {no.status}", card.url)
    reply = decode(response.body, EnrolReply, "enrolment")
    # The code was read off a trusted screen: of all keys that come over the wire only the one it names counts.
    keys = tuple(jwk for jwk in reply.keys if kid_of(jwk) == card.fingerprint)
    if not keys:
        raise Problem(OTHER_BACKEND, card.url)

    def work(con: sqlite3.Connection) -> None:
        log.enrolled(con, row, device=reply.device, keys=keys)
        pulled.enter_epoch(con, reply.epoch)

    await store.writing(work)
    return reply
