"""`handover policies`: the rules of each boundary, set from a JSON file, every version kept and signed."""

import argparse
from pathlib import Path

import msgspec

from backend.commands.console import add_database, finish, need, parser, read_file, show, written
from backend.config import Settings
from backend.master import check_name
from backend.policies.keeping import put_in_force
from backend.writing import Writing
from sync.codec import decode, encode
from sync.policy import Policy
from sync.problems import UNREADABLE, Problem

BY = "command line"


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("policies", __doc__ or "")
    steps = made.add_subparsers(dest="step", required=True, metavar="STEP")
    put = steps.add_parser("set", help="put the policies of a file in force: one JSON object, or a list of them")
    put.add_argument("file", type=Path)
    listed = steps.add_parser("list", help="the policies in force")
    listed.add_argument("--json", action="store_true")
    for step in (put, listed):
        add_database(step)
    args = made.parse_args(argv)
    work = {"set": _set, "list": _list}[args.step]
    return finish("policies", lambda: work(args, Settings(database=args.database)))


def read_policies(raw: bytes, where: str = "") -> list[Policy]:
    """The policies of a file, their versions still to be given. A field that no policy has is refused by name."""
    found = decode(raw, list[dict[str, msgspec.Raw]], where) if raw.lstrip()[:1] == b"[" else [_fields(raw, where)]
    policies = []
    for fields in found:
        given = {name: value for name, value in fields.items() if name not in ("doc", "version", "issued_at")}
        whole = given | {"doc": msgspec.Raw(b'"policy"'), "version": msgspec.Raw(b"1"), "issued_at": msgspec.Raw(b'""')}
        policy = decode(encode(whole), Policy, where)
        strange = _strange(msgspec.json.decode(encode(given)), msgspec.inspect.type_info(Policy))
        if strange:
            raise Problem(UNREADABLE, f"no policy has a field {strange}", where)
        check_name(policy.boundary)
        policies.append(policy)
    return policies


def _fields(raw: bytes, where: str) -> dict[str, msgspec.Raw]:
    return decode(raw, dict[str, msgspec.Raw], where)


def _strange(value: object, shape: msgspec.inspect.Type) -> str:
    """The path of the first key that the shape does not have; empty where there is none."""
    if isinstance(shape, msgspec.inspect.UnionType):
        shape = next((one for one in shape.types if not isinstance(one, msgspec.inspect.NoneType)), shape)
    if isinstance(shape, msgspec.inspect.StructType) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in shape.fields}
        for name, inner in value.items():
            if name not in fields:
                return str(name)
            deeper = _strange(inner, fields[name])
            if deeper:
                return f"{name}.{deeper}"
    if isinstance(shape, msgspec.inspect.VarTupleType) and isinstance(value, list):
        return next((found for found in (_strange(inner, shape.item_type) for inner in value) if found), "")
    return ""


def _set(args: argparse.Namespace, settings: Settings) -> int:
    policies = read_policies(read_file(args.file), str(args.file))

    def work(writing: Writing) -> list[str]:
        issued = [(policy.boundary, put_in_force(writing, policy, by=BY)) for policy in policies]
        return [f"policy:{boundary} {reference}" for boundary, reference in issued if reference]

    for line in written(settings, lambda _, writing: work(writing)):
        print(line)
    return 0


def _list(args: argparse.Namespace, settings: Settings) -> int:
    need(settings)
    found = written(settings, lambda _, writing: writing.documents.policies())
    lines = [f"{policy.boundary:<32}{reference}" for reference, policy in found]
    show({policy.boundary: policy for _, policy in found}, as_json=args.json, text="\n".join(lines))
    return 0
