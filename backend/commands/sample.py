"""`handover sample`: a small field service to look around in, put into a database where nothing is set up yet."""

import argparse

from backend.commands.console import finish, parser, show, written
from backend.commands.people import BY
from backend.config import Settings
from backend.intake import Door
from backend.masters.taking import Plan
from backend.sample import put_sample_in
from backend.writing import Writing


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("sample", __doc__ or "")
    made.add_argument("--json", action="store_true", help="print facts as JSON")
    args = made.parse_args(argv)
    return finish("sample", lambda: _put_in(args))


def _put_in(args: argparse.Namespace) -> int:
    def work(door: Door, writing: Writing) -> Plan:
        return put_sample_in(door, writing, by=BY)

    came = written(Settings(database=args.database), work)
    said = ", ".join(f"{one.new} {name}" for name, one in came.counts.items())
    show({"sheets": came.counts}, as_json=args.json, text=f"put in: {said}")
    return 0
