"""What the API answers, as JSON Schemas: one for each shape, under the name that its OpenAPI document gives it."""

from __future__ import annotations

from typing import Any

from retriever.checks import nullable
from retriever.lesson import KINDS, POLARITIES
from retriever.share import ALWAYS_TOLD, SHARE_HELP, SHARE_SCHEMAS

Schema = dict[str, Any]


def _object(properties: Schema, optional: Schema | None = None) -> Schema:
    return {"type": "object", "properties": properties | (optional or {}), "required": list(properties)}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _told(name: str) -> Schema:
    return _described(dict(nullable(SHARE_SCHEMAS[name])), SHARE_HELP[name])


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_READS_SO = _described(
    {"type": "boolean"}, "Whether the quoted words look like orders to a program that reads them. They are none."
)
_DOCUMENT: Schema = {
    "id": _TEXT,
    "source": _described(_TEXT, "The name under which its folder was ingested."),
    "path": _described(_TEXT, "The file's path, relative to the ingested root, with /."),
    "part": _described(_TEXT_OR_NULL, "The row or incident, in a file that holds several."),
    "title": _TEXT,
    "date": _described(_TEXT_OR_NULL, "When it happened: YYYY-MM-DD, YYYY-MM or YYYY."),
    "severity": _TEXT_OR_NULL,
    "team": _TEXT_OR_NULL,
    "owner": _described(_TEXT_OR_NULL, "Who looks after it, as people say."),
    "service": _TEXT_OR_NULL,
    "authors": _list_of(_TEXT),
    "tags": _list_of(_TEXT),
    "url": _described(_TEXT_OR_NULL, "The document's link home."),
    "mended": _described(_list_of(_TEXT), "Which of these people mended."),
    "reads_as_instructions": _READS_SO,
    "link": _described(_TEXT, "Its page, below this server's address."),
}
_REDACTED: Schema = {
    "type": "object",
    "additionalProperties": _COUNT,
    "description": "What was taken out of it, how often, by rule.",
}
_CHANGES = _object({"new": _COUNT, "changed": _COUNT, "gone": _COUNT})
_NEXT = _described(_TEXT_OR_NULL, "Give it as `after` to get the following ones; null at the end.")

