"""The same thing told twice: recognised when a question is answered, linked, shown once, and never merged for good.

A text that states what a better one from another document states is dropped from the answer and named there as
"also in"; so is a document that tells of the same incident. Only the lesson or sentence with which a text begins is
compared, since that is why it was chosen. How the bounds were found: docs/duplicates.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations, islice
from typing import TYPE_CHECKING

import numpy as np

from retriever.choosing import Choice
from retriever.lesson import Lesson, normalised
from retriever.words import QUESTION_WORDS

if TYPE_CHECKING:
    from retriever.question import Floats, Ids
    from retriever.record.candidates import Bundle

# Two lessons state the same when they are as near as this and share so much of their words; less is enough where
# both tell of one incident. A sentence that is no lesson is compared only then.
NEAR = 0.9
NEAR_WORDS = 0.5
NEAR_IN_INCIDENT = 0.75
NEAR_WORDS_IN_INCIDENT = 0.35
MIN_SHARED_WORDS = 4

# Documents that state lessons tell of one incident when they are dated so near and, as wholes, are so near, or when
# so many lessons of the one, two at least, stand in the other.
INCIDENT_DAYS = 2
SAME_DAY_NEAR = 0.72
NEXT_DAY_NEAR = 0.9
LESSONS_SHARED = 0.5

# Texts with other letters and digits at their beginning do not read the same; comparing all of each takes .3 ms more an
# answer.
BEGINNING = 24

# So many texts more than asked for are chosen, to fill the places of those that are dropped.
SPARE_TEXTS = 10


@dataclass(frozen=True, slots=True)
class Twin:
    """Where else the same is told: a place in a document, and the lesson that states it there.

    `same` is "lesson" where the same thing is stated, "incident" where only the incident is the same; then there is
    no lesson, and the place is the document's beginning.
    """

    bundle: Bundle
    start: int
    lesson: Lesson | None
    same: str


@dataclass(frozen=True, slots=True)
class Told:
    """A text to show, and where else the same is told; of one document at most one place."""

    choice: Choice
    twins: tuple[Twin, ...] = ()


def tell_once(choices: Sequence[Choice], k: int) -> tuple[Told, ...]:
    """The first `k` of the choices, best first, without those that state what a better one of them does.

    A document that tells of the same incident as another is named at the better one's first text.
    """
    heads = [_Head(choice) for choice in choices]
    incidents = _incidents([choice.ranked.bundle for choice in choices])
    kept: list[tuple[_Head, list[Twin]]] = []
    for head in heads:
        better = next((pair for pair in kept if _is_same(pair[0], head, incidents)), None)
        if better is not None:
            if better[0].document != head.document:
                better[1].append(Twin(head.bundle, head.choice.start, head.choice.lesson, "lesson"))
        elif len(kept) < k:
            kept.append((head, []))
    told = [Told(head.choice, tuple(twins)) for head, twins in kept]
    return tuple(_linked(told, [head.bundle for head in heads], incidents))


@dataclass(frozen=True)
class _Head:
    """The lesson or sentence with which a text begins; most of it is only worked out where two may be the same."""

    choice: Choice

    @property
    def bundle(self) -> Bundle:
        return self.choice.ranked.bundle

    @property
    def shown(self) -> str:
        return self.bundle.document.text[self.choice.start : self.choice.end]

    @cached_property
    def beginning(self) -> str:
        return "".join(islice(filter(str.isalnum, self.shown.casefold()), BEGINNING))

    @cached_property
    def text(self) -> str:
        return normalised(self.shown)

    @cached_property
    def rows(self) -> Ids:
        """The sentences that the lesson consists of, else the one at the beginning."""
        spans, lesson = self.bundle.spans, self.choice.lesson
        if lesson is None:
            return np.flatnonzero(spans[:, 1] > self.choice.start)[:1]
        return np.flatnonzero((spans[:, 1] > lesson.start) & (spans[:, 0] < lesson.end))

    @cached_property
    def words(self) -> frozenset[str]:
        lines = self.bundle.lines
        held = frozenset(word for row in self.rows.tolist() for word in lines[row].split())
        return held - QUESTION_WORDS

    @cached_property
    def embedding(self) -> Floats | None:
        return self.bundle.meaning_of(self.rows)

    @cached_property
    def document(self) -> str:
        return self.bundle.document.id

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(word for word in self.words if any(map(str.isdigit, word)))


def _is_same(better: _Head, other: _Head, incidents: frozenset[tuple[str, str]]) -> bool:
    """Whether `other` states what `better` does; in one document only what reads the same."""
    if better.beginning == other.beginning and better.text == other.text:
        return True
    if better.document == other.document:
        return False
    in_incident = (better.document, other.document) in incidents
    are_lessons = better.choice.lesson is not None and other.choice.lesson is not None
    if not (in_incident or are_lessons):
        return False
    near, near_words = (NEAR_IN_INCIDENT, NEAR_WORDS_IN_INCIDENT) if in_incident else (NEAR, NEAR_WORDS)
    shared = len(better.words & other.words)
    return (
        shared >= MIN_SHARED_WORDS
        and shared >= near_words * len(better.words | other.words)
        # "from 25 to 50" and "to 60" are other facts, however alike they read.
        and (better.numbers >= other.numbers or better.numbers <= other.numbers)
        and _nearness(better.embedding, other.embedding) >= near
    )


def _nearness(one: Floats | None, other: Floats | None) -> float:
    """The cosine of two unit vectors; where there is none, they are not near."""
    return -1.0 if one is None or other is None else float(one @ other)


def _incidents(bundles: Sequence[Bundle]) -> frozenset[tuple[str, str]]:
    """Pairs of ids, both ways round, of documents that tell of one incident."""
    dated = {
        bundle.document.id: (day.toordinal(), bundle)
        for bundle in bundles
        if bundle.lessons and (day := _day(bundle.document.meta.date)) is not None
    }
    found = set()
    for (first, (number, one)), (second, (other_number, other)) in combinations(dated.items(), 2):
        apart = abs(number - other_number)
        if apart > INCIDENT_DAYS or one.meaning is None or other.meaning is None:
            continue
        is_near = _nearness(one.meaning, other.meaning) >= (NEXT_DAY_NEAR if apart else SAME_DAY_NEAR)
        if is_near or _share_lessons(one, other):
            found |= {(first, second), (second, first)}
    return frozenset(found)


def _share_lessons(one: Bundle, other: Bundle) -> bool:
    """Whether most lessons of the document that has fewer are near one of the other's."""
    few, many = sorted((_lesson_rows(one), _lesson_rows(other)), key=len)
    near = (few @ many.T >= NEAR).any(axis=1) if len(few) else np.zeros(0, bool)
    return int(near.sum()) >= max(2.0, LESSONS_SHARED * len(few))


