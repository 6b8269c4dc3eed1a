"""Whether what is stored is what was written: SQLite's own check of the file, and checksums of texts and embeddings.

SQLite notices a page that makes no sense, and not one in which a letter or a number has changed.
"""

from __future__ import annotations

import sqlite3
import zlib
from typing import TYPE_CHECKING

from retriever.lesson import digest

if TYPE_CHECKING:
    from retriever.record.database import Database


class Soundness:
    """The checks of a record; they read everything and change nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def structural_damage(self) -> tuple[str, ...]:
        """What SQLite's own check finds wrong with the file, nothing when it is sound."""
        with self._database.read() as connection:
            return structural_damage(connection)

    def damaged_texts(self) -> tuple[str, ...]:
        """Ids of documents whose text, or a lesson's share of it, is not what was written."""
        with self._database.read() as connection:
            return damaged_texts(connection)

    def damaged_embeddings(self) -> tuple[str, ...]:
        """Ids of documents of which an embedding does not match its checksum."""
        with self._database.read() as connection:
            return damaged_embeddings(connection)


def structural_damage(connection: sqlite3.Connection) -> tuple[str, ...]:
    """What is wrong with the file behind the connection, at most 20 things."""
    return tuple(row[0] for row in connection.execute("PRAGMA quick_check(20)") if row[0] != "ok")


def damaged_texts(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Ids of documents, in order of their keys."""
    lessons: dict[int, list[tuple[int, int, str]]] = {}
    for key, start, end, text in connection.execute("SELECT document, start, end, text FROM lessons"):
        lessons.setdefault(key, []).append((start, end, text))
    return tuple(
        identity
        for key, identity, text, checksum in connection.execute(
            "SELECT key, id, text, checksum FROM documents ORDER BY key"
        )
        if digest(text) != checksum or any(text[start:end] != said for start, end, said in lessons.get(key, ()))
    )


def damaged_embeddings(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Ids of documents, in order of their keys."""
    found: set[int] = set()
    for query in (
        "SELECT u.document, e.checksum, e.embedding FROM embeddings e JOIN passages u ON u.key = e.owner "
        "WHERE e.unit = 'passage'",
        "SELECT u.document, e.checksum, e.embedding FROM embeddings e JOIN lessons u ON u.key = e.owner "
        "WHERE e.unit = 'lesson'",
        "SELECT document, checksum, embeddings FROM sentences",
    ):
        found.update(row[0] for row in connection.execute(query) if zlib.crc32(row[2]) != row[1])
    return tuple(
        row[0] for key in sorted(found) for row in connection.execute("SELECT id FROM documents WHERE key = ?", (key,))
    )
