"""Opens a generation of the vector index and looks for known embeddings: `python -m retriever.probe FOLDER`.

Standard input is {unit: {key: embedding}}; the exit code is 0 when each is its own nearest neighbour. A damaged
index may kill this process, which is why it is one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from retriever.errors import IndexUnavailable
from retriever.generations import CLEAN
from retriever.vectors import VectorIndex


def finds_all(folder: Path, samples: dict[str, dict[str, list[float]]]) -> bool:
    """Whether each sample is found; another key may come first only where it has the same embedding."""
    index = VectorIndex(folder)
    try:
        return all(
            int(key) in index.nearest(unit, np.asarray(row, np.float32), 10)
            for unit, rows in samples.items()
            for key, row in rows.items()
        )
    finally:
        index.close()
        (folder / CLEAN).unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        sys.exit(0 if finds_all(Path(sys.argv[1]), json.load(sys.stdin)) else 1)
    except IndexUnavailable:
        sys.exit(1)
