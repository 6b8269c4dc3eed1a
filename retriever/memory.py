"""`Memory.open(home)`: the one place that builds and owns record, embedder, vector index and locks."""

from __future__ import annotations

import functools
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retriever.config import Settings
from retriever.embedder import find_model, open_embedder
from retriever.errors import HomeBusy, ModelError, NotFound, RetrieverError, StoreError
from retriever.lesson import NO_FILTERS, Answer, Document, Filters, Lesson, Page, Passage
from retriever.locks import SERVER_LOCK, ProcessLock
from retriever.record import FILE_NAME, Record
from retriever.search import Search

if TYPE_CHECKING:
    from types import TracebackType

    from retriever.embedder import Embedder
    from retriever.follow import IndexKeeper
    from retriever.follower import Follower
    from retriever.record.draft import Outcome
    from retriever.scopes import Holder

logger = logging.getLogger(__name__)

# How search names a text that is no stated lesson: by its place.
_EVIDENCE = re.compile(r"(?P<document>[0-9a-f]{16}):(?P<start>\d{1,12})-(?P<end>\d{1,12})")

# How long a model that could not be opened is left alone.
MODEL_RETRY_S = 60.0

# Who looks whether a server runs holds its lock for a moment; a server that starts just then waits for that.
_LOOKED_FOR_S = 0.5


