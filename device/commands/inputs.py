"""What people give a command: codes as text or pictures, payloads as flags or a file; each mistake is named."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from getpass import getpass
from pathlib import Path
from typing import TypeVar, get_args

import msgspec

from device.agent import Agent
from device.codes import Code, read_code
from device.scan import codes_in_file, keyboard_line, open_scanner
from sync.cards import read_label
from sync.codec import decode
from sync.events import Blob, Entered, Reservation
from sync.payload import (
    Action,
    Decision,
    DeclaredGap,
    Dependency,
    ItemCount,
    NextAction,
    Payload,
    Priority,
    Risk,
    State,
)
from sync.problems import BAD_ARGUMENT, BAD_PIN, NO_FILE, SCANNER_SILENT, Problem
from sync.qr import CodeKind, classify

_PICTURES = (".png", ".jpg", ".jpeg")
_T = TypeVar("_T")


# -- codes --------------------------------------------------------------------
def code_argument(parser: ArgumentParser) -> None:
    """Where a code comes from: typed, pictures, `-` for a line from a keyboard wedge, or a serial scanner."""
    parser.add_argument("code", nargs="*", help="the code's text, or picture files of it; - reads one line")
    parser.add_argument("--scanner", metavar="PORT", help="a serial scanner; reads until the code is whole")


def texts_in(args: Namespace) -> list[str]:
    """Every code text that was given, in order."""
    if args.scanner:
        return _scanned(args.scanner)
    if not args.code:
        raise Problem(BAD_ARGUMENT, "give a code: its text, picture files, - for a line, or --scanner PORT")
    return [text for given in args.code for text in _texts(given)]


def _texts(given: str) -> Iterable[str]:
    if given == "-":
        return [_typed(keyboard_line(sys.stdin.readline()))]
    if given.lower().endswith(_PICTURES):
        return codes_in_file(Path(given))
    if classify(given) is CodeKind.OTHER and Path(given).is_file():
        return codes_in_file(Path(given))
    return [_typed(given)]


def _typed(text: str) -> str:
    """The text of a code that was typed from paper, where `_` is printed for a space; Base45 has no `_` of its own."""
    return text.replace("_", " ") if classify(text) is CodeKind.ENROLMENT else text


def _scanned(port: str) -> list[str]:
    texts: list[str] = []
    with open_scanner(port) as scanner:
        for _ in range(240):
            texts.extend(scanner.read())
            if texts and (classify(texts[-1]) is not CodeKind.PART or _whole(texts)):
                return texts
    raise Problem(SCANNER_SILENT, "no whole code came in two minutes", port)


def _whole(texts: list[str]) -> bool:
    try:
        read_code(texts)
    except Problem:
        return False
    return True


def text_in(given: str) -> str:
    """The one code text that this argument is: the text itself, a picture file of it, or `-` for a line."""
    texts = list(_texts(given))
    if len(texts) != 1:
        raise Problem(BAD_ARGUMENT, f"{len(texts)} codes where one is wanted", given)
    return texts[0]


def thing_in(given: str) -> tuple[str, Entered]:
    """The id of a site, point, asset or item, and how it came: typed, or scanned where a label was given.

    A label is given by its text, a picture of it, or `-` for a line from a keyboard wedge.
    """
    if given == "-" or given.lower().endswith(_PICTURES) or classify(given) is not CodeKind.OTHER:
        return read_label(text_in(given)), "scanned"
    return given, "typed"


def things_in(args: Namespace, *names: str) -> tuple[dict[str, str], Entered | None]:
    """The same for several arguments by name: scanned where one of them was, None where none was given."""
    found = {name: thing_in(text) for name in names if (text := getattr(args, name))}
    how = {entered for _, entered in found.values()}
    entered: Entered | None = "scanned" if "scanned" in how else "typed" if how else None
    return {name: id_ for name, (id_, _) in found.items()}, entered


def code_in(args: Namespace) -> Code:
    """The one handover code that was given."""
    return read_code(texts_in(args))


# -- attachments --------------------------------------------------------------
def photo_arguments(parser: ArgumentParser, *, signature: str = "") -> None:
    """Photos of what is said; with `signature`, a drawn one, which that describes."""
    parser.add_argument(
        "--photo", action="append", default=[], type=Path, metavar="FILE", help="a picture to go with it; repeatable"
    )
    if signature:
        parser.add_argument("--signature", type=Path, metavar="FILE", help=signature)


def attached(agent: Agent, args: Namespace) -> tuple[Blob, ...]:
    """The photos and the signature that were given, durable on this device; an event is to name them."""
    found = [blob for path in args.photo for blob in agent.attaching.attach_file(path, "photo")]
    if getattr(args, "signature", None):
        found += agent.attaching.attach_file(args.signature, "signature")
    return tuple(dict.fromkeys(found))


# -- what nobody else may read ---------------------------------------------------
def pin_in(prompt: str) -> str:
    """A PIN from the terminal, unseen, or where there is none the next line of stdin; never an argument."""
    if sys.stdin.isatty():
        try:
            return getpass(f"{prompt}: ")
        except EOFError as error:
            raise Problem(BAD_PIN, "none was given") from error
    line = sys.stdin.buffer.readline()
    if not line:
        raise Problem(BAD_PIN, "none was given; it is read from the terminal or from stdin")
    return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")


def new_pin_in(prompt: str) -> str:
    """The same for one that is being set, which people type twice."""
    pin = pin_in(prompt)
    if sys.stdin.isatty() and pin_in("once more") != pin:
        raise Problem(BAD_PIN, "the two differ")
    return pin


# -- payloads -----------------------------------------------------------------
def payload_arguments(parser: ArgumentParser) -> None:
    """An offer's content; what is not said is prefilled from the job, unless a file says all of it."""
    parser.add_argument("--payload", metavar="FILE", help="the whole payload as JSON; - for stdin")
    parser.add_argument("--priority", choices=get_args(Priority))
    parser.add_argument("--state", choices=get_args(State))
    parser.add_argument("--summary")
    parser.add_argument("--done", action="append", metavar="OBJECT=RESULT", help="something done; repeatable")
    parser.add_argument("--decided", action="append", metavar="WHAT|WHO|BASIS", help="a decision; repeatable")
    parser.add_argument("--next", action="append", metavar="WHAT|OWNER|DUE", help="a next action; repeatable")
    parser.add_argument("--risk", action="append", metavar="IF|THEN", help="what to look out for; repeatable")
    parser.add_argument("--waits-on", action="append", metavar="ON|BY", help="what the job waits on; repeatable")
    parser.add_argument("--count", action="append", metavar="ITEM=EXPECTED/COUNTED", help="goods that go over")
    parser.add_argument("--none", action="append", choices=("risks", "dependencies"), help="there are none")
    parser.add_argument("--gap", action="append", metavar="ELEMENT=REASON", help="missing on purpose; repeatable")


