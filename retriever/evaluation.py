"""Judged queries in, a report out: how good the answers are, with intervals, and which queries went wrong.

One query a line, as JSON: `id`, `query`, `kind`, `relevant` {path below the ingested root: 2 answers | 1
related}, empty for what nobody recorded, and optionally `lesson`, the sentence that should be shown, and
`trap`. nDCG has the gain 2^relevance - 1 (Burges et al. 2005) and, like recall and MRR, comes from
ir-measures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from retriever.errors import SourceError
from retriever.lesson import Answer, Document, Hit

# Enough hits, one a document, to judge the order of the documents by itself.
RANKED_DOCUMENTS = 30

# What is shown of a text in a list, and at a glance; the lesson has to appear within.
LIST_CHARS = 600
GLANCE_CHARS = 240
LESSON_CHARS = 60

MEASURES = ("nDCG@10", "recall@5", "MRR@10", "lesson@10", "lesson@3")
BOOTSTRAPS = 2000
SEED = 20180118


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and what should come: `relevant` is empty where nobody recorded an answer."""

    id: str
    query: str
    kind: str
    relevant: Mapping[str, int]
    lesson: str | None = None
    trap: bool = False


class Ask(Protocol):
    """What is evaluated: a memory's `ask`."""

    def __call__(self, query: str, *, k: int | None = None, per_document: int | None = None) -> Answer:
        """The answer; with neither number given, what a person would get."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one query got; `measures` lacks what cannot be said of it, `came` are the documents' paths."""

    judged: JudgedQuery
    measures: Mapping[str, float]
    came: tuple[str, ...]
    answered: bool | None
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over `count` queries with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    count: int

    def as_json(self) -> dict[str, float]:
        """The figure with four digits."""
        return {
            "mean": round(self.mean, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "queries": self.count,
        }

    def __str__(self) -> str:
        """The mean and its interval with three digits."""
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of all queries, and what they come to."""

    outcomes: tuple[Outcome, ...] = field(repr=False)

    def figures(self, kind: str | None = None) -> dict[str, Figure]:
        """{measure: figure} over the queries that something answers, or over those of one kind."""
        chosen = [item for item in self.outcomes if item.judged.relevant and kind in (None, item.judged.kind)]
        values = {name: [item.measures[name] for item in chosen if name in item.measures] for name in MEASURES}
        return {name: _figure(found) for name, found in values.items() if found}

    def verdict(self) -> dict[str, Figure]:
        """{name: figure} for the verdict; empty where there was none."""
        judged = [item for item in self.outcomes if item.confidence is not None]
        real = [item for item in judged if item.judged.relevant]
        unreal = [item for item in judged if not item.judged.relevant]
        shares = {
            "answered": real,
            "answered falsely": unreal,
            "answered falsely, traps": [item for item in unreal if item.judged.trap],
        }
        found = {
            name: _figure([float(bool(item.answered)) for item in items]) for name, items in shares.items() if items
        }
        if real and unreal:
            found["AUROC"] = _auroc(*([item.confidence or 0.0 for item in items] for items in (real, unreal)))
        return found

    def kinds(self) -> tuple[str, ...]:
        """The kinds of the queries that something answers, in their order."""
        return tuple(dict.fromkeys(item.judged.kind for item in self.outcomes if item.judged.relevant))

    def failures(self) -> tuple[Outcome, ...]:
        """What is answered but not by the first document, said to have no answer, or answered falsely."""
        wrong = [
            item
            for item in self.outcomes
            if item.judged.relevant and (item.measures["MRR@10"] < 1 or item.answered is False)
        ]
        false = [item for item in self.outcomes if not item.judged.relevant and item.answered]
        return (*sorted(wrong, key=lambda item: (item.measures["nDCG@10"], item.judged.id)), *false)

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured."""
        return {
            "queries": len(self.outcomes),
            "answers": {name: figure.as_json() for name, figure in self.figures().items()},
            "kinds": {
                kind: {name: figure.as_json() for name, figure in self.figures(kind).items()} for kind in self.kinds()
            },
            "verdict": {name: figure.as_json() for name, figure in self.verdict().items()},
            "failures": [_failure_json(item) for item in self.failures()],
        }

    def as_text(self, *, failures: bool = False) -> str:
        """A table for a terminal; with `failures`, also what went wrong and what came instead."""
        lines = [f"{len(self.outcomes)} queries, means with 95 % intervals over queries"]
        for kind in (None, *self.kinds()):
            figures = self.figures(kind)
            if figures:
                lines += [
                    "",
                    f"{kind or 'all'} ({max(figure.count for figure in figures.values())} answerable)",
                ]
                lines += [f"  {name:<26}{figure}" for name, figure in figures.items()]
        verdict = self.verdict()
        if verdict:
            lines += ["", "verdict", *(f"  {name:<26}{figure}" for name, figure in verdict.items())]
        if failures:
            lines += ["", "failures", *(line for item in self.failures() for line in _failure_lines(item))]
        return "\n".join(lines)


def read_queries(path: Path) -> tuple[JudgedQuery, ...]:
    """The judged queries in a file. Raises SourceError that names the line at fault."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"The queries {path} cannot be read: {error}.") from error
    found = []
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            judged = _judged(json.loads(line), number)
        except (ValueError, TypeError, KeyError) as error:
            raise SourceError(
                f"Line {number} of {path} is no judged query ({error}): an object with a text `query` "
                "and `relevant`, an object of paths with the numbers 1 or 2."
            ) from error
        if judged.id in seen:
            raise SourceError(f"Line {number} of {path} repeats the id {judged.id!r}; ids must differ.")
        seen.add(judged.id)
        found.append(judged)
    if not found:
        raise SourceError(f"{path} holds no queries; put one JSON object on each line.")
    return tuple(found)


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


def compare(first: Report, second: Report) -> dict[str, Figure]:
    """{measure: the mean of second minus first, by query}; an interval without 0 is a difference."""
    before = {item.judged.id: item.measures for item in first.outcomes}
    found = {}
    for name in MEASURES:
        differences = [
            item.measures[name] - before[item.judged.id][name]
            for item in second.outcomes
            if name in item.measures and name in before.get(item.judged.id, {})
        ]
        if differences:
            found[name] = _figure(differences)
    return found


def _judged(row: Any, number: int) -> JudgedQuery:
    query, relevant = row["query"], row["relevant"]
    if not isinstance(query, str) or not query.strip():
        raise ValueError("`query` is no text")
    if not isinstance(relevant, dict) or any(value not in (1, 2, 3) for value in relevant.values()):
        raise ValueError("`relevant` is no object of paths with relevances")
    lesson = row.get("lesson")
    kind = str(row.get("kind") or ("natural" if relevant else "none"))
    return JudgedQuery(str(row.get("id", number)), query, kind, relevant, lesson or None, row.get("trap") is True)


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


def _figure(values: Sequence[float]) -> Figure:
    found = np.asarray(values, float)
    draws = np.random.default_rng(SEED).integers(0, len(found), (BOOTSTRAPS, len(found)))
    low, high = np.quantile(found[draws].mean(axis=1), (0.025, 0.975))
    return Figure(float(found.mean()), float(low), float(high), len(found))


def _auroc(real: Sequence[float], unreal: Sequence[float]) -> Figure:
    """The share of pairs, one answerable and one not, in the right order; a tie counts half."""
    differences = np.sign(np.asarray(real)[:, None] - np.asarray(unreal)[None, :]) / 2 + 0.5
    random = np.random.default_rng(SEED)
    rows = random.integers(0, len(real), (BOOTSTRAPS, len(real)))
    columns = random.integers(0, len(unreal), (BOOTSTRAPS, len(unreal)))
    means = [float(differences[np.ix_(row, column)].mean()) for row, column in zip(rows, columns, strict=True)]
    low, high = np.quantile(means, (0.025, 0.975))
    return Figure(float(differences.mean()), float(low), float(high), len(real) + len(unreal))


def _failure_json(item: Outcome) -> dict[str, Any]:
    return {
        "id": item.judged.id,
        "query": item.judged.query,
        "kind": item.judged.kind,
        "answered": item.answered,
        "confidence": item.confidence,
        "measures": {name: round(value, 4) for name, value in item.measures.items()},
        "expected": dict(item.judged.relevant),
        "came": list(item.came[:5]),
    }


def _failure_lines(item: Outcome) -> list[str]:
    relevant = item.judged.relevant
    what = f"nDCG@10 {item.measures['nDCG@10']:.2f}" if relevant else "answered, but nobody recorded it"
    said = ", said to have no answer" if relevant and item.answered is False else ""
    places = {path: place for place, path in enumerate(item.came, start=1)}
    lines = ["", f"  {item.judged.id} ({item.judged.kind}, {what}{said}): {item.judged.query}"]
    for path, grade in sorted(relevant.items(), key=lambda pair: (-pair[1], pair[0]))[:3]:
        lines.append(f"    expected {grade}  at {places.get(path, '-'):>2}  {path}")
    for place, path in enumerate(item.came[:3], start=1):
        lines.append(f"    came     {relevant.get(path, 0)}  at {place:>2}  {path}")
    return lines
