"""The JSON that leaves the program: the terminal's `--json` and the HTTP API send these same objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retriever.lesson import MENDED, AlsoIn, Answer, Document, Hit, Lesson
from retriever.quoted import NOTICE, reads_as_instructions

if TYPE_CHECKING:
    from retriever.questions import Gap
    from retriever.sharing import Shared

Json = dict[str, Any]


def answer_json(answer: Answer) -> Json:
    """An answer as docs/http.md describes it."""
    return {
        "query": answer.query,
        "answered": answer.answered,
        "confidence": None if answer.confidence is None else round(answer.confidence, 3),
        "degraded": list(answer.degraded),
        "took_ms": round(answer.took_ms, 1),
        "notice": NOTICE,
        "hits": [hit_json(hit) for hit in answer.hits],
    }


def hit_json(hit: Hit) -> Json:
    """One hit of an answer."""
    lesson = lesson_json(hit.lesson) | {"highlights": [list(span) for span in hit.highlights], "line": hit.line}
    return {
        "rank": hit.rank,
        "score": round(hit.score, 4),
        "lesson": lesson,
        "document": document_json(hit.document) | {"link": document_link(hit.document.id, hit.passage)},
        "also_in": [also_in_json(item) for item in hit.also_in],
    }


def also_in_json(item: AlsoIn) -> Json:
    """Another document that tells the same as a hit: enough of it to name it and to go there."""
    document = item.document
    return {
        "lesson_id": item.lesson_id,
        "same": item.same,
        "document": {
            "id": document.id,
            "path": document.path,
            "part": document.part,
            "title": document.title,
            "date": document.meta.date,
            "link": document_link(document.id, item.passage),
        },
    }


def lesson_json(lesson: Lesson) -> Json:
    """A lesson by itself; without a question it has no highlights."""
    return {
        "id": lesson.id,
        "text": lesson.text,
        "kind": lesson.kind,
        "polarity": lesson.polarity,
        "section": lesson.section,
        "start": lesson.start,
        "end": lesson.end,
        "highlights": [],
        "context": lesson.context,
        "stated": lesson.stated,
        "reads_as_instructions": reads_as_instructions(lesson.text, lesson.section),
        "stated_end": (lesson.end if lesson.stated_end is None else lesson.stated_end) if lesson.stated else None,
        "remarks": {name: getattr(lesson.remarks, name) for name in lesson.remarks.__slots__},
    }


def listed_lesson_json(lesson: Lesson, document: Document) -> Json:
    """A lesson with the document it is from."""
    return {"lesson": lesson_json(lesson), "document": document_json(document)}


def shared_lesson_json(shared: Shared) -> Json:
    """A lesson that a person told, with its fields, and how many texts were redacted by each rule."""
    return {
        **listed_lesson_json(shared.lesson, shared.document),
        "shared": shared.share.as_json(),
        "redacted": dict(shared.redacted),
    }


def gap_json(gap: Gap) -> Json:
    """What nobody has recorded, and how often it was asked."""
    return {
        "id": gap.id,
        "question": gap.question,
        "count": gap.count,
        "first_asked_at": gap.first_asked_at,
        "last_asked_at": gap.last_asked_at,
        "others": list(gap.others),
    }


def document_json(document: Document) -> Json:
    """A document without its text."""
    meta = document.meta
    return {
        "id": document.id,
        "source": document.source,
        "path": document.path,
        "part": document.part,
        "title": document.title,
        "date": meta.date,
        "severity": meta.severity,
        "team": meta.team,
        "owner": meta.owner,
        "service": meta.service,
        "authors": list(meta.authors),
        "tags": list(meta.tags),
        "url": meta.url,
        "mended": [name for name, origin in meta.origins if origin == MENDED],
        "reads_as_instructions": reads_as_instructions(document.title),
        "link": document_link(document.id),
    }


def shown_json(document: Document, lessons: tuple[Lesson, ...]) -> Json:
    """A document whole, with all its lessons, in the order in which they stand in it."""
    return {
        "document": document_json(document)
        | {"text": document.text, "reads_as_instructions": reads_as_instructions(document.title, document.text)},
        "lessons": [lesson_json(lesson) for lesson in lessons],
    }


def document_link(document_id: str, passage: int | None = None) -> str:
    """The document's address on the page, at one of its passages if `passage` is given."""
    return f"/documents/{document_id}" + (f"#p{passage}" if passage else "")