def payload_in(args: Namespace, prefilled: Payload) -> Payload:
    """The payload that the flags say over the prefilled one, or the file alone."""
    if args.payload:
        raw = sys.stdin.buffer.read() if args.payload == "-" else _read(Path(args.payload))
        return strictly(raw, Payload, args.payload)
    said: dict[str, object] = {
        "priority": args.priority,
        "state": args.state,
        "summary": args.summary,
        "actions_taken": _each(args.done, "=", ("object", "result"), Action),
        "decisions": _each(args.decided, "|", ("what", "who", "basis"), Decision),
        "next_actions": _each(args.next, "|", ("what", "owner", "due"), NextAction),
        "risks": _each(args.risk, "|", ("if", "then"), Risk),
        "dependencies": _each(args.waits_on, "|", ("on", "by"), Dependency),
        "items": _list(args.count, _count),
        "none_known": tuple(args.none) if args.none else None,
        "gaps": _each(args.gap, "=", ("element", "reason"), DeclaredGap),
    }
    return msgspec.structs.replace(prefilled, **{name: value for name, value in said.items() if value is not None})


def payloads_in(args: Namespace, prefilled: dict[str, Payload]) -> dict[str, Payload]:
    """The payload of each of several jobs: what the flags say is said of all, or the file says each job's by its id."""
    if not args.payload or len(prefilled) < 2:
        return {job: payload_in(args, payload) for job, payload in prefilled.items()}
    raw = sys.stdin.buffer.read() if args.payload == "-" else _read(Path(args.payload))
    by_job = decode(raw, dict[str, msgspec.Raw], args.payload)
    if by_job.keys() != prefilled.keys():
        odd = ", ".join(sorted(by_job.keys() ^ prefilled.keys()))
        raise Problem(
            BAD_ARGUMENT, f"for several jobs it holds the payload of each by the job's id: {odd}", args.payload
        )
    return {job: strictly(bytes(by_job[job]), Payload, f"{args.payload}: {job}") for job in prefilled}


