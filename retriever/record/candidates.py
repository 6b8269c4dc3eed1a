"""What might answer a question: documents and lessons by their words, and everything about a few of them."""

from __future__ import annotations

import logging
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.lesson import Document, Filters, Lesson, Passage
from retriever.record.checksums import RAW_TEXT, is_intact, text_of
from retriever.record.conditions import document_condition, lesson_condition
from retriever.record.database import Database
from retriever.record.rows import (
    DOCUMENT_COLUMNS,
    SPAN_COLUMNS,
    document_from_row,
    lesson_from_row,
    link_home,
    passage_from_row,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

_MATCHES = """SELECT w.rowid AS key, -bm25(document_words, ?, ?, ?, ?) AS score FROM document_words w
    WHERE document_words MATCH ? {} ORDER BY score DESC, w.rowid LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything about one document that a question may have to look at.

    `spans` are int32 (n, 2) into the document's text, `owners` int32 (n) the index of each sentence's passage,
    `embeddings` float16 (n, dim), `pieces` and `piece_ends` int32. `tokens` has one tuple a sentence; `title`,
    `labels` and `headings` are tokens too. The `silent` sentences are those of lessons that people hid: they have
    their place, and neither words nor meaning.
    """

    key: int
    document: Document
    url_template: str | None
    lessons: tuple[Lesson, ...]
    passages: tuple[Passage, ...]
    spans: NDArray[Any]
    owners: NDArray[Any]
    embeddings: NDArray[Any]
    pieces: NDArray[Any]
    piece_ends: NDArray[Any]
    tokens: tuple[tuple[str, ...], ...]
    title: tuple[str, ...]
    labels: tuple[str, ...]
    headings: tuple[str, ...]
    silent: frozenset[int] = frozenset()

    def document_at(self, line: int) -> Document:
        """The document with its link home at this line."""
        if self.url_template is None:
            return self.document
        url = link_home(self.url_template, self.document.path, line)
        return replace(self.document, meta=replace(self.document.meta, url=url))

    def passage_at(self, offset: int) -> int:
        """The 1-based number of the passage in which the character at `offset` stands."""
        return max(1, sum(item.start <= offset for item in self.passages))


class Candidates:
    """The record as search needs it; documents are named by their integer keys here."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
            return {token: _frequency(connection, token) for token in dict.fromkeys(tokens)}

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
        with self._database.read() as connection:
            condition = ""
            if allowed is not None:
                _fill_allowed(connection, allowed)
                condition = "AND w.rowid IN (SELECT key FROM temp.allowed)"
            rows = connection.execute(_MATCHES.format(condition), (*weights, match, limit)).fetchall()
        return [(row["key"], row["score"]) for row in rows]

    def documents_of(self, unit: str, keys: Iterable[int]) -> dict[int, int]:
        """{passage or lesson key: its document's key}; keys that are gone are left out."""
        with self._database.read() as connection:
            found = {}
            for key in keys:
                row = connection.execute(f"SELECT document FROM {unit}s WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    found[key] = row[0]
        return found

    def units_of(self, unit: str, documents: Iterable[int]) -> list[int]:
        """Keys of all passages or lessons of these documents."""
        with self._database.read() as connection:
            return [
                row[0]
                for document in documents
                for row in connection.execute(f"SELECT key FROM {unit}s WHERE document = ?", (document,))
            ]

    def bundles(self, keys: Iterable[int], fingerprint: str) -> list[Bundle]:
        """What is known of these documents, in their order; documents that are gone are left out."""
        with self._database.read() as connection:
            return [bundle for key in keys if (bundle := _bundle(connection, key, fingerprint)) is not None]


def _bundle(connection: sqlite3.Connection, key: int, fingerprint: str) -> Bundle | None:
    row = connection.execute(
        f"""SELECT {DOCUMENT_COLUMNS}, {RAW_TEXT}, w.title AS title_words, w.labels, w.headings, w.body
            FROM documents d JOIN sources s ON s.key = d.source
            JOIN document_words w ON w.rowid = d.key WHERE d.key = ?""",
        (key,),
    ).fetchone()
    if row is None:
        return None
    if not is_intact(row["raw_text"], row["checksum"]):
        logger.error("the stored text of %s is damaged and not shown; ingest its folder again", row["path"])
        return None
    document = document_from_row(row, text_of(row))
    rows = connection.execute(f"SELECT {SPAN_COLUMNS} FROM lessons l WHERE document = ? ORDER BY number", (key,))
    lessons = [lesson_from_row(lesson, document.id, document.text) for lesson in rows]
    passages = connection.execute("SELECT start, end, section FROM passages WHERE document = ? ORDER BY number", (key,))
    arrays = connection.execute(
        "SELECT * FROM sentences WHERE document = ? ORDER BY fingerprint = ? DESC LIMIT 1", (key, fingerprint)
    ).fetchone()
    if arrays is None:
        return None
    spans = np.frombuffer(arrays["spans"], np.int32).reshape(-1, 2)
    is_usable = arrays["fingerprint"] == fingerprint and zlib.crc32(arrays["embeddings"]) == arrays["checksum"]
    embeddings = np.frombuffer(arrays["embeddings"] if is_usable else b"", np.float16)
    bundle = Bundle(
        key=key,
        document=document,
        url_template=row["url_template"],
        lessons=tuple(lesson for lesson in lessons if not lesson.remarks.hidden),
        passages=tuple(passage_from_row(passage) for passage in passages),
        spans=spans,
        owners=np.frombuffer(arrays["passages"], np.int32),
        embeddings=embeddings.reshape(len(spans) if is_usable else 0, -1)
        if embeddings.size
        else embeddings.reshape(0, 0),
        pieces=np.frombuffer(arrays["pieces"], np.int32),
        piece_ends=np.frombuffer(arrays["piece_ends"], np.int32),
        tokens=tuple(tuple(line.split()) for line in row["body"].split("\n")) if len(spans) else (),
        title=tuple(row["title_words"].split()),
        labels=tuple(row["labels"].split()),
        headings=tuple(row["headings"].split()),
    )
    return _silenced(bundle, [lesson for lesson in lessons if lesson.remarks.hidden])


def _silenced(bundle: Bundle, hidden: Sequence[Lesson]) -> Bundle:
    """The bundle without what only the hidden lessons say."""
    if not hidden:
        return bundle
    mute = _touched(bundle.spans, hidden) & ~_touched(bundle.spans, bundle.lessons)
    sizes = np.diff(bundle.piece_ends, prepend=0)
    return replace(
        bundle,
        embeddings=np.where(mute[:, None], 0, bundle.embeddings) if len(bundle.embeddings) else bundle.embeddings,
        pieces=bundle.pieces[np.repeat(~mute, sizes)],
        piece_ends=np.cumsum(np.where(mute, 0, sizes), dtype=np.int32),
        tokens=tuple(() if is_mute else line for is_mute, line in zip(mute, bundle.tokens, strict=True)),
        silent=frozenset(np.flatnonzero(mute).tolist()),
    )


def _touched(spans: NDArray[Any], lessons: Sequence[Lesson]) -> NDArray[np.bool_]:
    """For each sentence whether it is part of one of the lessons."""
    found = np.zeros(len(spans), bool)
    for lesson in lessons:
        found |= (spans[:, 1] > lesson.start) & (spans[:, 0] < lesson.end)
    return found


def _fill_allowed(connection: sqlite3.Connection, allowed: frozenset[int]) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS allowed (key INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM temp.allowed")
    connection.executemany("INSERT INTO temp.allowed (key) VALUES (?)", ((key,) for key in allowed))


def _frequency(connection: sqlite3.Connection, token: str) -> int:
    row = connection.execute("SELECT doc FROM document_vocabulary WHERE term = ?", (token,)).fetchone()
    return int(row[0]) if row else 0
