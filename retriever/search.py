"""A question to an answer: gather candidates, rank documents, choose what to show of them, once, judge, mark.

Everything that decides is pure and elsewhere (ranking, choosing, duplicates, verdict, highlights); this module
fetches what they need from the record and the index, and puts their results together.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from retriever.checks import MAX_K, MAX_QUERY_CHARS
from retriever.choosing import choose
from retriever.closer import CloserLooks
from retriever.duplicates import SPARE_TEXTS, Told, tell_once
from retriever.errors import InvalidQuery
from retriever.highlights import highlight
from retriever.lesson import AlsoIn, Answer, Filters, Hit, Lesson
from retriever.meaning import Meaning
from retriever.processor import usable_cores
from retriever.question import Question, doubtful, read_question
from retriever.ranking import Ranked, rank, shortlist
from retriever.record import Record
from retriever.record.changes import UNITS
from retriever.record.kept import Kept
from retriever.reranking import RERANKED, reranked
from retriever.verdict import Looks, Verdict, calibration_for, judge
from retriever.words import QueryWord, query_words, variants

if TYPE_CHECKING:
    from retriever.embedder import Embedder, Embeddings
    from retriever.encoded import Encoded
    from retriever.follower import Follower
    from retriever.record.candidates import Bundle
    from retriever.reranking import Reranker


# How many passages, lessons and documents are candidates, and how many documents are compared sentence by sentence;
# 20 of those lose .009 nDCG@10, more than 30 gain nothing (docs/ranking.md).
CANDIDATES = 200
SHORTLIST = 30
FIELD_WEIGHTS = (2.0, 1.0, 1.0, 1.0)

# So many answers are kept: some 4 MB.
KEPT_ANSWERS = 256

# Past this many documents words that are in more than this share of them are not looked up while rarer ones are:
# a lookup by words costs what the rows that match cost.
COMMON_FROM = 5000
COMMON_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Found:
    """What a question found: all documents looked at in order, the texts to show, and the verdict."""

    question: Question
    ranking: tuple[Ranked, ...]
    told: tuple[Told, ...]
    verdict: Verdict
    degraded: tuple[str, ...]


class Search:
    """Answers questions; safe to use from several threads.

    `model` gives the embedder, or None without one; `reranker` what orders the first texts anew, None without one.
    """

    def __init__(
        self,
        record: Record,
        model: Callable[[], Embedder | None],
        reranker: Callable[[], Reranker | None] = lambda: None,
    ) -> None:
        self._record = record
        self._model = model
        self._reranker = reranker
        self._meaning = Meaning(record)
        self._answers: Kept[Answer] = Kept(KEPT_ANSWERS)
        # With its tokens a long question takes 400 kB.
        self._encode = functools.lru_cache(maxsize=64)(_encode)
        self._closer = CloserLooks()
        self._size_at: tuple[int, tuple[int, float]] = (-1, (0, 0.0))
        # Answers that wait for a core keep the others waiting too: as many at a time as there are cores, and one for
        # when these wait for each other, as for Python's lock.
        self._turns = threading.BoundedSemaphore(usable_cores() + 1)
        self._beside = ThreadPoolExecutor(usable_cores(), "beside-an-answer")

    def use_index(self, follower: Follower) -> None:
        """From now on the follower's vector index is asked."""
        self._meaning.use_index(follower)

    def close(self) -> None:
        """Its threads have ended; it is not asked again."""
        self._beside.shutdown()

    def answer(self, query: str, *, k: int, per_document: int, filters: Filters) -> Answer:
        """The best lessons for `query` and the verdict over them. Raises InvalidQuery, naming the field at fault.

        Kept until the record changes: a page that is opened again and tools that ask the same need not wait.
        """
        # All read before the question is answered: what changes meanwhile makes the answer newer than it is taken for.
        version, seq = self._record.candidates.version(), self._record.changes.last_seq()
        is_whole = self._meaning.is_whole(seq)
        asked = (query, k, per_document, filters, seq)
        answer = self._answers.get(version, asked)
        if answer is None:
            with self._turns:
                # Somebody else may have asked the same while this one waited.
                answer = self._answers.get(version, asked)
                if answer is None:
                    answer = _answer(query, self.find(query, k=k, per_document=per_document, filters=filters))
                    if is_whole and not answer.degraded:
                        self._answers.put(version, asked, answer)
        return answer

    def find(self, query: str, *, k: int, per_document: int, filters: Filters) -> Found:
        """What `answer` is made of, for those who measure it."""
        _check(query, k, per_document)
        with self._record.candidates.at_one_state():
            embedder = self._model()
            fingerprint = embedder.fingerprint if embedder is not None else ""
            question, bundles = self._gather(query, embedder, filters)
            calibration = calibration_for(fingerprint)
            ranking = rank(question, bundles, self._size()[1], calibration.direction() if calibration else None)
            is_degraded = embedder is None or any(len(item.spans) and not item.embeddings.size for item in bundles)
            # The calibration knows scores with meaning in them; judged without it, everything would be nobody's.
            first = Verdict(None, None) if is_degraded else judge(question, ranking, fingerprint)
            looks = self.looks(embedder, query, question, ranking) if first.is_in_doubt else {}
            # Beside the choice of texts, since looking closer embeds further texts.
            closer = self._beside.submit(judge, question, ranking, fingerprint, looks) if looks else None
            told = self._choose(query, ranking, (k, per_document), filters)
            verdict = closer.result() if closer is not None else first
            return Found(question, ranking, told, verdict, ("meaning",) if is_degraded else ())

    def _gather(self, query: str, embedder: Embedder | None, filters: Filters) -> tuple[Question, list[Bundle]]:
        """The question, and the documents that are compared with it sentence by sentence."""
        candidates = self._record.candidates
        # The model computes while SQLite looks the words up.
        encoding = self._beside.submit(self._encode, embedder, query) if embedder is not None else None
        allowed = candidates.allowed(filters)
        words, frequencies = self._words(query, embedder)
        documents, _ = self._size()
        tokens = _worth_looking_up(words, frequencies, documents)
        by_words = candidates.by_words(tokens, FIELD_WEIGHTS, CANDIDATES, allowed)
        if embedder is None or encoding is None:
            question = read_question(words, None, frequencies, documents)
            return question, candidates.bundles(shortlist([], by_words, SHORTLIST), "")
        encoded = encoding.result()
        question = read_question(words, encoded, frequencies, documents, embedder)
        by_meaning = self._by_meaning(encoded.embedding, embedder.fingerprint, allowed)
        promising = shortlist(by_meaning, by_words, SHORTLIST)
        bundles = candidates.bundles(promising, embedder.fingerprint)
        # Last, and only of the words that these documents hold, where nothing is kept yet.
        senses = self._record.senses.of(embedder.fingerprint, [bundle.pieces for bundle in bundles])
        looked_through = question.documents if allowed is None else len(allowed)
        return replace(question, senses=senses, documents=looked_through), bundles

    def _by_meaning(
        self, query: Embeddings, fingerprint: str, allowed: frozenset[int] | None
    ) -> list[list[tuple[int, float]]]:
        """(document key, cosine) of the nearest of each unit."""

        def nearest(unit: str) -> list[tuple[int, float]]:
            near = self._meaning.nearest((unit, fingerprint), query, CANDIDATES, allowed)
            return [(document, cosine) for _, document, cosine in near]

        if not self._meaning.has_index:
            # Who reads the record needs Python's lock: two at the same time would wait for each other.
            return [nearest(unit) for unit in UNITS]
        first, *others = UNITS
        beside = [self._beside.submit(nearest, unit) for unit in others]
        return [nearest(first), *(near.result() for near in beside)]

    def _choose(
        self, query: str, ranking: Sequence[Ranked], limits: tuple[int, int], filters: Filters
    ) -> tuple[Told, ...]:
        """The texts to show, each thing once; `limits` are how many in all, and of one document."""
        k, per_document = limits
        reranker = self._reranker()
        texts = k if reranker is None else max(k, RERANKED)
        choices = choose(ranking, texts + SPARE_TEXTS, per_document, _wanted(filters))
        if reranker is not None:
            choices = reranked(query, choices, reranker)
        return tell_once(choices, k)

    def looks(self, embedder: Embedder | None, query: str, question: Question, ranking: Sequence[Ranked]) -> Looks:
        """How the verdict looks closer at what was found; not at all without a model."""
        return self._closer.at(embedder, query, question, ranking) if embedder is not None else {}

    def _words(self, query: str, embedder: Embedder | None) -> tuple[list[QueryWord], dict[str, int]]:
        """The question's words and how many documents hold each; one that looks mistyped may stand for another."""
        words = list(query_words(query))
        frequencies = self._record.candidates.frequencies(word.token for word in words)
        for word in doubtful(words, frequencies, embedder):
            number = words.index(word)
            near = self._record.candidates.frequencies(variants(word.token))
            best = max(near, key=lambda token: near[token], default=None)
            if best is not None and near[best]:
                words[number] = replace(word, token=best)
                frequencies[best] = near[best]
        return words, frequencies

    def _size(self) -> tuple[int, float]:
        seq = self._record.changes.last_seq()
        if self._size_at[0] != seq:
            self._size_at = (seq, self._record.candidates.size())
        return self._size_at[1]


