"""The golden wire is what is built today, has everything there is, and is read for ever as it was."""

from typing import Any, get_args

import msgspec
import pytest

from fixtures.wire import build, kinds
from sync import protocol
from sync.codec import read_event
from sync.dictionary import DICTIONARY_1
from sync.events import KINDS, Fact
from sync.policy import Document
from sync.problems import catalogue
from sync.protocol import PullLine, read_document
from sync.qr import CodeKind
from sync.standing import Word
from tests.sync.reader import FOLDER, manifest

STANDARD_CHECKS = (
    "not-a-handover-code",
    "code-version-unsupported",
    "code-text-malformed",
    "code-frame-malformed",
    "code-inflates-too-far",
    "wrong-type-of-code",
    "clock-before-roster",
    "roster-too-old",
    "unknown-key",
    "bad-signature",
    "key-revoked",
    "key-not-valid-then",
    "own-offer",
    "sender-not-authorised",
    "challenge-unknown-or-used",
    "offer-from-future",
    "offer-lapsed",
    "not-addressed",
    "wrong-site",
    "already-accepted-here",
    "superseded",
    "same-offer-other-content",
    "synthesis-missing",
    "not-my-offer",
    "acceptance-of-something-else",
    "self-acceptance",
    "receiver-not-authorised",
    "accepted-outside-window",
    "already-accepted-by-another",
    "open-points-not-acknowledged",
)
"""The checks on a scanned code, in their order."""


@pytest.fixture(scope="module", name="built")
def built_today() -> dict[str, bytes]:
    return build.files()


def test_every_file_is_as_built_today(built: dict[str, bytes]) -> None:
    differs = [
        name for name, raw in built.items() if not (FOLDER / name).exists() or (FOLDER / name).read_bytes() != raw
    ]
    assert not differs, f"{', '.join(differs)} not as built today; {build.AGAIN}"
    there = {path.name for path in FOLDER.iterdir() if path.suffix in {".json", ".bin", ".sha256"}}
    assert there == set(built), "a file that nothing builds"


def test_the_wire_stays_small_enough_to_read() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.*")) < 1_500_000


def test_no_two_vectors_have_one_name() -> None:
    for file in FOLDER.glob("*.json"):
        for vectors in manifest(file.name).values():
            assert len({one["name"] for one in vectors}) == len(vectors), file.name


# -- everything is there -------------------------------------------------------
def missing(wanted: set[str], there: set[str]) -> str:
    """What has no golden vector, and what to do about it; empty where nothing is missing."""
    lacking = sorted(wanted - there)
    return f"no golden vector for {', '.join(lacking)}; {build.AGAIN}" if lacking else ""


def test_every_kind_of_event_is_there_bare_and_with_everything() -> None:
    there = {one["name"] for one in manifest("events.json")["events"]}
    wanted = {f"{kind}: {how}" for kind in KINDS for how in ("what must be there", "everything")}
    assert not missing(wanted, there)
    assert not missing(set(KINDS), {one["name"] for one in manifest("kinds.json")["kinds"]})


def test_every_document_is_there_bare_and_with_everything() -> None:
    there = {one["name"] for one in manifest("documents.json")["documents"]}
    tags = {str(shape.__struct_config__.tag) for shape in get_args(Document)}
    assert not missing({f"{tag}: {how}" for tag in tags for how in ("what must be there", "everything")}, there)


def test_every_problem_is_there() -> None:
    there = {one["slug"]: one for one in manifest("problems.json")["problems"]}
    assert not missing({kind.slug for kind in catalogue()}, set(there))


def test_every_message_verdict_line_and_code_is_there() -> None:
    messages = manifest("conversation.json")["messages"]
    shapes = {name for name, one in vars(protocol).items() if isinstance(one, type) and is_message(one)}
    assert not missing(shapes, {one["shape"] for one in messages})
    verdicts = [said for one in messages for said in one["reads_as"].get("verdicts", ())]
    assert not missing(set(get_args(Word)), {said["verdict"] for said in verdicts})
    read = [protocol.read_line(one["line"].encode()) for one in manifest("pulls.json")["lines"]]
    assert not missing({one.__name__ for one in get_args(PullLine)}, {type(one).__name__ for one in read})
    codes = manifest("codes.json")
    assert not missing(set(CodeKind), {one["type"] for vectors in codes.values() for one in vectors})


