"""What problems found, in one table: the sentences that people often meet on a page.

They go with a kind of sync/problems.py: `Problem(WEAK_PASSWORD, SHORT_PASSWORD.of(length=7, least=12), "password")`.
Programs and command lines get the English that stands here; pages say it in their language, from `found.KEY` of
backend/pages/words/details.LANGUAGE.json.
"""

from typing import Final

from sync.problems import Detail

_ALL: Final[dict[str, Detail]] = {}


def _detail(key: str, sentence: str) -> Detail:
    if key in _ALL:
        raise ValueError(f"detail {key} is defined twice")
    _ALL[key] = Detail(key, sentence)
    return _ALL[key]


def details() -> tuple[Detail, ...]:
    """Every detail there is, in the order of this file."""
    return tuple(_ALL.values())


# -- signing in ---------------------------------------------------------------
SHORT_PASSWORD = _detail("short-password", "{length} of at least {least} characters")
LONG_PASSWORD = _detail("long-password", "{length} characters, and {most} at most are taken")
COMMON_PASSWORD = _detail("common-password", "it is common, or holds what others know of you")
OTHER_CODE = _detail("other-code", "this is not the code that the server printed")
NO_DEPARTURE = _detail("no-departure", "this browser began no such sign-in, or too long ago")
SOMEBODY_ELSE = _detail("somebody-else", "somebody else is signed in here by now")
ONLY_WAY_IN = _detail("only-way-in", "you sign in with it alone")
NO_SESSION = _detail("no-session", "there is no such session, or it is over")
NO_ACCOUNT = _detail("no-account", "no such account is linked")
NO_TOKEN = _detail("no-token", "there is no such token, or it is over")

# -- signing in elsewhere ------------------------------------------------------
TWO_SERVICES = _detail("two-services", "two sign-in services have the id {id}")
UNENCRYPTED_SERVICE = _detail("unencrypted-service", "{id} has to be called by https")
NO_SECRET_FILE = _detail("no-secret-file", "the secret of {id} cannot be read")
NO_SECRET = _detail("no-secret", "{name}, which holds the secret of {id}, is not set")
NO_SERVICE = _detail("no-service", "there is no sign-in service {name}")
NO_CODE = _detail("no-code", "it brought no code")
OTHER_ISSUER = _detail("other-issuer", "it calls itself {name}")
ANSWER_OF_ANOTHER = _detail("answer-of-another", "it is from {name}")
ANSWER_OF_NOBODY = _detail("answer-of-nobody", "it does not say who it is from")
NO_ID_TOKEN = _detail("no-id-token", "it gave no ID token")
ID_TOKEN_UNSIGNED = _detail("id-token-unsigned", "the ID token is signed by nobody it knows")
ID_TOKEN_WRONG = _detail("id-token-wrong", "the ID token does not hold: {what}")
FOR_SEVERAL = _detail("for-several", "it is for several, and does not say who asked")
ASKED_BY_ANOTHER = _detail("asked-by-another", "somebody else asked for it")
OTHER_ACCOUNT = _detail("other-account", "it speaks of another account")
NO_KEYS = _detail("no-keys", "its keys cannot be read")

# -- what is typed ------------------------------------------------------------
EMPTY = _detail("empty", "nothing stands here")
SHORT = _detail("short", "{least} characters at least")
LONG = _detail("long", "{most} characters at most")
UNTYPED = _detail("untyped", "too long, or a character that cannot be typed")
TOO_LITTLE = _detail("too-little", "{least} at least")
TOO_MUCH = _detail("too-much", "{most} at most")
NO_WHOLE_NUMBER = _detail("no-whole-number", "{text} is no whole number up to {most}")
NOT_BETWEEN = _detail("not-between", "from {least} to {most}")
NO_CHOICE = _detail("no-choice", "{text} is none of what can be chosen")
NOTHING_CHOSEN = _detail("nothing-chosen", "choose one at least")
TWICE = _detail("twice", "{name} stands there twice")
NO_DAY = _detail("no-day", "{text} is no day such as 2027-05-01")
DAY_OVER = _detail("day-over", "{day} is over: choose today or a day to come")
NO_TIME = _detail("no-time", "write a date and a time")
ENDS_FIRST = _detail("ends-first", "it ends before it begins")
NO_ZONE = _detail("no-zone", "no time zone is called {name}; write one such as Europe/Berlin")

# -- names --------------------------------------------------------------------
NOBODY = _detail("nobody", "nobody is called {name}")
NO_TEAM = _detail("no-team", "no team is called {name}")
NO_BOUNDARY = _detail("no-boundary", "there is no boundary {name}")
NO_WEBHOOK = _detail("no-webhook", "there is no webhook {name}")
NO_EVENT_KIND = _detail("no-event-kind", "there is no kind of event {name}")
IS_PERSON = _detail("is-person", "{name} is a person")
IS_TEAM = _detail("is-team", "{name} is a team")
IS_CREW = _detail("is-crew", "{name} is a crew")
MEANS_ELSE = _detail("means-else", "{name} means something else here")
IS_DESK = _detail("is-desk", "{name} dispatches, and somebody has to")

