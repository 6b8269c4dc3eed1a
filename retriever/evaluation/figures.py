"""Means over queries with 95 % bootstrap intervals, and paired differences with the p-value of a randomization test.

The draws are seeded, so the same outcomes always give the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BOOTSTRAPS = 2000
# How often signs are drawn for a p-value: enough that one of .05 is known to within .004.
RANDOMIZATIONS = 10_000
SEED = 20180118


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
class Difference:
    """A mean difference by query, and how probable one at least as large is when the two do not differ."""

    figure: Figure
    p: float

    def as_json(self) -> dict[str, float]:
        """The difference with four digits."""
        return self.figure.as_json() | {"p": round(self.p, 4)}

    def __str__(self) -> str:
        """The difference with signs, its interval and its p-value."""
        figure = self.figure
        return f"{figure.mean:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}]  p {self.p:.3f}"


def mean_of(values: Sequence[float]) -> Figure:
    """The mean of at least one value."""
    found = np.asarray(values, float)
    draws = np.random.default_rng(SEED).integers(0, len(found), (BOOTSTRAPS, len(found)))
    low, high = np.quantile(found[draws].mean(axis=1), (0.025, 0.975))
    return Figure(float(found.mean()), float(low), float(high), len(found))


def difference_of(differences: Sequence[float]) -> Difference:
    """What at least one paired difference comes to.

    The p-value is that of Fisher's two-sided randomization test: were the two the same, each difference could as well
    have the other sign. The observed signs count as one of the draws, so it is never 0 (Smucker et al. 2007).
    """
    found = np.asarray(differences, float)
    moved = found[found != 0]
    signs = np.random.default_rng(SEED).integers(0, 2, (RANDOMIZATIONS, len(moved)), np.int8) * 2 - 1
    as_far = np.abs(signs @ moved) >= abs(float(moved.sum())) - 1e-9
    return Difference(mean_of(differences), (int(as_far.sum()) + 1) / (RANDOMIZATIONS + 1))


def auroc(real: Sequence[float], unreal: Sequence[float]) -> Figure:
    """The share of pairs, one answerable and one not, in the right order; a tie counts half."""
    differences = np.sign(np.asarray(real)[:, None] - np.asarray(unreal)[None, :]) / 2 + 0.5
    random = np.random.default_rng(SEED)
    rows = random.integers(0, len(real), (BOOTSTRAPS, len(real)))
    columns = random.integers(0, len(unreal), (BOOTSTRAPS, len(unreal)))
    means = [float(differences[np.ix_(row, column)].mean()) for row, column in zip(rows, columns, strict=True)]
    low, high = np.quantile(means, (0.025, 0.975))
    return Figure(float(differences.mean()), float(low), float(high), len(real) + len(unreal))
