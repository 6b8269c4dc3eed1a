"""Keeps the vector index equal to the record: opens a generation, heals it, applies the change log, builds anew.

The record is always right; the index only follows. Everything here may be killed at any moment and is then simply
done again.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from retriever.errors import IndexUnavailable, StoreError
from retriever.generations import generation_folder, remove_generation
from retriever.locks import INDEX_LOCK, ProcessLock
from retriever.record import Record
from retriever.record.changes import UNITS, Change, Changes, Generation
from retriever.vectors import BATCH, VectorIndex, is_sound

if TYPE_CHECKING:
    from retriever.embedder import Embeddings

logger = logging.getLogger(__name__)

_SAMPLES = 8


class IndexKeeper:
    """Holds the index's lock and the one open generation; one thread at a time calls its methods.

    `fingerprint` and `dim` are the model's in use: a generation of another model is not opened but built anew.
    """

    def __init__(self, home: Path, record: Record, fingerprint: str, dim: int) -> None:
        self._home = home
        self._record = record
        self._fingerprint = fingerprint
        self._dim = dim
        self._lock = ProcessLock(home / INDEX_LOCK)
        self._guard = threading.RLock()
        self.index: VectorIndex | None = None
        self.generation: Generation | None = None

    def open(self, says: str) -> bool:
        """Whether the index is open and holds what the record holds; False when another process has the lock."""
        with self._guard:
            if self.index is not None:
                return True
            if not self._lock.acquire(says):
                return False
            try:
                self._open_generation()
            except BaseException:
                self.close()
                raise
            return True

    def claim(self, says: str) -> None:
        """The index's lock is ours, with nothing opened yet. Raises IndexUnavailable, naming who has it."""
        with self._guard:
            if not self._lock.acquire(says):
                raise IndexUnavailable(f"The vector index is in use by {self._lock.holder()}. Stop it first.")

    def rebuild(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """A new generation, made of the stored embeddings, answers; the old one's files are gone.

        `progress` is told how many embeddings are in, of how many. Raises IndexUnavailable without the lock.
        """
        with self._guard:
            self.claim("rebuilding the vector index")
            generation = self._record.changes.begin_generation(self._fingerprint, self._dim)
            # The row above retired what killed builds left; its files must not take this one's room.
            self._sweep()
            remove_generation(self._home, generation.number)
            fresh = self._build(generation, progress)
            old, self.index, self.generation = self.index, fresh, generation
            if old is not None:
                old.close()
            self._sweep()

    def is_to_erase(self) -> bool:
        """Whether the open generation may hold embeddings of what was forgotten; `rebuild` erases them."""
        with self._guard:
            return self.generation is not None and self._record.erasure.covers(self.generation.number)

    def is_bloated(self) -> bool:
        """Whether the open generation holds so much that was deleted that `rebuild` is worth it."""
        with self._guard:
            return self.index is not None and self.index.is_bloated()

    def drain(self, limit: int | None = None) -> int:
        """How many changes of the log were applied, oldest first, at most `limit`."""
        with self._guard:
            applied = 0
            while self.index is not None and self.generation is not None:
                size = BATCH if limit is None else min(BATCH, limit - applied)
                changes = self._record.changes.pending(self.generation, size) if size > 0 else ()
                if not changes:
                    break
                self._apply(self.index, changes)
                self.generation = self._record.changes.mark_applied(self.generation, changes[-1].seq)
                applied += len(changes)
            return applied

    def close(self) -> None:
        """The index is closed in order and its lock is free."""
        with self._guard:
            if self.index is not None:
                self.index.close()
                self.index = None
            self.generation = None
            self._lock.release()

    def distrust(self) -> None:
        """The index failed while in use: it is closed, and who opens it next probes it first."""
        with self._guard:
            if self.index is not None:
                self.index.abandon()
                self.index = None
            self.generation = None
            self._lock.release()

    def _build(self, generation: Generation, progress: Callable[[int, int], None]) -> VectorIndex:
        """The open index of the generation, which now answers; a build that fails leaves nothing behind."""
        fresh: VectorIndex | None = None
        try:
            fresh = VectorIndex(generation_folder(self._home, generation.number))
            self._fill(fresh, progress)
            # Closed once, so that its files hold all of it and nothing else before it answers.
            fresh.close()
            fresh = VectorIndex(generation_folder(self._home, generation.number))
            self._record.changes.switch(generation)
        except BaseException:
            if fresh is not None:
                fresh.abandon()
            remove_generation(self._home, generation.number)
            # What made the build fail may keep the record from being written; the next build retires this one then.
            with contextlib.suppress(StoreError):
                self._record.changes.retire(generation)
            raise
        return fresh

    def _open_generation(self) -> None:
        generation = self._record.changes.current()
        if generation is None or (generation.fingerprint, generation.dim) != (self._fingerprint, self._dim):
            self.rebuild()
            return
        if self._record.erasure.covers(generation.number):
            # Chroma only marks what is deleted: a new generation is what erases.
            self.rebuild()
            return
        folder = generation_folder(self._home, generation.number)
        if not is_sound(folder, samples_of(self._record.changes, generation)):
            logger.warning("the vector index in %s is damaged; building it anew from the record", folder)
            self.rebuild()
            return
        try:
            index = self._healed(folder)
        except IndexUnavailable:
            logger.warning("the vector index in %s cannot be used; building it anew from the record", folder)
            self.rebuild()
            return
        # Only now: whoever sees the index may rely on it.
        self.index, self.generation = index, generation
        self._record.changes.retire_unfinished()
        self._sweep()

    def _healed(self, folder: Path) -> VectorIndex:
        """The folder's index, open and holding what the record holds."""
        index = VectorIndex(folder)
        try:
            self._heal(index)
        except BaseException:
            index.abandon()
            raise
        return index

    def _heal(self, index: VectorIndex) -> None:
        """Puts in what a crash left out and takes out what it left in."""
        for unit in UNITS:
            wanted = self._record.changes.owners(unit, self._fingerprint)
            present = index.keys(unit)
            self._upsert(index, unit, wanted - present)
            index.apply(unit, {}, sorted(present - wanted))

    def _fill(self, index: VectorIndex, progress: Callable[[int, int], None]) -> None:
        wanted = {unit: sorted(self._record.changes.owners(unit, self._fingerprint)) for unit in UNITS}
        total = sum(len(owners) for owners in wanted.values())
        done = 0
        for unit, owners in wanted.items():
            for start in range(0, len(owners), BATCH):
                batch = owners[start : start + BATCH]
                self._upsert(index, unit, batch)
                done += len(batch)
                progress(done, total)

    def _apply(self, index: VectorIndex, changes: Iterable[Change]) -> None:
        for unit in UNITS:
            owners = sorted({change.owner for change in changes if change.unit == unit})
            embeddings = self._record.changes.embeddings(unit, self._fingerprint, owners)
            index.apply(unit, embeddings, [owner for owner in owners if owner not in embeddings])

    def _upsert(self, index: VectorIndex, unit: str, owners: Iterable[int]) -> None:
        ordered = sorted(owners)
        for start in range(0, len(ordered), BATCH):
            batch = ordered[start : start + BATCH]
            index.apply(unit, self._record.changes.embeddings(unit, self._fingerprint, batch), [])

    def _sweep(self) -> None:
        """Only the files of generations that answer or are being built stay."""
        live = self._record.changes.live()
        for folder in (self._home / "index").glob("gen-*"):
            if folder.name.removeprefix("gen-") not in {str(number) for number in live}:
                shutil.rmtree(folder, ignore_errors=True)


def samples_of(changes: Changes, generation: Generation) -> dict[str, dict[int, Embeddings]]:
    """{unit: {key: embedding}} of a few embeddings from all over the record that the generation must hold."""
    pending = {(change.unit, change.owner) for change in changes.pending(generation, limit=-1)}
    samples = {}
    for unit in UNITS:
        owners = sorted(owner for owner in changes.owners(unit, generation.fingerprint) if (unit, owner) not in pending)
        chosen = owners[:: max(1, len(owners) // _SAMPLES)][:_SAMPLES]
        samples[unit] = changes.embeddings(unit, generation.fingerprint, chosen)
    return samples
