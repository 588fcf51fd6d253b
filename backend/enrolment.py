"""Enrolment: a one-time code binds a device's key to a named device, and its log begins here."""

import sqlite3
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from backend.accounts.tokens import token_hash
from backend.intake import Door
from backend.keys import backend_keys, bind, enrolled, is_taken
from backend.master import DEVICE, PERSON, find, get
from backend.office import BACKEND
from backend.printing.code_cards import Card
from backend.reading import read_placed
from backend.revoking import revoke
from backend.store.sqlite import queries
from backend.writing import Place, Writing
from sync.cards import Enrolment, enrolment_text
from sync.codec import decode
from sync.details import NOT_BETWEEN, NOTHING_CHOSEN, TOO_MUCH
from sync.events import Event, LogOpened
from sync.ids import ENTRY_BYTES, b64, digest, unb64
from sync.ledger import advance, chain_start
from sync.problems import (
    BAD_ARGUMENT,
    BAD_ENROLMENT,
    BAD_SIGNATURE,
    KEY_TAKEN,
    NOT_FOUND,
    NOT_POSSIBLE_NOW,
    Problem,
)
from sync.protocol import EnrolReply, EnrolRequest
from sync.revocation import Reason
from sync.seal import kid_of

_SQL: Final = queries("office")
_DEVICES: Final = queries("devices")
PRINTED_MS: Final = 7 * 86_400_000
LONGEST_MS: Final = 14 * 86_400_000
"""How long a code lives: on a printed sheet 7 days unless set otherwise, never more than 14."""


SHOWN_MS: Final = 10 * 60_000
"""How long a code lives that is shown on a screen."""
MOST_CARDS: Final = 200
"""Codes on sheets printed at a time."""


def make_code(
    door: Door,
    writing: Writing,
    device: str,
    lives_ms: int = PRINTED_MS,
    *,
    url: str | None = None,
    by: str = BACKEND,
    printed: bool = False,
) -> Enrolment:
    """A new code for a device that is listed; codes made for it before and not used are void.

    The device is told to call `url`, by default the address in the settings.
    """
    get(writing.con, DEVICE, device)
    plain = b64(door.world.token(ENTRY_BYTES))
    writing.con.execute(_SQL["void_codes"].text, {"device": device})
    until = writing.now_ms + min(lives_ms, LONGEST_MS)
    row = {"hash": token_hash(plain), "device": device, "expires_at": until}
    made = {"made_at": writing.now_ms, "made_by": by, "printed": int(printed)}
    writing.con.execute(_SQL["make_code"].text, row | made)
    return Enrolment(url=url or door.settings.url, code=plain, fingerprint=door.signer.kid)


def make_cards(
    door: Door, writing: Writing, devices: Sequence[str], lives_ms: int, *, url: str | None = None, by: str
) -> tuple[Card, ...]:
    """A printed code for each of these devices, in this order; what was printed for them before is void.

    Raises NOT_FOUND for one that is not listed, BAD_ARGUMENT for a life beyond 14 days and for more than 200 devices:
    then none has a new code.
    """
    chosen = tuple(dict.fromkeys(devices))
    if not 60_000 <= lives_ms <= LONGEST_MS:
        raise Problem(BAD_ARGUMENT, NOT_BETWEEN.of(least=1, most=LONGEST_MS // 86_400_000), "days")
    if not chosen:
        raise Problem(BAD_ARGUMENT, NOTHING_CHOSEN.of(), "devices")
    if len(chosen) > MOST_CARDS:
        raise Problem(BAD_ARGUMENT, TOO_MUCH.of(most=MOST_CARDS), "devices")
    cards = []
    for device in chosen:
        made = make_code(door, writing, device, lives_ms, url=url, by=by, printed=True)
        people = get(writing.con, DEVICE, device).people
        rows = [(person, find(writing.con, PERSON, person)) for person in people]
        names = tuple(row.name or person if row else person for person, row in rows)
        ends = writing.now_ms + lives_ms
        cards.append(Card(device=device, people=names, text=code_text(made), url=made.url, expires_ms=ends))
    return tuple(cards)


def code_name(enrolment: Enrolment) -> str:
    """By what the fate of a code can be asked for; it cannot be used with it."""
    return b64(token_hash(enrolment.code))


Fate = Literal["open", "used", "over", "void"]


def fate_of(con: sqlite3.Connection, device: str, name: str, now_ms: int) -> Fate:
    """What became of a code for this device; NOT_FOUND where none of this name was made for it."""
    try:
        row = con.execute(_DEVICES["code_state"].text, {"hash": unb64(name)}).fetchone()
    except Problem:
        row = None
    if row is None or row[0] != device:
        raise Problem(NOT_FOUND, "code")
    _, expires_at, used_by, voided = row
    if used_by is not None:
        return "used"
    return "void" if voided else "over" if expires_at <= now_ms else "open"


def void_codes(writing: Writing, device: str) -> int:
    """Afterwards no code made for this device can be used any more; how many could until now."""
    get(writing.con, DEVICE, device)
    return writing.con.execute(_SQL["void_codes"].text, {"device": device}).rowcount


def revoke_device(
    door: Door, writing: Writing, device: str, reason: Reason, *, suspect: tuple[str, int] | None, by: str
) -> Event:
    """Afterwards no key of the device may record, no code for it can be used, and the roster says so.

    Every key that is not revoked is, and of one that is, for a graver reason, once more. NOT_FOUND for a device that
    is not listed, NOT_POSSIBLE_NOW for one without a key. `by` is a person whose role was checked.
    """
    void_codes(writing, device)
    keys = enrolled(writing.con, device)
    ending = [key for key in keys if not key.revoked] or keys[-1:]
    if not ending:
        raise Problem(NOT_POSSIBLE_NOW, f"{device} was never enrolled")
    events = [revoke(writing, door.office, key.kid, reason, suspect=suspect, by=by) for key in ending]
    door.cut(writing)
    return events[-1]


def code_text(enrolment: Enrolment) -> str:
    """The text of the code to show or print."""
    return enrolment_text(enrolment)


def enrol(door: Door, writing: Writing, request: EnrolRequest) -> EnrolReply:
    """Afterwards the device's key is in the roster and its log is open, its genesis filed.

    A key that it had before is revoked: what is held of its log stands, and what it still has it may hand over.
    The same request again has the same answer: a lost reply costs nothing. Raises BAD_ENROLMENT, KEY_TAKEN,
    BAD_SIGNATURE or UNREADABLE.
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
        return _reply(writing, device)
    if voided or expires_at < writing.now_ms:
        raise Problem(BAD_ENROLMENT, "it is no longer valid")
    if is_taken(writing.con, kid):
        raise Problem(KEY_TAKEN, kid)
    for before in enrolled(writing.con, device):
        if not before.revoked:
            revoke(writing, door.office, before.kid, "left", suspect=None, by=BACKEND)
    _open(writing, request, raw)
    bind(writing.con, device, request.jwk, writing.now_ms)
    writing.con.execute(_SQL["use_code"].text, {"hash": hash_, "kid": kid, "genesis": raw})
    door.cut(writing)
    return _reply(writing, device)


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


def _reply(writing: Writing, device: str) -> EnrolReply:
    people = get(writing.con, DEVICE, device).people
    return EnrolReply(device=device, people=people, epoch=writing.book.epoch, keys=backend_keys(writing.con))
