"""Every way the product says no, in one table: what it is called, what it means, what to do next.

A rule raises `Problem(KIND, detail)`; each edge renders it in its own way (problem+json over
HTTP, a line and exit code 2 on the command line, a verdict's code on the wire).
"""

from typing import Final, Literal

import msgspec

Remedy = Literal["retry", "fix", "ask"]
"""What the one who met the problem does: the same again later, mend the input, or ask a person."""


class ProblemKind(msgspec.Struct, frozen=True):
    """A kind of problem: `slug` names it for machines, `title` for people, `advice` says what to do."""

    slug: str
    title: str
    status: int
    remedy: Remedy
    advice: str


class Problem(Exception):
    """Something was refused for a reason that `kind` names; nothing was changed by the attempt.

    `detail` says what was found, `where` the place in the input (a line, a field, a path) if there is one.
    """

    def __init__(self, kind: ProblemKind, detail: str = "", where: str = "") -> None:
        super().__init__(": ".join(part for part in (kind.title, where, detail) if part))
        self.kind = kind
        self.detail = detail
        self.where = where


_ALL: Final[dict[str, ProblemKind]] = {}


def _kind(slug: str, title: str, status: int, remedy: Remedy, advice: str) -> ProblemKind:
    if slug in _ALL:
        raise ValueError(f"problem {slug} is defined twice")
    _ALL[slug] = ProblemKind(slug, title, status, remedy, advice)
    return _ALL[slug]


def catalogue() -> tuple[ProblemKind, ...]:
    """Every kind of problem there is, in the order of this file."""
    return tuple(_ALL.values())


# -- bytes that cannot be read ------------------------------------------------
UNREADABLE = _kind("unreadable", "This cannot be read", 400, "fix", "Send it as the format's description says.")
TOO_LARGE = _kind("too-large", "This is too large", 413, "fix", "Send less at a time.")
