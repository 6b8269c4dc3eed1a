"""Which model a memory belongs to, and the move of a whole memory to another one."""

from __future__ import annotations

import json
import sqlite3

from retriever.record.database import Database
from retriever.record.documents import record_document, write_embedding, write_sentences
from retriever.record.draft import Draft, Embedded
from retriever.record.packing import OWNER_BITS, UNITS, place_of, places_of
from retriever.record.rows import source_from_row
from retriever.record.sense_rows import drop_senses

_WITHOUT = """SELECT id FROM documents d WHERE NOT EXISTS
    (SELECT 1 FROM sentences n WHERE n.document = d.key AND n.fingerprint = ?) ORDER BY key"""


class EmbeddingStore:
    """The model of a memory; embeddings by another one are written beside those in use until the switch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def model(self) -> str | None:
        """The fingerprint of the model that embedded the memory, None before there is anything in it."""
        with self._database.read() as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = 'model'").fetchone()
        return row[0] if row else None

    def documents(self) -> tuple[str, ...]:
        """Ids of all documents, in the order in which they came."""
        with self._database.read() as connection:
            return tuple(row[0] for row in connection.execute("SELECT id FROM documents ORDER BY key"))

    def documents_without(self, fingerprint: str) -> tuple[str, ...]:
        """Ids of the documents that this model has not embedded, in the order in which they came."""
        with self._database.read() as connection:
            return tuple(row[0] for row in connection.execute(_WITHOUT, (fingerprint,)))

    def missing(self, fingerprint: str) -> int:
        """How many passages and lessons have no embedding by this model."""
        with self._database.read() as connection:
            return sum(_missing(connection, unit, fingerprint) for unit in UNITS)

    def boilerplate_of(self, document_id: str) -> frozenset[str]:
        """The boilerplate lines of the document's source."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT s.boilerplate FROM sources s JOIN documents d ON d.source = s.key WHERE d.id = ?",
                (document_id,),
            ).fetchone()
        return frozenset(json.loads(row[0])) if row else frozenset()

    def store(self, document_id: str, draft: Draft, embedded: Embedded) -> None:
        """The document's passages, lessons and sentences have these embeddings; what other models made stays.

        Where an upgrade extracts something else than what is stored, the document is recorded anew from its text.
        """
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT key, source, file, path FROM documents WHERE id = ?", (document_id,)
            ).fetchone()
            if row is None:
                return
            if not _is_stored(connection, row["key"], draft):
                source = connection.execute("SELECT * FROM sources WHERE key = ?", (row["source"],)).fetchone()
                record_document(connection, (source_from_row(source), row["file"], row["path"]), draft, embedded)
            for unit, digests, vectors in (
                ("passage", draft.passage_digests, embedded.passages),
                ("lesson", tuple(item.digest for item in draft.lessons), embedded.lessons),
            ):
                by_digest = dict(zip(digests, vectors, strict=True))
                owners = connection.execute(f"SELECT key, digest FROM {unit}s WHERE document = ?", (row["key"],))
                for owner in owners.fetchall():
                    key = (unit, owner["key"])
                    write_embedding(connection, key, by_digest[owner["digest"]], embedded.fingerprint)
            write_sentences(connection, row["key"], draft, embedded)

    def adopt(self, fingerprint: str) -> bool:
        """Whether the memory now belongs to this model alone; not while there is a document it has not embedded."""
        with self._database.write() as connection:
            if connection.execute(_WITHOUT, (fingerprint,)).fetchone() is not None:
                return False
            connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('model', ?)", (fingerprint,))
            connection.execute("DELETE FROM sentences WHERE fingerprint <> ?", (fingerprint,))
            drop_senses(connection, but=fingerprint)
            connection.execute("DELETE FROM models WHERE fingerprint <> ?", (fingerprint,))
            places = [place for unit in UNITS for place in places_of(connection, unit)]
            connection.execute(
                f"DELETE FROM embeddings WHERE key >> {OWNER_BITS} NOT IN ({', '.join('?' * len(places))})",
                [place >> OWNER_BITS for place in places],
            )
        return True


def _missing(connection: sqlite3.Connection, unit: str, fingerprint: str) -> int:
    place = place_of(connection, unit, fingerprint)
    has_one = "EXISTS (SELECT 1 FROM embeddings e WHERE e.key = u.key + ?)"
    condition, values = (f" u WHERE NOT {has_one}", (place,)) if place is not None else ("", ())
    return int(connection.execute(f"SELECT count(*) FROM {unit}s{condition}", values).fetchone()[0])


def _is_stored(connection: sqlite3.Connection, key: int, draft: Draft) -> bool:
    stored = {
        unit: sorted(
            row[0] for row in connection.execute(f"SELECT digest FROM {unit}s WHERE document = ?", (key,)).fetchall()
        )
        for unit in ("passage", "lesson")
    }
    found = {"passage": sorted(draft.passage_digests), "lesson": sorted(item.digest for item in draft.lessons)}
    return stored == found
