"""What the templates show, made from the domain's values: cards, facets, a document's marks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from retriever.lesson import Answer, Document, Filters, Hit, Lesson, Passage, normalised
from retriever.web import texts
from retriever.web.inline_html import is_safe_address
from retriever.web.marks import Anchor, Mark
from retriever.web.rendering import render_excerpt

MAX_EXCERPT_CHARS = 700
MAX_TWINS = 4
_LIST_FILTERS = ("kind", "polarity", "tag", "team", "severity")
_FACET_VALUES_SHOWN = 8
_BULLET = re.compile(r" {0,3}[-*+] ")


@dataclass(frozen=True, slots=True)
class Card:
    """A lesson as it is shown in an answer or a list."""

    lesson: Lesson
    document: Document
    text: Markup
    link: str
    sections: tuple[str, ...]
    context: str
    twins: tuple[Twin, ...] = ()


@dataclass(frozen=True, slots=True)
class Twin:
    """Another document that tells the same lesson or the same incident."""

    label: str
    title: str
    date: str | None
    link: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet; `link` leads to the same page with it chosen, or no longer chosen."""

    label: str
    count: int | None
    is_chosen: bool
    link: str


@dataclass(frozen=True, slots=True)
class Facet:
    """One field by which lessons can be narrowed."""

    title: str
    shown: tuple[Choice, ...]
    more: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict over an answer, in words; `tone` is the class it is styled by."""

    tone: str
    sentence: str
    note: str
    warnings: tuple[str, ...]
    confidence: str | None


def hit_card(hit: Hit, query: str) -> Card:
    """A hit, its highlights marked, with a link to its place in its document."""
    lesson = hit.lesson
    marks = [Mark(start, end, "match") for start, end in hit.highlights]
    if lesson.stated_end is not None:
        marks.append(Mark(lesson.stated_end - lesson.start, len(lesson.text), "beyond"))
    place = {"lesson": lesson.id} if lesson.stated else {"span": f"{lesson.start}-{lesson.end}"}
    link = _document_address(hit.document, {**place, "q": query}, f"p{hit.passage}")
    twins = tuple(
        Twin(
            texts.ALSO_IN[item.same],
            item.document.title,
            item.document.meta.date,
            _document_address(item.document, {"q": query}, f"p{item.passage}"),
        )
        for item in hit.also_in[:MAX_TWINS]
    )
    return replace(_card(lesson, hit.document, marks, link), twins=twins)


def lesson_card(lesson: Lesson, document: Document) -> Card:
    """A lesson outside any answer."""
    link = _document_address(document, {"lesson": lesson.id}, lesson_anchor(lesson))
    return _card(lesson, document, [], link)


def _card(lesson: Lesson, document: Document, marks: Sequence[Mark], link: str) -> Card:
    text, shifted = _shortened(*_as_list(lesson.text, marks))
    title = normalised(document.title)
    sections = tuple(part for part in (lesson.section or "").split(" > ") if part and title not in normalised(part))
    context = _news(lesson.context or "", [document.title, lesson.text, *sections])
    return Card(lesson, document, render_excerpt(text, shifted), link, sections, context)


def _news(context: str, beside: Sequence[str]) -> str:
    """The parts of a lesson's context that say more than what is shown beside it."""
    known = set(normalised(" ".join(beside)).split())
    return " — ".join(part for part in context.split(" — ") if not set(normalised(part).split()) <= known)


def _as_list(text: str, marks: Sequence[Mark]) -> tuple[str, Sequence[Mark]]:
    """`text` with its first item's bullet, where it begins behind that bullet and goes on with the next items."""
    first, newline, rest = text.partition("\n")
    bullet = _BULLET.match(rest)
    if not newline or bullet is None or _BULLET.match(first) or first.endswith(":"):
        return text, marks
    added = len(bullet[0])
    moved = [replace(mark, start=mark.start + added, end=mark.end + added) for mark in marks]
    return bullet[0] + text, moved


