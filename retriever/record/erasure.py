"""Removing for good: rows, and everything on disk that still spells what was in them.

A deleted row leaves its words in the write-ahead log, in the segments of the word index, in generations of the vector
index and in copies of the record. `forget` marks what has to go in the same transaction that deletes the rows, so that
a kill in between is made good by whoever opens the memory next.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path

from retriever.errors import NotAMemory, NotFound, RecordDamaged
from retriever.lesson import normalised
from retriever.record.copies import BESIDE, PARTIAL, explained, is_copy
from retriever.record.database import FILE_NAME, Database
from retriever.record.documents import delete_documents
from retriever.record.draft import Outcome
from retriever.record.portable import is_export
from retriever.record.remarks import forget_remarks
from retriever.record.schema import SCHEMA_VERSION, WORD_TABLES
from retriever.record.sense_rows import drop_unheld

# Names in `meta`: ids of documents whose words may still be on disk, the last generation with their embeddings, and how
# many requests to erase there were.
PAGES, INDEX, REQUESTS = "erase_pages", "erase_index", "erase_requests"
_EVERYTHING = "*"
_NOT_COPIES = frozenset({"index", "models", FILE_NAME, *(FILE_NAME + suffix for suffix in BESIDE)})


class Erasure:
    """What was forgotten, and what is still to be done about it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget(self, document_id: str) -> Outcome:
        """The document is gone from every table; `finish` takes its words from the disk. Raises NotFound."""
        with self._database.write() as connection:
            found = _delete(connection, document_id)
            if found is None:
                raise NotFound(f"There is no document with the id {document_id!r}.")
            outcome, row = found
            connection.execute(
                "INSERT OR REPLACE INTO forgotten (source, path, part, sha256) VALUES (?, ?, ?, ?)",
                (row["source"], row["path"], row["part"], row["sha256"] or ""),
            )
            _mark(connection, document_id)
        return outcome

    def forget_leftovers(self) -> None:
        """What was removed or edited out at any time is to leave the disk too, with all copies in the home."""
        with self._database.write() as connection:
            _mark(connection, _EVERYTHING)

    def is_pending(self) -> bool:
        """Whether words of what was forgotten may still be on disk."""
        return self._value(PAGES) is not None

    def finish(self) -> tuple[Path, ...]:
        """No page, log, word index or copy in the home spells what was forgotten; gives the copies that were removed.

        Takes time in proportion to the record. Raises StoreError when it could not be done; then it is still pending.
        """
        with self._database.read():
            pending, requests = self._value(PAGES), self._value(REQUESTS)
        if pending is None:
            return ()
        removed = _purge_copies(self._database.path.parent, json.loads(pending))
        with self._database.write() as connection:
            for table in WORD_TABLES:
                connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
            drop_unheld(connection)
        self._database.compact()
        with self._database.write() as connection:
            # Unless anybody asked for more meanwhile, and be it for the same again.
            if _meta(connection, REQUESTS) == requests:
                connection.execute("DELETE FROM meta WHERE name = ?", (PAGES,))
        return removed

    def covers(self, generation: int) -> bool:
        """Whether this generation of the vector index may hold embeddings of what was forgotten."""
        return int(self._value(INDEX) or 0) >= generation

    def _value(self, name: str) -> str | None:
        with self._database.read() as connection:
            return _meta(connection, name)


def _delete(connection: sqlite3.Connection, document_id: str) -> tuple[Outcome, sqlite3.Row] | None:
    """What went, and where it was, once no table holds the document or what people said about it."""
    row: sqlite3.Row | None = connection.execute(
        """SELECT d.key, d.source, d.path, d.part, CAST(d.text AS BLOB) AS raw_text, f.sha256 FROM documents d
           LEFT JOIN files f ON f.key = d.file WHERE d.id = ?""",
        (document_id,),
    ).fetchone()
    if row is None:
        return None
    outcome = delete_documents(connection, [row["key"]])
    forget_remarks(connection, document_id)
    _take_from_boilerplate(connection, row["source"], row["raw_text"].decode(errors="replace"))
    return outcome, row


def _meta(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def _mark(connection: sqlite3.Connection, what: str) -> None:
    marked = dict.fromkeys([*json.loads(_meta(connection, PAGES) or "[]"), what])
    requests = int(_meta(connection, REQUESTS) or 0) + 1
    newest = connection.execute("SELECT coalesce(max(number), 0) FROM generations").fetchone()[0]
    connection.executemany(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
        [(PAGES, json.dumps(list(marked))), (INDEX, str(newest)), (REQUESTS, str(requests))],
    )


def _take_from_boilerplate(connection: sqlite3.Connection, source: int, text: str) -> None:
    """Lines that may stand in the text are forgotten too; the next ingest finds those again that others share."""
    known = json.loads(connection.execute("SELECT boilerplate FROM sources WHERE key = ?", (source,)).fetchone()[0])
    words = set(normalised(text).split())
    kept = [line for line in known if not words.issuperset(line.split())]
    connection.execute(
        "UPDATE sources SET boilerplate = ?, is_settled = 0, revision = revision + 1 WHERE key = ?",
        (json.dumps(kept, ensure_ascii=False), source),
    )


def _purge_copies(home: Path, marked: Collection[str]) -> tuple[Path, ...]:
    """Copies lose the marked documents, or go where that cannot be: of another version, damaged, or text.

    Raises StoreError when there is no room to change one; it is then left as it is.
    """
    removed = []
    for path in _copies(home):
        if _EVERYTHING in marked or not _is_purged(path, marked):
            removed.append(path)
            for suffix in ("", *BESIDE):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
    return tuple(removed)


def _copies(home: Path) -> Iterator[Path]:
    for entry in sorted(home.iterdir()):
        if entry.name in _NOT_COPIES:
            continue
        for path in [entry] if entry.is_file() else sorted(entry.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            if is_copy(path) or is_export(path) or path.suffix == PARTIAL:
                yield path


def _is_purged(path: Path, document_ids: Collection[str]) -> bool:
    """Whether the copy no longer holds the documents; not when it is none that this version can read and change."""
    try:
        with explained(path), contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
                return False
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")
            for identity in document_ids:
                _delete(connection, identity)
            drop_unheld(connection)
            for table in WORD_TABLES:
                connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
            connection.commit()
            connection.execute("VACUUM")
    except (RecordDamaged, NotAMemory):
        return False
    return True
