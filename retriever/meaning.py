"""Candidates by meaning: which passages and lessons are nearest to a question, with exact cosines from the record.

A server asks its vector index and adds what the index does not hold yet; everybody else, and a server that has no
index at the moment, scans the record's own embeddings. Both give the same candidates, so the same answers.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retriever.errors import IndexUnavailable
from retriever.record import Record
from retriever.record.changes import UNITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retriever.embedder import Embeddings
    from retriever.follower import Follower

# With filters, up to this many documents are compared one by one; past it the index is asked for more and sifted.
EXACT_DOCUMENTS = 2000

Which = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Matrix:
    """All embeddings of one unit at one state of the record: owners ascending, their documents, and the rows."""

    owners: NDArray[np.int64]
    rows: Embeddings


class Meaning:
    """Finds what is near in meaning; safe to use from several threads."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._follower: Follower | None = None
        self._guard = threading.Lock()
        self._matrices: tuple[object, dict[str, _Matrix]] = (None, {})

    def use_index(self, follower: Follower) -> None:
        """From now on the follower's index is asked, whenever it has one open."""
        self._follower = follower

    def nearest(
        self, which: Which, query: Embeddings, k: int, allowed: frozenset[int] | None
    ) -> list[tuple[int, int, float]]:
        """(key, document key, cosine) of the `k` nearest passages or lessons, by (-cosine, key).

        `which` is the unit and the fingerprint of the model that made the query's embedding.
        """
        unit, _ = which
        if allowed is not None and len(allowed) <= EXACT_DOCUMENTS:
            scored = self._among(which, query, self._record.candidates.units_of(unit, allowed))
        else:
            scored = self._anywhere(which, query, k if allowed is None else 10 * k)
        documents = self._record.candidates.documents_of(unit, [key for key, _ in scored[: 20 * k]])
        found = [
            (key, documents[key], cosine)
            for key, cosine in scored
            if key in documents and (allowed is None or documents[key] in allowed)
        ]
        return found[:k]

    def _anywhere(self, which: Which, query: Embeddings, k: int) -> list[tuple[int, float]]:
        unit, _ = which
        follower = self._follower
        index = follower.index if follower is not None else None
        if follower is None or index is None:
            return self._scan(which, query, k)
        follower.note_question()
        # Before the index is asked, and once: what moves into the index in between is then found at least here.
        waiting = follower.pending.of(unit)
        try:
            # Some of what the index gives may be waiting to be changed or deleted there: ask for that many more.
            keys = index.nearest(unit, query, k + min(len(waiting), k))
        except IndexUnavailable:
            follower.report_failure(index)
            return self._scan(which, query, k)
        settled = [key for key in keys if key not in waiting]
        scored = self._among(which, query, settled) + waiting.nearest(query)
        return sorted(scored, key=lambda item: (-item[1], item[0]))[:k]

    def _among(self, which: Which, query: Embeddings, keys: list[int]) -> list[tuple[int, float]]:
        """Exact cosines of these keys, best first."""
        rows = self._record.changes.embeddings(*which, keys)
        if not rows:
            return []
        cosines = np.stack(list(rows.values())) @ query
        return sorted(zip(rows, cosines.tolist(), strict=True), key=lambda item: (-item[1], item[0]))

    def _scan(self, which: Which, query: Embeddings, k: int) -> list[tuple[int, float]]:
        matrix = self._matrix(which)
        if not len(matrix.owners):
            return []
        cosines = matrix.rows @ query
        count = min(k, len(cosines))
        best = np.argpartition(-cosines, count - 1)[:count]
        return sorted(
            zip(matrix.owners[best].tolist(), cosines[best].tolist(), strict=True), key=lambda item: (-item[1], item[0])
        )

    def _matrix(self, which: Which) -> _Matrix:
        """Read once for each state of the record and model."""
        unit, fingerprint = which
        state = (self._record.changes.last_seq(), fingerprint)
        with self._guard:
            if self._matrices[0] != state:
                read = self._record.changes.all_embeddings
                self._matrices = (state, {name: _Matrix(*read(name, fingerprint)) for name in UNITS})
            return self._matrices[1][unit]
