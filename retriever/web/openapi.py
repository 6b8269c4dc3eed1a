"""The OpenAPI 3.1 document of the HTTP API, made from the table of operations."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from retriever.web import texts
from retriever.web.operations import API_PREFIX, Operation
from retriever.web.parameters import Parameter
from retriever.web.schemas import SCHEMAS, Schema


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
        "responses": {str(operation.status): _success(operation)},
    }
    described["parameters"] += [_header_parameter(parameter) for parameter in operation.headers]
    if operation.sends_body:
        body = {"schema": _body_schema(operation.parameters)}
        described["requestBody"] = {"required": True, "content": {"application/json": body}}
    else:
        if operation.takes_file:
            described["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
        described["parameters"] += [_query_parameter(parameter) for parameter in operation.parameters]
    always = (401, 421, 429, 500) if operation.scope == "read" else (401, 403, 421, 429, 500)
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


def _success(operation: Operation) -> Schema:
    if not operation.returns:
        return {"description": operation.summary}
    described = _response(operation.summary, operation.returns, "application/json")
    if operation.status == HTTPStatus.CREATED:
        described["headers"]["Location"] = {"schema": {"type": "string"}, "description": texts.API_LOCATION}
    return described


def _response(description: str, schema: str, media_type: str) -> Schema:
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {
        "description": description,
        "headers": {"X-Request-Id": {"schema": {"type": "string"}, "description": "Names this request in the log."}},
        "content": content,
    }


def _header_parameter(parameter: Parameter) -> Schema:
    return {
        "name": parameter.name,
        "in": "header",
        "required": parameter.required,
        "description": parameter.description,
        "schema": dict(parameter.schema),
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
            schema = {"anyOf": [*schema.get("anyOf", [schema]), parameter.given["items"]]}
        properties[parameter.name] = {**schema, "description": parameter.description}
    return {
        "type": "object",
        "properties": properties,
        "required": [parameter.name for parameter in parameters if parameter.required],
        "additionalProperties": False,
    }
