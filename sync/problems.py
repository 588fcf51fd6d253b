"""Every way the product says no, in one table: what it is called, what it means, what to do next.

A rule raises `Problem(KIND, detail)`; each edge renders it in its own way (problem+json over
HTTP, a line and exit code 2 on the command line, a verdict's code on the wire).
"""

from collections.abc import Mapping
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


class Detail(msgspec.Struct, frozen=True):
    """A sentence on what was found, with `{places}` in it; `key` names it where other languages say it."""

    key: str
    sentence: str

    def of(self, **given: int | str) -> "Found":
        """The sentence with what was found put in; each of its places has to be given."""
        return Found(self, given)


class Found(msgspec.Struct, frozen=True):
    """A detail and what was found, so that a page can say it in the reader's language; as text it is English."""

    detail: Detail
    given: Mapping[str, int | str]

    def __str__(self) -> str:
        return self.detail.sentence.format_map(self.given)


class Problem(Exception):
    """Something was refused for a reason that `kind` names; nothing was changed by the attempt.

    `detail` says what was found, `where` the place in the input (a line, a field, a path) if there is one. What people
    often meet is a `Found` of sync/details.py: it stays in `found`, and `detail` is its English.
    """

    def __init__(self, kind: ProblemKind, detail: str | Found = "", where: str = "") -> None:
        said = str(detail)
        super().__init__(": ".join(part for part in (kind.title, where, said) if part))
        self.kind = kind
        self.detail = said
        self.found = detail if isinstance(detail, Found) else None
        self.where = where


def as_sentence(problem: Problem) -> str:
    """What was found, where, and what to do, in one line for a person; nothing in it steers a terminal."""
    found = str(problem)
    whole = f"{found if found.endswith(('.', '!', '?')) else f'{found}.'} {problem.kind.advice}"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in whole)


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
BAD_SIGNATURE = _kind("bad-signature", "The signature does not hold", 400, "ask", "Ask for it again from its author.")
EVENT_TOO_LARGE = _kind(
    "event-too-large", "One event is larger than 64 KiB", 413, "fix", "Say less, or attach it as a blob."
)
NEWER_SCHEMA = _kind(
    "newer-schema", "This was written by newer software", 409, "retry", "It is kept and judged after an upgrade."
)

# -- codes, in the order they are looked for ----------------------------------
NOT_OUR_CODE = _kind(
    "not-a-handover-code", "This is not one of our codes", 400, "fix", "Scan the code on the other device or the label."
)
CODE_VERSION_UNSUPPORTED = _kind(
    "code-version-unsupported", "This code is of a version that this app cannot read", 400, "fix", "Update the app."
)
CODE_TEXT_MALFORMED = _kind(
    "code-text-malformed", "The text of this code is damaged", 400, "fix", "Scan it again, spaces included."
)
CODE_MALFORMED = _kind(
    "code-frame-malformed",
    "What this code carries is damaged",
    400,
    "fix",
    "Have the code shown anew and scan it again.",
)
CODE_INFLATES_TOO_FAR = _kind(
    "code-inflates-too-far",
    "This code unpacks to more than a code may carry",
    400,
    "ask",
    "Do not use it; tell the office.",
)
WRONG_TYPE_OF_CODE = _kind(
    "wrong-type-of-code", "This is a code of another type", 400, "fix", "Scan the code that this step asks for."
)
NO_CODE_FOUND = _kind(
    "no-code-found", "No code can be read in this picture", 400, "retry", "Hold still, come closer, avoid reflections."
)
NO_PICTURE = _kind("no-picture", "There is no such picture", 404, "fix", "Check the path of the file.")
NOT_A_PICTURE = _kind("not-a-picture", "This is no picture that can be read", 400, "fix", "Give a PNG or JPEG picture.")
SCANNER_SILENT = _kind(
    "scanner-silent", "The scanner cannot be read", 400, "retry", "Check its cable, its name and its settings."
)

