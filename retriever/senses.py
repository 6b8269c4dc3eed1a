"""What a memory's words mean in it: for each piece of a word the mean of the vectors that the model gave it there.

A model gives a word another vector in every sentence. Their mean, over the first places where the word stood in this
memory, is its *sense*: what "hub" or "pod" is among these documents. A question's words, as the model reads them in the
question, are compared with the senses of a sentence's words: late interaction (ColBERT, arXiv:2004.12832, equation 3)
for one vector a word of the vocabulary, instead of one a word of the text. docs/ranking.md says what that is worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.rounding import scales

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from retriever.encoded import Encoded

    Floats = NDArray[float32]
    Ids = NDArray[Any]

# So many senses at a time are compared: as float32 they stay in a core's cache, which takes three fifths of the time.
_AT_ONCE = 128

# A piece that stood in this many places has its sense; more would move it little, and cost a write each.
ENOUGH = 32


@dataclass(frozen=True, slots=True)
class Contexts:
    """Where pieces stood in new texts: `pieces` distinct, ascending, how often each, and the sum of its unit vectors.

    `pieces` and `counts` are int64 (n), `sums` float32 (n, dim).
    """

    pieces: Ids
    counts: Ids
    sums: Floats


@dataclass(frozen=True, slots=True)
class Senses:
    """The senses of a memory: `rows` are int8 (n + 1, dim), the last one of zeros.

    `scales` float32 (n + 1) are what makes them of unit length; `places` has for each piece its row, -1 for the last.
    """

    places: Ids
    rows: NDArray[Any]
    scales: Floats

    @classmethod
    def none(cls, dim: int) -> Senses:
        """Of no piece, with so many numbers each."""
        rows = np.zeros((1, dim), np.int8)
        return cls(np.full(1, -1), rows, scales(rows))

    def with_changed(self, pieces: Ids, directions: NDArray[Any]) -> Senses:
        """These, but distinct `pieces` (n) have senses of these rounded directions (n, dim)."""
        if not len(pieces):
            return self
        places = np.full(max(len(self.places), int(pieces.max()) + 1), -1)
        places[: len(self.places)] = self.places
        new = pieces[places[pieces] < 0]
        last = len(self.rows) - 1
        places[new] = np.arange(last, last + len(new))
        rows = np.concatenate([self.rows[:last], np.zeros((len(new) + 1, self.rows.shape[1]), np.int8)])
        rows[places[pieces]] = directions
        lengths = np.concatenate([self.scales[:last], np.zeros(len(new), np.float32), self.scales[last:]])
        lengths[places[pieces]] = scales(directions)
        return Senses(places, rows, lengths)

    def nearness(self, pieces: Ids, vectors: Floats) -> Floats:
        """float32 (len(pieces), len(vectors)): cosines of the pieces' senses to unit vectors, 0 where one has none."""
        known = np.minimum(pieces, len(self.places) - 1)
        places = np.where(known == pieces, self.places[known], -1)
        turned = np.ascontiguousarray(vectors.T)
        parts = [
            self.rows[places[start : start + _AT_ONCE]].astype(np.float32) @ turned
            for start in range(0, len(places), _AT_ONCE)
        ]
        found: Floats = np.concatenate(parts) if parts else np.zeros((0, len(vectors)), np.float32)
        found *= self.scales[places][:, None]
        return found


def contexts_of(texts: Iterable[Encoded]) -> Contexts:
    """The places of all pieces in these texts."""
    read = list(texts)
    if not read:
        return Contexts(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 1), np.float32))
    return summed(np.concatenate([item.pieces for item in read]), np.concatenate([item.tokens for item in read]))


def summed(pieces: Ids, vectors: Floats) -> Contexts:
    """One place each of these pieces (n), with the vectors (n, dim) they have there; negative ones do not count."""
    order = np.argsort(pieces, kind="stable")
    order = order[np.searchsorted(pieces[order], 0) :]
    distinct, begins, counts = np.unique(pieces[order], return_index=True, return_counts=True)
    rows = unit_rows(vectors[order])
    sums = np.add.reduceat(rows, begins, axis=0) if len(distinct) else rows
    return Contexts(distinct.astype(np.int64), counts, sums)


def unit_rows(rows: Floats) -> Floats:
    """The rows at length 1; a row of zeros stays one."""
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit
