"""Asks the judged queries, and measures what comes.

nDCG has the gain 2^relevance - 1 (Burges et al. 2005), and comes, like recall and MRR, from ir-measures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from retriever.evaluation.outcome import Outcome
from retriever.evaluation.queries import JudgedQuery
from retriever.evaluation.report import Report
from retriever.lesson import Answer, Document, Hit

# Enough hits, one a document, to judge the order of the documents by itself.
RANKED_DOCUMENTS = 30

# What is shown of a text in a list, and at a glance; the lesson has to appear within.
LIST_CHARS = 600
GLANCE_CHARS = 240
LESSON_CHARS = 60


class Ask(Protocol):
    """What is evaluated: a memory's `ask`."""

    def __call__(self, query: str, *, k: int | None = None, per_document: int | None = None) -> Answer:
        """The answer; with neither number given, what a person would get."""


def evaluate(queries: Sequence[JudgedQuery], ask: Ask) -> Report:
    """How `ask` answers the queries."""
    came = {item.id: _documents(ask(item.query, k=RANKED_DOCUMENTS, per_document=1)) for item in queries}
    measures = _document_measures(queries, came)
    outcomes = []
    for item in queries:
        answer = ask(item.query)
        found = measures.get(item.id, {}) | _lesson_measures(item, [hit.lesson.text for hit in answer.hits])
        outcomes.append(Outcome(item, found, came[item.id], answer.answered, answer.confidence))
    return Report(tuple(outcomes))


def _documents(answer: Answer) -> tuple[str, ...]:
    """The paths of what came, in order; a document named as "also in" stands right behind the hit that names it."""
    came = (document.path for hit in answer.hits for document in (hit.document, *_twins(hit)))
    return tuple(dict.fromkeys(came))


def _twins(hit: Hit) -> tuple[Document, ...]:
    return tuple(item.document for item in hit.also_in if item.same == "lesson")


def _document_measures(
    queries: Sequence[JudgedQuery], came: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    # Half a second to import, and nobody but an evaluation needs it.
    import ir_measures
    from ir_measures import RR, R, nDCG

    names = {
        nDCG(gains={grade: 2**grade - 1 for grade in (1, 2, 3)}) @ 10: "nDCG@10",
        R(rel=2) @ 5: "recall@5",
        RR @ 10: "MRR@10",
    }
    qrels = {item.id: dict(item.relevant) for item in queries if item.relevant}
    run = {key: {path: float(-place) for place, path in enumerate(came[key])} for key in qrels}
    found: dict[str, dict[str, float]] = {key: {name: 0.0 for name in names.values()} for key in qrels}
    for value in ir_measures.iter_calc(list(names), qrels, run):
        found[value.query_id][names[value.measure]] = float(value.value)
    for key, relevant in qrels.items():
        if max(relevant.values()) < 2:
            del found[key]["recall@5"]
    return found


def _lesson_measures(judged: JudgedQuery, texts: Sequence[str]) -> dict[str, float]:
    if not judged.lesson:
        return {}
    gold = _plain(judged.lesson)[:LESSON_CHARS]
    return {
        "lesson@10": float(any(gold in _plain(text[:LIST_CHARS]) for text in texts[:10])),
        "lesson@3": float(any(gold in _plain(text[:GLANCE_CHARS]) for text in texts[:3])),
    }


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