# -- a scanned offer or acceptance, in the order it is looked at ---------------
CLOCK_BEFORE_ROSTER = _kind(
    "clock-before-roster",
    "This device's clock is behind the roster it holds",
    409,
    "fix",
    "Set the device's clock, then scan again.",
)
ROSTER_TOO_OLD = _kind(
    "roster-too-old", "The roster on this device is too old", 409, "retry", "Sync once, then scan again."
)
KEY_REVOKED = _kind("key-revoked", "The device that signed this was revoked", 403, "ask", "Ask the office.")
KEY_NOT_VALID_THEN = _kind(
    "key-not-valid-then",
    "The key was not valid at the time the code says",
    403,
    "ask",
    "Check both devices' clocks; then ask the office.",
)
SENDER_NOT_AUTHORISED = _kind(
    "sender-not-authorised", "The sender may not hand over at this site", 403, "ask", "Ask the office."
)
CHALLENGE_UNKNOWN_OR_USED = _kind(
    "challenge-unknown-or-used",
    "This offer does not answer an open challenge of yours",
    409,
    "fix",
    "Show your challenge, have it scanned, then have it offered anew.",
)
OFFER_FROM_FUTURE = _kind(
    "offer-from-future",
    "This offer is dated in the future",
    409,
    "fix",
    "Compare the clocks of both devices, then have it offered anew.",
)
OFFER_LAPSED = _kind("offer-lapsed", "This offer has lapsed", 409, "ask", "Have it offered anew.")
WRONG_SITE = _kind("wrong-site", "This offer is for another site", 409, "ask", "Check where you are.")
ACCEPTED_HERE = _kind("already-accepted-here", "You have accepted this already", 409, "fix", "Show that code again.")
SUPERSEDED = _kind("superseded", "This offer no longer stands", 409, "ask", "Have it offered anew.")
OTHER_CONTENT = _kind(
    "same-offer-other-content",
    "An offer of the same name but with other content is held here",
    409,
    "ask",
    "Do not accept it; tell the office.",
)
SYNTHESIS_MISSING = _kind(
    "synthesis-missing", "The open points were not read back", 422, "fix", "Say in your own words what is to be done."
)
SIGNATURE_MISSING = _kind(
    "signature-missing",
    "A guest signs or gives a name",
    422,
    "fix",
    "Let the guest sign on this device, or type the name.",
)
NOT_MY_OFFER = _kind(
    "not-my-offer", "This answers an offer that is not yours", 409, "fix", "Scan your receiver's code."
)
OTHER_OFFER = _kind(
    "acceptance-of-something-else",
    "This answers another offer",
    409,
    "fix",
    "Scan the code that answers the offer you showed.",
)
SELF_ACCEPTANCE = _kind(
    "self-acceptance", "Sender and receiver are the same person", 422, "ask", "Somebody else must accept."
)
RECEIVER_NOT_AUTHORISED = _kind(
    "receiver-not-authorised", "The receiver may not accept this", 403, "ask", "Offer it to somebody who may."
)
OUTSIDE_WINDOW = _kind(
    "accepted-outside-window",
    "This was accepted before it was offered or after it lapsed",
    409,
    "ask",
    "Compare the clocks of both devices; the office sees both halves.",
)
ACCEPTED_BY_ANOTHER = _kind(
    "already-accepted-by-another", "Somebody else has accepted this already", 409, "ask", "Tell the office."
)
POINTS_NOT_ACKNOWLEDGED = _kind(
    "open-points-not-acknowledged",
    "Not every open point was read back",
    422,
    "fix",
    "Go through the open points together, then have it accepted again.",
)


# -- before departure ----------------------------------------------------------
GAPS_OPEN = _kind("gaps-open", "A check found a gap", 409, "fix", "Put it right, or go with it and say why.")

