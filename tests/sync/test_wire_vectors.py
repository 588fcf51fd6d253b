"""Each golden vector holds for a reader that shares nothing with the product; and the product reads the same."""

import json
import zlib
from typing import Any

import pytest

from fixtures.wire import kinds
from fixtures.wire.talk import plain_line
from sync import protocol
from sync.base45 import b45, unb45
from sync.cards import read_challenge, read_enrolment, read_label
from sync.clock import milliseconds, rfc3339
from sync.codec import decode, encode, read_event
from sync.ids import b64, event_hash, job_id, unb64
from sync.intervals import anchor_ms
from sync.ledger import first_break, line_digest
from sync.policy import reference
from sync.protocol import inflate, read_cursor, read_document, read_line, read_push, read_returned, write_line
from sync.qr import classify, fit
from sync.redaction import check_restated
from tests.sync import reader, rfc8032
from tests.sync.reader import check_by, check_signature, hash_of, key, manifest, to_bytes, to_text

EVENTS = manifest("events.json")["events"]
CODES = manifest("codes.json")["handovers"]


# -- the smallest things ---------------------------------------------------------
def test_a_keys_name_follows_from_its_public_half() -> None:
    for one in manifest("keys.json")["keys"]:
        x = one["jwk"]["x"]
        assert to_text(rfc8032.public(to_bytes(one["test_only_seed"]))) == x
        assert hash_of(one["thumbprint_text"].encode()) == one["thumbprint"]
        assert to_text(to_bytes(one["thumbprint"])[:8]) == reader.kid_of(x) == one["kid"]


def test_each_typ_is_signed_in_a_way_of_its_own() -> None:
    for one in manifest("alphabet.json")["signatures"]:
        check_by(one["signed_by"], one["jws"], one["payload"], one["typ"])
        header, _, signature = one["jws"].partition("..")
        assert to_bytes(header).decode() == one["protected_header"]
        assert one["signing_input"] == f"{header}.{to_text(one['payload'].encode())}"
        seed = to_bytes(key(one["signed_by"])["test_only_seed"])
        assert rfc8032.sign(seed, one["signing_input"].encode()) == to_bytes(signature)


def test_names_hashes_and_times_are_as_the_other_reader_makes_them() -> None:
    said = {one["name"]: one for one in manifest("alphabet.json")["names"]}
    for pair in said["base64url without padding"]["pairs"]:
        assert to_text(bytes.fromhex(pair["hex"])) == pair["text"] == b64(bytes.fromhex(pair["hex"]))
        assert unb64(pair["text"]).hex() == pair["hex"]
    for pair in said["base45"]["pairs"]:
        assert reader.from_base45(pair["text"]).hex() == unb45(pair["text"]).hex() == pair["hex"]
        assert b45(bytes.fromhex(pair["hex"])) == pair["text"]
    one = said["the hash of bytes"]
    assert hash_of(one["text"].encode()) == one["hash"] == event_hash(one["text"].encode())
    one = said["the job that a job.opened of this hash opens"]
    assert to_text(to_bytes(one["hash"])[:16]) == one["job"] == job_id(one["hash"])
    one = said["a chain"]
    first = reader.chain_after(reader.chain_start(one["log"]), one["hash_1"])
    assert to_bytes(one["chain_0"]) == reader.chain_start(one["log"])
    assert (to_bytes(one["chain_1"]), to_bytes(one["prev_of_2"])) == (first, first[:16])
    one = said["how an event names a document"]
    assert one["reference"] == f"3.{hash_of(one['text'].encode())[:6]}" == f"3.{one['short']}"
    one = said["a cursor"]
    assert f"{one['epoch']}.{one['position']}.{one['check']}" == one["text"]
    assert read_cursor(one["text"]) == (one["epoch"], one["position"], one["check"])
    one = said["an anchor"]
    assert int.from_bytes(to_bytes(one["id"])) == one["ms"] == anchor_ms(one["id"]) == milliseconds(one["issued_at"])
    assert [milliseconds(pair["text"]) for pair in said["times"]["pairs"]] == [p["ms"] for p in said["times"]["pairs"]]
    assert [rfc3339(pair["ms"]) for pair in said["times written"]["pairs"]] == [
        pair["text"] for pair in said["times written"]["pairs"]
    ]


