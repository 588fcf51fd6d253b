"""A handover as a folder of files that anybody can verify: payloads, detached signatures, keys, and a manifest of all.

Whoever knows JOSE needs nothing of ours; `backend/proofs.py` does the same with our own code, and judges again.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final

import msgspec

from backend.exhibits import Dossier, Exhibit
from sync.codec import encode
from sync.events import EventRedacted
from sync.ids import b64, digest
from sync.protocol import Receipt, receipt_text
from sync.seal import Jwk, Signer, kid_in, kid_of

MANIFEST: Final = "manifest.json"
MANIFEST_JWS: Final = "manifest.jws"
JWKS: Final = "jwks.json"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a ZIP: the oldest it can say, so that the same proof is the same bytes."""


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as RFC 7517 writes it."""

    kty: str = "OKP"
    crv: str = "Ed25519"
    x: str
    kid: str
    alg: str = "Ed25519"
    use: str = "sig"


class Keys(msgspec.Struct, frozen=True):
    """A JWK set."""

    keys: tuple[PublicKey, ...]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A file: its name, size and SHA-256, base64url."""

    name: str
    size: int
    sha256: str


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event in the proof: `file` are its bytes, `jws` its signature where it has one of its own, else `batch`.

    Of an event that was redacted the file holds what is left, as the event `redacted` (a hash) says, in place of any
    signature; the hash is that of the bytes, which are gone.

    `before` is the chain value before it, base64url, where all before it is held; `receipt` is the office's word for
    that. Whoever reads `events` in order meets what is named before what names it.
    """

    file: str
    hash: str
    log: str
    seq: int
    kind: str
    kid: str
    jws: str = ""
    batch: str = ""
    before: str = ""
    receipt: str = ""
    received_at: int = 0
    redacted: str = ""


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """A batch: its signed header, and the digests of its events from seq `first` on, base64url."""

    file: str
    jws: str
    log: str
    first: int
    digests: tuple[str, ...]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A code as the other side scanned it: `frame` is the file with its bytes, `by` the event that says so."""

    frame: str
    by: str
    holds: tuple[str, ...]


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A signed document that events were made under."""

    file: str
    jws: str
    key: str
    reference: str


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key this is: a device's id, or `backend`."""

    kid: str
    of: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, tag_field="doc", tag="proof"):
    """What the proof holds, and what follows from it; signed by the office as a document."""

    version: int = 1
    issued_at: str
    epoch: str
    subject: str
    job: str
    outcome: str
    accountable: str
    confirmed: bool
    events: tuple[Shown, ...]
    openings: tuple[Shown, ...]
    batches: tuple[Vouched, ...]
    documents: tuple[Paper, ...]
    witnesses: tuple[Seen, ...]
    keys: tuple[Owner, ...]
    files: tuple[Listed, ...]


