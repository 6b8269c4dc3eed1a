"""What was learned lately: lessons by when they came or changed, as the log of events tells it."""

from __future__ import annotations

from retriever.lesson import Document, Filters, Lesson
from retriever.record.conditions import document_condition, lesson_condition
from retriever.record.database import Database
from retriever.record.rows import DOCUMENT_COLUMNS, LESSON_COLUMNS, document_from_row, lesson_from_row

# A lesson's newest event of these is when it was last news; each lesson once.
_NEWEST = """e.type IN ('lesson.created', 'lesson.changed') AND e.seq = (SELECT max(seq) FROM events
    WHERE lesson_id = e.lesson_id AND type IN ('lesson.created', 'lesson.changed'))"""


class News:
    """The newest lessons."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, filters: Filters, limit: int) -> tuple[tuple[Lesson, Document, str], ...]:
        """(lesson, its document, when it came or last changed: UTC, RFC 3339), newest first."""
        condition, values = document_condition(filters)
        lesson_part, lesson_values = lesson_condition(filters)
        with self._database.read() as connection:
            found = connection.execute(
                f"""SELECT l.key AS lesson, d.key AS document, e.at FROM events e
                    JOIN lessons l ON l.id = e.lesson_id JOIN documents d ON d.key = l.document
                    WHERE {_NEWEST} AND {condition} AND {lesson_part} ORDER BY e.seq DESC LIMIT ?""",
                (*values, *lesson_values, limit),
            ).fetchall()
            news = []
            for row in found:
                document = document_from_row(
                    connection.execute(
                        f"SELECT {DOCUMENT_COLUMNS} FROM documents d JOIN sources s ON s.key = d.source "
                        "WHERE d.key = ?",
                        (row["document"],),
                    ).fetchone()
                )
                lesson = connection.execute(
                    f"SELECT {LESSON_COLUMNS} FROM lessons l WHERE l.key = ?", (row["lesson"],)
                ).fetchone()
                news.append((lesson_from_row(lesson, document.id), document, row["at"]))
        return tuple(news)
