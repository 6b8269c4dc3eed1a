"""A lesson as a card: its words with marks, where it stands, why it matched, where else it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from markupsafe import Markup

from retriever.lesson import Document, Hit, Lesson, normalised
from retriever.web import texts
from retriever.web.addresses import document_address, lesson_anchor, markdown_address
from retriever.web.marks import Mark
from retriever.web.rendering import render_excerpt, render_line
from retriever.words import tokens

MAX_EXCERPT_CHARS = 700
MAX_LINE_CHARS = 220
# What follows a lesson helps to understand it, and would bury the next one.
MAX_BEYOND_CHARS = 320
MAX_TWINS = 4
_WORDS_NAMED = 4
_BULLET = re.compile(r" {0,3}[-*+] ")
_HEADING = re.compile(r"^ {0,3}#{1,6}\s", re.MULTILINE)
_MEANING_SIGNALS = frozenset({"sentence", "window", "passage"})
# Below this share of the score, meaning is not why a text was found.
_MEANT = 0.35


@dataclass(frozen=True, slots=True)
class Card:
    """A lesson as it is shown in an answer or a list; `markdown` is the address of the lesson as Markdown.

    `said` is what this reader said of it before.
    """

    lesson: Lesson
    document: Document
    text: Markup
    link: str
    markdown: str
    sections: tuple[str, ...]
    context: str
    why: str = ""
    twins: tuple[Twin, ...] = ()
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Near:
    """A lesson as the panel under the box shows it: a line or two, and where it leads."""

    lesson: Lesson
    document: Document
    line: Markup
    link: str


@dataclass(frozen=True, slots=True)
class Twin:
    """Another document that tells the same lesson or the same incident."""

    label: str
    title: str
    date: str | None
    link: str


def hit_card(hit: Hit, query: str, said: tuple[str, ...] = ()) -> Card:
    """A hit, its highlights marked, with a link to its place in its document."""
    twins = tuple(
        Twin(
            texts.ALSO_IN[item.same],
            item.document.title,
            item.document.meta.date,
            document_address(item.document, {"q": query}, f"p{item.passage}"),
        )
        for item in hit.also_in[:MAX_TWINS]
    )
    shown, marks = _without_most_of_what_follows(hit.lesson, _matches(hit))
    card = _card(hit.lesson, hit.document, shown, marks, _place_of(hit, query))
    return replace(card, why=why(hit, query), twins=twins, said=said)


def near_card(hit: Hit, query: str) -> Near:
    """A hit in a line or two: the lesson itself, without what follows it."""
    end = len(hit.lesson.text) if hit.lesson.stated_end is None else hit.lesson.stated_end - hit.lesson.start
    marks = [replace(mark, end=min(mark.end, end)) for mark in _matches(hit) if mark.start < end]
    text, shifted = _shortened(hit.lesson.text[:end], marks, MAX_LINE_CHARS)
    return Near(hit.lesson, hit.document, render_line(text, shifted), _place_of(hit, query))


def lesson_card(lesson: Lesson, document: Document) -> Card:
    """A lesson outside any answer."""
    link = document_address(document, {"lesson": lesson.id}, lesson_anchor(lesson))
    return _card(lesson, document, lesson.text, [], link)


def why(hit: Hit, query: str) -> str:
    """Why a hit was found, in words: which of the question's words it has, and whether it means the same."""
    marked = dict.fromkeys(hit.lesson.text[start:end].casefold() for start, end in hit.highlights)
    asked = _asked(query)
    words = [f"“{word}”" for word in marked if len(word.split()) <= _WORDS_NAMED and asked.intersection(tokens(word))]
    total = sum(max(share, 0.0) for _, share in hit.signals)
    meant = sum(max(share, 0.0) for name, share in hit.signals if name in _MEANING_SIGNALS)
    is_meant = meant > _MEANT * total
    if words:
        return (texts.WHY_BOTH if is_meant else texts.WHY_WORDS).format(", ".join(words[:_WORDS_NAMED]))
    if marked:
        return texts.WHY_SENTENCE
    return texts.WHY_MEANING if is_meant else texts.WHY_DOCUMENT if hit.signals else ""