# Kept by what made them, so that a model which is missing at the moment leaves nothing behind.
def _encode(embedder: Embedder, query: str) -> Encoded:
    return embedder.read_query(query)


def _check(query: str, k: int, per_document: int) -> None:
    if not query.strip():
        raise InvalidQuery("The question is empty; ask for something.")
    if len(query) > MAX_QUERY_CHARS:
        raise InvalidQuery(
            f"The question has {len(query)} characters; at most {MAX_QUERY_CHARS} are taken. Ask for its gist."
        )
    for name, value in (("k", k), ("per_document", per_document)):
        if not 1 <= value <= MAX_K:
            raise InvalidQuery(f"{name} must be from 1 to {MAX_K}, not {value}.", name)


def _worth_looking_up(words: Sequence[QueryWord], frequencies: dict[str, int], documents: int) -> list[str]:
    known = [word.token for word in words if frequencies.get(word.token, 0)]
    if documents < COMMON_FROM:
        return known
    rare = [token for token in known if frequencies[token] <= COMMON_SHARE * documents]
    return rare or known


def _wanted(filters: Filters) -> Callable[[Lesson], bool] | None:
    """What a lesson itself must satisfy, None when nothing is asked of it."""
    if not (filters.kind or filters.polarity):
        return None

    def is_wanted(lesson: Lesson) -> bool:
        is_kind = not filters.kind or lesson.kind in filters.kind
        return is_kind and (not filters.polarity or lesson.polarity in filters.polarity)

    return is_wanted


