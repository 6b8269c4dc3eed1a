"""The fitted part of extraction: linear weights over named features, read from `weights.json`.

`benchmarks/train_extractor.py` writes that file. Scoring is a sum of looked-up numbers, so it needs no library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Weights:
    """`lesson` scores whether a unit is a lesson; `kinds` and `polarities` hold one row of weights a class.

    `thresholds` are the probabilities from which a unit is a lesson, by how much its section promises: "strong",
    "open" or "weak"; a document is a source of lessons if one of its units reaches `source_thresholds`.
    """

    thresholds: Mapping[str, float]
    source_thresholds: Mapping[str, float]
    lesson: Mapping[str, float]
    kinds: Mapping[str, Mapping[str, float]]
    polarities: Mapping[str, Mapping[str, float]]

    def probability(self, features: Iterable[str]) -> float:
        """How likely a unit with these features is a lesson, in [0, 1]."""
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, _sum(self.lesson, features)))))

    def kind(self, features: Iterable[str], among: Sequence[str]) -> str:
        """The likeliest kind of those that a section leaves open."""
        return _best({name: self.kinds[name] for name in among}, list(features))

    def polarity(self, features: Iterable[str], among: Sequence[str]) -> str:
        """The likeliest polarity of those that a kind can have."""
        return _best({name: self.polarities[name] for name in among}, list(features))

    def reasons(self, features: Iterable[str], count: int = 4) -> tuple[tuple[str, float], ...]:
        """The features that moved the probability most, strongest first."""
        known = {name: self.lesson[name] for name in set(features) if name in self.lesson}
        return tuple(sorted(known.items(), key=lambda item: (-abs(item[1]), item[0]))[:count])


def _sum(weights: Mapping[str, float], features: Iterable[str]) -> float:
    return weights[""] + math.fsum(weights.get(name, 0.0) for name in set(features))


def _best(rows: Mapping[str, Mapping[str, float]], features: list[str]) -> str:
    return max(sorted(rows), key=lambda name: _sum(rows[name], features))


@cache
def weights() -> Weights:
    """The weights that ship with the program."""
    return Weights(**json.loads(files("ingest.extract").joinpath("weights.json").read_text("utf-8")))
