"""Names of things: logs, events, jobs, keys. All are base64url without padding of fixed lengths."""

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from hashlib import sha256

from sync.problems import UNREADABLE, Problem

LOG_BYTES = 16
"""A log's name is this much randomness: new whenever the local database is new."""
JOB_BYTES = 16
KID_BYTES = 8
ENTRY_BYTES = 12
"""A visit's id, a reservation's and an enrolment code are this much randomness."""
HASH_BYTES = 32
_NAME_BYTES = frozenset({KID_BYTES, ENTRY_BYTES, JOB_BYTES, LOG_BYTES, HASH_BYTES})
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def b64(raw: bytes) -> str:
    """`raw` as base64url without padding (RFC 4648 section 5)."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def unb64(text: str) -> bytes:
    """The bytes that `b64` made `text` of; any other text is refused (UNREADABLE).

    Strict: one byte string has one text, so that a name cannot be written in two ways.
    """
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError) as error:
        raise Problem(UNREADABLE, "not base64url") from error
    if b64(raw) != text:
        raise Problem(UNREADABLE, "not base64url in its one canonical form")
    return raw


def is_name(text: str) -> bool:
    """Whether `text` has the shape of a name that was drawn or computed: of a kid, visit, job, log or hash.

    One in 64 of them begins with a hyphen, as an option on a command line does.
    """
    try:
        return len(unb64(text)) in _NAME_BYTES
    except Problem:
        return False


def digest(raw: bytes) -> bytes:
    """SHA-256 of `raw`, 32 bytes."""
    return sha256(raw).digest()


def event_hash(raw: bytes) -> str:
    """The hash that names an event's exact bytes: 43 characters."""
    return b64(digest(raw))


def job_id(opened: str) -> str:
    """The job that the `job.opened` with this hash opens: the first 16 of its 32 bytes, 22 characters."""
    return b64(unb64(opened)[:JOB_BYTES])


def event_name(log: str, seq: int) -> str:
    """`log:seq`, an event's name for display and for `parents`."""
    return f"{log}:{seq}"


def short(hash_: str) -> str:
    """Six characters of a hash, enough to tell two versions of one document apart."""
    return hash_[:6]
