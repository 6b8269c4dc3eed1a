"""Whether what a connection reads is what was written: SQLite's own check, and checksums of what is stored.

SQLite notices a page that makes no sense, and not one in which a letter or a number has changed.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib

from retriever.errors import RecordDamaged
from retriever.record.packing import UNITS, places_of

# A text as bytes: one that is damaged may be no UTF-8 any more, and SQLite's module then gives nothing at all.
RAW_TEXT = "CAST(d.text AS BLOB) AS raw_text, d.checksum"

# Before this version an embedding's unit and owner had columns of their own.
_PACKED_FROM = 7

_OWNED = "SELECT u.document, e.checksum, e.embedding FROM {}s u JOIN embeddings e ON"


def is_intact(raw_text: bytes, checksum: str) -> bool:
    """Whether a document's text is what was written; `retriever.lesson.digest` made the checksum."""
    return hashlib.sha256(raw_text).hexdigest()[:16] == checksum


def text_of(row: sqlite3.Row) -> str:
    """The text of a row of RAW_TEXT and the document's `path`. Raises RecordDamaged when it is not what was written."""
    if not is_intact(row["raw_text"], row["checksum"]):
        raise RecordDamaged(
            f"The stored text of {row['path']!r} is not what was recorded. Ingest its folder again, which reads the "
            "file anew, or restore a backup; `lessons doctor` lists every such document."
        )
    return bytes(row["raw_text"]).decode()


def structural_damage(connection: sqlite3.Connection) -> tuple[str, ...]:
    """What is wrong with the file behind the connection, at most 20 things."""
    return tuple(row[0] for row in connection.execute("PRAGMA quick_check(20)") if row[0] != "ok")


def damaged_texts(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Ids of documents, in order of their keys."""
    lessons: dict[int, list[tuple[int, int, bytes]]] = {}
    for key, start, end, said in connection.execute("SELECT document, start, end, CAST(text AS BLOB) FROM lessons"):
        lessons.setdefault(key, []).append((start, end, said))

    def is_damaged(key: int, raw_text: bytes, checksum: str) -> bool:
        if not is_intact(raw_text, checksum):
            return True
        text = raw_text.decode()
        return any(text[start:end].encode() != said for start, end, said in lessons.get(key, ()))

    rows = connection.execute(f"SELECT d.key, d.id, {RAW_TEXT} FROM documents d ORDER BY d.key")
    return tuple(row[1] for row in rows if is_damaged(row[0], row[2], row[3]))


def damaged_embeddings(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Ids of documents, in order of their keys."""
    queries = ["SELECT document, checksum, embeddings FROM sentences"]
    if connection.execute("PRAGMA user_version").fetchone()[0] < _PACKED_FROM:
        # A copy that was made before.
        queries += [f"{_OWNED.format(unit)} e.owner = u.key AND e.unit = '{unit}'" for unit in UNITS]
    else:
        queries += [
            f"{_OWNED.format(unit)} e.key = u.key + {place}" for unit in UNITS for place in places_of(connection, unit)
        ]
    found: set[int] = set()
    for query in queries:
        found.update(row[0] for row in connection.execute(query) if zlib.crc32(row[2]) != row[1])
    return tuple(
        row[0] for key in sorted(found) for row in connection.execute("SELECT id FROM documents WHERE key = ?", (key,))
    )
