"""The order of the documents that may answer a question: pure functions over what search gathered.

Every signal is made of cosines or of shares of the question's words, so it means the same whatever else is
compared and however large the memory is. What each is worth, and what was tried and dropped:
docs/ranking.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retriever.question import Floats, Ids, Question
    from retriever.record.candidates import Bundle


@dataclass(frozen=True, slots=True)
class Weights:
    """Everything that can be tuned; `python -m benchmarks.ablate_ranking` shows what each weight is worth.

    `sentence`, `window`, `passage`, `words` and `senses` weigh a document's signals. `title`, `labels` and
    `headings` weigh an occurrence of a word against one in the body; `k1` and `b` are BM25's. `neighbours` is
    how many sentences a window has. The `shown_` ones are log-odds that a sentence is the one to show; with a
    direction in which lessons lie, what was extracted counts `shown_stated_too` beside `shown_lesson`.
    """

    sentence: float = 0.7
    window: float = 0.7
    passage: float = 0.7
    words: float = 0.7
    senses: float = 3.0
    title: float = 2.0
    labels: float = 1.0
    headings: float = 1.0
    k1: float = 1.2
    b: float = 0.75
    neighbours: int = 3
    shown_sentence: float = 0.5
    shown_senses: float = 3.0
    shown_stated: float = 2.5
    shown_stated_too: float = 1.6
    shown_lesson: float = 0.4


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document with its score and the shares that add up to it.

    `matched` are the tokens of the question that the document holds. For each sentence `nearness` says how
    near it is to the question, and `likelihood`, as log-odds up to a constant, whether it is the one to
    show.
    """

    bundle: Bundle
    score: float
    signals: tuple[tuple[str, float], ...]
    matched: frozenset[str]
    nearness: Floats = field(repr=False)
    likelihood: Floats = field(repr=False)


def shortlist(
    by_meaning: Iterable[Sequence[tuple[int, float]]], by_words: Sequence[tuple[int, float]], limit: int
) -> list[int]:
    """The keys of the `limit` most promising documents, best first.

    `by_meaning` holds lists of (document key, cosine), such as one for passages and one for lessons,
    `by_words` (document key, BM25); a document may come several times. Where a list does not have it, it is
    taken to be as good as the last one there.
    """
    scores: defaultdict[int, float] = defaultdict(float)
    meanings = [_best_each(found) for found in by_meaning if found]
    words = _best_each(by_words)
    keys = set(words).union(*meanings)
    for found in meanings:
        floor = min(found.values())
        for key in keys:
            scores[key] += found.get(key, floor)
    top = max(words.values(), default=0.0) or 1.0
    for key, score in words.items():
        scores[key] += score / top
    return [key for key, _ in sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]]


def rank(
    question: Question,
    bundles: Sequence[Bundle],
    mean_tokens: float,
    lesson_direction: Floats | None = None,
    weights: Weights = WEIGHTS,
) -> tuple[Ranked, ...]:
    """The documents, best first, ties by id.

    `mean_tokens` is the length of the memory's average document, `lesson_direction` where in the model's
    space sentences that state a lesson lie (verdict.Calibration); without it, only what was extracted counts
    as a lesson.
    """
    told = [bundle for bundle in bundles if len(bundle.spans)]
    if not told:
        return ()
    rows = _Rows.of(told)
    stated = np.concatenate([bundle.lesson_of >= 0 for bundle in told]).astype(np.float32)
    nearness = np.zeros(len(stated), np.float32)
    likelihood = weights.shown_stated * stated
    signals: dict[str, Floats] = {}
    if rows.embeddings is not None and question.embedding is not None:
        cosines = rows.embeddings @ question.embedding
        signals |= _meaning_signals(rows, question.embedding, cosines, weights)
        nearness += weights.shown_sentence * cosines
        if lesson_direction is not None:
            likelihood = weights.shown_stated_too * stated + weights.shown_lesson * (rows.embeddings @ lesson_direction)
    close = _closeness(rows, question)
    if close is not None:
        signals["senses"] = weights.senses * rows.best(close)
        nearness += weights.shown_senses * close
    counts = [_counts(bundle, question, weights) for bundle in told]
    lengths = np.asarray([bundle.length for bundle in told], np.float32) / max(mean_tokens, 1.0)
    signals["words"] = weights.words * _bm25(counts, lengths, question, weights)
    total = np.sum(list(signals.values()), axis=0)
    likelihood = likelihood + nearness
    ranked = [
        Ranked(
            bundle,
            float(total[number]),
            tuple((name, float(values[number])) for name, values in signals.items()),
            frozenset(counts[number]),
            *(values[start : start + len(bundle.spans)] for values in (nearness, likelihood)),
        )
        for number, (bundle, start) in enumerate(zip(told, rows.starts, strict=True))
    ]
    return tuple(sorted(ranked, key=lambda item: (-item.score, item.bundle.document.id)))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The sentences of several documents under each other.

    `starts` has the first row of each document, `passages` the first of each passage, `first_passages` the
    index in `passages` of each document's first one, `ends` the end of each row's document.
    """

    bundles: Sequence[Bundle]
    starts: Ids
    ends: Ids
    passages: Ids
    first_passages: Ids
    embeddings: Floats | None
    roots: Floats

    @classmethod
    def of(cls, bundles: Sequence[Bundle]) -> _Rows:
        """The rows of documents that have sentences; without embeddings unless all of them have them."""
        sizes = np.asarray([len(bundle.spans) for bundle in bundles])
        ends = np.cumsum(sizes)
        starts = ends - sizes
        owner = np.repeat(np.arange(len(sizes)), sizes)
        passage = np.concatenate([bundle.owners for bundle in bundles])
        begins = np.flatnonzero(np.diff(passage, prepend=-1) | np.diff(owner, prepend=-1))
        has_all = all(len(bundle.embeddings) == len(bundle.spans) for bundle in bundles)
        spans = np.concatenate([bundle.spans for bundle in bundles])
        return cls(
            bundles,
            starts,
            ends[owner],
            begins,
            np.searchsorted(begins, starts),
            np.concatenate([bundle.embeddings for bundle in bundles]).astype(np.float32) if has_all else None,
            np.sqrt(spans[:, 1] - spans[:, 0]).astype(np.float32),
        )

    def best(self, values: Floats) -> Floats:
        """The highest of each document's values, one value a sentence."""
        highest: Floats = np.maximum.reduceat(values, self.starts)
        return highest


