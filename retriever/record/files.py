"""The writing half of the record: sources, the files seen in them, and the documents that came out of each file."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.lesson import Document
from retriever.record.checksums import RAW_TEXT, is_intact
from retriever.record.database import Database
from retriever.record.documents import delete_documents, hold_model, record_document
from retriever.record.draft import Draft, Embedded, FileReading, FileState, Outcome
from retriever.record.rows import DOCUMENT_COLUMNS, Source, document_from_row, source_from_row

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Files:
    """Sources, files, and what each file holds. Every method that changes something is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sources(self) -> tuple[Source, ...]:
        """All sources, by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM sources ORDER BY name").fetchall()
        return tuple(source_from_row(row) for row in rows)

    def open_source(self, name: str, root: str | None, url_template: str | None) -> Source:
        """The source of that name, made or brought up to date; an absent template leaves the known one."""
        with self._database.write() as connection:
            connection.execute(
                """INSERT INTO sources (name, root, url_template, created_at) VALUES (?, ?, ?, ?)
                   ON CONFLICT (name) DO UPDATE SET root = excluded.root,
                   url_template = coalesce(excluded.url_template, url_template)""",
                (name, root, url_template, now()),
            )
            row = connection.execute("SELECT * FROM sources WHERE name = ?", (name,)).fetchone()
        return source_from_row(row)

    def finish_source(self, source: Source, report: Mapping[str, Any]) -> None:
        """The source remembers that it was ingested just now, with this report."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE sources SET ingested_at = ?, report = ? WHERE key = ?",
                (now(), json.dumps(report), source.key),
            )

    def boilerplate(self, source: Source) -> Boilerplate:
        """The source's boilerplate lines, and whether they are known to be up to date."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT boilerplate, is_settled, revision FROM sources WHERE key = ?", (source.key,)
            ).fetchone()
        if row is None:
            return Boilerplate(frozenset(), is_settled=True, revision=0)
        return Boilerplate(frozenset(json.loads(row["boilerplate"])), bool(row["is_settled"]), row["revision"])

    def settle(self, source: Source, lines: frozenset[str], revision: int) -> None:
        """These are the source's boilerplate lines, unless its documents have changed since `revision`."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE sources SET boilerplate = ?, is_settled = 1 WHERE key = ? AND revision = ?",
                (json.dumps(sorted(lines), ensure_ascii=False), source.key, revision),
            )

    def damaged_paths(self, source: Source, path: str | None = None) -> frozenset[str]:
        """The files of the source, or the one at `path`, whose stored text does not match its checksum."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT d.path, {RAW_TEXT} FROM documents d WHERE d.source = ?1 AND (?2 IS NULL OR d.path = ?2)",
                (source.key, path),
            )
            return frozenset(row["path"] for row in rows if not is_intact(row["raw_text"], row["checksum"]))

    def states(self, source: Source) -> dict[str, FileState]:
        """{path: what is remembered of it} for every file of the source, also those no longer there."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT path, sha256, read_by, extracted_by, state, reason FROM files WHERE source = ?", (source.key,)
            ).fetchall()
        return {row["path"]: FileState(*row) for row in rows}

    def reading(self, source: Source, path: str) -> FileReading | None:
        """How the file was last read, None when it never was."""
        with self._database.read() as connection:
            row = connection.execute(
                """SELECT path, sha256, read_by, extracted_by FROM files
                   WHERE source = ? AND path = ? AND sha256 IS NOT NULL AND state = 'read'""",
                (source.key, path),
            ).fetchone()
        return FileReading(*row) if row else None

    def stored_paths(self, source: Source) -> tuple[str, ...]:
        """The paths of all files of the source that gave documents, in order."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT path FROM documents WHERE source = ? ORDER BY path", (source.key,)
            ).fetchall()
        return tuple(row[0] for row in rows)

    def stored(self, source: Source, path: str) -> tuple[Document, ...]:
        """The documents of a file as they were recorded, in that order, each with the url its own metadata gave."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"""SELECT {DOCUMENT_COLUMNS.replace("s.url_template", "NULL AS url_template")}, d.text
                    FROM documents d JOIN sources s ON s.key = d.source
                    WHERE d.source = ? AND d.path = ? ORDER BY d.key""",
                (source.key, path),
            ).fetchall()
        return tuple(document_from_row(row, row["text"]) for row in rows)

    def known_embeddings(self, source: Source, path: str, fingerprint: str) -> tuple[KnownSentences, ...]:
        """What is stored of the sentences of a file's documents, so that unchanged ones need not be embedded again."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"""SELECT {RAW_TEXT}, n.spans, n.embeddings, n.checksum AS crc FROM documents d
                   JOIN sentences n ON n.document = d.key AND n.fingerprint = ?
                   WHERE d.source = ? AND d.path = ?""",
                (fingerprint, source.key, path),
            ).fetchall()
        return tuple(
            _known_sentences(row)
            for row in rows
            if zlib.crc32(row["embeddings"]) == row["crc"] and is_intact(row["raw_text"], row["checksum"])
        )

    def record_file(
        self,
        source: Source,
        reading: FileReading,
        drafts: Sequence[tuple[Draft, Embedded]],
        based_on: Mapping[str, str] | None = None,
    ) -> Outcome:
        """The file's documents are exactly `drafts`, and nothing else of the source has changed.

        `based_on` is {part: checksum} of the stored texts that the drafts were made from, where they were: when the
        record holds others by now, another process was here, and nothing is done. Raises ModelError when the memory
        was embedded by another model.
        """
        with self._database.write() as connection:
            if based_on is not None and _checksums(connection, source, reading.path) != based_on:
                return Outcome()
            for _, embedded in drafts[:1]:
                hold_model(connection, embedded.fingerprint)
            file_key = _upsert_file(connection, source, reading)
            forgotten = _forgotten_parts(connection, source, reading)
            parts = set()
            outcome = Outcome()
            for draft, embedded in drafts:
                if (draft.part or "") in forgotten:
                    continue
                parts.add(draft.part or "")
                outcome += record_document(connection, (source, file_key, reading.path), draft, embedded)
            rows = connection.execute(
                "SELECT key, part FROM documents WHERE source = ? AND path = ?", (source.key, reading.path)
            ).fetchall()
            outcome += delete_documents(connection, [row["key"] for row in rows if row["part"] not in parts])
            if based_on is None:
                _unsettle(connection, source.key, outcome)
        return outcome

    def move_file(self, source: Source, old: str, new: str) -> None:
        """The file and its documents keep everything but their path; the file counts as not read at its new one.

        Nothing happens when another process has moved it already.
        """
        with self._database.write() as connection:
            where = (source.key, old)
            if connection.execute("SELECT 1 FROM files WHERE source = ? AND path = ?", where).fetchone() is None:
                return
            taken = connection.execute("SELECT key FROM documents WHERE source = ? AND path = ?", (source.key, new))
            delete_documents(connection, [row["key"] for row in taken.fetchall()])
            connection.execute("DELETE FROM files WHERE source = ? AND path = ?", (source.key, new))
            connection.execute("UPDATE files SET sha256 = NULL WHERE source = ? AND path = ?", where)
            for table in ("files", "documents", "forgotten"):
                connection.execute(f"UPDATE {table} SET path = ? WHERE source = ? AND path = ?", (new, source.key, old))

    def note_files(self, source: Source, state: str, reasons: Iterable[tuple[str, str]]) -> None:
        """Files that gave nothing this time are remembered with the (path, reason); what they gave before stays.

        Their hashes are forgotten, so that the next run tries again.
        """
        with self._database.write() as connection:
            connection.executemany(
                """INSERT INTO files (source, path, state, reason) VALUES (?, ?, ?, ?)
                   ON CONFLICT (source, path) DO UPDATE SET state = excluded.state, reason = excluded.reason,
                   sha256 = NULL WHERE (state, reason) IS NOT (excluded.state, excluded.reason)""",
                [(source.key, path, state, reason) for path, reason in reasons],
            )

    def drop_files(self, source: Source, paths: Iterable[str]) -> Outcome:
        """The files and every document they held are gone from the record."""
        outcome = Outcome()
        with self._database.write() as connection:
            for path in paths:
                rows = connection.execute(
                    "SELECT key FROM documents WHERE source = ? AND path = ?", (source.key, path)
                ).fetchall()
                outcome += delete_documents(connection, [row["key"] for row in rows])
                connection.execute("DELETE FROM files WHERE source = ? AND path = ?", (source.key, path))
            _unsettle(connection, source.key, outcome)
        return outcome


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """Lines that a source's documents share; `revision` counts the changes to its documents."""

    lines: frozenset[str]
    is_settled: bool
    revision: int