def is_message(shape: type) -> bool:
    """True for what crosses the wire as JSON of its own, or inside of such."""
    within = ("Push", "PushLine", "Document")  # read from lines, or shown in another file
    ours = issubclass(shape, msgspec.Struct) and shape.__module__ == protocol.__name__
    return ours and shape not in get_args(PullLine) and shape.__name__ not in within and shape.__name__[0] != "_"


def test_every_check_on_a_scanned_code_is_there() -> None:
    looks = {one["expect"].get("problem", "") for one in manifest("checks.json")["looks"]}
    refused = {one["problem"] for one in manifest("refusals.json")["refusals"]}
    assert not missing(set(STANDARD_CHECKS), looks | refused)


def test_the_dictionary_beside_is_the_one_in_the_kernel() -> None:
    assert (FOLDER / "dictionary-1.bin").read_bytes() == DICTIONARY_1


# -- for ever ------------------------------------------------------------------
@pytest.mark.parametrize("kind", [*KINDS, ""])
def test_a_golden_event_is_read_for_ever_as_it_was(kind: str) -> None:
    """Fields that came later say nothing in it; each that it had says what it said."""
    here = [
        one
        for one in manifest("events.json")["events"]
        if one["kind"] == kind or (not kind and one["kind"] not in KINDS)
    ]
    assert here
    for one in here:
        event = read_event(one["event"].encode())
        today = kinds.facts_of(event)
        differs = {
            name: (value, today[name]) for name, value in one["reads_as"].items() if not covers(today[name], value)
        }
        assert not differs, f"{one['name']} reads otherwise: a kind is for ever"
        if event.body is not None:
            assert is_bare(event.body, one["reads_as"]["body"]), one["name"]


@pytest.mark.parametrize("tag", ["roster", "policy", "names", "time"])
def test_a_golden_document_is_read_for_ever_as_it_was(tag: str) -> None:
    for one in manifest("documents.json")["documents"]:
        if one["doc"] == tag:
            today = {"doc": tag, **kinds.plain(read_document(one["text"].encode()))}
            assert covers(today, one["reads_as"]), f"{one['name']} reads otherwise: a document is for ever"


def covers(today: Any, then: Any) -> bool:  # noqa: ANN401 - JSON of any shape
    """True where all that was read then is read today; today may read more."""
    if isinstance(then, dict) and isinstance(today, dict):
        return all(name in today and covers(today[name], value) for name, value in then.items())
    if isinstance(then, list) and isinstance(today, list):
        return len(then) == len(today) and all(map(covers, today, then))
    return bool(today == then and isinstance(today, bool) == isinstance(then, bool))


def is_bare(body: Fact, then: dict[str, Any]) -> bool:
    """True where fields that are not among those read then have their default."""
    said = msgspec.to_builtins(body)
    return set(said) <= set(then)


def test_what_was_built_before_is_kept_and_what_differs_today_stands_beside_it() -> None:
    old = [{"name": "note", "event": "a"}, {"name": "gone", "event": "b"}]
    once = build.kept(old, [{"name": "note", "event": "c"}])
    assert once == [*old, {"name": "note [2]", "event": "c"}]
    assert build.kept(once, [{"name": "note", "event": "c"}]) == once
    assert build.kept(once, [{"name": "note", "event": "d"}])[-1] == {"name": "note [3]", "event": "d"}


def test_another_encoder_makes_no_new_code_of_the_same_events() -> None:
    codes = {one["name"]: one for one in manifest("codes.json")["handovers"]}
    small, plain = codes["an acceptance with a reservation"], codes["an acceptance, not compressed"]
    assert small["texts"] != plain["texts"]
    assert build.kept([small], [{**small, "texts": plain["texts"], "frame_bytes": 591}]) == [small]