def _answer(query: str, found: Found) -> Answer:
    hits = tuple(_hit(found.question, told, rank) for rank, told in enumerate(found.told, start=1))
    return Answer(query, found.verdict.answered, found.verdict.confidence, hits, found.degraded)


def _hit(question: Question, told: Told, rank: int) -> Hit:
    choice = told.choice
    bundle = choice.ranked.bundle
    document = bundle.document
    text = document.text[choice.start : choice.end]
    section = next((item.section for item in bundle.passages if item.start <= choice.start < item.end), None)
    if choice.lesson is not None:
        lesson = replace(choice.lesson, text=text, start=choice.start, end=choice.end, stated_end=choice.lesson.end)
    else:
        # Named by its place, so that `lessons show` and the page can find it again.
        identity = f"{document.id}:{choice.start}-{choice.end}"
        lesson = Lesson(identity, document.id, text, choice.start, choice.end, section=section, stated=False)
    line = document.line_of(choice.start)
    return Hit(
        rank=rank,
        score=choice.score,
        lesson=lesson,
        document=bundle.document_at(line),
        passage=bundle.passage_at(choice.start),
        line=line,
        highlights=highlight(choice, question),
        signals=choice.signals,
        also_in=tuple(
            AlsoIn(
                document=twin.bundle.document,
                passage=twin.bundle.passage_at(twin.start),
                lesson_id=twin.lesson.id if twin.lesson is not None else None,
                same=twin.same,
            )
            for twin in told.twins
        ),
    )
