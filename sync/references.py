"""What an event names: found and judged, or the reason why it cannot be applied."""

from sync.events import Event, Offered
from sync.policy import Directory, Policy
from sync.problems import LOST, NAMES_REFUSED, OTHER_JOB, UNKNOWN_BASIS, UNKNOWN_DOCUMENT, WRONG_REFERENCE, ProblemKind
from sync.standing import DECLARED_LOST, Known, Node, Standing, Verdict, Word


class No(Exception):
    """The event is not applied: the verdict says why."""

    def __init__(self, word: Word, kind: ProblemKind, detail: str = "", waits_for: tuple[str, ...] = ()) -> None:
        self.verdict = Verdict(word=word, code=kind.slug, detail=detail, waits_for=waits_for)


def refuse(kind: ProblemKind, detail: str = "") -> No:
    """What to raise where a rule is broken: for ever."""
    return No("refused", kind, detail)


def named(known: Known, hash_: str, event: Event) -> Standing:
    """The applied event with this hash, of the same job or of none; else `No`."""
    found = arrived(known.by_hash(hash_), hash_)
    if found.event.job != event.job and found.event.kind not in ("device.revoked", "log.forked"):
        raise refuse(OTHER_JOB, hash_)
    return found


def job_of(known: Known, job: str) -> Standing:
    """The applied opening of this job; else `No`."""
    return arrived(known.by_job(job), job)


def arrived(found: Standing | None, name: str) -> Standing:
    """What was found, where it is applied; else `No`: what is not here is waited for, what was refused refuses.

    So does what was declared lost: nobody holds it, and nobody waits for it any more.
    """
    if found is None or found.verdict.word in ("parked", "quarantined"):
        raise No("parked", UNKNOWN_BASIS, name, (name,))
    if found.verdict == DECLARED_LOST:
        raise refuse(LOST, name)
    if found.verdict.word == "refused":
        raise refuse(NAMES_REFUSED, name)
    return found


def node_of(known: Known, hash_: str, event: Event) -> Node:
    """The node that the event with this hash made; else `No`."""
    found = named(known, hash_, event)
    if found.node is None:
        raise refuse(WRONG_REFERENCE, f"{hash_} made nobody accountable")
    return found.node


def offer_of(known: Known, hash_: str, event: Event) -> tuple[Standing, Offered, Node]:
    """The applied offer with this hash, what it says, and its basis; else `No`."""
    found = named(known, hash_, event)
    if not isinstance(found.event.body, Offered) or found.under is None:
        raise refuse(WRONG_REFERENCE, f"{hash_} is no offer")
    return found, found.event.body, found.under


# -- documents ----------------------------------------------------------------
def _version(reference: str) -> int:
    return int(reference.partition(".")[0])


def newer(one: str, other: str) -> str:
    """Of two references the one with the higher version; of two alike, the same one in every order."""
    return one if one == other else max(one, other, key=lambda reference: (_version(reference), reference))


def directory_of(known: Known, reference: str) -> Directory:
    """The roster of this reference; else `No`: it is waited for."""
    found = known.directory(reference)
    if found is None:
        raise No("parked", UNKNOWN_DOCUMENT, f"roster {reference}", (f"roster {reference}",))
    return found


def policy_of(known: Known, boundary: str, reference: str) -> Policy:
    """The policy of this boundary with this reference; else `No`: it is waited for."""
    found = known.policy(boundary, reference)
    if found is None:
        name = f"policy:{boundary} {reference}"
        raise No("parked", UNKNOWN_DOCUMENT, name, (name,))
    return found
