"""A server's background thread: the vector index follows the record, gently, and answers are never behind it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from retriever.errors import RetrieverError
from retriever.follow import IndexKeeper
from retriever.record.changes import UNITS, Changes

if TYPE_CHECKING:
    from retriever.embedder import Embeddings
    from retriever.vectors import VectorIndex

logger = logging.getLogger(__name__)

# How often the record is looked at: what another process committed is found within this.
TICK_S = 0.5

# Chroma's writes hold Python's lock; 64 pause all other threads some 50 ms. So while people ask, this many go in
# every two seconds, and what waits is searched exactly in memory meanwhile.
GENTLE_BATCH = 64
GENTLE_PAUSE_S = 2.0


class Pending:
    """The changes that the index does not hold yet, searched exactly; written by the follower, read by queries."""

    def __init__(self) -> None:
        self._by_unit: dict[str, dict[int, Embeddings | None]] = {unit: {} for unit in UNITS}
        self._guard = threading.Lock()

    def replace(self, changed: dict[str, dict[int, Embeddings | None]]) -> None:
        """These are the changes now; None stands for an embedding that was deleted."""
        with self._guard:
            self._by_unit = changed

    def of(self, unit: str) -> dict[int, Embeddings | None]:
        """{owner: embedding, or None where it is gone}."""
        with self._guard:
            return self._by_unit[unit]

    def nearest(self, unit: str, query: Embeddings) -> list[tuple[int, float]]:
        """(owner, cosine) of every waiting embedding, in no order."""
        rows = {owner: row for owner, row in self.of(unit).items() if row is not None}
        if not rows:
            return []
        cosines = np.stack(list(rows.values())) @ query
        return list(zip(rows, cosines.tolist(), strict=True))


class Follower:
    """Keeps the index open and up to date for the life of a server; the owner of the one background thread."""

    def __init__(self, make_keeper: Callable[[], IndexKeeper], changes: Changes) -> None:
        self._make_keeper = make_keeper
        self._changes = changes
        self._keeper: IndexKeeper | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index-follower", daemon=True)
        self._asked_at = 0.0
        self._drained_at = 0.0
        self._seen_seq = -1
        self._has_failed = False
        self.pending = Pending()

    def start(self) -> None:
        """The thread runs until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """The thread has ended, the index is closed in order and its lock is free."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._keeper is not None:
            self._keeper.close()

    def note_question(self) -> None:
        """Somebody is asking: go gently for a while."""
        self._asked_at = time.monotonic()

    def report_failure(self) -> None:
        """The index failed a question: it is closed at the next tick, and a new one is built."""
        self._has_failed = True

    @property
    def index(self) -> VectorIndex | None:
        """The open index, None while another process has it or it is being built."""
        return self._keeper.index if self._keeper is not None else None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._tick()
            except RetrieverError as error:
                logger.warning("%s", error)
                self._give_up_index()
            self._stop.wait(TICK_S)

    def _tick(self) -> None:
        if self._has_failed:
            self._has_failed = False
            self._give_up_index()
        if self._keeper is None:
            self._keeper = self._make_keeper()
        if self._keeper.index is None and not self._keeper.open("a server"):
            return
        self._refresh_pending()
        now = time.monotonic()
        is_quiet = now - self._asked_at > GENTLE_PAUSE_S
        if is_quiet or now - self._drained_at > GENTLE_PAUSE_S:
            self._drained_at = now
            if self._keeper.drain(GENTLE_BATCH):
                self._seen_seq = -1
                self._refresh_pending()

    def _refresh_pending(self) -> None:
        """What the index lacks is in memory; looked up anew only when the change log has moved."""
        keeper = self._keeper
        seq = self._changes.last_seq()
        if keeper is None or keeper.generation is None or seq == self._seen_seq:
            return
        waiting: dict[str, dict[int, Embeddings | None]] = {}
        changes = self._changes.pending(keeper.generation, limit=-1)
        for unit in UNITS:
            owners = {change.owner for change in changes if change.unit == unit}
            known = self._changes.embeddings(unit, keeper.generation.fingerprint, owners)
            waiting[unit] = {owner: known.get(owner) for owner in owners}
        self.pending.replace(waiting)
        self._seen_seq = seq

    def _give_up_index(self) -> None:
        """An index that fails is closed, and the next tick builds a new one."""
        if self._keeper is not None:
            self._keeper.distrust()
            self._keeper = None
