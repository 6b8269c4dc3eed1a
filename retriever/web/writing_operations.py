"""The second half of the API's table: what people add, reword and withdraw."""

from __future__ import annotations

from dataclasses import replace

from retriever.checks import DAY_SCHEMA, integer_schema, nullable, text_schema
from retriever.lesson import VERDICTS
from retriever.share import ALWAYS_TOLD, SHARE_HELP, SHARE_SCHEMAS
from retriever.sharing import MAX_COMPARED_CHARS
from retriever.web.operations import Operation
from retriever.web.parameters import AFTER, LIMIT, Parameter

IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    text_schema(255),
    "Makes a request that is sent again one: within seven days the same key gives the same lesson.",
)
_RETOLD = tuple(
    Parameter(name, schema if name in ALWAYS_TOLD else nullable(schema), SHARE_HELP[name])
    for name, schema in SHARE_SCHEMAS.items()
)
_TOLD = tuple(replace(parameter, required=parameter.name == "learned") for parameter in _RETOLD)

_SOURCE = Parameter("source", text_schema(200), "The name of the source.", required=True)
_COLUMNS = Parameter(
    "columns", text_schema(4000), "Roles of a table's columns, as in lesson=What we noted,title=Headline."
)
_MORE = Parameter(
    "more",
    {"type": "boolean"},
    "Whether more files of the source follow: what they share is then looked for after the last.",
    default=False,
)
# What people may say of any lesson, extracted or shared.
REMARKS = (
    Parameter("hidden", {"type": "boolean"}, "Whether it is taken out of the answers."),
    Parameter("pinned", {"type": "boolean"}, "Whether it is marked as important."),
    Parameter("owner", nullable(text_schema(200)), "Who looks after it."),
    Parameter("review_on", nullable(DAY_SCHEMA), "When somebody should look at it again."),
)
# What people may mend about a document.
MENDS = (
    Parameter("date", nullable(DAY_SCHEMA), "When it happened."),
    Parameter("severity", nullable(text_schema(200)), "How bad it was."),
    Parameter("team", nullable(text_schema(200)), "Whose it is."),
    Parameter("owner", nullable(text_schema(200)), "Who looks after it."),
)
_SAYS = Parameter(
    "says",
    {"type": "string", "enum": ["me_too", *VERDICTS]},
    "me_too: it happened to us too; or what you find of it.",
    required=True,
)
_SENT = (
    Parameter("path", text_schema(1000), "Its path in the source, with /; the same path again replaces it.", True),
    Parameter("source", text_schema(200), "The name of the source it belongs to.", default="uploads"),
    Parameter(
        "url_template", text_schema(2000), "Link home of each document of the source: https://host/{path}#L{line}."
    ),
    _MORE,
    Parameter("moved_from", text_schema(1000), "The path it had before, if it moved: its documents keep their ids."),
    _COLUMNS,
)

WRITING = (
    Operation(
        "share_lesson",
        "POST",
        "/lessons",
        "Record a lesson by hand. Secrets and mail addresses are taken out first.",
        "SharedLesson",
        _TOLD,
        errors=(400, 413, 415, 422, 503),
        scope="contribute",
        status=201,
        headers=(IDEMPOTENCY_KEY,),
    ),
    Operation(
        "similar_lessons",
        "GET",
        "/similar",
        "What somebody has learned already that is like what is being told; never recorded.",
        "SimilarLessons",
        (
            Parameter("text", text_schema(MAX_COMPARED_CHARS), "What is being told.", required=True),
            Parameter("k", integer_schema(1, 20), "How many at most.", default=3),
        ),
        errors=(400, 503),
        example="/similar?text=a+certificate+ran+out",
    ),
    Operation(
        "change_lesson",
        "PATCH",
        "/lessons/{id}",
        "Change what is given: any lesson's remarks, and of a shared lesson what was told; null clears a field.",
        "SharedLesson",
        (*REMARKS, *_RETOLD),
        errors=(400, 404, 413, 415, 503),
        scope="contribute",
    ),
    Operation(
        "withdraw_lesson",
        "DELETE",
        "/lessons/{id}",
        "Withdraw a shared lesson with all that was told beside it; hide any other from every answer, for good.",
        "",
        errors=(400, 404, 503),
        scope="contribute",
        status=204,
    ),
    Operation(
        "give_feedback",
        "POST",
        "/lessons/{id}/feedback",
        "Say what you find of a lesson: once for each token, the newest of helped, outdated and wrong counting.",
        "ListedLesson",
        (_SAYS,),
        errors=(400, 404, 413, 415, 503),
        scope="contribute",
    ),
    Operation(
        "take_feedback_back",
        "DELETE",
        "/lessons/{id}/feedback",
        "Say it no longer.",
        "ListedLesson",
        (_SAYS,),
        errors=(400, 404, 503),
        scope="contribute",
    ),
    Operation(
        "mend_document",
        "PATCH",
        "/documents/{id}",
        "Mend what is known about a document; null gives a field back to what the document says itself.",
        "Document",
        MENDS,
        errors=(400, 404, 413, 415, 503),
        scope="contribute",
    ),
    Operation(
        "send_document",
        "POST",
        "/documents",
        "Send a file, as the body; it is read as at an ingest. A file that cannot be read says why in its row.",
        "SentFile",
        _SENT,
        errors=(400, 413, 503),
        scope="contribute",
        takes_file=True,
    ),
    Operation(
        "sent_files",
        "GET",
        "/files",
        "The files of a source that is sent, with the SHA-256 of each: what is current need not be sent again.",
        "FileList",
        (
            _SOURCE,
            replace(LIMIT, schema=integer_schema(1, 1000), default=1000),
            replace(AFTER, schema=text_schema(1000)),
            _COLUMNS,
        ),
        errors=(400, 503),
        scope="contribute",
    ),
    Operation(
        "finish_files",
        "POST",
        "/files",
        "Say that all files of a source have come: what they share is looked for, and those that are gone go here too.",
        "FinishedFiles",
        (
            _SOURCE,
            Parameter(
                "gone",
                {"type": "array", "items": text_schema(1000), "maxItems": 1000},
                "Paths of files that are no longer there; their documents are removed.",
                default=(),
            ),
            _MORE,
        ),
        errors=(400, 413, 415, 503),
        scope="contribute",
    ),
    Operation(
        "forget_document",
        "DELETE",
        "/documents/{id}",
        "Forget a document and its lessons for good; its file stays forgotten until it changes.",
        "",
        errors=(400, 404, 503),
        scope="admin",
        status=204,
    ),
)