@dataclass(frozen=True, slots=True)
class KnownSentences:
    """A stored document's sentences: spans int32 (n, 2) into `text`, embeddings int8 (n, dim)."""

    text: str
    spans: NDArray[Any]
    embeddings: NDArray[Any]


def now() -> str:
    """The time, UTC, RFC 3339, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _upsert_file(connection: sqlite3.Connection, source: Source, reading: FileReading) -> int:
    row = connection.execute(
        """INSERT INTO files (source, path, sha256, read_by, extracted_by, state) VALUES (?, ?, ?, ?, ?, 'read')
           ON CONFLICT (source, path) DO UPDATE SET sha256 = excluded.sha256, read_by = excluded.read_by,
           extracted_by = excluded.extracted_by, state = 'read', reason = NULL RETURNING key""",
        (source.key, reading.path, reading.sha256, reading.read_by, reading.extracted_by),
    ).fetchone()
    return int(row[0])


def _checksums(connection: sqlite3.Connection, source: Source, path: str) -> dict[str, str]:
    rows = connection.execute(
        "SELECT part, checksum FROM documents WHERE source = ? AND path = ?", (source.key, path)
    ).fetchall()
    return {row["part"]: row["checksum"] for row in rows}


def _unsettle(connection: sqlite3.Connection, source_key: int, outcome: Outcome) -> None:
    """In the same transaction as what changed, so that no kill can come between."""
    if outcome != Outcome():
        connection.execute("UPDATE sources SET is_settled = 0, revision = revision + 1 WHERE key = ?", (source_key,))


def _forgotten_parts(connection: sqlite3.Connection, source: Source, reading: FileReading) -> set[str]:
    where = (source.key, reading.path, reading.sha256)
    # A document whose file could not be read when it was forgotten: the bytes are known from now on.
    connection.execute("UPDATE forgotten SET sha256 = ?3 WHERE source = ?1 AND path = ?2 AND sha256 = ''", where)
    connection.execute("DELETE FROM forgotten WHERE source = ? AND path = ? AND sha256 <> ?", where)
    rows = connection.execute("SELECT part FROM forgotten WHERE source = ? AND path = ? AND sha256 = ?", where)
    return {row["part"] for row in rows}


def _known_sentences(row: sqlite3.Row) -> KnownSentences:
    spans = np.frombuffer(row["spans"], np.int32).reshape(-1, 2)
    embeddings = np.frombuffer(row["embeddings"], np.int8)
    return KnownSentences(
        row["raw_text"].decode(), spans, embeddings.reshape((len(spans), -1) if embeddings.size else (0, 0))
    )