def nearest_window(query: Floats, bundles: Sequence[Bundle], neighbours: int = WEIGHTS.neighbours) -> Floats | None:
    """The unit vector (dim,) of the run of sentences nearest to the query, None where a document has no embeddings."""
    rows = _Rows.of([bundle for bundle in bundles if len(bundle.spans)]) if bundles else None
    if rows is None or rows.embeddings is None:
        return None
    windows = _windows(rows, rows.embeddings * rows.roots[:, None], neighbours)
    nearest = windows[int(np.argmax(_cosines(windows, query)))]
    unit: Floats = nearest / max(float(np.linalg.norm(nearest)), 1e-12)
    return unit


def _windows(rows: _Rows, weighted: Floats, neighbours: int) -> Floats:
    """For each sentence the sum of it and those that follow it in its document, `neighbours` in all."""
    windows = weighted.copy()
    for step in range(1, neighbours):
        inside = np.arange(len(weighted) - step) + step < rows.ends[: len(weighted) - step]
        windows[: len(weighted) - step] += weighted[step:] * inside[:, None]
    return windows


def _meaning_signals(rows: _Rows, query: Floats, cosines: Floats, weights: Weights) -> dict[str, Floats]:
    """The best sentence, the best run of a few sentences, the best passage of each document."""
    assert rows.embeddings is not None
    weighted = rows.embeddings * rows.roots[:, None]
    windows = _windows(rows, weighted, weights.neighbours)
    passages = np.add.reduceat(weighted, rows.passages)
    return {
        "sentence": weights.sentence * rows.best(cosines),
        "window": weights.window * rows.best(_cosines(windows, query)),
        "passage": weights.passage * np.maximum.reduceat(_cosines(passages, query), rows.first_passages),
    }


def _cosines(rows: Floats, query: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    cosines: Floats = (rows @ query) / np.maximum(lengths, 1e-12)
    return cosines


def _closeness(rows: _Rows, question: Question) -> Floats | None:
    """For each sentence the share of the question whose words, or such as mean the same here, it holds.

    None without senses (retriever/senses.py). Late interaction: ColBERT, arXiv:2004.12832, equation 3.
    """
    if question.senses is None or question.tokens is None or question.token_weights is None:
        return None
    sizes = np.concatenate([np.diff(bundle.piece_ends, prepend=0) for bundle in rows.bundles])
    pieces = np.concatenate([bundle.pieces for bundle in rows.bundles])
    if len(sizes) != len(rows.roots) or not len(pieces):
        return None
    known = np.zeros(int(pieces.max()) + 1, bool)
    known[pieces] = True
    distinct = np.flatnonzero(known)
    place = np.cumsum(known) - 1
    similar = question.senses.vectors(distinct) @ question.tokens.T
    filled = np.flatnonzero(sizes)
    begins = (np.cumsum(sizes) - sizes)[filled]
    highest = np.maximum.reduceat(np.take(similar, place[pieces], axis=0), begins, axis=0)
    close = np.zeros(len(sizes), np.float32)
    close[filled] = highest @ question.token_weights
    return close


def _counts(bundle: Bundle, question: Question, weights: Weights) -> dict[str, float]:
    """{token of the question: how often the document has it, weighted by field}."""
    wanted = {item.word.token for item in question.asked}
    found: dict[str, float] = {token: float(count) for token in wanted if (count := bundle.body_counts[token])}
    fields = (
        (bundle.title, weights.title),
        (bundle.labels, weights.labels),
        (bundle.headings, weights.headings),
    )
    for field_tokens, weight in fields:
        for token in field_tokens:
            if token in wanted:
                found[token] = found.get(token, 0.0) + weight
    return found


def _bm25(counts: Sequence[dict[str, float]], lengths: Floats, question: Question, weights: Weights) -> Floats:
    """BM25 over the fields together, as a share of the most that the words could give, in [0, 1]."""
    idf = {item.word.token: item.idf for item in question.asked}
    scores = np.zeros(len(counts), np.float32)
    for number, found in enumerate(counts):
        slack = weights.k1 * (1 - weights.b + weights.b * float(lengths[number]))
        scores[number] = sum(idf[token] * count / (count + slack) for token, count in found.items())
    shares: Floats = scores / question.total_idf
    return shares


def _best_each(found: Sequence[tuple[int, float]]) -> dict[int, float]:
    best: dict[int, float] = {}
    for key, score in found:
        best[key] = max(score, best.get(key, score))
    return best
