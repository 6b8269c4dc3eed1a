"""What the templates show beside cards and facets: the verdict in words, a document's marks, small filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from retriever.lesson import MENDABLE, MENDED, Answer, Document, Filters, Lesson, Passage
from retriever.quoted import reads_as_instructions
from retriever.web import texts
from retriever.web.addresses import lesson_anchor
from retriever.web.inline_html import is_safe_address
from retriever.web.marks import Anchor, Mark


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict over an answer, in words; `tone` is the class it is styled by."""

    tone: str
    sentence: str
    note: str
    warnings: tuple[str, ...]
    confidence: str | None


def verdict(answer: Answer, filters: Filters) -> Verdict:
    """What the page says above the hits."""
    warnings = tuple(texts.DEGRADED.get(part, texts.DEGRADED_OTHER.format(part)) for part in answer.degraded)
    confidence = None if answer.confidence is None else texts.CONFIDENCE.format(round(answer.confidence * 100))
    if not answer.hits:
        missing = texts.NOT_ANSWERED_FILTERED if filters else texts.NOT_ANSWERED
        return Verdict("nothing", missing, texts.NOTHING_NEAR, warnings, None)
    if answer.answered is None:
        return Verdict("open", texts.NO_VERDICT, texts.NO_VERDICT_NOTE, warnings, None)
    if answer.answered:
        return Verdict("answered", texts.ANSWERED, "", warnings, confidence)
    missing = texts.NOT_ANSWERED_FILTERED if filters else texts.NOT_ANSWERED
    return Verdict("nothing", missing, texts.NEAR_MISSES, warnings, None)


def document_marks(lessons: Sequence[Lesson], asked: tuple[int, int] | None) -> list[Mark]:
    """The marks of a document: its lessons, and the span that was asked for."""
    marks = [
        Mark(lesson.start, lesson.end, f"lesson {lesson.polarity or 'neutral'}", lesson_anchor(lesson))
        for lesson in lessons
    ]
    return [*marks, Mark(*asked, "asked")] if asked else marks


def document_anchors(passages: Sequence[Passage], asked: tuple[int, int] | None) -> list[Anchor]:
    """The anchors p1..pn; that of the passage in which the asked span starts stands at the span itself.

    So the address's fragment brings the very sentence into view, without any script.
    """
    starts = [passage.start for passage in passages]
    if asked:
        within = [index for index, passage in enumerate(passages) if passage.start <= asked[0] < passage.end]
        if within:
            starts[within[0]] = asked[0]
    return [Anchor(start, f"p{number}") for number, start in enumerate(starts, 1)]


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _origin(document: Document, field: str) -> str | None:
    """Where a document's field came from, in words."""
    origin = dict(document.meta.origins).get(field)
    return texts.ORIGINS.get(origin, texts.ORIGIN.format(origin)) if origin else None


def mended_fields(document: Document) -> tuple[str, ...]:
    """The fields of the document that people mended."""
    origins = dict(document.meta.origins)
    return tuple(name for name in MENDABLE if origins.get(name) == MENDED)


TEMPLATE_FILTERS: Mapping[str, Callable[..., object]] = {
    "counted": _counted,
    "origin": _origin,
    "mended": mended_fields,
    "kind": lambda value: texts.KINDS.get(value, value),
    "reads_as_instructions": reads_as_instructions,
    "safe_address": lambda address: address if is_safe_address(address) else None,
}
