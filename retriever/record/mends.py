"""What people mended about documents: applied whenever one is recorded, with what it says itself kept beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from retriever import words
from retriever.errors import InvalidQuery, NotFound
from retriever.lesson import MENDABLE, MENDED, SHARED_SOURCE, Metadata
from retriever.record.database import Database
from retriever.record.events import log_event
from retriever.record.rows import moment

# A shared lesson says these itself: they are changed by rewording it.
_TOLD = ("date", "team")


class Mends:
    """Corrections of documents, by their ids, so that they outlive every ingest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mend(self, document_id: str, changes: Mapping[str, str | None], *, by: str = "") -> None:
        """The document has these values from now on; None gives a field back to what the document says itself.

        Raises NotFound, and InvalidQuery for what a shared lesson says itself.
        """
        with self._database.write() as connection:
            row = connection.execute(
                """SELECT d.*, s.name AS source_name FROM documents d JOIN sources s ON s.key = d.source
                   WHERE d.id = ?""",
                (document_id,),
            ).fetchone()
            if row is None:
                raise NotFound(f"There is no document with the id {document_id!r}.")
            for field, value in changes.items():
                if row["source_name"] == SHARED_SOURCE and field in _TOLD:
                    raise InvalidQuery(f"A person told this lesson's {field}: reword the lesson to change it.", field)
                _change(connection, row, field, value, by)
            _rewrite_team(connection, row)
            log_event(connection, "document.changed", document_id, mended=sorted(changes))


def as_mended(connection: sqlite3.Connection, document_id: str, meta: Metadata) -> Metadata:
    """`meta` with what people mended; what it says itself is remembered, unless it comes mended already."""
    rows = connection.execute("SELECT field, value FROM mends WHERE document_id = ?", (document_id,)).fetchall()
    origins = dict(meta.origins)
    for row in rows:
        field = row["field"]
        if origins.get(field) != MENDED:
            connection.execute(
                "UPDATE mends SET extracted = ?, origin = ? WHERE document_id = ? AND field = ?",
                (getattr(meta, field), origins.get(field), document_id, field),
            )
        meta = replace(meta, **{field: row["value"]})
        origins[field] = MENDED
    return replace(meta, origins=tuple(origins.items())) if rows else meta


def _change(connection: sqlite3.Connection, row: sqlite3.Row, field: str, value: str | None, by: str) -> None:
    assert field in MENDABLE
    key, document_id = row["key"], row["id"]
    known = connection.execute(
        "SELECT extracted, origin FROM mends WHERE document_id = ? AND field = ?", (document_id, field)
    ).fetchone()
    own = (known["extracted"], known["origin"]) if known else (row[field], _origin(connection, key, field))
    if value is None:
        connection.execute("DELETE FROM mends WHERE document_id = ? AND field = ?", (document_id, field))
        _set(connection, key, field, own)
        return
    connection.execute(
        """INSERT OR REPLACE INTO mends (document_id, field, value, extracted, origin, by, at)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (document_id, field, value, *own, by, moment()),
    )
    _set(connection, key, field, (value, MENDED))


def _origin(connection: sqlite3.Connection, key: int, field: str) -> Any:
    found = connection.execute(
        "SELECT json_extract(o.value, '$[1]') FROM documents d, json_each(d.origins) o "
        "WHERE d.key = ? AND json_extract(o.value, '$[0]') = ?",
        (key, field),
    ).fetchone()
    return found[0] if found else None


def _set(connection: sqlite3.Connection, key: int, field: str, value: tuple[str | None, str | None]) -> None:
    """The document's field has this (value, origin)."""
    connection.execute(f"UPDATE documents SET {field} = ? WHERE key = ?", (value[0], key))
    connection.execute(
        """UPDATE documents SET origins = (SELECT json_group_array(json(o)) FROM
           (SELECT value AS o FROM json_each(documents.origins) WHERE json_extract(value, '$[0]') <> ?2
            UNION ALL SELECT json_array(?2, ?3) WHERE ?3 IS NOT NULL)) WHERE key = ?1""",
        (key, field, value[1]),
    )


def _rewrite_team(connection: sqlite3.Connection, before: sqlite3.Row) -> None:
    """The words by which the document is found name its team of now."""
    team = connection.execute("SELECT team FROM documents WHERE key = ?", (before["key"],)).fetchone()[0]
    old, new = (words.tokens(value or "") for value in (before["team"], team))
    if old == new:
        return
    row = connection.execute("SELECT labels FROM document_words WHERE rowid = ?", (before["key"],)).fetchone()
    labels = row["labels"].split()
    for token in old:
        labels.remove(token)
    connection.execute(
        "UPDATE document_words SET labels = ? WHERE rowid = ?", (" ".join((*labels, *new)), before["key"])
    )
    connection.execute("UPDATE documents SET tokens = tokens + ? WHERE key = ?", (len(new) - len(old), before["key"]))
