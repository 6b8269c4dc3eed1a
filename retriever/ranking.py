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

from retriever.sentences import Rows

if TYPE_CHECKING:
    from retriever.question import Floats, Question
    from retriever.record.candidates import Bundle


@dataclass(frozen=True, slots=True)
class Weights:
    """Everything that can be tuned; `python -m benchmarks.ablate_ranking` shows what each weight is worth.

    In the choice of documents that are compared sentence by sentence the list by words counts `candidate_words` times
    one by meaning, and the first of a list is ahead of the next by the less, the larger `candidate_places` is.
    `sentence`, `window`, `passage`, `words` and `senses` weigh a document's signals. `title`, `labels` and `headings`
    weigh an occurrence of a word against one in the body; `k1` and `b` are BM25's. The `shown_` ones are log-odds that
    a sentence is the one to show; with a direction in which lessons lie, what was extracted counts `shown_stated_too`
    beside `shown_lesson`.
    """

    candidate_words: float = 2.0
    candidate_places: float = 5.0
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
    shown_sentence: float = 1.0
    shown_senses: float = 3.0
    shown_stated: float = 2.5
    shown_stated_too: float = 1.0
    shown_lesson: float = 0.7


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
    by_meaning: Iterable[Sequence[tuple[int, float]]],
    by_words: Sequence[tuple[int, float]],
    limit: int,
    weights: Weights = WEIGHTS,
) -> list[int]:
    """The keys of the `limit` most promising documents, best first, ties by key.

    `by_meaning` holds lists of (document key, cosine), best first, such as one for passages and one for lessons,
    `by_words` (document key, BM25); a document may come several times. Only places in the lists count, which mean the
    same in a memory of any size: reciprocal rank fusion (Cormack et al., SIGIR 2009).
    """
    scores: defaultdict[int, float] = defaultdict(float)
    for found, weight in (*((one, 1.0) for one in by_meaning), (by_words, weights.candidate_words)):
        for place, key in enumerate(dict.fromkeys(key for key, _ in found), start=1):
            scores[key] += weight / (weights.candidate_places + place)
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
    rows = Rows.of(told)
    stated = np.concatenate([bundle.lesson_of >= 0 for bundle in told]).astype(np.float32)
    nearness = np.zeros(len(stated), np.float32)
    likelihood = weights.shown_stated * stated
    signals: dict[str, Floats] = {}
    if rows.embeddings is not None and question.embedding is not None:
        cosines = rows.cosines(question.embedding)
        signals |= _meaning_signals(rows, cosines, weights)
        nearness += weights.shown_sentence * cosines
        if lesson_direction is not None:
            likelihood = weights.shown_stated_too * stated + weights.shown_lesson * rows.cosines(lesson_direction)
    close = _closeness(rows, question)
    if close is not None:
        signals["senses"] = weights.senses * rows.best(close)
        nearness += weights.shown_senses * close
    counts = _counts(told, question, weights)
    lengths = np.asarray([bundle.length for bundle in told], np.float32) / max(mean_tokens, 1.0)
    signals["words"] = weights.words * _bm25(counts, lengths, question, weights)
    return _ranked(rows, question, signals, counts, (nearness, likelihood + nearness))


def _ranked(
    rows: Rows, question: Question, signals: dict[str, Floats], counts: Floats, sentences: tuple[Floats, Floats]
) -> tuple[Ranked, ...]:
    """The documents in order; `sentences` are their nearness and their likelihood."""
    total = np.sum(list(signals.values()), axis=0).tolist()
    shares = np.stack(list(signals.values()), axis=1).tolist()
    words = question.idf
    ranked = [
        Ranked(
            bundle,
            total[number],
            tuple(zip(signals, shares[number], strict=True)),
            frozenset(word for word, count in zip(words, row, strict=True) if count),
            *(values[start : start + len(bundle.spans)] for values in sentences),
        )
        for number, (bundle, start, row) in enumerate(
            zip(rows.bundles, rows.starts.tolist(), counts.tolist(), strict=True)
        )
    ]
    return tuple(sorted(ranked, key=lambda item: (-item.score, item.bundle.document.id)))


def _meaning_signals(rows: Rows, cosines: Floats, weights: Weights) -> dict[str, Floats]:
    """The best sentence, the best run of a few sentences, the best passage of each document."""
    return {
        "sentence": weights.sentence * rows.best(cosines),
        "window": weights.window * rows.best(rows.run_cosines(cosines)),
        "passage": weights.passage * np.maximum.reduceat(rows.passage_cosines(cosines), rows.first_passages),
    }


def _closeness(rows: Rows, question: Question) -> Floats | None:
    """For each sentence the share of the question whose words, or such as mean the same here, it holds.

    None without senses (retriever/senses.py). Late interaction: ColBERT, arXiv:2004.12832, equation 3.
    """
    if question.senses is None or question.tokens is None or question.token_weights is None:
        return None
    pieces = np.concatenate([bundle.pieces for bundle in rows.bundles])
    ends = np.concatenate([bundle.piece_ends for bundle in rows.bundles])
    if len(ends) != len(rows.roots) or not len(pieces):
        return None
    sizes = np.diff(ends, prepend=0)
    sizes[rows.starts] = ends[rows.starts]
    known = np.zeros(int(pieces.max()) + 1, bool)
    known[pieces] = True
    distinct = np.flatnonzero(known)
    place = np.empty(len(known), np.int32)
    place[distinct] = np.arange(len(distinct))
    similar = question.senses.nearness(distinct, question.tokens)
    filled = np.flatnonzero(sizes)
    begins = (np.cumsum(sizes) - sizes)[filled]
    highest = np.maximum.reduceat(np.take(similar, place[pieces], axis=0), begins, axis=0)
    close = np.zeros(len(sizes), np.float32)
    close[filled] = highest @ question.token_weights
    return close


def _counts(bundles: Sequence[Bundle], question: Question, weights: Weights) -> Floats:
    """(documents, tokens of the question): how often the document has the token, weighted by field."""
    words = {token: place for place, token in enumerate(question.idf)}
    hashes = np.fromiter(map(hash, words), np.int64)
    counts = np.asarray([bundle.counts_of(hashes) for bundle in bundles], np.float32)
    for row, bundle in zip(counts, bundles, strict=True):
        for tokens, weight in (
            (bundle.title, weights.title),
            (bundle.labels, weights.labels),
            (bundle.headings, weights.headings),
        ):
            for token in tokens:
                if token in words:
                    row[words[token]] += weight
    return counts


def _bm25(counts: Floats, lengths: Floats, question: Question, weights: Weights) -> Floats:
    """BM25 over the fields together, as a share of the most that the words could give, in [0, 1]."""
    idf = np.asarray(list(question.idf.values()), np.float32)
    slack = weights.k1 * (1 - weights.b + weights.b * lengths)
    shares: Floats = np.asarray((counts / (counts + slack[:, None])) @ idf / question.total_idf, np.float32)
    return shares
