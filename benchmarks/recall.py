"""Recall@10 of a home's vector index against brute force over its record: `python -m benchmarks.recall HOME`.

Lessons are looked for among passages and passages among lessons, 1,000 of each at most: an embedding always finds
itself, so a unit is not asked for its own. A key counts as found when it is as near as the tenth nearest. No server
may be running on the home; an index that is damaged or behind is mended first, as whenever it is opened.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from retriever.follow import IndexKeeper
from retriever.record import Record
from retriever.vectors import VectorIndex

K = 10
QUESTIONS = 1000
# Chroma adds up in another order than numpy.
_ROUNDING = 1e-5


def recall(record: Record, index: VectorIndex, fingerprint: str, asked: str, unit: str) -> tuple[float, int, int]:
    """(recall@10, questions, embeddings searched): embeddings of `asked` looked for among those of `unit`."""
    _, rows = record.changes.all_embeddings(asked, fingerprint)
    owners, matrix = record.changes.all_embeddings(unit, fingerprint)
    queries = rows[:: max(1, len(rows) // QUESTIONS)][:QUESTIONS]
    if not len(queries) or not len(owners):
        return 1.0, 0, len(owners)
    k = min(K, len(owners))
    shares = []
    for query in queries:
        cosines = matrix @ query
        least = np.partition(cosines, -k)[-k] - _ROUNDING
        found = np.searchsorted(owners, index.nearest(unit, query, k))
        shares.append(np.count_nonzero(cosines[found] >= least) / k)
    return float(np.mean(shares)), len(queries), len(owners)


def main() -> None:
    """Prints one line a unit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("home", type=Path, metavar="HOME")
    home = parser.parse_args().home
    if not home.is_dir():
        parser.error(f"{home} is no folder")
    record = Record(home)
    generation = record.changes.current()
    if generation is None:
        parser.error(f"{home} has no vector index yet")
    keeper = IndexKeeper(home, record, generation.fingerprint, generation.dim)
    if not keeper.open("benchmarks.recall"):
        parser.error(f"the vector index of {home} is in use; stop its server first")
    try:
        keeper.drain()
        assert keeper.index is not None
        for asked, unit in (("lesson", "passage"), ("passage", "lesson")):
            share, questions, size = recall(record, keeper.index, generation.fingerprint, asked, unit)
            print(f"recall@{K} {share:.4f}: {questions} {asked}s among {size} {unit}s")
    finally:
        keeper.close()
        record.close()


if __name__ == "__main__":
    main()