# All hits of an answer are for one question; there are as many answers at a time as threads.
@lru_cache(maxsize=8)
def _asked(query: str) -> frozenset[str]:
    return frozenset(tokens(query))


def _matches(hit: Hit) -> list[Mark]:
    return [Mark(start, end, "match") for start, end in hit.highlights]


def _place_of(hit: Hit, query: str) -> str:
    lesson = hit.lesson
    place = {"lesson": lesson.id} if lesson.stated else {"span": f"{lesson.start}-{lesson.end}"}
    return document_address(hit.document, {**place, "q": query}, f"p{hit.passage}")


def _card(lesson: Lesson, document: Document, shown: str, marks: Sequence[Mark], link: str) -> Card:
    text, shifted = _shortened(*_as_list(shown, marks), MAX_EXCERPT_CHARS)
    title = normalised(document.title)
    sections = tuple(part for part in (lesson.section or "").split(" > ") if part and title not in normalised(part))
    context = _news(lesson.context or "", [document.title, lesson.text, *sections])
    return Card(lesson, document, render_excerpt(text, shifted), link, markdown_address(lesson), sections, context)


def _news(context: str, beside: Sequence[str]) -> str:
    """The parts of a lesson's context that say more than what is shown beside it."""
    if not context:
        return ""
    known = set(normalised(" ".join(beside)).split())
    return " — ".join(part for part in context.split(" — ") if not set(normalised(part).split()) <= known)


def _without_most_of_what_follows(lesson: Lesson, marks: list[Mark]) -> tuple[str, list[Mark]]:
    """The lesson and the beginning of what follows it: up to the next heading, and short.

    What follows a stated lesson is marked as such; what follows the last match in a text that is no stated lesson
    looks like the rest of it.
    """
    text = lesson.text
    if lesson.stated_end is not None:
        told = lesson.stated_end - lesson.start
    else:
        told = max((mark.end for mark in marks), default=len(text)) if not lesson.stated else len(text)
    end = _short_end(text, told)
    marks = [replace(mark, end=min(mark.end, end)) for mark in marks if mark.start < end]
    is_beyond = lesson.stated and end > told
    return text[:end].rstrip(), [*marks, Mark(told, end, "beyond")] if is_beyond else marks


def _short_end(text: str, told: int) -> int:
    """Where to end a text of which the first `told` characters are to be shown."""
    heading = _HEADING.search(text, told)
    end = heading.start() if heading else len(text)
    if end - told <= MAX_BEYOND_CHARS:
        return end
    most = told + MAX_BEYOND_CHARS
    sentence = max(text.rfind("\n", told, most), text.rfind(". ", told, most) + 1)
    return sentence if sentence > told else max(text.rfind(" ", told, most), told)


def _as_list(text: str, marks: Sequence[Mark]) -> tuple[str, Sequence[Mark]]:
    """`text` as a list again, where it begins behind its first item's bullet and goes on with the next items."""
    first, newline, rest = text.partition("\n")
    bullet = _BULLET.match(rest)
    if not newline or bullet is None or _BULLET.match(first) or first.endswith(":"):
        return text, marks
    added = len(bullet[0])
    moved = [replace(mark, start=mark.start + added, end=mark.end + added) for mark in marks]
    return bullet[0] + text, moved


def _shortened(text: str, marks: Sequence[Mark], most: int) -> tuple[str, list[Mark]]:
    """`text` around its first mark where it has more than `most` characters, and the marks as they then stand."""
    if len(text) <= most:
        return text, list(marks)
    first = min((mark.start for mark in marks), default=0)
    begin = 0 if first < most // 2 else text.rfind("\n", 0, first) + 1
    if first - begin > most // 2:
        begin = text.rfind(" ", 0, first - most // 9) + 1
    end = text.rfind(" ", begin, begin + most)
    end = len(text) if begin + most >= len(text) else end if end > begin else begin + most
    before, after = ("… " if begin else ""), (" …" if end < len(text) else "")
    shift = len(before) - begin
    kept = [
        replace(mark, start=max(mark.start, begin) + shift, end=min(mark.end, end) + shift)
        for mark in marks
        if mark.start < end and mark.end > begin
    ]
    return before + text[begin:end] + after, kept