class Memory:
    """The memory of an organization: ask it, read in it, and hand it to an ingest."""

    def __init__(self, settings: Settings, record: Record) -> None:
        self.settings = settings
        self.record = record
        self._follower: Follower | None = None
        self._search: Search | None = None
        self._serving = ProcessLock(settings.home / SERVER_LOCK)
        self._guard = threading.Lock()
        self._opening = threading.Lock()
        self._model_failed_at = -MODEL_RETRY_S

    @classmethod
    def open(cls, settings: Settings, *, create: bool = False) -> Memory:
        """The memory in `settings.home`. Raises StoreError when there is none, unless it is to be made."""
        home = settings.home
        if not (home / FILE_NAME).exists():
            from retriever.home import check_vacant, make_home

            if not create:
                check_vacant(home)
                raise StoreError(
                    f"There is no memory in {home} yet. Fill one with `lessons ingest PATH`, "
                    "or look at an example with `lessons demo`."
                )
            make_home(home)
        return cls(settings, Record(home))

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @functools.cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the model in use, found without loading it."""
        return find_model(self.settings.model, self.settings.models).fingerprint

    @functools.cached_property
    def embedder(self) -> Embedder:
        """The model in use, loaded on first use."""
        settings = self.settings
        return open_embedder(settings.model, settings.models, settings.threads, settings.precision)

    def ask(
        self, query: str, *, k: int | None = None, per_document: int | None = None, filters: Filters = NO_FILTERS
    ) -> Answer:
        """The best lessons for `query` and the verdict over them. Raises InvalidQuery, naming the field at fault."""
        started = time.perf_counter()
        answer = self.search.answer(
            query,
            k=self.settings.k if k is None else k,
            per_document=self.settings.per_document if per_document is None else per_document,
            filters=filters,
        )
        return answer.timed((time.perf_counter() - started) * 1000)

    @property
    def search(self) -> Search:
        """What answers; made on first use."""
        from retriever.cross_encoder import lazily

        with self._guard:
            if self._search is None:
                self._search = Search(self.record, self.model_or_none, lazily(self.settings.reranker))
            return self._search

    def document(self, reference: str) -> Document:
        """The document with that id or path, text included. Raises NotFound."""
        return self.record.library.document(reference)

    def lessons_of(self, document_id: str) -> tuple[Lesson, ...]:
        """The document's lessons in the order in which they stand in it."""
        return self.record.library.lessons_of(document_id)

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """The document's passages in order; the first is number 1."""
        return self.record.library.passages_of(document_id)

    def lesson(self, lesson_id: str) -> Lesson:
        """The lesson with that id. Raises NotFound."""
        return self.record.library.lesson(lesson_id)

    def browse_lessons(self, filters: Filters, *, limit: int, after: str | None) -> Page[tuple[Lesson, Document]]:
        """Lessons with their documents, newest document first."""
        return self.record.library.browse_lessons(filters, limit=limit, after=after)

    def browse_documents(self, filters: Filters, *, limit: int, after: str | None) -> Page[Document]:
        """Documents, newest first, those without a date last."""
        return self.record.library.browse_documents(filters, limit=limit, after=after)

    def facets(self, filters: Filters = NO_FILTERS) -> dict[str, tuple[tuple[str, int], ...]]:
        """{field: (value, how many)} over what the filters leave, most frequent first."""
        return self.record.library.facets(filters)

    def counts(self) -> dict[str, int]:
        """How many documents, lessons, passages and sources there are."""
        return self.record.library.counts()

    def show(self, reference: str) -> tuple[Document, tuple[Lesson, ...], Lesson | None]:
        """(document, its lessons, the lesson asked for) for a lesson's id, or a document's id or path (then None).

        The id of a text that is no stated lesson, as answers give it, works too. Raises NotFound.
        """
        named = _EVIDENCE.fullmatch(reference)
        if named:
            document = self.document(named["document"])
            start, end = int(named["start"]), int(named["end"])
            text = document.text[start:end]
            asked = Lesson(reference, document.id, text, start, start + len(text), stated=False)
            return document, self.lessons_of(document.id), asked
        try:
            lesson = self.lesson(reference)
        except NotFound as unknown:
            try:
                document = self.document(reference)
            except NotFound as error:
                # A lesson that was there once says more than a document that never was.
                raise (unknown if "no longer" in str(unknown) else error) from None
            return document, self.lessons_of(document.id), None
        return self.document(lesson.document_id), self.lessons_of(lesson.document_id), lesson

    def status(self) -> dict[str, Any]:
        """What is in the memory: counts, and each source with the report of its last ingest."""
        return {
            "home": str(self.settings.home),
            "counts": self.counts(),
            "sources": [
                {"name": source.name, "root": source.root, "ingested_at": source.ingested_at, "report": source.report}
                for source in self.record.files.sources()
            ],
        }

    def forget(self, document_id: str) -> Outcome:
        """The document and its lessons are gone for good: no file of the home holds their words any more.

        A server that has the vector index open builds it anew within seconds. Raises NotFound, and StoreError when the
        rows are gone but the disk could not be cleaned; then the next ingest or server does that.
        """
        outcome = self.record.erasure.forget(document_id)
        self._erase()
        return outcome

    def forget_leftovers(self) -> None:
        """Whatever was removed or edited out before leaves the disk too, with all copies of the record in the home."""
        self.record.erasure.forget_leftovers()
        self._erase()

    def _erase(self) -> None:
        from retriever.erasing import clean_disk, drop_index

        clean_disk(self.record)
        try:
            self.follow()
        except ModelError:
            drop_index(self.settings.home, self.record)

    def token_holder(self, digest: str) -> Holder | None:
        """Whose access token has this digest, None when it is nobody's."""
        return self.record.tokens.holder(digest)

    def has_tokens(self) -> bool:
        """Whether any access token exists."""
        return bool(self.record.tokens.names())

    def follow(self) -> None:
        """Applies the change log to the vector index, unless a server or another ingest is doing so."""
        from retriever.erasing import clean_disk_quietly, is_behind

        clean_disk_quietly(self.record)
        if self._follower is not None or not is_behind(self.record):
            return
        keeper = self.keeper()
        while is_behind(self.record) and keeper.open("an ingest"):
            try:
                keeper.drain()
                if keeper.is_bloated():
                    keeper.rebuild()
            finally:
                keeper.close()

    def keeper(self) -> IndexKeeper:
        """A keeper of this memory's vector index, not open yet."""
        from retriever.follow import IndexKeeper

        return IndexKeeper(self.settings.home, self.record, self.fingerprint, self.embedder.dim)

    def reindex(
        self,
        embed: Callable[[], object] = lambda: None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """A new generation of the vector index answers, built from the stored embeddings of the model in use.

        `embed` is called until that model has embedded every document, with the index's lock held, so that hours of
        it are not spent in vain beside a running server. Raises IndexUnavailable when somebody else has the index.
        """
        keeper = self.keeper()
        try:
            keeper.claim("lessons reindex")
            if self.record.soundness.damaged_words():
                self.record.soundness.mend_words()
            embed()
            while not self.record.embeddings.adopt(self.fingerprint):
                embed()
            keeper.rebuild(progress)
            keeper.drain()
        finally:
            keeper.close()

    def start_following(self) -> None:
        """From now on a background thread keeps the vector index up to date and answers use it.

        Raises HomeBusy when another server serves this home, RecordDamaged when the record fails SQLite's check.
        """
        if self._follower is None:
            says = f"a server on {self.settings.host}, port {self.settings.port}"
            if not self._serving.acquire(says, wait_s=_LOOKED_FOR_S):
                raise HomeBusy(
                    f"The memory in {self.settings.home} is being served already, by {self._serving.holder()}. "
                    "Stop that one first, or choose another --home."
                )
            from retriever.erasing import clean_disk_quietly
            from retriever.follower import Follower

            self.record.soundness.require()
            clean_disk_quietly(self.record)
            self._follower = Follower(self.keeper, self.record.changes)
            self.search.use_index(self._follower)
            self._follower.start()

    def readiness(self) -> tuple[bool, tuple[str, ...]]:
        """Whether answers can be given in full, and if not, what is missing."""
        reasons = []
        if self.model_or_none() is None:
            reasons.append("the embedding model cannot be used; words answer")
        elif self.record.embeddings.model() not in (None, self.fingerprint):
            reasons.append("the memory was embedded by another model; words answer until `lessons reindex`")
        if self._follower is not None and self._follower.index is None:
            reasons.append("the vector index is being opened")
        return not reasons, tuple(reasons)

    def close(self) -> None:
        """Everything is closed and every lock is free."""
        if self._follower is not None:
            self._follower.stop()
            self._follower = None
        self._serving.release()
        if self._search is not None:
            self._search.close()
        self.record.close()

    def model_or_none(self) -> Embedder | None:
        """The model, or None when it cannot be used; one that failed is tried again after a while.

        One thread at a time: opening may export the model, which takes seconds and all cores.
        """
        with self._opening:
            if time.monotonic() < self._model_failed_at + MODEL_RETRY_S:
                return None
            try:
                return self.embedder
            except (RetrieverError, OSError) as error:
                logger.warning("%s", error)
                self._model_failed_at = time.monotonic()
                return None
