"""Files that were read and drafted, on their way into the record: embedded batch by batch while the next are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ingest.drafts import Drafted
from ingest.embedding import embedded, known_rows, read_texts
from retriever.record.draft import FileReading, Outcome

if TYPE_CHECKING:
    from types import TracebackType

    from retriever.embedder import Embedder
    from retriever.encoded import Encoded
    from retriever.record import Record
    from retriever.record.rows import Source


class Target(Protocol):
    """What an ingest needs of a memory; opening the model is put off until a text needs it."""

    @property
    def record(self) -> Record:
        """Where everything ends up."""

    @property
    def embedder(self) -> Embedder:
        """The model, loaded on first use."""

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint, known without loading it."""

    def follow(self) -> None:
        """Bring the vector index up to date, if no other process does."""


# Texts that go through the model together: enough to sort by length, few enough to lose little when interrupted.
BATCH_TEXTS = 256
BATCH_FILES = 64


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that was read and drafted and waits for its embeddings.

    `based_on` is {part: checksum} of the stored texts that it was drafted from, where it was.
    """

    reading: FileReading
    drafted: tuple[Drafted, ...]
    based_on: Mapping[str, str] | None = None

    def plains(self) -> dict[str, str]:
        """{digest: plain text} of everything in it that needs an embedding."""
        return {digest: text for item in self.drafted for digest, text in item.draft.plains.items()}


@dataclass(frozen=True, slots=True)
class _Batch:
    """Files whose texts are going through the model; `known` holds the embeddings that the record had already."""

    files: Sequence[Prepared]
    known: dict[str, Any] = field(repr=False)
    new: int
    made: Future[dict[str, Encoded]] | None


class Commits:
    """Records files in the order in which they are added, each in a transaction of its own.

    One batch is in the model while the caller prepares the next. Leaving the block records all that was added; after
    an error only what was in the model, and after one of its own nothing more. `outcome` tells what came of it, and
    `embedded` how many texts went through the model.
    """

    def __init__(self, target: Target, source: Source) -> None:
        self._target = target
        self._source = source
        self._pool = ThreadPoolExecutor(1, "embedding-batches")
        self._waiting: list[Prepared] = []
        self._texts = 0
        self._under_way: _Batch | None = None
        self.outcome = Outcome()
        self.embedded = 0

    def __enter__(self) -> Commits:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._pool:
            if kind is None:
                self._start()
            self._record()

    def add(self, item: Prepared) -> None:
        """The file is recorded sooner or later; an earlier one may be at this moment."""
        self._waiting.append(item)
        self._texts += len(item.plains())
        if self._texts >= BATCH_TEXTS or len(self._waiting) >= BATCH_FILES:
            self._start()

    def _start(self) -> None:
        """What waits goes into the model, and what was in it into the record."""
        files, self._waiting, self._texts = self._waiting, [], 0
        if not files:
            return
        record, fingerprint = self._target.record, self._target.fingerprint
        known: dict[str, Any] = {}
        for item in files:
            known |= known_rows(record.files.known_embeddings(self._source, item.reading.path, fingerprint))
        plains = {digest: text for item in files for digest, text in item.plains().items() if digest not in known}
        made = self._pool.submit(read_texts, plains, self._target.embedder) if plains else None
        self._record()
        self._under_way = _Batch(files, known, len(plains), made)

    def _record(self) -> None:
        batch, self._under_way = self._under_way, None
        if batch is None:
            return
        read = batch.made.result() if batch.made is not None else {}
        self.embedded += batch.new
        embedder = self._target.embedder
        for item in batch.files:
            drafts = [(each.draft, embedded(each.draft, read, embedder, batch.known)) for each in item.drafted]
            self.outcome += self._target.record.files.record_file(self._source, item.reading, drafts, item.based_on)
