"""Writing one document with its lessons, passages, words and embeddings, inside somebody else's transaction."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from retriever import words
from retriever.errors import ModelError
from retriever.lesson import digest
from retriever.record.draft import Draft, DraftLesson, Embedded, Outcome
from retriever.record.events import log_event
from retriever.record.identity import KnownLesson, lesson_ids, mint_document_id
from retriever.record.lines import write_lines
from retriever.record.mends import as_mended
from retriever.record.packing import new_place, packed, packed_pieces, places_of
from retriever.record.rows import Source
from retriever.record.sense_rows import add_contexts

if TYPE_CHECKING:
    from retriever.embedder import Embeddings


def record_document(
    connection: sqlite3.Connection, where: tuple[Source, int | None, str], draft: Draft, embedded: Embedded
) -> Outcome:
    """The document at `where` (source, file, path) and the draft's part is exactly the draft."""
    source, file_key, path = where
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    row = connection.execute(
        "SELECT key, id, checksum FROM documents WHERE source = ? AND path = ? AND part = ?",
        (source.key, path, draft.part or ""),
    ).fetchone()
    checksum = digest(draft.text)
    is_new = row is None
    if row is None:
        row = _insert_document(connection, where, draft.part or "", moment)
    key, document_id = row["key"], row["id"]
    meta = as_mended(connection, document_id, draft.meta)
    if meta is not draft.meta:
        draft = replace(draft, meta=meta)
    _update_document(connection, key, draft, (file_key, checksum, moment))
    _write_passages(connection, key, draft, embedded)
    outcome = _write_lessons(connection, (key, document_id), draft, embedded)
    _write_words(connection, key, draft, path)
    # Last: what is written of a document that has sentences counts as an edit (retriever/record/kept.py).
    _write_sentences(connection, key, draft, embedded)
    write_lines(connection, key, draft.lines)
    if is_new:
        log_event(connection, "document.created", document_id)
        return outcome + Outcome(documents_new=1)
    if row["checksum"] != checksum:
        log_event(connection, "document.changed", document_id)
        return outcome + Outcome(documents_changed=1)
    return outcome


def delete_documents(connection: sqlite3.Connection, keys: Iterable[int]) -> Outcome:
    """The documents are gone from every table and every word index; the change log tells the vector index."""
    outcome = Outcome()
    for key in keys:
        document_id = connection.execute("SELECT id FROM documents WHERE key = ?", (key,)).fetchone()[0]
        passages = [row[0] for row in connection.execute("SELECT key FROM passages WHERE document = ?", (key,))]
        lessons = connection.execute("SELECT key, id FROM lessons WHERE document = ?", (key,)).fetchall()
        _delete_units(connection, "passage", passages)
        _delete_lessons(connection, document_id, [(row["key"], row["id"]) for row in lessons])
        connection.execute("DELETE FROM document_words WHERE rowid = ?", (key,))
        connection.execute("DELETE FROM documents WHERE key = ?", (key,))
        log_event(connection, "document.withdrawn", document_id)
        outcome += Outcome(documents_gone=1, lessons_gone=len(lessons))
    return outcome


def hold_model(connection: sqlite3.Connection, fingerprint: str) -> None:
    """The memory belongs to this model from now on. Raises ModelError when it belongs to another already.

    Checked in the transaction that writes, so that two processes with two models cannot mix their embeddings.
    """
    row = connection.execute("SELECT value FROM meta WHERE name = 'model'").fetchone()
    if row is None:
        connection.execute("INSERT INTO meta (name, value) VALUES ('model', ?)", (fingerprint,))
    elif row[0] != fingerprint:
        raise ModelError(
            f"This memory was embedded by another model ({row[0]}) than the one in use ({fingerprint}). Set the model "
            "of before with --model, or move the memory to this one with `lessons reindex`."
        )


def _insert_document(
    connection: sqlite3.Connection, where: tuple[Source, int | None, str], part: str, moment: str
) -> sqlite3.Row:
    source, file_key, path = where

    def is_taken(candidate: str) -> bool:
        return connection.execute("SELECT 1 FROM documents WHERE id = ?", (candidate,)).fetchone() is not None

    row: sqlite3.Row = connection.execute(
        """INSERT INTO documents (id, source, file, path, part, created_at, updated_at, checksum, text)
           VALUES (?, ?, ?, ?, ?, ?, ?, '', '') RETURNING key, id, checksum""",
        (mint_document_id(source.name, path, part, is_taken), source.key, file_key, path, part, moment, moment),
    ).fetchone()
    return row


