"""What people say about lessons: hidden, pinned, whose they are, when to look again; and who found what of use."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from retriever.lesson import VERDICTS, Lesson
from retriever.record.database import Database
from retriever.record.events import log_event
from retriever.record.library import any_lesson
from retriever.record.rows import moment


class RemarkStore:
    """Remarks by lesson id, so that they outlive every ingest, also one in which the lesson is not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remark(self, lesson_id: str, changes: Mapping[str, Any], *, by: str = "") -> Lesson:
        """The lesson with these remarks of it changed: hidden, pinned, owner, review_on. Raises NotFound."""
        with self._database.write() as connection:
            lesson = any_lesson(connection, lesson_id)
            _ensure(connection, lesson_id)
            for field, value in changes.items():
                assert field in ("hidden", "pinned", "owner", "review_on")
                connection.execute(f"UPDATE remarks SET {field} = ? WHERE lesson_id = ?", (value, lesson_id))
            after = any_lesson(connection, lesson_id)
            if after.remarks != lesson.remarks:
                is_hidden_now = after.remarks.hidden and not lesson.remarks.hidden
                kind = "lesson.withdrawn" if is_hidden_now else "lesson.changed"
                log_event(connection, kind, lesson.document_id, lesson_id, by=by, remarks=sorted(changes))
        return after

    def say(self, lesson_id: str, says: str, voice: str) -> Lesson:
        """The lesson, counting that this voice says so: "me_too", or one of VERDICTS in place of its last one.

        Saying it again counts once. Raises NotFound.
        """
        with self._database.write() as connection:
            lesson = any_lesson(connection, lesson_id)
            if _says(connection, lesson_id, voice, says):
                return lesson
            if says in VERDICTS:
                _silence(connection, lesson_id, voice, VERDICTS)
            connection.execute(
                "INSERT INTO voices (lesson_id, voice, says, at) VALUES (?, ?, ?, ?)",
                (lesson_id, voice, says, moment()),
            )
            _count(connection, lesson_id)
            if says in ("helped", "me_too"):
                log_event(connection, "lesson.helped", lesson.document_id, lesson_id, says=says)
            return any_lesson(connection, lesson_id)

    def unsay(self, lesson_id: str, says: str, voice: str) -> Lesson:
        """The lesson, not counting any more that this voice says so. Raises NotFound."""
        with self._database.write() as connection:
            any_lesson(connection, lesson_id)
            _silence(connection, lesson_id, voice, (says,))
            _count(connection, lesson_id)
            return any_lesson(connection, lesson_id)

    def said_by(self, lesson_id: str, voice: str) -> tuple[str, ...]:
        """What this voice says of the lesson."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT says FROM voices WHERE lesson_id = ? AND voice = ? ORDER BY says", (lesson_id, voice)
            ).fetchall()
        return tuple(row[0] for row in rows)


def forget_remarks(connection: sqlite3.Connection, document_id: str) -> None:
    """Nothing is left of what people said about the document's lessons, and mended about itself."""
    for table in ("remarks", "voices"):
        connection.execute(
            f"""DELETE FROM {table} WHERE lesson_id IN
                (SELECT lesson_id FROM tombstones WHERE document_id = ?1
                 UNION SELECT l.id FROM lessons l JOIN documents d ON d.key = l.document WHERE d.id = ?1)""",
            (document_id,),
        )
    connection.execute("DELETE FROM mends WHERE document_id = ?", (document_id,))


def _ensure(connection: sqlite3.Connection, lesson_id: str) -> None:
    connection.execute("INSERT OR IGNORE INTO remarks (lesson_id) VALUES (?)", (lesson_id,))


def _says(connection: sqlite3.Connection, lesson_id: str, voice: str, says: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM voices WHERE lesson_id = ? AND voice = ? AND says = ?", (lesson_id, voice, says)
    )
    return found.fetchone() is not None


def _silence(connection: sqlite3.Connection, lesson_id: str, voice: str, says: tuple[str, ...]) -> None:
    connection.executemany(
        "DELETE FROM voices WHERE lesson_id = ? AND voice = ? AND says = ?", [(lesson_id, voice, word) for word in says]
    )


def _count(connection: sqlite3.Connection, lesson_id: str) -> None:
    _ensure(connection, lesson_id)
    for says in ("me_too", *VERDICTS):
        connection.execute(
            f"""UPDATE remarks SET {says} = (SELECT count(*) FROM voices WHERE lesson_id = ?1 AND says = ?2)
                WHERE lesson_id = ?1""",
            (lesson_id, says),
        )
