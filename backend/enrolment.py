"""Enrolment: a one-time code binds a device's key to a named device, and its log begins here."""

from typing import Final

import msgspec

from backend.auth import token_hash
from backend.intake import Door
from backend.master import DEVICE, get, put
from backend.office import BACKEND
from backend.reading import read_placed
from backend.store.sqlite import queries
from backend.writing import Place, Writing
from sync.cards import Enrolment, enrolment_text
from sync.codec import decode
from sync.events import LogOpened
from sync.ids import ENTRY_BYTES, b64, digest
from sync.ledger import advance, chain_start
from sync.problems import BAD_ENROLMENT, BAD_SIGNATURE, KEY_TAKEN, Problem
from sync.protocol import EnrolReply, EnrolRequest
from sync.seal import kid_of

_SQL: Final = queries("office")
PRINTED_MS: Final = 7 * 86_400_000
LONGEST_MS: Final = 14 * 86_400_000
"""How long a code lives: on a printed sheet 7 days unless set otherwise, never more than 14."""


def make_code(
    door: Door, writing: Writing, device: str, lives_ms: int = PRINTED_MS, *, url: str | None = None
) -> Enrolment:
    """A new code for a device that is listed; codes made for it before and not used are void.

    The device is told to call `url`, by default the address in the settings.
    """
    get(writing.con, DEVICE, device)
    plain = b64(door.world.token(ENTRY_BYTES))
    writing.con.execute(_SQL["void_codes"].text, {"device": device})
    until = writing.now_ms + min(lives_ms, LONGEST_MS)
    row = {"hash": token_hash(plain), "device": device, "expires_at": until}
    writing.con.execute(_SQL["make_code"].text, row)
    return Enrolment(url=url or door.settings.url, code=plain, fingerprint=door.signer.kid)


def code_text(enrolment: Enrolment) -> str:
    """The text of the code to show or print."""
    return enrolment_text(enrolment)


def enrol(door: Door, writing: Writing, request: EnrolRequest) -> EnrolReply:
    """Afterwards the device's key is in the roster and its log is open, its genesis filed.

    The same request again has the same answer: a lost reply costs nothing. Raises BAD_ENROLMENT,
    KEY_TAKEN, BAD_SIGNATURE or UNREADABLE.
    """
    hash_ = token_hash(request.code)
    row = writing.con.execute(_SQL["code"].text, {"hash": hash_}).fetchone()
    if row is None:
        raise Problem(BAD_ENROLMENT)
    device, expires_at, used_by, genesis, voided = row
    kid = kid_of(request.jwk)
    raw = request.genesis.encode()
    if used_by is not None:
        if (used_by, genesis) != (kid, raw):
            raise Problem(BAD_ENROLMENT, "it was used by another device")
        return _reply(door, writing, device)
    if voided or expires_at < writing.now_ms:
        raise Problem(BAD_ENROLMENT, "it is no longer valid")
    _, directory = writing.documents.roster()
    if directory.device(kid) is not None or directory.is_staff(kid):
        raise Problem(KEY_TAKEN, kid)
    _open(writing, request, raw)
    listed = get(writing.con, DEVICE, device)
    bound = msgspec.structs.replace(listed, jwk=request.jwk)
    put(writing.con, DEVICE, device, bound, by=BACKEND, now_ms=writing.now_ms)
    writing.con.execute(_SQL["use_code"].text, {"hash": hash_, "kid": kid, "genesis": raw})
    door.cut(writing)
    return _reply(door, writing, device)


def _open(writing: Writing, request: EnrolRequest, raw: bytes) -> None:
    """File the genesis: signed by the key it names, the first of a log not held yet."""
    opened = decode(raw, _Opened, "genesis")
    event = read_placed(raw, request.jws, opened.log, 1, request.jwk)
    if not event.kid or not isinstance(event.body, LogOpened) or kid_of(event.body.jwk) != event.kid:
        raise Problem(BAD_SIGNATURE, "a genesis names the key that signed it", "genesis")
    if writing.log(opened.log) is not None:
        raise Problem(KEY_TAKEN, opened.log, "genesis")
    log = writing.open_log(opened.log, request.jwk, staff=False)
    head = advance(chain_start(log.log), digest(raw))
    writing.append(Place(log.ref, 1), raw, head, request.jws, event=event)
    log.through = log.highest = 1
    log.head = head
    log.changed = True
    writing.log_opened(log)


class _Opened(msgspec.Struct, frozen=True):
    log: str


def _reply(door: Door, writing: Writing, device: str) -> EnrolReply:
    people = get(writing.con, DEVICE, device).people
    return EnrolReply(device=device, people=people, epoch=writing.book.epoch, keys=(door.signer.jwk,))
