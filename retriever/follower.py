"""A server's background thread: the vector index follows the record, gently, and answers are never behind it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from retriever.errors import RetrieverError
from retriever.follow import IndexKeeper
from retriever.record.changes import UNITS, Changes, Generation
from retriever.vectors import BATCH

if TYPE_CHECKING:
    from retriever.embedder import Embeddings
    from retriever.vectors import VectorIndex

logger = logging.getLogger(__name__)

# How often the record is looked at: what another process committed is found within this.
TICK_S = 0.5

# After a failure the next look waits twice as long as the last, up to this: a full disk does not mend in a second.
MAX_BACKOFF_S = 60.0

# Chroma's writes hold Python's lock; 64 pause all other threads some 50 ms. So while people ask, this many go in
# every two seconds, and what waits is searched exactly in memory meanwhile.
GENTLE_BATCH = 64
GENTLE_PAUSE_S = 2.0

# So long nobody must have asked before an index full of deleted vectors is built anew.
QUIET_S = 60.0

# Nobody asks: whole batches go in, with this much between them for a question to get a word in.
BREATH_S = 0.02


@dataclass(frozen=True)
class Waiting:
    """What of one unit the index does not hold yet, at one moment: {owner: embedding, or None where it is gone}."""

    rows: Mapping[int, Embeddings | None] = field(default_factory=dict)

    def __contains__(self, owner: object) -> bool:
        return owner in self.rows

    def __len__(self) -> int:
        return len(self.rows)

    def nearest(self, query: Embeddings) -> list[tuple[int, float]]:
        """(owner, cosine) of every waiting embedding, in no order."""
        owners, stacked = self._stacked
        return list(zip(owners, (stacked @ query).tolist(), strict=True)) if owners else []

    @cached_property
    def _stacked(self) -> tuple[list[int], Embeddings]:
        """Made when first asked for and kept: many questions may fall between two changes, or none."""
        present = {owner: row for owner, row in self.rows.items() if row is not None}
        return list(present), np.stack(list(present.values())) if present else np.zeros((0, 1), np.float32)


class Pending:
    """The changes that the index does not hold yet; kept up by the follower's thread, read by questions."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._generation = 0
        self._seen = 0
        self._whole_to = 0
        # The follower's own, never shown: {unit: {owner: (its newest change, embedding)}}.
        self._known: dict[str, dict[int, tuple[int, Embeddings | None]]] = {unit: {} for unit in UNITS}
        self._shown = {unit: Waiting() for unit in UNITS}

    def of(self, unit: str) -> Waiting:
        """What is waiting now; it stays as it is while a question uses it."""
        return self._shown[unit]

    @property
    def whole_to(self) -> int:
        """The number of a change up to which none is missing in what is shown and the index together."""
        return self._whole_to

    def refresh(self, generation: Generation) -> None:
        """Takes in the changes that are new and lets go of those the generation holds by now."""
        # Read first: what comes in meanwhile may be taken in or not.
        newest = self._changes.last_seq()
        if generation.number != self._generation:
            self._generation, self._seen = generation.number, 0
            self._known = {unit: {} for unit in UNITS}
        touched = self._take_in(generation)
        for unit, known in self._known.items():
            applied = [owner for owner, (seq, _) in known.items() if seq <= generation.applied]
            for owner in applied:
                del known[owner]
            if applied or unit in touched or len(known) != len(self._shown[unit].rows):
                self._shown[unit] = Waiting({owner: row for owner, (_, row) in known.items()})
        self._whole_to = newest

    def _take_in(self, generation: Generation) -> set[str]:
        """The units that have new changes."""
        if self._changes.last_seq() <= max(self._seen, generation.applied):
            return set()
        changes = self._changes.pending(generation, limit=-1, after=self._seen)
        for unit in UNITS:
            newest = {change.owner: change.seq for change in changes if change.unit == unit}
            rows = self._changes.embeddings(unit, generation.fingerprint, newest)
            self._known[unit].update((owner, (seq, rows.get(owner))) for owner, seq in newest.items())
        # Last, so that a failure half way is read again.
        self._seen = changes[-1].seq if changes else self._seen
        return {change.unit for change in changes}


