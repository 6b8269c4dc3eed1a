"""Reading: a document with its lessons in their places, its stored text, and a lesson as Markdown to take along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from flask import Response, render_template, request

from retriever.config import Settings
from retriever.correcting import Correcting
from retriever.lesson import NO_FILTERS, SHARED_SOURCE, Document, Lesson, normalised
from retriever.web import texts, view
from retriever.web.addresses import document_address, lesson_anchor, page_address
from retriever.web.cards import lesson_card
from retriever.web.rendering import render_document

if TYPE_CHECKING:
    from retriever.memory import Memory

_SPAN = re.compile(r"(\d{1,12})-(\d{1,12})")


class ReadingPages:
    """The pages that show what is kept, over one memory."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self.memory = memory
        self.correcting = Correcting(memory)
        self.settings = settings

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
            cards=[lesson_card(lesson, document) for lesson in lessons],
            hidden=[lesson_card(lesson, document) for lesson in self.correcting.hidden_of(document.id)],
            rendered=rendered,
            is_told=document.source == SHARED_SOURCE and bool(lessons),
            shows_own_title=normalised(document.title) in normalised(rendered.heading or ""),
            back=page_address("/", NO_FILTERS, q=query) if query else None,
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

    def lesson_markdown(self, id: str) -> Response:
        """A lesson as Markdown with a link back, to be pasted into a chat or a review."""
        document, _, lesson = self.memory.show(id)
        if lesson is None:
            lesson = self.memory.lesson(id)
        home = self.settings.public_url or request.host_url
        text = lesson_as_markdown(lesson, document, home)
        return Response(text.encode("utf-8", "replace"), mimetype="text/plain")


def lesson_as_markdown(lesson: Lesson, document: Document, home: str) -> str:
    """The lesson as a quotation, and below it where it stands; `home` is this page's own address."""
    if lesson.stated:
        place = document_address(document, {"lesson": lesson.id}, lesson_anchor(lesson))
    else:
        place = document_address(document, {"span": f"{lesson.start}-{lesson.end}"})
    quoted = "\n".join(f"> {line}".rstrip() for line in lesson.text.strip().splitlines())
    title = re.sub(r"([\\\[\]])", r"\\\1", document.title)
    facts = [texts.KINDS.get(lesson.kind or "", texts.EVIDENCE), f"[{title}]({urljoin(home, place)})"]
    meta = document.meta
    facts += [fact for fact in (meta.date, meta.severity, meta.team) if fact]
    return f"{quoted}\n>\n> — {' · '.join(facts)}\n"


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
