"""`handover bench WHAT`: how fast the product is beside a floor of the same work done by hand, in one run."""

import sys
from importlib import import_module

BENCHES: dict[str, tuple[str, str]] = {
    # what: (module whose `main(argv) -> exit code` runs it, help)
    "record": ("trial.bench_record", "one event, durable and signed, beside its two rows in one transaction"),
    "push": ("trial.bench_push", "batches from 1, 8 and 32 devices over HTTP, beside bare rows into the same table"),
    "fold": ("trial.bench_fold", "journeys of 20 events folded, beside decoding the same bytes"),
}


def main(argv: list[str]) -> int:
    """Run one bench; 2 for one that does not exist."""
    if not argv or argv[0] in ("-h", "--help"):
        print(__doc__, "", *(f"  {name:<8}{help_}" for name, (_, help_) in BENCHES.items()), sep="\n")
        return 0
    if argv[0] not in BENCHES:
        print(f"handover bench: no bench {argv[0]!r}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    code: int = import_module(BENCHES[argv[0]][0]).main(argv[1:])
    return code
