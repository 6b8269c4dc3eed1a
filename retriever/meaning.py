"""Candidates by meaning: which passages and lessons are nearest to a question, and how near.

A server asks its vector index and adds what the index does not hold yet; everybody else, and a server that has no
index at the moment, scans the record's own embeddings. Both give the same candidates, so the same answers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
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

# With filters, up to this many documents are compared one by one, which takes 0.1 ms each with ten lessons in it. For
# more the index is asked for so many times what is wanted, and what it gives is sifted; where that is not enough, for
# few of the nearest are allowed, they are compared one by one after all (docs/ranking.md).
EXACT_DOCUMENTS = 500
SIFTED = (5, 20)

# So many embeddings are held at a time while they are compared.
_BATCH = 20_000

Which = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Matrix:
    """Embeddings of one unit at one state of the record: owners ascending, and the rows."""

    owners: NDArray[np.int64]
    rows: Embeddings


class Meaning:
    """Finds what is near in meaning; safe to use from several threads."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._follower: Follower | None = None
        self._guard = threading.Lock()
        self._matrices: tuple[object, dict[str, _Matrix]] = (None, {})
        self._scanned: dict[str, object] = {}

    def use_index(self, follower: Follower) -> None:
        """From now on the follower's index is asked, whenever it has one open."""
        self._follower = follower

    @property
    def has_index(self) -> bool:
        """Whether the follower's index is asked, which computes without Python's lock."""
        return self._follower is not None and self._follower.index is not None

    def is_whole(self, seq: int) -> bool:
        """Whether every change up to this one is searched; the follower takes in new ones within a second."""
        return self._follower is None or self._follower.pending.whole_to >= seq

    def nearest(
        self, which: Which, query: Embeddings, k: int, allowed: frozenset[int] | None
    ) -> list[tuple[int, int, float]]:
        """(key, document key, cosine) of the `k` nearest passages or lessons, by (-cosine, key).

        `which` is the unit and the fingerprint of the model that made the query's embedding.
        """
        unit, _ = which
        if allowed is None:
            return self._located(unit, self._anywhere(which, query, k), None)[:k]
        for times in SIFTED if len(allowed) > EXACT_DOCUMENTS else ():
            found = self._located(unit, self._anywhere(which, query, times * k, allowed), allowed)
            if len(found) >= k:
                return found[:k]
        scored = self._among(which, query, self._record.candidates.units_of(unit, allowed))
        return self._located(unit, scored[:k], allowed)

    def _located(
        self, unit: str, scored: list[tuple[int, float]], allowed: frozenset[int] | None
    ) -> list[tuple[int, int, float]]:
        """With the document of each that is still there and allowed."""
        documents = self._record.candidates.documents_of(unit, [key for key, _ in scored])
        return [
            (key, documents[key], cosine)
            for key, cosine in scored
            if key in documents and (allowed is None or documents[key] in allowed)
        ]

    def _anywhere(
        self, which: Which, query: Embeddings, count: int, allowed: frozenset[int] | None = None
    ) -> list[tuple[int, float]]:
        """The `count` nearest, best first; with `allowed`, at least what these documents have of them."""
        unit, _ = which
        follower = self._follower
        index = follower.index if follower is not None else None
        if follower is None or index is None:
            return self._scan(which, query, count)
        follower.note_question()
        # Before the index is asked, and once: what moves into the index in between is then found at least here.
        waiting = follower.pending.of(unit)
        # Some of what the index gives may be waiting to be changed or deleted there: ask for that many more.
        asked = (count if allowed is None else 2 * count) + min(len(waiting), count)
        try:
            near = index.scored(unit, query, asked)
        except IndexUnavailable:
            follower.report_failure(index)
            return self._scan(which, query, count)
        settled = {key: cosine for key, cosine in near if key not in waiting}
        if allowed is not None and len(near) == asked:
            # An approximate index misses a few of the farthest it is asked for: only the nearer half is relied on.
            settled = dict(list(settled.items())[:count])
        scored = {key: settled[key] for key in self._kept(unit, list(settled), allowed)}
        # What waits counts as far as the index was asked: farther away there may be something nearer than it.
        floor = min(settled.values()) if settled and len(near) == asked else -1.0
        found = [*scored.items(), *(item for item in waiting.nearest(query) if item[1] >= floor)]
        return sorted(found, key=lambda item: (-item[1], item[0]))[:count]

    def _kept(self, unit: str, keys: list[int], allowed: frozenset[int] | None) -> list[int]:
        """Those of the allowed documents."""
        if allowed is None:
            return keys
        documents = self._record.candidates.documents_of(unit, keys)
        return [key for key in keys if documents.get(key) in allowed]

    def _among(self, which: Which, query: Embeddings, keys: list[int]) -> list[tuple[int, float]]:
        """Exact cosines of these keys, best first."""
        scored: list[tuple[int, float]] = []
        for start in range(0, len(keys), _BATCH):
            rows = self._record.changes.embeddings(*which, keys[start : start + _BATCH])
            if rows:
                scored += zip(rows, (np.stack(list(rows.values())) @ query).tolist(), strict=True)
        return sorted(scored, key=lambda item: (-item[1], item[0]))

    def _scan(self, which: Which, query: Embeddings, k: int) -> list[tuple[int, float]]:
        kept = self._kept_matrix(which)
        if kept is not None:
            return _best([(kept.owners, kept.rows)], query, k)
        changes = self._record.changes
        found = _best(changes.each_embedding(*which, is_checked=False), query, k)
        # Checksums of all of them take a third as long as everything else: those of what was found are enough, as long
        # as nothing damaged is among it.
        if len(changes.embeddings(*which, [key for key, _ in found])) < len(found):
            found = _best(changes.each_embedding(*which), query, k)
        return found

    def _kept_matrix(self, which: Which) -> _Matrix | None:
        """All embeddings of the unit, kept from its second question on while nothing changes; None for the first."""
        unit, fingerprint = which
        state = (self._record.changes.last_seq(), fingerprint)
        with self._guard:
            is_first = self._scanned.get(unit) != state
            self._scanned[unit] = state
            if not is_first and self._matrices[0] != state:
                read = self._record.changes.all_embeddings
                self._matrices = (state, {name: _Matrix(*read(name, fingerprint)) for name in UNITS})
            return self._matrices[1].get(unit) if self._matrices[0] == state else None


def _best(parts: Iterable[tuple[NDArray[np.int64], Embeddings]], query: Embeddings, k: int) -> list[tuple[int, float]]:
    """(owner, cosine) of the `k` nearest, by (-cosine, owner)."""
    scored = [(owners, rows @ query) for owners, rows in parts if len(owners)]
    if not scored:
        return []
    owners, cosines = (np.concatenate(arrays) for arrays in zip(*scored, strict=True))
    best = np.argpartition(-cosines, min(k, len(cosines)) - 1)[:k]
    return sorted(zip(owners[best].tolist(), cosines[best].tolist(), strict=True), key=lambda item: (-item[1], item[0]))
