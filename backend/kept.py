"""What a job's projections said last, so that only what changed is written."""


class Kept:
    """The rows of one job as they are in the database, each body by its key; `reach` are the keys that reach it.

    `found` are those it is found by.
    """

    __slots__ = ("cases", "found", "handovers", "items", "job", "orders", "reach", "visits")

    def __init__(self) -> None:
        self.job = ""
        self.handovers: dict[str, str] = {}
        self.visits: dict[str, str] = {}
        self.items: dict[str, str] = {}
        self.cases: dict[str, str] = {}
        self.orders: dict[str, str] = {}
        self.reach: set[str] = set()
        self.found: set[str] = set()
