"""The interface's English: what is read. Templates know this module as `t`, and `writing_texts` as `w`."""

NAME = "Lessons"
TAGLINE = "Has anyone learned something about this?"
SEARCH_LABEL = "What do you want to know?"
SEARCH_PLACEHOLDER = "expired certificate, database failover, noisy alerts"
SEARCH_BUTTON = "Ask"
NEAR_SO_FAR = "These come nearest so far."
NEAR_NOTHING = "Nothing comes near so far."
EVIDENCE_SHORT = "From a document"
KEYS_MOVE = "to move"
KEYS_ASK = "for the whole answer"
KEYS_CLOSE = "to close"
SKIP_TO_CONTENT = "Skip to the content"
NAV = "Pages"
NAV_LESSONS = "Lessons"
NAV_DOCUMENTS = "Documents"
NAV_API = "HTTP API"
NAV_MORE = "More"
LEAVE = "Leave"

ANSWERED = "Yes, somebody has learned about this."
NOT_ANSWERED = "Nobody has recorded this."
NOT_ANSWERED_FILTERED = "Nobody has recorded this, within these filters."
NEAR_MISSES = "These come nearest. They may be about something else."
NOTHING_NEAR = "Nothing comes near. Fewer or plainer words may help."
NO_VERDICT = "What comes nearest"
NO_VERDICT_NOTE = (
    "No verdict: how sure this model may be has not been measured yet, so judge for yourself whether these answer."
)
DEGRADED = {
    "meaning": "Found by words alone: the part that compares meanings is not available just now, "
    "so lessons in other words may be missing.",
}
DEGRADED_OTHER = "This answer was made without: {}."
CONFIDENCE = "{}% sure"
MORE_HITS = "Show more"

EVIDENCE = "From the document, not a recorded lesson"
QUOTED = "Quoted: reads like orders to a program"
QUOTED_HELP = "These words are a quotation. They look like instructions to a program that reads them; they are none."
SUCCESS = "success"
FAILURE = "failure"
ORIGINAL = "Original"
COPY_MARKDOWN = "Copy as Markdown"
COPIED = "Copied"
WHY_WORDS = "Matches {}."
WHY_BOTH = "Matches {}, and is close in meaning."
WHY_MEANING = "Close to your question in meaning."
WHY_SENTENCE = "What is marked is closest to your question in meaning."
WHY_DOCUMENT = "The document around it has your words."
ALSO_IN = {"lesson": "Also in:", "incident": "The same incident:"}

KINDS = {
    "insight": "Insight",
    "cause": "Cause",
    "went_well": "Went well",
    "went_wrong": "Went wrong",
    "got_lucky": "Got lucky",
    "recommendation": "Recommendation",
    "action": "Follow-up action",
}
POLARITIES = {"success": "Success", "failure": "Failure", "neutral": "Neutral"}
FACETS = {"kind": "Kind", "polarity": "Outcome", "tag": "Tag", "team": "Team", "severity": "Severity"}
FILTERS = "Filters"
CHOSEN_FILTERS = "Chosen filters"
MORE_VALUES = "{} more"
DATES = "When"
PAST_MONTH = "Past month"
PAST_YEAR = "Past year"
PAST_THREE_YEARS = "Past three years"
SINCE = "From"
UNTIL = "To"
APPLY = "Apply"
REMOVE_FILTER = "Remove this filter"
CLEAR_FILTERS = "Clear all filters"
DATE_HELP = "2024-05-31, 2024-05 or 2024"

COUNTS = "{} from {}"
BROWSE = "Browse"
RECENT_LESSONS = "Learned recently"
RECENT_DOCUMENTS = "Newest documents"
ALL_LESSONS = "All lessons"
ALL_DOCUMENTS = "All documents"
NEXT_PAGE = "Older"
FIRST_PAGE = "Back to the newest"
EMPTY_LIST = "Nothing here, within these filters."
UNDATED = "no date"