class _Files:
    """Files on their way into the folder."""

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}

    def put(self, name: str, raw: bytes) -> str:
        self.found[name] = raw
        return name

    def signed(self, stem: str, raw: bytes, jws: str) -> tuple[str, str]:
        return self.put(f"{stem}.json", raw), self.put(f"{stem}.jws", jws.encode("ascii"))

    def listed(self) -> tuple[Listed, ...]:
        return tuple(
            Listed(name=name, size=len(raw), sha256=b64(digest(raw))) for name, raw in sorted(self.found.items())
        )


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What the proof says in words: `outcome` in one, `files` the readable statements by name."""

    outcome: str
    files: Mapping[str, bytes]


def write_proof(dossier: Dossier, said: Said, signer: Signer, issued_at: str) -> dict[str, bytes]:
    """Every file of the proof by its name, the manifest last; receipts and manifest are signed now."""
    files = _Files()
    for name, raw in said.files.items():
        files.put(name, raw)
    openings = tuple(
        _show(files, f"events/00-{number}-{one.event.kind}", one, "", "")
        for number, one in enumerate(dossier.openings, 1)
    )
    batches: dict[bytes, Vouched] = {}
    events: list[Shown] = []
    for number, one in enumerate((*dossier.exhibits, *(witness.by for witness in dossier.witnesses)), 1):
        stem = f"{number:02}-{one.event.kind}"
        batch = _vouch(files, batches, one)
        events.append(_show(files, f"events/{stem}", one, _receipt(files, stem, one, dossier.epoch, signer), batch))
    documents: list[Paper] = []
    for document in dossier.documents:
        stem = f"documents/{document.key.replace(':', '-')}-{document.reference}".replace("/", "-", 0)
        file, jws = files.signed(_safe(stem), document.raw, document.jws)
        documents.append(Paper(file=file, jws=jws, key=document.key, reference=document.reference))
    witnesses = tuple(
        Seen(
            frame=files.put(f"witness/{number:02}.frame", witness.frame),
            by=witness.by.event.hash,
            holds=witness.holds,
        )
        for number, witness in enumerate(dossier.witnesses, 1)
    )
    keys = _keys(dossier, signer)
    files.put(JWKS, encode(Keys(tuple(PublicKey(x=jwk.x, kid=kid) for kid, jwk in sorted(keys.items())))))
    manifest = Manifest(
        issued_at=issued_at,
        epoch=dossier.epoch,
        subject=dossier.subject.event.hash,
        job=dossier.job,
        outcome=said.outcome,
        accountable=dossier.accountable,
        confirmed=dossier.handover.confirmed if dossier.handover else False,
        events=tuple(events),
        openings=openings,
        batches=tuple(batches.values()),
        documents=tuple(documents),
        witnesses=witnesses,
        keys=tuple(Owner(kid=kid, of=dossier.owners.get(kid, "backend")) for kid in sorted(keys)),
        files=files.listed(),
    )
    raw = encode(manifest)
    files.put(MANIFEST, raw)
    files.put(MANIFEST_JWS, signer.sign(raw, "ho-doc").encode("ascii"))
    return files.found


def _safe(name: str) -> str:
    """A boundary's name may hold what no file's may."""
    path = PurePosixPath(name)
    return str(path.parent / "".join(one if one.isalnum() or one in "-._" else "_" for one in path.name))


def _show(files: _Files, stem: str, one: Exhibit, receipt: str, batch: str) -> Shown:
    raw, jws, redacted = one.raw, one.jws, ""
    if one.restated is not None and isinstance(one.restated.event.body, EventRedacted):
        raw, jws, redacted = one.restated.event.body.restated.encode(), "", one.restated.event.hash
    return Shown(
        file=files.put(f"{stem}.json", raw),
        hash=one.event.hash,
        log=one.event.log,
        seq=one.event.seq,
        kind=one.event.kind,
        kid=one.kid,
        jws=files.put(f"{stem}.jws", jws.encode("ascii")) if jws else "",
        batch=batch,
        before=b64(one.before) if one.before is not None else "",
        receipt=receipt,
        received_at=one.received_ms,
        redacted=redacted,
    )


def _receipt(files: _Files, stem: str, one: Exhibit, epoch: str, signer: Signer) -> str:
    """The office's word that all of a log up to this event is held, where it is."""
    if not one.is_received or one.chain is None:
        return ""
    event = one.event
    text = receipt_text(Receipt(epoch=epoch, log=event.log, received_through=event.seq, head=b64(one.chain))).encode()
    return files.signed(f"receipts/{stem}", text, signer.sign(text, "ho-receipt"))[0]


def _vouch(files: _Files, batches: dict[bytes, Vouched], one: Exhibit) -> str:
    """The batch that vouches for an event without a signature of its own."""
    batch = one.batch
    if batch is None:
        return ""
    if batch.header not in batches:
        file, jws = files.signed(f"batches/{len(batches) + 1:02}", batch.header, batch.jws)
        batches[batch.header] = Vouched(
            file=file,
            jws=jws,
            log=one.event.log,
            first=batch.first,
            digests=tuple(b64(digest_) for digest_ in batch.digests),
        )
    return batches[batch.header].file


def _keys(dossier: Dossier, signer: Signer) -> dict[str, Jwk]:
    """The keys that signed anything here."""
    signed = [one.jws for one in (*dossier.exhibits, *dossier.openings) if one.jws]
    signed += [document.jws for document in dossier.documents]
    kids = {kid_in(jws) for jws in signed} | {one.kid for one in (*dossier.exhibits, *dossier.openings)}
    return {kid: jwk for kid, jwk in dossier.keys.items() if kid in kids} | {kid_of(signer.jwk): signer.jwk}


def as_zip(files: Mapping[str, bytes]) -> bytes:
    """The files as one ZIP: the same bytes for the same files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, raw in sorted(files.items()):
            info = zipfile.ZipInfo(name, _EARLIEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            packed.writestr(info, raw)
    return made.getvalue()


def names_of(files: Mapping[str, bytes]) -> Iterable[str]:
    """The names of all files but the manifest and its signature, in order."""
    return sorted(files.keys() - {MANIFEST, MANIFEST_JWS})