def test_the_dictionarys_hash_is_the_one_written_down() -> None:
    (one,) = manifest("alphabet.json")["dictionaries"]
    raw = (reader.FOLDER / one["file"]).read_bytes()
    assert (len(raw), hash_of(raw)) == (one["bytes"], one["sha256"])
    assert (reader.FOLDER / "dictionary-1.sha256").read_text("ascii").strip() == to_bytes(one["sha256"]).hex()


# -- events, logs, documents -------------------------------------------------------
@pytest.mark.parametrize("one", EVENTS, ids=[one["name"] for one in EVENTS])
def test_a_golden_event_has_its_hash_and_signature_and_says_what_is_written_beside_it(one: dict[str, Any]) -> None:
    raw = one["event"].encode()
    assert hash_of(raw) == one["hash"] == read_event(raw).hash
    check_by(one["signed_by"], one["jws"], one["event"], "ho-event")
    said, facts = json.loads(raw), one["reads_as"]
    if facts["body"] is None:
        assert said["v"] > 1 or said["kind"] not in {two["name"] for two in manifest("kinds.json")["kinds"]}
        return
    said["body"].pop("mood", None)  # the field that nobody knows yet
    opens = said["kind"] == "job.opened"
    assert facts["job"] == (to_text(to_bytes(one["hash"])[:16]) if opens else said.get("job", ""))
    derived = ("wall_ms", "occurred_ms", *(("job",) if opens else ()))
    assert reader.says({name: value for name, value in facts.items() if name not in derived}, said)
    assert facts["wall_ms"] == milliseconds(said["at"]["wall"])
    assert facts["occurred_ms"] == milliseconds(said["body"].get("occurred_at") or said["at"]["wall"])


def test_a_golden_log_is_a_chain_that_custody_events_name() -> None:
    for log in manifest("logs.json")["logs"]:
        chain = reader.chain_start(log["log"])
        assert to_text(chain) == log["chain_0"]
        for seq, one in enumerate(log["events"], 1):
            said = json.loads(one["event"])
            assert (said["log"], said["seq"], said["kind"]) == (log["log"], seq, one["kind"])
            assert hash_of(one["event"].encode()) == one["hash"]
            custody = next(kind for kind in manifest("kinds.json")["kinds"] if kind["name"] == one["kind"])
            assert said.get("prev", "") == one["prev"] == (to_text(chain[:16]) if custody["custody"] else "")
            chain = reader.chain_after(chain, one["hash"])
            assert to_text(chain) == one["chain"]
            by = log["name"].rpartition(" ")[2]
            assert bool(one["jws"]) == (custody["signed_in_any_log"] or by == "office")
            if one["jws"]:
                check_by(by, one["jws"], one["event"], "ho-event")
            if "opens_job" in one:
                assert one["opens_job"] == to_text(to_bytes(one["hash"])[:16])


@pytest.mark.parametrize("one", manifest("logs.json")["broken"], ids=lambda one: one["name"])
def test_the_first_bad_event_of_a_log_is_the_one_that_is_named(one: dict[str, Any]) -> None:
    rows = [(seq, text.encode(), to_bytes(chain)) for seq, text, chain in one["rows"]]
    chain, bad = reader.chain_start(one["log"]), None
    for place, (seq, raw, kept) in enumerate(rows, 1):
        after = reader.chain_after(chain, hash_of(raw))
        if seq != place or after != kept:
            bad = place
            break
        chain = after
    assert bad == one["first_bad"] == first_break(one["log"], rows)


def test_a_golden_redaction_leaves_of_its_event_all_but_the_words() -> None:
    events = {one["hash"]: one for log in manifest("logs.json")["logs"] for one in log["events"]}
    redactions = [json.loads(one["event"])["body"] for one in events.values() if one["kind"] == "event.redacted"]
    assert redactions
    for said in redactions:
        gone = events[said["event"]]
        before, left = json.loads(gone["event"]), json.loads(said["restated"])
        assert {**before, "body": left["body"]} == left
        assert {name for name in left["body"] if left["body"][name] != before["body"][name]} <= {"text", "payload"}
        header, _, _ = gone["jws"].partition(".")
        assert said.get("kid", "") == (json.loads(to_bytes(header))["kid"] if header else "")
        check_restated(gone["event"].encode(), said["restated"])