# -- verdicts: why an event is refused or waits -------------------------------
UNKNOWN_BASIS = _kind(
    "unknown-basis", "It names something that has not arrived", 409, "retry", "It is kept and judged when that arrives."
)
UNKNOWN_DOCUMENT = _kind(
    "unknown-document",
    "It was made under a document not held here",
    409,
    "retry",
    "Pull the document, then look again.",
)
GAP = _kind("gap", "Events before it have not arrived", 409, "retry", "It is kept and judged when they arrive.")
NAMES_REFUSED = _kind("names-refused", "It names something that was refused", 409, "ask", "Ask the office to look.")
WRONG_REFERENCE = _kind(
    "wrong-reference", "It names the wrong kind of thing", 422, "fix", "Name an event of the kind that is meant here."
)
OTHER_JOB = _kind("other-job", "It names an event of another job", 422, "fix", "Name an event of the same job.")
NOT_SIGNED = _kind(
    "not-signed", "It moves accountability and carries no signature", 422, "fix", "Sign it with the device's key."
)
UNKNOWN_KEY = _kind("unknown-key", "No roster lists the key that signed this", 422, "ask", "Enrol the device.")
NOT_ON_DEVICE = _kind(
    "not-on-device",
    "The roster does not list this person for the device",
    422,
    "ask",
    "Have the office add the person.",
)
NOT_STAFF = _kind("not-staff", "Only the office records this", 422, "ask", "Ask a dispatcher or manager.")
NOT_ACCOUNTABLE = _kind(
    "not-accountable", "The sender was not accountable", 422, "ask", "Whoever is accountable must offer it."
)
NOT_FOR_PARTY = _kind(
    "not-for-party",
    "The one who recorded this does not act for that party",
    422,
    "fix",
    "Record it for yourself or your team.",
)
NOT_ADDRESSED = _kind("not-addressed", "The offer was not addressed to this party", 422, "ask", "Have it offered anew.")
OWN_OFFER = _kind("own-offer", "Sender and receiver are the same", 422, "fix", "Somebody else must accept.")
WRONG_MEETING = _kind(
    "wrong-meeting", "The two halves were not recorded the way they claim", 422, "fix", "Record it as it happened."
)
NOT_A_PARTY = _kind("not-a-party", "Nobody of this name can be accountable", 422, "fix", "Name a person or a team.")
ELEMENT_MISSING = _kind(
    "element-missing", "A mandatory element is missing", 422, "fix", "Say it, or declare the gap with a reason."
)
NOT_ALLOWED_NOW = _kind(
    "not-allowed-now", "The boundary does not allow this handover", 422, "ask", "See the boundary's policy."
)
NOT_ENTITLED = _kind(
    "not-entitled",
    "The boundary asks for another role or skill",
    422,
    "ask",
    "Somebody with that role or skill must do it.",
)
NOT_DISTINCT = _kind(
    "not-distinct", "The receiver must be somebody else", 422, "ask", "Somebody not involved before must accept."
)
NO_CONTEST = _kind(
    "no-contest", "It cites no contest of that basis", 422, "fix", "Cite the children or the withdrawal it settles."
)
WRONG_CHOICE = _kind(
    "wrong-choice",
    "It chooses nothing that can be chosen",
    422,
    "fix",
    "Choose a cited child, a resolution, or name a party.",
)
LOST = _kind(
    "lost", "It names an event that nobody holds any more", 409, "ask", "A manager opens or reassigns the job anew."
)
QUARANTINED = _kind(
    "quarantined",
    "Its device was revoked before this was held here",
    409,
    "ask",
    "It is kept; a manager may promote it.",
)
NOT_REDACTABLE = _kind(
    "not-redactable",
    "What restates it changes more than free text and blobs",
    422,
    "fix",
    "Have the product restate it; nothing else may differ.",
)
NOT_CORRECTABLE = _kind(
    "not-correctable",
    "This cannot be corrected",
    422,
    "fix",
    "Name a fact of the job and its fields; what moved accountability is resolved or reassigned instead.",
)
RESTATEMENT_MISSING = _kind(
    "restatement-missing",
    "Only its hash came, and what is left of it is not known here",
    409,
    "retry",
    "Nothing to do: it counts once the redaction that restates it is here.",
)
WORDS_GONE = _kind(
    "words-gone", "Its words were taken out", 410, "ask", "A code holds an event's own bytes; let the other side sync."
)
MISPLACED = _kind("misplaced", "It stands where it does not belong", 422, "ask", "Send the device's log to support.")

