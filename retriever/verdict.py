"""Whether the documents found answer the question, as a calibrated probability.

Three things decide: how well the best document fits; how well it holds the word of the question that it holds worst,
in what words mean here, because a text with all of a question but "ransomware" does not answer it; and how many words
there are. Where they leave it open, a closer look decides: how far what was found rests on each word of the question
(support.py).

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

# The closer look takes the nearest sentences of this many best documents.
LOOKED_AT = 3

# Between these a first look leaves the verdict open. The closer look costs as much as several questions, and outside
# of them it would hardly ever turn the verdict.
OPEN = (0.3, 0.5)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The best score, the logarithm of how many words were asked, how well the best document holds the worst of them.

    `support` is how far what was found rests on each word (support.py), None before the closer look.
    """

    score: float
    words: float
    weakest: float
    support: float | None = None


@dataclass(frozen=True, slots=True)
class Logit:
    """A logistic regression of the evidence."""

    intercept: float
    score: float
    words: float
    weakest: float
    support: float = 0.0

    def probability(self, evidence: Evidence) -> float:
        """The probability that a question with this evidence is answered, to four digits."""
        logit = (
            self.intercept
            + self.score * evidence.score
            + self.words * evidence.words
            + self.weakest * evidence.weakest
            + self.support * (evidence.support or 0.0)
        )
        return round(1 / (1 + math.exp(-max(-60.0, min(60.0, logit)))), 4)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted for one model: the first look, the closer one, and from which confidence it counts as answered.

    `lesson` is the direction in which sentences that state lessons lie.
    """

    first: Logit
    closer: Logit
    threshold: float
    lesson: tuple[float, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Calibration:
        """The calibration that was written as these fields."""
        first, closer = (Logit(**fields[name]) for name in ("first", "closer"))
        return cls(first, closer, fields["threshold"], tuple(fields["lesson"]))

    def direction(self) -> Floats | None:
        """`lesson` as float32 (dim,), None where it was not fitted."""
        return np.asarray(self.lesson, np.float32) if self.lesson else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`confidence` is the probability that the answer answers, in [0, 1]; both None without a calibration."""

    answered: bool | None
    confidence: float | None


def known_calibrations() -> dict[str, Any]:
    """{fingerprint: the fields of its calibration}, as shipped."""
    known: dict[str, Any] = json.loads(Path(__file__).with_name("calibration.json").read_text(encoding="utf-8"))
    return known


@cache
def calibration_for(fingerprint: str) -> Calibration | None:
    """The calibration of the model with that fingerprint, None where there is none."""
    found = known_calibrations().get(fingerprint)
    return Calibration.of(found) if found else None


def judge(
    question: Question,
    ranking: Sequence[Ranked],
    fingerprint: str,
    look_closer: Callable[[], float | None] = lambda: None,
) -> Verdict:
    """The verdict over a ranking made with the model of that fingerprint.

    `look_closer` gives the evidence's `support`, None where it cannot be told; it is called only where the first look
    leaves the verdict open.
    """
    calibration = calibration_for(fingerprint)
    if calibration is None or question.embedding is None:
        return Verdict(None, None)
    if not ranking or not question.asked:
        return Verdict(answered=False, confidence=0.0)
    evidence = weigh(question, ranking)
    confidence = calibration.first.probability(evidence)
    if OPEN[0] < confidence < OPEN[1]:
        support = look_closer()
        if support is not None:
            confidence = calibration.closer.probability(replace(evidence, support=support))
    return Verdict(confidence >= calibration.threshold, confidence)


def weigh(question: Question, ranking: Sequence[Ranked]) -> Evidence:
    """The evidence that a ranking of at least one document gives for a question of at least one word, at first look."""
    asked = [item for item in question.asked if not item.word.is_whole]
    best = ranking[0]
    return Evidence(best.score, math.log(max(len(asked), 1)), weakest(question, best.bundle.pieces))