def _each(given: list[str] | None, separator: str, names: tuple[str, ...], kind: type[_T]) -> tuple[_T, ...] | None:
    def read(text: str) -> _T:
        parts = [part.strip() for part in text.split(separator, len(names) - 1)]
        return _made(dict(zip(names, parts, strict=False)), kind, text)

    return _list(given, read)


def _list(given: list[str] | None, read: Callable[[str], _T]) -> tuple[_T, ...] | None:
    return None if given is None else tuple(read(text) for text in given)


def _count(text: str) -> ItemCount:
    item, _, counts = text.rpartition("=")
    expected, slash, counted = counts.partition("/")
    return _made({"id": item, "expected": expected, "counted": counted if slash else expected}, ItemCount, text)


def reservations_in(given: list[str] | None) -> tuple[Reservation, ...]:
    """`ITEM=COUNTED` or `ITEM=COUNTED:REMARK`, each a reservation."""

    def read(text: str) -> Reservation:
        item, _, rest = text.partition("=")
        counted, colon, remark = rest.partition(":")
        fields = {"item": item, "counted": counted} | ({"remark": remark} if colon else {})
        return _made(fields, Reservation, text)

    return _list(given, read) or ()


def _made(fields: dict[str, str], kind: type[_T], text: str) -> _T:
    try:
        return msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(BAD_ARGUMENT, str(error), text) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Problem(NO_FILE, "", str(path)) from error
    except OSError as error:
        raise Problem(NO_FILE, str(error.strerror), str(path)) from error


def strictly(raw: bytes, kind: type[_T], where: str) -> _T:
    """`raw` as this kind, and nothing in it that the kind does not know: what a person wrote is never dropped."""
    value = decode(raw, kind, where)
    unknown = sorted(_unknown(decode(raw, dict[str, object], where), kind, ""))
    if unknown:
        raise Problem(BAD_ARGUMENT, f"unknown: {', '.join(unknown)}", where)
    return value


def _unknown(given: object, kind: object, at: str) -> Iterable[str]:
    """The paths in `given` that a struct of this kind has no field for."""
    if isinstance(given, list):
        (inner,) = [one for one in get_args(kind) if one is not Ellipsis] or [object]
        for number, one in enumerate(given):
            yield from _unknown(one, inner, f"{at}[{number}]")
    elif isinstance(given, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        for name, one in given.items():
            if name in fields:
                yield from _unknown(one, fields[name], f"{at}.{name}")
            else:
                yield f"{at}.{name}"


def key_values(given: list[str] | None) -> dict[str, str]:
    """`FIELD=VALUE`, each a field."""
    found: dict[str, str] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise Problem(BAD_ARGUMENT, "write FIELD=VALUE", text)
        found[name] = value
    return found