def _update_document(
    connection: sqlite3.Connection, key: int, draft: Draft, facts: tuple[int | None, str, str]
) -> None:
    meta = draft.meta
    file_key, checksum, moment = facts
    connection.execute(
        """UPDATE documents SET file = ?, checksum = ?, updated_at = ?, text = ?, title = ?, date = ?, severity = ?,
           team = ?, owner = ?, service = ?, language = ?, url = ?, authors = ?, tags = ?, origins = ? WHERE key = ?""",
        (
            *(file_key, checksum, moment, draft.text, meta.title, meta.date, meta.severity),
            *(meta.team, meta.owner, meta.service, meta.language, meta.url),
            *(json.dumps(value, ensure_ascii=False) for value in (meta.authors, meta.tags, meta.origins)),
            key,
        ),
    )
    connection.execute("DELETE FROM document_tags WHERE document = ?", (key,))
    connection.executemany(
        "INSERT OR IGNORE INTO document_tags (tag, document) VALUES (?, ?)", [(tag, key) for tag in meta.tags]
    )


def _write_passages(connection: sqlite3.Connection, key: int, draft: Draft, embedded: Embedded) -> None:
    """Passages whose sentences stayed keep their row, so their embedding and their place in the index stay too."""
    known: dict[str, list[int]] = {}
    for row in connection.execute("SELECT key, digest FROM passages WHERE document = ? ORDER BY number", (key,)):
        known.setdefault(row["digest"], []).append(row["key"])
    for number, (span, text_digest) in enumerate(zip(draft.passages, draft.passage_digests, strict=True), start=1):
        keys = known.get(text_digest)
        if keys:
            connection.execute(
                "UPDATE passages SET number = ?, start = ?, end = ?, section = ? WHERE key = ?",
                (number, span.start, span.end, span.section, keys.pop(0)),
            )
            continue
        passage_key = connection.execute(
            """INSERT INTO passages (document, number, start, end, section, digest)
               VALUES (?, ?, ?, ?, ?, ?) RETURNING key""",
            (key, number, span.start, span.end, span.section, text_digest),
        ).fetchone()[0]
        write_embedding(connection, ("passage", passage_key), embedded.passages[number - 1], embedded.fingerprint)
    _delete_units(connection, "passage", [passage_key for keys in known.values() for passage_key in keys])


def _write_sentences(connection: sqlite3.Connection, key: int, draft: Draft, embedded: Embedded) -> None:
    connection.execute("DELETE FROM sentences WHERE document = ?", (key,))
    write_sentences(connection, key, draft, embedded)


