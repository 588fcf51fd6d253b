"""The `handover` command: finds the module for a command and loads nothing else."""

import os
import sys
from importlib import import_module

COMMANDS: dict[str, tuple[str, str]] = {
    # command: (module whose `main(argv) -> exit code` runs it, help)
    "device": ("device.commands.table", "a field device: enrol it, record on it, hand over, sync"),
    "serve": ("backend.commands.serve", "the backend, until it is told to stop"),
    "rebuild": ("backend.commands.rebuild", "drop every projection and make it anew from the ledger"),
    "backup": ("backend.commands.backup", "copy everything the backend holds, while it runs, and check the copy"),
    "restore": ("backend.commands.restore", "put a backup in place; every device then sends again what it lacks"),
    "verify": ("backend.commands.verify", "every chain, signature and mark of a database: is all as it was received"),
    "loss": ("backend.commands.loss", "what nobody holds any more after a restore, and a manager's declaration of it"),
    "doctor": ("backend.commands.doctor", "what would go wrong in this deployment: disk, key, journal, clock, backup"),
    "export": (
        "backend.commands.exports",
        "proofs that others can verify, receipts as PDF, master data as a spreadsheet",
    ),
    "people": ("backend.commands.people", "who works here, in which teams, and tokens for the JSON API"),
    "redact": ("backend.commands.redact", "take the words and blobs out of events, for good; lists them first"),
    "devices": ("backend.commands.devices", "what records, who may record on it, one-time enrolment codes"),
    "keys": ("backend.commands.keys", "the key this backend signs with, and its replacement"),
    "sites": ("backend.commands.sites", "where work is done"),
    "labels": ("backend.commands.labels", "sheets of labels for sites, points and assets, to be printed and stuck on"),
    "policies": ("backend.commands.policies", "the rules of each boundary"),
    "sample": ("backend.commands.sample", "a small field service to look around in, where nothing is set up yet"),
    "import": ("backend.commands.imports", "visits of years before, orders and master data, from other systems"),
    "report": ("backend.commands.report", "repeat visits avoided, and each visit with its repeat, as of a day"),
    "demo": ("trial.demo", "a day of field work from end to end, on this machine; ends with the report"),
    "replay": ("trial.replay", "play a scenario file through real devices and a backend"),
    "estimate": ("trial.estimate", "repeat visits avoided, from a table of aggregated history"),
    "bench": ("trial.bench", "how fast the product is, beside a floor of the same work done by hand"),
    "fold": ("trial.stories", "fold histories of custody from a file, in many orders"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit code is 0 (done), 1 (a check failed) or 2 (bad input, said on stderr)."""
    args = sys.argv[1:] if argv is None else argv
    if not args or args[0] in ("-h", "--help"):
        print(__doc__, "\n\nCommands:", *(f"  {name:<12}{help_}" for name, (_, help_) in COMMANDS.items()), sep="\n")
        return 0
    if args[0] not in COMMANDS:
        print(f"handover: no command {args[0]!r}; see handover --help", file=sys.stderr)
        return 2
    run = import_module(COMMANDS[args[0]][0]).main
    try:
        code: int = run(args[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has seen enough; nothing more can be said on it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code
