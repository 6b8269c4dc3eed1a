"""What people put right and say about what is in a memory; kept apart from what was read, so every ingest leaves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retriever.errors import NotFound
from retriever.lesson import Document, Filters, Lesson, Page

if TYPE_CHECKING:
    from retriever.memory import Memory


class Correcting:
    """Corrections and feedback in one memory. `by` is the name of the token, `voice` whoever has one say."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._remarks = memory.record.remarks

    def lesson(self, lesson_id: str) -> Lesson:
        """The lesson with that id, hidden or not. Raises NotFound."""
        return self._memory.record.library.any_lesson(lesson_id)

    def hidden_of(self, document_id: str) -> tuple[Lesson, ...]:
        """The document's hidden lessons in the order in which they stand in it."""
        return self._memory.record.library.lessons_of(document_id, hidden=True)

    def marked(self, mark: str, filters: Filters, *, limit: int, after: str | None) -> Page[tuple[Lesson, Document]]:
        """The lessons that people marked "pinned" or "hidden", with their documents, newest document first."""
        return self._memory.record.library.browse_lessons(filters, limit=limit, after=after, marked=mark)

    def remark(self, lesson_id: str, changes: Mapping[str, Any], *, by: str = "") -> Lesson:
        """The lesson, of which some of hidden, pinned, owner and review_on were changed; None clears the last two.

        Raises NotFound.
        """
        return self._remarks.remark(lesson_id, changes, by=by)

    def mend(self, document_id: str, changes: Mapping[str, str | None], *, by: str = "") -> Document:
        """The document, of which some of date, severity, team and owner were mended.

        None gives a field back to what the document says itself. Raises NotFound, and InvalidQuery for what a shared
        lesson says itself.
        """
        self._memory.record.mends.mend(document_id, changes, by=by)
        return self._memory.document(document_id)

    def say(self, lesson_id: str, says: str, voice: str) -> Lesson:
        """The lesson, counting that it happened to this voice too ("me_too"), or what it finds of it.

        That is "helped", "outdated" or "wrong", the newest in place of the last. Saying it again counts once. Raises
        NotFound, also for a hidden lesson.
        """
        self._check_shown(lesson_id)
        return self._remarks.say(lesson_id, says, voice)

    def unsay(self, lesson_id: str, says: str, voice: str) -> Lesson:
        """The lesson, not counting any more that this voice says so. Raises NotFound."""
        return self._remarks.unsay(lesson_id, says, voice)

    def said_by(self, lesson_id: str, voice: str) -> tuple[str, ...]:
        """What this voice says of the lesson, such as ("helped", "me_too")."""
        return self._remarks.said_by(lesson_id, voice)

    def _check_shown(self, lesson_id: str) -> None:
        if self.lesson(lesson_id).remarks.hidden:
            raise NotFound(f"The lesson {lesson_id!r} was hidden: it is kept, and shown no more.")
