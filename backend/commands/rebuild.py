"""`handover rebuild`: drops every projection and makes it anew from the ledger. What people may see stays the same.

With `--check` nothing is changed: it says if the projections are what the ledger makes of them, and ends with 1 where
one is not.
"""

import sqlite3
from typing import Final

import msgspec

from backend.commands.console import finish, need, parser, show, written
from backend.config import Settings
from backend.intake import open_door
from backend.project import rebuild
from backend.world import Machine
from backend.writing import Writing

PROJECTIONS: Final = (
    "job_row",
    "handover_row",
    "visit_row",
    "item_row",
    "case_row",
    "order_row",
    "found_by",
    "word",
)


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that are there and should not be, or the other way round, by table."""

    ok: bool
    jobs: int
    differs: dict[str, int]


class _Undo(Exception):
    """Raised at the end of a check, so that nothing of it remains."""

    def __init__(self, found: Compared) -> None:
        super().__init__()
        self.found = found


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("rebuild", __doc__ or "")
    made.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 where a projection is not as it should be"
    )
    made.add_argument("--json", action="store_true", help="print facts as JSON")
    args = made.parse_args(argv)

    def work() -> int:
        settings = Settings(database=args.database)
        need(settings)
        if args.check:
            found = compare(settings)
            said = ", ".join(f"{name}: {count} rows" for name, count in found.differs.items())
            text = f"the rows of {found.jobs} jobs are as the ledger makes them" if found.ok else f"not as made: {said}"
            show(found, as_json=args.json, text=text)
            return 0 if found.ok else 1
        jobs = written(settings, lambda _, writing: rebuild(writing))
        show({"jobs": jobs}, as_json=args.json, text=f"made the rows of {jobs} jobs anew")
        return 0

    return finish("rebuild", work)


def compare(settings: Settings) -> Compared:
    """How the projections differ from what a rebuild makes; the database stays as it is."""

    def check(writing: Writing) -> None:
        before = _rows(writing.con)
        jobs = rebuild(writing)
        writing.flush()
        after = _rows(writing.con)
        differs = {name: len(before[name] ^ after[name]) for name in PROJECTIONS if before[name] != after[name]}
        raise _Undo(Compared(ok=not differs, jobs=jobs, differs=differs))

    with open_door(settings, Machine()) as (door, con):
        try:
            door.write_now(con, check)
        except _Undo as undo:
            return undo.found
    raise RuntimeError("a check that undoes nothing")


def _rows(con: sqlite3.Connection) -> dict[str, set[tuple[object, ...]]]:
    return {name: set(con.execute(f"SELECT * FROM {name}")) for name in PROJECTIONS}  # noqa: S608 - our own names
