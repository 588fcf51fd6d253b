"""What the golden wire says must be refused is refused, with the problem it names; codes are looked at as it says."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sync import session as talk
from sync.acceptance import (
    Asked,
    Receiver,
    Scene,
    accepted_in,
    check_acceptance,
    check_clock,
    check_offer,
    check_seal,
    check_synthesis,
)
from sync.cards import read_challenge, read_enrolment, read_label
from sync.codec import decode, read_event
from sync.events import Accepted, Event, Offered, Refused
from sync.ids import unb64
from sync.journey import journey
from sync.judge import judge_all
from sync.payload import Synthesis
from sync.policy import Directory, Policy, Roster, reference
from sync.problems import Problem
from sync.protocol import PushReply, inflate, read_cursor, read_document, read_line, read_push
from sync.qr import PartsCollector, expect_kind, read_frame
from sync.redaction import check_restated
from sync.seal import Jwk, verify
from sync.standing import Shelf
from tests.sync.reader import check_by, key, manifest, to_bytes

REFUSALS = manifest("refusals.json")["refusals"]
CHECKS = manifest("checks.json")
LOOKS = CHECKS["looks"]


def bytes_of(said: dict[str, Any]) -> bytes:
    """A vector's bytes, however they are written down."""
    if "repeated" in said:
        return "".join(text * times for text, times in said["repeated"]).encode()
    return to_bytes(said["base64url"]) if "base64url" in said else said["text"].encode()


def read_parts(said: dict[str, Any]) -> None:
    collector = PartsCollector()
    for text in said["texts"]:
        collector = collector.take(text)


def read_signature(said: dict[str, Any]) -> None:
    verify(said["jws"], said["payload"].encode(), said["typ"], Jwk(x=said["x"]))


def read_reply(said: dict[str, Any]) -> None:
    """A device that knows the backend's key and sent these events is given this answer."""
    first, last = said["sent"]
    keys = tuple(Jwk(x=key(name)["jwk"]["x"]) for name in said["backend_keys"])
    reply = decode(said["text"], PushReply)
    session = talk.begin(said["log"], recorded=last, received_through=0, epoch=reply.epoch, cursor="", keys=keys)
    talk.pushed(session, talk.Push(first, last), reply, to_bytes(said["chain"]))


READERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "event": lambda said: read_event(bytes_of(said)),
    "signature": read_signature,
    "code": lambda said: read_frame(said["text"]),
    "parts": read_parts,
    "enrolment": lambda said: read_enrolment(said["text"]),
    "challenge": lambda said: read_challenge(said["text"]),
    "label": lambda said: read_label(said["text"]),
    "push": lambda said: read_push(bytes_of(said)),
    "gzip": lambda said: inflate(bytes_of(said)),
    "line": lambda said: read_line(said["text"].encode()),
    "cursor": lambda said: read_cursor(said["text"]),
    "document": lambda said: read_document(said["text"].encode()),
    "base64url": lambda said: unb64(said["text"]),
    "redaction": lambda said: check_restated(said["event"].encode(), said["restated"]),
    "push reply": read_reply,
}


@pytest.mark.parametrize("one", REFUSALS, ids=[one["name"] for one in REFUSALS])
def test_what_must_be_refused_is_and_the_problem_is_the_one_named(one: dict[str, Any]) -> None:
    with pytest.raises(Problem) as caught:
        READERS[one["reader"]](one["input"])
    assert caught.value.kind.slug == one["problem"], str(caught.value)


def test_every_reader_has_something_to_refuse() -> None:
    assert {one["reader"] for one in REFUSALS} == set(READERS)


# -- codes as a device looks at them ---------------------------------------------
def text_of(section: str, name: str) -> bytes:
    (found,) = [one["text"] for one in CHECKS[section] if one["name"] == name]
    return str(found).encode()


def shelf() -> Shelf:
    """A device that holds every roster and policy there is."""
    made = Shelf()
    for one in CHECKS["rosters"]:
        roster = decode(one["text"], Roster)
        made.hold_roster(reference(roster.version, one["text"].encode()), Directory(roster))
    for one in CHECKS["policies"]:
        policy = decode(one["text"], Policy)
        made.hold_policy(reference(policy.version, one["text"].encode()), policy)
    return made


def held(one: dict[str, Any]) -> list[Event]:
    return [read_event(event["event"].encode(), key(event["signed_by"])["kid"]) for event in one["held"]]


def policy_of(offer: Event | None) -> Policy | None:
    """The policy that the offer names."""
    return shelf().policy(offer.body.boundary, offer.body.policy) if offer and isinstance(offer.body, Offered) else None


def log_of(name: str) -> str:
    """The log of this one's device: the one that what it signed stands in."""
    found = {one["signed_by"]: json.loads(one["event"])["log"] for look in LOOKS for one in look["held"]}
    logs = {log["name"].rpartition(" ")[2]: log["log"] for log in manifest("logs.json")["logs"]}
    return str({**logs, **found}.get(name, name))


def answers(event: Event, offer: Event) -> bool:
    """True for an acceptance or refusal of the offer."""
    return isinstance(event.body, Accepted | Refused) and event.body.offer == offer.hash


def look(one: dict[str, Any]) -> str:
    """What the device says to the code, or the problem it raises; every check in its order."""
    directory = Directory(decode(text_of("rosters", one["roster"]), Roster))
    frame = read_frame(one["code"])
    is_offer = one["looks"] == "receiver"
    expect_kind(frame, "handover.offered" if is_offer else "handover.accepted")
    before = {event.hash: event for event in held(one)}
    raw = frame.events[-1].raw
    offer = read_event(raw) if is_offer else before.get(accepted_in(read_event(raw)).offer)
    policy = policy_of(offer)
    check_clock(directory, policy, one["now_ms"], one["synced_ms"])
    (*_, event) = check_seal(frame, directory)
    known = shelf()
    judge_all([*before.values(), event], known)
    standing = known.standings[event.hash]
    own = log_of(one["device_of"])
    scene = Scene(
        now_ms=one["now_ms"],
        directory=directory,
        policy=policy,
        standing=standing,
        journey=journey(event.job, [*(known.standings[hash_] for hash_ in before), standing]),
        own_logs=frozenset({own}),
        answers=tuple(held for held in before.values() if held.log == own and answers(held, event)),
        twins=tuple(one.get("twins", ())),
        scanned=True,
        asked=Asked(party=one["asked"]["party"], offers=tuple(one["asked"]["offers"])) if one.get("asked") else None,
    )
    if not is_offer:
        check_acceptance(event, offer, one["sender"], scene, wanted=one["wanted"])
        return "fine"
    said: str = check_offer(event, Receiver(**one["receiver"]), scene)
    if "synthesis" in one:
        check_synthesis(Synthesis(words=one["synthesis"]))
    return said


@pytest.mark.parametrize("one", LOOKS, ids=[one["name"] for one in LOOKS])
def test_a_device_looks_at_a_code_as_it_is_written_down(one: dict[str, Any]) -> None:
    if "problem" in one["expect"]:
        with pytest.raises(Problem) as caught:
            look(one)
        assert caught.value.kind.slug == one["expect"]["problem"], str(caught.value)
    else:
        assert look(one) == one["expect"]["standing"]


def test_what_the_looks_hold_is_signed_by_whom_they_say() -> None:
    for event in [event for one in LOOKS for event in one["held"]]:
        check_by(event["signed_by"], event["jws"], event["event"], "ho-event")
