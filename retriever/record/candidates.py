"""What might answer a question: documents and lessons by their words, and everything about a few of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from retriever.lesson import Filters
from retriever.record.bundles import Bundle, Bundles
from retriever.record.changes import UNITS
from retriever.record.conditions import document_condition, lesson_condition
from retriever.record.database import Database
from retriever.record.kept import Kept, content_version

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bundle", "Candidates"]

T = TypeVar("T", int, str)

# SQLite takes more variables in one statement, and gains nothing by them.
MANY = 500

# Of so many words it is kept how many documents hold them.
KEPT_WORDS = 5000

# What is known of a passage's or lesson's document before it is read, and once it was found to be gone.
UNREAD, GONE = -1, -2

_MATCHES = """SELECT w.rowid AS key, -bm25(document_words, ?, ?, ?, ?) AS score FROM document_words w
    WHERE document_words MATCH ? {} ORDER BY score DESC, w.rowid LIMIT ?"""


class Candidates:
    """The record as search needs it; documents are named by their integer keys here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bundles = Bundles()
        self._frequencies: Kept[int] = Kept(KEPT_WORDS)
        self._owners: Kept[NDArray[np.int32]] = Kept(len(UNITS))

    @contextlib.contextmanager
    def at_one_state(self) -> Iterator[None]:
        """What is read in this block, in this thread, is all of one state of the record."""
        with self._database.read():
            yield

    def version(self) -> int:
        """A number that grows with every change to what an answer shows."""
        with self._database.read() as connection:
            return content_version(connection)

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
            version = content_version(connection)
            found = {token: self._frequencies.get(version, token) for token in tokens}
            unknown = dict.fromkeys((token for token, documents in found.items() if documents is None), 0)
            for part in _parts(unknown):
                query = f"SELECT term, doc FROM document_vocabulary WHERE term IN ({_marks(part)})"
                unknown.update((row[0], int(row[1])) for row in connection.execute(query, part))
        for token, documents in unknown.items():
            self._frequencies.put(version, token, documents)
        return {token: unknown[token] if documents is None else documents for token, documents in found.items()}

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
        listed = np.fromiter(keys, np.int64)
        with self._database.read() as connection:
            version = content_version(connection)
            owners = self._owners.get(version, unit)
            if owners is None:
                last = connection.execute(f"SELECT max(key) FROM {unit}s").fetchone()[0] or 0
                owners = np.full(last + 1, UNREAD, np.int32)
                self._owners.put(version, unit, owners)
            listed = listed[listed < len(owners)]
            for part in _parts(listed[owners[listed] == UNREAD].tolist()):
                query = f"SELECT key, document FROM {unit}s WHERE key IN ({_marks(part)})"
                documents = {row[0]: row[1] for row in connection.execute(query, part)}
                # Each place is set once and for good: other threads read it meanwhile.
                owners[part] = [documents.get(key, GONE) for key in part]
        found = zip(listed.tolist(), owners[listed].tolist(), strict=True)
        return {key: document for key, document in found if document != GONE}

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
