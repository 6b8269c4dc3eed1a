"""Digests of the lines of each document: what a source's documents share is found without reading them again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.record.database import Database
from retriever.record.draft import LineDigests
from retriever.record.rows import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SourceLines:
    """The digests of all documents of a source, one under the other, int64; `owners` has the document key of each.

    Those of a template are so marked, and of the others those that count: they are boilerplate where many documents
    hold them. `documents` is how many there are.
    """

    documents: int
    owners: NDArray[Any]
    digests: NDArray[Any]
    counts: NDArray[Any]
    is_template: NDArray[Any]


class Lines:
    """The lines of a source's documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, source: Source) -> SourceLines:
        """All that are known."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT n.document, n.is_template, n.counted, n.others FROM document_lines n
                   JOIN documents d ON d.key = n.document WHERE d.source = ? ORDER BY n.document""",
                (source.key,),
            ).fetchall()
        sizes = np.asarray([(len(row["counted"]) // 8, len(row["others"]) // 8) for row in rows], np.int64).reshape(
            -1, 2
        )
        joined = b"".join(row[column] for row in rows for column in ("counted", "others"))
        totals = sizes.sum(axis=1)
        return SourceLines(
            len(rows),
            np.repeat(np.asarray([row["document"] for row in rows], np.int64), totals),
            np.frombuffer(joined, np.int64),
            np.repeat(np.tile(np.asarray([True, False]), len(rows)), sizes.ravel()),
            np.repeat(np.asarray([bool(row["is_template"]) for row in rows], bool), totals),
        )

    def missing(self, source: Source) -> tuple[tuple[int, str, str], ...]:
        """(key, path, text) of the source's documents whose lines are not known."""
        with self._database.read() as connection:
            rows = connection.execute(
                """SELECT key, path, text FROM documents d WHERE source = ?
                   AND NOT EXISTS (SELECT 1 FROM document_lines n WHERE n.document = d.key) ORDER BY key""",
                (source.key,),
            ).fetchall()
        return tuple((row["key"], row["path"], row["text"]) for row in rows)

    def add(self, found: Iterable[tuple[int, LineDigests]]) -> None:
        """These documents have these lines; one that is gone meanwhile is passed over."""
        with self._database.write() as connection:
            for key, lines in found:
                if connection.execute("SELECT 1 FROM documents WHERE key = ?", (key,)).fetchone():
                    write_lines(connection, key, lines)

    def paths(self, documents: Iterable[int]) -> tuple[str, ...]:
        """The distinct paths of these documents, in order."""
        with self._database.read() as connection:
            found = (connection.execute("SELECT path FROM documents WHERE key = ?", (key,)) for key in documents)
            return tuple(sorted({row[0] for rows in found for row in rows}))

    def text(self, document: int) -> str:
        """The document's text, "" when it is gone."""
        with self._database.read() as connection:
            row = connection.execute("SELECT text FROM documents WHERE key = ?", (document,)).fetchone()
        return str(row[0]) if row else ""


def write_lines(connection: sqlite3.Connection, document: int, lines: LineDigests | None) -> None:
    """The document has these lines; with None they are not known."""
    if lines is None:
        connection.execute("DELETE FROM document_lines WHERE document = ?", (document,))
        return
    connection.execute(
        "INSERT OR REPLACE INTO document_lines (document, is_template, counted, others) VALUES (?, ?, ?, ?)",
        (document, lines.is_template, lines.counted.tobytes(), lines.others.tobytes()),
    )
