"""The reading half of the record: documents, lessons and passages by id, by path, by filter, and how many there are."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from typing import Any

from retriever.errors import InvalidQuery, NotFound
from retriever.lesson import NO_FILTERS, Document, Filters, Lesson, Page, Passage
from retriever.record.checksums import RAW_TEXT, text_of
from retriever.record.conditions import document_condition, lesson_condition
from retriever.record.database import Database
from retriever.record.kept import Kept, content_version
from retriever.record.rows import (
    DOCUMENT_COLUMNS,
    LESSON_COLUMNS,
    SPAN_COLUMNS,
    document_from_row,
    lesson_from_row,
    passage_from_row,
)

_DOCUMENTS = "documents d JOIN sources s ON s.key = d.source"

# Facets of so many different filters are kept while nothing changes: each counts over all lessons.
KEPT_FACETS = 64

_COUNTED = {
    "documents": "documents",
    "lessons": f"lessons l WHERE {lesson_condition(NO_FILTERS)[0]}",
    "passages": "passages",
    "sources": "sources",
}

# A document without a date comes after all that have one; SQL compares '' as smaller than any date.
_NEWEST_FIRST = "coalesce(d.date, '') DESC, d.id"


class Library:
    """Everything there is to read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._facets: Kept[dict[str, tuple[tuple[str, int], ...]]] = Kept(KEPT_FACETS)

    def document(self, reference: str) -> Document:
        """The document with that id or path, text included. Raises NotFound, also when several have that path."""
        query = f"SELECT {DOCUMENT_COLUMNS}, {RAW_TEXT} FROM {_DOCUMENTS} WHERE d.{{}} = ? ORDER BY d.key"
        with self._database.read() as connection:
            rows = connection.execute(query.format("id"), (reference,)).fetchall()
            rows = rows or connection.execute(query.format("path"), (reference,)).fetchall()
        if not rows:
            raise NotFound(
                f"There is no document with the id or path {reference!r}. `lessons status` lists the sources."
            )
        if len(rows) > 1:
            ids = ", ".join(f"{row['id']} ({row['part'] or row['source']})" for row in rows[:20])
            raise NotFound(f"{len(rows)} documents have the path {reference!r}; give one of their ids: {ids}.")
        return document_from_row(rows[0], text_of(rows[0]))

    def lesson(self, lesson_id: str) -> Lesson:
        """The lesson with that id. Raises NotFound, and says so when it was there once or was hidden."""
        with self._database.read() as connection:
            lesson = any_lesson(connection, lesson_id)
        if lesson.remarks.hidden:
            raise NotFound(f"The lesson {lesson_id!r} was hidden: it is kept, and shown no more.")
        return lesson

    def any_lesson(self, lesson_id: str) -> Lesson:
        """The lesson with that id, hidden or not. Raises NotFound."""
        with self._database.read() as connection:
            return any_lesson(connection, lesson_id)

    def lessons_of(self, document_id: str, *, hidden: bool = False) -> tuple[Lesson, ...]:
        """The document's lessons in the order in which they stand in it; or those that were hidden."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"""SELECT {LESSON_COLUMNS} FROM lessons l JOIN documents d ON d.key = l.document
                    WHERE d.id = ? ORDER BY l.number""",
                (document_id,),
            ).fetchall()
        lessons = (lesson_from_row(row, document_id) for row in rows)
        return tuple(lesson for lesson in lessons if lesson.remarks.hidden == hidden)

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """The document's passages in order; the first is number 1."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT p.start, p.end, p.section FROM passages p JOIN documents d ON d.key = p.document
                   WHERE d.id = ? ORDER BY p.number""",
                (document_id,),
            ).fetchall()
        return tuple(passage_from_row(row) for row in rows)

    def browse_documents(self, filters: Filters, *, limit: int, after: str | None) -> Page[Document]:
        """Documents, newest first, those without a date last."""
        condition, values = document_condition(filters)
        lesson_part, lesson_values = lesson_condition(filters)
        if lesson_values:
            condition += f" AND EXISTS (SELECT 1 FROM lessons l WHERE l.document = d.key AND {lesson_part})"
        date, identity = _decode(after, (str, str)) if after else ("9999", "")
        with self._database.read() as connection:
            rows = connection.execute(
                f"""SELECT {DOCUMENT_COLUMNS} FROM {_DOCUMENTS} WHERE {condition}
                    AND (coalesce(d.date, '') < ? OR (coalesce(d.date, '') = ? AND d.id > ?))
                    ORDER BY {_NEWEST_FIRST} LIMIT ?""",
                (*values, *lesson_values, date, date, identity, limit + 1),
            ).fetchall()
        following = _encode(rows[limit - 1]["date"] or "", rows[limit - 1]["id"]) if len(rows) > limit else None
        return Page(tuple(document_from_row(row) for row in rows[:limit]), following)

    def browse_lessons(
        self, filters: Filters, *, limit: int, after: str | None, marked: str | None = None
    ) -> Page[tuple[Lesson, Document]]:
        """Lessons with their documents: newest document first, within one in its own order.

        With `marked`, only those that people marked so: "pinned", or "hidden", which are in no other list.
        """
        condition, values = document_condition(filters)
        lesson_part, lesson_values = lesson_condition(filters, marked)
        date, identity, number = _decode(after, (str, str, int)) if after else ("9999", "", 0)
        with self._database.read() as connection:
            rows = connection.execute(
                f"""SELECT {DOCUMENT_COLUMNS}, l.number AS lesson_number, l.id AS lesson_id FROM {_DOCUMENTS}
                    JOIN lessons l ON l.document = d.key WHERE {condition} AND {lesson_part}
                    AND (coalesce(d.date, '') < ? OR (coalesce(d.date, '') = ?
                        AND (d.id > ? OR (d.id = ? AND l.number > ?))))
                    ORDER BY {_NEWEST_FIRST}, l.number LIMIT ?""",
                (*values, *lesson_values, date, date, identity, identity, number, limit + 1),
            ).fetchall()
            items = tuple(
                (self._lesson_row(connection, row["lesson_id"], row["id"]), document_from_row(row))
                for row in rows[:limit]
            )
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(items, _encode(last["date"] or "", last["id"], last["lesson_number"]) if last else None)

    def facets(self, filters: Filters) -> dict[str, tuple[tuple[str, int], ...]]:
        """{field: (value, how many)} by (-count, value): documents for tag, team, severity; lessons for the others."""
        condition, values = document_condition(filters)
        lesson_part, lesson_values = lesson_condition(filters)
        with_lesson = f"EXISTS (SELECT 1 FROM lessons l WHERE l.document = d.key AND {lesson_part})"
        documents = f"{condition} AND {with_lesson}" if lesson_values else condition
        queries = {
            "tag": (f"document_tags t JOIN documents d ON d.key = t.document WHERE {documents}", "t.tag"),
            "team": (f"documents d WHERE {documents}", "d.team"),
            "severity": (f"documents d WHERE {documents}", "d.severity"),
            "kind": (_lessons_where(condition, lesson_part), "l.kind"),
            "polarity": (_lessons_where(condition, lesson_part), "l.polarity"),
        }
        with self._database.read() as connection:
            version = content_version(connection)
            known = self._facets.get(version, filters)
            if known is not None:
                return known
            found = {
                name: tuple(
                    (row[0], row[1])
                    for row in connection.execute(
                        f"""SELECT {column}, count(*) FROM {where} AND {column} IS NOT NULL
                            GROUP BY 1 ORDER BY 2 DESC, 1""",
                        (*values, *lesson_values),
                    )
                )
                for name, (where, column) in queries.items()
            }
        self._facets.put(version, filters, found)
        return found

    def counts(self) -> dict[str, int]:
        """How many documents, lessons, passages and sources there are."""
        with self._database.read() as connection:
            return {
                name: int(connection.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])
                for name, rows in _COUNTED.items()
            }

    def _lesson_row(self, connection: sqlite3.Connection, lesson_id: str, document_id: str) -> Lesson:
        row = connection.execute(f"SELECT {LESSON_COLUMNS} FROM lessons l WHERE l.id = ?", (lesson_id,)).fetchone()
        return lesson_from_row(row, document_id)


def any_lesson(connection: sqlite3.Connection, lesson_id: str) -> Lesson:
    """The lesson with that id, hidden or not. Raises NotFound, and says so when it was there once."""
    row = connection.execute(
        f"""SELECT {SPAN_COLUMNS}, d.id AS document_id, d.path, {RAW_TEXT} FROM lessons l
            JOIN documents d ON d.key = l.document WHERE l.id = ?""",
        (lesson_id,),
    ).fetchone()
    if row is not None:
        return lesson_from_row(row, row["document_id"], text_of(row))
    gone = connection.execute("SELECT gone_at FROM tombstones WHERE lesson_id = ?", (lesson_id,)).fetchone()
    if gone is not None:
        raise NotFound(f"The lesson {lesson_id!r} is no longer in its document; it was last there {gone[0]}.")
    raise NotFound(f"There is no lesson with the id {lesson_id!r}.")


def _lessons_where(condition: str, lesson_part: str) -> str:
    if condition == "1":
        return f"lessons l WHERE {lesson_part}"
    return f"documents d JOIN lessons l ON l.document = d.key WHERE {condition} AND {lesson_part}"


def _encode(*values: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _decode(cursor: str, types: tuple[type, ...]) -> Any:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise _bad_cursor(cursor) from error
    if not isinstance(values, list) or [type(value) for value in values] != list(types):
        raise _bad_cursor(cursor)
    return values


def _bad_cursor(cursor: str) -> InvalidQuery:
    return InvalidQuery(f"{cursor[:80]!r} is no cursor of ours; take `next` from the page before.", "after")
