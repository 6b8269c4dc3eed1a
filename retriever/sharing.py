"""What people add to a memory by hand: a lesson told, reworded, withdrawn. Durable once a method returns.

The text becomes a document by a `Scribe`, which is passed in: how documents are made is ingest's, and the core
never imports it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from retriever.errors import InvalidQuery
from retriever.lesson import KINDS, Document, Filters, Hit, Lesson, digest
from retriever.record.shares import Request, StoredShare
from retriever.share import Share

if TYPE_CHECKING:
    from retriever.embedder import Embedder
    from retriever.memory import Memory
    from retriever.record.draft import PreparedShare


# Characters of what is being told that are compared with what there is.
MAX_COMPARED_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that somebody sends: its bytes, its path in a source, and whether `more` of the source follow at once.

    `moved_from` is the path it had before; `columns` gives roles to a table's columns, as `lessons ingest` takes them.
    """

    source: str
    path: str
    content: bytes = field(repr=False)
    url_template: str | None = None
    more: bool = False
    moved_from: str | None = None
    columns: str | None = None


class Scribe(Protocol):
    """Makes documents of what people tell and send."""

    def redact(self, text: str) -> str:
        """The text without secrets and mail addresses."""

    def prepare(self, share: Share, identity: str, embedder: Embedder) -> PreparedShare:
        """The share as it may be stored, with the document that is made of it; `identity` is its lesson's id."""

    def read(self, memory: Memory, sent: SentFile) -> dict[str, Any]:
        """What came of the file, which the memory now holds, as JSON: its row of an ingest's report."""

    def list_files(self, memory: Memory, source: str, *, columns: str | None, limit: int, after: str | None) -> Any:
        """The files of a source as they were last read, a page of them, as JSON."""

    def finish(self, memory: Memory, source: str, gone: Sequence[str], *, more: bool) -> dict[str, Any]:
        """What changed when those that are `gone` were removed and, without `more`, all had come, as JSON."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared lesson as it now stands; `redacted` counts what was taken out of it, by rule.

    `is_new` is False when it had been shared already by the same request.
    """

    lesson: Lesson
    document: Document
    share: Share
    redacted: tuple[tuple[str, int], ...] = ()
    is_new: bool = True


class Sharing:
    """The shared lessons of one memory."""

    def __init__(self, memory: Memory, scribe: Scribe) -> None:
        self._memory = memory
        self._scribe = scribe

    def share(self, share: Share, *, by: str = "", key: str = "") -> Shared:
        """The lesson as it was recorded. `by` is the token's name, `key` what makes a repeated request one.

        Raises KeyReused when the key was given to another request before.
        """
        request = _request(share, by, key)
        known = self._memory.record.shares.known_request(request) if request else None
        if known is not None:
            return replace(self.shared(known), is_new=False)
        identity = secrets.token_hex(8)
        prepared = self._scribe.prepare(share, identity, self._memory.embedder)
        recorded = self._memory.record.shares.add(identity, prepared, by=by, request=request)
        self._memory.follow()
        if recorded != identity:
            return replace(self.shared(recorded), is_new=False)
        return replace(self.shared(recorded), redacted=prepared.redacted)

    def preview(self, share: Share) -> PreparedShare:
        """The share as it would be stored; nothing is."""
        return self._scribe.prepare(share, secrets.token_hex(8), self._memory.embedder)

    def similar(self, told: str, k: int = 3) -> tuple[Hit, ...]:
        """Lessons that somebody has learned already and that are like what is being told, the nearest first.

        Only what the verdict lets pass: that there are none says that nobody told it before.
        """
        query = told.strip()[:MAX_COMPARED_CHARS]
        if not query:
            return ()
        # Lessons of any kind: the story told around one is not what is compared.
        answer = self._memory.ask(query, k=k, per_document=1, filters=Filters(kind=KINDS))
        return () if answer.answered is False else answer.hits

    def edit(self, lesson_id: str, changes: Mapping[str, Any], *, by: str = "") -> Shared:
        """The shared lesson with these fields changed; None clears one. The other lesson of a share names it too.

        Raises NotFound, and InvalidQuery for a lesson that nobody told by hand.
        """
        while True:
            known = self._known(lesson_id)
            told = {**known.share.as_json(), **changes}
            if not told["learned"]:
                raise InvalidQuery("Say what was learned; or withdraw the lesson.", "learned")
            wanted = Share.of(told)
            prepared = self._scribe.prepare(wanted, known.id, self._memory.embedder)
            # Somebody else may have reworded it meanwhile: then these changes are made to what they wrote.
            if self._memory.record.shares.change(known, prepared, by=by):
                self._memory.follow()
                return replace(self.shared(known.id), redacted=prepared.redacted)

    def withdraw(self, lesson_id: str) -> None:
        """The shared lesson, its document and what to do next time are gone for good. Raises as `edit` does."""
        self._memory.forget(self._known(lesson_id).document_id)

    def shared(self, lesson_id: str) -> Shared:
        """The shared lesson with what was told. Raises as `edit` does."""
        known = self._known(lesson_id)
        lesson = self._memory.record.library.any_lesson(known.id)
        return Shared(lesson, self._memory.document(known.document_id), known.share)

    def told(self, lesson_id: str) -> Share | None:
        """What a person told, for a lesson of it; None for one that was read from a file or is not there."""
        known = self._memory.record.shares.by_lesson(lesson_id)
        return known.share if known else None

    def upload(self, sent: SentFile) -> dict[str, Any]:
        """What came of a file that was sent, as JSON; a file that cannot be read says why.

        Raises InvalidQuery, naming the field, for a path or a source that no sent file can have.
        """
        return self._scribe.read(self._memory, sent)

    def files(self, source: str, *, columns: str | None, limit: int, after: str | None) -> Any:
        """The files of a source as they were last read, a page of them, as JSON. Raises as `upload` does."""
        return self._scribe.list_files(self._memory, source, columns=columns, limit=limit, after=after)

    def finish(self, source: str, gone: Sequence[str], *, more: bool) -> dict[str, Any]:
        """What changed when files had gone and, without `more`, all had come, as JSON. Raises as `upload` does."""
        return self._scribe.finish(self._memory, source, gone, more=more)

    def _known(self, lesson_id: str) -> StoredShare:
        known = self._memory.record.shares.by_lesson(lesson_id)
        if known is None:
            lesson = self._memory.lesson(lesson_id)
            raise InvalidQuery(
                f"The lesson {lesson.id!r} was read from a document: its words are mended there. Hide it, or share a "
                "better one.",
                "learned",
            )
        return known


def _request(share: Share, by: str, key: str) -> Request | None:
    return Request(by, key, digest(json.dumps(share.as_json(), sort_keys=True))) if key else None