# -- the sync conversation ----------------------------------------------------
BAD_HEADER = _kind("bad-header", "The head of the push is not right", 400, "fix", "Send what the header says, whole.")
UNKNOWN_LOG = _kind("unknown-log", "This log was never opened here", 400, "ask", "Enrol the device, then push again.")
NOT_SIGNED_IN = _kind("not-signed-in", "No valid session", 401, "retry", "Open a session and send the same again.")
NOT_PERMITTED = _kind("not-permitted", "This role may not do that", 403, "ask", "Ask somebody who may.")
NOT_FOUND = _kind("not-found", "There is no such thing here", 404, "fix", "Look at the list for what there is.")
TOO_BUSY = _kind(
    "too-busy", "Too much at once", 503, "retry", "Wait a while, then try again; Retry-After says how long."
)
BAD_ENROLMENT = _kind(
    "bad-enrolment", "The enrolment code does not hold", 403, "ask", "Ask the office for a new code; each works once."
)
KEY_TAKEN = _kind("key-taken", "A device with this key is enrolled", 409, "fix", "Make a new key and enrol again.")
BAD_CURSOR = _kind("bad-cursor", "This cursor was not given out here", 409, "retry", "Pull again from the beginning.")
NO_PROGRESS = _kind(
    "no-progress", "The conversation moves in a circle", 409, "ask", "Send the device's log to support."
)
LOG_FORKED = _kind(
    "log-forked",
    "This device's log was continued from an old copy",
    409,
    "ask",
    "Record nothing more here; enrol the device anew. What it recorded is still sent.",
)
DEVICE_REVOKED = _kind(
    "device-revoked",
    "This device was revoked",
    403,
    "ask",
    "Record nothing more here; what it holds is still sent. The office enrols a device anew.",
)
NOT_REVOKED = _kind(
    "not-revoked",
    "This device may go on recording",
    409,
    "fix",
    "Have the office revoke it first: handover devices revoke.",
)
ALREADY_ANSWERED = _kind(
    "already-answered", "This offer can no longer be answered so", 409, "ask", "Ask for a new offer."
)

# -- blobs --------------------------------------------------------------------
BLOB_NOT_HELD = _kind("blob-not-held", "These bytes are not held here", 404, "retry", "Send them from the start.")
BLOB_TOO_LARGE = _kind("blob-too-large", "This attachment is too large", 413, "fix", "Take a smaller picture.")
BLOB_MISMATCH = _kind(
    "blob-mismatch", "The bytes are not what their name says", 422, "retry", "Send them again from the start."
)
BLOB_TYPE = _kind("blob-type", "Attachments of this type are not taken", 415, "fix", "Attach a PNG or JPEG picture.")
QUOTA_FULL = _kind(
    "quota-full", "No more attachments fit for now", 507, "retry", "Sync what waits, then attach it again."
)
BLOB_UNKNOWN = _kind(
    "blob-unknown", "No event of this device names these bytes", 404, "retry", "Send the event that names them first."
)
BLOB_EMPTY = _kind("blob-empty", "There is nothing in this attachment", 422, "fix", "Take the picture again.")
BLOB_GONE = _kind(
    "blob-gone",
    "An attachment that was recorded is damaged or gone",
    409,
    "ask",
    "Take it again, and say so in a note.",
)
PHOTO_DISK_FULL = _kind(
    "photo-disk-full",
    "This device's disk is too full for more attachments",
    507,
    "fix",
    "Sync, or free space; all else can still be recorded.",
)

