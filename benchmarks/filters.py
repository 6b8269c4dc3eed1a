"""What filters cost and whether they are exact: `python -m benchmarks.filters HOME`.

For several shares of the documents, drawn at random, the nearest passages and lessons are asked for as search does it,
through the index, and compared with what comparing everything gives. Prints Markdown. No server may be running on the
home.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from retriever.config import load_settings
from retriever.follower import Follower
from retriever.meaning import Meaning
from retriever.memory import Memory
from retriever.record.changes import UNITS
from retriever.search import CANDIDATES

SHARES = (0.01, 0.03, 0.1, 0.3, 0.5, 0.6, 0.9)
QUESTIONS = 20
SEED = 5
# Chroma adds up in another order than numpy.
_ROUNDING = 1e-5


@dataclass(frozen=True, slots=True)
class Unit:
    """All passages or all lessons: the document of each, and its embedding."""

    documents: np.ndarray
    rows: np.ndarray

    def nearest(self, query: np.ndarray, allowed: frozenset[int]) -> np.ndarray:
        """The highest cosines within the allowed documents, found by comparing everything."""
        cosines = (self.rows @ query)[np.isin(self.documents, list(allowed))]
        return np.sort(cosines)[::-1][:CANDIDATES]


def main() -> None:
    """Prints one line a share."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("home", type=Path, metavar="HOME")
    with Memory.open(replace(load_settings({}), home=parser.parse_args().home)) as memory:
        follower = Follower(memory.keeper, memory.record.changes)
        follower.start()
        while follower.index is None:
            time.sleep(0.1)
        try:
            meaning = Meaning(memory.record)
            meaning.use_index(follower)
            units = {unit: _read(memory, unit) for unit in UNITS}
            print("| documents allowed | p50, both units | slowest | exact |\n|---|---|---|---|")
            for line in lines(meaning, memory.fingerprint, units):
                print(line, flush=True)
        finally:
            follower.stop()


def lines(meaning: Meaning, fingerprint: str, units: Mapping[str, Unit]) -> Iterator[str]:
    """One row of the table a share."""
    random = np.random.default_rng(SEED)
    every = np.unique(np.concatenate([unit.documents for unit in units.values()]))
    queries = units["lesson"].rows[random.integers(0, len(units["lesson"].rows), QUESTIONS)]
    for share in SHARES:
        taken, exact = [], []
        for query in queries:
            allowed = frozenset(random.choice(every, max(1, int(share * len(every))), replace=False).tolist())
            started = time.perf_counter()
            found = {unit: meaning.nearest((unit, fingerprint), query, CANDIDATES, allowed) for unit in units}
            taken.append(1000 * (time.perf_counter() - started))
            exact += [_agree(found[name], unit.nearest(query, allowed)) for name, unit in units.items()]
        times = f"{np.median(taken):.1f} ms | {max(taken):.1f} ms"
        yield f"| {int(share * len(every))} of {len(every)} | {times} | {sum(exact)} of {len(exact)} |"


def _agree(found: list[tuple[int, int, float]], wanted: np.ndarray) -> bool:
    cosines = np.asarray([cosine for _, _, cosine in found])
    return len(cosines) == len(wanted) and bool(np.all(np.abs(cosines - wanted) < _ROUNDING))


def _read(memory: Memory, name: str) -> Unit:
    owners, rows = memory.record.changes.all_embeddings(name, memory.fingerprint)
    documents = memory.record.candidates.documents_of(name, owners.tolist())
    return Unit(np.asarray([documents[owner] for owner in owners.tolist()]), rows)


if __name__ == "__main__":
    main()
