"""`python -m benchmarks.large HOME LESSONS --pool POOL [POOL...]`: HOME holds at least so many recombined lessons.

Each POOL is a home in which real documents were ingested; words mean in HOME what they mean in the first of them. A
HOME that holds some lessons gets the missing ones, so sizes can be made one after the other; copy the folder between
them. Not in one transaction and without waiting for the disk: a kill leaves a home to be thrown away.
"""

from __future__ import annotations

import argparse
import functools
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.large.documents import LESSONS_EACH, recombined
from benchmarks.large.pool import Pool, read_pool, take_senses
from retriever import words
from retriever.config import load_settings
from retriever.memory import Memory
from retriever.record.draft import FileReading

SOURCE = "recombined"
CHECKED = 200


def main() -> None:
    """Fills HOME and says how long it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("lessons", type=int)
    parser.add_argument("--pool", type=Path, nargs="+", required=True)
    parser.add_argument("--check", action="store_true", help="Compare pooled embeddings of lessons with the model's.")
    options = parser.parse_args()
    pool = read_pool(options.pool)
    print(f"the pool has {len(pool.lessons)} sentences of lessons and {len(pool.prose)} others")
    with Memory.open(replace(load_settings({}), home=options.home), create=True) as memory:
        if options.check:
            _check(memory, pool)
        started = time.perf_counter()
        _fill(memory, pool, -(-options.lessons // LESSONS_EACH))
        take_senses(memory.record, options.pool[0])
        counts, stored = memory.counts(), time.perf_counter()
        memory.follow()
        followed = time.perf_counter()
        vectors = counts["lessons"] + counts["passages"]
        print(f"{counts}, recorded in {stored - started:.0f} s; {vectors} vectors indexed in {followed - stored:.0f} s")


def _fill(memory: Memory, pool: Pool, documents: int) -> None:
    record = memory.record
    source = record.files.open_source(SOURCE, None, None)
    done = memory.counts()["documents"]
    record._database.connection().execute("PRAGMA synchronous = OFF")
    # The same sentences come again and again; that is so only here.
    words.tokens = functools.lru_cache(maxsize=None)(words.tokens)
    for path, draft, embedded in recombined(pool, done, max(0, documents - done)):
        reading = FileReading(path, path, "recombined", "recombined")
        record.files.record_file(source, reading, [(draft, embedded)])


def _check(memory: Memory, pool: Pool) -> None:
    """Prints how near the pooled embeddings of lessons are to those that the model makes of their whole text."""
    found = [
        (lesson.plain, row)
        for _, draft, embedded in recombined(pool, 0, CHECKED)
        for lesson, row in zip(draft.lessons, embedded.lessons, strict=True)
    ]
    made = memory.embedder.encode_documents([text for text, _ in found])
    cosines = (made * np.stack([row for _, row in found])).sum(axis=1)
    low, middle = np.percentile(cosines, [5, 50])
    told = f"mean {cosines.mean():.3f}, p5 {low:.3f}, p50 {middle:.3f}"
    print(f"cosine of {len(found)} pooled lessons to the model's: {told}")


if __name__ == "__main__":
    main()