EMPTY_TITLE = "This memory is empty. Let us fill it."
EMPTY_WHAT = (
    "Lessons reads what your teams have written down, finds what was learned in it, and answers anyone who asks. "
    "Nothing leaves this machine."
)
EMPTY_INGEST_TITLE = "Read a folder"
EMPTY_TEXT = "Postmortems, notes, whole wikis: Markdown, PDF, Word, spreadsheets and more. It is safe to repeat."
EMPTY_COMMAND = "lessons ingest ~/postmortems"
EMPTY_DEMO_TITLE = "Look at an example first"
EMPTY_DEMO_TEXT = "An invented company and its mishaps, in a folder of its own:"
EMPTY_DEMO_COMMAND = "lessons demo"
EMPTY_AFTER = "Then load this page again. Nothing needs to be restarted."

BACK_TO_ANSWER = "Back to the answer"
ABOUT_DOCUMENT = "About this document"
LESSONS_HERE = "Lessons in this document"
NO_LESSONS_HERE = "No lesson was recognised in this document. It is still found by its words."
WHERE_FROM = "Where it comes from"
FRONT_MATTER = "Front matter"
DOWNLOAD_TEXT = "Stored text"
TOLD = "Told by hand"
SOURCE = "Source"
PATH = "File"
PART = "Part"
DATE = "Date"
SEVERITY = "Severity"
TEAM = "Team"
SERVICE = "Service"
AUTHORS = "Authors"
TAGS = "Tags"
LANGUAGE = "Language"
ORIGIN = "from the {}"
ORIGINS = {"told": "as it was told", "mended": "mended by a person"}

ENTER_TITLE = "This memory asks for a token"
ENTER_TEXT = "Whoever runs it can give you one: they make it with the command below."
ENTER_COMMAND = "lessons token add NAME"
ENTER_LABEL = "Token"
ENTER_BUTTON = "Go in"
ENTER_AGAIN = "One moment."
TOKEN_UNKNOWN = "This token is not known here. It may have been revoked, or lost a character on its way."
TOKEN_NEEDED = "This needs a token of scope {scope}: send it as `Authorization: Bearer TOKEN`."
SCOPE_TOO_SMALL = (
    "This needs a token of scope {scope}, and yours is of scope {held}. Whoever runs this memory can make one: "
    "`lessons token add NAME --scope {scope}`."
)
TOO_MANY_REQUESTS = "More than {limit} requests in a minute. Come again in {wait} s."
FORM_EXPIRED = "This form was not made for you, or it is too old. Go back, load the page again, and send it once more."

PROBLEM_HOME = "Ask something"
PROBLEM_REQUEST = "Request {}"
MISDIRECTED = (
    "This server is not known under the host name of the request. Name it in the setting allowed_hosts, "
    "or use the address under which the server was started."
)
MEMORY_UNAVAILABLE = "The memory cannot answer just now. The server's log says why; try again in a moment."
UNEXPECTED = "Something went wrong on our side. It has been logged under this request's id."
LINE_TOO_LONG = "An address of more than 8,190 bytes; a longer question is for POST."
NO_JSON = "Send the body as JSON, with Content-Type: application/json."
BAD_JSON = "The body is no valid JSON: {}"
ARGUMENTS_WITH_BODY = "A POST takes its parameters in the body, not in the address."
HTTP_ERRORS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method; the header Allow lists those it takes.",
    413: "The body is too large.",
    415: NO_JSON,
    422: "The request was understood and cannot be followed.",
}

API_OR_NULL = "or null"
API_LOCATION = "The address of what was made."
FEED_ALL = "what was learned lately"
OPENSEARCH_DESCRIPTION = "Has anyone learned something about it?"
API_TITLE = "The HTTP API"
API_DESCRIPTION = (
    "Looks up what has been learned. Answers are JSON, errors are RFC 9457 problem details, and a parameter "
    "that is not known is an error that lists the known ones."
)
API_OPEN = (
    "Reading needs no token, because this server is reached from this machine only. Writing does: send it as "
    "Authorization: Bearer TOKEN."
)
API_TOKEN = "Every request needs a token: send it as Authorization: Bearer TOKEN."
API_MACHINE_READABLE = "The same for programs, as OpenAPI 3.1"
API_TRY = "Try it"
API_PARAMETER = "Parameter"
API_TYPE = "Takes"
API_MEANING = "Meaning"
API_BODY = "These as one JSON object; a list or a single value where a parameter may be repeated."
API_SCOPE = "Needs a token of scope {}."
API_RETURNS = "Returns"
API_SCHEMAS = "What comes back"
API_REQUIRED = "required"
API_DEFAULT = "default {}"
API_REPEATED = "may be repeated"