# -- the device's doors -------------------------------------------------------
DISK_FULL = _kind(
    "disk-full", "This device's disk is full", 507, "fix", "Free space, then do it again; nothing was half done."
)
DAMAGED_STORE = _kind(
    "damaged-store", "This device's database cannot be read", 500, "ask", "Keep the folder as it is and ask support."
)
NO_FOLDER = _kind(
    "no-folder", "This folder cannot be used", 500, "fix", "Name another folder, or see that it can be written."
)
NOT_DRAWN = _kind(
    "not-drawn",
    "The code could not be drawn",
    500,
    "fix",
    "What was recorded stays so, once; draw its code with: handover device show HASH.",
)
NOT_ENROLLED = _kind("not-enrolled", "This device is not enrolled", 409, "fix", "Scan an enrolment code first.")
ALREADY_ENROLLED = _kind(
    "already-enrolled",
    "This device is enrolled",
    409,
    "fix",
    "Go on working; a device that is stopped can be enrolled anew.",
)
UNSENT = _kind(
    "unsent", "This device still holds what nobody else has", 409, "retry", "Sync until all is received, then enrol it."
)
LOG_STOPPED = _kind(
    "log-stopped",
    "This log takes nothing more",
    409,
    "ask",
    "Enrol the device anew; what it recorded is still sent.",
)
WRONG_HOLDER = _kind(
    "wrong-holder",
    "This person does not hold the device",
    409,
    "fix",
    "Switch the person first: handover device switch.",
)
WRONG_PIN = _kind(
    "wrong-pin",
    "This is not the PIN",
    403,
    "fix",
    "Try again; after three the wait grows. A forgotten one goes when the office takes the person off the device.",
)
PIN_WAIT = _kind("pin-wait", "Too many wrong PINs were given", 429, "retry", "Wait as long as it says, then try again.")
BAD_PIN = _kind(
    "bad-pin", "This cannot be a PIN", 422, "fix", "Choose 4 to 12 digits that are neither all alike nor in a row."
)
NO_CONNECTION = _kind(
    "no-connection", "The backend cannot be reached", 503, "retry", "It is tried again by itself; go on working."
)
NOT_BOUND = _kind(
    "not-bound",
    "The backend cannot be reached, and this device is not enrolled yet",
    503,
    "retry",
    "See that the backend runs and can be called at that address; then enrol again with the same code.",
)
OTHER_BACKEND = _kind(
    "other-backend",
    "That is another backend than the enrolment code names",
    403,
    "ask",
    "Ask the office for a new enrolment code.",
)
LINE_TROUBLE = _kind(
    "line-trouble", "The line to the broker needs attention", 503, "ask", "Check the broker and what connects to it."
)
BAD_SETTINGS = _kind("bad-settings", "The settings cannot be used", 422, "fix", "Mend the named field of the file.")
BAD_ARGUMENT = _kind("bad-argument", "This cannot be understood", 400, "fix", "See --help for what fits.")

# -- messages from sensors, and listening to them ------------------------------
SIGNAL_TOPIC = _kind(
    "not-a-signal-topic",
    "Nothing here reads messages on this topic",
    422,
    "fix",
    "Subscribe to topics of a known dialect.",
)
SIGNAL_EMPTY = _kind("empty-message", "The message is empty", 422, "fix", "Nothing to do: a kept message was cleared.")
SIGNAL_UNKNOWN = _kind(
    "unknown-message-type", "This type of message is not known", 422, "ask", "It is kept; an update may read it."
)
SIGNAL_ENCRYPTED = _kind(
    "encrypted-message",
    "The message is encrypted for somebody else",
    422,
    "fix",
    "Turn payload encryption off; use TLS.",
)
ALREADY_LISTENING = _kind(
    "already-listening", "Another process listens for this device already", 409, "fix", "Stop the other one first."
)

