"""The pages: ask and read the answer, read a document, browse. Each works without script."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request, url_for

from retriever.config import Settings
from retriever.lesson import Document, Filters, Lesson, normalised
from retriever.web import view
from retriever.web.operations import API_PREFIX, Operation
from retriever.web.parameters import (
    AFTER,
    FILTERS,
    Parameter,
    Values,
    filters_of,
    lookup_parameters,
    read_arguments,
)
from retriever.web.rendering import render_document
from retriever.web.schemas import SCHEMAS

if TYPE_CHECKING:
    from retriever.memory import Memory

_RECENT = 6
_LISTED = 20
_SPAN = re.compile(r"(\d{1,12})-(\d{1,12})")


class Pages:
    """The pages over one memory."""

    def __init__(self, memory: Memory, settings: Settings, table: Sequence[Operation]) -> None:
        self.memory = memory
        self.table = table
        self.asked = lookup_parameters(settings.k, settings.per_document)

    def start(self) -> str:
        """The question's answer, or without a question what there is to ask about."""
        if not request.args.get("q", "").strip():
            return self._welcome()
        values = _arguments([parameter for parameter in self.asked if parameter.name != "per_document"])
        filters = filters_of(values)
        query = values["q"].strip()
        answer = self.memory.ask(query, k=values["k"], filters=filters)
        more = min(values["k"] * 2, 100)
        may_be_more = len(answer.hits) == values["k"] < more
        return render_template(
            "answer.html",
            query=query,
            cards=[view.hit_card(hit, query) for hit in answer.hits],
            verdict=view.verdict(answer, filters),
            more=view.page_address(request.path, filters, q=query, k=more) if may_be_more else None,
            **self._narrowing(filters, lambda other: view.page_address(request.path, other, q=query)),
        )

    def _welcome(self) -> str:
        counts = self.memory.counts()
        if not counts["documents"]:
            return render_template("empty.html", query="")
        recent = self.memory.browse_lessons(Filters(), limit=_RECENT, after=None)
        documents = self.memory.browse_documents(Filters(), limit=_RECENT, after=None)
        return render_template(
            "start.html",
            query="",
            counts=counts,
            cards=[view.lesson_card(lesson, document) for lesson, document in recent.items],
            documents=documents.items,
        )

    def lessons(self) -> str:
        """All lessons, those of the newest document first."""
        values = _arguments([AFTER, *FILTERS])
        filters = filters_of(values)
        page = self.memory.browse_lessons(filters, limit=_LISTED, after=values["after"])
        cards = [view.lesson_card(lesson, document) for lesson, document in page.items]
        return self._list("lessons.html", values, page.next, cards=cards)

    def documents(self) -> str:
        """All documents, newest first."""
        values = _arguments([AFTER, *FILTERS])
        page = self.memory.browse_documents(filters_of(values), limit=_LISTED, after=values["after"])
        return self._list("documents.html", values, page.next, documents=page.items)

    def _list(self, template: str, values: Values, following: str | None, **items: object) -> str:
        filters = filters_of(values)
        return render_template(
            template,
            query="",
            is_first=values["after"] is None,
            first=view.page_address(request.path, filters),
            following=view.page_address(request.path, filters, after=following) if following else None,
            **items,
            **self._narrowing(filters, lambda other: view.page_address(request.path, other)),
        )

    def _narrowing(self, filters: Filters, address: Callable[[Filters], str]) -> dict[str, object]:
        return {
            "facets": view.facets(self.memory.facets, filters, address),
            "chosen": view.chosen_filters(filters, address),
            "cleared": address(Filters()),
            "filters": filters,
            "hidden": view.filter_arguments(filters),
        }

    def document(self, id: str) -> str:
        """One document with its lessons in their places."""
        document = self.memory.document(id)
        lessons = self.memory.lessons_of(document.id)
        asked = _asked_span(document, lessons)
        rendered = render_document(
            document.text,
            view.document_marks(lessons, asked),
            view.document_anchors(self.memory.passages_of(document.id), asked),
        )
        query = request.args.get("q", "").strip()
        return render_template(
            "document.html",
            query=query,
            document=document,
            cards=[view.lesson_card(lesson, document) for lesson in lessons],
            rendered=rendered,
            shows_own_title=normalised(document.title) in normalised(rendered.heading or ""),
            back=view.page_address(url_for("pages.start"), Filters(), q=query) if query else None,
        )

    def document_text(self, id: str) -> Response:
        """The document's stored text, as a download."""
        document = self.memory.document(id)
        name = re.sub(r"[^\w.-]+", "-", document.path.rsplit("/", 1)[-1]).strip("-.") or document.id
        response = Response(document.text.encode("utf-8", "replace"), mimetype="text/plain")
        # RFC 6266: a plain name for old programs, the real one for the others.
        plain = name.encode("ascii", "ignore").decode() or document.id
        response.headers["Content-Disposition"] = (
            f"attachment; filename=\"{plain}.txt\"; filename*=UTF-8''{quote(name)}.txt"
        )
        return response

    def api(self) -> str:
        """The API for people who read before they call."""
        return render_template("api.html", query="", operations=self.table, prefix=API_PREFIX, schemas=SCHEMAS)


def pages_blueprint(memory: Memory, settings: Settings, table: Sequence[Operation]) -> Blueprint:
    """Every page at its address."""
    blueprint = Blueprint("pages", __name__)
    pages = Pages(memory, settings, table)
    for address, view_function in (
        ("/", pages.start),
        ("/lessons", pages.lessons),
        ("/documents", pages.documents),
        ("/documents/<id>", pages.document),
        ("/documents/<id>/text", pages.document_text),
        ("/api", pages.api),
    ):
        blueprint.add_url_rule(address, view_function.__name__, view_function)
    return blueprint


def _arguments(known: Sequence[Parameter]) -> Values:
    return read_arguments(known, request.args.to_dict(flat=False), strict=False)


def _asked_span(document: Document, lessons: Sequence[Lesson]) -> tuple[int, int] | None:
    """The span that the address asks for: a lesson by its id, or evidence by its place in the text."""
    wanted = request.args.get("lesson", "")
    for lesson in lessons:
        if lesson.id == wanted:
            return lesson.start, lesson.end
    match = _SPAN.fullmatch(request.args.get("span", ""))
    if match is None:
        return None
    start, end = int(match[1]), int(match[2])
    return (start, end) if start < end <= len(document.text) else None
