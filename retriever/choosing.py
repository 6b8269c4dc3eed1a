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
    from numpy.typing import NDArray

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
    full, others = ranking[: min(k, FULL_DOCUMENTS)], ranking[FULL_DOCUMENTS:k]
    texts = [*_texts(full, per_document, wanted), *_texts(others, 1, wanted)]
    if sum(map(len, texts)) < k and per_document > 1:
        # Only now: further texts come after all first ones, and where those fill the places nobody would see them.
        texts = _texts(ranking[:k], per_document, wanted)
    chosen: list[Choice] = []
    for number, (ranked, found) in enumerate(zip(ranking, texts, strict=False)):
        for place, (start, end, lesson) in enumerate(found):
            late = behind * place if number >= FULL_DOCUMENTS else PLACE_STEP * place
            feedback = standing(lesson.remarks) if lesson is not None else 0.0
            chosen.append(Choice(ranked, start, end, lesson, ranked.score - late + feedback, feedback))
    return tuple(sorted(chosen, key=lambda item: (-item.score, item.ranked.bundle.document.id))[:k])


def _texts(
    ranking: Sequence[Ranked], per_document: int, wanted: Callable[[Lesson], bool] | None
) -> list[list[tuple[int, int, Lesson | None]]]:
    """For each document its texts as (start, end, lesson), the best first."""
    found: list[list[tuple[int, int, Lesson | None]]] = [[] for _ in ranking]
    if not ranking:
        return found
    sheet = _Sheet.of(ranking)
    allowed, free = _beginnings(ranking, sheet, wanted)
    for _ in range(per_document):
        windows = sheet.windows(allowed & free, free, alone=wanted is not None)
        for number, (first, last) in windows.items():
            free[first : last + 1] = False
            bundle, begin = ranking[number].bundle, int(sheet.begins[number])
            lesson_of = bundle.lesson_of[first - begin]
            lesson = bundle.lessons[lesson_of] if lesson_of >= 0 else None
            start, end = (int(bundle.spans[first - begin, 0]), int(bundle.spans[last - begin, 1]))
            if lesson is not None:
                start, end = lesson.start, lesson.end if wanted is not None else max(end, lesson.end)
            found[number].append((start, end, lesson))
    return found


def _beginnings(
    ranking: Sequence[Ranked], sheet: _Sheet, wanted: Callable[[Lesson], bool] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(where a text may begin, what it may hold), one value a sentence."""
    lesson_of = np.concatenate([ranked.bundle.lesson_of for ranked in ranking])
    is_first = np.diff(lesson_of, prepend=-2) != 0
    is_first[sheet.begins] = True
    allowed = is_first | (lesson_of < 0)
    free = np.ones(len(lesson_of), bool)
    for ranked, begin, end in zip(ranking, sheet.begins.tolist(), sheet.ends.tolist(), strict=True):
        free[[begin + row for row in ranked.bundle.silent]] = False
        if wanted is not None:
            fitting = np.asarray([wanted(lesson) for lesson in ranked.bundle.lessons], bool)
            allowed[begin:end] &= (lesson_of[begin:end] >= 0) & np.append(fitting, False)[lesson_of[begin:end]]
    return allowed, free


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The sentences of several documents under each other: all of them are looked at in one go.

    `begins` and `ends` are the rows of each document. `starts` and `stops` are where each sentence starts and stops,
    counted on from document to document, with more room between two of them than a text may have. `likely` is how
    likely a sentence is the one to show, beside the likeliest of its document.
    """

    begins: Ids
    ends: Ids
    starts: Ids
    stops: Ids
    likely: Floats

    @classmethod
    def of(cls, ranking: Sequence[Ranked]) -> _Sheet:
        """The sheet of these documents, each of which has sentences."""
        sizes = np.asarray([len(ranked.likelihood) for ranked in ranking])
        ends = np.cumsum(sizes)
        begins = ends - sizes
        likelihood = np.concatenate([ranked.likelihood for ranked in ranking])
        spans = np.concatenate([ranked.bundle.spans for ranked in ranking]).astype(np.int64)
        room = spans[ends - 1, 1] + SHOWN_CHARS + 1
        shift = np.repeat(np.cumsum(room) - room, sizes)
        highest = np.repeat(np.maximum.reduceat(likelihood, begins), sizes)
        return cls(begins, ends, spans[:, 0] + shift, spans[:, 1] + shift, np.exp(likelihood - highest))

    def windows(self, starts: NDArray[np.bool_], free: NDArray[np.bool_], *, alone: bool) -> dict[int, tuple[int, int]]:
        """{document: the first and last row of the text whose glance is likeliest to hold the answer}.

        A text begins at one of `starts`, a document without any has none; it holds only what is `free`, and with
        `alone` no more than one sentence.
        """
        rows = np.arange(len(free))
        sums = np.concatenate([[0.0], np.cumsum(self.likely, dtype=np.float64)])
        run_ends = _run_ends(free)

        def reach(some: Ids, chars: int) -> Ids:
            fits = np.searchsorted(self.stops, self.starts[some] + chars, side="right") - 1
            return np.maximum(np.minimum(fits, run_ends[some]), some)

        mass = np.where(starts, sums[reach(rows, GLANCE_CHARS) + 1] - sums[rows], -1.0)
        found = {}
        for number, (begin, end) in enumerate(zip(self.begins.tolist(), self.ends.tolist(), strict=True)):
            first = begin + int(mass[begin:end].argmax())
            if starts[first]:
                found[number] = first
        firsts = np.fromiter(found.values(), np.int64)
        lasts = firsts if alone else reach(firsts, SHOWN_CHARS)
        return {
            number: (first, first + self._strong(first, last))
            for number, first, last in zip(found, firsts.tolist(), lasts.tolist(), strict=True)
        }

    def _strong(self, first: int, last: int) -> int:
        """How many rows after the first one the text goes on."""
        likely = self.likely[first : last + 1]
        return int(np.flatnonzero(likely >= TAIL_SHARE * likely.max())[-1])


def _run_ends(free: NDArray[np.bool_]) -> Ids:
    """For each row the last row of the unbroken run of free ones that it is in."""
    taken = np.append(np.flatnonzero(~free), len(free))
    ends: Ids = taken[np.searchsorted(taken, np.arange(len(free)))] - 1
    return ends