# -- the backend's doors ------------------------------------------------------
WRONG_METHOD = _kind("wrong-method", "This address takes another method", 405, "fix", "See /schema for what it takes.")
WRONG_MEDIA = _kind("wrong-media", "This address takes another type of body", 415, "fix", "See /schema for the type.")
WRONG_INPUT = _kind("wrong-input", "What was sent does not fit", 400, "fix", "Mend what is named and send it again.")
TOO_MANY = _kind(
    "too-many", "Too many attempts", 429, "retry", "Wait a while, then try again; Retry-After says how long."
)
BROKEN = _kind(
    "broken", "The backend met a fault of its own", 500, "retry", "Try again; if it stays, tell support when."
)
STORE_FULL = _kind(
    "store-full", "The backend's disk is full", 503, "retry", "Free space; nothing was lost or half done."
)
STORE_TROUBLE = _kind(
    "store-trouble",
    "The database cannot be read or written",
    503,
    "ask",
    "See that its folder is there, can be written and has space; then try again.",
)
STORE_BUSY = _kind(
    "store-busy",
    "Another process has been writing to the database for too long",
    503,
    "retry",
    "Try again; if it stays so, see what else uses the file.",
)
NOT_OUR_DATABASE = _kind(
    "not-our-database",
    "This is no database for this software",
    500,
    "fix",
    "Name another file, or install what made it.",
)
NOT_A_BACKUP = _kind(
    "not-a-backup", "This is no whole backup", 422, "fix", "Name a folder that `handover backup` made, unchanged."
)
NOT_A_PROOF = _kind(
    "not-a-proof", "This is no proof of a handover", 422, "fix", "Name a folder or ZIP that was exported, unchanged."
)
CHAIN_BROKEN = _kind(
    "chain-broken", "What is held was changed", 500, "ask", "Keep the database as it is and restore a backup."
)
STILL_HELD = _kind(
    "still-held", "This is held here, or nothing misses it", 409, "fix", "See `handover loss list` for what is missing."
)
IN_USE = _kind("in-use", "A server is using this database", 409, "fix", "Stop the server, then do it again.")
STALE = _kind("stale", "The job changed since it was looked at", 409, "fix", "Look at what changed, then decide again.")
ACTION_REUSED = _kind(
    "action-reused", "This action id was used for something else", 409, "fix", "Use a new id for each action."
)
NOT_POSSIBLE_NOW = _kind(
    "not-possible-now", "The job does not stand so that this can be done", 409, "fix", "Look at the job's state."
)
UNKNOWN_PARTY = _kind("unknown-party", "Nobody of this name is listed", 422, "fix", "Add the person or team first.")
UNKNOWN_SITE = _kind(
    "unknown-site",
    "No site of this name is listed",
    422,
    "fix",
    "Add it first, among the master data or with handover sites add.",
)
BAD_NAME = _kind(
    "bad-name",
    "Nothing can be called that",
    422,
    "fix",
    "Take 1 to 200 characters that can be read, none blank at an end.",
)
TAKEN = _kind("taken", "This name is taken", 409, "fix", "Choose another, or change the one there is.")
NO_FILE = _kind("no-file", "There is no such file, or it cannot be read", 404, "fix", "Check the path of the file.")
BAD_TABLE = _kind(
    "bad-table", "This table cannot be read", 422, "fix", "Mend the named line or column and send the file again."
)
NOT_A_WORKBOOK = _kind(
    "not-a-workbook", "This is no workbook that can be read", 422, "fix", "Save it as .xlsx without a password."
)
NOT_EMPTY = _kind(
    "not-empty", "Something is set up here already", 409, "fix", "Put the sample into a database of its own."
)
STILL_NAMED = _kind(
    "still-named", "Other rows name this one", 409, "fix", "Change or end those first; they are listed with it."
)
BAD_ROW = _kind("bad-row", "This row cannot be used as it is", 422, "fix", "Mend the field that is named.")
ADDRESS_TAKEN = _kind(
    "address-taken", "The server cannot listen there", 503, "fix", "Choose another --port, or stop what listens there."
)

# -- measures -----------------------------------------------------------------
NO_FIT = _kind(
    "no-fit", "Expected repeats cannot be learnt from these visits", 422, "fix", "Give visits from before a switch-on."
)