# -- policies -----------------------------------------------------------------
STEPS_IN_ORDER = _detail("steps-in-order", "each step comes after the one before")
STEPS_WITHOUT_LIMIT = _detail(
    "steps-without-limit", "steps begin when the limit to accept has passed, and there is none"
)
BLOCKS_FIRST = _detail("blocks-first", "it blocks before it warns")
NOBODY_ACCEPTS = _detail("nobody-accepts", "nobody may accept: name a role, or let guests accept")

# -- addresses ----------------------------------------------------------------
NO_ADDRESS = _detail("no-address", "this cannot be read as an address")
ODD_ADDRESS = _detail("odd-address", "it is too long, or holds what no address holds")
NOT_HTTPS = _detail("not-https", "only https is called, and it does not begin with https://")
MORE_THAN_ADDRESS = _detail(
    "more-than-address", "an address is https, a host, perhaps a port and a path, and nothing else"
)
HOST_UNKNOWN = _detail("host-unknown", "{host} has no address")
HOST_NOT_OPEN = _detail("host-not-open", "{host} is {address}, which is not on the open network")

# -- files --------------------------------------------------------------------
FILE_TOO_LARGE = _detail("file-too-large", "more than {megabytes} MB")
NO_FILE_CHOSEN = _detail("no-file-chosen", "choose a file")
ROWS_TOO_MANY = _detail("rows-too-many", "{rows} rows; bring {most} at a time")
TOO_MANY_ROWS = _detail("too-many-rows", "more than {most} rows")
NONE_OF_OUR_SHEETS = _detail("none-of-our-sheets", "no sheet in it is called as one of ours: {names}")
NAME_AFTER_SHEET = _detail("name-after-sheet", "name a CSV file after its sheet: {names}")

# -- jobs -----------------------------------------------------------------------
SAYS_SO = _detail("says-so", "it says so already")
PLANNED_SO = _detail("planned-so", "it is planned so already")
SOMEBODY_THERE = _detail("somebody-there", "somebody is there now")
NO_OPENING = _detail("no-opening", "the opening of the job is not here")
SAY_WHERE = _detail("say-where", "say where it is")
NAME_LENGTH = _detail("name-length", "a name has 1 to {most} characters")
MANY_FILTERS = _detail("many-filters", "{most} are kept already; remove one first")
JOB_RESOLVED = _detail("job-resolved", "the job is resolved")
JOB_CANCELLED = _detail("job-cancelled", "the job is cancelled")
JOB_CLOSED = _detail("job-closed", "the job is closed by rule")
JOB_OPEN = _detail("job-open", "the job is open")
JOB_HELD = _detail("job-held", "the job is held; release it first")
JOB_NOT_HELD = _detail("job-not-held", "the job is not held")
ARRIVED = _detail("arrived", "somebody has arrived; what is done cannot be moved")
ARRIVED_FOR = _detail("arrived-for", "somebody has arrived for job {job}")
OFFERED_ELSEWHERE = _detail("offered-elsewhere", "it is offered by somebody else, who must withdraw first")
OFFERED_ALREADY = _detail("offered-already", "it is offered already; withdraw that offer, or wait for its answer")
HOLDER_ACCEPTED = _detail("holder-accepted", "{party} accepted it: ask them to hand over, or reassign")
ONLY_HOLDER_OFFERS = _detail("only-holder-offers", "{party} is accountable; only they can offer it")
ACCOUNTABLE_ALREADY = _detail("accountable-already", "{party} is accountable already")
NO_DESK_OFFER = _detail("no-desk-offer", "that is no open offer of the desk")
NO_CASE = _detail("no-case", "there is no case under that basis")
NO_WAITING_OFFER = _detail("no-waiting-offer", "that offer waits for no answer")
NO_POLICY = _detail("no-policy", "no policy for the boundary {name}")
NOT_ON_THESE_JOBS = _detail("not-on-these-jobs", "order {order} hangs on none of these jobs; match it first")
MERGE_OF_ONE = _detail("merge-of-one", "a merge takes two at least")
NO_SITE = _detail("no-site", "there is no site {name}")
NO_ORDER = _detail("no-order", "there is no order {name}")
NO_MERGE = _detail("no-merge", "there is no merge {name}")
NOT_TAKEN_BACK = _detail("not-taken-back", "order {order} was not taken back from this job")
ON_A_JOB = _detail("on-a-job", "it hangs on job {job}")
TAKEN_BACK = _detail("taken-back", "its source took it back")
SAY_RANGES = _detail("say-ranges", "say what nobody holds")