class Follower:
    """Keeps the index open and up to date for the life of a server; the owner of the one background thread."""

    def __init__(self, make_keeper: Callable[[], IndexKeeper], changes: Changes) -> None:
        self._make_keeper = make_keeper
        self._keeper: IndexKeeper | None = None
        self._index: VectorIndex | None = None
        self._failed: VectorIndex | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index-follower", daemon=True)
        self._asked_at = float("-inf")
        self._drained_at = float("-inf")
        self._has_changed = False
        self.pending = Pending(changes)

    def start(self) -> None:
        """The thread runs until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """The thread has ended, the index is closed in order and its lock is free."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._index = None
        if self._keeper is not None:
            self._keeper.close()

    def note_question(self) -> None:
        """Somebody is asking: go gently for a while."""
        self._asked_at = time.monotonic()

    def report_failure(self, index: VectorIndex) -> None:
        """This index failed a question: it is closed at the next tick, unless another is in its place already."""
        if index is self._index:
            self._failed = index

    @property
    def index(self) -> VectorIndex | None:
        """The index that answers, together with `pending`; None while there is none that may be relied on."""
        return self._index

    def _run(self) -> None:
        pause = TICK_S
        while not self._stop.is_set():
            if self._succeeds():
                pause = TICK_S
                self._stop.wait(TICK_S)
            else:
                self._stop.wait(pause)
                pause = min(2 * pause, MAX_BACKOFF_S)

    def _succeeds(self) -> bool:
        """Whether a tick went well. Nothing may end the thread: a server would be without its index for life."""
        try:
            self._tick()
        except RetrieverError as error:
            logger.warning("%s", error)
        except Exception:
            logger.exception("the vector index could not follow the record")
        else:
            return True
        self._give_up_index()
        return False

    def _tick(self) -> None:
        failed, self._failed = self._failed, None
        if failed is not None and failed is self._index:
            self._give_up_index()
        if self._keeper is None:
            self._keeper = self._make_keeper()
        if self._keeper.index is None and not self._keeper.open("a server"):
            return
        if self._keeper.is_to_erase() or self._is_worth_rebuilding(self._keeper):
            # Meanwhile the record's own embeddings are searched, so that nothing new is missed.
            self._index = None
            self._keeper.rebuild()
        self._refresh(self._keeper)
        # Only now: an index is worth nothing to a question that does not know what it lacks.
        self._index = self._keeper.index
        self._drain(self._keeper)

    def _drain(self, keeper: IndexKeeper) -> None:
        """A little at a time while somebody asks; until nothing waits while nobody does."""
        if self._is_asked():
            if time.monotonic() - self._drained_at > GENTLE_PAUSE_S:
                self._drain_some(keeper, GENTLE_BATCH)
            return
        while self._drain_some(keeper, BATCH) and not self._is_asked() and self._failed is None:
            if self._stop.wait(BREATH_S):
                return

    def _drain_some(self, keeper: IndexKeeper, limit: int) -> bool:
        """Whether anything moved into the index."""
        self._drained_at = time.monotonic()
        applied = keeper.drain(limit)
        if applied:
            self._has_changed = True
            self._refresh(keeper)
        return applied > 0

    def _is_worth_rebuilding(self, keeper: IndexKeeper) -> bool:
        """Asked once after each change, when nobody has asked anything for a while: it takes all of the machine."""
        if not self._has_changed or time.monotonic() - self._asked_at < QUIET_S:
            return False
        self._has_changed = False
        return keeper.is_bloated()

    def _is_asked(self) -> bool:
        return time.monotonic() - self._asked_at <= GENTLE_PAUSE_S

    def _refresh(self, keeper: IndexKeeper) -> None:
        if keeper.generation is not None:
            self.pending.refresh(keeper.generation)

    def _give_up_index(self) -> None:
        """An index that fails is closed, and the next tick builds a new one."""
        self._index = None
        if self._keeper is not None:
            self._keeper.distrust()
            self._keeper = None