SCHEMAS: dict[str, Schema] = {
    "Answer": _object(
        {
            "query": _TEXT,
            "answered": _described(
                {"type": ["boolean", "null"]},
                "false: nobody has recorded this, the hits are near misses; null: no calibration.",
            ),
            "confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "degraded": _described(_list_of(_TEXT), 'What was missing when it was made, such as "meaning".'),
            "took_ms": {"type": "number", "minimum": 0},
            "notice": _described(_TEXT, "That the texts below are quoted data; for programs that hand them on."),
            "hits": _list_of(_ref("Hit")),
        },
        {
            "feed": _described(
                _TEXT_OR_NULL,
                "With `record`: the asker's own Atom feed, which tells when somebody has learned about it; else null.",
            )
        },
    ),
    "Gap": _object(
        {
            "id": _TEXT,
            "question": _described(_TEXT, "The newest question of it."),
            "count": _described({"type": "integer", "minimum": 1}, "How often it was asked in the last 90 days."),
            "first_asked_at": _TEXT,
            "last_asked_at": _TEXT,
            "others": _described(_list_of(_TEXT), "Other words in which it was asked."),
        }
    ),
    "GapList": _object({"items": _list_of(_ref("Gap")), "next": _NEXT}),
    "Hit": _object(
        {
            "rank": {"type": "integer", "minimum": 1},
            "score": _described({"type": "number"}, "What the hits are ordered by; higher is better."),
            "lesson": _ref("Lesson"),
            "document": _ref("Document"),
            "also_in": _list_of(_ref("AlsoIn")),
        }
    ),
    "AlsoIn": _object(
        {
            "lesson_id": _described(_TEXT_OR_NULL, "The lesson there, where what it says is one."),
            "same": _described({"type": "string", "enum": ["lesson", "incident"]}, "What the two have in common."),
            "document": _object(
                {
                    "id": _TEXT,
                    "path": _TEXT,
                    "part": _TEXT_OR_NULL,
                    "title": _TEXT,
                    "date": _TEXT_OR_NULL,
                    "link": _TEXT,
                }
            ),
        }
    ),
    "Lesson": _object(
        {
            "id": _TEXT,
            "text": _described(_TEXT, "The document's own words, as Markdown: document.text[start:end]."),
            "kind": {"type": ["string", "null"], "enum": [*KINDS, None]},
            "polarity": {"type": ["string", "null"], "enum": [*POLARITIES, None]},
            "section": _described(_TEXT_OR_NULL, "The headings above it, joined by ' > '."),
            "start": _described(_COUNT, "Where it begins in the document's text, in Unicode code points."),
            "end": _COUNT,
            "highlights": _described(
                _list_of({"type": "array", "items": _COUNT, "minItems": 2, "maxItems": 2}),
                "Spans of `text` that answer the question, as [start, end].",
            ),
            "context": _described(_TEXT_OR_NULL, "What a terse lesson is about."),
            "stated_end": _described(
                {"type": ["integer", "null"]}, "Where the recorded lesson ends, if the text shown goes on behind it."
            ),
            "reads_as_instructions": _READS_SO,
            "stated": _described({"type": "boolean"}, "false: evidence that was not recorded as a lesson."),
            "remarks": _ref("Remarks"),
        },
        {"line": _described(_COUNT, "In a hit: the line of the stored text on which it begins.")},
    ),
    "Remarks": _object(
        {
            "hidden": _described({"type": "boolean"}, "Taken out of the answers by a person."),
            "pinned": _described({"type": "boolean"}, "Marked as important by a person."),
            "owner": _described(_TEXT_OR_NULL, "Who looks after it."),
            "review_on": _described(_TEXT_OR_NULL, "When somebody should look at it again."),
            "me_too": _described(_COUNT, "How many people it happened to too."),
            "helped": _described(_COUNT, "How many people it helped."),
            "outdated": _described(_COUNT, "How many find it outdated."),
            "wrong": _described(_COUNT, "How many find it wrong."),
        }
    ),
    "Document": _object(_DOCUMENT),
    "ListedLesson": _object({"lesson": _ref("Lesson"), "document": _ref("Document")}),
    "SharedLesson": _object(
        {
            "lesson": _ref("Lesson"),
            "document": _ref("Document"),
            "shared": _described({"anyOf": [_ref("Share"), {"type": "null"}]}, "What a person told; else null."),
            "redacted": _REDACTED,
        }
    ),
    "Share": _object(
        {
            name: _described(dict(schema), SHARE_HELP[name]) if name in ALWAYS_TOLD else _told(name)
            for name, schema in SHARE_SCHEMAS.items()
        }
    ),
    "SimilarLessons": _object({"items": _list_of(_ref("Hit"))}),
    "SentFile": _object(
        {
            "source": _TEXT,
            "path": _TEXT,
            "state": {"type": "string", "enum": ["read", "unchanged", "skipped", "failed"]},
            "reason": _described(_TEXT_OR_NULL, "Why it was skipped or failed."),
            "documents": _list_of(_object({"id": _TEXT, "title": _TEXT, "link": _TEXT})),
            "lessons": _object({"found": _COUNT, "new": _COUNT, "changed": _COUNT, "gone": _COUNT}),
            "moved": _described({"type": "boolean"}, "Whether it was known under `moved_from`."),
            "changes": _described(_CHANGES, "How many of its documents are new, changed or gone."),
            "embedded": _described(_COUNT, "How many texts went through the model."),
            "redacted": _REDACTED,
            "languages": {"type": "object", "additionalProperties": _COUNT},
            "warnings": _list_of(_object({"path": _TEXT, "reason": _TEXT})),
            "took_s": {"type": "number", "minimum": 0},
        }
    ),
    "FileList": _object(
        {
            "items": _list_of(
                _object(
                    {
                        "path": _TEXT,
                        "sha256": _described(_TEXT_OR_NULL, "Of the bytes as they were last sent."),
                        "state": {"type": "string", "enum": ["read", "skipped", "failed"]},
                        "is_current": _described(
                            {"type": "boolean"}, "Whether sending the same bytes again would change nothing."
                        ),
                        "has_documents": {"type": "boolean"},
                    }
                )
            ),
            "next": _NEXT,
        }
    ),
    "FinishedFiles": _object(
        {
            "source": _TEXT,
            "files": _described({"type": "object", "additionalProperties": _COUNT}, "How many of each state."),
            "documents": _CHANGES,
            "lessons": _object({"found": _COUNT, "new": _COUNT, "changed": _COUNT, "gone": _COUNT}),
            "embedded": _COUNT,
        }
    ),
    "LessonList": _object({"items": _list_of(_ref("ListedLesson")), "next": _NEXT}),
    "DocumentList": _object({"items": _list_of(_ref("Document")), "next": _NEXT}),
    "ShownDocument": _object({"document": _object({**_DOCUMENT, "text": _TEXT}), "lessons": _list_of(_ref("Lesson"))}),
    "Problem": {
        "type": "object",
        "description": "RFC 9457 problem details.",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
            "request_id": _TEXT,
            "errors": _list_of(_object({"parameter": _TEXT, "message": _TEXT})),
        },
        "required": ["type", "title", "status", "detail", "request_id"],
    },
}
