"""The sentences of several documents under each other, so that numpy looks at all of them in one go.

A run of sentences or a passage is the sum of its sentences, weighted by the roots of their lengths. So its product with
a question is the sum of their products, and its length, which no question changes, is kept with the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retriever.record.bundles import RUN

if TYPE_CHECKING:
    from retriever.question import Floats, Ids
    from retriever.record.candidates import Bundle

# What a length counts as at least: hidden sentences have none, and are near to nothing.
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Rows:
    """The sentences of several documents under each other.

    `starts` has the first row of each document, `passages` the first of each passage, `first_passages` the
    index in `passages` of each document's first one, `ends` the end of each row's document; `norms` are those of the
    runs that begin at each row, and of the passages. `embeddings` are float32 (n, dim), of unit length after `scales`.
    """

    bundles: Sequence[Bundle]
    starts: Ids
    ends: Ids
    passages: Ids
    first_passages: Ids
    embeddings: Floats | None
    scales: Floats
    roots: Floats
    norms: tuple[Floats, Floats] | None

    @classmethod
    def of(cls, bundles: Sequence[Bundle]) -> Rows:
        """The rows of documents that have sentences; without embeddings unless all of them have them."""
        sizes = np.asarray([len(bundle.spans) for bundle in bundles])
        ends = np.cumsum(sizes)
        starts = ends - sizes
        owner = np.repeat(np.arange(len(sizes)), sizes)
        passage = np.concatenate([bundle.owners for bundle in bundles])
        begins = np.flatnonzero(np.diff(passage, prepend=-1) | np.diff(owner, prepend=-1))
        has_all = all(len(bundle.embeddings) == len(bundle.spans) for bundle in bundles)
        norms = [bundle.norms for bundle in bundles] if has_all else []
        return cls(
            bundles,
            starts,
            ends[owner],
            begins,
            np.searchsorted(begins, starts),
            np.concatenate([bundle.embeddings for bundle in bundles]).astype(np.float32) if has_all else None,
            np.concatenate([bundle.scales for bundle in bundles]),
            np.concatenate([bundle.roots for bundle in bundles]),
            (np.concatenate([runs for runs, _ in norms]), np.concatenate([passages for _, passages in norms]))
            if has_all
            else None,
        )

    def cosines(self, vector: Floats) -> Floats:
        """For each sentence its cosine to the unit vector (dim,)."""
        assert self.embeddings is not None
        found: Floats = self.embeddings @ vector
        found *= self.scales
        return found

    def best(self, values: Floats) -> Floats:
        """The highest of each document's values, one value a sentence."""
        highest: Floats = np.maximum.reduceat(values, self.starts)
        return highest

    def run_cosines(self, cosines: Floats) -> Floats:
        """For each sentence the cosine of it and those that follow it in its document, RUN in all."""
        assert self.norms is not None
        shares: Floats = cosines * self.roots
        common = shares.copy()
        for step in range(1, min(RUN, len(shares))):
            common[:-step] += shares[step:] * (np.arange(step, len(shares)) < self.ends[:-step])
        return _divided(common, self.norms[0])

    def passage_cosines(self, cosines: Floats) -> Floats:
        """For each passage its cosine."""
        assert self.norms is not None
        shares: Floats = np.add.reduceat(cosines * self.roots, self.passages)
        return _divided(shares, self.norms[1])


def nearest_window(query: Floats, bundles: Sequence[Bundle]) -> Floats | None:
    """The unit vector (dim,) of the run of sentences nearest to the query, None where a document has no embeddings."""
    rows = Rows.of([bundle for bundle in bundles if len(bundle.spans)]) if bundles else None
    if rows is None or rows.embeddings is None:
        return None
    first = int(np.argmax(rows.run_cosines(rows.cosines(query))))
    run = slice(first, min(first + RUN, int(rows.ends[first])))
    shares: Floats = rows.roots[run] * rows.scales[run]
    nearest = shares @ rows.embeddings[run]
    unit: Floats = nearest / max(float(np.linalg.norm(nearest)), 1e-12)
    return unit


def _divided(products: Floats, norms: Floats) -> Floats:
    cosines: Floats = np.divide(products, np.maximum(norms, _TINY), dtype=np.float32)
    return cosines