def test_a_golden_document_is_signed_named_and_read() -> None:
    for one in manifest("documents.json")["documents"]:
        raw = one["text"].encode()
        check_by(one["signed_by"], one["jws"], one["text"], "ho-doc")
        assert hash_of(raw) == one["hash"]
        assert one["reference"] == f"{one['version']}.{one['hash'][:6]}" == reference(one["version"], raw)
        said = json.loads(raw)
        assert (said["doc"], said["version"]) == (one["doc"], one["version"])
        assert reader.says(one["reads_as"], said), one["name"]
        assert read_document(raw) == read_document(encode(read_document(raw)))


# -- codes ---------------------------------------------------------------------------
@pytest.mark.parametrize("one", CODES, ids=[one["name"] for one in CODES])
def test_a_golden_code_carries_its_events_and_their_signatures(one: dict[str, Any]) -> None:
    frame = reader.frame_in(one["texts"])
    kid, signatures, events = reader.events_in(frame)
    assert (len(frame), kid) == (one["frame_bytes"], one["kid"])
    assert [raw.decode() for raw in events] == [event["event"] for event in one["events"]]
    assert [to_text(signature) for signature in signatures] == [event["signature"] for event in one["events"]]
    (x,) = [known["jwk"]["x"] for known in manifest("keys.json")["keys"] if known["kid"] == kid]
    header = to_text(f'{{"alg":"Ed25519","kid":"{kid}","typ":"ho-event"}}'.encode())
    for event, said in zip(events, one["events"], strict=True):
        check_signature(f"{header}..{said['signature']}", event, "ho-event", x)
        assert hash_of(event) == said["hash"]
    assert json.loads(events[-1])["kind"] == one["kind"]
    for text, symbol in zip(one["texts"], one["symbols"], strict=True):
        drawn = fit(text)
        assert (drawn and {"level": drawn.level, "version": drawn.version}) == symbol
        assert classify(text) == one["type"]


def test_small_codes_say_what_is_written_beside_them() -> None:
    read = {"enrolment": read_enrolment, "challenge": read_challenge}
    for one in manifest("codes.json")["cards"]:
        assert classify(one["text"]) == one["type"], one["name"]
        if one["type"] in read:
            raw = reader.from_base45(one["text"][4:])
            assert raw.decode() == one["json"]
            assert json.loads(raw) == one["reads_as"]
            assert kinds.plain(read[one["type"]](one["text"])) == one["reads_as"]
        elif one["type"] == "label":
            assert one["text"] == f"HS1:{one['reads_as']['id']}"
            assert read_label(one["text"]) == one["reads_as"]["id"]


# -- the wire ----------------------------------------------------------------------------
def test_a_golden_push_is_signed_over_its_header_and_chained_through_its_lines() -> None:
    for one in manifest("pushes.json")["pushes"]:
        body = one["body"].encode()
        assert zlib.decompress(to_bytes(one["gzip"]), 31) == body == inflate(to_bytes(one["gzip"]))
        first, *rows = body.split(b"\n")
        assert first.decode() == f"{one['header']}\t{one['header_jws']}"
        check_by(one["signed_by"], one["header_jws"], one["header"], "ho-batch")
        said = json.loads(one["header"])
        chain = to_bytes(said["base"])
        for row, line in zip(rows, one["lines"], strict=True):
            raw, _, jws = row.partition(b"\t")
            assert (raw.decode(), jws.decode()) == (line["event"], line["jws"])
            whole = raw.startswith(b"{")
            assert line["hash"] == (hash_of(raw) if whole else raw.decode()) == to_text(line_digest(raw))
            if jws and whole:
                check_by(one["signed_by"], line["jws"], line["event"], "ho-event")
            chain = reader.chain_after(chain, line["hash"])
            assert to_text(chain) == line["chain"]
        assert to_text(chain) == said["head"]
        assert (said["from"], said["to"]) == (one["lines"][0]["seq"], one["lines"][-1]["seq"])
        if said["receipt"]:
            check_by("office", said["receipt"]["jws"], said["receipt"]["text"], "ho-receipt")
        push = read_push(body)
        assert (push.head_raw.decode(), push.jws) == (one["header"], one["header_jws"])
        assert [(line.raw.decode(), line.jws) for line in push.lines] == [(e["event"], e["jws"]) for e in one["lines"]]


@pytest.mark.parametrize("one", manifest("conversation.json")["messages"], ids=lambda one: one["name"])
def test_a_golden_message_is_read_and_its_seals_hold(one: dict[str, Any]) -> None:
    said = json.loads(one["text"])
    assert reader.says(one["reads_as"], said)
    shape = vars(protocol)[one["shape"]]
    read = decode(one["text"], shape)
    assert kinds.plain(read) == one["reads_as"]
    assert encode(read).decode() == one["text"]
    for sealed in seals_in(said):
        as_doc = '"doc":' in sealed["text"]
        check_by("office", sealed["jws"], sealed["text"], "ho-doc" if as_doc else "ho-receipt")
    if one["shape"] == "SessionRequest":
        check_by(one["signed_by"], said["jws"], said["challenge"], "ho-session")
    if one["shape"] == "EnrolRequest":
        check_signature(said["jws"], said["genesis"].encode(), "ho-event", said["jwk"]["x"])
        assert json.loads(said["genesis"])["body"]["jwk"] == said["jwk"]
    if "request_body" in one:
        asked = dict(part.split("=") for part in one["where"].partition("?")[2].split("&"))
        raw = to_bytes(one["request_body"])
        assert hash_of(raw) == asked["check"]
        assert int(asked["offset"]) + len(raw) == int(asked["size"])


def seals_in(said: Any) -> list[dict[str, str]]:  # noqa: ANN401 - JSON of any shape
    if isinstance(said, dict):
        own = [said] if set(said) == {"text", "jws"} else []
        return own + [one for value in said.values() for one in seals_in(value)]
    return [one for value in said for one in seals_in(value)] if isinstance(said, list) else []


def test_a_golden_line_is_read_and_what_is_signed_in_it_holds() -> None:
    keys = {known["kid"]: known["name"] for known in manifest("keys.json")["keys"]}
    vectors = manifest("pulls.json")
    whole = [row for one in (*vectors["pulls"], *vectors["returns"]) for row in one["body"].splitlines()]
    for text in (*(one["line"] for one in vectors["lines"]), *whole):
        letter, *cells = text.split("\t")
        if letter in "ED" and cells[-1].count("..") == 1 and cells[-2].startswith("{"):
            header, _, _ = cells[-1].partition("..")
            said = json.loads(to_bytes(header))
            check_by(keys[said["kid"]], cells[-1], cells[-2], said["typ"])
            assert said["typ"] in (("ho-event",) if letter == "E" else ("ho-doc", "ho-receipt"))
    for one in vectors["lines"]:
        read = read_line(one["line"].encode())
        assert (None if read is None else plain_line(read)) == one["reads_as"], one["name"]
        assert read is None or write_line(read).decode() == one["line"]
    for one in vectors["pulls"]:
        assert one["body"].endswith("\n")
        assert one["body"].splitlines()[-1][:2] == "C\t"
    for one in vectors["returns"]:
        rows = read_returned(one["body"].encode())
        assert all(row[:1] in b"DE" and row.split(b"\t")[-1].count(b"..") == 1 for row in rows)


def test_a_golden_problem_says_what_the_catalogue_says() -> None:
    for one in manifest("problems.json")["problems"]:
        said = json.loads(one["problem_json"])
        assert said.pop("type") == f"urn:handover:problem:{one['slug']}"
        found = {name: said.pop(name) for name in ("title", "status", "remedy", "advice")}
        assert found == {name: one[name] for name in found}
        assert set(said) <= {"detail", "where", "changes"}
        assert one["media_type"] == "application/problem+json"
