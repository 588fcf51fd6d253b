"""What the kernel says of a history in the oracle's words: step ids, and nodes as the sets of steps that made them."""

from collections import defaultdict
from collections.abc import Iterable

from sync.custody import Custody, custody
from sync.standing import Shelf
from tests.sync.cast import Told, applied, judged
from tests.sync.oracle import CaseSaid, Said


def folded(told: Told, arrived: Iterable[str] | None = None) -> Said:
    """The kernel's answer to these steps, arrived in this order; all of them as told where none are given."""
    return said_of(told, judged(told.some(told.events if arrived is None else arrived)))


def said_of(told: Told, filled: Shelf) -> Said:
    """The kernel's answer to what stands on a shelf."""
    standings = applied(filled)
    nodes = made(told, filled)
    by_step = {told.ids[one.event.hash]: nodes[one.node.key] for one in standings if one.node}
    tree = custody(standings)
    return Said(
        applied=steps(told, (one.event.hash for one in standings)),
        path=tuple(nodes[node.key] for node in tree.path),
        accountable=tree.accountable,
        cases=frozenset(
            CaseSaid(
                node=by_step[told.ids[case.basis]],
                state=case.state,
                parties=frozenset(case.parties),
                children=steps(told, case.children),
                withdrawals=steps(told, case.withdrawals),
                below=steps(told, case.below),
                resolutions=steps(told, case.resolutions),
                unseen=steps(told, case.unseen),
            )
            for case in tree.cases
        ),
    )


def tree_of(told: Told) -> Custody:
    """The custody tree of a whole history."""
    return custody(applied(judged(told.events.values())))


def made(told: Told, filled: Shelf) -> dict[str, frozenset[str]]:
    """The steps that made each node, by its key."""
    nodes: dict[str, set[str]] = defaultdict(set)
    for one in applied(filled):
        if one.node is not None:
            nodes[one.node.key].add(told.ids[one.event.hash])
    return {key: frozenset(ids) for key, ids in nodes.items()}


def steps(told: Told, hashes: Iterable[str]) -> frozenset[str]:
    """The steps with these hashes."""
    return frozenset(told.ids[hash_] for hash_ in hashes)


def words(told: Told, filled: Shelf) -> dict[str, tuple[str, str]]:
    """Verdict and code by step, of those that arrived."""
    verdicts = {told.ids[hash_]: one.verdict for hash_, one in filled.standings.items()}
    return {id_: (verdict.word, verdict.code) for id_, verdict in verdicts.items()}
