"""The second half of the API's table: what people add, reword and withdraw."""

from __future__ import annotations

from dataclasses import replace

from retriever.checks import integer_schema, nullable, text_schema
from retriever.share import ALWAYS_TOLD, SHARE_HELP, SHARE_SCHEMAS
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
        "change_lesson",
        "PATCH",
        "/lessons/{id}",
        "Reword a shared lesson: the fields that are given are changed, and null clears one.",
        "SharedLesson",
        _RETOLD,
        errors=(400, 404, 413, 415, 503),
        scope="contribute",
    ),
    Operation(
        "withdraw_lesson",
        "DELETE",
        "/lessons/{id}",
        "Withdraw a shared lesson for good, with all that was told beside it.",
        "",
        errors=(400, 404, 503),
        scope="contribute",
        status=204,
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
