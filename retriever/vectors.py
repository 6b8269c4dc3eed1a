"""The vector index: Chroma, embedded, holding ids and embeddings only. The only file that imports chromadb.

Each generation is a folder of its own, `index/gen-N`, and can be built again from the record at any time. Whoever
opens one must hold the index's lock (retriever/locks.py): Chroma has none, and two processes on one folder lose
vectors for good.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retriever.errors import IndexUnavailable
from retriever.generations import CLEAN, elements_in, is_sealed, scrub, seal
from retriever.record.changes import UNITS
from retriever.record.copies import give_back_room, rows_in

if TYPE_CHECKING:
    from retriever.embedder import Embeddings

# With Chroma's defaults answers get lost and differ from build to build (recall@10 .979 over 7,000 passages);
# benchmarks/recall.py measures these.
_HNSW: Any = {"space": "cosine", "max_neighbors": 32, "ef_construction": 120, "ef_search": 400}

# Larger writes hold Python's lock for longer: 200 vectors pause all other threads 150 ms.
BATCH = 500

# From so many deleted vectors on, and such a share of the others, an index is built anew: a quarter more in the index
# is a tenth more of the whole memory.
FEW_DELETED = 100
DELETED_SHARE = 0.25

_DATABASE = "chroma.sqlite3"

# A damaged index may also hang the process that opens it.
PROBE_TIMEOUT_S = 120.0


class VectorIndex:
    """One open generation. Reads may run in several threads, writes must come from one at a time.

    It can be closed under running questions: closing waits for them, and what comes later raises IndexUnavailable.
    """

    def __init__(self, folder: Path) -> None:
        import chromadb
        from chromadb.config import Settings
        from chromadb.errors import ChromaError

        self.folder = folder
        self._errors = (ChromaError, RuntimeError, ValueError, OSError, sqlite3.Error)
        self._turn = threading.Condition()
        self._users = 0
        self._is_closed = False
        with self._explained():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / CLEAN).unlink(missing_ok=True)
            scrub(folder)
            self._client: Any = chromadb.PersistentClient(
                path=str(folder), settings=Settings(anonymized_telemetry=False)
            )
            try:
                self._collections: dict[str, Any] = {
                    unit: self._client.get_or_create_collection(
                        unit, configuration={"hnsw": _HNSW}, embedding_function=None
                    )
                    for unit in UNITS
                }
            except BaseException:
                # Chroma hands out an unclosed client of the same path again, with whatever is wrong with it.
                self.abandon()
                raise

    def nearest(self, unit: str, query: Embeddings, k: int) -> list[int]:
        """Keys of the `k` passages or lessons nearest to the query, nearest first."""
        return [key for key, _ in self.scored(unit, query, k)]

    def scored(self, unit: str, query: Embeddings, k: int) -> list[tuple[int, float]]:
        """(key, cosine) of the same; the cosine differs from the record's by what float32 rounds, some 1e-7."""
        with self._in_use():
            # Chroma gives fewer where there are fewer; counting them first would take half as long as asking.
            found = self._collections[unit].query(query_embeddings=[query], n_results=k, include=["distances"])
        return [(int(key), 1.0 - far) for key, far in zip(found["ids"][0], found["distances"][0], strict=True)]

    def keys(self, unit: str) -> set[int]:
        """The keys of everything that is in the index."""
        with self._in_use():
            return {int(identity) for identity in self._collections[unit].get(include=[])["ids"]}

    def is_bloated(self) -> bool:
        """Whether so many of its vectors were deleted, which Chroma only marks, that a new generation is worth it."""
        with self._in_use():
            alive = sum(int(collection.count()) for collection in self._collections.values())
        # What its graphs do not hold yet waits in a table, deletions too, each as large as a vector.
        kept = elements_in(self.folder) + rows_in(self.folder / _DATABASE, "embeddings_queue")
        return kept - alive > max(FEW_DELETED, DELETED_SHARE * alive)

    def apply(self, unit: str, upserts: Mapping[int, Embeddings], deletions: Sequence[int]) -> None:
        """The upserted keys have these embeddings, and the deleted ones are gone; doing it twice does no harm."""
        collection = self._collections[unit]
        with self._in_use():
            if deletions:
                collection.delete(ids=[str(key) for key in deletions])
            keys = sorted(upserts)
            for start in range(0, len(keys), BATCH):
                batch = keys[start : start + BATCH]
                collection.upsert(ids=[str(key) for key in batch], embeddings=[upserts[key] for key in batch])

    def close(self) -> None:
        """The folder is no longer in use, and says that it was left in order, unless closing failed."""
        with contextlib.suppress(*self._errors):
            if self._end():
                scrub(self.folder)
                # The queue through which Chroma takes vectors leaves half of its file empty.
                give_back_room(self.folder / _DATABASE)
                (self.folder / CLEAN).write_text(json.dumps(seal(self.folder)), encoding="utf-8")

    def abandon(self) -> None:
        """The folder is no longer in use, and nothing says that it is in order."""
        with contextlib.suppress(*self._errors):
            self._end()

    def _end(self) -> bool:
        """Whether this call closed the client, after all who were using it."""
        with self._turn:
            if self._is_closed:
                return False
            self._is_closed = True
            self._turn.wait_for(lambda: self._users == 0)
        self._client.close()
        return True

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        """The client stays open for this block: Chroma takes its bindings from under a running call."""
        with self._turn:
            if self._is_closed:
                raise IndexUnavailable(f"The vector index in {self.folder} was closed meanwhile. Ask again.")
            self._users += 1
        try:
            with self._explained():
                yield
        finally:
            with self._turn:
                self._users -= 1
                self._turn.notify_all()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            raise IndexUnavailable(
                f"The vector index in {self.folder} failed: {error}. Words still answer; "
                "`lessons reindex` builds it anew from the record, nothing is lost."
            ) from error


def is_sound(folder: Path, samples: Mapping[str, Mapping[int, Embeddings]]) -> bool:
    """Whether the generation opens and finds the sample embeddings ({unit: {key: embedding}}).

    Asked in a process of its own, because a damaged file can crash the one that opens it. A folder that was closed
    cleanly is believed when its files are what they were then, and not when they are anything else.
    """
    if (folder / CLEAN).exists():
        return is_sealed(folder)
    if not folder.is_dir():
        return False
    asked = {unit: {str(key): row.tolist() for key, row in rows.items()} for unit, rows in samples.items()}
    try:
        done = subprocess.run(
            # -P: a file of the user's in the current folder is not imported in place of a module.
            [sys.executable, "-P", "-m", "retriever.probe", str(folder)],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            timeout=PROBE_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
