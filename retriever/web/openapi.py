"""The OpenAPI 3.1 document of the HTTP API, made from the table of operations."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from retriever.lesson import KINDS, POLARITIES
from retriever.web import texts
from retriever.web.operations import API_PREFIX, Operation
from retriever.web.parameters import Parameter

Schema = dict[str, Any]


def openapi_document(operations: Sequence[Operation], *, needs_token: bool, server_url: str) -> Schema:
    """The document; `needs_token` says whether this server answers only to a bearer token."""
    paths: dict[str, Schema] = {}
    for operation in operations:
        paths.setdefault(API_PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": texts.NAME,
            "version": "1",
            "description": texts.API_DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url or "/"}],
        "security": [{"bearer": []}] if needs_token else [{}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [_ID_PARAMETER] if operation.is_by_id else [],
        "responses": {"200": _response(operation.summary, operation.returns, "application/json")},
    }
    if operation.sends_body:
        body = {"schema": _body_schema(operation.parameters)}
        described["requestBody"] = {"required": True, "content": {"application/json": body}}
    else:
        described["parameters"] += [_query_parameter(parameter) for parameter in operation.parameters]
    always = (401, 421, 500) if operation.scope == "read" else (401, 403, 421, 500)
    if operation.scope != "read":
        # OpenAPI 3.1: for a scheme without scopes of its own, these are the roles that are asked for.
        described["security"] = [{"bearer": [operation.scope]}]
    if not operation.sends_body:
        described["responses"]["414"] = {"description": texts.LINE_TOO_LONG, "content": {"text/html": {}}}
    for status in sorted({*operation.errors, *always}):
        described["responses"][str(status)] = _response(
            HTTPStatus(status).phrase, "Problem", "application/problem+json"
        )
    return described


_ID_PARAMETER: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
    "description": "The id, as a lookup or a list gives it.",
}


def _response(description: str, schema: str, media_type: str) -> Schema:
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {
        "description": description,
        "headers": {"X-Request-Id": {"schema": {"type": "string"}, "description": "Names this request in the log."}},
        "content": content,
    }


def _query_parameter(parameter: Parameter) -> Schema:
    described: Schema = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.description,
        "schema": _with_default(parameter),
    }
    if parameter.is_list:
        described |= {"style": "form", "explode": True}
    return described


def _with_default(parameter: Parameter) -> Schema:
    default = {} if parameter.default is None else {"default": parameter.default}
    return {**parameter.schema, **default}


def _body_schema(parameters: Sequence[Parameter]) -> Schema:
    properties: Schema = {}
    for parameter in parameters:
        schema = _with_default(parameter)
        if parameter.is_list:
            schema = {"anyOf": [schema, parameter.schema["items"]]}
        properties[parameter.name] = {**schema, "description": parameter.description}
    return {
        "type": "object",
        "properties": properties,
        "required": [parameter.name for parameter in parameters if parameter.required],
        "additionalProperties": False,
    }


def _object(properties: Schema, optional: Schema | None = None) -> Schema:
    return {"type": "object", "properties": properties | (optional or {}), "required": list(properties)}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_DOCUMENT: Schema = {
    "id": _TEXT,
    "source": _described(_TEXT, "The name under which its folder was ingested."),
    "path": _described(_TEXT, "The file's path, relative to the ingested root, with /."),
    "part": _described(_TEXT_OR_NULL, "The row or incident, in a file that holds several."),
    "title": _TEXT,
    "date": _described(_TEXT_OR_NULL, "When it happened: YYYY-MM-DD, YYYY-MM or YYYY."),
    "severity": _TEXT_OR_NULL,
    "team": _TEXT_OR_NULL,
    "service": _TEXT_OR_NULL,
    "authors": _list_of(_TEXT),
    "tags": _list_of(_TEXT),
    "url": _described(_TEXT_OR_NULL, "The document's link home."),
    "link": _described(_TEXT, "Its page on this server."),
}
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
            "hits": _list_of(_ref("Hit")),
        }
    ),
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
            "stated": _described({"type": "boolean"}, "false: evidence that was not recorded as a lesson."),
        },
        {"line": _described(_COUNT, "In a hit: the line of the stored text on which it begins.")},
    ),
    "Document": _object(_DOCUMENT),
    "ListedLesson": _object({"lesson": _ref("Lesson"), "document": _ref("Document")}),
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
