"""What a job is found by: the keys that lists filter by, and the words that a search looks up. Rules, no database."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, get_args

from backend.rows import JobRows
from backend.spelling import looked_for

Flag = Literal[
    "held",
    "case",
    "changed",
    "gap",
    "evidence",
    "reserved",
    "short",
    "goods",
    "refused",
    "unplanned",
    "offered",
    "on_site",
    "merged",
    "discrepancy",
]
"""What a list of jobs can be narrowed to, beside a state, a place or a party."""
FLAGS: Final[tuple[Flag, ...]] = get_args(Flag)
_NAMED: Final = frozenset({"order", "item", "asset", "customer"})
"""Kinds of keys whose ids people know: a word leads to each."""
Word = tuple[str, str, str]
"""A word, of what kind it is one, and the id of that."""


def keys_of(rows: JobRows) -> set[str]:
    """Every key under which this job is found."""
    job = rows.job
    keys = {f"state:{job.state}", f"priority:{job.priority}", *(f"is:{flag}" for flag in _flags(rows))}
    named = {"site": job.site, "asset": job.asset, "customer": job.customer, "planned": job.planned}
    named["accountable"] = job.accountable
    keys.update(f"{what}:{id_}" for what, id_ in named.items() if id_)
    keys.update(f"{kind}:{id_}" for kind, id_ in _things(rows))
    for one in rows.handovers:
        if one.state in ("offered", "refused"):
            keys.update(f"offered:{party}" for party in one.to)
    return keys


def _flags(rows: JobRows) -> Iterable[Flag]:
    job = rows.job
    holds: dict[Flag, bool] = {
        "held": job.held,
        "case": bool(job.open_cases),
        "changed": job.changed_since_offer,
        "gap": bool(job.gaps_open),
        "evidence": bool(job.blobs_awaited),
        "reserved": any(item.reserved for item in rows.items),
        "goods": bool(job.items_open),
        "short": any(item.short for item in rows.items),
        "refused": any(one.state == "refused" for one in rows.handovers),
        "unplanned": job.state == "open" and not job.planned,
        "offered": bool(job.open_offers),
        "on_site": job.on_site,
        "merged": bool(job.merged_with),
        "discrepancy": bool(job.discrepancies),
    }
    return (flag for flag, it_holds in holds.items() if it_holds)


def _things(rows: JobRows) -> set[tuple[str, str]]:
    """Orders and items of the job; a serial number is an item beside its article."""
    found = {("item", item.item) for item in rows.items}
    for row in rows.orders:
        found.add(("order", row.name))
        for line in row.order.lines:
            found.add(("item", line.article))
            found.update(("item", serial) for serial in line.serials if serial)
    return found


@lru_cache(maxsize=16_384)
def words_of(key: str) -> tuple[Word, ...]:
    """The words that lead to what this key names, where it is something that people look for by a name or a number."""
    kind, _, id_ = key.partition(":")
    if kind not in _NAMED:
        return ()
    texts = (id_, id_.partition("/")[2]) if kind == "order" else (id_,)
    return tuple(dict.fromkeys((word, kind, id_) for text in texts for word in looked_for(text)))
