"""What might answer a question: documents and lessons by their words, and everything about a few of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TypeVar

from retriever.lesson import Filters
from retriever.record.bundles import Bundle, Bundles
from retriever.record.conditions import document_condition, lesson_condition
from retriever.record.database import Database

__all__ = ["Bundle", "Candidates"]

T = TypeVar("T", int, str)

# SQLite takes more variables in one statement, and gains nothing by them.
MANY = 500

_MATCHES = """SELECT w.rowid AS key, -bm25(document_words, ?, ?, ?, ?) AS score FROM document_words w
    WHERE document_words MATCH ? {} ORDER BY score DESC, w.rowid LIMIT ?"""


class Candidates:
    """The record as search needs it; documents are named by their integer keys here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bundles = Bundles()

    def allowed(self, filters: Filters) -> frozenset[int] | None:
        """Keys of the documents that satisfy the filters; None when nothing is filtered."""
        if not filters:
            return None
        condition, values = document_condition(filters)
        lesson_part, lesson_values = lesson_condition(filters)
        if lesson_values:
            condition += f" AND EXISTS (SELECT 1 FROM lessons l WHERE l.document = d.key AND {lesson_part})"
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT d.key FROM documents d WHERE {condition}", (*values, *lesson_values))
            return frozenset(row[0] for row in rows)

    def size(self) -> tuple[int, float]:
        """(how many documents there are, how many tokens one has on average)."""
        with self._database.read() as connection:
            row = connection.execute("SELECT count(*), avg(tokens) FROM documents").fetchone()
        return int(row[0]), float(row[1] or 0.0)

    def frequencies(self, tokens: Iterable[str]) -> dict[str, int]:
        """{token: how many documents hold it}; 0 for unknown ones."""
        with self._database.read() as connection:
            found = dict.fromkeys(tokens, 0)
            for part in _parts(found):
                query = f"SELECT term, doc FROM document_vocabulary WHERE term IN ({_marks(part)})"
                found.update((row[0], int(row[1])) for row in connection.execute(query, part))
            return found

    def by_words(
        self,
        tokens: Sequence[str],
        weights: tuple[float, float, float, float],
        limit: int,
        allowed: frozenset[int] | None,
    ) -> list[tuple[int, float]]:
        """(document key, BM25, higher is better) of documents that hold any of the tokens, best first.

        `weights` are those of title, labels, headings and body. FTS5's BM25 has k1 1.2 and b .75.
        """
        if not tokens:
            return []
        # Each token in quotes, so that none of them can be FTS5's own syntax.
        match = " OR ".join(f'"{token}"' for token in tokens)
        condition = ""
        values: tuple[str, ...] = ()
        if allowed is not None:
            condition, values = "AND w.rowid IN (SELECT value FROM json_each(?))", (json.dumps(sorted(allowed)),)
        with self._database.read() as connection:
            rows = connection.execute(_MATCHES.format(condition), (*weights, match, *values, limit)).fetchall()
        return [(row["key"], row["score"]) for row in rows]

    def documents_of(self, unit: str, keys: Iterable[int]) -> dict[int, int]:
        """{passage or lesson key: its document's key}; keys that are gone are left out."""
        with self._database.read() as connection:
            return {
                row[0]: row[1]
                for part in _parts(keys)
                for row in connection.execute(f"SELECT key, document FROM {unit}s WHERE key IN ({_marks(part)})", part)
            }

    def units_of(self, unit: str, documents: Iterable[int]) -> list[int]:
        """Keys of all passages or lessons of these documents."""
        with self._database.read() as connection:
            return [
                row[0]
                for part in _parts(documents)
                for row in connection.execute(f"SELECT key FROM {unit}s WHERE document IN ({_marks(part)})", part)
            ]

    def bundles(self, keys: Sequence[int], fingerprint: str) -> list[Bundle]:
        """What is known of these documents, in their order; documents that are gone are left out."""
        with self._database.read() as connection:
            return self._bundles.read(connection, keys, fingerprint)


def _parts(keys: Iterable[T]) -> list[list[T]]:
    """The keys in parts that one statement takes."""
    listed = list(keys)
    return [listed[start : start + MANY] for start in range(0, len(listed), MANY)]


def _marks(part: Sequence[object]) -> str:
    return ", ".join("?" * len(part))
