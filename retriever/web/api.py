"""The HTTP API: the operations of the tables at their addresses, and those that read, answered from the memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from retriever import wire
from retriever.correcting import Correcting
from retriever.lesson import Page
from retriever.web import texts
from retriever.web.addresses import question_feed, rooted
from retriever.web.openapi import openapi_document
from retriever.web.operations import API_PREFIX, Operation
from retriever.web.parameters import InvalidParameters, Values, filters_of, read_arguments, read_body
from retriever.web.voices import is_meant, voice

if TYPE_CHECKING:
    from retriever.memory import Memory
    from retriever.questions import Questions


class Reading:
    """The operations that read, over one memory."""

    def __init__(self, memory: Memory, questions: Questions | None = None) -> None:
        self.memory = memory
        self.questions = questions
        self.correcting = Correcting(memory)

    def lookup(self, values: Values) -> Response:
        """The best lessons for a question."""
        answer = self.memory.ask(
            values["q"], k=values["k"], per_document=values["per_document"], filters=filters_of(values)
        )
        value = wire.answer_json(answer)
        if self.questions is not None and values["record"] and is_meant():
            feed = self.questions.note(answer, is_filtered=bool(filters_of(values)), voice=voice())
            value["feed"] = question_feed(feed) if feed else None
        return json_response(value)

    lookup_by_post = lookup

    def lessons(self, values: Values) -> Response:
        """Lessons, page by page."""
        browse = partial(self.correcting.marked, values["marked"]) if values["marked"] else self.memory.browse_lessons
        page = browse(filters_of(values), limit=values["limit"], after=values["after"])
        items = [wire.listed_lesson_json(lesson, document) for lesson, document in page.items]
        return list_response(items, page)

    def lesson(self, _values: Values, id: str) -> Response:
        """One lesson."""
        lesson = self.memory.lesson(id)
        return json_response(wire.listed_lesson_json(lesson, self.memory.document(lesson.document_id)))

    def documents(self, values: Values) -> Response:
        """Documents, page by page."""
        page = self.memory.browse_documents(filters_of(values), limit=values["limit"], after=values["after"])
        return list_response([wire.document_json(document) for document in page.items], page)

    def document(self, _values: Values, id: str) -> Response:
        """One document."""
        document = self.memory.document(id)
        return json_response(wire.shown_json(document, self.memory.lessons_of(document.id)))


def api_blueprint(
    table: Sequence[Operation], resources: Sequence[object], *, needs_token: bool, server_url: str
) -> Blueprint:
    """Every operation of `table` at its address, answered by the resource with a method of its name."""
    blueprint = Blueprint("api", __name__)
    for operation in table:
        answer = next(found for resource in resources if (found := getattr(resource, operation.name, None)))
        blueprint.add_url_rule(
            API_PREFIX + operation.path.replace("{id}", "<id>"),
            operation.name,
            _view(operation, answer),
            methods=[operation.method],
        )
    document = openapi_document(table, needs_token=needs_token, server_url=server_url)
    blueprint.add_url_rule("/openapi.json", "openapi", lambda: json_response(document))
    return blueprint


def json_response(value: object, status: int = 200) -> Response:
    """`value` as JSON, its keys in their own order."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Response(body.encode("utf-8", "replace"), status, mimetype="application/json")


def _view(operation: Operation, answer: Callable[..., Response]) -> Callable[..., Response]:
    """The view that reads an operation's parameters as its table says, and then answers."""

    def view(**path: str) -> Response:
        if operation.sends_body:
            if request.args:
                raise InvalidParameters([(name, texts.ARGUMENTS_WITH_BODY) for name in request.args])
            values = read_body(operation.parameters, _json_body(), partial=operation.is_partial)
        else:
            values = read_arguments(operation.parameters, request.args.to_dict(flat=False))
        return answer(values, **path)

    return view


def _json_body() -> Any:
    if not request.is_json:
        raise UnsupportedMediaType(texts.NO_JSON)
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise BadRequest(texts.BAD_JSON.format(error)) from error


def list_response(items: Sequence[wire.Json], page: Page[Any]) -> Response:
    """A page of a list as JSON, and in its headers where the list goes on."""
    response = json_response({"items": list(items), "next": page.next})
    if page.next is not None:
        following = request.args.to_dict(flat=False) | {"after": [page.next]}
        address = rooted(request.path) + "?" + urlencode(following, doseq=True)
        response.headers["Link"] = f'<{address}>; rel="next"'
    return response
