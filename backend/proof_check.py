"""Whether a proof that is shown is whole, signed and true: by our own code, which also judges every event again."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from backend.exchange.proof import (
    JWKS,
    MANIFEST,
    MANIFEST_JWS,
    Keys,
    Manifest,
    PublicKey,
    Shown,
    Vouched,
    names_of,
)
from sync.codec import decode, read_event
from sync.custody import custody
from sync.events import CUSTODY, Event, EventRedacted, JobOpened, LogOpened, PersonSwitched
from sync.ids import b64, digest, event_hash, unb64
from sync.judge import judge
from sync.ledger import advance, prev_of
from sync.policy import Directory, Policy, Roster, key_of, reference
from sync.problems import Problem
from sync.protocol import PushHeader, Receipt, read_document
from sync.qr import decode_frame
from sync.redaction import read_restated
from sync.seal import Jwk, Typ, jws_of, kid_in, kid_of, verify
from sync.standing import Shelf


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a proof that does not hold: in which file, and why."""

    file: str
    detail: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.file}: {self.detail}"


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `office` names the key that vouches for the whole: to be compared with the one you know."""

    ok: bool
    subject: str = ""
    outcome: str = ""
    accountable: str = ""
    events: int = 0
    signatures: int = 0
    office: str = ""
    findings: tuple[Finding, ...] = ()


class _Bad(Exception):
    def __init__(self, file: str, detail: str) -> None:
        super().__init__(detail)
        self.finding = Finding(file=file, detail=detail)


def check_proof(files: Mapping[str, bytes], fingerprint: str = "") -> Checked:
    """Whether a proof is whole, signed and true; with `fingerprint`, whether that very office vouches for it.

    It is the name or thumbprint of one of the office's keys; a key that signed a roster vouches for those it lists.

    A fault of the manifest ends the look: nothing else can be relied on then. All others are named.
    """
    checker = _Checker(files)
    try:
        checker.begin(fingerprint)
    except _Bad as bad:
        return Checked(ok=False, findings=(bad.finding,))
    findings = tuple(checker.findings())
    manifest = checker.manifest
    return Checked(
        ok=not findings,
        subject=manifest.subject,
        outcome=manifest.outcome,
        accountable=manifest.accountable,
        events=len(manifest.events),
        signatures=checker.signatures,
        office=checker.office,
        findings=findings,
    )


class _Checker:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.manifest: Manifest
        self.keys: dict[str, Jwk] = {}
        self.backend: dict[str, Jwk] = {}
        self.office = self.known = ""
        self.signatures = 0
        self.shelf = Shelf()

    def begin(self, fingerprint: str) -> None:
        """Afterwards manifest and keys are read, and the office's signature on the manifest holds."""
        for name in (MANIFEST, MANIFEST_JWS, JWKS):
            if name not in self.files:
                raise _Bad(name, "this file is missing")
        try:
            for key in decode(self.files[JWKS], Keys).keys:
                self.keys[_checked(key)] = Jwk(x=key.x)
        except Problem as problem:
            raise _Bad(JWKS, problem.detail) from problem
        jws = self.files[MANIFEST_JWS].decode("ascii", "replace")
        self.office = self._holds(MANIFEST_JWS, self.files[MANIFEST], jws, "ho-doc")
        named = [kid for kid, jwk in self.keys.items() if fingerprint in (kid, _thumbprint(jwk))]
        self.known = named[0] if named else ""
        if fingerprint and not named:
            raise _Bad(MANIFEST_JWS, f"{self.office} vouches for it, and nothing in it is signed by {fingerprint}")
        try:
            self.manifest = decode(self.files[MANIFEST], Manifest)
        except Problem as problem:
            raise _Bad(MANIFEST, problem.detail) from problem

    def findings(self) -> Iterator[Finding]:
        """All that does not hold."""
        changed = list(self._whole())
        yield from changed
        if not changed:
            for step in (self._documents, self._logs, self._events, self._batches, self._witnesses, self._again):
                yield from step()

    def _holds(self, name: str, payload: bytes, jws: str, typ: Typ, kid: str = "") -> str:
        """The key that signed, which is `kid` where one is given; else _Bad."""
        try:
            signed_by = kid_in(jws)
            if kid and signed_by != kid:
                raise _Bad(name, f"signed by {signed_by}, not by {kid}")
            if signed_by not in self.keys:
                raise _Bad(name, f"the key {signed_by} is not among those of the proof")
            verify(jws, payload, typ, self.keys[signed_by])
        except Problem as problem:
            raise _Bad(name, f"the signature does not hold: {problem.detail}") from problem
        self.signatures += 1
        return signed_by

    def _file(self, name: str) -> bytes:
        if name not in self.files:
            raise _Bad(name, "this file is missing")
        return self.files[name]

    def _text(self, name: str) -> str:
        return self._file(name).decode("ascii", "replace")

    # -- step by step ---------------------------------------------------------
    def _whole(self) -> Iterator[Finding]:
        listed = {one.name: one for one in self.manifest.files}
        for name, one in listed.items():
            if name not in self.files:
                yield Finding(file=name, detail="this file is missing")
            elif one.sha256 != b64(digest(self.files[name])):
                yield Finding(file=name, detail="this file was changed")
        for name in names_of(self.files):
            if name not in listed:
                yield Finding(file=name, detail="this file does not belong to the proof")

    def _documents(self) -> Iterator[Finding]:
        rosters: list[tuple[str, Roster]] = []
        signers: list[tuple[str, str]] = []
        for paper in self.manifest.documents:
            try:
                raw = self._file(paper.file)
                document = read_document(raw)
                said = reference(document.version, raw)
                is_it = (key_of(document), said) == (paper.key, paper.reference)
                _need(is_it, paper.file, f"it is {key_of(document)} {said}")
                signers.append((self._holds(paper.jws, raw, self._text(paper.jws), "ho-doc"), paper.jws))
            except (_Bad, Problem) as bad:
                yield _finding(paper.file, bad)
                continue
            if isinstance(document, Roster):
                rosters.append((signers[-1][0], document))
                self.shelf.hold_roster(said, Directory(document))
            elif isinstance(document, Policy):
                self.shelf.hold_policy(said, document)
        self._trust(rosters)
        for kid, file in [*signers, (self.office, MANIFEST_JWS)]:
            if kid not in self.backend:
                yield Finding(file=file, detail=f"{kid} is no key of the office, nor did one of its keys vouch for it")

    def _trust(self, rosters: Iterable[tuple[str, Roster]]) -> None:
        """Afterwards the office's keys are known: the one to begin with, and those that a key of its vouched for.

        Without one known from elsewhere it is the key that signed the first roster by which events were made.
        """
        vouched = [(signer, {kid_of(jwk) for jwk in roster.keys}) for signer, roster in rosters]
        start = self.known or (vouched[0][0] if vouched else self.office)
        # The manifest is the newest key's own word for those before it.
        vouched.append((self.office, {owner.kid for owner in self.manifest.keys if owner.of == "backend"}))
        trusted, more = {start}, True
        while more:
            found = {kid for signer, kids in vouched if signer in trusted for kid in kids}
            more = not found <= trusted
            trusted |= found
        self.backend = {kid: jwk for kid, jwk in self.keys.items() if kid in trusted}

    def _logs(self) -> Iterator[Finding]:
        """The first event of each log names its key."""
        for shown in self.manifest.openings:
            try:
                body = self._event(shown).body
                opens = shown.seq == 1 and isinstance(body, LogOpened) and kid_of(body.jwk) == shown.kid
                _need(opens, shown.file, f"it does not open a log for the key {shown.kid}")
            except (_Bad, Problem) as bad:
                yield _finding(shown.file, bad)

    def _event(self, shown: Shown) -> Event:
        """An event, which is what the manifest says and signed where it says so; else _Bad."""
        raw = self._file(shown.file)
        event = self._read(shown, raw)
        said = (event.hash, event.log, event.seq, event.kind)
        if said != (shown.hash, shown.log, shown.seq, shown.kind):
            raise _Bad(shown.file, "it is not the event that the manifest names")
        if shown.jws:
            self._holds(shown.jws, raw, self._text(shown.jws), "ho-event", shown.kid)
        return event

    def _read(self, shown: Shown, raw: bytes) -> Event:
        """The event of which this is the file: its bytes, or what the office says is left of them; else _Bad."""
        if not shown.redacted:
            return read_event(raw, shown.kid if shown.jws else "")
        by = next((one for one in self.manifest.events if one.hash == shown.redacted), None)
        if by is None or not by.jws:
            raise _Bad(shown.file, "the redaction that the manifest names is not among the events")
        bytes_ = self._file(by.file)
        signer = self._holds(by.jws, bytes_, self._text(by.jws), "ho-event", by.kid)
        said = read_event(bytes_).body
        if signer not in self.backend or not isinstance(said, EventRedacted):
            raise _Bad(by.file, "it is no redaction of the office's")
        if (said.event, said.restated.encode()) != (shown.hash, raw):
            raise _Bad(shown.file, "it is not what the office says is left of that event")
        return read_restated(said.restated, said.event, said.kid)

    def _events(self) -> Iterator[Finding]:
        openings = {shown.log: shown.kid for shown in self.manifest.openings}
        for shown in self.manifest.events:
            try:
                event = self._event(shown)
                own = openings.get(shown.log) == shown.kid
                _need(own, shown.file, f"its log was not opened by {shown.kid}")
                _need(bool(shown.jws or shown.batch or shown.redacted), shown.file, "nobody signed it")
                prev = event.prev if shown.before and shown.kind in CUSTODY else ""
                follows = not prev or prev == prev_of(unb64(shown.before))
                _need(follows, shown.file, "it was written after another chain value")
                if shown.receipt:
                    self._receipt(shown)
            except (_Bad, Problem) as bad:
                yield _finding(shown.file, bad)

    def _receipt(self, shown: Shown) -> None:
        """The receipt covers the log up to this event; else _Bad."""
        text = self._file(shown.receipt)
        self._holds(shown.receipt, text, self._text(shown.receipt.removesuffix(".json") + ".jws"), "ho-receipt")
        receipt = decode(text, Receipt)
        head = b64(advance(unb64(shown.before), unb64(shown.hash)))
        if (receipt.log, receipt.received_through, receipt.head) != (shown.log, shown.seq, head):
            raise _Bad(shown.receipt, "it is a receipt for something else")

    def _batches(self) -> Iterator[Finding]:
        batches = {batch.file: batch for batch in self.manifest.batches}
        kids = {shown.log: shown.kid for shown in self.manifest.openings}
        for batch in batches.values():
            try:
                raw = self._file(batch.file)
                self._holds(batch.jws, raw, self._text(batch.jws), "ho-batch", kids.get(batch.log, ""))
                header = decode(raw, PushHeader)
                chain = unb64(header.base)
                for one in batch.digests:
                    chain = advance(chain, unb64(one))
                ends = (header.log, header.from_, header.to, header.head)
                leads = ends == (batch.log, batch.first, batch.first + len(batch.digests) - 1, b64(chain))
                _need(leads, batch.file, "its digests do not lead from its base to its head")
            except (_Bad, Problem) as bad:
                yield _finding(batch.file, bad)
        for shown in self.manifest.events:
            is_signed = shown.jws or (shown.redacted and not shown.batch)
            if not is_signed and not _vouches(batches.get(shown.batch), shown):
                yield Finding(file=shown.file, detail="its batch does not hold it")

    def _witnesses(self) -> Iterator[Finding]:
        held = {shown.hash: shown for shown in self.manifest.events}
        for seen in self.manifest.witnesses:
            try:
                raw = self._file(seen.frame)
                frame = decode_frame(raw)
                holds = tuple(event_hash(one.raw) for one in frame.events) == seen.holds
                _need(holds, seen.frame, "it holds other events")
                by = held.get(seen.by)
                scanned = by is not None and b64(raw) in self._text(by.file)
                _need(scanned, seen.frame, "it is not what was scanned")
                for one in frame.events:
                    jws = jws_of(one.signature, frame.kid, "ho-event")
                    self._holds(seen.frame, one.raw, jws, "ho-event")
            except (_Bad, Problem) as bad:
                yield _finding(seen.frame, bad)

    def _again(self) -> Iterator[Finding]:
        """Every event is judged once more, by the documents that are here, and the tree is walked again."""
        standings = []
        for shown in self.manifest.events:
            try:
                event = self._read(shown, self._file(shown.file))
            except (_Bad, Problem):
                return  # named before
            if event.kind not in CUSTODY and not isinstance(event.body, PersonSwitched):
                continue
            standing = judge(event, self.shelf)
            self.shelf.add(standing)
            if standing.verdict.word != "applied":
                yield Finding(
                    file=shown.file, detail=f"by the rules it is {standing.verdict.word}: {standing.verdict.code}"
                )
            standings.append(standing)
        hashes = {standing.event.hash for standing in standings}
        if self.manifest.subject not in hashes:
            yield Finding(file=MANIFEST, detail="the handover itself is not among the events")
        tree = custody(standings)
        opened = [one for one in standings if isinstance(one.event.body, JobOpened)]
        if len(opened) != 1 or tree.at is None:
            yield Finding(file=MANIFEST, detail="the opening of the job is not among the events")


def _need(holds: bool, file: str, detail: str) -> None:  # noqa: FBT001 - what is asked for comes first
    """Return only if it `holds`; else _Bad."""
    if not holds:
        raise _Bad(file, detail)


def _vouches(batch: Vouched | None, shown: Shown) -> bool:
    if batch is None or batch.log != shown.log:
        return False
    at = shown.seq - batch.first
    return 0 <= at < len(batch.digests) and batch.digests[at] == shown.hash


def _checked(key: PublicKey) -> str:
    """The key's name, which is that of its thumbprint; else a problem."""
    kid = kid_of(Jwk(x=key.x))
    if (key.kid, key.kty, key.crv) != (kid, "OKP", "Ed25519"):
        raise _Bad(JWKS, f"{key.kid} is not the name of this key")
    return kid


def _thumbprint(jwk: Jwk) -> str:
    """RFC 7638, as enrolment codes carry it."""
    return b64(digest(b'{"crv":"Ed25519","kty":"OKP","x":"' + jwk.x.encode("ascii") + b'"}'))


def _finding(file: str, bad: Exception) -> Finding:
    if isinstance(bad, _Bad):
        return bad.finding
    return Finding(file=file, detail=bad.detail if isinstance(bad, Problem) else str(bad))