def _lesson_rows(bundle: Bundle) -> Floats:
    """float32 (lessons with sentences, dim), unit rows."""
    owners = bundle.lesson_of
    places = (np.flatnonzero(owners == number) for number in range(len(bundle.lessons)))
    rows = [row for place in places if len(place) and (row := bundle.meaning_of(place)) is not None]
    return np.asarray(rows, np.float32).reshape(len(rows), -1) if rows else np.zeros((0, 1), np.float32)


def _day(written: str | None) -> date | None:
    """The day of a full ISO date; a month or a year is too vague to compare."""
    if written is None or len(written) < len("2024-02-08"):
        return None
    try:
        return date.fromisoformat(written[: len("2024-02-08")])
    except ValueError:
        return None


def _linked(told: Sequence[Told], bundles: Sequence[Bundle], incidents: frozenset[tuple[str, str]]) -> Iterator[Told]:
    """What is told, each document's first text with the other documents about its incident."""
    by_id = {bundle.document.id: bundle for bundle in bundles}
    linked: set[str] = set()
    for item in told:
        document = item.choice.ranked.bundle.document.id
        others = [by_id[other] for other in by_id if (document, other) in incidents] if document not in linked else []
        linked.add(document)
        yield Told(item.choice, _one_each([*item.twins, *(Twin(other, 0, None, "incident") for other in others)]))


def _one_each(twins: Sequence[Twin]) -> tuple[Twin, ...]:
    """The first twin of each document."""
    first: dict[str, Twin] = {}
    for twin in twins:
        first.setdefault(twin.bundle.document.id, twin)
    return tuple(first.values())
