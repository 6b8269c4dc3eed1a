"""What to show of the documents that answer: the lesson, or where none was extracted the sentences.

A text begins with the sentence likeliest to be the answer, or with a neighbour where together they are
likelier, and goes on for as long as what follows is likely too: a glance should meet the lesson, and the
rest its surroundings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retriever.lesson import Lesson
from retriever.ranking import Ranked
from retriever.standing import standing

if TYPE_CHECKING:
    from retriever.question import Floats, Ids

# Characters of a text, at most, unless its first sentence or lesson is longer; and of what a glance takes in.
SHOWN_CHARS = 600
GLANCE_CHARS = 240

# A text ends before sentences that are less likely to answer than this share of its likeliest.
TAIL_SHARE = 0.1

# So many documents show their further texts right away; those of the others come after all first ones, so
# that ten texts tell of eight documents and not of five.
FULL_DOCUMENTS = 2

# What a document's second text is behind its first: nothing that anybody would notice, but it settles the
# order.
PLACE_STEP = 1e-6


@dataclass(frozen=True, slots=True)
class Choice:
    """A text to show: a span of a document, and the lesson it begins with, None where it begins with none.

    `feedback` is the part of the score that people's feedback on the lesson adds, 0 without any; `reranked` the part
    that a re-ranker adds, None where none was asked.
    """

    ranked: Ranked
    start: int
    end: int
    lesson: Lesson | None
    score: float
    feedback: float = 0.0
    reranked: float | None = None

    @property
    def signals(self) -> tuple[tuple[str, float], ...]:
        """The document's signals, and what was added for this text."""
        feedback = (("feedback", self.feedback),) if self.feedback else ()
        return (*self.ranked.signals, *feedback, *((("reranker", self.reranked),) if self.reranked is not None else ()))


def choose(
    ranking: Sequence[Ranked], k: int, per_document: int = 2, wanted: Callable[[Lesson], bool] | None = None
) -> tuple[Choice, ...]:
    """The first `k` texts by score, at most `per_document` of one document; the same text may come from several.

    `ranking` has the documents best first. With `wanted`, only lessons that satisfy it, each by itself.
    """
    if not ranking:
        return ()
    behind = ranking[0].score - ranking[-1].score + 1.0
    texts = [_texts(ranked, per_document if number < FULL_DOCUMENTS else 1, wanted)
             for number, ranked in enumerate(ranking[:k])]  # fmt: skip
    if sum(map(len, texts)) < k:
        # Only now: further texts come after all first ones, and where those fill the places nobody would see them.
        texts = [_texts(ranked, per_document, wanted) for ranked in ranking[:k]]
    chosen: list[Choice] = []
    for number, (ranked, found) in enumerate(zip(ranking, texts, strict=False)):
        for place, (start, end, lesson) in enumerate(found):
            late = behind * place if number >= FULL_DOCUMENTS else PLACE_STEP * place
            feedback = standing(lesson.remarks) if lesson is not None else 0.0
            chosen.append(Choice(ranked, start, end, lesson, ranked.score - late + feedback, feedback))
    return tuple(sorted(chosen, key=lambda item: (-item.score, item.ranked.bundle.document.id))[:k])


def _texts(
    ranked: Ranked, per_document: int, wanted: Callable[[Lesson], bool] | None
) -> list[tuple[int, int, Lesson | None]]:
    bundle = ranked.bundle
    lesson_of = bundle.lesson_of
    likely = np.exp(ranked.likelihood - ranked.likelihood.max())
    is_first = np.diff(lesson_of, prepend=-2) != 0
    allowed = is_first | (lesson_of < 0)
    if wanted is not None:
        fitting = np.asarray([wanted(lesson) for lesson in bundle.lessons], bool)
        allowed &= (lesson_of >= 0) & np.append(fitting, False)[lesson_of]
    free = np.ones(len(likely), bool)
    free[list(bundle.silent)] = False
    found: list[tuple[int, int, Lesson | None]] = []
    while len(found) < per_document and (allowed & free).any():
        first, last = _window(bundle.spans, likely, allowed & free, free, alone=wanted is not None)
        free[first : last + 1] = False
        lesson = bundle.lessons[lesson_of[first]] if lesson_of[first] >= 0 else None
        start, end = (int(bundle.spans[first, 0]), int(bundle.spans[last, 1]))
        if lesson is not None:
            start, end = lesson.start, lesson.end if wanted is not None else max(end, lesson.end)
        found.append((start, end, lesson))
    return found


def _window(spans: Ids, likely: Floats, starts: Ids, free: Ids, *, alone: bool) -> tuple[int, int]:
    """The first and last sentence of the text whose glance is likeliest to hold the answer."""
    sums = np.concatenate([[0.0], np.cumsum(likely)])
    runs = _run_ends(free)
    rows = np.arange(len(likely))

    def reach(chars: int) -> Ids:
        fits = np.searchsorted(spans[:, 1], spans[:, 0] + chars, side="right") - 1
        return np.maximum(np.minimum(fits, runs), rows)

    mass = np.where(starts, sums[reach(GLANCE_CHARS) + 1] - sums[rows], -1.0)
    first = int(np.argmax(mass))
    if alone:
        return first, first
    last = int(reach(SHOWN_CHARS)[first])
    strong = np.flatnonzero(likely[first : last + 1] >= TAIL_SHARE * likely[first : last + 1].max())
    return first, first + int(strong[-1])


def _run_ends(free: Ids) -> Ids:
    """For each row the last row of the unbroken run of free ones that it is in."""
    taken = np.append(np.flatnonzero(~free), len(free))
    return taken[np.searchsorted(taken, np.arange(len(free)))] - 1
