"""Whether the documents found answer the question, as a calibrated probability.

Four things decide: how well the best document fits; how well it holds the word of the question that it holds worst, in
what words mean here, because a text with all of a question but "ransomware" does not answer it; how many words there
are; and how many documents, because among more of them the best fits better, whether or not it answers. Where they
leave it open, closer looks decide: how far what was found rests on each word of the question (support.py), then how
little the question moves what the best texts mean when the model reads both together (joint.py).

Cosines mean different things in different models, so a calibration belongs to one model's fingerprint, and an
unknown model gets no verdict. `python -m benchmarks.fit_ranking` makes `calibration.json`; docs/ranking.md shows how
well it holds on documents that it was not fitted on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.support import weakest

if TYPE_CHECKING:
    from retriever.question import Floats, Question
    from retriever.ranking import Ranked

# Between which confidences each closer look is taken, in this order: it costs as much as several questions, and outside
# of them it would hardly ever turn the verdict.
OPEN: Mapping[str, tuple[float, float]] = {"support": (0.25, 0.65), "steady": (0.25, 0.65)}

# How to look closer, by the names of OPEN: each gives what it found, None where that cannot be told.
Looks = Mapping[str, Callable[[], float | None]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The best score, the logarithm of how many words were asked, how well the best document holds the worst of them.

    `documents` is the logarithm of how many documents were looked through, `support` how far what was found rests on
    each word (support.py), `steady` how little the question moves what the best texts mean (joint.py); the last two are
    None before those looks.
    """

    score: float
    words: float
    weakest: float
    documents: float = 0.0
    support: float | None = None
    steady: float | None = None


@dataclass(frozen=True, slots=True)
class Logit:
    """A logistic regression of the evidence."""

    intercept: float
    score: float
    words: float
    weakest: float
    documents: float = 0.0
    support: float = 0.0
    steady: float = 0.0

    def probability(self, evidence: Evidence) -> float:
        """The probability that a question with this evidence is answered, to four digits."""
        logit = (
            self.intercept
            + self.score * evidence.score
            + self.words * evidence.words
            + self.weakest * evidence.weakest
            + self.documents * evidence.documents
            + self.support * (evidence.support or 0.0)
            + self.steady * (evidence.steady or 0.0)
        )
        return round(1 / (1 + math.exp(-max(-60.0, min(60.0, logit)))), 4)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted for one model: the first look, the closer ones, and from which confidence it counts as answered.

    A closer look weighs what the looks before it found as well; a model may have none of them. `lesson` is the
    direction in which sentences that state lessons lie.
    """

    first: Logit
    closer: Mapping[str, Logit]
    threshold: float
    lesson: tuple[float, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Calibration:
        """The calibration that was written as these fields."""
        closer = {name: Logit(**weights) for name, weights in fields["closer"].items()}
        return cls(Logit(**fields["first"]), closer, fields["threshold"], tuple(fields["lesson"]))

    def confidence(
        self, evidence: Evidence, looks: Looks, opened: Mapping[str, tuple[float, float]] | None = None
    ) -> float:
        """The probability that the question is answered, after as many looks as it takes, opened as OPEN says."""
        confidence = self.first.probability(evidence)
        for name, (low, high) in (OPEN if opened is None else opened).items():
            can_look = name in looks and name in self.closer
            found = looks[name]() if can_look and low < confidence < high else None
            if found is None:
                break
            evidence = replace(evidence, **{name: found})
            confidence = self.closer[name].probability(evidence)
        return confidence

    def direction(self) -> Floats | None:
        """`lesson` as float32 (dim,), None where it was not fitted."""
        return np.asarray(self.lesson, np.float32) if self.lesson else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`confidence` is the probability that the answer answers, in [0, 1]; both None without a calibration."""

    answered: bool | None
    confidence: float | None

    @property
    def is_in_doubt(self) -> bool:
        """Whether a closer look may be taken after a first one that says so."""
        return self.confidence is not None and any(low < self.confidence < high for low, high in OPEN.values())


def known_calibrations() -> dict[str, Any]:
    """{fingerprint: the fields of its calibration}, as shipped."""
    known: dict[str, Any] = json.loads(Path(__file__).with_name("calibration.json").read_text(encoding="utf-8"))
    return known


@cache
def calibration_for(fingerprint: str) -> Calibration | None:
    """The calibration of the model with that fingerprint, None where there is none."""
    found = known_calibrations().get(fingerprint)
    return Calibration.of(found) if found else None


def judge(question: Question, ranking: Sequence[Ranked], fingerprint: str, looks: Looks | None = None) -> Verdict:
    """The verdict over a ranking made with the model of that fingerprint.

    A look of `looks` is taken only where those before it leave the verdict open; the first that finds nothing is the
    last.
    """
    calibration = calibration_for(fingerprint)
    if calibration is None or question.embedding is None:
        return Verdict(None, None)
    if not ranking or not question.asked:
        return Verdict(answered=False, confidence=0.0)
    confidence = calibration.confidence(weigh(question, ranking), looks or {})
    return Verdict(confidence >= calibration.threshold, confidence)


def weigh(question: Question, ranking: Sequence[Ranked]) -> Evidence:
    """The evidence that a ranking of at least one document gives for a question of at least one word, at first look."""
    asked = [item for item in question.asked if not item.word.is_whole]
    best = ranking[0]
    words, documents = (math.log(max(count, 1)) for count in (len(asked), question.documents))
    return Evidence(best.score, words, weakest(question, best.bundle.pieces), documents)