# -- trials -------------------------------------------------------------------
BAD_SCENARIO = _kind(
    "bad-scenario",
    "This is no scenario that can be played",
    422,
    "fix",
    "Mend the place named; fixtures/scenarios/README.md says what may stand there.",
)
HOST_GONE = _kind("host-gone", "A process of the trial ended", 500, "ask", "See what it said last, in its directory.")
NOTHING_RECORDED = _kind(
    "nothing-recorded", "The step it names recorded nothing", 409, "fix", "See why that step came to nothing."
)
NOT_RUNNING = _kind("not-running", "This process of the trial does not run", 409, "fix", "Start it again first.")
NOT_TAKEN = _kind(
    "not-taken",
    "The backend did not take what the bench sent",
    500,
    "ask",
    "Run the tests of push; a number would lie.",
)

# -- people at the office's pages ---------------------------------------------
SIGN_IN_FAILED = _kind(
    "sign-in-failed",
    "Name and password do not fit together",
    403,
    "fix",
    "Try again, or ask an administrator for a new password.",
)
WRONG_PASSWORD = _kind(
    "wrong-password", "This is not your password", 422, "fix", "Type the one with which you sign in now."
)
LINK_OVER = _kind(
    "link-over", "This link works no longer", 410, "ask", "Each works once and for three days; ask for a new one."
)
WEAK_PASSWORD = _kind(
    "weak-password",
    "This password is too easy to guess",
    422,
    "fix",
    "Take 12 characters or more that nobody would try first; a few words that do not belong together do well.",
)
FOREIGN_FORM = _kind(
    "foreign-form",
    "This form was not sent from a page of this office",
    403,
    "fix",
    "Open the page again and send it from there.",
)
NOT_HERE_UNENCRYPTED = _kind(
    "not-here-unencrypted",
    "Nobody can sign in over an unencrypted connection",
    403,
    "fix",
    "Open the office by https, or on the machine it runs on.",
)
LAST_ADMIN = _kind(
    "last-admin",
    "Nobody else administers this office",
    409,
    "fix",
    "Make somebody else an administrator first.",
)
CHANGED_SINCE = _kind(
    "changed-since",
    "Somebody else changed this meanwhile",
    409,
    "fix",
    "See what stands there now, and send yours again if it is still right.",
)
NO_SIGN_IN = _kind(
    "no-sign-in",
    "A program does not sign in",
    409,
    "fix",
    "Make a token for it instead.",
)
PROVIDER_DOWN = _kind(
    "provider-down",
    "The sign-in service does not answer",
    503,
    "retry",
    "Try again in a while, or sign in with your password.",
)
PROVIDER_REFUSED = _kind(
    "provider-refused",
    "The sign-in service did not let you in",
    403,
    "fix",
    "Begin again on the sign-in page.",
)
PROVIDER_LIED = _kind(
    "provider-lied",
    "The answer of the sign-in service does not hold",
    403,
    "fix",
    "Begin again on the sign-in page; if it stays, tell an administrator what stands here.",
)
IDENTITY_UNKNOWN = _kind(
    "identity-unknown",
    "Nobody here belongs to this account",
    403,
    "ask",
    "Ask an administrator to enter its e-mail address for you, or sign in with your password and link it.",
)
EMAIL_UNVERIFIED = _kind(
    "email-unverified",
    "The sign-in service does not vouch for this e-mail address",
    403,
    "ask",
    "Confirm the address there, or sign in with your password and link the account.",
)
EMAIL_SHARED = _kind(
    "email-shared",
    "Several people here have this e-mail address",
    403,
    "ask",
    "Ask an administrator to give each an address of their own.",
)
IDENTITY_TAKEN = _kind(
    "identity-taken",
    "This account belongs to somebody here already, or you have another one there",
    409,
    "fix",
    "End the other link first.",
)

# -- other systems that are told of events --------------------------------------
ADDRESS_REFUSED = _kind(
    "address-refused",
    "This address may not be called",
    422,
    "fix",
    "Give an https address on the open network, or list the host in the settings (call_hosts).",
)
NOBODY_THERE = _kind("nobody-there", "Nobody answers there", 502, "retry", "See that it runs; it is tried again.")