def write_sentences(connection: sqlite3.Connection, key: int, draft: Draft, embedded: Embedded) -> None:
    """The document's sentences have these embeddings under this model; those of other models stay."""
    spans = np.asarray([(item.start, item.end) for item in draft.sentences], np.int32)
    owners = np.asarray([item.passage for item in draft.sentences], np.int32)
    pieces, ends = packed_pieces(embedded.pieces), embedded.piece_ends.tobytes()
    blobs = (spans.tobytes(), owners.tobytes(), pieces, ends, embedded.sentences.tobytes())
    # Not replaced, which no trigger would notice.
    connection.execute("DELETE FROM sentences WHERE document = ? AND fingerprint = ?", (key, embedded.fingerprint))
    connection.execute(
        """INSERT INTO sentences
           (document, fingerprint, checksum, spans, passages, pieces, piece_ends, embeddings)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (key, embedded.fingerprint, zlib.crc32(blobs[-1]), *blobs),
    )
    if embedded.contexts is not None:
        add_contexts(connection, embedded.fingerprint, embedded.contexts)


def _write_lessons(
    connection: sqlite3.Connection, document: tuple[int, str], draft: Draft, embedded: Embedded
) -> Outcome:
    key, document_id = document
    rows = connection.execute(
        "SELECT key, id, text, section, digest FROM lessons WHERE document = ? ORDER BY number", (key,)
    ).fetchall()
    known = {row["id"]: row for row in rows}
    found = [(draft.text[item.finding.start : item.finding.end], item.finding.section) for item in draft.lessons]
    known_lessons = [KnownLesson(row["id"], row["text"], row["section"]) for row in rows]
    given = [item.id for item in draft.lessons if item.id is not None]
    ids = given if given else lesson_ids(document_id, known_lessons, found)
    created = changed = 0
    for number, (identity, item) in enumerate(zip(ids, draft.lessons, strict=True), start=1):
        row = known.pop(identity, None)
        values = _lesson_values(item, number, draft.text)
        if row is None:
            created += 1
            lesson_key = _insert_lesson(connection, identity, key, values)
            log_event(connection, "lesson.created", document_id, identity)
        else:
            lesson_key = row["key"]
            connection.execute(f"{_UPDATE_LESSON} WHERE key = ?", (*values, lesson_key))
            if row["text"] != found[number - 1][0]:
                changed += 1
                log_event(connection, "lesson.changed", document_id, identity)
        if row is None or row["digest"] != item.digest:
            write_embedding(connection, ("lesson", lesson_key), embedded.lessons[number - 1], embedded.fingerprint)
    _delete_lessons(connection, document_id, [(row["key"], row["id"]) for row in known.values()])
    return Outcome(lessons_new=created, lessons_changed=changed, lessons_gone=len(known))


_UPDATE_LESSON = """UPDATE lessons SET number = ?, start = ?, end = ?, kind = ?, polarity = ?, section = ?, context = ?,
    rule = ?, digest = ?, text = ?"""


def _lesson_values(item: DraftLesson, number: int, text: str) -> tuple[object, ...]:
    """The values of _UPDATE_LESSON, in order."""
    finding = item.finding
    return (
        *(number, finding.start, finding.end, finding.kind, finding.polarity, finding.section, finding.context),
        *(finding.rule, item.digest, text[finding.start : finding.end]),
    )


def _insert_lesson(connection: sqlite3.Connection, identity: str, document_key: int, values: tuple[object, ...]) -> int:
    connection.execute("DELETE FROM tombstones WHERE lesson_id = ?", (identity,))
    row = connection.execute(
        """INSERT INTO lessons
           (id, document, number, start, end, kind, polarity, section, context, rule, digest, text)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key""",
        (identity, document_key, *values),
    ).fetchone()
    return int(row[0])


def write_embedding(
    connection: sqlite3.Connection, unit: tuple[str, int], embedding: Embeddings, fingerprint: str
) -> None:
    """The (unit, key) has this embedding under this model, and the vector index is told."""
    name, owner = unit
    blob = packed(embedding)
    connection.execute(
        "INSERT OR REPLACE INTO embeddings (key, checksum, embedding) VALUES (?, ?, ?)",
        (new_place(connection, name, fingerprint) + owner, zlib.crc32(blob), blob),
    )
    connection.execute("INSERT INTO changes (unit, owner) VALUES (?, ?)", unit)


def _write_words(connection: sqlite3.Connection, key: int, draft: Draft, path: str) -> None:
    meta = draft.meta
    labels = " ".join((path, *meta.tags, meta.team or "", meta.service or ""))
    fields = [" ".join(words.tokens(field)) for field in (meta.title or "", labels, draft.headings)]
    # One line a sentence, in the order of `sentences`, so that ranking can tell which sentence holds which words.
    lines = [" ".join(words.tokens(item.plain)) for item in draft.sentences]
    count = sum(len(field.split()) for field in (*fields, *lines))
    connection.execute("UPDATE documents SET tokens = ? WHERE key = ?", (count, key))
    connection.execute("DELETE FROM document_words WHERE rowid = ?", (key,))
    connection.execute(
        "INSERT INTO document_words (rowid, title, labels, headings, body) VALUES (?, ?, ?, ?, ?)",
        (key, *fields, "\n".join(lines)),
    )


def _delete_lessons(connection: sqlite3.Connection, document_id: str, lessons: Sequence[tuple[int, str]]) -> None:
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for _, identity in lessons:
        connection.execute(
            "INSERT OR REPLACE INTO tombstones (lesson_id, document_id, gone_at) VALUES (?, ?, ?)",
            (identity, document_id, moment),
        )
        log_event(connection, "lesson.withdrawn", document_id, identity)
    _delete_units(connection, "lesson", [key for key, _ in lessons])


def _delete_units(connection: sqlite3.Connection, unit: str, keys: Iterable[int]) -> None:
    places = places_of(connection, unit)
    for key in keys:
        connection.executemany("DELETE FROM embeddings WHERE key = ?", [(place + key,) for place in places])
        connection.execute("INSERT INTO changes (unit, owner) VALUES (?, ?)", (unit, key))
        connection.execute(f"DELETE FROM {unit}s WHERE key = ?", (key,))