def _shortened(text: str, marks: Sequence[Mark]) -> tuple[str, list[Mark]]:
    """`text` around its first mark where it is too long for a card, and the marks as they then stand."""
    if len(text) <= MAX_EXCERPT_CHARS:
        return text, list(marks)
    first = min((mark.start for mark in marks), default=0)
    begin = 0 if first < MAX_EXCERPT_CHARS // 2 else text.rfind("\n", 0, first) + 1
    if first - begin > MAX_EXCERPT_CHARS // 2:
        begin = text.rfind(" ", 0, first - 80) + 1
    end = text.rfind(" ", begin, begin + MAX_EXCERPT_CHARS)
    end = end if end > begin else begin + MAX_EXCERPT_CHARS
    before, after = ("… " if begin else ""), (" …" if end < len(text) else "")
    shift = len(before) - begin
    kept = [
        replace(mark, start=max(mark.start, begin) + shift, end=min(mark.end, end) + shift)
        for mark in marks
        if mark.start < end and mark.end > begin
    ]
    return before + text[begin:end] + after, kept


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


def facets(
    count: Callable[[Filters], Mapping[str, Sequence[tuple[str, int]]]],
    filters: Filters,
    address: Callable[..., str],
) -> tuple[Facet, ...]:
    """The facets with their counts; those of a chosen field are counted as if nothing were chosen in it.

    `address` gives the page's address with other filters.
    """
    counted = count(filters)
    made = []
    for name in _LIST_FILTERS:
        chosen: tuple[str, ...] = getattr(filters, name)
        counts = dict(count(_with(filters, name, ()))[name] if chosen else counted[name])
        choices = [
            Choice(
                label(name, value),
                counts.get(value),
                value in chosen,
                address(_toggled(filters, name, value)),
            )
            for value in [*counts, *(value for value in chosen if value not in counts)]
        ]
        if choices:
            choices.sort(key=lambda choice: not choice.is_chosen)
            made.append(
                Facet(
                    texts.FACETS[name],
                    tuple(choices[:_FACET_VALUES_SHOWN]),
                    tuple(choices[_FACET_VALUES_SHOWN:]),
                )
            )
    return tuple(made)


def chosen_filters(filters: Filters, address: Callable[..., str]) -> tuple[Choice, ...]:
    """Every filter that is set; each link leads to the page without it."""
    chosen = [
        Choice(label(name, value), None, True, address(_toggled(filters, name, value)))
        for name in _LIST_FILTERS
        for value in getattr(filters, name)
    ]
    for name, title in (("since", texts.SINCE), ("until", texts.UNTIL)):
        if value := getattr(filters, name):
            chosen.append(Choice(f"{title} {value}", None, True, address(_with(filters, name, None))))
    return tuple(chosen)


def _toggled(filters: Filters, name: str, value: str) -> Filters:
    chosen: tuple[str, ...] = getattr(filters, name)
    left = tuple(other for other in chosen if other != value)
    return _with(filters, name, left if len(left) < len(chosen) else (*chosen, value))


def _with(filters: Filters, name: str, value: Any) -> Filters:
    return replace(filters, **{name: value})


def filter_arguments(filters: Filters) -> dict[str, tuple[str, ...] | str]:
    """The filters that are set, as they stand in an address."""
    return {item.name: value for item in fields(filters) if (value := getattr(filters, item.name))}


def page_address(path: str, filters: Filters, **more: object) -> str:
    """`path` with `filters` and further arguments; those that are None are left out."""
    arguments = {
        **{name: value for name, value in more.items() if value is not None},
        **filter_arguments(filters),
    }
    return path + ("?" + urlencode(arguments, doseq=True) if arguments else "")


def label(name: str, value: str) -> str:
    """A filter's value in plain words."""
    return {"kind": texts.KINDS, "polarity": texts.POLARITIES}.get(name, {}).get(value, value)


def lesson_anchor(lesson: Lesson) -> str:
    """The name of a lesson's place in its document."""
    return f"lesson-{lesson.id}"


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


def _document_address(document: Document, arguments: Mapping[str, str], fragment: str) -> str:
    return f"/documents/{document.id}?{urlencode(arguments)}#{fragment}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _origin(document: Document, field: str) -> str | None:
    return dict(document.meta.origins).get(field)


TEMPLATE_FILTERS: Mapping[str, Callable[..., object]] = {
    "counted": _counted,
    "origin": _origin,
    "kind": lambda value: texts.KINDS.get(value, value),
    "safe_address": lambda address: address if is_safe_address(address) else None,
}
