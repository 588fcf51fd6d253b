"""`handover rebuild`: drops every projection and makes it anew from the ledger. What people may see stays the same."""

from backend.commands.console import finish, need, parser, show, written
from backend.config import Settings
from backend.project import rebuild


def main(argv: list[str]) -> int:
    """Run the command."""
    made = parser("rebuild", __doc__ or "")
    made.add_argument("--json", action="store_true")
    args = made.parse_args(argv)

    def work() -> int:
        settings = Settings(database=args.database)
        need(settings)
        jobs = written(settings, lambda _, writing: rebuild(writing))
        show({"jobs": jobs}, as_json=args.json, text=f"made the rows of {jobs} jobs anew")
        return 0

    return finish("rebuild", work)
